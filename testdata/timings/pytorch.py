#!/usr/bin/env python3
"""The training step of a network with PyTorch, beside which ours stands.

Prints JSON: the median time of a step in microseconds and its quartiles, as PyTorch runs
it ("eager") and, on CUDA, replayed from a captured graph ("graph"). A step takes its
batch from samples that lie on the device as bytes, like ours: gather and scale, forward,
cross-entropy, backward, Adam. Times are by the clock, of turns of many steps that end
with a wait for the device.
"""

import argparse
import json
import statistics
import time

import torch

SAMPLES = 60_000
TURN_SECONDS = 0.5
STEPS_A_WAIT = 50
WARM_UP = 20


class Block(torch.nn.Module):
    """Two convolutions and a shortcut, which is a projection where the shape changes."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.main = torch.nn.Sequential(
            *norm_conv(inputs, outputs, stride), torch.nn.ReLU(), *norm_conv(outputs, outputs, 1)
        )
        same = inputs == outputs and stride == 1
        self.short = torch.nn.Identity() if same else torch.nn.Sequential(*norm_conv(inputs, outputs, stride, 1))

    def forward(self, x):
        return torch.relu(self.main(x) + self.short(x))


def norm_conv(inputs, outputs, stride, kernel=3):
    conv = torch.nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return [conv, torch.nn.BatchNorm2d(outputs)]


def build(words):
    """Returns the network of that name, or of these widths, and the shape of its samples."""
    if words == "lenet5":
        return torch.nn.Sequential(
            torch.nn.Conv2d(1, 20, 5), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
            torch.nn.Conv2d(20, 50, 5), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
            torch.nn.Flatten(), torch.nn.Linear(800, 500), torch.nn.ReLU(), torch.nn.Linear(500, 10),
        ), (1, 28, 28)  # fmt: skip
    if words.startswith("resnet"):
        depth, _, base = words[len("resnet") :].partition(":")
        width, blocks = int(base or 16), (int(depth) - 2) // 6
        layers, inputs = [*norm_conv(3, width, 1), torch.nn.ReLU()], width
        for stage in range(3):
            for block in range(blocks):
                outputs, stride = width << stage, 2 if stage and not block else 1
                layers.append(Block(inputs, outputs, stride))
                inputs = outputs
        head = [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(inputs, 10)]
        return torch.nn.Sequential(*layers, *head), (3, 32, 32)
    widths = [int(width) for width in words.split("-")]
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1]), (widths[0],)


def make_step(words, batch, device, captured):
    """Returns a function that makes one step, always with the same memory."""
    torch.manual_seed(1)
    model, shape = build(words)
    model = model.to(device)
    samples = torch.randint(0, 256, (SAMPLES, *shape), dtype=torch.uint8, device=device)
    labels = torch.randint(0, 10, (SAMPLES,), device=device)
    order = torch.randperm(SAMPLES, device=device)
    chosen = order[:batch].clone()
    options = {"capturable": True} if captured else {}
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, **options)
    place = 0

    def work():
        optimiser.zero_grad(set_to_none=True)
        inputs = (samples[chosen].float() / 255 - 0.13) / 0.31
        torch.nn.functional.cross_entropy(model(inputs), labels[chosen]).backward()
        optimiser.step()

    run = work
    if captured:
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(3):
                work()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        optimiser.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            work()
        run = graph.replay

    def step():
        nonlocal place
        chosen.copy_(order[place : place + batch])
        place = (place + batch) % (SAMPLES - batch + 1)
        run()

    return step


def measure(step, turns, wait):
    """Returns the microseconds of a step: the median of turns, and their quartiles."""
    start, warm = time.perf_counter(), 0
    while warm < WARM_UP and time.perf_counter() - start < 4 * TURN_SECONDS:
        step()
        warm += 1
    wait()
    # Long steps need no group to hide what a wait takes.
    steps_a_wait = STEPS_A_WAIT if warm == WARM_UP else 1
    times = []
    for _ in range(turns):
        steps, start = 0, time.perf_counter()
        while time.perf_counter() - start < TURN_SECONDS:
            for _ in range(steps_a_wait):
                step()
            steps += steps_a_wait
            wait()
        times.append(1e6 * (time.perf_counter() - start) / steps)
    low, middle, high = statistics.quantiles(times, n=4)
    return {"median_us": middle, "lower_us": low, "upper_us": high, "turns": turns}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda or cpu")
    parser.add_argument("--model", action="append", help="widths, such as 784-512-256-10, lenet5, or resnetN[:WIDTH] (may be repeated)")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--turns", type=int, default=12)
    parser.add_argument("--threads", type=int, help="of a CPU")
    options = parser.parse_args()
    device = torch.device(options.device)
    if options.threads:
        torch.set_num_threads(options.threads)
    on_cuda = device.type == "cuda"
    wait = torch.cuda.synchronize if on_cuda else (lambda: None)
    report = {
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name(device) if on_cuda else f"cpu, {torch.get_num_threads()} threads",
        "cuda": torch.version.cuda if on_cuda else None,
        "batch": options.batch,
        "steps": {},
    }
    for words in options.model or ["784-512-256-10", "784-25-13-10"]:
        found = {"eager": measure(make_step(words, options.batch, device, False), options.turns, wait)}
        if on_cuda:
            found["graph"] = measure(make_step(words, options.batch, device, True), options.turns, wait)
        report["steps"][words] = found
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
