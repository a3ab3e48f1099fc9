"""What somebody removes, renames or replaces in a store while a sweep trains: no call ends well with runs missing."""

import os
import shutil

import numpy as np
import pytest

import memjax as mj
from memjax.store.writer import StoreKeeper

OVER = {"seed": range(6)}
OPTIONS = {"progress": False, "packing": mj.Packing(runs=2, lanes=1)}


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def plain(spec):
    return mj.sweep(spec, OVER, **OPTIONS)


@pytest.fixture
def after_first_block(monkeypatch):
    """Do something once, when the first block is in the store."""

    def when(harm):
        keep, left = StoreKeeper.keep, [harm]

        def harming(self, block, result):
            keep(self, block, result)
            if left:
                left.pop()()

        monkeypatch.setattr(StoreKeeper, "keep", harming)

    return when


def part_of(store):
    return next(iter(store.glob("parts/*.done.*")))


def test_a_part_that_is_removed_is_missed_and_trained_again(spec, store, plain, after_first_block, trained):
    after_first_block(lambda: part_of(store).unlink())
    with pytest.raises(
        mj.InputError, match=r"lacks 1 of 3 finished parts \(0000-00000 first\).* trains those 2 runs anew"
    ):
        mj.sweep(spec, OVER, store=store, **OPTIONS)
    assert np.unique(mj.open(store).status, return_counts=True)[1].tolist() == [4, 2]
    del trained[:]
    assert mj.sweep(spec, OVER, store=store, **OPTIONS).drop_attrs().identical(plain.drop_attrs())
    assert len(trained) == 1


def test_a_part_of_an_earlier_call_is_missed_too(spec, store, after_first_block):
    mj.sweep(spec, {"seed": range(2)}, store=store, **OPTIONS)
    first = part_of(store)
    after_first_block(first.unlink)
    with pytest.raises(mj.InputError, match=r"lacks 1 of 3 finished parts \(0000-00000 first\)"):
        mj.sweep(spec, OVER, store=store, **OPTIONS)


def test_a_part_that_is_cut_off_is_damaged(spec, store, after_first_block):
    after_first_block(lambda: os.truncate(part_of(store), 200))
    with pytest.raises(mj.InputError, match=r"is damaged .its checksum is wrong.: train its runs again with sweep"):
        mj.sweep(spec, OVER, store=store, **OPTIONS)


@pytest.mark.parametrize("harm", ["unlink", "truncate"])
def test_a_shard_answers_for_its_own_parts_alone(spec, store, plain, after_first_block, harm):
    def hurt(path):
        path.unlink() if harm == "unlink" else os.truncate(path, 200)

    mj.sweep(spec, OVER, store=store, shard=(0, 2), **OPTIONS)
    before = set(store.glob("parts/*"))
    theirs = min(before)
    after_first_block(lambda: hurt(theirs))
    found = mj.sweep(spec, OVER, store=store, shard=(1, 2), **OPTIONS)
    ours = (found.status == "finished").values
    assert 0 < ours.sum() < 6 and (found.train_loss.values[ours] == plain.train_loss.values[ours]).all()
    theirs.unlink(missing_ok=True)
    own = min(set(store.glob("parts/*")) - before)
    after_first_block(lambda: hurt(own))
    with pytest.raises(mj.InputError, match="lacks 1 of" if harm == "unlink" else "is damaged"):
        mj.sweep(spec, {"seed": range(12)}, store=store, shard=(1, 2), **OPTIONS)


def move(store):
    store.rename(store.with_name("elsewhere"))


def empty(store):
    shutil.rmtree(store)
    store.mkdir()


HARM = {
    "the manifest is removed": lambda store: (store / "manifest-0000.json").unlink(),
    "the folder is renamed": move,
    "the folder is removed": shutil.rmtree,
    "the folder is emptied": empty,
}


@pytest.mark.parametrize("case", HARM)
def test_a_store_that_is_gone_is_missed_before_another_block_is_trained(spec, store, case, after_first_block, trained):
    after_first_block(lambda: HARM[case](store))
    with pytest.raises(mj.InputError, match=r"'.*manifest-0000.json' was removed, renamed or replaced while the sweep"):
        mj.sweep(spec, OVER, store=store, **OPTIONS)
    assert len(trained) == 2


def test_a_store_that_was_put_back_goes_on(spec, store, plain, after_first_block):
    after_first_block(lambda: move(store))
    with pytest.raises(mj.InputError, match="put it and its folder back"):
        mj.sweep(spec, OVER, store=store, **OPTIONS)
    store.with_name("elsewhere").rename(store)
    assert mj.sweep(spec, OVER, store=store, **OPTIONS).drop_attrs().identical(plain.drop_attrs())


def test_a_manifest_in_place_of_another_is_noticed(spec, store, tmp_path, after_first_block):
    other = tmp_path / "other"
    mj.sweep(spec, {"seed": range(10, 16)}, store=other, **OPTIONS)
    after_first_block(lambda: shutil.copy(other / "manifest-0000.json", store / "manifest-0000.json"))
    with pytest.raises(mj.InputError, match="was removed, renamed or replaced while the sweep trained"):
        mj.sweep(spec, OVER, store=store, **OPTIONS)


def test_without_its_manifest_a_store_is_begun_anew_with_repair(spec, store, plain, after_first_block):
    mj.sweep(spec, {"seed": range(2)}, store=store, **OPTIONS)
    (store / "manifest-0000.json").unlink()
    again = mj.sweep(spec, OVER, store=store, repair=True, **OPTIONS)
    assert again.drop_attrs().identical(plain.drop_attrs())


def test_nobody_misses_the_lock(spec, store, plain, after_first_block):
    after_first_block((store / "lock").unlink)
    assert mj.sweep(spec, OVER, store=store, **OPTIONS).drop_attrs().identical(plain.drop_attrs())
