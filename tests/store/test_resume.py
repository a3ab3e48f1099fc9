"""A store gives back what was trained, goes on where it stopped, grows, and refuses what is not its own."""

import dataclasses
import json
import logging
import os
import signal
import sys

import jax
import numpy as np
import pytest

import memjax as mj
from memjax.engine.plan.segments import segment_records
from memjax.optimizers import adam, sgd
from memjax.store.files import write_new
from memjax.store.read import progress

OVER = {"train_size": [8, 12], "seed": range(3)}
PACKING = mj.Packing(runs=2, lanes=1)


def sweep(spec, over=OVER, **options):
    return mj.sweep(spec, over, progress=False, packing=PACKING, **options)


def same(first, second):
    return first.drop_attrs().identical(second.drop_attrs())


def runs_of(blocks):
    return sorted((run.experiment.train_size, run.experiment.seed) for block in blocks for run in block.runs)


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def short_segments(monkeypatch):
    """A segment per two records, as in a long sweep."""
    from memjax.engine.plan import packing

    monkeypatch.setattr(packing, "segment_records", lambda program, shape, snapshots: 1)


def test_a_store_changes_no_bit_and_opens_as_what_the_sweep_returned(spec, store):
    plain, kept = sweep(spec), sweep(spec, store=store)
    assert same(kept, plain)
    assert mj.open(store).identical(kept)
    attrs = {name: value for name, value in kept.attrs.items() if name != "created"}
    assert attrs == {name: value for name, value in plain.attrs.items() if name != "created"}
    np.testing.assert_array_equal(
        mj.params(kept, {"train_size": 12, "seed": 1}, 4)["layer_0"]["kernel"],
        mj.params(plain, {"train_size": 12, "seed": 1}, 4)["layer_0"]["kernel"],
    )


def test_the_same_call_again_trains_nothing(spec, store, trained):
    first = sweep(spec, store=store)
    count = len(trained)
    assert sweep(spec, store=store).identical(first)
    assert len(trained) == count == 3


