"""Late training in float32 and float64, mean log-probabilities, norms of the last layer, and change of features."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax

import memjax as mj
from memjax import InputError
from memjax.losses import cross_entropy, cross_entropy_exact
from memjax.measures import BUILT_IN, feature_change, l2_of, last_layer_l2, log_probability
from memjax.types import Data

RNG = np.random.default_rng(0)
LATE = np.array([1.0, 10.0, 17.0, 25.0, 60.0, 85.0])  # Margins of the label over each of three other classes.
LABELS = np.zeros(6, np.int32)


@jax.jit
def _exact(outputs, labels):
    return cross_entropy_exact(outputs, labels), jax.grad(lambda z: cross_entropy_exact(z, labels).sum())(outputs)


def _late(dtype):
    return np.outer(LATE, [1, 0, 0, 0]).astype(dtype)


def _value_and_slope(loss, dtype):
    both = jax.jit(lambda z: (loss(z, LABELS), jax.grad(lambda z: loss(z, LABELS).sum())(z)))
    return [np.asarray(part) for part in both(_late(dtype))]


def _log_of_softmax(outputs, targets):
    return -jnp.log(jax.nn.softmax(outputs))[np.arange(6), targets]


EXACT = np.log1p(3 * np.exp(-LATE))
SLOPE = np.outer(1 / (1 + 3 * np.exp(-LATE)), [-3, 1, 1, 1]) * np.exp(-LATE)[:, None]


@pytest.mark.parametrize("loss", [_log_of_softmax, cross_entropy])
def test_late_in_training_float32_loses_the_loss_and_the_gradient_of_the_label(loss):
    value, slope = _value_and_slope(loss, np.float32)
    assert (value[2:] == 0).all() and (slope[2:, 0] == 0).all() and (EXACT[2:] > 0).all()
    # What is left of the gradient pushes the other classes down, with nothing in return.
    assert loss is _log_of_softmax or (slope[2:5, 1:] > 0).all()
    # One step before it is gone, no more than three digits are left.
    assert 1e-4 < abs(value[1] / EXACT[1] - 1) < 1e-2


def test_float64_keeps_them_longer():
    with jax.enable_x64(True):
        value, slope = _value_and_slope(cross_entropy, np.float64)
    # Measured 2e-5 at a loss of 4e-11; at 2.6e-26 even 64 bits are lost.
    np.testing.assert_allclose(value[:4], EXACT[:4], rtol=1e-4)
    np.testing.assert_allclose(slope[:4], SLOPE[:4], rtol=1e-4)
    assert value[4] == 0


def test_the_exact_loss_keeps_them_to_the_end_in_float32():
    value, slope = _value_and_slope(cross_entropy_exact, np.float32)
    # Measured 5e-7 in the loss, 5e-7 in the gradient.
    np.testing.assert_allclose(value, EXACT, rtol=3e-6)
    np.testing.assert_allclose(slope, SLOPE, rtol=3e-6)


@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4, 1e37])
def test_the_exact_loss_is_the_cross_entropy_where_that_is_not_tiny(scale):
    outputs, labels = (scale * RNG.normal(size=(50, 7))).astype(np.float32), RNG.integers(0, 7, 50)
    wide = outputs.astype(float)
    naive = -log_softmax(wide, axis=1)[np.arange(50), labels]
    value, slope = _exact(outputs, labels)
    np.testing.assert_allclose(value, naive, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(slope, np.exp(log_softmax(wide, axis=1)) - np.eye(7)[labels], rtol=0, atol=1e-6)


def test_the_exact_loss_has_the_curvature_of_the_cross_entropy():
    outputs, labels = RNG.normal(size=(1, 5)).astype(np.float32), np.array([3])
    hessians = jax.jit(
        lambda z: [
            jax.hessian(lambda z, loss=loss: loss(z, labels)[0])(z) for loss in (cross_entropy_exact, cross_entropy)
        ]
    )
    ours, plain = hessians(outputs)
    np.testing.assert_allclose(ours, plain, rtol=0, atol=1e-6)  # Measured 6e-8.


def test_the_exact_loss_takes_a_tie_an_excluded_class_and_no_values():
    outputs = np.array([[2.0, 2.0, -np.inf]], np.float32)
    value, slope = _exact(outputs, np.array([1]))
    np.testing.assert_allclose(value, np.log(2), rtol=1e-6)
    np.testing.assert_allclose(slope, [[0.5, -0.5, 0]], rtol=1e-6)
    with pytest.raises(InputError, match="loss is 'cross_entropy_exact', but the targets are float32 values"):
        cross_entropy_exact(outputs, np.zeros(1, np.float32))


def _taken(measure, params, x=None, y=None):
    data = Data(x, y)
    return measure.function(params, lambda params, x: x @ params, data)


def test_log_probability_is_the_mean_over_all_classes_without_labels():
    weights, x = RNG.normal(size=(4, 7)).astype(np.float32), 20 * RNG.normal(size=(30, 4)).astype(np.float32)
    naive = log_softmax(x.astype(float) @ weights, axis=1).mean(1)
    np.testing.assert_allclose(_taken(log_probability, weights, x), naive, rtol=3e-6)
    undecided = _taken(log_probability, np.zeros((4, 7), np.float32), x)
    np.testing.assert_allclose(undecided, -np.log(7), rtol=1e-6)
    assert np.isfinite(_taken(log_probability, 1e20 * weights, x)).all()
    assert (BUILT_IN["log_probability"].splits, log_probability.needs_labels) == (("train", "test"), False)


def test_the_last_layer_is_the_eleventh_and_not_the_ninth():
    layers = {f"layer_{i}": {"kernel": jnp.full((2, 2), i), "bias": jnp.full(2, -i)} for i in range(12)}
    assert float(_taken(last_layer_l2, layers)) == pytest.approx(11 * 6**0.5)
    assert float(_taken(l2_of("layer_9"), layers)) == pytest.approx(9 * 6**0.5)


@pytest.mark.slow
def test_they_are_recorded_while_training():
    spec = mj.Experiment(
        task=mj.tasks.RandomLabels(input_dim=3, num_classes=4),
        model=mj.models.MLP(hidden=(5,)),
        train_size=8,
        test_size=8,
        optimizer=mj.optimizers.sgd(0.1),
        steps=2,
        record_every=1,
        measures=("last_layer_l2", "layer_l2", "log_probability", l2_of("layer_0")),
    )
    ds = mj.sweep(spec, progress=False)
    for name, layer in (("last_layer_l2", "layer_1"), ("l2_of_layer_0", "layer_0")):
        of_layer = ds.layer_l2.sel(parameter=[f"{layer}/bias", f"{layer}/kernel"])
        np.testing.assert_allclose(ds[name], np.sqrt(np.square(of_layer).sum("parameter")), rtol=1e-6)
    assert (ds.train_log_probability < -np.log(4)).all() and (ds.test_log_probability < -np.log(4)).all()


def test_the_last_layer_of_lists_and_of_one_array():
    layers = [jnp.ones((3, 3)), {"w": jnp.array([3.0]), "b": jnp.array([4.0])}]
    assert float(_taken(last_layer_l2, layers)) == pytest.approx(5)
    assert float(_taken(last_layer_l2, jnp.array([6.0, 8.0]))) == pytest.approx(10)
    with pytest.raises(InputError, match="The parameters have no layer '2': use 0 or 1"):
        _taken(l2_of("2"), layers)
    with pytest.raises(InputError, match="layer is 2: give the name"):
        l2_of(2)


def test_feature_change_in_closed_form_and_by_loops():
    before, after = RNG.normal(size=(2, 3, 6, 4)).astype(np.float32)
    naive = [np.sqrt(((b - a) ** 2).sum() / (b**2).sum()) for b, a in zip(before, after, strict=True)]
    np.testing.assert_allclose(feature_change(before, after), naive, rtol=1e-6)
    cosines = [
        np.mean([1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(*layer, strict=True)])
        for layer in zip(before, after, strict=True)
    ]
    np.testing.assert_allclose(feature_change(before, after, "cosine"), cosines, rtol=1e-5)
    np.testing.assert_allclose(feature_change(before, -3 * before), 4, rtol=1e-6)
    np.testing.assert_allclose(feature_change(before, -3 * before, "cosine"), 2, rtol=1e-6)
    np.testing.assert_allclose(feature_change(before, before, "cosine"), 0, atol=1e-6)


def test_feature_change_where_features_are_dead():
    h = np.array([[1.0, 0.0], [0.0, 0.0]])
    assert feature_change(h, [[0.0, 2.0], [5.0, 5.0]], "cosine") == pytest.approx(1)
    assert np.isnan(feature_change(0 * h, 0 * h)) and np.isnan(feature_change(0 * h, h, "cosine"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((2, 3)), np.ones((3, 3))), r"shapes \[2, 3\] and \[3, 3\]"),
        ((np.ones(3), np.ones(3)), r"shapes \[3\] and \[3\]"),
        ((np.ones((2, 3)), np.ones((2, 3)), "euclidean"), "measure is 'euclidean': use relative or cosine"),
    ],
)
def test_features_that_cannot_be_compared_are_input_errors(arguments, message):
    with pytest.raises(InputError, match=message):
        feature_change(*arguments)
