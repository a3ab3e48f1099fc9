"""``memjax studies``: list the studies, or open an index page of their reports."""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path

from memjax.checks.file_names import absolute, shown
from memjax.cli.output import say

__all__ = ["carry_out"]


def carry_out(options: argparse.Namespace) -> int:
    """List the studies, or open the index page; returns the exit code."""
    from memjax.studies.kit.find import overview
    from memjax.studies.kit.index import write_index

    if options.open:
        _open(write_index(absolute("--runs", options.runs)))
    else:
        say(overview())
    return 0


def _open(page: Path) -> None:
    say(f"Wrote {shown(page)}")
    if not webbrowser.open(page.as_uri()):
        say(f"No browser could be opened: open {page.as_uri()} yourself.")
