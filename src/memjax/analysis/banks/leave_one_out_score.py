"""The leave-one-out score: how well attributions say what leaving out single rows does."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax.analysis.banks.leave_one_out import leave_one_out
from memjax.analysis.base.intervals import mean_interval
from memjax.analysis.base.pairing import paired
from memjax.checks.labelled import require_array, require_dim

__all__ = ["leave_one_out_ceiling", "leave_one_out_score"]


def leave_one_out_score(
    attribution: xr.DataArray, effect: xr.DataArray, *, of: str = "test_example", level: float = 0.95
) -> xr.Dataset:
    """Correlation over rows between the attribution of a row and what the row does to the value of a test example.

    Parameters
    ----------
    attribution
        Attribution of every test example to every row, ``(..., example, of)``. Rows that were not left out are not asked for.
    effect
        Effect of the rows that were left out, ``(..., left_out, of)``, such as ``leave_one_out(...).effect``; the labels of
        ``left_out`` are labels of ``example``.
    of
        Dimension of the test examples.
    level
        Nominal coverage of the interval, between 0 and 1.

    Returns
    -------
    xarray.Dataset
        float64 ``score`` ``(..., of)``, Pearson's correlation over the rows that were left out; ``mean_score`` ``(...)`` over
        test examples with ``mean_score_interval`` ``(..., bound)``, Student's t over test examples; ``count`` int, examples
        with a score. An example with the same attribution to all these rows, or the same effect, has no score (NaN).

    Raises
    ------
    ValueError
        If an array is not a DataArray or lacks a dimension, or the labels of ``left_out`` are no labels of ``example``.

    Notes
    -----
    One network of each kind gives the effect of a row and the difference of two trainings together, and the second is mostly
    the larger one: then no attribution has a score. `leave_one_out_ceiling` says how far the seeds let any attribution come.

    Examples
    --------
    >>> rows = {"example": [7, 3, 5]}
    >>> weight = xr.DataArray([[1.0], [2.0], [4.0]], rows, ("example", "test_example"))
    >>> effect = xr.DataArray([[3.0], [6.0]], {"left_out": [3, 5]}, ("left_out", "test_example"))
    >>> round(float(leave_one_out_score(weight, effect).mean_score), 6)
    1.0
    """
    for name, array, dim in (("attribution", attribution, "example"), ("effect", effect, "left_out")):
        require_array(array, name)
        require_dim(array, dim, f"the dimension of {name}")
        require_dim(array, of, "of")
    given, effect = paired({"attribution": _of_the_same_rows(attribution, effect), "effect": effect})
    return _with_mean(_correlation(given, effect.astype(np.float64)), "score", "leave-one-out score", of, level)


def _of_the_same_rows(attribution: xr.DataArray, effect: xr.DataArray) -> xr.DataArray:
    """Attribution with the dimension ``left_out``, of the rows that were left out."""
    if "example" not in attribution.coords or "left_out" not in effect.coords:
        raise ValueError(
            "attribution must have labels along example, and effect along left_out: give both their rows' numbers."
        )
    wanted = effect["left_out"].values
    lost = sorted(set(wanted.tolist()) - set(attribution["example"].values.tolist()), key=str)
    if lost:
        raise ValueError(
            f"effect has left_out = {lost[0]!r}, which is no label of example in attribution: give both the numbers of the "
            f"same rows. Labels of a sweep over None and numbers are text; assign_coords(left_out=...) makes them numbers."
        )
    found: xr.DataArray = attribution.astype(np.float64).sel(example=wanted).rename(example="left_out")
    return found


def _correlation(one: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
    """Pearson's correlation along ``left_out``; NaN without spread."""
    # The standard deviation of equal numbers is not always 0 in floating point.
    spread = (one.max("left_out") > one.min("left_out")) & (other.max("left_out") > other.min("left_out"))
    found: xr.DataArray = xr.corr(one.reset_coords(drop=True), other.reset_coords(drop=True), "left_out").where(spread)
    return found


def leave_one_out_ceiling(
    without: xr.DataArray, whole: xr.DataArray, runs: str = "seed", *, of: str = "test_example", level: float = 0.95
) -> xr.Dataset:
    """How well any attribution can agree with effects of rows that are known from so many seeds.

    Parameters
    ----------
    without, whole
        As in `leave_one_out`, with at least two seeds and the dimension ``left_out``; an odd seed is left out.
    runs
        Dimension of the seeds.
    of
        Dimension of the test examples.
    level
        Nominal coverage of the intervals, between 0 and 1.

    Returns
    -------
    xarray.Dataset
        float64 ``split_half`` ``(..., of)``, Pearson's correlation over rows between the effect by one half of the seeds and
        by the other half; ``ceiling`` ``(..., of)``, the expected score of an attribution that knows the expected effects,
        against the effects by all seeds; ``mean_split_half`` and ``mean_ceiling`` with their ``_interval``, Student's t over
        test examples.

    Raises
    ------
    ValueError
        If an array is not a DataArray or lacks a dimension, labels differ, or there are fewer than two seeds.

    Notes
    -----
    With the correlation r of two halves, the effect by all seeds has the reliability 2r / (1 + r) (Spearman 1910, Brown 1910),
    and the expected effect correlates with that effect by the root of the reliability. Where r is negative the ceiling is 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> effect, noise = rng.normal(size=(1, 4000, 1)), rng.normal(size=(2, 4000, 1))
    >>> without = xr.DataArray(-effect + noise, dims=("seed", "left_out", "test_example"))
    >>> whole = xr.DataArray(np.zeros((2, 1)), dims=("seed", "test_example"))
    >>> found = leave_one_out_ceiling(without, whole)
    >>> float(found.mean_split_half.round(1)), float(found.mean_ceiling.round(1))
    (0.5, 0.8)
    """
    for name, values in (("without", without), ("whole", whole)):
        require_array(values, name)
        require_dim(values, runs, "runs")
    for dim, option in (("left_out", "the dimension of without"), (of, "of")):
        require_dim(without, dim, option)
    half = without.sizes[runs] // 2
    if half < 1:
        raise ValueError(f"without has {without.sizes[runs]} network along {runs!r}: give at least 2, for two halves.")
    without, whole = paired({"without": without, "whole": whole})
    first, second = ({runs: part} for part in (slice(0, half), slice(half, 2 * half)))
    effects = (leave_one_out(without.isel(part), whole.isel(part), runs)["effect"] for part in (first, second))
    alike = _correlation(*effects)
    found = _with_mean(alike, "split_half", "correlation of two halves of the seeds", of, level).drop_vars("count")
    positive = alike.clip(min=0)
    ceiling = _with_mean((2 * positive / (1 + positive)) ** 0.5, "ceiling", "ceiling of the score", of, level)
    return found.merge(ceiling)


def _with_mean(values: xr.DataArray, name: str, text: str, of: str, level: float) -> xr.Dataset:
    mean = mean_interval(values, of, level)
    found = xr.Dataset({name: values.assign_attrs(long_name=text, units="1")})
    found[f"mean_{name}"], found[f"mean_{name}_interval"] = mean["mean"], mean["mean_interval"]
    return found.assign(count=mean["count"]).assign_attrs(level=level)
