"""Builds a network that nashprune pruned as a PyTorch module, and loads its weights.

    from load_pruned import load
    net, inputs = load("pruned.safetensors")
    logits = net(inputs(x))

x are samples as the file's metadata has them: images of floats from 0 to 1 in the shape that the
network reads, or rows of features. It takes PyTorch and nothing else.
"""
import json
import struct
import sys

import torch
from torch import nn

TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64, "I32": torch.int32}
ACTIVATIONS = {"relu": nn.ReLU, "leaky-relu": nn.LeakyReLU, "gelu": nn.GELU, "tanh": nn.Tanh, "relu6": nn.ReLU6}


def read(path):
    """Returns the metadata and the tensors of a safetensors file."""
    with open(path, "rb") as f:
        (length,) = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(length))
        data = f.read()
    metadata, tensors = header.pop("__metadata__", {}), {}
    for name, t in header.items():
        begin, end = t["data_offsets"]
        numbers = bytearray(data[begin:end])
        kind = TYPES[t["dtype"]]
        tensors[name] = (torch.frombuffer(numbers, dtype=kind) if numbers else torch.empty(0, dtype=kind)).reshape(t["shape"])
    for name, shape in json.loads(metadata.get("csr", "{}")).items():  # compressed sparse rows
        values, columns, offsets = (tensors.pop(name + part) for part in (".values", ".columns", ".offsets"))
        row = torch.repeat_interleave(torch.arange(shape[0]), (offsets[1:] - offsets[:-1]).long())
        tensors[name] = torch.zeros(shape, dtype=values.dtype).reshape(shape[0], -1).index_put((row, columns.long()), values).reshape(shape)
    return metadata, tensors


def pair(window, key):
    return tuple(window.get(key, (0, 0)))


class Select(nn.Module):
    """Keeps some entries of the first dimension of each sample, those that pruning left."""

    def __init__(self, keep):
        super().__init__()
        self.keep = keep

    def forward(self, x):
        return x[:, self.keep]


class Sum(nn.Module):
    def forward(self, *x):
        return sum(x[1:], x[0])


class Concat(nn.Module):
    def forward(self, *x):
        return torch.cat(x, 1)


def module(op, s, shapes):
    """Returns the module of a node with its settings and the shapes of its parameters."""
    if op == "dense":
        out, inputs = shapes["weight"]
        return nn.Linear(inputs, out)
    if op == "conv2d":
        out, inputs = shapes["weight"][:2]
        groups = out if s.get("depthwise") else s.get("groups", 1)
        return nn.Conv2d(inputs * groups, out, pair(s, "kernel"), pair(s, "stride"), pair(s, "padding"), groups=groups, bias=s.get("bias", False))
    if op == "batch-norm":
        kind = nn.BatchNorm2d if s["images"] else nn.BatchNorm1d
        return kind(shapes["weight"][0], s["epsilon"], s["momentum"])
    if op == "activation":
        return ACTIVATIONS[s["function"]]()
    if op == "dropout":
        return nn.Dropout(s["probability"])
    if op == "max-pool":
        return nn.MaxPool2d(pair(s, "kernel"), pair(s, "stride"), pair(s, "padding"))
    if op == "average-pool":
        return nn.AdaptiveAvgPool2d(1) if s.get("global") else nn.AvgPool2d(pair(s, "kernel"), pair(s, "stride"), pair(s, "padding"))
    if op == "flatten":
        return nn.Sequential(nn.Flatten(), Select(s["keep"])) if s.get("keep") is not None else nn.Flatten()
    return {"add": Sum, "concat": Concat}[op]()


class Pruned(nn.Module):
    """Computes the nodes of a graph in their order. Modules have the names of the state dict."""

    def __init__(self, graph, tensors):
        super().__init__()
        self._nodes, images = [], {}
        for node in graph["nodes"]:
            name, op, s = node["name"], node["op"], dict(node["set"] or {})
            if op == "input":
                self._shape, self._keep = s["sample"], s.get("keep")
                images[name] = len(s["sample"]) == 3
                self._first = name
                continue
            s["images"] = images[node["in"][0]]
            images[name] = s["images"] and op != "flatten"
            shapes = {k: tuple(tensors[f"{name}.{k}"].shape) for k in ("weight", "bias") if f"{name}.{k}" in tensors}
            self._nodes.append((name, self.put(name, module(op, s, shapes)), node["in"]))

    def put(self, name, child):
        """Adds a module under its name, in which dots stand between the modules that hold it."""
        *path, last = name.split(".")
        at = self
        for part in path:
            if part not in at._modules:
                at.add_module(part, nn.Module())
            at = at._modules[part]
        if last in at._modules:  # a node without parameters that is called as the holder of others
            last += "_"
        at.add_module(last, child)
        return [child]  # in a list, so that it is no attribute of its own

    def forward(self, x):
        x = x.reshape(len(x), *self._shape)
        values = {self._first: x if self._keep is None else x[:, self._keep]}
        for name, (child,), sources in self._nodes:
            values[name] = child(*(values[source] for source in sources))
        return values[name]


def load(path):
    """Returns the network, ready to infer, and the function that scales its inputs."""
    metadata, tensors = read(path)
    prefix = metadata.get("prefix", "")
    tensors = {name[len(prefix):]: tensor for name, tensor in tensors.items()}
    net = Pruned(json.loads(metadata["graph"]), tensors)
    counted = {name: value for name, value in net.state_dict().items() if name.endswith("num_batches_tracked")}
    net.load_state_dict({**counted, **tensors})

    def list_of(key):
        return torch.tensor(json.loads(metadata[key])) if key in metadata else None

    means, deviations = list_of("feature_means"), list_of("feature_deviations")
    if means is None and "channel_means" in metadata:
        means, deviations = (list_of(key).reshape(-1, 1, 1) for key in ("channel_means", "channel_deviations"))
    if means is None:
        means, deviations = float(metadata["mean"]), float(metadata["deviation"])
    return net.eval(), lambda x: (x - means) / deviations


if __name__ == "__main__":
    network, _ = load(sys.argv[1] if len(sys.argv) > 1 else "pruned.safetensors")
    print(network)
