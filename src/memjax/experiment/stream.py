"""What the fresh examples of a run have in common: read from its task on the host, and described by its shapes."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import numpy as np

from memjax.errors import InputError
from memjax.experiment.experiment import Experiment
from memjax.jax_settings import host_dtype

__all__ = ["StreamShape", "stream_of"]


class StreamShape(NamedTuple):
    """Structure of a stream, and shape and dtype of each of its arrays; hashable."""

    tree: Any
    arrays: tuple[tuple[tuple[int, ...], str], ...]

    @classmethod
    def of(cls, stream: Any) -> StreamShape:
        """The shapes of a stream of NumPy arrays."""
        leaves, tree = jax.tree.flatten(stream)
        return cls(tree, tuple((leaf.shape, leaf.dtype.name) for leaf in leaves))

    @property
    def bytes(self) -> int:
        """Bytes of all arrays."""
        return sum(math.prod(shape) * np.dtype(dtype).itemsize for shape, dtype in self.arrays)

    def structs(self, *leading: int) -> Any:
        """Shape structs of the stream, with leading axes."""
        of = [jax.ShapeDtypeStruct((*leading, *shape), dtype) for shape, dtype in self.arrays]
        return jax.tree.unflatten(self.tree, of)


def stream_of(experiment: Experiment) -> Any:
    """The stream of a run as a tree of NumPy arrays, in the dtypes in which data are packed.

    Raises
    ------
    InputError
        If the task gives anything but a tree of arrays of numbers.
    """
    task: Any = experiment.task
    return jax.tree.map(lambda leaf: _packed(type(task).__name__, leaf), task.stream(experiment.data_key))


def _packed(kind: str, leaf: Any) -> np.ndarray:
    array = np.asarray(leaf)
    if not any(jax.dtypes.issubdtype(array.dtype, number) for number in (np.floating, np.integer, np.bool_)):
        raise InputError(
            f"{kind}.stream gave an array of dtype {array.dtype}: give a tree of arrays of integers or floats, or ()."
        )
    return array.astype(host_dtype(array.dtype))
