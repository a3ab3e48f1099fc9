"""Folds over presentations in a store: after a kill and after more steps they are those of a run without interruption."""

import dataclasses

import numpy as np
import pytest

import memjax as mj

OVER = {"seed": [0, 1]}
PACKING = mj.Packing(runs=2, lanes=1)


def test_killed_runs_and_longer_runs_go_on_with_their_presentations(spec, tmp_path, killed_after, monkeypatch):
    from memjax.store import writer

    monkeypatch.setattr("memjax.engine.plan.packing.segment_records", lambda *arguments: 1)
    folds = ("presented_forgetting_events", "presented_first_learnt", "presented_aum")
    planted = mj.subsets.Planted((3,), times=3, among=mj.subsets.RandomShare(0.7))
    spec = dataclasses.replace(
        spec, subset=planted, snapshots=(), measures=("loss",), examples=folds, examples_at=(4, 8),
        optimizer=mj.optimizers.adam(0.1),
    )  # fmt: skip
    longer, store, keep = (
        dataclasses.replace(spec, steps=14, examples_at=(4, 8, 14)),
        tmp_path / "store",
        writer.StoreKeeper.keep,
    )
    killed_after(3)
    with pytest.raises(Exception, match=r"^$"):
        mj.sweep(spec, OVER, packing=PACKING, store=store, keep_state=True)
    half = mj.open(store)
    known = half.example_presented_aum.notnull().any("example")
    assert (half.status == "running").all() and known.sel(example_step=4).all() and not known.sel(example_step=8).any()
    monkeypatch.setattr(writer.StoreKeeper, "keep", keep)
    mj.sweep(spec, OVER, packing=PACKING, store=store, keep_state=True)
    found, whole = mj.sweep(longer, OVER, packing=PACKING, store=store), mj.sweep(longer, OVER, packing=PACKING)
    assert found.drop_attrs().identical(whole.drop_attrs()) and mj.open(store).identical(found)
    first = whole.example_presented_first_learnt
    assert (first > 8).any() and (first <= 6).any(), "What a longer run adds, and what a killed run had, are seen."
    trained = whole.train_count > 0
    assert np.array_equal(whole.example_presented_aum.isel(example_step=-1).notnull(), trained)
