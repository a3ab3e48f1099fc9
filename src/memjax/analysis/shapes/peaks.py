"""The maximum of a curve averaged over seeds: where it is, how high, and how far above the curve's ends."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.intervals import student_interval
from memjax.analysis.base.lift import each, lift
from memjax.analysis.base.noise import remove_seed_effects, spread
from memjax.analysis.base.resampling import central_interval, student_means
from memjax.checks.labelled import (
    positions,
    require_array,
    require_fraction,
    require_not_empty,
    require_resamples,
    with_dim,
)

__all__ = ["Peak", "peak", "peak_of_seeds"]

FloatArray = npt.NDArray[np.float64]


class Peak(NamedTuple):
    """Maximum of one curve; intervals are ``[2]``."""

    location: float = np.nan
    location_interval: FloatArray = np.full(2, np.nan)
    height: float = np.nan
    height_interval: FloatArray = np.full(2, np.nan)
    prominence: float = np.nan
    prominence_interval: FloatArray = np.full(2, np.nan)
    rise_above_ends: float = np.nan
    rise_above_ends_interval: FloatArray = np.full(2, np.nan)
    noise: float = np.nan
    prominence_in_noise: float = np.nan
    rise_in_noise: float = np.nan
    agreement: float = np.nan
    interior: bool = False
    reason: str = ""


def peak(
    curve: xr.DataArray,
    dim: str = "train_size",
    *,
    over: str = "seed",
    level: float = 0.95,
    resamples: int = 1000,
    rng_seed: int = 0,
) -> xr.Dataset:
    """Find the maximum of the mean over seeds along a swept dimension.

    Parameters
    ----------
    curve
        Values, dimensions ``(..., over, dim)`` in any order. Non-finite values are left out of the mean; a position
        without any finite value is skipped.
    dim
        Dimension of the positions, with a numeric coordinate. The positions are sorted first.
    over
        Dimension of the seeds. Without this dimension the curve itself is used, and intervals and agreement are NaN.
    level
        Nominal coverage of the intervals, between 0 and 1.
    resamples
        Number of mean curves drawn for ``location_interval``; 0 leaves this interval out.
    rng_seed
        Seed of the draws.

    Returns
    -------
    xarray.Dataset
        All float64 ``(...)``, in the units of the curve unless said otherwise:

        - ``location``: coordinate value of the maximum of the mean curve, the first of equal maxima (units of ``dim``);
        - ``location_interval`` ``(..., bound)``: central positions of the maximum among mean curves disturbed along the
          seeds; both bounds are one position if the maximum does not move (units of ``dim``);
        - ``height``: the mean at ``location``;
        - ``prominence``: height minus the higher of the two end values, 0 for a maximum at an end;
        - ``rise_above_ends``: height minus the mean of the two end values;
        - ``height_interval``, ``prominence_interval``, ``rise_above_ends_interval`` ``(..., bound)``: Student-t intervals over
          seeds with location and ends held fixed, the last two from the differences within each seed;
        - ``noise``: pooled standard deviation of one run, once the level of its seed is removed;
        - ``prominence_in_noise``, ``rise_in_noise``: prominence and rise above the ends over ``noise`` (pure numbers);
        - ``agreement``: fraction of seeds whose own maximum is at ``location``, among seeds without missing values;
        - ``interior``: bool, the maximum is not at an end;
        - ``reason``: str, empty when fine.

    Raises
    ------
    ValueError
        If ``curve`` is not a DataArray or empty, ``dim`` has no numeric coordinate, ``level`` is not in (0, 1), or
        ``resamples`` are too few for the level.

    Notes
    -----
    ``height`` is the largest of several noisy means, which biases it upwards by a fraction of its standard error. The interval
    does not count this choice of the location. If neighbouring means differ by less than the noise, read ``agreement`` before
    ``location``.

    Liu (2026), "How does memorization affect l2?", gives a "height 25.763, about 13.5 sigma". This is not the value of the
    curve at its maximum, which is near 40, but a height above a baseline that the text does not state, in units of a sigma
    that the text does not define (25.763/13.5 = 1.91). On the same experiment, mean of 4 seeds, ``height`` is 40.5,
    ``prominence`` is 18.0 and ``rise_above_ends`` is 24.6, the nearest of the three. The noise of one run is five times
    smaller than 1.91.

    Examples
    --------
    >>> import xarray as xr
    >>> gap = xr.DataArray([9.0, 30.0, 40.0, 22.0], dims="train_size", coords={"train_size": [50, 800, 3200, 25600]})
    >>> top = peak(gap)
    >>> float(top.location), float(top.height), float(top.prominence), float(top.rise_above_ends)
    (3200.0, 40.0, 18.0, 24.5)
    >>> str(top.reason.values)
    'one seed: no interval'
    """
    require_array(curve, "curve")
    require_not_empty(curve, over, dim)
    require_fraction(level, "level")
    if resamples:
        require_resamples(resamples, level)
    positions(curve, dim)
    seeds = with_dim(curve, over).sortby(dim)
    x = positions(seeds, dim)
    outputs = {name: ("bound",) if name.endswith("_interval") else () for name in Peak._fields}
    options = {"x": x, "level": level, "resamples": resamples, "rng_seed": rng_seed}
    result = lift(lambda y: each(peak_of_seeds, y, core=2, **options), seeds, [over, dim], outputs)
    result.attrs = {"dim": dim, "over": over, "level": level, "criterion": f"maximum of the mean over {over}"}
    return _with_units(result, curve, dim)


def peak_of_seeds(
    values: FloatArray, x: FloatArray, level: float = 0.95, *, resamples: int = 0, rng_seed: int = 0
) -> Peak:
    """Find the maximum of one curve given as an array of seeds.

    Parameters
    ----------
    values
        float64 ``[S, n]``, S seeds at n positions; non-finite entries are left out.
    x
        Ascending positions, float64 ``[n]``.
    level, resamples, rng_seed
        Nominal coverage of the intervals, between 0 and 1.

    Returns
    -------
    Peak
        NaN with a reason if fewer than 3 positions have finite values or the curve is constant.

    Examples
    --------
    >>> import numpy as np
    >>> top = peak_of_seeds(np.array([[1.0, 5.0, 2.0], [1.0, 6.0, 7.0]]), np.array([1.0, 2.0, 3.0]))
    >>> float(top.location), float(top.height), float(top.prominence), float(top.agreement)
    (2.0, 5.5, 1.0, 0.5)
    """
    present = np.isfinite(values).any(axis=0)
    values, x = values[:, present], x[present]
    if x.size < 3:
        return Peak(reason=f"{x.size} positions with finite values, at least 3 needed")
    mean = student_interval(values.T, level)[0]
    if np.ptp(mean) == 0.0:
        return Peak(reason="the curve is constant")
    top, higher_end = int(mean.argmax()), 0 if mean[0] >= mean[-1] else -1
    ends = (values[:, 0] + values[:, -1]) / 2.0
    noise, prominence, rise = _noise(values), mean[top] - mean[higher_end], mean[top] - (mean[0] + mean[-1]) / 2.0
    units = noise if noise > 0.0 else np.nan
    return Peak(
        location=x[top],
        location_interval=_location_interval(values, x, level, resamples, rng_seed),
        height=mean[top],
        height_interval=student_interval(values[:, top], level)[1],
        prominence=prominence,
        prominence_interval=student_interval(values[:, top] - values[:, higher_end], level)[1],
        rise_above_ends=rise,
        rise_above_ends_interval=student_interval(values[:, top] - ends, level)[1],
        noise=noise,
        prominence_in_noise=prominence / units,
        rise_in_noise=rise / units,
        agreement=_agreement(values, top),
        interior=0 < top < x.size - 1,
        reason=_no_interval(values, top),
    )


def _no_interval(values: FloatArray, top: int) -> str:
    if len(values) == 1:
        return "one seed: no interval"
    counts = np.isfinite(values[:, [0, top, -1]]).sum(axis=0)
    return "an end or the maximum has only one seed: no interval" if counts.min() < 2 else ""


def _noise(values: FloatArray) -> float:
    levelled, shared = remove_seed_effects(values[None])
    return float(np.sqrt(spread(levelled, shared).variance[0]))


def _location_interval(values: FloatArray, x: FloatArray, level: float, resamples: int, rng_seed: int) -> FloatArray:
    if not resamples or np.isfinite(values).sum(axis=0).min() < 2:
        return np.full(2, np.nan)
    return central_interval(x[student_means(values, resamples, rng_seed).argmax(axis=1)], level)


def _agreement(values: FloatArray, top: int) -> float:
    complete = values[np.isfinite(values).all(axis=1)]
    if len(complete) < 2:
        return np.nan
    return float((complete.argmax(axis=1) == top).mean())


def _with_units(result: xr.Dataset, curve: xr.DataArray, dim: str) -> xr.Dataset:
    label = curve.attrs.get("long_name", curve.name or "curve")
    result.location_interval.attrs = dict(curve[dim].attrs)
    result.noise.attrs = {"long_name": f"seed noise of {label}"} | {
        k: v for k, v in curve.attrs.items() if k == "units"
    }
    for name in ("height", "prominence", "rise_above_ends"):
        result[name].attrs = {"long_name": f"{name.replace('_', ' ')} of the maximum of {label}"}
        if "units" in curve.attrs:
            result[name].attrs["units"] = result[f"{name}_interval"].attrs["units"] = curve.attrs["units"]
    result.location.attrs = {"long_name": f"{dim} at the maximum of {label}", **curve[dim].attrs}
    result.location.attrs["long_name"] = f"{dim} at the maximum of {label}"
    return result
