"""The contracts of a user's model, loss and measures, tried on a few examples before anything is trained.

A row's value may hang on nothing but that row: not on its neighbours, its place, their number, nor on an earlier call. What
``rows.py`` proves is not tried, so most functions cost two traces and no compile.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.values import own
from memjax.engine.program.program import Program, traced_of
from memjax.engine.program.rows import proven_apart
from memjax.engine.program.traces import same_numbers
from memjax.errors import InputError
from memjax.examples import Examples, Tile
from memjax.experiment import Experiment
from memjax.jax_settings import float_dtype
from memjax.measures.measure import Measure
from memjax.random import generator, key_data
from memjax.types import Data

__all__ = ["ROWS", "try_contracts"]

ROWS = 8
"""Examples of a run that are enough for a trial."""

# Values change by rounding alone where the program is the same; at another place or among fewer rows, sums may be in
# another order, in 16 bits if the model has those.
_SAME, _MOVED = 1e-3, 0.05
_TWO = (5, 7)
_FEW = 4

Call = Callable[[Any, Any, Any], Any]
"""From parameters, hyperparameters, and a tile or all examples."""


class _Part(NamedTuple):
    """A user's function to be tried, twice under its own trace: ``(key, hyper, shake, examples) -> values``.

    A loss is of outputs in place of inputs, and of those alone.
    """

    kind: str
    name: str
    by_row: bool
    steady: bool
    first: Callable[..., Any]
    second: Callable[..., Any]


def try_contracts(program: Program, experiment: Experiment, rows: Data) -> None:
    """Raise `InputError` where a user's model, loss or measure breaks its contract on examples of a run."""
    parts = _unproven(program)
    if not parts:
        return
    hyper = {path: np.asarray(value, float_dtype()) for path, value in traced_of(experiment).items()}
    key = np.asarray(key_data(experiment.init_key, "init"))
    x, y = (np.asarray(part).astype(shape[1]) for part, shape in zip(rows, (program.x, program.y), strict=True))
    with jax.default_device(_host()):
        for part in parts:
            # Parameters as drawn, and others near them: of zeros, as in a last layer, nothing could be seen.
            trials: list[tuple[Any, _Tiles]] = [((key, hyper, shake), _tiles(x, y)) for shake in (0.0, 0.1)]
            if part.kind == "loss":
                trials = [((), _tiles(outputs, y)) for outputs in _outputs(experiment.task.num_outputs)]
            fault = next(filter(None, (_fault(part, *trial) for trial in trials)), None)
            if fault:
                raise InputError(_sentence(part, fault, program, experiment))


def _outputs(width: int) -> tuple[np.ndarray, np.ndarray]:
    """Outputs ``[ROWS, width]`` for a loss: of any size, and such as sum to one."""
    values = generator(0, "outputs").normal(size=(ROWS, width)).astype(float_dtype())
    shares = np.exp(values)
    return values, shares / shares.sum(1, keepdims=True)


def _host() -> Any:
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        return None


@functools.lru_cache(maxsize=64)
def _unproven(program: Program) -> tuple[_Part, ...]:
    """The user's functions in a program whose contracts their traces do not prove."""
    hyper = {path: jax.ShapeDtypeStruct((), float_dtype()) for path in program.traced}
    key = jax.ShapeDtypeStruct((2,), "uint32")
    params = jax.eval_shape(program.draw, key, hyper)
    found = []
    if own(program.model):
        model: Call = lambda params, hyper, tile: program.model_with(hyper).apply(params, tile.x)  # noqa: E731
        found.append(_part(program, "model", "", model, *_traces(model, program, params, hyper)))
        draws = [jax.make_jaxpr(lambda k, h: program.draw(k, h))(key, hyper) for _ in _TWO]
        found.append(_part(program, "init", "", lambda params, hyper, examples: params, True, same_numbers(*draws)))
    if own(program.loss):
        loss: Call = lambda params, hyper, tile: program.loss(tile.x, tile.y)  # noqa: E731
        found.append(_part(program, "loss", "", loss, *_traces(loss, program, params, hyper, outputs=True)))
    found += [_of_measure(program, measure, params, hyper) for measure in program.measures if own(measure.function)]
    return tuple(part for part in found if part is not None)


