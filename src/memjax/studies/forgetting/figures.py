"""Figures of the study forgetting."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS
from memjax.studies.forgetting import numbers
from memjax.studies.forgetting.pictures import digits
from memjax.studies.forgetting.removal import KINDS
from memjax.studies.kit import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "events", "removal", "scores"]


def all_figures(
    groups: Mapping[str, tuple[xr.Dataset, xr.DataArray]],
    found: Mapping[str, xr.DataArray],
    marked: xr.DataArray,
    lost: xr.DataArray,
    rows: xr.Dataset,
) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    return {
        "events": Figure(partial(events, groups), _EVENTS),
        "removal": Figure(partial(removal, lost), _REMOVAL),
        "scores": Figure(partial(scores, found, marked), _SCORES),
        "digits": Figure(partial(digits, found, marked, rows), _DIGITS),
    }


_EVENTS = (
    "The bars show how many rows have how many forgetting events between presentations, as a share of the rows of the "
    "group, all seeds together. The last bar, behind the dotted line, holds rows that are never learnt. The left panel "
    "has networks with true labels, the right one networks with 20% random labels."
)
_REMOVAL = (
    "The figure shows the test accuracy that is lost by removing a share of the rows, in percentage points: means over "
    "seeds with 95% intervals. Points of one share are moved sideways. The dotted line is no loss."
)
_SCORES = (
    "The left and the middle panel show rank correlations between scores over rows, means over seeds. All scores are "
    "turned so that hard rows have large values. The right panel shows the AUC of every score for finding corrupted "
    "labels, of one run (mean over seeds with a 95% interval) and of the score's mean over all runs. The AUC is the "
    "probability that a corrupted row has the larger score; chance is 0.5."
)
_DIGITS = (
    "The digits are rows that are learnt and never forgotten in any run, and the rows that are forgotten most with true "
    "labels and with 20% random labels. Above each stands the label that networks are trained on, with the true label in "
    "brackets where the two differ; below stands the mean number of forgetting events. A row that is never learnt has one "
    "for every epoch."
)


@plots.style()
def events(groups: Mapping[str, tuple[xr.Dataset, xr.DataArray]]) -> Drawn:
    """Histograms of events, with rows that are never learnt behind all others."""
    figure, axes = plots.panels(1, 2, width=4.2, height=3.2, share_y=True)
    most = max(int(numbers.events(runs).max()) for runs, _ in groups.values())
    for place, ((name, (runs, rows)), color) in enumerate(zip(groups.items(), CATEGORY_COLORS, strict=False)):
        _histogram(axes[min(place, 1)], _counted(runs, rows, most), name, color, place)
    for ax, title in zip(axes, ("true labels", "20% random labels"), strict=True):
        ax.axvline(most + 1, color="0.4", linestyle=":", linewidth=1.0)
        ax.set(yscale="log", xlabel="forgetting events", title=title)
        ticks = np.unique(np.linspace(0, most, 5).astype(int)).tolist()
        ax.set_xticks([*ticks[:-1], most + 2], [*map(str, ticks[:-1]), "never\nlearnt"])
    axes[1].legend(loc="upper right", bbox_to_anchor=(0.85, 1.0))
    axes[0].set_ylabel("share of the rows")
    return figure


def _counted(runs: xr.Dataset, rows: xr.DataArray, most: int) -> np.ndarray:
    """Share of some rows with 0, 1, ... events, and at last, behind a gap, of those that are never learnt."""
    counts = numbers.events(runs).where(numbers.learnt(runs), most + 2.0).isel(example=np.flatnonzero(rows.values))
    return np.bincount(counts.values.astype(int).ravel(), minlength=most + 3) / counts.size


def _histogram(ax: Axes, share: np.ndarray, name: str, color: str, place: int) -> None:
    shift = {0: 0.0, 1: -0.2, 2: 0.2}[place]
    width = 0.8 if place == 0 else 0.4
    ax.bar(np.arange(len(share)) + shift, share, width=width, color=color, label=name.partition(": ")[2])


@plots.style()
def removal(lost: xr.DataArray) -> Drawn:
    """Lost test accuracy by the share of the rows that is removed."""
    figure, (ax,) = plots.panels(width=5.2, height=3.4)
    for place, (kind, color, mark) in enumerate(zip(KINDS, CATEGORY_COLORS, MARKERS, strict=False)):
        # Moved sideways, so that no bar hides another.
        one = lost.sel(kind=kind).assign_coords(share=100 * lost["share"].values + 0.8 * (place - 1))
        plots.mean(one, "share", ax=ax, seeds="bars", color=color, marker=mark, label=f"{kind} rows")
    plots.level(ax, 0.0)
    ax.set(xlabel="rows removed (%)", ylabel="test accuracy lost (points)")
    ax.legend(loc="upper left")
    return figure


@plots.style()
def scores(found: Mapping[str, xr.DataArray], marked: xr.DataArray) -> Drawn:
    """Rank correlations of scores with and without random labels, and their AUC for corrupted labels."""
    figure, axes = plots.panels(1, 3, width=3.5, height=3.4)
    for ax, (name, values) in zip(axes[:2], found.items(), strict=True):
        _matrix(ax, numbers.correlations(values).mean("seed").values)
        ax.set_title(name)
    axes[1].set_yticks([])
    _finders(axes[2], found["20% random labels"], marked)
    return figure


def _matrix(ax: Axes, matrix: np.ndarray) -> None:
    """A matrix with its numbers."""
    ax.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
    for (y, x), value in np.ndenumerate(matrix):
        ax.text(x, y, f"{value:.2f}", ha="center", va="center", fontsize=8.0, color="white" if value > 0.7 else "black")
    places = np.arange(len(matrix))
    ax.set_xticks(places, numbers.SCORES, rotation=40, ha="right", rotation_mode="anchor")
    ax.set_yticks(places, numbers.SCORES)


def _finders(ax: Axes, values: xr.DataArray, marked: xr.DataArray) -> None:
    """AUC of every score, of one run and of its mean over runs."""
    places = np.arange(len(numbers.SCORES))
    one = numbers.auc(values, marked).assign_coords(score=places - 0.12)
    plots.mean(
        one,
        "score",
        ax=ax,
        seeds="bars",
        color=CATEGORY_COLORS[0],
        marker=MARKERS[0],
        label="one run",
        linestyle="none",
    )
    every = numbers.auc(values.mean("seed").expand_dims("seed"), marked).isel(seed=0)
    ax.plot(places + 0.12, every.values, MARKERS[1], color=CATEGORY_COLORS[1], label="mean over runs")
    ax.set_xticks(places, numbers.SCORES, rotation=40, ha="right", rotation_mode="anchor")
    ax.set(ylabel="AUC for corrupted labels", xlabel="", ylim=(None, 1.01))
    ax.legend(loc="lower center")
