"""First minutes on a GPU.

python -m benchmarks.gpu check --out DIR: whether memjax computes there what it computes on a CPU, in at most 210 seconds.
python -m benchmarks.gpu bench --out DIR: how fast it is, beside peers, in at most 510 seconds.
python -m benchmarks.gpu refs: write the numbers of a CPU that `check` compares with.

Every section writes DIR/results.json when it ends. With --dry everything runs on a CPU with tiny sizes.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

_BUDGETS = {"check": 210.0, "bench": 510.0}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=[*_BUDGETS, "refs"])
    parser.add_argument("--out", type=Path, help="folder of the results")
    parser.add_argument("--budget", type=float, help="seconds for all sections")
    parser.add_argument("--dry", action="store_true", help="tiny sizes, on a CPU")
    parser.add_argument("--only", nargs="+", help="names of sections")
    options = parser.parse_args()
    if options.out is None and options.command != "refs":
        parser.error("--out is missing: the folder of the results")
    return options


def _settle(options: argparse.Namespace) -> None:
    """Set what JAX reads when it is imported."""
    # A process that takes three quarters of the card at its start leaves nothing to the others.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if options.dry or options.command == "refs":
        os.environ["JAX_PLATFORMS"] = "cpu"


def main() -> None:
    options = _arguments()
    _settle(options)
    if options.command == "refs":
        from benchmarks.gpu import references

        print(f"{references.PATH.name}: {references.write()} bytes")
        return
    import jax

    from benchmarks.gpu import table
    from benchmarks.gpu.sections import Session, run

    if not options.dry and jax.default_backend() == "cpu":
        raise SystemExit("JAX sees no accelerator here: --dry tries every section on a CPU with tiny sizes.")
    options.out.mkdir(parents=True, exist_ok=True)
    budget = options.budget or _BUDGETS[options.command]
    session = Session(options.command, options.out.resolve(), budget, options.dry)
    if options.command == "check":
        from benchmarks.gpu.check import SECTIONS
    else:
        from benchmarks.gpu.bench import SECTIONS
    chosen = [section for section in SECTIONS if not options.only or section.name in options.only]
    results = run(session, chosen, lambda text: print(text, flush=True))
    print(table.text(options.command, results))


if __name__ == "__main__":
    main()
