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

__all__ = ["all_figures", "widths"]


def all_figures(found: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
    """The only figure."""
    return {"widths": Figure(partial(widths, found), _WIDTHS)}


_WIDTHS = (
    "Error of cases that were left out, over the variance of the targets, against the number of hidden units: networks and "
    "ensembles at the end of training, and where control cases stop training. Geometric means, with 95% intervals over draws "
    "of the cases. Dotted: linear regression."
)


@plots.style()
def widths(found: Mapping[str, xr.Dataset]) -> Drawn:
    """Errors by width, a panel for each kind of data."""
    figure, axes = plots.panels(1, len(found), width=4.2, height=3.6)
    for ax, (name, one) in zip(axes, found.items(), strict=True):
        _errors(ax, one)
        plots.level(ax, float(np.exp(np.log(one["linear"]).mean())))
        ax.set(title=name, xlabel="hidden units", yscale="log", ylim=(0.2, 3.0))
        ax.set_yticks([0.2, 0.5, 1.0, 2.0], ["0.2", "0.5", "1", "2"])
        ax.minorticks_off()
    axes[0].set_ylabel("error of left-out cases")
    axes[0].legend(loc="upper right", ncols=2, fontsize=8.0)
    return figure


def _errors(ax: Axes, found: xr.Dataset) -> None:
    place = found["width"].values
    for kind, color, mark in zip(KINDS, CATEGORY_COLORS, MARKERS, strict=False):
        error = found["error"].sel(kind=kind)
        one = analysis.mean_interval(error.copy(data=np.log(error.values)), "data_seed")
        mean, ends = np.exp(one["mean"].values), np.exp(one["mean_interval"].transpose("bound", "width").values)
        ax.plot(place, mean, color=color, marker=mark, label=kind)
        ax.fill_between(place, *ends, color=color, alpha=0.12, linewidth=0)
    ax.set_xscale("log", base=2)
    ax.set_xticks(place, [str(width) for width in place])
    ax.minorticks_off()
