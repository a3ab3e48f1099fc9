"""Figures of the study l2-test-loss."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import MARKERS, ordered_colors
from memjax.studies.kit import Figure
from memjax.studies.l2_test_loss.numbers import scaled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "correlations", "relation", "warmup"]


def all_figures(runs: xr.Dataset, found: xr.Dataset, rates: xr.Dataset) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    return {
        "relation": Figure(partial(relation, runs), _RELATION),
        "correlations": Figure(partial(correlations, found), _CORRELATIONS),
        "cosine": Figure(partial(warmup, scaled(rates["gradient_cosine"])), _COSINE),
        "loss": Figure(partial(warmup, rates["train_loss"]), _LOSS),
    }


_RELATION = (
    "The panels show the test loss against the L2 norm by law of the labels. Lines are the course of training, means over "
    "seeds by train size; points are single runs after the last step. The dotted line is the best guess that ignores the "
    "input."
)
_CORRELATIONS = (
    "The figure shows the Spearman (rank) correlation of L2 norm and test loss, with 95% jackknife intervals over "
    "seeds."
)
_COSINE = (
    "The panels show the mean cosine between the gradients of train examples, times N - 1 (at -1 they cancel; at 0 they "
    "are unrelated), against the summed learning rate in steps at the full rate, by warmup length: means over seeds with "
    "95% intervals."
)
_LOSS = "Train loss in the same panels as the cosine."


@plots.style()
def relation(runs: xr.Dataset) -> Drawn:
    """Test loss against L2 norm: every run at its end, and the mean course, one panel per law of the labels."""
    from matplotlib.lines import Line2D

    labels, sizes = runs["labels"].values.tolist(), runs["train_size"].values.tolist()
    figure, axes = plots.panels(1, len(labels), width=3.6, height=3.4)
    colors = ordered_colors(len(sizes))
    for ax, name in zip(axes, labels, strict=True):
        for color, size in zip(colors, sizes, strict=True):
            one = runs.sel(labels=name, train_size=size)
            mean, end = one.mean("seed"), one.isel(step=-1)
            ax.plot(mean["weight_l2"].values, mean["test_loss"].values, color=color, linewidth=1.0)
            ax.plot(end["weight_l2"].values, end["test_loss"].values, "o", color=color, markersize=3.5)
        ax.set(title=name, xlabel="L2 norm")
        plots.plain_ticks(ax, "y")
        plots.level(ax, float(runs["floor"].sel(labels=name)), "best guess without the input")
    axes[0].set_ylabel("test loss (nats)")
    lines = [Line2D([], [], color=color, marker="o") for color in colors]
    figure.legend(lines, list(map(str, sizes)), title="train size", loc="outside right center", alignment="left")
    return figure


@plots.style()
def correlations(found: xr.Dataset) -> Drawn:
    """Correlation with its interval by question, a colour and mark per law of the labels."""
    figure, axes = plots.panels(width=7.0, height=3.6)
    ax, rows, labels = axes[0], np.arange(found.sizes["question"]), found["labels"].values.tolist()
    for i, name in enumerate(labels):
        one = found.sel(labels=name)
        value, (low, high) = one["value"].values, one["interval"].transpose("bound", ...).values
        bars = np.nan_to_num(np.stack([value - low, high - value])).clip(min=0.0)
        ax.errorbar(value, rows + 0.18 * (i - 1), xerr=bars, fmt=MARKERS[i], label=name, elinewidth=1.0)
    ax.axvline(0.0, color="0.4", linestyle=":", linewidth=1.0, zorder=0)
    ax.set(xlim=(-1.05, 1.05), xlabel="Spearman correlation of L2 norm and test loss")
    ax.set_yticks(rows, found["question"].values.tolist())
    ax.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=len(labels))
    return figure


@plots.style()
def warmup(values: xr.DataArray) -> Drawn:
    """Values ``(warmup_steps, peak, train_size, seed, step)`` against the summed rate: rows by peak, columns by size."""
    peaks, sizes = values["peak"].values.tolist(), values["train_size"].values.tolist()
    figure, axes = plots.panels(len(peaks), len(sizes), width=2.9, height=2.4, share_x=True)
    titles = [f"N = {size}, rate {peak:g}" for peak in peaks for size in sizes]
    least = float(values.min())

    def draw(one: xr.DataArray, ax: Axes) -> None:
        plots.curves(one.reset_coords(drop=True), x="step", by="warmup_steps", ax=ax)
        ax.set(xlabel="summed learning rate / peak rate (steps)", xscale="linear")
        # Cosines have a zero of their own, losses a logarithm.
        if least < 0.0:
            plots.level(ax, 0.0)
        elif least > 0.0:
            plots.plain_ticks(ax, "y")

    values = values.stack(panel=("peak", "train_size"), create_index=False).reset_coords(drop=True)
    for ax, title in zip(plots.small_multiples(draw, values, by="panel", axes=axes), titles, strict=True):
        ax.set_title(title)
    return figure
