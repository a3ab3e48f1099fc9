"""A proof, from a function's jaxpr, that each row of its result depends on the same row of its arguments alone.

The proof follows one axis, that of the rows, through every operation. It needs no numbers and compiles nothing. A function
without a proof may still be sound: ``contracts.py`` tries it on examples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from jax.extend.core import ClosedJaxpr, Literal

__all__ = ["proven_apart"]

State: TypeAlias = int | frozenset[int]
"""Axis of the rows; or, of a value without rows, the axes along which all its entries are equal."""

_CALLS = {
    "jit", "pjit", "closed_call", "core_call", "remat", "remat2", "checkpoint", "custom_jvp_call", "custom_vjp_call",
    "custom_vjp_call_jaxpr",
}  # fmt: skip
_INNER = ("jaxpr", "call_jaxpr", "fun_jaxpr")
_ENTRYWISE = {
    "abs", "acos", "acosh", "add", "add_any", "and", "asin", "asinh", "atan", "atan2", "atanh", "bitcast_convert_type",
    "cbrt", "ceil", "clamp", "convert_element_type", "copy", "cos", "cosh", "digamma", "div", "eq", "erf", "erf_inv", "erfc",
    "exp", "exp2", "expm1", "floor", "ge", "gt", "integer_pow", "is_finite", "le", "lgamma", "log", "log1p", "logistic", "lt",
    "max", "min", "mul", "ne", "neg", "nextafter", "not", "or", "pow", "reduce_precision", "rem", "round", "rsqrt",
    "select_n", "shift_left", "shift_right_logical", "sign", "sin", "sinh", "sqrt", "square", "stop_gradient", "sub", "tan",
    "tanh", "xor",
}  # fmt: skip
_REDUCTIONS = {"reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "reduce_and", "reduce_or", "argmax", "argmin"}
_ALONG = {"cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"}


class _Unproven(Exception):
    """An operation mixes rows, or has no rule here."""


def proven_apart(closed: ClosedJaxpr, has_rows: Sequence[bool]) -> bool:
    """Whether every row of every result ``[B, ...]`` depends only on the same row of the arguments that have rows.

    Examples
    --------
    >>> import jax, jax.numpy as jnp
    >>> x = jnp.ones((5, 2))
    >>> [proven_apart(jax.make_jaxpr(f)(x), [True]) for f in (jax.nn.softmax, lambda x: x - x.mean(0))]
    [True, False]
    """
    start: list[State] = [0 if rows else frozenset() for rows in has_rows]
    try:
        states = _propagate(closed.jaxpr, start)
    except Exception:  # an operation mixes rows, or has other parameter names in this version of JAX
        return False
    return all(state == 0 if isinstance(state, int) else 0 in state for state in states)


def _propagate(jaxpr: Any, states: Sequence[State]) -> list[State]:
    known: dict[Any, State] = dict(zip(jaxpr.invars, states, strict=True))
    known |= {var: _unit_axes(var) for var in jaxpr.constvars}

    def read(atom: Any) -> State:
        return frozenset(range(np.ndim(atom.val))) if isinstance(atom, Literal) else known[atom]

    for eqn in jaxpr.eqns:
        known.update(zip(eqn.outvars, _results(eqn, [read(atom) for atom in eqn.invars]), strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _unit_axes(var: Any) -> frozenset[int]:
    """Axes of size one: entries cannot differ along them."""
    return frozenset(axis for axis, size in enumerate(var.aval.shape) if size == 1)


def _results(eqn: Any, states: list[State]) -> list[State]:
    name = eqn.primitive.name
    if name in _CALLS:
        inner = next(eqn.params[key] for key in _INNER if key in eqn.params)
        return _propagate(getattr(inner, "jaxpr", inner), states)
    if name == "scan":
        return _scan(eqn, states)
    if not any(isinstance(state, int) for state in states):
        equal = _equal_axes(eqn, states)
        return [equal | _unit_axes(var) for var in eqn.outvars]
    rule = _entrywise if name in _ENTRYWISE else _RULES.get(name)
    if rule is None:
        raise _Unproven
    return [int(rule(eqn, states))] * len(eqn.outvars)


def _scan(eqn: Any, states: list[State]) -> list[State]:
    """States of a scan's results: the carry, whose state the body must preserve, and the outputs stacked on a new axis 0."""
    # Newer versions of JAX keep trees of constants, carry and inputs in place of the numbers of the first two.
    trees = eqn.params["ft_in"].unpack() if "ft_in" in eqn.params else ()
    consts, carried = [len(list(tree)) for tree in trees[:2]] or (eqn.params["num_consts"], eqn.params["num_carry"])
    shapes = [atom.aval.shape for atom in eqn.invars]
    rows = {shape[state] for shape, state in zip(shapes, states, strict=True) if isinstance(state, int)}
    each = zip(shapes[consts:], states[consts : consts + carried], strict=False)
    carry, last = [_with_rows(shape, state, rows) for shape, state in each], None
    steps = [_shifted(state, -1) for state in states[consts + carried :]]
    while carry != last:
        last = carry
        out = _propagate(eqn.params["jaxpr"].jaxpr, [*states[:consts], *carry, *steps])
        carry = [_join(old, new) for old, new in zip(carry, out[:carried], strict=True)]
    return [*carry, *(_shifted(state, 1) for state in out[carried:])]


