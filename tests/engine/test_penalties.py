"""Penalties in training against plain loops, closed forms and sums over paths."""

import dataclasses
import itertools
import typing

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import memjax as mj
from memjax.optimizers import adam, closed_form, lbfgs, sgd
from memjax.penalties import L1, L2, FromInit, PathNorm

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4)).astype(np.float32)
Y = (X @ np.ones((4, 2)) + RNG.normal(size=(40, 2))).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Curved:
    """A user's penalty: outputs at one point beside those of the initial network, with a number to sweep."""

    weight: float = mj.traced(0.1)
    power: int = 2

    def __call__(self, params, *, apply, model, initial):
        one = jnp.ones((1, 4))
        moved = apply(params, one) - model.apply(initial, one)
        return self.weight * (moved**self.power).sum()


SPEC = mj.Experiment(
    task=mj.tasks.from_arrays(X, Y),
    model=mj.models.MLP(hidden=(3,), activation="tanh"),
    optimizer=adam(0.03),
    loss="mse",
    loss_scale=0.5,
    steps=6,
    record_every=3,
    train_size=20,
    test_size=0,
    snapshots=(0, 6),
    measures=("loss", "penalty"),
    penalty=L1(0.05),
)
PACKING = {schedule: mj.Packing(schedule=schedule, width=8, runs=3, lanes=1) for schedule in ("streamed", "batched")}
SLOW = pytest.mark.slow


def total(tree):
    return sum(jax.tree.leaves(jax.tree.map(jnp.sum, tree)))


def squares(now, then):
    return total(jax.tree.map(lambda a, b: (a - b) ** 2, now, then))


def curved(params, initial, apply):
    return 0.1 * ((apply(params, jnp.ones((1, 4))) - apply(initial, jnp.ones((1, 4)))) ** 2).sum()


def paths(params, initial, apply):
    """Sum over every path by itself."""
    one, two = params["layer_0"]["kernel"], params["layer_1"]["kernel"]
    places = itertools.product(range(4), range(3), range(2))
    return 0.01 * sum((one[i, h] * two[h, o]) ** 2 for i, h, o in places)


NAIVE = {
    "L1": (L1(0.05), lambda w, initial, apply: 0.05 * total(jax.tree.map(jnp.abs, w))),
    "L2": (L2(0.05), lambda w, initial, apply: 0.05 * total(jax.tree.map(jnp.square, w))),
    "FromInit": (FromInit(0.3), lambda w, initial, apply: 0.3 * squares(w, initial)),
    "PathNorm": (PathNorm(0.01), paths),
    "a user's": (Curved(), curved),
}


def by_hand(snapshot, naive, steps=6):
    """Parameters of a plain loop over optax, and the penalty before and after."""
    x, y = snapshot.train
    rule, first, apply = optax.adam(0.03), snapshot.params, snapshot.model.apply
    penalty = lambda params: naive(params, first, apply)  # noqa: E731
    slope = jax.jit(jax.grad(lambda params: 0.5 * ((apply(params, x) - y) ** 2).mean() + penalty(params)))
    params, state = first, rule.init(first)
    for _ in range(steps):
        updates, state = rule.update(slope(params), state, params)
        params = optax.apply_updates(params, updates)
    return params, [penalty(first), penalty(params)]


FAST = {("FromInit", "batched")}
CASES = [
    pytest.param(*case, marks=() if case in FAST else SLOW)
    for case in itertools.product(NAIVE, ("streamed", "batched"))
]


@pytest.mark.parametrize(("name", "schedule"), CASES)
def test_training_minimises_the_scaled_loss_and_the_penalty(name, schedule):
    penalty, naive = NAIVE[name]
    spec = dataclasses.replace(SPEC, penalty=penalty)
    ds = mj.sweep(spec, {"seed": [0, 1]}, packing=PACKING[schedule], progress=False)
    first, last = mj.snapshots(ds.sel(seed=[1]))
    params, values = by_hand(first, naive)
    for one, other in zip(jax.tree.leaves(last.params), jax.tree.leaves(params), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-5)  # Measured 1.2e-6.
    np.testing.assert_allclose(ds.penalty.sel(seed=1, step=[0, 6]), values, rtol=1e-4, atol=1e-6)  # Measured 1.7e-5.
    x, y = last.train
    plain = ((last.model.apply(last.params, x) - y) ** 2).mean()
    np.testing.assert_allclose(ds.train_loss.sel(seed=1, step=6), plain, rtol=2e-6)
    measured = mj.measure(ds, ["penalty"])
    np.testing.assert_allclose(measured.penalty, ds.penalty.sel(step=[0, 6]), rtol=1e-6)
    alone = mj.sweep(spec, {"seed": [1]}, packing=PACKING[schedule], progress=False)
    np.testing.assert_array_equal(alone.parameters.sel(seed=1), ds.parameters.sel(seed=1))


@pytest.mark.slow
def test_strengths_are_data_and_zero_is_no_penalty():
    over = {"strength": [0.0, 0.1, 1.0]}
    assert mj.explain(SPEC, over={**over, "seed": range(3)}).programs == 1
    ds = mj.sweep(SPEC, over, progress=False)
    none = mj.sweep(dataclasses.replace(SPEC, penalty=None), progress=False)
    np.testing.assert_allclose(ds.train_loss.sel(strength=0), none.train_loss, rtol=1e-6)  # Measured: the same bits.
    assert (none.penalty == 0).all() and (ds.penalty.sel(strength=0) == 0).all()
    assert ds.penalty.sel(strength=1.0)[-1] < ds.penalty.sel(strength=1.0)[0]


