"""Figures of the study omnigrok."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS, ordered_colors
from memjax.studies.kit import Figure
from memjax.studies.omnigrok.numbers import LEARNED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "grokking", "l_and_u"]

_SPLITS = ("train", "test")
_DRAWN = 80


def all_figures(held: xr.Dataset, free: xr.Dataset, best: float) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    return {
        "l_and_u": Figure(partial(l_and_u, held, best), _L_AND_U),
        "grokking": Figure(partial(grokking, free, best), _GROKKING),
    }


_L_AND_U = (
    "The left panel shows the train loss (L) and the test loss (U) at the end against the norm that is held, geometric "
    "means over seeds with 95% intervals. The right panel shows the test loss of the same runs after fewer steps. The "
    "dotted line is the norm with the lowest test loss."
)
_GROKKING = (
    "The panels show networks without the constraint, from twice PyTorch's initial parameters: their losses (left, "
    "colours as on the right) and their norm (right) against the step, by weight decay, as geometric means over seeds "
    "(95% intervals but for the train loss), at some of the records. The dotted lines are the loss below which a split "
    "counts as learned, and the norm with the lowest test loss under the constraint."
)


@plots.style()
def l_and_u(held: xr.Dataset, best: float) -> Drawn:
    """Losses against the norm, at the end and after fewer steps."""
    figure, axes = plots.panels(1, 2, width=4.2)
    for split, color, mark in zip(_SPLITS, CATEGORY_COLORS, MARKERS, strict=False):
        end = held[f"{split}_loss"].isel(step=-1)
        plots.mean(end, "norm", ax=axes[0], of="geometric", color=color, marker=mark, label=f"{split} loss")
    steps = held["step"].values[[1, 4, -1]].tolist()
    for step, shade, mark in zip(steps, ordered_colors(len(steps)), MARKERS, strict=False):
        loss = held["test_loss"].sel(step=step)
        plots.mean(loss, "norm", ax=axes[1], of="geometric", color=shade, marker=mark, label=f"{step} steps")
    for ax in axes:
        ax.axvline(best, color="0.4", linewidth=1.0, linestyle=":", zorder=0)
        ax.set(yscale="log", xlabel="L2 norm of all parameters (held)")
        plots.plain_ticks(ax)
        ax.legend()
    axes[0].set_ylabel("mean squared error at the end")
    axes[1].set_ylabel("test mean squared error")
    return figure


@plots.style()
def grokking(free: xr.Dataset, best: float) -> Drawn:
    """Losses and norm of the large initialisation against the step, by weight decay."""
    figure, axes = plots.panels(1, 2, width=4.2)
    # Some records, evenly spaced along the logarithmic axis: all of them are a solid block at the end.
    some = np.unique(np.geomspace(1, free.sizes["step"] - 1, _DRAWN).round().astype(int))
    large = free.isel(init_scale=-1, step=some)
    decays = large["weight_decay"].values.tolist()
    for decay, color in zip(decays, ordered_colors(len(decays)), strict=True):
        one = large.sel(weight_decay=decay)
        _losses(axes[0], one, color, labelled=decay == decays[0])
        plots.mean(one["weight_l2"], "step", ax=axes[1], of="geometric", color=color, label=f"{decay:g}")
    plots.level(axes[0], LEARNED, at=0.3)
    plots.level(axes[1], best, "lowest test loss", at=0.45)
    axes[0].set(xscale="log", yscale="log", xlabel="training step", ylabel="mean squared error")
    axes[1].set(xscale="log", xlabel="training step", ylabel="L2 norm of all parameters")
    axes[0].legend(loc="lower left")
    axes[1].legend(title="weight decay", loc="lower left", ncols=3)
    axes[0].set_ylim(bottom=1e-9)
    axes[1].set_ylim(bottom=0)
    return figure


def _losses(ax: Axes, one: xr.Dataset, color: Any, labelled: bool) -> None:
    """Both losses of one weight decay; the band of the train loss would hide the others."""
    train, test = (one[f"{split}_loss"] for split in _SPLITS)
    line: dict[str, Any] = {"ax": ax, "of": "geometric", "color": color, "linewidth": 1.0}
    plots.mean(train, "step", seeds="none", linestyle="--", label="train" if labelled else "_", **line)
    plots.mean(test, "step", label="test" if labelled else "_", **line)
