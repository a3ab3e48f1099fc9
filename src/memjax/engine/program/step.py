"""One training step of a block of runs. The step is the same under both schedules.

The schedules differ only in how a run's examples are cut: *streamed* into tiles that are gone through one after another,
*batched* into one tile. A sum over a ragged axis would be a sum of atomics on a GPU, whose order changes from call to call.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from memjax.checks.values import is_user_code
from memjax.engine.program.clipped import gradient_sum
from memjax.engine.program.copies import Copies
from memjax.engine.program.forward import at_step
from memjax.engine.program.fresh import Source, fresh_tile, source_at_step
from memjax.engine.program.objective import StepData, batch_count, descent, loss_sum, minibatch
from memjax.engine.program.outcome import Status
from memjax.engine.program.penalised import penalty_and_slope
from memjax.engine.program.presented import after_presentations
from memjax.engine.program.program import Hyper, Program
from memjax.engine.program.tiles import Schedule, Tiles
from memjax.engine.program.told import taken_by, told
from memjax.engine.program.vectors import as_held, as_tree
from memjax.examples import Examples, Tile
from memjax.jax_settings import float_dtype, wide
from memjax.optimizers.closed import is_closed_form
from memjax.parameter_trees import alone
from memjax.types import Array, Params

__all__ = [
    "BlockData",
    "RunState",
    "by_run_of",
    "examples_of_runs",
    "first_state",
    "put_back",
    "step",
    "sum_of_runs",
]

Total = Callable[[Params, Hyper, Tile], Any]


class RunState(NamedTuple):
    """The training state of a block; every leaf has the leading axis R.

    Attributes
    ----------
    params, opt_state
        Parameters of the model, and state of the optax transformation.
    status
        ``int32[R]``, codes of `Status`.
    stop_step
        ``int32[R]``, steps done.
    watch
        What later records need of earlier ones, see ``watch.py``; None where nothing is watched.
    """

    params: Params
    opt_state: Any
    status: Array
    stop_step: Array
    watch: Any = None


class BlockData(NamedTuple):
    """Data of a block: hyperparameters ``[R]`` each, both splits, the task's pool, if any, and further splits by name.

    ``live`` is a tree of places ``int32[R, ...]``: where each parameter stands among the run's own, from 1, and zero in
    padding; None without padding. ``forward`` has raw keys ``uint32[R, 2]`` of the forward passes in training; None for models
    that draw nothing there. ``initial`` are the initial parameters, a tree ``[R, ...]``; None where nothing asks for them.
    ``fresh`` is where fresh examples come from, ``[R, ...]``; None for runs with a train set. ``copies`` says which train
    examples are copies of one row; None where presentations need not know.
    """

    hyper: Hyper
    train: Tiles
    test: Tiles
    pool: Array | None
    live: Any = None
    more: Any = None
    forward: Any = None
    initial: Any = None
    fresh: Source | None = None
    copies: Copies | None = None

    @property
    def splits(self) -> dict[str, Tiles]:
        """All splits by name."""
        return {"train": self.train, "test": self.test, **(self.more or {})}


def first_state(params: Params, opt_state: Any, runs: int) -> RunState:
    """State before the first step."""
    zeros = jnp.zeros(runs, jnp.int32)
    return RunState(params, opt_state, zeros + Status.RUNNING, zeros)


def examples_of_runs(schedule: Schedule, tiles: Tiles, pool: Array | None) -> tuple[Examples, Any]:
    """Examples of all runs, and the axes that `jax.vmap` maps to get those of one run."""
    if schedule == "batched":
        own = None if tiles.rows is None else tiles.rows[:, None]
        each = Examples(tiles.x[:, None], tiles.y[:, None], pool, 0, tiles.size, jnp.int32(1), True, own)
        return each, Examples(0, 0, None, None, 0, None, True, None if own is None else 0)  # type: ignore[arg-type]
    arrays = Examples(tiles.x, tiles.y, pool, tiles.first, tiles.size, tiles.most, False, tiles.rows)
    return arrays, Examples(None, None, None, 0, 0, None)  # type: ignore[arg-type]


def sum_of_runs(schedule: Schedule, function: Total, params: Params, data: BlockData, tiles: Tiles) -> Any:
    """Sum a function of a tile over each run's tiles; gives a tree of ``[R, ...]``."""
    examples, axes = examples_of_runs(schedule, tiles, data.pool)

    def one_run(params: Params, hyper: Hyper, examples: Examples) -> Any:
        return examples.sum(lambda tile: function(params, hyper, tile))

    return jax.vmap(one_run, in_axes=(0, 0, axes))(params, data.hyper, examples)


