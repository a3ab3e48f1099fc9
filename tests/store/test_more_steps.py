"""More steps of a finished store: its runs go on with the bits of runs that were longer from the start, or are refused."""

import dataclasses
import json
import logging
import pickle
import shutil
from concurrent.futures import Future

import numpy as np
import pytest

import memjax as mj
from memjax.cli import main
from memjax.optimizers import adam, langevin, sgd
from memjax.store.folder import Store
from memjax.store.manifest import signature
from memjax.store.npz import load
from memjax.store.part import PartName
from memjax.store.read import progress

RNG = np.random.default_rng(0)
ARRAYS = mj.tasks.from_arrays(RNG.normal(size=(30, 3)).astype(np.float32), RNG.integers(0, 3, 30), label_noise=0.3)
OVER = {"train_size": [8, 12], "seed": range(2)}
PACKING = mj.Packing(runs=2, lanes=1)


def sweep(spec, over=OVER, **options):
    return mj.sweep(spec, over, progress=False, packing=PACKING, **options)


def same(first, second):
    return first.drop_attrs().identical(second.drop_attrs())


def longer(spec, steps=20, **changes):
    return dataclasses.replace(spec, steps=steps, **changes)


def refused(spec, store, sentence, over=OVER):
    """A call that is refused in a sentence, and changes no file of the store."""
    before = sorted((path.name, path.read_bytes()) for path in store.rglob("*") if path.is_file())
    with pytest.raises(mj.InputError, match=sentence):
        sweep(spec, over, store=store)
    assert sorted((path.name, path.read_bytes()) for path in store.rglob("*") if path.is_file()) == before


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def short_segments(monkeypatch):
    monkeypatch.setattr("memjax.engine.plan.packing.segment_records", lambda *arguments: 1)


@pytest.fixture
def started(monkeypatch):
    """Steps from which blocks were trained."""
    from memjax.engine.training import execute

    seen, train_block = [], execute.train_block

    def noting(*arguments):
        seen.append(arguments[4].step if arguments[4] else 0)
        return train_block(*arguments)

    monkeypatch.setattr(execute, "train_block", noting)
    return seen


FIRST = {
    # Three batches an epoch, so that eight steps end inside one.
    "momentum": dict(optimizer=sgd(0.1, momentum=0.9), measures=("loss", "step_loss", "layer_l2")),
    "adam": dict(optimizer=adam(1e-2), batch_size=None),
    "langevin": dict(optimizer=langevin(1e-2, temperature=1e-3), measures=("step_loss",), snapshots=()),
    "warmup": dict(optimizer=adam(mj.schedules.warmup(1e-2, warmup_steps=12)), measures=("loss",)),
    "diverged": dict(optimizer=sgd(1e15), measures=("loss", "weight_l2"), batch_size=None),
    "examples": dict(
        task=ARRAYS,
        subset=mj.subsets.RandomShare(0.6),
        examples=("correct", "log_odds"),
        examples_at=(2, 8),
        test_size=0,
        measures=("loss",),
    ),
}
THEN = {"examples": dict(examples_at=(2, 8, 14))}


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=() if c in ("momentum", "examples") else pytest.mark.slow) for c in FIRST]
)
def test_runs_go_on_with_the_bits_of_longer_runs(spec, store, case, started):
    spec = dataclasses.replace(spec, **FIRST[case])
    long = longer(spec, **{"snapshots": (*spec.snapshots, 14), **THEN.get(case, {})})
    sweep(spec, store=store, keep_state=True)
    del started[:]
    found = sweep(long, store=store)
    assert started == [8, 8]
    whole = sweep(long)
    assert same(found, whole) and mj.open(store).identical(found)
    assert {name for name in whole.attrs if found.attrs[name] != whole.attrs[name]} <= {"created"}
    assert len(list(store.glob("parts/*"))) == 2
    if "step_loss" in (spec.measures or ()):
        assert found.step_loss.sel(step=10).notnull().all() and (found.step_loss.sel(step=10) != 0).all()
    if case == "examples":
        assert found.example_step.values.tolist() == [2, 8, 14]


@pytest.mark.slow
def test_records_may_be_fewer_and_spaced_otherwise_from_then_on(spec, store, started):
    sweep(spec, store=store, keep_state=True)
    long = longer(spec, record_at=(4, 11, 20), snapshots=(8, 13))
    found = sweep(long, store=store)
    assert started == [0, 0, 8, 8] and found.step.values.tolist() == [0, 4, 11, 20]
    assert same(found, sweep(long))


