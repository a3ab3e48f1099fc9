"""Blocks trained elsewhere, by executors, shards and several devices, give the bits of a local sweep."""

import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import jax
import pytest

import memjax as mj
from memjax.engine.training import executor as remote
from memjax.store.lock import locked

OVER = {"train_size": [8, 12], "seed": range(3)}
PACKING = mj.Packing(runs=2, lanes=1)


def sweep(spec, over=OVER, **options):
    return mj.sweep(spec, over, progress=False, packing=PACKING, **options)


def same(first, second):
    return first.drop_attrs().identical(second.drop_attrs())


class Flaky:
    """Loses its first jobs, as a worker does that is killed."""

    def __init__(self, losses, problem):
        self.losses, self.problem, self.sent = losses, problem, 0

    def submit(self, function, *arguments):
        self.sent += 1
        future = Future()
        if self.sent <= self.losses:
            future.set_exception(self.problem)
        else:
            future.set_result(function(*arguments))
        return future


@pytest.mark.parametrize("store", [False, True], ids=["memory", "store"])
def test_an_executor_gives_the_bits_of_a_local_sweep(spec, store, tmp_path):
    with ThreadPoolExecutor(2) as executor:
        found = sweep(spec, executor=executor, store=tmp_path / "store" if store else None)
    assert same(found, sweep(spec))


@pytest.mark.long
def test_a_spawned_process_gives_them_too(spec):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        found = sweep(spec, executor=executor)
    assert same(found, sweep(spec))


@pytest.mark.long
def test_functions_of_a_notebook_travel(spec):
    scale = 0.5
    over = {"activation": [lambda x: scale * x, "relu"], "seed": range(2)}
    assert same(sweep(spec, over, executor=Flaky(0, None)), sweep(spec, over))


@pytest.mark.slow
def test_programs_of_a_sweep_compile_once_in_a_worker(spec, monkeypatch):
    compiled = []
    monkeypatch.setattr(remote, "compile_for", lambda *a: compiled.append(train.compile_for(*a)) or compiled[-1])
    from memjax.engine.training import block as train

    sweep(spec, {"activation": [lambda x: 2 * x], "seed": range(6)}, executor=Flaky(0, None))
    assert len(compiled) == 3 and len(set(map(id, compiled))) == 1


def test_a_block_whose_worker_is_lost_is_sent_again(spec, caplog):
    executor = Flaky(2, ConnectionError("worker 7 left"))
    assert same(sweep(spec, executor=executor), sweep(spec))
    assert executor.sent == 3 + 2
    assert caplog.text.count("A worker was lost with a block of 2 runs (ConnectionError: worker 7 left.)") == 2


def test_a_block_that_is_lost_again_and_again_is_an_error_and_the_rest_is_kept(spec, tmp_path):
    class Poisoned(Flaky):
        def submit(self, function, job):
            bad = job.name.endswith("00001")
            return Flaky(1 if bad else 0, ConnectionError("killed")).submit(function, job)

    with pytest.raises(mj.InputError, match=r"A block of 2 runs was lost 3 times by the executor, last with Conn"):
        sweep(spec, executor=Poisoned(0, None), store=tmp_path / "store")
    assert (mj.open(tmp_path / "store").status == "finished").sum() == 4
    assert same(sweep(spec, store=tmp_path / "store"), sweep(spec))


def test_a_broken_executor_says_how_to_go_on(spec):
    with pytest.raises(
        mj.InputError, match=r"The executor takes no more work \(BrokenExecutor: dead\): make a new one"
    ):
        sweep(spec, executor=Flaky(1, BrokenExecutor("dead")))
    with ThreadPoolExecutor(1) as closed:
        pass
    with pytest.raises(mj.InputError, match=r"The executor takes no more work \(RuntimeError"):
        sweep(spec, executor=closed)


def test_an_error_in_a_worker_is_raised_as_it_is_and_not_tried_again(spec, monkeypatch):
    def wrong(*arguments):
        raise ZeroDivisionError("of mine")

    monkeypatch.setattr(remote, "train_block", wrong)
    executor = Flaky(0, None)
    with pytest.raises(ZeroDivisionError, match="of mine"):
        sweep(spec, executor=executor)
    assert executor.sent == 3


@pytest.mark.parametrize("elsewhere", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["lanes", "executor"])
@pytest.mark.parametrize(
    "problem",
    [
        MemoryError(),
        jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: 9 GB"),
        # As a CUDA graph and cuBLAS say it.
        pytest.param(jax.errors.JaxRuntimeError("INTERNAL: CUDA_ERROR_OUT_OF_MEMORY: graph"), marks=pytest.mark.slow),
        pytest.param(jax.errors.JaxRuntimeError("INTERNAL: CUBLAS_STATUS_ALLOC_FAILED"), marks=pytest.mark.slow),
    ],
    ids=repr,
)
def test_a_block_that_does_not_fit_is_trained_in_parts(spec, elsewhere, problem, tmp_path, monkeypatch, caplog):
    from memjax.engine.training import execute

    where, train_block = remote if elsewhere else execute, execute.train_block

    def small(block, *arguments):
        if block.shape.runs > 1:
            raise problem
        return train_block(block, *arguments)

    monkeypatch.setattr(where, "train_block", small)
    store = tmp_path / "store"
    found = sweep(spec, store=store, executor=Flaky(0, None) if elsewhere else None)
    assert caplog.text.count("A block of 2 runs ran out of memory: it is trained in 2 parts of 1") == 3
    assert same(found, mj.sweep(spec, OVER, progress=False, packing=mj.Packing(runs=1, lanes=1)))
    # The parts stand in the store in place of the block: nothing is left to do.
    monkeypatch.undo()
    assert sweep(spec, store=store).identical(mj.open(store)) and same(mj.open(store), found)


