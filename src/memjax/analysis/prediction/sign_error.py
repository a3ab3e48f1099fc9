"""How often a measure has the wrong one of two runs ahead, in the worst of all pairs of settings that differ in one thing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations, product

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.prediction.runs import finite_in_both, labels_of, names_of, of_the_same_runs, signs
from memjax.checks.labelled import require_fraction

__all__ = ["robust_sign_error", "sign_errors"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def robust_sign_error(
    measure: xr.DataArray,
    gap: xr.DataArray,
    dims: str | Sequence[str],
    *,
    repeats: str | Sequence[str] = (),
    quantiles: Sequence[float] = (0.5, 0.9),
    test_examples: int | None = None,
) -> xr.Dataset:
    """Sign error of a measure in every environment, a pair of settings that differ in one hyperparameter, and the worst one.

    Parameters
    ----------
    measure
        Values of one or more measures, ``(..., *dims, *repeats)``, paired with ``gap`` by label. A measure without one of these
        dimensions holds for all its entries.
    gap
        Generalisation gap, ``(..., *dims, *repeats)``.
    dims
        Dimensions of the hyperparameters; a combination of their labels is a setting.
    repeats
        Dimensions of the runs with one setting, such as ``seed``. Every run with one setting of an environment is compared with
        every run with the other setting. Without a name here, a seed gives errors of its own.
    quantiles
        Which quantiles over environments to give, each between 0 and 1.
    test_examples
        Number of test examples behind each gap, which must then be a difference of shares in [-1, 1]. A pair of runs whose gaps
        may differ by chance weighs less, or nothing. Default: all pairs weigh the same.

    Returns
    -------
    xarray.Dataset
        float64 ``sign_error`` ``(..., environment)`` in [0, 1]: 0 if the measure puts the runs in the order of their gaps, 1 if
        in the opposite order, and 0.5 for a tie in either. ``mean`` and ``worst`` ``(...)`` over environments, and
        ``quantile_error`` ``(..., quantile)``, the smallest error that this share of the environments does not exceed. int
        ``count``, environments with an error. The coordinates of ``environment`` are the ``hyperparameter`` that varies, its
        two values as a ``pair``, and the ``setting`` of the others. Pairs in which a value is not finite are left out.
        An environment without pairs has no error (NaN).

    Raises
    ------
    ValueError
        If an array is not a DataArray of numbers or lacks a dimension, labels differ, no hyperparameter has two values, or an
        option is out of its range.

    Notes
    -----
    Dziugaite et al. (2020, arXiv:2010.11924): the error of a pair is (1 - s) / 2, where s is the product of the signs of both
    differences. A mean over environments can hide that a measure fails whenever one hyperparameter changes; the worst
    environment cannot. With ``test_examples`` = n, a pair whose gaps differ by d weighs max(0, p^2 - 1/2) with
    p = max(0, 1 - 2 exp(-n d^2 / 2)), as in the code of the authors. By Hoeffding's inequality, a test accuracy is
    within d/2 of its expectation with probability p at least. The filter of environments by their number of pairs is left out.

    Without ``repeats`` an error is 0, 0.5 or 1, so ``worst`` is mostly 1: name the seeds, or look at ``mean`` and
    ``quantile_error``. With few seeds ``worst`` is the largest of many noisy errors, and so too large.

    Examples
    --------
    >>> gap = xr.DataArray([[0.1, 0.2], [0.4, 0.3]], dims=("width", "l2"), coords={"width": [8, 16], "l2": [0, 1]})
    >>> norm = xr.DataArray([[1.0, 2.0], [3.0, 4.0]], dims=("width", "l2"))
    >>> found = robust_sign_error(norm, gap, ["width", "l2"])
    >>> float(found["mean"]), float(found.worst), found.setting[found.sign_error.argmax("environment")].item()
    (0.25, 1.0, 'width = 16')
    """
    names, again = names_of(dims, repeats)
    for value in quantiles:
        require_fraction(value, "quantiles")
    _require_test_examples(test_examples)
    core = [*names, *again]
    measure, gap = of_the_same_runs(measure, gap, core)
    sizes = [gap.sizes[dim] for dim in names]
    environments = _environments(sizes)
    if not len(environments[0]):
        raise ValueError(f"dims = {names} have one entry each: a pair of settings needs a dimension with two.")

    def errors(one: FloatArray, other: FloatArray) -> FloatArray:
        x, y = (array.reshape(*array.shape[: array.ndim - len(core)], math.prod(sizes), -1) for array in (one, other))
        return sign_errors(x, y, environments[0], environments[1], test_examples)

    found: xr.DataArray = xr.apply_ufunc(
        errors, measure, gap, input_core_dims=[core, core], output_core_dims=[["environment"]]
    )
    texts = _texts(environments, sizes, names, [labels_of(measure, gap, dim) for dim in names])
    named = found.drop_attrs(deep=False).assign_coords({name: ("environment", text) for name, text in texts.items()})
    return _summary(named.assign_attrs(long_name="sign error", units="1"), quantiles)


def _require_test_examples(count: int | None) -> None:
    whole = isinstance(count, int | np.integer) and not isinstance(count, bool)
    if count is not None and not (whole and count > 0):
        raise ValueError(
            f"test_examples = {count!r} must be a positive whole number, or None: all pairs weigh the same."
        )


def _environments(sizes: Sequence[int]) -> tuple[IntArray, IntArray, IntArray]:
    """Flat places ``[E]`` of the first and the second setting of every environment, and the axis along which they differ."""
    place = np.arange(math.prod(sizes)).reshape(sizes)
    first, second, varied = ([np.zeros(0, np.int64)] for _ in range(3))
    for axis, (low, high) in ((i, pair) for i, size in enumerate(sizes) for pair in combinations(range(size), 2)):
        first.append(place.take(low, axis).ravel())
        second.append(place.take(high, axis).ravel())
        varied.append(np.full(first[-1].size, axis))
    return np.concatenate(first), np.concatenate(second), np.concatenate(varied)


def sign_errors(
    measure: FloatArray, gap: FloatArray, first: IntArray, second: IntArray, test_examples: int | None = None
) -> FloatArray:
    """Mean sign error over the pairs of runs of every environment.

    Parameters
    ----------
    measure, gap
        float64 ``[..., C, R]`` of C settings with R runs each, broadcast against each other.
    first, second
        Places ``[E]`` of the two settings of each environment among the C.
    test_examples
        As in `robust_sign_error`.

    Returns
    -------
    numpy.ndarray
        float64 ``[..., E]``.

    Examples
    --------
    >>> gap = np.array([[0.1, 0.2], [0.3, 0.15]])
    >>> sign_errors(gap > 0.12, gap, np.array([0]), np.array([1]))
    array([0.25])
    """
    x, y = finite_in_both(np.asarray(measure, np.float64), gap)
    (one, other), (one_gap, other_gap) = (
        (values[..., first, :, None], values[..., second, None, :]) for values in (x, y)
    )
    error = (1.0 - signs(one, other) * signs(one_gap, other_gap)) / 2.0
    apart = one_gap - other_gap
    weight = np.isfinite(apart) * _trust(apart, test_examples)
    total = weight.sum((-1, -2))
    return np.asarray((weight * error).sum((-1, -2)) / np.where(total > 0.0, total, np.nan))


def _trust(apart: FloatArray, test_examples: int | None) -> FloatArray:
    """Weight of pairs whose gaps differ by so much; 0 for a pair that is missing."""
    if test_examples is None:
        return np.ones_like(apart)
    sure = np.maximum(0.0, 1.0 - 2.0 * np.exp(-test_examples * apart**2 / 2.0))
    return np.where(np.isfinite(apart), np.maximum(0.0, sure**2 - 0.5), 0.0)


def _texts(
    environments: tuple[IntArray, IntArray, IntArray],
    sizes: Sequence[int],
    names: Sequence[str],
    labels: Sequence[Sequence[str]],
) -> dict[str, list[str]]:
    """What varies, between which values, and where the others are held, for every environment."""
    settings = list(product(*(range(size) for size in sizes)))
    found: dict[str, list[str]] = {"hyperparameter": [], "pair": [], "setting": []}
    for first, second, axis in zip(*environments, strict=True):
        one, other = settings[first], settings[second]
        held = [f"{names[i]} = {labels[i][at]}" for i, at in enumerate(one) if i != axis]
        found["hyperparameter"].append(names[axis])
        found["pair"].append(f"{labels[axis][one[axis]]} and {labels[axis][other[axis]]}")
        found["setting"].append(", ".join(held))
    return found


def _summary(errors: xr.DataArray, quantiles: Sequence[float]) -> xr.Dataset:
    fine = errors.notnull().any("environment")
    # A quantile of nothing warns, so it is taken of zeros and left out.
    plain = errors.where(fine, 0.0)
    quantile = plain.quantile(list(quantiles), "environment", method="inverted_cdf", skipna=True)
    found = {"mean": errors.mean("environment"), "worst": errors.max("environment")}
    found["quantile_error"] = quantile.where(fine).transpose(..., "quantile")
    text = {"mean": "mean sign error", "worst": "worst sign error", "quantile_error": "quantile of the sign error"}
    named = {name: array.assign_attrs(long_name=text[name], units="1") for name, array in found.items()}
    return xr.Dataset({"sign_error": errors, **named, "count": errors.notnull().sum("environment")})
