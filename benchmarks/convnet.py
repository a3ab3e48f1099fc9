"""20 convolutional networks on digits: memjax as one packed sweep, and an eager PyTorch loop over the same networks.

python -m benchmarks.convnet: 16 and 32 channels, kernels of 3, a maximum of 2 x 2 after each, Adam. Both train on the same
images of each seed, and draw their own initial parameters and batches, so their test accuracies agree in distribution only. The
sweep also records losses and accuracies at the start and at the end. Processor seconds are of all cores, and depend less on
what else a shared machine does. PyTorch has one thread: two were several times as slow beside the other work of the machine.
PyTorch is no dependency (pip install torch==2.13.0); its loop is left out where it is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import memjax as mj
from benchmarks import repeated
from benchmarks.sweep_throughput.machine import describe

RUNS, TRAIN, TEST, RATE = 20, 1000, 500, 1e-3


class Work(NamedTuple):
    """Steps of a batch size; None is the full batch."""

    batch: int | None
    steps: int


WORKS = {
    "minibatches of 32": Work(32, 500),
    "minibatches of 128": Work(128, 400),
    "full batch of 1000": Work(None, 200),
}
TASK = mj.tasks.Images("digits")


class Outcome(NamedTuple):
    """Seconds and processor seconds of all runs, and the final test accuracy of those that were trained."""

    seconds: float
    processor: float
    accuracy: list[float]

    def show(self) -> str:
        """Seconds, mean accuracy and its standard error."""
        error = np.std(self.accuracy, ddof=1) / len(self.accuracy) ** 0.5
        return f"{self.seconds:6.1f} s, processor {self.processor:6.1f} s, accuracy {np.mean(self.accuracy):.4f} +- {error:.4f}"


def ours(work: Work) -> Outcome:
    """The sweep."""
    spec = mj.Experiment(
        task=TASK, model=mj.models.ConvNet((16, 32), pooling="max"), optimizer=mj.optimizers.adam(RATE), train_size=TRAIN,
        test_size=TEST, batch_size=work.batch, steps=work.steps, record_every=work.steps, measures=("loss", "accuracy"),
    )  # fmt: skip
    start = clocks()
    ds = mj.sweep(spec, over={"seed": range(RUNS)})
    return Outcome(*(clocks() - start), ds.test_accuracy.isel(step=-1).values.tolist())


def clocks() -> np.ndarray:
    """Seconds of the wall clock, and of all cores that this process used."""
    return np.array([time.perf_counter(), time.process_time()])


def by_torch(work: Work) -> Outcome:
    """The loop, one network after another."""
    import torch

    from benchmarks.eager_torch import train

    torch.set_num_threads(1)
    seconds, accuracy = [], []
    # The first warms up.
    for seed in (0, *range(RUNS)):
        torch.manual_seed(seed)
        x, y, x_test, y_test = map(torch.tensor, images(seed))
        net = network()
        optimizer = torch.optim.Adam(net.parameters(), RATE)
        start = clocks()
        train(net, x, y, work.steps, optimizer, work.batch)
        with torch.no_grad():
            found = float((net(x_test).argmax(1) == y_test).float().mean())
        seconds.append(clocks() - start)
        accuracy.append(found)
    return Outcome(*(sum(seconds[1:])), accuracy[1:])


def images(seed: int) -> tuple[np.ndarray, ...]:
    """Images ``[N, 1, 8, 8]`` and classes of a seed, train and test."""
    spec = mj.Experiment(task=TASK, train_size=TRAIN, test_size=TEST, seed=seed)
    train, test = TASK.draw(spec.data_key, TRAIN, TEST)
    parts = [(TASK.pool[split.x][:, None], split.y.astype(np.int64)) for split in (train, test)]
    return tuple(array for part in parts for array in part)


def network() -> Any:
    """The network, as anyone would write it."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip


def main() -> None:
    """Measure, print a table, and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "convnet.json")
    options = parser.parse_args()
    torch_there = importlib.util.find_spec("torch") is not None
    if not torch_there:
        print("PyTorch is missing, so its loop is left out: pip install torch==2.13.0, then run this again.")
    result: dict[str, Any] = {"machine": describe("cpu"), "runs": RUNS, "train_size": TRAIN, "test_size": TEST}
    for name, work in WORKS.items():
        rows = {"memjax with its compile": ours(work), "memjax": ours(work)}
        if torch_there:
            rows["PyTorch loop"] = by_torch(work)
        print(f"{name}, {work.steps} steps")
        for way, outcome in rows.items():
            print(f"    {way:24s} {outcome.show()}  {outcome.seconds / rows['memjax'].seconds:5.2f}x", flush=True)
        result[name] = {"steps": work.steps, **{way: outcome._asdict() for way, outcome in rows.items()}}
    repeated.write(options.out, result)


if __name__ == "__main__":
    main()
