"""The three works that are timed, each as memjax takes it: sweeps a and b, and the learning coefficients c."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import xarray as xr

import memjax as mj
from benchmarks.sweep_throughput.works import TEN_SIZES, WIDTHS, Work, grid

__all__ = ["SweepWork", "a", "as_grid", "b", "chains", "peak_bytes", "seconds", "sweeps", "timed", "warm_seconds"]

BASE = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=WIDTHS[0], num_classes=WIDTHS[-1]),
    model=mj.models.MLP(hidden=WIDTHS[1:-1]),
    measures=("loss", "accuracy", "weight_l2"),
)


@dataclass(frozen=True)
class SweepWork:
    """A sweep over train sizes and seeds.

    Attributes
    ----------
    short, long
        Steps of a timed call; of the call beside it that shows the time of a step, or None to leave that out.
    """

    name: str
    experiment: mj.Experiment
    sizes: tuple[int, ...]
    seeds: int
    short: int
    long: int | None

    def at(self, steps: int) -> mj.Experiment:
        """The experiment with so many steps."""
        return replace(self.experiment, steps=steps)

    def over(self, turn: int = 0) -> dict[Any, Any]:
        """The axes, with seeds of its own for every turn, so that nothing of a turn before is of use."""
        return {"train_size": self.sizes, "seed": range(turn * self.seeds, (turn + 1) * self.seeds)}


def a(tiny: bool) -> SweepWork:
    """Ten sizes of 10 seeds."""
    if tiny:
        return SweepWork("a", BASE, TEN_SIZES[:2], 2, 20, 40)
    return SweepWork("a", BASE, TEN_SIZES, 10, 200, 1000)


def b(tiny: bool, batch_size: int | None = None, runs: int = 4096) -> SweepWork:
    """Many runs of 200 examples; with a batch size of 200 the same as minibatches that hold all examples."""
    name = "b in minibatches" if batch_size else "b"
    experiment = replace(BASE, batch_size=batch_size)
    if tiny:
        return SweepWork(name, experiment, (200,), 4, 20, None)
    return SweepWork(name, experiment, (200,), runs, 200, 1000)


def as_grid(work: SweepWork, steps: int) -> Work:
    """The same work for the peers."""
    return grid(work.name, work.sizes, work.seeds, steps=steps)


def sweeps(tiny: bool) -> list[SweepWork]:
    """All sweeps in the order of their value."""
    return [a(tiny), b(tiny), b(tiny, 200)]


def chains(tiny: bool) -> tuple[xr.Dataset, Any]:
    """Work c: the snapshots of a run of modular addition, and the estimate that is taken on all of them."""
    count, draws, count_chains = (2, 10, 2) if tiny else (50, 500, 8)
    spec = mj.Experiment(
        task=mj.tasks.ModularArithmetic(p=53), model=mj.models.EmbeddingMLP(embedding=12, hidden=48), steps=count,
        record_every=1, train_size=1123, snapshots=tuple(range(1, count + 1)), measures=("loss",),
    )  # fmt: skip
    estimate = mj.measures.llc(
        2.0, step_size=3e-3, localization=5.0, draws=draws, burn_in=0, chains=count_chains, batch_size=128
    )
    return mj.sweep(spec, progress=False), estimate


def seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a call, and what it gave."""
    begun = time.perf_counter()
    found = function()
    return time.perf_counter() - begun, found


def warm_seconds(work: SweepWork, steps: int, turns: int) -> dict[str, Any]:
    """Seconds of a first sweep and of some more of the same shape, from the call to the Dataset."""
    cold, dataset = seconds(lambda: mj.sweep(work.at(steps), work.over(0), progress=False))
    warm = []
    for turn in range(1, turns + 1):
        spent, dataset = seconds(lambda: mj.sweep(work.at(steps), work.over(turn), progress=False))  # noqa: B023
        warm.append(round(spent, 4))
    finished = int((dataset.status == "finished").sum())
    median = round(statistics.median(warm), 4)
    return {"cold s": round(cold, 3), "warm s": median, "warm calls s": warm, "finished": finished}


def timed(work: SweepWork, turns: int) -> dict[str, Any]:
    """As `warm_seconds` for few steps; with many steps beside, the time of a step is the difference, records included."""
    row = warm_seconds(work, work.short, turns)
    if work.long is None:
        return row
    long = warm_seconds(work, work.long, 1)
    each = (long["warm s"] - row["warm s"]) / (work.long - work.short)
    beside = row["warm s"] - each * work.short
    return {
        **row,
        f"{work.long} steps": long,
        "ms a step": round(1e3 * each, 4),
        "beside the steps s": round(beside, 4),
    }


def peak_bytes() -> int | None:
    """The largest number of bytes that this process held on the device so far."""
    return (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