@pytest.mark.slow
def test_a_search_sees_the_penalty_and_finds_ridge_regression():
    spec = dataclasses.replace(
        SPEC, model=mj.models.MLP(hidden=()), optimizer=lbfgs(), penalty=L2(0.1), steps=15, snapshots=(15,)
    )
    (last,) = mj.snapshots(mj.sweep(spec, progress=False))
    inputs, (_, y) = np.c_[last.train.x, np.ones(20)], last.train
    # Half the mean over 20 examples and two outputs: the normal equations of one output.
    wanted = np.linalg.solve(inputs.T @ inputs / 40 + 2 * 0.1 * np.eye(5), inputs.T @ y / 40)
    # Measured 4e-8.
    np.testing.assert_allclose(last.params["layer_0"]["kernel"], wanted[:4], atol=2e-5)
    np.testing.assert_allclose(last.params["layer_0"]["bias"], wanted[4], atol=2e-5)


@SLOW
@pytest.mark.parametrize("penalty", [L1(0.05), FromInit(0.3), PathNorm(0.01)], ids=lambda one: type(one).__name__)
def test_a_padded_network_has_the_penalty_of_its_own(penalty):
    spec, over = dataclasses.replace(SPEC, penalty=penalty), {"hidden": [(3,), (6,), (9,)], "seed": [0, 1]}
    assert mj.explain(spec, over=over).programs == 1
    padded = mj.sweep(spec, over, progress=False).sel(hidden="3")
    alone = mj.sweep(spec, {"seed": [0, 1]}, progress=False)
    for name in ("train_loss", "penalty"):
        np.testing.assert_allclose(padded[name], alone[name], rtol=2e-5, atol=1e-7)  # Measured 2e-7.


def test_the_minimum_under_l1_has_weights_at_zero_and_none_moves_from_it():
    """With a strength above every gradient of the loss, zero is the minimum, and the subgradient there is zero."""
    zeros = {"layer_0": {"bias": np.zeros(2, np.float32), "kernel": np.zeros((4, 2), np.float32)}}
    spec = dataclasses.replace(
        SPEC,
        model=mj.models.MLP(hidden=()),
        start=mj.Start.of(zeros),
        optimizer=sgd(0.01),
        penalty=L1(100.0),
        steps=1,
        record_every=1,
        snapshots=(1,),
        loss_scale=0.0,
    )
    (last,) = mj.snapshots(mj.sweep(spec, progress=False))
    assert not any(leaf.any() for leaf in jax.tree.leaves(last.params))


def test_specs_keep_penalties_and_refer_to_a_users():
    for penalty in (L1(0.1), L2(0.2), FromInit(0.3), PathNorm(0.4)):
        spec = mj.Experiment(penalty=penalty)
        assert mj.Experiment.from_json(spec.to_json()) == spec
    assert "penalty" not in mj.Experiment().to_json()
    spec = mj.Experiment(penalty=Curved(0.2))
    assert mj.Experiment.from_json(spec.to_json(), using=(Curved(0.2),)) == spec
    with pytest.raises(mj.InputError, match="read it from Python with using="):
        mj.Experiment.from_json(spec.to_json())
    assert mj.explain(dataclasses.replace(SPEC, penalty=Curved()), over={"weight": [0.1, 0.2, 0.3]}).programs == 1


def made(name, **fields):
    kind = dataclasses.make_dataclass(
        name, [(field, typing.Any, value) for field, value in fields.items()], frozen=True
    )
    return kind


class Rows(made("Rows")):
    def __call__(self, params):
        return jnp.ones(2)


class Asks(made("Asks")):
    def __call__(self, params, *, examples):
        return jnp.zeros(())


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: L1(-1.0), r"L1.strength is -1.0: give a finite number of at least 0\."),
        (lambda: mj.Experiment(penalty=0.1), "penalty is 0.1: give an object of memjax.penalties"),
        (lambda: mj.Experiment(penalty=jnp.sum), "give an object of memjax.penalties"),
        (
            lambda: mj.Experiment(penalty=Asks()),
            "asks for examples by a keyword-only argument, which is not among model",
        ),
        (lambda: mj.explain(dataclasses.replace(SPEC, penalty=Rows())), r"The penalty Rows gives shape \[2\]: it must"),
        (
            lambda: mj.explain(
                mj.Experiment(
                    task=mj.tasks.ModularArithmetic(p=5),
                    model=mj.models.EmbeddingMLP(),
                    train_size=5,
                    penalty=PathNorm(0.1),
                )
            ),
            "The penalty PathNorm needs a model of dense layers",
        ),
        (
            lambda: mj.explain(
                mj.Experiment(
                    model=mj.models.NearestNeighbors(k=1),
                    optimizer=closed_form(),
                    steps=1,
                    record_every=1,
                    penalty=L1(0.1),
                )
            ),
            r"penalty is L1\(strength=0.1\), but closed_form\(\) fits the model without a gradient",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(make, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        make()
