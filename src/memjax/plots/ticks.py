"""Ticks that leave room between their numbers and names."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from memjax.plots.axes import size_of, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

__all__ = ["category_ticks", "roomy_locator", "roomy_ticks"]

# A digit of matplotlib's own font is 0.64 times as wide as the font is high.
_DIGIT = 0.64
# Room in points for the width of a letter of a tick label.
_LETTER = 4.9
# Most lines of a name below the horizontal axis, height of a line in points, and letters of a name that stays in one line.
_LINES, _LINE, _SHORT = 3, 11.0, 16


@functools.cache
def roomy_locator() -> type[Any]:
    """Class of locators of ticks as matplotlib places them, or fewer of them where their numbers would touch.

    matplotlib takes a number to be no wider than three times its height, and a number of six digits is. The class is made when
    it is asked for, because `import memjax` does not import matplotlib.
    """
    from matplotlib.axis import Axis
    from matplotlib.ticker import AutoLocator

    class RoomyLocator(AutoLocator):
        def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
            """Ticks between two ends, and one beyond each end."""
            self.set_params(nbins="auto")
            ticks = super().tick_values(vmin, vmax)
            shown = [tick for tick in ticks if min(vmin, vmax) <= tick <= max(vmin, vmax)]
            if not isinstance(self.axis, Axis) or len(shown) - 1 <= (room := _room(self.axis, shown)):
                return ticks
            self.set_params(nbins=room)
            return super().tick_values(vmin, vmax)

    return RoomyLocator


def _room(axis: Axis, ticks: list[float]) -> int:
    """How many times the longest number of these ticks fits on an axis, with the space of a digit beside it."""
    longest = max((len(text) for text in axis.get_major_formatter().format_ticks(ticks)), default=1)
    # The first tick alone: the list of all of them asks the locator.
    size = float(axis.get_major_ticks(1)[0].label1.get_fontsize())
    points = 72.0 * axis.axes.bbox.width / axis.axes.figure.dpi
    return max(1, int(points / (_DIGIT * size * (longest + 1))))


def roomy_ticks(ax: Axes) -> Axes:
    """Let the horizontal axis of a new panel have roomy ticks until it becomes logarithmic or gets ticks of its own."""
    ax.xaxis.set_major_locator(roomy_locator()())
    # As after matplotlib's own default, which categories and dates replace.
    ax.xaxis.isDefault_majloc = True
    return ax


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
