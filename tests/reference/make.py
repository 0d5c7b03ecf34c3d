#!/usr/bin/env python3
"""Makes the files beside it that the tests compare numbers with: networks a few numbers wide, so that each file is small.

    pip install torch==2.9.1 torchvision==0.24.1 safetensors
    python tests/reference/make.py

Written from the paper (arXiv:2406.12916), not from its code: blocks with Gaussian weights, a reconstruction network for
each, a few steps of `torch.optim.Adam` with its defaults, cascades, entropies. All of it is PyTorch's own arithmetic.

  wide.safetensors      an MLP (16, 16, 16, 16, 16, 24, 10; tanh), its cascade before and after six steps
  cnn.safetensors       a CNN of depth 4 with 3 channels on 16x16 pixels, likewise, four steps
  resnet.safetensors    a ResNet of depth 3 with 3 channels on 16x16 pixels, likewise
  vgg.safetensors       weights of a VGG16 with 2 to 4 channels, by torchvision's names
  vgg.pth               the same, as `torch.save` writes them
  vgg_outputs.safetensors   what that VGG makes of two pictures
  photos.safetensors    what torchvision's transforms make of pictures in tests/photos/stored
"""

import math
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).parent
STORED = HERE.parent / "photos" / "stored"
# Pictures of tests/photos/stored, 37x29 pixels each, and how they are brought to one size.
PHOTOS, RESIZE, CROP = ["rgb.png", "colours_420.jpg", "progressive_444.jpg"], 24, 20
# Channels of the VGG16 ("M" is a pool), the two hidden layers and the classes; pixels on a side of what it is shown.
VGG, HIDDEN, CLASSES, SIDE = [2, 2, "M", 2, 2, "M", 4, 4, 4, "M", 4, 4, 4, "M", 4, 4, 4, "M"], 8, 10, 64


class Cut(nn.Module):
    """Pixels cut off at the edges."""

    def __init__(self, before, after):
        super().__init__()
        self.before, self.after = before, after

    def forward(self, x):
        return x[..., self.before : x.shape[-2] - self.after, self.before : x.shape[-1] - self.after]


class Residual(nn.Module):
    """tanh(x + F(x)); `sb` is what the published program calls F."""

    def __init__(self, body):
        super().__init__()
        self.sb = body

    def forward(self, x):
        return torch.tanh(x + self.sb(x))


class TanhLinear(nn.Linear):
    def forward(self, x):
        return super().forward(x).tanh()


def mlp(sizes):
    pairs = list(zip(sizes, sizes[1:]))
    return [TanhLinear(a, b) for a, b in pairs], [TanhLinear(b, a) for a, b in pairs]


def stem(channels):
    blocks, inverses = [], []
    for inputs, stride in [(1, 1), (channels, 2), (channels, 2)]:
        blocks.append(nn.Sequential(nn.Conv2d(inputs, channels, 3, stride, 1), nn.Tanh()))
        cut = Cut(1, 1) if stride == 1 else Cut(0, 1)
        inverses.append(nn.Sequential(nn.ConvTranspose2d(channels, inputs, 3, stride), nn.Tanh(), cut))
    return blocks, inverses


def head(channels, pool):
    """Has no part in a cascade."""
    conv = nn.Sequential(nn.Conv2d(channels, channels, 3), nn.Tanh(), nn.AvgPool2d(pool), nn.Flatten())
    return [conv, nn.Sequential(nn.Linear(channels, 10, bias=False), nn.Tanh())]


def back(channels):
    return [nn.ConvTranspose2d(channels, channels, 3), nn.Tanh(), Cut(1, 1)]


def cnn(depth, channels, pool):
    blocks, inverses = stem(channels)
    for _ in range(depth - 1):
        blocks.append(nn.Sequential(nn.Conv2d(channels, channels, 3), nn.Tanh(), nn.CircularPad2d(1)))
        inverses.append(nn.Sequential(nn.Sequential(*back(channels))))
    return blocks + head(channels, pool), inverses


def resnet(depth, channels, pool):
    blocks, inverses = stem(channels)
    for _ in range(depth - 1):
        conv = lambda: [nn.Conv2d(channels, channels, 3), nn.CircularPad2d(1)]
        blocks.append(Residual(nn.Sequential(*conv(), nn.Tanh(), *conv())))
        inverses.append(nn.Sequential(*back(channels), *back(channels)))
    return blocks + head(channels, pool), inverses


def draw(blocks, weight_var, bias_var):
    """W ~ N(0, σ_w² / fan_in), b ~ N(0, σ_b²)."""
    with torch.no_grad():
        for p in (p for block in blocks for p in block.parameters()):
            var = weight_var / p[0].numel() if p.dim() > 1 else bias_var
            p.normal_(0.0, math.sqrt(var))


def activations(blocks, x):
    xs = [x]
    with torch.no_grad():
        for block in blocks:
            xs.append(block(xs[-1]))
    return xs


def train(blocks, inverses, batches):
    """One step of Adam for every batch, each reconstruction network alone; the losses, [steps, networks]."""
    optimizers = [torch.optim.Adam(inverse.parameters()) for inverse in inverses]
    losses = []
    for x in batches:
        xs = activations(blocks, x)
        for l, (inverse, optimizer) in enumerate(zip(inverses, optimizers)):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(inverse(xs[l + 1]), xs[l])
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
    return torch.stack(losses).view(len(batches), len(inverses))


