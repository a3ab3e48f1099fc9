"""Experiments and sweeps as JSON or TOML: plain data in, plain data out, no code run from either.

An object of memjax is written as ``{"type": "tasks.RandomLabels", ...fields}``. Anything of the user's own (a function,
a model, arrays) is written as ``{"reference": "module:name"}`` and can be read back only by handing it over in
``using``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from memjax import measures, models, optimizers, schedules, tasks
from memjax.errors import InputError, listing
from memjax.experiment import Experiment
from memjax.measures import Measure
from memjax.models import NNX, FunctionPair
from memjax.optimizers import Optimizer, trees
from memjax.optimizers.constraint import NormConstrained
from memjax.suggestions import meant

__all__ = ["decode", "encode", "encoded_fields", "from_json", "read_experiment", "read_over", "reference", "to_json"]

_DEEPEST = 20
_MOST_VALUES = 10_000_000


def _types() -> dict[str, Callable[..., Any]]:
    """Everything that a spec may name, by name."""
    own = {
        "tasks": (
            tasks,
            (
                "RandomLabels",
                "SparseFeatures",
                "Images",
                "MNIST1D",
                "ModularArithmetic",
                "SparseParity",
                "TeacherStudent",
            ),
        ),
        "models": (models, ("MLP", "Autoencoder", "EmbeddingMLP", "QuadraticMLP", "Transformer")),
        "schedules": (schedules, ("constant", "warmup", "linear", "cosine", "warmup_cosine")),
        "optimizers": (optimizers, ("adam", "adamw", "sgd", "rmsprop", "langevin", "sgld", "norm_constrained")),
    }
    return {f"{kind}.{name}": getattr(module, name) for kind, (module, names) in own.items() for name in names}


def reference(thing: Any) -> str:
    """Text that stands for an object of the user's own: ``module:name`` for functions and classes, else its repr.

    A function that was made by another says which numbers and words it captured, for its name alone is that of its siblings.

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
        return f"{thing.__module__}:{thing.__qualname__}{_captured(thing)}"
    if isinstance(thing, Measure | FunctionPair | NNX):
        # Their repr names the functions inside by an address, which another process cannot find.
        inside = (reference(getattr(thing, field.name)) for field in dataclasses.fields(thing))
        return f"{type(thing).__name__}({', '.join(inside)})"
    if dataclasses.is_dataclass(thing) and any(isinstance(value, np.ndarray) for value in vars(thing).values()):
        # NumPy shortens the repr of long arrays, which would make others of them look the same.
        held = (f"{name}={_summed(value)}" for name, value in vars(thing).items())
        return repr(thing) if "sha256=" in repr(thing) else f"{type(thing).__qualname__}({', '.join(held)})"
    return repr(thing)


def _captured(function: Any) -> str:
    """Plain values that a function closes over, by name, or nothing."""
    held = {}
    for name, cell in zip(_free_names(function), getattr(function, "__closure__", None) or (), strict=False):
        with contextlib.suppress(ValueError):  # A cell that is still empty.
            held[name] = cell.cell_contents
    plain = [
        f"{name}={value!r}" for name, value in held.items() if isinstance(value, bool | int | float | str | np.number)
    ]
    return f"({', '.join(plain)})" if plain else ""


def _free_names(function: Any) -> tuple[str, ...]:
    return getattr(getattr(function, "__code__", None), "co_freevars", ())


def _summed(value: Any) -> str:
    """An array by its shape, dtype and SHA-256; anything else by its repr."""
    if not isinstance(value, np.ndarray):
        return repr(value)
    content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:32]
    return f"array({list(value.shape)}, {value.dtype}, sha256={content})"


