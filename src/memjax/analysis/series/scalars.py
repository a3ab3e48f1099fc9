"""One number per run from a recorded series: take a slice, reduce the slice, and calculate with the results.

    late = mean.between(start=900)          # mean over the records from step 900 on
    share = (last - first) / maximum        # a new scalar, labelled "(last - first) / maximum"
    share(ds.weight_l2)                     # (train_size, seed)

A diverged run is recorded as NaN from the step where it diverged, so its last value, its gap and its maximum are NaN. Other
runs are not affected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.records import Outside, of_records
from memjax.checks.shares import keep_mark

__all__ = ["Scalar", "area", "first", "gap", "last", "maximum", "mean", "minimum", "rate"]

FloatArray = npt.NDArray[np.float64]
Reduction = Callable[[FloatArray, FloatArray], Any]


@dataclass(frozen=True)
class Scalar:
    """A way to derive one number from a series; call the scalar with the series.

    Scalars can be sliced with `between` and combined with ``+ - * /``, ``abs`` and numbers. The result is a scalar whose label
    says how it was made.

    Attributes
    ----------
    function
        From values ``[..., K]`` and positions ``[K]`` to ``[...]``.
    label
        Name of the number, for ``long_name``.
    units
        Powers of the units of series and positions in the units of the result; None if these do not apply.

    Examples
    --------
    >>> import xarray as xr
    >>> norm = xr.DataArray([[2.0, 3.0, 7.0], [2.0, 3.0, float("nan")]], dims=("seed", "step"),
    ...                     coords={"step": [0, 10, 20]}, attrs={"long_name": "L2 norm"})
    >>> gap(norm).values
    array([ 5., nan])
    >>> growth = (last - first) / first
    >>> growth(norm).long_name, growth(norm).values
    ('((last - first) / first) of L2 norm', array([2.5, nan]))
    >>> mean.between(0, 10)(norm).values
    array([2.5, 2.5])
    """

    function: Reduction
    label: str
    units: tuple[int, int] | None = (1, 0)

    def __call__(self, series: xr.DataArray, dim: str = "step") -> xr.DataArray:
        """Take the number from every run.

        Parameters
        ----------
        series
            Recorded values, dimensions ``(..., dim)``. A finished run with fewer steps than others of its sweep ends at
            its own last step.
        dim
            Dimension of the records, in recorded order. The positions are its coordinate, or 0, 1, ... without one.

        Returns
        -------
        xarray.DataArray
            float64, dimensions ``(...)``, with ``long_name`` and, if known, ``units``.

        Raises
        ------
        ValueError
            If ``series`` is not a DataArray, ``dim`` is not one of its dimensions or is empty, or a slice holds no record of
            any run. A run that ends before a slice is NaN.
        """
        result = of_records(lambda y, at: (self.function(y, at),), series, dim)[0]
        name = series.attrs.get("long_name", series.name)
        label = self.label if self.label.isidentifier() else f"({self.label})"
        result.attrs = {"long_name": f"{label} of {name}" if name else self.label}
        if "units" in series.attrs and self.units is not None:
            result.attrs["units"] = _units(series.attrs["units"], series[dim].attrs.get("units", "1"), self.units)
        plain = self.label if self.label.isidentifier() else "scalar"
        keep_mark(series, result, self.label)
        return result.rename(f"{series.name}_{plain}" if series.name else plain)

    def between(self, start: float | None = None, stop: float | None = None) -> Scalar:
        """The same scalar of the records from ``start`` to ``stop``, both included; None stands for either end."""
        low, high = -np.inf if start is None else start, np.inf if stop is None else stop

        def sliced(y: FloatArray, at: FloatArray) -> FloatArray:
            inside = (at >= low) & (at <= high)
            if not inside.any():
                raise Outside(
                    f"No record lies between {start} and {stop}: the series has {at[0]:g} to {at[-1]:g}; widen the slice."
                )
            return self.function(y[..., inside], at[inside])

        ends = ("first" if start is None else f"{start:g}", "last" if stop is None else f"{stop:g}")
        return replace(self, function=sliced, label=f"{self.label} from {ends[0]} to {ends[1]}")

    def __add__(self, other: Scalar | float) -> Scalar:
        return _combined(self, other, np.add, "+")

    def __sub__(self, other: Scalar | float) -> Scalar:
        return _combined(self, other, np.subtract, "-")

    def __mul__(self, other: Scalar | float) -> Scalar:
        return _combined(self, other, np.multiply, "*")

    def __truediv__(self, other: Scalar | float) -> Scalar:
        return _combined(self, other, _divide, "/")

    def __radd__(self, other: float) -> Scalar:
        return _combined(_number(other), self, np.add, "+")

    def __rsub__(self, other: float) -> Scalar:
        return _combined(_number(other), self, np.subtract, "-")

    def __rmul__(self, other: float) -> Scalar:
        return _combined(_number(other), self, np.multiply, "*")

    def __rtruediv__(self, other: float) -> Scalar:
        return _combined(_number(other), self, _divide, "/")

    def __neg__(self) -> Scalar:
        return replace(self, function=lambda y, at: -self.function(y, at), label=f"-{_bracketed(self.label)}")

    def __abs__(self) -> Scalar:
        return replace(self, function=lambda y, at: np.abs(self.function(y, at)), label=f"|{self.label}|")


def _number(value: Any) -> Scalar:
    if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
        raise TypeError(
            f"A scalar can be combined with scalars and numbers, not with {value!r}: call it with a series first."
        )
    return Scalar(lambda y, at: np.full(y.shape[:-1], float(value)), f"{value:g}", (0, 0))


def _combined(one: Scalar, other: Scalar | float, function: Callable[..., FloatArray], sign: str) -> Scalar:
    two = other if isinstance(other, Scalar) else _number(other)
    return Scalar(
        lambda y, at: function(one.function(y, at), two.function(y, at)),
        f"{_bracketed(one.label)} {sign} {_bracketed(two.label)}",
        _combined_units(one.units, two.units, sign),
    )


def _combined_units(one: tuple[int, int] | None, two: tuple[int, int] | None, sign: str) -> tuple[int, int] | None:
    if one is None or two is None:
        return None
    if sign in "+-":
        return one if one == two else None
    turn = 1 if sign == "*" else -1
    return one[0] + turn * two[0], one[1] + turn * two[1]


def _divide(above: FloatArray, below: FloatArray) -> FloatArray:
    return above / np.where(below == 0.0, np.nan, below)


def _bracketed(label: str) -> str:
    return f"({label})" if " " in label else label


def _units(series: str, positions: str, powers: tuple[int, int]) -> str:
    parts = [
        f"{name}^{power}" if power != 1 else name
        for name, power in zip((series, positions), powers, strict=True)
        if power != 0 and name != "1"
    ]
    return " ".join(parts) or "1"


def _rate(y: FloatArray, at: FloatArray) -> FloatArray:
    centred = at - at.mean()
    if np.ptp(at) == 0.0:
        return np.full(y.shape[:-1], np.nan)
    return np.asarray(((y - y.mean(axis=-1, keepdims=True)) * centred).sum(axis=-1) / (centred**2).sum())


first = Scalar(lambda y, at: y[..., 0], "first")
"""First record of each run, usually the initial state.

