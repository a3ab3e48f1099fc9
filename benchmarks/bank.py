"""A bank of networks on half of 1,797 digits each, and every score that is read from it: times, peak memory and the scores.

python -m benchmarks.bank: networks of 64-32-10, Adam, minibatches of 64, 300 steps. Times are those of a first call, compile
included. The eager loop of `benchmarks.memorization_scores` trains the same network for as many steps, and says how long it
takes for one.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xarray as xr

import memjax as mj
from benchmarks import repeated
from benchmarks.sweep_throughput.machine import describe
from memjax import analysis

RUNS, HELD, RIDGE = 4096, 512, 1000.0
BANK = mj.Experiment(
    task=mj.tasks.Images("digits"),
    train_size="all",
    test_size=0,
    subset=mj.subsets.BalancedHalves(),
    data_seed=0,
    model=mj.models.MLP(hidden=(32,)),
    optimizer=mj.optimizers.adam(0.01),
    batch_size=64,
    steps=300,
    record_every=300,
    measures=(mj.measures.accuracy.on("train", "held_out"),),
    examples=("correct", "log_odds"),
)


def questions(bank: xr.Dataset) -> dict[str, Callable[[], dict[str, float]]]:
    """What is asked of a bank, by name; each answer is some numbers that a reader can judge."""
    right, odds, count = bank.example_correct, bank.example_log_odds, bank.train_count
    other = odds.rename(example="other")
    held, fitted = {"seed": slice(0, HELD)}, {"seed": slice(HELD, None)}

    def memorization() -> dict[str, float]:
        found = analysis.memorization(right, count)
        lower, upper = found.mean_interval.values
        return {"mean": float(found.mean_memorization), "lower": lower, "upper": upper}

    def influence() -> dict[str, float]:
        effect = analysis.influence(other.isel(fitted), count.isel(fitted), of="other").influence
        score = analysis.linear_datamodeling_score(effect, other.isel(held), count.isel(held), of="other")
        return {"datamodeling score": float(score.mean_score)}

    def datamodels(strength: float | None) -> Callable[[], dict[str, float]]:
        def found() -> dict[str, float]:
            fit = analysis.datamodels(other.isel(fitted), count.isel(fitted), of="other", strength=strength)
            score = analysis.linear_datamodeling_score(fit.weight, other.isel(held), count.isel(held), of="other")
            return {"datamodeling score": float(score.mean_score)}

        return found

    def attacked(attack: Any) -> Callable[[], dict[str, float]]:
        def found() -> dict[str, float]:
            curve = analysis.roc(analysis.membership(odds, count, attack=attack), count, resamples=100)
            return {
                "auc": float(curve.auc),
                **{f"tpr at {rate:g}": float(curve.tpr.sel(fpr=rate)) for rate in curve.fpr.values},
            }

        return found

    attacks = ("threshold", "calibrated", "lira", "lira offline", "rmia")
    models = {"least squares": datamodels(None), "ridge": datamodels(RIDGE)}
    return {"memorization": memorization, "influence": influence} | models | {one: attacked(one) for one in attacks}


def measure(runs: int) -> list[dict[str, Any]]:
    """Seconds and peak memory of the training and of every question, in turn."""
    bank, row = trained(runs)
    rows = [row]
    for name, ask in questions(bank).items():
        begun = time.perf_counter()
        answer = ask()
        rows.append({"what": name, "seconds": time.perf_counter() - begun, "peak_mb": peak(), **answer})
        show(rows[-1])
    return rows


def trained(runs: int) -> tuple[xr.Dataset, dict[str, Any]]:
    """The bank, and what its training took beside what `memjax.explain` stated before."""
    stated = mj.explain(BANK, {"seed": range(runs)})
    begun = time.perf_counter()
    bank = mj.sweep(BANK, {"seed": range(runs)}).isel(example_step=-1)
    accuracies = {name: float(bank[f"{name}_accuracy"][:, -1].mean()) for name in ("train", "held_out")}
    row = {"what": "training", "seconds": time.perf_counter() - begun, "peak_mb": peak(), **accuracies}
    print(stated, flush=True)
    show(row)
    row |= {"stated_mb": stated.memory.added // 10**6, "before_mb": stated.memory.process // 10**6}
    print(judged(row), flush=True)
    return bank, row


def peak() -> int:
    """Most memory of the process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // 10**6


def judged(row: dict[str, Any]) -> str:
    """Whether the training kept within the memory that `memjax.explain` stated before."""
    total = row["before_mb"] + row["stated_mb"]
    kept = "within" if row["peak_mb"] <= total else "BEYOND"
    return (
        f"The training reached {row['peak_mb']} MB, {kept} the {total} MB stated: {row['stated_mb']} MB beside the "
        f"{row['before_mb']} MB that the process held before."
    )


def show(row: dict[str, Any]) -> None:
    """Print a row as it comes."""
    numbers = ", ".join(
        f"{name} {value:.4f}" for name, value in row.items() if name not in ("what", "seconds", "peak_mb")
    )
    print(f"{row['what']:<14} {row['seconds']:6.1f} s {row['peak_mb']:6d} MB  {numbers}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    rows = measure(given.runs)
    if given.out:
        repeated.write(given.out, {"machine": describe("cpu"), "runs": given.runs, "rows": rows})


if __name__ == "__main__":
    main()
