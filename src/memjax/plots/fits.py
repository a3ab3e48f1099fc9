"""A fitted power law over the points it was fitted to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis import evaluate_power_law, format_interval
from memjax.plots._axes import axes_or_new
from memjax.plots.styles import CATEGORY_COLORS, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["fit"]


@style()
def fit(
    law: xr.Dataset,
    x: npt.ArrayLike | None = None,
    ax: Axes | None = None,
    *,
    color: Any = CATEGORY_COLORS[1],
    label: str | None = None,
) -> Axes:
    """Draw a fitted power law; the legend gives its parameters and intervals.

    Parameters
    ----------
    law : xarray.Dataset
        One result of `memjax.analysis.fit_power_law`, without further dimensions.
    x : array_like, optional
        Positive positions ``[n]``; by default the fitted range.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    color : matplotlib colour
        Colour of the line.
    label : str, optional
        Text of the legend instead of the parameters.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on. A fit that failed leaves no line but its reason in the legend.

    Raises
    ------
    ValueError
        If ``law`` holds several fits, or ``x`` is not positive and one-dimensional.

    Examples
    --------
    >>> import xarray as xr
    >>> from matplotlib.figure import Figure
    >>> from memjax.analysis import fit_power_law
    >>> gap = xr.DataArray([2.0, 4.0, 8.0], dims="train_size", coords={"train_size": [10, 20, 40]})
    >>> ax = fit(fit_power_law(gap), ax=Figure().subplots())
    >>> ax.lines[0].get_xdata()[[0, -1]].round(6)
    array([10., 40.])
    """
    if law.exponent.ndim:
        extra = [str(dim) for dim in law.exponent.dims]
        raise ValueError(f"law holds several fits, along {extra}; choose one, for example with .isel({extra[0]}=0).")
    ax = axes_or_new(ax)
    line = evaluate_power_law(law, x)
    ax.plot(line[line.dims[0]].values, line.values, "--", color=color, label=label or _parameters_text(law))
    if not ax.get_xlabel():
        ax.set_xlabel(str(law.attrs["dim"]).replace("_", " "))
    ax.legend()
    return ax


def _parameters_text(law: xr.Dataset) -> str:
    if not np.isfinite(law.exponent):
        return f"no power law: {law.reason.item()}"
    has_offset = "offset" in law.attrs["model"]
    names = {"A": "amplitude", "B": "exponent"} | ({"C": "offset"} if has_offset else {})
    title = f"$A\\,x^B{' + C' if has_offset else ''}$,  $R^2$ = {float(law.r_squared):.4f}"
    return "\n".join(
        [title]
        + [f"{letter} = {format_interval(float(law[n]), law[f'{n}_interval'].values)}" for letter, n in names.items()]
    )
