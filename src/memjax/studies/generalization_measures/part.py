"""All numbers of one data set, which claims, tables and figures share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import xarray as xr

from memjax.studies.generalization_measures import numbers, survival
from memjax.studies.generalization_measures.errors import sign_errors

__all__ = ["RANDOM", "TITLES", "Part", "part_of", "ranked", "title", "words"]

TITLES = {"digits": "digits", "signals": "MNIST-1D", "mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
"""How data sets are called, by the names of their sweeps."""
RANDOM = "random numbers"
"""The random measure among the sign errors, the first of the draws."""
_WORDS = {"l2": "weight decay", "batch_size": "batch size", "learning_rate": "learning rate"}


def title(name: str) -> str:
    """How a data set is called."""
    return TITLES.get(name, name)


def words(field: str) -> str:
    """How the hyperparameter of a field is called."""
    return _WORDS.get(field, field)


@dataclass(frozen=True)
class Part:
    """Numbers of one data set.

    Attributes
    ----------
    runs
        What `numbers.runs_of` gives.
    scores
        What `numbers.scores` gives, of all measures and baselines, ``(measure, seed)``.
    null
        The same of random measures, ``(draw, seed)``.
    errors, sure_errors
        Sign errors in environments of measures, baselines and one random measure, where all pairs of runs weigh the same, and
        where pairs weigh by how sure the order of their gaps is.
    checks
        Which parts of the rule every measure passes.
    verdicts
        Share of the estimates of the learning coefficient without a warning.
    """

    runs: xr.Dataset
    scores: xr.Dataset
    null: xr.Dataset
    errors: xr.Dataset
    sure_errors: xr.Dataset
    checks: xr.Dataset
    verdicts: float


def part_of(networks: xr.Dataset, coefficients: xr.Dataset) -> Part:
    """All numbers, from what was measured on the networks of a data set."""
    runs = numbers.runs_of(networks, coefficients)
    scores, null = numbers.scores(runs["value"], runs["gap"]), survival.null(runs["gap"])
    chance = numbers.random(runs["gap"], 1).rename(draw="measure").assign_coords(measure=[RANDOM])
    value, rows = xr.concat([runs["value"], chance], "measure"), int(networks["test_rows"].max())
    return Part(
        runs=runs,
        scores=scores,
        null=null,
        errors=sign_errors(value, runs["gap"], None),
        sure_errors=sign_errors(value, runs["gap"], rows),
        checks=survival.checks(scores, null["information"].mean("draw")),
        verdicts=float((coefficients["llc_verdict"] == 0).mean()),
    )


def ranked(parts: Mapping[str, Part]) -> list[str]:
    """Measures without the baselines, those with the largest mean granulated coefficient over seeds and data sets first."""
    means = sum(part.scores["mean_psi"].mean("seed") for part in parts.values())
    assert isinstance(means, xr.DataArray)
    order = means.sel(measure=[*numbers.MEASURES]).sortby(-means.sel(measure=[*numbers.MEASURES]))
    return [str(name) for name in order["measure"].values]
