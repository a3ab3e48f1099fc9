"""The ridge of a fit: how the other parameters and the fit change when one parameter is held at other values."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.fits.curve_models import CurveModel
from memjax.analysis.fits.fit_of_seeds import Options, fit_of_seeds
from memjax.analysis.fits.fitting import positions_for
from memjax.analysis.fits.least_squares import project
from memjax.analysis.fits.named_models import curve_model
from memjax.analysis.fits.profile_interval import (
    Problem,
    constrained,
    moved,
    problem_of,
    profile_interval,
    squares_of,
    threshold,
)
from memjax.checks.labelled import require_array, require_choice, require_fraction, require_only_dims, with_dim

__all__ = ["profile"]

FloatArray = npt.NDArray[np.float64]


def profile(
    curve: xr.DataArray,
    model: str | CurveModel | Callable[..., FloatArray],
    parameter: str,
    dim: str = "train_size",
    *,
    values: npt.ArrayLike | None = None,
    over: str = "seed",
    start: Mapping[str, float] | None = None,
    level: float = 0.95,
    points: int = 61,
) -> xr.Dataset:
    """Fit a model again and again with one parameter held at given values.

    If the fit hardly gets worse while another parameter moves far, the data do not tell the two parameters apart. For the
    offset power law A x^B + C this is the ridge between B and C.

    Parameters
    ----------
    curve
        One curve, dimensions ``(over, dim)`` in any order, or ``(dim,)``. Positions without any finite value are skipped.
    model, dim, over, start
        As in `fit`.
    parameter
        Name of the parameter to hold.
    values
        Values ``[points]`` to hold the parameter at; by default evenly spaced over twice its profile interval.
    level
        Nominal coverage of the region ``inside``, between 0 and 1.
    points
        Number of values if ``values`` is not given.

    Returns
    -------
    xarray.Dataset
        Along a dimension named as the parameter: the other parameters at their best; ``rise``, by how much the residual sum
        of squares exceeds its minimum, in units of the noise variance; ``inside``, bool, whether the rise is under the F
        quantile of ``level``, so that the values inside are the profile interval; ``r_squared``. The attributes hold model,
        range, degrees of freedom and the best value.

    Raises
    ------
    ValueError
        If the curve has further dimensions, the parameter is not one of the model's, nothing can be fitted, or there
        is no noise to judge by.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> size = 50.0 * 2 ** np.arange(6)
    >>> noise = 0.3 * np.random.default_rng(0).standard_normal((4, 6))
    >>> gap = xr.DataArray(6.5 * size**0.27 - 9.636 + noise, dims=("seed", "train_size"), coords={"train_size": size})
    >>> ridge = profile(gap, "offset power law", "exponent", values=[0.2, 0.27, 0.34])
    >>> ridge.offset.values.round(1), ridge.inside.values
    (array([-20.3,  -9.6,  -3.3]), array([False,  True, False]))
    """
    require_array(curve, "curve")
    require_only_dims(curve, (over, dim))
    require_fraction(level, "level")
    family = curve_model(model, start)
    require_choice(parameter, family.parameters, "parameter")
    problem = _problem(family, with_dim(curve, over).transpose(over, dim).sortby(dim), dim)
    j = family.parameters.index(parameter)
    held = (
        _default_values(problem, j, level, points)
        if values is None
        else np.sort(np.asarray(values, np.float64).ravel())
    )
    found = _projected(problem, held) if parameter == (family.singular or ("",))[0] else _walk(problem, j, held)
    result = _labelled(problem, j, held, *found, level)
    result.attrs |= {"dim": dim, "range": [float(problem.x[0]), float(problem.x[-1])]}
    return result


def _problem(model: CurveModel, seeds: xr.DataArray, dim: str) -> Problem:
    present = np.isfinite(seeds.values).any(axis=0)
    x, y = positions_for(model, seeds, dim)[present], seeds.values[:, present].astype(np.float64)
    fitted = fit_of_seeds(model, y[None], x, Options(interval=None))
    if fitted.reason[0]:
        raise ValueError(f"The model {model.name!r} cannot be fitted to the curve: {fitted.reason[0]}.")
    count = np.isfinite(y).sum(axis=0)
    problem = problem_of(model, y, x, count / count.mean(), fitted.parameters[0])
    if problem is None:
        raise ValueError("The curve has no noise to judge by: give two seeds, or more positions than parameters.")
    return problem


def _default_values(problem: Problem, j: int, level: float, points: int) -> FloatArray:
    low, high = profile_interval(problem, level)[0][j]
    best = problem.best[j]
    # An open side reaches as far as the other side. If both are open, each reaches as far as the size of the value.
    reach = [side for side in (best - low, high - best) if np.isfinite(side)] or [abs(best)]
    low, high = (end if np.isfinite(end) else best + sign * max(reach) for sign, end in ((-1, low), (1, high)))
    return np.linspace(best - 2.0 * (best - low), best + 2.0 * (high - best), points)


def _projected(problem: Problem, held: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Parameters and residual sums if the held parameter is the shape; exact also where the others cancel."""
    rule = problem.model.separable
    assert rule is not None
    curves = np.broadcast_to(problem.y, (held.size, problem.y.size))
    coefficients, squares = project(rule, problem.x, curves, problem.root, held[:, None])
    return rule.parameters(problem.x, held[:, None], coefficients), squares


def _walk(problem: Problem, j: int, held: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Best parameters ``[points, p]`` at every held value, and residual sums; the nearest value is fitted first."""
    found = np.full((held.size, problem.best.size), np.nan)
    for order in (np.flatnonzero(held >= problem.best[j]), np.flatnonzero(held < problem.best[j])[::-1]):
        near = problem.best
        for i in order:
            near = found[i] = constrained(problem, moved(problem, near, j, held[i]), j)
    return found, np.array([squares_of(problem, one) for one in found])


def _labelled(
    problem: Problem, j: int, held: FloatArray, parameters: FloatArray, rise: FloatArray, level: float
) -> xr.Dataset:
    name = problem.model.parameters[j]
    floor = squares_of(problem, problem.best)
    centred = problem.root * (problem.y - np.average(problem.y, weights=problem.root**2))
    others = {p: (name, parameters[:, k]) for k, p in enumerate(problem.model.parameters) if k != j}
    result = xr.Dataset(others, coords={name: held})
    result["rise"] = (
        name,
        rise - floor,
        {"long_name": "rise of the residual sum of squares", "units": "noise variance"},
    )
    result["inside"] = (name, rise - floor <= threshold(problem, level))
    result["r_squared"] = (name, 1.0 - rise / (centred**2).sum())
    result.attrs = {
        "model": problem.model.name,
        "parameter": name,
        "best": float(problem.best[j]),
        "parameters": list(problem.model.parameters),
        "best_parameters": problem.best.tolist(),
        "level": level,
        "threshold": threshold(problem, level),
        "degrees_of_freedom": problem.degrees,
    }
    return result
