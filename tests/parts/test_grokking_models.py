"""Models of two tokens: naive forward passes, laws of the initial values, closed solutions, limits, and the sentences."""

import dataclasses
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

import memjax as mj
from memjax.models import EmbeddingMLP, QuadraticMLP, Transformer, gromov_weights

PAIR = np.zeros((1, 2), np.int32)


@functools.partial(jax.jit, static_argnums=0)
def draw(model, key):
    return model.init(jax.random.key(key), PAIR)


@functools.partial(jax.jit, static_argnums=0)
def apply(model, params, x):
    return model.apply(params, x)


@functools.partial(jax.jit, static_argnums=0)
def apply_and_hidden(model, params, x):
    return model.apply(params, x), model.hidden_activations(params, x)


def grid(p):
    return np.stack(np.divmod(np.arange(p * p), p), 1)


def size(model):
    return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(lambda: model.init(jax.random.key(0), PAIR))))


def in_float64(params):
    return jax.tree.map(lambda leaf: np.asarray(leaf, float), params)


def gelu(x):
    return x / 2 * (1 + erf(x / np.sqrt(2)))


def naive_perceptron(model, params, a, b):
    """One example in float64, operand by operand, as the modules nn.Embedding and nn.Linear would."""
    w = in_float64(params)
    tables = [w["embedding"]["kernel"]] * 2 if model.shared else w["embedding"]["kernel"]
    ea, eb = tables[0][a], tables[1][b]
    first = w["layer_0"]
    if model.concatenate:
        h = np.concatenate([ea, eb]) @ first["kernel"] + first["bias"]
    else:
        h = ea @ first["kernel"][0] + first["bias"][0] + eb @ first["kernel"][1] + first["bias"][1]
    for depth in range(1, len(model.hidden)):
        h = gelu(h) @ w[f"layer_{depth}"]["kernel"] + w[f"layer_{depth}"]["bias"]
    return gelu(h) @ w[f"layer_{len(model.hidden)}"]["kernel"]


VARIANTS = [{}, {"shared": False}, {"concatenate": True}, {"shared": False, "concatenate": True, "hidden": (16, 8)}]


@pytest.mark.parametrize("fields", VARIANTS)
def test_the_perceptron_is_the_naive_forward_pass(fields):
    model = EmbeddingMLP(outputs=11, num_tokens=13, **fields)
    params, last = draw(model, 1), len(model.hidden)
    x = np.array([[0, 0], [3, 12], [12, 3], [7, 7]])
    naive = np.array([naive_perceptron(model, params, a, b) for a, b in x])
    outputs, hidden = jax.device_get(apply_and_hidden(model, params, x))
    # Float32 against float64: measured 1.2e-7 of logits of 1.2.
    np.testing.assert_allclose(outputs, naive, rtol=0, atol=1e-6)
    # The logits are linear in the last hidden layer.
    assert list(hidden) == [f"layer_{i}" for i in range(last)]
    np.testing.assert_allclose(
        hidden[f"layer_{last - 1}"] @ np.asarray(params[f"layer_{last}"]["kernel"]), naive, rtol=0, atol=1e-6
    )


def test_parameters_are_as_many_as_those_of_the_published_modules():
    embedding, linears, unembedding = 53 * 12, 2 * (12 * 48 + 48), 48 * 53
    assert size(EmbeddingMLP(outputs=53)) == embedding + linears + unembedding == 4428
    assert size(EmbeddingMLP(outputs=53, shared=False)) == 4428 + embedding
    assert size(EmbeddingMLP(outputs=53, concatenate=True)) == 4428 - 48
    assert size(EmbeddingMLP(outputs=53, hidden=(48, 20))) == 4428 - unembedding + 48 * 20 + 20 + 20 * 53
    assert size(QuadraticMLP(hidden=200, outputs=23)) == 3 * 23 * 200
    # d_vocab 114 on both sides, less the output of "=", which is never a label.
    assert size(Transformer(outputs=113)) == 2 * 114 * 128 - 128 + 3 * 128 + 4 * 128**2 + 2 * 128 * 512 + 512 + 128


