"""``memjax study``: run a study, or make its tables and figures again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from memjax.checks.file_names import shown
from memjax.cli.cache import start_cache
from memjax.cli.output import say
from memjax.errors import InputError

if TYPE_CHECKING:
    from memjax.studies import Findings

__all__ = ["carry_out"]


def carry_out(options: argparse.Namespace) -> int:
    """Run the study that the options name; returns the exit code."""
    from memjax import studies

    study = studies.find(options.name)
    start_cache(options)
    if options.again is not None:
        _refuse_beside_again(options)
        return _show_findings(*studies.again(options.again, study=study))
    scale = options.scale or next(iter(study.scales))
    out = Path("runs") / f"{study.name}-{scale}" if options.out is None else options.out
    if scale in study.scales:
        say(f"{study.title} Scale {scale}: {study.scales[scale]}.")
    given = {"seeds": options.seeds, "store": options.store, "progress": options.progress}
    return _show_findings(*studies.run(study, out, scale=scale, **given))


def _refuse_beside_again(options: argparse.Namespace) -> None:
    given = [name for name in ("scale", "seeds", "out", "store") if getattr(options, name) is not None]
    if given:
        raise InputError(f"--again trains nothing and reads what the folder has: leave --{given[0]} out.")


def _show_findings(folder: Path, findings: Findings) -> int:
    from memjax.studies.kit.findings_text import findings_text

    say(findings_text(findings))
    say(f"\nWrote {shown(folder)}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    return 0
