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

__all__ = ["SweepWork", "a", "as_grid", "b", "chains", "peak_bytes", "seconds", "sweeps", "warm_seconds"]

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
        Steps of a timed call; of the call beside it that shows the time of a step.
    """

    name: str
    experiment: mj.Experiment
    sizes: tuple[int, ...]
    seeds: int
    short: int
    long: int

    def at(self, steps: int) -> mj.Experiment:
        """The experiment with so many steps."""
        return replace(self.experiment, steps=steps)

    def over(self, turn: int = 0) -> dict[str, Any]:
        """The axes, with seeds of its own for every turn, so that nothing of a turn before is of use."""
        return {"train_size": self.sizes, "seed": range(turn * self.seeds, (turn + 1) * self.seeds)}


def a(tiny: bool) -> SweepWork:
    """Ten sizes of 10 seeds."""
    sizes, seeds = (TEN_SIZES[:2], 2) if tiny else (TEN_SIZES, 10)
    return SweepWork("a: ten sizes x 10 seeds", BASE, sizes, seeds, *_steps(tiny))


def b(tiny: bool, batch_size: int | None = None, runs: int = 4096) -> SweepWork:
    """Many runs of 200 examples; with a batch size of 200 the same as minibatches that hold all examples."""
    name = f"b: {runs} runs of 200" + (f", minibatches of {batch_size}" if batch_size else "")
    return SweepWork(name, replace(BASE, batch_size=batch_size), (200,), 4 if tiny else runs, *_steps(tiny))


def _steps(tiny: bool) -> tuple[int, int]:
    return (20, 40) if tiny else (200, 1000)


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
    return {"cold s": round(cold, 3), "warm s": statistics.median(warm), "warm calls s": warm, "finished": finished}


def peak_bytes() -> int | None:
    """The largest number of bytes that this process held on the device so far."""
    return (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
