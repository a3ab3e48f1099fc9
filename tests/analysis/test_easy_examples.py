"""Easy examples: equally hard ones have a ratio of 1 exactly, mixtures have their value, and refusals."""

from itertools import combinations

import numpy as np
import pytest
import xarray as xr

from memjax.analysis import easy_examples

RNG = np.random.default_rng(0)


def labelled(flags, *dims):
    return xr.DataArray(np.asarray(flags, float), dims=dims or ("seed", "example"))


def test_the_mean_ratio_over_all_ways_to_place_the_same_number_of_hits_is_one():
    networks, examples, hits = 2, 4, 3
    ratios = []
    for places in combinations(range(networks * examples), hits):
        flags = np.zeros(networks * examples)
        flags[list(places)] = 1
        ratios.append(float(easy_examples(labelled(flags.reshape(networks, examples))).variance_ratio))
    assert np.mean(ratios) == pytest.approx(1.0, abs=1e-12)


def test_binomial_draws_are_what_is_expected():
    found = easy_examples(labelled(RNG.random((40, 100, 300)) < 0.3, "draw", "seed", "example"))
    # A ratio of 300 examples has a standard deviation of 0.082, the mean of 40 of them 0.013.
    assert float(found.variance_ratio.mean()) == pytest.approx(1.0, abs=0.04)
    assert float(found.variance_ratio.std()) == pytest.approx(np.sqrt(2 / 299), rel=0.35)
    assert found.outside_expected.max() <= 3.0
    # Expected: 40 x about 2; the standard deviation is 9.
    assert float(found.outside.sum()) == pytest.approx(float(found.outside_expected.sum()), abs=36)


def test_a_scripted_mixture_has_its_value():
    networks, examples = 20, 30
    flags = np.zeros((networks, examples))
    flags[:, :10] = 1
    # Every other network is right about ten more examples.
    flags[::2, 10:20] = 1
    found = easy_examples(labelled(flags))
    counts = np.repeat([20.0, 10.0, 0.0], 10)
    assert float(found.mean_accuracy) == 0.5
    exact = counts.var(ddof=1) / (20 * 0.25 * 600 / 599)
    assert float(found.variance_ratio) == pytest.approx(exact, rel=1e-12)
    assert found.probability.values.tolist() == (counts / 20).tolist()
    # By the table of Binomial(20, 1/2): P(X <= 3) = 0.00129 and P(X <= 4) = 0.00591.
    assert (float(found.lower), float(found.upper)) == (0.2, 0.8)
    assert float(found.outside) == 20.0
    assert float(found.outside_expected) == pytest.approx(30 * 2 * 0.001288414, rel=1e-6)
    assert (float(found.always), float(found.always_expected)) == (10.0, 30 * 0.5**20)


def test_a_wider_band_leaves_fewer_outside():
    flags = np.repeat(np.eye(2)[:, :1], 10, axis=0) * np.ones((20, 4))
    flags[:2, 0] = 0
    narrow, wide = (easy_examples(labelled(flags), level=level) for level in (0.5, 0.999))
    assert float(narrow.lower) > float(wide.lower) and float(narrow.outside_expected) > float(wide.outside_expected)


def test_networks_of_unequal_accuracy_make_the_ratio_smaller():
    right = (RNG.random((40, 200)) < np.repeat([0.1, 0.9], 20)[:, None]).astype(float)
    # Exactly: the variance is the mean of p (1 - p) = 0.09 in place of 0.25.
    assert float(easy_examples(labelled(right)).variance_ratio) == pytest.approx(0.36, abs=0.11)


def test_rows_outside_of_the_train_set_are_left_out():
    flags = (RNG.random((2, 10, 7)) < 0.5).astype(float)
    flags[0, :, [1, 4]] = np.nan
    found = easy_examples(labelled(flags, "data", "network", "row"), "network", "row")
    alone = easy_examples(labelled(np.delete(flags[0], [1, 4], axis=1)))
    for name in ("mean_accuracy", "variance_ratio", "outside", "always"):
        assert float(found[name][0]) == pytest.approx(float(alone[name]), rel=1e-12)
    assert np.isnan(found.probability[0, [1, 4]]).all() and found.probability.dims == ("data", "row")


@pytest.mark.parametrize("flags", [np.ones((4, 3)), np.zeros((4, 3)), np.ones((4, 1)), np.full((4, 2), np.nan)])
def test_where_nothing_can_vary_there_is_no_ratio(flags):
    assert np.isnan(float(easy_examples(labelled(flags)).variance_ratio))


@pytest.mark.parametrize(
    ("flags", "over", "level", "words"),
    [
        ([[0.5, 1.0]], "seed", 0.99, "correct holds 0.5, but only 0, 1 and NaN"),
        ([[1.0, np.nan], [1.0, 0.0]], "seed", 0.99, "values of some entries of 'seed' only"),
        ([[1.0, 0.0]], "network", 0.99, "over = 'network' is not a dimension"),
        ([[1.0, 0.0]], "seed", 1.0, "level = 1.0"),
    ],
)
def test_what_is_no_count_is_refused(flags, over, level, words):
    with pytest.raises(ValueError, match=words):
        easy_examples(labelled(flags), over, level=level)
