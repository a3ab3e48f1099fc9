"""Write experiments and axes as plain data for JSON, which ``decode.py`` reads.

An object of memjax is written as ``{"type": "tasks.RandomLabels", ...fields}``. A user's object (a function, a model,
arrays) is written as ``{"reference": "module:name", "content": digest}``. The digest covers the object's content, so
that another object of the same name is recognised.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
import json
import re
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from memjax import losses, measures, models, optimizers, penalties, schedules, stopping, subsets, tasks
from memjax.content import captured, try_content
from memjax.content.later import stated
from memjax.content.origin import written_name
from memjax.measures import Measure
from memjax.models import NNX, FunctionPair
from memjax.optimizers import Optimizer, frozen
from memjax.optimizers.wrapping import Wrapper

__all__ = ["encode", "encoded_fields", "known_types", "reference", "to_json", "without_addresses"]


@functools.cache
def known_types() -> Mapping[str, Callable[..., Any]]:
    """All types that a spec may name, by name: the dataclasses and factories that the public packages export.

    Examples
    --------
    >>> known_types()["tasks.RandomLabels"] is tasks.RandomLabels, "optimizers.from_optax" in known_types()
    (True, False)
    """
    found: dict[str, Callable[..., Any]] = {}
    for package in (tasks, subsets, stopping, models, losses, schedules, optimizers, penalties):
        for name in package.__all__:
            part = getattr(package, name)
            if _has_fields(part) and part.__module__.startswith(package.__name__):
                found[f"{package.__name__.rpartition('.')[2]}.{name}"] = part
    return types.MappingProxyType(found | {_BY_EXAMPLE: measures.by_example, _ON: _on})


_BY_EXAMPLE, _ON = "measures.by_example", "measures.on"
# These hold a user's objects, so they are written as references.
_BY_REFERENCE = (tasks.Arrays, FunctionPair, NNX, Optimizer)


def _has_fields(part: Any) -> bool:
    """Whether a spec can write an object field by field: a dataclass of plain fields, or an optimizer's factory."""
    if isinstance(part, type):
        return dataclasses.is_dataclass(part) and not issubclass(part, _BY_REFERENCE)
    return part is not optimizers.from_optax and inspect.isfunction(part) and _gives_optimizer(part)


def _gives_optimizer(factory: Callable[..., Any]) -> bool:
    return inspect.signature(factory).return_annotation in (Optimizer, "Optimizer")


def reference(thing: Any) -> str:
    """Text that names a user's object: ``module:name`` for functions and classes, else the object's repr.

    For a closure the text includes the numbers and strings that it captured: closures of one function share their name.

    Examples
    --------
    >>> reference(json.dumps)
    'json:dumps'
    >>> def power(exponent):
    ...     return lambda x: x**exponent
    >>> reference(power(2)).partition("<lambda>")[2]
    '(exponent=2)'
    """
    if hasattr(thing, "__qualname__") and hasattr(thing, "__module__"):
        return f"{written_name(str(thing.__module__))}:{thing.__qualname__}{captured(thing)}"
    if isinstance(thing, Measure | FunctionPair | NNX):
        # Their repr contains addresses of functions, which are meaningless in another process.
        inside = (reference(getattr(thing, name)) for name in stated(thing))
        return f"{type(thing).__name__}({', '.join(inside)})"
    if dataclasses.is_dataclass(thing) and any(isinstance(value, np.ndarray) for value in vars(thing).values()):
        # NumPy shortens the repr of long arrays, so different arrays could have the same repr.
        held = (f"{name}={_array_text(value)}" for name, value in vars(thing).items())
        return repr(thing) if "sha256=" in repr(thing) else f"{type(thing).__qualname__}({', '.join(held)})"
    return repr(thing)


def without_addresses(text: str) -> str:
    """A reference without memory addresses, which differ between processes.

    Examples
    --------
    >>> without_addresses("functools.partial(<function f at 0x7f01>, 3)")
    'functools.partial(<function f>, 3)'
    """
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def _array_text(value: Any) -> str:
    """Text for an array: shape, dtype and SHA-256; for anything else its repr."""
    if not isinstance(value, np.ndarray):
        return repr(value)
    content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:32]
    return f"array({list(value.shape)}, {value.dtype}, sha256={content})"


