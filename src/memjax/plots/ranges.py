"""Which values a quantity can have, judged by its name: a band of an accuracy ends at 0 and at 1."""

from __future__ import annotations

import numpy as np
import xarray as xr

__all__ = ["range_of"]

# Scalars that keep to the range of their series; a gap or a rate does not.
_KEEPS = r"\(?(first|last|mean|maximum|minimum)( from \S+ to \S+)?\)? of "
_SHARE = r"((train|test|sign) )*accuracy|((train|test) )*error rate"
_WHOLE = {"": 1.0, "1": 1.0, "%": 100.0}


def range_of(values: xr.DataArray) -> tuple[float, float]:
    """Least and largest possible value; infinite if no range is known.

    The attributes ``valid_range``, or ``valid_min`` and ``valid_max``, decide. Without these attributes, a ``long_name`` (or
    name) of an accuracy or an error rate in units of 1 or %, such as "last of test accuracy", decides, unless a value lies
    outside.

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
        low, high = attrs.get("valid_range", (-np.inf, np.inf))
        return float(attrs.get("valid_min", low)), float(attrs.get("valid_max", high))
    name = str(attrs.get("long_name", values.name or "")).replace("_", " ")
    whole = _WHOLE.get(str(attrs.get("units", "")))
    share = re.fullmatch(_SHARE, re.sub(f"^{_KEEPS}", "", name))
    numbers = values.values[np.isfinite(values.values)]
    if whole is None or share is None or not ((numbers >= 0) & (numbers <= whole)).all():
        return -np.inf, np.inf
    return 0.0, whole
