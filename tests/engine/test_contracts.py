"""The contracts of a user's parts are tried before training: rows apart, pure, of real numbers, drawn from the seed, nested."""

import dataclasses
import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import memjax as mj
from memjax.checks.values import is_user_code
from memjax.engine.plan.groups import gather
from memjax.engine.program import contracts as trial
from memjax.engine.program.rows import proven_apart
from memjax.random import generator
from memjax.types import Data, Split

TASK = mj.tasks.RandomLabels(input_dim=6, num_classes=5)
ce = optax.softmax_cross_entropy_with_integer_labels


def check(**fields):
    spec = dict(task=TASK, model=mj.models.MLP(hidden=(4,)), train_size=20, test_size=6, steps=2, record_every=1)
    gather([((), mj.Experiment(**{**spec, **fields}))])


def weights(key, x):
    return jnp.sin(jnp.arange(x.shape[1] * 5.0)).reshape(-1, 5)


def pair(apply, init=weights):
    return {"model": (init, apply)}


def measure(function, per_example=True):
    return {"measures": (mj.Measure(function, "m", per_example=per_example),)}


@dataclasses.dataclass(frozen=True)
class Line:
    """A line through five inputs, with targets [N]."""

    num_outputs: int = 1

    def draw(self, seed, train_size, test_size):
        parts = (generator(seed, split).normal(size=(n, 5)) for split, n in (("a", train_size), ("b", test_size)))
        return Split(*(Data(x, x @ np.arange(1.0, 6.0)) for x in parts))


@dataclasses.dataclass(frozen=True)
class Eight(Line):
    """Eight classes by turns, so that few examples are of as many classes."""

    num_outputs: int = 8

    def draw(self, seed, train_size, test_size):
        return Split(*(Data(part.x, np.arange(len(part.x)) % 8) for part in super().draw(seed, train_size, test_size)))


class Counter:
    """A loss with state: every call weighs more."""

    def __init__(self):
        self.calls = 0

    def __call__(self, outputs, targets):
        self.calls += 1
        return self.calls * ce(outputs, targets)


