"""Least squares for many curves of one model: a grid, then scipy's minimisers, by variable projection.

In the shapes, M counts curves, n positions, q numbers of the shape, k columns, p parameters, G points of the grid.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memjax.analysis.curve_models import CurveModel, Separable

__all__ = ["Fitted", "best_shapes", "fit_curves", "project", "residual_sum"]

FloatArray = npt.NDArray[np.float64]

# Curves taken through the grid at once: at 10 positions, 200 points and 2 columns these are 32 MB.
_CHUNK = 1000


class Fitted(NamedTuple):
    """Least-squares parameters ``[M, p]``, residual sums of squares ``[M]``, and whether the grid's edge stopped it."""

    parameters: FloatArray
    rss: FloatArray
    at_limit: np.ndarray


def fit_curves(
    model: CurveModel, x: FloatArray, y: FloatArray, weights: FloatArray | None = None, near: FloatArray | None = None
) -> Fitted:
    """Fit one model to many curves.

    Parameters
    ----------
    model : CurveModel
        What to fit.
    x : numpy.ndarray
        Ascending positions ``[n]``.
    y : numpy.ndarray
        Curves ``[M, n]``, all finite.
    weights : numpy.ndarray, optional
        Of the squared residuals, ``[n]`` or ``[M, n]``; 1 by default.
    near : numpy.ndarray, optional
        Parameters ``[p]`` from which a model without grid starts, instead of its own start.

    Returns
    -------
    Fitted
        Of every curve; NaN where the search failed.
    """
    root = np.sqrt(np.ones_like(x) if weights is None else weights)
    if model.separable is None:
        return _fit_from_start(model, x, y, root, near)
    shapes, at_limit = best_shapes(model.separable, x, y, root)
    coefficients, rss = project(model.separable, x, y, root, shapes)
    return Fitted(model.separable.parameters(x, shapes, coefficients), rss, at_limit)


def best_shapes(rule: Separable, x: FloatArray, y: FloatArray, root: FloatArray) -> tuple[FloatArray, np.ndarray]:
    """Least-squares shapes ``[M, q]`` of curves ``[M, n]``, and whether each lies at the edge of the grid.

    The grid finds the basin, since the profile of a noisy curve can have several, and scipy the minimum in it.
    """
    grid = rule.grid(x)
    index = _best_on_grid(rule, x, y, root, grid)
    if rule.exhaustive or grid.shape[1] == 0:
        return grid[index], np.zeros(len(y), bool)
    if grid.shape[1] == 1:
        return _bracketed(rule, x, y, root, grid[:, 0], index)
    shapes = _polished(rule, x, y, root, grid[index])
    return shapes, ((shapes < grid.min(axis=0)) | (shapes > grid.max(axis=0))).any(axis=1)


def residual_sum(rule: Separable, x: FloatArray, y: FloatArray, root: FloatArray, shapes: FloatArray) -> FloatArray:
    """Weighted residual sums of squares ``[M]`` of curves ``[M, n]``, each with its own shape ``[M, q]``."""
    basis, target = np.linalg.qr(rule.columns(x, shapes) * root[..., None])[0], y * root
    along = np.einsum("...nk,...n->...k", basis, target)
    return np.asarray(((target - np.einsum("...nk,...k->...n", basis, along)) ** 2).sum(axis=-1))


