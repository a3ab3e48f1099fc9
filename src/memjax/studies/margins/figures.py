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
    "Gap of every network, train accuracy less test accuracy, against the gap that a regression on the margins at all layers "
    "predicts when the network is left out; all seeds. Colours: number of train examples. Open markers: a fifth of the labels "
    "is random. On the dotted line the prediction is exact."
)
_SCORES = (
    "Cross-validated R^2 of regressions of the gap on different sets of features, means over seeds with 95% intervals. The "
    "sets below the first differ from the first in what their names say."
)
_LOSSES = (
    "Test accuracy of networks trained with the cross-entropy, with a weight decay chosen besides, and for large margins, "
    "against the probability of a random train label (left) and the number of train examples (right); means with 95% intervals "
    "over seeds."
)
_CHANGES = (
    "Test accuracy on images with Gaussian noise, against its standard deviation (left), and on images changed by one step "
    "along the signs of the gradient, against its length (right), both in units of a pixel from 0 to 1; means with 95% "
    "intervals over seeds."
)


@plots.style()
def predicted(networks: Mapping[str, xr.Dataset]) -> Drawn:
    """True against predicted gaps, a panel for each population."""
    figure, axes = plots.panels(1, len(networks), width=3.9, height=3.7)
    for ax, (name, one) in zip(axes, networks.items(), strict=True):
        _scatter(ax, one, scores_of(one, Variant())["predicted"])
        ax.set(title=name, xlabel="predicted gap")
    axes[0].set_ylabel("gap")
    axes[0].legend(loc="upper left", title="train examples")
    return figure


def _scatter(ax: Axes, networks: xr.Dataset, made: xr.DataArray) -> None:
    sizes, levels = networks["train_size"].values, networks["label_noise"].values
    for size, color, mark in zip(sizes, ordered_colors(len(sizes)), MARKERS, strict=False):
        for level in levels:
            here = {"train_size": size, "label_noise": level}
            x, y = (values.sel(here).transpose("seed", ...).values.ravel() for values in (made, networks["gap"]))
            face, label = (color, f"{size}") if level == levels[0] else ("none", None)
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
    figure, axes = plots.panels(1, len(found), width=3.6, height=3.2, share_y=True)
    names = [*VARIANTS]
    for ax, (name, one) in zip(axes, found.items(), strict=True):
        made = [estimate(one.variants["cross_validated_r_squared"].sel(variant=variant)) for variant in names]
        values = np.array([part.value for part in made])
        sides = np.array([[part.value - part.low, part.high - part.value] for part in made]).T
        ax.errorbar(values, range(len(names)), xerr=sides, fmt="o", color=CATEGORY_COLORS[0], capsize=2.0)
        ax.set(title=name, xlabel="cross-validated $R^2$", ylim=(len(names) - 0.5, -0.5))
    axes[0].set_yticks(range(len(names)), names)
    return figure


@plots.style()
def losses(found: Mapping[str, xr.Dataset]) -> Drawn:
    """Test accuracy by label noise and by train size, a line for each way to train."""
    figure, (left, right) = plots.panels(1, 2, width=3.8, height=3.3)
    for (way, one), color, mark in zip(found.items(), CATEGORY_COLORS, MARKERS, strict=False):
        largest = one["train_size"].values.max()
        for ax, dim, there in (
            (left, "label_noise", one["train_size"] == largest),
            (right, "train_size", one["label_noise"] == 0),
        ):
            own = (
                one["test_accuracy"]
                .isel(condition=np.flatnonzero(there))
                .swap_dims(condition=dim)
                .reset_coords(drop=True)
            )
            plots.mean(own.sortby(dim), dim, ax=ax, color=color, marker=mark, label=way)
    left.set(xlabel="probability of a random label", ylabel="test accuracy")
    places = np.unique(one["train_size"].values)
    right.set(xscale="log", xlabel="train examples", ylabel="")
    right.set_xticks(places, [str(place) for place in places])
    right.minorticks_off()
    left.legend(loc="lower left")
    return figure


@plots.style()
def changes(found: Mapping[str, xr.Dataset]) -> Drawn:
    """Test accuracy on changed inputs, a line for each way to train."""
    figure, axes = plots.panels(1, 2, width=3.8, height=3.3, share_y=True)
    heads = {"gaussian": "standard deviation of the noise", "fgsm": "length of the step"}
    for ax, (name, text) in zip(axes, heads.items(), strict=True):
        for (way, one), color, mark in zip(found.items(), CATEGORY_COLORS, MARKERS, strict=False):
            plots.mean(one[name], f"{name}_size", ax=ax, color=color, marker=mark, label=way)
        ax.set(xlabel=text, ylabel="", ylim=(0.0, 1.0))
    axes[0].set_ylabel("test accuracy")
    axes[0].legend(loc="lower left")
    return figure
