"""Labels come out of a store, and of a file, as they are in memory."""

import dataclasses

import numpy as np
import pytest

import memjax as mj
from memjax.experiment.axes import read_axes
from memjax.results.files import save
from memjax.store.open import open_dataset

SPEC = mj.Experiment(train_size=8, steps=1, record_every=1, model=mj.models.MLP(hidden=(2,)))
OPTIONS = {"progress": False, "packing": mj.Packing(runs=1)}


@dataclasses.dataclass(frozen=True)
class Tagged:
    """A task with a field that may hold anything."""

    tag: object = 0
    num_outputs = 4

    def draw(self, seed, train_size, test_size):
        return mj.tasks.RandomLabels(3, 4).draw(seed, train_size, test_size)


LABELS = {
    "beyond 63 bits beside small ones": ([0, 2**63 + 1, 2**63 + 2], "uint64"),
    "beyond 63 bits": ([2**63 + 1, 2**63 + 2], "uint64"),
    "beyond 64 bits": ([0, 2**64 + 1], "<U20"),
    "whole and not": ([1, 0.5], "float64"),
    "a float beside what no float holds": ([0.5, 2**53 + 1], "<U16"),
    "booleans": ([True, False], "bool"),
    "short floats": ([np.float32(0.1), 0.1], "float64"),
    "infinite": ([float("inf"), 1.0], "float64"),
    "words": (["é", ""], "<U1"),
}


@pytest.mark.parametrize("case", LABELS)
def test_labels_are_the_same_in_memory_in_a_store_and_in_a_file(case, tmp_path):
    values, dtype = LABELS[case]
    spec, over = dataclasses.replace(SPEC, task=Tagged()), {"tag": values}
    kept = mj.sweep(spec, over, store=tmp_path / "store", **OPTIONS)
    # In memory the labels are those of the axis, whatever was trained.
    expected = read_axes(over)[0].coords()["tag"]
    assert str(expected.dtype) == dtype
    for found in (kept, mj.open(tmp_path / "store"), open_dataset(save(kept, tmp_path / "a.nc"))):
        assert found.tag.dtype == expected.dtype and found.tag.values.tolist() == expected.tolist()


@pytest.mark.slow
def test_an_axis_grows_past_63_bits_and_every_seed_is_found(tmp_path):
    store, large = tmp_path / "store", [2**63 + 1, 2**63 + 2]
    mj.sweep(SPEC, {"seed": [0, 1]}, store=store, **OPTIONS)
    mj.sweep(SPEC, {"seed": large}, store=store, **OPTIONS)
    both, plain = mj.open(store), mj.sweep(SPEC, {"seed": [0, 1, *large]}, **OPTIONS)
    assert both.seed.dtype == np.uint64 and both.drop_attrs().equals(plain.drop_attrs())


def test_labels_that_no_array_of_numbers_holds_together_become_words(tmp_path):
    spec, store = dataclasses.replace(SPEC, task=Tagged()), tmp_path / "store"
    mj.sweep(spec, {"tag": [2**53 + 1]}, store=store, **OPTIONS)
    mj.sweep(spec, {"tag": [0.5]}, store=store, **OPTIONS)
    assert mj.open(store).tag.values.tolist() == ["9007199254740993", "0.5"]


def test_a_label_that_a_file_cannot_hold_is_said(tmp_path):
    ds = mj.sweep(dataclasses.replace(SPEC, task=Tagged()), {"tag": ["a\ud800", "b"]}, **OPTIONS)
    with pytest.raises(mj.InputError, match=r"cannot be saved to '.*a.nc': UnicodeEncodeError"):
        mj.save(ds, tmp_path / "a.nc")
    assert list(tmp_path.iterdir()) == []
