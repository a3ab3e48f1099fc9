"""Fresh processes: a worker, a peak, a question to the machine. Nothing of one measurement reaches the next."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.sweep_throughput.peers import Settings
from benchmarks.sweep_throughput.report import Reading
from benchmarks.sweep_throughput.works import Work

_STAT = Path("/proc/stat")
_ROOT = Path(__file__).parents[2]
# Left set, these would hand a process the user's compiled programs.
_FOREIGN = ("JAX_COMPILATION_CACHE_DIR", "MEMJAX_CACHE", "JAX_PLATFORMS", "JAX_ENABLE_X64")


class Failed(Exception):
    """A process that did not end well; its message is the last thing it said."""


def python(arguments: list[str], device: str, text: str = "") -> Any:
    """JSON on the last line that a fresh process prints."""
    env = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    env |= {"TF_CPP_MIN_LOG_LEVEL": "2"} | ({"JAX_PLATFORMS": "cpu"} if device == "cpu" else {})
    done = subprocess.run([sys.executable, *arguments], input=text, capture_output=True, text=True, env=env, cwd=_ROOT)
    if done.returncode != 0:
        raise Failed((done.stderr.strip().splitlines() or [f"It ended with {done.returncode}."])[-1])
    return json.loads(done.stdout.strip().splitlines()[-1])


def worker(
    peer: str,
    work: Work,
    settings: Settings,
    calls: int,
    *,
    patience: float = float("inf"),
    probe: bool = False,
    finals: bool = False,
) -> tuple[Reading, dict[str, Any]]:
    """Reading of one peer on one work, and what else the worker answers; see its request for the arguments."""
    request = {"peer": peer, "work": asdict(work), "settings": asdict(settings), "calls": calls}
    request |= {"patience": patience, "probe": probe, "finals": finals, "started": time.time()}
    start, before = time.perf_counter(), _others()
    answer = python(["-m", "benchmarks.sweep_throughput.worker"], settings.device, json.dumps(request))
    busy = None if before is None else (_others() - before) / (time.perf_counter() - start)
    return Reading(**{**answer.pop("reading"), "others": busy}), answer


def _others() -> Any:
    """Core seconds so far that went to anyone but the workers, or None: they spoil times, most of all those of threads."""
    if not _STAT.exists():
        return None
    ticks = [int(word) for word in _STAT.read_text().splitlines()[0].split()[1:9]]
    # Idle time and waiting for disks are the fourth and the fifth.
    used = (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used - own.ru_utime - own.ru_stime
