"""What a block costs beside its training, by where it is trained: python -m benchmarks.elsewhere.

Two hundred blocks of one small run each, programs compiled before; seconds per block of two lanes or two workers.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import memjax as mj
from benchmarks import repeated

BLOCKS = 200
SPEC = mj.Experiment(task=mj.tasks.RandomLabels(input_dim=9, num_classes=17), train_size=50, steps=200, record_every=10)
SHARD = """
import sys
from benchmarks.elsewhere import sweep
sweep(range(int(sys.argv[1]), int(sys.argv[1]) + 200), store=sys.argv[2], shard=(int(sys.argv[3]), 2), lanes=1)
"""


def sweep(seeds: Any, lanes: int = 2, **options: Any) -> None:
    """Train a block per seed."""
    mj.sweep(SPEC, {"seed": seeds}, packing=mj.Packing(runs=1, lanes=lanes), progress=False, **options)


def seconds_per_block(turn: int, train: Callable[[Any], None]) -> float:
    """Seconds for a block per worker, of seeds that have not been trained in this turn."""
    start = time.perf_counter()
    train(range(turn * BLOCKS, (turn + 1) * BLOCKS))
    return 2 * (time.perf_counter() - start) / BLOCKS


def measure(times: int) -> dict[str, list[float]]:
    """Seconds per block by place, in turn."""
    from distributed import Client, LocalCluster

    spawn = multiprocessing.get_context("spawn")
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with (
        tempfile.TemporaryDirectory() as scratch,
        ThreadPoolExecutor(2) as threads,
        ProcessPoolExecutor(2, mp_context=spawn) as processes,
        cluster,
        Client(cluster) as client,
    ):
        dask = client.get_executor()
        folders = (Path(scratch) / str(i) for i in range(10**6))
        ways: dict[str, Callable[[Any], None]] = {
            "lanes": sweep,
            "lanes, store": lambda seeds: sweep(seeds, store=next(folders)),
            "threads": lambda seeds: sweep(seeds, executor=threads),
            "spawned processes": lambda seeds: sweep(seeds, executor=processes),
            "Dask": lambda seeds: sweep(seeds, executor=dask),
            "Dask, store": lambda seeds: sweep(seeds, executor=dask, store=next(folders)),
        }
        found: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(times + 1):
            for name, train in ways.items():
                seconds = seconds_per_block(turn, train)
                if turn:  # The first one compiles.
                    found[name].append(seconds)
        found["two shards, started"] = [_shards(next(folders)) for _ in range(times)]
    return found


def _shards(store: Path) -> float:
    """Wall time of two shards from the start of their processes, by block."""
    start = time.perf_counter()
    each = [subprocess.Popen([sys.executable, "-c", SHARD, "0", str(store), str(i)]) for i in range(2)]
    if any(process.wait() for process in each):
        raise RuntimeError("A shard failed.")
    return 2 * (time.perf_counter() - start) / BLOCKS


if __name__ == "__main__":
    repeated.run(__doc__, "elsewhere", 5, measure)
