"""Kendall's rank correlation between a measure and the gap, over all runs or with all hyperparameters but one held fixed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.prediction.runs import finite_in_both, flat_runs, names_of, of_the_same_runs, signs
from memjax.checks.labelled import require_choice

__all__ = ["granulated_kendall", "kendall", "taus"]

FloatArray = npt.NDArray[np.float64]
Ties = Literal["a", "b"]


def kendall(measure: xr.DataArray, gap: xr.DataArray, dims: str | Sequence[str], *, ties: Ties = "a") -> xr.DataArray:
    """Kendall's rank correlation between a measure and the generalisation gap, over all runs.

    Parameters
    ----------
    measure
        Values of one or more measures, ``(..., *dims)``, paired with ``gap`` by label. A measure without one of ``dims`` holds
        for all its entries.
    gap
        Generalisation gap, ``(..., *dims)``, in any units.
    dims
        Dimensions of the runs; all runs are ranked together. Other dimensions, such as ``seed`` or ``measure``, are kept.
    ties
        "a" divides by the number of all pairs of runs, so a pair with equal values counts 0. "b" divides by the geometric mean
        of the numbers of pairs that differ in the measure and of pairs that differ in the gap.

    Returns
    -------
    xarray.DataArray
        float64 ``(...)`` in [-1, 1]; NaN with fewer than two runs, and for "b" also if the measure or the gap does not vary.
        Runs in which the measure or the gap is not finite are left out.

    Raises
    ------
    ValueError
        If an array is not a DataArray of numbers or lacks a dimension, or the labels differ.

    Notes
    -----
    "a" is the mean over pairs of runs of sign(difference of the measure) * sign(difference of the gap), the coefficient of
    Jiang et al. (2020, arXiv:1912.02178, section 2). Kendall (1945, doi:10.1093/biomet/33.3.239) has both treatments of ties.
    Without ties, "a" and "b" agree. If all orders of k runs are equally likely, the mean is 0 and the variance
    2 (2k + 5) / (9 k (k - 1)). Runs of one sweep share hyperparameters, so this variance is not that of their coefficient.
    Leave ``seed`` out of ``dims`` for one coefficient of each seed; `mean_interval` then has the interval over seeds.

    Examples
    --------
    >>> gap = xr.DataArray([[0.1, 0.3, 0.2], [0.1, 0.2, 0.3]], dims=("seed", "width"))
    >>> norm = xr.DataArray([5.0, 6.0, 7.0], dims="width")
    >>> kendall(norm, gap, "width").values.round(3)
    array([0.333, 1.   ])
    """
    names, _ = names_of(dims)
    require_choice(ties, ("a", "b"), "ties")
    measure, gap = of_the_same_runs(measure, gap, names)

    def of_all_runs(one: FloatArray, other: FloatArray) -> FloatArray:
        return taus(flat_runs(one, len(names)), flat_runs(other, len(names)), ties)

    found: xr.DataArray = xr.apply_ufunc(of_all_runs, measure, gap, input_core_dims=[names, names])
    return found.drop_attrs(deep=False).assign_attrs(long_name=f"Kendall's tau-{ties}", units="1")


def taus(measure: FloatArray, gap: FloatArray, ties: Ties) -> FloatArray:
    """Kendall's coefficient over the last axis.

    Parameters
    ----------
    measure, gap
        float64 ``[..., n]``, broadcast against each other. Runs in which a value is not finite are left out.
    ties
        "a" or "b", as in `kendall`.

    Returns
    -------
    numpy.ndarray
        float64 ``[...]``.

    Examples
    --------
    >>> taus(np.array([1.0, 2.0, 2.0]), np.array([1.0, 2.0, 3.0]), "a").round(3)
    np.float64(0.667)
    """
    x, y = finite_in_both(measure, gap)
    agreed, of_x, of_y = (np.zeros(x.shape[:-1], np.int64) for _ in range(3))
    # One run against all later ones, so that memory grows with the number of runs and not with the number of pairs.
    for i in range(x.shape[-1] - 1):
        one, other = (signs(values[..., i : i + 1], values[..., i + 1 :]) for values in (x, y))
        agreed += (one * other).sum(-1, dtype=np.int64)
        of_x += np.abs(one).sum(-1, dtype=np.int64)
        of_y += np.abs(other).sum(-1, dtype=np.int64)
    count = np.isfinite(x).sum(-1)
    pairs = count * (count - 1) / 2 if ties == "a" else np.sqrt(of_x.astype(np.float64) * of_y)
    return np.asarray(agreed / np.where(pairs > 0, pairs, np.nan))


def granulated_kendall(
    measure: xr.DataArray, gap: xr.DataArray, dims: str | Sequence[str], *, ties: Ties = "a"
) -> xr.Dataset:
    """Kendall's rank correlation inside every group of runs in which one hyperparameter alone varies.

    Parameters
    ----------
    measure, gap
        As in `kendall`, ``(..., *dims)``.
    dims
        Dimensions of the hyperparameters. Leave ``seed`` out: a seed named here would be a hyperparameter.
    ties
        As in `kendall`. With "a", a group in which the measure does not vary counts 0. With "b", such a group is left out.

    Returns
    -------
    xarray.Dataset
        float64 ``psi`` ``(..., hyperparameter)``, the mean of the coefficient over the groups in which this hyperparameter
        alone varies; ``mean_psi`` ``(...)``, the mean of ``psi`` over hyperparameters, Psi in the paper; int ``groups``
        ``(..., hyperparameter)``, the number of groups with a coefficient. Runs in which the measure or the gap is not finite
        are left out of their groups, and groups with fewer than two runs are left out of the mean. A hyperparameter without
        groups has no ``psi`` (NaN), and is left out of ``mean_psi``.

    Raises
    ------
    ValueError
        If an array is not a DataArray of numbers or lacks a dimension, or the labels differ.

    Notes
    -----
    Jiang et al. (2020, arXiv:1912.02178, section 2). A measure that only follows one of n hyperparameters, whether the gap
    follows too or not, has a ``psi`` of 0 for the others with ties "a", and so a ``mean_psi`` of at most 1/n. All groups weigh
    the same, however many of their runs are missing.

    Examples
    --------
    >>> gap = xr.DataArray([[0.1, 0.2], [0.4, 0.3]], dims=("width", "l2"))
    >>> width = xr.DataArray([1.0, 2.0], dims="width")
    >>> found = granulated_kendall(width, gap, ["width", "l2"])
    >>> found.psi.sel(hyperparameter=["width", "l2"]).values.tolist(), float(found.mean_psi)
    ([1.0, 0.0], 0.5)
    """
    names, _ = names_of(dims)
    require_choice(ties, ("a", "b"), "ties")
    measure, gap = of_the_same_runs(measure, gap, names)
    psi, groups = xr.apply_ufunc(
        lambda one, other: _by_hyperparameter(one, other, len(names), ties),
        measure,
        gap,
        input_core_dims=[names, names],
        output_core_dims=[["hyperparameter"], ["hyperparameter"]],
    )
    found = xr.Dataset({"psi": psi, "mean_psi": psi.mean("hyperparameter"), "groups": groups}).drop_attrs(deep=False)
    for name, text in (("psi", "granulated Kendall's tau"), ("mean_psi", "mean granulated Kendall's tau")):
        found[name] = found[name].assign_attrs(long_name=text, units="1")
    return found.assign_coords(hyperparameter=names).assign_attrs(ties=ties)


def _by_hyperparameter(
    measure: FloatArray, gap: FloatArray, count: int, ties: Ties
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Mean coefficient of the groups, and number of groups, each ``[..., count]``, of arrays whose last axes are the grid."""
    means, groups = [], []
    for axis in range(-count, 0):
        found = flat_runs(taus(np.moveaxis(measure, axis, -1), np.moveaxis(gap, axis, -1), ties), count - 1)
        fine = np.isfinite(found)
        groups.append(fine.sum(-1))
        means.append(np.where(fine, found, 0.0).sum(-1) / np.where(groups[-1] > 0, groups[-1], np.nan))
    return np.stack(means, axis=-1), np.stack(groups, axis=-1)
