"""The command line of a benchmark that times a few things some times: medians and ranges, and a JSON of every reading."""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any


def run(doc: str | None, name: str, times: int, measure: Callable[[int], dict[str, list[float]]]) -> None:
    """Read options, measure, print, and write ``results/NAME.json``.

    Parameters
    ----------
    doc
        What ``--help`` says.
    times
        Default of ``--times``, which `measure` gets; it gives seconds by what was timed.
    """
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--times", type=int, default=times)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / f"{name}.json")
    options = parser.parse_args()
    seconds = measure(options.times)
    for what, values in seconds.items():
        print(f"{what:26s} median {statistics.median(values):.3f} s  ({min(values):.3f} to {max(values):.3f})")
    write(options.out, seconds)


def write(path: Path, result: dict[str, Any]) -> None:
    """Write a result as JSON."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
