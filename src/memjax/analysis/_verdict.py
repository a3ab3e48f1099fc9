"""The verdict on one curve given as an array of seeds, and the evidence for it in words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memjax.analysis._shape import SHAPES, is_flat, shape_of_values, shape_p_values
from memjax.analysis.formatting import format_interval
from memjax.analysis.intervals import mean_and_error, student_interval

__all__ = ["Verdict", "judge"]

FloatArray = npt.NDArray[np.float64]


class Verdict(NamedTuple):
    """The shape or "cannot tell", why, and the adjusted p-value of every shape."""

    shape: str
    evidence: str
    p_values: dict[str, float]


def judge(values: FloatArray, x: FloatArray, level: float, flat_within: float) -> Verdict:
    """Judge the shape of a curve against the noise between its seeds.

    Parameters
    ----------
    values : numpy.ndarray
        float64 ``[S, n]``, S seeds at n positions; NaN where a run diverged.
    x : numpy.ndarray
        Ascending positions, float64 ``[n]``.
    level : float
        Confidence level, between 0 and 1.
    flat_within : float
        Largest deviation from the overall mean, as a fraction of it, that still counts as flat.

    Returns
    -------
    Verdict
        "cannot tell" with the reason in ``evidence`` where there is nothing to judge by.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array([[1.0, 2.0, 3.0], [1.1, 2.0, 3.1], [0.9, 2.1, 3.0]])
    >>> judge(values, np.array([1.0, 2.0, 4.0]), level=0.95, flat_within=0.1).shape
    'rising'
    """
    if values.shape[1] < 3:
        few = f"{values.shape[1]} positions with enough finite values, at least 3 needed"
        return Verdict("cannot tell", few, dict.fromkeys(SHAPES, np.nan))
    p_values = shape_p_values(values)
    face_value = shape_of_values(mean_and_error(values.T)[0])
    if len(values) < 2:
        alone = f"no second seed, so no seed noise to judge by; taken at face value the curve is {face_value}"
        return Verdict("cannot tell", alone, p_values)
    found = [shape for shape in SHAPES if p_values[shape] < 1.0 - level]
    if "inverted U" in found and "U" in found:
        return Verdict("cannot tell", "the curve turns more than once, up and down, beyond seed noise", p_values)
    if found:
        # Turns come last in SHAPES: a turn outranks the difference between the ends.
        evidence = _changes_text(values, x, found[-1], level, p_values[found[-1]])
        return Verdict(found[-1], evidence + _doubt_text(found[-1], face_value), p_values)
    if is_flat(values, flat_within, level):
        return Verdict("flat", f"every position is within {flat_within:.0%} of the mean at level {level:g}", p_values)
    return Verdict("cannot tell", _noise_text(p_values, flat_within, face_value), p_values)


def _changes_text(values: FloatArray, x: FloatArray, shape: str, level: float, p: float) -> str:
    mean = mean_and_error(values.T)[0]
    turn = {"inverted U": int(mean.argmax()), "U": int(mean.argmin())}.get(shape)
    steps = [(0, -1)] if turn is None else [(0, turn), (turn, -1)]
    changes = [f"{_change(values[:, b] - values[:, a], level)} from {x[a]:g} to {x[b]:g}" for a, b in steps]
    certainty = "p < 1e-4 after" if p < 1e-4 else f"p = {p:.2g} after"
    return f"change {' and '.join(changes)} ({level:.0%} intervals over {len(values)} seeds; {certainty} adjustment)"


def _change(differences: FloatArray, level: float) -> str:
    mean, interval, _, _ = student_interval(differences, level)
    return format_interval(float(mean), interval)


def _doubt_text(shape: str, face_value: str) -> str:
    if shape == face_value:
        return ""
    return f"; taken at face value the curve is {face_value}, but not beyond seed noise"


def _noise_text(p_values: dict[str, float], flat_within: float, face_value: str) -> str:
    smallest = min((p for p in p_values.values() if np.isfinite(p)), default=np.nan)
    return (
        f"no change stands out of the seed noise (smallest p = {smallest:.2g} after adjustment), and the noise is too "
        f"large to show that the curve is flat within {flat_within:.0%}; taken at face value it is {face_value}"
    )
