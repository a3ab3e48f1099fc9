"""Streams of many seeds at once: the hash of NumPy's seed sequences over an array of seeds.

A `numpy.random.SeedSequence` takes ten microseconds, which for the orders of thousands of runs adds up to seconds. NumPy
keeps its hash the same in every version, because seeds stand for numbers; here are the same operations on arrays.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence

from memjax.random.streams import entropy, generator_of

__all__ = ["generators", "keys"]

# The constants of NumPy's `SeedSequence`, after M. E. O'Neill's seed_seq_fe. Products are taken modulo 2^32.
_POOL = 4
_ENTROPY, _ENTROPY_STEP = 0x43B0D7E5, 0x931E8875
_STATE, _STATE_STEP = 0x8B51F9DD, 0x58F38DED
_LEFT, _RIGHT = np.uint32(0xCA01F9DD), np.uint32(0x4973F715)
_HALF = np.uint32(16)


def keys(seeds: Iterable[int], purpose: str) -> np.ndarray:
    """Raw threefry keys ``uint32[N, 2]`` of seeds, as of `key_data` one by one.

    Examples
    --------
    >>> keys([0, 1], "init").shape
    (2, 2)
    """
    return _words([(seed, purpose) for seed in seeds], 2)


def generators(streams: Sequence[tuple[int, str]]) -> Iterator[np.random.Generator]:
    """Generators of seeds and purposes, as of `generator` one by one.

    Examples
    --------
    >>> [int(one.integers(100)) for one in generators([(7, "inputs"), (8, "inputs")])]
    [56, 49]
    """
    # A hash of 64 bits is two of 32 bits, the low one first.
    return (generator_of(_Hashed(row)) for row in _words(streams, 4).astype("<u4").view("<u8"))


class _Hashed(ISeedSequence):
    """A seed sequence that was hashed before, for a bit generator that asks for these very words."""

    def __init__(self, words: np.ndarray) -> None:
        self._words = words

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> np.ndarray:
        assert (n_words, dtype) == (len(self._words), self._words.dtype)
        return self._words


def _words(streams: Sequence[tuple[int, str]], count: int) -> np.ndarray:
    """The first words ``uint32[N, count]`` of the seed sequence of every stream."""
    # Larger seeds have more words, in which the rest of the hash would differ.
    if any(seed >= 2**32 for seed, _ in streams):
        return np.array([np.random.SeedSequence(entropy(*one)).generate_state(count) for one in streams])
    pool = _mixed(np.array([entropy(*one) for one in streams], np.uint32).T)
    constants = _constants(_STATE, _STATE_STEP)
    return np.stack([_hashed(pool[i % _POOL], constants) for i in range(count)], axis=1)


def _mixed(first: np.ndarray) -> list[np.ndarray]:
    """The entropy pool: words of entropy ``[2, N]`` and zeros, each mixed into every other."""
    constants = _constants(_ENTROPY, _ENTROPY_STEP)
    zeros = np.zeros_like(first[0])
    pool = [_hashed(word, constants) for word in (*first, *[zeros] * (_POOL - len(first)))]
    for source, target in itertools.permutations(range(_POOL), 2):
        mixed: np.ndarray = _LEFT * pool[target] - _RIGHT * _hashed(pool[source], constants)
        pool[target] = mixed ^ (mixed >> _HALF)
    return pool


def _constants(first: int, step: int) -> Iterator[tuple[np.uint32, np.uint32]]:
    """Pairs of constants; the second of a pair is the first of the next."""
    powers = itertools.accumulate(itertools.repeat(step), lambda constant, step: constant * step % 2**32, initial=first)
    return itertools.pairwise(map(np.uint32, powers))


def _hashed(words: np.ndarray, constants: Iterator[tuple[np.uint32, np.uint32]]) -> np.ndarray:
    before, after = next(constants)
    product: np.ndarray = (words ^ before) * after
    return product ^ (product >> _HALF)
