"""Words at the bars of categories for the runs that are infinite and have no part in a bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax.plots.axes import size_of
from memjax.plots.times import is_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["keep_places", "mark_infinite"]

# Points: a letter, the height of two lines with space below, and the width that the longer of two lines needs.
_LETTER, _LINES, _TWO_LINES = 4.4, 28.0, 45.0


def mark_infinite(
    ax: Axes, runs: xr.DataArray, at: np.ndarray, ends: np.ndarray, width: float, horizontal: bool
) -> None:
    """Write beyond ``ends``, those of the bars of ``runs [seeds, bars]``, how many of the known runs are infinite, if any."""
    known, endless = runs.notnull().values.sum(0), np.isinf(runs.values).sum(0)
    if not endless.any():
        return
    word = "never" if is_time(runs) and not np.isneginf(runs.values).any() else "infinite"
    upright = not horizontal and width * size_of(ax)[0] / runs.shape[1] < _TWO_LINES
    in_one_line = horizontal or upright
    between = " " if in_one_line else "\n"
    for place in np.flatnonzero(endless):
        text = f"{word} in{between}{endless[place]} of {known[place]}"
        _write(ax, text, (at[place], ends[place]), upright, horizontal)
    _make_room(ax, _LETTER * len(f"{word} in 99 of 99") if in_one_line else _LINES, horizontal)


def _write(ax: Axes, text: str, end: tuple[float, float], upright: bool, horizontal: bool) -> None:
    """Write a text beyond the end of a bar."""
    look: dict[str, Any] = {"ha": "center", "va": "bottom", "rotation": 90.0 if upright else 0.0, "xytext": (0.0, 3.0)}
    if horizontal:
        end, look = end[::-1], {"ha": "left", "va": "center", "xytext": (3.0, 0.0)}
    ax.annotate(text, end, fontsize="small", color="0.2", textcoords="offset points", **look)


def _make_room(ax: Axes, points: float, horizontal: bool) -> None:
    """Let the axis of values go on for so many points beyond the longest bar; at the foot of a bar there is no margin."""
    share = min(points / size_of(ax)[0 if horizontal else 1], 0.6)
    margin = share / (1.0 - share)
    if horizontal:
        ax.margins(x=margin)
    else:
        ax.margins(y=margin)


def keep_places(ax: Axes, values: xr.DataArray, count: int, horizontal: bool) -> None:
    """Give the places of ``count`` categories room even where there is no bar, and axes without any bar a range from 0 to 1."""
    corners = np.array([(-0.4, 0.0), (count - 0.6, 0.0 if np.isfinite(values.values).any() else 1.0)])
    ax.update_datalim(corners[:, ::-1] if horizontal else corners)
    ax.autoscale_view()