def _gradient(
    program: Program, schedule: Schedule, held: Params, data: BlockData, rows: Array | None
) -> tuple[Array, Params, dict[str, Array], Array]:
    """Mean loss ``[R]`` and its gradient, in float32 or wider, over fresh examples, the train split, or its ``rows[R, B]``.

    The values of the presented examples come besides, as `after_presentations` takes them, and the number ``[R]`` by which
    sums were divided.
    """
    function, params = gradient_sum(program), as_tree(program, held)
    if data.fresh is not None:
        one_fresh = lambda p, h, source: function(p, h, fresh_tile(program, h, source))  # noqa: E731
        total = jax.vmap(one_fresh)(params, data.hyper, data.fresh)
        count = jnp.full_like(data.train.size, program.batch_size or 0)
    elif rows is None and program.presented and schedule == "streamed":
        total, count = _sum_and_values(function, params, data), data.train.size
    elif rows is None:
        total, count = sum_of_runs(schedule, function, params, data, data.train), data.train.size
    else:
        examples, axes = examples_of_runs(schedule, data.train, data.pool)
        one = lambda p, h, e, r: function(p, h, minibatch(e, r))  # noqa: E731
        total = jax.vmap(one, in_axes=(0, 0, axes, 0))(params, data.hyper, examples, rows)
        count = batch_count(program, rows)
    (loss, values), gradient = jax.tree.map(wide, total)
    mean = lambda leaf: leaf / by_run_of(count.astype(leaf.dtype), leaf)  # noqa: E731
    return mean(loss), alone(jax.tree.map(mean, as_held(program, gradient)), data.live), values, count


def _sum_and_values(function: Total, params: Params, data: BlockData) -> Any:
    """What ``function`` gives of all train examples of streamed runs: sums ``[R, ...]`` over tiles, and values ``[T, B]``."""
    tiles = data.train
    examples, axes = examples_of_runs("streamed", tiles, data.pool)
    one = lambda p, h, e, index: function(p, h, e.tile(index))  # noqa: E731
    of_runs = jax.vmap(one, in_axes=(0, 0, axes, None))

    def add(index: Array, carry: Any) -> Any:
        (total, room), gradient = carry
        (loss, values), slope = of_runs(params, data.hyper, examples, index)
        own = jnp.where(index * tiles.y.shape[1] < tiles.size, tiles.first + index, len(tiles.y))
        room = {name: room[name].at[own].set(value, mode="drop") for name, value in values.items()}
        return (total + wide(loss), room), jax.tree.map(lambda old, new: old + wide(new), gradient, slope)

    (loss, values), slope = jax.eval_shape(of_runs, params, data.hyper, examples, jnp.int32(0))
    zeros = lambda leaf: jnp.zeros(leaf.shape, wide(jnp.zeros((), leaf.dtype)).dtype)  # noqa: E731
    room = {name: jnp.zeros(tiles.y.shape[:2], leaf.dtype) for name, leaf in values.items()}
    begun = (zeros(loss), room), jax.tree.map(zeros, slope)
    return jax.lax.fori_loop(0, tiles.most, add, begun)


def by_run_of(values: Array, leaf: Array) -> Array:
    """Values ``[R]`` with as many axes as a leaf ``[R, ...]``."""
    return values.reshape(-1, *(1,) * (leaf.ndim - 1))


def _update(
    program: Program,
    schedule: Schedule,
    hyper: Hyper,
    live: Any,
    state: RunState,
    loss: Array,
    gradient: Params,
    data: StepData,
) -> RunState:
    """Next state of one run. A run has diverged for good when its loss or its next parameters are not finite."""
    # The optimizer computes in float32 or wider; only its result is rounded to the dtype of the parameters.
    scale = lambda leaf, like: (descent(leaf) * hyper["loss_scale"].astype(leaf.dtype)).astype(like.dtype)  # noqa: E731
    exact = jax.tree.map(wide, state.params)
    scaled = jax.tree.map(scale, gradient, exact)
    extra: dict[str, Any] = {} if live is None else {"live": live}
    extra |= {} if data.count is None else {"count": data.count}
    penalty = None
    if program.penalty is not None:
        penalty, slope = penalty_and_slope(program, hyper, live, state.params, data.initial)
        scaled = jax.tree.map(lambda one, more: one + descent(more).astype(one.dtype), scaled, slope)
    extra |= told(program, hyper, live, data, loss, scaled, penalty)
    updates, opt_state = program.rule_with(hyper).update(scaled, state.opt_state, exact, **extra)
    return _moved(program, schedule, state, loss, alone(optax.apply_updates(exact, updates), live), opt_state)


