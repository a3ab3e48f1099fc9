"""What is compiled: the works of `benchmarks.gpu.works`, and blocks of many kinds whose memory a plan states."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from tests.engine.accelerated import BATCHED, TEN_SIZES, blocks, chains, experiment, tokens

import memjax as mj
from benchmarks import memory
from memjax.engine.plan.plan import make_plan

__all__ = ["MEMORY", "WORKS", "Case"]

Case = Callable[[], Sequence[Any]]


def _sizes() -> list[Any]:
    """A block per size, each of 10 seeds."""
    return [block for size in TEN_SIZES for block in _seeds(10, train_size=size)]


def _seeds(count: int, **fields: Any) -> Sequence[Any]:
    """The blocks of an experiment on random labels with so many seeds."""
    return blocks(experiment(**fields), {"seed": range(count)})


def _token_seeds(count: int, model: Any, **fields: Any) -> Sequence[Any]:
    """The same on addition modulo 53."""
    return blocks(tokens(model, **fields), {"seed": range(count)})


def _of_memory(name: str) -> Sequence[Any]:
    """The first blocks of a case of `benchmarks.memory`, packed as on a GPU; the first is the most expensive."""
    spec, over, _ = memory.CASES[name]()
    return make_plan(spec, over, BATCHED).blocks[:1]


WORKS: dict[str, Case] = {
    "a": _sizes,
    "b": lambda: _seeds(4096),
    "b in minibatches": lambda: _seeds(4096, batch_size=200),
    "c": chains,
}

_WIDE = mj.models.MLP(hidden=(512,))
_IMAGES = mj.tasks.RandomLabels(input_dim=784, num_classes=10)
_SHARP = ("loss", "sharpness")
_LARGE = mj.models.Transformer(width=128, heads=4, mlp=512)
_SMALL = mj.models.Transformer(width=64, heads=4, mlp=256)
_EMBEDDING = mj.models.EmbeddingMLP(embedding=12, hidden=48)

MEMORY: dict[str, Case] = {
    **{name: functools.partial(_of_memory, name) for name in memory.CASES},
    "512 runs of 200": lambda: _seeds(512),
    "32 runs of 3200": lambda: _seeds(32, train_size=3200),
    "3200 in minibatches of 128": lambda: _seeds(32, train_size=3200, batch_size=128),
    "tanh": lambda: _seeds(32, train_size=3200, model=mj.models.MLP(hidden=(100, 100), activation="tanh")),
    "gelu, five layers": lambda: _seeds(32, train_size=3200, model=mj.models.MLP(hidden=(64,) * 5, activation="gelu")),
    "images, 784-512": lambda: _seeds(32, train_size=2000, task=_IMAGES, model=_WIDE),
    "Transformer": lambda: _token_seeds(8, _LARGE),
    "QuadraticMLP": lambda: _token_seeds(32, mj.models.QuadraticMLP(hidden=256)),
    "EmbeddingMLP": lambda: _token_seeds(64, _EMBEDDING),
    "EmbeddingMLP in minibatches": lambda: _token_seeds(64, _EMBEDDING, batch_size=128),
    "sharpness of 200": lambda: _seeds(256, measures=_SHARP),
    "sharpness of 3200": lambda: _seeds(32, train_size=3200, measures=_SHARP),
    "sharpness of a Transformer": lambda: _token_seeds(8, _SMALL, measures=_SHARP),
}
