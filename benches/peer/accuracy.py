#!/usr/bin/env python3
"""The accuracy of the published MLP of nine layers on MNIST, trained by PyTorch, to set beside this program's.

The same start as `.init(#{ weight_var: 1.65, bias_var: 0.05 })`: normal weights of variance σ_w² over the fan-in, and normal biases;
the same images, the first ones of the training files; batches of 100 in a new order every epoch.

    python benches/peer/accuracy.py FOLDER_OF_MNIST sgd 10000 3

prints the accuracy on all test images after ten epochs for every seed, and their mean. For the other side:

    mlp::shrinking(784, 10, 10).init(…).trained(data.train.take(10000), #{ epochs: 10, optimizer: sgd(0.001) }).accuracy(data.test)
"""

import gzip
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

WEIGHT_VAR, BIAS_VAR, EPOCHS, BATCH, RATE = 1.65, 0.05, 10, 100, 1e-3


def idx(path):
    """The numbers of an IDX file of bytes."""
    data = gzip.open(path).read()
    shape = np.frombuffer(data, ">u4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def split(folder, name):
    images, labels = [idx(folder / f"{name}-{what}-ubyte.gz") for what in ("images-idx3", "labels-idx1")]
    x = torch.tensor(images.reshape(len(images), -1), dtype=torch.float32) / 255
    return x, torch.tensor(labels, dtype=torch.long)


def shrinking(inputs, outputs, depth):
    sizes = [int(np.ceil(size)) for size in np.linspace(inputs, outputs, depth)]
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        linear = nn.Linear(a, b)
        nn.init.normal_(linear.weight, std=(WEIGHT_VAR / a) ** 0.5)
        nn.init.normal_(linear.bias, std=BIAS_VAR**0.5)
        layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers)


def main():
    folder, name, count, seeds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(1)
    (x, y), (test_x, test_y) = split(folder, "train"), split(folder, "t10k")
    x, y = x[:count], y[:count]
    found = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        net, loss = shrinking(x.shape[1], 10, 10), nn.CrossEntropyLoss()
        optimizer = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[name](net.parameters(), lr=RATE)
        start = time.process_time()
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(x)).split(BATCH):
                optimizer.zero_grad()
                loss(net(x[rows]), y[rows]).backward()
                optimizer.step()
        seconds = time.process_time() - start
        with torch.no_grad():
            found.append((net(test_x).argmax(1) == test_y).double().mean().item())
        print(f"{name}, {len(x)} images, seed {seed}: accuracy {found[-1]:.4f}, {seconds:.0f} processor seconds", flush=True)
    print(f"{name}, {len(x)} images: mean accuracy {np.mean(found):.4f}")


if __name__ == "__main__":
    main()
