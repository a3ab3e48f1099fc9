"""Folds over presentations: equal to bookkeeping row by row along a plain optax loop with the run's own minibatches."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import memjax as mj
from memjax.engine.program.program import model_of
from memjax.experiment.draw import draw_data
from memjax.measures import by_example
from memjax.models.randomness import is_random
from memjax.random import keys
from memjax.random.minibatches import PAD, batch_order, copy_of

RNG = np.random.default_rng(0)
TASK = mj.tasks.from_arrays(RNG.normal(size=(30, 4)).astype(np.float32), RNG.integers(0, 3, 30))
SPEC = mj.Experiment(
    task=TASK,
    train_size="all",
    test_size=0,
    data_seed=0,
    model=mj.models.MLP(hidden=(8,)),
    optimizer=mj.optimizers.adam(0.05),
    steps=40,
    record_every=4,
    batch_size=4,
    measures=("loss", "accuracy"),
    snapshots=(0,),
    examples=(
        "presented_forgetting_events",
        "presented_first_learnt",
        "presented_aum",
        by_example("el2n", over="mean", at="presentations"),
    ),
)
SHARE = mj.subsets.RandomShare(0.6)
PLANTED = mj.subsets.Planted((3, 5), times=3, among=SHARE)
PACKING = mj.Packing(width=8, runs=2, lanes=1, memory=10**9)


def changed(**fields):
    return dataclasses.replace(SPEC, **fields)


@functools.cache
def training_step(model):
    """One step by hand: the outputs of a minibatch before the update, and parameters and optimizer state after it."""
    rule = optax.adam(0.05)

    def outputs(params, x, numbers, key):
        if not is_random(model):
            return model.apply(params, x)
        return model.apply_train(params, x, jax.vmap(jax.random.fold_in, (None, 0))(key, numbers))

    @jax.jit
    def train(params, state, x, y, mask, numbers, key, step):
        key = jax.random.fold_in(key, step)

        def loss(params):
            found = outputs(params, x, numbers, key)
            each = optax.softmax_cross_entropy_with_integer_labels(found, y)
            return jnp.where(mask, each, 0).sum() / mask.sum(), found

        slope, found = jax.grad(loss, has_aux=True)(params)
        updates, state = rule.update(slope, state, params)
        return found, optax.apply_updates(params, updates), state

    return rule.init, train


def presentations(spec, first, places, steps):
    """Step, logits and label at every presentation of every row, of a run from its first snapshot."""
    (x, y), copy = map(np.asarray, first.train), copy_of(places)
    orders = [np.arange(len(y))] * steps
    if spec.batch_size is not None:
        orders = batch_order([spec], spec.batch_size, 0, steps, None if spec.subset is None else [places])[:, 0]
    init, train = training_step(model_of(spec))
    key = jax.random.wrap_key_data(keys([spec.init_key], "forward")[0], impl="threefry2x32")
    params, state, seen = first.params, init(first.params), {row: [] for row in places.tolist()}
    for step, order in enumerate(orders):
        mask, rows = order != PAD, np.where(order == PAD, 0, order)
        numbers = (copy[rows] * 30 + places[rows]).astype(np.int32)
        given = x[rows], y[rows], mask, numbers, key, np.int32(step)
        found, params, state = train(params, state, *given)
        found = np.asarray(found)
        # Copies that are presented in one step come one after another.
        for place in sorted(np.flatnonzero(mask), key=lambda place: copy[rows[place]]):
            seen[int(places[rows[place]])].append((step + 1, found[place], int(y[rows[place]])))
    return seen


def by_hand(spec, first, steps):
    """Values ``[N]`` of the rows of the data set after so many steps; NaN for the rows on which the run does not train."""
    places = np.arange(len(first.train.y)) if first.places is None else first.places
    # The data set is a draw from the task's pool, along whose rows values are aligned.
    seen = {
        int(draw_data(spec).train.x[place]): found for place, found in presentations(spec, first, places, steps).items()
    }
    return {
        name: np.array([fold(seen[row]) if row in seen else np.nan for row in range(30)])
        for name, fold in FOLDS.items()
    }


def right(seen):
    return [int(np.argmax(logits) == label) for _, logits, label in seen]


def margin(logits, label):
    return logits[label] - np.delete(logits, label).max()


def el2n(logits, label):
    return np.linalg.norm(np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum() - np.eye(3)[label])


FOLDS = {
    "presented_forgetting_events": lambda seen: sum(a > b for a, b in zip(right(seen), right(seen)[1:], strict=False)),
    "presented_first_learnt": lambda seen: next(
        (one[0] for one, ok in zip(seen, right(seen), strict=True) if ok), np.nan
    ),
    "presented_aum": lambda seen: np.mean([margin(*one[1:]) for one in seen]) if seen else np.nan,
    "presented_mean_el2n": lambda seen: np.mean([el2n(*one[1:]) for one in seen]) if seen else np.nan,
}


def check(spec, over, packing):
    found = mj.sweep(spec, over, packing=packing)
    runs = {snapshot.run["seed"]: snapshot for snapshot in mj.snapshots(found)}
    for seed, first in runs.items():
        own, values = (
            found.sel(seed=seed).isel(example_step=-1),
            by_hand(first.experiment, first, int(found.stop_step.sel(seed=seed))),
        )
        for name, value in values.items():
            # Means in float32 along two trainings: 2e-5 measured. Counts and steps are the same.
            assert own[f"example_{name}"].values == pytest.approx(value, rel=1e-4, abs=1e-4, nan_ok=True), (name, seed)
    return found


CASES = {
    "minibatches that stop": dict(subset=SHARE, stop_when=mj.stopping.AtLeast("train_accuracy", 0.7)),
    "copies with dropout": dict(subset=PLANTED, batch_size=8, model=mj.models.MLP(hidden=(8,), dropout=0.3)),
    "full batch": dict(batch_size=None, steps=20),
    "copies, full batch": dict(subset=PLANTED, batch_size=None, steps=20),
    "dropout, full batch": dict(subset=SHARE, batch_size=None, steps=20, model=mj.models.MLP(hidden=(8,), dropout=0.3)),
}
FAST = (
    ("minibatches that stop", "streamed"),
    ("minibatches that stop", "batched"),
    ("copies with dropout", "streamed"),
    ("full batch", "streamed"),
)


@pytest.mark.parametrize(
    ("case", "schedule"),
    [
        pytest.param(case, schedule, marks=() if (case, schedule) in FAST else pytest.mark.slow)
        for case in CASES
        for schedule in ("streamed", "batched")
    ],
)
def test_a_run_folds_its_presentations_as_bookkeeping_does(case, schedule):
    spec = changed(**CASES[case])
    # Runs with fewer tiles than the largest of their block, one before another.
    sized = {("seed", "train_size"): [(0, 30), (1, 11), (2, 11)]}
    over = sized if case == "full batch" else {"seed": [0, 1]}
    found = check(spec, over, dataclasses.replace(PACKING, schedule=schedule, runs=3 if over is sized else 2))
    events = found.example_presented_forgetting_events.isel(example_step=-1)
    assert (events.notnull() == (found.train_count > 0)).all() and events.sum() > 0
    if spec.subset is not None or over is sized:
        assert events.isnull().any()
    if spec.stop_when is not None:
        assert {"stopped", "finished"} >= set(found.status.values) and (found.stop_step < 40).any()


def test_a_run_alone_and_in_company_has_the_same_bits():
    spec = changed(subset=SHARE, snapshots=())
    alone = mj.sweep(changed(subset=SHARE, snapshots=(), seed=3), packing=PACKING)
    company = mj.sweep(spec, {"seed": [7, 3]}, packing=PACKING).sel(seed=3)
    for name in ("example_presented_aum", "example_presented_mean_el2n", "example_presented_forgetting_events"):
        assert np.array_equal(alone[name], company[name], equal_nan=True), name


@pytest.mark.slow
def test_presentations_change_no_record():
    alone = mj.sweep(changed(subset=SHARE, snapshots=(), seed=3), packing=PACKING)
    plain = mj.sweep(changed(subset=SHARE, snapshots=(), examples=(), seed=3), packing=PACKING)
    # Another program: the same bits were measured.
    assert alone.train_loss.values == pytest.approx(plain.train_loss.values, rel=1e-5)


def test_labels_names_and_specs():
    part = by_example("correct", over="drops", at="presentations", dtype="float16")
    assert part.variable("data") == "example_presented_forgetting_events"
    assert part.long_name == "number of presentations that lose a right answer"
    assert by_example("forgetting_events").long_name == "number of records that lose a right answer"
    spec = changed(examples=(part, "presented_aum", "aum", by_example("el2n", over="mean", at="presentations")))
    assert mj.Experiment.from_json(spec.to_json(), using=(TASK,)) == spec
    assert '"at"' not in changed(examples=("aum",)).to_json()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: by_example("loss", at="presentations"), "at='presentations' and over=None: say how the values"),
        (lambda: by_example("loss", at="steps", over="mean"), "by_example's at is 'steps': use records or presentations"),
        (lambda: by_example("loss", on="test", over="mean", at="presentations"), r"on=\('test',\): leave on out"),
        (lambda: by_example("correct", over="drops", at="presentations", dtype="bool"), "dtype='bool', which cannot say"),
        (lambda: changed(examples=("presented_loss",)), "examples holds 'presented_loss': use .*presented_aum"),
        (
            lambda: mj.explain(
                changed(
                    model=mj.models.LeastSquares(), loss="one_hot_mse", optimizer=mj.optimizers.closed_form(), steps=1,
                    record_every=1, batch_size=None,
                )
            ),
            "which looks at the steps of a training, but closed_form fits in one step",
        ),
    ],
)  # fmt: skip
def test_what_has_no_presentations_is_refused(call, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        call()


def test_the_memory_counts_what_presentations_hold():
    from memjax.engine.plan.memory import _example_bytes
    from memjax.engine.plan.plan import make_plan

    (block,) = make_plan(changed(subset=PLANTED), {"seed": [0, 1]}, PACKING).blocks
    places = block.shape.train_tiles * block.shape.width
    # Values at one step, memory before and after a segment (1, 2, 2 and 2 arrays), and two numbers of every place.
    assert _example_bytes(block.program, block.schedule, block.shape) == places * (4 * (4 + 2 * 7) + 8)
    assert block.program.splits == (), "The data set itself is not needed on the device."
