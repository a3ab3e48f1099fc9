"""Sign errors of measures in environments, with intervals over seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.generalization_measures.numbers import hyperparameters

__all__ = ["QUANTILES", "sign_errors"]

QUANTILES = (0.5, 0.9)
"""Quantiles over environments beside the mean and the worst."""
# Resamples are computed in parts, so that memory does not grow with their number.
_RESAMPLES, _PARTS, _LEVEL = 200, 20, 0.95


def sign_errors(value: xr.DataArray, gap: xr.DataArray, test_examples: int | None) -> xr.Dataset:
    """Mean, quantiles and worst of the sign errors over environments, with bootstrap intervals over seeds.

    Parameters
    ----------
    value
        Values ``(measure, ..., seed)``.
    gap
        Gap ``(..., seed)``.
    test_examples
        Test examples behind every gap, so that pairs of runs whose gaps may differ by chance weigh less or nothing; None gives
        all pairs one weight.

    Returns
    -------
    xarray.Dataset
        ``mean``, ``median``, ``nine_tenths`` and ``worst`` ``(measure,)``, ``count`` of the environments, and for every number
        an interval ``(measure, bound)``, such as ``worst_interval``: percentiles over draws of as many seeds with replacement.
    """
    seeds = gap.sizes["seed"]
    chosen = np.random.default_rng(0).integers(seeds, size=(_PARTS, _RESAMPLES // _PARTS, seeds))
    dims = hyperparameters(gap)
    found = _numbers(value, gap, dims, test_examples)
    drawn = [xr.DataArray(own, dims=("draw", "seed")) for own in chosen]
    draws = xr.concat(
        [_numbers(value[{"seed": own}], gap[{"seed": own}], dims, test_examples) for own in drawn], "draw"
    )
    for name in ("mean", "median", "nine_tenths", "worst"):
        found[f"{name}_interval"] = _interval(draws[name])
    return found.assign_attrs(seeds=seeds)


def _interval(draws: xr.DataArray) -> xr.DataArray:
    """Percentiles ``(measure, bound)`` of draws; NaN for a measure without a value in any draw."""
    known, tail = draws.notnull().any("draw"), (1 - _LEVEL) / 2
    ends = draws.where(known, 0.0).quantile([tail, 1 - tail], "draw", skipna=True).rename(quantile="bound")
    return ends.where(known).drop_vars("bound").transpose("measure", "bound")


def _numbers(value: xr.DataArray, gap: xr.DataArray, dims: Sequence[str], test_examples: int | None) -> xr.Dataset:
    # A resample holds a seed several times, so labels of seeds are dropped.
    value, gap = (array.drop_vars("seed", errors="ignore") for array in (value, gap))
    found = analysis.robust_sign_error(
        value, gap, dims, repeats="seed", quantiles=QUANTILES, test_examples=test_examples
    )
    by_share = dict(zip(("median", "nine_tenths"), QUANTILES, strict=True))
    more = {name: found["quantile_error"].sel(quantile=share, drop=True) for name, share in by_share.items()}
    return xr.Dataset({**more, **{name: found[name] for name in ("mean", "worst", "count")}})
