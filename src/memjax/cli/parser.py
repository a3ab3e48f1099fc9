"""What can be typed after ``memjax``: the commands and their options."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = ["parser"]


def _add_common(parser: argparse.ArgumentParser, **default: Any) -> None:
    parser.add_argument("--version", action="store_true", help="print the version and exit", **default)
    parser.add_argument("--no-cache", action="store_true", help="do not keep compiled programs on disk", **default)
    parser.add_argument(
        "--cache", metavar="DIR", help="folder for compiled programs (default: the user's cache folder)", **default
    )


def parser() -> argparse.ArgumentParser:
    """Parser of the command line, with one command for each file of this package that carries it out."""
    whole = argparse.ArgumentParser(prog="memjax", description="Vectorised sweeps of small networks in JAX.")
    _add_common(whole)
    verbs = whole.add_subparsers(dest="verb")
    study = verbs.add_parser("study", help="run a published experiment: data, figures, published numbers beside ours")
    study.add_argument("name")
    study.add_argument(
        "--scale", help="one of the study's scales, as memjax studies lists them; the first, quick, by default"
    )
    study.add_argument("--seeds", type=int, metavar="K", help="number of seeds")
    study.add_argument("--out", metavar="DIR", help="folder to make (default: runs/NAME-SCALE)")
    study.add_argument("--again", metavar="DIR", help="make a folder's tables and figures again, without training")
    studies = verbs.add_parser("studies", help="list the studies and their scales")
    studies.add_argument(
        "--open", action="store_true", help="make an index page of all reports, and open it in a browser"
    )
    studies.add_argument("--runs", metavar="DIR", default="runs", help="folder of the reports (default: runs)")
    run = verbs.add_parser("run", help="run the sweep of a TOML or JSON file")
    run.add_argument("spec", metavar="SPEC")
    run.add_argument("--out", metavar="DIR", help="folder to make, with dataset.nc and report.html")
    run.add_argument("--shard", metavar="I/N", help="train the I-th of N shares, from 0, of a store that N share")
    run.add_argument("--repair", action="store_true", help="put damaged parts of the store aside and train them again")
    run.add_argument("--keep-state", action="store_true", help="keep the final states, from which more steps go on")
    run.add_argument("--dry-run", action="store_true", help="print the plan and its cost, and train nothing")
    show = verbs.add_parser("show", help="say what a dataset holds, or how far a store is")
    show.add_argument("folder", metavar="DIR")
    for verb in (study, run):
        verb.add_argument(
            "--store", metavar="DIR", help="folder that keeps what is done; the same command goes on from it"
        )
        verb.add_argument(
            "--progress", action=argparse.BooleanOptionalAction, default=True,
            help="show the runs done and the time left on stderr: a bar in a terminal, a line a minute in a log",
        )  # fmt: skip
    for verb in verbs.choices.values():
        # A default here would overwrite an option that stands before the command.
        _add_common(verb, default=argparse.SUPPRESS)
    return whole
