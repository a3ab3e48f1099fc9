"""MLP: initial laws against closed forms, the forward pass against NumPy, activations against scipy."""

import functools

import jax
import numpy as np
import pytest
from scipy import special

from memjax import InputError
from memjax.fields import with_numbers
from memjax.models import MLP, activations
from memjax.models.adapt import with_outputs

FAN_IN = (6, 400, 300)
ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": special.expit,
    "gelu": lambda x: x * 0.5 * (1 + special.erf(x / np.sqrt(2))),
    "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x * special.expit(x),
    "softplus": lambda x: np.logaddexp(x, 0),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "sin": np.sin,
    "square": np.square,
    "identity": lambda x: x,
}


@functools.partial(jax.jit, static_argnums=0)
def _draw(model, seed, x):
    return model.init(jax.random.key(seed), x)


@functools.partial(jax.jit, static_argnums=0)
def _apply(model, params, x):
    return model.apply(params, x)


def _params(seed=0, width=6, **fields):
    return jax.device_get(_draw(MLP(outputs=5, **fields), seed, np.zeros((1, width), np.float32)))


def _forward(params, x, activation):
    """The naive pass in float64."""
    x = x.reshape(len(x), -1).astype(np.float64)
    for depth in range(len(params)):
        layer = {name: np.asarray(leaf, np.float64) for name, leaf in params[f"layer_{depth}"].items()}
        x = x @ layer["kernel"] + layer.get("bias", 0)
        if depth < len(params) - 1:
            x = activation(x)
    return x


def _leaves(rule):
    params = _params(hidden=(400, 300), initializer=rule)
    for depth, fan_in in enumerate(FAN_IN):
        for name, leaf in params[f"layer_{depth}"].items():
            yield name, fan_in, np.asarray(leaf, np.float64).ravel()


def test_torch_init_is_uniform_up_to_its_bound_biases_too():
    for _, fan_in, leaf in _leaves("torch"):
        bound, n = fan_in**-0.5, leaf.size
        assert np.abs(leaf).max() <= bound * (1 + 1e-6)
        # The largest of n uniform draws falls short of the bound by a fraction 7/n with probability exp(-7).
        assert min(leaf.max(), -leaf.min()) > bound * (1 - 7 / n)
        # Uniform on +-b: variance b^2/3, fourth moment b^4/5, so the variance of n squares is 4/45 b^4 / n.
        assert abs(np.mean(leaf**2) - 1 / (3 * fan_in)) < 5 * bound**2 * np.sqrt(4 / 45 / n)
        assert abs(np.mean(leaf)) < 5 * bound * np.sqrt(1 / 3 / n)


@pytest.mark.parametrize(
    ("rule", "gain"), [("lecun", lambda n: 1 / n), ("he", lambda n: 2 / n), ("normal", lambda n: 1)]
)
def test_normal_inits_have_their_variance_and_zero_biases(rule, gain):
    for name, fan_in, leaf in _leaves(rule):
        if name == "bias":
            assert not leaf.any()
            continue
        variance, n = gain(fan_in), leaf.size
        assert abs(np.mean(leaf**2) - variance) < 5 * variance * np.sqrt(2 / n)
        assert abs(np.mean(leaf)) < 5 * np.sqrt(variance / n)
        assert abs(np.mean(leaf**4) - 3 * variance**2) < 5 * variance**2 * np.sqrt(96 / n)


