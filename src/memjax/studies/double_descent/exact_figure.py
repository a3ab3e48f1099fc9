"""The figure of the exact cases of study double-descent: least squares at every size, and at every step."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import analysis, plots
from memjax.plots.styles import CATEGORY_COLORS
from memjax.studies.double_descent.exact import NOISE_VARIANCE
from memjax.studies.kit import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["exact", "exact_figure"]

_CAPTION = (
    "The left panel shows the excess test error of the least-norm solution of noisy linear targets on isotropic inputs "
    "(points: means over seeds with 95% intervals) beside the formula of Hastie et al. (line). The right panel shows the "
    "test error along full-batch gradient descent with as many examples as inputs, for a linear network (points) and by "
    "the formula (line). The dashed part of the formula comes from the signal that is not learnt yet, and the dotted part "
    "from the noise that is learnt."
)


def exact_figure(isotropic: xr.Dataset, runs: xr.Dataset, formula: xr.Dataset) -> Figure:
    """The figure, with its caption."""
    return Figure(partial(exact, isotropic, runs, formula), _CAPTION)


@plots.style()
def exact(isotropic: xr.Dataset, runs: xr.Dataset, formula: xr.Dataset) -> Drawn:
    """Errors at every size and at every step, simulated and by formula."""
    figure, (left, right) = plots.panels(1, 2, width=4.4, height=3.4)
    _sizes(left, isotropic["risk"])
    _steps(right, runs["test_loss"].isel(step=slice(1, None)), formula.isel(step=slice(1, None)))
    for ax in (left, right):
        plots.plain_ticks(ax, "x")
        ax.legend(loc="best")
    return figure


def _sizes(ax: Axes, risk: xr.DataArray) -> None:
    dense = np.concatenate([np.linspace(0.2, 0.99, 200), np.linspace(1.01, 9, 400)])
    curve = analysis.ridgeless_risk(dense, noise=NOISE_VARIANCE)
    ax.plot(dense, np.where(curve < 10, curve, np.nan), color=CATEGORY_COLORS[1], label="formula")
    plots.mean(
        risk,
        "ratio",
        ax=ax,
        seeds="bars",
        color=CATEGORY_COLORS[0],
        marker="o",
        linestyle="none",
        label="least squares",
    )
    ax.set(xlabel="inputs over examples, p / n", ylabel="excess test error", xscale="log", yscale="log")


def _steps(ax: Axes, loss: xr.DataArray, formula: xr.Dataset) -> None:
    step = formula["step"].values
    shapes = {"risk": ("formula", "-"), "signal_risk": ("signal not learnt", "--"), "noise_risk": ("noise learnt", ":")}
    for name, (label, style) in shapes.items():
        ax.plot(step, formula[name].mean("seed"), color=CATEGORY_COLORS[1], linestyle=style, label=label)
    ax.plot(
        step, loss.mean("seed"), color=CATEGORY_COLORS[0], marker="o", linestyle="none", markersize=4, label="network"
    )
    ax.set(xlabel="step", ylabel="test error (squared)", xscale="log", yscale="log")
