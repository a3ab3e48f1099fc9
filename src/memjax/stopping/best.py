"""Which network of a run is its best: the one with the lowest, or the highest, value of a recorded variable.

A choice is a frozen dataclass with ``variable`` and ``better``, see `memjax.types.Best`; your own works as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from memjax.stopping.watched import check_variable
from memjax.types import Array

__all__ = ["Highest", "Lowest"]


@dataclass(frozen=True)
class Lowest:
    """Keep the network of a run at the record with the lowest value of a variable.

    Of several records with the same value, the first one counts. Taking the network of the lowest test loss is the model
    selection of early stopping (Prechelt 1998), without an end of the training.

    Parameters
    ----------
    variable
        Name of a recorded variable without further dimensions, such as ``test_loss``.

    Raises
    ------
    InputError
        If ``variable`` is no name.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(train_size=20, steps=200, keep_best=Lowest("test_loss"))
    >>> ds = mj.sweep(spec)
    >>> bool(ds.best_test_loss == ds.test_loss.min()), bool(ds.best_step == ds.test_loss.idxmin())
    (True, True)
    """

    variable: str

    def __post_init__(self) -> None:
        check_variable(self)

    def better(self, value: Array, best: Array) -> Array:
        """Whether a value, a number, is better than the best one before it; a truth value."""
        return value < best


@dataclass(frozen=True)
class Highest:
    """Keep the network of a run at the record with the highest value of a variable; all else is as in `Lowest`.

    Parameters
    ----------
    variable
        As in `Lowest`, such as ``test_accuracy``.

    Raises
    ------
    InputError
        If ``variable`` is no name.

    Examples
    --------
    >>> Highest("test_accuracy").better(0.5, 0.5)
    False
    """

    variable: str

    def __post_init__(self) -> None:
        check_variable(self)

    def better(self, value: Array, best: Array) -> Array:
        """Whether a value, a number, is better than the best one before it; a truth value."""
        return value > best
