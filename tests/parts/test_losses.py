"""Losses against scipy, in both precisions and far out, with their gradients."""

import functools

import jax
import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from memjax import InputError, losses

RNG = np.random.default_rng(0)
cross_entropy = jax.jit(losses.cross_entropy)


@functools.partial(jax.jit, static_argnums=0)
def value_and_gradient(loss, outputs, targets):
    return loss(outputs, targets), jax.grad(lambda out: loss(out, targets).sum())(outputs)


def _labels(classes, size):
    return RNG.integers(0, classes, size, dtype=np.int32)


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e30])
def test_cross_entropy_is_minus_log_softmax_of_the_label(scale):
    outputs, labels = (scale * RNG.normal(size=(50, 7))).astype(np.float32), _labels(7, 50)
    expected = -log_softmax(outputs.astype(np.float64), axis=1)[np.arange(50), labels]
    # One float32 rounding of the largest logit of the row, and of a sum of logarithms.
    np.testing.assert_allclose(cross_entropy(outputs, labels), expected, rtol=3e-7, atol=3e-7 * scale)


def test_cross_entropy_in_double_precision():
    with jax.enable_x64(True):
        outputs, labels = 30 * RNG.normal(size=(50, 7)), _labels(7, 50)
        ours = np.asarray(cross_entropy(outputs, labels))
    expected = -log_softmax(outputs, axis=1)[np.arange(50), labels]
    np.testing.assert_allclose(ours, expected, rtol=1e-13, atol=1e-13)  # Measured 2e-14.


def test_cross_entropy_of_equal_logits_is_log_c():
    for classes in (2, 17, 1000):
        value = cross_entropy(np.full((1, classes), 5.0, np.float32), np.array([classes - 1], np.int32))
        np.testing.assert_allclose(value, np.log(classes), rtol=3e-7)


def test_cross_entropy_does_not_see_a_shift_of_the_logits():
    outputs, labels = RNG.normal(size=(9, 4)).astype(np.float32), _labels(4, 9)
    np.testing.assert_allclose(cross_entropy(outputs + 8, labels), cross_entropy(outputs, labels), rtol=0, atol=2e-6)


@pytest.mark.parametrize("scale", [1.0, 1e4, 1e37])
def test_the_gradient_of_cross_entropy_is_softmax_minus_one_hot(scale):
    outputs, labels = (scale * RNG.normal(size=(20, 5))).astype(np.float32), _labels(5, 20)
    _, gradient = jax.device_get(value_and_gradient(losses.cross_entropy, outputs, labels))
    assert np.isfinite(gradient).all()
    expected = softmax(outputs.astype(np.float64), axis=1) - np.eye(5)[labels]
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=5e-7)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.int8])
def test_labels_of_any_integer_dtype_name_their_class(dtype):
    outputs = RNG.normal(size=(3, 600)).astype(np.float32)  # More classes than eight bits can count.
    expected = -log_softmax(outputs.astype(np.float64), axis=1)[np.arange(3), [0, 100, 127]]
    np.testing.assert_allclose(cross_entropy(outputs, np.array([0, 100, 127], dtype)), expected, rtol=3e-7)


def test_an_excluded_class_costs_nothing():
    outputs = np.array([[0.0, 1.0, -np.inf], [2.0, -np.inf, 2.0]], np.float32)
    expected = -log_softmax(outputs[:1, :2].astype(float), axis=1)[0, 1], np.log(2)
    np.testing.assert_allclose(cross_entropy(outputs, np.array([1, 0], np.int32)), expected, rtol=3e-7)


def test_mse_is_the_mean_over_the_outputs_of_each_example():
    outputs, targets = RNG.normal(size=(2, 11, 4)).astype(np.float32)
    naive = [sum((o - t) ** 2 for o, t in zip(*row, strict=True)) / 4 for row in zip(outputs, targets, strict=True)]
    values, gradient = value_and_gradient(losses.mse, outputs, targets)
    np.testing.assert_allclose(values, naive, rtol=3e-7)
    np.testing.assert_allclose(gradient, 2 * (outputs - targets) / 4, rtol=3e-7)


def test_sse_is_the_squared_distance_of_each_example():
    outputs, targets = RNG.normal(size=(2, 11, 4, 3)).astype(np.float32)
    naive = [np.linalg.norm((o - t).astype(float)) ** 2 for o, t in zip(outputs, targets, strict=True)]
    values, gradient = value_and_gradient(losses.sse, outputs, targets)
    np.testing.assert_allclose(values, naive, rtol=5e-7)
    np.testing.assert_allclose(gradient, 2 * (outputs - targets), rtol=3e-7)


def test_get_gives_the_built_in_or_the_function_itself():
    def own(outputs, targets):
        return outputs[:, 0] - targets[:, 0]

    assert (
        losses.get("mse") is losses.mse
        and losses.get("sse") is losses.sse
        and losses.get("cross_entropy") is losses.cross_entropy
    )
    assert losses.get(own) is own


@pytest.mark.parametrize("loss", ["huber", None, 3, ["mse"]], ids=str)
def test_an_unknown_loss_is_an_input_error(loss):
    with pytest.raises(
        InputError,
        match=r"is not known: use cross_entropy, cross_entropy_exact, mse, sse, hinge or one_hot_mse, or pass your own",
    ):
        losses.get(loss)
