"""What the plain JAX peers share: one whole training as a pure function, and data drawn on the host."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.sweep_throughput.peers import RECORDS, Settings
from benchmarks.sweep_throughput.works import LAYERS, WIDTHS

Params = list[tuple[Any, Any]]


class Split(NamedTuple):
    """Inputs ``[N, 9]``, labels ``[N]`` and weights ``[N]`` that sum to one; padding weighs nothing."""

    x: Any
    y: Any
    weight: Any


def set_up(settings: Settings) -> None:
    """Turn on the compile cache, for programs of any size, and set the precision."""
    if settings.cache is not None:
        jax.config.update("jax_compilation_cache_dir", settings.cache)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    if settings.precision == "highest":
        jax.config.update("jax_default_matmul_precision", "highest")


def train(steps: int, every: int, params: Params, rate: Any, train: Split, test: Split, rows: Any) -> Any:
    """Train one run from start to end; its records ``[K]`` by name. Rows ``[K - 1, every, B]`` pick minibatches."""
    rule = optax.adam(rate)

    def step(state: Any, rows: Any) -> tuple[Any, None]:
        params, moments = state
        gradient = jax.grad(_loss)(params, train if rows is None else _minibatch(train, rows))
        updates, moments = rule.update(gradient, moments, params)
        return (optax.apply_updates(params, updates), moments), None

    def span(state: Any, rows: Any) -> tuple[Any, Any]:
        state, _ = jax.lax.scan(step, state, rows, length=every)
        return state, _record(state[0], train, test)

    state = params, rule.init(params)
    _, rest = jax.lax.scan(span, state, rows, length=steps // every)
    return jax.tree.map(lambda one, more: jnp.append(one, more), _record(params, train, test), rest)


def _forward(params: Params, x: Any) -> Any:
    *hidden, (kernel, bias) = params
    for own_kernel, own_bias in hidden:
        x = jax.nn.relu(x @ own_kernel + own_bias)
    return x @ kernel + bias


def _loss(params: Params, split: Split) -> Any:
    return _mean_loss(_forward(params, split.x), split)


def _mean_loss(outputs: Any, split: Split) -> Any:
    # With one-hot labels nothing is scattered in the backward pass, which is faster and compiles faster.
    picked = (jax.nn.log_softmax(outputs) * jax.nn.one_hot(split.y, WIDTHS[-1])).sum(-1)
    return -(picked * split.weight).sum()


def _minibatch(split: Split, rows: Any) -> Split:
    real = rows >= 0
    return Split(split.x[rows], split.y[rows], real / real.sum())


def _record(params: Params, train: Split, test: Split) -> dict[str, Any]:
    values = []
    for split in (train, test):
        outputs = _forward(params, split.x)
        right = (outputs.argmax(-1) == split.y) * split.weight
        values += [_mean_loss(outputs, split), right.sum()]
    squares = [jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(params)]
    return dict(zip(RECORDS, [*values, jnp.sqrt(sum(squares))], strict=True))


def initial(rng: np.random.Generator) -> Params:
    """PyTorch's default initial values."""
    return [tuple(_uniform(rng, shape, rows) for shape in ((rows, columns), columns)) for rows, columns in LAYERS]


def _uniform(rng: np.random.Generator, shape: Any, fan_in: int) -> np.ndarray:
    return rng.uniform(-(fan_in**-0.5), fan_in**-0.5, shape).astype(np.float32)


def draw(rng: np.random.Generator, size: int, padded: int) -> Split:
    """Data of one split, padded to ``padded`` examples."""
    x, y = np.zeros((padded, WIDTHS[0]), np.float32), np.zeros(padded, np.int32)
    x[:size], y[:size] = rng.standard_normal((size, WIDTHS[0]), np.float32), rng.integers(0, WIDTHS[-1], size)
    return Split(x, y, (np.arange(padded) < size).astype(np.float32) / np.float32(size))


def batch_rows(rng: np.random.Generator, size: int, batch_size: int, steps: int, every: int) -> np.ndarray:
    """Rows of every minibatch ``int32[K - 1, every, B]``: epochs without replacement, a short last batch padded by -1."""
    per_epoch = -(-size // batch_size)
    epochs = -(-steps // per_epoch)
    rows = np.full((epochs, per_epoch * batch_size), -1, np.int32)
    for epoch in rows:
        epoch[:size] = rng.permutation(size)
    return rows.reshape(-1, batch_size)[:steps].reshape(-1, every, batch_size)
