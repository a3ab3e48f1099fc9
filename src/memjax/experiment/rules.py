"""Checks of a request on the host: fields of a run that must agree, and the arguments of the public functions.

Single fields are checked in ``experiment.py``, and the user's functions in ``engine/program/output_shapes.py`` and
``engine/program/contracts.py``.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from memjax.checks.file_names import absolute
from memjax.errors import InputError
from memjax.experiment.experiment import Experiment
from memjax.experiment.fitting import check_fit
from memjax.experiment.train_size import is_fresh
from memjax.models.inputs import check_inputs

__all__ = ["check_executor", "check_experiment", "check_run", "check_store"]

_MOST_EXAMPLES = 10**15


def check_experiment(verb: str, experiment: Any) -> None:
    """Raise `InputError` unless ``experiment`` is an experiment; ``verb`` names the public function."""
    if not isinstance(experiment, Experiment):
        raise InputError(f"{verb} got {experiment!r}: give a memjax.Experiment.")


def check_run(experiment: Experiment) -> None:
    """Raise `InputError` where the fields of one run contradict each other."""
    experiment.optimizer.check_steps(experiment.steps)
    check_inputs(experiment.model, experiment.task)
    check_fit(experiment)
    train_size, _ = experiment.sizes()
    if experiment.batch_size is not None and experiment.batch_size > train_size and not is_fresh(experiment):
        raise InputError(
            f"batch_size is {experiment.batch_size}, larger than train_size = {train_size}: lower it, or use None for "
            "full batch."
        )
    _check_sizes(experiment)


def _check_sizes(experiment: Experiment) -> None:
    """Raise `InputError` for sizes beyond the memory of any machine, which would also overflow the arrays of a plan."""
    most = max(*experiment.sizes(), experiment.batch_size or 0)
    if most > _MOST_EXAMPLES:
        raise InputError(
            f"A run has {most} examples in one split, more than the {_MOST_EXAMPLES} that any machine could "
            "hold: lower train_size, test_size or batch_size."
        )


def check_store(store: Any, shard: Any, repair: bool, keep_state: bool = False) -> Path | None:
    """Absolute path of a store's folder, None without a store.

    Raises `InputError` for an invalid store or shard, and for a shard, ``repair`` or ``keep_state`` without a store.
    """
    if store is not None and not isinstance(store, str | os.PathLike):
        raise InputError(f"store is {store!r}: give the name of a folder.")
    if repair and store is None:
        raise InputError("repair needs a store: give store=folder, or leave repair out.")
    if keep_state and store is None:
        raise InputError("keep_state needs a store: give store=folder, or leave keep_state out.")
    if shard is not None:
        _check_shard(store, shard)
    # Resolve the path before planning: a later chdir must not move the store.
    return None if store is None else absolute("store", store)


def _check_shard(store: Any, shard: Any) -> None:
    fits = isinstance(shard, tuple) and len(shard) == 2 and all(type(number) is int for number in shard)
    if not fits or not 0 <= shard[0] < shard[1]:
        raise InputError(f"shard is {shard!r}: give (i, n) with i from 0 to n - 1, such as (0, 4).")
    if store is None:
        raise InputError("shard needs a store: give store=folder, the same folder to every shard.")


def check_executor(executor: Any) -> None:
    """Raise `InputError` for an object that is not an executor, or an executor that forks this process."""
    if not callable(getattr(executor, "submit", None)):
        raise InputError(
            f"executor is {executor!r}: give an object with submit, such as dask.distributed.Client().get_executor()."
        )
    context = getattr(executor, "_mp_context", None)
    if isinstance(executor, ProcessPoolExecutor) and context and context.get_start_method() == "fork":
        raise InputError(
            "executor forks this process, which stops JAX's threads midway: make it with "
            "ProcessPoolExecutor(mp_context=multiprocessing.get_context('spawn'))."
        )
