"""Checks of the user's model, loss, optimizer and measures before training, by shapes alone."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from memjax import losses
from memjax.engine.program.asked import bound, first_seen
from memjax.engine.program.measure_faults import fault_of
from memjax.engine.program.measure_shapes import check_shape
from memjax.engine.program.penalised import penalty_of
from memjax.engine.program.program import Program, model_of
from memjax.engine.program.told import on_trial
from memjax.errors import InputError, cause, listing, shown
from memjax.examples import Examples, Tile
from memjax.experiment import Experiment
from memjax.experiment.draw import SQUARED
from memjax.jax_settings import compile_settings, float_dtype, wide
from memjax.losses.seeing import Seeing, seeing
from memjax.measures.measure import Measure
from memjax.models.left_out import check_dropout
from memjax.models.randomness import is_random, writes_training
from memjax.optimizers.closed import is_closed_form
from memjax.parameter_trees import layout_of

__all__ = ["check_functions", "check_program", "shape_of"]


_BATCH = 3
# What Flax says of a module that wants a key, or is not told whether it is in training.
_ASKS = re.compile(r"needs PRNG|['\"](deterministic|train|training|is_training)['\"]")
_LINEN = (
    "Where a module draws random numbers in training, as dropout does, wrap it: memjax.models.Linen(module, "
    "argument='deterministic', training=False, rngs=('dropout',)), with the argument of its call that switches them off."
)


def check_program(program: Program) -> None:
    """Raise `InputError` where the optimizer or a measure fails on the model, or a measure gives the wrong shape."""
    _checked(program, compile_settings())


# A program that is measured again and again is checked once: tracing a measure may take longer than taking it.
@functools.lru_cache(maxsize=64)
def _checked(program: Program, settings: tuple[Any, ...]) -> None:
    del settings
    hyper = {path: jax.ShapeDtypeStruct((), float_dtype()) for path in program.traced}
    params = _check_rule(program, hyper)
    program.optimizer.check_rates(program.steps)
    if program.evaluates:
        _check_evaluate(program, params, hyper)
    if program.penalty is not None:
        _check_penalty(program, params, hyper)
    tile, split = _examples(program)
    if is_closed_form(program.optimizer):
        _check_fit(program, params, hyper, split)
    for measure in dict.fromkeys((*program.measures, *(part.measure for part in program.by_example))):
        if measure.needs_labels and not np.issubdtype(np.dtype(program.y[1]), np.integer):
            raise InputError(
                f"The measure {measure.name!r} needs class labels, but the targets are values: leave it out."
            )
        value = _value(program, measure, params, hyper, tile if measure.per_example else split)
        check_shape(measure, value, _BATCH)


def _check_rule(program: Program, hyper: Any) -> Any:
    """Try a first update of the optimizer, and return the shapes of the parameters."""

    def first_update(key: Any, hyper: Any) -> Any:
        params = program.draw(key, hyper)
        exact = jax.tree.map(wide, params)
        state = program.rule_with(hyper, key).init(exact)
        program.rule_with(hyper).update(exact, state, exact, **on_trial(program, exact))
        return params

    what = f"The optimizer {program.optimizer.name!r} cannot update the model's parameters"
    return shape_of(what, first_update, jax.ShapeDtypeStruct((2,), "uint32"), hyper)


def _check_evaluate(program: Program, params: Any, hyper: Any) -> None:
    """Raise `InputError` where the parameters that are measured cannot be computed, or have other shapes than the model's."""

    def measured(params: Any, key: Any, hyper: Any) -> Any:
        exact = jax.tree.map(wide, params)
        return program.optimizer.evaluate(program.first_state(params, key, hyper), exact)

    what = f"The parameters that the optimizer {program.optimizer.name!r} evaluates cannot be computed"
    found = shape_of(what, measured, params, jax.ShapeDtypeStruct((2,), "uint32"), hyper)
    given, drawn = (dict(layout_of(tree)) for tree in (found, params))
    if given != drawn:
        raise InputError(
            f"{program.optimizer.name}.evaluate gives arrays of the shapes {given}, but the model has {drawn}: give the same "
            "tree of the same shapes."
        )


