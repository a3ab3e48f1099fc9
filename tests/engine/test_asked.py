"""What a measure asks for of its run: in records, by example and on snapshots, against plain loops over optax."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import memjax as mj
from memjax.engine.plan import packing
from memjax.store import writer


def rate(params, apply, examples, *, learning_rate):
    return learning_rate


def done(params, apply, examples, *, step):
    return step


def second_moment(params, apply, examples, *, opt_state):
    """Adam's second moment of the last bias, which tells whether the tree has its leaves in their places."""
    return opt_state[1][0].nu["layer_1"]["bias"].sum()


def dead_units(params, apply, examples, *, model):
    return examples.mean(lambda tile: (model.hidden_activations(params, tile.x)["layer_0"] == 0).mean(-1))


def drift(params, apply, tile, *, initial, step):
    return apply(params, tile.x)[:, 0] - apply(initial, tile.x)[:, 0] + step


DRIFT = mj.Measure(drift, "drift", per_example=True)
OF_SNAPSHOTS = (rate, done, dead_units, "distance_from_init", DRIFT)
SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=4, num_classes=3),
    model=mj.models.MLP(hidden=(6,)),
    optimizer=mj.optimizers.adam(mj.schedules.cosine(0.05)),
    steps=8,
    record_every=4,
    train_size=10,
    snapshots=(0, 4, 8),
    measures=(*OF_SNAPSHOTS, second_moment),
    examples=(DRIFT, mj.measures.by_example(DRIFT, over="mean", on="test")),
    examples_at=(4, 8),
)
OVER = {"seed": [0, 1, 2]}
# Tiles of four, so that a streamed run has several; lone runs in the same packed shape.
PACKING = {schedule: mj.Packing(schedule=schedule, width=4, runs=3, lanes=1) for schedule in ("streamed", "batched")}


