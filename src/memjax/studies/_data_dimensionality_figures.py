"""Figures of the study data-dimensionality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax import analysis, plots
from memjax.plots.styles import ordered_colors
from memjax.studies._data_dimensionality_values import VARIED, at_end, percentiles, sorted_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CAPTIONS", "classes", "correlations", "curves", "errors", "examples"]

Values = Mapping[str, xr.Dataset]

CAPTIONS = {
    "curves": "D* of all train points, sorted, over its mean rank / N: by seed, training stage, each of the first ten batches, "
    "width, number of examples, weight decay and scale of the inputs; mean over seeds. Dashed: before training. Dotted: the "
    "null of Gaussian activations of the same rank and number of examples.",
    "errors": "Misclassified train points along the spectrum at several stages: share of all errors in each tenth of the "
    "points by D*, mean over seeds with 95% intervals. Dotted: spread evenly.",
    "classes": "Classes along the spectrum before and after training: share of each tenth of the points, mean over seeds.",
    "correlations": "Spearman correlation of D* over the train points: between seeds (after training), stages, batches, "
    "widths, numbers of examples (over the points of the smaller set) and weight decays; but for the first, means over seeds.",
    "examples": "The train images with the least and the most D*, mean over seeds, before and after training.",
}
_TITLES = {"widths": "neurons", "sizes": "examples", "decays": "weight decay", "inputs": "inputs"}


@plots.style()
def curves(values: Values) -> Figure:
    """Sorted curves over their mean, a panel for everything that was varied."""
    figure, axes = _grid(2, 4)
    stages, batches = (sorted_curves(values[name]["data_dimensionality"]) for name in ("stages", "batches"))
    panels = [
        (stages.isel(snapshot=-1), "seed", "seeds"),
        (stages.mean("seed"), "snapshot", "training: step"),
        (batches.mean("seed"), "snapshot", "first batches: step"),
        *((_at_end_by(values[name]).mean("seed"), axis, _TITLES[name]) for name, axis in VARIED.items()),
    ]
    for ax, (curve, by, text) in zip(axes.flat, panels, strict=False):
        _panel(ax, curve, by, text)
    for ax, dataset in zip(axes.flat[:7], [values["stages"]] * 3 + [values[name] for name in VARIED], strict=True):
        _beside(ax, dataset)
    _key(axes.flat[7])
    return figure


def _grid(rows: int, columns: int, height: float = 2.6) -> tuple[Figure, np.ndarray]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.1 * columns, height * rows), layout="constrained")
    return figure, np.atleast_2d(figure.subplots(rows, columns))


def _at_end_by(dataset: xr.Dataset) -> xr.DataArray:
    return sorted_curves(at_end(dataset["data_dimensionality"]))


def _panel(ax: Axes, curve: xr.DataArray, by: str, text: str) -> None:
    labels = curve[by].values.tolist()
    colors: list[Any] = ordered_colors(len(labels))
    for label, color in zip(labels, colors, strict=True):
        ax.plot(100 * curve["share"], curve.sel({by: label}), color=color, label=f"{label}", linewidth=1.2)
    ax.set_title(text)
    few = len(labels) <= 7
    shown = ax.get_legend_handles_labels()
    handles, names = shown if few else ([shown[0][0], shown[0][-1]], [shown[1][0], shown[1][-1]])
    ax.legend(handles, names, fontsize=7, handlelength=1.2, labelspacing=0.25)
    ax.set(xlabel="points, by D* (%)", ylabel="D* over its mean", yscale="log", ylim=(0.2, 6.0))
    ax.set_yticks([0.25, 0.5, 1, 2, 4], ["1/4", "1/2", "1", "2", "4"])
    ax.minorticks_off()


def _beside(ax: Axes, dataset: xr.Dataset) -> None:
    """Before training, and the null: in the colours of the curves where those differ in size or inputs."""
    axis = next((name for name in ("hidden", "train_size", "scale") if name in dataset.dims), None)
    parts = [dataset] if axis is None else [dataset.isel({axis: i}) for i in range(dataset.sizes[axis])]
    for part, color in zip(parts, ["0.2"] if axis is None else ordered_colors(len(parts)), strict=True):
        scores = part["data_dimensionality"].isel(snapshot=0)
        start = sorted_curves(scores.isel(weight_decay=0) if "weight_decay" in scores.dims else scores).mean("seed")
        ax.plot(100 * start["share"], start, "--", color=color, linewidth=0.8)
        count, rank = int(scores.notnull().sum("example").max()), round(float(at_end(part["rank"]).mean()))
        heights = np.asarray(
            analysis.leverage_null(count, rank, np.clip(1 - start["share"], 0.5 / count, 1 - 0.5 / count))
        )
        ax.plot(100 * start["share"], heights.ravel() * count / rank, ":", color=color, linewidth=0.8)


def _key(ax: Axes) -> None:
    ax.axis("off")
    ax.plot([], [], "--", color="0.2", linewidth=1.0, label="before training")
    ax.plot([], [], ":", color="0.4", linewidth=1.2, label="null: Gaussian activations\nof the same rank and N")
    ax.legend(loc="center left", fontsize=8)


@plots.style()
def errors(values: xr.Dataset) -> Figure:
    """Share of all errors in each tenth of the spectrum, a panel per stage."""
    steps = values["snapshot"].values.tolist()
    columns = -(-len(steps) // 2)
    figure, axes = _grid(2, columns)
    tenth = _tenths(values)
    tops = []
    for ax, step in zip(axes.flat, steps, strict=False):
        tops.append(_error_panel(ax, tenth.sel(snapshot=step), values["wrong"].sel(snapshot=step)))
        ax.set_title(f"step {step}" + ("  (before training)" if step == 0 else ""))
    for ax in axes.flat:
        ax.set_ylim(0, 1.25 * max(tops))
    for ax in axes[:, 0]:
        ax.set_ylabel("errors in this tenth (%)")
    for ax in axes[-1]:
        ax.set_xlabel("tenth of the points by D*")
    for ax in axes.flat[len(steps) :]:
        ax.axis("off")
    return figure


def _tenths(values: xr.Dataset) -> xr.DataArray:
    """Tenth of the spectrum that each point lies in, from 0."""
    return (percentiles(values["data_dimensionality"]) // 10).clip(max=9)


def _error_panel(ax: Axes, tenth: xr.DataArray, wrong: xr.DataArray) -> float:
    """Draw one stage; returns the height of its highest bar."""
    counts = xr.concat([wrong.where(tenth == i, 0.0).sum("example") for i in range(10)], "tenth")
    total = counts.sum("tenth")
    share = (100 * counts / total.where(total > 0)).transpose("tenth", "seed")
    summary = analysis.mean_interval(share)
    mean, (low, high) = summary["mean"].values, summary["mean_interval"].transpose("bound", ...).values
    ax.bar(np.arange(1, 11), mean, width=0.8, color="#0072B2", alpha=0.8)
    ax.errorbar(np.arange(1, 11), mean, [mean - low, high - mean], fmt="none", ecolor="0.2", elinewidth=0.8)
    ax.axhline(10, color="0.4", linestyle=":", linewidth=1.0)
    text = f"{float(total.mean()):.0f} of {wrong.sizes['example']} wrong"
    ax.annotate(text, (0.98, 0.97), xycoords="axes fraction", ha="right", va="top", fontsize=7.5)
    ax.set_xticks([1, 5, 10])
    return float(np.nanmax(mean, initial=10.0))


@plots.style()
def classes(values: xr.Dataset) -> Figure:
    """What each tenth of the spectrum is made of, before and after training."""
    figure, axes = _grid(1, 2)
    labels = np.unique(values["label"]).astype(int)
    tenth = _tenths(values)
    for ax, at, text in zip(axes.flat, (0, -1), ("before training", "after training"), strict=True):
        part, own = tenth.isel(snapshot=at), values["label"].isel(snapshot=at)
        shares = np.array(
            [[float(((own == c) & (part == i)).sum() / (part == i).sum()) for i in range(10)] for c in labels]
        )
        _stack(ax, 100 * shares, labels)
        ax.set(title=text, xlabel="tenth of the points by D*", ylim=(0, 100), xticks=[1, 5, 10])
    axes[0, 0].set_ylabel("share of the tenth (%)")
    axes[0, 1].legend(*_reversed(axes[0, 1]), title="class", loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7)
    return figure


def _stack(ax: Axes, shares: np.ndarray, labels: np.ndarray) -> None:
    from matplotlib import colormaps

    below = np.zeros(shares.shape[1])
    for label, share in zip(labels, shares, strict=True):
        ax.bar(np.arange(1, 11), share, bottom=below, width=0.9, label=str(label), color=colormaps["tab10"](label % 10))
        below += share


def _reversed(ax: Axes) -> tuple[list[Any], list[Any]]:
    handles, names = ax.get_legend_handles_labels()
    return handles[::-1], names[::-1]


@plots.style()
def correlations(values: Values) -> Figure:
    """Spearman matrices of everything that was varied."""
    stages, batches = values["stages"]["data_dimensionality"], values["batches"]["data_dimensionality"]
    parts = [
        (analysis.spearman_matrix(stages.isel(snapshot=-1), "seed", "example"), "seeds"),
        (analysis.spearman_matrix(stages, "snapshot", "example").mean("seed"), "training: step"),
        (analysis.spearman_matrix(batches, "snapshot", "example").mean("seed"), "first batches: step"),
        *((_matrix(values[name], axis), _TITLES[name]) for name, axis in VARIED.items() if name != "inputs"),
    ]
    figure, axes = _grid(2, 3)
    least = min(float(matrix.min()) for matrix, _ in parts)
    lowest = float(np.floor(10 * min(least, 0.9)) / 10)
    for ax, (matrix, text) in zip(axes.flat, parts, strict=True):
        image = _matrix_panel(ax, matrix, lowest)
        ax.set_title(text)
    figure.colorbar(image, ax=axes, label="Spearman correlation of D*", shrink=0.6)
    return figure


def _matrix(dataset: xr.Dataset, axis: str) -> xr.DataArray:
    scores = at_end(dataset["data_dimensionality"])
    drop = [name for name, coord in scores.coords.items() if axis in coord.dims and name != axis]
    return analysis.spearman_matrix(scores.drop_vars(drop), axis, "example").mean("seed")


def _matrix_panel(ax: Axes, matrix: xr.DataArray, lowest: float) -> Any:
    labels = [f"{label:g}" if isinstance(label, float) else str(label) for label in matrix["other"].values.tolist()]
    image = ax.imshow(matrix.values, vmin=lowest, vmax=1.0, cmap="viridis")
    at = np.arange(len(labels))
    ax.set_xticks(at, labels, rotation=45 if max(map(len, labels)) > 2 else 0)
    ax.set_yticks(at, labels)
    if len(labels) <= 7:
        for row, column in np.ndindex(matrix.shape):
            value = float(matrix[row, column])
            color = "white" if value < (1 + lowest) / 2 else "black"
            ax.text(column, row, f"{value:.2f}".removeprefix("0"), ha="center", va="center", fontsize=6.5, color=color)
    return image


@plots.style()
def examples(pictures: xr.Dataset) -> Figure:
    """Images at both ends of the spectrum, before and after training."""
    figure, axes = _grid(2, 2, height=1.5)
    for (row, column), ax in np.ndenumerate(axes):
        one = pictures.isel(when=row, end=column)
        ax.imshow(_mosaic(one["image"].values), cmap="gray_r", interpolation="nearest")
        scores = one["score"].values
        ends = f"{scores.min():.3f} to {scores.max():.3f}"
        ax.set_title(f"{one['end'].item()} D*, {one['when'].item()}: {ends}")
        ax.set(xticks=[], yticks=[])
        for spine in ax.spines.values():
            spine.set_visible(False)
    return figure


def _mosaic(images: np.ndarray, columns: int = 8) -> np.ndarray:
    """Images side by side, with a gap between them."""
    height, width, *rest = images.shape[1:]
    low, high = images.min(), images.max()
    rows = -(-len(images) // columns)
    canvas = np.zeros((rows * (height + 1), columns * (width + 1), *rest))
    for i, image in enumerate((images - low) / max(high - low, 1e-9)):
        top, left = (i // columns) * (height + 1), (i % columns) * (width + 1)
        canvas[top : top + height, left : left + width] = image
    return canvas
