"""Figures of the study dp-sgd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax import plots, privacy
from memjax.plots.styles import CATEGORY_COLORS, MARKERS, ordered_colors
from memjax.studies.dp_sgd.audits import ATTACKS, CURVE, power, summed
from memjax.studies.dp_sgd.numbers import RATES
from memjax.studies.dp_sgd.sizes import CLIPPED, EPSILONS, FASTER, PLAIN
from memjax.studies.kit import Estimate, Figure, estimate
from memjax.studies.long_tail.numbers import GROUPS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

    from memjax.studies.dp_sgd.claims import Found

__all__ = ["all_figures", "audit", "memory", "tail", "utility"]

# From the most private setting to none.
_ORDER = (*reversed(EPSILONS), CLIPPED, PLAIN)
_SHORT = {CLIPPED: "clip", PLAIN: "none"} | {name: name.removeprefix("epsilon ") for name in EPSILONS}


def all_figures(found: Found) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    return {
        "memory": Figure(partial(memory, found.memory, found.bounds), _MEMORY),
        "utility": Figure(partial(utility, found.lots, found.clips), _UTILITY),
        "audit": Figure(partial(audit, found.audit, found.exact), _AUDIT),
        "tail": Figure(partial(tail, found.tail, found.tail_faster, found.floors), _TAIL),
    }


_MEMORY = (
    "The panels show what networks on random halves memorise (left), and what the attack LiRA finds at 1% and at 0.1% "
    "false positives (middle, right), with 95% intervals. Lines are the largest values that the guarantee allows: by the "
    "Gaussian mechanism (solid) and by epsilon and delta alone (dashed). The horizontal axis has the guarantees from "
    "strict to none; clip is clipping without noise. Open markers are networks at ten times the learning rate. Intervals "
    "that reach 0 have no lower end. The dotted line is chance."
)
_UTILITY = (
    "The left panel shows train and test accuracy of networks on Poisson batches by guarantee, means over seeds with 95% "
    "intervals. The right panel shows the test accuracy at epsilon 2 by clip norm, a line for each learning rate, and the "
    "median length of the gradients of single examples along training (dotted)."
)
_AUDIT = (
    "The left panel shows the lower bounds on epsilon from audits of single runs (points, moved sideways; one for each "
    "run and attack) beside the accountant's epsilon (bars); without noise there is none. The right panel shows the true "
    "against the false positive rate of the attack that projects on the gradient of the target (points), and the closed "
    "form of the Gaussian mechanism (lines). Filled points are one step, open ones the network after 16 steps alone."
)
_TAIL = (
    "The left panel shows the test error in the long tail by guarantee (means over data sets with 95% intervals) and the "
    "least error that the guarantee leaves to any network: by singletons alone (dashed) and by all subpopulations "
    "(solid). The dash-dotted line is the error of a guess about what the train set lacks, and open markers are networks "
    "at ten times the learning rate. The right panel shows the test error by how often the subpopulation was seen, at the "
    "smaller rate."
)


@plots.style()
def memory(found: Mapping[str, Mapping[str, Any]], bounds: xr.Dataset) -> Drawn:
    """Scores and rates by guarantee, beside their bounds."""
    figure, axes = plots.panels(1, 3, width=3.7, height=3.1)
    for (name, label), color, mark in zip(
        {"top": "most memorised rows", "mean": "all rows"}.items(), CATEGORY_COLORS, MARKERS, strict=False
    ):
        _both(axes[0], found, name, color=color, marker=mark, label=label)
    _limits(axes[0], bounds["score"], bounds["pair_score"])
    for ax, rate in zip(axes[1:], reversed(RATES), strict=True):
        _both(ax, found, f"tpr {rate:g}", color=CATEGORY_COLORS[2], marker="^", label="LiRA")
        _limits(ax, bounds["tpr"].sel(fpr=rate), bounds["pair_tpr"].sel(fpr=rate))
        plots.level(ax, rate)
        ax.set(title=f"true positives at {100 * rate:g}% false positives")
    axes[0].set(title="memorisation score")
    for ax in axes:
        ax.set(yscale="log", ylim=(None, 1.5))
    known = [ax.get_legend_handles_labels() for ax in axes[:2]]
    shown = {text: handle for handles, texts in known for handle, text in zip(handles, texts, strict=True)}
    axes[-1].legend(shown.values(), shown.keys(), loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _both(ax: Axes, found: Mapping[str, Mapping[str, Any]], name: str, label: str, **line: Any) -> None:
    """A number of all settings, and beside them with open markers those of the larger rate."""
    _points(ax, [found[one][name] for one in _ORDER], -0.1, label=label, **line)
    empty = Estimate(np.nan, np.nan, np.nan)
    faster = [found[f"{one}{FASTER}"][name] if f"{one}{FASTER}" in found else empty for one in _ORDER]
    _points(ax, faster, 0.15, markerfacecolor="white", label=f"{label}{FASTER}", **line)


def _points(ax: Axes, estimates: Sequence[Estimate], shift: float = 0.0, **line: Any) -> None:
    """Estimates with their intervals over the settings of `_ORDER`."""
    at = np.arange(len(estimates)) + shift
    value, low, high = (np.array([getattr(one, name) for one in estimates]) for name in ("value", "low", "high"))
    ends = np.nan_to_num(np.stack([value - low, high - value])).clip(min=0)
    ax.errorbar(at, value, ends, linestyle="none", elinewidth=0.9, **line)
    _settings(ax)


def _settings(ax: Axes, order: Sequence[str] = _ORDER) -> None:
    ax.set_xticks(np.arange(len(order)), [_SHORT[name] for name in order])
    ax.set(xlabel="epsilon (nats)", xlim=(-0.5, len(order) - 0.5))


def _limits(ax: Axes, exact: xr.DataArray, pair: xr.DataArray) -> None:
    """Bounds over the settings with noise."""
    names = [name for name in _ORDER if name in EPSILONS]
    ax.plot(np.arange(len(names)), exact.sel(setting=names), "-", color="0.2", label="limit, Gaussian")
    ax.plot(np.arange(len(names)), pair.sel(setting=names), "--", color="0.5", label="limit, epsilon and delta")


@plots.style()
def utility(lots: xr.Dataset, clips: xr.Dataset) -> Drawn:
    """Accuracy by guarantee, and by clip norm."""
    figure, (left, right) = plots.panels(1, 2, width=3.9, height=3.2)
    order = [name for name in _ORDER if name in lots["setting"].values]
    for name, color, mark, shift in zip(("train", "test"), CATEGORY_COLORS, MARKERS, (-0.08, 0.08), strict=False):
        found = [estimate(lots[name].sel(setting=one)) for one in order]
        _points(left, found, shift, color=color, marker=mark, label=name)
    _settings(left, order)
    left.set(ylabel="accuracy")
    left.legend(loc="lower right")
    rates = clips["learning_rate"].values.tolist()
    for rate, color, mark in zip(rates, CATEGORY_COLORS, MARKERS, strict=False):
        values = clips["test"].sel(learning_rate=rate)
        plots.mean(values, "clip_norm", ax=right, seeds="bars", color=color, marker=mark, label=f"rate {rate:g}")
    right.axvline(float(clips["norm"].mean()), color="0.4", linestyle=":", linewidth=1.0, label="median length")
    plots.plain_ticks(right)
    right.set(xlabel="clip norm", ylabel="test accuracy at epsilon 2")
    right.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


@plots.style()
def audit(found: xr.Dataset, scores: xr.DataArray) -> Drawn:
    """Lower bounds beside the accountant's epsilon, and the exact attack beside its closed form."""
    figure, (left, right) = plots.panels(1, 2, width=4.3, height=3.4)
    for place, name in enumerate(_ORDER):
        upper = float(found["epsilon"].sel(setting=name))
        if np.isfinite(upper):
            left.plot([place - 0.4, place + 0.4], [upper, upper], color="0.2")
    for attack, color, mark, shift in zip(ATTACKS, CATEGORY_COLORS, MARKERS, (-0.27, 0.0, 0.27), strict=False):
        lower = found["lower"].sel(setting=list(_ORDER), attack=attack).transpose("setting", "seed").values
        moved = np.random.default_rng(0).uniform(-0.1, 0.1, lower.shape) + np.arange(len(_ORDER))[:, None] + shift
        style: dict[str, Any] = {"color": color, "markersize": 3.0, "alpha": 0.6, "markeredgewidth": 0}
        left.plot(moved.ravel(), lower.ravel(), mark, label=attack, **style)
    _settings(left)
    left.set(ylabel="lower bound on epsilon (nats)", yscale="symlog", ylim=(-0.1, 1000))
    left.set_yticks([0, 1, 10, 100], ["0", "1", "10", "100"])
    left.legend(loc="upper left")
    _rates(right, scores)
    return figure


