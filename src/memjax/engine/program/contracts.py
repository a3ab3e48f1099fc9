"""The contracts of a user's model, loss and measures, tested on a few examples before training.

The value of a row may depend on that row alone: not on other rows, on their number, on its position, or on an earlier call.
Functions with a proof from ``rows.py`` are not tested, so most functions cost two traces and no compile.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.values import is_user_code
from memjax.engine.program.asked import bound, first_seen
from memjax.engine.program.contract_faults import FEW, message
from memjax.engine.program.forward import outputs_of_a_step
from memjax.engine.program.initial import host
from memjax.engine.program.program import Program, traced_of
from memjax.engine.program.rows import proven_apart
from memjax.engine.program.traces import same_numbers
from memjax.errors import InputError
from memjax.examples import Examples, Tile
from memjax.experiment import Experiment
from memjax.jax_settings import float_dtype
from memjax.losses import of_examples
from memjax.measures.measure import Measure
from memjax.models.randomness import is_random
from memjax.random import generator, key_data
from memjax.types import Data

__all__ = ["ROWS", "try_contracts"]

ROWS = 8
"""Number of examples of a run that a test needs."""

# Relative tolerances. With the same program, values differ by rounding alone. At another position, or among fewer rows, a
# sum may be taken in another order, perhaps in 16 bits.
_SAME, _MOVED = 1e-3, 0.05
_COUNTS = (5, 7)

Call = Callable[[Any, Any, Any], Any]
"""``(params, hyper, examples) -> values``, where the examples are a tile or all examples of a split."""


class _UserFunction(NamedTuple):
    """A user's function to be tested, traced twice (``first``, ``second``): ``(key, hyper, shake, examples) -> values``.

    A loss of outputs takes only numbers and examples, with the model's outputs in place of the inputs.
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
    with jax.default_device(host()):
        for part in parts:
            # Parameters as drawn, and perturbed ones: a last layer of zeros would hide every dependence on the rows.
            trials: list[tuple[Any, _Variants]] = [((key, hyper, shake), _variants(x, y)) for shake in (0.0, 0.1)]
            if part.kind == "loss":
                trials = [((hyper,), _variants(outputs, y)) for outputs in _outputs(experiment.task.num_outputs)]
            fault = next(filter(None, (_fault(part, *trial) for trial in trials)), None)
            if fault:
                raise InputError(message(part.kind, part.name, fault, experiment, program.y))


def _outputs(width: int) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of outputs ``[ROWS, width]`` for a loss: normal numbers, and rows of positive numbers that sum to one."""
    values = generator(0, "outputs").normal(size=(ROWS, width)).astype(float_dtype())
    shares = np.exp(values)
    return values, shares / shares.sum(1, keepdims=True)


@functools.lru_cache(maxsize=64)
def _unproven(program: Program) -> tuple[_UserFunction, ...]:
    """The user's functions of a program that must be tested, because their traces do not prove the contracts."""
    hyper = {path: jax.ShapeDtypeStruct((), float_dtype()) for path in program.traced}
    key = jax.ShapeDtypeStruct((2,), "uint32")
    params = jax.eval_shape(program.draw, key, hyper)
    found = []
    if is_user_code(program.model):
        model: Call = lambda params, hyper, tile: program.model_with(hyper).apply(params, tile.x)  # noqa: E731
        found.append(_user_function(program, "model", "", model, *_traces(model, program, params, hyper)))
        if is_random(program.model):
            train: Call = functools.partial(outputs_of_a_step, program)
            found.append(_user_function(program, "train", "", train, *_traces(train, program, params, hyper)))
        draws = [jax.make_jaxpr(lambda k, h: program.draw(k, h))(key, hyper) for _ in _COUNTS]
        found.append(
            _user_function(program, "init", "", lambda params, hyper, examples: params, True, same_numbers(*draws))
        )
    if is_user_code(program.loss):
        found.append(_loss_function(program, params, hyper))
    found += [
        _measure_function(program, measure, params, hyper)
        for measure in program.measures
        if is_user_code(measure.function)
    ]
    return tuple(part for part in found if part is not None)


