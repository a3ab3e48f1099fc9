"""Read users' containers as plain arrays: frames, masked and nullable arrays, other byte orders, lists."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from memjax.errors import InputError, cause
from memjax.jax_settings import float_dtype

__all__ = ["check_columns", "check_rows", "is_frame", "is_missing", "numbers", "plain", "unmasked"]

_LARGEST = 2**31 - 1


def numbers(name: str, values: Any) -> np.ndarray:
    """Read an array of integers or floats as a read-only array in native byte order.

    The values are the same bit for bit for every container.

    Parameters
    ----------
    name
        Name of the values in error messages.
    values
        Array of NumPy, JAX, xarray or pandas, or a list; the columns of a frame become an array ``[N, D]``.

    Returns
    -------
    np.ndarray
        Array of the same dtype. Booleans become ``int32``; floats without a NumPy dtype, or with more bits, become
        ``float32`` or ``float64``.

    Raises
    ------
    InputError
        If a value is not a number, missing or not finite, or an integer needs more than 32 bits.

    Examples
    --------
    >>> numbers("x", np.ma.array([1, 2], ">i2"))
    array([1, 2], dtype=int16)
    """
    array = _of_columns(name, values) if is_frame(values) else _checked(name, plain(name, values), "at index")
    array = array.astype(np.int32) if array.dtype == bool else array
    # The cached digest of a task identifies the content, so the content must not change.
    array.flags.writeable = False
    return array


def is_frame(values: Any) -> bool:
    """Whether the values are a table with named columns, such as a pandas DataFrame."""
    return hasattr(values, "columns") and hasattr(values, "iloc")


def check_rows(x: Any, y: Any) -> None:
    """Check that rows of inputs and targets, which are paired by position, do not have the same labels in another order.

    Raises
    ------
    InputError
        If labels of two frames or labelled arrays say that row i of one is not row i of the other.
    """
    if _is_labelled(x) and _is_labelled(y) and y.dims and y.dims[0] in x.dims[1:]:
        raise InputError(
            f"x has the dimensions {x.dims} and y {y.dims}, so the rows of y are no rows of x: give "
            f"x.transpose({y.dims[0]!r}, ...)."
        )
    first, second = _row_labels(x), _row_labels(y)
    if first is None or second is None or first.equals(second) or not (first.is_unique and second.is_unique):
        return
    if set(first) == set(second):
        raise InputError(
            "x and y have the same row labels in another order, but rows are paired by their place: sort y as x is, with "
            "y.loc[x.index] of pandas, or give y.to_numpy() if their places are right."
        )


def _is_labelled(values: Any) -> bool:
    return isinstance(getattr(values, "dims", None), tuple) and hasattr(values, "indexes")


def _row_labels(values: Any) -> Any:
    if _is_labelled(values):
        return values.indexes.get(values.dims[0]) if values.dims else None
    return values.index if hasattr(values, "iloc") else None


def check_columns(x: Any, x_test: Any) -> None:
    """Check that two frames have the same columns in the same order.

    Raises
    ------
    InputError
        If the columns differ.
    """
    if is_frame(x) and is_frame(x_test) and list(x.columns) != list(x_test.columns):
        raise InputError(
            f"x has the columns {list(x.columns)} and x_test {list(x_test.columns)}: give both the same, in one order, such as "
            "x_test[x.columns]."
        )


def is_missing(value: Any) -> bool:
    """Whether an object is a missing value: None, NaN, pandas' NA and NaT, NumPy's masked.

    Examples
    --------
    >>> is_missing(None), is_missing(float("nan")), is_missing(np.ma.masked), is_missing("nan")
    (True, True, True, False)
    """
    kind = type(value).__name__
    return (
        value is None
        or value is np.ma.masked
        or kind in ("NAType", "NaTType")
        or (isinstance(value, float | np.floating) and bool(np.isnan(value)))
    )


def unmasked(name: str, values: Any) -> Any:
    """Values of a masked array without masked entries; other arrays are returned unchanged.

    Raises
    ------
    InputError
        If a value is masked.
    """
    if isinstance(values, list | tuple) and any(np.ma.isMaskedArray(row) for row in values):
        values = np.ma.array(values)
    if not np.ma.isMaskedArray(values):
        return values
    if values.dtype.names is None and np.ma.getmaskarray(values).any():
        index = [int(i) for i in np.argwhere(np.ma.getmaskarray(values))[0]]
        raise InputError(f"{name} is masked at index {index}: remove or replace values that are missing.")
    return np.ma.getdata(values)


def plain(name: str, values: Any) -> np.ndarray:
    """Copy as an array of any dtype in native byte order; strings in lists and in nullable columns stay objects.

    Raises
    ------
    InputError
        If the values are not an array, or a value is masked or missing.
    """
    values = unmasked(name, values)
    if hasattr(values, "toarray") and not hasattr(values, "__array__"):
        raise InputError(f"{name} is a {type(values).__name__}, which is sparse: give {name}.toarray().")
    try:
        # NumPy would convert a missing value in a list of strings to a string.
        array = _nullable(name, values) if _is_nullable(values) else np.array(values)
        if array.dtype.kind in "USmM" and isinstance(values, list | tuple):
            array = np.array(values, object)
    except InputError:
        raise
    except Exception as problem:
        raise InputError(f"{name} is no array: {cause(problem)}") from None
    if array.dtype == object and array.ndim == 0:
        raise InputError(f"{name} is a {type(values).__name__}: give an array with one row per example.")
    return _native(array)


def _is_nullable(values: Any) -> bool:
    """Whether the values are a pandas column with a dtype that NumPy does not have."""
    return not isinstance(getattr(values, "dtype", np.dtype(float)), np.dtype) and hasattr(values, "isna")


def _nullable(name: str, values: Any) -> np.ndarray:
    missing = np.asarray(values.isna())
    if missing.any():
        row = int(np.flatnonzero(missing)[0])
        raise InputError(f"{name} has no value in row {row}: remove or replace values that are missing.")
    dtype = getattr(values.dtype, "numpy_dtype", None)
    if hasattr(values.dtype, "fill_value"):
        dtype = values.dtype.subtype
    if isinstance(dtype, np.dtype):
        return np.array(values.to_numpy(dtype=dtype) if hasattr(values, "to_numpy") else values, dtype)
    return np.array(values, object)


def _native(array: np.ndarray) -> np.ndarray:
    dtype = array.dtype
    if dtype.kind == "V" and dtype.names is None:
        # Short float dtypes of JAX, such as bfloat16.
        if jax.dtypes.issubdtype(dtype, np.floating):
            return array.astype(np.float32)
        return array.astype(np.int8) if jax.dtypes.issubdtype(dtype, np.integer) else array
    if dtype == np.longdouble:
        with np.errstate(over="ignore"):
            return array.astype(np.float64)
    return array if dtype.isnative else array.astype(dtype.newbyteorder("="))


def _of_columns(name: str, frame: Any) -> np.ndarray:
    columns = []
    for place, label in enumerate(frame.columns):
        column, what = frame.iloc[:, place], f"Column {label!r} of {name}"
        if not isinstance(column.dtype, np.dtype) and getattr(column.dtype, "categories", None) is not None:
            raise InputError(
                f"{what} holds categories: give numbers, such as those of pandas.get_dummies, or leave the column out."
            )
        columns.append(_checked(what, plain(what, column), "in row", column.dtype))
    return np.stack(columns, axis=1) if columns else np.empty((len(frame), 0))


def _checked(name: str, array: np.ndarray, place: str, dtype: Any = None) -> np.ndarray:
    """Return the array if its numbers are finite and fit in 32 bits; error messages name its former dtype."""
    if array.dtype.kind not in "biuf":
        raise InputError(_not_numbers(name, array, place, dtype or array.dtype))
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            bad = ~np.isfinite(array.astype(float_dtype(), copy=False))
        if bad.any():
            at = np.argwhere(bad)[0]
            value = array[tuple(at)]
            advice = (
                "scale the values, for numbers of 32 bits end at 3.4e+38, or enable 64-bit numbers"
                if np.isfinite(value)
                else "remove or replace values that are not finite"
            )
            raise InputError(f"{name} holds {value} {_location(place, at)}: {advice}.")
    elif array.dtype.kind in "iu" and array.size and not -_LARGEST <= array.min() <= array.max() <= _LARGEST:
        raise InputError(
            f"{name} holds whole numbers beyond {_LARGEST}, the largest of 32 bits: convert them to float."
        )
    return array


def _location(place: str, index: Any) -> str:
    return f"{place} {int(index[0])}" if place == "in row" else f"{place} {[int(i) for i in index]}"


_ADVICE = {
    "c": ", such as np.stack([x.real, x.imag], axis=-1)",
    "V": ", such as that of numpy.lib.recfunctions.structured_to_unstructured",
    "M": ", such as the days since the first one",
    "m": ", such as x / np.timedelta64(1, 's')",
}
_TEXT_COLUMN = (
    " pandas.get_dummies(frame) turns text into numbers, and columns=[...] of from_frame leaves this column out."
)


def _not_numbers(name: str, array: np.ndarray, place: str, dtype: Any) -> str:
    what = f"{name} has dtype {dtype}: give {'a column' if place == 'in row' else 'an array'} of integers or floats"
    if array.dtype == object:
        for index in np.ndindex(array.shape):
            if is_missing(array[index]):
                return (
                    f"{name} holds {array[index]} {_location(place, index)}: remove or replace values that are missing."
                )
        for index in np.ndindex(array.shape):
            if not isinstance(array[index], int | float | np.number):
                advice = _TEXT_COLUMN if place == "in row" and isinstance(array[index], str) else ""
                return f"{what}, without {array[index]!r} {_location(place, index)}.{advice}"
        return f"{what}, such as that of .astype(int) or .astype(float)."
    return f"{what}{_ADVICE.get(array.dtype.kind, '')}."
