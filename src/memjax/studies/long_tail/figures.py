"""Figures of the study long-tail."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax import analysis, plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS
from memjax.studies.kit import Figure
from memjax.studies.long_tail.numbers import GROUPS, strong, times_seen, weak
from memjax.studies.long_tail.scores import lookup_score, memorized
from memjax.studies.long_tail.tables import LEARNERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "groups", "price", "scores", "tail"]


def all_figures(
    found: Mapping[str, xr.Dataset], rows: xr.Dataset, sample: xr.Dataset, exact: xr.Dataset, bank: xr.Dataset
) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    guess = 1 - 1 / rows.attrs["num_classes"]
    return {
        "price": Figure(partial(price, found, exact, guess), _PRICE),
        "groups": Figure(partial(groups, found, guess), _GROUPS),
        "tail": Figure(partial(tail, rows, sample, exact), _TAIL),
        "scores": Figure(partial(scores, bank), _SCORES),
    }


_PRICE = (
    "The panels show the test error against the share of singletons that are fitted (left) and against the error that "
    "follows from what is not fitted (right). Every point is a setting of a learner, as the mean over seeds; bars are 95% "
    "intervals. On the left line everything but singletons is fitted, and on the right line the test error is the "
    "predicted one."
)
_GROUPS = (
    "The figure shows the test error by how often the subpopulation was seen in the train set, means over seeds with 95% "
    "intervals. Every learner has two settings: the one with the lowest error and one that fits less than half of the "
    "singletons. The dotted line is a guess."
)
_TAIL = (
    "The left panel shows the frequencies of the subpopulations (line) and the shares of the train rows of the first seed "
    "(points; a subpopulation that is not seen has none). The other panels show the number and the total frequency of the "
    "subpopulations that are seen so many times, as means over seeds with 95% intervals (points), beside the exact sums "
    "(line)."
)
_SCORES = (
    "The figure shows the memorisation score of every row against the times that its subpopulation is in the data set "
    "(small points, moved sideways at random), their means (squares), and the score of a learner that looks up "
    "subpopulations (line)."
)


@plots.style()
def price(found: Mapping[str, xr.Dataset], exact: xr.Dataset, guess: float) -> Drawn:
    """Test error against what is fitted of the singletons, and against the predicted error."""
    figure, (left, right) = plots.panels(1, 2, width=4.2, height=3.6, share_y=True)
    for name, color, mark in zip(found, CATEGORY_COLORS, MARKERS, strict=False):
        for ax, x in ((left, "fitted"), (right, "predicted")):
            _points(ax, found[name][x], found[name]["error"], color=color, marker=mark, label=LEARNERS[name].title)
    unseen, once = (float(exact["mass"].sel(times_seen=times)) for times in (0, 1))
    ends = np.array([0.0, 1.0])
    left.plot(ends, unseen * guess + once * (1 - ends), "--", color="0.4", linewidth=1.0, zorder=0)
    span = np.array([0.0, max(float(one["predicted"].mean("seed").max()) for one in found.values())])
    right.plot(span, span, "--", color="0.4", linewidth=1.0, zorder=0)
    left.set(xlabel="share of singletons that are fitted", ylabel="test error", ylim=(0, None))
    right.set(xlabel="predicted error")
    right.legend(loc="upper left")
    return figure


def _points(ax: Axes, x: xr.DataArray, y: xr.DataArray, **line: Any) -> None:
    """Means over seeds with bars in both directions."""
    ax.errorbar(
        x.mean("seed"),
        y.mean("seed"),
        xerr=_half(x),
        yerr=_half(y),
        linestyle="none",
        elinewidth=0.8,
        markersize=5.0,
        **line,
    )


def _half(values: xr.DataArray) -> np.ndarray:
    """Half width of Student's interval of the mean over seeds."""
    found = analysis.mean_interval(values, "seed")["mean_interval"]
    return np.asarray((found.isel(bound=1) - found.isel(bound=0)) / 2)


@plots.style()
def groups(found: Mapping[str, xr.Dataset], guess: float) -> Drawn:
    """Error by times seen for two settings of every learner."""
    figure, axes = plots.panels(1, len(found), width=2.7, height=3.0, share_y=True)
    for ax, (name, one) in zip(axes, found.items(), strict=True):
        learner = LEARNERS[name]
        for choose, color, mark in zip((weak, strong), CATEGORY_COLORS, MARKERS, strict=False):
            chosen = choose(one, learner.axis)
            error = chosen["group_error"].assign_coords(group=np.arange(len(GROUPS)))
            label = f"{learner.setting} {chosen[learner.axis].item():g}"
            plots.mean(error, "group", ax=ax, seeds="bars", color=color, marker=mark, label=label)
        plots.level(ax, guess)
        ax.set(title=learner.title, xlabel="times seen", ylim=(-0.03, 1.0))
        ax.set_xticks(np.arange(len(GROUPS)), [text.replace(" to ", "–").replace(" or more", "+") for text in GROUPS])
        ax.legend(loc="upper right", bbox_to_anchor=(1.0, 0.88))
    axes[0].set_ylabel("test error")
    return figure


@plots.style()
def tail(rows: xr.Dataset, sample: xr.Dataset, exact: xr.Dataset) -> Drawn:
    """Frequencies, and numbers and masses by times seen."""
    figure, axes = plots.panels(1, 3, width=3.3, height=3.0)
    p = rows["frequency"].values
    rank, seen = np.arange(1, len(p) + 1), times_seen(rows)[0]
    there = seen > 0
    axes[0].plot(rank[there], seen[there] / rows.sizes["example"], ".", color=CATEGORY_COLORS[0], markersize=3.0)
    axes[0].plot(rank, p, color=CATEGORY_COLORS[1])
    axes[0].set(xscale="log", yscale="log", xlabel="rank of the subpopulation", ylabel="frequency")
    for ax, name, text in ((axes[1], "count", "number of subpopulations"), (axes[2], "mass", "total frequency")):
        known = exact[name].sel(times_seen=sample["times_seen"])
        ax.plot(known["times_seen"], known, color=CATEGORY_COLORS[1], label="exact sum")
        plots.mean(sample[name], "times_seen", ax=ax, seeds="bars", color=CATEGORY_COLORS[0], marker="o", linestyle="none",
                   label="train sets")  # fmt: skip
        ax.set(xlabel="times seen", ylabel=text)
        ax.legend(loc="upper right")
    axes[1].set_yscale("log")
    axes[2].set_ylim(bottom=0)
    return figure


@plots.style()
def scores(bank: xr.Dataset) -> Drawn:
    """Memorisation score against the times that a subpopulation is in the data set."""
    figure, (ax,) = plots.panels(width=5.0, height=3.4)
    score, times = memorized(bank).values, bank["times"].values
    moved = times * np.exp(np.random.default_rng(0).uniform(-0.12, 0.12, len(times)))
    ax.plot(moved, score, ".", color=CATEGORY_COLORS[0], markersize=2.5, alpha=0.5, label="row")
    known = np.unique(times)
    means = [score[times == one].mean() for one in known]
    ax.plot(known, means, "s", color=CATEGORY_COLORS[1], label="mean")
    curve = lookup_score(known, bank.sizes["example"], bank.attrs["num_classes"])
    ax.plot(known, curve, color="black", linewidth=1.0, label="look-up")
    ax.set(xscale="log", xlabel="times that the subpopulation is in the data set", ylabel="memorisation score")
    plots.plain_ticks(ax)
    ax.legend(loc="upper right")
    return figure
