"""The change of features between two states of a network, which is one sign of a slingshot."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from memjax.checks.values import one_of
from memjax.errors import InputError

__all__ = ["feature_change"]


def _powers(h: np.ndarray, axis: tuple[int, ...]) -> np.ndarray:
    """Powers of two near the largest entries along some axes.

    A product with a power of two is exact, and squares of the scaled entries stay in the range of float64.
    """
    return np.frexp(np.abs(h).max(axis, keepdims=True, initial=0))[1]


def _relative(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    powers = np.maximum(_powers(before, (-2, -1)), _powers(after, (-2, -1)))
    before, after = np.ldexp(before, -powers), np.ldexp(after, -powers)
    return np.linalg.norm(after - before, axis=(-2, -1)) / np.linalg.norm(before, axis=(-2, -1))


def _cosine(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    before, after = (np.ldexp(h, -_powers(h, (-1,))) for h in (before, after))
    lengths = np.linalg.norm(before, axis=-1) * np.linalg.norm(after, axis=-1)
    # An example whose features are all zero has no direction.
    counted = lengths > 0
    cosines = (before * after).sum(-1) / np.where(counted, lengths, 1)
    return (1 - cosines).sum(-1, where=counted) / counted.sum(-1)


_CHANGES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"relative": _relative, "cosine": _cosine}


def feature_change(before: npt.ArrayLike, after: npt.ArrayLike, measure: str = "relative") -> np.ndarray:
    """How far the features of the same examples have moved between two states of a network.

    Parameters
    ----------
    before, after
        Activations ``[..., examples, neurons]`` of one layer, as `memjax.Snapshot.hidden` gives them; leading axes are batches.
    measure
        ``relative``: ||after - before||_F / ||before||_F, which grows with the scale of the features. ``cosine``: the mean
        over examples of one minus the cosine between before and after, which ignores the scale. Examples whose features are
        all zero are left out of ``cosine``.

    Returns
    -------
    np.ndarray
        ``float64[...]``; 0 where nothing moved, NaN where there were no features to move.

    Raises
    ------
    InputError
        If the shapes differ or the measure is not known.

    Examples
    --------
    >>> h = np.array([[3.0, 0.0], [0.0, 4.0]])
    >>> float(feature_change(h, 2 * h)), float(feature_change(h, 2 * h, "cosine"))
    (1.0, 0.0)
    """
    one_of("measure", measure, _CHANGES)
    first, second = (np.asarray(h, np.float64) for h in (before, after))
    if first.shape != second.shape or first.ndim < 2:
        raise InputError(
            f"The features have shapes {list(first.shape)} and {list(second.shape)}: give two arrays [..., examples, neurons] "
            "of one shape."
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(_CHANGES[measure](first, second))
