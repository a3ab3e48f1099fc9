"""Harm that is really done to a sweep in another process; the numbers are those of one that was left alone."""

import signal

import pytest
from benchmarks.faults import disks, kills
from benchmarks.faults.bench import Bench


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("bench"), steps=8000)


# A kill that is real, and memory that is really short, are worth their seconds; the others come with `make long`.
@pytest.mark.slow
def test_killed_at_random_moments(bench):
    outcome = kills.sigkill(bench, times=3)
    assert outcome.identical and outcome.times >= 3
    shares = [share for _, share in outcome.trail]
    assert shares == sorted(shares)
    # At least one life was long enough to keep something, and was cut short all the same.
    assert any(0 < share < 1 for moment, share in outcome.trail if moment < outcome.moments[-1])


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT])
def test_interrupted(bench, number):
    outcome = kills.sigint(bench, number)
    assert outcome.identical
    assert outcome.said.endswith("the same call goes on from there.")
    assert outcome.said.startswith("KeyboardInterrupt: Stopped. What was done is kept in ")


@pytest.mark.long
def test_a_second_process_is_refused_and_the_lock_ends_with_its_owner(bench):
    outcome = kills.second_process(bench)
    assert outcome.identical and "is in use by process" in outcome.said


@pytest.mark.long
def test_opened_while_it_is_written(bench):
    outcome = kills.reader(bench)
    assert outcome.identical and outcome.times > 3


@pytest.mark.long
def test_a_full_disk(bench):
    outcome = disks.full_disk(bench)
    assert outcome.identical
    assert "cannot be written to (No space left on device)" in outcome.said or "(File too large)" in outcome.said


@pytest.mark.long
def test_a_dask_worker_is_killed(bench):
    assert kills.worker(bench).identical


@pytest.mark.long
def test_out_of_memory(bench):
    outcome = disks.out_of_memory(bench)
    assert outcome.identical and outcome.times >= 1 and "is trained in 2 parts" in outcome.said


@pytest.mark.long
def test_killed_twenty_times(tmp_path):
    assert kills.sigkill(Bench(tmp_path, steps=60_000), times=20).identical


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (kills.shards, "16 runs waited"),
        (kills.moved, "came along"),
        (disks.quota, "(File too large)"),
        (disks.read_only, "cannot be written to ("),
        (disks.truncated, "is damaged (its checksum is wrong)"),
        (disks.altered, "is damaged (its checksum is wrong)"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_other_faults(bench, fault, sentence):
    outcome = fault(bench)
    assert outcome.identical and sentence in outcome.said
