"""Losses of a user: numbers that are swept, and what a loss may see of the network beside its outputs."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax.fields import traced
from memjax.losses import cross_entropy, of_examples

SPEC = mj.Experiment(
    model=mj.models.MLP(hidden=(5,)),
    train_size=20,
    steps=4,
    record_every=2,
    optimizer=mj.optimizers.sgd(0.1),
    snapshots=(0, 4),
)


@dataclasses.dataclass(frozen=True)
class Tempered:
    """Cross-entropy at a temperature."""

    temperature: float = traced(1.0)

    def __call__(self, outputs, targets):
        return cross_entropy(outputs / self.temperature, targets)


@dataclasses.dataclass(frozen=True)
class Decayed:
    """Cross-entropy, and for each example the weights times its first input: a term that outputs do not show."""

    strength: float = traced(0.5)

    def __call__(self, outputs, targets, *, params, x):
        squares = sum(jnp.square(leaf).sum() for leaf in jax.tree.leaves(params))
        return cross_entropy(outputs, targets) + self.strength * squares * jnp.square(x[:, 0])


@dataclasses.dataclass(frozen=True)
class FirstOnly(Decayed):
    """A loss that sees another example."""

    def __call__(self, outputs, targets, *, params, x):
        return cross_entropy(outputs, targets) + jnp.square(x[0]).sum()


def test_the_number_of_a_loss_is_data():
    over = {"temperature": [0.5, 1.0, 4.0]}
    spec = dataclasses.replace(SPEC, loss=Tempered())
    assert "1 program," in str(mj.explain(spec, over))
    ds = mj.sweep(spec, over=over)
    assert (ds.train_loss.sel(temperature=1.0) == mj.sweep(SPEC).train_loss).all()
    network = next(iter(mj.snapshots(ds.sel(temperature=[4.0]))))
    outputs = np.asarray(network.outputs(network.train.x), float) / 4
    own = np.log(np.exp(outputs).sum(1)) - outputs[np.arange(20), network.train.y]
    np.testing.assert_allclose(ds.train_loss.sel(temperature=4.0, step=0), own.mean(), rtol=1e-6)


def test_a_loss_sees_parameters_and_inputs_in_training_and_in_records():
    ds = mj.sweep(dataclasses.replace(SPEC, loss=Decayed()), over={"strength": [0.0, 0.5]})
    assert np.array_equal(ds.train_loss.sel(strength=0.0), mj.sweep(SPEC).train_loss)
    first, last = mj.snapshots(ds.sel(strength=[0.5]))
    x, y = first.train

    def mean(w):
        return Decayed()(first.model.apply(w, x), jnp.asarray(y), params=w, x=jnp.asarray(x)).mean()

    params = first.params
    for _ in range(4):
        params = jax.tree.map(lambda w, g: w - 0.1 * g, params, jax.grad(mean)(params))
    for own, trained in zip(jax.tree.leaves(params), jax.tree.leaves(last.params), strict=True):
        np.testing.assert_allclose(trained, own, atol=1e-6)  # measured: 3e-8
    np.testing.assert_allclose(ds.train_loss.sel(strength=0.5, step=4), mean(params), rtol=1e-5)


def test_a_measure_that_asks_for_the_loss_can_take_it_of_examples():
    def worst(params, apply, examples, *, loss):
        return examples.sum(lambda tile: tile.sum(of_examples(loss, apply, params, tile.x, tile.y))) / examples.size

    def without(params, apply, examples, *, loss):
        return examples.sum(lambda tile: tile.sum(loss(apply(params, tile.x), tile.y))) / examples.size

    spec = dataclasses.replace(SPEC, loss=Decayed())
    ds = mj.sweep(dataclasses.replace(spec, measures=("loss", mj.Measure(worst, "worst"))))
    np.testing.assert_allclose(ds.worst, ds.train_loss, rtol=1e-6)
    with pytest.raises(mj.InputError, match=r"memjax\.losses\.of_examples"):
        mj.sweep(dataclasses.replace(spec, measures=(mj.Measure(without, "without"),)))


def test_the_learning_coefficient_measures_from_the_loss_of_the_layers():
    ds = mj.sweep(dataclasses.replace(SPEC, loss=Decayed(0.01), snapshots=(4,)))
    settings = dict(chains=2, draws=20, burn_in=4, step_size=1e-12)
    found = mj.measure(ds, [mj.measures.llc(**settings)])
    # Chains that stand still have lost nothing: without the seen part of the loss, llc is hundreds.
    assert abs(float(found.llc.isel(snapshot=0).mean())) < 1e-2


def test_contracts_of_a_loss_that_sees_a_network_are_tried():
    with pytest.raises(mj.InputError, match="gives an example another value"):
        mj.sweep(dataclasses.replace(SPEC, loss=FirstOnly()))
    with pytest.raises(
        mj.InputError, match="asks for epoch by a keyword-only argument, which is not among model, params"
    ):
        mj.Experiment(loss=lambda outputs, targets, *, epoch: cross_entropy(outputs, targets))


def test_a_loss_without_a_hash_is_refused():
    @dataclasses.dataclass
    class Loose:
        temperature: float = 1.0

        def __call__(self, outputs, targets):
            return cross_entropy(outputs, targets)

    with pytest.raises(mj.InputError, match="no hash"):
        mj.sweep(dataclasses.replace(SPEC, loss=Loose()))
