"""Runs that stop: equal to the longer run up to there, as they are afterwards, and no neighbour changes."""

import dataclasses

import numpy as np
import pytest

import memjax as mj
from memjax.engine.training import block as training
from memjax.stopping import AtLeast, AtMost, NoGain

SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=9, num_classes=5),
    model=mj.models.MLP(hidden=(24,)),
    optimizer=mj.optimizers.adam(0.01),
    train_size=30,
    steps=200,
    record_every=10,
    measures=("loss", "accuracy", "step_loss"),
    snapshots=(100, 200),
)
OVER = {"learning_rate": [0.001, 0.01], "seed": [0, 1, 2]}
PACKING = mj.Packing(lanes=2, runs=4, memory=10**9)


@pytest.fixture(scope="module")
def whole():
    return mj.sweep(SPEC, OVER, packing=PACKING)


def stopping(condition, **fields):
    return dataclasses.replace(SPEC, stop_when=condition, **fields)


@pytest.fixture(scope="module")
def stopped():
    return mj.sweep(stopping(AtLeast("train_accuracy", 1.0)), OVER, packing=PACKING)


def runs(dataset):
    return [dataset.sel(learning_rate=rate, seed=seed) for rate in OVER["learning_rate"] for seed in OVER["seed"]]


def test_a_run_stops_at_the_first_record_of_its_condition_and_is_the_longer_run_up_to_there(whole, stopped):
    for long, short in zip(runs(whole), runs(stopped), strict=True):
        reached = long.train_accuracy.values == 1
        # The first record is that of step 0, before any training.
        step = int(long.step[1:][reached[1:]][0]) if reached.any() else None
        assert (str(short.status.values), int(short.stop_step)) == (
            ("finished", 200) if step is None else ("stopped", step)
        )
        assert str(short.stop_reason.values) == ("" if step is None else "stop_when was met")
        upto = slice(0, step)
        for name in ("train_loss", "test_loss", "train_accuracy"):
            assert (short[name].sel(step=upto) == long[name].sel(step=upto)).all()
    assert set(stopped.status.values.ravel()) == {"stopped", "finished"}


def test_a_stopped_network_stays_as_it_is(stopped):
    for run in runs(stopped):
        if run.status != "stopped":
            continue
        after = run.sel(step=slice(int(run.stop_step), None))
        assert (after.train_loss == after.train_loss[0]).all() and (after.test_loss == after.test_loss[0]).all()
        assert np.isnan(after.step_loss[1:]).all() and np.isfinite(after.step_loss[0])
        if run.stop_step <= 100:
            assert (run.parameters.sel(snapshot=100) == run.parameters.sel(snapshot=200)).all()
    again = mj.measure(stopped, ["loss"])
    last = stopped.test_loss.isel(step=-1)
    # The record alone is another program than the loop: rounding of sums.
    assert again.test_loss.sel(snapshot=200).values == pytest.approx(last.values, rel=1e-6)


def test_a_neighbour_that_stops_changes_no_bit(whole):
    # The bound is a number of each run, so that the runs of one block stop at different records, or never.
    ds = mj.sweep(
        stopping(AtMost("train_loss")),
        {("learning_rate", "stop_when.value"): [(0.001, 1e-9), (0.01, 0.5)], "seed": [0, 1, 2]},
        packing=PACKING,
    )
    slow = ds.sel(learning_rate=0.001)
    assert (slow.status == "finished").all() and (ds.sel(learning_rate=0.01).status == "stopped").all()
    assert (slow.train_loss.values == whole.train_loss.sel(learning_rate=0.001).values).all()


def test_no_gain_is_prechelts_rule(whole):
    ds = mj.sweep(stopping(NoGain("test_loss", records=3)), OVER, packing=PACKING)
    for long, short in zip(runs(whole), runs(ds), strict=True):
        best, since, step = np.inf, 0, None
        for at, value in zip(long.step.values[1:], long.test_loss.values[1:], strict=True):
            best, since = (value, 0) if value < best else (best, since + 1)
            if since == 3:
                step = at
                break
        assert (str(short.status.values), int(short.stop_step)) == (
            ("finished", 200) if step is None else ("stopped", step)
        )


@pytest.mark.slow
def test_stops_between_records_do_not_count():
    fields = {"record_at": (50, 100), "snapshots": (10, 20, 30, 60, 200)}
    spec = stopping(AtLeast("train_accuracy", 0.5), optimizer=mj.optimizers.adam(0.01), **fields)
    ds = mj.sweep(spec, {"seed": [0, 1]}, packing=PACKING)
    assert ds.stop_step.values.tolist() == [50, 50]
    early = ds.parameters.sel(snapshot=30) != ds.parameters.sel(snapshot=60)
    assert early.any("parameter_index").all()
    assert (ds.parameters.sel(snapshot=60) == ds.parameters.sel(snapshot=200)).all()


