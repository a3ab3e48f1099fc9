"""Sparse features: reconstruct inputs that are mostly zero (the toy models of superposition and of double descent)."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.keywords import named
from memjax.checks.values import keep_numbers, keep_wholes
from memjax.errors import InputError
from memjax.fields import traced
from memjax.random import generator
from memjax.types import Array, Data, Split

__all__ = ["SparseFeatures"]


@named
@dataclass(frozen=True)
class SparseFeatures:
    """Sparse vectors whose targets are the inputs themselves.

    Every feature is independently zero with probability ``sparsity``, else uniform on [0, 1) (T. Henighan et al.,
    "Superposition, memorization, and double descent", 2023). With ``train_size="fresh"`` every step draws new vectors, as in
    the toy models of superposition (N. Elhage et al., "Toy models of superposition", 2022).

    Parameters
    ----------
    num_features
        Input width D, the paper's n.
    sparsity
        Probability of a zero, the paper's S: at least 0, less than 1. Traced in fresh examples.
    normalize
        Whether each example is scaled to unit Euclidean norm, as in the paper; an example of zeros stays zero.

    Raises
    ------
    InputError
        If a field's value is not allowed.

    Examples
    --------
    >>> task = SparseFeatures(num_features=1000, sparsity=0.99)
    >>> train, test = task.draw(seed=0, train_size=200, test_size=100)
    >>> bool((train.x == train.y).all()), f"{(train.x != 0).mean():.3f}", f"{np.linalg.norm(train.x[0]):.3f}"
    (True, '0.010', '1.000')
    """

    num_features: int = 100
    sparsity: float = traced(0.9)
    normalize: bool = True

    def __post_init__(self) -> None:
        keep_wholes(self, {"num_features": 1})
        keep_numbers(self, ["sparsity"], 0, 1)
        if self.sparsity == 1:
            raise InputError("SparseFeatures.sparsity is 1, so no feature would ever be there: give less than 1.")
        if not isinstance(self.normalize, bool | np.bool_):
            raise InputError(f"SparseFeatures.normalize is {self.normalize!r}: give True or False.")

    @property
    def num_outputs(self) -> int:
        """One output per feature."""
        return self.num_features

    def draw(self, seed: int, train_size: int, test_size: int) -> Split:
        """Draw both splits: inputs and equal targets ``float32[N, D]``; nested in either size."""
        return Split(self._examples(seed, "train", train_size), self._examples(seed, "test", test_size))

    def stream(self, seed: int) -> tuple[()]:
        """What fresh examples have in common, which is nothing."""
        del seed
        return ()

    def fresh(self, stream: tuple[()], keys: Array) -> tuple[Array, Array]:
        """Draw an example with each key ``[B]``: inputs and equal targets ``float32[B, D]``.

        Examples
        --------
        >>> x, y = SparseFeatures(num_features=5).fresh((), jax.random.split(jax.random.key(0), 3))
        >>> x.shape, bool((x == y).all())
        ((3, 5), True)
        """
        del stream
        x = jax.vmap(self._one)(keys)
        return x, x

    def _one(self, key: Array) -> Array:
        there, values = (jax.random.uniform(own, (self.num_features,), jnp.float32) for own in jax.random.split(key))
        x = jnp.where(there >= jnp.asarray(self.sparsity, jnp.float32), values, 0)
        if not self.normalize:
            return x
        norm = jnp.sqrt((x * x).sum())
        return x / jnp.where(norm > 0, norm, 1)

    def _examples(self, seed: int, split: str, size: int) -> Data:
        shape = size, self.num_features
        there = generator(seed, f"{split} features").random(shape, np.float32) >= self.sparsity
        x = np.zeros(shape, np.float32)
        # Draw values only for nonzero features, in the order of rows, so that fewer rows use the beginning of the stream.
        x[there] = generator(seed, f"{split} values").random(int(there.sum()), np.float32)
        if self.normalize:
            norms = np.linalg.norm(x, axis=1, keepdims=True)
            np.divide(x, norms, out=x, where=norms > 0)
        return Data(x, x)
