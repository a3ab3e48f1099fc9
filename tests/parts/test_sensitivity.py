"""Loss sensitivity and critical samples of linear networks in closed form, in company and by a loop, and their refusals."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax.examples import Tile
from memjax.losses import cross_entropy
from memjax.measures import critical_sample_ratio, loss_sensitivity

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(700, 12)).astype(np.float32), RNG.integers(0, 5, 700)
SPEC = mj.Experiment(
    task=mj.tasks.from_arrays(X, Y),
    model=mj.models.MLP(hidden=()),
    optimizer=mj.optimizers.sgd(0.5),
    train_size=200,
    test_size=500,
    steps=40,
    record_every=20,
    snapshots=(40,),
    measures=("loss", "loss_sensitivity"),
    examples=("loss_sensitivity", mj.measures.by_example("loss_sensitivity", on=("data", "test"), over="mean")),
)


@pytest.fixture(scope="module")
def linear():
    return mj.sweep(SPEC)


def softmax(outputs):
    odds = np.exp(outputs - outputs.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


def weights_of(dataset):
    snapshot = next(mj.snapshots(dataset))
    return snapshot, *(np.asarray(snapshot.params["layer_0"][name], float) for name in ("kernel", "bias"))


def test_the_sensitivity_of_a_linear_softmax_is_that_of_its_closed_form(linear):
    snapshot, kernel, bias = weights_of(linear)
    for split, found in (("train", linear.example_loss_sensitivity[-1]), ("test", None)):
        x, y = getattr(snapshot, split)
        exact = np.abs((softmax(x @ kernel + bias) - np.eye(5)[y]) @ kernel.T).sum(1)
        recorded = float(linear[f"{split}_loss_sensitivity"][-1])
        # Measured: relative differences up to 1e-7 of means, and 3e-7 of rows.
        np.testing.assert_allclose(recorded, exact.mean(), rtol=2e-6)
        if found is not None:
            rows = found.sel(example=snapshot.train_rows).values
            np.testing.assert_allclose(rows, exact, rtol=2e-5, atol=1e-6)


def test_a_fold_is_the_mean_over_records_after_the_first(linear):
    each = linear.example_mean_loss_sensitivity.isel(example_step=-1)
    np.testing.assert_allclose(each.mean(), linear.train_loss_sensitivity[1:].mean(), rtol=1e-5)
    on_test = linear.test_example_mean_loss_sensitivity.isel(example_step=-1)
    np.testing.assert_allclose(on_test.mean(), linear.test_loss_sensitivity[1:].mean(), rtol=1e-5)


def test_the_sensitivity_of_images_is_a_sum_over_all_pixels_and_rows_are_apart():
    params = jnp.asarray(RNG.normal(size=(6, 3)), jnp.float32)
    x, y = jnp.asarray(RNG.normal(size=(4, 2, 3)), jnp.float32), jnp.asarray([0, 1, 2, 0])
    apply = lambda params, x: jnp.tanh(x.reshape(len(x), -1) @ params)  # noqa: E731
    found = loss_sensitivity.function(params, apply, Tile(x, y, jnp.ones(4, bool)), loss=cross_entropy)
    one = jax.jit(jax.vmap(jax.grad(lambda row, label: cross_entropy(apply(params, row[None]), label[None])[0])))
    naive = np.abs(one(x, y)).sum((1, 2))
    np.testing.assert_allclose(found, naive, rtol=1e-6)


@pytest.mark.slow
def test_networks_of_other_widths_beside_them_change_nothing():
    spec = dataclasses.replace(SPEC, steps=20, snapshots=(), examples=())
    both = mj.sweep(spec, over={"hidden": [(3,), (8,)]})
    alone = mj.sweep(dataclasses.replace(spec, model=mj.models.MLP(hidden=(3,))))
    np.testing.assert_allclose(both.test_loss_sensitivity[0], alone.test_loss_sensitivity, rtol=1e-5)


def test_inputs_that_are_no_floats_are_refused():
    spec = mj.Experiment(task=mj.tasks.ModularArithmetic(p=5), model=mj.models.EmbeddingMLP(), train_size=10)
    with pytest.raises(
        mj.InputError, match="'loss_sensitivity' is a derivative in the inputs, and the inputs are int32"
    ):
        mj.explain(dataclasses.replace(spec, measures=("loss_sensitivity",)))


def exact_radii(snapshot, kernel, bias, split="test"):
    """Radius of the smallest box around each input in which a linear network has another class."""
    outputs = getattr(snapshot, split).x.astype(float) @ kernel + bias
    own = outputs.argmax(1)
    leads = np.take_along_axis(outputs, own[:, None], 1) - outputs
    lengths = np.abs(kernel[:, own][:, :, None] - kernel[:, None, :]).sum(0)
    other = np.arange(5) != own[:, None]
    return np.where(other, leads / np.where(other, lengths, 1), np.inf).min(1)


@pytest.mark.parametrize("radius", [0.05, 0.2])
def test_the_search_finds_what_is_critical_for_a_linear_network_and_nothing_else(linear, radius):
    exact = exact_radii(*weights_of(linear))
    found = mj.measure(linear, [critical_sample_ratio(radius, steps=20)]).isel(snapshot=0)
    critical = found.critical.sel(test_example=next(mj.snapshots(linear)).test_rows).values
    # float32: an input is not told apart from one on the border.
    assert not (critical & (exact > radius * (1 + 1e-5))).any()
    # Measured: all of 107 and of 319 inputs.
    assert (critical & (exact < radius)).sum() >= 0.99 * (exact < radius).sum() > 50
    assert float(found.critical_sample_ratio) == pytest.approx(critical.mean())


@pytest.mark.slow
def test_a_search_finds_more_with_more_steps_and_the_same_again(linear):
    few, more, again = (
        mj.measure(linear, [critical_sample_ratio(0.2, steps=steps, split="train", noise=0.05)]).isel(snapshot=0)
        for steps in (2, 12, 12)
    )
    assert not (few.critical & ~more.critical).any() and more.critical.sum() > few.critical.sum()
    np.testing.assert_array_equal(more.critical, again.critical)
    assert more.critical.sizes == {"example": 200}


def test_without_steps_towards_the_border_noise_alone_finds_less(linear):
    whole, lazy = (
        mj.measure(linear, [critical_sample_ratio(0.2, steps=20, step=step)]).critical_sample_ratio
        for step in (None, 0.0)
    )
    assert float(lazy[0]) < float(whole[0])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: critical_sample_ratio(0.0), "radius is 0: give a positive number"),
        (lambda: critical_sample_ratio(-1.0), "radius"),
        (lambda: critical_sample_ratio(0.1, steps=0), "steps"),
        (lambda: critical_sample_ratio(0.1, noise=-1.0), "noise"),
        (lambda: critical_sample_ratio(0.1, split="data"), "split"),
    ],
)
def test_settings_that_mean_nothing_are_refused(make, words):
    with pytest.raises(mj.InputError, match=words):
        make()


def test_tokens_and_missing_examples_are_refused():
    tokens = mj.Experiment(
        task=mj.tasks.ModularArithmetic(p=5),
        model=mj.models.EmbeddingMLP(),
        train_size=10,
        steps=1,
        record_every=1,
        snapshots=(0,),
    )
    with pytest.raises(mj.InputError, match="inputs that can be moved"):
        mj.measure(mj.sweep(tokens), [critical_sample_ratio(0.1)])
    empty = dataclasses.replace(tokens, task=mj.tasks.from_arrays(X, Y), model=mj.models.MLP(hidden=()), test_size=0)
    with pytest.raises(mj.InputError, match="the test examples, of which a run has none"):
        mj.measure(mj.sweep(empty), [critical_sample_ratio(0.1)])
