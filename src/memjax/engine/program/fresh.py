"""Fresh examples: every step draws its batch inside the compiled program, from the data seed, the step and the place alone.

So neither the runs beside it, nor the schedule, nor a stop between two steps change what a run sees. Runs with one data seed
see the same examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from memjax.engine.program.program import Hyper, Program
from memjax.errors import InputError
from memjax.examples import Tile
from memjax.experiment import Experiment
from memjax.experiment.stream import StreamShape, stream_of
from memjax.models.randomness import is_random
from memjax.random import keys
from memjax.types import Array

__all__ = ["Source", "fresh_tile", "source_at_step", "source_shapes", "sources"]

_KEYS = "threefry2x32"
_PURPOSE = "fresh examples"


class Source(NamedTuple):
    """Where fresh examples come from.

    Attributes
    ----------
    key
        Raw keys ``uint32[R, 2]``: of the runs, or of the step that each run does next.
    stream
        What the examples of each run have in common, a tree of ``[R, ...]``.
    """

    key: Any
    stream: Any


def sources(program: Program, runs: Sequence[Experiment]) -> Source | None:
    """Sources of runs, on the host; None for runs with a train set.

    Raises
    ------
    InputError
        If the streams of two runs have other shapes.
    """
    if not program.draws_fresh:
        return None
    known: dict[Any, Any] = {}
    places = [(id(run.task), run.data_key) for run in runs]
    for place, run in zip(places, runs, strict=True):
        if place not in known:
            known[place] = _checked(program, run)
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *(known[place] for place in places))
    return Source(keys([run.data_key for run in runs], _PURPOSE), stacked)


def _checked(program: Program, run: Experiment) -> Any:
    """The stream of a run, which must have the shapes of its program."""
    stream = stream_of(run)
    if StreamShape.of(stream) != program.stream:
        kind = type(run.task).__name__
        raise InputError(
            f"{kind}.stream gave arrays {_shown(StreamShape.of(stream))} for data seed {run.data_key}, but "
            f"{_shown(program.stream)} for another run: give the same tree of the same shapes for every seed and every traced "
            "number."
        )
    return stream


def _shown(shape: StreamShape | None) -> str:
    arrays = () if shape is None else shape.arrays
    return ", ".join(f"{dtype}{list(own)}" for own, dtype in arrays) or "without entries"


def source_shapes(program: Program, *runs: int) -> Source | None:
    """Shape structs of the source of one run, or with their number in front, of runs; None for runs with a train set."""
    if program.stream is None:
        return None
    return Source(jax.ShapeDtypeStruct((*runs, 2), "uint32"), program.stream.structs(*runs))


def source_at_step(data: Any, steps: Array) -> Any:
    """Data of a block for the step that each run does next, ``steps[R]``: the key of the step replaces that of the run."""
    if data.fresh is None:
        return data
    return data._replace(fresh=data.fresh._replace(key=jax.vmap(_raw_key)(data.fresh.key, steps)))


def _raw_key(run: Array, step: Array) -> Array:
    return jax.random.key_data(jax.random.fold_in(jax.random.wrap_key_data(run, impl=_KEYS), step))


def fresh_tile(program: Program, hyper: Hyper, source: Source, count: int | None = None) -> Tile:
    """New examples of one run at one step, all of them real; ``count`` is the batch size unless it is given."""
    places = jnp.arange(program.batch_size if count is None else count, dtype=jnp.int32)
    step = jax.random.wrap_key_data(source.key, impl=_KEYS)
    drawn = program.task_with(hyper).fresh(source.stream, jax.vmap(jax.random.fold_in, (None, 0))(step, places))
    # Data are packed in one dtype for all floats, and so is what a task draws here.
    x, y = (part.astype(shape[1]) for part, shape in zip(drawn, (program.x, program.y), strict=True))
    return Tile(x, y, jnp.ones(places.shape, bool), places if is_random(program.model) else None)
