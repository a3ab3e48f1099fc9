"""Networks that give back their inputs: the check that a network does, and the network as a function of flat inputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from memjax.errors import InputError
from memjax.fields import with_numbers
from memjax.jax_settings import wide
from memjax.types import Array

__all__ = ["check_reconstructs", "flat_map"]


def check_reconstructs(name: str, snapshot: Any, x: np.ndarray) -> None:
    """Raise `InputError` unless a network gives back as many numbers as each of its inputs ``x[N, ...]`` has."""
    row: Any = jax.ShapeDtypeStruct((1, *x.shape[1:]), x.dtype)
    found: Any = jax.eval_shape(snapshot.model.apply, snapshot.params, row)
    outputs = math.prod(found.shape[1:])
    if not np.issubdtype(x.dtype, np.floating) or outputs != math.prod(x.shape[1:]):
        raise InputError(
            f"{name} needs a network that gives back its inputs, but the inputs are {x.dtype} of the shape "
            f"{list(x.shape[1:])}, and the network has {outputs} outputs: use a task of float inputs whose targets are the "
            "inputs, flattened."
        )


def flat_map(model: Any, numbers: Any, params: Any, shape: tuple[int, ...]) -> Callable[[Array], Array]:
    """The network as a function from flat inputs ``[B, D]`` to outputs ``[B, D]``, for inputs of a shape."""
    network = with_numbers(model, numbers)
    return lambda rows: wide(network.apply(params, rows.reshape(-1, *shape))).reshape(rows.shape)
