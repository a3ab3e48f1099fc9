"""How names and plain functions become models of curves."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from memjax.analysis.fits.curve_models import CurveModel
from memjax.analysis.fits.laws import LAWS

__all__ = ["curve_model", "parameter_names"]

FloatArray = npt.NDArray[np.float64]


def curve_model(
    model: str | CurveModel | Callable[..., FloatArray], start: Mapping[str, float] | None = None
) -> CurveModel:
    """Turn a name or a plain function into a model.

    Parameters
    ----------
    model
        Name of a built-in model, a model, or ``function(x, a, b, ...)``, whose arguments name the parameters.
    start
        Where to start, for a plain function.

    Returns
    -------
    CurveModel
        The model.

    Raises
    ------
    ValueError
        If the name is unknown, or the starts do not fit the parameters.

    Examples
    --------
    >>> curve_model("offset power law").formula
    'amplitude * x**exponent + offset'
    >>> curve_model(lambda x, a, b: a + b * x, {"a": 0.0, "b": 1.0}).parameters
    ('a', 'b')
    """
    if isinstance(model, CurveModel):
        return model
    if isinstance(model, str):
        if model not in LAWS:
            raise ValueError(f"model = {model!r} is not known: use one of {list(LAWS)}, or give a function.")
        return LAWS[model]
    if not callable(model):
        raise ValueError(f"model = {model!r} is neither a name, nor a CurveModel, nor a function of x and parameters.")
    names = parameter_names(model)
    name = getattr(model, "__name__", "function").replace("<lambda>", "function")
    return CurveModel(name, model, names, f"{name}(x, {', '.join(names)})", start or {})


def parameter_names(model: CurveModel | Callable[..., FloatArray]) -> tuple[str, ...]:
    """Names of the parameters of a model, or of the arguments of a function after x.

    Examples
    --------
    >>> parameter_names(lambda x, a, b: a + b * x)
    ('a', 'b')
    """
    return model.parameters if isinstance(model, CurveModel) else tuple(inspect.signature(model).parameters)[1:]
