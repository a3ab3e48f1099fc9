"""Which thresholds a recorded quantity can reach at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from memjax.checks.shares import named_share

__all__ = ["require_threshold"]


def require_threshold(series: xr.DataArray, threshold: Any) -> float:
    """Return the threshold as a float, or raise ``ValueError`` unless the series can reach this finite number.

    Examples
    --------
    >>> accuracy = xr.DataArray([0.1, 0.9], dims="step", name="test_accuracy")
    >>> require_threshold(accuracy, 0.95)
    0.95
    >>> require_threshold(accuracy, 95)
    Traceback (most recent call last):
        ...
    ValueError: threshold = 95 is out of reach: values of test accuracy lie from 0 to 1. Give 0.95.
    """
    if isinstance(threshold, bool | np.bool_) or not isinstance(threshold, int | float | np.integer | np.floating):
        raise ValueError(
            f"threshold = {threshold!r} must be one number, for example 0.95; text and arrays are not taken."
        )
    if not np.isfinite(threshold):
        raise ValueError(f"threshold = {float(threshold)!r} must be a finite number.")
    low, high = _stated(series)
    name = _name(series)
    if low <= threshold <= high:
        return float(threshold)
    if not _is_share(series):
        raise ValueError(
            f"threshold = {threshold:g} is out of reach: the attributes of {name} state values from {low:g} to {high:g}. "
            "Give a threshold in this range, or take the attributes away with .drop_attrs()."
        )
    advice = f"Give {threshold / 100.0:g}." if 1.0 < threshold <= 100.0 else "Give a threshold in this range."
    raise ValueError(f"threshold = {threshold:g} is out of reach: values of {name} lie from 0 to 1. {advice}")


def _stated(series: xr.DataArray) -> tuple[float, float]:
    """Least and largest value that the attributes or the name allow; infinite if nothing is known."""
    attrs = series.attrs
    if {"valid_range", "valid_min", "valid_max"} & set(attrs):
        low, high = attrs.get("valid_range", (-np.inf, np.inf))
        return float(attrs.get("valid_min", low)), float(attrs.get("valid_max", high))
    # Arithmetic keeps names: a difference of two shares, or the logarithm of one, may be negative.
    return (-np.inf, 1.0) if _is_share(series) else (-np.inf, np.inf)


def _is_share(series: xr.DataArray) -> bool:
    """Whether the name is that of a share in units of 1, and the values agree."""
    if {"valid_range", "valid_min", "valid_max"} & set(series.attrs):
        return False
    return named_share(series) and bool((np.abs(series.values[np.isfinite(series.values)]) <= 1.0).all())


def _name(series: xr.DataArray) -> str:
    return str(series.attrs.get("long_name", series.name or "the series")).replace("_", " ")
