"""Test the contract of a user's draw: a function of seed and sizes, nested in the train size, and finite."""

from __future__ import annotations

import jax
import numpy as np

from memjax.checks.values import is_user_code
from memjax.errors import InputError
from memjax.experiment.draw import check_finite, parts_of
from memjax.experiment.experiment import Experiment
from memjax.types import Data, PoolTask, Split

__all__ = ["check_draw", "check_nested"]

_FEWER = 64


def check_draw(experiment: Experiment, drawn: Split) -> None:
    """Raise `InputError` where the draw of a user's task depends on more than its seed and sizes."""
    task, kind = experiment.task, type(experiment.task).__name__
    if not is_user_code(task):
        return
    if isinstance(task, PoolTask):
        _check_pool(kind, task.pool, task.pool)
    size, test_size = len(drawn.train.y), len(drawn.test.y)
    # Two small draws are cheap. A task that cannot draw few examples is drawn again in the same sizes.
    fewer = min(size, _FEWER)
    first, again = (_drawn_again(experiment, fewer, test_size) for _ in range(2))
    if first is None or again is None:
        first, again = drawn, _drawn_again(experiment, size, test_size)
    if again is None or not all(map(_equal_arrays, jax.tree.leaves(tuple(first)), jax.tree.leaves(tuple(again)))):
        raise InputError(
            f"{kind}.draw gave other examples when it was called again with the same seed and sizes: make every generator in "
            "it from the seed, such as memjax.random.generator(seed, 'inputs'), for the examples of a run are drawn again "
            "wherever they are needed."
        )


def check_nested(experiment: Experiment, other_size: int) -> None:
    """Raise `InputError` where the larger of two train sets does not begin with the smaller one."""
    size, test_size = experiment.data_sizes()
    smaller = min(size, other_size, _FEWER)
    small = smaller, smaller + 1, min(test_size, _FEWER)
    pairs = small, (min(size, other_size), max(size, other_size), test_size)
    draws = ([_drawn_again(experiment, n, test) for n in (few, more)] for few, more, test in pairs)
    few, more = next((pair for pair in draws if None not in pair), (None, None))
    if few is None or more is None:
        return
    for name, part, whole in zip(("inputs", "targets"), few.train, more.train, strict=True):
        if not _equal_arrays(part, whole[: len(part)]):
            raise InputError(
                f"{type(experiment.task).__name__}.draw is not nested, but the runs have {other_size} and {size} train "
                f"examples: of one seed, the {name} of {len(part)} train examples are not those of the first {len(part)} of "
                f"{len(whole)}. Let no example hang on how many there are: draw inputs and targets from a generator each, such "
                "as memjax.random.generator(seed, 'targets'), and take the first rows."
            )


def _drawn_again(experiment: Experiment, train_size: int, test_size: int) -> Split | None:
    """Examples of the same seed in other sizes; None if the task cannot draw these sizes."""
    try:
        parts = parts_of(
            type(experiment.task).__name__, experiment.task.draw(experiment.data_key, train_size, test_size)
        )
    except Exception:
        return None
    fits = all(len(part.x) == len(part.y) == size for part, size in zip(parts, (train_size, test_size), strict=True))
    return Split(*parts) if fits else None


def _equal_arrays(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are equal; floats up to rounding, because matrix products may be summed in another order."""
    if one.shape != other.shape or not np.issubdtype(one.dtype, np.floating):
        return np.array_equal(one, other)
    scale = np.abs(one[np.isfinite(one)]).max(initial=0)
    return bool(np.allclose(one, other, rtol=0, atol=1e-4 * scale, equal_nan=True))


def _check_pool(kind: str, pool: np.ndarray, again: np.ndarray) -> None:
    if pool is not again and not _equal_arrays(np.asarray(pool), np.asarray(again)):
        raise InputError(
            f"{kind}.pool gave another array when it was read again: make the pool once, or from the task's fields alone."
        )
    if jax.dtypes.issubdtype(np.asarray(pool).dtype, np.floating):
        check_finite(f"{kind}.pool holds", Data(np.asarray(pool), np.zeros(0)))
