"""Linear regression with normal noise where some values are only known to lie above a limit (Tobit), many at once.

In the precision g = 1 / s and d = b / s of mean X b and deviation s the log-likelihood is concave (R. J. Olsen, "Note on the
uniqueness of the maximum likelihood estimator for the Tobit model", Econometrica 46, 1978), so Newton's method with halved
steps finds its one maximum. In the shapes, N counts values, k columns.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["tobit"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_STEPS = 100
_HALVINGS = 12
# Largest precision, in units of one over the spread of the values: beyond it the fit is exact.
_LARGEST = 1e6
_RIDGE = 1e-12


def tobit(
    columns: FloatArray, y: FloatArray, above: BoolArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fit by maximum likelihood.

    Parameters
    ----------
    columns
        Regressors, float64 ``[..., N, k]``.
    y
        Values, or limits below unknown values, ``[N]``.
    above
        Which entries of ``y`` are limits, ``[N]``.
    weights
        How often each value counts, ``[..., N]``.

    Returns
    -------
    coefficients, deviation, log_likelihood
        ``[..., k]``, ``[...]`` and ``[...]``. The log-likelihood includes the constant of the densities.
    """
    centre, spread = y[~above].mean(), max(y[~above].std(), 1e-12)
    lead = np.broadcast_shapes(columns.shape[:-2], weights.shape[:-1])
    columns = np.broadcast_to(columns, (*lead, *columns.shape[-2:]))
    size = np.sqrt((columns**2).mean(axis=-2, keepdims=True))
    size = np.where(size > 0.0, size, 1.0)
    scaled = (y - centre) / spread
    design = np.concatenate([-columns / size, np.broadcast_to(scaled[:, None], (*lead, y.size, 1))], axis=-1)
    point = _maximum(design, above, weights)
    deviation = 1.0 / point[..., -1]
    inside = point[..., :-1] * deviation[..., None]
    # The constant is the first column, so its coefficient takes the centre.
    coefficients = inside * spread / size[..., 0, :]
    coefficients[..., 0] += centre / columns[..., 0, 0]
    exact = (weights * ~above).sum(axis=-1)
    return coefficients, deviation * spread, _likelihood(point, design, above, weights) - exact * np.log(spread)


def _maximum(design: FloatArray, above: BoolArray, weights: FloatArray) -> FloatArray:
    lead, width = design.shape[:-2], design.shape[-1]
    design = design.reshape(-1, *design.shape[-2:])
    weights = np.broadcast_to(weights, (*lead, above.size)).reshape(-1, above.size)
    point = np.zeros((len(design), width))
    point[:, -1] = 1.0
    value = _likelihood(point, design, above, weights)
    going = np.arange(len(design))
    for _ in range(_STEPS):
        part = design[going], above, weights[going]
        point[going], new = _ascended(point[going], value[going], *part)
        gain, value[going] = new - value[going], new
        going = going[gain > 1e-9]
        if not going.size:
            break
    return point.reshape(*lead, width)


def _ascended(
    point: FloatArray, value: FloatArray, design: FloatArray, above: BoolArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Points and log-likelihoods after a Newton step, which is halved until the likelihood does not fall."""
    step = _newton(point, design, above, weights)
    share = np.ones(len(point))
    for _ in range(_HALVINGS):
        trial = point + share[:, None] * step
        fine = (trial[:, -1] > 0.0) & (trial[:, -1] <= _LARGEST)
        trial = np.where(fine[:, None], trial, point)
        new = np.where(fine, _likelihood(trial, design, above, weights), -np.inf)
        better = new >= value
        if better.all():
            break
        share = np.where(better, share, share / 2.0)
    return np.where(better[:, None], trial, point), np.where(better, new, value)


def _likelihood(point: FloatArray, design: FloatArray, above: BoolArray, weights: FloatArray) -> FloatArray:
    from scipy.special import log_ndtr

    z = np.einsum("...nk,...k->...n", design, point)
    known = np.log(point[..., -1:]) - 0.5 * z**2 - 0.5 * np.log(2.0 * np.pi)
    found: FloatArray = (weights * np.where(above, log_ndtr(-z), known)).sum(axis=-1)
    return found


def _newton(point: FloatArray, design: FloatArray, above: BoolArray, weights: FloatArray) -> FloatArray:
    from scipy.special import log_ndtr

    z = np.einsum("...nk,...k->...n", design, point)
    hazard = np.exp(-0.5 * z**2 - 0.5 * np.log(2.0 * np.pi) - log_ndtr(-z))
    slope = weights * np.where(above, -hazard, -z)
    bend = weights * np.where(above, np.clip(hazard * (hazard - z), 0.0, 1.0), 1.0)
    exact = (weights * ~above).sum(axis=-1)
    gradient = np.einsum("...nk,...n->...k", design, slope)
    gradient[..., -1] += exact / point[..., -1]
    hessian = np.einsum("...nk,...n,...nl->...kl", design, bend, design, optimize=True)
    hessian[..., -1, -1] += exact / point[..., -1] ** 2
    trace = np.trace(hessian, axis1=-2, axis2=-1)[..., None, None]
    step: FloatArray = np.linalg.solve(hessian + _RIDGE * trace * np.eye(point.shape[-1]), gradient[..., None])[..., 0]
    return step