def test_the_perceptron_begins_as_pytorch_does():
    """nn.Embedding is N(0, 1), nn.Linear uniform on +-1/sqrt(fan_in); 5 standard errors of the closed forms."""
    model = EmbeddingMLP(embedding=64, hidden=400, outputs=300)
    params = in_float64(draw(model, 3))
    table = params["embedding"]["kernel"].ravel()
    assert abs(table.var() - 1) < 5 * np.sqrt(2 / table.size)
    assert abs((np.abs(table) > 2).mean() - 0.0455) < 5 * np.sqrt(0.0455 / table.size)
    for layer, fan_in in (("layer_0", 64), ("layer_1", 400)):
        kernel = params[layer]["kernel"] * np.sqrt(fan_in)
        assert 0.999 < np.abs(kernel).max() <= 1
        assert abs(kernel.var() - 1 / 3) < 5 * np.sqrt(4 / 45 / kernel.size)
    assert 0.98 < np.abs(params["layer_0"]["bias"]).max() * 8 <= 1
    # Nothing is drawn twice.
    assert abs(np.corrcoef(params["layer_0"]["kernel"].reshape(2, -1))[0, 1]) < 5 / np.sqrt(64 * 400)
    layer = np.concatenate([params["layer_0"]["bias"][0], params["layer_0"]["kernel"][0].ravel()])[: table.size]
    assert abs(np.corrcoef(layer, table)[0, 1]) < 5 / np.sqrt(table.size)
    both = jax.device_get(draw(dataclasses.replace(model, concatenate=True), 3))
    assert 0.999 < np.abs(both["layer_0"]["kernel"]).max() * np.sqrt(128) <= 1
    twice = draw(dataclasses.replace(model, init_scale=2.0), 3)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, 2 * b, rtol=1e-6), twice, params)


@functools.partial(jax.jit, static_argnums=0)
def _gradients(model, x, target):
    """Gradient of one loss, the same by central differences, and its part of the first table."""
    flat, unravel = jax.flatten_util.ravel_pytree(model.init(jax.random.key(0), PAIR))

    def loss(flat):
        return jnp.sum(target * model.apply(unravel(flat), x))

    moves, gradient = 1e-5 * np.eye(flat.size), jax.grad(loss)(flat)
    up, down = (jax.vmap(loss)(flat + sign * moves) for sign in (1, -1))
    name = "layer_0" if isinstance(model, QuadraticMLP) else "embedding"
    return gradient, (up - down) / 2e-5, unravel(gradient)[name]["kernel"]


@pytest.mark.parametrize(
    "model",
    [
        EmbeddingMLP(3, (5, 4), "tanh", False),
        QuadraticMLP(6),
        pytest.param(Transformer(4, 2, 6, "tanh"), marks=pytest.mark.slow),
    ],
)
def test_gradients_are_central_differences_with_tokens_that_come_twice(model):
    model = type(model)(**{**vars(model), "outputs": 5})
    x, target = np.array([[1, 1], [1, 4], [4, 1], [0, 1]]), np.random.default_rng(0).normal(size=(4, 5))
    with jax.enable_x64(True):
        gradient, by_differences, table = jax.device_get(_gradients(model, x, target))
    # Central differences at 1e-5 are good to 1e-10 times third derivatives; measured 9e-11.
    np.testing.assert_allclose(gradient, by_differences, rtol=0, atol=1e-9)
    assert not table[..., 2:4, :].any() and table[..., 0, :].any() and table[..., 4, :].any()


def naive_transformer(model, params, tokens):
    """All three positions with a causal mask, one example, one head at a time, in float64."""
    w, d, width = in_float64(params), model.width, model.width // model.heads
    stream = np.stack([*w["embedding"]["kernel"][list(tokens)], w["embedding"]["equals"]]) + w["position"]["kernel"]
    out = np.zeros((3, d))
    for head in range(model.heads):
        at = slice(head * width, (head + 1) * width)
        query, key, value = (stream @ w["attention"][name][:, at] for name in ("query", "key", "value"))
        scores = query @ key.T / np.sqrt(width)
        scores[np.triu_indices(3, 1)] = -np.inf
        weights = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        out += weights @ value @ w["attention"]["output"][at]
    stream = stream + out
    hidden = np.maximum(stream @ w["mlp"]["kernel_in"] + w["mlp"]["bias_in"], 0)
    return ((stream + hidden @ w["mlp"]["kernel_out"] + w["mlp"]["bias_out"]) @ w["unembedding"]["kernel"])[-1]