def _check_penalty(program: Program, params: Any, hyper: Any) -> None:
    """Raise `InputError` where the penalty cannot be computed, or gives something else than a real number."""
    kind = f"The penalty {type(program.penalty).__name__}"
    value = shape_of(f"{kind} cannot be computed", lambda p, h: penalty_of(program, h, p)(p), params, hyper)
    if value.shape != ():
        raise InputError(f"{kind} gives shape {list(value.shape)}: it must give one number for all parameters.")
    _check_real(f"{kind} gives a value of dtype {value.dtype}", value.dtype)


def _check_fit(program: Program, params: Any, hyper: Any, split: Any) -> None:
    """Raise `InputError` where a fit fails, or gives other arrays than the model draws."""
    fit = lambda params, hyper, split: program.model_with(hyper).fit(params, split)  # type: ignore[attr-defined] # noqa: E731
    kind = type(program.model).__name__
    fitted = shape_of(f"The model {kind} cannot be fitted", fit, params, hyper, split)
    given, drawn = (dict(layout_of(tree)) for tree in (fitted, params))
    if given != drawn:
        raise InputError(
            f"The fit of the model {kind} gives arrays of the shapes {given}, but init draws {drawn}: give the same tree of "
            "the same shapes."
        )


def _examples(program: Program) -> tuple[Any, Any]:
    """Shape structs of the two arguments that measures take: one tile, and all examples of a split."""
    shape: Any = jax.ShapeDtypeStruct
    tile = Tile(program.x.struct(_BATCH), program.y.struct(_BATCH), shape((_BATCH,), "bool"))
    x, y, number = program.x.struct(2, _BATCH), program.y.struct(2, _BATCH), shape((), "int32")
    return tile, Examples(x, y, None, number, number, number)


def _value(program: Program, measure: Measure, params: Any, hyper: Any, examples: Any) -> Any:
    def call(params: Any, hyper: Any, examples: Any) -> Any:
        function = bound(program, measure, hyper, first_seen(program, params, hyper))
        return function(params, program.apply_with(hyper), examples)

    what = f"The measure {measure.name!r} cannot be computed"
    try:
        return shape_of(what, call, params, hyper, examples)
    except InputError as problem:
        if fault := fault_of(problem.__cause__, params, program.model):
            raise InputError(f"{what}: {fault}") from problem.__cause__
        if repr(measure.name) in str(problem):
            raise
        raise InputError(f"{what}: {problem}") from problem.__cause__


def check_functions(experiment: Experiment, x: Any, y: Any) -> None:
    """Raise `InputError` where model or loss cannot serve examples shaped like ``x[B, ...]`` and ``y[B, ...]``."""
    model = model_of(experiment)
    key = jax.eval_shape(lambda: jax.random.key(0))
    params = _of_model(model, f"cannot draw parameters for inputs {_show(x)}", model.init, key, x)
    _check_params(model, params)
    outputs = _outputs(model, params, x)
    check_dropout(model, params, x)
    width, batch = experiment.task.num_outputs, x.shape[0]
    if outputs.shape != (batch, width):
        raise InputError(
            f"The model's output has shape {list(outputs.shape)} for {batch} examples, but the task calls for "
            f"{[batch, width]}: give the model {width} outputs."
        )
    if experiment.loss in SQUARED and outputs.shape != y.shape:
        raise InputError(
            f"loss is {experiment.loss!r}, but targets have shape {list(y.shape)} and outputs {list(outputs.shape)}: give "
            "targets of the outputs' shape, such as y[:, None]."
        )
    _check_real(f"The model's output is of dtype {outputs.dtype}", outputs.dtype)
    values = _losses(experiment, model, params, x, y, outputs)
    if getattr(values, "shape", None) != (batch,):
        raise InputError(
            f"The loss {experiment.loss!r} gave shape {list(getattr(values, 'shape', []))} for {batch} examples: it must "
            "give one value per example, before any mean."
        )
    _check_real(f"The loss {experiment.loss!r} gives values of dtype {values.dtype}", values.dtype)


