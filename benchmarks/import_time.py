"""What `import memjax` adds to `import jax, flax, optax, xarray`, in fresh processes: python -m benchmarks.import_time."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

CODE = """
import time
start = time.perf_counter()
import jax, flax, optax, xarray
peers = time.perf_counter()
import memjax
print(peers - start, time.perf_counter() - peers)
"""


def measure(times: int) -> dict[str, list[float]]:
    """Seconds of each import in some fresh processes, after one that warms the file cache."""
    rows = []
    for _ in range(times + 1):
        done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
        rows.append([float(word) for word in done.stdout.split()])
    peers, ours = zip(*rows[1:], strict=True)
    return {"jax, flax, optax, xarray": list(peers), "memjax on top": list(ours)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "import_time.json")
    options = parser.parse_args()
    seconds = measure(options.times)
    for name, values in seconds.items():
        print(f"{name:26s} median {statistics.median(values):.3f} s  ({min(values):.3f} to {max(values):.3f})")
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(seconds, indent=1) + "\n")


if __name__ == "__main__":
    main()
