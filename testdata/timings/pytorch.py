#!/usr/bin/env python3
"""The training step of a multilayer perceptron with PyTorch, beside which ours stands.

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


def build(widths, device):
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1]).to(device)


def make_step(widths, batch, device, captured):
    """Returns a function that makes one step, always with the same memory."""
    torch.manual_seed(1)
    samples = torch.randint(0, 256, (SAMPLES, widths[0]), dtype=torch.uint8, device=device)
    labels = torch.randint(0, widths[-1], (SAMPLES,), device=device)
    order = torch.randperm(SAMPLES, device=device)
    chosen = order[:batch].clone()
    model = build(widths, device)
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
    for _ in range(WARM_UP):
        step()
    wait()
    times = []
    for _ in range(turns):
        steps, start = 0, time.perf_counter()
        while time.perf_counter() - start < TURN_SECONDS:
            for _ in range(STEPS_A_WAIT):
                step()
            steps += STEPS_A_WAIT
            wait()
        times.append(1e6 * (time.perf_counter() - start) / steps)
    low, middle, high = statistics.quantiles(times, n=4)
    return {"median_us": middle, "lower_us": low, "upper_us": high, "turns": turns}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda or cpu")
    parser.add_argument("--model", action="append", help="widths, such as 784-512-256-10 (may be repeated)")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--turns", type=int, default=12)
    options = parser.parse_args()
    device = torch.device(options.device)
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
        widths = [int(width) for width in words.split("-")]
        found = {"eager": measure(make_step(widths, options.batch, device, False), options.turns, wait)}
        if on_cuda:
            found["graph"] = measure(make_step(widths, options.batch, device, True), options.turns, wait)
        report["steps"][words] = found
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
