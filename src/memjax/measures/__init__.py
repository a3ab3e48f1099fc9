"""Measures: pure functions of parameters, apply function and examples; recorded while training, or run on snapshots."""

from memjax.measures.accuracy import accuracy, sign_accuracy
from memjax.measures.bits import memorized_bits
from memjax.measures.cosine import batch_gradient_cosine, gradient_cosine
from memjax.measures.features import feature_change, l2_of, last_layer_l2
from memjax.measures.fourier import fourier_basis, fourier_power, gini, inverse_participation_ratio
from memjax.measures.gradient import gradient_norm
from memjax.measures.hidden_layers import dimensionality
from memjax.measures.leverage import (
    HiddenSpace,
    data_dimensionality,
    feature_dimensionality,
    hidden_space,
    maximal_direction,
)
from memjax.measures.log_probability import log_probability
from memjax.measures.loss import loss, step_loss
from memjax.measures.margin import logit_margin
from memjax.measures.measure import Measure, settle
from memjax.measures.modular_fourier import modular_fourier
from memjax.measures.norms import layer_l2, weight_l2
from memjax.measures.sampled.llc import LLC, VERDICTS, llc
from memjax.measures.sharpness import hessian_top, sharpness

BUILT_IN = {
    measure.name: measure
    for measure in (
        loss,
        step_loss,
        accuracy,
        sign_accuracy,
        weight_l2,
        layer_l2,
        last_layer_l2,
        log_probability,
        gradient_norm,
        memorized_bits,
        logit_margin,
        sharpness,
        gradient_cosine,
    )
}

__all__ = [
    "BUILT_IN",
    "LLC",
    "VERDICTS",
    "HiddenSpace",
    "Measure",
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
