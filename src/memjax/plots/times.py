"""Whether infinity in an array is the time of a run that never got there, or only a number that grew beyond all bounds."""

from __future__ import annotations

import xarray as xr

__all__ = ["is_time"]

_UNIT = r"\(?(steps?|step\(s\)|epochs?|presentations?)\)?"
_TIME = r"(\w+ )?(times?|steps?|epochs?|presentations?)\b(?! per )"


def is_time(values: xr.DataArray) -> bool:
    """Whether the values are times, by their units; without units, by the first words of their name.

    Examples
    --------
    >>> is_time(xr.DataArray(0.0, attrs={"long_name": "time until test accuracy is at least 0.9"}))
    True
    >>> is_time(xr.DataArray(0.0, attrs={"long_name": "test mean loss", "units": "nats"}))
    False
    """
    import re

    units = str(values.attrs.get("units", ""))
    # Training steps are counts, whose units are 1.
    if units not in ("", "1"):
        return re.fullmatch(_UNIT, units) is not None
    name = str(values.attrs.get("long_name", values.name or "")).replace("_", " ")
    # `analysis.grokking` gives the names t_train and t_test.
    return re.match(rf"{_TIME}|t (train|test)$", name) is not None
