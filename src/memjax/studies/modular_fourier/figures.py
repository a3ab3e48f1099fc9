"""Figures of the study modular-fourier."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import CATEGORY_COLORS
from memjax.studies.kit import Figure
from memjax.studies.modular_fourier.numbers import ALIVE, phase_times

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "modes", "progress", "quadratic"]


def all_figures(found: Mapping[str, xr.Dataset], square: xr.Dataset) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    return {
        "progress": Figure(partial(progress, found["mlp"]), _PROGRESS),
        "modes": Figure(partial(modes, found["mlp"]), _MODES),
        "transformer": Figure(
            partial(progress, found["transformer"]),
            "The panels show the same as those of the MLP, for the transformer.",
        ),
        "quadratic": Figure(partial(quadratic, square), _QUADRATIC),
    }


_PROGRESS = (
    "All panels show the MLP with shared embedding. The left panel has the losses of the first seed (thick) and of all "
    "others (thin); the shaded steps are the circuit formation of the first seed. The middle panel has the Gini "
    "coefficients of the Fourier norms and the L2 norm of all parameters over its largest, as means over seeds with 95% "
    "intervals. The right panel has the loss of each frequency alone for the first seed, key frequencies in colours and "
    "the others in grey."
)
_MODES = (
    "The figure shows the share of the logits' power by frequency (up) and step (across), for the first seeds of the MLP. "
    "What is missing to a sum of one is no function of the result, which is memorisation. Triangles mark key frequencies."
)
_QUADRATIC = (
    "All panels show the quadratic network. The left panel has the sum of the operands' phases against the output's phase "
    "for every neuron that counts, for the first seed, coloured by frequency; the exact weights lie on the line. The "
    "middle panel has the same at the start. The right panel has the inverse participation ratio and the test accuracy, "
    "means over seeds with 95% intervals; the dotted line is the ratio of exact weights."
)
_LOSSES = {
    "train_loss": "train",
    "test_loss": "test",
    "restricted_test_loss": "test, key frequencies only",
    "excluded_loss": "train, without them",
}
_SHARES = {"embedding_gini": "Gini, embedding", "logit_gini": "Gini, logits", "norm": "L2 norm / its largest"}
_MOST = 4


@plots.style()
def progress(found: xr.Dataset) -> Drawn:
    """Losses with the phases, concentration with the norm, and the loss of every mode."""
    figure, axes = plots.panels(1, 3, width=4.0, height=3.4)
    _losses(axes[0], found)
    _means(axes[1], found.assign(norm=found["weight_l2"] / found["weight_l2"].max("snapshot")), _SHARES)
    axes[1].set(ylabel="share")
    axes[1].legend(loc="lower right")
    _frequencies(axes[2], found)
    for ax in axes:
        ax.set(xlabel="step")
    return figure


def _means(ax: Axes, found: xr.Dataset, labels: Mapping[str, str]) -> None:
    for (name, label), color in zip(labels.items(), CATEGORY_COLORS, strict=False):
        plots.mean(found[name].reset_coords(drop=True), "snapshot", ax=ax, label=label, color=color)
    ax.set(xlabel="step", ylim=(0.0, 1.05))


def _losses(ax: Axes, found: xr.Dataset) -> None:
    steps = found["snapshot"].values
    for (name, label), color in zip(_LOSSES.items(), CATEGORY_COLORS, strict=False):
        for i in reversed(range(found.sizes["seed"])):
            look: dict[str, Any] = {"linewidth": 0.5, "alpha": 0.4} if i else {"linewidth": 1.6, "label": label}
            ax.plot(steps, np.maximum(found[name].isel(seed=i), 1e-8), color=color, **look)
    times = phase_times(found).isel(seed=0)
    ends = float(times["excluded_rises"]), float(times["test_falls"])
    if np.isfinite(ends).all() and ends[0] < ends[1]:
        ax.axvspan(*ends, color="0.9", zorder=0, linewidth=0.0)
    ax.set(ylabel="loss (nats)", yscale="log", ylim=(1e-6, None))
    # Above the axes: somewhere inside a loss always passes.
    ax.legend(fontsize=7.5, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _frequencies(ax: Axes, found: xr.Dataset) -> None:
    one = found.isel(seed=0)
    keys = _keys(one)
    for k in range(1, one.sizes["frequency"]):
        look: dict[str, Any] = {"color": "0.75", "linewidth": 0.6}
        if k in keys:
            look = {"color": CATEGORY_COLORS[keys.index(k) % len(CATEGORY_COLORS)], "label": f"k = {k}", "zorder": 3}
        ax.plot(one["snapshot"], one["frequency_loss"].isel(frequency=k), **look)
    plots.level(ax, float(np.log(found.attrs["p"])), "ln p")
    ax.set_ylabel("loss of one frequency (nats)")
    ax.legend()


def _keys(one: xr.Dataset) -> list[int]:
    keys: list[int] = np.flatnonzero(one["key_frequency"].values == 1).tolist()
    return keys


@plots.style()
def modes(found: xr.Dataset) -> Drawn:
    """Shares of the logits' power by frequency and step, a panel per seed."""
    count = min(_MOST, found.sizes["seed"])
    figure, axes = plots.panels(1, count, width=2.7, height=3.0, share_y=True)
    steps, frequencies = found["snapshot"].values, found["frequency"].values[1:]
    every = found["logit_power"].isel(frequency=slice(1, None), seed=slice(count))
    for i, ax in enumerate(axes):
        power = every.isel(seed=i).transpose("frequency", "snapshot").values
        look: dict[str, Any] = {"vmin": 0.0, "vmax": float(every.max()), "shading": "nearest", "rasterized": True}
        mesh = ax.pcolormesh(steps, frequencies, power, **look)
        keys = _keys(found.isel(seed=i))
        ax.plot(np.full(len(keys), steps[-1] * 1.04), keys, "<", color=CATEGORY_COLORS[1], clip_on=False)
        ax.set(title=f"seed {found['seed'][i].item()}", xlabel="step")
    axes[0].set_ylabel("frequency k")
    figure.colorbar(mesh, ax=list(axes), label="share of the logits' power")
    return figure


@plots.style()
def quadratic(square: xr.Dataset) -> Drawn:
    """Phases of trained and of initial neurons, and the inverse participation ratio."""
    figure, axes = plots.panels(1, 3, height=3.4)
    ticks = {"ticks": [-np.pi, 0.0, np.pi], "labels": [r"$-\pi$", "0", r"$\pi$"]}
    for ax, kind in zip(axes, ("trained", "at the start"), strict=False):
        one = square.isel(seed=0).sel(weights=kind)
        one = one.isel(neuron=np.flatnonzero(one["size"].values >= ALIVE))
        points = ax.scatter(one["phase_in"], one["phase_out"], 9.0, one["frequency"], cmap="viridis")
        ax.plot([-np.pi, np.pi], [-np.pi, np.pi], color="0.6", linewidth=0.8, zorder=0)
        ax.set_xticks(**ticks)
        ax.set_yticks(**ticks)
        ax.set(title=kind, xlabel="sum of the operands' phases", ylabel="phase of the output", aspect="equal")
    figure.colorbar(points, ax=axes[1]).ax.set_title("k")
    _means(axes[2], square, {"ipr": "IPR", "test_accuracy": "test accuracy"})
    plots.level(axes[2], 0.5)
    axes[2].legend(loc="center right", bbox_to_anchor=(1.0, 0.75))
    return figure
