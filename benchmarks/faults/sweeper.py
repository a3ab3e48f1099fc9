"""The sweep that is done harm to, as a process of its own: python -m benchmarks.faults.sweeper STORE."""

from __future__ import annotations

import argparse
import logging
import resource
from pathlib import Path
from typing import Any

import memjax as mj
from memjax.store import writer as keeper

# Minibatches, snapshots, labelled records and two structures: everything that a part can hold.
EXPERIMENT = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=6, num_classes=5),
    model=mj.models.MLP(hidden=(48, 48)),
    batch_size=16,
    record_every=20,
    measures=("loss", "accuracy", "weight_l2", "layer_l2"),
)
PACKING = mj.Packing(runs=4, lanes=2)


def sweep(store: Path | None, steps: int, **options: Any) -> Any:
    """The sweep, all of it or what a store lacks."""
    experiment = mj.Experiment(**{**vars(EXPERIMENT), "steps": steps, "snapshots": (steps // 2, steps)})
    over = {"train_size": [32, 64], "activation": ["relu", "tanh"], "seed": range(8)}
    return mj.sweep(experiment, over, store=store, packing=PACKING, progress=False, **options)


def main() -> None:
    """Run the sweep as the line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--shard", type=lambda text: tuple(int(number) for number in text.split("/")))
    parser.add_argument("--repair", action="store_true")
    parser.add_argument("--file-bytes", type=int, help="largest file that may be written, as a quota")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    if options.cache:
        mj.enable_compile_cache(options.cache)
    if options.file_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (options.file_bytes, options.file_bytes))
    # Keep every segment, so that there is something to harm at every moment.
    keeper._SECONDS, keeper._SHARE = 0.0, float("inf")
    sweep(options.store, options.steps, shard=options.shard, repair=options.repair)


if __name__ == "__main__":
    main()