def encode(value: Any, objects: list[Any] | None = None) -> Any:
    """Plain data for a value of a field, as `read_experiment` and `read_over` read it.

    Parameters
    ----------
    value
        Anything a field can hold.
    objects
        The user's objects to which the data refer are appended to this list.

    Examples
    --------
    >>> encode((1, 2.5)), encode(np.tanh)["reference"], sorted(encode(np.tanh))
    ([1, 2.5], 'numpy:tanh', ['content', 'reference'])
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    value = frozen.freeze(value) if isinstance(value, dict) else value
    if isinstance(value, frozen.Tree):
        return {"type": "tree", "kind": value.kind, "entries": encode(value.entries, objects)}
    if isinstance(value, tuple | list):
        return [encode(item, objects) for item in value]
    if isinstance(value, measures.Measure):
        return _encode_measure(value, objects)
    if isinstance(value, measures.ByExample):
        fields = {"measure": value.measure, "on": value.splits, "dtype": value.dtype}
        fields |= {} if value.over is None else {"over": value.over}
        fields |= {"at": value.at} if value.presented else {}
        return {"type": _BY_EXAMPLE, **{name: encode(item, objects) for name, item in fields.items()}}
    if isinstance(value, Optimizer):
        return _encode_optimizer(value, objects)
    for name, kind in known_types().items():
        if type(value) is kind:
            # Fields that name files do not contain the content of the files.
            files = getattr(value, "content", None)
            noted = {} if files is None else {"content": files}
            return {
                "type": name,
                **{field: encode(getattr(value, field), objects) for field in stated(value)},
                **noted,
            }
    return _encode_reference(value, objects)


def _encode_measure(measure: Measure, objects: list[Any] | None) -> Any:
    known = measures.BUILT_IN.get(measure.name)
    if known == measure:
        return measure.name
    if known is not None and known.on(*measure.splits) == measure:
        return {"type": _ON, "measure": measure.name, "splits": list(measure.splits)}
    return _encode_reference(measure, objects)


def _on(measure: str, splits: tuple[str, ...]) -> Measure:
    """A built-in measure on other splits, as a spec writes it."""
    (found,) = measures.settle([measure])
    return found.on(*splits)


def _encode_reference(thing: Any, objects: list[Any] | None) -> dict[str, Any]:
    """Name and content of a user's object, without content if it cannot be read."""
    if objects is not None:
        objects.append(thing)
    held = try_content(thing)
    return {"reference": reference(thing), **({} if held is None else {"content": held})}


def _encode_optimizer(optimizer: Optimizer, objects: list[Any] | None) -> dict[str, Any]:
    hyper = {name: encode(value, objects) for name, value in optimizer.hyperparameters.items()}
    if isinstance(optimizer.factory, Wrapper):
        own = {name: hyper[name] for name in optimizer.factory.own}
        others = {name: value for name, value in optimizer.hyperparameters.items() if name not in own}
        inner = Optimizer(optimizer.factory.inner, others)
        kind = f"optimizers.{optimizer.factory.name}"
        return {"type": kind, "optimizer": _encode_optimizer(inner, objects), **own}
    if optimizer.built_in:
        return {"type": f"optimizers.{optimizer.name}", **hyper}
    own = {} if optimizer.evaluate is None else {"evaluate": _encode_reference(optimizer.evaluate, objects)}
    return {"type": "optimizers.from_optax", "factory": _encode_reference(optimizer.factory, objects), **own, **hyper}


def to_json(experiment: Any) -> str:
    """Write an experiment as JSON text, with every field.

    Examples
    --------
    >>> from memjax import Experiment
    >>> json.loads(to_json(Experiment()))["optimizer"]["learning_rate"]
    0.001
    """
    return json.dumps(encoded_fields(experiment), indent=1)


def encoded_fields(experiment: Any, objects: list[Any] | None = None) -> dict[str, Any]:
    """Every field of an experiment as plain data; ``objects`` as in `encode`."""
    return {field: encode(getattr(experiment, field), objects) for field in stated(experiment)}
