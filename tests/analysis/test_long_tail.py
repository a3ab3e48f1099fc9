"""Long tails: tables of exact sums, exact fractions, a simulation, equal frequencies, one example, and a learner by look-up."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from memjax.analysis import long_tail, long_tail_error


def _zipf(count, exponent=1.0):
    weights = np.arange(1, count + 1) ** -exponent
    return weights / weights.sum()


@pytest.mark.parametrize(
    ("examples", "count", "share", "mass", "unseen", "price"),
    [
        (50_000, 50_000, 0.1704, 0.0804, 0.1704, 0.472),
        (1000, 1000, 0.2092, 0.1169, 0.2091, 0.559),
        (1000, 10_000, 0.4104, 0.1011, 0.4103, 0.246),
        (1000, 200, 0.0485, 0.0728, 0.0484, 1.50),
    ],
)
def test_zipf_sums_are_those_of_a_table_that_was_computed_apart(examples, count, share, mass, unseen, price):
    tail = long_tail(_zipf(count), examples)
    found = [tail.share[1], tail.mass[1], tail.mass[0]]
    assert [round(float(one), 4) for one in found] == [share, mass, unseen]
    assert float(f"{float(examples * tail.price[1]):.3g}") == price


def test_sums_are_those_of_exact_fractions():
    p, n = [Fraction(8, 15), Fraction(4, 15), Fraction(2, 15), Fraction(1, 15)], 30
    tail = long_tail(np.array(p, float), n, range(n + 1))
    for times in range(n + 1):
        law = [comb(n, times) * one**times * (1 - one) ** (n - times) for one in p]
        count, mass = sum(law), sum(one * chance for one, chance in zip(p, law, strict=True))
        exact = [count, times * count / n, mass, mass / count]
        found = [float(tail[name][times]) for name in ("count", "share", "mass", "price")]
        # Measured: 1.4e-14 at most.
        assert found == pytest.approx([float(one) for one in exact], rel=2e-13)


def test_all_times_together_are_all_subpopulations_all_examples_and_all_mass():
    p, n = _zipf(300, 1.3), 400
    tail = long_tail(p, n, range(n + 1))
    # Measured: 1.3e-13 at most.
    assert [float(tail[name].sum()) for name in ("count", "share", "mass")] == pytest.approx([300, 1, 1], rel=1e-12)


def test_equal_frequencies_have_the_binomial_law_and_one_price():
    n, count = 2000, 500
    tail = long_tail(np.full(count, 1 / count), n, [0, 1, 5, 40])
    # Measured: 2.1e-12 at most, from logarithms of factorials.
    np.testing.assert_allclose(tail["count"], count * stats.binom(n, 1 / count).pmf([0, 1, 5, 40]), rtol=2e-11)
    # Measured: 2.6e-14.
    np.testing.assert_allclose(tail.price, 1 / count, rtol=2e-13)


def test_one_example_is_a_singleton():
    p = _zipf(50)
    tail = long_tail(p, 1, [0, 1])
    assert tail["count"].values == pytest.approx([49, 1]) and tail.share.values == pytest.approx([0, 1])
    assert tail.mass.values == pytest.approx([1 - (p**2).sum(), (p**2).sum()])


def test_frequencies_of_zero_and_one_have_no_price_where_they_are_never_seen():
    tail = long_tail([1.0, 0.0], 4, [0, 1, 4])
    assert tail["count"].values.tolist() == [1, 0, 1] and tail.mass.values.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(tail.price, [0, np.nan, 1])


def test_sums_do_not_vanish_where_every_term_does():
    tail = long_tail(_zipf(50_000), 50_000, [1, 10_000, 50_000])
    # The largest frequency, .0877, is seen 4383 times on average: 10,000 times is beyond the smallest float64.
    assert np.isfinite(tail.price).all() and tail["count"].values[1] == 0
    # Measured: 3.7e-12 at most.
    assert tail.price.values[1:] == pytest.approx([_zipf(50_000)[0]] * 2, rel=1e-10)


def _samples(p, n, draws, seed=0):
    return np.random.default_rng(seed).multinomial(n, p, size=draws)


def test_expected_numbers_and_masses_are_those_of_samples():
    p, n, draws = _zipf(300), 200, 4000
    counts, tail = _samples(p, n, draws), long_tail(p, n)
    for times in range(4):
        seen = counts == times
        number, mass = seen.sum(1), (seen * p).sum(1)
        for found, exact in ((number, tail["count"]), (mass, tail.mass)):
            error = found.std() / np.sqrt(draws)
            # Measured: at most 2.1 standard errors.
            assert abs(found.mean() - float(exact[times])) < 4 * error


def test_a_look_up_that_forgets_singletons_pays_their_price():
    p, n, draws, classes = _zipf(300), 200, 2000, 10
    rng = np.random.default_rng(1)
    counts, tail = _samples(p, n, draws, seed=2), long_tail(p, n)
    # The learner guesses the label of every subpopulation that was seen once, and of half of those that were seen twice.
    forgotten = (counts == 1) | ((counts == 2) & (rng.random(counts.shape) < 0.5))
    wrong = forgotten & (rng.random(counts.shape) < 1 - 1 / classes)
    errors = (wrong * p).sum(1)
    errn = [(wrong & (counts == times)).sum(1).mean() for times in (1, 2)]
    predicted = long_tail_error(xr.DataArray(errn, {"times_seen": [1, 2]}, "times_seen"), tail)
    # Measured: 0.3 standard errors. Without the subpopulations seen twice it is 57 of them.
    assert abs(errors.mean() - float(predicted)) < 4 * errors.std() / np.sqrt(draws)
    # Measured: 6e-4.
    assert errn[0] == pytest.approx(float(tail["count"][1]) * (1 - 1 / classes), rel=5e-3)


def test_prices_are_paired_by_the_times_and_a_number_that_is_missing_is_nan():
    tail = long_tail(_zipf(20), 30, [3, 0, 1, 2])
    wrong = xr.DataArray([[4.0, 2.0], [np.nan, 1.0]], {"times_seen": [2, 1], "seed": [5, 6]}, ("seed", "times_seen"))
    found = long_tail_error(wrong, tail)
    one, two = (float(tail.price.sel(times_seen=times)) for times in (1, 2))
    assert found.seed.values.tolist() == [5, 6]
    assert float(found[0]) == pytest.approx(4 * two + 2 * one) and np.isnan(found[1])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: long_tail([0.5, 0.6], 3), "frequencies sum to 1.1: give probabilities"),
        (lambda: long_tail([1.5, -0.5], 3), "give probabilities from 0 to 1"),
        (lambda: long_tail([np.nan, 1.0], 3), "give probabilities from 0 to 1"),
        (lambda: long_tail([[1.0]], 3), r"frequencies has shape \(1, 1\)"),
        (lambda: long_tail([1.0], 0), "num_examples is 0: give a whole number"),
        (lambda: long_tail([1.0], 2.5), "num_examples is 2.5"),
        (lambda: long_tail([1.0], 3, [4]), "whole numbers from 0 to num_examples = 3"),
        (lambda: long_tail([1.0], 3, [0.5]), "whole numbers from 0 to num_examples = 3"),
        (lambda: long_tail_error(xr.DataArray([1.0], dims="times_seen"), long_tail([1.0], 3)), "has no labels along"),
        (
            lambda: long_tail_error(xr.DataArray([1.0], {"times_seen": [7]}, "times_seen"), long_tail([1.0], 3)),
            r"tail lacks the times \[7\]",
        ),
        (lambda: long_tail_error(np.ones(2), long_tail([1.0], 3)), "wrong"),
        (lambda: long_tail_error(xr.DataArray([1.0], dims="l"), long_tail([1.0], 3)), "times_seen"),
    ],
)
def test_what_is_no_frequency_time_or_number_is_an_error(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
