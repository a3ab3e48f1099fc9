"""memjax and its peers on the same work: python -m benchmarks.sweep_throughput (--quick for a taste, --check first).

PyTorch is no dependency: pip install torch==2.13.0. Without it its peers are left out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.sweep_throughput import check, machine, plot, session, table, works
from benchmarks.sweep_throughput.peers import ONE_LANE, PEERS, Settings, why_not
from benchmarks.sweep_throughput.report import Report, load, save

_RESULTS = Path(__file__).parents[1] / "results"
_LIMIT = {"full": 60.0, "quick": 4.0}


def read_options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep_throughput", description=__doc__)
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--precision", choices=("highest", "default"), default="highest", help="of matrix products")
    parser.add_argument("--quick", action="store_true", help="four works of 100 steps, in some minutes")
    parser.add_argument("--peers", type=_names, default=tuple(PEERS), help=f"some of {','.join(PEERS)}")
    parser.add_argument("--works", type=_names, default=None, help="names of works, scale-... included")
    parser.add_argument("--repeats", type=int, default=None, help="default: 3, with --quick 1")
    parser.add_argument("--limit", type=float, default=None, help="seconds a peer may train, memjax excepted: 60, or 4")
    parser.add_argument("--out", type=Path, default=None, help="JSON to write")
    parser.add_argument("--append", action="store_true", help="add to the JSON instead of writing it anew")
    parser.add_argument("--plot", type=Path, default=None, help="PNG to write; default: beside the JSON")
    parser.add_argument("--show", type=Path, default=None, metavar="FILE", help="print and draw a JSON again")
    parser.add_argument("--check", action="store_true", help="only check that all peers train the same thing")
    return parser.parse_args(arguments)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def chosen_works(options: argparse.Namespace) -> list[works.Work]:
    """Works of the mode, or those named; a name may be any of either mode's or a scaling work."""
    scaling = works.scaling_works()
    mode = works.quick_works(options.device) if options.quick else [*works.full_works(options.device), *scaling]
    if options.works is None:
        return mode
    known = {work.name: work for work in [*mode, *scaling]}
    unknown = [name for name in options.works if name not in known]
    if unknown:
        raise SystemExit(f"There is no work {', '.join(unknown)}: choose from {', '.join(known)}.")
    return [known[name] for name in options.works]


def present_peers(options: argparse.Namespace) -> list[str]:
    """Peers that can take part; a line for each that cannot."""
    unknown = [name for name in options.peers if name not in PEERS]
    if unknown:
        raise SystemExit(f"There is no peer {', '.join(unknown)}: choose from {', '.join(PEERS)}.")
    reasons = {name: why_not(name, options.device) for name in options.peers}
    if options.device == "gpu" and not machine.torch_sees_gpu():
        unseen = "is left out: this PyTorch sees no GPU; install a build for it."
        reasons |= {name: reasons[name] or f"{name} {unseen}" for name in options.peers if PEERS[name].needs == "torch"}
    for reason in filter(None, reasons.values()):
        print(reason)
    return [name for name, reason in reasons.items() if reason is None]


def make_plan(options: argparse.Namespace, names: list[str]) -> session.Plan:
    """Peers by work: scaling works are memjax's alone, one of them also on a single lane."""
    mode = "quick" if options.quick else "full"
    pairs = [(work, _peers_of(work, names, options.device)) for work in chosen_works(options)]
    settings = Settings(options.device, options.precision)
    repeats, limit = options.repeats or (1 if options.quick else 3), options.limit or _LIMIT[mode]
    return session.Plan(tuple(pair for pair in pairs if pair[1]), repeats, limit, settings)


def _peers_of(work: works.Work, names: list[str], device: str) -> tuple[str, ...]:
    if not work.name.startswith(works.SCALING):
        return tuple(names)
    ours = [name for name in names if name == "memjax"]
    lane = [ONE_LANE] if ours and work.name.endswith("ten-sizes") and device == "cpu" else []
    return (*ours, *lane)


def show(report: Report, path: Path) -> None:
    print(table.text(report))
    plot.draw(report, path)


def main() -> int:
    options = read_options()
    if options.show is not None:
        show(load(options.show), options.plot or options.show.with_suffix(".png"))
        return 0
    facts = machine.describe(options.device)
    if options.device == "gpu" and facts["gpu"] is None:
        print("A GPU was asked for and JAX sees none: install jax[cuda13] on a machine that has one.", file=sys.stderr)
        return 2
    names = present_peers(options)
    if options.check:
        return 0 if check.check(names, Settings(options.device, options.precision)) else 1
    plan = make_plan(options, names)
    where = options.out or _RESULTS / f"sweep_throughput{'_quick' if options.quick else ''}.json"
    said = {"quick": options.quick, "device": options.device, "precision": options.precision}
    new = Report(facts, {**said, "limit": plan.limit, "peers": names})
    report = load(where) if options.append and where.exists() else new
    session.run(plan, report, lambda report: save(report, where), lambda line: print(line, flush=True))
    show(report, options.plot or where.with_suffix(".png"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