def test_a_block_whose_runs_have_all_stopped_takes_no_further_step(monkeypatch):
    steps, length = [], training._length
    monkeypatch.setattr(
        training, "_length", lambda block, taken, *more: (steps.append(sum(taken)), length(block, taken, *more))[1]
    )
    spec = stopping(
        AtLeast("train_accuracy", 0.2), record_every=1, snapshots=(), examples=("correct",), examples_at=(100, 200)
    )
    ds = mj.sweep(spec, {"seed": [0, 1]}, packing=mj.Packing(lanes=1, runs=2))
    assert (ds.status == "stopped").all() and sum(steps) <= 0.5 * 200
    assert ds.train_loss.shape == (2, 201) and np.isfinite(ds.train_loss).all()
    assert (
        ds.example_correct.isel(example_step=0).fillna(2) == ds.example_correct.isel(example_step=1).fillna(2)
    ).all()


@pytest.mark.slow
def test_a_stopped_sweep_goes_on_from_a_store_as_it_was(tmp_path, stopped):
    found = mj.sweep(stopping(AtLeast("train_accuracy", 1.0)), OVER, packing=PACKING, store=tmp_path / "store")
    assert found.drop_attrs().identical(stopped.drop_attrs())
    assert mj.open(tmp_path / "store").drop_attrs().identical(stopped.drop_attrs())
    spec = stopping(AtLeast("train_accuracy", 1.0))
    assert mj.Experiment.from_json(spec.to_json()) == spec


@pytest.mark.slow
def test_batched_runs_stop_too(stopped):
    ds = mj.sweep(stopping(AtLeast("train_accuracy", 1.0)), OVER, packing=mj.Packing(schedule="batched"))
    assert (ds.stop_step == stopped.stop_step).all()


@dataclasses.dataclass(frozen=True)
class Twice:
    """A user's condition: the variable is above a half at two records in a row."""

    variable: str = "train_accuracy"

    def begin(self):
        return np.int32(0)

    def met(self, value, memory):
        count = (memory + 1) * (value > 0.5)
        return count >= 2, count


@pytest.mark.slow
def test_a_users_condition_has_a_memory_of_its_own(whole):
    ds = mj.sweep(stopping(Twice()), OVER, packing=PACKING)
    for long, short in zip(runs(whole), runs(ds), strict=True):
        above = long.train_accuracy.values[1:] > 0.5
        both = np.flatnonzero(above[1:] & above[:-1])
        assert int(short.stop_step) == (long.step.values[both[0] + 2] if len(both) else 200)


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (
            AtLeast("accuracy", 1.0),
            "stop_when watches 'accuracy', which is no number that the run records: use train_loss",
        ),
        ("train_loss < 1", "stop_when is 'train_loss < 1': give an object of memjax.stopping"),
        (dataclasses.replace(AtLeast("train_loss"), variable="test_accuracy"), None),
    ],
)
def test_a_condition_watches_what_is_recorded(condition, sentence):
    if sentence is None:
        mj.explain(stopping(condition))
        return
    with pytest.raises(mj.InputError, match=sentence):
        mj.explain(stopping(condition))


def test_folds_over_records_are_those_of_the_values_at_every_record():
    steps = tuple(range(0, 201, 10))
    spec = dataclasses.replace(SPEC, batch_size=4, snapshots=(35,), optimizer=mj.optimizers.adam(0.1))
    each = mj.sweep(
        dataclasses.replace(spec, examples=("correct", "logit_margin", "el2n"), examples_at=steps), packing=PACKING
    )
    folds = (
        "first_learnt",
        "forgetting_events",
        "aum",
        mj.measures.by_example("el2n", on=("data", "test"), over="mean"),
    )
    for schedule in ("streamed", "batched"):
        packing = mj.Packing(schedule=schedule)
        ds = mj.sweep(dataclasses.replace(spec, examples=folds, examples_at=(200,)), packing=packing).isel(
            example_step=-1
        )
        right = each.example_correct.values[1:] > 0
        first = np.where(right.any(0), np.array(steps)[1:][right.argmax(0)], np.nan)
        assert np.array_equal(ds.example_first_learnt.values, first, equal_nan=True)
        forgotten = (right[:-1] & ~right[1:]).sum(0)
        assert (ds.example_forgetting_events.values == forgotten).all() and forgotten.sum() > 0
        # Means in float32: 3e-7 measured.
        assert ds.example_aum.values == pytest.approx(each.example_logit_margin.values[1:].mean(0), rel=3e-6, abs=3e-6)
        assert ds.example_mean_el2n.values == pytest.approx(each.example_el2n.values[1:].mean(0), rel=3e-6)
        assert ds.test_example_mean_el2n.sizes == {"test_example": 30}
        assert ds.example_first_learnt.long_name == "step of the first record with a right answer"
        assert (ds.example_first_learnt.units, ds.example_aum.units) == ("1", "logits")
