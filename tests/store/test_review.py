"""What an adversarial reading of the store found, and what must not come back."""

import dataclasses
import functools
import json
import os
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import memjax as mj
from memjax.engine.training import execute
from memjax.optimizers import adam, from_optax, sgd
from memjax.store.folder import Store
from memjax.store.lock import locked
from memjax.store.read import progress
from memjax.types import Data, Split

OVER = {"train_size": [8, 12], "seed": range(3)}
PACKING = mj.Packing(runs=2, lanes=1)


def sweep(spec, over=OVER, **options):
    return mj.sweep(spec, over, **{"progress": False, "packing": PACKING, **options})


def same(first, second):
    return first.drop_attrs().identical(second.drop_attrs())


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def plain(spec):
    return dataclasses.replace(spec, snapshots=(), measures=("loss",))


@pytest.mark.slow
def test_a_float_label_of_any_size_is_a_label(plain, store):
    sweep(plain, {"loss_scale": [1.0, 2.0]}, store=store)
    grown = sweep(plain, {"loss_scale": [1.0, 1e20, 2.0]}, store=store)
    assert mj.open(store).identical(grown) and (grown.status == "finished").sum() >= 2


@pytest.mark.slow
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_shards_keep_their_shares_when_blocks_are_split(plain, store, order, monkeypatch, trained):
    """A split, and growth of the store, must leave no block untrained and train none twice."""
    train_block = execute.train_block

    def small(block, *arguments):
        if block.shape.runs > 1:
            raise MemoryError
        return train_block(block, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(execute, "train_block", small)
        sweep(plain, store=store, shard=(order[0], 2))
    contents = Store(store).contents()
    whole = {cell: block.share for block in contents.manifests[0].blocks for cell in block.cells}
    parts = {int(cell): block.entry.share for block in contents.blocks.values() for cell in block.cells}
    assert len(contents.manifests) > 1 and parts == whole
    sweep(plain, {**OVER, "seed": range(5)}, store=store, shard=(order[1], 2))
    found = sweep(plain, {**OVER, "seed": range(5)}, store=store, shard=(order[0], 2))
    assert (found.status == "finished").all()
    seen = [(run.experiment.train_size, run.experiment.seed) for block in trained for run in block.runs]
    assert len(seen) == len(set(seen)) == 10


@pytest.mark.long
def test_a_swept_field_hides_no_other_of_its_name(plain, store):
    def rule(learning_rate, steps):
        return optax.sgd(learning_rate * steps)

    first = dataclasses.replace(plain, optimizer=from_optax(rule, learning_rate=0.1, steps=1))
    sweep(first, {"steps": [4, 8]}, store=store)
    with pytest.raises(mj.InputError, match=r"optimizer.steps is 1 there and 5"):
        sweep(dataclasses.replace(first, optimizer=from_optax(rule, learning_rate=0.1, steps=5)), {"steps": [4, 8]},
              store=store)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Pooled:
    """A task without a hash, whose pool depends on a field."""

    scale: float = 1.0
    held: list = dataclasses.field(default_factory=lambda: [1, 2])
    num_outputs = 4

    @property
    def pool(self):
        return np.full((30, 3), self.scale, np.float32) * np.arange(30)[:, None]

    def draw(self, seed, train_size, test_size):
        rows = np.arange(train_size), np.arange(test_size)
        return Split(*(Data(index, index % 4) for index in rows))


class Here:
    """An executor that works at once."""

    def submit(self, function, *arguments):
        from concurrent.futures import Future

        future = Future()
        future.set_result(function(*arguments))
        return future


@pytest.mark.long
def test_a_task_without_a_hash_keeps_its_pool_in_a_worker(plain):
    spec = dataclasses.replace(plain, task=Pooled(), batch_size=None)
    over = {"scale": np.linspace(0.1, 2, 40)}
    packing = mj.Packing(runs=1, lanes=1)
    assert same(sweep(spec, over, executor=Here(), packing=packing), sweep(spec, over, packing=packing))


@dataclasses.dataclass(frozen=True, eq=False)
class Held:
    """A task that holds an array too long for NumPy to show."""

    rows: np.ndarray
    num_outputs = 4

    def draw(self, seed, train_size, test_size):
        return Split(
            *(Data(self.rows[:size].astype(np.float32), np.arange(size) % 4) for size in (train_size, test_size))
        )


def test_long_arrays_of_a_users_task_are_told_apart(plain, store):
    rows = np.zeros((600, 3))
    other = rows.copy()
    other[300] = 1
    assert repr(Held(rows)) == repr(Held(other))
    sweep(dataclasses.replace(plain, task=Held(rows)), store=store)
    with pytest.raises(mj.InputError, match=r"task.reference is .*sha256"):
        sweep(dataclasses.replace(plain, task=Held(other)), store=store)
    sweep(dataclasses.replace(plain, task=Held(rows.copy())), store=store)


def test_the_same_in_other_words_is_the_same(plain, store, trained):
    sweep(dataclasses.replace(plain, loss_scale=1), {"learning_rate": [1, 10]}, store=store)
    del trained[:]
    sweep(dataclasses.replace(plain, loss_scale=1.0), {"optimizer.learning_rate": [1.0, 10.0]}, store=store)
    sweep(plain, {"learning_rate": np.array([10.0, 1.0], np.float32)}, store=store)
    assert not trained


@pytest.mark.slow
def test_objects_of_one_name_join_an_axis_by_their_repr(plain, store, trained):
    sweep(plain, {"optimizer": [adam(0.1)]}, store=store)
    sweep(plain, {"optimizer": [adam(0.2), sgd(0.1)]}, store=store)
    labels = mj.open(store).optimizer.values.tolist()
    assert labels[0] == "adam" and labels[1].startswith("adam(learning_rate=0.2") and len(trained) == 3


def test_shards_of_another_number_are_refused_and_who_writes_is_told(tmp_path, plain, store):
    sweep(plain, store=store)
    with locked(store, (0, 2)):
        assert progress(store).endswith("in use by shards")
        with pytest.raises(mj.InputError, match="is in use by"), locked(store, (0, 4)):
            pass
    with locked(store, (0, 4)):
        pass
    with locked(store, None):
        assert progress(store).endswith(f"in use by process {os.getpid()} on {os.uname().nodename}")


def test_a_block_that_was_finished_meanwhile_is_done(plain, store, monkeypatch, trained):
    from memjax.store import resume

    whole = sweep(plain, store=store)
    monkeypatch.setattr(resume, "_finished", lambda *arguments: set())
    del trained[:]
    assert same(sweep(plain, store=store), whole) and not trained
    assert same(sweep(plain, store=store, executor=Here()), whole)


@pytest.mark.slow
def test_complex_parameters_are_kept(plain, store):
    def init(key, x):
        return {"w": jax.random.normal(key, (x.shape[1], 4)) + 0j}

    def apply(params, x):
        return jnp.real(x @ params["w"])

    spec = dataclasses.replace(plain, model=(init, apply), optimizer=sgd(0.01), snapshots=(8,))
    assert same(sweep(spec, store=store), sweep(spec))


def test_labels_that_are_numbers_stay_numbers(plain, store, killed_after, monkeypatch):
    monkeypatch.setattr("memjax.engine.plan.packing.segment_records", lambda *arguments: 1)
    parts = mj.Measure(lambda params, apply, examples: {i: jnp.float32(i) for i in (10, 9)}, "parts", dims=("part",))
    spec = dataclasses.replace(plain, measures=("loss", parts))
    killed_after(2)
    with pytest.raises(Exception):  # noqa: B017 - the fixture's own
        sweep(spec, store=store)
    killed_after(10**6)
    assert same(sweep(spec, store=store), sweep(spec))
    assert mj.open(store).part.values.tolist() == [9, 10]


@pytest.mark.long
def test_a_measure_that_has_changed_under_its_name_is_refused(plain, store, killed_after, monkeypatch):
    monkeypatch.setattr("memjax.engine.plan.packing.segment_records", lambda *arguments: 1)

    def measure(size):
        return mj.Measure(Sized(size), "sized", dims=("place",))

    class Sized:
        def __init__(self, size):
            self.size = size

        def __call__(self, params, apply, examples):
            return jnp.zeros(self.size)

        def __repr__(self):
            return "sized"

        # A user may promise too much.
        __memjax_content__ = "sized"

    killed_after(2)
    with pytest.raises(Exception):  # noqa: B017 - the fixture's own
        sweep(dataclasses.replace(plain, measures=("loss", measure(2))), store=store)
    killed_after(10**6)
    with pytest.raises(mj.InputError, match=r"What the store keeps of block 0000-00000 after step 4 does not fit"):
        sweep(dataclasses.replace(plain, measures=("loss", measure(3))), store=store)


def test_what_an_executor_has_finished_is_kept_beside_an_error(plain, store):
    from concurrent.futures import Future

    class Failing(Here):
        """Gives everything back at once when the last job is sent, the first of them as an error."""

        def __init__(self):
            self.jobs = []

        def submit(self, function, job):
            future = Future()
            self.jobs.append((future, function, job))
            if len(self.jobs) == 3:
                for i, (own, function, job) in enumerate(self.jobs):
                    own.set_result(function(job) if i else ZeroDivisionError("of mine"))
            return future

    with pytest.raises(ZeroDivisionError):
        sweep(plain, store=store, executor=Failing())
    assert (mj.open(store).status == "finished").sum() == 4


def test_a_block_that_is_lost_for_good_holds_up_no_other(plain, store):
    from concurrent.futures import Future

    class Poisoned(Here):
        def submit(self, function, job):
            if not job.name.endswith("00000"):
                return super().submit(function, job)
            future = Future()
            future.set_exception(ConnectionError("killed"))
            return future

    with pytest.raises(mj.InputError, match="was lost 3 times"):
        sweep(plain, store=store, executor=Poisoned())
    assert (mj.open(store).status == "finished").sum() == 4


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_what_is_no_file_is_not_waited_for(plain, store):
    sweep(plain, store=store)
    part = next(store.glob("parts/*.npz"))
    part.unlink()
    os.mkfifo(part)
    with pytest.raises(mj.InputError, match=r"is damaged \(it is no regular file\)"):
        mj.open(store)
    part.unlink()
    os.symlink("/dev/zero", part)
    with pytest.raises(mj.InputError, match=r"is damaged \(it is no regular file\)"):
        mj.open(store)
    os.mkfifo(store / "manifest-0001.json")
    with pytest.raises(mj.InputError, match=r"cannot be read \(it is no regular file\)"):
        mj.open(store)


def test_a_shard_does_not_answer_for_the_parts_of_others(plain, store, caplog):
    sweep(plain, store=store, shard=(0, 3))
    part = next(store.glob("parts/*.npz"))
    part.write_bytes(b"")
    found = sweep(plain, store=store, shard=(1, 3))
    assert (found.status == "finished").sum() == 2 and f"{part.name}' is damaged" in caplog.text
    with pytest.raises(mj.InputError, match=re.escape(part.name)):
        sweep(plain, store=store, shard=(0, 3))


@pytest.mark.long
def test_each_run_keeps_its_own_snapshots(spec, store):
    over = {"snapshots": [(0, 8), (4,)], "seed": range(2)}
    whole = mj.sweep(spec, over, progress=False, packing=mj.Packing(runs=4, lanes=1))
    kept = whole.parameters.isel(parameter_index=0).notnull().all("seed")
    assert whole.snapshot.values.tolist() == [0, 4, 8]
    assert kept.values.tolist() == [[True, False, True], [False, True, False]]
    mj.sweep(spec, {"snapshots": [(0, 8)], "seed": range(2)}, progress=False, store=store)
    grown = mj.sweep(spec, over, progress=False, store=store)
    assert (grown.parameters.isel(parameter_index=0).notnull().all("seed").values == kept.values).all()


@pytest.mark.parametrize("store", [3, True, ["runs"], b"runs"], ids=repr)
def test_what_is_no_folder_is_refused(plain, store):
    with pytest.raises(mj.InputError, match=r"store is .*: give the name of a folder"):
        sweep(plain, store=store)


@pytest.mark.slow
def test_a_partial_function_is_compared_by_what_it_holds_not_by_its_address(plain, store):
    def scaled(x, factor):
        return factor * x

    activation = functools.partial(scaled, factor=2.0)
    spec = dataclasses.replace(plain, model=mj.models.MLP(hidden=(6,), activation=activation))
    sweep(spec, store=store)
    again = mj.models.MLP(hidden=(6,), activation=functools.partial(scaled, factor=3.0))
    with pytest.raises(mj.InputError, match=r"activation.reference is .*factor=2.0"):
        sweep(dataclasses.replace(plain, model=again), store=store)


@pytest.mark.slow
def test_a_function_is_compared_by_the_numbers_it_captured_too(plain, store):
    def rule(peak):
        return dataclasses.replace(
            plain, optimizer=from_optax(optax.sgd, learning_rate=optax.cosine_decay_schedule(peak, 8))
        )

    sweep(rule(0.1), store=store)
    sweep(rule(0.1), store=store)
    with pytest.raises(
        mj.InputError, match=r"learning_rate.reference is .*init_value=0.1.* there and .*init_value=0.5"
    ):
        sweep(rule(0.5), store=store)


@pytest.mark.slow
def test_damaged_layouts_of_parameters_are_an_input_error(spec):
    ds = sweep(spec)
    for layouts in ('[[[["a"], [6]], [["a", "b"], [6]]]]', "[]", "[[3]]", "{", '[[[["a"], [9999]]]]'):
        ds["parameters"].attrs["layouts"] = layouts
        with pytest.raises(mj.InputError, match="layouts of the parameters are damaged"):
            mj.params(ds, {"train_size": 8, "seed": 0}, 8)


def test_a_manifest_that_could_not_be_read_back_is_not_written(plain, store, monkeypatch):
    sweep(plain, store=store)
    monkeypatch.setattr("memjax.store.manifest_reader._MOST_CELLS", 6)
    with pytest.raises(mj.InputError, match="'7' is no whole number from 0 to 6"):
        sweep(plain, {**OVER, "seed": range(4)}, store=store)
    monkeypatch.undo()
    assert json.loads((store / "manifest-0000.json").read_text()) and not (store / "manifest-0001.json").exists()
