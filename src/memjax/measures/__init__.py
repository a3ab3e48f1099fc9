"""Measures: pure functions of parameters, apply function and examples; recorded while training, or run on snapshots."""

from collections.abc import Callable, Iterable
from typing import Any

# The order of these imports is the order of the names in messages about an unknown measure.
# isort: off
from memjax.measures.recorded.loss import loss, step_loss
from memjax.measures.recorded.accuracy import accuracy, sign_accuracy
from memjax.measures.recorded.norms import weight_l2, layer_l2
from memjax.measures.recorded.last_layer import last_layer_l2, l2_of
from memjax.measures.recorded.log_probability import log_probability
from memjax.measures.recorded.gradient import gradient_norm
from memjax.measures.recorded.bits import memorized_bits
from memjax.measures.recorded.margin import logit_margin
from memjax.measures.recorded.sharpness import sharpness, hessian_top
from memjax.measures.recorded.cosine import gradient_cosine, batch_gradient_cosine
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
from memjax.measures.measure import Measure
from memjax.measures.names import as_measures
from memjax.measures.on_snapshots.hidden_layers import dimensionality
from memjax.measures.on_snapshots.modular_fourier import modular_fourier
from memjax.measures.on_snapshots.snapshot_measure import SnapshotMeasure, Variable
from memjax.measures.sampled.llc import LLC, llc
from memjax.measures.sampled.settings import VERDICTS

BUILT_IN = {part.name: part for part in tuple(vars().values()) if isinstance(part, Measure)}
"""The measures that this package exports, by name: an experiment can give these names in ``measures``."""


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


__all__ = [
    "BUILT_IN",
    "LLC",
    "VERDICTS",
    "HiddenSpace",
    "Measure",
    "SnapshotMeasure",
    "Variable",
    "accuracy",
    "batch_gradient_cosine",
    "data_dimensionality",
    "dimensionality",
    "feature_change",
    "feature_dimensionality",
    "fourier_basis",
    "fourier_power",
    "gini",
    "gradient_cosine",
    "gradient_norm",
    "hessian_top",
    "hidden_space",
    "inverse_participation_ratio",
    "l2_of",
    "last_layer_l2",
    "layer_l2",
    "llc",
    "log_probability",
    "logit_margin",
    "loss",
    "maximal_direction",
    "memorized_bits",
    "modular_fourier",
    "settle",
    "sharpness",
    "sign_accuracy",
    "step_loss",
    "weight_l2",
]
