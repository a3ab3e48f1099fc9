"""Parts of a figure that one draws oneself: a row of panels in the one style, a level across a panel, plain ticks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from memjax.checks.labelled import require_choice
from memjax.plots.axes import set_plain_ticks
from memjax.plots.styles import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["level", "panels", "plain_ticks"]


@style()
def panels(
    rows: int = 1,
    columns: int = 1,
    *,
    width: float = 3.9,
    height: float = 3.1,
    share_x: bool | Literal["all", "row", "col"] = False,
    share_y: bool | Literal["all", "row", "col"] = False,
) -> tuple[Figure, np.ndarray]:
    """Figure with panels in a grid, in the style of memjax, which a notebook and `matplotlib.pyplot.show` display.

    A linear horizontal axis has fewer ticks where their numbers would touch.

    Parameters
    ----------
    rows, columns
        Number of panels below and beside each other.
    width, height
        Size of a panel in inches.
    share_x, share_y
        Whether panels share an axis, as `matplotlib.pyplot.subplots` takes it.

    Returns
    -------
    tuple
        The figure, and its axes: ``[columns]`` of one row, otherwise ``[rows, columns]``.

    Raises
    ------
    ValueError
        If there is no row or no column.

    Examples
    --------
    >>> figure, axes = panels(1, 3)
    >>> axes.shape, figure.get_size_inches().round(1).tolist()
    ((3,), [11.7, 3.1])
    """
    import matplotlib.pyplot as plt

    from memjax.plots.ticks import roomy_ticks

    if rows < 1 or columns < 1:
        raise ValueError(f"A figure has {rows} rows and {columns} columns of panels: give at least one of each.")
    size = width * columns, height * rows
    figure, axes = plt.subplots(
        rows, columns, sharex=share_x, sharey=share_y, squeeze=False, figsize=size, layout="constrained"
    )
    for ax in axes.ravel():
        roomy_ticks(ax)
    return figure, axes[0] if rows == 1 else axes


@style()
def level(ax: Axes, height: float, text: str = "", *, color: Any = "0.4", at: float = 0.98, **line: Any) -> Axes:
    """Draw a dotted level across a panel, for a published value or a limit, with a small text above it.

    Parameters
    ----------
    ax
        Panel to draw on.
    height
        Height of the level, in data coordinates.
    text
        What the level is.
    color
        Colour of the line.
    at
        Where the text ends, as a share of the panel's width.
    line
        Further arguments of `matplotlib.axes.Axes.axhline`.

    Returns
    -------
    matplotlib.axes.Axes
        The panel.

    Examples
    --------
    >>> figure, axes = panels()
    >>> level(axes[0], 2.0, "published").texts[0].get_text()
    'published'
    """
    ax.axhline(height, color=color, zorder=0, **{"linewidth": 1.0, "linestyle": ":", **line})
    place: dict[str, Any] = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points"}
    ax.annotate(text, (at, height), (0, 2), ha="right", va="bottom", fontsize=7.5, color="0.3", **place)
    return ax


@style()
def plain_ticks(ax: Axes, which: Literal["x", "y"] = "x") -> Axes:
    """Make an axis logarithmic, with ticks that are plain numbers instead of powers of ten.

    Call this after drawing: on an axis that spans less than two decades 1, 2 and 5 of each decade have a tick.

    Parameters
    ----------
    ax
        Panel whose axis is set.
    which
        The axis, ``x`` or ``y``.

    Returns
    -------
    matplotlib.axes.Axes
        The panel.

    Raises
    ------
    ValueError
        If ``which`` is another word.

    Examples
    --------
    >>> figure, axes = panels()
    >>> _ = axes[0].plot([30.0, 900.0], [1.0, 2.0])
    >>> plain_ticks(axes[0]).get_xscale()
    'log'
    """
    require_choice(which, ("x", "y"), "which")
    ax.set(**{f"{which}scale": "log"})
    low, high = ax.get_xlim() if which == "x" else ax.get_ylim()
    if low <= 0.0:
        # Nothing positive is drawn, such as where no run ever gets to a value; matplotlib cannot draw that axis by itself.
        low, high = 1.0, 10.0
        (ax.set_xlim if which == "x" else ax.set_ylim)(low, high, auto=True)
    set_plain_ticks(ax, which, high / low)
    return ax
