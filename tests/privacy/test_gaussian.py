"""The Gaussian mechanism: a table of exact values, its definition by integration, and how its functions hang together."""

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad
from scipy.stats import norm

from memjax import InputError
from memjax.privacy import (
    gaussian_advantage,
    gaussian_composition,
    gaussian_delta,
    gaussian_epsilon,
    gaussian_power,
)

MU = np.array([0.25, 0.5, 1.0, 2.0, 3.0])


def test_the_table_of_exact_values():
    np.testing.assert_allclose(gaussian_epsilon(MU, 1e-5), [0.926, 1.993, 4.377, 9.997, 16.675], atol=5e-4)
    np.testing.assert_allclose(gaussian_advantage(MU), [0.0995, 0.1974, 0.3829, 0.6827, 0.8664], atol=5e-5)
    np.testing.assert_allclose(gaussian_power(MU, 0.01), [0.0189, 0.0339, 0.0924, 0.3721, 0.7497], atol=5e-5)
    np.testing.assert_allclose(gaussian_power(MU, 0.001), [0.0023, 0.0048, 0.0183, 0.1378, 0.4641], atol=5e-5)


@pytest.mark.parametrize("mu", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("epsilon", [0.0, 0.7, 3.0])
def test_delta_is_the_probability_that_the_ratio_of_densities_leaves_over(mu, epsilon):
    def excess(x):
        return norm.pdf(x, mu) - np.exp(epsilon) * norm.pdf(x)

    # The densities have the ratio e^epsilon at this point.
    by_hand, _ = quad(excess, epsilon / mu + mu / 2, np.inf, epsabs=1e-14)
    # Up to 1.2e-15 apart.
    assert gaussian_delta(mu, epsilon) == pytest.approx(by_hand, rel=1e-9, abs=1e-14)


def test_epsilon_and_delta_are_inverse_and_labels_stay():
    mu = xr.DataArray(MU, {"mu": MU}, "mu")
    delta = xr.DataArray([1e-12, 1e-5, 0.01], dims="delta")
    found = gaussian_epsilon(mu, delta)
    assert found.dims == ("mu", "delta") and (found > 0).all()
    # Up to 6e-12 apart.
    np.testing.assert_allclose(gaussian_delta(mu, found), delta.broadcast_like(found).transpose(*found.dims), rtol=1e-9)
    assert gaussian_epsilon(0.1, 0.5) == 0.0


def test_a_tiny_mu_and_a_large_epsilon_have_a_delta_too():
    deltas = gaussian_delta(1e-3, np.array([1e-3, 0.01, 0.03]))
    assert (deltas > 0).all() and (np.diff(np.log(deltas)) < 0).all()
    assert gaussian_delta(1e-3, 100.0) == 0.0


def test_composition_is_a_likelihood_ratio_of_many_draws():
    noise, steps = 7.0, 40
    mu = gaussian_composition(noise, steps)
    # The optimal test sums the draws: mean steps, deviation noise sqrt(steps), against mean 0.
    threshold = norm.isf(0.05) * noise * np.sqrt(steps)
    assert gaussian_power(mu, 0.05) == pytest.approx(norm.sf(threshold, steps, noise * np.sqrt(steps)), rel=1e-12)


def test_the_advantage_is_the_largest_distance_of_the_power_from_chance():
    rates = np.linspace(0.001, 0.999, 4001)
    for mu in MU:
        assert (gaussian_power(mu, rates) - rates).max() == pytest.approx(gaussian_advantage(mu), abs=1e-6)
        assert gaussian_delta(mu, 0.0) == pytest.approx(gaussian_advantage(mu), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: gaussian_delta(0.0, 1.0), r"mu is 0: give finite numbers of more than 0\."),
        (lambda: gaussian_delta(1.0, np.inf), r"epsilon is inf: give numbers of at least 0\."),
        (
            lambda: gaussian_epsilon(MU, np.array([0.5, 1.5, 0, 0, 0])),
            r"delta holds the value 1\.5: give numbers from 0",
        ),
        (lambda: gaussian_epsilon(1.0, 0.0), r"delta is 0: give finite numbers of more than 0\."),
        (lambda: gaussian_power(1.0, -0.1), r"fpr is -0\.1: give numbers from 0 to 1\."),
        (lambda: gaussian_composition("much", 3), r"noise_multiplier is 'much': give finite numbers of more than 0\."),
    ],
)
def test_what_is_no_mechanism_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
