"""Dropout, noise on inputs and augmentation as functions: what they are on average, and of what they hang."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import memjax as mj
from memjax.engine.plan.cost import work_of
from memjax.engine.program.forward import numbers_of_rows
from memjax.engine.program.program_of import program_of
from memjax.engine.program.rows import proven_apart
from memjax.fields import traced_values
from memjax.models import MLP, NNX, Augmented, InputNoise, Linen
from memjax.models.dropout import kept
from memjax.models.randomness import Still, is_random, still
from memjax.types import Data

RNG = np.random.default_rng(0)
KEYS = jax.random.split(jax.random.key(0), 4000)
X, Y = jnp.asarray(RNG.normal(size=(6, 4)), jnp.float32), jnp.asarray(RNG.normal(size=6), jnp.float32)
# Standard errors within which a mean over keys must lie: of a hundred numbers, all do with a probability above 0.999.
SIGMAS = 4.5


def linear(hidden, **fields):
    model = MLP(hidden=hidden, activation="identity", bias=False, outputs=1, **fields)
    return model, model.init(jax.random.key(1), X[:1])


def mean_gradient(model, params):
    """Mean over keys of the gradient of the squared error, and its standard error."""

    def loss(params, key):
        outputs = model.apply_train(params, X, jax.random.split(key, len(X)))[:, 0]
        return ((outputs - Y) ** 2).sum()

    each = jax.jit(jax.vmap(jax.grad(loss), (None, 0)))(params, KEYS)
    flat = np.concatenate([np.asarray(leaf, np.float64).reshape(len(KEYS), -1) for leaf in jax.tree.leaves(each)], 1)
    return flat.mean(0), flat.std(0) / np.sqrt(len(KEYS))


def assert_mean(model, params, penalty):
    """The mean gradient is that of the squared error without noise plus a penalty, and not that without the penalty."""

    def plain(params):
        return ((model.apply(params, X)[:, 0] - Y) ** 2).sum()

    flat = lambda tree: np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])  # noqa: E731
    mean, error = mean_gradient(model, params)
    wanted, without = (flat(jax.grad(f)(params)) for f in (lambda p: plain(p) + penalty(p), plain))
    assert (np.abs(mean - wanted) < SIGMAS * error).all()
    assert (np.abs(mean - without) > 2 * SIGMAS * error).any()


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_the_mean_gradient_with_dropout_is_that_of_the_loss_with_its_penalty(rate):
    # E (sum_j m_j a_j - y)^2 = (sum_j a_j - y)^2 + p / (1 - p) sum_j a_j^2 for a_j = w_j h_j and m_j of mean 1 and variance
    # p / (1 - p): Srivastava et al. 2014, section 9.1, and Wager et al. 2013, section 2.
    model, params = linear((5,), dropout=rate)

    def penalty(params):
        units = (X @ params["layer_0"]["kernel"]) * params["layer_1"]["kernel"][:, 0]
        return rate / (1 - rate) * (units**2).sum()

    assert_mean(model, params, penalty)


def test_the_mean_gradient_with_noise_on_inputs_is_that_of_a_ridge():
    # E (w (x + s e) - y)^2 = (w x - y)^2 + s^2 |w|^2: Bishop 1995.
    model, params = linear(())
    assert_mean(InputNoise(model, 0.7), params, lambda p: len(X) * 0.7**2 * (p["layer_0"]["kernel"] ** 2).sum())


@pytest.mark.parametrize("rate", [0.01, 0.3, 0.9])
def test_the_share_of_dropped_units_is_the_rate_and_their_mean_one(rate):
    h = np.asarray(kept(KEYS, 0, rate, jnp.ones((60, len(KEYS)))))
    dropped, error = h == 0, np.sqrt(rate * (1 - rate))
    assert abs(dropped.mean() - rate) < SIGMAS * error / np.sqrt(h.size)
    assert (abs(dropped.mean(1) - rate) < SIGMAS * error / np.sqrt(len(KEYS))).all()
    np.testing.assert_allclose(h[h != 0], 1 / (1 - rate), rtol=1e-4)


def test_units_layers_and_examples_are_dropped_independently():
    one, other = (np.asarray(kept(KEYS, layer, 0.5, jnp.ones((20, len(KEYS))))) > 0 for layer in (0, 1))
    both = np.concatenate([one, other])
    # Correlations of units, two of which share a word of the generator, and of neighbouring examples.
    units = np.corrcoef(both)[np.triu_indices(len(both), 1)]
    assert (abs(units) < SIGMAS / np.sqrt(len(KEYS))).all()
    assert abs(np.corrcoef(one[:, 1:].ravel(), one[:, :-1].ravel())[0, 1]) < SIGMAS / np.sqrt(one.size)


@pytest.mark.slow
def test_a_wider_layer_drops_the_same_of_its_first_units():
    for units in (1, 12, 13):
        h = jnp.ones((16, 50))
        np.testing.assert_array_equal(kept(KEYS[:50], 2, 0.5, h[:units]), kept(KEYS[:50], 2, 0.5, h)[:units])


@pytest.mark.slow
def test_a_setting_of_64_bits_changes_no_mask():
    h = kept(KEYS, 0, 0.3, jnp.ones((9, len(KEYS))))
    with jax.enable_x64(True):
        other = np.asarray(kept(KEYS, 0, jnp.float64(0.3), jnp.ones((9, len(KEYS)), jnp.float64)))
    np.testing.assert_array_equal(np.asarray(h) == 0, other == 0)


def test_the_largest_rate_leaves_finite_numbers_and_the_bounds_are_kept():
    assert np.isfinite(kept(KEYS, 0, float(np.nextafter(np.float32(1), 0)), jnp.ones((9, len(KEYS))))).all()
    for rate in (1, -0.1, np.nan):
        with pytest.raises(
            mj.InputError, match=r"MLP\.dropout is .*: give a finite number from 0 to 1 and less than 1"
        ):
            MLP(dropout=rate)
    with pytest.raises(mj.InputError, match=r"InputNoise\.scale is -1: give a finite number of at least 0"):
        InputNoise(MLP(), -1)


def test_no_dropout_is_structure_and_no_part_of_a_spec():
    plain, dropping = MLP(hidden=(3,)), MLP(hidden=(3,), dropout=0.25)
    assert (sorted(traced_values(plain)), sorted(traced_values(dropping))) == (
        ["init_scale"],
        ["dropout", "init_scale"],
    )
    assert MLP(hidden=(3,), dropout=0) == plain and "dropout" not in repr(plain)
    assert "dropout" not in mj.Experiment(model=plain).to_json()


def flipped(key, x):
    return jnp.where(jax.random.bernoulli(key), x, -x)


@pytest.mark.parametrize("model", [MLP(dropout=0.25), InputNoise(MLP(dropout=0.5), 0.3), Augmented(MLP(), flipped)])
def test_a_spec_keeps_the_noise(model):
    spec = mj.Experiment(model=model)
    assert mj.Experiment.from_json(spec.to_json(), using=(flipped,)) == spec


def test_a_model_without_its_noise():
    net = MLP(hidden=(3,), dropout=0.5)
    assert still(InputNoise(Augmented(net, flipped))) == MLP(hidden=(3,)) == still(MLP(hidden=(3,)))

    wrapped = still(Drawing())
    assert wrapped == Still(Drawing()) and not is_random(wrapped) and wrapped.apply(2.0, X) is X


class Drawing:
    """A user's model that does not say what it is without its noise."""

    def __eq__(self, other):
        return type(other) is Drawing

    def apply(self, params, x):
        return x

    def apply_train(self, params, x, keys):
        return x


