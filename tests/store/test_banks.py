"""A bank that is killed, or trained in shards, is bit for bit the bank that was left alone, and so are its scores."""

import numpy as np
import pytest
from benchmarks.faults import banks

import memjax as mj

# Eleven blocks, of which two train at a time.
SIZE = banks.Size(runs=64, rows=200, steps=1000)


@pytest.fixture(scope="module")
def whole():
    return banks.sweep(SIZE)


@pytest.mark.slow
def test_a_bank_that_was_killed_goes_on_with_the_same_bits(whole, tmp_path):
    share = banks.kill_at(SIZE, tmp_path / "bank", 1 / 3)
    begun = mj.open(tmp_path / "bank")
    finished = begun.status == "finished"
    assert 1 / 3 <= share < 1 and 0 < finished.mean() < 1
    # Masks and values of networks that were ready are those of the end; the others have none yet.
    for name in ("train_count", "example_log_odds"):
        np.testing.assert_array_equal(begun[name][finished], whole[name][finished])
    trial = banks.judged("killed", banks.sweep(SIZE, tmp_path / "bank"), whole)
    assert trial.identical and trial.same_scores and trial.largest_difference == 0


@pytest.mark.slow
def test_shards_of_a_bank_join_to_the_same_bits(whole, tmp_path):
    banks.sweep(SIZE, tmp_path / "bank", shard=(1, 2))
    half = mj.open(tmp_path / "bank")
    assert 0.3 < (half.status == "finished").mean() < 0.7
    # Scores of one shard are those of its networks alone, and not of the bank.
    assert not banks.scores(half.isel(seed=half.status == "finished")).identical(banks.scores(whole))
    banks.sweep(SIZE, tmp_path / "bank", shard=(0, 2))
    trial = banks.judged("shards", mj.open(tmp_path / "bank"), whole)
    assert trial.identical and trial.same_scores and trial.largest_difference == 0
