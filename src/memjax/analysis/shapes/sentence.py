"""Verdicts on curves, in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from memjax.analysis.base.formatting import format_interval
from memjax.analysis.base.intervals import mean_and_error, student_interval
from memjax.analysis.shapes.judge import CANNOT_TELL, Judged, Rules
from memjax.analysis.shapes.shape import SHAPES, shape_of_values

__all__ = ["infinite_text", "law_text", "turn_text", "why"]

FloatArray = npt.NDArray[np.float64]

_SHOWN = 6


def why(values: FloatArray, x: FloatArray, judged: Judged, rules: Rules) -> str:
    """Evidence for the shape of one curve ``[S, n]``; entry 0 of ``judged`` is the verdict on this curve.

    Examples
    --------
    >>> import numpy as np
    >>> from memjax.analysis.shapes.judge import judge
    >>> values, x = np.array([[1.0, 2.0, 3.0], [1.1, 2.0, 3.1], [0.9, 2.1, 3.0]]), np.array([1.0, 2.0, 4.0])
    >>> why(values, x, judge(values[None], x, Rules(())), Rules(()))
    'change 2.03 [1.89, 2.18] from 1 to 4 (95% intervals over 3 seeds; p = 0.00054 after adjustment)'
    """
    enough = np.isfinite(values).sum(axis=0) >= min(2, len(values))
    values, x = values[:, enough], x[enough]
    if values.shape[1] < 3:
        return f"{values.shape[1]} positions with enough finite values, at least 3 needed"
    shape, p_values = str(judged.shape[0]), judged.p_values[0]
    face_value = shape_of_values(mean_and_error(values.T)[0])
    if len(values) < 2:
        return f"no second seed, so no seed noise to judge by; taken at face value the curve is {face_value}"
    if shape in SHAPES:
        evidence = _changes_text(values, x, shape, rules.level, p_values[SHAPES.index(shape)])
        doubt = f"; taken at face value the curve is {face_value}, but not beyond seed noise"
        return evidence + (doubt if face_value != shape else "")
    if shape == "flat":
        return f"every position is within {rules.flat_within:.0%} of the mean at level {rules.level:g}"
    if shape == CANNOT_TELL and (p_values < 1.0 - rules.level).any():
        return "the curve turns more than once, up and down, beyond seed noise"
    smallest = min((p for p in p_values if np.isfinite(p)), default=np.nan)
    return (
        f"no change stands out of the seed noise (smallest p = {smallest:.2g} after adjustment), and the noise is too "
        f"large to show that the curve is flat within {rules.flat_within:.0%}; taken at face value it is {face_value}"
    )


def law_text(judged: Judged, rules: Rules) -> str:
    """Law of the branch with its parameters, and how far the closest rival is behind; empty if no law was judged."""
    law, names = str(judged.law[0]), rules.names
    if not law:
        return ""
    low, high = judged.span[0]
    behind = f"{names[int(judged.rival[0])]} {judged.margin[0]:+.1f}" if np.isfinite(judged.margin[0]) else "none"
    best = int(np.nanargmin(judged.difference[0]))
    share = judged.support[0, best]
    stable = f"; best in {share:.0%} of disturbed curves" if np.isfinite(share) else ""
    where = f"on {low:g}..{high:g}"
    if law == CANNOT_TELL:
        return f"law {where}: cannot tell {names[best]} from the next (AICc: {behind}{stable})"
    return f"{law} {where}{_parameters_text(judged, rules)} (AICc, next: {behind}{stable})"


def infinite_text(infinite: np.ndarray, finite: np.ndarray, x: FloatArray, dim: str) -> str:
    """A line on the positions where runs are infinite, empty if no run is; masks ``[S, n]`` of the runs of one curve.

    Examples
    --------
    >>> import numpy as np
    >>> infinite = np.array([[True, False, True], [True, False, False]])
    >>> print("falling" + infinite_text(infinite, ~infinite, np.array([0.0, 1.0, 4.0]), "weight_decay"))
    falling
      left out as infinite (never got there): all runs at weight_decay = 0; 1 of 2 runs at weight_decay = 4
    """
    count, runs = infinite.sum(axis=0), (infinite | finite).sum(axis=0)
    places: dict[str, list[str]] = {}
    for number, of, at in zip(count, runs, x, strict=True):
        if number:
            places.setdefault("all runs" if number == of else f"{number} of {of} runs", []).append(f"{at:g}")
    parts = [f"{who} at {dim} = {_listing(at)}" for who, at in places.items()]
    return f"\n  left out as infinite (never got there): {'; '.join(parts)}" if parts else ""


def _listing(words: list[str]) -> str:
    shown, left = words[:_SHOWN], len(words) - _SHOWN
    last = f"{left} more" if left > 0 else shown.pop()
    return f"{', '.join(shown)} and {last}" if shown else last


def turn_text(turn: Mapping[str, np.ndarray], dim: str, shape: str) -> str:
    """Place, height and prominence of an extremum, in words; ``turn`` holds the numbers by name, as `peak` gives them."""
    name, ends = ("maximum", "above the higher") if shape == "inverted U" else ("minimum", "below the lower")
    agreement = float(turn["agreement"])
    shared = f" (in {agreement:.0%} of seeds)" if np.isfinite(agreement) else ""
    ratio = float(turn["prominence_in_noise"])
    noise = f", {ratio:.3g} times the seed noise" if np.isfinite(ratio) else ""
    return (
        f"{name} {format_interval(float(turn['height']), turn['height_interval'])} at {dim} = "
        f"{float(turn['location']):g}{shared}, {format_interval(float(turn['prominence']), turn['prominence_interval'])} "
        f"{ends} end{noise}"
    )


def _parameters_text(judged: Judged, rules: Rules) -> str:
    model = next((model for model in rules.candidates if model.name == judged.law[0]), None)
    parts = []
    for name in () if model is None else model.parameters:
        at = rules.parameters.index(name)
        value, ends = float(judged.parameters[0, at]), judged.intervals[0, at]
        parts.append(f"{name.replace('_', ' ')} {format_interval(value, ends)}")
    return f", {', '.join(parts)}" if parts else ""


def _changes_text(values: FloatArray, x: FloatArray, shape: str, level: float, p: float) -> str:
    mean = mean_and_error(values.T)[0]
    turn = {"inverted U": int(mean.argmax()), "U": int(mean.argmin())}.get(shape)
    steps = [(0, -1)] if turn is None else [(0, turn), (turn, -1)]
    changes = [f"{_change(values[:, b] - values[:, a], level)} from {x[a]:g} to {x[b]:g}" for a, b in steps]
    certainty = "p < 1e-4 after" if p < 1e-4 else f"p = {p:.2g} after"
    counts = [int(np.isfinite(values[:, b] - values[:, a]).sum()) for a, b in steps]
    seeds = f"{counts[0]}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    return f"change {' and '.join(changes)} ({100.0 * level:g}% intervals over {seeds} seeds; {certainty} adjustment)"


def _change(differences: FloatArray, level: float) -> str:
    mean, interval, _, _ = student_interval(differences, level)
    return format_interval(float(mean), interval)
