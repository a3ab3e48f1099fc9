"""Streams of many seeds at once have the bits of those of NumPy's own seed sequences."""

import numpy as np
import pytest

from memjax.random import generator, generators, key_data, keys

SEEDS = [0, 1, 7, 123456789, 2**31, 2**32 - 1]
LARGE = [2**32, 2**64 + 3, 2**96, 2**200 + 5]


@pytest.mark.parametrize("seeds", [SEEDS, LARGE, [*SEEDS, *LARGE]], ids=["small", "large", "both"])
def test_keys_of_many_seeds_are_those_of_each(seeds):
    for purpose in ("init", "noise", ""):
        found, wanted = keys(seeds, purpose), [key_data(seed, purpose) for seed in seeds]
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == np.uint32


@pytest.mark.parametrize("seeds", [SEEDS, LARGE], ids=["small", "large"])
def test_generators_of_many_seeds_are_those_of_each(seeds):
    streams = [(seed, f"batch order {epoch}") for seed in seeds for epoch in range(3)]
    for one, stream in zip(generators(streams), streams, strict=True):
        own = generator(*stream)
        np.testing.assert_array_equal(one.permutation(100), own.permutation(100))
        np.testing.assert_array_equal(one.standard_normal(9), own.standard_normal(9))
