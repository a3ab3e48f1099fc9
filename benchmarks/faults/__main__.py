"""Do every fault to a sweep with a store, and print what became of it: python -m benchmarks.faults."""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
from pathlib import Path

from benchmarks.faults import disks, kills
from benchmarks.faults.bench import Bench, Outcome

# By name: the fault, and the steps of the sweep that it is done to.
FAULTS = {
    "sigkill": (kills.sigkill, 60_000),
    "sigint": (kills.sigint, 8_000),
    "second": (kills.second_process, 8_000),
    "shards": (kills.shards, 8_000),
    "worker": (kills.worker, 8_000),
    "reader": (kills.reader, 20_000),
    "moved": (kills.moved, 8_000),
    "full": (disks.full_disk, 8_000),
    "quota": (disks.quota, 2_000),
    "read_only": (disks.read_only, 8_000),
    "truncated": (disks.truncated, 2_000),
    "altered": (disks.altered, 2_000),
    "memory": (disks.out_of_memory, 2_000),
}


def main() -> int:
    """Do the faults; the exit code is 1 if any number differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="FAULT", help=f"of {', '.join(FAULTS)}; all if none is named")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/faults.json"))
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    outcomes: list[tuple[Outcome, float]] = []
    benches: dict[int, Bench] = {}
    with tempfile.TemporaryDirectory(prefix="memjax-faults-") as scratch:
        for name in options.names or FAULTS:
            fault, steps = FAULTS[name]
            if steps not in benches:
                folder = Path(scratch) / str(steps)
                folder.mkdir()
                benches[steps] = Bench(folder, steps)
            start = time.monotonic()
            outcome = fault(benches[steps])
            outcomes.append((outcome, time.monotonic() - start))
            same = "identical" if outcome.identical else "DIFFERENT"
            said = outcome.said.replace(scratch, "")
            print(f"{outcome.fault:32s} x{outcome.times:<3d} {same:10s} {outcomes[-1][1]:6.1f} s  {said}", flush=True)
    rows = [{**outcome._asdict(), "seconds": round(seconds, 1)} for outcome, seconds in outcomes]
    for row in rows:
        row["said"] = str(row["said"]).replace(scratch, "")
    again = {row["fault"] for row in rows}
    before = json.loads(options.out.read_text()) if options.out.exists() else []
    rows = [row for row in before if row["fault"] not in again] + rows
    options.out.write_text(json.dumps(rows) + "\n")
    return int(not all(outcome.identical for outcome, _ in outcomes))


if __name__ == "__main__":
    raise SystemExit(main())
