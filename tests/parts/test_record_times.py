"""Steps of records: spaced by factors, given in a list, and refused in a sentence where no run has them."""

import dataclasses
import json
import math
from itertools import pairwise

import numpy as np
import pytest

import memjax as mj
from memjax import Experiment, InputError, spaced
from memjax.cli import main
from memjax.engine.program.segments import longest, segments
from memjax.experiment.record_times import record_steps


@pytest.mark.parametrize("ends", [(1, 4000, 20), (3, 3, 20), (7, 8, 1), (1, 10, 1000), (10, 10**9, 3), (2, 999_983, 7)])
def test_spaced_steps_are_distinct_grow_and_have_both_ends(ends):
    first, last, per_decade = ends
    found = spaced(first, last, per_decade)
    assert found[0] == first and found[-1] == last and {type(step) for step in found} == {int}
    assert list(found) == sorted(set(found))
    # Each step is the nearest whole number to one of even distance in the logarithm, so no gap is longer than the factor says.
    factor = 10 ** (1 / per_decade)
    assert all(after - 0.5 <= (before + 0.5) * factor for before, after in pairwise(found) if after > before + 1)
    assert len(found) <= per_decade * math.log10(last / first) + 2


def test_a_longer_run_has_the_spaced_steps_of_a_shorter_one():
    assert spaced(1, 4000)[: len(spaced(1, 500)) - 1] == spaced(1, 500)[:-1]
    assert len(spaced(1, 4000, per_decade=20)) == 63


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, 10), r"first is 0: give a whole number of at least 1\."),
        ((1.0, 10), r"first is 1\.0: give a whole number"),
        ((1, 10.5), r"last is 10\.5: give a whole number"),
        ((1, 10, 0), r"per_decade is 0: give a whole number of at least 1\."),
        ((1, 10, True), r"per_decade is True: give a whole number"),
        ((11, 10), r"last is 10, which lies before first = 11: give the larger step as last\."),
        ((1, 10, 10**7), r"per_decade is 10000000, which makes 1e\+07 steps from 1 to 10: give a smaller number"),
        ((1, 10**400, 10**7), r"give a smaller number"),
    ],
)
def test_spaced_refuses_in_a_sentence(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        spaced(*arguments)


@pytest.mark.parametrize(
    "at", [(1, 10, 100), [1, 10, 100], np.array([1, 10, 100], np.int8), (np.int16(1), 10, 100)], ids=str
)
def test_records_at_steps_are_kept_as_whole_numbers(at):
    spec = Experiment(record_at=at, steps=1000, record_every=7)
    assert spec.record_at == (1, 10, 100) and {type(step) for step in spec.record_at} == {int}
    assert spec.record_steps == (0, 1, 10, 100, 1000)
    assert spec == Experiment(record_at=(1, 10, 100), steps=1000, record_every=7) and hash(spec)


def test_even_records_are_a_range_however_they_were_asked_for():
    for at in (range(0, 101, 20), (20, 40, 60, 80), np.arange(0, 101, 20)):
        assert Experiment(steps=100, record_at=at).record_steps == Experiment(steps=100, record_every=20).record_steps
    assert record_steps(100, 7, ()) == range(0, 101, 100)
    assert record_steps(100, 7, (50, 99)) == (0, 50, 99, 100)
    assert record_steps(100, 7, (30, 60, 90)) == (0, 30, 60, 90, 100)


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        (
            (1, 10, 5),
            r"record_at has the step 5 after the step 10: give each step once, in increasing order, as memjax\.spaced",
        ),
        ((1, 1), r"record_at has the step 1 after the step 1"),
        ((1.0, 10), r"record_at has the step 1\.0, which is not allowed: give whole numbers from 0 to steps = 1000\."),
        (np.array([1.0, 10.0]), r"record_at has the step 1\.0, which is not allowed"),
        (np.array([[1, 10]]), r"record_at has the step \[1, 10\], which is not allowed"),
        ((1, 1001), r"record_at has the step 1001, which is not allowed"),
        ((-1, 10), r"record_at has the step -1, which is not allowed"),
        ((True, 10), r"record_at has the step True, which is not allowed"),
        (("end",), r"record_at has the step 'end', which is not allowed"),
        (10, r"record_at is 10: give a tuple"),
        ("10", r"record_at is '10': give a tuple"),
        (np.array(10), r"record_at is array\(10\): give a tuple"),
    ],
)
def test_records_that_no_run_has_are_refused_where_they_are_typed(at, sentence):
    with pytest.raises(InputError, match=sentence):
        Experiment(record_at=at)
    if isinstance(at, tuple | int | str):
        with pytest.raises(InputError, match=sentence):
            Experiment.from_json(json.dumps({"record_at": at}))


