"""``memjax run``: train the sweep of a TOML or JSON file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memjax.checks.file_names import absolute, shown
from memjax.cli.cache import start_cache
from memjax.cli.output import say
from memjax.cli.spec import read_spec
from memjax.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from memjax.experiment import Experiment

__all__ = ["carry_out"]


def carry_out(options: argparse.Namespace) -> int:
    """Run the sweep that the options name; returns the exit code."""
    from memjax.explain import explain
    from memjax.studies.kit.folder import new_folder
    from memjax.sweep import sweep

    shard = _shard(options.shard)
    experiment, over = _request(options.spec)
    _check(options, shard)
    if options.dry_run:
        say(explain(experiment, over, progress=options.progress))
        return 0
    target = None if options.out is None else new_folder(options.out)
    start_cache(options)
    store = None if options.store is None else absolute("--store", options.store)
    kept: dict[str, Any] = {"store": store, "repair": options.repair, "keep_state": options.keep_state}
    dataset = sweep(experiment, over, **kept, shard=shard, progress=options.progress)
    if store:
        from memjax.store.read import progress

        say(progress(store))
    if target:
        _write(target, dataset)
    return 0


def _check(options: argparse.Namespace, shard: tuple[int, int] | None) -> None:
    """Raise `InputError` where the options name no folder, or one that does not fit a shard."""
    if options.out is None and options.store is None and not options.dry_run:
        raise InputError(
            "run has no folder to write to: give --out DIR, --store DIR, or --dry-run to see the plan only."
        )
    if shard and options.out is not None:
        raise InputError(
            "--out writes a whole dataset, and a shard makes a part: give --store only, and open the store."
        )


def _request(name: str) -> tuple[Experiment, dict[Any, Any]]:
    """Experiment and axes of a file."""
    from memjax.experiment.read import read_experiment, read_over

    spec = read_spec(absolute("SPEC", name), name)
    unknown = sorted(set(spec) - {"experiment", "over"})
    if unknown:
        raise InputError(f"{name} has the tables {unknown}, which are not known: use experiment and over.")
    return read_experiment(spec.get("experiment", {})), read_over(spec.get("over", {}))


def _write(target: Path, dataset: xr.Dataset) -> None:
    """Write the dataset first, which must not be lost, and then its report."""
    from memjax.report.report import report
    from memjax.studies.kit.folder import save_folder

    save_folder(target, {"dataset": dataset})
    page = report(dataset, target)
    say(f"Wrote {shown(target)}: dataset.nc, {page.name}")


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    number, _, shards = text.partition("/")
    if not number.isdecimal() or not shards.isdecimal():
        raise InputError(f"--shard is {text!r}: give I/N, counted from 0, such as 0/4.")
    return int(number), int(shards)
