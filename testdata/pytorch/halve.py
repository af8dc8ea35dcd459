#!/usr/bin/python3
"""Networks of PyTorch, pruned to half of their multiplications, and read back by three programs.

    testdata/pytorch/halve.py OUT [NAME ...]

trains each network for a few steps on small images that it draws, writes its state dict and files of
ONNX in four operator sets, and prunes each with "nashprune prune --max-macs HALF". Then it compares the
outputs of the pruned network: of nashprune (predict), of ONNX Runtime and of PyTorch (load_pruned.py).
It prints a line a run, and ends with an error where outputs differ by more than float32 explains.

It takes "make build", "make onnxruntime" and Debian's python3-torch and python3-torchvision.
OUT must not exist.
"""
import importlib.util
import json
import os
import pathlib
import resource
import struct
import subprocess
import sys

import numpy
import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
SETS = [9, 11, 13, 16]
TYPES = {torch.float32: "F32", torch.int64: "I64"}
TRAIN, TEST, CLASSES = 160, 100, 10
MEAN, DEVIATION = 0.5, 0.25


def torchvision(name):
    import torchvision.models

    return getattr(torchvision.models, name)(weights=None, num_classes=CLASSES)


def vgg11_bn():
    """torchvision's layers at their widths; the two dense ones of 4,096 are one of 512, for small images."""
    from torchvision.models.vgg import cfgs, make_layers

    return nn.Sequential(make_layers(cfgs["A"], batch_norm=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(512, 512), nn.ReLU(), nn.Dropout(), nn.Linear(512, CLASSES))


def sequential():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 512), nn.ReLU(), nn.Dropout(0.2),
                         nn.Linear(512, 256), nn.LeakyReLU(), nn.Linear(256, CLASSES))


# The side of the images, and the kinds of player.
NETS = {"sequential": (sequential, 32, "neurons"), "vgg11_bn": (vgg11_bn, 32, "filters,neurons"),
        "resnet18": (lambda: torchvision("resnet18"), 32, "filters,channels"),
        "mobilenet_v2": (lambda: torchvision("mobilenet_v2"), 32, "filters,channels")}