def test_the_transformer_is_the_naive_one_at_its_last_position():
    model = Transformer(width=12, heads=3, mlp=20, outputs=7, num_tokens=9, init_scale=3.0)
    params = jax.device_get(draw(model, 2))
    # Biases begin at zero, so give them values that would show.
    for name in ("bias_in", "bias_out"):
        params["mlp"][name] = params["mlp"][name] + np.linspace(-1, 2, params["mlp"][name].size, dtype=np.float32)
    x = np.array([[0, 0], [3, 8], [8, 3], [5, 5]])
    naive = np.array([naive_transformer(model, params, pair) for pair in x])
    assert np.abs(naive).max() > 10
    # Float32 against float64: measured 8e-8 of the largest logit.
    outputs, hidden = jax.device_get(apply_and_hidden(model, params, x))
    np.testing.assert_allclose(outputs, naive, rtol=0, atol=1e-6 * np.abs(naive).max())
    assert hidden["attention"].shape == (4, 12) and hidden["mlp"].min() == 0 < hidden["mlp"].max()
    out = hidden["attention"] + hidden["mlp"] @ params["mlp"]["kernel_out"] + params["mlp"]["bias_out"]
    np.testing.assert_allclose(out @ params["unembedding"]["kernel"], naive, atol=1e-6 * np.abs(naive).max(), rtol=0)


def test_without_queries_and_positions_the_transformer_commutes():
    model = Transformer(width=8, heads=2, mlp=16, outputs=7)
    params = jax.tree.map(np.array, draw(model, 0))
    x = grid(7)
    swapped = jax.jit(lambda w: jnp.abs(model.apply(w, x) - model.apply(w, x[:, ::-1])).max())
    assert swapped(params) > 0.02
    params["attention"]["query"] *= 0
    params["position"]["kernel"] *= 0
    # Measured 0.
    assert swapped(params) < 1e-6


def test_the_transformer_begins_with_the_spreads_of_the_paper():
    """Standard deviations within 5 standard errors."""
    params = in_float64(draw(Transformer(outputs=113), 0))
    assert not params["mlp"]["bias_in"].any() and not params["mlp"]["bias_out"].any()
    expected = {"unembedding": 114**-0.5}
    for part, arrays in params.items():
        for name, array in arrays.items():
            if "bias" not in name:
                spread = expected.get(part, 128**-0.5)
                assert abs(array.std() / spread - 1) < 5 / np.sqrt(2 * array.size), (part, name)


def test_the_quadratic_perceptron_is_the_two_hot_product():
    model, x = QuadraticMLP(hidden=9, outputs=5), grid(5)
    params = draw(model, 0)
    w1, w2 = (in_float64(params)[name]["kernel"] for name in ("layer_0", "layer_1"))
    two_hot = np.concatenate([np.eye(5)[x[:, 0]], np.eye(5)[x[:, 1]]], 1)
    naive = np.square(two_hot @ w1.reshape(10, 9)) @ w2 / (10 * 9)
    # Float32 against float64: measured 3e-8 of outputs of 0.3.
    outputs, hidden = jax.device_get(apply_and_hidden(model, params, x))
    np.testing.assert_allclose(outputs, naive, rtol=0, atol=3e-7)
    np.testing.assert_allclose(hidden["layer_0"] @ w2 / 9, naive, rtol=0, atol=1e-6)
    # Three factors of the weights; two of them where the last layer is left out.
    scaled = draw(QuadraticMLP(hidden=9, outputs=5, init_scale=2.0), 0)
    np.testing.assert_allclose(apply_and_hidden(model, scaled, x)[0], 8 * naive, rtol=0, atol=3e-6)
    wide = in_float64(draw(QuadraticMLP(hidden=300, outputs=23), 0))
    assert abs(wide["layer_0"]["kernel"].std() - 1) < 5 / np.sqrt(4 * 23 * 300)


