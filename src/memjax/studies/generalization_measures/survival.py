"""Which measures survive, by a rule that was written before any score was seen, and how many would by chance."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from memjax import analysis
from memjax.studies.generalization_measures import numbers

__all__ = ["DRAWS", "by_chance", "checks", "null", "survives"]

DRAWS = 200
"""Random measures on every data set."""


def null(gap: xr.DataArray) -> xr.Dataset:
    """Scores ``(draw, seed)`` of random measures."""
    return numbers.scores(numbers.random(gap, DRAWS), gap)


def checks(scores: xr.Dataset, chance: xr.DataArray) -> xr.Dataset:
    """The three parts of the rule on one data set, each by 95% intervals over seeds.

    Parameters
    ----------
    scores
        What `memjax.studies.generalization_measures.numbers.scores` gives, ``(measure, seed)``.
    chance
        Information of random measures, ``(seed,)``, their mean.

    Returns
    -------
    xarray.Dataset
        ``informed``: the information is above that of random measures; ``ordered``: the mean granulated coefficient is above 0;
        ``never_reversed``: no hyperparameter has a granulated coefficient whose whole interval is below 0. bool ``(measure,)``.
    """
    informed = _end(scores["information"] - chance, "lower") > 0
    ordered = _end(scores["mean_psi"], "lower") > 0
    reversed_ = _end(scores["psi"], "upper") < 0
    found = {"informed": informed, "ordered": ordered, "never_reversed": ~reversed_.any("hyperparameter")}
    return xr.Dataset(found).reset_coords(drop=True)


def _end(values: xr.DataArray, bound: str) -> xr.DataArray:
    """An end of Student's interval over seeds; NaN, which passes no comparison, where there is none."""
    return analysis.mean_interval(values, "seed")["mean_interval"].sel(bound=bound, drop=True)


def survives(of_data: Sequence[xr.Dataset]) -> xr.DataArray:
    """Whether a measure passes all three parts on all data sets, bool ``(measure,)``."""
    found = xr.concat([one.to_dataarray("part").all("part") for one in of_data], "data").all("data")
    return found


def by_chance(nulls: Sequence[xr.Dataset]) -> xr.DataArray:
    """Whether each random measure survives, 0 or 1 ``(draw,)``, with draws of the data sets paired by their numbers."""
    own = [checks(one, one["information"].mean("draw")) for one in nulls]
    return survives(own).astype(float)
