"""Least squares at every size: limits, tables and simulations of the risks, loops of gradient descent, sums over directions."""

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax.analysis import (
    effective_parameters,
    gradient_descent_risk,
    least_squares_terms,
    random_features_risk,
    ridgeless_risk,
)

RATIOS = np.array([1 / 6, 1 / 3, 2 / 3, 5 / 6, 7 / 6, 4 / 3, 2, 4, 10])


def test_the_isotropic_risk_is_that_of_simulations():
    rng, n, signal, noise = np.random.default_rng(0), 200, 1.5, 0.3
    for p in (50, 100, 400, 800):
        risks = []
        for _ in range(40):
            x, true = rng.normal(size=(n, p)), rng.normal(size=p)
            true *= np.sqrt(signal) / np.linalg.norm(true)
            found = np.linalg.lstsq(x, x @ true + np.sqrt(noise) * rng.normal(size=n))[0]
            risks.append(((found - true) ** 2).sum())
        exact = float(ridgeless_risk(p / n, signal, noise))
        # Measured: 5.8% at most, with standard errors of 4% and less.
        assert np.mean(risks) == pytest.approx(exact, rel=0.15)


def test_the_isotropic_risk_has_its_limits():
    assert ridgeless_risk([1e-9, 1e9], 2.0, 0.5) == pytest.approx([0, 2], abs=1e-8)
    np.testing.assert_array_equal(ridgeless_risk(1.0, 2.0, [0.0, 0.5]), [0, np.inf])
    assert ridgeless_risk([1 - 1e-9, 1 + 1e-9], 0.0, 1.0) == pytest.approx([1e9, 1e9], rel=1e-6)


def test_the_risk_of_random_features_is_that_of_a_table_that_was_computed_apart():
    found = random_features_risk(3 * RATIOS, 3.0, noise=0.25)
    assert found.round(3).tolist() == [0.860, 0.797, 1.185, 2.318, 2.478, 1.293, 0.503, 0.240, 0.152]


def _expanded(p1, p2):
    """The polynomials before they were factored, E_0, E_1 and E_2."""
    z2 = 0.25 / (0.25 - 1 / (2 * np.pi))
    a = min(p1, p2) * z2 - z2 - 1
    c = -(np.sqrt(a**2 + 4 * z2 * min(p1, p2)) + a) / (2 * z2)
    z4, z6 = z2**2, z2**3
    e_0 = -(c**5) * z6 + 3 * c**4 * z4 + (p1 * p2 - p1 - p2 + 1) * c**3 * z6 - 2 * c**3 * z4 - 3 * c**3 * z2
    e_0 += (p1 + p2 - 3 * p1 * p2 + 1) * c**2 * z4 + 2 * c**2 * z2 + c**2 + 3 * p1 * p2 * c * z2 - p1 * p2
    e_1 = p2 * c**3 * z4 - p2 * c**2 * z2 + p1 * p2 * c * z2 - p1 * p2
    e_2 = c**5 * z6 - 3 * c**4 * z4 + (p1 - 1) * c**3 * z6 + 2 * c**3 * z4
    return e_0, e_1, e_2 + 3 * c**3 * z2 - (p1 + 1) * c**2 * z4 - 2 * c**2 * z2 - c**2


@pytest.mark.parametrize(("features", "examples"), [(0.5, 3.0), (4.0, 3.0), (7.0, 0.2), (0.9, 0.8)])
def test_the_factored_polynomials_are_the_expanded_ones(features, examples):
    e_0, e_1, e_2 = _expanded(features, examples)
    found = random_features_risk(features, examples, signal=2.0, noise=0.3, nonlinear=0.1)
    # Measured: 1.1e-15.
    assert float(found) == pytest.approx((2 * e_1 + 0.4 * e_2) / e_0 + 0.1, rel=1e-12)


def test_the_risk_of_random_features_has_its_limits():
    # Without features nothing is learnt, the part that is not linear neither.
    assert float(random_features_risk(1e-9, 3.0, 2.0, 0.5, 0.3)) == pytest.approx(2.3, rel=1e-6)
    assert np.isinf(random_features_risk([0.7, 3.0], [0.7, 3.0], noise=0.1)).all()
    beside = random_features_risk([3 - 1e-6, 3 + 1e-6], 3.0, noise=0.25)
    assert (beside > 1e5).all()
    # What is not linear acts as noise.
    more = random_features_risk(4.0, 3.0, 1.0, 0.2, 0.3) - random_features_risk(4.0, 3.0, 1.0, 0.5)
    assert float(more) == pytest.approx(0.3)


def test_risks_keep_labels():
    ratio = xr.DataArray([0.5, 2.0], {"ratio": [0.5, 2.0]}, ("ratio",))
    noise = xr.DataArray([0.0, 1.0, 2.0], {"noise": [0, 1, 2]}, ("noise",))
    assert ridgeless_risk(ratio, noise=noise).dims == ("ratio", "noise")
    assert float(random_features_risk(3 * ratio, 3.0, noise=noise).sel(ratio=2.0, noise=1)) == float(
        random_features_risk(6.0, 3.0, noise=1.0)
    )


