"""The one look of all figures: small, readable in print, safe for colour-blind readers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["CATEGORY_COLORS", "MARKERS", "ordered_colors", "style"]

# Okabe and Ito, "Color Universal Design" (2008), without the yellow, which vanishes on white paper.
CATEGORY_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

# One marker per colour, so that lines can be told apart in a grey print.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


@contextmanager
def style() -> Iterator[None]:
    """Draw in the style of memjax inside a ``with`` block; settings are restored on leaving it.

    Every plot function of memjax enters this style by itself. Use the style for panels of your own beside them.

    Examples
    --------
    >>> import matplotlib
    >>> before = matplotlib.rcParams["font.size"]
    >>> with style():
    ...     matplotlib.rcParams["legend.frameon"]
    False
    >>> matplotlib.rcParams["font.size"] == before
    True
    """
    import matplotlib
    from cycler import cycler

    settings: dict[Any, Any] = {
        "font.size": 9.0,
        "axes.titlesize": 9.0,
        "axes.labelsize": 9.0,
        "xtick.labelsize": 8.0,
        "ytick.labelsize": 8.0,
        "legend.fontsize": 8.0,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8,
        "axes.prop_cycle": cycler(color=CATEGORY_COLORS),
        "lines.linewidth": 1.5,
        "lines.markersize": 4.0,
        "image.cmap": "viridis",
        "savefig.dpi": 200.0,
    }
    # Only these settings are put back: the first figure of a notebook switches it to interactive drawing, and
    # matplotlib's own rc_context would undo that on leaving.
    before = {name: matplotlib.rcParams[name] for name in settings}
    matplotlib.rcParams.update(settings)
    try:
        yield
    finally:
        matplotlib.rcParams.update(before)


def ordered_colors(count: int) -> list[tuple[float, float, float, float]]:
    """RGBA colours for values in an order, dark to light.

    Parameters
    ----------
    count
        Number of colours.

    Returns
    -------
    list of tuple of float
        Even steps of viridis, without its lightest tenth, which is too faint for lines on white paper.

    Examples
    --------
    >>> len(ordered_colors(10))
    10
    """
    from matplotlib import colormaps

    last = max(count - 1, 1)
    return [colormaps["viridis"](0.9 * rank / last) for rank in range(count)]
