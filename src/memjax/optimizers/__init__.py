"""Optimizers: optax transformations whose numbers are traced, so that sweeping one compiles nothing.

Each factory returns an `Optimizer`, a named set of hyperparameters; the optax transformation is built from it inside
the compiled step, with the swept numbers in place. ``l2`` is coupled (added to the gradient before the optimizer sees
it, as PyTorch's ``Adam(weight_decay=...)``); ``weight_decay`` of `adamw` is decoupled (Loshchilov and Hutter 2019).
"""

from memjax.optimizers.averaging import averaged, schedule_free
from memjax.optimizers.closed import closed_form
from memjax.optimizers.constraint import norm_constrained
from memjax.optimizers.factories import adam, adamw, rmsprop, sgd
from memjax.optimizers.noise import langevin, sgld
from memjax.optimizers.optimizer import Optimizer, from_optax
from memjax.optimizers.private import dp_sgd
from memjax.optimizers.quasi_newton import lbfgs
from memjax.optimizers.sharpness_aware import sam
from memjax.schedules import constant, cosine, linear, warmup, warmup_cosine

__all__ = [
    "Optimizer",
    "adam",
    "adamw",
    "averaged",
    "closed_form",
    "constant",
    "cosine",
    "dp_sgd",
    "from_optax",
    "langevin",
    "lbfgs",
    "linear",
    "norm_constrained",
    "rmsprop",
    "sam",
    "schedule_free",
    "sgd",
    "sgld",
    "warmup",
    "warmup_cosine",
]
