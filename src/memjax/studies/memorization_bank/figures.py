"""Figures of the study memorization-bank."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS
from memjax.studies.kit import Figure
from memjax.studies.memorization_bank.attacks import bootstrapped
from memjax.studies.memorization_bank.numbers import MEMORIZED, jackknifed
from memjax.studies.memorization_bank.tables import NETWORK_NAMES, PUBLISHED_SCORES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "attributions", "digits", "roc", "scores", "shadows"]

_SHOWN = 10


def all_figures(
    found: xr.Dataset,
    corrupted: xr.DataArray,
    rows: xr.Dataset,
    curves: xr.DataArray,
    sizes: xr.DataArray,
    predicted: Mapping[str, xr.DataArray],
    ceilings: Mapping[str, xr.Dataset],
) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    score = found["memorization"].reset_coords(drop=True)
    return {
        "scores": Figure(partial(scores, score, corrupted), _SCORES),
        "digits": Figure(partial(digits, score, corrupted, rows), _DIGITS),
        "roc": Figure(partial(roc, curves), _ROC),
        "shadows": Figure(partial(shadows, sizes.sel(fpr=0.01, drop=True)), _SHADOWS),
        "attributions": Figure(partial(attributions, predicted, ceilings), _ATTRIBUTIONS),
    }


_SCORES = (
    "Memorisation scores of all rows by the MLP, from the least to the most memorised. Crosses are rows with a corrupted "
    "label. Dotted: the score above which a row counts as memorised."
)
_DIGITS = (
    "The most memorised rows (above), the most memorised ones among those with their true label (middle), and some of the "
    "least memorised (below). Above each: the label that networks are trained on, with the true label in brackets where that "
    "is another. Below each: the score."
)
_ROC = "True against false positive rate of every attack on the networks of the bank. Dotted: chance."
_SHADOWS = (
    "True positive rate at 1% false positives against the number of networks in the bank, with 95% bootstrap intervals. "
    "Dotted: chance."
)
_ATTRIBUTIONS = (
    "Linear datamodeling scores with 95% jackknife intervals. Dotted: the ceiling, from networks on the same subsets. Black "
    "diamonds: published scores on MNIST, of other networks."
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
def digits(score: xr.DataArray, corrupted: xr.DataArray, rows: xr.Dataset) -> Drawn:
    """Pictures of the most and the least memorised rows."""
    order = np.argsort(-score.values, kind="stable")
    true = order[~corrupted.values[order]]
    lines = (
        ("most memorised", order[:_SHOWN]),
        ("most, true labels", true[:_SHOWN]),
        ("least memorised", order[::-1][:_SHOWN]),
    )
    figure, axes = plots.panels(len(lines), _SHOWN, width=0.8, height=1.15)
    for line, (title, places) in zip(axes, lines, strict=True):
        for ax, place in zip(line, places, strict=False):
            _picture(ax, rows.isel(example=place), float(score[place]))
        line[0].set_ylabel(title, fontsize=7.0)
    return figure


def _picture(ax: Axes, row: xr.Dataset, score: float) -> None:
    given, label = int(row["given_label"]), int(row["label"])
    text = f"{given}" if given == label else f"{given} ({label})"
    ax.imshow(row["pixels"].values, cmap="gray_r", interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.set_title(text, fontsize=8.0, pad=2.0)
    ax.set_xlabel(f"{score:.2f}", fontsize=7.0, labelpad=2.0)


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
    """Rates against the number of networks in the bank."""
    figure, (ax,) = plots.panels(width=5.0, height=3.4)
    labels = sizes["bank_size"].values
    for name, color, mark in zip(sizes["attack"].values.tolist(), CATEGORY_COLORS, MARKERS, strict=False):
        found = [bootstrapped(100 * sizes.sel(attack=name, bank_size=size)) for size in labels]
        value, low, high = (np.array([getattr(one, part) for one in found]) for part in ("value", "low", "high"))
        ax.errorbar(labels, value, [value - low, high - value], color=color, marker=mark, label=name, elinewidth=1.0)
    plots.level(ax, 1.0)
    ax.set(xscale="log", xlabel="networks in the bank", ylabel="true positive rate at 1% FPR (%)", ylim=(0, None))
    ax.set_xticks(labels, [str(size) for size in labels])
    ax.minorticks_off()
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 0.08))
    return figure


@plots.style()
def attributions(predicted: Mapping[str, xr.DataArray], ceilings: Mapping[str, xr.Dataset]) -> Drawn:
    """Datamodeling scores of every attribution, a panel per network."""
    figure, axes = plots.panels(1, len(predicted), width=3.9, height=3.4, share_y=True)
    for ax, (network, one) in zip(axes, predicted.items(), strict=True):
        _bars(ax, one, PUBLISHED_SCORES[network])
        plots.level(ax, float(ceilings[network]["mean_ceiling"]), "ceiling")
        ax.set(title=NETWORK_NAMES[network], ylim=(0, 1.08))
    axes[0].set_ylabel("linear datamodeling score")
    axes[0].legend(loc="upper left", bbox_to_anchor=(0.0, 0.86))
    return figure


def _bars(ax: Axes, scores: xr.DataArray, published: Mapping[str, float]) -> None:
    names = scores["approach"].values.tolist()
    found = [jackknifed(scores.sel(approach=name)) for name in names]
    height, low, high = (np.array([getattr(one, part) for one in found]) for part in ("value", "low", "high"))
    place = np.arange(len(names))
    ax.bar(place, height, color=CATEGORY_COLORS[5], yerr=[height - low, high - height], width=0.6, label="here")
    there = [at for at, name in enumerate(names) if name in published]
    ax.plot(there, [published[names[at]] for at in there], "D", color="black", markersize=4.0, label="published, MNIST")
    ax.set_xticks(place, [name.replace(" ", "\n") for name in names])
