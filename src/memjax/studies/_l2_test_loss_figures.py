"""Figures of the study l2-test-loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax.studies._figures import new_panels, reference
from memjax.studies._l2_test_loss_relation import CORRELATIONS, Law

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CAPTIONS", "correlations", "relation", "warmup"]

CAPTIONS = {
    "relation": "Test loss against L2 norm by law of the labels. Lines: the course of training, mean over seeds, by train "
    "size; points: each run after the last step. Dotted: the best guess that ignores the input.",
    "correlations": "Spearman correlation of L2 norm and test loss by law of the labels and by what is compared, with 95% "
    "jackknife intervals over seeds.",
    "cosine": "Mean cosine between the gradients of train examples, times N - 1 (-1: they cancel; 0: unrelated), against "
    "the summed learning rate, in steps at the full rate, by warmup length; mean over seeds with 95% intervals. Columns: "
    "train size. Rows: peak rate.",
    "loss": "Train loss against the summed learning rate, in steps at the full rate, by warmup length; panels as above.",
}


def relation(laws: Sequence[Law]) -> Figure:
    """Test loss against L2 norm: every run at its end, and the mean course, one panel per law."""
    from memjax import plots
    from memjax.plots.styles import ordered_colors

    figure, axes = new_panels(len(laws), width=3.6, height=3.4)
    sizes = laws[0].runs["train_size"].values.tolist()
    for ax, law in zip(axes, laws, strict=True):
        with plots.style():
            for color, size in zip(ordered_colors(len(sizes)), sizes, strict=True):
                _course(ax, law.runs.sel(train_size=size), color)
            ax.set(title=law.name, xlabel="L2 norm", yscale="log")
        _plain_ticks(ax)
        reference(ax, law.floor, "best guess without the input")
    axes[0].set_ylabel("test loss (nats)")
    _size_key(figure, sizes)
    return figure


def _course(ax: Axes, runs: xr.Dataset, color: Any) -> None:
    mean, end = runs.mean("seed"), runs.isel(step=-1)
    ax.plot(mean["weight_l2"].values, mean["test_loss"].values, color=color, linewidth=1.0)
    ax.plot(end["weight_l2"].values, end["test_loss"].values, "o", color=color, markersize=3.5)


def _plain_ticks(ax: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = ax.get_ylim()
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0) if high < 100.0 * low else (1.0,)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _size_key(figure: Figure, sizes: Sequence[int]) -> None:
    from matplotlib.lines import Line2D

    from memjax import plots
    from memjax.plots.styles import ordered_colors

    lines = [Line2D([], [], color=color, marker="o") for color in ordered_colors(len(sizes))]
    with plots.style():
        names = [f"{size}" for size in sizes]
        figure.legend(lines, names, title="train size", loc="outside right center", alignment="left")


def correlations(found: Sequence[xr.Dataset]) -> Figure:
    """Correlation with its interval by question, a colour and mark per law."""
    from memjax import plots
    from memjax.plots.styles import MARKERS

    figure, (ax,) = new_panels(1, width=7.0, height=3.6)
    rows = np.arange(len(CORRELATIONS))
    with plots.style():
        for i, one in enumerate(found):
            value, (low, high) = one["value"].values, one["interval"].transpose("bound", ...).values
            bars = np.nan_to_num(np.stack([value - low, high - value])).clip(min=0.0)
            ax.errorbar(value, rows + 0.18 * (i - 1), xerr=bars, fmt=MARKERS[i], label=one.attrs["law"], elinewidth=1.0)
        ax.axvline(0.0, color="0.4", linestyle=":", linewidth=1.0, zorder=0)
        ax.set(xlim=(-1.05, 1.05), xlabel="Spearman correlation of L2 norm and test loss")
        ax.set_yticks(rows, [question.name for question in CORRELATIONS])
        ax.invert_yaxis()
        figure.legend(loc="outside upper center", ncols=len(found))
    return figure


def warmup(values: xr.DataArray) -> Figure:
    """Values ``(warmup_steps, peak, train_size, seed, step)`` against the summed rate: rows by peak, columns by size."""
    from matplotlib.figure import Figure

    from memjax import plots

    peaks, sizes = values["peak"].values.tolist(), values["train_size"].values.tolist()
    with plots.style():
        figure = Figure(figsize=(2.7 * len(sizes) + 0.8, 2.2 * len(peaks) + 0.5), layout="constrained")
        axes = figure.subplots(len(peaks), len(sizes), sharex=True, squeeze=False)
        for (row, column), ax in np.ndenumerate(axes):
            one = values.sel(peak=peaks[row], train_size=sizes[column]).reset_coords(drop=True)
            plots.curves(one, x="step", by="warmup_steps", ax=ax, key=False)
            ax.set(title=f"N = {sizes[column]}, rate {peaks[row]:g}", xlabel="", ylabel="")
            ax.set_xscale("linear")
            _scale(ax, values)
        _share_labels(figure, axes[0, 0], values)
    return figure


def _scale(ax: Axes, values: xr.DataArray) -> None:
    """Cosines around their zero, losses in the logarithm."""
    if float(values.min()) < 0.0:
        ax.axhline(0.0, color="0.4", linestyle=":", linewidth=1.0, zorder=0)
    elif float(values.min()) > 0.0:
        ax.set_yscale("log")
        _plain_ticks(ax)


def _share_labels(figure: Figure, ax: Axes, values: xr.DataArray) -> None:
    import matplotlib

    size = matplotlib.rcParams["axes.labelsize"]
    figure.supxlabel("summed learning rate / peak rate (steps)", fontsize=size)
    figure.supylabel(str(values.attrs.get("long_name", values.name)), fontsize=size)
    lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    names = [f"warmup {line.get_label()} steps" for line in lines]
    figure.legend(lines, names, loc="outside upper center", ncols=len(names))
