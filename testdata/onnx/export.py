#!/usr/bin/env python3
"""Networks that PyTorch exports to ONNX, with a batch of inputs and PyTorch's logits.

    testdata/onnx/export.py OUT [NAME ...]

writes for each network and operator set OUT/NAME-SET.onnx, and once OUT/NAME.input and
OUT/NAME.logits: float32, little-endian, row-major, four samples. Without names it writes the
small networks, which are committed. All have been trained for a few steps on random data, so
their batch norms have statistics. Debian: python3-torch and python3-torchvision.
"""
import pathlib
import sys

import torch
from torch import nn

SETS = [9, 11, 13, 16]
SMALL_SETS = [9, 16]


class Residual(nn.Module):
    """A stem with ReLU6 and two residual blocks, of which one strides."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.block1 = self.block(8, 8, 1)
        self.block2 = self.block(8, 12, 2)
        self.short = nn.Sequential(nn.Conv2d(8, 12, 1, 2, bias=False), nn.BatchNorm2d(12))
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(12, 10)

    def block(self, inputs, outputs, stride):
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
                             nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        x = nn.functional.relu6(self.bn1(self.conv1(x)))
        x = torch.relu(self.block1(x) + x)
        x = torch.relu(self.block2(x) + self.short(x))
        return self.fc(torch.flatten(self.pool(x), 1))


class Forms(nn.Module):
    """What exporters write in several nodes: shapes that are computed, padding, GELU, means."""

    def __init__(self):
        super().__init__()
        self.pad, self.wide = nn.ZeroPad2d(1), nn.Conv2d(2, 4, 3)
        self.narrow, self.groups = nn.Conv2d(2, 2, 1, bias=False), nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.act, self.average = nn.GELU(), nn.AvgPool2d(3, 2, 1)
        self.fc1, self.bn = nn.Linear(6 * 5 * 4, 9, bias=False), nn.BatchNorm1d(9)
        self.fc2, self.head = nn.Linear(6, 9), nn.Linear(9, 5)

    def forward(self, x):
        x = torch.cat([self.wide(self.pad(x)), self.narrow(x)], 1)
        x = self.act(self.groups(x))
        small = self.average(x)
        flat = self.bn(self.fc1(small.view(small.size(0), -1)))
        mean = self.fc2(x.mean([2, 3]))
        return torch.log_softmax(self.head(torch.tanh(flat + mean)), 1)


def lenet5():
    return nn.Sequential(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
                         nn.Flatten(), nn.Linear(256, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))


def sequential():
    return nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 16), nn.LeakyReLU(), nn.Linear(16, 10))


def torchvision(name):
    import torchvision.models

    return getattr(torchvision.models, name)(weights=None, num_classes=10)


def vgg11_bn():
    """VGG-11 with batch norms, a quarter as wide."""
    from torchvision.models.vgg import make_layers

    features = make_layers([16, "M", 32, "M", 64, 64, "M", 128, 128, "M", 128, 128, "M"], batch_norm=True)
    return nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 128), nn.ReLU(), nn.Dropout(), nn.Linear(128, 10))


SMALL = {"sequential": (sequential, [20]), "lenet5": (lenet5, [1, 28, 28]), "residual": (Residual, [3, 16, 16]), "forms": (Forms, [2, 9, 8])}
LARGE = {"resnet18": (lambda: torchvision("resnet18"), [3, 64, 64]), "vgg11_bn": (vgg11_bn, [3, 32, 32]),
         "mobilenet_v2": (lambda: torchvision("mobilenet_v2"), [3, 64, 64])}


def trained(make, shape):
    """A network after a few steps on random data."""
    torch.manual_seed(1)
    net = make()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(8):
        x = 0.5 + torch.randn(16, *shape)
        loss = nn.functional.cross_entropy(net(x), torch.randint(0, 5, (16,)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net.eval()


def main():
    out, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
    out.mkdir(parents=True, exist_ok=True)
    for name in names or SMALL:
        make, shape = {**SMALL, **LARGE}[name]
        net, x = trained(make, shape), torch.randn(4, *shape)
        with torch.no_grad():
            logits = net(x)
        x.numpy().astype("<f4").tofile(out / f"{name}.input")
        logits.numpy().astype("<f4").tofile(out / f"{name}.logits")
        for opset in SETS if names else SMALL_SETS:
            # The older set has the number of samples fixed, batch norms and shapes as they are;
            # the newer one a free number, and everything folded.
            plain = opset in (9, 13)
            torch.onnx.export(net, x, out / f"{name}-{opset}.onnx", opset_version=opset, input_names=["x"], output_names=["logits"],
                              dynamic_axes=None if plain else {"x": {0: "batch"}, "logits": {0: "batch"}}, do_constant_folding=not plain,
                              training=torch.onnx.TrainingMode.PRESERVE if plain else torch.onnx.TrainingMode.EVAL)


main()