@pytest.mark.slow
def test_a_store_goes_on_again_and_grows_at_the_same_time(spec, store, started):
    sweep(spec, store=store, keep_state=True)
    sweep(longer(spec, 12), {**OVER, "seed": [0, 5]}, store=store, keep_state=True)
    # The block of each size went on, with its run of another seed, and there is a block of the new seed.
    assert sorted(started) == [0, 0, 0, 8, 8]
    assert set(mj.open(store).sel(seed=[0, 1]).stop_step.values.ravel()) == {12}
    del started[:]
    over = {"train_size": [12, 8, 10], "seed": [5, 1, 0]}
    found = sweep(longer(spec), over, store=store)
    assert sorted(started) == [0, 0, 12, 12, 12] and (found.status == "finished").all()
    whole = sweep(longer(spec))
    names = ["train_loss", "layer_l2", "parameters"]
    assert found.sel(train_size=[8, 12], seed=[0, 1])[names].drop_attrs().equals(whole[names].drop_attrs())


@pytest.mark.slow
def test_runs_that_are_not_asked_for_stay_and_go_on_later(spec, store, started):
    short = sweep(spec, store=store, keep_state=True)
    sweep(longer(spec), {**OVER, "train_size": [12]}, store=store)
    both = mj.open(store)
    assert both.stop_step.values.tolist() == [[8, 8], [20, 20]] and (both.status == "finished").all()
    np.testing.assert_array_equal(
        both.train_loss.sel(train_size=8, step=short.step), short.train_loss.sel(train_size=8)
    )
    assert same(sweep(longer(spec), store=store), sweep(longer(spec)))
    assert started[:4] == [0, 0, 8, 8]


@pytest.mark.parametrize("parts", [*(pytest.param(n, marks=pytest.mark.slow) for n in (0, 1, 4)), 7])
def test_a_kill_loses_nothing(spec, store, parts, killed_after, short_segments, started):
    short = sweep(spec, store=store, keep_state=True)
    killed_after(parts)
    with pytest.raises(Exception) as stop:
        sweep(longer(spec), store=store)
    assert stop.type.__name__ == "Stop"
    killed_after(10**6)
    half = mj.open(store)
    # Six records are left, so that a block writes six parts.
    done, begun = divmod(parts, 6)
    reached = [20] * done + ([8 + 2 * begun] if begun else [])
    assert sorted(half.stop_step.values.ravel()) == sorted(2 * (reached + [8] * (2 - len(reached))))
    np.testing.assert_array_equal(half.train_loss.sel(step=short.step), short.train_loss)
    np.testing.assert_array_equal(half.parameters.sel(snapshot=[4, 8]), short.parameters)
    # The old part of a block stays until the new one is finished.
    assert len(list(store.glob("parts/*.done.*"))) == 2
    waiting = 2 - len(reached)
    assert progress(store).count("2 runs to go on from step 8 to 20") == waiting
    del started[:]
    assert same(sweep(longer(spec), store=store), sweep(longer(spec)))
    assert sorted(started[: 2 - done]) == sorted(([8 + 2 * begun] if begun else []) + [8] * waiting)


@pytest.mark.slow
def test_what_a_kill_left_behind_is_removed(spec, store):
    sweep(spec, store=store, keep_state=True)
    old = {path: path.read_bytes() for path in store.glob("parts/*")}
    found = sweep(longer(spec), store=store)
    for path, content in old.items():
        path.write_bytes(content)
    assert mj.open(store).identical(found) and sweep(longer(spec), store=store).identical(found)
    assert not any(path.exists() for path in old)


def test_runs_that_were_stopped_go_on_to_more_steps_without_a_final_state(
    spec, store, killed_after, short_segments, started
):
    killed_after(2)
    with pytest.raises(Exception):  # noqa: B017 - the fixture's own
        sweep(spec, store=store)
    killed_after(10**6)
    del started[:]
    found = sweep(longer(spec), store=store)
    assert sorted(started) == [0, 4] and same(found, sweep(longer(spec)))


