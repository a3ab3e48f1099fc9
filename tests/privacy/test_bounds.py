"""Bounds on attacks and on memorisation: tight for randomised response, and those of the Gaussian mechanism in the limit."""

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax.privacy import (
    advantage_bound,
    gaussian_advantage,
    gaussian_delta,
    gaussian_power,
    memorization_bound,
    replace_one,
    tpr_bound,
)

EPSILONS = np.array([0.0, 0.1, 1.0, 4.0])
RATES = np.linspace(0, 1, 2001)


@pytest.mark.parametrize("delta", [0.0, 0.01, 0.3])
def test_a_mechanism_that_leaks_or_answers_at_random_reaches_the_bounds(delta):
    for epsilon in EPSILONS:
        # With the probability delta the answer says the truth for sure; else it is right with the odds e^epsilon.
        honest = np.exp(epsilon) / (1 + np.exp(epsilon))
        tpr, fpr = delta + (1 - delta) * honest, (1 - delta) * (1 - honest)
        assert tpr - fpr == pytest.approx(advantage_bound(epsilon, delta), abs=1e-15)
        assert tpr == pytest.approx(tpr_bound(fpr, epsilon, delta), abs=1e-15)


def test_the_advantage_is_the_largest_distance_of_the_rates():
    for epsilon in EPSILONS:
        for delta in (0.0, 0.05):
            # The corner of the curve lies between two rates of the grid.
            most = (tpr_bound(RATES, epsilon, delta) - RATES).max()
            assert most == pytest.approx(advantage_bound(epsilon, delta), abs=np.exp(4.0) / 2000)


@pytest.mark.parametrize("mu", [0.3, 1.0, 2.0])
def test_the_smallest_bound_of_all_pairs_is_that_of_the_gaussian_mechanism(mu):
    epsilons = np.linspace(0, 12, 24001)
    deltas = gaussian_delta(mu, epsilons)
    for rate in (0.001, 0.01, 0.2, 0.8):
        every = tpr_bound(rate, epsilons, deltas)
        # Lines that touch a curve: the grid of epsilons leaves 4e-9.
        assert every.min() == pytest.approx(gaussian_power(mu, rate), abs=2e-8)
        assert (every >= gaussian_power(mu, rate) - 1e-12).all()
    assert advantage_bound(epsilons, deltas).min() == pytest.approx(gaussian_advantage(mu), rel=1e-12)


def test_limits():
    assert advantage_bound(np.inf, 0.1) == 1.0 and advantage_bound(0.0, 0.2) == pytest.approx(0.2)
    assert tpr_bound(0.0, np.inf) == 1.0 and tpr_bound(0.3, 0.0) == pytest.approx(0.3)
    assert replace_one(np.inf, 0.0) == (np.inf, 0.0) and replace_one(800.0, 1e-5)[1] == 1.0
    assert memorization_bound(800.0, 1e-5, train_sets="one size") == 1.0


def test_replacing_one_is_removing_one_and_adding_one():
    # For a Gaussian mechanism the exact guarantee of the double distance lies below that of the group.
    for mu in (0.2, 1.0):
        epsilon, delta = replace_one(1.0, gaussian_delta(mu, 1.0))
        assert epsilon == 2.0 and gaussian_delta(2 * mu, epsilon) < delta
    # Twice randomised response: the odds multiply.
    assert memorization_bound(0.7, train_sets="one size") == pytest.approx(np.tanh(0.7))
    assert memorization_bound(0.7, train_sets="one more") == pytest.approx(np.tanh(0.35))


def test_labels_of_a_sweep_stay():
    epsilons = xr.DataArray(EPSILONS, {"noise_multiplier": [8.0, 4.0, 2.0, 1.0]}, "noise_multiplier")
    for found in (advantage_bound(epsilons, 1e-5), memorization_bound(epsilons, 1e-5, train_sets="one size")):
        assert found.dims == ("noise_multiplier",) and found.noise_multiplier.values.tolist() == [8, 4, 2, 1]
    assert tpr_bound(xr.DataArray([0.001, 0.01], dims="fpr"), epsilons).dims == ("fpr", "noise_multiplier")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: advantage_bound(-1.0), r"epsilon is -1: give numbers of at least 0\."),
        (lambda: advantage_bound(1.0, 1.1), r"delta is 1\.1: give numbers from 0 to 1\."),
        (lambda: tpr_bound(2.0, 1.0), r"fpr is 2: give numbers from 0 to 1\."),
        (lambda: tpr_bound(0.5, np.nan), r"epsilon is nan: give numbers of at least 0\."),
        (lambda: memorization_bound(1.0, train_sets="all"), r"train_sets is 'all': use one size or one more\."),
    ],
)
def test_what_is_no_guarantee_is_refused(call, says):
    with pytest.raises(mj.InputError, match=says):
        call()
