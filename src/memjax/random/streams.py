"""Random numbers on the host: one independent stream per seed and purpose.

A stream is read in order, so a shorter draw is the beginning of a longer one, which makes train sets nested. Nothing here
compiles, and the numbers do not depend on the device or on other runs.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

__all__ = ["entropy", "generator", "generator_of", "key_data"]


def entropy(seed: int, purpose: str) -> list[int]:
    """What the stream of a seed and a purpose follows from."""
    return [seed, zlib.crc32(purpose.encode())]


def generator_of(sequence: Any) -> np.random.Generator:
    """Counter-based generator (Philox) that starts from a seed sequence."""
    return np.random.Generator(np.random.Philox(sequence))


def generator(seed: int, purpose: str) -> np.random.Generator:
    """Counter-based generator (Philox) for one seed and one named purpose.

    Examples
    --------
    >>> long, short = (generator(7, "inputs").standard_normal((n, 2)) for n in (5, 3))
    >>> bool((long[:3] == short).all())
    True
    """
    return generator_of(np.random.SeedSequence(entropy(seed, purpose)))


def key_data(seed: int, purpose: str) -> np.ndarray:
    """Raw threefry key ``uint32[2]`` for one seed and one named purpose.

    Examples
    --------
    >>> key_data(0, "init").shape
    (2,)
    """
    return np.random.SeedSequence(entropy(seed, purpose)).generate_state(2, np.uint32)
