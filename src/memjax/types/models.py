"""Models: pure functions of parameters and inputs, and their optional members."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from memjax.types.data import Array, Params

__all__ = ["FittedModel", "Model", "PaddableModel", "RandomModel"]


@runtime_checkable
class Model(Protocol):
    """A pure function from parameters and inputs to outputs, without any knowledge of training.

    A Linen module is a model without conversion; `memjax.models.as_model` lists what else is accepted.

    Examples
    --------
    A model of one's own, a line; ``docs/adding/model.md`` lists what else a model can have:

    >>> from dataclasses import dataclass
    >>> import jax, jax.numpy as jnp
    >>> @dataclass(frozen=True)
    ... class Line:
    ...     outputs: int = 2
    ...     def init(self, key, x):
    ...         return jax.random.normal(key, (x.shape[1], self.outputs))
    ...     def apply(self, params, x):
    ...         return x @ params
    >>> isinstance(Line(), Model), Line().init(jax.random.key(0), jnp.ones((1, 3))).shape
    (True, (3, 2))
    >>> Line().apply(jnp.array([[1.0, 10.0]]), jnp.array([[2.0]])).tolist()
    [[2.0, 20.0]]
    """

    def init(self, key: Array, x: Array) -> Params:
        """Draw initial parameters for inputs ``x[B, ...]``."""
        ...

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs ``[B, C]`` for inputs ``x[B, ...]``."""
        ...


@runtime_checkable
class PaddableModel(Model, Protocol):
    """A model whose widths can be data, so that a sweep over widths shares programs.

    The parameters of a run lie among zeros in the arrays of a wider model, and stay the only ones that change. Initial
    parameters, snapshots and counts are those of the true model.

    `memjax.models.MLP` is one; ``docs/adding/model.md`` says how to write another.
    """

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of units that can be padded, such as the widths of the hidden layers."""
        ...

    def padded(self, widths: tuple[int, ...]) -> Model:
        """A model of these widths that computes from padded parameters what this model computes from its own.

        Padded models of models that differ in ``widths`` alone are equal up to traced numbers. Any widths are allowed, also
        smaller ones.
        """
        ...

    def pad(self, params: Params, widths: tuple[int, ...]) -> Params:
        """Parameters of this model, arrays of NumPy of any dtype, among zeros in the arrays of ``padded(widths)``.

        Each number has one place, which depends on the shapes alone. A padded unit has zeros in and zeros out.
        """
        ...


@runtime_checkable
class FittedModel(Model, Protocol):
    """A model whose parameters follow from the train examples in closed form; `memjax.optimizers.closed_form` asks for them.

    Three class attributes are optional. ``minimises`` names the losses whose minimum the fit is; without it every loss is
    allowed. ``by_gradient`` is False for a model that has no gradient to train by. A method ``check_fit(train_size)`` raises
    `memjax.InputError` for a train size that the model cannot take. A field ``room`` of None becomes the train size.

    `memjax.models.LeastSquares` is one; ``docs/adding/model.md`` says how to write another.
    """

    def fit(self, params: Params, examples: Any) -> Params:
        """Parameters fitted to the train examples of one run.

        Parameters
        ----------
        params
            The run's parameters so far, as ``init`` drew them; what the fit does not choose is returned unchanged.
        examples
            `memjax.examples.Examples`: tiles of the train split, read through ``sum``, ``fold`` and ``size``.

        Returns
        -------
        Params
            A tree of the same structure, shapes and dtypes.
        """
        ...


@runtime_checkable
class RandomModel(Model, Protocol):
    """A model whose forward pass draws random numbers in training, such as dropout.

    Only the gradient of a training step calls ``apply_train``; records, snapshots and measures call ``apply``, which draws
    none. A model that draws only at some values of its fields says so by an attribute ``draws``: where it is False,
    training calls ``apply``.

    `memjax.models.MLP` is one; ``docs/adding/model.md`` says how to write another.
    """

    def apply_train(self, params: Params, x: Array, keys: Array) -> Array:
        """Outputs ``[B, C]`` in training for inputs ``x[B, ...]``.

        Parameters
        ----------
        params
            Parameters of the model.
        x
            Inputs ``[B, ...]``.
        keys
            JAX's typed keys ``[B]``, one for each example; they follow from the run, the step and the example alone. Each row
            of outputs depends only on the same row of inputs and on its own key: use ``jax.vmap``.
        """
        ...
