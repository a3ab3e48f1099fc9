"""Accepted models: a built-in model, a Linen module, an NNX factory, or a pair of functions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.values import takes_one
from memjax.content.later import later, written
from memjax.errors import InputError, cause
from memjax.types import Array, FittedModel, Model, Params

__all__ = ["NNX", "FunctionPair", "as_model", "with_outputs", "with_room"]

_NNX = (
    "An NNX factory takes rngs and gives an nnx.Module; give any other model as a pair of functions (init(key, x), "
    "apply(params, x))."
)


@dataclass(frozen=True)
class FunctionPair:
    """A model from two functions, ``init(key, x) -> params`` and ``apply(params, x) -> outputs``.

    Examples
    --------
    >>> import jax, jax.numpy as jnp
    >>> line = FunctionPair(lambda key, x: jnp.zeros(x.shape[1]), lambda params, x: x @ params[:, None])
    >>> line.init(jax.random.key(0), jnp.ones((1, 2))).tolist()
    [0.0, 0.0]
    >>> line.apply(jnp.array([1.0, 10.0]), jnp.array([[2.0, 3.0]])).tolist()
    [[32.0]]
    """

    init_fn: Callable[[Array, Array], Params]
    apply_fn: Callable[[Params, Array], Array]

    def init(self, key: Array, x: Array) -> Params:
        """Draw initial parameters."""
        return self.init_fn(key, x)

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs for inputs ``x[B, ...]``."""
        return self.apply_fn(params, x)


