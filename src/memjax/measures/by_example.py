"""Measures whose value is kept for every single example."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from memjax.checks.values import one_of
from memjax.content.later import later
from memjax.errors import InputError, listing
from memjax.measures.folds import FOLDS
from memjax.measures.measure import Measure

__all__ = ["ByExample", "by_example_of", "example_dim"]

DTYPES = ("float32", "float16", "bool")
# A share of right answers, of one example.
_NAMES = {"accuracy": "correct"}
_WHEN = ("records", "presentations")
_PRESENTED = "presented_"
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
        How values are folded over the records so far, ``mean``, ``first`` or ``drops``; None takes the value itself.
    at
        ``records``, or ``presentations``: the steps whose minibatch holds the example, of the examples that a run trains on.

    Examples
    --------
    >>> from memjax.measures import by_example, loss
    >>> kept = by_example(loss, on=("data", "test"))
    >>> [kept.variable(split) for split in kept.splits]
    ['example_loss', 'test_example_loss']
    >>> by_example("correct", over="drops").name
    'forgetting_events'
    """

    measure: Measure
    splits: tuple[str, ...] = ("data",)
    dtype: str = "float32"
    over: str | None = None
    at: str = later("records")

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
        one_of("by_example's at", self.at, _WHEN)
        if self.presented:
            _check_presented(self)

    @property
    def presented(self) -> bool:
        """Whether values are those of the training steps themselves, each of the examples of its minibatch."""
        return self.at == "presentations"

    def measured_on(self, split: str) -> str:
        """Split on whose examples the variable of a split is computed: presentations are of train examples."""
        return "train" if self.presented else split

    @property
    def name(self) -> str:
        """Name of the measure, which for ``accuracy`` is ``correct``, or a name of its own for a usual fold."""
        own = _NAMES.get(self.measure.name, self.measure.name)
        if self.over is None:
            return own
        usual = next((name for name, fold in _FOLDED.items() if fold == (own, self.over)), f"{self.over}_{own}")
        return f"{_PRESENTED}{usual}" if self.presented else usual

    @property
    def long_name(self) -> str:
        """What the value is, for labels."""
        right = self.measure.name in _NAMES
        if self.over is None:
            return "classified right" if right else self._own_long_name
        what = "a right answer" if right else self._own_long_name
        return FOLDS[self.over].text.format(what=what, when=self.at.removesuffix("s"))

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


def _check_presented(part: ByExample) -> None:
    """Raise `InputError` where what is asked for has no value at a presentation."""
    if part.over is None:
        raise InputError(
            "by_example has at='presentations' and over=None: say how the values of an example are folded, over='drops', "
            "'first' or 'mean', for no single presentation is kept."
        )
    if part.splits != ("data",):
        raise InputError(
            f"by_example has at='presentations' and on={part.splits!r}: leave on out, for only train examples are presented, "
            "and their values are aligned with the rows of the data set."
        )
    if part.dtype == "bool":
        raise InputError(
            "by_example has at='presentations' and dtype='bool', which cannot say that a run does not train on a row: use "
            "float32 or float16."
        )


def _one(entry: Any, built_in: dict[str, Measure]) -> ByExample:
    if isinstance(entry, ByExample):
        return entry
    if isinstance(entry, str):
        known = {one.name: one for one in built_in.values() if one.per_example}
        at = "presentations" if entry.removeprefix(_PRESENTED) in _FOLDED and entry not in _FOLDED else "records"
        own, over = _FOLDED.get(entry.removeprefix(_PRESENTED), (entry, None))
        found = known.get({short: name for name, short in _NAMES.items()}.get(own, own))
        if found is None:
            folded = [*_FOLDED, *(f"{_PRESENTED}{name}" for name in _FOLDED)]
            choice = [*(_NAMES.get(name, name) for name in known), *folded]
            raise InputError(
                f"examples holds {entry!r}: use {listing(choice)}, a measure, or memjax.measures.by_example."
            )
        return _with_dtype(found, over, at)
    return _with_dtype(entry, None)


def _with_dtype(measure: Any, over: str | None, at: str = "records") -> ByExample:
    bits = over is None and getattr(measure, "name", "") == "accuracy"
    return ByExample(measure, dtype="bool" if bits else "float32", over=over, at=at)