def encode(value: Any) -> Any:
    """Plain data for a value of a field: what `read_experiment` and `read_over` read.

    Examples
    --------
    >>> encode((1, 2.5)), encode(np.tanh)
    ([1, 2.5], {'reference': 'numpy:tanh'})
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    value = trees.freeze(value) if isinstance(value, dict) else value
    if isinstance(value, trees.Tree):
        return {"type": "tree", "kind": value.kind, "entries": encode(value.entries)}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, measures.Measure):
        return value.name if measures.BUILT_IN.get(value.name) == value else {"reference": reference(value)}
    if isinstance(value, Optimizer):
        return _encode_optimizer(value)
    for name, kind in _types().items():
        if isinstance(kind, type) and type(value) is kind:
            fields = dataclasses.fields(value)  # type: ignore[arg-type]
            # Fields that name files do not say what is in them.
            content = getattr(value, "content", None)
            noted = {} if content is None else {"content": content}
            return {"type": name, **{field.name: encode(getattr(value, field.name)) for field in fields}, **noted}
    return {"reference": reference(value)}


def _encode_optimizer(optimizer: Optimizer) -> dict[str, Any]:
    hyper = {name: encode(value) for name, value in optimizer.hyperparameters.items()}
    if isinstance(optimizer.factory, NormConstrained):
        norm = hyper.pop("norm")
        inner = Optimizer(optimizer.factory.inner, {k: v for k, v in optimizer.hyperparameters.items() if k != "norm"})
        return {"type": "optimizers.norm_constrained", "optimizer": _encode_optimizer(inner), "norm": norm}
    if optimizer.built_in:
        return {"type": f"optimizers.{optimizer.name}", **hyper}
    return {"type": "optimizers.from_optax", "factory": {"reference": reference(optimizer.factory)}, **hyper}


def to_json(experiment: Experiment) -> str:
    """Write an experiment as JSON text, every field in it.

    Examples
    --------
    >>> json.loads(to_json(Experiment()))["optimizer"]["learning_rate"]
    0.001
    """
    return json.dumps(encoded_fields(experiment), indent=1)


def encoded_fields(experiment: Experiment) -> dict[str, Any]:
    """Every field of an experiment as plain data."""
    return {f.name: encode(getattr(experiment, f.name)) for f in dataclasses.fields(experiment)}


def from_json(text: str, using: Sequence[Any] = ()) -> Experiment:
    """Read an experiment from JSON text; fields left out keep their defaults.

    Raises
    ------
    InputError
        If the text is not such JSON, names something unknown, or refers to an object that is not in ``using``.
    """
    if not isinstance(text, str):
        raise InputError(f"The experiment is {text!r}: give its JSON as text.")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise InputError(f"The experiment is not valid JSON: {problem}.") from None
    return read_experiment(data, using)


def read_experiment(data: Any, using: Sequence[Any] = ()) -> Experiment:
    """Build an experiment from decoded JSON or TOML."""
    if not isinstance(data, Mapping):
        raise InputError(f"An experiment must be a table of fields, but got {type(data).__name__}.")
    return _build("the experiment", Experiment, data, using, 0)


def read_over(data: Any, using: Sequence[Any] = ()) -> dict[str | tuple[str, ...], list[Any]]:
    """Build axes from decoded JSON or TOML: lists of values, or ``{range = [start, stop, step]}``; commas join fields.

    Examples
    --------
    >>> read_over({"seed": {"range": [3]}, "train_size, steps": [[50, 100], [100, 200]]})
    {'seed': [0, 1, 2], ('train_size', 'steps'): [(50, 100), (100, 200)]}
    """
    if not isinstance(data, Mapping):
        raise InputError(f"`over` must be a table of axes, but got {type(data).__name__}.")
    axes: dict[str | tuple[str, ...], list[Any]] = {}
    for name, values in data.items():
        fields = tuple(part.strip() for part in name.split(","))
        axes[fields if len(fields) > 1 else fields[0]] = _values(name, values, using)
    return axes


def _values(name: str, values: Any, using: Sequence[Any]) -> list[Any]:
    if isinstance(values, Mapping) and set(values) == {"range"}:
        bounds = values["range"] if isinstance(values["range"], list) else [values["range"]]
        if not 1 <= len(bounds) <= 3 or not all(_is_bound(bound) for bound in bounds) or bounds[2:] == [0]:
            raise InputError(
                f"The range of axis {name!r} is {bounds!r}: give [stop], [start, stop] or [start, stop, step]."
            )
        found = range(*bounds)
        if not found:
            raise InputError(f"The range {bounds} of axis {name!r} has no values: give at least one.")
        # A slice is cut without counting, where len() of a range over all 64 bits would overflow.
        if found[: _MOST_VALUES + 1] != found[:_MOST_VALUES]:
            raise InputError(f"The range {bounds} of axis {name!r} has more than {_MOST_VALUES} values: give fewer.")
        return list(found)
    if not isinstance(values, list):
        raise InputError(f"The axis {name!r} has the values {values!r}: give a list, or a table with range.")
    return [_decode(value, using, 1) for value in values]


def _is_bound(value: Any) -> bool:
    """Whether a value can bound a range: a whole number of 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def decode(value: Any, using: Sequence[Any] = ()) -> Any:
    """Value of a field from plain data, as `encode` wrote it.

    Examples
    --------
    >>> decode({"type": "models.MLP", "hidden": [8]}).hidden
    (8,)
    """
    return _decode(value, using, 1)


def _decode(value: Any, using: Sequence[Any], depth: int) -> Any:
    if depth > _DEEPEST:
        raise InputError(f"The spec is nested more than {_DEEPEST} deep, which no experiment is.")
    if isinstance(value, list):
        return tuple(_decode(item, using, depth + 1) for item in value)
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"reference"}:
        return _referred(value["reference"], using)
    if "type" not in value:
        raise InputError(f"The table with the fields {listing(sorted(value))} needs a 'type': use {listing(_types())}.")
    kind = value["type"]
    fields = {name: item for name, item in value.items() if name != "type"}
    if kind == "tree":
        return trees.read(fields, lambda item: _decode(item, using, depth + 1))
    if kind == "optimizers.from_optax":
        return _build(kind, optimizers.from_optax, fields, using, depth)
    if not isinstance(kind, str) or kind not in _types():
        raise InputError(f"The type {kind!r} is not known: use {listing(_types())}, or hand your own over in Python.")
    if hasattr(_types()[kind], "content"):
        content = fields.pop("content", None)
        return _checked(_build(kind, _types()[kind], fields, using, depth), content)
    return _build(kind, _types()[kind], fields, using, depth)


def _checked(made: Any, content: Any) -> Any:
    """An object whose files hold what they held when it was written; those that are not there are missed on first use."""
    now = made.content if content is not None else None
    if now not in (None, content):
        raise InputError(
            f"The files of {made!r} have changed since this was written: their content was {content!r} and is {now!r}. Put the "
            "former files back, or begin anew with those of now."
        )
    return made


def _referred(name: Any, using: Sequence[Any]) -> Any:
    for thing in using:
        if reference(thing) == name:
            return thing
    raise InputError(
        f"The spec refers to {name!r}, which is not data: read it from Python with using=(that object,), for memjax never "
        "imports what a file names."
    )


def _build(what: str, kind: Callable[..., Any], fields: Mapping[str, Any], using: Sequence[Any], depth: int) -> Any:
    decoded = {str(name): _decode(item, using, depth + 1) for name, item in fields.items()}
    try:
        return kind(**decoded)
    except TypeError as problem:
        raise InputError(
            f"The fields of {what} do not fit: {str(problem).replace('()', '')}.{meant(kind, decoded)}"
        ) from None
