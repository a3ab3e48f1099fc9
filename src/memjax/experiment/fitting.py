"""Checks of a run that is fitted in closed form, or whose model can only be fitted so."""

from __future__ import annotations

from memjax import losses, models
from memjax.errors import InputError, listing
from memjax.experiment.experiment import Experiment
from memjax.optimizers.closed import is_closed_form
from memjax.types import FittedModel

__all__ = ["check_fit"]


def check_fit(experiment: Experiment) -> None:
    """Raise `InputError` where a model cannot be fitted as a run asks, or cannot be trained by gradient descent."""
    if is_closed_form(experiment.optimizer):
        _check_model(experiment)
        _check_one_step(experiment)
    elif not getattr(experiment.model, "by_gradient", True):
        raise InputError(
            f"The model {experiment.model!r} has no gradient, so {experiment.optimizer.name} cannot train it: give "
            "optimizer=memjax.optimizers.closed_form() and steps=1."
        )


def _check_model(experiment: Experiment) -> None:
    model = experiment.model
    if not isinstance(model, FittedModel):
        fitted = [name for name in models.__all__ if hasattr(getattr(models, name), "fit")]
        raise InputError(
            f"The optimizer closed_form() asks the model for a fit, which {model!r} does not have: use {listing(fitted)} of "
            "memjax.models, a model of your own with fit(params, examples), or an optimizer with steps, such as adam(1e-3)."
        )
    minimises = getattr(model, "minimises", None)
    if minimises is not None and losses.get(experiment.loss) not in [losses.get(name) for name in minimises]:
        raise InputError(
            f"loss is {experiment.loss!r}, which the fit of {type(model).__name__} does not minimise: use one of "
            f"{listing(minimises)}, of which one_hot_mse is for labels."
            if "one_hot_mse" in minimises
            else f"loss is {experiment.loss!r}, which the fit of {type(model).__name__} does not minimise: use one of "
            f"{listing(minimises)}."
        )
    if hasattr(model, "check_fit"):
        model.check_fit(experiment.sizes()[0])


def _check_one_step(experiment: Experiment) -> None:
    if experiment.penalty is not None:
        raise InputError(
            f"penalty is {experiment.penalty!r}, but closed_form() fits the model without a gradient, to which a penalty could "
            "add: use penalty = None, and a model whose fit has a penalty, such as LeastSquares with its ridge."
        )
    for name, only in (("steps", 1), ("batch_size", None), ("loss_scale", 1)):
        if getattr(experiment, name) != only:
            raise InputError(
                f"{name} is {getattr(experiment, name)!r}, but closed_form() fits the model to all train examples at once, in "
                f"one step and without a gradient: use {name} = {only}."
            )
