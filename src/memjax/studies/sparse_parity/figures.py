"""Figures of the study sparse-parity."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS, ordered_colors
from memjax.studies.kit import Figure
from memjax.studies.sparse_parity.numbers import LEARNED

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "finite", "progress", "scaling"]


def all_figures(clock: xr.Dataset, learned: xr.Dataset, runs: xr.Dataset) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    return {
        "progress": Figure(partial(progress, clock), _PROGRESS),
        "scaling": Figure(partial(scaling, learned["learned"]), _SCALING),
        "finite": Figure(partial(finite, runs), _FINITE),
    }


_PROGRESS = (
    "The panels show online SGD on the product of 3 of 50 signs, against the step over each run's own time to learn: "
    "means over seeds with 95% intervals. The left panel has the test accuracy. The middle panel has the share of the "
    "three relevant bits in the squared first-layer weights, which is at the dotted line in random weights, and the "
    "largest movement of a weight. The right panel has the squared population gradient of the relevant bits' weights less "
    "that of the others', over its variance on a batch."
)
_SCALING = (
    "The figure shows the steps to 95% test accuracy against the number of signs n, by number k of relevant ones. Lines "
    "are means over the seeds with 95% intervals; dotted lines are n^(k - 1) through the first mean."
)
_FINITE = (
    "The panels show train (dashed) and test (solid) accuracy on a finite sample of n = 40, k = 3, by weight decay "
    "(panels) and train size (colours), as means over seeds."
)


@plots.style()
def progress(clock: xr.Dataset) -> Drawn:
    """Accuracy, first-layer weights and Fourier gap of ``(seed, time)``, on one clock for all runs."""
    figure, axes = plots.panels(1, 3, width=3.7)
    lines = (
        (0, "accuracy", "test accuracy"),
        (1, "share", "share of relevant bits"),
        (1, "movement", "largest movement of a weight"),
        (2, "fourier_gap", "Fourier gap (batch noise = 1)"),
    )
    for (panel, name, label), color in zip(lines, CATEGORY_COLORS, strict=False):
        plots.mean(clock[name], "time", ax=axes[panel], color=color, label=label, marker="o", markersize=3.0)
        axes[panel].set(ylabel=label, xlabel=f"step / own steps to {LEARNED:.0%}")
    axes[1].set(ylabel="first-layer weights", ylim=(0.0, None))
    axes[1].legend(loc="upper left")
    for ax, height in zip(axes, (0.5, 3 / clock.attrs["num_bits"], 0.0), strict=True):
        plots.level(ax, height)
    return figure


@plots.style()
def scaling(learned: xr.DataArray) -> Drawn:
    """Steps to learn against the number of signs."""
    figure, (ax,) = plots.panels(width=5.4, height=3.6)
    counts, bits = learned["num_relevant"].values.tolist(), learned["num_bits"].values.astype(float)
    for k, color, mark in zip(counts, ordered_colors(len(counts)), MARKERS, strict=False):
        own = learned.sel(num_relevant=k, drop=True)
        plots.mean(own, "num_bits", ax=ax, color=color, label=f"{k}", marker=mark, markersize=4.0)
        means = own.where(np.isfinite(own)).mean("seed").values
        there = np.flatnonzero(np.isfinite(means))
        if there.size:
            # Only as far as there is something to compare it with.
            upto = slice(there[0], there[-1] + 1)
            law = means[there[0]] * (bits[upto] / bits[there[0]]) ** (k - 1)
            ax.plot(bits[upto], law, ":", color=color, linewidth=1.0, zorder=0)
    ax.plot([], [], ":", color="0.3", linewidth=1.0, label="$n^{k-1}$")
    ax.legend(title="relevant signs k")
    ax.set(xscale="log", yscale="log", xlabel="number of signs n", ylabel=f"steps to {LEARNED:.0%} test accuracy")
    ax.set_xticks(bits, [f"{tick:g}" for tick in bits])
    ax.minorticks_off()
    return figure


@plots.style()
def finite(runs: xr.Dataset) -> Drawn:
    """Accuracies against the step, a panel per weight decay."""
    decays, sizes = runs["l2"].values.tolist(), runs["train_size"].values.tolist()
    figure, axes = plots.panels(1, len(decays), width=3.2, share_y=True)
    both = runs[["train_sign_accuracy", "test_sign_accuracy"]]
    for ax, l2 in zip(axes, decays, strict=True):
        for size, color in zip(sizes, ordered_colors(len(sizes)), strict=True):
            one = both.sel(l2=l2, train_size=size).mean("seed")
            ax.plot(one["step"], one["train_sign_accuracy"], "--", color=color, linewidth=1.0)
            ax.plot(one["step"], one["test_sign_accuracy"], color=color, label=str(size))
        ax.set_xscale("symlog", linthresh=float(runs["step"][1]))
        ax.set(title=f"l2 = {l2:g}", xlabel="step", ylim=(0.45, 1.02))
    axes[0].set_ylabel("accuracy")
    for label, line in (("test", "-"), ("train", "--")):
        axes[-1].plot([], [], line, color="0.3", linewidth=1.0, label=label)
    axes[-1].legend(title="train examples", loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