@pytest.mark.slow
def test_a_longer_call_that_was_killed_at_once_may_be_followed_by_an_even_longer_one(
    spec, store, killed_after, short_segments, started
):
    sweep(spec, store=store, keep_state=True)
    killed_after(0)
    with pytest.raises(Exception):  # noqa: B017 - the fixture's own
        sweep(longer(spec, 12), store=store)
    killed_after(10**6)
    del started[:]
    found = sweep(longer(spec), store=store)
    assert started == [8, 8] and same(found, sweep(longer(spec)))
    assert len(list(store.glob("parts/*"))) == 2


def test_shards_go_on(spec, store):
    for i in range(2):
        sweep(spec, store=store, shard=(i, 2), keep_state=True)
    first = sweep(longer(spec), store=store, shard=(0, 2))
    assert sorted(first.stop_step.values.ravel()) == [8, 8, 20, 20]
    assert progress(store).splitlines()[0] == "2 of 4 runs finished, 0 running, 2 waiting; 1 of 2 blocks"
    assert same(sweep(longer(spec), store=store, shard=(1, 2)), sweep(longer(spec)))


class Elsewhere:
    """An executor whose jobs and results go through pickle."""

    def submit(self, function, job):
        future = Future()
        future.set_result(pickle.loads(pickle.dumps(function(pickle.loads(pickle.dumps(job))))))
        return future


def test_an_executor_keeps_states_and_goes_on(spec, store, started):
    sweep(spec, store=store, keep_state=True, executor=Elsewhere())
    found = sweep(longer(spec), store=store, executor=Elsewhere())
    assert not started and same(found, sweep(longer(spec)))


def test_a_damaged_part_is_trained_from_the_start_on_request(spec, store, started):
    sweep(spec, store=store, keep_state=True)
    part = sorted(store.glob("parts/*"))[0]
    part.write_bytes(part.read_bytes()[:-1])
    refused(longer(spec), store, "is damaged")
    del started[:]
    found = sweep(longer(spec), store=store, repair=True)
    assert sorted(started) == [0, 8] and same(found, sweep(longer(spec)))


def test_a_block_that_goes_on_is_not_split_where_it_does_not_fit(spec, store, monkeypatch):
    from memjax.engine.training import execute

    short = sweep(spec, store=store, keep_state=True)
    with monkeypatch.context() as patch:
        patch.setattr(execute, "train_block", lambda *a: (_ for _ in ()).throw(MemoryError("no")))
        with pytest.raises(mj.InputError, match="goes on from a state of 2 runs, which do not fit into memory"):
            sweep(longer(spec), store=store)
    assert same(mj.open(store), short)


