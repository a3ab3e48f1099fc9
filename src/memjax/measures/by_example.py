"""Measures whose value is kept for every single example."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from memjax.checks.values import one_of
from memjax.errors import InputError, listing
from memjax.measures.folds import FOLDS
from memjax.measures.measure import Measure

__all__ = ["ByExample", "by_example_of", "example_dim"]

DTYPES = ("float32", "float16", "bool")
# A share of right answers, of one example.
_NAMES = {"accuracy": "correct"}
_FOLDED = {
    "first_learnt": ("correct", "first"),
    "forgetting_events": ("correct", "drops"),
    "aum": ("logit_margin", "mean"),
}


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
    over
        How values are folded over the records so far, a name in `memjax.measures.folds.FOLDS`; None takes the value itself.
    """

    measure: Measure
    splits: tuple[str, ...] = ("data",)
    dtype: str = "float32"
    over: str | None = None

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
        if self.over is not None:
            one_of("by_example's over", self.over, FOLDS)

    @property
    def name(self) -> str:
        """Name of the measure, which for ``accuracy`` is ``correct``, or a name of its own for a usual fold."""
        own = _NAMES.get(self.measure.name, self.measure.name)
        if self.over is None:
            return own
        return next((name for name, fold in _FOLDED.items() if fold == (own, self.over)), f"{self.over}_{own}")

    @property
    def long_name(self) -> str:
        """What the value is, for labels."""
        right = self.measure.name in _NAMES
        if self.over is None:
            return "classified right" if right else self._own_long_name
        return FOLDS[self.over].text.format("a right answer" if right else self._own_long_name)

    @property
    def _own_long_name(self) -> str:
        return (self.measure.long_name or self.measure.name).removeprefix("mean ")

    @property
    def units(self) -> str:
        """Units of the value: those of the measure, but for a fold that counts."""
        return self.measure.units if self.over is None or FOLDS[self.over].keeps_units else "1"

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
        own, over = _FOLDED.get(entry, (entry, None))
        found = known.get({short: name for name, short in _NAMES.items()}.get(own, own))
        if found is None:
            choice = [*(_NAMES.get(name, name) for name in known), *_FOLDED]
            raise InputError(
                f"examples holds {entry!r}: use {listing(choice)}, a measure, or memjax.measures.by_example."
            )
        return _with_dtype(found, over)
    return _with_dtype(entry, None)


def _with_dtype(measure: Any, over: str | None) -> ByExample:
    bits = over is None and getattr(measure, "name", "") == "accuracy"
    return ByExample(measure, dtype="bool" if bits else "float32", over=over)