def cascades(inverses, xs):
    """The input, and its reconstruction from every depth."""
    rs = [xs[0]]
    with torch.no_grad():
        for depth in range(1, len(inverses) + 1):
            r = xs[depth]
            for inverse in reversed(inverses[:depth]):
                r = inverse(r)
            rs.append(r)
    return rs


def shifted(x):
    """Each sample from its minimum up, of sum 1."""
    x = x.double().flatten(1)
    x = x - x.min(1, keepdim=True).values + 1e-12
    return x / x.sum(1, keepdim=True)


def relative_entropy(p, r):
    p, r = shifted(p), shifted(r)
    return (p * (p / r).log()).sum(1)


def differential_entropy(x):
    """Of samples divided by their sums: ½ ln(2πe) + ln std over the batch, the mean over pixels."""
    x = x.double().flatten(1)
    x = x / x.sum(1, keepdim=True)
    return (0.5 * math.log(2 * math.pi * math.e) + x.std(0).log()).mean()


def numbers(prefix, modules):
    return {f"{prefix}.{l}.{name}": p.detach().clone() for l, m in enumerate(modules) for name, p in m.named_parameters()}


def cascade(blocks, inverses, weight_var, bias_var, x_train, x_test, network="net"):
    """Everything of one cascade, by the names that the tests ask for."""
    draw(blocks, weight_var, bias_var)
    arrays = {"x_train": x_train, "x_test": x_test, **numbers(network, blocks), **numbers("inv_init", inverses)}
    start = [{name: p.clone() for name, p in inverse.state_dict().items()} for inverse in inverses]
    # Once in double precision, for the losses.
    double = lambda modules: [module.double() for module in modules]
    arrays["loss_step_f64"] = train(double(blocks), double(inverses), x_train.double())
    for module in blocks + inverses:
        module.float()
    for inverse, state in zip(inverses, start):
        inverse.load_state_dict(state)
    train(blocks, inverses, x_train)
    arrays |= numbers("inv_final", inverses)
    xs = activations(blocks, x_test)
    rs = cascades(inverses, xs)
    arrays |= {f"act.{i}": x for i, x in enumerate(xs)} | {f"cascade.{k}": r for k, r in enumerate(rs)}
    arrays["rel_pure"] = torch.stack([relative_entropy(rs[0], r) for r in rs[1:]]).float()
    arrays["diff_pure"] = torch.stack([differential_entropy(r) for r in rs[1:]])
    arrays["diff_shifted"] = torch.stack([differential_entropy(shifted(r)) for r in rs[1:]])
    return arrays


def vgg():
    """torchvision's VGG with the channels above: the same names, in evaluation."""
    layers, inputs = [], 3
    for outputs in VGG:
        if outputs == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
            inputs = outputs
    net = nn.Module()
    net.features = nn.Sequential(*layers)
    net.avgpool = nn.AdaptiveAvgPool2d(7)
    sizes = [49 * inputs, HIDDEN, HIDDEN, CLASSES]
    linear = [nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])]
    net.classifier = nn.Sequential(linear[0], nn.ReLU(), nn.Dropout(), linear[1], nn.ReLU(), nn.Dropout(), linear[2])
    return net.eval()


def pictures():
    """Two pictures that nobody has to store: number n is n·2654435761 mod 2³², as a part of 2³²."""
    n = torch.arange(2 * 3 * SIDE * SIDE, dtype=torch.int64)
    return ((n * 2654435761 % 2**32).double() / 2**32).float().view(2, 3, SIDE, SIDE)


def photos():
    from PIL import Image
    from torchvision import transforms

    steps = [transforms.Resize(RESIZE), transforms.CenterCrop(CROP), transforms.ToTensor()]
    steps.append(transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    transform = transforms.Compose(steps)
    return {name: transform(Image.open(STORED / name).convert("RGB")) for name in PHOTOS}


def save(name, arrays, **options):
    file = HERE / name
    save_file({name: array.contiguous().clone() for name, array in arrays.items()}, file, **options)
    print(f"{file.name}: {file.stat().st_size} bytes")


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    made = {"made with": f"PyTorch {torch.__version__}"}
    sizes = [16, 16, 16, 16, 16, 24, 10]
    wide = cascade(*mlp(sizes), 1.76, 0.05, torch.rand(6, 8, 16), torch.rand(8, 16), network="fwd")
    save("wide.safetensors", wide, metadata=made)
    images = torch.rand(4, 3, 1, 16, 16), torch.rand(3, 1, 16, 16)
    save("cnn.safetensors", cascade(*cnn(4, 3, 2), 1.05, 2e-5, *images), metadata=made)
    save("resnet.safetensors", cascade(*resnet(3, 3, 2), 1.05, 2e-5, *images), metadata=made)

    net = vgg()
    draw([net], 2.0, 0.05)
    save("vgg.safetensors", net.state_dict(), metadata={"format": "pt"})
    torch.save(net.state_dict(), HERE / "vgg.pth")
    outputs = {"logits": net.classifier(net.avgpool(net.features(pictures())).flatten(1)).detach()}
    save("vgg_outputs.safetensors", outputs, metadata=made)
    save("photos.safetensors", photos(), metadata=made)


if __name__ == "__main__":
    main()
