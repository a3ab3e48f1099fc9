"""Langevin dynamics and SGLD: the law of the noise, the limit without it, and each run's own stream."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import memjax as mj
from memjax import InputError
from memjax.optimizers import adam, from_optax, langevin, norm_constrained, sgd, sgld

MODEL = mj.models.MLP(hidden=(6,))


def trajectory(rule, gradient, start, steps, key=(1, 2)):
    rule = rule.transformation(steps, np.array(key, np.uint32))
    params, path = jnp.asarray(start, jnp.float32), []
    state = rule.init(params)
    for _ in range(steps):
        updates, state = rule.update(gradient(params), state, params)
        params = optax.apply_updates(params, updates)
        path.append(params)
    return np.array(path)


def sweep(optimizer, over, **fields):
    fields = dict(model=MODEL, train_size=20, steps=30, record_every=10, measures=("weight_l2",)) | fields
    return mj.sweep(mj.Experiment(optimizer=optimizer, **fields), over=over, packing=mj.Packing(width=32, runs=2))


def test_one_step_of_sgld_has_the_drift_and_the_variance_of_its_equation():
    # 40,000 numbers: the mean and the variance of the noise are within 4 of their standard errors.
    start, count = np.full(40_000, 2.0), 40_000
    noise = trajectory(sgld(0.01, nbeta=30.0, localization=5.0), lambda w: 0.5 * w, start, 2)
    first = noise[0] - 2.0
    assert abs(first.mean() - (-0.005 * 30.0 * 1.0)) < 4 * 0.1 / count**0.5
    assert abs(first.var() / 0.01 - 1) < 4 * (2 / count) ** 0.5
    drift = -0.005 * (30.0 * 0.5 * noise[0] + 5.0 * (noise[0] - 2.0))
    second = noise[1] - noise[0] - drift
    assert abs(second.var() / 0.01 - 1) < 4 * (2 / count) ** 0.5
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / count**0.5


def test_langevin_at_a_temperature_has_the_variance_of_the_discrete_chain_in_a_quadratic():
    # w <- (1 - eta h) w + sqrt(2 eta T) n has the variance T / h / (1 - eta h / 2). 20,000 chains, 60 steps.
    h, eta, temperature = 2.0, 0.3, 0.05
    last = trajectory(langevin(eta, temperature=temperature), lambda w: h * w, np.zeros(20_000), 60)[-1]
    assert abs(last.var() / (temperature / h / (1 - eta * h / 2)) - 1) < 4 * (2 / 20_000) ** 0.5


def test_langevin_without_temperature_is_gradient_descent_with_l2():
    rules = langevin(0.1, l2=0.02), sgd(0.1, l2=0.02)
    cold, descent = (trajectory(rule, lambda w: jnp.cos(w) + 0.3, [3.0, 0.0, 4.0], 9) for rule in rules)
    np.testing.assert_allclose(cold, descent, rtol=2e-6)  # Measured 0.


@pytest.mark.long
def test_a_sweep_of_langevin_without_temperature_is_one_of_gradient_descent_with_l2():
    over, measures = {"seed": [0, 1]}, ("loss",)
    cold, descent = (sweep(rule, over, measures=measures) for rule in (langevin(0.1, l2=0.02), sgd(0.1, l2=0.02)))
    # The same sums in float32, fused in another order: 2e-7 apart at most.
    np.testing.assert_allclose(cold.train_loss, descent.train_loss, rtol=2e-6)


def test_a_runs_noise_is_its_own_whatever_its_company():
    rule, seeds = langevin(0.05, temperature=0.01), [3, 4, 5, 6, 7]
    among = sweep(rule, {"init_seed": seeds}, data_seed=0)
    alone = sweep(rule, {"init_seed": [5]}, data_seed=0)
    np.testing.assert_allclose(among.weight_l2.sel(init_seed=[5]), alone.weight_l2, rtol=1e-5)
    ends = among.weight_l2.isel(step=-1).values
    assert len(np.unique(ends)) == len(ends)


@pytest.mark.slow
def test_noise_does_not_repeat_between_runs_that_start_from_one_network():
    chains = sweep(sgld(1e-3, nbeta=1.0), {"init_seed": [0, 1]}, start=mj.Start.of(_params()), data_seed=0)
    first, second = chains.weight_l2.values
    assert first[0] == second[0]
    assert (first[1:] != second[1:]).all()


def _params():
    shapes = {"layer_0": {"bias": (6,), "kernel": (9, 6)}, "layer_1": {"bias": (17,), "kernel": (6, 17)}}
    return {
        layer: {name: np.full(shape, 0.1, np.float32) for name, shape in part.items()} for layer, part in shapes.items()
    }


@pytest.mark.long
def test_optax_factories_that_take_a_key_get_each_runs_own():
    noisy = from_optax(optax.noisy_sgd, learning_rate=0.1)
    found = sweep(noisy, {"init_seed": [0, 1]}, data_seed=0, start=mj.Start.of(_params()))
    first, second = found.weight_l2.values
    assert (first[1:] != second[1:]).all()


def test_a_negative_temperature_or_step_size_is_refused():
    with pytest.raises(InputError, match=r"langevin\.temperature is -1.0: give a finite number of at least 0"):
        langevin(0.1, temperature=-1.0)
    with pytest.raises(InputError, match=r"sgld\.step_size is -1\.0"):
        sgld(-1.0)


def test_the_norm_is_put_back_after_every_step_of_the_inner_optimizer():
    def naive(norm):
        w, m, v, path = np.array([3.0, 0.0, 4.0]), np.zeros(3), np.zeros(3), []
        norm = np.linalg.norm(w) if norm is None else norm
        for t in range(1, 8):
            g = np.cos(w) + 0.3
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            w = w - 0.2 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
            w = w * norm / np.linalg.norm(w)
            path.append(w)
        return np.array(path)

    for norm in (None, 2.0):
        ours = trajectory(norm_constrained(adam(0.2), norm=norm), lambda w: jnp.cos(w) + 0.3, [3.0, 0.0, 4.0], 7)
        # In float32; 2e-6 apart at most.
        np.testing.assert_allclose(ours, naive(norm), rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_the_first_norm_is_kept_to_the_last_step():
    found = sweep(norm_constrained(sgd(0.5)), {"init_scale": [1.0, 2.0], "seed": [0, 1]})
    np.testing.assert_allclose(found.weight_l2, found.weight_l2.isel(step=0).broadcast_like(found.weight_l2), rtol=1e-5)


@pytest.mark.slow
def test_norms_are_an_axis():
    fixed = sweep(norm_constrained(sgd(0.5), norm=1.0), {"norm": [2.0, 3.0]})
    np.testing.assert_allclose(fixed.weight_l2.isel(step=-1), [2.0, 3.0], rtol=1e-5)


@pytest.mark.parametrize("inner", [sgld(0.1), norm_constrained(sgd(0.1)), "adam"])
def test_what_cannot_be_constrained_is_refused(inner):
    with pytest.raises(InputError, match="without noise and constraint"):
        norm_constrained(inner)


@pytest.mark.parametrize("norm", [0.0, -1.0, float("nan"), "2"])
def test_a_norm_must_be_positive(norm):
    with pytest.raises(InputError, match=r"norm_constrained\.norm is .*: give a positive number"):
        norm_constrained(sgd(0.1), norm=norm)


@pytest.mark.parametrize(
    "rule", [langevin(0.1, temperature=0.5), sgld(0.1), norm_constrained(adam(0.1, l2=0.5), norm=2.0)]
)
def test_they_are_written_and_read_as_json(rule):
    spec = mj.Experiment(optimizer=rule)
    assert mj.Experiment.from_json(spec.to_json()) == spec


def test_a_key_of_ones_own_is_refused_for_every_run_is_given_one():
    with pytest.raises(InputError, match="leave it out, for every run is given its own"):
        from_optax(optax.noisy_sgd, learning_rate=0.1, key=0)


@pytest.mark.slow
def test_whole_numbers_of_a_constrained_factory_stay_structure():
    factored = norm_constrained(from_optax(optax.adafactor, learning_rate=0.1, min_dim_size_to_factor=128), norm=2.0)
    np.testing.assert_allclose(sweep(factored, {"norm": [1.0, 3.0]}).weight_l2[:, -1], [1.0, 3.0], rtol=1e-5)


def test_a_norm_of_zero_is_no_axis_either():
    with pytest.raises(InputError, match=r"norm_constrained\.norm is 0\.0"):
        sweep(norm_constrained(sgd(0.5), norm=1.0), {"norm": [0.0, 3.0]})
