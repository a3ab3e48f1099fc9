"""What every figure needs: axes, labels with units, and a scale that fits the values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "axes_or_new",
    "fit_legend",
    "label_of",
    "scale_axis",
    "set_labels",
    "set_plain_ticks",
    "size_of",
    "text_of",
    "wrapped",
]

# Width in points of a letter of a label, which is 9 points high, and of a legend, which is 8 points high.
_LABEL_LETTER, _LEGEND_LETTER = 4.9, 4.4


def axes_or_new(ax: Axes | None, width: float = 4.5, height: float = 3.2) -> Axes:
    """Axes to draw on: ``ax``, or those of a new figure of ``width`` x ``height`` inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    from memjax.plots.ticks import roomy_ticks

    return roomy_ticks(plt.subplots(figsize=(width, height), layout="constrained")[1])


def label_of(values: xr.DataArray) -> str:
    """Label of an array, "long_name (units)"; the name stands in for a missing long name."""
    name = str(values.attrs.get("long_name", values.name or "")).replace("_", " ")
    units = str(values.attrs.get("units", ""))
    return f"{name} ({units})" if units not in ("", "1") else name


def wrapped(text: str, points: float, letter: float = _LABEL_LETTER) -> str:
    r"""Text in lines of at most ``points``, if its words are no longer; a letter is ``letter`` points wide.

    Examples
    --------
    >>> wrapped("number of train examples", 70.0)
    'number of\ntrain examples'
    """
    from textwrap import wrap

    most = max(10, int(points / letter))
    return "\n".join(line for part in text.split("\n") for line in wrap(part, most, break_long_words=False))


def size_of(ax: Axes) -> tuple[float, float]:
    """Width and height of a panel in points, as far as they are known before the layout."""
    width, height = (72.0 * pixels / ax.figure.dpi for pixels in ax.bbox.size)
    return width, height


def set_labels(ax: Axes, x: str, y: str, share: float = 0.8) -> None:
    """Label the axes of a panel, in lines that fit into the share of the panel that legends and colour bars will leave."""
    width, height = size_of(ax)
    ax.set_xlabel(wrapped(x, share * width))
    ax.set_ylabel(wrapped(y, share * height))


def fit_legend(ax: Axes, share: float = 0.5) -> None:
    """Break the texts of a legend into lines that fit into a share of a panel's width."""
    legend = ax.get_legend()
    if legend is None:
        return
    # The sample of a line takes three letters' height beside its text.
    room = share * size_of(ax)[0] - 28.0
    for text in [*legend.get_texts(), legend.get_title()]:
        text.set_text(wrapped(text.get_text(), room, _LEGEND_LETTER))


def text_of(value: Any) -> str:
    """Swept value as short text: 0.001, 25600, relu."""
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)


def scale_axis(ax: Axes, values: npt.ArrayLike, which: Literal["x", "y"]) -> None:
    """Make an axis logarithmic if its finite values are positive and span more than a decade."""
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if numbers.size == 0 or numbers.min() <= 0.0 or numbers.max() <= 10.0 * numbers.min():
        return
    ax.set(**{f"{which}scale": "log"})
    set_plain_ticks(ax, which, numbers.max() / numbers.min())


def set_plain_ticks(ax: Axes, which: Literal["x", "y"], span: float) -> None:
    """Ticks of a logarithmic axis as plain numbers, at 1, 2 and 5 where the axis spans less than two decades."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if span < 100.0 else (1.0,), numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