@dataclass(frozen=True)
class NNX:
    """A model from an NNX factory, ``factory(rngs) -> nnx.Module``; parameters are its ``nnx.Param`` state.

    The module must be a pure function of its parameters, so that a run does not depend on other runs. Dropout, batch
    statistics, and any other array beside the parameters are refused with `memjax.InputError`.

    Parameters
    ----------
    factory
        Gives the module from its ``nnx.Rngs``.
    draws
        Whether the module draws random numbers in training, as dropout does. It is then in the mode ``module.train()`` in
        training, on each example by itself and with the example's key, and else in the mode ``module.eval()``.

    Examples
    --------
    >>> import jax, jax.numpy as jnp
    >>> from flax import nnx
    >>> line = NNX(lambda rngs: nnx.Linear(2, 1, rngs=rngs))
    >>> params = line.init(jax.random.key(0), jnp.ones((1, 2)))
    >>> jax.tree.map(jnp.shape, params)
    {'bias': (1,), 'kernel': (2, 1)}
    >>> line.apply(jax.tree.map(jnp.ones_like, params), jnp.array([[1.0, 2.0]])).tolist()
    [[4.0]]
    """

    factory: Callable[[Any], Any]
    draws: bool = later(False)

    def __repr__(self) -> str:
        return written(self)

    def init(self, key: Array, x: Array) -> Params:
        """Draw initial parameters."""
        from flax import nnx

        del x
        module = self._module(nnx.Rngs(key))
        _check_state(module)
        return nnx.to_pure_dict(nnx.state(module, nnx.Param))

    def _module(self, rngs: Any) -> Any:
        from flax import nnx

        try:
            module = self.factory(rngs)
        except Exception as problem:
            raise InputError(f"The NNX factory {self.factory!r} failed: {cause(problem)} {_NNX}") from problem
        if not isinstance(module, nnx.Module):
            raise InputError(f"The NNX factory {self.factory!r} gave a {type(module).__name__}. {_NNX}")
        return module

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs for inputs ``x[B, ...]``."""
        from flax import nnx

        graph, state, rest = nnx.split(nnx.eval_shape(lambda: self._module(nnx.Rngs(0))), nnx.Param, ...)
        nnx.replace_by_pure_dict(state, params)
        # `rest` holds the generators, which a pure module never reads.
        module = nnx.merge(graph, state, rest)
        if self.draws:
            module.eval()
        try:
            return module(x)
        except Exception as problem:
            if _draws(graph, state, rest, x):
                raise InputError(
                    f"The model {self!r} draws random numbers in its forward pass, as dropout and the first carry of nnx.RNN "
                    "do: memjax trains pure functions of the parameters, so leave dropout out or make it deterministic, or "
                    "let training alone draw, with memjax.models.NNX(factory, draws=True), and give an RNN its initial_carry."
                ) from problem
            raise

    def apply_train(self, params: Params, x: Array, keys: Array) -> Array:
        """Outputs ``[B, C]`` in training, with a key ``[B]`` for each example."""
        from flax import nnx

        graph, state, rest = nnx.split(nnx.eval_shape(lambda: self._module(nnx.Rngs(0))), nnx.Param, ...)
        nnx.replace_by_pure_dict(state, params)

        def one(row: Array, key: Array) -> Array:
            module = nnx.merge(graph, state, _filled(rest, key))
            module.train()
            outputs: Array = module(row[None])
            return outputs[0]

        return jax.vmap(one)(x, keys)


def _check_state(module: Any) -> None:
    """Raise `InputError` if a module has arrays other than its parameters."""
    from flax import nnx

    # Generators are allowed if the forward pass does not use them, as in dropout with rate 0.
    fine = nnx.Param | nnx.RngState
    kept = {".".join(map(str, path)): leaf for path, leaf in nnx.iter_graph(module) if not isinstance(leaf, fine)}
    names = [
        f"{name} ({type(leaf).__name__})" if isinstance(leaf, nnx.Variable) else name
        for name, leaf in kept.items()
        if isinstance(leaf, nnx.Variable | jax.Array | np.ndarray)
    ]
    if names:
        raise InputError(
            f"The NNX module keeps {', '.join(names)} beside its parameters: memjax trains pure functions of the parameters, "
            "so remove batch statistics (nnx.LayerNorm and nnx.GroupNorm need none) and other state, and make constant arrays "
            "in the forward pass."
        )


def _draws(graph: Any, state: Any, rest: Any, x: Array) -> bool:
    """Whether a module that failed works when its generators have keys: then the missing keys were the reason."""
    from flax import nnx

    try:
        nnx.merge(graph, state, _filled(rest, jax.random.key(0)))(x)
    except Exception:
        return False
    return bool(jax.tree.leaves(rest))


def _filled(rest: Any, key: Array) -> Any:
    """Generators of a module, each with a key of its own and a count of zero."""
    leaves, tree = jax.tree.flatten(rest)
    of_key = lambda leaf: jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)  # noqa: E731
    filled = [
        jax.random.fold_in(key, place) if of_key(leaf) else jnp.zeros((), leaf.dtype)
        for place, leaf in enumerate(leaves)
    ]
    return jax.tree.unflatten(tree, filled)


def as_model(model: Any) -> Model:
    """Convert anything that can serve as a model to a model.

    Parameters
    ----------
    model
        An object with ``init(key, x)`` and ``apply(params, x)`` (a built-in model, any Linen module), a pair of such
        functions, or an NNX factory ``rngs -> module``.

    Raises
    ------
    InputError
        If it is none of these.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> line = as_model((lambda key, x: jnp.zeros(x.shape[1]), lambda params, x: x @ params[:, None]))
    >>> line.apply(jnp.ones(2), jnp.array([[1.0, 2.0]])).tolist()
    [[3.0]]
    """
    if isinstance(model, Model) and not isinstance(model, type):
        return model
    if isinstance(model, tuple | list) and len(model) == 2 and all(callable(part) for part in model):
        return FunctionPair(*model)
    forgotten = isinstance(model, type) and hasattr(model, "init") and hasattr(model, "apply")
    # A class of NNX modules is a factory; an instance of the class is not.
    made = not isinstance(model, type) and any(kind.__module__.startswith("flax.nnx") for kind in type(model).__mro__)
    if callable(model) and not forgotten and not made and takes_one(model):
        return NNX(model)
    hint = f" {model.__name__} is a class: give an object of it, such as {model.__name__}()." if forgotten else ""
    hint = f" {type(model).__name__} is a module already: give its factory, lambda rngs: ..." if made else hint
    raise InputError(
        f"The model {f'of {type(model).__name__}' if made else repr(model)} cannot be used: give a model of memjax.models, a "
        f"Linen module, an NNX factory that takes rngs, or a pair of functions (init(key, x), apply(params, x)).{hint}"
    )


def with_outputs(model: Model, num_outputs: int) -> Model:
    """Set ``outputs`` of a model, or of the model inside a wrapper, to ``num_outputs`` where it is None."""
    if dataclasses.is_dataclass(model) and isinstance(inner := getattr(model, "model", None), Model):
        outer: Any = model
        found = with_outputs(inner, num_outputs)
        return model if found is inner else dataclasses.replace(outer, model=found)
    if dataclasses.is_dataclass(model) and getattr(model, "outputs", 0) is None:
        return dataclasses.replace(model, outputs=num_outputs)
    return model


def with_room(model: Model, train_size: int) -> Model:
    """Set ``room`` of a model that keeps its train set to ``train_size`` where it is None; other models have no room."""
    if isinstance(model, FittedModel) and dataclasses.is_dataclass(model) and getattr(model, "room", 0) is None:
        return dataclasses.replace(model, room=train_size)
    return model
