"""The closed-form fit as an optimizer of one step: the model computes its own parameters from the train examples."""

from __future__ import annotations

from typing import Any

import optax

from memjax.optimizers.optimizer import Optimizer

__all__ = ["closed_form", "is_closed_form"]


def _closed_form() -> optax.GradientTransformation:
    # The engine asks the model for its parameters, and takes no gradient: there is no update.
    return optax.set_to_zero()


def closed_form() -> Optimizer:
    """Fit the model in closed form: its only step replaces the parameters by ``model.fit(params, examples)``.

    The model must be a `memjax.types.FittedModel`, such as `memjax.models.LeastSquares` or `memjax.models.NearestNeighbors`.
    The experiment has ``steps=1`` and ``record_every=1``, no ``batch_size`` and no ``loss_scale``. Record 0 is the model before
    the fit and record 1 is the fitted model. There is nothing to tune, so the optimizer has no hyperparameters.

    Raises
    ------
    InputError
        When a sweep is planned: if the model has no fit or does not minimise the loss, or the experiment has more than one
        step, minibatches, or a factor of the loss.

    Examples
    --------
    >>> closed_form()
    closed_form()
    """
    return Optimizer(_closed_form)


def is_closed_form(optimizer: Any) -> bool:
    """Whether an optimizer asks the model for its fit.

    Examples
    --------
    >>> from memjax.optimizers import adam
    >>> is_closed_form(closed_form()), is_closed_form(adam())
    (True, False)
    """
    return optimizer.factory is _closed_form
