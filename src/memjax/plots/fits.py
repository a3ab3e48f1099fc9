"""Fitted models over the points they were fitted to, and the ridges of parameters that trade off."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis import CurveModel, evaluate, format_interval
from memjax.checks.labelled import require_choice
from memjax.plots.axes import axes_or_new
from memjax.plots.styles import CATEGORY_COLORS, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["fit", "ridge"]


@style()
def fit(
    fitted: xr.Dataset,
    x: npt.ArrayLike | None = None,
    ax: Axes | None = None,
    *,
    model: CurveModel | Callable[..., Any] | None = None,
    color: Any = CATEGORY_COLORS[1],
    label: str | None = None,
) -> Axes:
    """Draw a fitted model; the legend gives its parameters and intervals.

    Parameters
    ----------
    fitted
        One result of `memjax.analysis.fit`, without further dimensions.
    x
        Positions ``[n]``; by default the fitted range.
    ax
        Where to draw; a new figure by default.
    model
        The function that was fitted, unless it is built in.
    color
        Colour of the line.
    label
        Text of the legend instead of the parameters.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on. A fit that failed has no line; its reason stands in the legend.

    Raises
    ------
    ValueError
        If ``fitted`` holds several fits, or ``x`` is not one-dimensional or cannot be taken by the model.

    Examples
    --------
    >>> import xarray as xr
    >>> from matplotlib.figure import Figure
    >>> from memjax import analysis
    >>> gap = xr.DataArray([2.0, 4.0, 8.0], dims="train_size", coords={"train_size": [10, 20, 40]})
    >>> ax = fit(analysis.fit(gap, "power law"), ax=Figure().subplots())
    >>> ax.lines[0].get_xdata()[[0, -1]].round(6)
    array([10., 40.])
    """
    if fitted["r_squared"].ndim:
        extra = [str(dim) for dim in fitted["r_squared"].dims]
        raise ValueError(f"fitted holds several fits, along {extra}; choose one, for example with .isel({extra[0]}=0).")
    ax = axes_or_new(ax)
    line = evaluate(fitted, x, model=model)
    ax.plot(line[line.dims[0]].values, line.values, "--", color=color, label=label or _parameters_text(fitted))
    if not ax.get_xlabel():
        ax.set_xlabel(str(fitted.attrs["dim"]).replace("_", " "))
    ax.legend()
    return ax


@style()
def ridge(profile: xr.Dataset, y: str, ax: Axes | None = None, *, color: Any = CATEGORY_COLORS[0]) -> Axes:
    """Draw how one parameter follows another along the ridge of a fit, and how far the data let them go.

    Parameters
    ----------
    profile
        A result of `memjax.analysis.profile`.
    y
        The other parameter.
    ax
        Where to draw; a new figure by default.
    color
        Colour of the line.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on. The line is thick where the fit is not worse than the level allows, and thin beyond; a point marks
        the best fit.

    Raises
    ------
    ValueError
        If ``y`` is not a parameter of the profile.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from matplotlib.figure import Figure
    >>> from memjax import analysis
    >>> size = 50.0 * 2 ** np.arange(6)
    >>> noise = 0.3 * np.random.default_rng(0).standard_normal((4, 6))
    >>> gap = xr.DataArray(6.5 * size**0.27 - 9.636 + noise, dims=("seed", "train_size"), coords={"train_size": size})
    >>> ax = ridge(analysis.profile(gap, "offset power law", "exponent"), "offset", ax=Figure().subplots())
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('exponent', 'offset')
    """
    x = profile.attrs["parameter"]
    require_choice(y, tuple(name for name in profile.attrs["parameters"] if name != x), "y")
    ax = axes_or_new(ax)
    at, values = profile[x].values, profile[y].values
    level, best = profile.attrs["level"], float(profile.attrs["best"])
    ax.plot(at, values, color=color, linewidth=0.8, label="best fit with one of them held")
    within = np.where(profile["inside"].values, values, np.nan)
    ax.plot(at, within, color=color, linewidth=4.0, alpha=0.5, label=f"inside the {100.0 * level:g}% interval")
    heights = dict(zip(profile.attrs["parameters"], profile.attrs["best_parameters"], strict=True))
    ax.plot(best, heights[y], "o", color=color, label="best")
    ax.set(xlabel=x.replace("_", " "), ylabel=y.replace("_", " "))
    ax.legend()
    return ax


def _parameters_text(fitted: xr.Dataset) -> str:
    model, names = fitted.attrs["model"], list(np.atleast_1d(fitted.attrs["parameters"]))
    if not all(np.isfinite(float(fitted[name])) for name in names):
        return f"no {model}: {fitted['reason'].item()}"
    title = f"{model},  $R^2$ = {float(fitted['r_squared']):.4f}"
    shown = [
        f"{name.replace('_', ' ')} {format_interval(float(fitted[name]), fitted[f'{name}_interval'].values)}"
        for name in names
    ]
    return "\n".join([title, *shown])
