"""How much a network can store: Cover's law, bits of labels, and shares of runs with exact intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.intervals import binomial_interval
from memjax.analysis.base.lift import lift
from memjax.analysis.base.pairing import paired
from memjax.checks.labelled import require_array, require_dim, require_fraction

__all__ = [
    "all_fitted",
    "cover_probability",
    "linearly_separable",
    "memorized_bits",
    "num_fitted",
    "share_interval",
]

FloatArray = npt.NDArray[np.float64]

# scipy's word for a linear program that no point satisfies; any other failure is no answer.
_INFEASIBLE = 2
_ROUNDS = 4


def cover_probability(num_examples: Any, dimension: Any) -> Any:
    """Probability that a hyperplane through the origin realises fair random labels of N examples.

    Parameters
    ----------
    num_examples
        Number of examples N, at least 1, in general position (any n of them independent, as Gaussian ones are).
    dimension
        Input width n, at least 1; a bias is one more input. Broadcasts against ``num_examples``.

    Returns
    -------
    float, numpy.ndarray or xarray.DataArray
        P(N, n) = 2^(1 - N) sum_{k < n} binom(N - 1, k): 1 up to N = n, one half at N = 2 n.

    Raises
    ------
    ValueError
        If a number is not whole or below 1.

    Notes
    -----
    The probability that a binomial variable of N - 1 fair trials is below n (Cover 1965, doi:10.1109/PGEC.1965.264137),
    evaluated as an incomplete beta function, so nothing is summed and nothing overflows. Against exact fractions up to N =
    4000 the relative error is below 3e-13, also in the tail, down to 1e-307, the smallest probability that float64 holds;
    smaller probabilities read 0. A softmax over two logits without biases is one such hyperplane, w1 - w0.

    Examples
    --------
    >>> cover_probability([10, 30, 40, 10_000], [10, 20, 20, 5_100]).round(4)
    array([1.    , 0.9693, 0.5   , 0.9773])
    """
    from scipy.special import betainc

    num_examples, dimension = _paired(num_examples=num_examples, dimension=dimension)
    count, width = _whole(num_examples, "num_examples"), _whole(dimension, "dimension")
    # P(K < n) = I_1/2(N - n, n), for N > n; scipy's binomial distribution itself loses digits beyond a million trials.
    law = betainc(np.maximum(count - width, 1), width, 0.5)
    # Not 1 minus the other tail, in which a small probability would be lost.
    return law + (count <= width) * (1.0 - law)


def memorized_bits(loss: Any, num_examples: Any, num_classes: Any) -> Any:
    """Bits that a network saves on the labels of its train set, compared with uniform guessing.

    Parameters
    ----------
    loss
        Mean cross-entropy of the train examples, in nats.
    num_examples
        Number of train examples N; broadcasts against ``loss``.
    num_classes
        Number of classes C.

    Returns
    -------
    float, numpy.ndarray or xarray.DataArray
        N (ln C - loss) / ln 2, in bits: at most N log2 C, and negative for a network worse than uniform guessing.

    Notes
    -----
    These are the "memorized bits" of Liu (2026), "Memory 2"; the measure ``memorized_bits`` records the same number.

    Examples
    --------
    >>> float(memorized_bits(0.0, num_examples=100, num_classes=8))
    300.0
    """
    loss, num_examples = _paired(loss=loss, num_examples=num_examples)
    labelled = isinstance(loss, xr.DataArray)
    bits = num_examples * (np.log(num_classes) - (loss if labelled else np.asarray(loss, np.float64))) / np.log(2.0)
    if isinstance(bits, xr.DataArray):
        bits.attrs = {"long_name": "memorised label information", "units": "bits"}
    return bits


def num_fitted(accuracy: Any, num_examples: Any) -> Any:
    """How many train examples are classified right: N times the accuracy.

    Parameters
    ----------
    accuracy
        Share of the train examples classified right.
    num_examples
        Number of train examples N; broadcasts against ``accuracy``.

    Returns
    -------
    numpy.ndarray or xarray.DataArray
        A whole number as float64; NaN where the accuracy is NaN (a diverged run).

    Examples
    --------
    >>> import numpy as np
    >>> num_fitted(np.float32([0.99999994, 0.5]), 60)
    array([60., 30.])
    """
    accuracy, num_examples = _paired(accuracy=accuracy, num_examples=num_examples)
    accuracy = accuracy if isinstance(accuracy, xr.DataArray) else np.asarray(accuracy)
    # Records are float32 averages, so that a run with every example right may read as a little less than 1.
    fitted = np.rint(accuracy.astype(np.float64) * num_examples)
    if isinstance(fitted, xr.DataArray):
        fitted.attrs = {"long_name": "train examples fitted", "units": "1"}
    return fitted


def all_fitted(accuracy: Any, num_examples: Any) -> Any:
    """1 if every train example is classified right, 0 if not, and NaN if the accuracy is NaN.

    Parameters
    ----------
    accuracy
        Share of the train examples classified right.
    num_examples
        Number of train examples N; broadcasts against ``accuracy``.

    Returns
    -------
    numpy.ndarray or xarray.DataArray
        float64.

    Examples
    --------
    >>> all_fitted([0.99999994, 0.98, float("nan")], 60)
    array([ 1.,  0., nan])
    """
    accuracy, num_examples = _paired(accuracy=accuracy, num_examples=num_examples)
    # Both are whole numbers, so their ratio is exactly 1; NaN stays NaN.
    whole = np.floor(num_fitted(accuracy, num_examples) / num_examples)
    if isinstance(whole, xr.DataArray):
        whole.attrs = {"long_name": "all train examples fitted", "units": "1"}
    return whole


def share_interval(flags: xr.DataArray, dim: str = "seed", level: float = 0.95) -> xr.Dataset:
    """Share of runs for which something holds, with its exact binomial interval.

    Parameters
    ----------
    flags
        1 or True if it holds for a run, otherwise 0 or False, dimensions ``(..., dim)``; NaN (diverged runs) is left out.
    dim
        Dimension of the repeats, usually ``seed``.
    level
        Least coverage, between 0 and 1.

    Returns
    -------
    xarray.Dataset
        ``share`` float64 ``(...)``; ``share_interval`` float64 ``(..., bound)``; ``count`` int64 ``(...)``, the number
        of finite values. Without a finite value the others are NaN.

    Raises
    ------
    ValueError
        If ``flags`` is not a DataArray, ``dim`` is not one of its dimensions, or ``level`` is not in (0, 1).

    Notes
    -----
    This is the interval of Clopper and Pearson (1934, doi:10.1093/biomet/26.4.404). Its coverage is never below ``level``. A
    share of 0 or 1 has such an interval too; Student's t gives none.

    Examples
    --------
    >>> import xarray as xr
    >>> separated = share_interval(xr.DataArray([True, True, True, False], dims="seed"))
    >>> float(separated.share), separated.share_interval.values.round(3)
    (0.75, array([0.194, 0.994]))
    """
    require_array(flags, "flags")
    found = np.asarray(flags.values, dtype=np.float64)
    if not np.isin(found[np.isfinite(found)], (0.0, 1.0)).all():
        raise ValueError(
            "flags holds other numbers than 0 and 1; compare them first, for example ds.train_accuracy == 1."
        )
    require_dim(flags, dim, "dim")
    require_fraction(level, "level")
    outputs = {"share": (), "share_interval": ("bound",), "count": ()}
    result = lift(_share, flags, [dim], outputs, level=level)
    result.attrs = {"method": f"Clopper-Pearson over {dim}", "level": level}
    return result


def linearly_separable(x: npt.ArrayLike, labels: npt.ArrayLike) -> bool:
    """Whether some hyperplane through the origin has all examples of one label on one side and all others on the other.

    Parameters
    ----------
    x
        Examples, float ``[N, n]``; append a column of ones to allow a bias.
    labels
        Two values, ``[N]``: those above 0 on one side, the others on the other.

    Returns
    -------
    bool
        Exact up to the tolerance of the linear program; the answer does not depend on what training would find.

    Raises
    ------
    ValueError
        If shapes or labels do not fit, ``x`` is not finite, a label is no number, or the linear program ends without an answer.

    Notes
    -----
    Neither the length of an example nor the unit of an input matters: rows and columns are brought to one size first.

    Examples
    --------
    >>> linearly_separable([[1.0], [2.0]], [1, 1]), linearly_separable([[1.0], [2.0]], [0, 1])
    (True, False)
    """
    from scipy.optimize import linprog

    x, labels = _paired(x=x, labels=labels)
    x, labels = np.asarray(x, np.float64), np.asarray(labels)
    if labels.dtype.kind not in "biuf" or np.isnan(labels).any():
        raise ValueError("labels holds something else than numbers: give those of one side a 1, the others a 0.")
    if x.ndim != 2 or labels.shape != x.shape[:1]:
        raise ValueError(f"x has shape {x.shape} and labels {labels.shape}; [N, n] and [N] are needed.")
    if not np.isfinite(x).all():
        raise ValueError(f"x holds {(~np.isfinite(x)).sum()} values that are not finite: leave those examples out.")
    signed = np.where(labels > 0, 1.0, -1.0)[:, None] * _of_one_size(x)
    # Any separating w can be scaled until every margin is at least 1, which makes the question a linear program.
    program = linprog(np.zeros(signed.shape[1]), A_ub=-signed, b_ub=-np.ones(len(signed)), bounds=(None, None))
    if not program.success and program.status != _INFEASIBLE:
        raise ValueError(f"The linear program ended without an answer: {program.message} Scale x, or give fewer rows.")
    return bool(program.success)


def _of_one_size(x: FloatArray) -> FloatArray:
    """Rows and columns scaled until the largest entry of each is near 1; the linear program drops entries below 1e-9.

    A positive factor of a row does not change the side of the example, and a factor of a column goes into the hyperplane.
    """
    for _ in range(_ROUNDS):
        for axis in (0, 1):
            largest = np.abs(x).max(axis=axis, keepdims=True)
            # Powers of two do not change any digit.
            x = np.ldexp(x, -np.where(largest > 0.0, np.frexp(largest)[1], 0))
    return x


def _paired(**values: Any) -> list[Any]:
    """Two values, with labels in one order; xarray's arithmetic would drop labels that only one value has."""
    labelled = all(isinstance(value, xr.DataArray) for value in values.values())
    return list(paired(values)) if labelled else list(values.values())


def _whole(values: Any, argument: str) -> Any:
    # Floats hold numbers beyond 2^63 too.
    floats = values.astype(np.float64) if isinstance(values, xr.DataArray) else np.asarray(values, np.float64)
    if not (np.isfinite(floats) & (floats == np.rint(floats)) & (floats >= 1)).all():
        raise ValueError(f"{argument} is {values!r}: whole numbers of at least 1 are needed.")
    return floats


def _share(flags: FloatArray, level: float) -> tuple[FloatArray, FloatArray, np.ndarray]:
    finite = np.isfinite(flags)
    count, held = finite.sum(axis=-1), np.where(finite, flags, 0.0).sum(axis=-1)
    return held / np.where(count > 0, count, np.nan), binomial_interval(held, count, level), count