def _of_measure(program: Program, measure: Measure, params: Any, hyper: Any) -> _Part | None:
    def call(params: Any, hyper: Any, examples: Any) -> Any:
        return measure.bind(program.loss)(params, program.apply_with(hyper), examples)

    kind = "measure" if measure.per_example else "whole"
    return _part(program, kind, measure.name, call, *_traces(call, program, params, hyper, whole=kind == "whole"))


def _traces(
    function: Call, program: Program, params: Any, hyper: Any, *, outputs: bool = False, whole: bool = False
) -> tuple[bool, bool]:
    """Whether a function is proven to keep rows apart, and whether two traces of it hold the same numbers."""
    traced = []
    for count in _TWO:
        struct: Any = jax.ShapeDtypeStruct
        x, y = program.x.struct(count), program.y.struct(count)
        if outputs:
            x = jax.eval_shape(lambda p, h, x: program.apply_with(h)(p, x), params, hyper, x)
        examples: Any = Tile(x, y, struct((count,), "bool"))
        if whole:
            x, y, number = program.x.struct(2, _TWO[0]), program.y.struct(2, _TWO[0]), struct((), "int32")
            examples = Examples(x, y, None, number, number, number)
        try:
            traced.append(jax.make_jaxpr(lambda p, h, e: function(p, h, e))(params, hyper, examples))
        except Exception:  # a function for other numbers of rows than these
            return False, False
    rows = [False] * len(jax.tree.leaves((params, hyper))) + [True] * 3
    return whole or proven_apart(traced[0], rows), same_numbers(*traced)


def _part(program: Program, kind: str, name: str, function: Call, proven: bool, steady: bool) -> _Part | None:
    def values(key: Any, hyper: Any, shake: Any, examples: Any) -> Any:
        params = jax.tree.map(lambda leaf: _shaken(leaf, shake), program.draw(key, hyper))
        return function(params, hyper, examples)

    def alone(tile: Any) -> Any:
        return function(None, None, tile)

    tried: Callable[..., Any] = alone if kind == "loss" else values
    by_row = kind not in ("whole", "init")
    first, second = (jax.jit(lambda *arguments: tried(*arguments)) for _ in _TWO)
    return None if proven and steady else _Part(kind, name, by_row, steady, first, second)


def _shaken(leaf: Any, shake: Any) -> Any:
    return (leaf + shake * jnp.sin(jnp.arange(leaf.size, dtype=jnp.float32)).reshape(leaf.shape)).astype(leaf.dtype)


class _Tiles(NamedTuple):
    """Examples; the same with the second half replaced by others or by the first; moved on by one; and fewer."""

    base: Any
    others: Any
    twins: Any
    moved: Any
    fewer: Any


