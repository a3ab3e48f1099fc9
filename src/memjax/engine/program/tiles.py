"""Pack runs into a block: examples are cut into equal tiles, and each number becomes an array over runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from memjax.engine.program.program import Program, numbers_of
from memjax.experiment import Experiment
from memjax.experiment.draw import draw_split
from memjax.jax_settings import host_dtype
from memjax.random import keys
from memjax.types import Data, Split

__all__ = ["Block", "Shape", "Tiles", "draw_block", "pack_tiles"]


class Shape(NamedTuple):
    """Packed shape of a block; blocks of one program with the same shape share its compiled form.

    Attributes
    ----------
    runs
        Runs R in the block.
    width
        Examples B in a tile.
    train_tiles, test_tiles
        Tiles T of each split, unused ones included.
    """

    runs: int
    width: int
    train_tiles: int
    test_tiles: int


class Tiles(NamedTuple):
    """One split of a block of runs.

    Attributes
    ----------
    x, y
        ``[T, B, ...]``; rows beyond a run's count are padding.
    first, size
        ``int32[R]``: index of the first tile of each run, and its number of examples.
    run, position
        ``int32[T]``: run of each tile, and the tile's position among the tiles of that run. Unused tiles have a position
        beyond the examples of every run.
    most
        ``int32``: number of tiles of the largest run.
    """

    x: Any
    y: Any
    first: Any
    size: Any
    run: Any
    position: Any
    most: Any


class Block(NamedTuple):
    """Host arrays of a block, over its runs: raw keys ``uint32[R, 2]`` of the noise, numbers, and examples."""

    noise: np.ndarray
    hyper: dict[str, np.ndarray]
    train: Tiles
    test: Tiles


def draw_block(program: Program, shape: Shape, runs: Sequence[Experiment]) -> Block:
    """Draw the data of ``runs``, as many as the shape has, and pack them."""
    splits = _drawn(runs)
    return Block(
        noise=keys([run.init_key for run in runs], "noise"),
        hyper=numbers_of(runs, program.traced, program.widths),
        train=pack_tiles([split.train for split in splits], shape.width, shape.train_tiles),
        test=pack_tiles([split.test for split in splits], shape.width, shape.test_tiles),
    )


def _drawn(runs: Sequence[Experiment]) -> list[Split]:
    """Examples of every run. Runs on the same data, such as chains around one network, share one draw."""
    drawn: dict[Any, Split] = {}
    for run in runs:
        key = id(run.task), run.data_key, run.sizes()
        if key not in drawn:
            drawn[key] = draw_split(run)
    return [drawn[id(run.task), run.data_key, run.sizes()] for run in runs]


def pack_tiles(parts: Sequence[Data], width: int, room: int) -> Tiles:
    """Pack the examples of several runs into ``room`` tiles of ``width`` examples."""
    counts = np.array([len(part.y) for part in parts], np.int32)
    used = -(-counts // width)
    first = (np.cumsum(used) - used).astype(np.int32)
    # Positions of unused tiles: far beyond every run's examples, and one tile below the overflow of int32.
    run, position = np.zeros(room, np.int32), np.full(room, np.iinfo(np.int32).max // width - 1, np.int32)
    run[: used.sum()] = np.repeat(np.arange(len(parts)), used)
    position[: used.sum()] = np.concatenate([np.arange(tiles) for tiles in used])
    x, y = (_padded([part[field] for part in parts], first, width, room) for field in (0, 1))
    return Tiles(x, y, first, counts, run, position, np.int32(used.max()))


def _padded(rows: Sequence[np.ndarray], first: np.ndarray, width: int, room: int) -> np.ndarray:
    dtype = host_dtype(rows[0].dtype)
    flat = np.zeros((room * width, *rows[0].shape[1:]), dtype)
    for part, tile in zip(rows, first, strict=True):
        flat[tile * width : tile * width + len(part)] = part
    return flat.reshape(room, width, *rows[0].shape[1:])