def project(
    rule: Separable, x: FloatArray, y: FloatArray, root: FloatArray, shapes: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Coefficients ``[M, k]`` and weighted residual sums of squares ``[M]`` of curves with their own shapes."""
    basis, triangle = np.linalg.qr(rule.columns(x, shapes) * root[..., None])
    target = y * root
    along = np.einsum("...nk,...n->...k", basis, target)
    singular = np.abs(np.diagonal(triangle, axis1=-2, axis2=-1)).min(axis=-1) == 0.0
    solvable = np.where(singular[..., None, None], np.eye(triangle.shape[-1]), triangle)
    coefficients = np.where(singular[..., None], np.nan, np.linalg.solve(solvable, along[..., None])[..., 0])
    return coefficients, ((target - np.einsum("...nk,...k->...n", basis, along)) ** 2).sum(axis=-1)


def _best_on_grid(rule: Separable, x: FloatArray, y: FloatArray, root: FloatArray, grid: FloatArray) -> np.ndarray:
    if root.ndim == 1:
        basis = np.linalg.qr(rule.columns(x, grid) * root[:, None])[0]
        flat = np.moveaxis(basis, 1, 0).reshape(x.size, -1)
        parts = [((part * root) @ flat).reshape(len(part), *basis.shape[::2]) for part in _chunks(y)]
    else:
        columns = rule.columns(x, grid)
        parts = []
        for part, own in zip(_chunks(y), _chunks(root), strict=True):
            basis = np.linalg.qr(columns * own[:, None, :, None])[0]
            parts.append(np.einsum("mgnk,mn->mgk", basis, part * own))
    return np.concatenate([(part**2).sum(axis=-1).argmax(axis=1) for part in parts])


def _chunks(values: FloatArray) -> list[FloatArray]:
    return [values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK)]


def _bracketed(
    rule: Separable, x: FloatArray, y: FloatArray, root: FloatArray, grid: FloatArray, index: np.ndarray
) -> tuple[FloatArray, np.ndarray]:
    from scipy.optimize import elementwise

    inner = np.clip(index, 1, grid.size - 2) if grid.size > 2 else index
    at_limit = (inner != index) | (grid.size < 3)
    found, search = grid[index].copy(), np.flatnonzero(~at_limit)

    def objective(shape: FloatArray, curve: FloatArray) -> FloatArray:
        rows = curve.astype(int)
        return residual_sum(rule, x, y[rows], root if root.ndim == 1 else root[rows], shape[:, None])

    if search.size:
        tolerances = {"xatol": 1e-13 * np.ptp(grid), "xrtol": 1e-12, "fatol": 0.0, "frtol": 0.0}
        bracket = tuple(grid[inner[search] + shift] for shift in (-1, 0, 1))
        result = elementwise.find_minimum(
            objective, bracket, args=(search.astype(float),), tolerances=tolerances, maxiter=100
        )
        # Where rounding in the grid leaves no bracket, the grid's own best is within rounding of the minimum.
        found[search] = np.where(np.isfinite(result.x), result.x, found[search])
    return found[:, None], at_limit


def _polished(rule: Separable, x: FloatArray, y: FloatArray, root: FloatArray, start: FloatArray) -> FloatArray:
    from scipy.optimize import leastsq

    def residuals(shape: FloatArray, target: FloatArray, own: FloatArray) -> FloatArray:
        basis = np.linalg.qr(rule.columns(x, shape) * own[:, None])[0]
        return target - basis @ (basis.T @ target)

    own = np.broadcast_to(root, y.shape)
    return np.array(
        [leastsq(residuals, start[i], args=(y[i] * own[i], own[i]), full_output=True)[0] for i in range(len(y))]
    )


def _fit_from_start(
    model: CurveModel, x: FloatArray, y: FloatArray, root: FloatArray, near: FloatArray | None
) -> Fitted:
    start = np.array([model.start[name] for name in model.parameters]) if near is None else near
    roots = np.broadcast_to(root, y.shape)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        # The search may leave the domain of the user's function; that it does is no news to her.
        warnings.simplefilter("ignore")
        found = [_searched(model, x, curve, own, start) for curve, own in zip(y, roots, strict=True)]
    rss = np.array([squares for _, squares in found])
    return Fitted(np.array([parameters for parameters, _ in found]), rss, np.zeros(len(y), bool))


def _searched(
    model: CurveModel, x: FloatArray, y: FloatArray, root: FloatArray, start: FloatArray
) -> tuple[FloatArray, float]:
    """Parameters and residual sum of one curve; NaN where scipy finds no minimum."""
    from scipy.optimize import least_squares

    failed = np.full(start.size, np.nan), np.nan
    try:
        result = least_squares(
            lambda at: root * (model.function(x, *at) - y), start, x_scale="jac", xtol=1e-12, ftol=1e-12, gtol=1e-12
        )
    except (ValueError, np.linalg.LinAlgError):
        return failed
    return (result.x, 2.0 * float(result.cost)) if result.success and np.isfinite(result.cost) else failed
