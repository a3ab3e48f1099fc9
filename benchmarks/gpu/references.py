"""The numbers of a CPU that a GPU's are compared with, kept in ``refs.npz`` beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np

import memjax as mj
from benchmarks.gpu.check_cases import CASES, MODELS, Case, first_parameters, frozen, records, trained_parameters

__all__ = ["PATH", "curvature", "load", "write"]

PATH = Path(__file__).parent / "refs.npz"
_BITS = {"float32": False, "float64": True}
MEASURED = ("MLP", "EmbeddingMLP")


def write(path: Path = PATH) -> int:
    """Compute all references on this machine's CPU; the size of the file in bytes."""
    held: dict[str, Any] = {}
    for name, make in CASES.items():
        held |= {f"{name}|{key}": value for key, value in _of_case(name, make()).items()}
    np.savez_compressed(path, **held)
    return path.stat().st_size


def _of_case(name: str, case: Case) -> dict[str, Any]:
    """Text, start and records of a case, and what is measured on its trained network."""
    found: dict[str, Any] = {"text": text(case), "start": first_parameters(case)}
    if name in MEASURED:
        found["trained"] = trained_parameters(case)
    for bits, x64 in _BITS.items():
        with jax.enable_x64(x64):
            found |= {f"{bits}|{key}": value for key, value in records(case, found["start"]).items()}
            if name in MEASURED:
                found |= {f"{bits}|{key}": value for key, value in curvature(case, found["trained"]).items()}
    return found


def text(case: Case) -> str:
    """What a case is, so that references of another case are not taken for its own."""
    return f"{case.experiment.to_json()} over {case.over}"


def curvature(case: Case, trained: np.ndarray) -> dict[str, np.ndarray]:
    """Sharpness, dimensionality of every example, and ranks of a trained network with these parameters."""
    found = mj.measure(frozen(case, trained), ["sharpness", mj.measures.dimensionality()])
    names = {"sharpness": "sharpness", "dimensionality": "data_dimensionality", "rank": "rank"}
    return {name: np.ravel(found[of].values) for name, of in names.items()}


def load(name: str) -> dict[str, np.ndarray]:
    """The references of a case.

    Raises
    ------
    ValueError
        If the file holds another case under this name.
    """
    with np.load(PATH, allow_pickle=False) as held:
        found = {key.partition("|")[2]: held[key] for key in held.files if key.partition("|")[0] == name}
    if not found or str(found["text"]) != text(CASES[name]()):
        raise ValueError(
            f"refs.npz is not of the case {name} as it is now: python -m benchmarks.gpu refs writes it anew."
        )
    return found


assert set(MEASURED) <= set(MODELS)
