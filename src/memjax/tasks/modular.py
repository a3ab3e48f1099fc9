"""Modular arithmetic: every pair of residues is an example, whose class is the result of an operation modulo p."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from memjax.checks.keywords import named
from memjax.checks.values import keep_numbers, keep_wholes, one_of
from memjax.content.later import later
from memjax.errors import InputError, cause
from memjax.tasks.containers import unmasked
from memjax.tasks.label_noise import NoiseLaw, checked_law
from memjax.tasks.shared_pools import Labelled, shared
from memjax.types import Split

__all__ = ["ModularArithmetic"]

_Operation = Callable[[np.ndarray, np.ndarray, int], Any]

# With this p the pool has 10^8 pairs, and cubes fit in 64 bits.
_LARGEST = 10_000

_OPERATIONS: dict[str, _Operation] = {
    "add": lambda a, b, p: a + b,
    "subtract": lambda a, b, p: a - b,
    "multiply": lambda a, b, p: a * b,
    "divide": lambda a, b, p: a * _inverses(p)[b],
    "x^2+y^2": lambda a, b, p: a**2 + b**2,
    "x^2+xy+y^2": lambda a, b, p: a**2 + a * b + b**2,
    "x^2+xy+y^2+x": lambda a, b, p: a**2 + a * b + b**2 + a,
    "x^3+xy": lambda a, b, p: a**3 + a * b,
    "x^3+xy^2+y": lambda a, b, p: a**3 + a * b**2 + b,
}


@named
@dataclass(frozen=True)
class ModularArithmetic:
    """Pairs (a, b) of residues modulo p and the class of a binary operation on them (Power et al. 2022, "Grokking").

    The operations are from arXiv:2201.02177, appendix A.1.1. Each run trains on pairs that its data seed draws; train sets
    are nested. The test examples are all other pairs, or ``test_size`` of them. If the operation is commutative, (a, b) may
    be a train example and (b, a) a test example.

    Parameters
    ----------
    p
        Modulus: any whole number from 2 to 10,000; a prime if ``operation`` is ``divide``.
    operation
        ``add``, ``subtract``, ``multiply``, ``divide`` (the c with c b = a; pairs with b = 0 are omitted), ``x^2+y^2``,
        ``x^2+xy+y^2``, ``x^2+xy+y^2+x``, ``x^3+xy`` or ``x^3+xy^2+y``, all modulo p with x = a and y = b; or a function
        ``(a, b, p)`` from arrays ``int64[N]`` to labels ``int[N]`` in 0..p-1.
    label_noise
        Probability that a train label is replaced, by default by a label drawn uniformly from all p classes.
    noise_law
        Law of the new label, as in `memjax.tasks.from_arrays`.

    Raises
    ------
    InputError
        If a field's value is not allowed; on first use, if a function does not return such labels.

    Examples
    --------
    >>> task = ModularArithmetic(p=53)
    >>> task.num_examples, task.num_outputs, task.sizes(train_size=1123, test_size=None)
    (2809, 53, (1123, 1686))
    >>> train, test = task.draw(seed=0, train_size=1123, test_size=1686)
    >>> a, b = task.pool[test.x].T
    >>> bool(((a + b) % 53 == test.y).all()), len(set(train.x) | set(test.x))
    (True, 2809)
    """

    p: int = 53
    operation: str | _Operation = "add"
    label_noise: float = 0.0
    noise_law: NoiseLaw = later("uniform")

    def __post_init__(self) -> None:
        keep_wholes(self, {"p": 2})
        if self.p > _LARGEST:
            raise InputError(
                f"ModularArithmetic.p is {self.p}, whose {self.p**2} pairs are too many: give at most {_LARGEST}."
            )
        keep_numbers(self, ["label_noise"], 0, 1)
        object.__setattr__(self, "noise_law", checked_law("ModularArithmetic.noise_law", self.noise_law, self.p))
        if not callable(self.operation):
            _check_word(self.operation)
        if self.operation == "divide" and not _is_prime(self.p):
            raise InputError(
                f"ModularArithmetic.p is {self.p}, but to divide takes a prime: use {_primes_near(self.p)}, or another "
                "operation."
            )

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the fields alone: a worker generates the pool again."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def num_outputs(self) -> int:
        """One logit per residue."""
        return self.p

    @property
    def num_tokens(self) -> int:
        """Number of residues, p: the inputs are tokens."""
        return self.p

    @property
    def num_examples(self) -> int:
        """Number of pairs: p^2, or p (p - 1) for ``divide``."""
        return self.p * (self.p - self._least)

    @property
    def pool(self) -> np.ndarray:
        """All pairs ``int32[N, 2]`` in lexical order; tasks with the same pairs share one array."""
        return self._pairs.pool

    def sizes(self, train_size: int, test_size: int | None) -> tuple[int, int]:
        """Train and test size, checked; a test size of None means all pairs that are not train examples.

        Raises
        ------
        InputError
            If there are too few pairs.
        """
        pairs, train_size = self.num_examples, int(train_size)
        if train_size > pairs or (train_size == pairs and test_size != 0):
            raise InputError(
                f"train_size is {train_size}, but p = {self.p} has {pairs} pairs and the test set is what is left of them: "
                f"give at most {pairs - 1}, or test_size=0 for none."
            )
        if test_size is not None and test_size > pairs - train_size:
            raise InputError(
                f"test_size is {test_size}, but p = {self.p} has {pairs} pairs and {train_size} are trained on: give at most "
                f"{pairs - train_size}, or None for all of them."
            )
        return train_size, pairs - train_size if test_size is None else test_size

    def draw(self, seed: int, train_size: int, test_size: int) -> Split:
        """Draw pairs: train examples from the beginning of a permutation, test examples from its end.

        Returns indices ``int32[N]`` into the pool and labels ``int32[N]``, with label noise in the train split. The
        permutation depends only on the seed and the number of pairs, so tasks that differ in the operation train on the same
        pairs.
        """
        return self._arrays.draw(seed, train_size, test_size)

    def clean_targets(self, seed: int, train_size: int) -> np.ndarray:
        """Labels of the train examples before label noise, ``int32[N]``."""
        return self._arrays.clean_targets(seed, train_size)

    @property
    def _least(self) -> int:
        """The smallest b."""
        return 1 if self.operation == "divide" else 0

    @cached_property
    def _pairs(self) -> Labelled:
        return shared(("pairs", self.p, self._least), lambda: _all_pairs(self.p, self._least))

    @cached_property
    def _arrays(self) -> Labelled:
        return replace(self._pairs, y=_labels(self), label_noise=self.label_noise, noise_law=self.noise_law)


def _all_pairs(p: int, least: int) -> Labelled:
    """Pairs of a in 0..p-1 and b in least..p-1; the label is a, which tasks replace by their own labels."""
    a, b = np.repeat(np.arange(p), p - least), np.tile(np.arange(least, p), p)
    pairs = np.stack([a, b], axis=1).astype(np.int32)
    # Read-only, because many tasks share the array.
    pairs.flags.writeable = False
    return Labelled(pairs, pairs[:, 0], len(pairs), num_classes=p)


def _labels(task: ModularArithmetic) -> np.ndarray:
    a, b = task.pool.T.astype(np.int64)
    if isinstance(task.operation, str):
        return (_OPERATIONS[task.operation](a, b, task.p) % task.p).astype(np.int32)
    try:
        labels = np.asarray(unmasked("What ModularArithmetic.operation gave", task.operation(a, b, task.p)))
    except InputError:
        raise
    except Exception as problem:
        raise InputError(
            f"ModularArithmetic.operation cannot be called with arrays a and b and the number p: {cause(problem)}"
        ) from problem
    if labels.shape != a.shape or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"ModularArithmetic.operation gave {labels.dtype}{list(labels.shape)} for {len(a)} pairs: it must give one whole "
            "number for each."
        )
    if not 0 <= labels.min() <= labels.max() < task.p:
        raise InputError(
            f"ModularArithmetic.operation gave numbers from {labels.min()} to {labels.max()} for p = {task.p}: they must lie "
            f"in 0..{task.p - 1}, so take them modulo p."
        )
    return labels.astype(np.int32)


def _check_word(operation: Any) -> None:
    try:
        one_of("ModularArithmetic.operation", operation, _OPERATIONS)
    except InputError as problem:
        raise InputError(f"{str(problem)[:-1]}, or give a function (a, b, p).") from None


def _inverses(p: int) -> np.ndarray:
    """Inverse of each residue modulo a prime, ``int64[p]``; 0 for 0, which has no inverse."""
    return np.array([0, *(pow(b, -1, p) for b in range(1, p))])


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1))


def _primes_near(n: int) -> str:
    """Text of the largest prime below ``n`` and the smallest prime above, for n of at least 4."""
    below = next(m for m in range(n, 1, -1) if _is_prime(m))
    above = next(m for m in range(n, 2 * n) if _is_prime(m))
    return f"{below} or {above}"
