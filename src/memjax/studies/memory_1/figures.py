"""Figures of the study memory-1."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.analysis import cover_probability, share_interval
from memjax.plots.styles import ordered_colors
from memjax.studies.kit import Figure
from memjax.studies.memory_1 import numbers
from memjax.studies.memory_1.numbers import EARLY

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "cover", "fitted", "sharpness", "steps"]


def all_figures(early: xr.Dataset, linear: xr.Dataset, ratio: xr.DataArray, shares: xr.Dataset) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    right = [numbers.fitted(early).sel(step=EARLY), numbers.fitted(linear).isel(step=-1)]
    sharp = [early["sharpness"].sel(step=EARLY), linear["sharpness"].isel(step=-1)]
    return {
        "fitted": Figure(partial(fitted, right), _FITTED),
        "steps": Figure(partial(steps, ratio), _STEPS),
        "sharpness": Figure(partial(sharpness, sharp), _SHARPNESS),
        "cover": Figure(partial(cover, shares), _COVER),
    }


_FITTED = (
    "The panels show the train examples classified right against their number, early in training and at its end. The "
    "dotted lines are the published capacities 4 n, in the same colours. On the grey line all are fitted."
)
_STEPS = (
    "The figure shows the largest number of examples fitted, over all train sizes, per input dimension, against the step. "
    "About 20 full-batch steps give the published 4; the ratio has no plateau there."
)
_SHARPNESS = (
    "The panels show the largest Hessian eigenvalue of the train loss against the number of train examples. The star is "
    "the published maximum, for n = 40."
)
_COVER = (
    "The panels show, for two classes, the share of seeds in which all labels are fitted, with exact 95% intervals, "
    "beside Cover's law (lines). Open squares are the share in which the same examples can be separated at all, by linear "
    "programming."
)


@plots.style()
def fitted(records: Sequence[xr.DataArray]) -> Drawn:
    """Number fitted against train size, one panel per step; each ``(input_dim, train_size, seed)``."""
    figure, axes = _by_step(records)
    for ax, record in zip(axes, records, strict=True):
        ends = [0, float(record["train_size"].max())]
        ax.plot(ends, ends, color="0.7", linewidth=1.0, zorder=0)
        dims = record["input_dim"].values.tolist()
        for dim, color in zip(dims, ordered_colors(len(dims)), strict=True):
            plots.level(ax, 4 * dim, color=color)
    return figure


def _by_step(records: Sequence[xr.DataArray]) -> tuple[Drawn, np.ndarray]:
    figure, axes = plots.panels(1, len(records), width=4.4, share_y=True)
    for ax, record in zip(axes, records, strict=True):
        plots.curves(record, x="train_size", by="input_dim", ax=ax, key=ax is axes[-1])
        ax.set(title=f"after {int(record['step'])} steps", xscale="linear")
    axes[-1].set_ylabel("")
    return figure, axes


@plots.style()
def steps(ratio: xr.DataArray) -> Drawn:
    """Most examples fitted over n ``(input_dim, seed, step)`` against the step."""
    figure, axes = plots.panels(width=5.4)
    plots.curves(ratio, x="step", by="input_dim", ax=axes[0])
    plots.level(axes[0], 4.0, "published: about 4")
    axes[0].set_ylim(bottom=0)
    return figure


@plots.style()
def sharpness(records: Sequence[xr.DataArray]) -> Drawn:
    """Sharpness against train size, one panel per step; each ``(input_dim, train_size, seed)``."""
    figure, axes = _by_step(records)
    for ax in axes:
        ax.plot([175], [0.33], "*", color="0.2", markersize=10)
    axes[0].annotate("published,\nn = 40", (175, 0.33), (8, -4), textcoords="offset points", fontsize=7.5, va="center")
    axes[0].set_ylabel("sharpness")
    axes[0].set_ylim(bottom=0)
    return figure


@plots.style()
def cover(shares: xr.Dataset) -> Drawn:
    """Shares of separated seeds against N / n beside Cover's law, one panel per input dimension."""
    figure, axes = plots.panels(1, shares.sizes["input_dim"], share_y=True)
    sizes = shares["train_size"].values
    every = np.arange(sizes.min(), sizes.max() + 1)
    for ax, dim in zip(axes, shares["input_dim"].values.tolist(), strict=True):
        one = shares.sel(input_dim=dim)
        found = share_interval(one["trained"])
        trained, (low, high) = found["share"].values, found["share_interval"].transpose("bound", ...).values
        ax.plot(every / dim, cover_probability(every, dim), color="0.3", label="Cover's law")
        ax.errorbar(sizes / dim, trained, [trained - low, high - trained], fmt="o", label="fitted by training")
        ax.plot(sizes / dim, one["separable"].mean("seed"), "s", fillstyle="none", markersize=7, label="separable")
        ax.set(title=f"n = {dim}", xlabel="N / n", xlim=(0.85, 3.1), ylim=(-0.03, 1.03))
    axes[0].set_ylabel("share of seeds with all labels fitted")
    axes[0].legend()
    return figure
