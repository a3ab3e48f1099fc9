"""Figures of the study memory-1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.analysis import cover_probability
from memjax.plots.styles import ordered_colors
from memjax.studies._figures import new_panels, reference

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CAPTIONS", "cover", "fitted", "sharpness", "steps"]

CAPTIONS = {
    "fitted": "Train examples classified right against their number, mean over seeds with 95% Student-t intervals: early in "
    "training and at its end. Dotted: the published capacities 4 n, in the same colours. Grey: all fitted.",
    "steps": "Largest number of examples fitted, over all train sizes, per input dimension, with 95% Student-t intervals. "
    "About 20 full-batch steps give the published 4; the ratio has no plateau there.",
    "sharpness": "Largest Hessian eigenvalue of the train loss against the train size. Star: the published maximum, for "
    "n = 40.",
    "cover": "Two classes: share of seeds in which all labels are fitted, with exact 95% intervals, and Cover's law (lines). "
    "Open squares: share in which the same examples can be separated at all, by linear programming.",
}


@plots.style()
def fitted(records: Sequence[xr.DataArray]) -> Figure:
    """Number fitted against train size, one panel per step; each ``(input_dim, train_size, seed)``."""
    figure, axes = new_panels(len(records), width=4.4, share_y=True)
    for ax, record in zip(axes, records, strict=True):
        plots.curves(record, x="train_size", by="input_dim", ax=ax, key=ax is axes[-1])
        ax.set(title=f"after {int(record['step'])} steps", xscale="linear")
        ends = [0, float(record["train_size"].max())]
        ax.plot(ends, ends, color="0.7", linewidth=1.0, zorder=0)
        dims = record["input_dim"].values.tolist()
        for dim, color in zip(dims, ordered_colors(len(dims)), strict=True):
            reference(ax, 4 * dim, color=color)
    axes[-1].set_ylabel("")
    return figure


@plots.style()
def steps(parts: Sequence[xr.DataArray]) -> Figure:
    """Largest number fitted per input dimension against the step, each ``(input_dim, seed, step)``."""
    figure, axes = new_panels(1, width=5.4)
    ratio = xr.concat(parts, "step") / parts[0]["input_dim"]
    ratio.attrs = {"long_name": "most examples fitted / n"}
    plots.curves(ratio, x="step", by="input_dim", ax=axes[0])
    reference(axes[0], 4.0, "published: about 4")
    axes[0].set_ylim(bottom=0)
    return figure


@plots.style()
def sharpness(records: Sequence[xr.DataArray]) -> Figure:
    """Sharpness against train size, one panel per step; each ``(input_dim, train_size, seed)``."""
    figure, axes = new_panels(len(records), width=4.4, share_y=True)
    for ax, record in zip(axes, records, strict=True):
        plots.curves(record, x="train_size", by="input_dim", ax=ax, key=ax is axes[-1])
        ax.set(title=f"after {int(record['step'])} steps", xscale="linear", ylabel="sharpness" if ax is axes[0] else "")
        ax.plot([175], [0.33], "*", color="0.2", markersize=10)
    axes[0].annotate("published,\nn = 40", (175, 0.33), (8, -4), textcoords="offset points", fontsize=7.5, va="center")
    axes[0].set_ylim(bottom=0)
    return figure


@plots.style()
def cover(shares: xr.Dataset) -> Figure:
    """Shares of separated seeds against N / n beside Cover's law, one panel per input dimension."""
    figure, axes = new_panels(shares.sizes["input_dim"], share_y=True)
    for ax, dim in zip(axes, shares["input_dim"].values.tolist(), strict=True):
        _cover_panel(ax, shares.sel(input_dim=dim), dim)
        ax.set(title=f"n = {dim}", xlabel="N / n", xlim=(0.85, 3.1), ylim=(-0.03, 1.03))
    axes[0].set_ylabel("share of seeds with all labels fitted")
    axes[0].legend()
    return figure


def _cover_panel(ax: Axes, one: xr.Dataset, dim: int) -> None:
    sizes = one["train_size"].values
    every = np.arange(sizes.min(), sizes.max() + 1)
    low, high = one["trained_interval"].transpose("bound", ...).values
    trained = one["trained"].values
    ax.plot(every / dim, cover_probability(every, dim), color="0.3", label="Cover's law")
    ax.errorbar(sizes / dim, trained, [trained - low, high - trained], fmt="o", label="fitted by training")
    ax.plot(sizes / dim, one["separable"].values, "s", fillstyle="none", markersize=7, label="separable")
