"""From the start of a process to the end of the default study cut down to 10 steps: python -m benchmarks.cold_start.

Forty runs of ten sizes compile the programs of the study and take two records each: the first record comes earlier than this.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

from benchmarks import repeated

CODE = """
import sys
import memjax as mj
if sys.argv[1]:
    mj.enable_compile_cache(sys.argv[1])
post = mj.Experiment(task=mj.tasks.RandomLabels(input_dim=9, num_classes=17), steps=10)
mj.sweep(post, over={"train_size": [50 * 2**k for k in range(10)], "seed": range(4)})
"""


def seconds(folder: str) -> float:
    """Wall time of one fresh process that keeps compiled programs in a folder."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", CODE, folder], check=True)
    return time.perf_counter() - start


def measure(times: int) -> dict[str, list[float]]:
    """Seconds with an empty folder, then with the one just filled."""
    found: dict[str, list[float]] = {"cold": [], "warm": []}
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder:
            found["cold"].append(seconds(folder))
            found["warm"].append(seconds(folder))
    return found


if __name__ == "__main__":
    repeated.run(__doc__, "cold_start", 5, measure)
