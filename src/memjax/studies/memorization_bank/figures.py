"""Figures of the study memorization-bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS
from memjax.studies.kit import Figure
from memjax.studies.memorization_bank.attacks import bootstrapped
from memjax.studies.memorization_bank.attribution_claims import NETWORK_NAMES, PUBLISHED
from memjax.studies.memorization_bank.knobs import Setting
from memjax.studies.memorization_bank.numbers import MEMORIZED, jackknifed
from memjax.studies.memorization_bank.pictures import digits, pairs
from memjax.studies.memorization_bank.rated import Rated
from memjax.studies.memorization_bank.rows import PROPERTIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = [
    "along_knobs",
    "attributions",
    "of_attacks",
    "of_attributions",
    "of_knobs",
    "of_rows",
    "of_scores",
    "roc",
    "scores",
    "shadows",
]


def of_scores(
    found: xr.Dataset, corrupted: xr.DataArray, pictures: xr.Dataset, strongest: xr.Dataset, properties: xr.Dataset
) -> dict[str, Figure]:
    """Figures of memorised rows, the main one first."""
    score = found["memorization"].reset_coords(drop=True)
    return {
        "scores": Figure(partial(scores, score, corrupted), _SCORES),
        "digits": Figure(partial(digits, score, corrupted, pictures), _DIGITS),
        "pairs": Figure(partial(pairs, strongest, pictures), _pairs_caption(strongest)),
        "rows": Figure(partial(of_rows, score, corrupted, properties), _ROWS),
    }


def of_knobs(settings: Sequence[Setting]) -> dict[str, Figure]:
    """The figure of memorisation along steps, width, weight decay and label noise."""
    return {"knobs": Figure(partial(along_knobs, settings), _KNOBS)}


def of_attacks(curves: xr.DataArray, sizes: xr.DataArray) -> dict[str, Figure]:
    """Figures of attacks on membership."""
    return {
        "roc": Figure(partial(roc, curves), _ROC),
        "shadows": Figure(partial(shadows, sizes), _SHADOWS),
    }


def of_attributions(scored: Mapping[str, Rated]) -> dict[str, Figure]:
    """The figure of attributions."""
    return {"attributions": Figure(partial(attributions, scored), _ATTRIBUTIONS)}


_SCORES = (
    "The curve shows the memorisation scores of all rows by the MLP, from the least to the most memorised. Crosses are "
    "rows with a corrupted label. Above the dotted line a row counts as memorised."
)
_DIGITS = (
    "The digits are the most memorised rows (above), the most memorised ones among those with their true label (middle), "
    "and some of the least memorised (below). Above each stands the label that networks are trained on, with the true "
    "label in brackets where that is another; below stands the score."
)
_ROWS = (
    "The panels show the memorisation score of every row by the bank, against the leverage D* of the row among hidden "
    "activations, the logit margin at the end, and the step of the first record at which the row is right (twice the "
    "number of steps for never). These three are means over ten networks on all rows. Crosses are rows with a corrupted "
    "label."
)
_KNOBS = (
    "The panels show the mean memorisation score of all rows with its 95% interval, and the share of the rows with their "
    "true label whose score is above 0.25, along steps, width, weight decay and the share of corrupted labels. The values "
    "of each knob stand at equal distances."
)
_ROC = (
    "The curves show the true against the false positive rate of every attack on the networks of the bank. The dotted "
    "line is chance."
)
_SHADOWS = (
    "The panels show the true positive rate at 0.1% and at 1% false positives against the number of networks in the bank, "
    "with 95% bootstrap intervals. The dotted line is chance."
)
_ATTRIBUTIONS = (
    "The panels show the datamodeling scores (above) and leave-one-out scores (below) with 95% jackknife intervals. The "
    "dotted line is the ceiling that the networks allow. Black diamonds are published scores on MNIST, of other networks."
)


def _pairs_caption(strongest: xr.Dataset) -> str:
    return (
        "Each pair is a row (above) and a test example (below) with the strongest influence on whether networks are right "
        "about the example, each row and each example once, in a bank without corrupted labels. Below each pair stand the "
        f"influence and its standard error. {strongest.attrs['influential']} pairs of a memorised row and an example have an "
        "influence above 0.15 by more than two standard errors."
    )


@plots.style()
def scores(score: xr.DataArray, corrupted: xr.DataArray) -> Drawn:
    """Scores in order, with corrupted rows marked."""
    figure, (ax,) = plots.panels(width=5.4, height=3.4)
    order = np.argsort(score.values, kind="stable")
    values, wrong = score.values[order], corrupted.values[order]
    rank = np.arange(1, len(values) + 1)
    ax.plot(rank[~wrong], values[~wrong], ".", color=CATEGORY_COLORS[0], markersize=4.0, label="true label")
    ax.plot(rank[wrong], values[wrong], "x", color=CATEGORY_COLORS[1], markersize=5.0, label="corrupted label")
    plots.level(ax, MEMORIZED, at=0.2)
    ax.set(xlabel="rank of the row", ylabel="memorisation score")
    ax.legend(loc="upper left")
    return figure


@plots.style()
def of_rows(score: xr.DataArray, corrupted: xr.DataArray, properties: xr.Dataset) -> Drawn:
    """Scores against leverage, margin and the step of learning."""
    figure, axes = plots.panels(1, len(PROPERTIES), width=3.0, height=3.0, share_y=True)
    wrong = corrupted.values
    for ax, (name, text) in zip(axes, PROPERTIES.items(), strict=True):
        values = properties[name].sel(example=score["example"]).values
        ax.plot(values[~wrong], score.values[~wrong], ".", color=CATEGORY_COLORS[0], markersize=4.0, label="true label")
        ax.plot(
            values[wrong], score.values[wrong], "x", color=CATEGORY_COLORS[1], markersize=5.0, label="corrupted label"
        )
        ax.set_xlabel(text)
    axes[0].set_ylabel("memorisation score")
    axes[2].set_xscale("log")
    axes[1].legend(loc="upper right")
    return figure


@plots.style()
def along_knobs(settings: Sequence[Setting]) -> Drawn:
    """Mean scores and shares of memorised rows, a panel per knob."""
    knobs = list(dict.fromkeys(one.knob for one in settings))
    figure, axes = plots.panels(1, len(knobs), width=2.6, height=2.9, share_y=True)
    for ax, knob in zip(axes, knobs, strict=True):
        _along(ax, [one for one in settings if one.knob == knob])
        ax.set(xlabel=knob, ylim=(0, 0.75))
    axes[0].set_ylabel("score, share of rows")
    axes[0].legend(loc="upper left")
    return figure


def _along(ax: Axes, settings: Sequence[Setting]) -> None:
    place = np.arange(len(settings))
    mean = np.array([float(one.found["mean_memorization"]) for one in settings])
    ends = np.stack([one.found["mean_interval"].values for one in settings], axis=1)
    ax.errorbar(
        place, mean, abs(ends - mean), color=CATEGORY_COLORS[0], marker=MARKERS[0], label="mean score, all rows"
    )
    share = [one.memorized for one in settings]
    ax.plot(place, share, color=CATEGORY_COLORS[1], marker=MARKERS[1], label="true rows above 0.25")
    ax.set_xticks(place, [one.value for one in settings])


@plots.style()
def roc(curves: xr.DataArray) -> Drawn:
    """True against false positive rates, both in logarithms."""
    figure, (ax,) = plots.panels(width=5.0, height=4.0)
    for name, color in zip(curves["attack"].values.tolist(), CATEGORY_COLORS, strict=False):
        one = curves.sel(attack=name)
        ax.plot(one["fpr"], one.where(one > 0), color=color, label=name)
    ends = np.array([1e-4, 1.0])
    ax.plot(ends, ends, ":", color="0.4", linewidth=1.0)
    ax.set(xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel="false positive rate", ylabel="true positive rate")
    ax.legend(loc="lower right")
    return figure


@plots.style()
def shadows(sizes: xr.DataArray) -> Drawn:
    """Rates against the number of networks in the bank, a panel per false positive rate."""
    rates = sizes["fpr"].values.tolist()
    figure, axes = plots.panels(1, len(rates), width=3.9, height=3.4)
    for ax, rate in zip(axes, rates, strict=True):
        _by_size(ax, sizes.sel(fpr=rate))
        plots.level(ax, 100 * rate)
        ax.set(xlabel="networks in the bank", ylabel=f"true positive rate at {100 * rate:g}% FPR (%)", ylim=(0, None))
    axes[0].legend(loc="lower right", bbox_to_anchor=(1.0, 0.08))
    return figure


def _by_size(ax: Axes, sizes: xr.DataArray) -> None:
    labels = sizes["bank_size"].values
    for name, color, mark in zip(sizes["attack"].values.tolist(), CATEGORY_COLORS, MARKERS, strict=False):
        found = [bootstrapped(100 * sizes.sel(attack=name, bank_size=size)) for size in labels]
        value, low, high = (np.array([getattr(one, part) for one in found]) for part in ("value", "low", "high"))
        ax.errorbar(labels, value, [value - low, high - value], color=color, marker=mark, label=name, elinewidth=1.0)
    ax.set_xscale("log")
    ax.set_xticks(labels, [str(size) for size in labels])
    ax.minorticks_off()


@plots.style()
def attributions(scored: Mapping[str, Rated]) -> Drawn:
    """Both scores of every attribution, a column of panels per network."""
    figure, axes = plots.panels(2, len(scored), width=5.2, height=3.0, share_y=True)
    for column, (network, one) in enumerate(scored.items()):
        ceilings = {"datamodeling": one.ceiling, "leave-one-out": one.leave_one_out_ceiling}
        for ax, (kind, scores) in zip(axes[:, column], one.by_kind.items(), strict=True):
            _bars(ax, scores, PUBLISHED[kind][network])
            plots.level(ax, ceilings[kind], "ceiling")
            ax.set(title=f"{NETWORK_NAMES[network]}, {kind}", ylim=(-0.1, 1.08))
    for ax in axes[:, 0]:
        ax.set_ylabel("score")
    axes[0, 0].legend(loc="upper left", bbox_to_anchor=(0.0, 0.86))
    return figure


def _bars(ax: Axes, scores: xr.DataArray, published: Mapping[str, float]) -> None:
    names = scores["approach"].values.tolist()
    found = [jackknifed(scores.sel(approach=name)) for name in names]
    height, low, high = (np.array([getattr(one, part) for one in found]) for part in ("value", "low", "high"))
    place = np.arange(len(names))
    ax.bar(place, height, color=CATEGORY_COLORS[5], yerr=[height - low, high - height], width=0.6, label="here")
    there = [at for at, name in enumerate(names) if name in published]
    ax.plot(there, [published[names[at]] for at in there], "D", color="black", markersize=4.0, label="published, MNIST")
    ax.set_xticks(place, [name.replace(" ", "\n") for name in names], fontsize=7.0)
