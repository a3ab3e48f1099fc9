"""Checks of the fields that the built-in models share."""

from __future__ import annotations

import dataclasses
from typing import Any

from memjax.checks.values import flag, keep_numbers, keep_wholes
from memjax.models.activations import get as get_activation
from memjax.models.initializers import check as check_initializer

__all__ = ["check_shared_fields"]


def check_shared_fields(model: Any) -> None:
    """Check the shared fields of a model, and store numbers as Python numbers; call this in ``__post_init__``.

    ``outputs`` and ``num_tokens`` must be whole numbers or None, ``init_scale`` a finite number, ``bias`` True or False,
    and ``activation`` and ``initializer`` known.

    Raises
    ------
    InputError
        If a field has any other value.
    """
    has = {field.name for field in dataclasses.fields(model)}
    keep_wholes(model, {name: 1 for name in ("num_tokens", "outputs") if name in has}, optional=True)
    keep_numbers(model, has & {"init_scale"})
    if "bias" in has:
        object.__setattr__(model, "bias", flag(f"{type(model).__name__}.bias", model.bias))
    if "activation" in has:
        get_activation(model.activation)
    if "initializer" in has:
        check_initializer(model.initializer)
