"""Which values a quantity can have: a band of a recorded accuracy ends at 0 and at 1."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax.checks.shares import is_recorded_share

__all__ = ["range_of"]


def range_of(values: xr.DataArray) -> tuple[float, float]:
    """Least and largest possible value; infinite if no range is known.

    The attributes ``valid_range``, or ``valid_min`` and ``valid_max``, decide. Without these attributes, the range is 0 to 1 of
    an accuracy, an error rate or a share that a sweep or `memjax.measure` recorded, of a selection of its values, and of its
    first, last, mean, least or largest record by `memjax.analysis`. A name decides nothing: xarray keeps names and attributes
    through arithmetic, and a difference of two accuracies can lie below 0. So anything that was calculated by xarray, a mean
    over a dimension included, has no known range.

    Raises
    ------
    ValueError
        If a value lies outside of the range that an attribute states.

    Examples
    --------
    >>> from memjax.checks.shares import mark_share
    >>> accuracy = mark_share(xr.DataArray([0.5, 1.0], dims="seed", name="test_accuracy"))
    >>> range_of(accuracy), range_of(accuracy - 0.5)
    ((0.0, 1.0), (-inf, inf))
    """
    if {"valid_range", "valid_min", "valid_max"} & set(values.attrs):
        return _stated(values)
    if is_recorded_share(values) and not _outside(values, 0.0, 1.0).size:
        return 0.0, 1.0
    return -np.inf, np.inf


def _stated(values: xr.DataArray) -> tuple[float, float]:
    """The range that the attributes state."""
    attrs = values.attrs
    low, high = attrs.get("valid_range", (-np.inf, np.inf))
    low, high = float(attrs.get("valid_min", low)), float(attrs.get("valid_max", high))
    if (outside := _outside(values, low, high)).size:
        raise ValueError(
            f"The attributes of the array state a range from {low:g} to {high:g}, but it holds {outside[0]:g}: xarray keeps "
            "attributes through arithmetic, so set valid_range anew, or take it away with .drop_attrs()."
        )
    return low, high


def _outside(values: xr.DataArray, low: float, high: float) -> np.ndarray:
    numbers = values.values[np.isfinite(values.values)]
    return numbers[(numbers < low) | (numbers > high)]
