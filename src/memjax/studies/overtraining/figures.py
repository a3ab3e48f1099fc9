"""The figure of the study overtraining."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import analysis, plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS
from memjax.studies.kit import Figure
from memjax.studies.overtraining.numbers import KINDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["BASE", "all_figures", "widths"]


BASE = 4
"""Hidden units of the networks whose errors are the unit of the lower panels, as in most claims."""


def all_figures(found: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
    """The only figure."""
    return {"widths": Figure(partial(widths, found), _WIDTHS)}


_WIDTHS = (
    "The upper panels show the error of cases that were left out, over the variance of the targets, against the number of "
    "hidden units, for networks and ensembles at the end of training and where control cases stop training, as geometric "
    "means over draws of the cases. The lower panels show the same errors over those of 4 hidden units on the same draw, "
    "with 95% intervals over draws; the dotted line is no influence of the number of hidden units."
)


@plots.style()
def widths(found: Mapping[str, xr.Dataset]) -> Drawn:
    """Errors by width, and below them errors over those of a base, a column for each kind of data."""
    figure, axes = plots.panels(2, len(found), width=4.2, height=3.2)
    for (upper, lower), (name, one) in zip(np.reshape(axes, (2, -1)).T, found.items(), strict=True):
        _errors(upper, one)
        _ratios(lower, one)
        upper.set_title(name)
        lower.set_xlabel("hidden units")
    upper, lower = np.reshape(axes, (2, -1))[:, 0]
    upper.set_ylabel("error of left-out cases")
    lower.set_ylabel(f"error over that of {BASE} units")
    upper.legend(loc="upper right", ncols=2, fontsize=8.0)
    return figure


def _errors(ax: Axes, found: xr.Dataset) -> None:
    for kind, color, mark in zip(KINDS, CATEGORY_COLORS, MARKERS, strict=False):
        means = np.exp(_logs(found, kind).mean("data_seed").values)
        ax.plot(found["width"].values, means, color=color, marker=mark, label=kind)
    plots.level(ax, float(np.exp(np.log(found["linear"]).mean())), label="linear regression")
    _scales(ax, found, (0.3, 4.0), [0.3, 0.5, 1.0, 2.0, 4.0])


def _ratios(ax: Axes, found: xr.Dataset) -> None:
    """Errors are compared draw by draw, so the intervals are those of the quotients."""
    place = found["width"].values
    for kind, color, mark in zip(KINDS, CATEGORY_COLORS, MARKERS, strict=False):
        logs = _logs(found, kind)
        one = analysis.mean_interval(logs - logs.sel(width=BASE, drop=True), "data_seed")
        mean, ends = np.exp(one["mean"].values), np.exp(one["mean_interval"].transpose("bound", "width").values)
        ax.plot(place, mean, color=color, marker=mark)
        ax.fill_between(place, *ends, color=color, alpha=0.15, linewidth=0)
    plots.level(ax, 1.0)
    _scales(ax, found, (0.6, 1.5), [0.6, 0.8, 1.0, 1.2, 1.5])


def _logs(found: xr.Dataset, kind: str) -> xr.DataArray:
    error = found["error"].sel(kind=kind, drop=True)
    return error.copy(data=np.log(error.values))


def _scales(ax: Axes, found: xr.Dataset, ylim: tuple[float, float], ticks: list[float]) -> None:
    ax.set_xscale("log", base=2)
    ax.set_xticks(found["width"].values, [str(width) for width in found["width"].values])
    ax.set(yscale="log", ylim=ylim)
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
