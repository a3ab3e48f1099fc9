"""Kernels of a step, and the bytes they read and write, from the text of a program that XLA optimised for a GPU.

Every instruction of a scheduled program that is no bookkeeping is one kernel. A kernel reads its operands and writes its result
once: what it keeps in the caches in between is no traffic, and neither is the room that a matrix product gets to work in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Kernel", "computations", "step_kernels"]

# What launches nothing, or is waited for only.
_BOOKKEEPING = {
    "after-all", "async-done", "bitcast", "constant", "copy-done", "get-tuple-element", "parameter", "partition-id",
    "replica-id", "tuple",
}  # fmt: skip
_SLICES = {"slice", "dynamic-slice"}
_BITS = re.compile(r"\d+")
_ARRAY = re.compile(r"\b(pred|[a-z]+\d\w*)\[([\d,]*)\]")
_HEAD = re.compile(r"^(ENTRY )?%?([\w.\-]+) \(.*\{\s*$")
_LINE = re.compile(r"^\s+(?:ROOT )?%?([\w.\-]+) = (.*?) ([a-z][\w\-]*)\((.*)$")
_OPERANDS_END = re.compile(r"\)(?:, |$)")
_CALLED = re.compile(r"\b(?:body|calls|to_apply)=%?([\w.\-]+)")


class Instruction(NamedTuple):
    """One line: its name, the type of its result, its operation, names of its operands, and the rest of the line."""

    name: str
    type: str
    operation: str
    operands: tuple[str, ...]
    rest: str


class Kernel(NamedTuple):
    """One kernel: name, operation, and bytes read and written."""

    name: str
    operation: str
    read: int
    written: int


Computations = dict[str, list[Instruction]]


def step_kernels(text: str) -> list[Kernel]:
    """Kernels of one turn of the innermost loop, which is the loop over steps; of several, the one with the most.

    Parameters
    ----------
    text
        An optimised program, ``compiled.as_text()``.
    """
    found, entry = computations(text)
    loops = dict(_loops(found, entry, 0))
    if not loops:
        raise ValueError("The program has no loop, so it has no steps.")
    deepest = max(loops.values())
    return max((_kernels(found, body) for body, depth in loops.items() if depth == deepest), key=len)


def computations(text: str) -> tuple[Computations, str]:
    """The computations of a program by name, and the name of the one that it begins with."""
    found: Computations = {}
    name = entry = ""
    for line in text.splitlines():
        if head := _HEAD.match(line):
            name = head[2]
            found[name] = []
            entry = name if head[1] else entry
        elif name and (match := _LINE.match(line)):
            operands, *rest = _OPERANDS_END.split(match[4], maxsplit=1)
            # A parameter of a fusion has its number there, and a fusion that makes zeros has nothing.
            named = tuple(re.findall(r"%([\w.\-]+)", operands)) or tuple(filter(None, (operands,)))
            found[name].append(Instruction(match[1], match[2], match[3], named, "".join(rest)))
    return found, entry


def _loops(found: Computations, name: str, depth: int) -> Iterator[tuple[str, int]]:
    """Bodies of all loops in a computation, and how deep they are."""
    for one in found[name]:
        if one.operation == "while":
            body = _called(one)
            yield body, depth + 1
            yield from _loops(found, body, depth + 1)
        elif one.operation == "call":
            yield from _loops(found, _called(one), depth)


def _kernels(found: Computations, name: str) -> list[Kernel]:
    """Kernels of a computation and of those that it calls; a loop inside has its own."""
    kernels: list[Kernel] = []
    types = {one.name: one.type for one in found[name]}
    for one in found[name]:
        if one.operation == "call":
            kernels += _kernels(found, _called(one))
        elif one.operation != "while" and one.operation not in _BOOKKEEPING:
            kernels.append(Kernel(one.name, one.operation, _read(found, one, types), _written(one)))
    return kernels


def _called(one: Instruction) -> str:
    match = _CALLED.search(one.rest)
    if match is None:
        raise ValueError(f"The instruction {one.name} names no computation.")
    return match[1]


def _written(one: Instruction) -> int:
    # The second result of a product by cuBLAS is its room to work in.
    return _bytes(re.sub(r"\bs8\[\d+\]", "", one.type) if one.operation == "custom-call" else one.type)


def _read(found: Computations, one: Instruction, types: dict[str, str]) -> int:
    if one.operation in _SLICES:
        return _bytes(one.type)
    wholes = {operand: _bytes(types.get(operand, "")) for operand in one.operands}
    if one.operation != "fusion":
        return sum(wholes.values())
    fused = found[_called(one)]
    parameters = {int(own.operands[0]): own.name for own in fused if own.operation == "parameter"}
    return sum(
        min(wholes[operand], _part(fused, parameters[place], wholes[operand]))
        for place, operand in enumerate(one.operands)
    )


def _part(fused: list[Instruction], name: str, whole: int) -> int:
    """Bytes of a value that a fusion reads: what its slices write if nothing but slices takes the value, else all."""
    read = 0
    for one in fused:
        if name not in one.operands:
            continue
        if one.operation in _SLICES and name == one.operands[0]:
            read += _bytes(one.type)
        elif one.operation == "bitcast":
            read += _part(fused, one.name, whole)
        else:
            return whole
    return read


def _bytes(types: str) -> int:
    """Bytes of all arrays in the text of a type."""
    return sum(_width(kind) * math.prod(int(n) for n in sizes.split(",") if n) for kind, sizes in _ARRAY.findall(types))


def _width(kind: str) -> int:
    bits = _BITS.search(kind)
    return 1 if bits is None else max(1, int(bits[0]) // 8)
