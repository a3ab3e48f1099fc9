"""Figures of the study toy-double-descent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.axes import scale_axis
from memjax.plots.styles import CATEGORY_COLORS
from memjax.studies.kit import Figure
from memjax.studies.toy_double_descent.numbers import PENTAGON

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "crossover", "descent", "normalization", "vectors"]

_MOST_PANELS = 8
_PUBLISHED = 10.0
_POINTS, _FEATURES = CATEGORY_COLORS[:2]


def all_figures(main: xr.Dataset, raw: xr.Dataset, loads: xr.Dataset) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    return {
        "descent": Figure(partial(descent, main), _DESCENT),
        "vectors": Figure(partial(vectors, main), _VECTORS),
        "crossover": Figure(partial(crossover, loads), _CROSSOVER),
        "normalization": Figure(partial(normalization, main, raw), _NORMALIZATION),
    }


_DESCENT = (
    "The panels show the final losses, the norm of all parameters, and the dimensionality of points and features against "
    "the number T of train points. Lines are means over data sets with 95% intervals, and small dots are single data "
    "sets. The dotted lines are the test loss of a constant zero, and the published dimensionalities: m / T of points in "
    "a polygon and 2/5 of features in a pentagon. The right panel has the median of all points, with bars from their 5% "
    "to their 95% quantile, and the five largest features of every data set."
)
_VECTORS = (
    "The panels show the hidden vectors of the train points (above) and the vectors of the features (below) by number of "
    "points T, for the first data set. Every panel has a scale of its own."
)
_CROSSOVER = (
    "The panels show the test loss, the norm over its largest value, and the share of the five largest in the sum of all "
    "D_f, against T (1 - S), by number of features n and sparsity S; curves are means over data sets. The dotted lines "
    "are the levels that the crossings are read at, and the published crossover."
)
_NORMALIZATION = (
    "The panels show the hidden vectors of the train points with inputs of unit norm (above) and with inputs as drawn "
    "(below), for the first data set. Every panel has a scale of its own."
)


@plots.style()
def descent(main: xr.Dataset) -> Drawn:
    """Losses, norm and dimensionalities against the number of points."""
    figure, axes = plots.panels(1, 3, width=3.7)
    for name, color in (("test", _FEATURES), ("train", _POINTS)):
        plots.curve(main[f"{name}_loss"], ax=axes[0], color=color, label=name, name="final loss")
    plots.level(axes[0], 1.0)
    axes[0].legend(loc="lower right")
    plots.curve(main["weight_l2"], ax=axes[1], color="0.2", name="L2 norm of all parameters")
    axes[1].get_legend().remove()
    for ax in axes[:2]:
        ax.set_ylim(bottom=0.0)
    _dimensionalities(axes[2], main)
    for ax in axes:
        ax.set_xlabel("train points T")
    return figure


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
    plots.level(ax, main.sizes["unit"] / PENTAGON, "2/5", color=_FEATURES)
    scale_axis(ax, sizes, "x")
    ax.set(ylim=(0.0, 1.0), ylabel="dimensionality")
    ax.legend()


@plots.style()
def vectors(main: xr.Dataset) -> Drawn:
    """Hidden vectors of the points and of the features, by number of points."""
    chosen = np.unique(np.linspace(0, main.sizes["train_size"] - 1, _MOST_PANELS).round().astype(int))
    sizes = main["train_size"].values[chosen].tolist()
    return _planes(sizes, {"points": (main["hidden"], _POINTS), "features": (main["features"], _FEATURES)})


@plots.style()
def normalization(main: xr.Dataset, raw: xr.Dataset) -> Drawn:
    """Hidden vectors of few points, with inputs of unit norm and with inputs as drawn."""
    shared = [size for size in raw["train_size"].values.tolist() if size in main["train_size"]][:_MOST_PANELS]
    return _planes(shared, {"unit norm": (main["hidden"], _POINTS), "as drawn": (raw["hidden"], CATEGORY_COLORS[2])})


def _planes(sizes: Sequence[int], rows: Mapping[str, tuple[xr.DataArray, str]]) -> Drawn:
    """A column for every number of points, a row for every kind of vectors of the first data set."""
    figure, axes = plots.panels(len(rows), len(sizes), width=1.3, height=1.4)
    for row, (name, (kind, color)) in zip(axes, rows.items(), strict=True):
        row[0].set_ylabel(name)
        for ax, size in zip(row, sizes, strict=True):
            _plane(ax, kind.isel(seed=0).sel(train_size=size).values, color)
    for ax, size in zip(axes[0], sizes, strict=True):
        ax.set_title(f"T = {size}")
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


@plots.style()
def crossover(curves: xr.Dataset) -> Drawn:
    """Test loss, norm and share of five features against T (1 - S), a line per pair of n and S."""
    figure, axes = plots.panels(1, 3, width=3.5, height=3.2)
    labels = {"test_loss": "test loss", "norm": "norm over its largest", "five": "share of five features in $D_f$"}
    curves["load"].attrs = {"long_name": "T (1 - S)"}
    curves["pair"].attrs = {"long_name": "features n, sparsity S"}
    for ax, (name, label), level in zip(axes, labels.items(), (1.0, 0.5, 0.5), strict=True):
        plots.curves(curves[name], x="load", by="pair", ax=ax, key=ax is axes[-1])
        ax.set_ylabel(label)
        plots.level(ax, level)
        ax.axvline(_PUBLISHED, color="0.4", linewidth=1.0, linestyle=":", zorder=0)
    return figure
