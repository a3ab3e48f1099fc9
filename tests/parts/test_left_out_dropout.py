"""A bare Linen module whose dropout training would leave out is refused in a sentence, and no other module is."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax.engine.program.output_shapes import check_functions
from memjax.models import Augmented, InputNoise, Linen

X = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)


class Mine(nn.Module):
    rate: float = 0.5

    @nn.compact
    def __call__(self, x, train: bool = False):
        h = nn.Dropout(self.rate, deterministic=not train)(nn.relu(nn.Dense(4)(x)))
        return nn.Dense(2)(h)


class Told(nn.Module):
    """A dropout of ``setup`` that is told in its call."""

    def setup(self):
        self.dense, self.drop = nn.Dense(2), nn.Dropout(0.5, rng_collection="mask")

    def __call__(self, x, deterministic=True):
        return self.drop(self.dense(x), deterministic)


class Skipped(nn.Module):
    """A dropout that a call of memjax does not reach."""

    @nn.compact
    def __call__(self, x, is_training=False):
        h = nn.Dense(2)(x)
        return nn.Dropout(0.5, deterministic=False)(h) if is_training else h


class Drawn(nn.Module):
    """Random numbers of one's own, by a keyword of one's own."""

    generator: str

    @nn.compact
    def __call__(self, x, noisy=False):
        h = nn.Dense(2)(x)
        return h + jax.random.normal(self.make_rng(self.generator), h.shape) if noisy else h


class Attention(nn.Module):
    rate: float = 0.1

    @nn.compact
    def __call__(self, x, train=False):
        h = nn.MultiHeadDotProductAttention(1, dropout_rate=self.rate)(x[..., None], deterministic=not train)
        return nn.Dense(2)(h[..., 0])


class StillAttention(nn.Module):
    @nn.compact
    def __call__(self, x):
        h = nn.MultiHeadDotProductAttention(1, dropout_rate=0.1, deterministic=True)(x[..., None])
        return nn.Dense(2)(h[..., 0])


class Within(nn.Module):
    """A part that is remade for the backward pass."""

    @nn.compact
    def __call__(self, x):
        return nn.remat(Mine)()(x)


def _told(key, x):
    return {"params": nn.Dense(2).init(key, x)["params"]}


def _without_dropout(params, x):
    return nn.Sequential([nn.Dense(2), nn.Dropout(0.5, deterministic=True)]).apply({"params": {"layers_0": params}}, x)


class OwnTraining(Mine):
    """A module that says by itself what it does in training."""

    def apply_train(self, params, x, keys):
        return jax.vmap(lambda row, key: self.apply(params, row[None], train=True, rngs={"dropout": key})[0])(x, keys)


class Unasked(nn.Module):
    """Arguments that draw nothing, one of which fails."""

    @nn.compact
    def __call__(self, x, train=False, broken=False):
        if broken:
            raise ValueError("broken")
        return nn.Dense(2)(x) * (2.0 if train else 1.0)


WRAP = r"which training would leave out: wrap the module, memjax\.models\.Linen\(module, argument="
REFUSED = {
    "dropout": (Mine(), rf"^Mine has dropout, {WRAP}'train', training=True\), or take the dropout out\.$"),
    "another generator": (
        Told(),
        rf"^Told has random numbers of \['mask'\], {WRAP}'deterministic', training=False, rngs=\('mask',\)\)",
    ),
    "a part that is skipped": (Skipped(), rf"^Skipped has dropout, {WRAP}'is_training', training=True\)"),
    "a key of dropout": (Drawn("dropout"), rf"^Drawn has dropout, {WRAP}'noisy', training=True\)"),
    "attention": (Attention(), rf"^Attention has dropout, {WRAP}'train'"),
    "attention, switched off": (StillAttention(), "^StillAttention has dropout"),
    "inside, by default": (
        Within(),
        r"^Within has dropout, .* leave out: give its call an argument train, for nn\.Dropout",
    ),
    "switched off": (nn.Sequential([nn.Dense(2), nn.Dropout(0.5, deterministic=True)]), "^Sequential has dropout"),
    "under noise on the inputs": (InputNoise(Mine(), scale=0.1), "^Mine has dropout"),
    "under augmentation": (Augmented(InputNoise(Mine(), scale=0.1), lambda key, x: x), "^Mine has dropout"),
    "a pair of methods": ((Mine().init, Mine().apply), "^Mine has dropout"),
}
TAKEN = {
    "rate 0": Mine(0.0),
    "attention with rate 0": Attention(0.0),
    "no dropout": nn.Dense(2),
    "arguments that draw nothing": Unasked(),
    "numbers that are no dropout": Drawn("sample"),
    "a wrapped module": Linen(Mine(), argument="train", training=True),
    "a wrapped module under noise": InputNoise(Linen(Mine(), argument="train", training=True), scale=0.1),
    "a training of its own": OwnTraining(),
    "functions that say what they do": (_told, lambda params, x: _without_dropout(params["params"], x)),
}


def _check(model):
    spec = mj.Experiment(task=mj.tasks.RandomLabels(input_dim=3, num_classes=2), model=model)
    check_functions(spec, X, np.zeros(2, np.int32))


@pytest.mark.parametrize("kind", REFUSED)
def test_a_bare_module_with_dropout_is_refused_in_a_sentence(kind):
    model, sentence = REFUSED[kind]
    with pytest.raises(mj.InputError, match=sentence):
        _check(model)
    with pytest.raises(mj.InputError, match=sentence):  # A second check does not take what the first one traced.
        _check(model)


@pytest.mark.parametrize("kind", TAKEN)
def test_a_module_that_leaves_nothing_out_is_taken(kind):
    _check(TAKEN[kind])


def test_a_sweep_is_refused_before_training_also_where_only_one_of_its_rates_is_above_zero():
    spec = mj.Experiment(
        task=mj.tasks.RandomLabels(input_dim=3, num_classes=2), model=Mine(), train_size=4, steps=2, record_every=1
    )
    with pytest.raises(mj.InputError, match="Mine has dropout, which training would leave out"):
        mj.sweep(spec, over={"rate": [0.0, 0.5]})


def test_batch_statistics_behind_an_argument_for_training_are_refused():
    class Normed(nn.Module):
        @nn.compact
        def __call__(self, x, train: bool = False):
            return nn.Dense(2)(nn.BatchNorm(use_running_average=not train)(x))

    with pytest.raises(mj.InputError, match=r"keeps the collections \['batch_stats'\] beside its parameters"):
        _check(Normed())


def test_the_wrapper_that_the_sentence_names_trains_with_dropout():
    model = Linen(Mine(), argument="train", training=True)
    params, x = model.init(jax.random.key(0), X), jnp.ones((100, 3))
    trained = model.apply_train(params, x, jax.random.split(jax.random.key(1), 100))
    assert float(jnp.ptp(trained, axis=0).min()) > 0.01