def _loss_function(program: Program, params: Any, hyper: Any) -> _UserFunction | None:
    if program.loss_sees:

        def seeing(params: Any, hyper: Any, tile: Any) -> Any:
            return of_examples(program.loss_with(hyper), program.apply_with(hyper), params, tile.x, tile.y)

        return _user_function(program, "seeing", "", seeing, *_traces(seeing, program, params, hyper))

    def loss(params: Any, hyper: Any, tile: Any) -> Any:
        return program.loss_with(hyper)(tile.x, tile.y)

    return _user_function(program, "loss", "", loss, *_traces(loss, program, params, hyper, outputs=True))


def _measure_function(program: Program, measure: Measure, params: Any, hyper: Any) -> _UserFunction | None:
    def call(params: Any, hyper: Any, examples: Any) -> Any:
        function = bound(program, measure, hyper, first_seen(program, params, hyper))
        return function(params, program.apply_with(hyper), examples)

    kind = "measure" if measure.per_example else "whole"
    return _user_function(
        program, kind, measure.name, call, *_traces(call, program, params, hyper, whole=kind == "whole")
    )


def _traces(
    function: Call, program: Program, params: Any, hyper: Any, *, outputs: bool = False, whole: bool = False
) -> tuple[bool, bool]:
    """Whether a function provably keeps rows apart, and whether two traces of the function contain the same numbers."""
    traced = []
    for count in _COUNTS:
        struct: Any = jax.ShapeDtypeStruct
        x, y = program.x.struct(count), program.y.struct(count)
        if outputs:
            x = jax.eval_shape(lambda p, h, x: program.apply_with(h)(p, x), params, hyper, x)
        examples: Any = Tile(x, y, struct((count,), "bool"), struct((count,), "int32"))
        if whole:
            x, y, number = program.x.struct(2, _COUNTS[0]), program.y.struct(2, _COUNTS[0]), struct((), "int32")
            examples = Examples(x, y, None, number, number, number)
        try:
            traced.append(jax.make_jaxpr(lambda p, h, e: function(p, h, e))(params, hyper, examples))
        except Exception:  # the function does not accept this number of rows
            return False, False
    rows = [False] * len(jax.tree.leaves((params, hyper))) + [True] * 4
    return whole or proven_apart(traced[0], rows), same_numbers(*traced)


def _user_function(
    program: Program, kind: str, name: str, function: Call, proven: bool, steady: bool
) -> _UserFunction | None:
    def values(key: Any, hyper: Any, shake: Any, examples: Any) -> Any:
        params = jax.tree.map(lambda leaf: _perturbed(leaf, shake), program.draw(key, hyper))
        return function(params, hyper, examples)

    def alone(hyper: Any, tile: Any) -> Any:
        return function(None, hyper, tile)

    tried: Callable[..., Any] = alone if kind == "loss" else values
    by_row = kind not in ("whole", "init")
    first, second = (jax.jit(lambda *arguments: tried(*arguments)) for _ in _COUNTS)
    return None if proven and steady else _UserFunction(kind, name, by_row, steady, first, second)


def _perturbed(leaf: Any, shake: Any) -> Any:
    return (leaf + shake * jnp.sin(jnp.arange(leaf.size, dtype=jnp.float32)).reshape(leaf.shape)).astype(leaf.dtype)


class _Variants(NamedTuple):
    """A tile of examples, and four variants of the tile.

    The variants: the second half replaced by other examples, the second half replaced by the first half, all rows moved on
    by one position, and one row fewer.
    """

    base: Any
    others: Any
    twins: Any
    moved: Any
    fewer: Any


