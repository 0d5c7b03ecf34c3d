#!/usr/bin/env python3
"""The published program's work as one writes it in PyTorch, to time beside this program's in the same minute.

Line by line: asked for a piece of work and a number of threads, such as "mlp 2", on standard input, it does the work
and answers with wall and processor milliseconds a step. `cargo bench` asks; by hand:

    echo "mlp 1" | python benches/peer/peer.py

Written from the paper (arXiv:2406.12916), not from its code: the same layers, losses and loops. At every batch the
network's forward pass, then one step of `torch.optim.Adam`, with its defaults, of each layer's reconstruction network
alone; to reconstruct, every depth walks back by itself, L²/2 layers in all.
"""

import sys
import time

import torch
from torch import nn

WIDTH = 784


def mlp(depth, head):
    """`wide`: linear and tanh, 784 numbers all the way, then 400 and 10 where there is a head."""
    sizes = [WIDTH] * (depth - 1) + [400, 10] if head else [WIDTH] * (depth + 1)
    pairs = list(zip(sizes, sizes[1:]))
    blocks = [nn.Sequential(nn.Linear(a, b), nn.Tanh()) for a, b in pairs]
    return blocks, [nn.Sequential(nn.Linear(b, a), nn.Tanh()) for a, b in pairs]


class Cut(nn.Module):
    """Pixels cut off at the edges."""

    def __init__(self, before, after):
        super().__init__()
        self.before, self.after = before, after

    def forward(self, x):
        return x[..., self.before : x.shape[-2] - self.after, self.before : x.shape[-1] - self.after]


class Residual(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return x + self.body(x)


def stem(channels):
    blocks, inverses = [], []
    for inputs, stride in [(1, 1), (channels, 2), (channels, 2)]:
        blocks.append(nn.Sequential(nn.Conv2d(inputs, channels, 3, stride, 1), nn.Tanh()))
        cut = Cut(1, 1) if stride == 1 else Cut(0, 1)
        inverses.append(nn.Sequential(nn.ConvTranspose2d(channels, inputs, 3, stride), nn.Tanh(), cut))
    return blocks, inverses


def back(channels):
    return [nn.ConvTranspose2d(channels, channels, 3), nn.Tanh(), Cut(1, 1)]


def cnn(depth, channels):
    """The stem, and convolutions behind it; the head has no part in a published cascade."""
    blocks, inverses = stem(channels)
    for _ in range(depth - 1):
        blocks.append(nn.Sequential(nn.Conv2d(channels, channels, 3), nn.Tanh(), nn.CircularPad2d(1)))
        inverses.append(nn.Sequential(*back(channels)))
    return blocks, inverses


def resnet(depth, channels):
    blocks, inverses = stem(channels)
    for _ in range(depth - 1):
        conv = lambda: [nn.Conv2d(channels, channels, 3), nn.CircularPad2d(1)]
        blocks.append(nn.Sequential(Residual(nn.Sequential(*conv(), nn.Tanh(), *conv())), nn.Tanh()))
        inverses.append(nn.Sequential(*back(channels), *back(channels)))
    return blocks, inverses


def activations(blocks, x):
    xs = [x]
    with torch.no_grad():
        for block in blocks:
            xs.append(block(xs[-1]))
    return xs


def train(blocks, inverses, batches):
    optimizers = [torch.optim.Adam(inverse.parameters()) for inverse in inverses]
    loss = nn.MSELoss()

    def work():
        for x in batches:
            xs = activations(blocks, x)
            for l, (inverse, optimizer) in enumerate(zip(inverses, optimizers)):
                optimizer.zero_grad()
                loss(inverse(xs[l + 1]), xs[l]).backward()
                optimizer.step()

    return work


def reconstruct(blocks, inverses, x):
    xs = activations(blocks, x)

    def work():
        with torch.no_grad():
            for depth in range(1, len(xs)):
                r = xs[depth]
                for inverse in reversed(inverses[:depth]):
                    r = inverse(r)

    return work


def learn(net, batches):
    """Whole networks: plain gradient descent on the cross-entropy, as published."""
    optimizer, loss = torch.optim.SGD(net.parameters(), lr=1e-3), nn.CrossEntropyLoss()
    labels = torch.arange(len(batches[0])) % 10

    def work():
        for x in batches:
            optimizer.zero_grad()
            loss(net(x), labels).backward()
            optimizer.step()

    return work


def head(channels):
    return [nn.Conv2d(channels, channels, 3), nn.Tanh(), nn.AvgPool2d(5), nn.Flatten(), nn.Linear(channels, 10, bias=False), nn.Tanh()]


def images(steps, batch):
    return [torch.rand(batch, 1, 28, 28) for _ in range(steps)]


# Each with how many steps it takes.
WORKS = {
    "mlp": lambda: (train(*mlp(20, True), [torch.rand(64, WIDTH) for _ in range(12)]), 12),
    "reconstruct": lambda: (reconstruct(*mlp(50, False), torch.rand(100, WIDTH)), 1),
    "mlp60": lambda: (train(*mlp(60, True), [torch.rand(64, WIDTH) for _ in range(6)]), 6),
    "reconstruct60": lambda: (reconstruct(*mlp(60, False), torch.rand(100, WIDTH)), 1),
    "cnn": lambda: (train(*cnn(20, 32), images(4, 100)), 4),
    "train_mlp": lambda: (learn(nn.Sequential(*mlp(50, True)[0]), [torch.rand(100, WIDTH) for _ in range(4)]), 4),
    "train_cnn": lambda: (learn(nn.Sequential(*cnn(20, 32)[0], *head(32)), images(4, 100)), 4),
    "resnet": lambda: (train(*resnet(10, 32), images(4, 100)), 4),
}


def main():
    torch.manual_seed(0)
    ready = {}
    print(f"PyTorch {torch.__version__}", flush=True)
    for line in sys.stdin:
        name, threads = line.split()
        torch.set_num_threads(int(threads))
        if name not in ready:
            ready[name] = WORKS[name]()
            ready[name][0]()
        work, steps = ready[name]
        wall, processor = time.perf_counter(), time.process_time()
        work()
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        print(1e3 * wall / steps, 1e3 * processor / steps, flush=True)


if __name__ == "__main__":
    main()
