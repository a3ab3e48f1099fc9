"""Memorisation scores of 1,797 digits from 1,000 networks on random 70% subsets, beside an eager PyTorch loop.

python -m benchmarks.memorization_scores: the score of a row is the share of networks that classify it right among those that
trained on it, minus that among the others (Feldman and Zhang 2020). Networks of 64-32-10, Adam, minibatches of 64, 15 epochs.
The loop trains the same network on `LOOP` subsets with one thread, and its time is that of 1,000 in proportion; its seconds and
its accuracies stand beside ours. PyTorch is no dependency (pip install torch==2.13.0); its loop is left out
where it is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import memjax as mj
from benchmarks import repeated
from benchmarks.sweep_throughput.machine import describe

RUNS, LOOP, SHARE, BATCH, STEPS, RATE = 1000, 40, 0.7, 64, 300, 0.01


def scores(runs: int) -> tuple[xr.Dataset, xr.DataArray]:
    """Train the networks, and score every row; the lines that a user writes."""
    digits = mj.Experiment(
        task=mj.tasks.Images("digits"), train_size="all", test_size=0, subset=mj.subsets.RandomShare(SHARE), data_seed=0,
        model=mj.models.MLP(hidden=(32,)), optimizer=mj.optimizers.adam(RATE), batch_size=BATCH, steps=STEPS,
        record_every=STEPS, measures=("accuracy",), examples=("correct",),
    )  # fmt: skip
    ds = mj.sweep(digits, over={"seed": range(runs)})
    seen, right = ds.train_count > 0, ds.example_correct.isel(example_step=-1)
    return ds, right.where(seen).mean("seed") - right.where(~seen).mean("seed")


def loop(runs: int) -> tuple[float, np.ndarray]:
    """Seconds of the eager loop, and accuracies ``[R, 2]`` on the rows of each subset and on the others."""
    import torch
    from torch.nn.functional import cross_entropy

    torch.set_num_threads(1)
    split = mj.tasks.Images("digits").draw(0, 1797, 0).train
    x = torch.tensor(mj.tasks.Images("digits").pool.reshape(-1, 64)[split.x])
    y = torch.tensor(split.y.astype(np.int64))
    found, begun = [], time.perf_counter()
    for seed in range(runs):
        torch.manual_seed(seed)
        order = torch.randperm(len(y))
        train, others = order[: round(SHARE * len(y))], order[round(SHARE * len(y)) :]
        net = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
        optimizer = torch.optim.Adam(net.parameters(), lr=RATE)
        batches: list[Any] = []
        for _ in range(STEPS):
            if not batches:
                batches = list(train[torch.randperm(len(train))].split(BATCH))
            rows = batches.pop()
            optimizer.zero_grad()
            cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            right = net(x).argmax(1) == y
        found.append([float(right[rows].float().mean()) for rows in (train, others)])
    return time.perf_counter() - begun, np.array(found)


def measure(runs: int, looped: int) -> dict[str, Any]:
    """Times, and accuracies of both."""
    scores(2)  # Imports and files, but another packed shape, so that the sweep compiles.
    begun = time.perf_counter()
    ds, found = scores(runs)
    ours = time.perf_counter() - begun
    seen, right = ds.train_count.values > 0, ds.example_correct.values[:, -1]
    accuracies = np.array([[right[r][seen[r]].mean(), right[r][~seen[r]].mean()] for r in range(runs)])
    row: dict[str, Any] = {
        "runs": runs,
        "seconds": ours,
        "accuracy": accuracies.mean(0).tolist(),
        "mean_score": float(found.mean()),
        "above_a_quarter": int((found > 0.25).sum()),
    }
    if importlib.util.find_spec("torch"):
        seconds, theirs = loop(looped)
        row |= {"loop_runs": looped, "loop_seconds": seconds, "loop_accuracy": theirs.mean(0).tolist()}
        row["ratio"] = seconds / looped * runs / ours
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--loop", type=int, default=LOOP)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    row = measure(given.runs, given.loop)
    print(f"{row['runs']} networks and the scores of all rows: {row['seconds']:.1f} s, compile included")
    print(f"accuracy on own rows and on others: {row['accuracy'][0]:.4f}, {row['accuracy'][1]:.4f}")
    print(f"mean score {row['mean_score']:.4f}; {row['above_a_quarter']} rows above .25")
    if "ratio" in row:
        each = row["loop_seconds"] / row["loop_runs"]
        print(
            f"eager loop: {each:.3f} s a network, {each * row['runs']:.0f} s for as many: {row['ratio']:.1f} times as long"
        )
        print(f"accuracy there: {row['loop_accuracy'][0]:.4f}, {row['loop_accuracy'][1]:.4f}")
    if given.out:
        repeated.write(given.out, {"machine": describe("cpu"), "row": row})


if __name__ == "__main__":
    main()
