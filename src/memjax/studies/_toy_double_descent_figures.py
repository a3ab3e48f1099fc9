"""Figures of the study toy-double-descent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.axes import scale_axis
from memjax.plots.styles import CATEGORY_COLORS
from memjax.studies._figures import new_panels, reference
from memjax.studies._toy_double_descent_crossover import PUBLISHED
from memjax.studies._toy_double_descent_geometry import PENTAGON

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CAPTIONS", "crossover", "descent", "normalization", "vectors"]

CAPTIONS = {
    "descent": "Final losses, norm of all parameters, and dimensionality of points and features against the number T of "
    "train points. Of every data set the initialisation with the least train loss; lines are means over data sets with 95% "
    "intervals, small dots single data sets. Dotted: the test loss of a constant zero, and the published dimensionalities, "
    "m / T of points in a polygon and 2/5 of features in a pentagon. Right: median of all points, with bars from their 5% "
    "to their 95% quantile, and the five largest features of every data set.",
    "vectors": "Hidden vectors of the train points (above) and vectors of the features (below) by number of points T, for "
    "the best initialisation of the first data set. Every panel has a scale of its own.",
    "crossover": "Test loss, norm over its largest value, and the share of the five largest in the sum of all D_f, against "
    "T (1 - S), by number of features n and sparsity S; means over data sets, whose intervals are in the table. Dotted: the "
    "levels that the crossings are read at, and the published crossover.",
    "normalization": "Hidden vectors of the train points with inputs of unit norm (above) and with inputs as drawn (below), "
    "best initialisation of the first data set. Every panel has a scale of its own.",
}
_MOST_PANELS = 8
_POINTS, _FEATURES = CATEGORY_COLORS[:2]


@plots.style()
def descent(main: xr.Dataset) -> Figure:
    """Losses, norm and dimensionalities against the number of points."""
    figure, axes = new_panels(3, width=3.7)
    for name, color in (("test", _FEATURES), ("train", _POINTS)):
        plots.curve(_named(main[f"{name}_loss"], "final loss"), ax=axes[0], color=color, label=name)
    reference(axes[0], 1.0)
    axes[0].legend(loc="lower right")
    plots.curve(_named(main["weight_l2"], "L2 norm of all parameters"), ax=axes[1], color="0.2")
    axes[1].get_legend().remove()
    for ax in axes[:2]:
        ax.set_ylim(bottom=0.0)
    _dimensionalities(axes[2], main)
    for ax in axes:
        ax.set_xlabel("train points T")
    return figure


def _named(values: xr.DataArray, name: str) -> xr.DataArray:
    values = values.copy()
    values.attrs = {"long_name": name}
    return values


def _dimensionalities(ax: Axes, main: xr.Dataset) -> None:
    sizes = main["train_size"].values
    low, middle, high = main["d_x"].quantile([0.05, 0.5, 0.95], ("seed", "example")).values
    ax.plot(sizes, main.sizes["unit"] / sizes, ":", color=_POINTS, linewidth=1.0, zorder=0)
    bars = [middle - low, high - middle]
    ax.errorbar(sizes, middle, bars, fmt="o", color=_POINTS, markersize=3.5, elinewidth=1.0, label="points, $D_X$")
    five = -np.sort(-main["d_f"].transpose("train_size", "seed", "feature").values)[..., :PENTAGON]
    five = five.reshape(len(sizes), -1)
    # Beside the points, not on them.
    across = np.broadcast_to(1.1 * sizes[:, None], five.shape)
    ax.plot(across.ravel(), five.ravel(), ".", color=_FEATURES, markersize=3.0, alpha=0.6, label="five features, $D_f$")
    reference(ax, main.sizes["unit"] / PENTAGON, "2/5", color=_FEATURES)
    scale_axis(ax, sizes, "x")
    ax.set(ylim=(0.0, 1.0), ylabel="dimensionality")
    ax.legend()


def _grid(rows: int, columns: int) -> tuple[Figure, np.ndarray]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.25 * columns + 0.3, 1.25 * rows + 0.3), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


@plots.style()
def vectors(main: xr.Dataset) -> Figure:
    """Hidden vectors of the points and of the features, by number of points."""
    first = main.isel(seed=0)
    chosen = np.unique(np.linspace(0, first.sizes["train_size"] - 1, _MOST_PANELS).round().astype(int))
    figure, axes = _grid(2, len(chosen))
    for column, place in zip(axes.T, chosen, strict=True):
        one = first.isel(train_size=place)
        _plane(column[0], one["hidden"].values, _POINTS)
        _plane(column[1], one["features"].values, _FEATURES)
        column[0].set_title(f"T = {int(one['train_size'])}")
    _name_rows(axes, ("points", "features"))
    return figure


@plots.style()
def normalization(main: xr.Dataset, raw: xr.Dataset) -> Figure:
    """Hidden vectors of few points, with inputs of unit norm and with inputs as drawn."""
    shared = [size for size in raw["train_size"].values.tolist() if size in main["train_size"]][:_MOST_PANELS]
    figure, axes = _grid(2, len(shared))
    for column, size in zip(axes.T, shared, strict=True):
        for ax, runs, color in zip(column, (main, raw), (_POINTS, CATEGORY_COLORS[2]), strict=True):
            _plane(ax, runs["hidden"].isel(seed=0).sel(train_size=size).values, color)
        column[0].set_title(f"T = {size}")
    _name_rows(axes, ("unit norm", "as drawn"))
    return figure


def _plane(ax: Axes, vectors: np.ndarray, color: str) -> None:
    """Vectors ``[N, 2]`` of a plane from its origin, as lines with a dot at the end; beyond a hundred, dots alone."""
    vectors = vectors[np.isfinite(vectors).all(axis=1)]
    few = len(vectors) <= 100
    if few:
        ax.plot(*np.stack([np.zeros_like(vectors), vectors]).transpose(2, 0, 1), color=color, linewidth=0.7, alpha=0.6)
    ax.plot(*vectors.T, ".", color=color, markersize=4.0 if few else 1.5, markeredgewidth=0.0)
    reach = 1.1 * np.abs(vectors).max(initial=1e-12)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color="0.8", linewidth=0.6)


def _name_rows(axes: np.ndarray, names: tuple[str, ...]) -> None:
    for ax, name in zip(axes[:, 0], names, strict=True):
        ax.set_ylabel(name)


@plots.style()
def crossover(curves: xr.Dataset) -> Figure:
    """Test loss, norm and share of five features against T (1 - S), a line per pair of n and S."""
    figure, axes = new_panels(3, width=3.5, height=3.2)
    labels = {"test_loss": "test loss", "norm": "norm over its largest", "five": "share of five features in $D_f$"}
    curves["load"].attrs = {"long_name": "T (1 - S)"}
    curves["pair"].attrs = {"long_name": "features n, sparsity S"}
    for ax, (name, label), level in zip(axes, labels.items(), (1.0, 0.5, 0.5), strict=True):
        plots.curves(curves[name], x="load", by="pair", ax=ax, key=ax is axes[-1])
        ax.set_ylabel(label)
        reference(ax, level)
        ax.axvline(PUBLISHED, color="0.4", linewidth=1.0, linestyle=":", zorder=0)
    return figure