def _rates(ax: Axes, scores: xr.DataArray) -> None:
    curve = np.array(CURVE)
    steps = scores.sizes["release"]
    noises = scores["noise_multiplier"].values.tolist()
    summary = summed(scores)
    for noise, color in zip(noises, ordered_colors(len(noises)), strict=True):
        one = {"color": color, "label": f"noise {noise:g}, one step: mu = {1 / noise:g}"}
        last = {"color": color, "label": f"noise {noise:g}, {steps} steps: mu = {steps**0.5 / noise:g}"}
        _rate(ax, scores.sel(noise_multiplier=noise), 1 / noise, **one)
        _rate(ax, summary.sel(noise_multiplier=noise), steps**0.5 / noise, markerfacecolor="white", **last)
    ax.plot(curve, curve, ":", color="0.4", linewidth=1.0, label="chance")
    ax.set(xscale="log", xlabel="false positive rate", ylabel="true positive rate", ylim=(0, 1.02))
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _rate(ax: Axes, scores: xr.DataArray, mu: float, **marker: Any) -> None:
    """True positive rates of scores as points, on the closed form of a mu."""
    curve = np.array(CURVE)
    ax.plot(curve, privacy.gaussian_power(mu, curve), color=marker["color"], linewidth=1.0)
    ax.plot(curve[::2], [power(scores, at)[0].value for at in CURVE[::2]], "o", markersize=3.5, **marker)


