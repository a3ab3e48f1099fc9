"""Measures whose value is kept for every single example."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from memjax.checks.values import one_of
from memjax.errors import InputError, listing
from memjax.measures.measure import Measure

__all__ = ["ByExample", "by_example_of", "example_dim"]

DTYPES = ("float32", "float16", "bool")
# A share of right answers, of one example.
_NAMES = {"accuracy": "correct"}


@dataclass(frozen=True)
class ByExample:
    """A per-example measure whose value is kept for every single example; `memjax.measures.by_example` makes one.

    Attributes
    ----------
    measure
        The measure.
    splits
        Splits whose examples are measured, as for `Measure.on`.
    dtype
        ``float32``, ``float16`` or ``bool`` (whether the value is positive).
    """

    measure: Measure
    splits: tuple[str, ...] = ("data",)
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if not isinstance(self.measure, Measure) or not self.measure.per_example:
            raise InputError(
                f"by_example got {self.measure!r}: give a measure with per_example = True, or the name of one, for only such a "
                "measure has a value for every example."
            )
        splits = (self.splits,) if isinstance(self.splits, str) else tuple(self.splits)
        object.__setattr__(self, "splits", splits)
        # Checks the names.
        self.measure.on(*splits)
        one_of("by_example's dtype", self.dtype, DTYPES)

    @property
    def name(self) -> str:
        """Name of the measure, which for ``accuracy`` is ``correct``."""
        return _NAMES.get(self.measure.name, self.measure.name)

    def variable(self, split: str) -> str:
        """Name of the variable for one split: ``example_loss`` for the data set, ``test_example_loss`` for the test set."""
        return f"{example_dim(split)}_{self.name}"


def example_dim(split: str) -> str:
    """Name of the dimension of the examples of a split.

    Examples
    --------
    >>> example_dim("data"), example_dim("test")
    ('example', 'test_example')
    """
    return "example" if split == "data" else f"{split}_example"


def by_example_of(given: Iterable[Any], built_in: dict[str, Measure]) -> tuple[ByExample, ...]:
    """Names, measures and `ByExample` as `ByExample`; right answers are kept as bool.

    Raises
    ------
    InputError
        If a name is unknown, a measure has no value for every example, or two variables would have one name.
    """
    found = tuple(_one(entry, built_in) for entry in given)
    names = [part.variable(split) for part in found for split in part.splits]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"Two entries of examples would write {name!r}: give each measure once.")
    return found


def _one(entry: Any, built_in: dict[str, Measure]) -> ByExample:
    if isinstance(entry, ByExample):
        return entry
    if isinstance(entry, str):
        known = {one.name: one for one in built_in.values() if one.per_example}
        entry = known.get({short: name for name, short in _NAMES.items()}.get(entry, entry), entry)
        if isinstance(entry, str):
            choice = [_NAMES.get(name, name) for name in known]
            raise InputError(
                f"examples holds {entry!r}: use {listing(choice)}, a measure, or memjax.measures.by_example."
            )
    measure: Any = entry
    return ByExample(measure, dtype="bool" if getattr(measure, "name", "") == "accuracy" else "float32")