def test_one_run_that_does_not_fit_is_an_error(spec, monkeypatch):
    from memjax.engine.training import execute

    monkeypatch.setattr(execute, "train_block", lambda *a: (_ for _ in ()).throw(MemoryError("no")))
    with pytest.raises(mj.InputError, match=r"A block of one run .* does not fit into memory: train smaller runs"):
        sweep(spec)


@pytest.mark.slow
def test_an_executor_goes_on_in_the_middle_of_a_block(spec, tmp_path, killed_after, monkeypatch):
    from memjax.engine.plan import packing

    monkeypatch.setattr(packing, "segment_records", lambda program, shape, snapshots: 1)
    killed_after(2)
    with pytest.raises(Exception):  # noqa: B017 - the fixture's own
        sweep(spec, store=tmp_path / "store")
    killed_after(10**6)
    started = []
    monkeypatch.setattr(remote, "train_block", lambda *a: started.append(a[4] and a[4].step) or train.train_block(*a))
    from memjax.engine.training import block as train

    assert same(sweep(spec, store=tmp_path / "store", executor=Flaky(0, None)), sweep(spec))
    assert started == [4, None, None]


@pytest.mark.parametrize("executor", [3, "dask", object()], ids=["3", "dask", "object"])
def test_what_is_no_executor_is_refused(spec, executor):
    with pytest.raises(mj.InputError, match=r"executor is .*: give an object with submit"):
        sweep(spec, executor=executor)


def test_an_executor_that_forks_is_refused(spec):
    executor = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork"))
    with executor, pytest.raises(mj.InputError, match="executor forks this process"):
        sweep(spec, executor=executor)


def test_shards_share_the_work_and_the_last_one_holds_it_all(spec, tmp_path, trained):
    store, shares = tmp_path / "store", []
    for i in range(4):
        del trained[:]
        found = sweep(spec, store=store, shard=(i, 4))
        shares.append({run.experiment.seed + 10 * run.experiment.train_size for b in trained for run in b.runs})
        assert int((found.status == "finished").sum()) == sum(map(len, shares))
    assert sorted(map(len, shares)) == [0, 2, 2, 2] and len(set.union(*shares)) == 6
    assert same(found, sweep(spec))


@pytest.mark.slow
def test_without_packing_there_is_a_block_for_every_lane_of_every_shard(spec, tmp_path):
    def blocks(**options):
        ds = mj.sweep(spec, {"seed": range(8)}, progress=False, packing=mj.Packing(lanes=1), **options)
        return ds.attrs["packing"].count('"runs": 8'), ds.attrs["packing"].count('"runs": 2')

    assert blocks() == (1, 0)
    assert blocks(store=tmp_path / "store", shard=(0, 4)) == (0, 1)


@pytest.mark.parametrize("shard", [(1, 1), (-1, 2), (0,), [0, 2], (0.0, 2), "0/2", (0, 0), (True, 2)], ids=repr)
def test_what_is_no_shard_is_refused(spec, shard, tmp_path):
    with pytest.raises(mj.InputError, match=r"shard is .*: give"):
        sweep(spec, store=tmp_path / "store", shard=shard)


def test_a_shard_needs_a_store(spec):
    with pytest.raises(mj.InputError, match="shard needs a store"):
        sweep(spec, shard=(0, 2))
    with pytest.raises(mj.InputError, match="repair needs a store"):
        sweep(spec, repair=True)


@pytest.mark.parametrize(
    ("holder", "other", "refused"),
    [
        (None, None, True),
        (None, (0, 2), True),
        ((0, 2), None, True),
        ((0, 2), (0, 2), True),
        ((0, 2), (1, 2), False),
    ],
)
def test_who_may_write_beside_whom(tmp_path, holder, other, refused):
    with locked(tmp_path, holder):
        if refused:
            refusal = pytest.raises(mj.InputError, match=rf"is in use by (process {os.getpid()} on|another)")
            with refusal, locked(tmp_path, other):
                pass
        else:
            with locked(tmp_path, other):
                pass
    with locked(tmp_path, other):
        pass


DEVICES = """
import hashlib, jax
import memjax as mj
from memjax.engine.training import execute

used, train_block = set(), execute.train_block
def noting(block, compiled, device, *rest):
    used.add(device.id)
    return train_block(block, compiled, device, *rest)
execute.train_block = noting
spec = mj.Experiment(steps=8, record_every=2, train_size=12, model=mj.models.MLP(hidden=(6,)))
ds = mj.sweep(spec, {"seed": range(12)}, packing=mj.Packing(runs=1))
bits = hashlib.sha256(b"".join(ds[name].values.tobytes() for name in sorted(ds.data_vars))).hexdigest()
print(jax.local_device_count(), len(used), bits)
"""


@pytest.mark.long
def test_lanes_use_every_device_by_default():
    def run(devices):
        flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}", "JAX_PLATFORMS": "cpu"}
        done = subprocess.run(
            [sys.executable, "-c", DEVICES], env=os.environ | flags, capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    count, used, bits = run(4)
    assert (count, used) == ("4", "4")
    assert run(1)[2] == bits
