"""Stores of runs with records at any steps: they open with their own steps, and go on with the same bits."""

import dataclasses
import json
import os
import signal

import numpy as np
import pytest

import memjax as mj
from memjax.engine.training.block import _BlockHistory
from memjax.store.read import progress

OVER = {"train_size": [8, 12], "seed": range(2)}
PACKING = mj.Packing(runs=2, lanes=1)
AT = (1, 2, 3, 5, 9, 17, 30)
STEPS = [0, *AT, 32]


def sweep(spec, over=OVER, **options):
    return mj.sweep(spec, over, progress=False, packing=PACKING, **options)


def same(first, second):
    return first.drop_attrs().identical(second.drop_attrs())


@pytest.fixture
def spaced(spec):
    """Snapshots at a record, and between records beside each other; four batches an epoch divide no interval."""
    measures = ("loss", "step_loss", "layer_l2")
    return dataclasses.replace(spec, steps=32, record_at=AT, snapshots=(0, 3, 11, 13, 31, 32), measures=measures)


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture(params=[1, 3])
def short_segments(request, monkeypatch):
    monkeypatch.setattr("memjax.engine.plan.packing.segment_records", lambda *arguments: request.param)
    return request.param


@pytest.mark.slow
def test_a_store_opens_with_the_steps_of_its_records(spaced, store):
    whole, kept = sweep(spaced), sweep(spaced, store=store)
    assert same(kept, whole) and mj.open(store).identical(kept)
    assert mj.open(store).step.values.tolist() == STEPS
    (sheet,) = json.loads((store / "manifest-0000.json").read_text())["sheets"]
    # A memjax that knows no such sheet misses record_every, and refuses the store.
    assert sheet["record_at"] == STEPS and "record_every" not in sheet
    assert mj.open(store).snapshot.values.tolist() == [0, 3, 11, 13, 31, 32]


def test_even_records_are_written_as_before(spaced, store, tmp_path):
    sweep(dataclasses.replace(spaced, record_at=range(0, 33, 8)), store=store)
    sweep(dataclasses.replace(spaced, record_at=None, record_every=8), store=tmp_path / "every")
    given, every = (json.loads((one / "manifest-0000.json").read_text()) for one in (store, tmp_path / "every"))
    assert given["sheets"] == every["sheets"] and list(every["sheets"][0])[:2] == ["steps", "record_every"]
    assert "record_at" not in every["experiment"] and given["experiment"]["record_at"] == [0, 8, 16, 24, 32]


@pytest.mark.parametrize("parts", [1, 2, 3, 5])
def test_a_sweep_that_died_goes_on_with_the_same_bits(spaced, store, parts, killed_after, short_segments):
    whole = sweep(spaced)
    killed_after(parts)
    with pytest.raises(Exception) as stop:
        sweep(spaced, store=store)
    assert stop.type.__name__ == "Stop"
    killed_after(10**6)
    half = mj.open(store)
    # Saved at records only, though training also stops at the snapshots between them.
    assert set(half.stop_step.values.ravel().tolist()) <= set(STEPS)
    assert (half.status == "finished").sum() < 4 and half.stop_step.max() > 0
    assert ((half.train_loss == whole.train_loss) | half.train_loss.isnull()).all()
    recorded = half.train_loss.notnull().sum("step")
    own = (half.step <= half.stop_step).sum("step")
    np.testing.assert_array_equal(recorded.where(half.status != "waiting", 0), own.where(half.status != "waiting", 0))
    assert same(sweep(spaced, store=store), whole)


def test_an_interrupt_between_two_records_is_heard_at_the_next(spaced, store, monkeypatch, lanes_told):
    monkeypatch.setattr("memjax.engine.plan.packing.segment_records", lambda *arguments: 1)
    whole, add = sweep(spaced), _BlockHistory.add_snapshot

    def interrupting(self, step, state):
        add(self, step, state)
        if step == 11:
            os.kill(os.getpid(), signal.SIGINT)
            assert lanes_told()

    with monkeypatch.context() as patch:
        patch.setattr(_BlockHistory, "add_snapshot", interrupting)
        with pytest.raises(KeyboardInterrupt, match=r"Stopped. What was done is kept in"):
            sweep(spaced, store=store)
    assert progress(store).splitlines()[1] == "block 0000-00000: 2 runs at step 17 of 32"
    assert same(sweep(spaced, store=store), whole)


@pytest.mark.slow
def test_shards_share_runs_of_several_lists_of_records(spaced, store):
    over = {"record_at": {"early": (1, 2, 3), "late": (30, 31), "even": range(0, 33, 16)}, "seed": range(2)}
    found = [sweep(spaced, over, store=store, shard=(i, 2)) for i in range(2)][-1]
    assert same(found, sweep(spaced, over)) and (found.status == "finished").all()
    assert found.step.values.tolist() == [0, 1, 2, 3, 16, 30, 31, 32]
    assert found.train_loss.sel(record_at="late").notnull().sum("step").values.tolist() == [4, 4]
    more = sweep(spaced, {**over, "record_at": {"again": (7,), "late": (30, 31)}}, store=store)
    assert same(
        more.train_loss.sel(record_at="late").dropna("step"), found.train_loss.sel(record_at="late").dropna("step")
    )


def test_other_records_are_another_experiment(spaced, store):
    sweep(spaced, store=store)
    with pytest.raises(mj.InputError, match="record_at"):
        sweep(dataclasses.replace(spaced, record_at=(*AT, 31)), store=store)
    with pytest.raises(mj.InputError, match="record_at"):
        sweep(dataclasses.replace(spaced, record_at=None), store=store)
