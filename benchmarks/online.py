"""Online sparse parity with stored and with fresh examples: memory stated and reached, and time.

Run as ``python -m benchmarks.online``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import subprocess
import sys
import time
from typing import Any

import memjax as mj

STEPS, BATCH, SEEDS = 20_000, 32, 16


def spec(kind: str) -> mj.Experiment:
    """Sparse parity with 3 of 50 signs; every example is used once."""
    fresh = mj.Experiment(
        task=mj.tasks.SparseParity(num_bits=50, num_relevant=3),
        model=mj.models.MLP(hidden=(100,)),
        loss="hinge",
        optimizer=mj.optimizers.sgd(0.1),
        train_size="fresh",
        batch_size=BATCH,
        test_size=1000,
        steps=STEPS,
        record_every=STEPS,
        measures=("step_loss", mj.measures.sign_accuracy.on("test")),
    )
    return fresh if kind == "fresh" else dataclasses.replace(fresh, train_size=STEPS * BATCH)


def measured(kind: str) -> dict[str, Any]:
    """What the plan states, the memory that the sweep added to this process at its peak, and seconds of clock and of cores."""
    over = {"seed": range(SEEDS)}
    plan, before = mj.explain(spec(kind), over), _peak()
    started, cores = time.perf_counter(), time.process_time()
    ds = mj.sweep(spec(kind), over, progress=False)
    return {
        "kind": kind,
        "stated_mb": plan.memory.added / 1e6,
        "blocks_mb": plan.memory.blocks / 1e6,
        "reached_mb": (_peak() - before) / 1e6,
        "seconds": time.perf_counter() - started,
        "core_seconds": time.process_time() - cores,
        "learnt": float((ds.sign_accuracy.isel(step=-1) > 0.99).mean()),
    }


def _peak() -> float:
    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Measure each kind in a process of its own, since a peak never falls."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", nargs="?", choices=("stored", "fresh"))
    kind = parser.parse_args().kind
    if kind:
        print(json.dumps(measured(kind)))
        return
    for each in ("stored", "fresh"):
        subprocess.run([sys.executable, "-m", "benchmarks.online", each], check=True)


if __name__ == "__main__":
    main()