def _with_rows(shape: Sequence[int], state: State, rows: set[int]) -> State:
    """State of an initial carry without rows, such as zeros, if later carries can have rows along one of its axes."""
    if isinstance(state, int):
        return state
    return next((axis for axis in sorted(state) if shape[axis] in rows), state)


def _shifted(state: State, by: int) -> State:
    if isinstance(state, int):
        if state + by < 0:
            raise _Unproven
        return state + by
    return frozenset(axis + by for axis in state if axis + by >= 0)


def _join(one: State, other: State) -> State:
    """A state that holds for values of both states."""
    if isinstance(one, int) and isinstance(other, int):
        if one != other:
            raise _Unproven
        return one
    if isinstance(one, int) or isinstance(other, int):
        axis, free = (one, other) if isinstance(one, int) else (other, one)
        if axis not in free:  # type: ignore[operator]
            raise _Unproven
        return axis
    return one & other


def _equal_axes(eqn: Any, states: list[Any]) -> frozenset[int]:
    """Axes along which all entries of a result without rows are certainly equal."""
    name = eqn.primitive.name
    if name == "iota":
        return frozenset(range(len(eqn.params["shape"]))) - {eqn.params["dimension"]}
    if name == "broadcast_in_dim":
        mapped = eqn.params["broadcast_dimensions"]
        differ = {axis for place, axis in enumerate(mapped) if place not in states[0]}
        return frozenset(range(len(eqn.params["shape"]))) - differ
    if name in _ENTRYWISE:
        sets = [state for atom, state in zip(eqn.invars, states, strict=True) if atom.aval.ndim]
        return frozenset.intersection(*sets) if sets else frozenset()
    return frozenset()


def _common_axis(eqn: Any, states: Sequence[State]) -> int:
    """The axis of rows, the same in all operands; operands without rows must be scalars or constant along that axis."""
    found = {state for state in states if isinstance(state, int)}
    axis = found.pop()
    free = (s for atom, s in zip(eqn.invars, states, strict=True) if not isinstance(s, int) and atom.aval.ndim)
    if found or not all(axis in state for state in free):
        raise _Unproven
    return axis


def _entrywise(eqn: Any, states: list[State]) -> int:
    return _common_axis(eqn, states)


def _after_removal(axis: int, gone: Sequence[int]) -> int:
    """Position of an axis after other axes are removed."""
    if axis in gone:
        raise _Unproven
    return axis - sum(one < axis for one in gone)


def _rule_along(parameter: str) -> Callable[[Any, list[State]], int]:
    """Rule of an operation that works along the axes in its parameter ``parameter``."""

    def rule(eqn: Any, states: list[State]) -> int:
        axis, at = _common_axis(eqn, states), eqn.params[parameter]
        if axis in (at if isinstance(at, tuple) else (at,)):
            raise _Unproven
        return axis

    return rule


def _reshape(eqn: Any, states: list[State]) -> int:
    axis, before, after = _common_axis(eqn, states), eqn.invars[0].aval.shape, eqn.params["new_sizes"]
    places = [
        k for k, size in enumerate(after) if size == before[axis] and math.prod(after[:k]) == math.prod(before[:axis])
    ]
    if not places or eqn.params["dimensions"] is not None:
        raise _Unproven
    return places[0]


def _pad(eqn: Any, states: list[State]) -> int:
    axis = _common_axis(eqn, states)
    if states[0] != axis or eqn.params["padding_config"][axis] != (0, 0, 0):
        raise _Unproven
    return axis


def _slice(eqn: Any, states: list[State]) -> int:
    axis, strides = _common_axis(eqn, states), eqn.params.get("strides")
    whole = eqn.outvars[0].aval.shape[axis] == eqn.invars[0].aval.shape[axis]
    if not whole or states[0] != axis or (strides is not None and strides[axis] != 1):
        raise _Unproven
    return axis


