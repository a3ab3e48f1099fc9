"""Figures of the study margins."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS, ordered_colors
from memjax.studies.kit import Figure, estimate
from memjax.studies.margins.numbers import VARIANTS, Scored, Variant
from memjax.studies.margins.numbers import scores as scores_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "changes", "losses", "predicted", "scores"]


def all_figures(
    networks: Mapping[str, xr.Dataset], found: Mapping[str, Scored], trained: Mapping[str, xr.Dataset]
) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    return {
        "predicted": Figure(partial(predicted, networks), _PREDICTED),
        "scores": Figure(partial(scores, found), _SCORES),
        "losses": Figure(partial(losses, trained), _LOSSES),
        "changes": Figure(partial(changes, trained), _CHANGES),
    }


_PREDICTED = (
    "The panels show the gap of every network, train accuracy less test accuracy, against the gap that is predicted by a "
    "regression on the margins at all layers of nine tenths of the other networks of the seed. Colours are the number of "
    "train examples, and open markers have a fifth of random labels. On the dotted line the prediction is exact."
)
_SCORES = (
    "The figure shows the cross-validated R^2 of regressions of the gap on different sets of features, means over seeds "
    "with 95% intervals. The sets below the first differ from the first in what their names say."
)
_LOSSES = (
    "The upper panels show the test accuracy of networks trained with the cross-entropy, with the cross-entropy and a "
    "weight decay, and for large margins, against the probability of a random train label (left) and the number of train "
    "examples (right), as means over seeds. The lower panels show the same less that of the cross-entropy on the same "
    "seeds, with 95% intervals; the dotted line is no difference."
)
_CHANGES = (
    "The upper panels show the test accuracy on images with Gaussian noise against its standard deviation (left), and on "
    "images changed by one step along the signs of a gradient against its length (right), both in units of a pixel from 0 "
    "to 1, as means over seeds. The lower panels show the same less that of the cross-entropy on the same seeds, with 95% "
    "intervals; the dotted line is no difference."
)


@plots.style()
def predicted(networks: Mapping[str, xr.Dataset]) -> Drawn:
    """True against predicted gaps, a panel for each population."""
    figure, axes = plots.panels(1, len(networks), width=3.9, height=3.7)
    for ax, (name, one) in zip(axes, networks.items(), strict=True):
        _scatter(ax, one, scores_of(one, Variant())["predicted"])
        ax.set(title=name, xlabel="predicted gap")
    axes[0].set_ylabel("gap")
    axes[0].plot([], [], "o", color="0.3", markerfacecolor="none", markersize=4.0, label="with random labels")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _scatter(ax: Axes, networks: xr.Dataset, made: xr.DataArray) -> None:
    sizes, levels = networks["train_size"].values, networks["label_noise"].values
    for size, color, mark in zip(sizes, ordered_colors(len(sizes)), MARKERS, strict=False):
        for level in levels:
            here = {"train_size": size, "label_noise": level}
            x, y = (values.sel(here).transpose("seed", ...).values.ravel() for values in (made, networks["gap"]))
            face, label = (color, f"{size} examples") if level == levels[0] else ("none", None)
            ax.plot(
                x,
                y,
                mark,
                color=color,
                markerfacecolor=face,
                markersize=3.0,
                markeredgewidth=0.6,
                alpha=0.7,
                label=label,
            )
    ends = [float(networks["gap"].min()), float(networks["gap"].max())]
    ax.plot(ends, ends, ":", color="0.2", linewidth=1.0)


@plots.style()
def scores(found: Mapping[str, Scored]) -> Drawn:
    """Scores of all sets of features, a panel for each population."""
    figure, axes = plots.panels(1, len(found), width=3.6, height=3.2, share_x="row", share_y="row")
    names = [*VARIANTS]
    for ax, (name, one) in zip(axes, found.items(), strict=True):
        made = [estimate(one.variants["cross_validated_r_squared"].sel(variant=variant)) for variant in names]
        values = np.array([part.value for part in made])
        sides = np.array([[part.value - part.low, part.high - part.value] for part in made]).T
        ax.errorbar(values, range(len(names)), xerr=sides, fmt="o", color=CATEGORY_COLORS[0], capsize=2.0)
        ax.axvline(0.0, color="0.4", linestyle=":", linewidth=1.0, zorder=0)
        ax.set(title=name, xlabel="cross-validated $R^2$", ylim=(len(names) - 0.5, -0.5))
    axes[0].set_yticks(range(len(names)), names)
    return figure


@plots.style()
def losses(found: Mapping[str, xr.Dataset]) -> Drawn:
    """Test accuracy by label noise and by train size, and differences from the first way to train."""
    figure, axes = plots.panels(2, 2, width=3.8, height=2.7, share_x="col")
    first = next(iter(found.values()))
    noisy, true = first["train_size"] == first["train_size"].max(), first["label_noise"] == 0
    for line, (dim, there) in zip(axes.T, (("label_noise", noisy), ("train_size", true)), strict=True):
        _beside(line, {way: _along(one, dim, there) for way, one in found.items()}, dim)
    places = np.unique(first["train_size"].values)
    axes[1, 1].set_xscale("log")
    axes[1, 1].set_xticks(places, [str(place) for place in places])
    axes[1, 1].minorticks_off()
    axes[1, 0].set_xlabel("probability of a random label")
    axes[1, 1].set_xlabel("train examples")
    return _named(figure, axes)


def _along(one: xr.Dataset, dim: str, there: xr.DataArray) -> xr.DataArray:
    """Test accuracies of some conditions by what they differ in."""
    own = one["test_accuracy"].isel(condition=np.flatnonzero(there)).swap_dims(condition=dim)
    return own.reset_coords(drop=True).sortby(dim)


@plots.style()
def changes(found: Mapping[str, xr.Dataset]) -> Drawn:
    """Test accuracy on changed inputs, and differences from the first way to train."""
    figure, axes = plots.panels(2, 2, width=3.8, height=2.7, share_x="col")
    heads = {"gaussian": "standard deviation of the noise", "fgsm": "length of the step"}
    for line, (name, text) in zip(axes.T, heads.items(), strict=True):
        _beside(line, {way: one[name] for way, one in found.items()}, f"{name}_size")
        line[1].set_xlabel(text)
    return _named(figure, axes)


def _beside(line: np.ndarray, values: Mapping[str, xr.DataArray], dim: str) -> None:
    """Means of all ways above, and differences from the first way, which are paired by seed, below."""
    upper, lower = line
    first = next(iter(values.values()))
    for (way, one), color, mark in zip(values.items(), CATEGORY_COLORS, MARKERS, strict=False):
        plots.mean(one, dim, ax=upper, color=color, marker=mark, label=way, seeds="none")
        if one is not first:
            plots.mean(one - first, dim, ax=lower, color=color, marker=mark)
    plots.level(lower, 0.0)
    for ax in line:
        ax.set(xlabel="", ylabel="")


def _named(figure: Drawn, axes: np.ndarray) -> Drawn:
    axes[0, 0].set_ylabel("test accuracy")
    axes[1, 0].set_ylabel("less the cross-entropy")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
