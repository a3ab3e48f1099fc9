"""A bank that is killed twice, in two shards and in two stores, beside a bank left alone: python -m benchmarks.faults.banks.

The bank is that of `benchmarks.bank`. Every trial compares all arrays, and the memorisation scores, with those of a sweep in
one process without a store. It takes some minutes on two cores.
"""

from __future__ import annotations

import argparse
import dataclasses
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import memjax as mj
from benchmarks import repeated
from benchmarks.bank import BANK, RUNS
from benchmarks.faults.bench import ROOT, kept
from benchmarks.sweep_throughput.machine import describe
from memjax import analysis

RESULTS = Path(__file__).parents[1] / "results" / "bank_faults.json"
SHARES = (1 / 3, 2 / 3)


class Size(NamedTuple):
    """How large a bank is: networks, rows to draw halves of, and steps of each network."""

    runs: int = RUNS
    rows: int | str = "all"
    steps: int = 300


class Trial(NamedTuple):
    """What became of a bank.

    Attributes
    ----------
    trial
        What was done to the bank.
    kept
        Share of the training that was kept at each kill.
    identical
        Whether every array of the Dataset is, bit for bit, that of the bank left alone.
    largest_difference
        Of log-odds of single rows.
    same_scores
        Whether memorisation scores are the same numbers.
    """

    trial: str
    kept: Sequence[float]
    identical: bool
    largest_difference: float
    same_scores: bool


def sweep(size: Size, store: Path | None = None, seeds: Sequence[int] | None = None, **options: Any) -> xr.Dataset:
    """Train the bank, all of it or what a store lacks."""
    fields = {"train_size": size.rows, "steps": size.steps, "record_every": size.steps}
    over = {"seed": range(size.runs) if seeds is None else seeds}
    return mj.sweep(dataclasses.replace(BANK, **fields), over, store=store, progress=False, **options)


def start(size: Size, store: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start training the bank as a process."""
    sizes = [f"--{name}={value}" for name, value in size._asdict().items()]
    line = [sys.executable, "-m", "benchmarks.faults.banks", f"--store={store}", *sizes, *words]
    return subprocess.Popen(line, cwd=ROOT)


def finish(*processes: subprocess.Popen[bytes]) -> None:
    """Wait until processes have trained what they were to train."""
    for process in processes:
        if process.wait(timeout=1200):
            raise RuntimeError(f"A bank ended with exit code {process.returncode}.")


def kill_at(size: Size, store: Path, share: float) -> float:
    """Train the bank, and kill the process once a share of the training is kept; gives the share kept then."""
    process = start(size, store)
    while process.poll() is None and (not store.exists() or kept(store) < share):
        time.sleep(0.02)
    process.kill()
    if process.wait() != -signal.SIGKILL:
        raise RuntimeError(f"The bank ended by itself before {share:.0%} of its training was seen: give it more steps.")
    return kept(store)


def killed(size: Size, folder: Path, whole: xr.Dataset, shares: Sequence[float] = SHARES) -> Trial:
    """Kill the process at shares of the training, then let the bank get ready."""
    at = [kill_at(size, folder / "killed", share) for share in shares]
    finish(start(size, folder / "killed"))
    times = f"killed {len(at)} times" if len(at) > 1 else "killed once"
    return judged(f"{times} (SIGKILL), resumed", mj.open(folder / "killed"), whole, at)


def sharded(size: Size, folder: Path, whole: xr.Dataset) -> Trial:
    """Two processes at once share one store."""
    finish(*(start(size, folder / "shards", f"--shard={i}/2") for i in range(2)))
    return judged("two shards of one store", mj.open(folder / "shards"), whole)


def halved(size: Size, folder: Path, whole: xr.Dataset) -> Trial:
    """Two sweeps of half of the seeds, joined by seed: packed otherwise, so that the bits are not promised."""
    middle = size.runs // 2
    finish(*(start(size, folder / f"half-{a}", f"--seeds={a}:{b}") for a, b in ((0, middle), (middle, size.runs))))
    halves = [mj.open(folder / f"half-{first}") for first in (0, middle)]
    joined = xr.concat(halves, "seed", data_vars="minimal", coords="minimal", compat="override", join="outer")
    return judged("two stores, joined by seed", joined, whole)


def judged(trial: str, found: xr.Dataset, whole: xr.Dataset, at: Sequence[float] = ()) -> Trial:
    """Compare a bank with the one left alone."""
    odds, wanted = (bank.example_log_odds.sel(seed=whole.seed) for bank in (found, whole))
    first, second = (scores(bank) for bank in (found, whole))
    same = found.drop_attrs().identical(whole.drop_attrs())
    return Trial(trial, at, same, float(np.abs(odds - wanted).max()), first.identical(second))


def scores(bank: xr.Dataset) -> xr.Dataset:
    """Memorisation scores with their errors and intervals."""
    return analysis.memorization(bank.example_correct.isel(example_step=-1), bank.train_count)


TRIALS: Sequence[Callable[[Size, Path, xr.Dataset], Trial]] = (killed, sharded, halved)


def measure(size: Size) -> list[dict[str, Any]]:
    """Do every trial, and print what became of the bank."""
    whole, rows = sweep(size), []
    with tempfile.TemporaryDirectory(prefix="memjax-bank-") as folder:
        for trial in TRIALS:
            begun = time.perf_counter()
            found = trial(size, Path(folder), whole)
            rows.append({**found._asdict(), "seconds": round(time.perf_counter() - begun, 1)})
            print(rows[-1], flush=True)
    return rows


def main() -> int:
    """Train for a trial, or do every trial; the exit code is 1 if bits that are promised differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in Size()._asdict().items():
        parser.add_argument(f"--{name}", type=lambda text: text if text == "all" else int(text), default=value)
    parser.add_argument("--store", type=Path, help="train into this store, and do no trial")
    parser.add_argument("--shard", type=lambda text: tuple(map(int, text.split("/"))))
    parser.add_argument("--seeds", type=lambda text: range(*map(int, text.split(":"))))
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    size = Size(given.runs, given.rows, given.steps)
    if given.store:
        sweep(size, given.store, given.seeds, shard=given.shard)
        return 0
    rows = measure(size)
    repeated.write(given.out, {"machine": describe("cpu"), **size._asdict(), "trials": rows})
    return int(not all(row["identical"] for row in rows[:2]))


if __name__ == "__main__":
    raise SystemExit(main())
