"""Ticks of a linear horizontal axis that leave room between their numbers."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

__all__ = ["roomy_locator", "roomy_ticks"]

# A digit of matplotlib's own font is 0.64 times as wide as the font is high.
_DIGIT = 0.64


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
