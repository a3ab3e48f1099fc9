"""Where the time of a step goes, operation by operation as XLA names them: python -m benchmarks.step_profile.

One lane trains one run; the profiler itself adds about a tenth. An operation's name is that of the compiled program
(`XLA_FLAGS=--xla_dump_to=DIR` writes it): ynn_fusion and dot are products and reductions, the rest is elementwise.
"""

from __future__ import annotations

import argparse
import collections
import tempfile
from pathlib import Path

import jax

import memjax as mj


def trace(size: int, width: int, folder: str) -> None:
    """Train once to compile, then once more under the profiler."""
    post = mj.Experiment(task=mj.tasks.RandomLabels(input_dim=9, num_classes=17), train_size=size, steps=200)
    packing = mj.Packing(lanes=1, width=width, runs=1)
    mj.sweep(post, packing=packing)
    with jax.profiler.trace(folder):
        mj.sweep(post, packing=packing)


def operations(folder: str) -> tuple[collections.Counter[str], collections.Counter[str]]:
    """Nanoseconds and calls by operation."""
    path = next(Path(folder).rglob("*.xplane.pb"))
    nanoseconds: collections.Counter[str] = collections.Counter()
    calls: collections.Counter[str] = collections.Counter()
    for plane in jax.profiler.ProfileData.from_file(str(path)).planes:
        for line in plane.lines if "CPU" in plane.name else ():
            for event in line.events:
                nanoseconds[event.name] += event.duration_ns
                calls[event.name] += 1
    return nanoseconds, calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train-size", type=int, default=3200)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--top", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trace(options.train_size, options.width, folder)
        nanoseconds, calls = operations(folder)
    print("     total us    calls  us each  operation")
    own = [(name, spent) for name, spent in nanoseconds.most_common() if not name.startswith(("$", "end: ", "Thunk"))]
    for name, spent in own[: options.top]:
        print(f"{spent / 1e3:12.1f} {calls[name]:8d} {spent / 1e3 / calls[name]:8.2f}  {name}")


if __name__ == "__main__":
    main()