def test_xavier_has_the_variance_of_both_fans():
    for name, fan_in, leaf in _leaves("xavier"):
        if name == "bias":
            assert not leaf.any()
            continue
        variance = 2 / (fan_in + leaf.size // fan_in)
        assert abs(np.mean(leaf**2) - variance) < 5 * variance * np.sqrt(2 / leaf.size)
        assert abs(np.mean(leaf**4) - 3 * variance**2) < 5 * variance**2 * np.sqrt(96 / leaf.size)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_hidden_activations_are_those_of_the_naive_forward_pass(activation):
    model = MLP(hidden=(7, 11), activation=activation, outputs=3)
    x = np.random.default_rng(1).normal(size=(13, 2, 2)).astype(np.float32)
    params = jax.tree.map(np.asarray, _draw(model, 2, x))
    outputs, hidden = jax.jit(lambda w, x: (model.apply(w, x), model.hidden_activations(w, x)))(params, x)
    h = x.reshape(13, 4).astype(float)
    for layer in ("layer_0", "layer_1"):
        h = {"relu": lambda v: np.maximum(v, 0), "tanh": np.tanh}[activation](
            h @ params[layer]["kernel"].astype(float) + params[layer]["bias"]
        )
        # Float32 against float64: measured 2e-7.
        np.testing.assert_allclose(hidden[layer], h, rtol=0, atol=2e-6)
    last = h @ params["layer_2"]["kernel"].astype(float) + params["layer_2"]["bias"]
    np.testing.assert_allclose(outputs, last, rtol=0, atol=2e-6)
    assert list(hidden) == ["layer_0", "layer_1"]
    linear = MLP(hidden=(), outputs=3)
    assert linear.hidden_activations(_draw(linear, 0, x), x) == {}


def test_layers_and_seeds_are_drawn_apart():
    params, other = _params(hidden=(6, 6)), _params(1, hidden=(6, 6))
    first, second = (np.asarray(params[f"layer_{i}"]["kernel"]) for i in (0, 1))
    assert not np.isin(first, second).any()
    assert not np.isin(first, np.asarray(other["layer_0"]["kernel"])).any()


@pytest.mark.parametrize("rule", ["torch", "lecun", "he", "xavier", "normal"])
def test_init_scale_multiplies_every_parameter_exactly(rule):
    # Not as whole programs: the operations have been compiled for the rule before.
    one, double, odd = (
        MLP(outputs=5, initializer=rule, init_scale=scale).init(jax.random.key(0), np.zeros((1, 6), np.float32))
        for scale in (1.0, 2.0, 0.3)
    )
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(2 * np.asarray(a), np.asarray(b)), one, double)
    # Two roundings of float32 apart: 0.3 and the product; measured 1.2e-7.
    jax.tree.map(lambda a, b: np.testing.assert_allclose(0.3 * np.asarray(a, float), b, rtol=2.4e-7), one, odd)


def test_the_network_of_the_post_has_12817_parameters():
    params = jax.eval_shape(MLP(hidden=(100, 100), outputs=17).init, jax.random.key(0), np.zeros((1, 9), np.float32))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 12_817
    assert 9 * 100 + 100 + 100 * 100 + 100 + 100 * 17 + 17 == 12_817


def test_without_biases_only_kernels_remain():
    params = _params(hidden=(8,), bias=False)
    assert {name: sorted(layer) for name, layer in params.items()} == {"layer_0": ["kernel"], "layer_1": ["kernel"]}
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 6 * 8 + 8 * 5


@pytest.mark.parametrize(("name", "bias"), [("relu", False), *((name, True) for name in ACTIVATIONS)])
def test_apply_is_the_naive_forward_pass(name, bias):
    x = np.random.default_rng(1).normal(size=(13, 4)).astype(np.float32)
    params = jax.tree.map(lambda leaf: 2 * np.asarray(leaf), _draw(MLP(hidden=(7, 11), bias=bias, outputs=3), 2, x))
    expected, found = _forward(params, x, ACTIVATIONS[name]), _of_all_activations(bias, params, x)[name]
    # Float32 against float64: measured 3.2e-7 of the largest output (square) and less for the others.
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6 * np.abs(expected).max())


@functools.partial(jax.jit, static_argnums=0)
def _of_all_activations(bias, params, x):
    """Outputs of the same network with each activation, in one program."""
    models = {name: MLP(hidden=(7, 11), activation=name, bias=bias, outputs=3) for name in ACTIVATIONS}
    return {name: model.apply(params, x) for name, model in models.items()}


def test_the_table_of_activations_is_complete():
    with pytest.raises(InputError, match="not known") as caught:
        activations.get("no such")
    named = str(caught.value).split("use ")[1].split(", or pass")[0].replace(" or ", ", ").split(", ")
    assert sorted(named) == sorted(ACTIVATIONS)


@jax.jit
def _values_and_slopes(x):
    return {name: jax.vmap(jax.value_and_grad(activations.get(name)))(x) for name in ACTIVATIONS}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_and_their_gradients_are_right_far_out(name):
    x = np.array([-30.0, -3.0, -0.5, 0.25, 2.0, 30.0])
    with jax.enable_x64(True):
        values, slopes = jax.device_get(_values_and_slopes(x)[name])
    np.testing.assert_allclose(values, ACTIVATIONS[name](x), rtol=1e-12, atol=1e-14)
    central = (ACTIVATIONS[name](x + 1e-5) - ACTIVATIONS[name](x - 1e-5)) / 2e-5
    # Central differences at 1e-5 in float64 lose about 1e-10 of values up to 900.
    np.testing.assert_allclose(slopes, central, rtol=1e-7, atol=1e-9)


def test_gelu_is_the_exact_one():
    model = MLP(hidden=(1,), activation="gelu", bias=False, outputs=1)
    params = {f"layer_{depth}": {"kernel": np.ones((1, 1), np.float32)} for depth in (0, 1)}
    # The tanh form is off by 4.7e-4 at its worst near 2.2; float32 by 2e-7.
    value = float(_apply(model, params, np.array([[2.2]], np.float32))[0, 0])
    assert abs(value - 2.2 * special.ndtr(2.2)) < 1e-6


