"""Tables of the study generalization-measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import xarray as xr

from memjax.studies.generalization_measures import survival
from memjax.studies.generalization_measures.numbers import BASELINES, hyperparameters
from memjax.studies.generalization_measures.part import RANDOM, Part, ranked, title, words
from memjax.studies.kit import Estimate, Table, estimate, fitted, listed

__all__ = ["all_tables", "effects", "granulated", "runs", "scores", "survivors"]


def all_tables(parts: Mapping[str, Part]) -> dict[str, Table]:
    """Tables by the names of their files."""
    order = ranked(parts)
    own = {f"{name}_scores": scores(name, part, order) for name, part in parts.items()}
    grain = {f"{name}_granulated": granulated(name, part, order) for name, part in parts.items()}
    return {"runs": runs(parts), "effects": effects(parts), "survivors": survivors(parts, order), **own, **grain}


def runs(parts: Mapping[str, Part]) -> Table:
    """How many networks reached the cross-entropy, and their gaps."""
    columns: Mapping[str, Any] = {
        "networks": lambda part: int(part.runs["reached"].size),
        "that reached the cross-entropy": lambda part: int(part.runs["reached"].sum()),
        "test accuracy (%)": lambda part: 100 * _mean(part.runs["tested"]),
        "gap (points)": lambda part: 100 * _mean(part.runs["gap"]),
        "standard deviation of the gap (points)": lambda part: 100 * part.runs["gap"].std(_settings(part), ddof=1),
        "environments": lambda part: int(part.errors["count"].max()),
        "with sure pairs": lambda part: int(part.sure_errors["count"].max()),
        "LLC without a warning": lambda part: f"{part.verdicts:.0%}",
    }
    heads = {"data": [title(name) for name in parts]}
    return listed(heads, list(parts.values()), columns, title="Networks and their gaps", note=_RUNS)


_RUNS = (
    "Numbers are means over the settings of a seed, and the standard deviation over these settings, with 95% intervals "
    "over seeds. Networks that did not come down to the cross-entropy are left out of all other numbers. Environments are "
    "pairs of settings that differ in one hyperparameter; those with sure pairs have runs whose gaps differ by more than "
    "chance by Hoeffding's inequality."
)


def _settings(part: Part) -> list[str]:
    return hyperparameters(part.runs["gap"])


def _mean(values: xr.DataArray) -> xr.DataArray:
    return values.mean(hyperparameters(values))


def effects(parts: Mapping[str, Part]) -> Table:
    """What every hyperparameter does to the gap."""
    rows = [(name, part, dim) for name, part in parts.items() for dim in _settings(part)]
    heads = {
        "data": [title(name) for name, _, _ in rows],
        "hyperparameter": [words(dim) for _, _, dim in rows],
        "values": [_ends(part.runs["gap"][dim].values.tolist()) for _, part, dim in rows],
    }
    columns: Mapping[str, Any] = {"change of the gap (points)": lambda row: 100 * change(row[1].runs["gap"], row[2])}
    return listed(heads, rows, columns, title="What the hyperparameters do to the gap", note=_EFFECTS)


_EFFECTS = (
    "Numbers are the gap at the last value less the gap at the first value, as means over all settings of the others in "
    "which both runs reached the cross-entropy."
)


def change(gap: xr.DataArray, dim: str) -> xr.DataArray:
    """Gap at the last label of a dimension less that at the first, ``(seed,)``, the mean over the settings of the others."""
    rise = gap.isel({dim: -1}, drop=True) - gap.isel({dim: 0}, drop=True)
    return rise.mean([one for one in rise.dims if one != "seed"])


def _ends(labels: Sequence[Any]) -> str:
    return f"{labels[0]:g} to {labels[-1]:g}"


def scores(name: str, part: Part, order: Sequence[str]) -> Table:
    """All scores on one data set, a row for every measure, the baselines at the end."""
    rows = [*order, *BASELINES, RANDOM]
    columns: Mapping[str, Any] = {
        "Kendall's tau": lambda row: _score(part, row, "tau"),
        "mean granulated tau": lambda row: _score(part, row, "mean_psi"),
        "information": lambda row: _score(part, row, "information"),
        "mean sign error": lambda row: _error(part.errors, row, "mean"),
        "sign error, nine tenths": lambda row: _error(part.errors, row, "nine_tenths"),
        "worst sign error": lambda row: _error(part.errors, row, "worst"),
        "worst, sure pairs": lambda row: _error(part.sure_errors, row, "worst"),
    }
    return listed({"measure": rows}, rows, columns, title=f"Scores on {title(name)}", note=_SCORES)


_SCORES = (
    "Measures stand in the order of their mean granulated tau on all data sets. Information is the conditional mutual "
    "information with at most two hyperparameters given. Sign errors are over environments: the mean, the error that nine "
    "tenths do not exceed, and the worst, of all pairs of runs. For the last column pairs weigh by how sure the order of "
    "their gaps is. Random numbers have means over 200 draws, and sign errors of one draw."
)


def _score(part: Part, row: str, name: str) -> xr.DataArray:
    return part.null[name].mean("draw") if row == RANDOM else part.scores[name].sel(measure=row)


def _error(errors: xr.Dataset, row: str, name: str) -> Estimate:
    return fitted(errors.sel(measure=row), name, errors.attrs["seeds"])


def granulated(name: str, part: Part, order: Sequence[str]) -> Table:
    """The granulated coefficient of every measure and hyperparameter on one data set."""
    rows, psi = [*order, *BASELINES], part.scores["psi"]
    columns: dict[str, Any] = {
        words(dim): lambda row, dim=dim: _rounded(psi.sel(measure=row, hyperparameter=dim)) for dim in _settings(part)
    }
    return listed({"measure": rows}, rows, columns, title=f"Granulated tau on {title(name)}", note=_GRANULATED)


def _rounded(values: xr.DataArray) -> Estimate:
    """Estimate without the rounding of a mean that is exactly 0, which would give the whole column exponents."""
    own = estimate(values)
    return replace(own, value=round(own.value, 9))


_GRANULATED = (
    "Numbers are Kendall's tau among runs in which this hyperparameter alone differs, as means over the settings of the "
    "others."
)


def survivors(parts: Mapping[str, Part], order: Sequence[str]) -> Table:
    """Which parts of the rule every measure passes."""
    nulls = [part.null for part in parts.values()]
    lucky = [survival.checks(null, null["information"].mean("draw")) for null in nulls]
    columns: dict[str, Any] = {}
    for (name, part), own in zip(parts.items(), lucky, strict=True):
        for check, head in _CHECKS.items():
            columns[f"{title(name)}: {head}"] = lambda row, one=part.checks[check], own=own[check]: _passes(
                one, own, row
            )
    alive = survival.survives([part.checks for part in parts.values()])
    columns["survives"] = lambda row: _passes(alive, survival.survives(lucky), row)
    rows = [*order, *BASELINES, RANDOM]
    return listed({"measure": rows}, rows, columns, title="Which measures survive", note=_SURVIVORS)


def _passes(own: xr.DataArray, lucky: xr.DataArray, row: str) -> str:
    """Whether a measure passes; of random numbers, which share of the draws."""
    if row == RANDOM:
        return f"{float(lucky.mean()):.1%}"
    return "yes" if bool(own.sel(measure=row)) else "no"


_CHECKS = {"informed": "informed", "ordered": "ordered", "never_reversed": "never reversed"}
_SURVIVORS = (
    "A measure is informed if its information is above that of random numbers, ordered if its mean granulated tau is "
    "above 0, and never reversed if no hyperparameter has a granulated tau below 0. Each is asked of the whole 95% "
    "interval over seeds. A measure survives that passes all parts on all data sets. Random numbers have the share of 200 "
    "draws that passes."
)
