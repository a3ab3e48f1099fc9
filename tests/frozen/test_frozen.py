"""What must not change by a bit: records of small sweeps, packed shapes, and what memjax has written down before."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import memjax as mj
from memjax.content import same
from memjax.engine.training import execute
from memjax.experiment.encode import without_addresses

sys.path.insert(0, str(Path(__file__).parent))
import sweeps

EXPECTED = json.loads(sweeps.EXPECTED.read_text())
# On another machine, or under other versions, XLA makes other code: the last bits of float32 may differ, and 12 steps have
# little time to amplify them. Largest relative difference between the kinds of packing here: 1e-6.
ELSEWHERE = 1e-4


# Each kind costs a compile of its own, so that `make test` does but one of them.
QUICK = (sweeps.minibatch,)
KINDS = [pytest.param(one, marks=() if one in QUICK else pytest.mark.slow, id=one.__name__) for one in sweeps.SWEEPS]


@pytest.mark.parametrize("sweep", KINDS)
def test_records_have_the_bits_that_they_had(sweep):
    found = sweeps.arrays(sweep())
    with np.load(sweeps.RECORDS) as kept:
        expected = {name.partition(" ")[2]: kept[name] for name in kept if name.startswith(f"{sweep.__name__} ")}
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=ELSEWHERE, atol=1e-6, err_msg=name)
    assert sweeps.digest(expected) == EXPECTED["digests"][sweep.__name__]
    if sweeps.machine() == EXPECTED["machine"]:
        assert sweeps.digest(found) == EXPECTED["digests"][sweep.__name__]


def test_the_sweep_over_ten_sizes_is_packed_as_it_was():
    assert sweeps.shapes() == EXPECTED["shapes"]


def test_what_memjax_has_is_written_as_it_was():
    found = json.loads(without_addresses(json.dumps(sweeps.written())))
    expected = json.loads(without_addresses(json.dumps(EXPECTED["written"])))
    assert found["specs"] == expected["specs"]
    # Another version of Python compiles the user's function to other code.
    assert same(found["own"], expected["own"]) is not False
    assert [mj.Experiment.from_json(json.dumps(spec), [sweeps.KEPT.measures[1]]) for spec in expected["specs"]][:2] == [
        sweeps.SPEC,
        sweeps.KEPT,
    ]
    assert found["told"] == expected["told"]


def in_meaning(schema):
    """A schema with the experiment as plain data: earlier versions wrote its text with line breaks."""
    return schema | {"attrs": schema["attrs"] | {"experiment": json.loads(schema["attrs"]["experiment"])}}


@pytest.fixture
def store(tmp_path):
    """A store as it was written before."""
    return shutil.copytree(sweeps.STORE, tmp_path / "store")


def test_a_store_and_a_file_of_before_are_read(store):
    dataset, saved = mj.open(store), mj.open(sweeps.FILE)
    assert in_meaning(sweeps.schema(dataset)) == in_meaning(EXPECTED["schema"])
    assert set(dataset.status.values.ravel()) == {"finished"}
    assert dataset.sharpness.sel(train_size=20, seed=1).notnull().all()
    assert set(saved.variables) == set(dataset.variables) and saved.attrs["experiment"] == dataset.attrs["experiment"]
    for name, values in sweeps.arrays(dataset).items():
        np.testing.assert_array_equal(saved[name].values, values, err_msg=name)


@pytest.mark.slow
def test_a_store_of_before_is_read_and_not_extended(store, monkeypatch):
    trained = []
    train_block = execute.train_block
    monkeypatch.setattr(execute, "train_block", lambda block, *rest: trained.append(block) or train_block(block, *rest))
    again = mj.sweep(sweeps.KEPT, over=sweeps.KEPT_OVER, store=store, packing=sweeps.PACKING)
    assert not trained
    np.testing.assert_array_equal(again.train_loss, mj.open(store).train_loss)
    with pytest.raises(
        mj.InputError, match=r"has schema \d, whose records differ in their last bits from those of this memjax"
    ):
        mj.sweep(sweeps.KEPT, over={**sweeps.KEPT_OVER, "seed": [0, 1, 2]}, store=store, packing=sweeps.PACKING)
    assert not trained
