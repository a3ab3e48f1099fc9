"""A recorded series against the training step, coloured by a swept value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax.checks.labelled import require_array, require_dim, require_only_dims
from memjax.checks.shares import named_share
from memjax.plots.axes import axes_or_new, label_of, scale_axis, set_labels
from memjax.plots.lines import add_color_key, add_line_key, draw_lines, is_numeric
from memjax.plots.means import FEW, mean_text
from memjax.plots.styles import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["trajectories"]


@style()
def trajectories(
    series: xr.DataArray,
    by: str = "train_size",
    over: str = "seed",
    ax: Axes | None = None,
    *,
    x: str = "step",
    level: float = 0.95,
    key: bool = True,
    name: str | None = None,
) -> Axes:
    """Draw a series against the step: for each swept value one line, the mean over seeds with its interval.

    Parameters
    ----------
    series
        Recorded values, dimensions ``(by, over, x)`` in any order; ``over`` may be missing. NaN (diverged runs) are
        left out of the means; at a step with an infinite run there is no mean.
    by
        Swept dimension. Numbers are coloured in order and keyed by a colour bar; anything else gets one colour of a
        colour-blind safe set each and a legend.
    over
        Dimension of the seeds.
    ax
        Where to draw; a new figure by default.
    x
        Dimension of the records.
    level
        Nominal coverage of the Student-t bands, between 0 and 1, as in `mean`. Of fewer than four seeds every run is a thin
        line in place of the band.
    key
        Whether to add the colour bar or legend. Of several panels with the same lines, one is enough.
    name
        Text of the vertical axis, as in `curve`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on; a logarithmic vertical axis if all values are positive and span more than a decade, and the
        name is not that of a share, such as an accuracy.

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
    ax = axes_or_new(ax, width=4.5 if is_numeric(series[by]) else 5.5)
    means, colors = draw_lines(ax, series, x, by, over, level)
    if not named_share(series):
        # The runs themselves are drawn if they are few, and a run at zero has no place on a logarithmic axis.
        few = series.sizes.get(over, FEW) < FEW
        scale_axis(ax, series.values if few else np.stack([mean.values for mean in means]), "y")
    set_labels(ax, label_of(series[x]), name or label_of(series))
    if not key:
        return ax
    said = mean_text(series, over, level) if over in series.dims else ""
    if is_numeric(series[by]):
        add_color_key(ax, series[by], colors, said)
    else:
        add_line_key(ax, series[by], said)
    return ax
