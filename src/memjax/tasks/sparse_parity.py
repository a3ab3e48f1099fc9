"""Sparse parity: the target is the product of a few of many signs, and independent of every single sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.keywords import named
from memjax.checks.values import keep_numbers, keep_wholes, whole
from memjax.errors import InputError
from memjax.fields import traced
from memjax.random import generator
from memjax.types import Array, Data, Split

__all__ = ["SparseParity"]


@named
@dataclass(frozen=True)
class SparseParity:
    """Uniform signs, and the product of k of them as the target (Barak et al. 2022, "Hidden progress in deep learning").

    Online learning (arXiv:2207.08799, section 2) uses each example once: ``train_size="fresh"`` draws the examples of every
    step anew and stores none. A number as train size gives several epochs on a finite sample. The loss is `hinge`;
    `sign_accuracy` is the fraction of examples with the right sign.

    Parameters
    ----------
    num_bits
        Number of signs per input D, the paper's n.
    num_relevant
        Number of signs k whose product is the target, at most ``num_bits``.
    support
        Positions of these signs, from 0, ``num_relevant`` different ones; None takes the first k.
    label_noise
        Probability that the sign of a train target is flipped. Traced in fresh examples.

    Raises
    ------
    InputError
        If a field's value is not allowed.

    Examples
    --------
    >>> task = SparseParity(num_bits=20, num_relevant=2, support=(3, 17))
    >>> x, y = task.draw(seed=0, train_size=1000, test_size=1).train
    >>> x.dtype.name, x.shape, y.dtype.name, y.shape
    ('int8', (1000, 20), 'float32', (1000, 1))
    >>> bool((y[:, 0] == x[:, 3] * x[:, 17]).all()), set(x.flat) == {-1, 1}
    (True, True)
    """

    num_bits: int = 40
    num_relevant: int = 3
    support: tuple[int, ...] | None = None
    label_noise: float = traced(0.0)

    def __post_init__(self) -> None:
        keep_wholes(self, {"num_bits": 1, "num_relevant": 1})
        keep_numbers(self, ["label_noise"], 0, 1)
        if self.num_relevant > self.num_bits:
            raise InputError(
                f"SparseParity.num_relevant is {self.num_relevant}, but there are {self.num_bits} bits: give at most as many."
            )
        if self.support is not None:
            object.__setattr__(self, "support", _places(self.support, self.num_bits, self.num_relevant))

    @property
    def num_outputs(self) -> int:
        """One value, whose sign is the prediction."""
        return 1

    def draw(self, seed: int, train_size: int, test_size: int) -> Split:
        """Draw both splits: inputs ``int8[N, D]`` and targets ``float32[N, 1]`` of -1 and 1; nested in either size.

        The splits are independent draws, so if 2^D is small an input may be in both.
        """
        train, test = (self._examples(seed, *split) for split in (("train", train_size), ("test", test_size)))
        flipped = generator(seed, "label noise").random((train_size, 1)) < self.label_noise
        return Split(Data(train.x, np.where(flipped, -train.y, train.y)), test)

    def clean_targets(self, seed: int, train_size: int) -> np.ndarray:
        """Targets of the train examples before any sign is flipped, ``float32[N, 1]``."""
        return self._examples(seed, "train", train_size).y

    def stream(self, seed: int) -> tuple[()]:
        """What fresh examples have in common, which is nothing."""
        del seed
        return ()

    def fresh(self, stream: tuple[()], keys: Array) -> tuple[Array, Array]:
        """Draw an example with each key ``[B]``: inputs ``int8[B, D]``, and targets ``float32[B, 1]``, some of them flipped.

        Examples
        --------
        >>> x, y = SparseParity(num_bits=5, num_relevant=2).fresh((), jax.random.split(jax.random.key(0), 3))
        >>> x.dtype.name, x.shape, bool((y[:, 0] == x[:, 0] * x[:, 1]).all())
        ('int8', (3, 5), True)
        """
        del stream
        return jax.vmap(self._one)(keys)

    def _one(self, key: Array) -> tuple[Array, Array]:
        of_signs, of_flip = jax.random.split(key)
        # Each word of random bits gives 32 signs.
        words = jax.random.bits(of_signs, (-(-self.num_bits // 32), 1), jnp.uint32)
        bits = (words >> jnp.arange(32, dtype=jnp.uint32)) & 1
        x = 2 * bits.reshape(-1)[: self.num_bits].astype(jnp.int8) - 1
        flipped = jax.random.uniform(of_flip, (1,), jnp.float32) < jnp.asarray(self.label_noise, jnp.float32)
        y = x[np.array(self._relevant)].astype(jnp.float32).prod(keepdims=True)
        return x, jnp.where(flipped, -y, y)

    @property
    def _relevant(self) -> tuple[int, ...]:
        return tuple(range(self.num_relevant)) if self.support is None else self.support

    def _examples(self, seed: int, split: str, size: int) -> Data:
        # Each random byte gives eight signs, in the order of rows.
        drawn = generator(seed, f"{split} inputs").integers(0, 256, (size, -(-self.num_bits // 8)), np.uint8)
        bits = np.unpackbits(drawn, axis=1, count=self.num_bits).view(np.int8)
        x = 2 * bits - 1
        return Data(x, x[:, list(self._relevant)].prod(1, dtype=np.float32)[:, None])


def _places(support: Any, num_bits: int, num_relevant: int) -> tuple[int, ...]:
    if not isinstance(support, tuple | list | range | np.ndarray) or len(set(map(str, support))) != len(support):
        raise InputError(f"SparseParity.support is {support!r}: give a tuple of places, each once, or None.")
    places = tuple(whole("SparseParity.support", place, 0) for place in support)
    if len(places) != num_relevant:
        raise InputError(
            f"SparseParity.support has {len(places)} places, but num_relevant is {num_relevant}: give as many as that."
        )
    if max(places) >= num_bits:
        raise InputError(
            f"SparseParity.support holds {max(places)}, but there are {num_bits} bits: give places from 0 to {num_bits - 1}."
        )
    return places
