"""The works: which runs are trained, on how many examples, for how many steps. Every peer gets the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np

WIDTHS = (9, 100, 100, 17)
LAYERS = tuple(pairwise(WIDTHS))
TEN_SIZES = tuple(50 * 2**k for k in range(10))
SCALING = "scale-"
FOUR_SIZES = (50, 400, 3200, 25600)


@dataclass(frozen=True)
class Work:
    """Runs of a 9-100-100-17 ReLU network under Adam on random labels, with a test split as large as the train split.

    Attributes
    ----------
    sizes, seeds, learning_rates
        One entry per run.
    batch_size
        None for full batch; else epochs without replacement, of which the last batch may be smaller.
    steps, record_every
        Records are taken at step 0 and after every ``record_every`` steps.
    """

    name: str
    sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    learning_rates: tuple[float, ...]
    batch_size: int | None = None
    steps: int = 1000
    record_every: int = 10

    @property
    def runs(self) -> list[tuple[int, int, float]]:
        """Size, seed and learning rate of every run."""
        return list(zip(self.sizes, self.seeds, self.learning_rates, strict=True))

    @property
    def records(self) -> int:
        """Records of a run, the one at step 0 included."""
        return self.steps // self.record_every + 1

    def fewest(self) -> int:
        """Runs of the size that has the fewest."""
        return min(self.sizes.count(size) for size in set(self.sizes))


def grid(
    name: str,
    sizes: Sequence[int],
    seeds: int,
    learning_rates: Sequence[float] = (1e-3,),
    batch_size: int | None = None,
    steps: int = 1000,
) -> Work:
    """Product of train sizes, learning rates and seeds."""
    of_size, rates, of_seed = zip(*product(sizes, learning_rates, range(seeds)), strict=True)
    return Work(name, of_size, of_seed, rates, batch_size, steps)


def rates(count: int) -> list[float]:
    """Learning rates spaced evenly in their logarithm."""
    return np.geomspace(1e-4, 1e-1, count).tolist()


def full_works(device: str) -> list[Work]:
    """What the full mode measures."""
    sweeps = [grid(f"a{seeds}", TEN_SIZES, seeds) for seeds in (1, 4, 16, *([10] if device == "gpu" else []))]
    return [
        *sweeps,
        grid("b256", (50, 100, 150, 200), 64),
        grid("b4096", (50, 100, 150, 200), 1024),
        grid("c", (25600,), 1),
        grid("d", (1000,), 4, rates(64)),
        grid("e", (1000, 4000, 16000), 4, batch_size=128),
    ]


def quick_works(device: str) -> list[Work]:
    """A taste of the full mode: four works of 100 steps."""
    del device
    return [
        grid("a1", TEN_SIZES, 1, steps=100),
        grid("b256", (50, 100, 150, 200), 64, steps=100),
        grid("c", (25600,), 1, steps=100),
        grid("d", (1000,), 1, rates(16), steps=100),
    ]


def scaling_works() -> list[Work]:
    """Works of memjax alone, for how its cost grows: number of sizes, then number of runs."""
    return [
        grid(f"{SCALING}ten-sizes", TEN_SIZES, 4, steps=200),
        grid(f"{SCALING}four-sizes", FOUR_SIZES, 4, steps=200),
        *(grid(f"{SCALING}seeds-{seeds}", (800,), seeds) for seeds in (1, 4, 16, 64)),
    ]


def check_works() -> list[Work]:
    """Small works on which all peers must agree in the mean: sizes, learning rates, minibatches with a short last one."""
    return [
        grid("check-full", (50, 150, 300), 64, steps=50),
        grid("check-rates", (100,), 64, (3e-4, 1e-2), steps=50),
        grid("check-batches", (150, 200, 300), 64, batch_size=128, steps=50),
    ]


def fewer(work: Work, runs: int, steps: int) -> Work:
    """Part of a work: some runs of every size, evenly over those it has, for some steps."""
    places = np.array(work.sizes)
    kept: list[int] = []
    for size in dict.fromkeys(work.sizes):
        own = np.flatnonzero(places == size)
        kept += own[np.arange(min(runs, len(own))) * len(own) // min(runs, len(own))].tolist()
    every = [work.runs[i] for i in sorted(kept)]
    sizes, seeds, learning_rates = zip(*every, strict=True)
    return replace(work, sizes=sizes, seeds=seeds, learning_rates=learning_rates, steps=steps)