def test_a_spec_states_record_at_only_where_it_is_given():
    assert "record_at" not in json.loads(Experiment().to_json())
    spec = Experiment(record_at=spaced(1, 1000))
    assert json.loads(spec.to_json())["record_at"] == list(spaced(1, 1000))
    assert Experiment.from_json(spec.to_json()) == spec
    assert dataclasses.replace(spec, record_at=None) == Experiment()
    assert dataclasses.replace(spec, steps=2000).record_steps == (0, *spaced(1, 1000), 2000)


UNEVEN = [
    (0, *spaced(1, 4000)),
    (0, 1, 2, 3, 1000),
    (0, 997, 998, 999, 1000),
    (0, 10, 11),
    range(0, 101, 10),
    range(0, 98, 97),
]


@pytest.mark.parametrize("snapshots", [(), (0, 1, 5, 6, 11), (7, 3)])
@pytest.mark.parametrize("at", UNEVEN, ids=lambda at: f"{len(at)} to {at[-1]}")
def test_segments_hold_every_step_and_every_record_once_and_fit_into_their_room(at, snapshots):
    snapshots = [step for step in snapshots if step <= at[-1]]
    for records in (1, 2, 3, 6, len(at) - 1):
        found = list(segments(at, snapshots, records, 0))
        stops = [stop for one in found for stop in one.stops]
        assert stops == sorted({*at, *snapshots} - {0})
        assert [one.start for one in found] == [0, *(one.end for one in found[:-1])]
        assert {one.end for one in found} >= set(snapshots) - {0}
        assert sum(one.records for one in found) == len(at) - 1
        assert all(one.recorded == (one.end in at) and one.continues == (one.start not in at) for one in found)
        assert all(1 <= len(one.stops) <= records and one.lengths.sum() == one.end - one.start for one in found)
        assert max(one.end - one.start for one in found) <= longest(at, records)
        # From each record on, the segments are those that a resumed run has.
        for one in found:
            if one.start in at:
                assert list(segments(at, snapshots, records, one.start)) == [o for o in found if o.start >= one.start]


def test_a_dense_start_costs_segments_by_number_and_a_sparse_end_by_steps():
    """Ten segments by number, and ten by steps: none waits for half of the steps, and none is one of fifty."""
    found = list(segments((0, *spaced(1, 4000)), (), 6, 0))
    assert len(found) <= 20 and max(one.end - one.start for one in found) < 900
    assert longest((0, *spaced(1, 4000)), 6) < 900


def test_a_field_of_another_name_is_explained():
    with pytest.raises(InputError, match="record_at"):
        mj.sweep(Experiment(), over={"eval_at": [()]})


@pytest.mark.slow
def test_a_spec_file_lists_records_and_runs(tmp_path):
    spec = tmp_path / "spec.toml"
    spec.write_text(
        "[experiment]\nsteps = 40\nrecord_at = [1, 3, 10]\nsnapshots = [7]\ntrain_size = 8\n"
        'model = {type = "models.MLP", hidden = [3]}\n[over]\nseed = [0]\n'
    )
    assert main(["--no-cache", "run", str(spec), "--store", str(tmp_path / "store")]) == 0
    found = mj.open(tmp_path / "store")
    assert found.step.values.tolist() == [0, 1, 3, 10, 40] and found.snapshot.values.tolist() == [7]


def test_the_plan_counts_records_however_they_are_spaced():
    spec = Experiment(steps=400, train_size=50)
    every, tens, few = (
        mj.explain(dataclasses.replace(spec, record_at=at)) for at in (range(401), range(0, 401, 10), (1, 9))
    )
    assert every.flops > tens.flops > few.flops
    assert tens.flops == mj.explain(dataclasses.replace(spec, record_every=10)).flops