def _dot_general(eqn: Any, states: list[State]) -> int:
    contract, batch = eqn.params["dimension_numbers"]
    places = []
    for side, state in enumerate(states):
        if not isinstance(state, int):
            continue
        if state in batch[side]:
            place = list(batch[side]).index(state)
            other = states[1 - side]
            paired = batch[1 - side][place]
            if other != paired if isinstance(other, int) else paired not in other:
                raise _Unproven
        else:
            kept_axis = _after_removal(state, (*contract[side], *batch[side]))
            first = eqn.invars[0].aval.ndim - len(contract[0]) - len(batch[0]) if side else 0
            place = len(batch[0]) + first + kept_axis
        places.append(place)
    if len(set(places)) > 1:
        raise _Unproven
    return places[0]


def _gather(eqn: Any, states: list[State]) -> int:
    """Look-ups whose indices have rows, in a table without rows or in each row's own entries."""
    numbers, (table, indices) = eqn.params["dimension_numbers"], states
    outer = [d for d in range(eqn.outvars[0].aval.ndim) if d not in numbers.offset_dims]
    if isinstance(table, int):
        if table not in numbers.operand_batching_dims:
            if isinstance(indices, int) or eqn.params["slice_sizes"][table] != eqn.invars[0].aval.shape[table]:
                raise _Unproven
            return numbers.offset_dims[
                _after_removal(table, (*numbers.collapsed_slice_dims, *numbers.operand_batching_dims))
            ]
        place = numbers.start_indices_batching_dims[numbers.operand_batching_dims.index(table)]
        if indices != place if isinstance(indices, int) else place not in indices:
            raise _Unproven
        return outer[place]
    if numbers.operand_batching_dims or not isinstance(indices, int) or indices >= len(outer):
        raise _Unproven
    return outer[indices]


def _weighted(eqn: Any, states: list[State]) -> int:
    """A layer of `memjax.models.layers` or a look-up: weights without rows, and inputs with rows along one certain axis."""
    axis = 0 if eqn.primitive.name == "memjax_rows" else 1
    if states[1] != axis or isinstance(states[0], int) or eqn.params.get("lead"):
        raise _Unproven
    return axis


def _convolution(eqn: Any, states: list[State]) -> int:
    numbers = eqn.params["dimension_numbers"]
    if states[0] != numbers.lhs_spec[0] or isinstance(states[1], int) or eqn.params["batch_group_count"] != 1:
        raise _Unproven
    return numbers.out_spec[0]


def _window(eqn: Any, states: list[State]) -> int:
    axis = _common_axis(eqn, states)
    if eqn.params["window_dimensions"][axis] != 1 or eqn.outvars[0].aval.shape[axis] != eqn.invars[0].aval.shape[axis]:
        raise _Unproven
    return axis


_RULES: dict[str, Callable[[Any, list[Any]], int]] = {
    "broadcast_in_dim": lambda eqn, states: eqn.params["broadcast_dimensions"][_common_axis(eqn, states)],
    "squeeze": lambda eqn, states: _after_removal(_common_axis(eqn, states), eqn.params["dimensions"]),
    "transpose": lambda eqn, states: eqn.params["permutation"].index(_common_axis(eqn, states)),
    "reshape": _reshape,
    "concatenate": _rule_along("dimension"),
    "sort": _rule_along("dimension"),
    "split": _rule_along("axis"),
    "top_k": _rule_along("axis"),
    "stack": lambda eqn, states: _common_axis(eqn, states) + (eqn.params["axis"] <= _common_axis(eqn, states)),
    "unstack": lambda eqn, states: _after_removal(_common_axis(eqn, states), (eqn.params["axis"],)),
    **dict.fromkeys(("memjax_dense", "memjax_rows"), _weighted),
    **{f"random_{name}": _entrywise for name in ("bits", "fold_in", "split", "unwrap", "wrap")},
    "rev": _rule_along("dimensions"),
    "pad": _pad,
    "slice": _slice,
    "dynamic_slice": _slice,
    "dot_general": _dot_general,
    "gather": _gather,
    "conv_general_dilated": _convolution,
    **dict.fromkeys(("reduce_window_sum", "reduce_window_max", "reduce_window_min"), _window),
    **{name: lambda eqn, states: _after_removal(_common_axis(eqn, states), eqn.params["axes"]) for name in _REDUCTIONS},
    **{name: _rule_along("axis") for name in _ALONG},
}
