"""The convolutional network: exact against XLA's convolution and closed forms, and a model like any other in a sweep."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax.models import ConvNet, FunctionPair
from memjax.models.convolution import convolve, pool

RNG = np.random.default_rng(0)
# Largest difference of float32 sums of up to 250 products of normal numbers, relative to the largest entry: 4e-7.
TOL = 5e-6


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def by_xla(kernel, maps, stride):
    """`convolve` by XLA's own convolution."""
    space = "XY"[: maps.ndim - 2]
    padding = [(width // 2, width // 2) for width in kernel.shape[:-2]]
    numbers = (f"C{space}N", f"{space}IO", f"C{space}N")
    return jax.lax.conv_general_dilated(maps, kernel, stride, padding, dimension_numbers=numbers)


def applied(model, params, x):
    return jax.jit(model.apply)(params, x)


def hidden_of(model, params, x):
    return jax.jit(model.hidden_activations)(params, x)


def assert_close(found, expected):
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=TOL, atol=TOL * np.abs(other).max())


@pytest.mark.parametrize(
    ("window", "space", "stride"),
    [
        ((3,), (9,), (1,)),
        ((5,), (10,), (3,)),
        ((3, 3), (6, 5), (1, 1)),
        ((3, 5), (6, 7), (2, 1)),
        ((7, 1), (4, 3), (1, 2)),
    ],
)
def test_a_convolution_and_its_gradients_are_those_of_xla(window, space, stride):
    kernel, maps = normal(*window, 4, 3), normal(4, *space, 7)
    tangent, kernels = normal(*maps.shape), normal(2, *kernel.shape)

    @functools.partial(jax.jit, static_argnums=0)
    def values(convolution):
        """Results, gradients, a derivative along a direction, and results and gradients under a vmap over kernels."""
        call = lambda kernel, maps: convolution(kernel, maps, stride)  # noqa: E731
        slope = lambda kernel: jax.grad(lambda *args: (call(*args) ** 2).sum(), (0, 1))(kernel, maps)  # noqa: E731
        along = jax.jvp(functools.partial(call, kernel), (maps,), (tangent,))[1]
        each = (jax.vmap(one)(kernels) for one in (lambda k: call(k, maps), slope))
        return call(kernel, maps), slope(kernel), along, *each

    assert_close(values(convolve), values(by_xla))


def test_a_kernel_of_width_one_is_a_dense_layer_per_pixel():
    kernel, maps = normal(1, 1, 4, 3), normal(4, 5, 6, 2)
    assert_close(convolve(kernel, maps, (1, 1)), np.einsum("io,ihwb->ohwb", kernel[0, 0], maps))


@pytest.mark.parametrize(("down", "right"), [(0, 0), (2, 1), (1, 0)])
def test_a_kernel_with_one_entry_is_a_shift_that_brings_in_zeros(down, right):
    kernel, maps = np.zeros((3, 3, 1, 1), np.float32), normal(1, 5, 6, 2)
    kernel[down, right] = 1
    around = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
    np.testing.assert_array_equal(convolve(kernel, maps, (1, 1)), around[:, down : down + 5, right : right + 6])


def test_pooling_is_the_mean_or_the_maximum_of_whole_windows():
    maps = normal(3, 5, 4, 2)
    blocks = maps[:, :4].reshape(3, 2, 2, 2, 2, 2)
    assert_close(pool("mean", maps), blocks.mean((2, 4)))
    np.testing.assert_array_equal(pool("max", maps), blocks.max((2, 4)))
    np.testing.assert_array_equal(pool("none", maps), maps)


def test_a_shifted_image_has_shifted_maps_away_from_the_border():
    model = ConvNet((4, 3), outputs=2, activation="tanh")
    x = np.zeros((2, 12, 12), np.float32)
    x[0, 3:7, 3:7] = normal(4, 4)
    x[1, 5:9, 4:8] = x[0, 3:7, 3:7]
    params = model.init(jax.random.key(0), x)
    maps = hidden_of(model, params, x)["layer_1"].reshape(2, 3, 12, 12)
    assert_close(maps[0, :, 1:9, 1:9], maps[1, :, 3:11, 2:10])


def by_hand(model, params, x):
    """The network of one example at a time, channels last, on XLA's convolution."""
    h = jnp.asarray(x if x.ndim == 4 else x[..., None])

    def layer(i, h, stride):
        leaves = params[f"layer_{i}"]
        numbers = ("NHWC", "HWIO", "NHWC")
        out = jax.lax.conv_general_dilated(h, leaves["kernel"], stride, [(1, 1)] * 2, dimension_numbers=numbers)
        return out + leaves["bias"]

    for i in range(len(model.channels)):
        out = jax.nn.relu(layer(i, h, (model.stride,) * 2))
        h = out + h if model.residual and out.shape == h.shape else out
        if model.pooling != "none":
            n, height, width, c = h.shape
            blocks = h[:, : height // 2 * 2, : width // 2 * 2].reshape(n, height // 2, 2, width // 2, 2, c)
            h = blocks.max((2, 4)) if model.pooling == "max" else blocks.mean((2, 4))
    if model.head == "image":
        return layer(len(model.channels), h, (1, 1)).reshape(len(x), -1)
    features = h.transpose(0, 3, 1, 2).reshape(len(x), -1) if model.head == "flat" else h.mean((1, 2))
    last = params[f"layer_{len(model.channels)}"]
    return features @ last["kernel"] + last["bias"]


@pytest.mark.parametrize(
    "fields",
    [
        dict(pooling="max"),
        dict(pooling="mean", residual=True),
        dict(stride=2, head="mean", residual=True),
        dict(head="image", residual=True),
    ],
    ids=str,
)
def test_outputs_and_gradients_are_those_of_the_network_written_out(fields):
    model = ConvNet((4, 4), **{"outputs": 7 * 6 * 2 if fields.get("head") == "image" else 3, **fields})
    x = normal(5, 7, 6, 2)
    params = jax.tree.map(lambda leaf: leaf + 0.1, model.init(jax.random.key(1), x))
    assert_close(applied(model, params, x), jax.jit(lambda p: by_hand(model, p, x))(params))
    slopes = [
        jax.jit(jax.grad(lambda p, f=f: (f(p) ** 2).sum()))(params)
        for f in (
            lambda p: model.apply(p, x),
            lambda p: by_hand(model, p, x),
        )
    ]
    assert_close(*slopes)


def test_signals_are_images_of_one_row():
    signals = ConvNet((4, 2), kernel=5, dims=1, pooling="none", stride=2, outputs=3)
    images = ConvNet((4, 2), kernel=(1, 5), stride=(1, 2), outputs=3)
    x = normal(6, 11)
    params = signals.init(jax.random.key(0), x)
    wide = jax.tree.map(lambda leaf: leaf[None] if leaf.ndim == 3 else leaf, params)
    np.testing.assert_array_equal(applied(signals, params, x), applied(images, wide, x[:, None]))


def test_layers_of_zeros_leave_only_the_skip_connection():
    model = ConvNet((2, 2), residual=True, outputs=3)
    x = normal(4, 5, 5, 2)
    params = jax.tree.map(jnp.zeros_like, model.init(jax.random.key(0), x))
    hidden = hidden_of(model, params, x)
    np.testing.assert_array_equal(hidden["layer_1"], x.transpose(0, 3, 1, 2).reshape(4, -1))
    # The first layer of an image with one channel changes the shape, and so has no skip connection.
    grey = jax.tree.map(jnp.zeros_like, model.init(jax.random.key(0), x[..., 0]))
    assert not np.any(hidden_of(model, grey, x[..., 0])["layer_0"])


def test_the_head_sees_the_last_hidden_activations():
    model = ConvNet((4, 6), pooling="max", outputs=3)
    x = normal(5, 8, 8)
    params = model.init(jax.random.key(0), x)
    hidden = hidden_of(model, params, x)
    assert {name: value.shape for name, value in hidden.items()} == {"layer_0": (5, 64), "layer_1": (5, 24)}
    last = params["layer_2"]
    assert_close(applied(model, params, x), hidden["layer_1"] @ last["kernel"] + last["bias"])


@pytest.mark.parametrize(
    ("rule", "variance"),
    [
        ("torch", 1 / (3 * 9 * 40)),
        ("lecun", 1 / (9 * 40)),
        ("he", 2 / (9 * 40)),
        ("xavier", 2 / (9 * 40 + 9 * 50)),
        ("normal", 1),
    ],
)
def test_initial_parameters_have_the_variance_of_the_rule(rule, variance):
    model = ConvNet((50,), head="mean", outputs=7, initializer=rule, init_scale=2.0)
    params = model.init(jax.random.key(3), np.zeros((1, 8, 8, 40), np.float32))
    # 18,000 numbers: a standard error of 1.1 percent.
    assert params["layer_0"]["kernel"].var() == pytest.approx(4 * variance, rel=0.05)
    head = {"torch": 1 / 150, "lecun": 1 / 50, "he": 2 / 50, "xavier": 2 / 57, "normal": 1}[rule]
    # 350 numbers: a standard error of 8 percent.
    assert params["layer_1"]["kernel"].var() == pytest.approx(4 * head, rel=0.3)
    if rule == "torch":
        assert np.abs(params["layer_0"]["kernel"]).max() <= 2 / 360**0.5
        assert 0 < np.abs(params["layer_0"]["bias"]).max() <= 2 / 360**0.5


REFUSED = {
    "an even kernel": (dict(kernel=4), "kernel is 4: give odd widths"),
    "a kernel of another rank": (
        dict(kernel=(3, 3), dims=1),
        r"kernel is \(3, 3\): give one whole number, or 1 of them",
    ),
    "no channel": (dict(channels=(4, 0)), "channels is 0"),
    "three dimensions": (dict(dims=3), "dims is 3: use 1 for signals, or 2"),
    "an unknown pooling": (dict(pooling="average"), "pooling is 'average': use none, max or mean"),
    "an unknown head": (dict(head="global"), "head is 'global': use flat, mean or image"),
    "a skip that is no flag": (dict(residual="yes"), "residual is 'yes'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_field_is_refused(case):
    fields, sentence = REFUSED[case]
    with pytest.raises(mj.InputError, match=sentence):
        ConvNet(**fields)


PIXELS, LABELS = normal(60, 8, 8), np.arange(60) % 3
UNFIT = {
    "signals": (ConvNet(), mj.tasks.RandomLabels(), r"takes images.*shape \[\d+, 9\]: give dims=1"),
    "colour images as signals": (ConvNet(dims=1), mj.tasks.from_arrays(normal(60, 4, 4, 3), LABELS), "give dims=2"),
    "tokens": (ConvNet(dims=1), mj.tasks.ModularArithmetic(p=5), "5 tokens, whose numbers are names, and ConvNet"),
    "maps that end": (
        ConvNet((4,) * 4, pooling="max"),
        mj.tasks.from_arrays(PIXELS, LABELS),
        r"map of layer_3 has the shape \[1, 1\]",
    ),
    "labels for images": (ConvNet(head="image"), mj.tasks.from_arrays(PIXELS, LABELS), "64 numbers.*3 outputs"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_inputs_that_do_not_fit_are_refused_before_training(case):
    model, task, sentence = UNFIT[case]
    with pytest.raises(mj.InputError, match=sentence):
        mj.explain(mj.Experiment(model=model, task=task, train_size=10, test_size=5, steps=2, record_every=1))


SPEC = mj.Experiment(
    task=mj.tasks.from_arrays(PIXELS, LABELS),
    model=ConvNet((4, 6), pooling="max"),
    train_size=20,
    test_size=20,
    steps=20,
    record_every=10,
    measures=("loss", "accuracy", "weight_l2"),
)
FOUR = mj.Packing(schedule="streamed", width=16, runs=4)


@pytest.mark.slow
def test_a_run_is_the_same_alone_in_company_and_in_another_order():
    alone = mj.sweep(SPEC, over={"seed": [3]}).sel(seed=3)
    first, other = (mj.sweep(SPEC, over={"seed": seeds}, packing=FOUR) for seeds in ([3, 4, 5, 6], [14, 15, 3, 16]))
    for name in ("train_loss", "test_loss", "train_accuracy", "weight_l2"):
        one, permuted = first[name].sel(seed=3), other[name].sel(seed=3)
        np.testing.assert_array_equal(one, permuted, err_msg=name)
        # Largest relative difference over 10 seeds: see test_company.py, whose tolerance this is.
        np.testing.assert_allclose(alone[name], one, rtol=3e-6, atol=3e-6, err_msg=name)
    assert not np.allclose(first.weight_l2.sel(seed=3), first.weight_l2.sel(seed=4), rtol=1e-3)


@pytest.mark.slow
def test_the_contracts_of_a_users_model_hold_for_it():
    """A model of memjax is not tried out before training; a pair of functions is."""
    own = dataclasses.replace(SPEC.model, outputs=3, residual=True)
    pair = dataclasses.replace(SPEC, model=FunctionPair(own.init, own.apply), steps=2, record_every=1)
    same = mj.sweep(dataclasses.replace(pair, model=own))
    np.testing.assert_allclose(mj.sweep(pair).train_loss, same.train_loss, rtol=3e-6)


@pytest.mark.slow
def test_an_autoencoder_of_one_image_learns_it_and_reads_back_from_json():
    image = normal(1, 5, 4, 3)
    task = mj.tasks.from_arrays(np.repeat(image, 2, 0), np.repeat(image.reshape(1, -1), 2, 0))
    spec = mj.Experiment(task=task, model=ConvNet((16, 16), head="image", residual=True), loss="mse", train_size=1,
                         test_size=1, steps=200, record_every=100, measures=("loss",),
                         optimizer=mj.optimizers.adam(1e-2))  # fmt: skip
    loss = mj.sweep(spec).train_loss
    assert loss[-1] < 0.05 * loss[0]
    assert mj.Experiment.from_json(spec.to_json(), using=(task,)).model == spec.model
