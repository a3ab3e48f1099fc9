"""Measures: pure functions of parameters, apply function and examples; recorded while training, or run on snapshots."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

# The order of these imports is the order of the names in messages about an unknown measure.
# isort: off
from memjax.measures.recorded.loss import loss, step_loss
from memjax.measures.recorded.accuracy import accuracy, sign_accuracy
from memjax.measures.recorded.norms import weight_l2, layer_l2, distance_from_init
from memjax.measures.recorded.last_layer import last_layer_l2, l2_of
from memjax.measures.recorded.log_probability import log_probability
from memjax.measures.recorded.entropy import prediction_entropy
from memjax.measures.recorded.gradient import gradient_norm
from memjax.measures.recorded.bits import memorized_bits
from memjax.measures.recorded.margin import logit_margin
from memjax.measures.recorded.log_odds import log_odds, el2n
from memjax.measures.recorded.sharpness import sharpness, hessian_top
from memjax.measures.recorded.cosine import gradient_cosine, batch_gradient_cosine
from memjax.measures.recorded.penalty import penalty
from memjax.measures.recorded.sensitivity import loss_sensitivity
# isort: on

from memjax.measures.arrays.features import feature_change
from memjax.measures.arrays.fourier import fourier_basis, fourier_power, gini, inverse_participation_ratio
from memjax.measures.arrays.leverage import (
    HiddenSpace,
    data_dimensionality,
    feature_dimensionality,
    hidden_space,
    maximal_direction,
)
from memjax.measures.attributions.attribution import gradient_dot, influence_functions, trak
from memjax.measures.by_example import ByExample, by_example_of
from memjax.measures.measure import Measure
from memjax.measures.names import as_measures
from memjax.measures.on_snapshots.class_sensitivity import class_sensitivity
from memjax.measures.on_snapshots.critical_samples import critical_sample_ratio
from memjax.measures.on_snapshots.gradient_noise import gradient_noise
from memjax.measures.on_snapshots.hidden_layers import dimensionality
from memjax.measures.on_snapshots.input_jacobian import input_jacobian
from memjax.measures.on_snapshots.iterated_maps import iterate, iterated_maps
from memjax.measures.on_snapshots.margins import margins
from memjax.measures.on_snapshots.modular_fourier import modular_fourier
from memjax.measures.on_snapshots.norm_complexity import norm_complexity
from memjax.measures.on_snapshots.pac_bayes import pac_bayes
from memjax.measures.on_snapshots.snapshot_measure import SnapshotMeasure, Variable
from memjax.measures.sampled.llc import LLC, llc
from memjax.measures.sampled.settings import VERDICTS

BUILT_IN = {part.name: part for part in tuple(vars().values()) if isinstance(part, Measure)}
"""The measures that this package exports, by name: an experiment can give these names in ``measures``.

Examples
--------
>>> import memjax as mj
>>> mj.measures.BUILT_IN["el2n"] is mj.measures.el2n
True
>>> [name for name, measure in mj.measures.BUILT_IN.items() if measure.units == "bits"]
['memorized_bits']
"""


def settle(measures: Iterable[str | Measure | Callable[..., Any]]) -> tuple[Measure, ...]:
    """Turn names of built-in measures and plain functions into measures.

    Raises
    ------
    InputError
        If a name is unknown, two measures share a name, or something is not a function.

    Examples
    --------
    >>> [measure.name for measure in settle(["loss", "weight_l2"])]
    ['loss', 'weight_l2']
    """
    return as_measures(measures, BUILT_IN)


def by_example(
    measure: str | Measure,
    on: str | Iterable[str] = ("data",),
    dtype: str | None = None,
    over: str | None = None,
    at: str | None = None,
) -> ByExample:
    """Keep the value of a per-example measure for every single example, as an entry of an experiment's ``examples``.

    Parameters
    ----------
    measure
        Name of a built-in measure, such as ``correct``, ``loss``, ``logit_margin`` or ``log_odds``, or a `Measure` with
        ``per_example``; or of a usual fold: ``first_learnt`` (step of the first record at which the example is right),
        ``forgetting_events`` (how often a right example is wrong at the next record; Toneva et al. 2019), or ``aum`` (mean
        logit margin over records; Pleiss et al. 2020). With ``presented_`` before its name, the fold is over presentations.
    on
        Names of splits: ``data`` (all rows of the data set), ``test``, or others that `Measure.on` knows.
    dtype
        ``float32``, ``float16``, or ``bool`` (whether the value is positive); None takes bool for ``correct``, else float32.
    over
        Fold over the records after step 0, which holds no record of single examples: ``mean``, ``first`` (step of the first
        record with a positive value, NaN if there is none) or ``drops`` (how often a positive value is not positive at the
        next record). None takes the value at the steps of ``examples_at``.
    at
        ``records``, or ``presentations``: then the fold is over the training steps whose minibatch holds the example. The value
        at a presentation is that of the step's own forward pass before its update, with dropout if the model has any, and
        its step counts from 1. Rows on which a run does not train are NaN. None takes ``records``, unless the name of the
        fold says ``presented_``.

    Raises
    ------
    InputError
        If the measure is unknown or has no value for every example, or ``dtype``, ``over`` or ``at`` is not allowed.

    Examples
    --------
    >>> by_example("log_odds", on=("data", "test"), dtype="float16").variable("test")
    'test_example_log_odds'
    >>> by_example("correct", over="drops", at="presentations") == by_example("presented_forgetting_events")
    True
    """
    (found,) = by_example_of([measure], BUILT_IN)
    splits = (on,) if isinstance(on, str) else tuple(on)
    folded = found.over if over is None else over
    own = "float32" if folded is not None else found.dtype
    when = found.at if at is None else at
    return replace(found, splits=splits, dtype=own if dtype is None else dtype, over=folded, at=when)


__all__ = [
    "BUILT_IN",
    "LLC",
    "VERDICTS",
    "ByExample",
    "HiddenSpace",
    "Measure",
    "SnapshotMeasure",
    "Variable",
    "accuracy",
    "batch_gradient_cosine",
    "by_example",
    "class_sensitivity",
    "critical_sample_ratio",
    "data_dimensionality",
    "dimensionality",
    "distance_from_init",
    "el2n",
    "feature_change",
    "feature_dimensionality",
    "fourier_basis",
    "fourier_power",
    "gini",
    "gradient_cosine",
    "gradient_dot",
    "gradient_noise",
    "gradient_norm",
    "hessian_top",
    "hidden_space",
    "influence_functions",
    "input_jacobian",
    "inverse_participation_ratio",
    "iterate",
    "iterated_maps",
    "l2_of",
    "last_layer_l2",
    "layer_l2",
    "llc",
    "log_odds",
    "log_probability",
    "logit_margin",
    "loss",
    "loss_sensitivity",
    "margins",
    "maximal_direction",
    "memorized_bits",
    "modular_fourier",
    "norm_complexity",
    "pac_bayes",
    "penalty",
    "prediction_entropy",
    "settle",
    "sharpness",
    "sign_accuracy",
    "step_loss",
    "trak",
    "weight_l2",
]
