"""Figures of the study double-descent: the map of networks, random features, and three factors."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import analysis, plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS
from memjax.studies.double_descent import reuse
from memjax.studies.double_descent.feature_figures import FEATURES, FOLD, features, fold
from memjax.studies.kit import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "diabetes", "networks", "reused", "sphere"]


def all_figures(
    width: xr.Dataset,
    decay: xr.Dataset,
    samples: xr.Dataset,
    chain: xr.Dataset,
    found: xr.Dataset,
    ball: xr.Dataset,
    rows: xr.Dataset,
) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    return {
        "networks": Figure(partial(networks, width, decay, samples), _NETWORKS),
        "reuse": Figure(partial(reused, chain), _REUSE),
        "features": Figure(partial(features, found), FEATURES),
        "fold": Figure(partial(fold, found), FOLD),
        "sphere": Figure(partial(sphere, ball), _SPHERE),
        "diabetes": Figure(partial(diabetes, rows), _DIABETES),
    }


_NETWORKS = (
    "All panels show networks with 20% wrong train labels. The map (top left) has the test error by width and step; its "
    "white lines are where the train error falls below 0.1 (dashed) and 0.01 (solid). The other panels show the test "
    "error at the end by width, along training of three widths (columns of the map), and by train size for four widths. "
    "Lines are means over seeds, bands are 95% intervals."
)
_REUSE = (
    "The panels show the test error at the end of training by width, with true labels (left) and with 20% of the train "
    "labels wrong (right), for fresh networks and for networks of which each starts from the narrower one before it. To "
    "the left of the dotted line networks have at most as many parameters as train examples times classes; there the "
    "reuse ends. Lines are means over seeds, bands are 95% intervals."
)
_SPHERE = (
    "The points show the excess test error of least squares on random ReLU features of inputs on a sphere, means over "
    "seeds with 95% intervals, and the line is the formula of Mei and Montanari."
)
_DIABETES = (
    "The left panel shows the squared test error of linear regression on the diabetes data by train size, as it is and "
    "with one of its three factors taken away: small singular values, test inputs along them, or residuals of the best "
    "model. The right panel shows the three factors along the smallest singular direction. Points are medians over random "
    "train sets, and means of these over seeds with 95% intervals. The dotted line is where there are as many rows as "
    "inputs."
)


# Narrow networks and first steps reach .9, and would hide the peak.
_MOST = 0.5


@plots.style()
def networks(width: xr.Dataset, decay: xr.Dataset, samples: xr.Dataset) -> Drawn:
    """The map of width and step, and slices of it."""
    figure, axes = plots.panels(2, 2, width=4.6, height=3.6)
    noisy = width.isel(label_noise=-1, drop=True)
    _map(axes[0, 0], noisy.isel(step=slice(1, None)))
    lines = {
        "true labels": width["last_test"].isel(label_noise=0),
        "20% wrong": noisy["last_test"],
        "20% wrong, best record": noisy["best_test"],
        f"20% wrong, decay {float(decay['weight_decay'][-1]):g}": decay["last_test"].isel(weight_decay=-1),
    }
    _lines(axes[0, 1], {name: one.reset_coords(drop=True) for name, one in lines.items()}, "width")
    middle = noisy["width"].values[[2, noisy.sizes["width"] // 2, -1]].tolist()
    steps = {f"width {one}": noisy["test"].sel(width=one, drop=True).isel(step=slice(1, None)) for one in middle}
    _lines(axes[1, 0], steps, "step")
    few = samples["last_test"].isel(label_noise=-1, drop=True)
    _lines(
        axes[1, 1],
        {f"width {one}": few.sel(width=one, drop=True) for one in few["width"].values.tolist()},
        "train_size",
    )
    axes[1, 1].set_xlabel("train size")
    titles = ("20% wrong, by width and step", "at the end, by width", "20% wrong, by step", "20% wrong, by train size")
    for ax, title in zip(axes.flat, titles, strict=True):
        ax.set_title(title)
    for ax in axes.flat[1:]:
        ax.set(yscale="linear", ylim=(0, _MOST))
    return figure


def _map(ax: Axes, noisy: xr.Dataset) -> None:
    plots.phase_diagram(
        noisy["test"], x="width", y="step", ax=ax, limits=(0.05, 0.4), name="test error (0.4: and more)"
    )
    train = noisy["train"].mean("seed").transpose("step", "width").values
    places = np.arange(train.shape[1]), np.arange(train.shape[0])
    ax.contour(*places, train, levels=[0.01, 0.1], colors="white", linestyles=["-", "--"], linewidths=1.2)
    ax.set_xlabel("width")


def _lines(ax: Axes, lines: dict[str, xr.DataArray], dim: str) -> None:
    for (name, one), color, mark in zip(lines.items(), CATEGORY_COLORS, MARKERS, strict=False):
        plots.mean(one, dim, ax=ax, color=color, marker=mark, label=name)
    ax.set(xlabel=dim, ylabel="test error")
    for axis in ("x", "y"):
        plots.plain_ticks(ax, axis)
    ax.legend(loc="best")


@plots.style()
def reused(chain: xr.Dataset) -> Drawn:
    """Errors by width of fresh networks and of those that start from narrower ones."""
    figure, axes = plots.panels(1, 2, width=4.6, height=3.4)
    end = int(chain.attrs["end"])
    behind = reuse.spliced(chain).sel(width=slice(end, None))
    lines = {"fresh": chain["fresh_test"], "reused": chain["test"], f"reused up to {end}": behind}
    for ax, i, title in ((axes[0], 0, "true labels"), (axes[1], -1, "20% wrong labels")):
        _lines(ax, {name: one.isel(label_noise=i, drop=True) for name, one in lines.items()}, "width")
        ax.lines[-1].set_linestyle("--")
        ax.axvline(end, color="0.4", linestyle=":", linewidth=1.0, zorder=0)
        ax.set(title=title, xscale="log")
        plots.plain_ticks(ax, "x")
    return figure


@plots.style()
def sphere(found: xr.Dataset) -> Drawn:
    """Simulated errors beside the formula."""
    figure, (ax,) = plots.panels(width=4.8, height=3.3)
    psi = found.attrs["train_size"] / found.attrs["dimension"]
    dense = np.geomspace(0.1, 12, 800)
    risk = analysis.random_features_risk(dense * psi, psi, noise=0.25)
    ax.plot(dense, np.where(risk < 30, risk, np.nan), color=CATEGORY_COLORS[1], label="formula")
    plots.mean(found["risk"], "ratio", ax=ax, seeds="bars", color=CATEGORY_COLORS[0], marker="o", linestyle="none",
               label="least squares")  # fmt: skip
    ax.set(xlabel="features over examples, N / n", ylabel="excess test error", yscale="log")
    plots.plain_ticks(ax)
    ax.legend()
    return figure


@plots.style()
def diabetes(found: xr.Dataset) -> Drawn:
    """Test loss with and without each factor, and the factors."""
    figure, (left, right) = plots.panels(1, 2, width=4.4, height=3.4)
    for ablation, color in zip(found["ablation"].values.tolist(), CATEGORY_COLORS, strict=False):
        label = "as it is" if ablation == "none" else f"without {ablation}"
        plots.mean(found["loss"].sel(ablation=ablation, drop=True), "train_size", ax=left, of="geometric", color=color,
                   label=label)  # fmt: skip
    parts = {"smallest": "smallest singular value", "along": "test inputs along it", "residual": "residuals along it"}
    for (name, text), color in zip(parts.items(), CATEGORY_COLORS, strict=False):
        plots.mean(found[name], "train_size", ax=right, of="geometric", color=color, label=text)
    for ax, text in ((left, "squared test error (targets of variance 1)"), (right, "factor")):
        ax.axvline(found.attrs["inputs"], color="0.4", linestyle=":", linewidth=1.0, zorder=0)
        ax.set(xlabel="train size", ylabel=text, yscale="log")
        ax.legend(loc="best")
    return figure