def _variants(x: np.ndarray, y: np.ndarray) -> _Variants:
    pairs: Any = _exchanged(x), _exchanged(y), _exchanged(np.arange(max(len(x), ROWS), dtype=np.int32))
    mask: Any = np.ones(FEW, bool)
    base, others = (Tile(x, y, mask, rows) for x, y, rows in zip(*pairs, strict=True))
    moved = jax.tree.map(lambda leaf: np.roll(leaf, 1, axis=0), base)
    # `others` may agree with `base` by chance, for example in the number of examples per class; then `twins` do not.
    twins = jax.tree.map(lambda leaf: np.concatenate([leaf[: FEW // 2]] * 2), base)
    return _Variants(base, others, twins, moved, jax.tree.map(lambda leaf: leaf[:-1], base))


def _exchanged(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Four rows, and the same rows with very different ones in place of the last two."""
    base = rows[np.arange(FEW) % len(rows)]
    half = FEW // 2
    if jnp.issubdtype(base.dtype, jnp.floating):
        far = (7 - 30 * base[half:]).astype(base.dtype)
    else:
        far = rows[::-1][np.arange(half) % len(rows)]
    return base, np.concatenate([base[:half], far])


def _fault(part: _UserFunction, arguments: tuple[Any, ...], tiles: _Variants) -> str | None:
    """The contract that a function breaks, or None; also None if the function does not accept so few examples."""
    try:
        if not part.by_row:
            whole = _whole(tiles.base)
            one, two = (_leaves(function(*arguments, whole)) for function in (part.first, part.second))
            return "again" if _differ(one, two, _SAME).any() else None
        base = _leaves(part.first(*arguments, tiles.base))
        others, twins = (_leaves(part.first(*arguments, tile)) for tile in (tiles.others, tiles.twins))
        moved = _leaves(part.first(*arguments, tiles.moved))
        again, fewer = (base, base) if part.steady else _again_and_fewer(part, arguments, tiles)
    except Exception:  # the function does not accept this number of rows
        return None
    half, back = FEW // 2, [np.roll(leaf, -1, axis=0) for leaf in moved]
    found = {
        "again": _differ(base, again, _SAME).any(),
        "others": any(_differ(_first(half, base), _first(half, other), _SAME).any() for other in (others, twins)),
        # Rounding may change one value that lies at a step of the function. A dependence on the position changes two or
        # more.
        "place": _differ(base, back, _MOVED).sum() > 1,
        "count": _differ(_first(len(fewer[0]), base), fewer, _MOVED).sum() > 1,
    }
    return next((name for name, wrong in found.items() if wrong), None)


def _again_and_fewer(
    part: _UserFunction, arguments: tuple[Any, ...], tiles: _Variants
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return _leaves(part.second(*arguments, tiles.base)), _leaves(part.first(*arguments, tiles.fewer))


def _whole(tile: Tile) -> Examples:
    x, y = (leaf.reshape(2, FEW // 2, *leaf.shape[1:]) for leaf in (tile.x, tile.y))
    return Examples(jnp.asarray(x), jnp.asarray(y), None, jnp.int32(0), jnp.int32(FEW), jnp.int32(2))


def _first(count: int, leaves: list[np.ndarray]) -> list[np.ndarray]:
    return [leaf[:count] for leaf in leaves]


def _leaves(values: Any) -> list[np.ndarray]:
    return [np.atleast_1d(np.asarray(leaf, np.float64)) for leaf in jax.tree.leaves(values)]


def _differ(one: list[np.ndarray], other: list[np.ndarray], tolerance: float) -> np.ndarray:
    """For the rows of every leaf, whether values differ by more than ``tolerance`` times the largest value."""
    found = []
    for a, b in zip(one, other, strict=True):
        a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
        finite = np.isfinite(a) & np.isfinite(b)
        scale = max(np.abs(a[finite]).max(initial=0), np.abs(b[finite]).max(initial=0))
        differ = np.abs(np.where(finite, a, 0) - np.where(finite, b, 0)) > tolerance * scale
        found.append((differ | (np.isfinite(a) != np.isfinite(b))).any(1))
    return np.concatenate(found)