OTHERS, PLACE = "when the examples beside it are exchanged", "at another place among the same examples"
AGAIN = "when it is called again with the same arguments: it must be a pure function"
REFUSED = {
    "all pairs": (
        dict(task=Line(), loss=lambda o, y: optax.huber_loss(o, y).mean(-1)),
        rf"The loss .* {OTHERS}: outputs \[B, 1\] and targets \[B\] make a value for every pair",
    ),
    "mean of the batch": (dict(loss=lambda o, y: ce(o - o.mean(0), y)), rf"The loss .* {OTHERS}: it must give each row"),
    "loss by place": (dict(loss=lambda o, y: ce(o, y) * jnp.arange(len(y))), f"The loss .* {PLACE}"),
    "first row twice": (dict(loss=lambda o, y: ce(o, y).at[0].multiply(2)), f"The loss .* {PLACE}"),
    "over the count": (dict(loss=lambda o, y: ce(o, y) / len(y)), "The loss .* among 4 examples than among 3: .* leave"),
    "classes of the batch": (
        dict(task=Eight(), loss=lambda o, y: ce(o, y) / jnp.bincount(y, length=8)[y]), f"The loss .* {OTHERS}"
    ),
    "no derivative": (
        dict(loss=lambda o, y: ce(jax.vmap(lambda row: jax.lax.while_loop(lambda c: c[0] > 1, lambda c: c / 2, row))(o), y)),
        r"The gradient of the loss of \d+ examples cannot be computed: ValueError: Reverse-mode differentiation does not work",
    ),
    "random loss": (dict(loss=lambda o, y: ce(o, y) * np.random.uniform(1, 9)), f"The loss .* {AGAIN}"),  # noqa: NPY002
    "state": (dict(loss=Counter()), f"The loss .* {AGAIN}"),
    "same noise for all": (dict(loss=lambda o, y: ce(o + jax.random.normal(jax.random.key(0), o.shape), y)), PLACE),
    "batch norm": (pair(lambda w, x: (x - x.mean(0)) / (x.std(0) + 1e-3) @ w), f"apply_fn=<lambda>.* {OTHERS}: it must"),
    "softmax over rows": (pair(lambda w, x: jax.nn.softmax(x @ w, axis=0)), f"The model .* {OTHERS}"),
    "attention over rows": (pair(lambda w, x: jax.nn.softmax(x @ x.T) @ x @ w), f"The model .* {OTHERS}"),
    "zeros hide": (pair(lambda w, x: (x - x.mean(0)) @ w, lambda key, x: jnp.zeros((6, 5))), f"The model .* {OTHERS}"),
    "activation over rows": (dict(model=mj.models.MLP(hidden=(4,), activation=jax.nn.softmax)), f"The model MLP.* {OTHERS}"),
    "random init": (
        pair(lambda w, x: x @ w, lambda key, x: jnp.asarray(np.random.normal(size=(6, 5)))),  # noqa: NPY002
        "The model .* draws other initial parameters when it is called again with the same key",
    ),
    "measure of ranks": (measure(lambda p, apply, e: apply(p, e.x)[:, 0].argsort().argsort()), f"'m' .* {OTHERS}: a"),
    "random measure": (measure(lambda p, apply, e: e.mean(lambda t: t.x[:, 0] * np.random.uniform(1, 9)), False), AGAIN),  # noqa: NPY002
    "random number": (measure(lambda p, apply, e: np.random.uniform(1, 9), False), AGAIN),  # noqa: NPY002
    "complex loss": (dict(loss=lambda o, y: ce(o, y) + 0j), "The loss .* of dtype complex64: training takes derivatives"),
    "whole loss": (dict(loss=lambda o, y: o.argmax(-1) - y), "The loss .* of dtype int32: training takes derivatives"),
    "whole outputs": (pair(lambda w, x: jnp.round(x @ w).astype(int)), "The model's output is of dtype int32"),
    "complex outputs": (pair(lambda w, x: x @ w + 0j), "The model's output is of dtype complex64"),
    "whole parameters": (pair(lambda w, x: x @ w, lambda key, x: jnp.ones((6, 5), int)), "has parameters of int32, which have"),
    "complex measure": (measure(lambda p, apply, e: jnp.zeros(()) + 1j, False), "'m' gives complex numbers"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_part_that_breaks_its_contract_is_refused(case):
    fields, sentence = REFUSED[case]
    with pytest.raises(mj.InputError, match=sentence):
        check(**fields)


class Images(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.max_pool(nn.relu(nn.Conv(3, (3, 3))(x.reshape(-1, 2, 3, 1))), (2, 2))
        return nn.Dense(5)(nn.LayerNorm()(x.reshape(x.shape[0], -1)))


class Words(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Embed(7, 4, dtype=jnp.bfloat16)(jnp.abs(x * 3).astype(int))
        x = nn.RNN(nn.LSTMCell(4))(x + nn.MultiHeadDotProductAttention(2)(x))
        return nn.Dense(5)(nn.GroupNorm(2)(x)[:, -1])


class Stacked(nnx.Module):
    def __init__(self, rngs):
        self.first, self.last = nnx.Linear(6, 4, rngs=rngs), nnx.Linear(4, 5, rngs=rngs)

    def __call__(self, x):
        return self.last(jnp.concatenate([x[:, :2], jax.nn.gelu(self.first(x))[:, 2:]], axis=1))


def confidence(params, apply, examples):
    return jax.lax.top_k(jax.nn.softmax(apply(params, examples.x)), 2)[0].sum(-1)


SOUND: dict[str, dict[str, Any]] = {
    "optax": dict(loss=lambda o, y: ce(o, y)),
    "smoothed": dict(loss=lambda o, y: optax.softmax_cross_entropy(o, optax.smooth_labels(jax.nn.one_hot(y, 5), 0.1))),
    "class weights": dict(loss=lambda o, y: jnp.arange(1.0, 6.0)[y] * ce(o, y)),
    "taken along": dict(loss=lambda o, y: -jnp.take_along_axis(jax.nn.log_softmax(o), y[:, None], 1)[:, 0]),
    "vmap": dict(loss=lambda o, y: jax.vmap(lambda row, label: -jax.nn.log_softmax(row)[label])(o, y)),
    "focal": dict(loss=lambda o, y: optax.sigmoid_focal_loss(o, jax.nn.one_hot(y, 5)).sum(-1)),
    "no value": dict(loss=lambda o, y: jnp.zeros(len(y))),
    "one output": dict(task=Line(), loss=lambda o, y: optax.huber_loss(o[:, 0], y)),
    "pair": pair(lambda w, x: x @ w),
    "linen images": dict(model=Images()),
    "linen words": dict(model=Words()),
    "nnx": dict(model=lambda rngs: Stacked(rngs)),
    "own activation": dict(model=mj.models.MLP(hidden=(4,), activation=lambda x: x * jnp.tanh(x))),
    "measure": measure(confidence),
    "partial": measure(functools.partial(lambda scale, p, apply, e: scale * apply(p, e.x)[:, 0], 2.0)),
    "whole measure": measure(lambda p, apply, e: e.mean(lambda t: apply(p, t.x)[:, 0]), False),
}


@pytest.mark.parametrize("case", SOUND)
def test_a_sound_part_is_proven_without_a_compile(case, monkeypatch):
    monkeypatch.setattr(trial, "_fault", lambda *arguments: pytest.fail("It was tried, so a program was compiled."))
    check(**SOUND[case])


def test_a_sound_part_without_a_proof_passes_its_trial():
    check(loss=lambda o, y: -jax.nn.log_softmax(o)[jnp.arange(len(y)), y])
    check(**pair(lambda w, x: jax.lax.map(lambda row: row @ w, x)))


def test_a_proof_is_of_rows_along_the_first_axis():
    x = jnp.ones((5, 5, 5))
    mixing = (
        lambda x: x[::-1], lambda x: jnp.roll(x, 1, 0), lambda x: x.swapaxes(0, 1), lambda x: x.reshape(25, 5)[:5],
        lambda x: jnp.cumsum(x, 0), lambda x: jnp.sort(x, 0), lambda x: x + x.swapaxes(0, 1), lambda x: x * jnp.arange(5.0),
        lambda x: jnp.einsum("abc,dbc->ad", x, x), lambda x: x[jnp.array([1, 0, 2, 3, 4])], lambda x: x[0] + x,
        lambda x: jnp.concatenate([x[1:], x[:1]]), lambda x: jax.lax.scan(lambda c, r: (c + r, c), jnp.zeros((5, 5)), x)[1],
        lambda x: x * jnp.eye(5)[:, :, None], lambda x: jnp.pad(x, ((1, 0), (0, 0), (0, 0)))[:5],
    )  # fmt: skip
    apart = [proven_apart(jax.make_jaxpr(function)(x), [True]) for function in mixing]
    # All but the weights along the last axis, which every row has alike.
    assert [place for place, proven in enumerate(apart) if proven] == [7]


def test_what_is_memjax_s_own_is_not_tried_and_what_holds_a_users_function_is():
    assert not any(
        map(
            is_user_code,
            (mj.losses.mse, mj.models.MLP(), TASK, mj.measures.gradient_cosine.function, mj.measures.l2_of),
        )
    )
    held = (
        functools.partial(mj.losses.mse),
        mj.models.MLP(activation=np.tanh),
        mj.tasks.ModularArithmetic(5, max),
        Line(),
    )
    assert all(map(is_user_code, held))


def rows(rng, count):
    return rng.normal(size=(count, 3))


def halves(x, y, size):
    return Split(Data(x[:size], y[:size]), Data(x[size:], y[size:]))


@dataclasses.dataclass(frozen=True)
class Drawn:
    """Two classes by the sign of the first input, drawn in several ways."""

    how: str
    num_outputs: int = 2

    def draw(self, seed, train_size, test_size):
        rng = np.random.default_rng(None if self.how == "no seed" else seed)
        x = rows(rng, train_size + test_size)
        y: Any = rng.integers(0, 2, len(x)) if self.how == "one stream" else (x[:, 0] > 0).astype(int)
        if self.how == "unseeded test":
            x[train_size:] = rows(np.random.default_rng(), test_size)
        if self.how == "less the mean":
            x = x - x[:train_size].mean(0)
        if self.how == "no number":
            x[3, 1] = np.nan
        if self.how == "infinite":
            y = np.where(np.arange(len(y))[:, None] == train_size + 2, np.inf, x[:, :2])
        if self.how == "only many" and train_size < 100:
            raise ValueError("too few")
        return halves(x.astype({"complex": complex, "words": str}.get(self.how, x.dtype)), y, train_size)


@dataclasses.dataclass(frozen=True)
class Pooled:
    """Rows of a pool that is another one at each reading, or holds what is no number."""

    how: str
    num_outputs: int = 2

    @property
    def pool(self):
        pool = rows(np.random.default_rng(None if self.how == "another" else 0), 150)
        return np.where(pool > 2, np.nan, pool) if self.how == "no number" else pool

    def draw(self, seed, train_size, test_size):
        places = np.random.default_rng(seed).permutation(150)[: train_size + test_size]
        return halves(places, places % 2, train_size)


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        (Drawn("no seed"), r"Drawn\.draw gave other examples when it was called again with the same seed and sizes"),
        (Drawn("unseeded test"), r"Drawn\.draw gave other examples when it was called again"),
        (Drawn("no number"), r"Drawn\.draw gave train inputs that are not finite, first in row 3: remove or replace"),
        (Drawn("infinite"), r"Drawn\.draw gave test targets that are not finite, first in row 2"),
        (
            Drawn("complex"),
            r"In what Drawn\.draw gave, train x has dtype complex128: give an array of integers or floats",
        ),
        (Drawn("words"), r"In what Drawn\.draw gave, train x has dtype <U32"),
        (Pooled("another"), r"Pooled\.pool gave another array when it was read again"),
        (Pooled("no number"), r"Pooled\.pool holds inputs that are not finite, first in row \d+"),
    ],
    ids=lambda part: f"{type(part).__name__} {part.how}" if hasattr(part, "how") else "",
)
def test_a_task_that_breaks_its_contract_is_refused(task, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        check(task=task, train_size=120, loss="mse" if task.how == "infinite" else "cross_entropy")


def check_sizes(task, *sizes):
    spec = mj.Experiment(task=task, model=mj.models.MLP(hidden=(4,)), steps=1, record_every=1, test_size=6)
    gather(((), dataclasses.replace(spec, train_size=size)) for size in sizes)


@pytest.mark.parametrize(("how", "name"), [("one stream", "targets"), ("less the mean", "inputs")])
def test_a_task_that_is_not_nested_serves_one_train_size_only(how, name):
    check_sizes(Drawn(how), 120, 120)
    sentence = (
        f"Drawn.draw is not nested, but the runs have 120 and 200 train examples: .* the {name} of 64 train examples"
    )
    with pytest.raises(mj.InputError, match=sentence):
        check_sizes(Drawn(how), 120, 200)


@pytest.mark.parametrize("task", [Drawn("nested"), Drawn("only many"), Pooled("nested")], ids=repr)
def test_a_task_that_keeps_its_contract_is_taken(task):
    check_sizes(task, 120, 130)


def test_a_task_of_one_example_is_taken():
    check_sizes(Drawn("nested"), 1, 2)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            dict(per_example=True, dims=("example",)),
            r"per_example = True and dims = \('example',\): .* so leave dims out",
        ),
        (dict(dims=("part", "part")), r"dims = \('part', 'part'\): give every dimension its own name"),
        (dict(reduce="sum"), r"reduce = 'sum' without per_example"),
        (dict(splits=("train", "train")), r"splits = \('train', 'train'\): give a tuple, each split once"),
        (dict(splits=["train"]), r"splits = \['train'\]: give a tuple"),
        (dict(function=3), r"function = 3: give a function"),
    ],
)
def test_a_measure_that_contradicts_itself_is_refused(fields, sentence):
    with pytest.raises(mj.InputError, match=f"The measure 'm' has {sentence}"):
        mj.Measure(**{"function": confidence, "name": "m", **fields})
