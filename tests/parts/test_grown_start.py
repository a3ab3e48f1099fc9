"""A larger network that starts from a smaller one: which numbers it has, what it computes, and what is refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax import InputError
from memjax.models import MLP, EmbeddingMLP

X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)


def drawn(hidden, seed=0, **fields):
    return MLP(hidden=hidden, outputs=3, **fields).init(jax.random.key(seed), X)


def tree(start, model, x=X):
    """The parameters of a start, as a tree of a network's."""
    leaves, form = jax.tree.flatten(model.init(jax.random.key(0), x))
    parts = np.split(start.parameters, np.cumsum([leaf.size for leaf in leaves])[:-1])
    return jax.tree.unflatten(form, [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)])


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_among_zeros_the_larger_network_computes_what_the_smaller_one_does(activation):
    small, large = (MLP(hidden=hidden, outputs=3, activation=activation) for hidden in ((2, 3), (5, 4)))
    params = drawn((2, 3), activation=activation)
    empty = jax.tree.map(jnp.zeros_like, drawn((5, 4)))
    found = tree(mj.Start.of(params).grown(empty), large)
    # Zeros join the sums, in another order: 6e-8 apart in float32.
    np.testing.assert_allclose(large.apply(found, X), small.apply(params, X), atol=1e-6)


def test_new_units_have_the_numbers_that_they_were_given():
    params, room = drawn((2,)), drawn((4,), seed=1)
    found = tree(mj.Start.of(params).grown(room), MLP(hidden=(4,), outputs=3))
    first, last = found["layer_0"]["kernel"], found["layer_1"]["kernel"]
    np.testing.assert_array_equal(first[:, :2], params["layer_0"]["kernel"])
    np.testing.assert_array_equal(first[:, 2:], room["layer_0"]["kernel"][:, 2:])
    np.testing.assert_array_equal(last[:2], params["layer_1"]["kernel"])
    np.testing.assert_array_equal(last[2:], room["layer_1"]["kernel"][2:])
    np.testing.assert_array_equal(found["layer_0"]["bias"][2:], room["layer_0"]["bias"][2:])
    np.testing.assert_array_equal(found["layer_1"]["bias"], params["layer_1"]["bias"])


def test_the_same_size_is_the_same_start_and_what_was_given_does_not_change():
    params, room = drawn((3,)), drawn((3,), seed=1)
    start, before = mj.Start.of(params, "small"), np.array(room["layer_0"]["kernel"])
    assert start.grown(room) == start
    np.testing.assert_array_equal(room["layer_0"]["kernel"], before)
    assert start.grown(room, "large").name == "large"
    assert start.grown(drawn((9,))).grown(drawn((12,), seed=1)) != start.grown(drawn((12,), seed=1))


def test_networks_with_tables_grow_in_every_axis():
    fields = dict(outputs=5)
    small, large = (EmbeddingMLP(embedding=e, hidden=(h,), **fields) for e, h in ((2, 3), (4, 6)))
    task = mj.tasks.ModularArithmetic(p=5)
    inputs = task.pool[task.draw(0, 20, 5)[0].x]
    params = small.init(jax.random.key(0), inputs)
    empty = jax.tree.map(jnp.zeros_like, large.init(jax.random.key(0), inputs))
    found = tree(mj.Start.of(params).grown(empty), large, inputs)
    np.testing.assert_allclose(large.apply(found, inputs), small.apply(params, inputs), atol=1e-6)


@pytest.mark.parametrize(
    ("room", "says"),
    [
        (lambda: drawn((2, 2)), "same layers"),
        (lambda: drawn((3,), bias=False), "same layers"),
        (
            lambda: drawn((1,)),
            r"layer_0/bias .* shape \(1,\), which has no room for the shape \(2,\) in the start 'tiny'",
        ),
        (lambda: {"w": np.zeros(3)}, "larger network has w:"),
        (lambda: jax.tree.map(lambda leaf: leaf * np.nan, drawn((4,))), "not finite"),
    ],
)
def test_a_network_without_room_is_refused(room, says):
    with pytest.raises(InputError, match=says):
        mj.Start.of(drawn((2,)), "tiny").grown(room())


@pytest.mark.slow
def test_runs_begin_where_the_grown_network_is():
    spec = mj.Experiment(
        model=MLP(hidden=(3,)),
        train_size=16,
        steps=20,
        record_every=20,
        snapshots=(0, 20),
        measures=("loss", "weight_l2"),
    )
    small = mj.sweep(spec, {"seed": [0, 1]})
    wide = dataclasses.replace(spec, model=MLP(hidden=(8,)))
    fresh = mj.sweep(wide, {"seed": [0, 1]})
    ends = {one.run["seed"]: one.start for one in mj.snapshots(small) if one.step == 20}
    room = {one.run["seed"]: one.params for one in mj.snapshots(fresh) if one.step == 0}
    starts = {seed: start.grown(room[seed]) for seed, start in ends.items()}
    found = mj.sweep(wide, {("seed", "start"): list(starts.items())})
    norms = [np.sqrt(np.square(start.parameters).sum()) for start in starts.values()]
    np.testing.assert_allclose(found["weight_l2"].isel(step=0), norms, rtol=1e-6)
