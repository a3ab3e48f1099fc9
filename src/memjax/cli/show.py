"""``memjax show``: what a dataset holds, or how far a store is."""

from __future__ import annotations

import argparse

from memjax.checks.file_names import absolute
from memjax.cli.output import say

__all__ = ["carry_out"]


def carry_out(options: argparse.Namespace) -> int:
    """Describe the dataset or the store that the options name; returns the exit code."""
    from memjax.results.summary import summary
    from memjax.store.folder import is_store
    from memjax.store.open import open_dataset
    from memjax.store.read import progress

    folder = absolute("DIR", options.folder)
    say(progress(folder) if is_store(folder) else summary(open_dataset(folder)))
    return 0