SCHEDULES = ["streamed", pytest.param("batched", marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=SCHEDULES)
def ds(request):
    return mj.sweep(SPEC, OVER, packing=PACKING[request.param], progress=False)


def by_hand(ds, steps=8, seed=1):
    """Parameters and states of a plain loop from the first snapshot of a run, before every step and after the last."""
    first = next(mj.snapshots(ds.sel(seed=[seed])))
    x, y = first.train
    rule = optax.adam(optax.cosine_decay_schedule(0.05, steps))
    loss = lambda p: optax.softmax_cross_entropy_with_integer_labels(first.model.apply(p, x), y).mean()  # noqa: E731

    @jax.jit
    def step(params, state):
        updates, state = rule.update(jax.grad(loss)(params), state, params)
        return optax.apply_updates(params, updates), state

    found = [(first.params, rule.init(first.params))]
    for _ in range(steps):
        found.append(step(*found[-1]))
    return first, found


def test_a_record_sees_what_a_plain_loop_has(ds):
    first, found = by_hand(ds)
    run, at = ds.sel(seed=1), [0, 4, 8]
    states = [found[step] for step in at]
    # Measured 6e-6 at most, after eight steps of Adam.
    close = {"rtol": 2e-5, "atol": 1e-7}
    np.testing.assert_allclose(run.done, at)
    np.testing.assert_allclose(run.rate, 0.025 * (1 + np.cos(np.pi * np.array(at) / 8)), **close)
    nu = [state[0].nu["layer_1"]["bias"].sum() for _, state in states]
    assert nu[1] > 0
    np.testing.assert_allclose(run.second_moment, nu, **close)
    hidden = [np.maximum(first.train.x @ p["layer_0"]["kernel"] + p["layer_0"]["bias"], 0) for p, _ in states]
    np.testing.assert_allclose(run.dead_units, [(h == 0).mean() for h in hidden], **close)
    squares = [jax.tree.map(lambda now, then: ((now - then) ** 2).sum(), p, first.params) for p, _ in states]
    np.testing.assert_allclose(run.distance_from_init, [sum(jax.tree.leaves(s)) ** 0.5 for s in squares], **close)


def test_values_of_single_examples_see_the_same(ds):
    first, found = by_hand(ds)
    outputs = lambda params, x: np.asarray(first.model.apply(params, x))[:, 0]  # noqa: E731
    x, test = first.train.x, first.test.x
    moved = np.stack([outputs(found[step][0], x) - outputs(first.params, x) + step for step in (4, 8)])
    run = ds.sel(seed=1)
    # Measured 4e-6.
    np.testing.assert_allclose(run.example_drift, moved, rtol=2e-5)
    np.testing.assert_allclose(run.drift[1:], moved.mean(1), rtol=2e-5)
    folded = np.mean([outputs(found[step][0], test) - outputs(first.params, test) + step for step in (4, 8)], axis=0)
    np.testing.assert_allclose(run.test_example_mean_drift.sel(example_step=8), folded, rtol=2e-5)


def test_snapshots_say_what_the_records_said(ds):
    measured = mj.measure(ds, OF_SNAPSHOTS)
    for name in measured.data_vars:
        # Measured: the same bits, but for an ulp of the sums of a batched block.
        np.testing.assert_allclose(measured[name], ds[name].values, rtol=1e-6, err_msg=name)
    with pytest.raises(mj.InputError, match="'second_moment' asks for opt_state, which snapshots do not keep: record"):
        mj.measure(ds, [second_moment])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_run_sees_the_same_bits_alone(schedule):
    ds, alone = (mj.sweep(SPEC, over, packing=PACKING[schedule], progress=False) for over in (OVER, {"seed": [2]}))
    for name in alone.data_vars:
        np.testing.assert_array_equal(alone[name].sel(seed=2), ds[name].sel(seed=2), err_msg=name)


class Stop(Exception):
    """Ends a sweep in the middle."""


@pytest.fixture
def killed(monkeypatch):
    """Keep every segment, and die before a second one is kept."""
    keep, kept = writer.StoreKeeper.keep, []

    def dying(self, block, result):
        if kept:
            raise Stop
        kept.append(keep(self, block, result))

    monkeypatch.setattr(packing, "segment_records", lambda program, shape, snapshots: 1)
    monkeypatch.setattr(writer, "_SECONDS", 0.0)
    monkeypatch.setattr(writer, "_SHARE", float("inf"))
    return lambda context: context.setattr(writer.StoreKeeper, "keep", dying)


@pytest.mark.slow
def test_a_run_that_goes_on_has_its_own_initial_parameters(tmp_path, monkeypatch, killed):
    begun = mj.sweep(SPEC, {"seed": [0]}, progress=False)
    start = [snapshot.start for snapshot in mj.snapshots(begun)][1]
    spec, stored = dataclasses.replace(SPEC, start=start), {"store": tmp_path / "store", "progress": False}
    whole = mj.sweep(spec, {"seed": [0]}, progress=False)
    assert whole.distance_from_init[0, 0] == 0 and whole.distance_from_init[0, 1] > 0
    with monkeypatch.context() as context, pytest.raises(Stop):
        killed(context)
        mj.sweep(spec, {"seed": [0]}, **stored)
    resumed = mj.sweep(spec, {"seed": [0]}, **stored)
    for name in whole.data_vars:
        np.testing.assert_array_equal(resumed[name], whole[name], err_msg=name)
    measured = mj.measure(whole, ["distance_from_init"])
    np.testing.assert_array_equal(measured.distance_from_init, whole.distance_from_init)


@pytest.mark.slow
def test_a_padded_run_has_the_distance_of_its_own_network():
    spec = dataclasses.replace(SPEC, measures=("distance_from_init",), examples=(), examples_at=None)
    over = {"hidden": [(3,), (6,)], "seed": [0, 1]}
    assert mj.explain(spec, over=over).programs == 1
    padded = mj.sweep(spec, over, progress=False)
    alone = mj.sweep(dataclasses.replace(spec, model=mj.models.MLP(hidden=(3,))), {"seed": [0, 1]}, progress=False)
    # Measured: the same bits.
    np.testing.assert_allclose(padded.distance_from_init.sel(hidden="3"), alone.distance_from_init, rtol=2e-6)


def test_the_initial_parameters_and_the_state_are_counted_in_the_memory():
    bare = dataclasses.replace(SPEC, examples=(), examples_at=None)
    few, initial, state = (
        mj.explain(dataclasses.replace(bare, measures=("weight_l2", *more))).memory.blocks
        for more in ((), ("distance_from_init",), (second_moment,))
    )
    # 51 parameters: their initial values on a CPU, which is host and device, and two moments of Adam as a tree.
    assert initial - few >= 2 * 4 * 51 and state - few >= 2 * 4 * 51


def epochs(params, apply, examples, *, epoch):
    return epoch


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: mj.Measure(epochs, "epochs"), "asks for epoch by a keyword-only argument, which is not among loss"),
        (lambda: dataclasses.replace(SPEC, measures=(epochs,)), "'epochs' asks for epoch"),
        (
            lambda: mj.explain(
                dataclasses.replace(
                    SPEC,
                    model=mj.models.NearestNeighbors(k=1),
                    optimizer=mj.optimizers.closed_form(),
                    **dict(steps=1, record_every=1, snapshots=(), examples=(), examples_at=None, measures=(rate,)),
                )
            ),
            "'rate' asks for the learning_rate, but the optimizer 'closed_form' has no learning rate",
        ),
    ],
)
def test_what_nobody_gives_is_refused_in_a_sentence(make, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        make()


def test_an_argument_with_a_default_is_the_functions_own():
    def scaled(params, apply, examples, *, step=3):
        return jnp.float32(step)

    assert mj.Measure(scaled, "scaled").bind(None, step=8)(None, None, None) == 3
