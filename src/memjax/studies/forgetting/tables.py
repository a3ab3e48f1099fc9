"""Tables of the study forgetting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from memjax import analysis
from memjax.studies.forgetting import numbers
from memjax.studies.forgetting.numbers import SCORES, among, unforgettable
from memjax.studies.kit import Columns, Estimate, Table, fitted, listed

__all__ = ["agreement", "counts", "finders", "shares"]


def shares(groups: Mapping[str, tuple[xr.Dataset, xr.DataArray]]) -> Table:
    """Events and the shares of rows that are never forgotten, or never learnt, for every group of rows."""
    columns: Columns = {
        "rows": lambda one: int(one[1].sum()),
        "events per learnt row": lambda one: among(numbers.events(one[0]).where(numbers.learnt(one[0])), one[1]),
        "unforgettable": lambda one: 100 * among(unforgettable(one[0]), one[1]),
        "unforgettable in all runs": lambda one: _alone(100 * among(unforgettable(one[0]).all("seed"), one[1])),
        "never learnt": lambda one: 100 * among(~numbers.learnt(one[0]), one[1]),
        "right at the end": lambda one: 100 * among(numbers.right(one[0]), one[1]),
    }
    units = dict.fromkeys([name for name in columns if name not in ("rows", "events per learnt row")], "%")
    title = "Rows that are forgotten, never forgotten and never learnt"
    return listed({"labels": groups}, [*groups.values()], columns, title=title, note=_SHARES, units=units)


def _alone(value: xr.DataArray) -> Estimate:
    """A share that all runs have together, and so no interval."""
    return Estimate(float(value))


_SHARES = (
    "Events are those between presentations. Rows are unforgettable if they are learnt and never forgotten, as a share of "
    "the rows of a run. In the last column this is so in every run: a number without an interval, which falls with every "
    "further run."
)


def counts(ways: Mapping[str, xr.DataArray], presented: xr.DataArray) -> Table:
    """Mean events of a row by when answers are looked at, and the rank correlation with counts between presentations."""
    columns: Columns = {
        "events per row": lambda one: one.mean("example"),
        "rows with an event": lambda one: 100 * (one > 0).mean("example"),
        "rank correlation": lambda one: analysis.spearman(one, presented, "example"),
    }
    title, units = "Events by when answers are looked at", {"rows with an event": "%"}
    return listed({"looked at": ways}, [*ways.values()], columns, title=title, note=_COUNTS, units=units)


_COUNTS = (
    "The networks have 20% random labels. All three ways count one training of every seed: records do not change how a "
    "network is trained. The rank correlation is that with the counts between presentations, over rows."
)


def finders(scores: xr.DataArray, marked: xr.DataArray) -> Table:
    """How well every score finds corrupted labels, in one run and with its mean over runs."""
    found, runs = numbers.auc(scores, marked), scores.sizes["seed"]
    columns: Columns = {
        "AUC of one run": lambda name: found.sel(score=name),
        "AUC of the mean over runs": lambda name: fitted(
            numbers.mean_auc(scores.sel(score=name), marked), "value", runs, "interval"
        ),
    }
    return listed({"score": SCORES}, SCORES, columns, title="Which score finds corrupted labels", note=_FINDERS)


_FINDERS = (
    "The AUC is the chance that a corrupted row looks harder than a row with its true label, with ties counted half. "
    "Intervals of the second column are jackknife ones over seeds."
)


def agreement(parts: Mapping[str, Mapping[str, xr.DataArray | Estimate]]) -> Table:
    """Rank correlations of counts between seeds and between widths, with and without random labels."""
    names = next(iter(parts.values()))
    columns: dict[str, Any] = {labels: lambda name, own=own: own[name] for labels, own in parts.items()}
    title = "Rank correlations of forgetting events over rows"
    return listed({"between": names}, [*names], columns, title=title, note=_AGREEMENT)


_AGREEMENT = (
    "Correlations are of two networks with other seeds each. For networks of one width they are means over all pairs of "
    "seeds, with a jackknife interval over seeds. For two widths each seed is paired with the next one."
)
