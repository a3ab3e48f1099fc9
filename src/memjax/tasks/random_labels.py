"""Random labels: labels are independent of the inputs, so they can be memorised but not learnt."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.keywords import named
from memjax.checks.values import keep_numbers, keep_wholes, one_of
from memjax.errors import InputError
from memjax.fields import traced
from memjax.random import generator
from memjax.types import Array, Data, Split

__all__ = ["RandomLabels"]


def _sphere(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    normal = rng.standard_normal(shape, np.float32)
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)


_INPUTS: dict[str, Callable[[np.random.Generator, tuple[int, int]], np.ndarray]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape, np.float32),
    "uniform": lambda rng, shape: 2 * rng.random(shape, np.float32) - 1,
    "uniform01": lambda rng, shape: rng.random(shape, np.float32),
    "rademacher": lambda rng, shape: 2 * (rng.random(shape, np.float32) < 0.5).astype(np.float32) - 1,
    "sphere": _sphere,
}


def _one_on_sphere(key: Array, width: int) -> Array:
    normal = jax.random.normal(key, (width,), jnp.float32)
    return normal / jnp.sqrt((normal * normal).sum())


# The same distributions inside a program, one row from one key.
_FRESH_INPUTS: dict[str, Callable[[Array, int], Array]] = {
    "normal": lambda key, width: jax.random.normal(key, (width,), jnp.float32),
    "uniform": lambda key, width: 2 * jax.random.uniform(key, (width,), jnp.float32) - 1,
    "uniform01": lambda key, width: jax.random.uniform(key, (width,), jnp.float32),
    "rademacher": lambda key, width: 2 * jax.random.bernoulli(key, 0.5, (width,)).astype(jnp.float32) - 1,
    "sphere": _one_on_sphere,
}

# Logarithms of the weights, because the weights of a steep distribution overflow.
_LABELS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "uniform": lambda classes, alpha: np.zeros_like(classes),
    "power": lambda classes, alpha: -alpha * np.log(classes),
    "exponential": lambda classes, alpha: -alpha * classes,
}


@named
@dataclass(frozen=True)
class RandomLabels:
    """Inputs from a simple distribution and independent class labels (Zhang et al. 2017; Liu's L2 post).

    Parameters
    ----------
    input_dim
        Input width D.
    num_classes
        Number of classes C, at least 2.
    inputs
        Distribution of the inputs: ``normal`` (N(0, I)), ``uniform`` (on [-1, 1)), ``uniform01`` (on [0, 1)),
        ``rademacher`` (+-1) or ``sphere`` (unit sphere).
    labels
        Distribution of the labels c = 1..C: ``uniform``, ``power`` (c^-alpha) or ``exponential`` (exp(-alpha c)).
    alpha
        Parameter of the label distribution; at 0 it is uniform. Traced in fresh examples.
    label_noise
        Must stay 0, because every label is random already.

    Examples
    --------
    >>> task = RandomLabels(input_dim=9, num_classes=17)
    >>> train, test = task.draw(seed=0, train_size=100, test_size=80)
    >>> train.x.shape, train.y.shape, test.x.shape
    ((100, 9), (100,), (80, 9))
    """

    input_dim: int = 9
    num_classes: int = 17
    inputs: str = "normal"
    labels: str = "uniform"
    alpha: float = traced(1.0)
    label_noise: float = 0.0

    def __post_init__(self) -> None:
        keep_wholes(self, {"input_dim": 1, "num_classes": 2})
        one_of("RandomLabels.inputs", self.inputs, _INPUTS)
        one_of("RandomLabels.labels", self.labels, _LABELS)
        keep_numbers(self, ["alpha"])
        if self.label_noise != 0:
            raise InputError(
                f"RandomLabels.label_noise is {self.label_noise!r}, but label noise does not apply here: the labels are "
                "independent of the inputs already. Leave it at 0, or use a task with true labels, such as "
                "memjax.tasks.from_arrays."
            )

    @property
    def num_outputs(self) -> int:
        """One logit per class."""
        return self.num_classes

    def label_probabilities(self) -> np.ndarray:
        """Probability of each class, ``float64[C]``.

        Examples
        --------
        >>> RandomLabels(num_classes=2, labels="power", alpha=1.0).label_probabilities().round(4).tolist()
        [0.6667, 0.3333]
        """
        return _probabilities(self.num_classes, self.labels, self.alpha)

    def draw(self, seed: int, train_size: int, test_size: int) -> Split:
        """Draw both splits: inputs ``float32[N, D]``, labels ``int32[N]``; nested in either size."""
        return Split(self._examples(seed, "train", train_size), self._examples(seed, "test", test_size))

    def stream(self, seed: int) -> np.ndarray:
        """What fresh examples have in common: 2^32 times the cumulative shares of all but the last class, ``uint32[C - 1]``."""
        del seed
        return np.minimum(np.floor(self._cumulative() * 2.0**32), 2**32 - 1).astype(np.uint32)

    def fresh(self, stream: Array, keys: Array) -> tuple[Array, Array]:
        """Draw an example with each key ``[B]``: inputs ``float32[B, D]`` and labels ``int32[B]``.

        Examples
        --------
        >>> task = RandomLabels(input_dim=2, num_classes=4)
        >>> x, y = task.fresh(task.stream(seed=0), jax.random.split(jax.random.key(0), 3))
        >>> x.shape, y.dtype.name, y.shape
        ((3, 2), 'int32', (3,))
        """

        def one(key: Array) -> tuple[Array, Array]:
            of_x, of_label = jax.random.split(key)
            # A label is the number of shares that 32 random bits have reached.
            label = (jax.random.bits(of_label, (), jnp.uint32) >= stream).sum(dtype=jnp.int32)
            return _FRESH_INPUTS[self.inputs](of_x, self.input_dim), label

        return jax.vmap(one)(keys)

    def _examples(self, seed: int, split: str, size: int) -> Data:
        x = _INPUTS[self.inputs](generator(seed, f"{split} inputs"), (size, self.input_dim))
        uniform = generator(seed, f"{split} labels").random(size)
        return Data(x, np.searchsorted(self._cumulative(), uniform, side="right").astype(np.int32))

    def _cumulative(self) -> np.ndarray:
        """The shares of the classes up to each but the last."""
        if type(self).label_probabilities is RandomLabels.label_probabilities:
            return _cumulative(self.num_classes, self.labels, self.alpha)
        return np.cumsum(self.label_probabilities())[:-1]


def _probabilities(num_classes: int, labels: str, alpha: float) -> np.ndarray:
    logs = _LABELS[labels](np.arange(1, num_classes + 1, dtype=np.float64), alpha)
    weights = np.exp(logs - logs.max())
    return weights / weights.sum()


@functools.lru_cache(maxsize=64)
def _cumulative(num_classes: int, labels: str, alpha: float) -> np.ndarray:
    """Kept, because many runs draw from the same shares."""
    return np.cumsum(_probabilities(num_classes, labels, alpha))[:-1]