def _losses(experiment: Experiment, model: Any, params: Any, x: Any, y: Any, outputs: Any) -> Any:
    """Shape struct of the losses of examples."""
    found = seeing(losses.get(experiment.loss), model)
    if isinstance(found, Seeing) and is_random(model):
        raise InputError(
            f"The loss {experiment.loss!r} sees layers of the network, and the model {model!r} draws random numbers in "
            "training, so that its layers are not those of the outputs: switch the random numbers off, or use a loss of "
            "outputs alone."
        )

    def function(params: Any, x: Any, y: Any, outputs: Any) -> Any:
        return losses.of_examples(found, model.apply, params, x, y, outputs)

    return shape_of(
        f"The loss {experiment.loss!r} cannot be applied to targets {_show(y)}", function, params, x, y, outputs
    )


def _outputs(model: Any, params: Any, x: Any) -> Any:
    """Shape struct of a model's outputs, which must be that of its outputs in training."""
    outputs = _of_model(model, f"cannot be applied to inputs {_show(x)}", model.apply, params, x)
    if not is_random(model):
        return outputs
    if not writes_training(model):
        raise InputError(
            f"The model {shown(model)} has an apply of its own, and inherits apply_train from another: give it an apply_train "
            "of its own too, or switch the random numbers of training off."
        )
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0, impl="threefry2x32"), x.shape[0]))
    trained = shape_of(
        f"The model {shown(model)} cannot be trained on inputs {_show(x)}", model.apply_train, params, x, keys
    )
    if getattr(trained, "shape", None) != outputs.shape:
        raise InputError(
            f"The model's apply_train gives shape {list(getattr(trained, 'shape', []))}, and its apply {list(outputs.shape)}: "
            "both must give the same outputs but for the random numbers."
        )
    return outputs


def _of_model(model: Any, what: str, function: Any, *arguments: Any) -> Any:
    """Shape structs of what a function of a model gives; of a Linen module that asks for a key, the error says what to do."""
    try:
        return shape_of(f"The model {shown(model)} {what}", function, *arguments)
    except InputError as problem:
        if isinstance(model, nn.Module) and _ASKS.search(str(problem)):
            raise InputError(f"{problem} {_LINEN}") from problem.__cause__
        raise


def _check_real(what: str, dtype: Any) -> None:
    if not jax.dtypes.issubdtype(dtype, np.floating):
        raise InputError(f"{what}: training takes derivatives, so give real numbers with a fraction, such as float32.")


def _check_params(model: Any, params: Any) -> None:
    leaves = jax.tree.leaves(params)
    if not leaves:
        raise InputError("The model has no parameters to train.")
    linen = isinstance(model, nn.Module) or (isinstance(params, Mapping) and "params" in params)
    if linen and set(params) != {"params"}:
        extra = sorted(set(params) - {"params"})
        raise InputError(
            f"The Linen module keeps the collections {extra} beside its parameters: memjax trains pure functions of the "
            "parameters, so remove batch statistics and other state; nn.LayerNorm, nn.GroupNorm and nn.WeightNorm keep none."
        )
    other = sorted({str(leaf.dtype) for leaf in leaves if not jnp.issubdtype(leaf.dtype, jnp.inexact)})
    if other:
        raise InputError(
            f"The model has parameters of {listing(other)}, which have no gradient: give floats alone, and keep "
            "everything else in the functions."
        )


def shape_of(what: str, function: Any, *arguments: Any) -> Any:
    """Trace a user's function for its output shape; an exception becomes an `InputError` that names the cause."""
    try:
        return jax.eval_shape(function, *arguments)
    except InputError as problem:
        # Anew, for JAX notes its hidden frames on an error that passes through, and they are no part of the sentence.
        raise InputError(str(problem)) from None
    except Exception as problem:
        raise InputError(f"{what}: {cause(problem)}") from problem


def _show(struct: Any) -> str:
    return f"{struct.dtype}{list(struct.shape)}"
