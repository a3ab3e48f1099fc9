"""Figures of the study random-labels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS
from memjax.studies.kit import Figure
from memjax.studies.random_labels.published import ERRORS, FACTORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "brakes", "capacity", "levels", "parts", "single"]

_NAMES = {"shallow": "one hidden layer", "deep": "three hidden layers"}
_SHOWN = (0.2, 0.4, 0.6, 0.8)


def all_figures(
    found: Mapping[str, xr.Dataset],
    datasets: Mapping[str, xr.Dataset],
    held: xr.DataArray,
    by_law: xr.Dataset,
    ratios: xr.DataArray,
) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    return {
        "levels": Figure(partial(levels, found), _LEVELS),
        "parts": Figure(partial(parts, datasets["shallow"]), _PARTS),
        "capacity": Figure(partial(capacity, held), _CAPACITY),
        "single": Figure(partial(single, by_law, ratios), _SINGLE),
        "brakes": Figure(partial(brakes, datasets), _BRAKES),
    }


_LEVELS = (
    "Both panels go by the level of label noise and show means over seeds with 95% intervals. The left one has the test "
    "error against labels with the noise of the train labels (solid) and against true labels (dashed). The right one has "
    "the steps to fit over those of the same seed without noise. Grey lines are test errors and minutes of a re-run of "
    "the publication on CIFAR-10, which are other data and other networks."
)
_PARTS = (
    "The panels show the accuracy on train examples with a true label, on those with a corrupted label, and on the test "
    "set against the step, for one hidden layer, by level of label noise. Bands are 95% intervals over seeds. A run that "
    "has fitted stays as it is."
)
_CAPACITY = (
    "The figure shows the train accuracy at the end against the number of hidden units, by law. Bands are 95% intervals "
    "over seeds."
)
_SINGLE = (
    "The left panel shows the Gini coefficient of the loss sensitivities of the train examples, by law; points are seeds. "
    "The right panel shows the share of test inputs with another predicted class in the box of a radius, in standard "
    "deviations of a pixel, at snapshots of the training. Bands are 95% intervals over seeds."
)
_BRAKES = (
    "The panels show the accuracy on the corrupted part (solid, with 95% intervals over seeds) and on the clean part "
    "(dashed) against the step, at label noise 0.4, by dropout (left) and weight decay (right)."
)


@plots.style()
def levels(found: Mapping[str, xr.Dataset]) -> Drawn:
    """Test error and slow-down against the level of label noise."""
    figure, (left, right) = plots.panels(1, 2, width=4.2, height=3.4)
    for (name, one), color, mark in zip(found.items(), CATEGORY_COLORS, MARKERS, strict=False):
        style: dict[str, Any] = {"color": color, "marker": mark, "markersize": 4.0}
        plots.mean(one["noisy_error"], "label_noise", ax=left, **style)
        plots.mean(one["clean_error"], "label_noise", ax=left, linestyle="--", **style)
        factor = one["fitted"] / one["fitted"].sel(label_noise=0.0, drop=True)
        plots.mean(factor, "label_noise", ax=right, of="geometric", label=_NAMES[name], **style)
    at = found["shallow"]["label_noise"].values
    for (name, errors), line in zip(ERRORS.items(), ("-", "--", ":"), strict=True):
        left.plot(at, errors, line, color="0.6", linewidth=1.0, zorder=0)
        right.plot(at, FACTORS[name], line, color="0.6", linewidth=1.0, label=f"CIFAR-10, {name}", zorder=0)
    for text, line in (("noisy labels", "-"), ("clean labels", "--")):
        left.plot([], [], line, color="0.3", label=text)
    left.set(xlabel="level of label noise q", ylabel="test error", ylim=(0.0, 1.0))
    right.set(xlabel="level of label noise q", ylabel="steps (minutes) to fit over q = 0", ylim=(0.0, 22.0))
    left.legend(loc="lower right")
    right.legend(loc="upper left", ncols=2)
    return figure


@plots.style()
def parts(runs: xr.Dataset) -> Drawn:
    """Accuracies of both parts and of the test set against the step, a panel per level."""
    figure, axes = plots.panels(1, len(_SHOWN), width=2.6, height=2.8, share_y=True)
    lines = (("train_clean", "true label"), ("train_corrupted", "corrupted label"), ("test", "test"))
    for ax, level in zip(axes, _SHOWN, strict=True):
        one = runs.sel(label_noise=level, step=slice(1, None))
        for (name, label), color in zip(lines, CATEGORY_COLORS, strict=False):
            plots.mean(one[f"{name}_accuracy"], "step", ax=ax, color=color, label=label, seeds="band")
        ax.set(xscale="log", xlabel="step", ylabel="", ylim=(0.0, 1.02), title=f"q = {level:g}")
    axes[0].set_ylabel("accuracy")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(lines))
    return figure


@plots.style()
def capacity(held: xr.DataArray) -> Drawn:
    """Train accuracy against width, a line per law."""
    figure, (ax,) = plots.panels(width=5.2, height=3.4)
    for name, color, mark in zip(held["task"].values.tolist(), CATEGORY_COLORS, MARKERS, strict=False):
        plots.mean(held.sel(task=name, drop=True), "width", ax=ax, color=color, label=name, marker=mark, markersize=4.0)
    _width_axis(ax, held["width"].values)
    ax.set(xlabel="hidden units", ylabel="train accuracy", ylim=(0.0, 1.05))
    ax.legend(loc="lower right")
    return figure


def _width_axis(ax: Axes, widths: np.ndarray) -> None:
    ax.set_xscale("log", base=2)
    ax.set_xticks(widths, [str(width) for width in widths])
    ax.minorticks_off()


@plots.style()
def single(by_law: xr.Dataset, ratios: xr.DataArray) -> Drawn:
    """Gini coefficients by law, and critical sample ratios against the step."""
    figure, (left, right) = plots.panels(1, 2, width=4.2, height=3.4)
    names = by_law["task"].values.tolist()
    for place, name in enumerate(names):
        values = by_law["gini"].sel(task=name).values
        left.plot(values, np.full(len(values), place), "o", color=CATEGORY_COLORS[0], markersize=5.0)
    left.set_yticks(range(len(names)), names)
    left.set(xlabel="Gini coefficient of the loss sensitivity", ylim=(len(names) - 0.5, -0.5), xlim=(0.0, 1.0))
    for name, color in zip(ratios["task"].values.tolist(), CATEGORY_COLORS, strict=False):
        for radius, line in zip(ratios["radius"].values.tolist(), (":", "-", "--"), strict=False):
            one = ratios.sel(task=name, radius=radius, drop=True)
            label = f"{name}, radius {radius:g}"
            plots.mean(one, "snapshot", ax=right, color=color, linestyle=line, marker="o", markersize=3.0, label=label)
    right.set(xscale="log", xlabel="step", ylabel="critical sample ratio", ylim=(0.0, 1.05))
    right.legend(loc="center right", bbox_to_anchor=(1.0, 0.42))
    return figure


@plots.style()
def brakes(datasets: Mapping[str, xr.Dataset]) -> Drawn:
    """Accuracy on both parts against the step, a colour per strength."""
    figure, axes = plots.panels(1, 2, width=3.8, height=3.2, share_y=True)
    kinds = (("dropouts", "dropout", "dropout"), ("decays", "l2", "weight decay"))
    for ax, (name, dim, text) in zip(axes, kinds, strict=True):
        runs = datasets[name].sel(step=slice(1, None))
        for strength, color in zip(runs[dim].values.tolist(), CATEGORY_COLORS, strict=False):
            one = runs.sel({dim: strength}, drop=True)
            label = f"{strength:g}"
            plots.mean(one["train_corrupted_accuracy"], "step", ax=ax, color=color, label=label)
            plots.mean(one["train_clean_accuracy"], "step", ax=ax, color=color, linestyle="--", seeds="none")
        ax.legend(title=text, loc="upper left")
        ax.set(xscale="log", xlabel="step", ylim=(0.0, 1.02))
    axes[0].set_ylabel("accuracy")
    lines = [axes[0].plot([], [], line, color="0.3")[0] for line in ("-", "--")]
    figure.legend(lines, ["corrupted part", "clean part"], loc="outside lower center", ncols=2)
    return figure
