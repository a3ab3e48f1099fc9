"""Names of categories along an axis: in one line where they fit, else in several lines, else turned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from memjax.plots.axes import size_of, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["category_ticks"]

# Room in points for the width of a letter of a tick label.
_LETTER = 4.9
# Most lines of a name below the horizontal axis, height of a line in points, and letters of a name that stays in one line.
_LINES, _LINE, _SHORT = 3, 11.0, 16


def category_ticks(ax: Axes, which: Literal["x", "y"], places: Sequence[float], texts: Sequence[str]) -> None:
    """Name places along an axis; names that would touch below the horizontal axis stand in several lines, or are turned."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    ax.tick_params(axis=which, length=0.0, which="both")
    # A colour bar and the labels themselves will take about a fifth of the width, and a legend a third of the height.
    each, high = 0.8 * size_of(ax)[0] / max(len(texts), 1), 0.65 * size_of(ax)[1] / max(len(texts), 1)
    if which == "y":
        axis.set_ticks(places, [_in_lines(text, int(high / _LINE)) for text in texts])
        return
    lines = [wrapped(text, each - _LETTER, _LETTER) for text in texts]
    if _longest(lines) * _LETTER <= each and max(text.count("\n") for text in lines) < _LINES:
        axis.set_ticks(places, lines)
        return
    axis.set_ticks(places, [_in_lines(text, min(_LINES, int(0.7 * each / _LINE))) for text in texts])
    for label in ax.get_xticklabels():
        label.set(rotation=45.0, ha="right", rotation_mode="anchor")


def _in_lines(text: str, most: int) -> str:
    """Text in at most so many lines of about one length, if it is long."""
    return wrapped(text, max(len(text) / max(most, 1) + 4.0, _SHORT) * _LETTER, _LETTER)


def _longest(texts: Sequence[str]) -> int:
    return max(len(line) for text in texts for line in text.split("\n"))
