"""What every figure needs: axes, labels with units, and a scale that fits the values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["axes_or_new", "label_of", "scale_axis", "set_plain_ticks", "text_of", "wrapped"]

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


def wrapped(text: str, ax: Axes, which: Literal["x", "y", "legend"]) -> str:
    """Text in lines that fit beside an axis, or into half the width of a panel, where a legend stands."""
    from textwrap import wrap

    width, height = (72.0 * pixels / ax.figure.dpi for pixels in ax.bbox.size)
    room = {"x": width / _LABEL_LETTER, "y": height / _LABEL_LETTER, "legend": 0.5 * width / _LEGEND_LETTER}[which]
    most = max(12, int(room))
    return "\n".join(line for part in text.split("\n") for line in wrap(part, most, break_long_words=False))


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
