"""What `memjax.explain` says a sweep will hold, and the peak that the process then reached: python -m benchmarks.memory."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import memjax as mj

RESULTS = Path(__file__).parent / "results" / "memory.json"
TEN_SIZES = [50 * 2**k for k in range(10)]
BATCHED = mj.Packing(schedule="batched", lanes=1)
Case = tuple[mj.Experiment, dict[str, Any], mj.Packing | None]


def _few(**fields: Any) -> mj.Experiment:
    return mj.Experiment(steps=2, record_every=1, **fields)


def _pool() -> mj.Experiment:
    task = mj.tasks.from_arrays(np.zeros((60_000, 784), np.float32), np.arange(60_000) % 10)
    return _few(task=task, train_size=30_000, test_size=5_000)


CASES: dict[str, Callable[[], Case]] = {
    "the default experiment, 4 seeds": lambda: (mj.Experiment(steps=50), {"seed": range(4)}, None),
    "ten sizes, 100 seeds": lambda: (mj.Experiment(steps=10), {"train_size": TEN_SIZES, "seed": range(100)}, None),
    "60,000 inputs of 784": lambda: (
        _few(task=mj.tasks.RandomLabels(input_dim=784, num_classes=10), train_size=60_000, test_size=10_000),
        {"seed": range(3)},
        None,
    ),
    "a pool of 60,000 inputs": lambda: (_pool(), {"seed": range(4)}, None),
    "two layers of 2000": lambda: (
        _few(model=mj.models.MLP(hidden=(2000, 2000)), train_size=512),
        {"seed": range(4)},
        None,
    ),
    "2000 runs of 1001 records": lambda: (
        mj.Experiment(model=mj.models.MLP(hidden=(8,)), steps=1000, record_every=1, train_size=32),
        {"seed": range(2000)},
        None,
    ),
    "1000 runs of 3 snapshots": lambda: (
        mj.Experiment(steps=20, record_every=10, train_size=32, snapshots=(0, 10, 20)),
        {"seed": range(1000)},
        None,
    ),
    "batched, nine sizes, 3 seeds": lambda: (_few(), {"train_size": TEN_SIZES[:9], "seed": range(3)}, BATCHED),
    "batched, 600 runs of 64": lambda: (_few(train_size=64), {"seed": range(600)}, BATCHED),
}


def run_case(name: str) -> dict[str, Any]:
    """State and run one case in this process: bytes said, bytes reached."""
    spec, over, packing = CASES[name]()
    said = mj.explain(spec, over, packing=packing)
    mj.sweep(spec, over, packing=packing)
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {"said": said.memory.total, "peak": peak, "parts": said.memory._asdict()}


def measure(name: str) -> dict[str, Any]:
    """Run one case in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", "--case", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def show(report: dict[str, Any]) -> None:
    """Print the table of a report."""
    print("case                              said    peak   peak/said")
    for name, row in report.items():
        said, peak = row["said"] / 1e6, row["peak"] / 1e6
        print(f"{name:30s} {said:5.0f} MB {peak:5.0f} MB   {peak / said:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=CASES, help="run this one here and print it as JSON")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--show", action="store_true", help="print the table of the last run again")
    options = parser.parse_args()
    if options.case:
        print(json.dumps(run_case(options.case)))
        return
    if not options.show:
        options.out.write_text(json.dumps({name: measure(name) for name in CASES}, indent=1) + "\n")
    show(json.loads(options.out.read_text()))


if __name__ == "__main__":
    main()
