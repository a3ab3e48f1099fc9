"""A quantity against a swept value, averaged over seeds: one curve, or one for every value of another axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xarray as xr

from memjax.checks.labelled import positions, require_array, require_dim, require_fraction, require_only_dims
from memjax.plots.axes import axes_or_new, fit_legend, label_of, scale_axis, set_labels
from memjax.plots.lines import add_color_key, add_line_key, draw_lines, is_numeric
from memjax.plots.means import draw_mean, draw_seeds, mean_text
from memjax.plots.styles import MARKERS, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["curve", "curves"]


@style()
def curve(
    values: xr.DataArray,
    x: str = "train_size",
    over: str = "seed",
    ax: Axes | None = None,
    level: float = 0.95,
    *,
    label: str | None = None,
    color: Any = None,
    name: str | None = None,
) -> Axes:
    """Draw the mean over seeds with its interval, and every seed as a faint point; of two or three seeds thin lines.

    Parameters
    ----------
    values
        Values, dimensions ``(over, x)`` in any order, or ``(x,)``. NaN (diverged runs) are left out of the mean, and the
        legend counts the runs that remain. At a position with an infinite run (one that never got there) there is no mean.
    x
        Dimension on the horizontal axis, with a numeric coordinate; logarithmic if it spans more than a decade.
    over
        Dimension of the seeds.
    ax
        Where to draw; a new figure by default.
    level
        Nominal coverage of the Student-t band, between 0 and 1, as in `mean`. Fewer than four seeds have no band.
    label
        Text of the legend; by default what line and band are.
    color
        Colour of line, band and points; by default the next colour of the axes' cycle.
    name
        Text of the vertical axis. By default the long name of the values, which xarray keeps through arithmetic: give
        "test error rate" for ``1 - ds.test_accuracy``.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on, labelled by ``long_name`` and ``units``.

    Raises
    ------
    ValueError
        If ``values`` is not a DataArray or has further dimensions, ``x`` has no numeric coordinate, or ``level`` is
        not in (0, 1).

    Examples
    --------
    >>> import xarray as xr
    >>> from matplotlib.figure import Figure
    >>> gap = xr.DataArray([[9.0, 40.0, 22.0], [9.4, 41.0, 23.0]], dims=("seed", "train_size"),
    ...                    coords={"train_size": [50, 3200, 25600]}, attrs={"long_name": "gap of L2 norm"})
    >>> ax = curve(gap, x="train_size", ax=Figure().subplots())
    >>> ax.get_ylabel(), ax.get_xscale()
    ('gap of L2 norm', 'log')
    """
    require_array(values, "values")
    require_dim(values, x, "x")
    require_only_dims(values, (over, x))
    require_fraction(level, "level")
    at = positions(values, x)
    ax = axes_or_new(ax)
    values, before = values.sortby(x), len(ax.lines)
    draw_mean(
        ax,
        values,
        x,
        over,
        level,
        marker="o",
        markersize=3.0,
        color=color,
        label=label or mean_text(values, over, level),
    )
    if over in values.dims:
        draw_seeds(ax, values.transpose(x, over), x, ax.lines[before])
    scale_axis(ax, at, "x")
    set_labels(ax, label_of(values[x]), name or label_of(values))
    ax.legend()
    fit_legend(ax, share=0.65)
    return ax


@style()
def curves(
    values: xr.DataArray,
    x: str = "train_size",
    by: str = "width",
    over: str = "seed",
    ax: Axes | None = None,
    level: float = 0.95,
    *,
    key: bool = True,
    name: str | None = None,
) -> Axes:
    """Draw one curve per value of a second swept axis: the mean over seeds with its interval.

    Parameters
    ----------
    values
        Values, dimensions ``(over, x, by)`` in any order; ``over`` may be missing. NaN (diverged runs) are left out of the
        means, and the legend counts the runs that remain. At a position with an infinite run (one that never got there) there
        is no mean.
    x
        Dimension on the horizontal axis, with a numeric coordinate; logarithmic if it spans more than a decade.
    by
        Dimension of the curves. Numbers are coloured in order, dark to light, anything else by a colour-blind safe set. Up to
        seven curves have markers of their own and a legend, more curves have a colour bar.
    over
        Dimension of the seeds.
    ax
        Where to draw; a new figure by default.
    level
        Nominal coverage of the Student-t bands, between 0 and 1, as in `mean`. Of fewer than four seeds every run is a thin
        line in place of the band.
    key
        Whether to add the legend or colour bar. Of several panels with the same curves, one is enough.
    name
        Text of the vertical axis, as in `curve`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on, labelled by ``long_name`` and ``units``.

    Raises
    ------
    ValueError
        If ``values`` is not a DataArray, lacks ``by`` or has further dimensions, ``x`` has no numeric coordinate,
        ``level`` is not in (0, 1), or more categories are asked for than there are colours to tell apart.

    Examples
    --------
    >>> import xarray as xr
    >>> from matplotlib.figure import Figure
    >>> gap = xr.DataArray([[9.0, 40.0, 22.0], [9.4, 60.0, 53.0]], dims=("width", "train_size"),
    ...                    coords={"train_size": [50, 3200, 25600], "width": [100, 200]})
    >>> ax = curves(gap, x="train_size", by="width", ax=Figure().subplots())
    >>> [line.get_label() for line in ax.lines]
    ['100', '200']
    """
    require_array(values, "values")
    require_dim(values, by, "by")
    require_only_dims(values, (over, x, by))
    require_fraction(level, "level")
    at = positions(values, x)
    ax = axes_or_new(ax, width=5.5)
    _, colors = draw_lines(ax, values.sortby(x), x, by, over, level, marked=True)
    scale_axis(ax, at, "x")
    set_labels(ax, label_of(values[x]), name or label_of(values))
    said = mean_text(values, over, level) if over in values.dims else ""
    if key and is_numeric(values[by]) and len(colors) > len(MARKERS):
        add_color_key(ax, values[by], colors, said)
    elif key:
        add_line_key(ax, values[by], said)
    return ax
