"""What XLA's compiler for an H100 makes of memjax's programs; no GPU is needed, but JAX's CUDA plug-in is.

python -m benchmarks.gpu.compiled: kernels of a step, bytes that they read and write, temporary memory, and the memory that a
plan states beside what the program takes. `make h100` sets up an environment for it. --only WORDS takes the cases whose names
have all these words and writes them only where --out says; --show prints the table of the last run again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.gpu.compiled import card

RESULTS = Path(__file__).parents[2] / "results" / "compiled_for_h100.json"
_PACKAGES = ("jax", "jaxlib", "jax-cuda13-plugin", "jax-cuda12-plugin", "nvidia-cuda-nvcc", "flax", "optax", "numpy")

Rows = Iterator[tuple[str, str, list[dict[str, Any]]]]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="words in the names of cases")
    parser.add_argument("--out", type=Path, help=f"file of the results, else {RESULTS.name} of the repository")
    parser.add_argument("--show", action="store_true", help="print the table of the last run again")
    return parser.parse_args()


def _rows(words: list[str]) -> Rows:
    """Group, name and blocks of each case."""
    from benchmarks.gpu.compiled.cases import MEMORY, WORKS
    from benchmarks.gpu.compiled.programs import as_on_a_gpu, compiled, lowered, memory, traffic

    for group, cases in (("works", WORKS), ("memory", MEMORY)):
        for name in (name for name in cases if all(word in name for word in words)):
            found = []
            with as_on_a_gpu():
                for block in cases[name]():
                    program = compiled(lowered(block))
                    found.append({**memory(block, program), **(traffic(program) if group == "works" else {})})
            yield group, name, found


def _facts() -> dict[str, Any]:
    """The command, and the versions that the numbers depend on."""
    import importlib.metadata as installed
    import platform

    held = {own.name for own in installed.distributions()}
    versions = {name: installed.version(name) for name in _PACKAGES if name in held}
    card_name = card.FIGURES["device_description_str"]
    command = "python -m benchmarks.gpu.compiled"
    return {"command": command, "card": card_name, "python": platform.python_version(), "versions": versions}


def line(name: str, blocks: list[dict[str, Any]]) -> str:
    """One line of the table."""
    kernels = sorted({block["kernels"] for block in blocks if "kernels" in block})
    total = {key: sum(block.get(key, 0) for block in blocks) for key in ("bytes", "temporary", "stated", "needed")}
    step = f"{total['bytes'] / 1e9:7.3f}" if kernels else " " * 7
    span = "-".join(str(count) for count in dict.fromkeys((kernels[0], kernels[-1]))) if kernels else ""
    ratio = total["stated"] / total["needed"]
    return f"{name:30s} {len(blocks):6d} {span:>8s} {step} {total['temporary'] / 1e9:8.3f} {ratio:15.2f}"


def _print(rows: Rows) -> dict[str, Any]:
    """Print the table as its rows come, and return them by group."""
    found: dict[str, Any] = {"works": {}, "memory": {}}
    print("case                           blocks  kernels GB/step  temp GB   stated/needed")
    for group, name, blocks in rows:
        found[group][name] = blocks
        print(line(name, blocks), flush=True)
    return found


def _measure(words: list[str], out: Path | None) -> None:
    """Compile the cases, print their table and write it."""
    if card.plug_in() is None:
        raise SystemExit(card.MISSING)
    card.settle()
    report = {**_facts(), **_print(_rows(words))}
    if out or not words:
        (out or RESULTS).write_text(json.dumps(report, indent=1) + "\n")


def main() -> None:
    options = _arguments()
    if options.show:
        report = json.loads((options.out or RESULTS).read_text())
        _print((group, *row) for group in ("works", "memory") for row in report[group].items())
    else:
        _measure(options.only, options.out)


if __name__ == "__main__":
    main()