def test_a_linear_model_has_no_hidden_layer_and_superposes():
    model = MLP(hidden=(), bias=False, outputs=2)
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    params = _draw(model, 0, x)
    assert list(params) == ["layer_0"]
    np.testing.assert_allclose(_apply(model, params, x), x @ np.asarray(params["layer_0"]["kernel"]), rtol=0, atol=1e-6)


def test_inputs_of_any_rank_are_flattened_row_by_row():
    model = MLP(hidden=(4,), outputs=2)
    x = np.random.default_rng(0).normal(size=(5, 2, 3)).astype(np.float32)
    params = _draw(model, 0, x)
    np.testing.assert_array_equal(_apply(model, params, x), _apply(model, params, x.reshape(5, 6)))


def test_an_activation_may_be_any_function():
    cube = MLP(hidden=(4,), activation=lambda x: x**3, outputs=2)
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    params = _draw(cube, 0, x)
    np.testing.assert_allclose(_apply(cube, params, x), _forward(params, x, lambda v: v**3), rtol=0, atol=1e-6)


def test_double_precision_stays_double():
    with jax.enable_x64(True):
        x = np.random.default_rng(0).normal(size=(5, 3))
        model = MLP(hidden=(8,), activation="tanh", outputs=2)
        params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), _draw(model, 0, x))
        out = np.asarray(_apply(model, params, x))
    np.testing.assert_allclose(out, _forward(params, x, np.tanh), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_whole_number_inputs_are_taken_as_the_floats_they_are(dtype):
    pixels = np.random.default_rng(0).integers(0, 9, size=(5, 3))
    model = MLP(hidden=(4,), outputs=2)
    params, same = (_draw(model, 0, pixels.astype(kind)) for kind in (np.float32, dtype))
    jax.tree.map(np.testing.assert_array_equal, same, params)
    np.testing.assert_array_equal(
        _apply(model, params, pixels.astype(dtype)), _apply(model, params, pixels.astype(np.float32))
    )


def test_with_outputs_fills_only_what_is_open():
    assert with_outputs(MLP(), 7) == MLP(outputs=7)
    assert with_outputs(MLP(outputs=3), 7) == MLP(outputs=3)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"hidden": (4, 0)}, r"is 0: give a whole number"),
        ({"hidden": (4, 2.5)}, r"is 2\.5: give a whole number"),
        ({"hidden": (True,)}, r"is True: give a whole number"),
        ({"outputs": -1}, r"is -1: give a whole number"),
        ({"activation": "rleu"}, r"The activation 'rleu' is not known: use relu, tanh"),
        ({"initializer": "glorot"}, r"The initializer is 'glorot': use torch, lecun, he, xavier or normal"),
    ],
)
def test_bad_fields_have_their_sentence(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        MLP(**fields)


@pytest.mark.parametrize("fields", [{"hidden": None}, {"hidden": 2.5}, {"activation": ["relu"]}], ids=str)
def test_a_field_of_the_wrong_type_is_an_input_error(fields):
    with pytest.raises(InputError):
        MLP(**fields)


def test_widths_from_numpy_are_whole_numbers_too():
    assert MLP(hidden=(np.int64(4), np.int32(8))) == MLP(hidden=(4, 8))
    assert MLP(hidden=16) == MLP(hidden=(16,))


def test_an_open_width_cannot_be_applied():
    with pytest.raises(InputError, match=r"MLP\.outputs is None"):
        MLP().init(jax.random.key(0), np.zeros((1, 2), np.float32))


@pytest.mark.parametrize("rule", ["torch", "he"])
def test_initial_parameters_are_the_same_in_a_trace_and_outside(rule):
    """Outside of a trace a longer draw is cut, and NumPy does the rest; the engine draws in this way."""
    x, scale = np.zeros((1, 9), np.float32), np.float32(0.3)

    def drawn(key, scale):
        return with_numbers(MLP(hidden=(70, 50), outputs=17, initializer=rule), {"init_scale": scale}).init(key, x)

    key = jax.random.key(3)
    outside = MLP(hidden=(70, 50), outputs=17, initializer=rule, init_scale=0.3).init(key, x)
    for within in (jax.jit(drawn)(key, scale), jax.jit(lambda scale: drawn(key, scale))(scale)):
        jax.tree.map(np.testing.assert_array_equal, outside, within)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(outside))


@pytest.mark.parametrize("bias", [True, False])
def test_outputs_follow_from_every_hidden_layer(bias):
    model, x = MLP(hidden=(4, 3), bias=bias, outputs=5, dropout=0.5), np.random.default_rng(0).normal(size=(8, 6))
    params = _params(hidden=(4, 3), bias=bias)
    x = x.astype(np.float32)
    for layer, h in model.hidden_activations(params, x).items():
        np.testing.assert_allclose(model.outputs_from(params, layer, h), model.apply(params, x), rtol=1e-6)
