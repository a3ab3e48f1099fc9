import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from memjax.analysis import (
    all_fitted,
    cover_probability,
    linearly_separable,
    memorized_bits,
    num_fitted,
    share_interval,
)


def _cover_by_fractions(n_examples, dimension):
    # Each binomial from the one before it.
    steps = itertools.accumulate(range(1, dimension), lambda term, k: term * (n_examples - k) // k, initial=1)
    return float(Fraction(sum(steps), 2 ** (n_examples - 1)))


def test_cover_is_one_up_to_the_dimension_and_a_half_at_twice_it():
    assert cover_probability([1, 3, 7], 7).tolist() == [1.0, 1.0, 1.0]
    assert cover_probability(8, 7) < 1.0
    dimension = np.array([1, 2, 10, 500])
    np.testing.assert_allclose(cover_probability(2 * dimension, dimension), 0.5, rtol=1e-12)


@pytest.mark.parametrize(("n_examples", "dimension"), [(5, 1), (12, 4), (31, 20), (400, 40), (10_000, 4_900)])
def test_cover_is_the_binomial_sum_in_exact_arithmetic(n_examples, dimension):
    expected = _cover_by_fractions(n_examples, dimension)
    assert cover_probability(n_examples, dimension) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n_examples", "dimension"), [(5, 2), (6, 3), (7, 2)])
def test_cover_counts_the_separable_dichotomies_of_points_in_general_position(n_examples, dimension):
    x = np.random.default_rng(3).standard_normal((n_examples, dimension))
    found = [linearly_separable(x, labels) for labels in itertools.product((0, 1), repeat=n_examples)]
    assert np.mean(found) == _cover_by_fractions(n_examples, dimension)


def test_a_bias_is_one_more_dimension():
    x = np.random.default_rng(4).standard_normal((6, 2))
    lifted = np.column_stack([x, np.ones(6)])
    found = [linearly_separable(lifted, labels) for labels in itertools.product((0, 1), repeat=6)]
    assert np.mean(found) == pytest.approx(cover_probability(6, 3), rel=1e-12)


def test_cover_keeps_labels_and_broadcasts():
    sizes = xr.DataArray([10, 20, 40], dims="train_size", coords={"train_size": [10, 20, 40]})
    widths = xr.DataArray([10, 20], dims="input_dim", coords={"input_dim": [10, 20]})
    law = cover_probability(sizes, widths)
    assert law.sizes == {"train_size": 3, "input_dim": 2}
    assert float(law.sel(train_size=40, input_dim=20)) == pytest.approx(0.5)


@pytest.mark.parametrize("values", [0, 2.5, [3, 0], float("nan")])
def test_cover_wants_whole_numbers_from_one(values):
    with pytest.raises(ValueError, match=r"num_examples is .*whole numbers of at least 1"):
        cover_probability(values, 3)


def test_bits_are_zero_at_chance_and_all_of_the_labels_at_zero_loss():
    assert memorized_bits(math.log(10), 50, 10) == pytest.approx(0.0, abs=1e-12)
    assert memorized_bits(0.0, 50, 10) == pytest.approx(50 * math.log2(10))
    # A network that always splits its belief over two of eight classes saves two of the three bits of a label.
    assert memorized_bits(math.log(2), 7, 8) == pytest.approx(7 * 2.0)


def test_bits_follow_the_labels_of_the_loss():
    loss = xr.DataArray(np.zeros((2, 3)), dims=("train_size", "seed"), coords={"train_size": [10, 20]})
    bits = memorized_bits(loss, loss.train_size, 4)
    assert bits.sel(train_size=20).values.tolist() == [40.0] * 3
    assert bits.attrs["units"] == "bits"


def test_fitted_examples_are_whole_in_spite_of_float32_averages():
    accuracy = np.float32(1 / 3) * np.arange(4, dtype=np.float32)
    assert accuracy.dtype == np.float32
    assert num_fitted(accuracy, 3).tolist() == [0.0, 1.0, 2.0, 3.0]
    assert all_fitted(np.array([1 - 6e-8, 1 - 1 / 400, np.nan], np.float32), 400).tolist()[:2] == [1.0, 0.0]
    assert np.isnan(all_fitted(np.nan, 400))


def test_all_fitted_keeps_labels():
    accuracy = xr.DataArray([[1.0, 0.9], [1.0, np.nan]], dims=("train_size", "seed"), coords={"train_size": [10, 20]})
    flags = all_fitted(accuracy, accuracy.train_size)
    assert flags.dims == ("train_size", "seed")
    np.testing.assert_array_equal(flags.values, [[1.0, 0.0], [1.0, np.nan]])


@pytest.mark.parametrize(("held", "count"), [(0, 5), (5, 5), (3, 8), (97, 100)])
def test_shares_have_the_exact_interval_of_scipy(held, count):
    flags = xr.DataArray(np.arange(count) < held, dims="seed")
    result = share_interval(flags, level=0.9)
    expected = stats.binomtest(held, count).proportion_ci(0.9, method="exact")
    np.testing.assert_allclose(result.share_interval.values, [expected.low, expected.high], rtol=1e-9)
    assert float(result.share) == held / count and int(result["count"]) == count


def test_diverged_runs_are_left_out_of_shares():
    flags = xr.DataArray([[1.0, 0.0, np.nan], [np.nan] * 3], dims=("train_size", "seed"))
    result = share_interval(flags)
    assert result["count"].values.tolist() == [2, 0]
    assert float(result.share[0]) == 0.5
    assert np.isnan(result.share[1]) and np.isnan(result.share_interval[1]).all()


@pytest.mark.parametrize(("n_examples", "dimension"), [(60, 2), (500, 60), (1000, 100), (3000, 1000), (1000, 990)])
def test_cover_keeps_its_digits_in_the_tail(n_examples, dimension):
    terms = Fraction(sum(math.comb(n_examples - 1, k) for k in range(dimension)), 2 ** (n_examples - 1))
    found = Fraction(float(cover_probability(n_examples, dimension)))
    # Largest relative error seen in 150 cases: 2e-13; 1 minus the other tail is 0 here.
    assert abs(found / terms - 1) < 1e-11


def test_separation_knows_neither_lengths_of_examples_nor_units_of_inputs():
    assert linearly_separable([[1.0], [1e-10]], [1, 1])
    assert linearly_separable([[1e10, 0.0], [1.0, 2.0], [1.0, 3.0], [2.0, -1.0]], [1, 1, 1, 0])
    assert linearly_separable([[1.0, 1e-12], [1.0, -1e-12]], [1, 0])
    rng = np.random.default_rng(0)
    for _ in range(60):
        x, w = rng.normal(size=(rng.integers(2, 12), 3)), rng.normal(size=3)
        sized = x * 10.0 ** rng.uniform(-6, 6, (len(x), 1)) * 10.0 ** rng.uniform(-6, 6, 3)
        assert linearly_separable(sized, x @ w > 0)
        labels = rng.random(len(x)) < 0.5
        assert linearly_separable(sized, labels) == linearly_separable(x, labels)
    assert not linearly_separable([[0.0, 0.0], [1.0, 2.0]], [1, 1])


def test_examples_that_are_not_finite_are_named():
    with pytest.raises(ValueError, match="x holds 1 values that are not finite"):
        linearly_separable([[1.0], [np.nan]], [1, 0])


def test_separation_takes_examples_and_labels_by_label_and_labels_that_are_numbers():
    x = xr.DataArray([[-1.0], [1.0], [2.0]], dims=("example", "feature"), coords={"example": [0, 1, 2]})
    labels = xr.DataArray([1, 1, 0], dims="example", coords={"example": [1, 2, 0]})
    assert linearly_separable(x, labels)
    assert not linearly_separable(x.values, labels.values)
    for bad in ([1.0, math.nan, 0.0], ["a", "b", "c"], [None, 1, 0]):
        with pytest.raises(ValueError, match="labels holds something else than numbers"):
            linearly_separable(x, bad)


def test_cover_holds_beyond_whole_numbers_of_64_bits_and_refuses_infinity():
    np.testing.assert_array_equal(cover_probability([1e20, 10**20, 10], [10, 10, 10**20]), [0.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="whole numbers of at least 1"):
        cover_probability(math.inf, 10)
