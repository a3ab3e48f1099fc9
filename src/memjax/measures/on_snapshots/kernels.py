"""The weight matrices of a network of dense layers, now and before training."""

from __future__ import annotations

from typing import Any

import numpy as np

from memjax.errors import InputError

__all__ = ["biases_of", "kernels_of"]


def kernels_of(name: str, params: Any) -> list[np.ndarray]:
    """Weight matrices ``float64[I, O]`` of the layers ``layer_0``, ``layer_1``, ... in their order.

    Parameters
    ----------
    name
        Name of the measure, for the message.
    params
        Parameters of a `memjax.models.MLP`, or of a model with the same structure.

    Raises
    ------
    InputError
        If the parameters have another structure.

    Examples
    --------
    >>> [kernel.shape for kernel in kernels_of("norms", {"layer_0": {"kernel": np.ones((2, 3))}})]
    [(2, 3)]
    """
    depth = len(params) if isinstance(params, dict) else 0
    layers = [params.get(f"layer_{i}") for i in range(depth)]
    fine = [isinstance(one, dict) and "kernel" in one and set(one) <= {"kernel", "bias"} for one in layers]
    if not layers or not all(fine) or any(np.ndim(one["kernel"]) != 2 for one in layers):
        raise InputError(
            f"{name} is of networks whose parameters are layer_0, layer_1, ..., each with a kernel and perhaps a bias, and "
            "this model has others: use memjax.models.MLP, or write the measure as a function of a snapshot."
        )
    return [np.asarray(one["kernel"], np.float64) for one in layers]


def biases_of(params: Any, kernels: list[np.ndarray]) -> list[np.ndarray]:
    """Biases ``float64[O]`` of the layers with these kernels; zeros where a layer has none.

    Examples
    --------
    >>> biases_of({"layer_0": {"kernel": np.ones((2, 3))}}, [np.ones((2, 3))])
    [array([0., 0., 0.])]
    """
    held = [params[f"layer_{i}"].get("bias", np.zeros(kernel.shape[1])) for i, kernel in enumerate(kernels)]
    return [np.asarray(bias, np.float64) for bias in held]