# Six runs in blocks of two, or in one of four and one of two with room for two more.
@pytest.mark.parametrize(
    ("per_block", "parts"),
    [
        *(pytest.param(2, parts, marks=pytest.mark.slow) for parts in (0, 2)),
        (2, 4),
        (2, 7),
        (2, 9),
        (4, 1),
        (4, 6),
        (4, 7),
    ],
)
def test_a_sweep_that_died_goes_on_with_the_same_bits(
    spec, store, per_block, parts, killed_after, short_segments, trained
):
    options = {"progress": False, "packing": mj.Packing(runs=per_block, lanes=1)}
    whole = mj.sweep(spec, OVER, **options)
    killed_after(parts)
    with pytest.raises(Exception) as stop:
        mj.sweep(spec, OVER, store=store, **options)
    assert stop.type.__name__ == "Stop"
    killed_after(10**6)
    half = mj.open(store)
    # A block writes four parts; one that has begun shows the steps that were kept, and nothing later.
    sizes = [2, 2, 2] if per_block == 2 else [4, 2]
    done, begun = sum(sizes[: parts // 4]), parts % 4
    running = sizes[parts // 4] if begun else 0
    counts = [int((half.status == label).sum()) for label in ("finished", "running", "waiting")]
    assert counts == [done, running, 6 - done - running]
    recorded = half.train_loss.where(half.status == "running").notnull().sum("step")
    assert set(np.unique(recorded)) == ({0, begun + 1} if begun else {0})
    for name in ("train_loss", "layer_l2"):
        assert ((half[name] == whole[name]) | half[name].isnull()).all()
    del trained[:]
    assert same(mj.sweep(spec, OVER, store=store, **options), whole)
    assert len(trained) == len(sizes) - parts // 4


def test_a_sweep_with_dropout_goes_on_with_the_same_bits(spec, store, killed_after, short_segments):
    noisy = dataclasses.replace(spec, model=mj.models.MLP(hidden=(6,), dropout=0.5))
    whole = sweep(noisy)
    killed_after(2)
    with pytest.raises(Exception) as stop:
        sweep(noisy, store=store)
    assert stop.type.__name__ == "Stop"
    killed_after(10**6)
    assert (mj.open(store).status == "running").any()
    assert same(sweep(noisy, store=store), whole)


def test_an_interrupt_keeps_what_is_done_though_nothing_was_due(spec, store, monkeypatch, short_segments, lanes_told):
    from memjax.store import writer as keeper

    whole, sent = sweep(spec), []

    def interrupting(self, block):
        if not sent:
            sent.append(os.kill(os.getpid(), signal.SIGINT))
            assert lanes_told()
        return False

    with monkeypatch.context() as patch:
        patch.setattr(keeper.StoreKeeper, "due", interrupting)
        with pytest.raises(KeyboardInterrupt, match=r"Stopped. What was done is kept in '.*': the same call goes on"):
            sweep(spec, store=store)
    assert progress(store).splitlines()[1] == "block 0000-00000: 2 runs at step 2 of 8"
    assert same(sweep(spec, store=store), whole)


def test_an_interrupt_without_a_store_says_that_nothing_is_kept(spec, monkeypatch, lanes_told):
    from memjax.engine.training import progress as bar

    monkeypatch.setattr(bar.Progress, "finished", lambda *a: (os.kill(os.getpid(), signal.SIGINT), lanes_told()))
    with pytest.raises(KeyboardInterrupt, match="Stopped, and nothing is kept: with store=folder"):
        sweep(spec)


def test_of_two_parts_of_a_block_the_later_counts(spec, store, killed_after, short_segments):
    """A kill between writing a part and removing the one before it leaves both."""
    for parts in (1, 1):
        killed_after(parts)
        with pytest.raises(Exception):  # noqa: B017 - the fixture's own
            sweep(spec, store=store)
        if not (store / "early").exists():
            early = next(store.glob("parts/*.step-00000002.*"))
            (store / "early").write_bytes(early.read_bytes())
    content = (store / "early").read_bytes()
    early.write_bytes(content)
    assert len(list(store.glob("parts/*.step-*"))) == 2 and int(mj.open(store).stop_step.max()) == 4
    killed_after(10**6)
    whole = sweep(spec, store=store)
    early.write_bytes(content)
    (store / "parts" / ".partial-0123").write_bytes(content[:100])
    assert len(list(store.glob("parts/block-0000-00000.*"))) == 2
    assert mj.open(store).identical(whole)
    assert sweep(spec, store=store).identical(whole)
    assert len(list((store / "parts").iterdir())) == 3


def test_a_part_of_another_store_is_refused(spec, store, tmp_path):
    sweep(spec, store=store)
    other = sweep(dataclasses.replace(spec, init_seed=5), store=tmp_path / "other")
    mine = next(store.glob("parts/block-0000-00001.*"))
    mine.unlink()
    theirs = next((tmp_path / "other").glob("parts/block-0000-00001.*"))
    (store / "parts" / theirs.name).write_bytes(theirs.read_bytes())
    with pytest.raises(mj.InputError, match="belongs to another block or another store"):
        mj.open(store)
    assert (other.status == "finished").all()


def test_only_one_of_two_can_write_a_manifest(tmp_path):
    path = tmp_path / "manifest"
    assert write_new(path, b"first")
    assert not write_new(path, b"second")
    assert path.read_bytes() == b"first" and [found.name for found in tmp_path.iterdir()] == ["manifest"]


def test_a_longer_axis_trains_only_what_is_new(spec, store, trained):
    first = sweep(spec, store=store)
    del trained[:]
    grown = sweep(spec, {"train_size": [5, 8, 12], "seed": range(4)}, store=store)
    assert runs_of(trained) == sorted([(5, seed) for seed in range(4)] + [(8, 3), (12, 3)])
    assert (grown.status == "finished").all()
    old = grown.sel(train_size=[8, 12], seed=list(range(3))).drop_vars("parameter_layout")
    assert same(old, first.drop_vars("parameter_layout"))
    assert mj.open(store).identical(grown)


def test_progress_counts_what_the_store_has_as_done(spec, store, capsys):
    sweep(spec, {"seed": [0, 1]}, store=store)
    capsys.readouterr()
    mj.sweep(spec, {"seed": range(6)}, packing=PACKING, store=store, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "memjax: 2 of 6 runs done, compiling" and lines[-1].startswith("memjax: 6 of 6 runs done in ")


def test_values_in_another_order_and_axes_in_another_order_are_the_same_sweep(spec, store, trained):
    first = sweep(spec, store=store)
    del trained[:]
    turned = sweep(spec, {"seed": [2, 0, 1], "train_size": [12, 8]}, store=store)
    assert not trained
    assert turned.train_loss.dims[:2] == ("seed", "train_size")
    for name in ("train_loss", "layer_l2", "parameters"):
        found = turned[name].sel(seed=first.seed, train_size=first.train_size).transpose(*first[name].dims)
        np.testing.assert_array_equal(found.values, first[name].values)


def test_new_values_alone_join_the_old_ones_and_cells_never_asked_for_are_absent(spec, store):
    sweep(spec, store=store)
    new = sweep(spec, {"train_size": [10], "seed": [7]}, store=store)
    assert dict(new.sizes)["seed"] == 1 and new.status.item() == "finished"
    both = mj.open(store)
    assert both.train_size.values.tolist() == [8, 12, 10] and both.seed.values.tolist() == [0, 1, 2, 7]
    assert (both.status == "finished").sum() == 7 and (both.status == "absent").sum() == 5
    np.testing.assert_array_equal(both.train_loss.sel(train_size=10, seed=7), new.train_loss.squeeze())
    assert both.train_loss.where(both.status == "absent").isnull().all()


def test_a_call_for_some_runs_finishes_the_blocks_they_are_in(spec, store, killed_after, trained):
    whole = sweep(spec)
    killed_after(0)
    with pytest.raises(Exception):  # noqa: B017 - the fixture's own
        sweep(spec, store=store)
    killed_after(10**6)
    del trained[:]
    one = sweep(spec, {"train_size": [12], "seed": [0]}, store=store)
    assert len(trained) == 1 and len(trained[0].runs) == 2
    assert same(one, whole.sel(train_size=[12], seed=[0]))


@pytest.mark.long
def test_structure_functions_and_fields_that_move_together_can_be_swept(spec, store, trained):
    def wobble(x):
        return jax.numpy.sin(x)

    over = {("train_size", "steps"): [(8, 4), (12, 8)], "activation": ["relu", wobble], "optimizer": [adam(), sgd(0.1)]}
    spec = dataclasses.replace(spec, snapshots=())
    first = sweep(spec, over, store=store)
    assert same(first, sweep(spec, over))
    assert mj.open(store).identical(first)
    del trained[:]
    assert sweep(spec, over, store=store).identical(first)
    assert not trained


def test_a_sweep_without_axes_has_one_cell(spec, store):
    assert same(sweep(spec, {}, store=store), sweep(spec, {}))
    assert mj.open(store).status.item() == "finished"


@pytest.mark.slow
def test_runs_that_diverged_are_kept_as_such(spec, store):
    over = {"learning_rate": [1e-3, 1e12], "seed": range(2)}
    spec = dataclasses.replace(spec, optimizer=sgd(0.1), snapshots=())
    kept = sweep(spec, over, store=store)
    assert same(kept, sweep(spec, over))
    assert (mj.open(store).status.sel(learning_rate=1e12) == "diverged").all()
    assert (mj.open(store).stop_reason.sel(learning_rate=1e12) != "").all()


@pytest.mark.slow
def test_parameters_of_other_types_come_back(store):
    def init(key, x):
        return {"w": jax.random.normal(key, (x.shape[1], 4), "bfloat16"), "b": jax.numpy.zeros(4)}

    def apply(params, x):
        return x @ params["w"].astype("float32") + params["b"]

    spec = mj.Experiment(task=mj.tasks.RandomLabels(3, 4), model=(init, apply), steps=4, record_every=1, train_size=8)
    whole = sweep(spec, {"seed": range(2)})
    assert same(sweep(spec, {"seed": range(2)}, store=store), whole)


DIFFERENT = {
    "steps": ({"steps": 4, "snapshots": (4,)}, "steps is 8 there and 4"),
    "seed": ({"init_seed": 3}, "init_seed is None there and 3"),
    "width": ({"model": mj.models.MLP(hidden=(7,))}, r"model.hidden is \[6\] there and \[7\]"),
    "rate": ({"optimizer": adam(0.5)}, "optimizer.learning_rate is 0.001 there and 0.5"),
    "rule": ({"optimizer": sgd(0.5)}, "optimizer is .*adam.* there and .*sgd"),
    "task": ({"task": mj.tasks.RandomLabels(input_dim=4, num_classes=4)}, "task.input_dim is 3 there and 4"),
    "arrays": ({"task": mj.tasks.from_arrays(np.eye(40), np.arange(40) % 4)}, "task is .* there and .*Arrays"),
    "measures": ({"measures": ("loss",)}, "measures is .* there and"),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_another_experiment_is_refused_by_the_first_field_that_differs(spec, store, case):
    sweep(spec, store=store)
    fields, sentence = DIFFERENT[case]
    with pytest.raises(mj.InputError, match=f"is of another experiment: {sentence}"):
        sweep(dataclasses.replace(spec, **fields), store=store)


@pytest.mark.slow
def test_other_arrays_are_another_experiment(spec, store):
    rng = np.random.default_rng(0)
    first, second = (mj.tasks.from_arrays(rng.normal(size=(40, 3)), np.arange(40) % 4) for _ in range(2))
    sweep(dataclasses.replace(spec, task=first), store=store)
    with pytest.raises(mj.InputError, match=r"task.reference is .*sha256"):
        sweep(dataclasses.replace(spec, task=second), store=store)


def test_a_field_that_is_swept_may_differ(spec, store, trained):
    sweep(spec, store=store)
    del trained[:]
    sweep(dataclasses.replace(spec, seed=9, train_size=77), store=store)
    assert not trained


def test_other_axes_and_other_settings_are_refused(spec, store):
    sweep(spec, store=store)
    with pytest.raises(mj.InputError, match=r"over is \['seed', 'train_size'\] there and \['seed'\]"):
        sweep(spec, {"seed": range(3)}, store=store)
    with jax.threefry_partitionable(False), pytest.raises(mj.InputError, match="threefry_partitionable is True there"):
        sweep(spec, store=store)
    with jax.enable_x64(True), pytest.raises(mj.InputError, match="x64 is False there and True"):
        sweep(spec, store=store)


def test_another_schema_is_refused(spec, store):
    sweep(spec, store=store)
    path = store / "manifest-0000.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 99}))
    for attempt in (lambda: sweep(spec, store=store), lambda: mj.open(store), lambda: progress(store)):
        with pytest.raises(mj.InputError, match="has schema 99, this memjax reads the schemas 2, 3, 4, 5 or 6"):
            attempt()


@pytest.mark.parametrize("schedule", ["streamed", "batched"])
def test_what_schema_4_left_unfinished_goes_on_unless_it_is_batched(spec, store, killed_after, schedule):
    """Runs of a batched block were packed otherwise then, so that their bits were others."""
    packing = dataclasses.replace(PACKING, schedule=schedule)
    killed_after(1)
    with pytest.raises(Exception):  # noqa: B017 - the fixture's own
        mj.sweep(spec, OVER, progress=False, packing=packing, store=store)
    killed_after(10**6)
    path = store / "manifest-0000.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 4}))
    assert mj.open(store).sizes["seed"] == 3
    if schedule == "streamed":
        assert (sweep(spec, store=store).status == "finished").all()
    else:
        with pytest.raises(mj.InputError, match="has schema 4, whose records differ in their last bits"):
            sweep(spec, store=store)


def test_other_versions_are_told(spec, store, killed_after, monkeypatch, caplog):
    killed_after(1)
    with pytest.raises(Exception):  # noqa: B017 - the fixture's own
        sweep(spec, store=store)
    killed_after(10**6)
    monkeypatch.setattr(sys.modules["memjax.sweep"], "versions", lambda: {"jax": "9.9"})
    with caplog.at_level(logging.WARNING, "memjax"):
        sweep(spec, store=store)
    assert "goes on with jax 9.9 on cpu" in caplog.text
    assert json.loads(mj.open(store).attrs["versions"])["jax"] == f"{jax.__version__} and 9.9"


def test_a_store_that_other_versions_extend_tells_and_names_them_all(spec, store, monkeypatch, caplog, trained):
    plain = sweep(spec, {"seed": range(4)})
    sweep(spec, {"seed": range(2)}, store=store)
    ours = sys.modules["memjax.sweep"].versions()
    # What no number hangs on may change without a word.
    monkeypatch.setattr(sys.modules["memjax.sweep"], "versions", lambda: {**ours, "xarray": "7.7"})
    sweep(spec, {"seed": range(3)}, store=store)
    assert not caplog.text
    monkeypatch.setattr(sys.modules["memjax.sweep"], "versions", lambda: {**ours, "numpy": "8.8", "jax": "9.9"})
    both = sweep(spec, {"seed": range(4)}, store=store)
    made = f"made with numpy {np.__version__}, jax {jax.__version__} on cpu and goes on with numpy 8.8, jax 9.9 on cpu"
    assert caplog.text.count(made) == 1 and "are not promised the bits" in caplog.text
    named = json.loads(both.attrs["versions"])
    assert named == {**ours, **{"numpy": f"{np.__version__} and 8.8", "jax": f"{jax.__version__} and 9.9"},
                     "xarray": f"{ours['xarray']} and 7.7"}  # fmt: skip
    assert same(both, plain)
    # Another call that trains nothing makes nothing of it; one that trains tells again.
    count = len(trained)
    assert sweep(spec, {"seed": range(4)}, store=store).identical(both)
    assert len(trained) == count and caplog.text.count(made) == 1
    assert json.loads(both.attrs["packing"])["device"] == jax.devices()[0].device_kind


def test_progress_is_told_without_reading_a_part(spec, store, killed_after, short_segments):
    killed_after(6)
    with pytest.raises(Exception):  # noqa: B017 - the fixture's own
        sweep(spec, store=store)
    for path in store.glob("parts/*"):
        path.write_bytes(b"")
    assert progress(store).splitlines() == [
        "2 of 6 runs finished, 2 running, 2 waiting; 1 of 3 blocks",
        "block 0000-00001: 2 runs at step 4 of 8",
        "in use by nobody",
    ]


def test_two_of_a_users_objects_are_told_apart_by_what_they_hold(spec, store):
    class Plain:
        def __init__(self, scale):
            self.scale = scale

        def init(self, key, x):
            return {"w": self.scale * jax.random.normal(key, (x.shape[1], 4))}

        def apply(self, params, x):
            return x @ params["w"]

        def __repr__(self):
            return "a model of mine"

    spec = dataclasses.replace(spec, measures=("weight_l2",), steps=2, record_every=2, snapshots=())
    both = sweep(spec, {"model": [Plain(1.0), Plain(2.0)]}, store=store)
    assert (both.weight_l2[1, ..., 0] == 2 * both.weight_l2[0, ..., 0]).all()
    last = sweep(spec, {"model": [Plain(2.0)]}, store=store)
    assert (last.weight_l2.values == both.weight_l2.values[1:]).all()
    with pytest.raises(mj.InputError, match=r"The axis 'model' has values that read the same"):
        sweep(spec, {"model": [Plain(1.0), Plain(1.0)]}, store=store)


def test_a_folder_that_is_no_store_is_left_alone(spec, tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(mj.InputError, match=r"is no store and holds 'thesis.tex'"):
        sweep(spec, store=tmp_path)
    with pytest.raises(mj.InputError, match="is a file"):
        sweep(spec, store=tmp_path / "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_mistake_makes_no_store(spec, store):
    with pytest.raises(mj.InputError):
        sweep(spec, {"seed": [-1]}, store=store)
    with pytest.raises(mj.InputError, match="budget"):
        mj.sweep(spec, OVER, store=store, packing=mj.Packing(memory=1000))
    assert not list(store.glob("manifest*"))


def test_segments_change_no_bit(spec, monkeypatch):
    """Minibatches of one segment go on where those of the last ended; 3 batches an epoch do not divide 2 steps a record."""
    whole = sweep(spec)
    monkeypatch.setattr("memjax.engine.plan.packing.segment_records", lambda *arguments: 1)
    assert same(sweep(spec), whole)


def test_segments_of_long_blocks_are_short():
    """A block of an hour stops, and can be kept, within about twenty seconds; one of seconds has ten segments at most."""
    from memjax.engine.plan.plan import make_plan
    from memjax.engine.program.tiles import Shape

    def seconds(steps):
        block = make_plan(mj.Experiment(steps=steps, train_size=3200), {}, mj.Packing()).blocks[0]
        records = segment_records(block.program, Shape(*block.shape), ())
        return block.seconds * records / block.program.num_records, block.program.num_records // records

    long, _ = seconds(1_000_000)
    assert 10 < long < 40
    _, few = seconds(10_000)
    assert 5 <= few <= 20
