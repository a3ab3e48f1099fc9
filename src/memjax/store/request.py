"""The request of a call with a store, and the check that the store has the same experiment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from memjax.content import PYTHON, Unreadable, content, same
from memjax.engine.plan.blocks import Run
from memjax.engine.plan.groups import Groups
from memjax.errors import InputError
from memjax.experiment.axes import Axis
from memjax.experiment.encode import encode
from memjax.experiment.experiment import Experiment
from memjax.experiment.identity import BY_CONTENT, first_difference
from memjax.experiment.written import AxisEntry, EncodedRequest, encode_request
from memjax.fields import paths
from memjax.jax_settings import named_settings
from memjax.store.axes import shape_of
from memjax.store.folder import Store, StoreContents

__all__ = ["LENGTH", "Request", "check_same"]

LENGTH = ("steps", "record_every", "record_at", "snapshots", "examples_at")
"""Fields in which a call for more steps may differ from the store."""


@dataclass(frozen=True)
class Request:
    """The request of a call: an experiment, its axes, and its runs, checked and grouped.

    Attributes
    ----------
    encoded
        Experiment and axes as plain data.
    """

    experiment: Experiment
    axes: tuple[Axis, ...]
    groups: Groups
    encoded: EncodedRequest = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoded", encode_request(self.experiment, self.axes))
        _check_readable(self)
        for entry in self.entries:
            if len(set(entry.keys)) < len(entry.keys):
                raise InputError(
                    f"The axis {next(iter(entry.labels))!r} has values that are made of the same, {entry.keys}: give each once."
                )

    @property
    def entries(self) -> tuple[AxisEntry, ...]:
        """Every axis as plain data."""
        return self.encoded.axes

    @property
    def fields(self) -> dict[str, Any]:
        """Every field of the experiment as plain data."""
        return self.encoded.fields

    def flat(self, run: Run) -> int:
        """Flat index of a run along the axes of the call."""
        return int(np.ravel_multi_index(run.index, shape_of(self.entries))) if run.index else 0


def _check_readable(request: Request) -> None:
    """Raise `InputError` for an object whose content cannot be read: another object could not be distinguished from it."""
    swept = frozenset(path for entry in request.entries for path in entry.paths)
    if _has_content(request.fields) and all(_has_content(list(entry.values)) for entry in request.entries):
        return
    held = [(path, value) for path, value in paths(request.experiment).items() if path not in swept]
    held += [
        (entry.paths[0], row) for entry, axis in zip(request.entries, request.axes, strict=True) for row in axis.rows
    ]
    for path, value in held:
        try:
            if not _has_content(encode(value)):
                content(value)
        except Unreadable as problem:
            raise InputError(f"{path} cannot be kept in a store. {problem}") from None


def _has_content(value: Any) -> bool:
    """Whether every reference in encoded data has a content."""
    if isinstance(value, dict):
        return ("reference" not in value or "content" in value) and all(_has_content(item) for item in value.values())
    return not isinstance(value, list) or all(_has_content(item) for item in value)


def check_same(store: Store, request: Request, contents: StoreContents) -> None:
    """Raise `InputError` if a store has another experiment; the message names the first field that differs.

    A call for more steps is of the same experiment; whether the runs can go on is checked later.
    """
    first = contents.manifests[0]
    theirs, ours = (sorted(",".join(axis.paths) for axis in axes) for axes in (first.axes, request.entries))
    swept = frozenset(path for axis in request.entries for path in axis.paths)
    length = frozenset(LENGTH)
    found = (
        (None if theirs == ours else ("over", ours, theirs))
        or first_difference(request.fields, first.experiment, swept | length)
        or _length_difference(request.fields, contents.experiment, swept)
        or first_difference(named_settings(), first.settings)
        or next(
            (
                (f"{axis.paths[0]}{BY_CONTENT}", f"{PYTHON}:", held)
                for axis in contents.axes
                for held in _incomparable(list(axis.values))
            ),
            None,
        )
    )
    if found:
        _refuse_length(store, contents, swept, *found)
        raise InputError(
            f"The store {str(store.path)!r} is of another experiment: {_difference(*found)}. Use another store, or what it was "
            "begun with."
        )


def _length_difference(ours: dict[str, Any], theirs: dict[str, Any], swept: frozenset[str]) -> Any:
    """First difference of two lengths, unless the call only asks for more steps."""
    ours, theirs = ({name: fields.get(name) for name in LENGTH} for fields in (ours, theirs))
    found = first_difference(ours, theirs, swept)
    alone = not swept.intersection(LENGTH) and isinstance(theirs["steps"], int)
    return None if found and alone and ours["steps"] > theirs["steps"] else found


def _refuse_length(
    store: Store, contents: StoreContents, swept: frozenset[str], path: str, ours: Any, theirs: Any
) -> None:
    """Raise `InputError` where the runs of a store have other lengths than the call, and cannot go on."""
    name, axis = repr(str(store.path)), min(swept.intersection(LENGTH), default=None)
    if path == "over" and any("steps" in paths.split(",") for paths in set(theirs) - set(ours)):
        raise InputError(
            f"The runs of the store {name} cannot go on to more steps, for steps is one of its axes: give further values on "
            "that axis, whose runs are trained from the start."
        )
    if path == "steps" and axis and ours > theirs:
        raise InputError(
            f"The runs of the store {name} cannot go on from steps = {theirs} to {ours}, for {axis} is one of its axes, and "
            "only runs of one length go on: use another store."
        )
    if path == "steps" and contents.manifests[0].experiment.get("steps") != theirs:
        raise InputError(
            f"The store {name} has gone on to steps = {theirs}, and this call asks for {ours}: ask for {theirs} or more, or "
            "select steps from memjax.open."
        )


def _incomparable(value: Any) -> Iterator[Any]:
    """Contents of references that are missing, or that another version of Python wrote so that they cannot be compared."""
    if isinstance(value, dict):
        if "reference" in value and ("content" not in value or same(value["content"], f"{PYTHON}:") is None):
            yield value.get("content")
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _incomparable(item)


def _difference(path: str, ours: Any, theirs: Any) -> str:
    """Text that describes a difference."""
    if not path.endswith(BY_CONTENT) or not isinstance(ours, str):
        return f"{path} is {theirs!r} there and {ours!r} in this call"
    named = path.removesuffix(BY_CONTENT)
    if theirs is None:
        return f"{named} has the same name, but what the object of then held was not written down by the memjax of then"
    if same(ours, theirs) is None:
        return (
            f"{named} was compiled by {theirs.partition(':')[0]} there and by {ours.partition(':')[0]} in this call, so "
            "nobody can say whether the code is the same"
        )
    return (
        f"{named} has the same name, but holds something else: its code, its default arguments, or values and arrays that "
        "it uses have changed (where these are a cache that comes with use, give the object an attribute __memjax_content__, "
        "a text that you change whenever its numbers change)"
    )