@pytest.mark.slow
def test_the_risk_of_random_features_is_that_of_simulations():
    rng, d, n = np.random.default_rng(1), 100, 300

    def sphere(rows):
        x = rng.normal(size=(rows, d))
        return x * np.sqrt(d) / np.linalg.norm(x, axis=1, keepdims=True)

    for ratio in (1 / 3, 2.0, 4.0):
        risks = []
        for _ in range(8):
            weights, true = sphere(round(ratio * n)) / np.sqrt(d), rng.normal(size=d)
            true /= np.linalg.norm(true)
            x, test = sphere(n), sphere(1000)
            features, tested = np.maximum(x @ weights.T, 0), np.maximum(test @ weights.T, 0)
            found = np.linalg.lstsq(features, x @ true + 0.5 * rng.normal(size=n))[0]
            risks.append(np.mean((tested @ found - test @ true) ** 2))
        # Measured: 4.8% at most.
        assert np.mean(risks) == pytest.approx(float(random_features_risk(3 * ratio, 3.0, noise=0.25)), rel=0.15)


def _regression(count, inputs, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, inputs)), rng.normal(size=inputs), rng.normal(size=count), rng.normal(size=inputs)


@pytest.mark.parametrize(("count", "inputs"), [(12, 5), (8, 8), (5, 12)])
def test_gradient_descent_is_that_of_a_loop(count, inputs):
    x, true, errors, start = _regression(count, inputs)
    factor = np.random.default_rng(9).normal(size=(inputs, inputs))
    found = gradient_descent_risk(x, true, errors, [0, 1, 7, 300], 0.02, start=start, covariance=factor @ factor.T)
    y, w, kept = x @ true + errors, start.copy(), {}
    for step in range(301):
        kept[step] = w
        w = w - 0.02 * 2 * x.T @ (x @ w - y) / count
    for step in found.step.values:
        one = found.sel(step=step)
        # Measured: 2.2e-14 at most, here and below.
        np.testing.assert_allclose(one.weights, kept[step], atol=1e-11)
        assert float(one.train_loss) == pytest.approx(np.mean((x @ kept[step] - y) ** 2), abs=1e-11)
        assert float(one.risk) == pytest.approx((((kept[step] - true) @ factor) ** 2).sum(), rel=1e-11)


def test_parts_of_the_risk_are_those_of_one_cause_alone():
    x, true, errors, start = _regression(10, 6)
    whole = gradient_descent_risk(x, true, errors, [0, 40], 0.05, start=start)
    clean = gradient_descent_risk(x, true, 0 * errors, [0, 40], 0.05, start=start)
    noise = gradient_descent_risk(x, true, errors, [0, 40], 0.05, start=true)
    np.testing.assert_allclose(whole.signal_risk, clean.risk, rtol=1e-12)
    np.testing.assert_allclose(whole.noise_risk, noise.risk, rtol=1e-12, atol=1e-15)


def test_gradient_descent_ends_at_the_least_norm_solution():
    x, true, errors, _ = _regression(6, 9)
    found = gradient_descent_risk(x, true, errors, [10**6], 0.05)
    # Measured: 9e-16.
    np.testing.assert_allclose(found.weights[0], np.linalg.pinv(x) @ (x @ true + errors), atol=1e-11)
    assert float(found.train_loss[0]) < 1e-20


def test_the_engine_takes_the_steps_of_the_closed_form():
    x, true, errors, _ = _regression(30, 20, seed=3)
    errors = 5 * errors
    test = np.random.default_rng(4).normal(size=(50, 20))
    spec = mj.Experiment(
        task=mj.tasks.from_arrays(x, (x @ true + errors)[:, None], x_test=test, y_test=(test @ true)[:, None]),
        model=mj.models.LeastSquares(bias=False),
        optimizer=mj.optimizers.sgd(0.05),
        loss="mse",
        train_size=30,
        test_size=50,
        batch_size=30,
        steps=2000,
        record_at=(0, 1, 10, 50, 2000),
        measures=("loss",),
    )
    ds = mj.sweep(spec)
    moments = test.T @ test / 50
    found = gradient_descent_risk(x, true, errors, ds.step.values, 0.05, covariance=moments)
    # Measured in float32: 6.4e-7 at most, relative.
    np.testing.assert_allclose(ds.train_loss, found.train_loss, rtol=1e-5)
    np.testing.assert_allclose(ds.test_loss, found.risk, rtol=1e-5)
    # The test error has its minimum on the way, as the closed form says.
    assert int(found.risk.values.argmin()) == int(ds.test_loss.values.argmin()) == 2


