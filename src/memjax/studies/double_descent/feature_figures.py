"""Figures of random features: their double descent, and the same curve folded by effective parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS, ordered_colors
from memjax.studies.double_descent.random_features import KINDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["FEATURES", "FOLD", "features", "fold"]

FEATURES = (
    "The panels show least squares on random features of images by the number of features over the train size: the "
    "squared test loss (top) and the share of wrong labels (bottom), for several ridges. Curves are means over seeds, "
    "geometric ones of the loss, with 95% intervals. The dotted line is where there are as many features as examples."
)
FOLD = (
    "The panels show the same errors without a ridge, against the number of features (left) and against the effective "
    "parameters on test inputs (right), both over the train size. Curves are geometric means over seeds. Colours tell "
    "fewer features than examples from as many or more, and an arrow points to more features."
)


@plots.style()
def features(found: xr.Dataset) -> Drawn:
    """Loss and error by number of features for every ridge."""
    figure, axes = plots.panels(2, len(KINDS), width=4.2, height=3.0, share_x=True)
    colors = ordered_colors(found.sizes["ridge"])
    for column, kind in enumerate(KINDS):
        for ridge, color in zip(found["ridge"].values.tolist(), colors, strict=True):
            own = found.sel(features=kind, ridge=ridge, drop=True)
            label = "no ridge" if ridge == 0 else f"ridge {ridge:g}"
            plots.mean(own["test_loss"], "ratio", ax=axes[0, column], of="geometric", color=color, label=label)
            plots.mean(own["test_error"], "ratio", ax=axes[1, column], color=color, label=label)
        axes[0, column].set(
            title=f"random {kind.replace('fourier', 'Fourier').replace('relu', 'ReLU')} features", yscale="log"
        )
        axes[1, column].set(xlabel="features over examples, N / n")
    for ax in axes.ravel():
        ax.axvline(1.0, color="0.4", linestyle=":", linewidth=1.0, zorder=0)
        plots.plain_ticks(ax)
    axes[0, 0].set_ylabel("squared test loss")
    axes[1, 0].set_ylabel("test error")
    axes[0, 0].legend(loc="upper right")
    return figure


@plots.style()
def fold(found: xr.Dataset) -> Drawn:
    """Loss against features and against effective parameters."""
    figure, axes = plots.panels(len(KINDS), 2, width=4.2, height=3.0, share_y="row")
    for row, kind in enumerate(KINDS):
        free = found.sel(features=kind, ridge=0.0, drop=True)
        loss, used = (_geometric(free[name]) for name in ("test_loss", "test_used"))
        for part, text, color, mark in _BRANCHES:
            own = loss.sel(ratio=part)
            for ax, x in ((axes[row, 0], own["ratio"]), (axes[row, 1], used.sel(ratio=part))):
                ax.plot(x, own, color=color, marker=mark, label=text)
                _arrow(ax, x.values, own.values, color)
        axes[row, 0].set(ylabel=f"squared test loss\n({kind.replace('relu', 'ReLU').replace('fourier', 'Fourier')})")
        for ax in axes[row]:
            ax.set_yscale("log")
            plots.plain_ticks(ax)
    axes[0, 0].legend(loc="best")
    axes[-1, 0].set_xlabel("features over examples, N / n")
    axes[-1, 1].set_xlabel("effective parameters on test inputs over n")
    return figure


def _geometric(values: xr.DataArray) -> xr.DataArray:
    return xr.apply_ufunc(lambda array: np.exp(np.log(array).mean(-1)), values, input_core_dims=[["seed"]])


_BRANCHES = (
    (slice(None, 1.0), "N up to n", CATEGORY_COLORS[0], MARKERS[0]),
    (slice(1.0, None), "N from n on", CATEGORY_COLORS[1], MARKERS[1]),
)


def _arrow(ax: Axes, x: Any, y: Any, color: str) -> None:
    """An arrow along the middle piece of a curve."""
    at = len(x) // 2
    ax.annotate(
        "",
        (x[at], y[at]),
        (x[at - 1], y[at - 1]),
        arrowprops={"arrowstyle": "-|>", "color": color, "mutation_scale": 14},
    )
