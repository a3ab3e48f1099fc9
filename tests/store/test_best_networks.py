"""The best networks in a store: after a kill, after more steps, from shards, and where a part was altered."""

import dataclasses

import numpy as np
import pytest

import memjax as mj
from memjax.engine.program.outcome import BestNetworks
from memjax.store.folder import Store
from memjax.store.part import part_bytes, part_name, read_part

OVER = {"seed": [0, 1]}
PACKING = mj.Packing(runs=2, lanes=1)


@pytest.fixture
def choosing(spec):
    return dataclasses.replace(
        spec,
        snapshots=(),
        measures=("loss",),
        optimizer=mj.optimizers.adam(0.1),
        keep_best=mj.stopping.Lowest("test_loss"),
    )


@pytest.fixture
def whole(choosing):
    return mj.sweep(dataclasses.replace(choosing, steps=12), OVER, packing=PACKING)


def same(one, other):
    return one.drop_attrs().identical(other.drop_attrs())


def test_killed_runs_and_longer_runs_go_on_with_their_best(choosing, whole, tmp_path, killed_after, monkeypatch):
    from memjax.store import writer

    monkeypatch.setattr("memjax.engine.plan.packing.segment_records", lambda *arguments: 1)
    keep = writer.StoreKeeper.keep
    killed_after(3)
    with pytest.raises(Exception, match=r"^$"):
        mj.sweep(choosing, OVER, packing=PACKING, store=tmp_path / "store", keep_state=True)
    half = mj.open(tmp_path / "store")
    assert (half.status == "running").all() and (half.best_step == half.test_loss.idxmin("step")).all()
    monkeypatch.setattr(writer.StoreKeeper, "keep", keep)
    short = mj.sweep(choosing, OVER, packing=PACKING, store=tmp_path / "store", keep_state=True)
    # Of the first steps, so that the longer runs need what the store kept of them.
    assert (whole.best_step <= 6).any() and (short.best_step == short.test_loss.idxmin("step")).all()
    longer = dataclasses.replace(choosing, steps=12)
    found = mj.sweep(longer, OVER, packing=PACKING, store=tmp_path / "store", keep_state=True)
    assert same(found, whole) and mj.open(tmp_path / "store").identical(found)
    fewer = dataclasses.replace(choosing, steps=16, record_at=(4, 8, 12, 16))
    with pytest.raises(
        mj.InputError, match="keep_best looks at every record, and the record at step 2 of the store is not"
    ):
        mj.sweep(fewer, OVER, packing=PACKING, store=tmp_path / "store")


@pytest.mark.slow
def test_shards_have_the_networks_of_the_whole(choosing, tmp_path):
    whole = mj.sweep(choosing, OVER, packing=mj.Packing(runs=1, lanes=1))
    for i in range(2):
        found = mj.sweep(choosing, OVER, packing=mj.Packing(runs=1, lanes=1), store=tmp_path / "store", shard=(i, 2))
    assert same(found, whole)
    assert same(mj.best(mj.open(tmp_path / "store")), mj.best(whole))


def test_a_part_with_other_networks_than_its_manifest_says_is_damaged(choosing, tmp_path):
    mj.sweep(choosing, OVER, packing=PACKING, store=tmp_path / "store")
    store = Store(tmp_path / "store")
    (block,) = store.contents().blocks.values()
    result = store.read(block, store.parts()[block.name])
    step, value, parameters = result.best
    wrong = {
        "the best networks of its manifest": None,
        "the best network of a step without a record": BestNetworks(step + 1, value, parameters),
        "the steps and values of the best networks": BestNetworks(step, value[:1], parameters),
        "parameters of its best networks have the shape": BestNetworks(step, value, parameters[:, 1:]),
    }
    for sentence, best in wrong.items():
        data = part_bytes(block.name, block.manifest, result._replace(best=best), {})
        with pytest.raises(ValueError, match=sentence):
            read_part(data, part_name(block.name, result, data), block.manifest, block.entry, block.schema)


def test_a_file_and_a_spec_keep_the_choice(choosing, whole, tmp_path):
    assert mj.Experiment.from_json(choosing.to_json()) == choosing and '"keep_best"' not in mj.Experiment().to_json()
    back = mj.open(mj.save(whole, tmp_path / "whole.nc"))
    assert back.identical(whole)
    again = mj.open(mj.save(mj.best(back), tmp_path / "best.nc"))
    assert np.array_equal([one.step for one in mj.snapshots(again)], whole.best_step)
