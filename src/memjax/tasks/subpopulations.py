"""Subpopulations: a mixture of clusters with long-tailed frequencies and random labels, so that rare ones must be memorised."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.keywords import named
from memjax.checks.values import keep_numbers, keep_wholes
from memjax.fields import traced
from memjax.random import generator
from memjax.types import Array, Data, Split

__all__ = ["Subpopulations"]

_Stream = tuple[Array | np.ndarray, Array | np.ndarray, Array | np.ndarray]


@named
@dataclass(frozen=True)
class Subpopulations:
    """Clusters of inputs with Zipf frequencies; every cluster has one random label (V. Feldman, arXiv:1906.05271).

    This is the mixture model of "Does learning require memorization? A short tale about a long tail" (2020). An example belongs
    to the subpopulation i = 1..N with a probability that is proportional to i^-exponent. Its input is normal around the centre
    of the subpopulation, and its label is that of the subpopulation. Centres are normal, with a standard deviation of 1 for
    every input, and labels are uniform over the classes. Centres and labels follow the data seed. A label says nothing about
    other subpopulations, so a learner is right about a rare one only if the learner has memorised an example of the
    subpopulation. With ``train_size="fresh"`` every step draws new examples.

    Parameters
    ----------
    num_subpopulations
        Number of subpopulations N.
    exponent
        Zipf exponent of the frequencies, at least 0; at 0 all frequencies are equal. Traced in fresh examples.
    num_classes
        Number of classes C, at least 2.
    input_dim
        Input width D.
    spread
        Standard deviation of an input around its centre, at least 0. Traced in fresh examples.

    Raises
    ------
    InputError
        If a field's value is not allowed.

    Examples
    --------
    >>> task = Subpopulations(num_subpopulations=100, num_classes=10, input_dim=20)
    >>> train, test = task.draw(seed=0, train_size=200, test_size=80)
    >>> train.x.shape, train.y.dtype.name, test.y.shape
    ((200, 20), 'int32', (80,))
    >>> seen = np.bincount(task.subpopulations(seed=0, train_size=200, test_size=0)[0], minlength=100)
    >>> int((seen == 1).sum()), int((seen == 0).sum())
    (34, 35)
    """

    num_subpopulations: int = 1000
    exponent: float = traced(1.0)
    num_classes: int = 10
    input_dim: int = 50
    spread: float = traced(0.2)

    def __post_init__(self) -> None:
        keep_wholes(self, {"num_subpopulations": 1, "num_classes": 2, "input_dim": 1})
        keep_numbers(self, ["exponent", "spread"], 0)

    @property
    def num_outputs(self) -> int:
        """One logit per class."""
        return self.num_classes

    def frequencies(self) -> np.ndarray:
        """Probability of each subpopulation, from the most frequent one on, ``float64[N]``.

        Examples
        --------
        >>> Subpopulations(num_subpopulations=3).frequencies().round(4).tolist()
        [0.5455, 0.2727, 0.1818]
        """
        return _frequencies(self.num_subpopulations, self.exponent)

    def centers(self, seed: int) -> np.ndarray:
        """Centre of each subpopulation of a data seed, ``float32[N, D]``."""
        return generator(seed, "centers").standard_normal((self.num_subpopulations, self.input_dim), np.float32)

    def classes(self, seed: int) -> np.ndarray:
        """Label of each subpopulation of a data seed, ``int32[N]``."""
        return generator(seed, "classes").integers(0, self.num_classes, self.num_subpopulations, np.int32)

    def subpopulations(self, seed: int, train_size: int, test_size: int) -> tuple[np.ndarray, np.ndarray]:
        """Number of the subpopulation of every train and test example of `draw`, ``int32[N]`` each; 0 is the most frequent.

        Examples
        --------
        >>> task = Subpopulations(num_subpopulations=5)
        >>> train, test = task.subpopulations(seed=0, train_size=6, test_size=3)
        >>> bool((task.classes(seed=0)[train] == task.draw(0, 6, 3).train.y).all())
        True
        """
        train, test = (self._members(seed, *split) for split in (("train", train_size), ("test", test_size)))
        return train, test

    def draw(self, seed: int, train_size: int, test_size: int) -> Split:
        """Draw both splits: inputs ``float32[N, D]`` and labels ``int32[N]``; nested in either size."""
        centers, classes = self.centers(seed), self.classes(seed)
        parts = (
            self._examples(seed, centers, classes, *split) for split in (("train", train_size), ("test", test_size))
        )
        return Split(*parts)

    def stream(self, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What fresh examples have in common: thresholds of 32 bits ``uint32[N - 1]``, centres and labels."""
        cumulative = _cumulative(self.num_subpopulations, self.exponent)
        thresholds = np.minimum(np.floor(cumulative * 2.0**32), 2**32 - 1).astype(np.uint32)
        return thresholds, self.centers(seed), self.classes(seed)

    def fresh(self, stream: _Stream, keys: Array) -> tuple[Array, Array]:
        """Draw an example with each key ``[B]``: inputs ``float32[B, D]`` and labels ``int32[B]``.

        Examples
        --------
        >>> task = Subpopulations(num_subpopulations=4, input_dim=2)
        >>> x, y = task.fresh(task.stream(seed=0), jax.random.split(jax.random.key(0), 3))
        >>> x.shape, y.dtype.name, y.shape
        ((3, 2), 'int32', (3,))
        """
        thresholds, centers, classes = map(jnp.asarray, stream)

        def one(key: Array) -> tuple[Array, Array]:
            of_member, of_x = jax.random.split(key)
            # The number of thresholds that 32 random bits have reached.
            member = (jax.random.bits(of_member, (), jnp.uint32) >= thresholds).sum(dtype=jnp.int32)
            offset = jnp.asarray(self.spread, jnp.float32) * jax.random.normal(of_x, (self.input_dim,), jnp.float32)
            return centers[member] + offset, classes[member]

        return jax.vmap(one)(keys)

    def _members(self, seed: int, split: str, size: int) -> np.ndarray:
        uniform = generator(seed, f"{split} subpopulations").random(size)
        cumulative = _cumulative(self.num_subpopulations, self.exponent)
        return np.searchsorted(cumulative, uniform, side="right").astype(np.int32)

    def _examples(self, seed: int, centers: np.ndarray, classes: np.ndarray, split: str, size: int) -> Data:
        members = self._members(seed, split, size)
        offsets = generator(seed, f"{split} inputs").standard_normal((size, self.input_dim), np.float32)
        return Data(centers[members] + np.float32(self.spread) * offsets, classes[members])


def _frequencies(count: int, exponent: float) -> np.ndarray:
    # Logarithms, because the weights of a steep law vanish.
    logs = -exponent * np.log(np.arange(1, count + 1, dtype=np.float64))
    weights = np.exp(logs)
    return np.asarray(weights / weights.sum())


@functools.lru_cache(maxsize=64)
def _cumulative(count: int, exponent: float) -> np.ndarray:
    """The probabilities up to each but the last; kept, because many runs draw from the same ones."""
    return np.cumsum(_frequencies(count, exponent))[:-1]