@pytest.mark.parametrize(("p", "hidden", "seeds"), [(23, 200, 5), (97, 500, 1)])
def test_the_weights_of_gromov_add_without_training(p, hidden, seeds):
    x = grid(p)
    labels = x.sum(1) % p
    for seed in range(seeds):
        outputs = np.asarray(apply(QuadraticMLP(hidden, outputs=p), gromov_weights(p, hidden, seed), x))
        assert (outputs.argmax(1) == labels).all()
        # One at the label and zero elsewhere, over all pairs, but for the N / p neurons of frequency zero: they move both
        # means by about 2 / sqrt(N p), 0.03 and 0.01.
        chosen, noise = np.eye(p, dtype=bool)[labels], 2 / np.sqrt(hidden * p)
        assert abs(outputs[chosen].mean() - 1) < 4 * noise and abs(outputs[~chosen].mean()) < 4 * noise


def test_the_weights_of_gromov_fail_at_few_neurons_and_noise_falls_with_the_width():
    x, noise = grid(23), []
    for hidden in (23 * 10, 23 * 160):
        outputs = np.asarray(apply(QuadraticMLP(hidden, outputs=23), gromov_weights(23, hidden), x))
        noise.append((outputs - np.eye(23)[x.sum(1) % 23]).std())
    # The square root of 16; measured 3.89.
    assert 3.6 < noise[0] / noise[1] < 4.4
    # Measured 0.40 to 0.47 over four seeds.
    few = np.asarray(apply(QuadraticMLP(12, outputs=23), gromov_weights(23, 12), x))
    assert (few.argmax(1) == x.sum(1) % 23).mean() < 0.7


@pytest.mark.parametrize("model", [EmbeddingMLP(), EmbeddingMLP(shared=False), QuadraticMLP(8), Transformer(8, 2, 8)])
def test_a_token_that_is_not_there_is_seen(model):
    model = type(model)(**{**vars(model), "outputs": 130})
    inside, outside = np.array([[129, 0], [0, 129]]), np.array([[130, 0], [0, 130], [-1, 0], [0, -1]])
    # Eight unsigned bits hold the tokens, but not twice them.
    of_bytes, of_words, of_none = jax.device_get(_on_tokens(model, inside.astype(np.uint8), inside, outside))
    np.testing.assert_array_equal(of_bytes, of_words)
    assert np.isfinite(of_words).all() and np.isnan(of_none).all()


@functools.partial(jax.jit, static_argnums=0)
def _on_tokens(model, *tokens):
    params = model.init(jax.random.key(0), np.zeros((1, 2), np.uint8))
    return [model.apply(params, x) for x in tokens]


def test_one_hot_mse_is_mse_on_one_hot_targets():
    outputs, labels = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32), np.array([0, 3, 1, 1, 2, 0])
    one_hot = np.eye(4, dtype=np.float32)[labels]
    np.testing.assert_allclose(mj.losses.one_hot_mse(outputs, labels), mj.losses.mse(outputs, one_hot), rtol=1e-6)


TASK = mj.tasks.ModularArithmetic(p=7)
TRAINED = dict(
    task=TASK,
    optimizer=mj.optimizers.adam(1e-2),
    train_size=30,
    steps=200,
    record_every=200,
    measures=("loss",),
)


@pytest.mark.slow
def test_the_perceptron_is_trained_by_a_sweep():
    """With a traced scale, and the recorded loss is that of the naive forward pass."""
    spec = mj.Experiment(model=EmbeddingMLP(4, 16), snapshots=(200,), **TRAINED)
    ds = mj.sweep(spec, over={"init_scale": [0.5, 1.0]}, progress=False)
    # Measured 0.003 and 0.004, from 1.94 and 1.98.
    assert (ds.train_loss.isel(step=0) > 1.2).all() and (ds.train_loss.isel(step=-1) < 0.05).all()
    for snapshot in mj.snapshots(ds):
        x, labels = np.asarray(snapshot.test.x), np.asarray(snapshot.test.y)
        logits = np.array([naive_perceptron(EmbeddingMLP(4, 16), snapshot.params, a, b) for a, b in x])
        naive = (np.log(np.exp(logits).sum(1)) - logits[np.arange(len(x)), labels]).mean()
        np.testing.assert_allclose(ds.test_loss.sel(snapshot.run).isel(step=-1), naive, rtol=1e-5)


