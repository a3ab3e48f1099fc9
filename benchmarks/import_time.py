"""What `import memjax` adds to `import jax, flax, optax, xarray`, in fresh processes: python -m benchmarks.import_time."""

from __future__ import annotations

import subprocess
import sys

from benchmarks import repeated

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


if __name__ == "__main__":
    repeated.run(__doc__, "import_time", 7, measure)