@pytest.mark.parametrize(("count", "inputs"), [(12, 5), (5, 5), (4, 9)])
def test_terms_of_least_squares_sum_to_its_error(count, inputs):
    x, true, errors, _ = _regression(count, inputs)
    test = np.random.default_rng(2).normal(size=(7, inputs))
    found = least_squares_terms(x, x @ true + errors, test, true)
    wanted = test @ (np.linalg.pinv(x) @ (x @ true + errors) - true)
    # Measured: 2.7e-15 at most.
    np.testing.assert_allclose(found.error, wanted, atol=1e-11)
    np.testing.assert_allclose(found.along * found.residual / found.singular_value, found.term, atol=1e-12)
    assert (np.abs(found.bias).max() < 1e-12) == (count >= inputs)


def test_each_factor_removes_the_terms():
    x, true, errors, _ = _regression(6, 6)
    test = np.random.default_rng(2).normal(size=(7, 6))
    whole = least_squares_terms(x, x @ true + errors, test, true)
    sizes = whole.singular_value.values
    # Without residuals there is no error; test inputs across the smallest direction have no term of it.
    assert np.abs(least_squares_terms(x, x @ true, test, true).error).max() < 1e-12
    least = np.linalg.svd(x)[2][-1]
    across = test - np.outer(test @ least, least)
    assert np.abs(least_squares_terms(x, x @ true + errors, across, true).term[:, -1]).max() < 1e-12
    # A cut leaves the other terms as they are, and what is lost of the best model is the bias.
    short = least_squares_terms(x, x @ true + errors, test, true, cut=(sizes[-1] + sizes[-2]) / 2)
    np.testing.assert_allclose(short.term, whole.term[:, :-1], atol=1e-12)
    np.testing.assert_allclose(short.bias, -(test @ least) * (true @ least), atol=1e-12)


def test_neighbours_use_the_number_of_examples_over_that_of_neighbours():
    rng, n = np.random.default_rng(0), 24
    for k in (1, 2, 3, 8, 24):
        near = np.argsort(rng.random((10, n)), axis=1)[:, :k]
        weights = np.zeros((10, n))
        np.put_along_axis(weights, near, 1 / k, axis=1)
        assert effective_parameters(weights) == pytest.approx(n / k)


def test_least_squares_uses_its_inputs_on_its_own_rows_and_the_variance_on_others():
    rng, n = np.random.default_rng(0), 10
    for p in (3, 10, 25):
        x, test = rng.normal(size=(n, p)), rng.normal(size=(6, p))
        inverse = np.linalg.pinv(x)
        assert effective_parameters(x @ inverse) == pytest.approx(min(n, p))
        draws = test @ inverse @ rng.normal(size=(n, 20_000))
        # Measured: 1.6% at most.
        assert effective_parameters(test @ inverse) == pytest.approx(n * draws.var(axis=1).mean(), rel=0.05)


def test_weights_are_read_by_the_names_of_their_dimensions():
    weights = xr.DataArray(np.random.default_rng(0).random((3, 4, 2)), dims=("example", "test_example", "k"))
    found = effective_parameters(weights)
    assert found.dims == ("k",)
    np.testing.assert_allclose(found, effective_parameters(weights.transpose("k", "test_example", "example").values))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: ridgeless_risk([0.0, 1.0]), "ratio is .*: give positive numbers"),
        (lambda: ridgeless_risk(1.0, noise=-1.0), "noise is -1.0: give numbers of at least 0"),
        (lambda: random_features_risk(1.0, float("nan")), "examples is nan: give positive numbers"),
        (lambda: random_features_risk(1.0, 2.0, nonlinear=-0.1), "nonlinear is -0.1"),
        (lambda: gradient_descent_risk([1.0], [1.0], [0.0], [1], 0.1), r"x has shape \(1,\)"),
        (lambda: gradient_descent_risk([[1.0]], [1.0, 2.0], [0.0], [1], 0.1), r"give teacher of shape \(1,\)"),
        (lambda: gradient_descent_risk([[1.0]], [1.0], [0.0], [-1], 0.1), "steps is .*: give whole numbers"),
        (lambda: gradient_descent_risk([[1.0]], [1.0], [np.inf], [1], 0.1), "errors holds numbers that are not finite"),
        (lambda: effective_parameters([1.0]), r"weights has shape \(1,\)"),
        (lambda: effective_parameters(xr.DataArray([1.0], dims="example")), "inputs = 'test_example'"),
        (lambda: least_squares_terms([[1.0]], [1.0], [[1.0, 2.0]], [1.0]), r"x_test \(1, 2\)"),
        (lambda: least_squares_terms([1.0], [1.0], [[1.0]], [1.0]), r"x has shape \(1,\)"),
        (lambda: least_squares_terms([[1.0]], [1.0], [[1.0]], [1.0], cut=-1), "cut is -1"),
    ],
)
def test_what_cannot_be_a_risk_or_a_smoother_is_an_error(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
