"""Figures of the study random-labels on classes, easy examples and times to fit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS
from memjax.studies.kit import Figure, geometric_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["classes", "easy", "further_figures", "growth"]


def further_figures(
    matrix: xr.DataArray, ranked: xr.Dataset, times: Mapping[str, xr.DataArray], records: Mapping[str, np.ndarray]
) -> dict[str, Figure]:
    """The figures by the names of their files."""
    return {
        "classes": Figure(partial(classes, matrix), _CLASSES),
        "easy": Figure(partial(easy, ranked), _EASY),
        "growth": Figure(partial(growth, times, records), _GROWTH),
    }


_CLASSES = (
    "The cells show the sensitivity of the loss of a class (row) to the train inputs of a class (column) at the end, over "
    "the mean of the cells of its panel, as geometric means over seeds on a logarithmic scale of colours. The class of an "
    "input is the label that the network was trained on."
)
_EASY = (
    "Solid lines show the share of the networks on one data set that are right about a train row after one epoch, with "
    "the rows sorted. Dashed lines show the same if all rows were equally hard, by a binomial law with the mean accuracy. "
    "Bands are 95% intervals over data sets."
)
_GROWTH = (
    "The panels show the steps to fit against the number of train examples (left) and of hidden units (right), geometric "
    "means with 95% intervals over seeds. At full markers all runs have fitted. At open markers some runs never fitted, "
    "and the marker is the mean of those that did, as many as the text says, so that the mean of all runs is larger. At "
    "arrows at the last step (dotted) no run has fitted."
)


@plots.style()
def classes(matrix: xr.DataArray) -> Drawn:
    """The sensitivity by class at the end, a panel per law."""
    from matplotlib.colors import LogNorm

    last = matrix.isel(snapshot=-1)
    relative = geometric_mean(last / last.mean(["loss_class", "example_class"]), "seed")
    names = relative["task"].values.tolist()
    figure, axes = plots.panels(1, len(names), width=2.7, height=2.9, share_y=True)
    cells = relative.transpose("task", "loss_class", "example_class").values
    norm = LogNorm(cells.min(), cells.max())
    for ax, name, one in zip(axes, names, cells, strict=True):
        image = ax.imshow(one, norm=norm, cmap="viridis", interpolation="nearest")
        ax.set(title=name, xlabel="class of the example", xticks=range(0, len(one), 3), yticks=range(0, len(one), 3))
        ax.grid(visible=False)
    axes[0].set_ylabel("class of the loss")
    figure.colorbar(image, ax=list(axes), label="sensitivity over its mean", shrink=0.8)
    return figure


@plots.style()
def easy(ranked: xr.Dataset) -> Drawn:
    """Sorted shares of networks that are right, a colour per law."""
    figure, (ax,) = plots.panels(width=5.2, height=3.4)
    for name, color in zip(ranked["task"].values.tolist(), CATEGORY_COLORS, strict=False):
        one = ranked.sel(task=name, drop=True)
        plots.mean(one["found"], "rank", ax=ax, color=color, label=name, seeds="band")
        plots.mean(one["binomial"], "rank", ax=ax, color=color, linestyle="--", seeds="none")
    ax.plot([], [], "--", color="0.3", label="equally hard rows")
    ax.set(xlabel="rank of the train row (%)", ylabel="share of networks that are right", ylim=(0.0, 1.02))
    # Between the lines of true labels and those of noise.
    ax.legend(loc="center", bbox_to_anchor=(0.53, 0.56))
    return figure


@plots.style()
def growth(times: Mapping[str, xr.DataArray], records: Mapping[str, np.ndarray]) -> Drawn:
    """Steps to fit against the number of examples and of units, a line per law; marks for runs that never fitted."""
    figure, axes = plots.panels(1, 2, width=3.8, height=3.3, share_y=True)
    heads = {"train_size": "train examples", "width": "hidden units"}
    for ax, (dim, text) in zip(axes, heads.items(), strict=True):
        laws, last = times[dim]["task"].values.tolist(), float(records[dim][-1])
        for place, (name, color, mark) in enumerate(zip(laws, CATEGORY_COLORS, MARKERS, strict=False)):
            own = times[dim].sel(task=name, drop=True)
            fitted = own.where((own < np.inf).all("seed"))
            plots.mean(fitted, dim, ax=ax, of="geometric", color=color, label=name, marker=mark, markersize=4.0)
            # Moved sideways, so that no arrow hides another.
            _never(ax, own.transpose(dim, "seed"), last, 1.06 ** (place - 1), color, mark)
        if not np.isfinite(times[dim]).all():
            ax.axhline(last, color="0.6", linestyle=":", linewidth=1.0, zorder=0)
        _log_axes(ax, times[dim][dim].values.tolist(), text)
    axes[0].set_ylabel("steps to fit")
    axes[0].legend(loc="upper left")
    return figure


def _never(ax: Axes, times: xr.DataArray, last: float, shift: float, color: str, mark: str) -> None:
    """An open marker and a count where some runs have fitted, and an arrow where none has."""
    for place, values in zip(times[times.dims[0]].values.tolist(), times.values, strict=True):
        there = np.isfinite(values)
        if not there.any():
            ax.plot(place * shift, last, marker=r"$\uparrow$", color=color, markersize=9.0, linestyle="none")
        elif not there.all():
            mean = float(np.exp(np.log(values[there]).mean()))
            ax.plot(place, mean, mark, color=color, markerfacecolor="white", markersize=6.0)
            text = f"{there.sum()} of {there.size}"
            ax.annotate(
                text, (place, mean), xytext=(7, 0), textcoords="offset points", va="center", fontsize=7.5, color=color
            )


def _log_axes(ax: Axes, places: list[int], text: str) -> None:
    ax.set(xscale="log", yscale="log", xlabel=text, ylabel="", xlim=(places[0] / 1.2, 1.2 * places[-1]))
    ax.set_xticks(places, [str(place) for place in places])
    ax.minorticks_off()
