"""Shapes of what goes into the programs of a packed shape."""

from __future__ import annotations

from typing import Any

import jax

from memjax.engine.program.batches import batches_shapes
from memjax.engine.program.copies import copies_shapes
from memjax.engine.program.forward import with_shapes
from memjax.engine.program.fresh import source_shapes
from memjax.engine.program.loop import Interval, Length
from memjax.engine.program.program import Program, ShapeOf
from memjax.engine.program.step import BlockData, first_state
from memjax.engine.program.tiles import Schedule, Shape, Tiles, split_shapes
from memjax.engine.program.vectors import start_shapes
from memjax.engine.program.watch import first_watch
from memjax.jax_settings import float_dtype

__all__ = ["block_shapes", "segment_shapes", "state_shapes", "with_device"]


def _tile_shapes(x: ShapeOf, y: ShapeOf, runs: int, tiles: int, width: int) -> Tiles:
    over = lambda *lead: jax.ShapeDtypeStruct(lead, "int32")  # noqa: E731
    return Tiles(x.struct(tiles, width), y.struct(tiles, width), over(runs), over(runs), over())


def block_shapes(
    program: Program, schedule: Schedule, shape: Shape, pool: ShapeOf | None, rows: int
) -> tuple[Any, Any]:
    """Shape structs of the programs' arguments: the data and the state."""
    hyper = {path: jax.ShapeDtypeStruct((shape.runs,), float_dtype()) for path in program.traced}
    x = program.x if pool is None else ShapeOf(((), "int32"))
    train, test, *more = (_tile_shapes(x, program.y, shape.runs, *split) for split in split_shapes(schedule, shape))
    state = state_shapes(program, schedule, shape)
    live = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, "int32"), state.params)
    pooled = None if pool is None else program.x.struct(rows)
    further = dict(zip(program.splits, more, strict=True)) or None
    initial = state.params if "initial" in program.asks else None
    data = BlockData(hyper, train, test, pooled, None if program.widths is None else live, further, None, initial)
    copies = copies_shapes(program, train.y.shape[:2])
    return with_shapes(program, data)._replace(fresh=source_shapes(program, shape.runs), copies=copies), state


def state_shapes(program: Program, schedule: Schedule, shape: Shape) -> Any:
    """Shape structs of the training state."""
    one = start_shapes(program)[1:]
    stacked = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((shape.runs, *leaf.shape), leaf.dtype), one)
    watch = first_watch(program, schedule, shape)
    return jax.eval_shape(lambda p, o, w: first_state(p, o, shape.runs)._replace(watch=w), *stacked, watch)


def with_device(device: Any, shapes: Any) -> Any:
    """Shape structs of arrays on a device."""
    here = jax.sharding.SingleDeviceSharding(device)
    return jax.tree.map(lambda s: jax.ShapeDtypeStruct(s.shape, s.dtype, sharding=here), shapes)


def segment_shapes(
    program: Program, schedule: Schedule, shape: Shape, records: int, pool_rows: int | None, orders: int
) -> tuple[Any, ...]:
    """Shape structs of the arguments of a segment; arguments as in `compile_block`."""
    data, state = block_shapes(program, schedule, shape, None if pool_rows is None else program.x, pool_rows or 0)
    rows = batches_shapes(program, records, shape.runs, orders)
    count = jax.ShapeDtypeStruct((), "int32")
    before = Interval(jax.ShapeDtypeStruct((shape.runs,), float_dtype()), count)
    return (
        data,
        state,
        before,
        rows,
        Length(count, jax.ShapeDtypeStruct((records,), "int32"), jax.ShapeDtypeStruct((), "bool")),
    )
