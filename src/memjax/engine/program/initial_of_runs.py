"""Initial parameters of all runs of a block: of many networks of one structure together, else of one after another.

A call per network takes half a millisecond on the host. The program that draws many networks compiles in half a second, so
it pays from a thousand networks on. Both ways give the same bits, or else every network is drawn alone: XLA promises no bits
of a program, so the first networks of a block are drawn in both ways.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from memjax.engine.program.initial import draws_itself, host, initial_parameters, of_own_structure, padded
from memjax.engine.program.program import Program, model_of, numbers_of
from memjax.experiment import Experiment
from memjax.experiment.kinds import once_per_kind
from memjax.jax_settings import float_dtype
from memjax.random import keys

__all__ = ["initial_of_runs"]

# The host compiles the program of the block at the same time, so that half of the runs that would pay for a compile do.
_MANY = 512
# Few enough to stay in cache, and many enough that a call costs nothing beside its draws.
_AT_ONCE = 64


def initial_of_runs(program: Program, runs: Sequence[Experiment]) -> Any:
    """Initial parameters of runs, a tree of NumPy arrays ``[R, ...]``; each run as of `initial_parameters`."""
    parts = _parts(program, runs)
    places, first = next(parts)
    room = jax.tree.map(lambda leaf: np.empty((len(runs), *leaf.shape[1:]), leaf.dtype), first)
    _put(room, places, first)
    for places, params in parts:
        _put(room, places, params)
    return room


def _put(room: Any, places: Sequence[int], params: Any) -> None:
    for leaf, part in zip(jax.tree.leaves(room), jax.tree.leaves(params), strict=True):
        leaf[places] = part


def _parts(program: Program, runs: Sequence[Experiment]) -> Iterator[tuple[Sequence[int], Any]]:
    """Places among the runs, and the parameters ``[places, ...]`` of the runs there."""
    for own, places in _by_structure(program, runs).items():
        parts = [places[start : start + _AT_ONCE] for start in range(0, len(places), _AT_ONCE)]
        draw = functools.partial(_drawn_alone, program)
        if own is not None and len(places) >= _MANY:
            together = functools.partial(_drawn_together, program, own)
            first = [runs[place] for place in parts[0]]
            draw = together if _same_bits(together(first), draw(first)) else draw
        for part in parts:
            yield part, draw([runs[place] for place in part])


def _by_structure(program: Program, runs: Sequence[Experiment]) -> dict[Program | None, list[int]]:
    """Places of the runs by the program of their structure alone; under None those of which each is taken by itself."""
    groups: dict[Program | None, list[int]] = {}

    def group(run: Experiment) -> list[int]:
        alone = run.start is not None or not draws_itself(program)
        return groups.setdefault(None if alone else of_own_structure(program, run), [])

    group_of = once_per_kind(group)
    for place, run in enumerate(runs):
        group_of(run).append(place)
    return groups


def _drawn_alone(program: Program, runs: Sequence[Experiment]) -> Any:
    """Parameters ``[R, ...]`` of runs, one after another."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *(initial_parameters(program, run) for run in runs))


def _same_bits(one: Any, other: Any) -> bool:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(first.tobytes() == second.tobytes() for first, second in pairs)


def _drawn_together(program: Program, own: Program, runs: list[Experiment]) -> Any:
    """Parameters ``[R, ...]`` of runs of one structure; the last run fills the places left in a call."""
    full = runs + runs[-1:] * (_AT_ONCE - len(runs))
    raw = keys([run.init_key for run in full], "init")
    with jax.default_device(host()):
        drawn = _compiled_draws(own, float_dtype().name)(raw, numbers_of(full, own.traced))
    params = jax.tree.map(lambda leaf: np.asarray(leaf)[: len(runs)], drawn)
    if program.widths is None:
        return params
    each = [jax.tree.map(lambda leaf: leaf[i], params) for i in range(len(runs))]  # noqa: B023 - called at once
    return jax.tree.map(
        lambda *leaves: np.stack(leaves),
        *(padded(program, model_of(run), one) for run, one in zip(runs, each, strict=True)),
    )


@functools.lru_cache(maxsize=64)
def _compiled_draws(program: Program, dtype: str) -> Callable[..., Any]:
    del dtype
    return jax.jit(jax.vmap(program.draw))
