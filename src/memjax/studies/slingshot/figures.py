"""Figures of the study slingshot."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import xarray as xr

from memjax import plots
from memjax.plots.styles import CATEGORY_COLORS, ordered_colors
from memjax.studies.kit import Figure
from memjax.studies.slingshot.numbers import SPIKE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["accuracy", "all_figures", "by_eps", "slingshots"]

# Below the least loss of the exact softmax, which is 1e-13 after 400,000 steps.
_FLOOR = 1e-14


def all_figures(datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    plain, modular = datasets["eps"], datasets["modular"]
    return {
        "slingshots": Figure(partial(slingshots, plain.isel(eps=0), datasets["exact"].isel(loss=0)), _SLINGSHOTS),
        "eps": Figure(partial(by_eps, plain), _EPS),
        "accuracy": Figure(partial(accuracy, modular.isel(loss=0), modular.isel(loss=1)), _ACCURACY),
    }


_SLINGSHOTS = (
    "The panels show random labels under Adam without weight decay, one line per seed: mean train loss of every 50 steps "
    f"(left, drawn at {_FLOOR:g} where float32 rounds it to zero) and norm of the last layer (right), with the float32 "
    "softmax and with one that does not round. The dotted line is the loss that counts as a spike."
)
_EPS = (
    "The panels show the norm of the last layer against the step by eps of Adam, one line per seed, with the float32 "
    "softmax."
)
_ACCURACY = (
    "The panels show addition modulo 23: the test accuracy (left) and the norm of the last layer (right) with the float32 "
    "softmax and with the exact one, one line per seed, from the same parameters."
)


@plots.style()
def slingshots(plain: xr.Dataset, exact: xr.Dataset) -> Drawn:
    """Loss and norm against the step, of both softmaxes."""
    plain, exact = (runs.assign(step_loss=runs["step_loss"].clip(_FLOOR)) for runs in (plain, exact))
    figure, ax = _both(plain, exact, "step_loss")
    plots.level(ax, SPIKE)
    ax.set(yscale="log", ylabel="train loss (nats)")
    return figure


@plots.style()
def accuracy(plain: xr.Dataset, exact: xr.Dataset) -> Drawn:
    """Test accuracy and norm of the last layer of addition, of both softmaxes."""
    figure, ax = _both(plain, exact, "test_accuracy")
    ax.set(ylabel="test accuracy", ylim=(-0.02, 1.02))
    return figure


def _both(plain: xr.Dataset, exact: xr.Dataset, name: str) -> tuple[Drawn, Axes]:
    """A series with both softmaxes, and beside it the norm of the last layer."""
    figure, (left, right) = plots.panels(1, 2, width=4.3)
    for ax, series in ((left, name), (right, "last_layer_l2")):
        # The exact softmax is drawn below the other.
        _lines(ax, exact[series], "exact softmax", CATEGORY_COLORS[0])
        _lines(ax, plain[series], "float32 softmax", CATEGORY_COLORS[1])
    right.set_ylabel("L2 norm of the last layer")
    figure.legend(*right.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure, left


@plots.style()
def by_eps(runs: xr.Dataset) -> Drawn:
    """Norm of the last layer against the step, by eps."""
    figure, (ax,) = plots.panels(width=5.2)
    values = runs["eps"].values.tolist()
    for eps, color in zip(values, ordered_colors(len(values)), strict=True):
        _lines(ax, runs["last_layer_l2"].sel(eps=eps), f"{eps:g}", color)
    ax.set_ylabel("L2 norm of the last layer")
    figure.legend(*ax.get_legend_handles_labels(), title="eps of Adam", loc="outside right center")
    return figure


def _lines(ax: Axes, series: xr.DataArray, label: str, color: object) -> None:
    """One line per seed, the first with the label."""
    curves = series.transpose("step", "seed")
    labels = [label, *["_"] * (curves.sizes["seed"] - 1)]
    ax.plot(curves["step"], curves, color=color, linewidth=0.8, label=labels)
    ax.set(xlabel="training step", xlim=(0, float(series["step"][-1])))
