"""Pack runs into a block: examples are cut into equal tiles, and each number becomes an array over runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from memjax.engine.program.copies import Copies, copies_of
from memjax.engine.program.example_rows import example_rows
from memjax.engine.program.forward import forward_keys, numbers_of_rows
from memjax.engine.program.fresh import Source, sources
from memjax.engine.program.program import Program, numbers_of
from memjax.experiment import Experiment
from memjax.experiment.draw import draw_data
from memjax.experiment.rows import chosen, of_rows
from memjax.experiment.splits import examples_of
from memjax.jax_settings import host_dtype
from memjax.random import keys
from memjax.types import Data, Split

__all__ = ["Block", "Schedule", "Shape", "Tiles", "draw_block", "pack_tiles", "rooms_of", "split_shapes"]

Schedule = Literal["streamed", "batched"]
"""How the examples of a block's runs are gone through.

*Streamed* goes through a run's tiles one after another, so that activations stay in a CPU's cache. *Batched*, for GPUs and
TPUs, takes all examples of all runs at once; every run then has the same number of tiles, so that no sum goes over a ragged
axis.
"""


class Shape(NamedTuple):
    """Packed shape of a block; blocks of one program with the same shape share its compiled form.

    Attributes
    ----------
    runs
        Runs R in the block.
    width
        Examples B in a tile.
    train_tiles, test_tiles
        Tiles T of each split, unused ones included. A batched block has as many for every run.
    more
        Tiles of the program's further splits.
    """

    runs: int
    width: int
    train_tiles: int
    test_tiles: int
    more: tuple[int, ...] = ()


class Tiles(NamedTuple):
    """One split of a block of runs.

    Attributes
    ----------
    x, y
        ``[T, B, ...]``, or of a batched block ``[R, B', ...]`` with all tiles of a run in one row; rows beyond a run's count
        are padding, which repeats its first example.
    first, size
        ``int32[R]``: index of the first tile of each run, and its number of examples.
    most
        ``int32``: number of tiles of the largest run.
    rows
        ``int32[T, B]``: numbers of the examples in the data set; None where the forward pass draws no random numbers.
    """

    x: Any
    y: Any
    first: Any
    size: Any
    most: Any
    rows: Any = None


class Block(NamedTuple):
    """Host arrays of a block, over its runs.

    Attributes
    ----------
    noise
        Raw keys ``uint32[R, 2]`` of the noise.
    hyper
        Numbers ``[R]`` by path.
    train, test, more
        Examples of both splits, and of further splits by name.
    chosen
        Positions in its data set of the train examples of each run; None for a run without a subset.
    rows
        Row numbers of examples, see `memjax.engine.program.example_rows`.
    forward
        Raw keys ``uint32[R, 2]`` of the forward passes in training; None for models that draw nothing there.
    fresh
        Where the fresh examples of the runs come from; None for runs with a train set.
    copies
        Which train examples are copies of one row; None where presentations need not know.
    """

    noise: np.ndarray
    hyper: dict[str, np.ndarray]
    train: Tiles
    test: Tiles
    more: dict[str, Tiles]
    chosen: list[np.ndarray | None]
    rows: dict[str, np.ndarray]
    forward: np.ndarray | None = None
    fresh: Source | None = None
    copies: Copies | None = None


def split_shapes(schedule: Schedule, shape: Shape) -> list[tuple[int, int]]:
    """Number and width of the packed tiles of every split: train, test, and further ones.

    Examples
    --------
    >>> split_shapes("batched", Shape(runs=3, width=16, train_tiles=6, test_tiles=3))
    [(3, 32), (3, 16)]
    """
    runs, width, *tiles = *shape[:4], *shape.more
    rows = tiles if schedule == "streamed" else [runs] * len(tiles)
    return [(count, width * own // count) for count, own in zip(rows, tiles, strict=True)]


def rooms_of(program: Program, schedule: Schedule, shape: Shape) -> dict[str, tuple[int, int]]:
    """Number and width of the packed tiles of every split of a program, by name."""
    return dict(zip(("train", "test", *program.splits), split_shapes(schedule, shape), strict=True))


def draw_block(program: Program, schedule: Schedule, shape: Shape, runs: Sequence[Experiment]) -> Block:
    """Draw the data of ``runs``, as many as the shape has, and pack them."""
    train, test, *more = split_shapes(schedule, shape)
    drawn = _drawn(runs)
    picked = [None if run.subset is None else chosen(run, data.train) for run, data in zip(runs, drawn, strict=True)]
    splits = [data if places is None else of_rows(data, places) for data, places in zip(drawn, picked, strict=True)]
    packed = pack_tiles([split.train for split in splits], *train)
    return Block(
        noise=keys([run.init_key for run in runs], "noise"),
        hyper=numbers_of(runs, program.traced, program.widths),
        train=packed._replace(rows=_numbers(program, drawn, picked, *train)),
        test=pack_tiles([split.test for split in splits], *test),
        more={
            name: pack_tiles(_further(runs, name, drawn, picked), *room)
            for name, room in zip(program.splits, more, strict=True)
        },
        chosen=picked,
        rows=example_rows(program, runs, drawn, picked),
        forward=forward_keys(program, runs),
        fresh=sources(program, runs),
        copies=copies_of(program, picked, packed.first * packed.y.shape[1], train),
    )


def _numbers(
    program: Program, drawn: Sequence[Split], picked: Sequence[np.ndarray | None], room: int, width: int
) -> np.ndarray | None:
    """Numbers ``int32[room, width]`` of the train examples, for models that draw random numbers in training."""
    rows = numbers_of_rows(program, [len(data.train.y) for data in drawn], picked)
    return None if rows is None else pack_tiles([Data(own, own) for own in rows], room, width).x


def _further(
    runs: Sequence[Experiment], split: str, drawn: Sequence[Split], picked: Sequence[np.ndarray | None]
) -> list[Data]:
    """Examples of a further split of every run."""
    found = []
    for run, data, places in zip(runs, drawn, picked, strict=True):
        found.append(examples_of(run, split, data, np.arange(len(data.train.y)) if places is None else places))
    return found


def _drawn(runs: Sequence[Experiment]) -> list[Split]:
    """Data set and test set of every run. Runs on the same data set, such as chains around one network, share one draw."""
    drawn: dict[Any, Split] = {}
    keys = [(id(run.task), run.data_key, run.data_sizes()) for run in runs]
    for key, run in zip(keys, runs, strict=True):
        if key not in drawn:
            drawn[key] = draw_data(run)
    return [drawn[key] for key in keys]


def pack_tiles(parts: Sequence[Data], room: int, width: int) -> Tiles:
    """Pack the examples of several runs into ``room`` tiles of ``width`` examples."""
    counts = np.array([len(part.y) for part in parts], np.int32)
    used = -(-counts // width)
    first = (np.cumsum(used) - used).astype(np.int32)
    x, y = (_padded([part[field] for part in parts], first, width, room) for field in (0, 1))
    return Tiles(x, y, first, counts, np.int32(used.max()))


def _padded(rows: Sequence[np.ndarray], first: np.ndarray, width: int, room: int) -> np.ndarray:
    dtype = host_dtype(rows[0].dtype)
    flat = np.zeros((room * width, *rows[0].shape[1:]), dtype)
    for part, tile in zip(rows, first, strict=True):
        end = tile * width + len(part)
        flat[tile * width : end] = part
        # A model that divides by the norm of its input has no gradient at zeros.
        flat[end : end + -len(part) % width] = part[:1]
    return flat.reshape(room, width, *rows[0].shape[1:])
