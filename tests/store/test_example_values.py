"""Values of single examples in a store: after a kill, by shards, with more values of an axis, and in a file."""

import dataclasses
import shutil

import numpy as np
import pytest

import memjax as mj
from memjax.engine.training import execute

RNG = np.random.default_rng(0)
TASK = mj.tasks.from_arrays(RNG.normal(size=(30, 3)).astype(np.float32), RNG.integers(0, 3, 30), label_noise=0.3)
SPEC = mj.Experiment(
    task=TASK,
    train_size="all",
    test_size=0,
    subset=mj.subsets.RandomShare(0.6),
    model=mj.models.MLP(hidden=(6,)),
    steps=8,
    record_every=2,
    batch_size=5,
    data_seed=1,
    examples=("correct", "log_odds"),
    examples_at=(2, 6, 8),
)
OVER = {"seed": [0, 1, 2, 3]}
PACKING = mj.Packing(lanes=1, runs=2)


@pytest.fixture(scope="module")
def whole():
    return mj.sweep(SPEC, over=OVER, packing=PACKING)


def same(one, other):
    return one.drop_attrs().identical(other.drop_attrs()) if hasattr(one, "drop_attrs") else one.equals(other)


class Stop(Exception):
    pass


def test_a_sweep_that_was_killed_goes_on_with_the_values_that_it_has(tmp_path, whole, monkeypatch):
    train_block, seen = execute.train_block, []

    def killed(block, compiled, device, pool, start, prepared, on_segment, stop):
        def stopping(steps, so_far):
            on_segment(steps, so_far)
            seen.append(so_far().step)
            if so_far().step == 6:
                raise Stop

        return train_block(block, compiled, device, pool, start, prepared, stopping, stop)

    with monkeypatch.context() as patched:
        patched.setattr(execute, "train_block", killed)
        patched.setattr("memjax.store.writer.StoreKeeper.due", lambda self, block: True)
        with pytest.raises(Stop):
            mj.sweep(SPEC, over=OVER, packing=PACKING, store=tmp_path / "store")
    half = mj.open(tmp_path / "store")
    assert seen[-1] == 6 and half.example_correct.dtype == np.float32
    assert half.example_log_odds.isel(seed=0).notnull().all("example").values.tolist() == [True, True, False]
    again = mj.sweep(SPEC, over=OVER, packing=PACKING, store=tmp_path / "store")
    assert same(again, whole) and same(mj.open(tmp_path / "store"), whole)


@pytest.mark.slow
def test_shards_and_more_values_put_every_row_in_its_place(tmp_path, whole):
    for i in range(2):
        mj.sweep(SPEC, over={"seed": [3, 1]}, packing=PACKING, store=tmp_path / "store", shard=(i, 2))
    found = mj.sweep(SPEC, over=OVER, packing=PACKING, store=tmp_path / "store")
    for name in ("train_count", "corrupted", "example_correct"):
        assert (found[name].sel(seed=range(4)) == whole[name]).all()
    # Blocks of other runs: sums in another order, 2e-7 measured.
    assert found.example_log_odds.sel(seed=range(4)).values == pytest.approx(whole.example_log_odds.values, abs=2e-6)


def test_a_file_keeps_bits_and_rows(tmp_path, whole):
    mj.save(whole, tmp_path / "found.nc")
    back = mj.open(tmp_path / "found.nc")
    assert back.example_correct.dtype == bool and same(back.drop_vars("status"), whole.drop_vars("status"))


@pytest.mark.slow
def test_bits_take_an_eighth_of_a_byte(tmp_path):
    sizes = {}
    for dtype in ("bool", "float32"):
        examples = (mj.measures.by_example("correct", dtype=dtype),)
        many = mj.tasks.from_arrays(RNG.normal(size=(4000, 3)).astype(np.float32), RNG.integers(0, 3, 4000))
        spec = dataclasses.replace(
            SPEC, task=many, examples=examples, examples_at=tuple(range(0, 9, 2)), batch_size=None
        )
        mj.sweep(spec, store=tmp_path / dtype)
        sizes[dtype] = sum(part.stat().st_size for part in (tmp_path / dtype / "parts").iterdir())
        shutil.rmtree(tmp_path / dtype)
    # Five records of 4000 examples.
    assert sizes["float32"] - sizes["bool"] == pytest.approx(5 * 4000 * (4 - 1 / 8), abs=300)


def test_a_spec_with_subset_and_examples_comes_back_from_json():
    examples = ("correct", mj.measures.by_example("loss", on=("data", "test"), dtype="float16"))
    measures = ("loss", mj.measures.accuracy.on("train", "held_out"))
    planted = mj.subsets.Planted((3,), times=2, among=mj.subsets.BalancedHalves())
    spec = dataclasses.replace(SPEC, subset=planted, examples=examples, measures=measures, subset_seed=3, batch_seed=4)
    assert mj.Experiment.from_json(spec.to_json(), using=(TASK,)) == spec


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"examples": ("weight_l2",)}, "examples holds 'weight_l2': use loss, correct"),
        ({"examples": (mj.measures.weight_l2,)}, "give a measure with per_example = True"),
        ({"examples": ("loss", "loss")}, "would write 'example_loss'"),
        ({"examples": "loss"}, "examples is 'loss': give a tuple"),
        ({"examples_at": ()}, "examples_at has no step"),
        ({"examples_at": (9,)}, "examples_at has the step 9, which is not allowed"),
    ],
)
def test_what_has_no_value_by_example_is_refused(fields, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        dataclasses.replace(SPEC, **fields)
