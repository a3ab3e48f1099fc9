"""Losses: one value per example, from outputs and targets, or from layers of the network as well."""

from memjax.losses.large_margin import LargeMargin
from memjax.losses.named import get
from memjax.losses.of_outputs import (
    cross_entropy,
    cross_entropy_exact,
    hinge,
    is_label,
    mse,
    one_hot_mse,
    sse,
)
from memjax.losses.seeing import of_examples

__all__ = [
    "LargeMargin",
    "cross_entropy",
    "cross_entropy_exact",
    "get",
    "hinge",
    "is_label",
    "mse",
    "of_examples",
    "one_hot_mse",
    "sse",
]