@pytest.mark.slow
def test_the_quadratic_perceptron_is_trained_by_a_sweep():
    spec = mj.Experiment(model=QuadraticMLP(64), loss="one_hot_mse", **TRAINED)
    ds = mj.sweep(spec, over={"seed": range(2)}, progress=False)
    # Measured 0.007 and 0.004 of the first.
    assert (ds.train_loss.isel(step=-1) < 0.2 * ds.train_loss.isel(step=0)).all()


@pytest.mark.parametrize(
    "model", [EmbeddingMLP(4, (8, 8), shared=False), QuadraticMLP(9, 0.5), Transformer(8, 2, 16, "gelu")]
)
def test_they_are_written_and_read_as_json(model):
    spec = mj.Experiment(task=TASK, model=model)
    assert mj.Experiment.from_json(spec.to_json()) == spec


@pytest.mark.long
def test_the_small_net_groks_addition():
    """p = 31, fraction 0.8, weight decay 1: the train set is fit long before the test set."""
    spec = mj.Experiment(
        task=mj.tasks.ModularArithmetic(p=31),
        model=EmbeddingMLP(embedding=32, hidden=128, activation="relu", concatenate=True),
        optimizer=mj.optimizers.adamw(3e-3, weight_decay=1.0),
        train_size=769,
        steps=2000,
        record_every=20,
    )
    ds = mj.sweep(spec, over={"seed": range(3)}, progress=False)
    fit, generalised = ((ds[name] > 0.99).idxmax("step") for name in ("train_accuracy", "test_accuracy"))
    assert (ds.test_accuracy.isel(step=-1) > 0.99).all() and (generalised > 2 * fit).all()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: EmbeddingMLP(embedding=0), "EmbeddingMLP.embedding is 0"),
        (lambda: EmbeddingMLP(hidden=()), "EmbeddingMLP.hidden is empty"),
        (lambda: EmbeddingMLP(hidden=(4, 0)), "EmbeddingMLP layer width is 0"),
        (lambda: EmbeddingMLP(shared=1), "EmbeddingMLP.shared is 1: give True or False"),
        (lambda: EmbeddingMLP(concatenate="no"), "EmbeddingMLP.concatenate is 'no'"),
        (lambda: EmbeddingMLP(activation="rel"), "The activation 'rel' is not known"),
        (lambda: EmbeddingMLP(initializer="glorot"), "The initializer is 'glorot'"),
        (lambda: EmbeddingMLP(num_tokens=0), "EmbeddingMLP.num_tokens is 0"),
        (lambda: EmbeddingMLP(init_scale="big"), "EmbeddingMLP.init_scale is 'big'"),
        (lambda: EmbeddingMLP().init(jax.random.key(0), PAIR), "EmbeddingMLP.outputs is None: give the number"),
        (
            lambda: EmbeddingMLP(outputs=3).init(jax.random.key(0), np.zeros((1, 2), np.float32)),
            re.escape(
                "EmbeddingMLP takes pairs of tokens, whole numbers of shape [B, 2], but the inputs are float32[1, 2]"
            ),
        ),
        (lambda: QuadraticMLP(hidden=(3,)), r"QuadraticMLP.hidden is \(3,\)"),
        (lambda: QuadraticMLP(outputs=-1), "QuadraticMLP.outputs is -1"),
        (lambda: gromov_weights(1, 20), "p is 1"),
        (lambda: gromov_weights(23, 2.5), "hidden is 2.5"),
        (lambda: Transformer(width=10), "Transformer.width is 10, which 4 heads do not divide"),
        (lambda: Transformer(heads=0), "Transformer.heads is 0"),
        (lambda: Transformer(activation="rel"), "The activation 'rel' is not known"),
        (lambda: mj.sweep(mj.Experiment(model=Transformer())), "Transformer takes pairs of tokens"),
        (lambda: mj.sweep(mj.Experiment(model=QuadraticMLP())), re.escape("inputs are float32[2, 9]: use a task")),
        (
            lambda: mj.losses.one_hot_mse(np.zeros((2, 3)), np.zeros((2, 3))),
            "loss is 'one_hot_mse', but the targets are float64 values",
        ),
    ],
)
def test_every_mistake_has_its_sentence(make, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        make()
