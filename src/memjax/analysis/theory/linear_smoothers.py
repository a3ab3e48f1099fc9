"""Predictions that are linear in the targets: how many parameters they use, and which directions make their test error."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.lift import lift
from memjax.checks.labelled import require_dim

__all__ = ["effective_parameters", "least_squares_terms"]

FloatArray = npt.NDArray[np.float64]


def effective_parameters(weights: Any, inputs: str = "test_example", examples: str = "example") -> Any:
    """Number of parameters that a linear smoother uses on some inputs.

    Parameters
    ----------
    weights
        Smoothing weights ``[..., T, N]`` of T inputs: the prediction of an input is the sum of its weights times the targets of
        the N train examples. A DataArray has the dimensions ``inputs`` and ``examples`` anywhere.
    inputs, examples
        Dimensions of a DataArray.

    Returns
    -------
    float, numpy.ndarray or xarray.DataArray
        float64 ``[...]``: N times the mean over the inputs of the squared norm of their weights.

    Raises
    ------
    ValueError
        If ``weights`` has fewer than two dimensions or lacks a dimension.

    Notes
    -----
    A. Curth, A. Jeffares, M. van der Schaar, "A U-turn on double descent" (NeurIPS 2023, arXiv:2310.18988): targets with
    independent noise of variance s2 give predictions of variance s2 times this number over N. The mean of k neighbours uses
    N / k parameters on any inputs, and least squares on p <= N independent features uses p on its own train inputs. On test
    inputs least squares uses more, most of all at p = N, and fewer again with more features.

    Examples
    --------
    >>> effective_parameters([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]])
    2.0
    """
    if isinstance(weights, xr.DataArray):
        require_dim(weights, inputs, "inputs")
        require_dim(weights, examples, "examples")
        found = lift(_used, weights, [inputs, examples], {"used": ()})["used"]
        return found.rename("effective_parameters").assign_attrs(long_name="effective parameters", units="1")
    values = np.asarray(weights, np.float64)
    if values.ndim < 2:
        raise ValueError(
            f"weights has shape {values.shape}: give weights of every input and train example, [..., T, N]."
        )
    used = _used(values)[0]
    return used if values.ndim > 2 else float(used)


def _used(weights: FloatArray) -> tuple[FloatArray]:
    return (weights.shape[-1] * (weights**2).sum(-1).mean(-1),)


def least_squares_terms(
    x: npt.ArrayLike, y: npt.ArrayLike, x_test: npt.ArrayLike, best: npt.ArrayLike, cut: float = 0.0
) -> xr.Dataset:
    """Error of least-norm least squares on test inputs, as a sum over the singular directions of the train inputs.

    Parameters
    ----------
    x, y
        Train inputs ``[N, p]`` and targets ``[N]``.
    x_test
        Test inputs ``[T, p]``.
    best
        Coefficients b of the best linear model, ``[p]``, such as those of all data.
    cut
        Singular values of at most ``cut`` are left out of the fit; those that are zero up to rounding always are.

    Returns
    -------
    xarray.Dataset
        float64. The three factors: ``singular_value (mode)`` s_r of the train inputs, from large to small; ``along
        (test_example, mode)``, the test inputs along the right singular vectors v_r; ``residual (mode)``, the residuals of the
        best model along the left singular vectors u_r. ``term (test_example, mode)`` is along times residual over singular
        value. ``bias (test_example)`` is what the train inputs cannot say about the best model. ``error (test_example)``, the
        sum of the terms and the bias, is the prediction less that of the best model.

    Raises
    ------
    ValueError
        If shapes do not fit, or ``cut`` is negative.

    Notes
    -----
    R. Schaeffer et al., "Double descent demystified" (2023, arXiv:2303.14151): with the residuals E = y - x b,

        prediction - x_test.b = sum_r (1 / s_r) (x_test.v_r) (u_r.E) - x_test.(I - sum_r v_r v_r^T) b.

    A large error needs all three factors: a small singular value, test inputs along its direction, and residuals of the best
    model. There is no bias as long as the kept directions span all inputs.

    Examples
    --------
    >>> found = least_squares_terms([[1.0, 0.0], [0.0, 0.1]], [1.0, 0.3], [[1.0, 1.0]], best=[1.0, 1.0])
    >>> found.singular_value.values.tolist(), found.term.values.round(6).tolist(), found.error.values.round(6).tolist()
    ([1.0, 0.1], [[0.0, 2.0]], [2.0])
    """
    train, targets, test, true = (np.asarray(one, np.float64) for one in (x, y, x_test, best))
    _check(train, targets, test, true, cut)
    left, sizes, right = np.linalg.svd(train, full_matrices=False)
    kept = sizes > max(cut, np.finfo(np.float64).eps * max(train.shape) * sizes[0])
    left, sizes, right = left[:, kept], sizes[kept], right[kept]
    along, residual = test @ right.T, (targets - train @ true) @ left
    term, bias = along * residual / sizes, along @ (right @ true) - test @ true
    variables: dict[str, Any] = {
        "singular_value": ("mode", sizes),
        "along": (("test_example", "mode"), along),
        "residual": ("mode", residual),
        "term": (("test_example", "mode"), term),
        "bias": ("test_example", bias),
        "error": ("test_example", term.sum(1) + bias),
    }
    return xr.Dataset(variables, attrs={"cut": float(cut)})


def _check(x: FloatArray, y: FloatArray, x_test: FloatArray, best: FloatArray, cut: float) -> None:
    if x.ndim != 2 or not x.size:
        raise ValueError(f"x has shape {x.shape}: give train inputs [N, p].")
    count, inputs = x.shape
    if y.shape != (count,) or best.shape != (inputs,) or x_test.ndim != 2 or x_test.shape[1] != inputs:
        raise ValueError(
            f"y has shape {y.shape}, x_test {x_test.shape} and best {best.shape}: x of shape {x.shape} needs ({count},), "
            f"(T, {inputs}) and ({inputs},)."
        )
    if cut < 0:
        raise ValueError(f"cut is {cut!r}: give a singular value of at least 0.")
