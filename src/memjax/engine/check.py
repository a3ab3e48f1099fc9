"""Check optimizer and measures on shapes alone, before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from memjax.engine.program import Program, num_parameters, parameter_layout
from memjax.errors import InputError
from memjax.examples import Examples, Tile
from memjax.experiment import Experiment
from memjax.measures.measure import Measure
from memjax.precision import float_dtype, wide
from memjax.validate import shape_of

__all__ = ["RESERVED", "check_names", "check_program", "check_start"]

_BATCH = 3
RESERVED = (
    "step",
    "status",
    "stop_step",
    "stop_reason",
    "num_parameters",
    "snapshot",
    "parameters",
    "parameter_index",
    "parameter_layout",
)
"""Names that every result uses, or may."""


def check_names(axes: Iterable[str], programs: Iterable[Program]) -> None:
    """Raise `InputError` where two things of the Dataset would have one name, which would be found after training."""
    taken = dict.fromkeys(RESERVED, "the result itself") | dict.fromkeys(axes, "an axis")
    for axis in axes:
        if axis in RESERVED:
            raise InputError(f"The axis {axis!r} has a name that every result uses: rename the field.")
    dims: dict[str, str] = {}
    # By function: the same measure may have other units in a program with another loss.
    variables: dict[str, Any] = {}
    for measure in dict.fromkeys(measure for program in programs for measure in program.measures):
        for split in measure.splits:
            name = measure.variable(split)
            if name in taken or variables.setdefault(name, measure.function) != measure.function:
                other = taken.get(name, "another measure")
                raise InputError(f"The measure {measure.name!r} would write {name!r}, the name of {other}: rename it.")
        for dim in measure.dims:
            if dim in taken or dims.setdefault(dim, measure.name) != measure.name:
                other = taken.get(dim, f"the measure {dims.get(dim)!r}")
                raise InputError(
                    f"The measure {measure.name!r} has the dimension {dim!r}, a name of {other}: rename it."
                )
    for name in variables.keys() & dims.keys():
        raise InputError(f"{name!r} is the name of a measure and of a dimension: rename one of them.")


def check_program(program: Program) -> None:
    """Raise `InputError` where the optimizer or a measure fails on the model, or a measure gives the wrong shape."""
    hyper = {path: jax.ShapeDtypeStruct((), float_dtype()) for path in program.traced}
    params = _check_rule(program, hyper)
    program.optimizer.check_rates(program.steps)
    tile, split = _examples(program)
    for measure in program.measures:
        if measure.needs_labels and not np.issubdtype(np.dtype(program.y[1]), np.integer):
            raise InputError(
                f"The measure {measure.name!r} needs class labels, but the targets are values: leave it out."
            )
        value = _value(program, measure, params, hyper, tile if measure.per_example else split)
        _check_shape(measure, value)


def check_start(program: Program, experiment: Experiment) -> None:
    """Raise `InputError` where a run starts from parameters of another network."""
    if experiment.start is not None and experiment.start.layout != parameter_layout(program):
        raise InputError(
            f"start is {experiment.start!r}, which does not fit the {num_parameters(program)} parameters of the model "
            f"{experiment.model!r}: start from a snapshot of the same architecture."
        )


def _check_rule(program: Program, hyper: Any) -> Any:
    """Shapes of the parameters, once the optimizer has made a first update of them."""

    def first_update(key: Any, hyper: Any) -> Any:
        params = program.draw(key, hyper)
        exact = jax.tree.map(wide, params)
        state = program.rule_with(hyper, key).init(exact)
        program.rule_with(hyper).update(exact, state, exact)
        return params

    what = f"The optimizer {program.optimizer.name!r} cannot update the model's parameters"
    return shape_of(what, first_update, jax.ShapeDtypeStruct((2,), "uint32"), hyper)


def _examples(program: Program) -> tuple[Any, Any]:
    """Shape structs of what a measure sees: one tile, or all examples of a split."""
    shape: Any = jax.ShapeDtypeStruct
    tile = Tile(program.x.struct(_BATCH), program.y.struct(_BATCH), shape((_BATCH,), "bool"))
    x, y, number = program.x.struct(2, _BATCH), program.y.struct(2, _BATCH), shape((), "int32")
    return tile, Examples(x, y, None, number, number, number)


def _value(program: Program, measure: Measure, params: Any, hyper: Any, examples: Any) -> Any:
    def call(params: Any, hyper: Any, examples: Any) -> Any:
        return measure.bind(program.loss)(params, program.apply_with(hyper), examples)

    return shape_of(f"The measure {measure.name!r} cannot be computed", call, params, hyper, examples)


def _check_shape(measure: Measure, value: Any) -> None:
    for leaf in jax.tree.leaves(value):
        if jax.numpy.iscomplexobj(leaf):
            raise InputError(f"The measure {measure.name!r} gives complex numbers: take their size or their real part.")
    if measure.per_example:
        _expect(measure, value, (_BATCH,), f"one value per example, [{_BATCH}] for {_BATCH} examples")
    elif isinstance(value, dict):
        if len(measure.dims) != 1:
            raise InputError(
                f"The measure {measure.name!r} gives a dict, so it needs the name of one dimension for its keys: wrap it "
                "in memjax.measures.Measure(function, name, dims=('part',))."
            )
        for entry in value.values():
            _expect(measure, entry, (), "a number for every key")
    else:
        rank = len(measure.dims)
        shape = getattr(value, "shape", None)
        what = "a number" if rank == 0 else f"an array with the {rank} dimensions {measure.dims}"
        _expect(measure, value, shape if shape is not None and len(shape) == rank else (math.inf,), what)


def _expect(measure: Measure, value: Any, shape: tuple[float, ...], what: str) -> None:
    if getattr(value, "shape", None) != shape:
        got = f"shape {list(value.shape)}" if hasattr(value, "shape") else f"a {type(value).__name__}"
        raise InputError(
            f"The measure {measure.name!r} gives {got}, but must give {what}: change its result, or declare its "
            "dimensions with memjax.measures.Measure(function, name, dims=...)."
        )
