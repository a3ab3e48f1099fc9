"""Least squares for many curves of one model: a grid, then scipy's minimisers, by variable projection.

In the shapes, M counts curves, n positions, q numbers of the shape, k columns, p parameters, G points of the grid.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memjax.analysis.fits.curve_models import CurveModel, Separable
from memjax.analysis.fits.descent import descend
from memjax.analysis.fits.parameter_steps import parameter_steps

__all__ = ["Fitted", "best_shapes", "fit_curves", "project", "residual_sum"]

FloatArray = npt.NDArray[np.float64]

# Number of curves taken through the grid at once: 32 MB at 10 positions, 200 points and 2 columns.
_CHUNK = 1000
# Steps of the search in every part of the grid, and further steps of the best one.
_FIRST_STEPS, _MOST_STEPS = 30, 300
# A fit counts as exact if its residuals are at most this share of every value.
_ROUNDING = 4.0 * np.finfo(np.float64).eps


class Fitted(NamedTuple):
    """Least-squares parameters ``[M, p]`` and residual sums of squares ``[M]``, both NaN where the search did not converge.

    ``at_limit`` and ``converged``, ``bool[M]``, say whether the grid's edge stopped the search, and whether the search ended.
    """

    parameters: FloatArray
    rss: FloatArray
    at_limit: np.ndarray
    converged: np.ndarray


def fit_curves(
    model: CurveModel, x: FloatArray, y: FloatArray, weights: FloatArray | None = None, near: FloatArray | None = None
) -> Fitted:
    """Fit one model to many curves.

    Parameters
    ----------
    model
        What to fit.
    x
        Ascending positions ``[n]``.
    y
        Curves ``[M, n]``, all finite.
    weights
        Weights of the squared residuals, ``[n]`` or ``[M, n]``; 1 by default.
    near
        Parameters ``[p]`` at which a model without grid starts, in place of the model's own start.

    Returns
    -------
    Fitted
        The fit of every curve; NaN where the search failed.
    """
    root = np.sqrt(np.ones_like(x) if weights is None else weights)
    if model.separable is None:
        return _fit_from_start(model, x, y, root, near)
    shapes, at_limit, converged = best_shapes(model.separable, x, y, root)
    coefficients, rss = project(model.separable, x, y, root, shapes)
    parameters = model.separable.parameters(x, shapes, coefficients)
    return Fitted(
        np.where(converged[:, None], parameters, np.nan), np.where(converged, rss, np.nan), at_limit, converged
    )


def best_shapes(
    rule: Separable, x: FloatArray, y: FloatArray, root: FloatArray
) -> tuple[FloatArray, np.ndarray, np.ndarray]:
    """Least-squares shapes ``[M, q]`` of curves ``[M, n]``, whether each lies at the grid's edge, and whether it converged.

    The profile of a noisy curve can have several basins. The grid finds the basin, and scipy the minimum in this basin.
    """
    grid, converged = rule.grid(x), np.ones(len(y), bool)
    if grid.shape[1] > 1 and not rule.exhaustive:
        return _polished(rule, x, y, root, grid)
    index = _best_on_grid(rule, x, y, root, grid)
    if rule.exhaustive or grid.shape[1] == 0:
        return grid[index], np.zeros(len(y), bool), converged
    return *_bracketed(rule, x, y, root, grid[:, 0], index), converged


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
    columns = rule.columns(x, grid)
    if (columns[..., 0] == 1.0).all():
        # A constant is among the columns. Without the mean, the share of a shape is not lost in rounding.
        y = y - (y * root**2).sum(axis=-1, keepdims=True) / np.broadcast_to(root**2, y.shape).sum(
            axis=-1, keepdims=True
        )
    if root.ndim == 1:
        basis = np.linalg.qr(columns * root[:, None])[0]
        flat = np.moveaxis(basis, 1, 0).reshape(x.size, -1)
        parts = [((part * root) @ flat).reshape(len(part), *basis.shape[::2]) for part in _chunks(y)]
    else:
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
        # If rounding in the grid leaves no bracket, the best point of the grid is within rounding of the minimum.
        found[search] = np.where(np.isfinite(result.x), result.x, found[search])
    return found[:, None], at_limit


def _polished(
    rule: Separable, x: FloatArray, y: FloatArray, root: FloatArray, grid: FloatArray
) -> tuple[FloatArray, np.ndarray, np.ndarray]:
    """Shapes ``[M, q]`` of the least squares inside the grid, whether they lie at its edge, and whether they were found.

    One search is made in every part of the grid (`Separable.parts`), because every part may hold a minimum.
    """
    low, extent = grid.min(axis=0), np.ptp(grid, axis=0)
    places = (grid - low) / np.where(extent > 0.0, extent, 1.0)
    ends = np.array([low[0], low[0] + extent[0]]) if rule.parts is None else rule.parts(x)
    ends = np.unique((ends - low[0]) / (extent[0] or 1.0))
    boxes = np.zeros((2, max(ends.size - 1, 1), low.size))
    boxes[1] = extent > 0.0
    boxes[0, :, 0], boxes[1, :, 0] = (ends[:-1], ends[1:]) if ends.size > 1 else (ends, ends)
    inside = [(places[:, 0] >= a) & (places[:, 0] <= b) for a, b in boxes[:, :, 0].T]
    start = np.stack([places[part][_best_on_grid(rule, x, y, root, grid[part])] for part in inside], axis=1)
    found = [
        _descended(rule, x, *part, boxes, (low, extent))
        for part in zip(_chunks(y), _chunks(np.broadcast_to(root, y.shape)), _chunks(start), strict=True)
    ]
    best, at_limit, converged = (np.concatenate(column) for column in zip(*found, strict=True))
    return low + extent * best, at_limit, converged


def _descended(
    rule: Separable,
    x: FloatArray,
    y: FloatArray,
    root: FloatArray,
    start: FloatArray,
    boxes: FloatArray,
    grid: tuple[FloatArray, FloatArray],
) -> tuple[FloatArray, np.ndarray, np.ndarray]:
    """The same for places from 0 to 1 in a ``grid`` of some low end and extent, starts ``[M, P, q]``, boxes ``[2, P, q]``."""
    target, (count, parts, size) = y * root, start.shape

    def residuals(place: FloatArray, curve: np.ndarray) -> FloatArray:
        columns = rule.columns(x, grid[0] + grid[1] * place) * root[curve][..., None]
        return left_over(columns, target[curve])

    rounding = (_ROUNDING**2 * target**2).sum(axis=1)
    low, high = (np.broadcast_to(box, start.shape).reshape(-1, size) for box in boxes)
    first = descend(
        lambda place, rows: residuals(place, rows // parts),
        start.reshape(-1, size), low, high, np.repeat(rounding, parts), _FIRST_STEPS,
    )  # fmt: skip
    # After the first steps only the best search of each curve goes on.
    best = first.squares.reshape(count, parts).argmin(axis=1) + parts * np.arange(count)
    found = descend(residuals, first.place[best], low[best], high[best], rounding, _MOST_STEPS)
    # An exact fit may lie at the edge of the grid. Any other fit at the edge would go on beyond the grid.
    at_edge = ((found.place <= boxes[0].min(axis=0)) | (found.place >= boxes[1].max(axis=0))).any(axis=1)
    return found.place, at_edge & (found.squares > rounding), found.converged


def left_over(columns: FloatArray, target: FloatArray) -> FloatArray:
    """Residuals of targets ``[..., n]`` after the best combination of columns ``[..., n, k]``."""
    basis: list[FloatArray] = []
    for column in np.moveaxis(columns, -1, 0):
        column = column / np.maximum(np.abs(column).max(axis=-1, keepdims=True), 1e-300)
        # Twice, because the first subtraction leaves rounding of the size of what it subtracts.
        for one in basis * 2:
            column = column - (column * one).sum(axis=-1, keepdims=True) * one
        length = np.sqrt((column**2).sum(axis=-1, keepdims=True))
        basis.append(column / np.where(length > 0.0, length, 1.0))
    for one in basis:
        target = target - (target * one).sum(axis=-1, keepdims=True) * one
    return target


def _fit_from_start(
    model: CurveModel, x: FloatArray, y: FloatArray, root: FloatArray, near: FloatArray | None
) -> Fitted:
    start = np.array([model.start[name] for name in model.parameters]) if near is None else near
    roots = np.broadcast_to(root, y.shape)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        # The search may leave the domain of the user's function, so warnings about this tell the user nothing.
        warnings.simplefilter("ignore")
        found = [_searched(model, x, curve, own, start) for curve, own in zip(y, roots, strict=True)]
    rss = np.array([squares for _, squares in found])
    return Fitted(np.array([parameters for parameters, _ in found]), rss, np.zeros(len(y), bool), np.isfinite(rss))


def _searched(
    model: CurveModel, x: FloatArray, y: FloatArray, root: FloatArray, start: FloatArray
) -> tuple[FloatArray, float]:
    """Parameters and residual sum of one curve; NaN where scipy finds no minimum."""
    from scipy.optimize import least_squares

    failed = np.full(start.size, np.nan), np.nan
    size = float(np.abs(y).max()) or 1.0
    try:
        # Parameters and residuals are scaled near 1: the steps of scipy, and its tolerance of slopes, are absolute below 1.
        scale = 1e6 * parameter_steps(model.function, x, start, size)
        result = least_squares(
            lambda at: root * (model.function(x, *(scale * at)) - y) / size, start / scale,
            x_scale="jac", xtol=1e-12, ftol=1e-12, gtol=1e-12,
        )  # fmt: skip
    except (ValueError, np.linalg.LinAlgError):
        return failed
    return (
        (scale * result.x, 2.0 * float(result.cost) * size**2)
        if result.success and np.isfinite(result.cost)
        else failed
    )
