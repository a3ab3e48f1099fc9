"""Initial parameters of all runs of a block: of many networks of one structure together, else of one after another.

A call per network takes half a millisecond on the host. The program that draws many networks compiles in half a second, so
it pays from a thousand networks on. Both ways give the same bits.
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
# Under JAX 0.12 the bits of normal draws differ between the two ways, so that every network is drawn alone.
_MANY = 512 if jax.__version_info__ < (0, 12) else 2**62
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
        if own is not None and len(places) >= _MANY:
            for start in range(0, len(places), _AT_ONCE):
                some = places[start : start + _AT_ONCE]
                yield some, _drawn_together(program, own, [runs[place] for place in some])
            continue
        for place in places:
            one = initial_parameters(program, runs[place])
            yield [place], jax.tree.map(lambda leaf: leaf[None], one)


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
