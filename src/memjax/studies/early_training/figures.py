"""Figures of the study early-training."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS
from memjax.studies.early_training.numbers import DEPARTED
from memjax.studies.kit import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "departure", "gradients"]


def all_figures(found: xr.Dataset) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    return {
        "gradients": Figure(partial(gradients, found), _GRADIENTS),
        "departure": Figure(partial(departure, found), _DEPARTURE),
    }


_GRADIENTS = (
    "Both panels are before the first step. The left one shows the size of the gradient in the correct logit (negative) "
    "and in another (positive) against the number K of classes, at the smallest initial scale, a point for every seed; "
    "the lines are 1 - 1/K and 1/K. The right one shows the root mean square deviation of single gradients from these "
    "values, times K, against the spread of the logits, at every initial scale and seed; on the line the two are equal."
)
_DEPARTURE = (
    "The panels show the mean gradient in the correct logit over its value at uniform outputs, against the step, by "
    "initial scale: means over seeds with 95% intervals, for SGD (upper row) and Adam (lower row). The dotted line is "
    "where the gradient counts as departed."
)


@plots.style()
def gradients(found: xr.Dataset) -> Drawn:
    """Gradients against the number of classes, and their deviation against the spread of the logits."""
    figure, (left, right) = plots.panels(1, 2, width=4.4, height=3.5)
    start = found.isel(snapshot=0, net=(found["optimizer"] == found["optimizer"][0]).values)
    counts = np.unique(start["classes"].values)
    classes = np.geomspace(counts[0] / 1.3, counts[-1] * 1.3, 50)
    signs = {"correct": (1.0 - 1.0 / classes, -1, "correct, $-(1 - 1/K)$"), "other": (1.0 / classes, 1, "other, $1/K$")}
    for (name, (law, sign, label)), color, mark in zip(signs.items(), CATEGORY_COLORS, MARKERS, strict=False):
        values = sign * start[name].isel(init_scale=0).transpose("net", "seed").values
        at = np.broadcast_to(start["classes"].values[:, None], values.shape)
        left.plot(classes, law, color=color, linewidth=1.0, zorder=0)
        left.plot(at.ravel(), values.ravel(), mark, color=color, markersize=4.0, fillstyle="none", label=label)
    left.set(xscale="log", yscale="log", xlabel="classes K", ylabel="size of the gradient in a logit")
    left.set_xticks(counts, [str(k) for k in counts])
    left.minorticks_off()
    left.legend(loc="center right")
    _deviation(right, start)
    return figure


def _deviation(ax: Axes, start: xr.Dataset) -> None:
    for i, color, mark in zip(range(start.sizes["net"]), CATEGORY_COLORS, MARKERS, strict=False):
        one = start.isel(net=i)
        spread, deviation = one["spread"].values.ravel(), one["deviation"].values.ravel()
        ax.plot(spread, deviation, mark, color=color, markersize=3.5, label=one["task"].item())
    ends = [float(start["spread"].min()), float(start["spread"].max())]
    ax.plot(ends, ends, color="0.6", linewidth=1.0, zorder=0)
    ax.set(xscale="log", yscale="log", xlabel="spread of the logits", ylabel="deviation of gradients, times K")
    ax.legend()


@plots.style()
def departure(found: xr.Dataset) -> Drawn:
    """Mean gradient in the correct logit against the step, by task and optimizer."""
    tasks, optimizers = (list(dict.fromkeys(found[name].values.tolist())) for name in ("task", "optimizer"))
    figure, axes = plots.panels(len(optimizers), len(tasks), width=2.4, height=2.3, share_x=True, share_y=True)
    axes = axes.reshape(len(optimizers), len(tasks))
    for i, net in enumerate(found["net"].values.tolist()):
        one = found.isel(net=i)
        place = optimizers.index(one["optimizer"].item()), tasks.index(one["task"].item())
        _gradient_lines(axes[place], one, key=place == (0, len(tasks) - 1))
        if place[0] == 0:
            axes[place].set_title(one["task"].item())
        if place[1] == 0:
            axes[place].set_ylabel(one["optimizer"].item().upper() if net.endswith("sgd") else "Adam")
    figure.supxlabel("step", fontsize=9)
    figure.supylabel("gradient in the correct logit, over its value at uniform outputs", fontsize=9)
    return figure


def _gradient_lines(ax: Axes, one: xr.Dataset, *, key: bool) -> None:
    relative = (one["correct"] / -(1.0 - 1.0 / one["classes"])).reset_coords(drop=True)
    relative["init_scale"].attrs = {"long_name": "initial scale"}
    # A category per scale: a handful, with names of their own.
    named = relative.assign_coords(init_scale=[f"{scale:g}" for scale in relative["init_scale"].values])
    plots.trajectories(named, by="init_scale", x="snapshot", ax=ax, key=key)
    ax.set_yscale("linear")
    ax.set(xlabel="", ylabel="", ylim=(0.0, 1.05))
    ax.set_xscale("symlog", linthresh=1.0)
    plots.level(ax, DEPARTED)
    if key:
        ax.legend(title="initial scale", loc="center left", bbox_to_anchor=(1.0, 0.5))
