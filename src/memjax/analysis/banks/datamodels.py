"""Datamodels: a network's value of an example as a linear function of the rows that it was trained on."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.banks.bank import apply_to_banks
from memjax.checks.labelled import require_choice

__all__ = ["datamodels"]

FloatArray = npt.NDArray[np.float64]


def datamodels(
    values: xr.DataArray,
    train_count: xr.DataArray,
    runs: str | Sequence[str] = "seed",
    *,
    of: str = "test_example",
    method: Literal["least squares", "lasso"] = "least squares",
    strength: float | None = None,
) -> xr.Dataset:
    """Fit the value of every test example as a constant plus a weight for every row that the network was trained on.

    Parameters
    ----------
    values
        Value of every test example by every network, ``(..., runs, of)``, such as log-odds or the margin of the right class.
        A network with a value that is not finite is left out.
    train_count
        How often each network was trained on each row, ``(..., runs, example)``.
    runs
        Dimensions of the networks of one bank.
    of
        Dimension of the test examples.
    method
        ``least squares``, which has one solution if there are more networks than rows, and else takes the shortest one;
        or ``lasso``, least squares with a penalty on the sum of the absolute weights, which needs scikit-learn.
    strength
        For ``lasso`` the factor of the penalty, in scikit-learn's convention; None chooses the factor for every example by
        cross-validation in five groups of networks. For ``least squares`` the factor of the sum of squared weights in ridge
        regression, beside the sum of squared residuals; None is 0.

    Returns
    -------
    xarray.Dataset
        float64 ``weight`` ``(..., example, of)`` and ``constant`` ``(..., of)``.

    Raises
    ------
    ValueError
        If an array is not a DataArray or lacks a dimension, labels differ, or an option is not one of its choices.
    ModuleNotFoundError
        If ``lasso`` is asked for without scikit-learn.

    Notes
    -----
    Datamodels are those of Ilyas et al. (2022, arXiv:2202.00622). A row that all networks have, or none, has weight 0. How
    well they predict networks that the fit has not seen is the `linear_datamodeling_score` of other runs.

    Examples
    --------
    >>> trained = xr.DataArray([[1, 0], [1, 1], [0, 1], [0, 0]], dims=("seed", "example"))
    >>> outputs = xr.DataArray([[5.0], [2.0], [0.0], [3.0]], dims=("seed", "test_example"))
    >>> found = datamodels(outputs, trained)
    >>> found.weight.values.ravel().round(6), found.constant.values.round(6)
    (array([ 2., -3.]), array([3.]))
    """
    require_choice(method, ("least squares", "lasso"), "method")
    if strength is not None and not strength >= 0:
        raise ValueError(f"strength = {strength!r} must be a number of at least 0, or None.")
    fit = functools.partial(_least_squares if method == "least squares" else _lasso, strength=strength)
    arrays = {"values": values, "train_count": train_count}
    outputs = {"weight": ["example", of], "constant": [of]}
    found = apply_to_banks(
        functools.partial(_of_bank, fit), arrays, {"values": [of], "train_count": ["example"]}, runs, outputs
    )
    found["weight"] = found["weight"].assign_attrs(long_name="weight of the row in the datamodel", units="1")
    found["constant"] = found["constant"].assign_attrs(long_name="constant of the datamodel", units="1")
    return found.assign_attrs(method=method, strength="none" if strength is None else strength)


def _of_bank(fit: Any, values: FloatArray, count: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weights ``[N, M]`` and constants ``[M]`` for values ``[R, M]`` and counts ``[R, N]``."""
    fine = np.isfinite(values).all(axis=1)
    x, y = count[fine].astype(np.float64), values[fine].astype(np.float64)
    if len(x) < 2:
        raise ValueError(f"A bank has {len(x)} networks with finite values, and a datamodel needs at least 2.")
    weight = fit(x - x.mean(0), y - y.mean(0))
    return weight, y.mean(0) - x.mean(0) @ weight


def _least_squares(x: FloatArray, y: FloatArray, strength: float | None) -> FloatArray:
    # Through the smaller of two matrices of products: of rows, or of networks. Directions in which subsets do not differ, as
    # that of their size if all have one, have weight 0.
    wide = len(x) < x.shape[1]
    sizes, axes = np.linalg.eigh(x @ x.T if wide else x.T @ x)
    real = sizes > sizes[-1] * len(sizes) * np.finfo(np.float64).eps
    inverse = np.where(real, 1.0 / np.where(real, sizes + (strength or 0.0), 1.0), 0.0)[:, None]
    if wide:
        return np.asarray(x.T @ (axes @ (inverse * (axes.T @ y))))
    return np.asarray(axes @ (inverse * (axes.T @ (x.T @ y))))


def _lasso(x: FloatArray, y: FloatArray, strength: float | None) -> FloatArray:
    try:
        from sklearn.linear_model import Lasso, LassoCV
    except ModuleNotFoundError as problem:
        raise ModuleNotFoundError(
            "method = 'lasso' needs scikit-learn, which is not installed: install memjax[digits], or take 'least squares'."
        ) from problem
    # Both sides are centred.
    options: dict[str, Any] = {"fit_intercept": False, "precompute": True}
    weights = []
    for column in y.T:
        model = LassoCV(cv=5, alphas=30, **options) if strength is None else Lasso(strength, **options)
        weights.append(model.fit(x, column).coef_)
    return np.stack(weights, axis=1)
