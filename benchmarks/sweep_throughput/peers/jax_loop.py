"""Plain JAX: the whole training of a run as one jitted scan, compiled once per train size, in a loop over runs."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from benchmarks.sweep_throughput.peers import RECORDS, Settings, Train, Trained
from benchmarks.sweep_throughput.peers._jax import batch_rows, draw, initial, set_up, train
from benchmarks.sweep_throughput.works import Work


def prepare(work: Work, settings: Settings) -> Train:
    """Function of a number of steps that trains all runs from the start."""
    set_up(settings)
    jitted = jax.jit(train, static_argnums=(0, 1))

    def train_all(steps: int) -> Trained:
        # All runs are under way before the first is waited for.
        runs = [jitted(steps, work.record_every, *_start(work, run, steps)) for run in work.runs]
        return Trained({name: np.stack([np.asarray(run[name]) for run in runs]) for name in RECORDS})

    return train_all


def grain(work: Work, settings: Settings) -> int:
    """One: a loop takes every run alike."""
    del work, settings
    return 1


def _start(work: Work, run: tuple[int, int, float], steps: int) -> tuple[Any, ...]:
    """What a run begins with: parameters, learning rate, both splits, and the rows of its minibatches if any."""
    size, seed, rate = run
    rng = np.random.default_rng(seed)
    params, splits = initial(rng), [draw(rng, size, size) for _ in range(2)]
    rows = None if work.batch_size is None else batch_rows(rng, size, work.batch_size, steps, work.record_every)
    return params, np.float32(rate), *splits, rows
