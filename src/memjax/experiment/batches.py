"""How the steps of a run take train examples: in epochs without replacement, or each example by chance."""

from __future__ import annotations

from typing import Any

from memjax.checks.values import one_of
from memjax.errors import InputError
from memjax.experiment.train_size import is_fresh

__all__ = ["check_batches"]


def check_batches(experiment: Any) -> None:
    """Raise `InputError` for unknown batches, and for Poisson batches without a size or without a train set."""
    one_of("batches", experiment.batches, ("epochs", "poisson"))
    if experiment.batches == "epochs":
        return
    if experiment.batch_size is None:
        raise InputError(
            "batches is 'poisson', but batch_size is None: give the number of examples that a step takes in the mean."
        )
    if is_fresh(experiment):
        raise InputError(
            "batches is 'poisson', but with train_size = 'fresh' there is no train set to take examples from: leave batches "
            "out, or give a number as train_size."
        )