def _moved(
    program: Program, schedule: Schedule, state: RunState, loss: Array, stepped: Params, opt_state: Any
) -> RunState:
    """State of one run with new parameters and a new state of the optimizer, if loss and parameters are finite."""
    # The cast keeps a model's float32 parameters in float32 where 64-bit numbers are enabled.
    cast = lambda new, old: new.astype(old.dtype)  # noqa: E731
    params = jax.tree.map(cast, stepped, state.params)
    finite = jnp.isfinite(loss)
    # Apart from the update, which then is one pass over parameters and moments; a CPU does both in one loop.
    for leaf in jax.tree.leaves(jax.lax.optimization_barrier(params) if schedule == "batched" else params):
        finite &= jnp.isfinite(leaf).all()
    running = state.status == Status.RUNNING
    held = params, jax.tree.map(cast, opt_state, state.opt_state)
    if _runs_user_code(program):
        alive = running & finite
        held = jax.tree.map(lambda new, old: jnp.where(alive, new, old), held, (state.params, state.opt_state))
    return RunState(
        *held,
        jnp.where(finite | ~running, state.status, _reason(loss)),
        state.stop_step + (running & finite),
    )


def _runs_user_code(program: Program) -> bool:
    """Whether a step calls a user's function, which might search until a number is small enough, and for ever if it is NaN.

    A measure that sees the state of the optimizer might do so too, and the state is not put back at a record. A rule that
    calls the objective is a search itself.
    """
    if program.shows_state or taken_by(program).calls or not program.optimizer.built_in:
        return True
    parts = program.model, program.loss, *(() if program.penalty is None else (program.penalty,))
    return any(is_user_code(part) for part in parts)


def _reason(loss: Array) -> Array:
    bad_loss = jnp.where(jnp.isnan(loss), Status.LOSS_NAN, Status.LOSS_INFINITE)
    return jnp.where(jnp.isfinite(loss), Status.PARAMETERS, bad_loss).astype(jnp.int32)


def step(
    program: Program, schedule: Schedule, data: BlockData, state: RunState, rows: Array | None = None
) -> tuple[RunState, Array]:
    """Update every run of a block once; also gives the losses ``[R]`` before the update.

    ``rows[R, B]`` is the minibatch; None is the full batch, or a batch of fresh examples. Parameters, optimizer state and
    ``data.live`` are as the loop holds them. A closed-form fit needs no gradient.
    """
    if is_closed_form(program.optimizer):
        loss, fitted = _fitted(program, schedule, data, state.params)
        move = jax.vmap(functools.partial(_moved, program, schedule))
        return move(state._replace(watch=None), loss, fitted, state.opt_state)._replace(watch=state.watch), loss
    now = source_at_step(at_step(data, state.stop_step), state.stop_step)
    loss, gradient, values, count = _gradient(program, schedule, state.params, now, rows)
    given, axes = _step_data(program, schedule, now, rows, count)
    update = jax.vmap(functools.partial(_update, program, schedule), in_axes=(0, 0, 0, 0, 0, axes))
    following = update(data.hyper, data.live, state._replace(watch=None), loss, gradient, given)
    return following._replace(watch=after_presentations(program, schedule, data, state, rows, values)), loss


def _step_data(
    program: Program, schedule: Schedule, data: BlockData, rows: Array | None, count: Array
) -> tuple[Any, Any]:
    """What the objectives of all runs depend on, and the axes that `jax.vmap` maps; no examples where no rule calls them."""
    initial = data.initial if "initial" in program.penalty_asks else None
    own = count if program.optimizer.clips_examples else None
    if not taken_by(program).calls:
        return StepData(initial=initial, count=own), StepData(initial=0, count=0)
    examples, axes = examples_of_runs(schedule, data.train, data.pool)
    return StepData(data.hyper, examples, rows, initial, data.fresh), StepData(0, axes, 0, 0, 0)


def _fitted(program: Program, schedule: Schedule, data: BlockData, held: Params) -> tuple[Array, Params]:
    """Losses ``[R]`` before the fit, zeros where no measure asks for them, and the fitted parameters as the loop holds them."""
    params, (examples, axes) = as_tree(program, held), examples_of_runs(schedule, data.train, data.pool)
    loss = jnp.zeros(data.train.size.shape, float_dtype())
    if program.averages_steps:
        loss = sum_of_runs(schedule, loss_sum(program), params, data, data.train) / data.train.size
    one = lambda p, h, e: program.model_with(h).fit(p, e)  # type: ignore[attr-defined] # noqa: E731
    return loss, as_held(program, jax.vmap(one, in_axes=(0, 0, axes))(params, data.hyper, examples))


def put_back(program: Program, state: RunState, before: Params) -> RunState:
    """The state in which runs that diverged have the parameters from before: measures see none that are not finite.

    A run that was stopped at a record keeps the parameters of that record.
    """
    goes_on = state.status < Status.LOSS_NAN if program.stop_when is None else state.status == Status.RUNNING
    # At records only, but for users' functions: at every step, this choice takes a twentieth of the time of a small network.
    keep = lambda new, old: jnp.where(by_run_of(goes_on, new), new, old)  # noqa: E731
    return state._replace(params=jax.tree.map(keep, state.params, before))