# What a call may not ask of a store with records at 0, 2, ..., 8 and snapshots at 4 and 8.
REFUSED = {
    "records": (dict(record_every=5), "cannot go on to steps = 20 as this call asks: records at step 5 were not taken"),
    "snapshots": (dict(snapshots=(2, 4)), "snapshots at step 2 were not taken while the runs trained to step 8"),
    "examples": (dict(examples_at=(8, 10)), "values of examples at step 8 were not taken"),
    "step_loss": (dict(record_every=4), "the record at step 2 of the store is not asked for"),
    "measures": (dict(measures=("loss",)), r"of another experiment: measures is \[.*\] there and \['loss'\]"),
    "batches": (dict(batch_size=4), "of another experiment: batch_size is 5 there and 4"),
    "order": (dict(batch_seed=3), "of another experiment: batch_seed is None there and 3"),
    "rate": (dict(optimizer=sgd(0.1)), "of another experiment: optimizer is"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_was_not_taken_is_refused(spec, store, case):
    spec = dataclasses.replace(
        spec, measures=("loss", "step_loss"), examples=("correct",), examples_at=(4,), batch_size=5
    )
    sweep(spec, store=store, keep_state=True)
    changes, sentence = REFUSED[case]
    refused(longer(spec, **{"examples_at": (4, 10), **changes}), store, sentence)


def test_a_store_without_states_says_what_to_do(spec, store, caplog):
    sweep(spec, store=store)
    sentence = (
        r"The store '.*store' has no state to go on from to steps = 20: its runs were finished at step 8 without keep_state. "
        r"Begin anew in another store, with keep_state=True if the runs may have to go on\.$"
    )
    refused(longer(spec), store, sentence)
    # A call for other runs alone would leave these behind.
    refused(longer(spec), store, sentence, {**OVER, "seed": [7]})
    with caplog.at_level(logging.WARNING, "memjax"):
        sweep(spec, store=store, keep_state=True)
    assert "4 runs were finished before without keep_state, and cannot go on to more steps." in caplog.text


@pytest.mark.parametrize(
    "schedule",
    [mj.schedules.cosine(0.1), pytest.param(mj.schedules.linear(0.1), marks=pytest.mark.slow)],
    ids=["cosine", "linear"],
)
def test_a_rate_that_depends_on_the_number_of_steps_is_refused(spec, store, schedule):
    over = {"learning_rate": {"fixed": 0.1, "falling": schedule}, "seed": range(2)}
    spec = dataclasses.replace(spec, optimizer=sgd(0.1))
    sweep(spec, over, store=store, keep_state=True)
    name = type(schedule).__name__
    refused(longer(spec), store, rf"learning_rate is {name}\(.*\), whose rate before step 1 depends", over)


@pytest.mark.slow
def test_a_rate_that_has_not_begun_to_fall_may_go_on(spec, store):
    spec = dataclasses.replace(spec, optimizer=adam(mj.schedules.warmup_cosine(0.1, warmup_steps=8)))
    sweep(spec, store=store, keep_state=True)
    assert same(sweep(longer(spec), store=store), sweep(longer(spec)))


def test_fewer_steps_than_a_store_has_gone_on_to_are_refused(spec, store):
    sweep(spec, store=store, keep_state=True)
    sweep(longer(spec), store=store)
    refused(spec, store, "has gone on to steps = 20, and this call asks for 8: ask for 20 or more, or select")


@pytest.mark.slow
def test_lengths_on_an_axis_do_not_go_on(spec, store, tmp_path, started):
    spec = dataclasses.replace(spec, snapshots=())
    sweep(spec, {"steps": [4, 8]}, store=store, keep_state=True)
    refused(longer(spec), store, "cannot go on to more steps, for steps is one of its axes", {})
    assert started == [0, 0]
    sweep(spec, {"steps": [4, 8, 20]}, store=store)
    assert started == [0, 0, 0]
    sweep(spec, {"record_every": [2, 4]}, store=tmp_path / "every", keep_state=True)
    refused(
        longer(spec),
        tmp_path / "every",
        "cannot go on from steps = 8 to 20, for record_every is one of its axes",
        {"record_every": [2, 4]},
    )


def test_keep_state_needs_a_store(spec):
    with pytest.raises(mj.InputError, match="keep_state needs a store"):
        sweep(spec, keep_state=True)


def test_only_a_kept_state_changes_what_is_written(spec, store, tmp_path):
    sweep(spec, store=tmp_path / "plain")
    sweep(spec, store=store, keep_state=True)
    plain, kept = (sorted(folder.glob("parts/*")) for folder in (tmp_path / "plain", store))
    for one, other in zip(plain, kept, strict=True):
        (mine, arrays), (theirs, more) = load(one.read_bytes()), load(other.read_bytes())
        assert sorted(mine) == [
            "block", "layout", "made", "manifest", "records", "snapshots", "state", "status", "step", "stop_step",
        ]  # fmt: skip
        assert set(theirs) - set(mine) == {"final_state"} and mine["records"] == theirs["records"]
        assert len(more) - len(arrays) == len(theirs["final_state"])
    (first,) = (json.loads(path.read_text()) for path in store.glob("manifest-*"))
    assert first["schema"] == 5 and not any("continues" in block for block in first["blocks"])
    sweep(longer(spec), store=store)
    second = json.loads((store / "manifest-0001.json").read_text())
    # An earlier memjax, which knows the schemas up to 5, refuses it.
    assert second["schema"] == 6 and [block["continues"] for block in second["blocks"]] == ["0000-00000", "0000-00001"]


@pytest.fixture(scope="module")
def gone_on(tmp_path_factory):
    spec = mj.Experiment(
        task=mj.tasks.RandomLabels(3, 4), model=mj.models.MLP(hidden=(4,)), steps=4, record_every=2, measures=("loss",)
    )
    folder = tmp_path_factory.mktemp("gone") / "store"
    for steps in (4, 8):
        sweep(longer(spec, steps), store=folder, keep_state=True)
    return folder


def _swap(content):
    one, other = content["blocks"]
    one["continues"], other["continues"] = other["continues"], one["continues"]


ALTERED = {
    "unknown": (lambda c: c["blocks"][0].update(continues="0000-00007"), "continues '0000-00007', which is no block"),
    "odd": (lambda c: c["blocks"][0].update(continues="../x"), "which is no block of the same runs"),
    "itself": (lambda c: c["blocks"][0].update(continues="0001-00000"), "which is no block of the same runs"),
    "other cells": (_swap, "which is no block of the same runs with fewer steps"),
    "another shape": (lambda c: c["blocks"][0].update(shape=[2, 99, 1, 1]), "which is no block of the same runs"),
    "fewer steps": (lambda c: c["sheets"][0].update(steps=4, record_every=2), "which is no block of the same runs"),
    "no text": (lambda c: c["blocks"][0].update(continues=3), "is damaged or was altered"),
    "an earlier schema": (lambda c: c.update(schema=5), "a block continues another, which schema 5 does not know"),
}


@pytest.mark.parametrize("case", ALTERED)
def test_a_manifest_that_continues_what_it_cannot_is_refused(gone_on, tmp_path, case):
    store = shutil.copytree(gone_on, tmp_path / "store")
    content = json.loads((store / "manifest-0001.json").read_text())
    change, sentence = ALTERED[case]
    change(content)
    body = {name: value for name, value in content.items() if name not in ("format", "schema", "checksum")}
    (store / "manifest-0001.json").write_text(json.dumps({**content, "checksum": signature(body)}))
    with pytest.raises(mj.InputError, match=sentence):
        mj.open(store)


def test_a_reader_that_listed_the_parts_before_finds_the_newer_ones(gone_on):
    store = Store(gone_on)
    contents = store.contents()
    gone = {"0000-00000": PartName("0000-00000", None, "0" * 32)}
    block, result = store.read_newest(contents.blocks["0001-00000"], gone)
    assert block.name == "0001-00000" and result.step == 8


def test_snapshots_of_a_store_are_measured_without_training(spec, store, trained):
    sweep(spec, store=store)
    count = len(trained)
    found = mj.measure(mj.open(store), ["accuracy", "weight_l2"])
    assert len(trained) == count and found.snapshot.values.tolist() == [4, 8]
    np.testing.assert_allclose(found.weight_l2, mj.open(store).weight_l2.sel(step=[4, 8]), rtol=1e-6)


SPEC = """
[experiment]
steps = 4
record_every = 2
train_size = 8
model = {type = "models.MLP", hidden = [4]}

[over]
seed = [0, 1]
"""


@pytest.mark.slow
def test_the_command_line_keeps_states_and_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["--no-cache", "run", "spec.toml", "--store", "kept", "--keep-state"]
    for steps in (4, 8):
        (tmp_path / "spec.toml").write_text(SPEC.replace("steps = 4", f"steps = {steps}"))
        assert main(words) == 0
        assert capsys.readouterr().out.startswith("2 of 2 runs finished")
    assert mj.open("kept").stop_step.values.tolist() == [8, 8]


ROWS = {"subset": mj.subsets.RandomShare(0.5), "examples": ("correct", "forgetting_events", "aum"), "batch_size": 7}
LATER = {
    "dropout": {"model": mj.models.MLP(hidden=(16,), dropout=0.3), "batch_size": 7},
    "runs that stop": {"stop_when": mj.stopping.AtLeast("train_accuracy", 0.9), "train_size": 12},
    "subsets and folds": ROWS,
}


@pytest.mark.parametrize("name", LATER)
@pytest.mark.slow
def test_what_runs_have_beside_parameters_goes_on_too(name, tmp_path):
    spec = mj.Experiment(train_size=30, steps=20, record_every=10, measures=("loss", "accuracy", "step_loss"))
    spec, packing = dataclasses.replace(spec, **LATER[name]), mj.Packing(lanes=1, runs=2)
    over = {"learning_rate": [0.001, 0.03], "seed": [0, 1]}
    longer = dataclasses.replace(spec, steps=60)
    mj.sweep(spec, over, store=tmp_path / "store", keep_state=True, packing=packing)
    found = mj.sweep(longer, over, store=tmp_path / "store", packing=packing)
    whole = mj.sweep(longer, over, packing=packing)
    assert found.drop_attrs().identical(whole.drop_attrs())
    if name == "runs that stop":
        # Some stop before the seam, and some after it.
        assert {10, 20} & set(whole.stop_step.values.ravel()) and (whole.stop_step.values > 20).any()
