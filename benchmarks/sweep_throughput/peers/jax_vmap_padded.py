"""Vectorised JAX: `jax.vmap` over all runs, each padded to the largest train size, in chunks of runs."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np

from benchmarks.sweep_throughput.peers import RECORDS, Settings, Train, Trained
from benchmarks.sweep_throughput.peers._jax import batch_rows, draw, initial, set_up, train
from benchmarks.sweep_throughput.works import WIDTHS, Work

# Bytes of data and activations of a chunk. Two gigabytes would fit a CPU too, and take twice as long: its cache is small.
_CHUNK_BYTES = {"cpu": 32 * 2**20, "gpu": 4 * 2**30}
_FLOATS_PER_EXAMPLE = 2 * (WIDTHS[0] + 2) + 4 * sum(WIDTHS[1:])


def prepare(work: Work, settings: Settings) -> Train:
    """Function of a number of steps that trains all runs from the start."""
    set_up(settings)
    most, chunk, padded = len(work.sizes), _chunk(work, settings), max(work.sizes)
    jitted = jax.jit(_train_chunk, static_argnums=(0, 1))

    def train_all(steps: int) -> Trained:
        parts = []
        for start in range(0, most, chunk):
            # The last chunk repeats its last run, so that one program serves all chunks.
            runs = [work.runs[min(i, most - 1)] for i in range(start, start + chunk)]
            begun = [_start(work, run, steps, padded) for run in runs]
            stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *begun)
            parts.append(jax.tree.map(np.asarray, jitted(steps, work.record_every, *stacked)))
        return Trained({name: np.concatenate([part[name] for part in parts])[:most] for name in RECORDS})

    return train_all


def grain(work: Work, settings: Settings) -> int:
    """Enough for one full chunk."""
    return math.ceil(_chunk(work, settings) / len(set(work.sizes)))


def _train_chunk(steps: int, every: int, *stacked: Any) -> Any:
    return jax.vmap(lambda *one: train(steps, every, *one))(*stacked)


def _chunk(work: Work, settings: Settings) -> int:
    """Runs that are trained together: at least two, and chunks as equal as they can be."""
    room = max(2, _CHUNK_BYTES[settings.device] // (4 * _FLOATS_PER_EXAMPLE * max(work.sizes)))
    return math.ceil(len(work.sizes) / math.ceil(len(work.sizes) / room))


def _start(work: Work, run: tuple[int, int, float], steps: int, padded: int) -> tuple[Any, ...]:
    """What a run begins with: parameters, learning rate, both splits, and the rows of its minibatches if any."""
    size, seed, rate = run
    rng = np.random.default_rng(seed)
    params, splits = initial(rng), [draw(rng, size, padded) for _ in range(2)]
    rows = None if work.batch_size is None else batch_rows(rng, size, work.batch_size, steps, work.record_every)
    return params, np.float32(rate), *splits, rows
