"""Figures of the study generalization-measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax import analysis, plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS
from memjax.studies.generalization_measures.numbers import BASELINES, hyperparameters
from memjax.studies.generalization_measures.part import RANDOM, Part, ranked, title, words
from memjax.studies.kit import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "granulated", "scatter", "scores", "sign_errors"]


def all_figures(parts: Mapping[str, Part]) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    order = ranked(parts)
    return {
        "scores": Figure(partial(scores, parts, order), _SCORES),
        "scatter": Figure(partial(scatter, parts, order), _SCATTER),
        "sign_errors": Figure(partial(sign_errors, parts, order), _ERRORS),
        "granulated": Figure(partial(granulated, parts, order), _GRANULATED),
    }


_SCORES = (
    "The panels show three scores of every measure on both data sets: Kendall's tau with the gap, the mean granulated "
    "tau, and the conditional mutual information. Points are means over seeds with 95% intervals, and measures stand in "
    "the order of their mean granulated tau. Below the line are the gap of the same network on other test rows, the gap "
    "of a network with another seed, and random numbers."
)
_SCATTER = (
    "The panels show the gap of every network against the measure with the largest mean granulated tau (left), the one "
    "with the smallest (middle), and the L2 norm (right), for networks of all seeds. The colour is the width and the "
    "marker the depth."
)
_ERRORS = (
    "The figure shows the sign errors of every measure in environments, which are pairs of settings that differ in one "
    "hyperparameter: the mean over environments, the error that nine tenths of them do not exceed, and the worst. Bars "
    "are 95% bootstrap intervals over seeds. The dotted line is a coin. Below the line are baselines that know the gap, "
    "and random numbers."
)
_GRANULATED = (
    "The cells show the granulated tau: Kendall's tau between measure and gap among runs in which one hyperparameter "
    "alone differs, means over settings and seeds. Where a cell is red the measure is larger where the gap is larger; "
    "where it is blue the measure is smaller there."
)
_PANELS = {"tau": "Kendall's tau", "mean_psi": "mean granulated tau", "information": "conditional mutual information"}
_ERROR_KINDS = {"mean": "mean", "nine_tenths": "nine tenths", "worst": "worst"}


@plots.style()
def scores(parts: Mapping[str, Part], order: Sequence[str]) -> Drawn:
    """Three scores of all measures and baselines, with intervals."""
    rows = [*order, *BASELINES, RANDOM]
    figure, axes = plots.panels(1, 3, width=3.3, height=0.24 * len(rows) + 0.8, share_y=True)
    for ax, (name, text) in zip(axes, _PANELS.items(), strict=True):
        for (place, part), color, mark in zip(enumerate(parts.values()), CATEGORY_COLORS, MARKERS, strict=False):
            values = [_score(part, row, name) for row in rows]
            found = [analysis.mean_interval(one, "seed") for one in values]
            means = np.array([float(one["mean"]) for one in found])
            ends = np.array([one["mean_interval"].values for one in found])
            _dots(ax, means, ends, 0.24 * (place - 0.5), color=color, marker=mark, label=title([*parts][place]))
        ax.axvline(0.0, color="0.4", linestyle=":", linewidth=1.0, zorder=0)
        ax.set_xlabel(text)
    _name_rows(axes[0], rows, len(order))
    for ax in axes[1:]:
        _name_rows(ax, rows, len(order))
    axes[1].legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    return figure


def _score(part: Part, row: str, name: str) -> xr.DataArray:
    return part.null[name].mean("draw") if row == RANDOM else part.scores[name].sel(measure=row)


def _dots(ax: Axes, means: np.ndarray, ends: np.ndarray, shift: float, **line: Any) -> None:
    """Values with intervals, a row for each."""
    bars = np.abs(ends.T - means)
    ax.errorbar(means, np.arange(len(means)) + shift, xerr=bars, linestyle="none", elinewidth=1.0, **line)


def _name_rows(ax: Axes, rows: Sequence[str], measures: int) -> None:
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.axhline(measures - 0.5, color="0.6", linewidth=0.8)
    ax.grid(axis="y", color="0.92", linewidth=0.6, zorder=-1)


@plots.style()
def scatter(parts: Mapping[str, Part], order: Sequence[str]) -> Drawn:
    """Gap against three measures, a row of panels for each data set."""
    chosen = [order[0], order[-1], "L2 norm"]
    figure, axes = plots.panels(len(parts), 3, width=3.2, height=2.7, share_y="row")
    for row, (name, part) in zip(np.reshape(axes, (len(parts), 3)), parts.items(), strict=True):
        for ax, measure in zip(row, chosen, strict=True):
            _points(ax, part.runs["value"].sel(measure=measure), 100 * part.runs["gap"])
            ax.set(xlabel=measure, title=title(name))
            if (part.runs["value"].sel(measure=measure) > 0).any() and _is_wide(
                part.runs["value"].sel(measure=measure)
            ):
                plots.plain_ticks(ax)
        row[0].set_ylabel("gap (points)")
    np.reshape(axes, (len(parts), 3))[0, 2].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _points(ax: Axes, value: xr.DataArray, gap: xr.DataArray) -> None:
    for width, color in zip(gap["width"].values, CATEGORY_COLORS, strict=False):
        for depth, mark in zip(gap["depth"].values, MARKERS, strict=False):
            x, y = (one.sel(width=width, depth=depth).values.ravel() for one in (value, gap))
            ax.plot(x, y, mark, color=color, markersize=3.0, alpha=0.7, label=f"width {width}, depth {depth}")


def _is_wide(value: xr.DataArray) -> bool:
    """Whether positive values span more than a factor of three, so that a logarithmic axis shows them better."""
    low, high = float(value.min()), float(value.max())
    return 0.0 < 3.0 * low < high


@plots.style()
def sign_errors(parts: Mapping[str, Part], order: Sequence[str]) -> Drawn:
    """Mean, quantile and worst of the sign errors of all measures and baselines."""
    rows = [*order, *BASELINES, RANDOM]
    figure, axes = plots.panels(1, len(parts), width=4.2, height=0.24 * len(rows) + 0.8, share_y=True)
    for ax, (name, part) in zip(np.atleast_1d(axes), parts.items(), strict=True):
        own = part.errors.sel(measure=rows)
        for (place, (kind, text)), color, mark in zip(
            enumerate(_ERROR_KINDS.items()), CATEGORY_COLORS, MARKERS, strict=False
        ):
            ends = own[f"{kind}_interval"].transpose("measure", "bound").values
            _dots(ax, own[kind].values, ends, 0.22 * (place - 1), color=color, marker=mark, label=text)
        ax.axvline(0.5, color="0.4", linestyle=":", linewidth=1.0, zorder=0)
        ax.set(xlabel="sign error", title=title(name), xlim=(-0.03, 1.03))
        _name_rows(ax, rows, len(order))
    np.atleast_1d(axes)[-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


@plots.style()
def granulated(parts: Mapping[str, Part], order: Sequence[str]) -> Drawn:
    """The granulated coefficient by measure and hyperparameter, with its numbers."""
    rows = [*order, *BASELINES]
    figure, axes = plots.panels(1, len(parts), width=4.0, height=0.24 * len(rows) + 1.0, share_y=True)
    for ax, (name, part) in zip(np.atleast_1d(axes), parts.items(), strict=True):
        dims = hyperparameters(part.runs["gap"])
        cells = part.scores["psi"].sel(measure=rows, hyperparameter=dims).mean("seed")
        image = _cells(ax, cells.transpose("measure", "hyperparameter").values)
        ax.set_xticks(range(len(dims)), [words(dim) for dim in dims], rotation=35, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(len(rows)), rows)
        ax.axhline(len(order) - 0.5, color="black", linewidth=0.8)
        ax.set_title(title(name))
    figure.colorbar(image, ax=list(np.atleast_1d(axes)), label="granulated tau", shrink=0.6)
    return figure


def _cells(ax: Axes, values: np.ndarray) -> Any:
    """A matrix of coefficients with its numbers."""
    image = ax.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    for (i, j), value in np.ndenumerate(values):
        ax.text(
            j,
            i,
            f"{value:.2f}",
            ha="center",
            va="center",
            fontsize=6.5,
            color="white" if abs(value) > 0.65 else "black",
        )
    ax.grid(visible=False)
    return image
