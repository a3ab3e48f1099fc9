"""The contract of a task's fresh examples, tested before training: their shapes and dtypes, and each row from its own key."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from memjax.checks.values import is_user_code
from memjax.engine.program.fresh import sources
from memjax.engine.program.initial import host
from memjax.engine.program.output_shapes import shape_of
from memjax.engine.program.program import Program, traced_of
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.experiment.draw import check_finite, check_targets
from memjax.jax_settings import float_dtype, host_dtype
from memjax.types import Data

__all__ = ["check_fresh_examples"]

_FEW = 8
# Rounding may differ between two numbers of rows; a row that hangs on another differs in its leading digits.
_MOVED = 1e-3


def check_fresh_examples(program: Program, experiment: Experiment) -> None:
    """Raise `InputError` where fresh examples do not look as drawn ones, or hang on more than the stream and their own key."""
    if program.stream is None:
        return
    hyper = {path: jax.ShapeDtypeStruct((), float_dtype()) for path in program.traced}
    kind = type(experiment.task).__name__
    draw = lambda hyper, stream, keys: program.task_with(hyper).fresh(stream, keys)  # noqa: E731
    keys = jax.eval_shape(_keys)
    found = shape_of(f"{kind}.fresh cannot be traced", draw, hyper, program.stream.structs(), keys)
    _check_shapes(kind, program, found)
    if is_user_code(experiment.task):
        _check_rows(kind, program, experiment)


def _keys() -> Any:
    return jax.random.split(jax.random.key(0, impl="threefry2x32"), _FEW)


def _check_shapes(kind: str, program: Program, found: Any) -> None:
    if not isinstance(found, tuple) or len(found) != 2 or not all(hasattr(part, "dtype") for part in found):
        raise InputError(
            f"{kind}.fresh gave no pair of arrays: return inputs and targets, as in memjax.types.Data(x, y)."
        )
    for what, part, (shape, dtype) in zip(("inputs", "targets"), found, (program.x, program.y), strict=True):
        if part.shape != (_FEW, *shape) or host_dtype(part.dtype).name != dtype:
            raise InputError(
                f"{kind}.fresh gave {what} {part.dtype}{list(part.shape)} for {_FEW} keys, but draw gives rows of "
                f"{dtype}{list(shape)}: both must give examples of one shape and dtype, one row for each key."
            )


def _check_rows(kind: str, program: Program, experiment: Experiment) -> None:
    """Check values that a user's task draws: finite, the same again, and the same in other company."""
    source: Any = sources(program, [experiment])
    stream = jax.tree.map(lambda leaf: leaf[0], source.stream)
    again: Any = sources(program, [experiment])
    if not all(map(np.array_equal, jax.tree.leaves(source), jax.tree.leaves(again))):
        raise InputError(
            f"{kind}.stream gave other arrays when it was called again with the same seed: make every generator in it from "
            "the seed, such as memjax.random.generator(seed, 'teacher')."
        )
    numbers = {path: np.asarray(value, float_dtype()) for path, value in traced_of(experiment).items()}
    # Compiled once for each number of keys, as in training: without a program, a draw of Python's own would go unseen.
    draw = jax.jit(lambda stream, keys: tuple(program.task_with(numbers).fresh(stream, keys)))
    with jax.default_device(host()):
        keys = _keys()
        whole, few, moved = (Data(*map(np.asarray, draw(stream, own))) for own in (keys, keys[: _FEW // 2], keys[::-1]))
    check_finite(f"{kind}.fresh gave", whole)
    check_targets(experiment, whole)
    first = Data(*(part[: _FEW // 2] for part in whole))
    back = Data(*(part[::-1] for part in moved))
    if not (_close(first, few) and _close(whole, back)):
        raise InputError(
            f"{kind}.fresh gave a row another example when the keys beside it were exchanged, or when it was traced again: let "
            "every row hang on the stream and its own key alone, as in jax.vmap(one)(keys)."
        )


def _close(one: Data, other: Data) -> bool:
    pairs = [(np.asarray(a, np.float64), np.asarray(b, np.float64)) for a, b in zip(one, other, strict=True)]
    return all(np.allclose(a, b, rtol=_MOVED, atol=_MOVED * np.abs(a).max(initial=0)) for a, b in pairs)