def test_numbers_of_rows_are_those_of_the_data_set_and_of_copies_behind_them():
    program = program_of(
        mj.Experiment(model=MLP(dropout=0.5)), Data(np.zeros((2, 3), np.float32), np.zeros(2, np.int32))
    )
    found = numbers_of_rows(program, [4, 4, 4], [None, np.array([3, 0]), np.array([3, 0, 3, 3])])
    assert [one.tolist() for one in found] == [[0, 1, 2, 3], [3, 0], [3, 0, 7, 11]]
    plain = program_of(mj.Experiment(), Data(np.zeros((2, 3), np.float32), np.zeros(2, np.int32)))
    assert numbers_of_rows(plain, [4], [None]) is None


def test_a_plan_counts_the_work_of_the_random_numbers():
    rows = Data(np.zeros((2, 30), np.float32), np.zeros(2, np.int32))
    plain, noisy = (work_of(program_of(mj.Experiment(model=MLP(dropout=rate)), rows)) for rate in (0.0, 0.5))
    # XLA counts no operations of whole numbers, but the bytes that they move.
    assert noisy.bytes > 1.5 * plain.bytes and noisy.parameters == plain.parameters


def test_rows_of_a_model_that_draws_by_key_are_proven_apart_and_of_one_key_not():
    net = MLP(hidden=(3,), outputs=2, dropout=0.5)
    params = net.init(jax.random.key(0), X[:1])
    some = KEYS[: len(X)]
    rows = [False] * len(jax.tree.leaves(params)) + [True] * 2
    assert proven_apart(jax.make_jaxpr(InputNoise(net).apply_train)(params, X, some), rows)
    one = lambda p, x, keys: net.apply(p, x) + jax.random.normal(keys[0], (len(x), 2))  # noqa: E731
    assert not proven_apart(jax.make_jaxpr(one)(params, X, some), rows)


class TwoDropouts(nn.Module):
    """Two halves of the units with a generator each."""

    @nn.compact
    def __call__(self, x, train):
        h = nn.Dense(30)(x)
        drop = [nn.Dropout(0.5, rng_collection=name, deterministic=not train)(h) for name in ("one", "two")]
        return jnp.concatenate(drop, 1)


class TwoDropoutsNNX(nnx.Module):
    def __init__(self, rngs):
        self.dense = nnx.Linear(4, 30, rngs=rngs)
        self.one, self.two = nnx.Dropout(0.5, rngs=rngs), nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        h = self.dense(x)
        return jnp.concatenate([self.one(h), self.two(h)], 1)


@pytest.mark.parametrize(
    "model",
    [Linen(TwoDropouts(), argument="train", training=True, rngs=("one", "two")), NNX(TwoDropoutsNNX, draws=True)],
    ids=["Linen", "NNX"],
)
def test_a_module_of_flax_drops_by_the_key_of_each_example(model):
    params, keys = model.init(jax.random.key(0), X[:1]), KEYS[:200]
    x = jnp.ones((200, 4))
    train = jax.jit(model.apply_train)
    dropped = np.asarray(train(params, x, keys)) == 0
    assert abs(dropped.mean() - 0.5) < SIGMAS * 0.5 / np.sqrt(dropped.size)
    assert len(np.unique(dropped, axis=0)) == 200 and len(np.unique(np.vstack(np.hsplit(dropped, 2)), axis=0)) == 400
    np.testing.assert_array_equal(np.asarray(train(params, x, keys[::-1])) == 0, dropped[::-1])
    assert not (np.asarray(model.apply(params, x)) == 0).any()


def test_a_linen_wrapper_takes_modules_and_names():
    with pytest.raises(mj.InputError, match=r"Linen\.module is .*: give an object of a class of flax\.linen\.Module"):
        Linen(MLP())
