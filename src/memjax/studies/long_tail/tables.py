"""Tables of the study long-tail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import xarray as xr

from memjax.studies.kit import Table, fitted, listed
from memjax.studies.long_tail import scores as bank_scores
from memjax.studies.long_tail.numbers import GROUPS, strong, weak

__all__ = ["LEARNERS", "Learner", "groups", "learners", "scores", "sums"]


class Learner(NamedTuple):
    """How a learner is called, its axis, and what the axis is."""

    title: str
    axis: str
    setting: str


LEARNERS = {
    "decay": Learner("MLP with weight decay", "weight_decay", "weight decay"),
    "width": Learner("MLP of small width", "hidden", "width"),
    "stop": Learner("MLP that stops early", "example_step", "step"),
    "nearest": Learner("nearest neighbours", "k", "k ="),
}
"""Learners by the names of their sweeps; each has one axis that keeps it from memorising."""


def learners(found: Mapping[str, xr.Dataset]) -> Table:
    """A row for every setting of every learner."""
    parts = [(name, i) for name, one in found.items() for i in range(one.sizes[LEARNERS[name].axis])]
    chosen = [found[name].isel({LEARNERS[name].axis: i}) for name, i in parts]
    heads = {
        "learner": [LEARNERS[name].title for name, _ in parts],
        "setting": [_setting(name, one) for (name, _), one in zip(parts, chosen, strict=True)],
    }
    columns: Mapping[str, Any] = {
        "singletons fitted": "fitted",
        "test error": "error",
        "predicted": "predicted",
        "error if fitted": lambda one: _known(one["error_if_fitted"]),
        "error if not fitted": lambda one: _known(one["error_if_not"]),
    }
    return listed(heads, chosen, columns, title="What is fitted of the tail, and the test error", note=_LEARNERS)


def _setting(name: str, one: xr.Dataset) -> str:
    learner = LEARNERS[name]
    return f"{learner.setting} {one[learner.axis].item():g}"


def _known(values: xr.DataArray) -> Any:
    return values if values.notnull().any() else "-"


_LEARNERS = (
    "The predicted error follows from the train set alone: it is that of a guess about what is not seen, and the price of "
    "every subpopulation that is wrong. The error if fitted, or if not fitted, is on test rows of subpopulations that are "
    "seen once, by whether their one train row is right; a dash stands where there is none."
)


def groups(found: Mapping[str, xr.Dataset]) -> Table:
    """Test error by how often a subpopulation was seen, at the best setting of every learner and at one that fits few."""
    names, settings, parts = [], [], []
    for name, one in found.items():
        for choose in (weak, strong):
            chosen = choose(one, LEARNERS[name].axis)
            names.append(LEARNERS[name].title)
            settings.append(_setting(name, chosen))
            parts.append(chosen)
    columns: dict[str, Any] = {
        f"seen {group}": lambda one, group=group: _known(one["group_error"].sel(group=group)) for group in GROUPS
    }
    heads = {"learner": names, "setting": settings}
    return listed(heads, parts, columns, title="Test error by how often the subpopulation was seen", note=_GROUPS)


_GROUPS = (
    "Every learner has the setting with the lowest test error, and the weakest setting at which less than half of the "
    "singletons are fitted."
)


def sums(sample: xr.Dataset, tail: xr.Dataset) -> Table:
    """Numbers and masses of the train sets beside the exact sums."""
    times = [int(one) for one in sample["times_seen"].values[:6]]
    columns: dict[str, Any] = {}
    for name, head in (("count", "subpopulations"), ("mass", "mass")):
        columns[head] = lambda one, name=name: sample[name].sel(times_seen=one)
        columns[f"{head}, exact"] = lambda one, name=name: float(tail[name].sel(times_seen=one))
    columns["n times the price"] = lambda one: tail.attrs["num_examples"] * float(tail["price"].sel(times_seen=one))
    return listed(
        {"times seen": map(str, times)}, times, columns, title="The train sets beside the exact sums", note=_SUMS
    )


_SUMS = "Numbers are means over seeds. Mass is the total frequency of the subpopulations that are seen so many times."


def scores(bank: xr.Dataset) -> Table:
    """Mean memorisation scores by how often a subpopulation is in the data set."""
    times = [one for one in (1, 2, 3, 4, 5, 6) if (bank["times"] == one).any()]
    means, pairs = bank_scores.by_times(bank, times), bank.sizes["pair"]
    columns: Mapping[str, Any] = {
        "rows": lambda one: int((bank["times"] == one).sum()),
        "mean score": lambda one: fitted(means.sel(times=one), "value", pairs, "interval"),
        "look-up": lambda one: float(means["lookup"].sel(times=one)),
    }
    return listed({"times": map(str, times)}, times, columns, title="Memorisation scores", note=_SCORES)


_SCORES = "The look-up is a learner that knows the subpopulations of its half of the rows and guesses about others."
