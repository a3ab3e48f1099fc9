"""A function of this package in a process of its own: python -m benchmarks.gpu.child MODULE:FUNCTION ARGUMENTS.

The function goes through pairs of a name and a value; each is printed as a line of JSON when it is known, so that what was
found before a time limit stays.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["call", "finish", "start"]

_ROOT = Path(__file__).parents[2]
_MARK = "found "


def start(target: str, arguments: dict[str, Any], env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """Begin ``module:function`` of this package with keyword arguments that JSON can hold."""
    command = [sys.executable, "-m", "benchmarks.gpu.child", target, json.dumps(arguments)]
    # A process that takes three quarters of the card at its start leaves nothing to its neighbour.
    held = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false", **(env or {})}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=held, cwd=_ROOT, errors="replace"
    )


def finish(process: subprocess.Popen[str], timeout: float) -> dict[str, Any]:
    """Wait for a process, at most so many seconds; what it found, and under ``ended`` how it ended if not well."""
    try:
        said, wrong = process.communicate(timeout=max(1.0, timeout))
        ended = None if process.returncode == 0 else f"ended with {process.returncode}: {wrong.strip()[-600:]}"
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
        ended = "stopped: out of time"
    lines = [json.loads(line[len(_MARK) :]) for line in said.splitlines() if line.startswith(_MARK)]
    return dict(lines) | ({} if ended is None else {"ended": ended})


def call(target: str, arguments: dict[str, Any], timeout: float, env: dict[str, str] | None = None) -> dict[str, Any]:
    """Begin a function and wait for it."""
    return finish(start(target, arguments, env), timeout)


def main() -> None:
    module, _, function = sys.argv[1].partition(":")
    found = getattr(importlib.import_module(f"benchmarks.gpu.{module}"), function)(**json.loads(sys.argv[2]))
    for name, value in found:
        print(_MARK + json.dumps([name, value], default=str), flush=True)


if __name__ == "__main__":
    main()
