"""What a measure is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from memjax.checks.asked import asked_by, check_asked, check_takes
from memjax.errors import InputError
from memjax.types import LossFn

__all__ = ["Measure"]


@dataclass(frozen=True)
class Measure:
    """A pure function of parameters, apply function and examples, with the words that label its values.

    Any function ``(params, apply, examples)`` is a measure of the train split. A `Measure` around the function says more.

    A function asks for more of its run by keyword-only arguments without a default, by these names:

    - ``loss``: the loss function of the experiment;
    - ``model``: the model with the numbers of the run, such as for ``model.hidden_activations(params, x)``;
    - ``initial``: the initial parameters of the run, a tree like the parameters;
    - ``step``: the steps that the run has done, an ``int32`` scalar;
    - ``learning_rate``: the learning rate of the next step, a scalar;
    - ``opt_state``: the state of the run's optax transformation, as its ``init`` gives for the tree of parameters. Only a
      record during training has this state;
    - ``penalty``: the penalty of the experiment as a function of the parameters alone, which is zero without one.

    Attributes
    ----------
    function
        With ``per_example``, the function is called on a tile of examples, ``x[B, ...]`` and ``y[B, ...]``, and gives ``[B]``.
        Each value depends on its own row alone, and the engine reduces the values over the split. Without ``per_example``, the
        function is called with all `memjax.Examples` of a split, and gives a scalar, an array with ``dims``, or (with one dim)
        a dict whose keys label that dim.
    name
        Name of the variable, after ``train_`` or ``test_`` if there are several splits.
    per_example
        See ``function``.
    splits
        Splits that the measure is taken on; see `on`.
    reduce
        ``mean`` or ``sum`` over the examples of the split, if ``per_example``.
    dims
        Names of the dimensions of one value; none if ``per_example``.
    long_name, units
        For the labels of plots; units ``1`` for pure numbers.
    needs_labels
        Whether targets must be class labels.

    Examples
    --------
    A number of the parameters, and a value of every example that is averaged over both splits:

    >>> import jax
    >>> import memjax as mj
    >>> def largest_weight(params, apply, examples):
    ...     return max(abs(leaf).max() for leaf in jax.tree.leaves(params))
    >>> def confidence(params, apply, tile):
    ...     return jax.nn.softmax(apply(params, tile.x)).max(-1)
    >>> largest = mj.Measure(largest_weight, "largest_weight", long_name="largest weight")
    >>> sure = mj.Measure(confidence, "confidence", per_example=True, splits=("train", "test"))
    >>> spec = mj.Experiment(measures=("loss", largest, sure))
    >>> [measure.variable("test") for measure in mj.measures.settle(spec.measures)]
    ['test_loss', 'largest_weight', 'test_confidence']
    >>> float(largest.function({"kernel": jax.numpy.array([0.5, -2.0])}, None, None))
    2.0
    """

    function: Callable[..., Any]
    name: str
    per_example: bool = False
    splits: tuple[str, ...] = ("train",)
    reduce: str = "mean"
    dims: tuple[str, ...] = ()
    long_name: str = ""
    units: str = "1"
    needs_labels: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise InputError(f"A measure is named {self.name!r}: give a name of letters, digits and underscores.")
        if not isinstance(self.dims, tuple) or not all(isinstance(dim, str) for dim in self.dims):
            raise InputError(f"The measure {self.name!r} has dims = {self.dims!r}: give a tuple of names.")
        if not callable(self.function):
            raise InputError(f"The measure {self.name!r} has function = {self.function!r}: give a function.")
        check_asked(f"The measure {self.name!r}", self.function)
        given = ("params", "apply", "tile" if self.per_example else "examples")
        check_takes(f"The measure {self.name!r}", self.function, given)
        if len(set(self.dims)) < len(self.dims):
            raise InputError(f"The measure {self.name!r} has dims = {self.dims!r}: give every dimension its own name.")
        if self.per_example and self.dims:
            raise InputError(
                f"The measure {self.name!r} has per_example = True and dims = {self.dims!r}: a per-example measure gives one "
                "number per example, which is reduced over the split, so leave dims out; or leave per_example out, and give an "
                "array with those dimensions of all examples. For a value of every example, name it in "
                "Experiment.examples."
            )
        if self.reduce not in ("mean", "sum"):
            raise InputError(f"The measure {self.name!r} has reduce = {self.reduce!r}: use mean or sum.")
        if self.reduce != "mean" and not self.per_example:
            raise InputError(
                f"The measure {self.name!r} has reduce = {self.reduce!r} without per_example: only values of single examples "
                "are reduced, so say per_example = True, or leave reduce out."
            )
        if not isinstance(self.splits, tuple) or len(set(self.splits)) < len(self.splits):
            raise InputError(f"The measure {self.name!r} has splits = {self.splits!r}: give a tuple, each split once.")
        if not self.splits or not all(isinstance(split, str) and split.isidentifier() for split in self.splits):
            raise InputError(
                f"The measure {self.name!r} has splits = {self.splits!r}: use train, test, both, or names of further splits."
            )

    def on(self, *splits: str) -> Measure:
        """The same measure on other splits.

        Beside ``train`` and ``test`` there are ``held_out`` (rows of the data set on which the run does not train), ``data``
        (all its rows), the named evaluation sets of the task, and for label noise ``train_clean``, ``train_corrupted`` (the
        train examples whose target is true, or not) and ``train_restored`` (all train examples with their true targets).

        Examples
        --------
        >>> import memjax as mj
        >>> mj.measures.accuracy.on("train", "test", "train_corrupted").splits
        ('train', 'test', 'train_corrupted')
        """
        return replace(self, splits=splits)

    def variable(self, split: str) -> str:
        """Name of the variable for one split."""
        return f"{split}_{self.name}" if len(self.splits) > 1 else self.name

    @property
    def asks(self) -> frozenset[str]:
        """Names of what the function asks for beside its three arguments."""
        return asked_by(self.function)

    def bind(self, loss: LossFn, live: Any = None, **seen: Any) -> Callable[..., Any]:
        """The function of parameters, apply function and examples, with what else the function asks for.

        Parameters
        ----------
        loss
            The loss function of the experiment.
        live
            In padding, the places of a run's own parameters.
        seen
            What else a run offers, by name; see the attributes of `Measure`.
        """
        offered = {"loss": loss, **({} if live is None else {"live": live}), **seen}
        given = {name: value for name, value in offered.items() if name in self.asks}
        return functools.partial(self.function, **given) if given else self.function
