"""Trains a network on MNIST with PyTorch and writes a safetensors file, with the standard library alone.

usage: python3 pytorch.py mlp|lenet5|small FOLDER_OF_MNIST FILE [EPOCHS]

small is in F16, and FILE.json has its logits of the inputs sin(1), sin(2), ..., three samples.
"""
import gzip, json, math, struct, sys, time
import torch
from torch import nn

kind, folder, file = sys.argv[1:4]
epochs = int(sys.argv[4]) if len(sys.argv) > 4 else 20
batch, rate = 128, 2e-3
torch.manual_seed(1)
torch.set_num_threads(1)


def idx(name, header):
    with gzip.open(f"{folder}/{name}.gz") as f:
        return torch.frombuffer(bytearray(f.read()[header:]), dtype=torch.uint8)


def part(name):
    images = idx(f"{name}-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28).float() / 255
    return (images - 0.1307) / 0.3081, idx(f"{name}-labels-idx1-ubyte", 8).long()


if kind in ("mlp", "small"):
    a, b = {"mlp": (512, 256), "small": (32, 16)}[kind]
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, a), nn.ReLU(), nn.Linear(a, b), nn.ReLU(), nn.Linear(b, 10))
else:
    net = nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10))

(x, y), (tx, ty) = part("train"), part("t10k")
optimiser = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.05)
steps = epochs * math.ceil(len(x) / batch)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
start = time.time()
for epoch in range(epochs):
    net.train()
    for chosen in torch.randperm(len(x)).split(batch):
        loss = nn.functional.cross_entropy(net(x[chosen]), y[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    net.eval()
    with torch.no_grad():
        right = sum((net(a).argmax(1) == b).sum().item() for a, b in zip(tx.split(1000), ty.split(1000)))
    print(f"epoch {epoch + 1}: {right / 100:.2f} % of the test part, {time.time() - start:.0f} s", flush=True)

header, numbers = {"__metadata__": {"format": "pt"}}, b""
if kind == "small":
    net.half()
for name, tensor in net.state_dict().items():
    data = tensor.contiguous().numpy().tobytes()
    dtype = {torch.float32: "F32", torch.float16: "F16"}[tensor.dtype]
    header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [len(numbers), len(numbers) + len(data)]}
    numbers += data
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(file, "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + numbers)
if kind == "small":
    inputs = torch.sin(torch.arange(1, 3 * 784 + 1, dtype=torch.float64)).reshape(3, 784)
    with torch.no_grad():
        json.dump(net.double()(inputs).tolist(), open(file + ".json", "w"))