def draw(side, folder):
    """Draws images of ten classes, a smooth pattern each, moved and under noise; bytes."""
    random = numpy.random.default_rng(1)
    patterns = random.normal(size=(CLASSES, 3, 4, 4)).repeat(side // 4, 2).repeat(side // 4, 3)
    arrays = {}
    for part, count in ("train", TRAIN), ("test", TEST):
        y = numpy.arange(count) % CLASSES
        moved = [numpy.roll(patterns[k], random.integers(-side // 8, side // 8 + 1, 2), (1, 2)) for k in y]
        x = 128 + 20 * numpy.stack(moved) + 60 * random.normal(size=(count, 3, side, side))
        arrays["x_" + part], arrays["y_" + part] = x.clip(0, 255).astype("uint8"), y
    numpy.savez(folder / "data.npz", **arrays)
    numpy.savez(folder / "new.npz", x=arrays["x_test"])
    return arrays


def scaled(x):
    return (torch.from_numpy(x).float() / 255 - MEAN) / DEVIATION


def trained(make, data):
    torch.manual_seed(1)
    net, x, y = make(), scaled(data["x_train"]), torch.from_numpy(data["y_train"])
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(6):
        for chosen in torch.randperm(len(x)).split(32):
            loss = nn.functional.cross_entropy(net(x[chosen]), y[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return net.eval()


def save_safetensors(state, path):
    header, numbers = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in state.items():
        data = tensor.contiguous().numpy().tobytes()
        header[name] = {"dtype": TYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(numbers), len(numbers) + len(data)]}
        numbers += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + numbers)


def export(net, x, path, opset):
    # Two have a fixed number of samples, batch norms and shapes as they are; the others a free
    # number, and everything folded.
    plain = opset in (9, 13)
    torch.onnx.export(net, x[:2], path, opset_version=opset, input_names=["x"], output_names=["logits"],
                      dynamic_axes=None if plain else {"x": {0: "batch"}, "logits": {0: "batch"}}, do_constant_folding=not plain,
                      training=torch.onnx.TrainingMode.PRESERVE if plain else torch.onnx.TrainingMode.EVAL)


def run(*words):
    done = subprocess.run([str(w) for w in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(" ".join(str(w) for w in words) + "\n" + done.stderr[-2000:])
    return done.stdout


def nashprune(*words):
    return run(os.environ.get("NASHPRUNE", HERE / "../../bin/nashprune"), *words)


def half_of(model, players):
    """Returns half of the multiplications of a model."""
    return json.loads(nashprune("inspect", model, "--players", players, "--json"))["macs"] // 2


def by_runtime(model, folder, x):
    x.numpy().astype("<f4").tofile(folder / "test.input")
    [result] = json.loads(run("node", HERE / "../onnxruntime/run.js", model, folder / "test.input", "x".join(map(str, x.shape[1:]))))
    return torch.tensor(result["values"]).reshape(result["shape"])


def by_pytorch(run_folder, x):
    script = run_folder / "load_pruned.py"
    if not script.exists():  # of a file of ONNX: its pruned network is beside it as safetensors
        script = HERE / "../../trainer/network/pytorch/load_pruned.py"
    spec = importlib.util.spec_from_file_location("load_pruned", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net, _ = module.load(run_folder / "pruned.safetensors")
    return net(x)


def by_nashprune(run_folder, folder):
    lines = nashprune("predict", run_folder, "--data", folder / "new.npz", "--json").splitlines()
    return torch.tensor([json.loads(line)["probabilities"] for line in lines])


def compare(model, epochs, folder, players, macs, net, data):
    """Prunes a model and compares what three programs make of the result."""
    out = folder / f"{model.stem}{model.suffix}-{epochs}".replace(".", "-")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    nashprune("prune", model, "--data", folder / "data.npz", "--normalise", f"{MEAN}/{DEVIATION}", "--players", players,
              "--max-macs", macs, "--epochs", epochs, "--certify-steps", 0, "--batch", 16, "--rounds", 2, "--game-share", 0.5, "--learning-rate", 0.0004, "--seed", 1, "--out", out)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = json.loads((out / "result.json").read_text())
    x, y = scaled(data["x_test"]), torch.from_numpy(data["y_test"])
    ours = by_nashprune(out, folder)
    with torch.no_grad():
        dense, torch_logits = net(x), by_pytorch(out, x)
    logits = {"PyTorch": torch_logits}
    file = out / ("pruned" + model.suffix)
    if model.suffix == ".onnx":
        logits["ONNX Runtime"] = by_runtime(file, folder, x)
    differences = {name: (values.softmax(1) - ours).abs().max().item() for name, values in logits.items()}
    if len(logits) == 2:
        differences["logits"] = ((logits["PyTorch"] - logits["ONNX Runtime"]).abs().max() / torch_logits.abs().max()).item()
    right = {name: 100 * (values.argmax(1) == y).double().mean().item() for name, values in {"dense": dense, **logits}.items()}
    print(f"{model.name:20} epochs {epochs}: {result['dense']['macs']:>11,} to {result['pruned']['macs']:>11,} MACs,"
          f" {result['dense']['accuracy']:6.2f} to {result['pruned']['accuracy']:6.2f} %, CPU {after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime:.0f} s;"
          f" accuracies {', '.join(f'{k} {v:.2f}' for k, v in right.items())}; differences {', '.join(f'{k} {v:.1g}' for k, v in differences.items())}", flush=True)
    for name, value in right.items():
        want = result["dense" if name == "dense" else "pruned"]["accuracy"]
        if abs(want - value) > 1e-9:
            sys.exit(f"{name} has {value} % and nashprune {want} %")
    if max(differences.values()) > 1e-5:
        sys.exit("the outputs differ by more than float32 explains")


def main():
    out, names = pathlib.Path(sys.argv[1]), sys.argv[2:] or NETS
    torch.set_num_threads(2)
    for name in names:
        make, side, players = NETS[name]
        folder = out / name
        folder.mkdir(parents=True)
        data = draw(side, folder)
        net = trained(make, data)
        save_safetensors(net.state_dict(), folder / f"{name}.safetensors")
        for opset in SETS:
            export(net, scaled(data["x_test"]), folder / f"{name}-{opset}.onnx", opset)
        macs = half_of(folder / f"{name}-{SETS[0]}.onnx", players)
        for opset in SETS:
            compare(folder / f"{name}-{opset}.onnx", 0, folder, players, macs, net, data)
        compare(folder / f"{name}-{SETS[-1]}.onnx", 1, folder, players, macs, net, data)
        if name not in ("mobilenet_v2", "vgg11_bn"):  # whose graphs do not follow from names and shapes
            compare(folder / f"{name}.safetensors", 1, folder, players, macs, net, data)


main()
