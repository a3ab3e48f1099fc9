"""Measures: pure functions of parameters, apply function and examples; recorded while training, or run on snapshots."""

from memjax.measures.accuracy import accuracy
from memjax.measures.bits import memorized_bits
from memjax.measures.cosine import batch_gradient_cosine, gradient_cosine
from memjax.measures.gradient import gradient_norm
from memjax.measures.hidden_layers import dimensionality
from memjax.measures.leverage import (
    HiddenSpace,
    data_dimensionality,
    feature_dimensionality,
    hidden_space,
    maximal_direction,
)
from memjax.measures.loss import loss
from memjax.measures.margin import logit_margin
from memjax.measures.measure import Measure, settle
from memjax.measures.norms import layer_l2, weight_l2
from memjax.measures.sharpness import hessian_top, sharpness

BUILT_IN = {
    measure.name: measure
    for measure in (
        loss,
        accuracy,
        weight_l2,
        layer_l2,
        gradient_norm,
        memorized_bits,
        logit_margin,
        sharpness,
        gradient_cosine,
    )
}

__all__ = [
    "BUILT_IN",
    "HiddenSpace",
    "Measure",
    "accuracy",
    "batch_gradient_cosine",
    "data_dimensionality",
    "dimensionality",
    "feature_dimensionality",
    "gradient_cosine",
    "gradient_norm",
    "hessian_top",
    "hidden_space",
    "layer_l2",
    "logit_margin",
    "loss",
    "maximal_direction",
    "memorized_bits",
    "settle",
    "sharpness",
    "weight_l2",
]
