"""Gradient descent on least squares, exact at every step: how fast every direction is learnt, signal and noise alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

__all__ = ["gradient_descent_risk"]

FloatArray = npt.NDArray[np.float64]


def gradient_descent_risk(
    x: npt.ArrayLike,
    teacher: npt.ArrayLike,
    errors: npt.ArrayLike,
    steps: npt.ArrayLike,
    learning_rate: float,
    *,
    start: npt.ArrayLike | None = None,
    covariance: npt.ArrayLike | None = None,
) -> xr.Dataset:
    """Weights and excess test error of full-batch gradient descent on linear regression, without taking the steps.

    Parameters
    ----------
    x
        Train inputs, float ``[N, p]``; append a column of ones for a bias.
    teacher
        True coefficients w*, ``[p]``.
    errors
        Noise of the train targets e, ``[N]``: the targets are ``x @ teacher + errors``.
    steps
        Whole numbers t of at least 0, ``[T]``.
    learning_rate
        Rate eta of gradient descent on the mean over examples of the squared error, which is the loss ``mse`` of one output.
    start
        Weights at step 0, ``[p]``; zeros if None.
    covariance
        Second moments of the test inputs, ``[p, p]``; None is the identity, for isotropic inputs.

    Returns
    -------
    xarray.Dataset
        float64 by ``step``: ``weights (step, input)``; ``risk``, the expected squared difference of the prediction and the true
        function on a test input; ``signal_risk`` and ``noise_risk``, that of noiseless targets and that of the noise alone;
        ``train_loss``. The risk is the sum of the two parts and of a product whose mean over the noise is 0.

    Raises
    ------
    ValueError
        If shapes do not fit, a step is not whole or negative, or a number is not finite.

    Notes
    -----
    With x = U diag(s) V^T and l = 2 s^2 / N, the error of the weights along every right singular vector is

        v.(w_t - w*) = (1 - eta l)^t v.(w_0 - w*) + [1 - (1 - eta l)^t] u.e / s,

    and nothing moves in directions that no input has. A small singular value takes long to be learnt, and its share of the
    noise is then large: the test error has a minimum in time and may rise later. M. Advani and A. Saxe, "High-dimensional
    dynamics of generalization error in neural networks" (2017, arXiv:1710.03667), average this over inputs.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, teacher = rng.normal(size=(20, 20)), rng.normal(size=20) / 20**0.5
    >>> found = gradient_descent_risk(x, teacher, 0.5 * rng.normal(size=20), [0, 30, 100_000], 0.1)
    >>> best, last = found.risk.values[1:]
    >>> bool(best < found.risk[0] < last), bool(found.noise_risk[-1] > found.signal_risk[-1])
    (True, True)
    """
    inputs, true, noise = _numbers("x", x, 2), _numbers("teacher", teacher, 1), _numbers("errors", errors, 1)
    first = np.zeros_like(true) if start is None else _numbers("start", start, 1)
    test = np.eye(len(true)) if covariance is None else _numbers("covariance", covariance, 2)
    _check_shapes(inputs, true, noise, first, test)
    times = _steps(steps)
    missing, learnt = _errors(inputs, first - true, noise, times, float(learning_rate))
    both = missing + learnt
    variables: dict[str, Any] = {
        "weights": (("step", "input"), true + both),
        "risk": ("step", _squared(both, test)),
        "signal_risk": ("step", _squared(missing, test)),
        "noise_risk": ("step", _squared(learnt, test)),
        "train_loss": ("step", ((both @ inputs.T - noise) ** 2).mean(1)),
    }
    return xr.Dataset(variables, {"step": times}, {"learning_rate": float(learning_rate)})


def _errors(
    x: FloatArray, first: FloatArray, noise: FloatArray, times: npt.NDArray[np.int64], rate: float
) -> tuple[FloatArray, FloatArray]:
    """What is missing of the teacher and what was learnt of the noise, ``[T, p]`` each."""
    left, sizes, right = np.linalg.svd(x, full_matrices=False)
    kept = (1 - rate * 2 * sizes**2 / len(x)) ** times[:, None]
    along = right @ first
    still = first - along @ right
    there = sizes > np.finfo(np.float64).eps * max(x.shape) * sizes[0]
    taken = np.where(there, (1 - kept) * (noise @ left) / np.where(there, sizes, 1), 0.0)
    return still + kept * along @ right, taken @ right


def _squared(errors: FloatArray, covariance: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ti,ij,tj->t", errors, covariance, errors))


def _numbers(name: str, values: npt.ArrayLike, dims: int) -> FloatArray:
    found = np.asarray(values, np.float64)
    if found.ndim != dims or not found.size:
        raise ValueError(
            f"{name} has shape {found.shape}: give an array of {dims} dimensions with at least one number."
        )
    if not np.isfinite(found).all():
        raise ValueError(f"{name} holds numbers that are not finite: leave those examples out.")
    return found


def _check_shapes(x: FloatArray, true: FloatArray, noise: FloatArray, first: FloatArray, test: FloatArray) -> None:
    count, inputs = x.shape
    wanted: dict[str, tuple[FloatArray, tuple[int, ...]]] = {
        "teacher": (true, (inputs,)),
        "errors": (noise, (count,)),
        "start": (first, (inputs,)),
        "covariance": (test, (inputs, inputs)),
    }
    for name, (values, shape) in wanted.items():
        if values.shape != shape:
            raise ValueError(
                f"{name} has shape {values.shape}, but x has shape {x.shape}: give {name} of shape {shape}."
            )


def _steps(steps: npt.ArrayLike) -> npt.NDArray[np.int64]:
    found = np.atleast_1d(np.asarray(steps))
    if found.ndim != 1 or found.dtype.kind not in "iu" or (found < 0).any():
        raise ValueError(f"steps is {steps!r}: give whole numbers of at least 0.")
    return found.astype(np.int64)
