"""Figures of the study edge-of-stability."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax import analysis, plots
from memjax.plots.styles import MARKERS, ordered_colors
from memjax.studies.kit import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "edge", "loss", "sharpness"]


def all_figures(rates: xr.Dataset, three: xr.Dataset, heavy: xr.Dataset, step_loss: xr.DataArray) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    one_seed = partial(loss, step_loss.isel(seed=0), three["arrival"].isel(seed=0))
    return {
        "sharpness": Figure(partial(sharpness, three), _SHARPNESS),
        "edge": Figure(partial(edge, rates, heavy), _EDGE),
        "loss": Figure(one_seed, _LOSS),
    }


_SHARPNESS = (
    "The left panel shows the largest Hessian eigenvalue along training for a Chebyshev polynomial of degree 3, one thin "
    "line per seed. The dotted lines, in the same colours, are 2 / learning rate, above which gradient descent diverges "
    "on a quadratic loss. The right panel shows the same in that unit."
)
_EDGE = (
    "The panels show the sharpness at the end against the limit of stability, means with 95% intervals over seeds, by "
    "polynomial (left) and by momentum (right; degree 3). On the line the two are equal. Open marks are settings at which "
    "not every seed has arrived."
)
_LOSS = (
    "The panels show the train loss of every single step of seed 0, for degree 3. At the dotted line the sharpness "
    "arrives at 2 / learning rate; from there on the loss rises at many steps and falls over long times."
)


@plots.style()
def sharpness(found: xr.Dataset) -> Drawn:
    """Sharpness, and that over its limit, against the step, by learning rate."""
    figure, axes = plots.panels(1, 2, width=4.2)
    rates = found["learning_rate"].values.tolist()
    for rate, color in zip(rates, ordered_colors(len(rates)), strict=True):
        one = found.sel(learning_rate=rate).transpose(..., "step", "seed")
        labels = [f"{rate:g}", *["_"] * (one.sizes["seed"] - 1)]
        axes[0].plot(one["step"], one["sharpness"], color=color, linewidth=0.7, label=labels)
        axes[1].plot(one["step"], one["ratio"], color=color, linewidth=0.7)
        plots.level(axes[0], float(one["limit"]), color=color)
    plots.level(axes[1], 1.0)
    axes[0].set(xlabel="training step", ylabel="sharpness")
    axes[1].set(xlabel="training step", ylabel="sharpness × learning rate / 2", ylim=(0, 1.3))
    figure.legend(*axes[0].get_legend_handles_labels(), title="learning rate", loc="outside right center")
    for ax in axes:
        ax.set_xlim(0, float(found["step"][-1]))
    return figure


@plots.style()
def edge(found: xr.Dataset, heavy: xr.Dataset) -> Drawn:
    """Sharpness at the end against its limit, by degree and by momentum."""
    figure, axes = plots.panels(1, 2, height=3.4, share_y=True)
    for ax, part, dim in zip(axes, (found, heavy), ("degree", "momentum"), strict=True):
        values = part[dim].values.tolist()
        for value, color, mark in zip(values, ordered_colors(len(values)), MARKERS, strict=False):
            _marks(ax, part.sel({dim: value}), f"{value:g}", color, mark)
        ends = [0.8 * float(part["limit"].min()), 1.25 * float(part["limit"].max())]
        ax.plot(ends, ends, color="0.7", linewidth=1.0, zorder=0)
        ax.set(xlabel="2 / learning rate" if dim == "degree" else "(2 + 2 momentum) / rate")
        plots.plain_ticks(ax, "x")
        plots.plain_ticks(ax, "y")
        ax.legend(title=dim, loc="upper left")
    axes[0].set_ylabel("sharpness at the end")
    return figure


def _marks(ax: Axes, one: xr.Dataset, label: str, color: Any, mark: str) -> None:
    found = analysis.mean_interval(one["end_sharpness"])
    centre, ends = found["mean"].values, found["mean_interval"].transpose("bound", ...).values
    bars = np.nan_to_num(abs(ends - centre))
    limit = np.broadcast_to(one["limit"].values, centre.shape)
    ax.errorbar(limit, centre, bars, fmt="none", ecolor=color, elinewidth=0.8)
    there = (one["arrival"] < np.inf).all("seed").values
    for chosen, fill, text in ((there, "full", label), (~there, "none", "")):
        ax.plot(limit[chosen], centre[chosen], mark, color=color, fillstyle=fill, label=text or "_", markersize=5)


@plots.style()
def loss(step_loss: xr.DataArray, arrival: xr.DataArray) -> Drawn:
    """Loss of every step of one seed by learning rate, a panel each, with its step of arrival."""
    rates = step_loss["learning_rate"].values.tolist()
    figure, axes = plots.panels(1, len(rates), width=2.6, height=2.6, share_y=True)
    for ax, rate, color in zip(axes, rates, ordered_colors(len(rates)), strict=True):
        one = step_loss.sel(learning_rate=rate).isel(step=slice(1, None))
        ax.plot(one["step"], one, color=color, linewidth=0.5)
        at = float(arrival.sel(learning_rate=rate))
        if np.isfinite(at) and at <= float(one["step"][-1]):
            ax.axvline(at, color="0.4", linewidth=1.0, linestyle=":")
        ax.set(yscale="log", title=f"learning rate {rate:g}", xlabel="training step", xlim=(0, float(one["step"][-1])))
    axes[0].set_ylabel("train loss")
    return figure
