"""Figures of the study grokking-phases."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import xarray as xr

from memjax import plots
from memjax.plots.styles import MARKERS, ordered_colors
from memjax.studies.grokking_phases.numbers import PHASES
from memjax.studies.kit import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures"]


def all_figures(found: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
    """The figures of the report, the wall of maps first."""
    return {"maps": Figure(partial(maps, found), _MAPS), "rates": Figure(partial(rates, found), _RATES)}


_MAPS = (
    "The maps show the phase of every run by learning rate and weight decay or temperature, a strip for each seed. The "
    "rows are AdamW, descent with momentum, and descent with Langevin noise."
)
_RATES = (
    "The panels show the steps to an accuracy of 0.9 against the learning rate (a seed never gets there at a triangle), "
    "and the number of frequencies that are learnt. The grey line is a frequency per two widths."
)


@plots.style()
def maps(found: Mapping[str, xr.Dataset]) -> Drawn:
    """Phase of every run over rate and decay by initial scale, and over rate and temperature by decay."""
    figure, axes = plots.panels(3, 3, width=3.1, height=2.5)
    for row, name in zip(axes, ("adamw", "sgd", "langevin"), strict=True):
        by, up = ("weight_decay", "temperature") if name == "langevin" else ("init_scale", "weight_decay")
        for ax, value in zip(row, found[name][by].values, strict=False):
            plots.category_map(found[name]["phase"].sel({by: value}), "learning_rate", up, PHASES, ax=ax)
            ax.set_title(f"{name}, {by.replace('_', ' ')} {value:g}")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(PHASES))
    axes[-1, -1].set_axis_off()
    return figure


@plots.style()
def rates(found: Mapping[str, xr.Dataset]) -> Drawn:
    """Steps to generalise against the rate, by modulus and by width, and frequencies against the width."""
    figure, axes = plots.panels(1, 3)
    _lines(axes[0], found["moduli"]["t_test"], "learning_rate", "p", "steps to generalise")
    _lines(axes[1], found["widths"]["t_test"], "learning_rate", "embedding", "steps to generalise")
    _lines(axes[2], found["widths"]["frequencies"], "embedding", "learning_rate", "frequencies learnt")
    axes[2].plot(found["widths"]["embedding"], found["widths"]["embedding"] / 2, color="0.6", zorder=0)
    return figure


def _lines(ax: Axes, values: xr.DataArray, x: str, by: str, name: str) -> None:
    for label, color, mark in zip(values[by].values, ordered_colors(values.sizes[by]), MARKERS, strict=False):
        one = values.sel({by: label})
        plots.mean(one, x, ax=ax, of="geometric", seeds="bars", color=color, marker=mark, label=f"{label:g}")
    plots.plain_ticks(plots.plain_ticks(ax, "x"), "y")
    ax.set(xlabel=x.replace("_", " "), ylabel=name)
    ax.legend(title=by.replace("_", " "), loc="lower left" if by != "learning_rate" else "upper left")
