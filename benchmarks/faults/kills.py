"""Faults of processes: killed, interrupted, started twice, killed among shards and among workers."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import memjax as mj
from benchmarks.faults.bench import Bench, Outcome, kept, last_line, wait_for_part
from benchmarks.faults.sweeper import sweep

_EARLIEST, _LATEST = 0.2, 3.5


def sigkill(bench: Bench, times: int = 20) -> Outcome:
    """Kill the process at random moments of its life, importing, compiling, training and writing; then let it finish.

    Where the machine is so slow that no life kept anything, further and longer ones follow.
    """
    store, rng, latest = bench.folder / "sigkill", random.Random(0), _LATEST
    start, trail, moments = time.monotonic(), [(0.0, 0.0)], []

    def watch(process: subprocess.Popen[str], seconds: float) -> None:
        until = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
            trail.append((time.monotonic() - start, kept(store)))

    while len(moments) < times or (trail[-1][1] == 0.0 and len(moments) < 5 * times):
        process = bench.start(store)
        watch(process, rng.uniform(_EARLIEST, latest))
        latest *= 1.0 if len(moments) < times else 1.5
        if process.poll() is not None:
            raise RuntimeError(f"The sweep ended after {len(moments)} of {times} kills: give it more steps.")
        process.kill()
        process.communicate()
        moments.append(time.monotonic() - start)
    process = bench.start(store)
    watch(process, 300)
    _, said = process.communicate()
    said = last_line(said) or f"nothing; {trail[-1][1]:.0%} kept"
    return Outcome("SIGKILL at random moments", len(moments), said, bench.identical(store), trail, moments)


def sigint(bench: Bench, number: int = signal.SIGINT) -> Outcome:
    """Interrupt in the middle of training; what it says must tell how to go on, and what it had done must be there."""
    for attempt in range(4):
        # On a busy machine the sweep may end before the signal reaches it: that is no interrupt.
        store = bench.folder / f"signal-{number}-{attempt}"
        process = bench.start(store)
        wait_for_part(store, "step")
        process.send_signal(number)
        _, said = process.communicate(timeout=600)
        if kept(store) < 1:
            break
    if not 0 < kept(store) < 1:
        raise RuntimeError(f"The interrupt came too late or kept nothing: {kept(store)}.")
    bench.finish(store)
    return Outcome("Ctrl-C (SIGINT) while training", 1, last_line(said), bench.identical(store))


def second_process(bench: Bench) -> Outcome:
    """Start a second process on the same store, then kill the first: its lock must go with it."""
    store = bench.folder / "second"
    first = bench.start(store)
    wait_for_part(store)
    code, said = bench.finish(store)
    first.kill()
    first.communicate()
    if code == 0:
        raise RuntimeError("The second process was let in.")
    code, _ = bench.finish(store)
    return Outcome("second process on one store", 1, said, code == 0 and bench.identical(store))


def shards(bench: Bench) -> Outcome:
    """Two shards at once, one of them killed and started again."""
    store = bench.folder / "shards"
    first, second = bench.start(store, "--shard", "0/2"), bench.start(store, "--shard", "1/2")
    wait_for_part(store)
    first.kill()
    first.communicate()
    _, said = second.communicate(timeout=600)
    waiting = int((mj.open(store).status != "finished").sum())
    bench.finish(store, "--shard", "0/2")
    said = last_line(said) or f"nothing; {waiting} runs waited for the killed shard"
    return Outcome("one of two shards killed", 1, said, bench.identical(store))


def reader(bench: Bench) -> Outcome:
    """Open the store again and again while it is written: what is there must be what it will be, and all else NaN."""
    store, opened, grew = bench.folder / "reader", 0, set()
    process = bench.start(store)
    wait_for_part(store)
    same = True
    while process.poll() is None:
        found = mj.open(store).drop_attrs()
        opened += 1
        for name, array in found.data_vars.items():
            final = bench.reference[name]
            if array.shape == final.shape:
                same &= bool(((array == final) | array.isnull()).all())
        grew.add(int(found.train_loss.notnull().sum()))
        same &= int((found.status == "finished").sum()) <= int(found.train_loss.isel(step=-1).notnull().sum())
    process.communicate()
    said = f"nothing; {len(grew)} different states of it were seen"
    return Outcome("opened while it is written", opened, said, same and len(grew) > 1 and bench.identical(store))


def moved(bench: Bench) -> Outcome:
    """Kill the process, copy the store to another place, and go on there."""
    store, copy = bench.folder / "here", bench.folder / "there"
    process = bench.start(store)
    wait_for_part(store, "step")
    process.kill()
    process.communicate()
    shutil.copytree(store, copy)
    shutil.rmtree(store)
    before = kept(copy)
    bench.finish(copy)
    return Outcome("copied elsewhere midway", 1, f"{before:.0%} of the steps came along", bench.identical(copy))


def worker(bench: Bench, kill: bool = True) -> Outcome:
    """A Dask cluster of two worker processes, one of them killed while it trains."""
    from distributed import Client, LocalCluster

    store = bench.folder / f"dask-{kill}"
    options = {"processes": True, "n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        victims = [entry["pid"] if isinstance(entry, dict) else entry for entry in client.run(_pid).values()]
        killer = _Killer(store, victims[0]) if kill else None
        dataset = sweep(store, bench.steps, executor=client.get_executor())
        done = killer.wait() if killer else 0
    same = dataset.drop_attrs().identical(bench.reference) and bench.identical(store)
    fault = "one of two Dask workers killed" if kill else "two Dask workers, none killed"
    return Outcome(fault, int(kill), f"killed when {done} of 8 blocks were finished" if kill else "nothing", bool(same))


def _pid() -> int:
    import os

    return os.getpid()


class _Killer:
    """Kills a process once a store has its first finished block."""

    def __init__(self, store: Path, pid: int) -> None:
        import sys

        code = (
            "import os, pathlib, sys, time\n"
            "while not (parts := list(pathlib.Path(sys.argv[1]).glob('parts/*.npz'))): time.sleep(0.005)\n"
            "os.kill(int(sys.argv[2]), 9)\n"
            "sys.exit(len(parts))\n"
        )
        self._process = subprocess.Popen([sys.executable, "-c", code, str(store), str(pid)])

    def wait(self) -> int:
        """How many blocks were finished when it killed."""
        finished = self._process.wait(timeout=600)
        if not 0 < finished < 8:
            raise RuntimeError(f"The worker was killed when {finished} of 8 blocks were finished, or not at all.")
        return finished
