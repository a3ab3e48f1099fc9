"""Which values a quantity can have, judged by its name: a band of an accuracy ends at 0 and at 1."""

from __future__ import annotations

import numpy as np
import xarray as xr

__all__ = ["range_of"]

# Scalars that keep to the range of their series; a gap or a rate does not.
_KEEPS = r"\(?(first|last|mean|maximum|minimum)( from \S+ to \S+)?\)? of "
_SHARE = r"([\w-]+ )*(accuracy|error rate)|(share|fraction|probability) of .*"
# With one of these words a name is of another number: "gap of test accuracy" or "log accuracy".
_OTHER = r"(?<!\w)(of|log|logarithm|logit|gap|change|difference|ratio|relative|excess)(?!\w).*(accuracy|error rate)"
_WHOLE = {"": 1.0, "1": 1.0, "%": 100.0}


def range_of(values: xr.DataArray) -> tuple[float, float]:
    """Least and largest possible value; infinite if no range is known.

    The attributes ``valid_range``, or ``valid_min`` and ``valid_max``, decide. Without these attributes, the ``long_name`` (or
    name) of an accuracy, an error rate or a share in units of 1 or % decides, such as "last of test accuracy" or "share of
    fitted examples", unless a value lies outside.

    Raises
    ------
    ValueError
        If a value lies outside of the range that an attribute states.

    Examples
    --------
    >>> range_of(xr.DataArray([0.5, 1.0], dims="seed", name="test_accuracy"))
    (0.0, 1.0)
    >>> range_of(xr.DataArray([0.5, 1.0], dims="seed", attrs={"long_name": "gap of test accuracy"}))
    (-inf, inf)
    """
    import re

    attrs = values.attrs
    if {"valid_range", "valid_min", "valid_max"} & set(attrs):
        return _stated(values)
    name = str(attrs.get("long_name", values.name or "")).replace("_", " ")
    whole = _WHOLE.get(str(attrs.get("units", "")))
    name = re.sub(f"^{_KEEPS}", "", name)
    share = re.fullmatch(_SHARE, name) and not re.match(_OTHER, name)
    if whole is None or not share or _outside(values, 0.0, whole).size:
        return -np.inf, np.inf
    return 0.0, whole


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
