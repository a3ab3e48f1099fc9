"""Optimizers: each factory follows plain optax for 20 steps in double precision."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from memjax import InputError, fields
from memjax.optimizers import adam, adamw, cosine, from_optax, linear, rmsprop, sgd, warmup, warmup_cosine

STEPS = 20
START = {"w": np.linspace(-1.0, 2.0, 6).reshape(2, 3), "b": np.array([0.5, -0.25])}
LR = 0.02


def _loss(params):
    """Curved and not quadratic, so that moments, momentum and clipping all leave their mark."""
    return jnp.sum(jnp.cos(3 * params["w"]) + params["w"] ** 4 / 4) + jnp.sum(jnp.exp(params["b"]))


def _scan(rule):
    def step(carry, _):
        params, state = carry
        updates, state = rule.update(jax.grad(_loss)(params), state, params)
        params = optax.apply_updates(params, updates)
        return (params, state), jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(params)])

    params = jax.tree.map(jnp.asarray, START)
    return jax.lax.scan(step, (params, rule.init(params)), None, STEPS)[1]


def _both(ours, theirs):
    with jax.enable_x64(True):
        return jax.device_get(jax.jit(lambda: (_scan(ours.transformation(STEPS)), _scan(theirs)))())


def _coupled(decay, *rules):
    return optax.chain(optax.add_decayed_weights(decay), *rules)


CASES = [
    (adam(LR), optax.adam(LR)),
    (adam(LR, b1=0.5, b2=0.9, eps=1e-3), optax.adam(LR, b1=0.5, b2=0.9, eps=1e-3)),
    (adam(LR, l2=0.3), _coupled(0.3, optax.adam(LR))),
    (adam(LR, eps=0.5, clip_norm=0.7), optax.chain(optax.clip_by_global_norm(0.7), optax.adam(LR, eps=0.5))),
    (adamw(LR), optax.adamw(LR, weight_decay=1e-2)),
    (adamw(LR, b1=0.5, b2=0.9, eps=1e-3, weight_decay=0.3), optax.adamw(LR, 0.5, 0.9, 1e-3, weight_decay=0.3)),
    (
        adamw(LR, eps=0.5, clip_norm=0.7),
        optax.chain(optax.clip_by_global_norm(0.7), optax.adamw(LR, eps=0.5, weight_decay=1e-2)),
    ),
    (sgd(LR), optax.sgd(LR)),
    (sgd(LR, momentum=0.8), optax.sgd(LR, momentum=0.8)),
    (sgd(LR, momentum=0.8, nesterov=True), optax.sgd(LR, momentum=0.8, nesterov=True)),
    (sgd(LR, l2=0.3), _coupled(0.3, optax.sgd(LR))),
    (sgd(LR, l2=0.3, clip_norm=0.7), optax.chain(optax.clip_by_global_norm(0.7), _coupled(0.3, optax.sgd(LR)))),
    (rmsprop(LR), optax.rmsprop(LR)),
    (
        rmsprop(LR, decay=0.5, eps=1e-3, momentum=0.4, l2=0.3),
        _coupled(0.3, optax.rmsprop(LR, decay=0.5, eps=1e-3, momentum=0.4)),
    ),
    (
        rmsprop(LR, eps=0.5, clip_norm=0.7),
        optax.chain(optax.clip_by_global_norm(0.7), optax.rmsprop(LR, eps=0.5)),
    ),
    (adam(cosine(LR, 0.1)), optax.adam(optax.cosine_decay_schedule(LR, STEPS, 0.1))),
    (adamw(warmup_cosine(LR, 5)), optax.adamw(optax.warmup_cosine_decay_schedule(0, LR, 5, STEPS), weight_decay=1e-2)),
    (sgd(linear(LR)), optax.sgd(optax.linear_schedule(LR, 0, STEPS))),
    (rmsprop(warmup(LR, 5)), optax.rmsprop(optax.linear_schedule(0, LR, 5))),
    (from_optax(optax.lion, learning_rate=LR, b1=0.7), optax.lion(LR, b1=0.7)),
    (from_optax(optax.lion, learning_rate=linear(LR)), optax.lion(optax.linear_schedule(LR, 0, STEPS))),
]
IDS = [repr(ours) for ours, _ in CASES]
# Rules that another case holds as well, with more of their numbers.
SLOW = (0, 4, 7, 8, 10, 12, 17, 20)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        pytest.param(*case, id=name, marks=[pytest.mark.slow] if index in SLOW else [])
        for index, (case, name) in enumerate(zip(CASES, IDS, strict=True))
    ],
)
def test_the_trajectory_is_that_of_optax(ours, theirs):
    path, expected = _both(ours, theirs)
    # Measured 0; with a schedule 4e-8, for ours and optax's are float32 in the step.
    np.testing.assert_allclose(path, expected, rtol=0, atol=1e-7 if "peak" in repr(ours) else 1e-14)


@pytest.mark.parametrize(
    "index",
    [pytest.param(i, id=IDS[i], marks=[pytest.mark.slow] if i in (5, 19) else []) for i in (1, 5, 13, 16, 19)],
)
def test_the_trajectory_is_the_same_with_traced_hyperparameters(index):
    ours, theirs = CASES[index]

    def run(values):
        return _scan(fields.with_numbers(ours, values).transformation(STEPS)), _scan(theirs)

    with jax.enable_x64(True):
        values = {path: jnp.asarray(float(value)) for path, value in fields.traced_values(ours).items()}
        assert values
        path, expected = jax.jit(run)(values)
    np.testing.assert_allclose(path, expected, rtol=0, atol=1e-7 if "peak" in repr(ours) else 1e-13)


def test_a_function_of_the_step_is_taken_as_optax_takes_it():
    line = optax.linear_schedule(LR, 0, 10)
    for ours, theirs in ((adam(line), optax.adam(line)), (sgd(lambda step: 1), optax.sgd(1.0))):
        path, expected = _both(ours, theirs)
        np.testing.assert_allclose(path, expected, rtol=0, atol=1e-14)  # Measured 0.


def test_coupled_l2_is_not_decoupled_decay():
    coupled, decoupled = _both(adam(LR, l2=0.3), optax.adamw(LR, weight_decay=0.3))
    assert np.abs(coupled - decoupled).max() > 1e-2
    sgd_coupled, by_hand = _both(sgd(LR, l2=0.3), optax.chain(optax.add_decayed_weights(0.3), optax.scale(-LR)))
    np.testing.assert_allclose(sgd_coupled, by_hand, rtol=0, atol=1e-15)


def test_clip_norm_bounds_the_gradient_and_none_does_not():
    gradient = {"a": np.array([3.0, 0.0], np.float32), "b": np.array([4.0], np.float32)}
    for clip, length in ((1.0, 1.0), (10.0, 5.0), (None, 5.0)):
        update = _first_update(sgd(1.0, clip_norm=clip), gradient)
        assert np.linalg.norm(np.concatenate([*update.values()])) == pytest.approx(length, rel=1e-6)


def _first_update(optimizer, gradient):
    """What one step adds to parameters that are equal to their gradient."""
    rule = optimizer.transformation(1)
    return jax.device_get(jax.jit(lambda leaf: rule.update(leaf, rule.init(leaf), leaf)[0])(gradient))


def test_clipping_comes_before_l2():
    update = _first_update(sgd(1.0, l2=10.0, clip_norm=1.0), {"a": np.array([3.0, 4.0], np.float32)})
    np.testing.assert_allclose(update["a"], [-(0.6 + 30), -(0.8 + 40)], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: from_optax(optax.lion, learning_rate=0.1, beta=0.9), r"unexpected keyword argument 'beta'"),
        (lambda: from_optax(optax.lion), r"missing a required argument: 'learning_rate'"),
        (lambda: from_optax(3, learning_rate=0.1), r"The factory 3 cannot be called"),
        (lambda: from_optax(max, learning_rate=0.1), r"The factory <built-in function max> cannot be called"),
    ],
)
def test_a_factory_that_cannot_be_called_is_an_input_error(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()


def test_equal_settings_are_equal_optimizers():
    assert adam(1e-3, l2=0.1) == adam(1e-3, l2=0.1) != adam(1e-3)
    assert hash(sgd(0.1, momentum=0.9)) == hash(sgd(0.1, momentum=0.9))
    assert adam(cosine(0.1)) == adam(cosine(0.1)) != adam(linear(0.1))


def test_the_repr_says_how_to_make_it():
    assert repr(sgd(0.1, l2=0.5)) == "sgd(learning_rate=0.1, momentum=None, l2=0.5, clip_norm=None, nesterov=False)"


@pytest.mark.parametrize("kind", [np.float32, np.array, jnp.float32])
def test_numbers_of_any_factory_may_be_scalars_of_numpy_or_jax(kind):
    ours, theirs = from_optax(optax.adam, learning_rate=kind(0.5)), from_optax(optax.adam, learning_rate=0.5)
    assert (ours, hash(ours)) == (theirs, hash(theirs))


@pytest.mark.parametrize("size", [1e-37, 1e37, 9e37, 3e38])
def test_clipping_holds_up_to_the_largest_number(size):
    gradient = {"w": jnp.array([size, 0.0, -size / 2]), "b": jnp.array([0.0])}
    rule = sgd(1.0, clip_norm=1e-37).transformation(steps=1)
    update, _ = jax.jit(rule.update)(gradient, rule.init(gradient), gradient)
    np.testing.assert_allclose(update["w"] * 1e37, np.array([-2, 0, 1]) / np.sqrt(5), rtol=1e-5)
