"""Figures of the study data-dimensionality."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import analysis, plots
from memjax.plots.styles import ordered_colors
from memjax.studies.data_dimensionality import numbers
from memjax.studies.data_dimensionality.numbers import VARIED, at_end, before_and_after, sorted_curves
from memjax.studies.kit import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "classes", "correlations", "curves", "errors", "examples"]

Values = Mapping[str, xr.Dataset]
_TITLES = {"widths": "neurons", "sizes": "examples", "decays": "weight decay", "inputs": "inputs"}
_TENTHS = np.arange(1, 11)


def all_figures(values: Values, runs: xr.Dataset) -> dict[str, Figure]:
    """The figures of the report, the main one first; ``runs`` are those of the stages, whose images are shown."""
    return {
        "curves": Figure(partial(curves, values), _CURVES),
        "errors": Figure(partial(errors, values["stages"]), _ERRORS),
        "classes": Figure(partial(classes, values["stages"]), _CLASSES),
        "correlations": Figure(partial(correlations, values), _CORRELATIONS),
        "examples": Figure(partial(examples, values["stages"], runs), _EXAMPLES),
    }


_CURVES = (
    "Each panel shows D* of all train points, sorted and over its mean rank / N, by what was varied; curves are means "
    "over seeds. Dashed curves are before training. Dotted curves are what Gaussian activations of the same rank and "
    "number of examples would have."
)
_ERRORS = (
    "The panels show the share of all errors in each tenth of the train points by D*, at stages of training: means over "
    "seeds with 95% intervals. A panel is empty where there are fewer than five errors. The dotted line is an even "
    "spread."
)
_CLASSES = (
    "The panels show where the classes lie by D* before and after training: the share of each class in each tenth of the "
    "points, means over seeds."
)
_CORRELATIONS = (
    "The matrices show the Spearman (rank) correlation of D* over the train points (those of the smaller set, where sizes "
    "differ), as means over seeds. Correlations between seeds are after training."
)
_EXAMPLES = (
    "The images are the train images with the least and the most D*, by the mean over seeds, before and after training."
)


def _varied(values: Values) -> list[tuple[xr.DataArray, str, str]]:
    """Everything that was varied, a panel each: D*, the axis that differs, and a title."""
    stages, batches = (values[name]["data_dimensionality"] for name in ("stages", "batches"))
    ends = {name: at_end(values[name]["data_dimensionality"]).reset_coords(drop=True) for name in VARIED}
    return [
        (stages.isel(snapshot=-1, drop=True), "seed", "seeds"),
        (stages, "snapshot", "training: step"),
        (batches, "snapshot", "first batches: step"),
        *((ends[name], axis, _TITLES[name]) for name, axis in VARIED.items()),
    ]


@plots.style()
def curves(values: Values) -> Drawn:
    """Sorted curves over their mean, a panel for everything that was varied."""
    figure, axes = plots.panels(2, 4, width=3.1, height=2.6)
    # Runs of another weight decay begin alike.
    starts = {**values, "decays": values["decays"].isel(weight_decay=0)}
    sources = ["stages"] * 3 + list(VARIED)
    for ax, (scores, by, title), source in zip(axes.flat, _varied(values), sources, strict=False):
        curve, start = sorted_curves(scores), starts[source]
        _panel(ax, curve if by == "seed" else curve.mean("seed"), by)
        _beside(ax, start, by if source in VARIED and by in start.dims else None)
        ax.set_title(title)
    axes.flat[-1].axis("off")
    return figure


def _panel(ax: Axes, curve: xr.DataArray, by: str) -> None:
    labels = curve[by].values.tolist()
    for label, color in zip(labels, ordered_colors(len(labels)), strict=True):
        ax.plot(100 * curve["share"], curve.sel({by: label}), color=color, label=f"{label}", linewidth=1.2)
    handles, names = ax.get_legend_handles_labels()
    kept = slice(None, None, 1 if len(names) <= 7 else len(names) - 1)
    ax.legend(handles[kept], names[kept], fontsize=7, handlelength=1.2, labelspacing=0.25)
    ax.set(xlabel="points, by D* (%)", ylabel="D* over its mean", yscale="log", ylim=(0.2, 6.0))
    ax.set_yticks([0.25, 0.5, 1, 2, 4], ["1/4", "1/2", "1", "2", "4"])
    ax.minorticks_off()


def _beside(ax: Axes, start: xr.Dataset, axis: str | None) -> None:
    """Before training, and the null, for each label of the axis; in grey without one."""
    parts = [start] if axis is None else [start.isel({axis: i}) for i in range(start.sizes[axis])]
    for part, color in zip(parts, ["0.2"] if axis is None else ordered_colors(len(parts)), strict=True):
        scores = part["data_dimensionality"].isel(snapshot=0)
        curve = sorted_curves(scores).mean("seed")
        count, rank = int(scores.notnull().sum("example").max()), round(float(at_end(part["rank"]).mean()))
        shares = np.clip(1 - curve["share"], 0.5 / count, 1 - 0.5 / count)
        null = numbers.null_curve(count, xr.DataArray(rank), shares)
        for heights, line in ((curve, "--"), (null, ":")):
            ax.plot(100 * curve["share"], heights, line, color=color, linewidth=0.8)


def _by_tenth(scores: xr.DataArray, marked: xr.DataArray) -> xr.DataArray:
    """Number of marked points in each tenth of the points by D*, ``(tenth, ...)``."""
    tenth = (numbers.percentiles(scores) // 10).clip(max=9) + 1
    return xr.concat([(marked * (tenth == i)).sum("example") for i in _TENTHS], xr.Variable("tenth", _TENTHS))


@plots.style()
def errors(stages: xr.Dataset) -> Drawn:
    """Share of all errors in each tenth of the spectrum, a panel per stage."""
    steps = stages["snapshot"].values.tolist()
    figure, axes = plots.panels(2, -(-len(steps) // 2), width=3.1, height=2.6, share_y=True)
    counts = _by_tenth(stages["data_dimensionality"], stages["wrong"])
    total = counts.sum("tenth")
    share = 100 * counts / total.where(total >= numbers.FEW_ERRORS)
    for ax, step in zip(axes.flat, steps, strict=False):
        one = share.sel(snapshot=step, drop=True)
        plots.mean(one, x="tenth", ax=ax, seeds="bars", marker="o", linewidth=0.8)
        plots.level(ax, 10.0)
        wrong = f"{float(total.sel(snapshot=step).mean()):.0f} of {stages.sizes['example']} wrong"
        ax.annotate(wrong, (0.98, 0.97), xycoords="axes fraction", ha="right", va="top", fontsize=7.5)
        ax.set_title(f"step {step}" + ("  (before training)" if step == 0 else ""))
        ax.set(xticks=[1, 5, 10], xlabel="tenth of the points by D*")
    axes.flat[0].set_ylim(0, 1.25 * max(10.0, float(share.mean("seed").max())))
    for ax in axes[:, 0]:
        ax.set_ylabel("errors in this tenth (%)")
    for ax in axes.flat[len(steps) :]:
        ax.axis("off")
    return figure


@plots.style()
def classes(stages: xr.Dataset) -> Drawn:
    """What each tenth of the spectrum is made of, before and after training."""
    from matplotlib import colormaps

    figure, axes = plots.panels(1, 2, width=3.1, height=2.6, share_y=True)
    counts = _by_tenth(before_and_after(stages["data_dimensionality"]), numbers.members(stages)).sum("seed")
    shares = 100 * counts / counts.sum("class")
    for ax, when in zip(axes, ("before", "after"), strict=True):
        below = np.zeros(len(_TENTHS))
        for name in shares["class"].values.tolist():
            share = shares.sel({"class": name, "training": when}).values
            ax.bar(_TENTHS, share, bottom=below, width=0.9, label=f"{name}", color=colormaps["tab10"](name % 10))
            below += share
        ax.set(title=f"{when} training", xlabel="tenth of the points by D*", ylim=(0, 100), xticks=[1, 5, 10])
    axes[0].set_ylabel("share of the tenth (%)")
    axes[1].legend(title="class", loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7, reverse=True)
    return figure


@plots.style()
def correlations(values: Values) -> Drawn:
    """Spearman matrices of everything that was varied."""
    # Two kinds of inputs have one correlation, which is in the table.
    panels = _varied(values)[:-1]
    parts = {title: analysis.spearman_matrix(scores, by, "example") for scores, by, title in panels}
    parts |= {title: matrix.mean("seed") for title, matrix in parts.items() if title != "seeds"}
    figure, axes = plots.panels(2, 3, width=3.1, height=2.6)
    lowest = float(np.floor(10 * min(0.9, *(float(matrix.min()) for matrix in parts.values()))) / 10)
    for ax, (title, matrix) in zip(axes.flat, parts.items(), strict=True):
        plots.phase_diagram(matrix, x="other", y=str(matrix.dims[0]), over="", ax=ax, limits=(lowest, 1.0), key=False)
        ax.set(title=title, xlabel="", ylabel="")
    figure.colorbar(axes.flat[0].collections[0], ax=axes, label="Spearman correlation of D*", shrink=0.6)
    return figure


@plots.style()
def examples(stages: xr.Dataset, runs: xr.Dataset) -> Drawn:
    """Images at both ends of the spectrum, before and after training, drawn again from the task."""
    scores, images = before_and_after(stages["data_dimensionality"]).mean("seed"), numbers.train_points(runs).x
    figure, axes = plots.panels(2, 2, width=3.1, height=1.5)
    for row, when in zip(axes, ("before", "after"), strict=True):
        for ax, (end, one) in zip(row, numbers.extremes(scores.sel(training=when)).items(), strict=True):
            ax.imshow(_mosaic(images[one["example"].values]), cmap="gray_r", interpolation="nearest")
            ax.set_title(f"{end} D*, {when} training: {float(one.min()):.3f} to {float(one.max()):.3f}")
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
    return figure


def _mosaic(images: np.ndarray, columns: int = 8) -> np.ndarray:
    """Images side by side, with a gap between them."""
    scaled = (images - images.min()) / max(np.ptp(images), 1e-9)
    tiles = np.pad(scaled, [(0, -len(images) % columns), (0, 1), (0, 1), *[(0, 0)] * (images.ndim - 3)])
    return np.vstack([np.hstack(row) for row in tiles.reshape(-1, columns, *tiles.shape[1:])])