Examples
--------
>>> import memjax as mj
>>> import xarray as xr
>>> norm = xr.DataArray([2.0, 3.0, 7.0], {"step": [0, 10, 30]}, "step")
>>> mj.analysis.first(norm).item()
2.0
"""

last = Scalar(lambda y, at: y[..., -1], "last")
"""Last record of each run; NaN for a run that diverged.

Examples
--------
>>> import memjax as mj
>>> import xarray as xr
>>> norm = xr.DataArray([2.0, 3.0, 7.0], {"step": [0, 10, 30]}, "step")
>>> mj.analysis.last(norm).item()
7.0
>>> mj.analysis.last.between(stop=10)(norm).item()
3.0
"""

gap = Scalar(lambda y, at: y[..., -1] - y[..., 0], "gap")
"""Last record minus first.

Of the L2 norm this is the W_gap of Ziming Liu, "How does memorization affect l2?" (blog post, 2026,
https://kindxiaoming.github.io/blog/2026/memorization-l2/).

Examples
--------
>>> import memjax as mj
>>> import xarray as xr
>>> norm = xr.DataArray([2.0, 3.0, 7.0], {"step": [0, 10, 30]}, "step")
>>> mj.analysis.gap(norm).item()
5.0
"""

maximum = Scalar(lambda y, at: y.max(axis=-1), "maximum")
"""Largest record; NaN if any is.

Examples
--------
>>> import memjax as mj
>>> import xarray as xr
>>> norm = xr.DataArray([2.0, 9.0, 7.0], {"step": [0, 10, 30]}, "step")
>>> mj.analysis.maximum(norm).item()
9.0
"""

minimum = Scalar(lambda y, at: y.min(axis=-1), "minimum")
"""Smallest record; NaN if any is.

Examples
--------
>>> import memjax as mj
>>> import xarray as xr
>>> norm = xr.DataArray([2.0, 1.0, 7.0], {"step": [0, 10, 30]}, "step")
>>> mj.analysis.minimum(norm).item()
1.0
"""

mean = Scalar(lambda y, at: y.mean(axis=-1), "mean")
"""Mean of the records, which count the same however they are spaced; NaN if any is.

Examples
--------
>>> import memjax as mj
>>> import xarray as xr
>>> norm = xr.DataArray([2.0, 3.0, 7.0], {"step": [0, 10, 30]}, "step")
>>> mj.analysis.mean(norm).item()
4.0
"""

area = Scalar(lambda y, at: np.trapezoid(y, at, axis=-1), "area", (1, 1))
"""Area under the series by trapezoids, in units of the series times those of the positions.

Examples
--------
>>> import memjax as mj
>>> import xarray as xr
>>> norm = xr.DataArray([2.0, 3.0, 7.0], {"step": [0, 10, 30]}, "step")
>>> mj.analysis.area(norm).item()
125.0
"""

rate = Scalar(_rate, "rate", (1, -1))
"""Least-squares slope of the series per unit of the positions (per step).

Examples
--------
>>> import memjax as mj
>>> import xarray as xr
>>> norm = xr.DataArray([2.0, 4.0, 8.0], {"step": [0, 10, 30]}, "step")
>>> mj.analysis.rate(norm).item()
0.2
"""
