"""Fits of a model to the mean curve over seeds, with intervals that say when a parameter is not identified."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.lift import lift
from memjax.analysis.fits.curve_models import CurveModel
from memjax.analysis.fits.fit_of_seeds import Fits, Options, fit_of_seeds
from memjax.analysis.fits.laws import LAWS
from memjax.analysis.fits.named_models import curve_model, parameter_names
from memjax.checks.labelled import (
    positions,
    require_array,
    require_choice,
    require_dim,
    require_fraction,
    require_not_empty,
    require_resamples,
    with_dim,
)

__all__ = ["evaluate", "fit", "positions_for"]

FloatArray = npt.NDArray[np.float64]

_INTERVALS = {
    "bootstrap": "percentiles of mean curves disturbed along the seeds with Student-t spread",
    "profile": "profile likelihood",
    None: "none",
}
_LIKE_Y, _LIKE_X = {"offset", "limit", "height"}, {"midpoint", "knee", "location", "scale"}


def fit(
    curve: xr.DataArray,
    model: str | CurveModel | Callable[..., FloatArray],
    dim: str = "train_size",
    *,
    over: str = "seed",
    start: Mapping[str, float] | None = None,
    weights: Literal["count", "seed spread"] = "count",
    interval: Literal["bootstrap", "profile"] | None = "bootstrap",
    level: float = 0.95,
    resamples: int = 1000,
    rng_seed: int = 0,
) -> xr.Dataset:
    """Fit a model to the mean over seeds by least squares in linear scale.

    Parameters
    ----------
    curve
        Values y, dimensions ``(..., over, dim)`` in any order. Non-finite values are left out; a position without any
        finite value is skipped.
    model
        One of "constant", "linear", "logarithmic", "power law", "offset power law", "broken power law",
        "exponential", "saturating", "logistic", "Hill", "step", "plateau", "log plateau"; or a `CurveModel`; or a
        function ``f(x, a, b, ...)`` with ``start``.
    dim
        Dimension of the positions x, with a numeric coordinate.
    over
        Dimension of the seeds. Without it the curve itself is fitted.
    start
        Start values of the parameters of a plain function, by name; a built-in model needs none.
    weights
        Weight of a position. "count": the number of seeds. "seed spread": the number of seeds over their variance. A variance
        from a few seeds is a poor weight, so it is drawn towards the geometric mean over positions, as if two more seeds had
        the mean.
    interval
        How intervals are made, see Notes.
    level
        Nominal coverage of the intervals, between 0 and 1.
    resamples
        Number of mean curves drawn for the bootstrap.
    rng_seed
        Seed of the draws. Every curve uses the same draws, so the result of a curve does not depend on other curves.

    Returns
    -------
    xarray.Dataset
        One variable per parameter, float64 ``(...)``, and its ``<parameter>_interval`` ``(..., bound)``;
        ``r_squared``; ``residual``, root mean square of mean curve minus fit, and ``noise``, pooled standard deviation of one
        seed around the mean curve, both in units of y; ``reason``, str ``(...)``, empty when fine.

    Raises
    ------
    ValueError
        If ``curve`` is not a DataArray, ``dim`` has no numeric coordinate or one that the model cannot take, the
        model is not known, an option is not one of its choices, a parameter has the name of a dimension or coordinate of
        the curve, the array is empty, or ``resamples`` is under 100 or too few for the level.

    Notes
    -----
    Nothing is log-transformed, so negative values are allowed, and ``r_squared`` = 1 - RSS/TSS of the mean curve is the R^2
    that is usually published. Once its shape is given (an exponent, a rate, a knee), a built-in model is linear. scipy
    minimises over the shape from the best point of a grid, so no start is needed. A minimum at the edge of the grid
    (exponents within +-5, knees inside the data) does not count as a fit, and ``reason`` says so.

    *bootstrap* disturbs the mean curve along the deviations of the seeds, with Student tails, and fits again. It is right for
    any correlation between positions, and needs two seeds. *profile* is the profile likelihood, for noise that is independent
    and has one variance (times the weights); with one seed the noise is taken from the residuals. ``docs/coverage.md`` has
    the measured coverage of both. If parameters trade off without limit, as amplitude and offset do when the interval of the
    exponent includes 0, their intervals are infinite and ``reason`` names them; `profile` follows the ridge.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> size = 50.0 * 2 ** np.arange(6)
    >>> gap = xr.DataArray(6.5 * size**0.27 - 9.636, dims="train_size", coords={"train_size": size})
    >>> law = fit(gap, "offset power law")
    >>> print(f"{law.amplitude:.3f} n^{law.exponent:.3f} {law.offset:+.3f}, R^2 = {law.r_squared:.3f}")
    6.500 n^0.270 -9.636, R^2 = 1.000
    >>> str(law.reason.values)
    'one seed: no interval'
    >>> fit(gap, lambda x, a, b: a + b * np.log(x), start={"a": 0.0, "b": 1.0}).b.round(3).item()
    8.297
    """
    require_array(curve, "curve")
    require_dim(curve, dim, "dim")
    require_not_empty(curve, over, dim)
    require_fraction(level, "level")
    require_choice(weights, ("count", "seed spread"), "weights")
    require_choice(interval, tuple(_INTERVALS), "interval")
    if interval == "bootstrap":
        require_resamples(resamples, level)
    family = curve_model(model, start)
    _require_free_names(family, curve, over, dim)
    seeds = with_dim(curve, over).sortby(dim)
    x = positions_for(family, seeds, dim)
    options = Options(weights, interval, level, resamples, rng_seed)
    fitted = _lifted(family, seeds, x, over, dim, options)
    fitted.attrs = {
        "model": family.name,
        "formula": family.formula or family.name,
        "parameters": list(family.parameters),
        "built_in": int(LAWS.get(family.name) is family),
        "criterion": f"least squares on the mean over {over}, linear scale, weighted by {weights}",
        "interval": _INTERVALS[interval],
        "dim": dim,
        "seeds": seeds.sizes[over] if over in curve.dims else 0,
        "range": [float(x[0]), float(x[-1])],
        "level": level,
        "resamples": resamples,
        "rng_seed": rng_seed,
    } | {key: value for key, value in curve.attrs.items() if key == "units"}
    return _with_units(fitted, curve, family, dim)


def evaluate(
    fitted: xr.Dataset,
    x: npt.ArrayLike | None = None,
    points: int = 200,
    *,
    model: CurveModel | Callable[..., FloatArray] | None = None,
) -> xr.DataArray:
    """Evaluate a fitted model.

    Parameters
    ----------
    fitted
        A result of `fit`, variables ``(...)``.
    x
        Positions ``[n]``. By default ``points`` positions over the fitted range, evenly spaced in the logarithm if the range
        is positive and spans more than a decade.
    points
        Number of positions when ``x`` is not given.
    model
        The function that was fitted, unless it is built in.

    Returns
    -------
    xarray.DataArray
        float64 ``(..., dim)``, with the positions as coordinate of ``dim``, the fitted dimension.

    Raises
    ------
    ValueError
        If ``x`` is not one-dimensional, the model cannot take ``x``, or the function is not known.

    Examples
    --------
    >>> import xarray as xr
    >>> law = xr.Dataset({"amplitude": 2.0, "exponent": 0.5, "offset": 1.0},
    ...                  attrs={"dim": "width", "model": "offset power law", "built_in": 1,
    ...                         "parameters": ["amplitude", "exponent", "offset"]})
    >>> evaluate(law, [1.0, 4.0]).values
    array([3., 5.])
    """
    names = [str(name) for name in np.atleast_1d(fitted.attrs["parameters"])]
    if model is None and not fitted.attrs["built_in"]:
        raise ValueError(
            f"The model {fitted.attrs['model']!r} is not built in: give the function that was fitted as model=."
        )
    given = curve_model(fitted.attrs["model"]).parameters if model is None else parameter_names(model)
    if list(given) != names:
        raise ValueError(f"The model has parameters {list(given)}, and the fit {names}: give the one that was fitted.")
    family = curve_model(fitted.attrs["model"] if model is None else model, dict.fromkeys(names, 0.0))
    at = _spaced(fitted.attrs["range"], points) if x is None else np.asarray(x, dtype=np.float64)
    if at.ndim != 1 or (family.positive_x and not (at > 0).all()):
        kind = "positive " if family.positive_x else ""
        raise ValueError(f"x = {x!r} must be a one-dimensional sequence of {kind}positions.")
    dim = fitted.attrs["dim"]
    along = xr.DataArray(at, dims=dim, coords={dim: at})
    curve = xr.apply_ufunc(family.function, along, *(fitted[name] for name in names)).transpose(..., dim)
    units = {key: value for key, value in fitted.attrs.items() if key == "units"}
    return curve.rename("fit").assign_attrs(long_name=family.name, **units)


def positions_for(model: CurveModel, curve: xr.DataArray, dim: str) -> FloatArray:
    """Positions of a curve as a model can take them, or raise ``ValueError``."""
    x = positions(curve, dim)
    if model.positive_x and not (x > 0).all():
        raise ValueError(
            f"dim = {dim!r} has coordinate values {x.tolist()}; the model {model.name!r} needs positive ones. "
            f"Leave the others out, for example with .where(curve[{dim!r}] > 0, drop=True)."
        )
    if np.unique(x).size < x.size:
        raise ValueError(f"dim = {dim!r} has repeated coordinate values {x.tolist()}; average over them first.")
    return x


def _require_free_names(model: CurveModel, curve: xr.DataArray, over: str, dim: str) -> None:
    gone = {str(name) for name, coord in curve.coords.items() if {over, dim} & set(coord.dims)} | {over, dim}
    taken = {*map(str, curve.dims), *map(str, curve.coords)} - gone
    for name in (*model.parameters, "r_squared", "residual", "noise", "reason", "bound"):
        if name in taken:
            raise ValueError(
                f"The curve has a dimension or coordinate {name!r}, the name of a result of {model.name!r}; rename it, for "
                f"example with .rename({name}={name + '_'!r})."
            )


def _lifted(model: CurveModel, seeds: xr.DataArray, x: FloatArray, over: str, dim: str, options: Options) -> xr.Dataset:
    def of_arrays(values: FloatArray) -> tuple[np.ndarray, ...]:
        fits = fit_of_seeds(model, values.reshape(-1, *values.shape[-2:]), x, options)
        return tuple(column.reshape(values.shape[:-2] + column.shape[1:]) for column in _columns(fits))

    names = [name for parameter in model.parameters for name in (parameter, f"{parameter}_interval")]
    outputs = {name: ("bound",) if name.endswith("_interval") else () for name in names}
    return lift(
        of_arrays, seeds, [over, dim], outputs | dict.fromkeys(("r_squared", "residual", "noise", "reason"), ())
    )


def _columns(fits: Fits) -> list[np.ndarray]:
    parameters = zip(np.moveaxis(fits.parameters, 1, 0), np.moveaxis(fits.intervals, 1, 0), strict=True)
    return [column for pair in parameters for column in pair] + [
        fits.r_squared, fits.residual, fits.noise, fits.reason
    ]  # fmt: skip


def _spaced(ends: Sequence[float], points: int) -> FloatArray:
    low, high = ends
    return np.geomspace(low, high, points) if low > 0.0 and high > 10.0 * low else np.linspace(low, high, points)


def _with_units(fitted: xr.Dataset, curve: xr.DataArray, model: CurveModel, dim: str) -> xr.Dataset:
    label = curve.attrs.get("long_name", curve.name or "y")
    units = {"y": curve.attrs.get("units"), "x": curve[dim].attrs.get("units")}
    for name in model.parameters:
        fitted[name].attrs["long_name"] = f"{name.replace('_', ' ')} of the {model.name} of {label}"
        kind = "y" if name in _LIKE_Y else "x" if name in _LIKE_X else ""
        if model.separable is not None and units.get(kind) is not None:
            fitted[name].attrs["units"] = fitted[f"{name}_interval"].attrs["units"] = units[kind]
    for name in ("residual", "noise"):
        fitted[name].attrs = {"long_name": f"{name} of {label}"} | (
            {"units": units["y"]} if units["y"] is not None else {}
        )
    return fitted