def _tiles(x: np.ndarray, y: np.ndarray) -> _Tiles:
    pairs: Any = _exchanged(x), _exchanged(y)
    mask: Any = np.ones(_FEW, bool)
    base, others = (Tile(x, y, mask) for x, y in zip(*pairs, strict=True))
    moved = jax.tree.map(lambda leaf: np.roll(leaf, 1, axis=0), base)
    # Where others are alike by chance, such as in how many are of each class, their twins are not.
    twins = jax.tree.map(lambda leaf: np.concatenate([leaf[: _FEW // 2]] * 2), base)
    return _Tiles(base, others, twins, moved, jax.tree.map(lambda leaf: leaf[:-1], base))


def _exchanged(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Four rows, and the same with quite different ones in place of the last two."""
    base = rows[np.arange(_FEW) % len(rows)]
    half = _FEW // 2
    if jnp.issubdtype(base.dtype, jnp.floating):
        far = (7 - 30 * base[half:]).astype(base.dtype)
    else:
        far = rows[::-1][np.arange(half) % len(rows)]
    return base, np.concatenate([base[:half], far])


def _fault(part: _Part, arguments: tuple[Any, ...], tiles: _Tiles) -> str | None:
    """What is wrong with a function, or None; None also where it does not take so few examples."""
    try:
        if not part.by_row:
            whole = _whole(tiles.base)
            one, two = (_leaves(function(*arguments, whole)) for function in (part.first, part.second))
            return "again" if _far(one, two, _SAME).any() else None
        base = _leaves(part.first(*arguments, tiles.base))
        others, twins = (_leaves(part.first(*arguments, tile)) for tile in (tiles.others, tiles.twins))
        moved = _leaves(part.first(*arguments, tiles.moved))
        again, fewer = (base, base) if part.steady else _more(part, arguments, tiles)
    except Exception:  # a function for other numbers of rows than these
        return None
    half, back = _FEW // 2, [np.roll(leaf, -1, axis=0) for leaf in moved]
    found = {
        "again": _far(base, again, _SAME).any(),
        "others": any(_far(_first(half, base), _first(half, other), _SAME).any() for other in (others, twins)),
        # A value at the edge of a step may change by rounding; what hangs on the place changes in two rows at least.
        "place": _far(base, back, _MOVED).sum() > 1,
        "count": _far(_first(len(fewer[0]), base), fewer, _MOVED).sum() > 1,
    }
    return next((name for name, wrong in found.items() if wrong), None)


def _more(part: _Part, arguments: tuple[Any, ...], tiles: _Tiles) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return _leaves(part.second(*arguments, tiles.base)), _leaves(part.first(*arguments, tiles.fewer))


def _whole(tile: Tile) -> Examples:
    x, y = (leaf.reshape(2, _FEW // 2, *leaf.shape[1:]) for leaf in (tile.x, tile.y))
    return Examples(jnp.asarray(x), jnp.asarray(y), None, jnp.int32(0), jnp.int32(_FEW), jnp.int32(2))


def _first(count: int, leaves: list[np.ndarray]) -> list[np.ndarray]:
    return [leaf[:count] for leaf in leaves]


def _leaves(values: Any) -> list[np.ndarray]:
    return [np.atleast_1d(np.asarray(leaf, np.float64)) for leaf in jax.tree.leaves(values)]


def _far(one: list[np.ndarray], other: list[np.ndarray], tolerance: float) -> np.ndarray:
    """Which rows of any leaf differ by more than rounding, at the scale of the largest value."""
    found = []
    for a, b in zip(one, other, strict=True):
        a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
        finite = np.isfinite(a) & np.isfinite(b)
        scale = max(np.abs(a[finite]).max(initial=0), np.abs(b[finite]).max(initial=0))
        differ = np.abs(np.where(finite, a, 0) - np.where(finite, b, 0)) > tolerance * scale
        found.append((differ | (np.isfinite(a) != np.isfinite(b))).any(1))
    return np.concatenate(found)


_FAULTS = {
    "again": "gives other values when it is called again with the same arguments",
    "others": "gives an example another value when the examples beside it are exchanged",
    "place": "gives an example another value at another place among the same examples",
    "count": f"gives an example another value among {_FEW} examples than among {_FEW - 1}",
}
_PURE = "it must be a pure function, so draw no random numbers in it and keep no state."
_ADVICE = {
    "model": "it must treat each row of its input by itself, so leave out batch statistics, and reduce over the axes after the "
    "first only.",
    "loss": "it must give each row of outputs and targets a value of its own, so reduce over the axes after the first only, "
    "and leave the mean over examples to memjax.",
    "measure": "a per-example measure must give each row a value of its own, so reduce over the axes after the first only, or "
    "declare it without per_example.",
}


def _sentence(part: _Part, fault: str, program: Program, experiment: Experiment) -> str:
    if part.kind == "init":
        return (
            f"The model {experiment.model!r} draws other initial parameters when it is called again with the same key: take "
            "all its random numbers from the key."
        )
    measure = f"The measure {part.name!r}"
    what = {"model": f"The model {experiment.model!r}", "loss": f"The loss {experiment.loss!r}"}.get(part.kind, measure)
    advice = _PURE if fault == "again" else _ADVICE[part.kind]
    if part.kind == "loss" and fault == "others" and not program.y[0] and "float" in program.y[1]:
        advice = (
            f"outputs [B, {experiment.task.num_outputs}] and targets [B] make a value for every pair of examples, so give "
            "targets of the outputs' shape, such as y[:, None], or take outputs[:, 0] in the loss."
        )
    return f"{what} {_FAULTS[fault]}: {advice}"
