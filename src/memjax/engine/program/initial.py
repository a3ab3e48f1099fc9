"""Initial parameters of runs, on the host, and the places of parameters that lie among zeros.

Parameters are drawn by the model of each run, of its own widths, so they depend neither on the device nor on the runs
beside it. A program of several widths pads them afterwards.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from memjax.checks.values import is_user_code
from memjax.engine.program.program import Program, ShapeOf, model_of, traced_of
from memjax.experiment import Experiment
from memjax.fields import traced_values, with_numbers, without_numbers
from memjax.jax_settings import float_dtype
from memjax.parameter_trees import Layout, flatten_runs, layout_of, ranks, tree_like
from memjax.random import key_data

__all__ = [
    "draws_itself",
    "given_parameters",
    "host",
    "initial_parameters",
    "live_places",
    "of_own_structure",
    "own_layout",
    "own_size",
    "padded",
    "without_padding",
]

_KEYS = "threefry2x32"


def host(otherwise: Any = None) -> Any:
    """The host's CPU device if JAX has one, so that initial parameters do not depend on the accelerator."""
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        return otherwise


def draws_itself(program: Program) -> bool:
    """Whether the model draws its parameters without a compile of its own; models of memjax do."""
    return not is_user_code(program.model)


def initial_parameters(program: Program, run: Experiment) -> Any:
    """Initial parameters of one run, a tree of NumPy arrays, padded as the program is.

    Parameters
    ----------
    program
        The program that trains the run.
    run
        The run; its ``start``, if any, takes the place of a draw.
    """
    model = model_of(run)
    if run.start is not None:
        return given_parameters(program, run, run.start.parameters.astype(float_dtype()))
    if draws_itself(program):
        with jax.default_device(host()):
            key: Any = np.asarray(key_data(run.init_key, "init"))
            zeros: Any = np.zeros((1, *program.x[0]), program.x[1])
            params = model.init(jax.random.wrap_key_data(key, impl=_KEYS), zeros)
    else:
        numbers = {path: np.asarray(value, float_dtype()) for path, value in traced_of(run).items()}
        own = program if program.widths is None else of_own_structure(program, run)
        with jax.default_device(host()):
            params = _compiled_draw(own, float_dtype().name)(np.asarray(key_data(run.init_key, "init")), numbers)
    return padded(program, model, params)


def given_parameters(program: Program, run: Experiment, flat: np.ndarray) -> Any:
    """Flat parameters of a run as a tree of NumPy arrays, padded as the program is; entries behind are ignored."""
    shapes = own_shapes(program, run)
    return padded(program, model_of(run), tree_like(shapes, flat))


def padded(program: Program, model: Any, params: Any) -> Any:
    """Parameters of a run as a tree of NumPy arrays, among zeros where the program has padding."""
    params = jax.tree.map(np.asarray, params)
    return params if program.widths is None else model.pad(params, program.widths)


def of_own_structure(program: Program, run: Experiment) -> Program:
    """The program of a run alone, without the padding that it shares with networks of other widths."""
    traced = tuple(sorted(traced_of(run)))
    return dataclasses.replace(program, model=without_numbers(model_of(run)), traced=traced, widths=None)


@functools.lru_cache(maxsize=64)
def _compiled_draw(program: Program, dtype: str) -> Callable[..., Any]:
    """The draw of a user's model, which compiles once."""
    del dtype
    return jax.jit(program.draw)


def own_shapes(program: Program, run: Experiment) -> Any:
    """Shape structs of the parameters of a run, without padding."""
    model = model_of(run)
    # Shapes do not depend on traced numbers. A user's function may read a global that has changed, hence the content.
    return _shapes(without_numbers(model), tuple(traced_values(model)), program.x, float_dtype().name, program.content)


@functools.lru_cache(maxsize=8192)
def _shapes(model: Any, traced: tuple[str, ...], x: ShapeOf, dtype: str, content: str) -> Any:
    del content
    numbers = {path: jax.ShapeDtypeStruct((), dtype) for path in traced}
    key = jax.eval_shape(lambda: jax.random.key(0))
    return jax.eval_shape(lambda k, n, x: with_numbers(model, n).init(k, x), key, numbers, x.struct(1))


def own_size(program: Program, run: Experiment) -> int:
    """Number of parameters of a run, without padding."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(own_shapes(program, run)))


def own_layout(program: Program, run: Experiment) -> Layout:
    """Paths and shapes of the parameters of a run, without padding."""
    return [(list(path), list(shape)) for path, shape in layout_of(own_shapes(program, run))]


def live_places(program: Program, runs: Sequence[Experiment]) -> Any:
    """Where each padded parameter stands among the run's own, from 1, and zero in padding: a tree ``int32[R, ...]``.

    None for a program without padding.
    """
    if program.widths is None:
        return None
    return jax.tree.map(lambda *leaves: np.stack(leaves), *(_places(program, run) for run in runs))


def _places(program: Program, run: Experiment) -> Any:
    model: Any = model_of(run)
    return model.pad(ranks(own_shapes(program, run)), program.widths)


def without_padding(flat: np.ndarray, live: Any) -> list[np.ndarray]:
    """Flat parameters ``[P]`` of each run, in its own order, from padded ones ``[R, P']``."""
    return [row[_order(places)] for row, places in zip(flat, flatten_runs(live), strict=True)]


def _order(places: np.ndarray) -> np.ndarray:
    """Indices of the parameters that are no padding, in their own order."""
    live = np.flatnonzero(places)
    return live[np.argsort(places[live])]