@plots.style()
def tail(found: xr.Dataset, faster: xr.Dataset, floors: xr.Dataset) -> Drawn:
    """Test error in the long tail beside the floors, and who pays."""
    figure, (left, right) = plots.panels(1, 2, width=3.9, height=3.2)
    order = [name for name in _ORDER if name in EPSILONS]
    both = {"": found, FASTER: faster}
    errors = {f"{name}{end}": {"error": estimate(part["error"].sel(setting=name))} for end, part in both.items()
              for name in part["setting"].values.tolist()}  # fmt: skip
    _both(left, errors, "error", color=CATEGORY_COLORS[0], marker="o", label="test error")
    for name, line, text in (
        ("floor", "-", "floor"),
        ("singletons", "--", "floor by singletons"),
        ("guess", "-.", "guess about the unseen"),
    ):
        values = floors[name].mean("seed") if "seed" in floors[name].dims else floors[name]
        values = values.sel(setting=order) if "setting" in values.dims else values
        left.plot(np.arange(len(order)), np.broadcast_to(values, len(order)), line, color="0.3", label=text)
    left.set(ylabel="test error", ylim=(0, None))
    left.legend(loc="upper right")
    for name, color, mark in zip(_ORDER, (*CATEGORY_COLORS[:6],), MARKERS, strict=False):
        error = found["group_error"].sel(setting=name).assign_coords(group=np.arange(len(GROUPS)))
        plots.mean(error, "group", ax=right, seeds="bars", color=color, marker=mark, label=_SHORT[name])
    right.set(xlabel="times seen", ylabel="test error", ylim=(-0.03, 1.0))
    right.set_xticks(np.arange(len(GROUPS)), [text.replace(" to ", "–").replace(" or more", "+") for text in GROUPS])
    right.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), title="epsilon")
    return figure
