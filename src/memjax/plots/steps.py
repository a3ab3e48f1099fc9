"""A recorded series against the training step, coloured by a swept value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax.analysis._validate import require_array, require_dim, require_only_dims
from memjax.plots._axes import axes_or_new, label_of, scale_axis
from memjax.plots._mean import draw_mean
from memjax.plots.styles import CATEGORY_COLORS, ordered_colors, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["trajectories"]

_MAX_KEY_LABELS = 12


@style()
def trajectories(
    series: xr.DataArray,
    by: str = "train_size",
    over: str = "seed",
    ax: Axes | None = None,
    *,
    x: str = "step",
    level: float = 0.95,
) -> Axes:
    """Draw a series against the step, one line per swept value, each the mean over seeds with its interval.

    Parameters
    ----------
    series : xarray.DataArray
        Recorded values, dimensions ``(by, over, x)`` in any order; ``over`` may be missing.
    by : str
        Swept dimension. Numbers are coloured in order and keyed by a colour bar; anything else gets one colour of a
        colour-blind safe set each and a legend.
    over : str
        Dimension of the seeds.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    x : str
        Dimension of the records.
    level : float
        Nominal coverage of the Student-t bands, between 0 and 1.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on; a logarithmic vertical axis if all values are positive and span more than a decade.

    Raises
    ------
    ValueError
        If ``series`` is not a DataArray, lacks ``by`` or ``x``, or has further dimensions, or if more categories are
        asked for than there are colours to tell apart.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from matplotlib.figure import Figure
    >>> loss = xr.DataArray(np.ones((2, 3)), dims=("train_size", "step"),
    ...                     coords={"train_size": [50, 100], "step": [0, 10, 20]}, attrs={"long_name": "train loss"})
    >>> ax = trajectories(loss, ax=Figure(layout="constrained").subplots())
    >>> len(ax.lines), ax.get_ylabel()
    (2, 'train loss')
    """
    require_array(series, "series")
    require_dim(series, by, "by")
    require_dim(series, x, "x")
    require_only_dims(series, (by, over, x))
    ax = axes_or_new(ax)
    numeric = series[by].dtype.kind in "iuf"
    series = series.sortby(by) if numeric else series
    colors = ordered_colors(series.sizes[by]) if numeric else _category_colors(series, by)
    means = [
        draw_mean(ax, series.isel({by: index}), x, over, level, color=color, label=str(series[by].values[index]))
        for index, color in enumerate(colors)
    ]
    scale_axis(ax, np.stack([mean.values for mean in means]), "y")
    ax.set(xlabel=label_of(series[x]), ylabel=label_of(series))
    if numeric:
        _add_color_bar(ax, series[by], colors)
    else:
        ax.legend(title=label_of(series[by]))
    return ax


def _category_colors(series: xr.DataArray, by: str) -> list[str]:
    if series.sizes[by] > len(CATEGORY_COLORS):
        raise ValueError(
            f"by = {by!r} has {series.sizes[by]} categories, but only {len(CATEGORY_COLORS)} colours can be told "
            f"apart; choose some of them, for example with .isel({by}=slice({len(CATEGORY_COLORS)}))."
        )
    return list(CATEGORY_COLORS[: series.sizes[by]])


def _add_color_bar(ax: Axes, values: xr.DataArray, colors: list[Any]) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap

    # One cell per value, by rank: sizes that double would otherwise crowd at one end of the bar.
    edges = np.arange(len(colors) + 1) - 0.5
    mappable = ScalarMappable(BoundaryNorm(edges, len(colors)), ListedColormap(colors))
    shown = np.arange(0, len(colors), -(-len(colors) // _MAX_KEY_LABELS))
    bar = ax.figure.colorbar(mappable, ax=ax, ticks=shown, label=label_of(values))
    bar.ax.set_yticklabels([f"{values.values[rank]:g}" for rank in shown])
    bar.ax.tick_params(length=0.0, which="both")
