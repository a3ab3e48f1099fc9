"""Whether the numbers of this device are those of a CPU: starts bit for bit, records under three precisions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from traceback import extract_tb
from typing import Any

import jax
import numpy as np

from benchmarks.gpu import references
from benchmarks.gpu.check_cases import CASES, MODELS, RECORDS, first_parameters, records
from benchmarks.gpu.sections import Parts, Session

__all__ = ["against_cpu", "initial", "over_cases", "relative"]

_THREADS = 8
_TINY = ("MLP", "Autoencoder")
# Places on the axis of records that are compared: before training, after the first steps, at the end.
_PLACES = {"start": 0, "first record": 1, "end": -1}
_FLOAT32, _FLOAT64, _TENSOR_FLOAT = 1e-5, 1e-9, 2e-3
# In float64 other noise is drawn, so for a chain the CPU's own distance says nothing; its noise goes through an `erfinv`.
_CHAIN, _CHAIN_LIMIT = "SGLD", 1e-4

_MODES: dict[str, tuple[str, Callable[[], contextlib.AbstractContextManager[Any]]]] = {
    "memjax's default": ("float32", contextlib.nullcontext),
    "JAX's default": ("float32", lambda: jax.default_matmul_precision("default")),
    "float64": ("float64", lambda: jax.enable_x64(True)),
}


def initial(session: Session) -> Parts:
    """The first parameters of every model, one part for all."""
    yield "parameters that differ", partial(over_cases, session, MODELS, _first)


def _first(name: str) -> dict[str, Any]:
    held = references.load(name)["start"]
    differ = int((first_parameters(CASES[name]()) != held).sum())
    return {"differ": differ, "of": held.size, "pass": differ == 0}


def against_cpu(session: Session) -> Parts:
    """Records from the references' own start, a part per precision."""
    for mode in _MODES:
        yield mode, partial(over_cases, session, tuple(CASES), partial(_compared, mode))


def over_cases(session: Session, names: tuple[str, ...], function: Callable[[str], Any]) -> dict[str, Any]:
    """What a function gives for every case. Most of the time goes to compiling, so the cases go side by side."""
    chosen = [name for name in names if not session.tiny or name in _TINY]
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(chosen, pool.map(_alone(function), chosen), strict=True))


def _alone(function: Callable[[str], Any]) -> Callable[[str], Any]:
    """A function whose error is its result: one case does not stop the others."""

    def tried(name: str) -> Any:
        try:
            try:
                return function(name)
            except SystemError:
                # Python 3.11 may fail where two threads parse at the same time (cpython#106905); it does not fail twice.
                return function(name)
        except Exception as problem:
            # Places without lines of code, which Python 3.11 parses to format them.
            places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in extract_tb(problem.__traceback__)[-6:]]
            return {"at": places, "error": f"{type(problem).__name__}: {problem}"[:600], "pass": False}

    return tried


def _compared(mode: str, name: str) -> dict[str, Any]:
    """Largest relative difference of the losses at three places, the CPU's own, the limits, and whether they hold."""
    bits, settings = _MODES[mode]
    held = references.load(name)
    with settings():
        found = records(CASES[name](), held["start"])
    row: dict[str, Any] = {"pass": True}
    for place, at in _PLACES.items():
        differ = _largest(found, held, bits, at)
        own = None if name == _CHAIN and at else _largest(_other(held, bits), held, bits, at)
        limit = _limit(mode, place, own)
        row[place] = {"differs": differ, "CPU's own": own, "limit": limit}
        row["pass"] &= limit is None or bool(differ <= limit)
    return row


def _other(held: dict[str, np.ndarray], bits: str) -> dict[str, np.ndarray]:
    """The CPU's records in the other precision."""
    other = "float64" if bits == "float32" else "float32"
    return {name: held[f"{other}|{name}"] for name in RECORDS}


def _largest(found: dict[str, np.ndarray], held: dict[str, np.ndarray], bits: str, at: int) -> float:
    return max(relative(found[name][:, at], held[f"{bits}|{name}"][:, at]) for name in RECORDS if "loss" in name)


def relative(found: np.ndarray, held: np.ndarray) -> float:
    """Largest difference as a share of the reference."""
    return float(np.abs(found.astype(float) / held.astype(float) - 1).max())


def _limit(mode: str, place: str, own: float | None) -> float | None:
    """The largest difference that passes; None where nothing is promised."""
    if mode == "float64":
        return _FLOAT64
    if mode == "JAX's default":
        return _TENSOR_FLOAT if place == "start" else None
    if own is None:
        return _CHAIN_LIMIT
    return _FLOAT32 if place == "start" else max(_FLOAT32, 10 * own)
