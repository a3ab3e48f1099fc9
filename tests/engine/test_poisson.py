"""Poisson batches: which examples a step takes, what it divides by, and that neither company nor a kill changes them."""

import dataclasses

import jax
import numpy as np
import pytest

import memjax as mj
from memjax import InputError
from memjax.random.minibatches import PAD
from memjax.random.poisson import poisson_batches, room_for

TASK = mj.tasks.RandomLabels(input_dim=5, num_classes=4)
SPEC = mj.Experiment(
    task=TASK, model=mj.models.MLP(hidden=(6,)), optimizer=mj.optimizers.sgd(0.3), steps=12, record_every=4, train_size=40,
    test_size=10, batch_size=8, batches="poisson", snapshots=(0, 12), measures=("loss", "step_loss"),
)  # fmt: skip
PACKING = mj.Packing(width=64, runs=4)


def drawn(runs, start=0, stop=4000):
    return poisson_batches(runs, room_for(runs[0].batch_size), start, stop)


def taken(rows, size):
    """Whether a step takes a row, ``bool[steps, N]``."""
    found = np.zeros((len(rows), size + 1), bool)
    np.put_along_axis(found, rows, True, 1)
    return found[:, :-1]


def test_sizes_are_binomial_and_examples_do_not_depend_on_each_other():
    rows = drawn([SPEC])[:, 0]
    assert (np.diff(np.where(rows == PAD, 40, rows), axis=1)[rows[:, :-1] != PAD] > 0).all()
    found = taken(rows, 40)
    assert (found.sum(1) == (rows != PAD).sum(1)).all()
    # Binomial(40, .2): mean 8, variance 6.4; over 4,000 steps the mean has a deviation of .04, the variance of .14.
    assert abs(found.sum(1).mean() - 8) < 0.16 and abs(found.sum(1).var() - 6.4) < 0.6
    # A share of .2 has a deviation of .0063 and a correlation of .016: four and five deviations for 40 rows and 780 pairs.
    assert (abs(found.mean(0) - 0.2) < 0.026).all()
    assert abs(np.corrcoef(found.T) - np.eye(40)).max() < 0.08
    assert abs(np.corrcoef(found[:-1].sum(1), found[1:].sum(1))[0, 1]) < 0.08


def test_a_step_takes_the_same_wherever_the_range_begins_and_each_seed_its_own():
    runs = [SPEC, dataclasses.replace(SPEC, seed=1)]
    whole = drawn(runs, 0, 100)
    parts = [drawn(runs, *ends) for ends in ((0, 5), (5, 33), (33, 97), (97, 100))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert (whole[:, 0] != whole[:, 1]).any()
    np.testing.assert_array_equal(drawn([dataclasses.replace(SPEC, seed=5, batch_seed=0)], 0, 100), whole[:, :1])


def test_a_run_on_a_subset_takes_of_its_rows_what_the_whole_would():
    rows = np.array([3, 9, 20, 33])
    others = tuple(row for row in range(40) if row not in rows)
    some = dataclasses.replace(SPEC, subset=mj.subsets.LeaveOut(others), batch_size=2, batch_seed=0)
    own = taken(poisson_batches([some], 16, 0, 200, [rows])[:, 0], 4)
    # Half of four rows, and half of forty.
    whole = dataclasses.replace(SPEC, batch_size=20, batch_seed=0)
    np.testing.assert_array_equal(own, taken(drawn([whole], 0, 200)[:, 0], 40)[:, rows])


@pytest.mark.parametrize("expected", [1, 8, 64, 600])
def test_the_room_is_for_nearly_every_batch(expected):
    sizes = np.random.default_rng(0).poisson(expected, 10**6)
    assert sizes.max() < room_for(expected) < expected + 12 * np.sqrt(expected) + 32


def test_a_batch_without_room_is_an_error():
    with pytest.raises(RuntimeError, match="does not fit its room of 3"):
        poisson_batches([SPEC], 3, 0, 100)


def test_a_run_is_descent_on_sums_over_its_batches_divided_by_the_expected_number():
    found = mj.sweep(SPEC, {"seed": [0, 1]}, packing=PACKING)
    for seed in (0, 1):
        own = found.sel(seed=seed)
        first, last = mj.snapshots(own)
        x, y = first.train
        params, losses = first.params, []

        def total(params, taken):
            losses = mj.losses.cross_entropy(first.model.apply(params, x), y)  # noqa: B023
            return (taken * losses).sum() / 8

        for rows in drawn([dataclasses.replace(SPEC, seed=seed)], 0, 12)[:, 0]:
            loss, slope = jax.value_and_grad(total)(params, taken(rows[None], 40)[0])
            params, losses = jax.tree.map(lambda w, g: w - 0.3 * g, params, slope), [*losses, loss]
        # 2e-7 apart in float32.
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-6), last.params, params)
        np.testing.assert_allclose(own.step_loss[1:], np.array(losses).reshape(3, 4).mean(1), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["streamed", "batched"])
def test_company_changes_no_bit(schedule):
    packing = mj.Packing(width=64, runs=4, schedule=schedule)
    together = mj.sweep(SPEC, {"train_size": [20, 40], "seed": [0, 1, 2]}, packing=packing)
    alone = mj.sweep(dataclasses.replace(SPEC, seed=2), packing=packing)
    np.testing.assert_array_equal(together.parameters.sel(train_size=40, seed=2), alone.parameters)


def test_all_examples_are_full_batch_and_a_spec_keeps_the_word():
    every = dataclasses.replace(SPEC, batch_size=40)
    found, full = (
        mj.sweep(one, packing=PACKING) for one in (every, dataclasses.replace(every, batch_size=None, batches="epochs"))
    )
    np.testing.assert_allclose(found.parameters, full.parameters, atol=1e-6)
    assert mj.Experiment.from_json(SPEC.to_json()) == SPEC and '"batches": "poisson"' in SPEC.to_json()
    assert "batches" not in dataclasses.replace(SPEC, batches="epochs").to_json()
    assert "Poisson batches of 8 in the mean, with room for 40" in str(mj.explain(SPEC))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (dict(batches="bernoulli"), "batches"),
        (dict(batch_size=None), "batches is 'poisson', but batch_size is None: give the number"),
        (dict(train_size="fresh"), "there is no train set to take examples from"),
    ],
)
def test_what_has_no_poisson_batches_is_refused(fields, says):
    with pytest.raises(InputError, match=says):
        dataclasses.replace(SPEC, **fields)
