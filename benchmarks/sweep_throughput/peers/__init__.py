"""The peers, one file each: ``prepare(work, settings)`` gives a function that trains all runs from the start.

``grain(work, settings)`` says how few runs of each size still show a peer's speed.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

RECORDS = ("train_loss", "train_accuracy", "test_loss", "test_accuracy", "weight_l2")


@dataclass(frozen=True)
class Settings:
    """Where and how a peer works.

    Attributes
    ----------
    device
        ``cpu`` or ``gpu``.
    precision
        ``highest`` for float32 throughout, ``default`` for whatever the tool takes its products in.
    cache
        Folder of compiled programs, or None; only for peers that compile.
    """

    device: str = "cpu"
    precision: str = "highest"
    cache: str | None = None


@dataclass(frozen=True)
class Trained:
    """Records ``float[R, K]`` by the names in `RECORDS`, and whatever else a peer has to say."""

    records: dict[str, np.ndarray]
    facts: dict[str, Any] = field(default_factory=dict)


Train = Callable[[int], Trained]


class Peer(NamedTuple):
    """Module of a peer, what it needs installed, whether it compiles, and where it makes sense."""

    module: str
    needs: str
    install: str
    compiles: bool
    devices: tuple[str, ...] = ("cpu", "gpu")


_TORCH = ("torch", "pip install torch==2.13.0", False)

PEERS = {
    "memjax": Peer("memjax_sweep", "memjax", "pip install .", True),
    "jax-loop": Peer("jax_loop", "optax", "pip install .", True),
    "jax-vmap-padded": Peer("jax_vmap_padded", "optax", "pip install .", True),
    "torch-func": Peer("torch_func", *_TORCH),
    "torch-processes": Peer("torch_processes", *_TORCH, devices=("cpu",)),
    "torch-eager": Peer("torch_eager", *_TORCH),
}
ONE_LANE = "memjax-one-lane"
WITH_VARIANTS = {**PEERS, ONE_LANE: Peer("memjax_one_lane", "memjax", "pip install .", True, devices=("cpu",))}


def load(name: str) -> ModuleType:
    """Import a peer with its tool."""
    return importlib.import_module(f"{__name__}.{WITH_VARIANTS[name].module}")


def why_not(name: str, device: str) -> str | None:
    """One line on why a peer is left out, or None."""
    peer = WITH_VARIANTS[name]
    if device not in peer.devices:
        return f"{name} is left out: it makes no sense on a {device}."
    if importlib.util.find_spec(peer.needs) is None:
        return f"{name} is left out: {peer.needs} is missing ({peer.install})."
    return None
