"""Figures of the study grokking-predictors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS, ordered_colors
from memjax.studies.grokking_predictors.numbers import LABELS, along_evenly, coarse, over_sizes
from memjax.studies.grokking_predictors.times import ACCURACY, EVENTS, lead, learned
from memjax.studies.kit import Estimate, Figure, estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "course", "order", "scatter", "scores", "states"]

Datasets = Mapping[str, xr.Dataset]


def all_figures(
    recorded: xr.Dataset, at: xr.Dataset, predicted: Datasets, led: xr.DataArray, models: Datasets
) -> dict[str, Figure]:
    """The figures of the report, the main one first; that of the hidden states only where there are any."""
    drawn = {
        "scores": partial(scores, recorded, at, predicted),
        "course": partial(course, recorded, at),
        "scatter": partial(scatter, at),
        "order": partial(order, led),
    }
    drawn |= {"states": partial(states, models["given"], coarse(recorded))} if models else {}
    return {name: Figure(draw, _CAPTIONS[name]) for name, draw in drawn.items()}


_CAPTIONS = {
    "course": (
        "The panels show the test loss, the L2 norm, minus the mean log-probability of all classes on the train set, and "
        "the learning coefficient estimated as in van Wingerden's thread, against the step by train fraction: means over "
        "seeds with 95% intervals."
    ),
    "scatter": (
        "The panels show the test loss against three predictors at the snapshots of every run, by train fraction. One "
        "relation for all runs would be one curve."
    ),
    "scores": (
        "The left panel shows the Spearman (rank) correlation of each predictor with the test loss along a run, over "
        "evenly spaced records, to which values at the snapshots are interpolated. The right panel shows the root mean "
        "square error of the log test loss that is predicted from it in runs not seen, over that of the mean of other "
        "runs at the same step: from runs of any fraction, from other seeds of the same fraction, and from these with the "
        "step known too. Left of the dotted line a predictor knows more than the step alone. Points are means over runs "
        "with 95% intervals over seeds."
    ),
    "order": (
        "The figure shows when each predictor peaks, is half-way down to its last value, and falls most steeply, over the "
        "time at which the test loss does: geometric means over runs that learn the test set, with 95% intervals over "
        "seeds, widened to the records or snapshots between which both times lie. Left of the dotted line the predictor "
        "is first. Bars that reach the edge go on beyond it."
    ),
    "states": "The panels show three hidden states of a Markov model over training metrics by run and step, one for each train "
    f"fraction. Marks say when the train set (o) and the test set (x) are learned to an accuracy of {ACCURACY:g}.",
}
_SHOWN = {
    "test_loss": "test loss (nats)",
    "weight_l2": "L2 norm",
    "minus_train_log_probability": "minus mean log-prob, train",
    "llc_thread": "LLC as in the thread",
}
_RATIOS = {"ratio_any": "any fraction", "ratio_same": "same fraction", "ratio_step": "same fraction, step known too"}
_FAR, _PALE = 8.0, 0.45


@plots.style()
def course(recorded: xr.Dataset, at: xr.Dataset) -> Drawn:
    """Test loss and three predictors against the step, a line per train fraction."""
    figure, axes = plots.panels(1, len(_SHOWN), width=3.0, height=2.8)
    sizes = recorded["train_size"].values.tolist()
    for ax, (name, label) in zip(axes, _SHOWN.items(), strict=True):
        values = recorded[name] if name in recorded else at[name]
        # A logarithmic axis has no step 0.
        values = values.sel(step=values["step"] > 0)
        for size, color in zip(sizes, ordered_colors(len(sizes)), strict=True):
            plots.mean(values.sel(train_size=size, drop=True), "step", ax=ax, color=color, label=f"{size:g}")
        ax.set(xlabel="step", ylabel=label, xscale="log")
        ax.set_ylim(bottom=0.0)
    figure.legend(*axes[0].get_legend_handles_labels(), title="train fraction", loc="outside right center")
    return figure


@plots.style()
def scatter(at: xr.Dataset) -> Drawn:
    """Test loss against three predictors, a point per run and snapshot."""
    names, sizes = list(_SHOWN)[1:], at["train_size"].values.tolist()
    figure, axes = plots.panels(1, len(names), width=3.3, height=3.0, share_y=True)
    for ax, name in zip(axes, names, strict=True):
        for color, mark, size in zip(ordered_colors(len(sizes)), MARKERS, sizes, strict=False):
            one = at.sel(train_size=size)
            look: dict[str, Any] = {"markersize": 3.0, "alpha": 0.7, "markeredgewidth": 0.0, "label": f"{size:g}"}
            ax.plot(one[name].values.ravel(), one["test_loss"].values.ravel(), mark, color=color, **look)
        ax.set(xlabel=_SHOWN[name], yscale="log")
    axes[0].set_ylabel("test loss (nats)")
    key = axes[0].get_legend_handles_labels()
    figure.legend(*key, title="train fraction", loc="outside right center", markerscale=2.0)
    return figure


@plots.style()
def scores(recorded: xr.Dataset, at: xr.Dataset, predicted: Datasets) -> Drawn:
    """Correlation along runs, and error of predictions over that of other runs, a row per predictor."""
    figure, (left, right) = plots.panels(1, 2, width=4.2, height=3.9, share_y=True)
    _dots(left, [estimate(over_sizes(along_evenly(recorded, at, name))) for name in LABELS], 0.0, 3)
    left.set(xlabel="Spearman correlation with the test loss\nalong a run, evenly spaced records")
    left.set_xlim(min(-0.05, left.get_xlim()[0]), 1.05)
    logs = {label: [over_sizes(predicted[of][name]) for of in LABELS.values()] for name, label in _RATIOS.items()}
    _ratios(
        right, {label: [estimate(xr.DataArray(np.exp(one)), "geometric") for one in of] for label, of in logs.items()}
    )
    right.set(xlabel="error of the prediction / error of the\nmean of other runs at that step")
    left.set_yticks(range(len(LABELS)), list(LABELS.values()))
    return figure


@plots.style()
def order(led: xr.DataArray) -> Drawn:
    """Times of each predictor over those of the test loss, a row per predictor."""
    figure, (ax,) = plots.panels(width=6.6, height=3.7)
    ax.set(xlabel="time of the predictor / time of the test loss", xlim=(1.0 / _FAR, _FAR))
    parts = {label: list(led.sel(event=event).transpose("predictor", ...)) for event, label in EVENTS.items()}
    _ratios(ax, {label: [estimate(lead(one), "geometric") for one in of] for label, of in parts.items()})
    ax.set_yticks(range(led.sizes["predictor"]), [LABELS[name] for name in led["predictor"].values.tolist()])
    return figure


def _ratios(ax: Axes, found: Mapping[str, Sequence[Estimate]]) -> None:
    """Three ratios in every row, from the top down, and a dotted line where both numbers are equal."""
    for i, (label, ratios) in enumerate(found.items()):
        _dots(ax, ratios, 0.24 * (i - 1), i, label)
    ax.axvline(1.0, color="0.4", linestyle=":", linewidth=1.0, zorder=0)
    plots.plain_ticks(ax)
    ax.invert_yaxis()
    ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside upper right", ncols=len(found))


def _dots(ax: Axes, found: Sequence[Estimate], shift: float, rank: int, label: str = "") -> None:
    """Estimates with their intervals, one below the other; an end that is open reaches far beyond the axis."""
    ends = np.array([[one.low, one.value, one.high] for one in found]).clip(-1e3, 1e3).T
    bars = np.nan_to_num(np.stack([ends[1] - ends[0], ends[2] - ends[1]])).clip(min=0.0)
    look: dict[str, Any] = {"color": CATEGORY_COLORS[rank], "markersize": 4.0, "elinewidth": 1.0, "label": label}
    ax.errorbar(ends[1], np.arange(len(found)) + shift, xerr=bars, fmt=MARKERS[rank], **look)


@plots.style()
def states(model: xr.Dataset, recorded: xr.Dataset) -> Drawn:
    """State of every record, a row per seed, with the times at which train and test set are learned."""
    from matplotlib.patches import Patch

    sizes, steps, times = recorded["train_size"].values.tolist(), recorded["step"].values, learned(recorded)
    rows, colors = np.arange(recorded.sizes["seed"]), ordered_colors(model.sizes["state_index"])
    figure, axes = plots.panels(1, len(sizes), width=3.3, height=2.6, share_y=True)
    half = (steps[1] - steps[0]) / 2.0
    extent = (steps[0] - half, steps[-1] + half, rows[-1] + 0.5, -0.5)
    for ax, size in zip(axes, sizes, strict=True):
        state = model["state"].sel(train_size=size).transpose("seed", "step").values
        # Light, so that black marks can be seen.
        pale = np.array(colors)[state] * [1.0, 1.0, 1.0, _PALE]
        ax.imshow(pale, extent=extent, aspect="auto", interpolation="nearest")
        for name, mark in (("t_train", "o"), ("t_test", "x")):
            at = times[name].sel(train_size=size)
            label = f"{'train' if mark == 'o' else 'test'} set learned"
            ax.plot(at.where(np.isfinite(at)).values, rows, mark, color="black", markersize=4.0, label=label)
        ax.set(title=f"train fraction {size:g}", xlabel="step", yticks=rows, xlim=(steps[0], steps[-1]))
    axes[0].set_ylabel("seed")
    patches = [Patch(color=color, alpha=_PALE, label=f"state {i}") for i, color in enumerate(colors)]
    figure.legend(handles=[*patches, *axes[0].lines], loc="outside upper center", ncols=len(colors) + 2)
    return figure
