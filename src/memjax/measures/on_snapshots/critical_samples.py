"""Critical sample ratio: the share of inputs with an input of another predicted class in a small box around them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.values import number, one_of, whole
from memjax.errors import InputError
from memjax.fields import traced_values, with_numbers, without_numbers
from memjax.jax_settings import product_precision, wide
from memjax.measures.on_snapshots.snapshot_measure import SnapshotMeasure, Variable
from memjax.types import Array

__all__ = ["critical_sample_ratio"]

# One program for all numbers of examples.
_ROWS = 256


def _variables(split: str) -> dict[str, Variable]:
    ratio, each = (
        "share of inputs with another predicted class within the radius",
        "another predicted class within the radius",
    )
    return {"critical_sample_ratio": Variable(ratio), "critical": Variable(each, dims=(_dim(split),))}


def _dim(split: str) -> str:
    return "example" if split == "train" else "test_example"


@dataclass(frozen=True)
class _CriticalSamples:
    """The settings of the measure, as a function of one snapshot."""

    radius: float
    step: float
    noise: float
    steps: int
    split: str
    seed: int

    def __call__(self, snapshot: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        x = getattr(snapshot, self.split).x
        rows = snapshot.train_rows if self.split == "train" else snapshot.test_rows
        _check_inputs(x, snapshot.experiment.task.num_outputs, self.split)
        found = np.concatenate([self._found(snapshot, x, start) for start in range(0, len(x), _ROWS)])
        return {"critical_sample_ratio": found.mean(), "critical": found}, {_dim(self.split): rows}

    def _found(self, snapshot: Any, x: np.ndarray, start: int) -> np.ndarray:
        """Whether each of some inputs is critical; the first one fills the places behind the last."""
        some = x[start : start + _ROWS]
        filled = np.concatenate([some, np.repeat(some[:1], _ROWS - len(some), axis=0)])
        model, params = snapshot.model, jax.tree.map(jnp.asarray, snapshot.params)
        key, steps = jax.random.fold_in(jax.random.key(self.seed), start), jnp.int32(self.steps)
        sizes = jnp.asarray([self.radius, self.step, self.noise], jnp.float32)
        numbers, inputs = traced_values(model), jnp.asarray(filled)
        with jax.default_matmul_precision(product_precision()):
            found = _search(without_numbers(model), numbers, params, inputs, key, steps, sizes)
        return np.asarray(found)[: len(some)]


def critical_sample_ratio(
    radius: float,
    *,
    step: float | None = None,
    noise: float | None = None,
    steps: int = 100,
    split: str = "test",
    seed: int = 0,
) -> SnapshotMeasure:
    """Share of inputs with an input of another predicted class in the box of a radius around them, taken by `memjax.measure`.

    The search is that of Arpit et al. (2017, arXiv:1706.05394, "Langevin adversarial sample search"): a step along the sign of
    a gradient, plus normal noise, and back into the box. The gradient is that of the lead of the nearest other class, to first
    order. Every input takes the same number of steps, and what was found once stays found. So the share is a lower bound, and
    it grows with the steps.

    Parameters
    ----------
    radius
        Half the side of the box, in the units of the inputs; positive.
    step, noise
        Length of a step in every direction, and the standard deviation of its noise; a fifth and a tenth of the radius by
        default.
    steps
        Number of steps.
    split
        ``train`` or ``test``: of which examples. The targets are not used.
    seed
        Seed of the noise.

    Returns
    -------
    SnapshotMeasure
        From a `memjax.Snapshot` to ``critical_sample_ratio``, a number, and ``critical``, truth values ``(test_example,)`` or
        ``(example,)``, labelled by the numbers of the rows.

    Raises
    ------
    InputError
        If a number is not allowed; when taken, if inputs are no floats, there are none, or the task has one output.

    Notes
    -----
    An input of a linear network is critical if and only if the least over classes j of (f_y - f_j) / ||w_y - w_j||_1 is below
    the radius, with y the predicted class and w the weights of a class.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(model=mj.models.MLP(hidden=(6,)), train_size=50, test_size=30, steps=20, snapshots=(0, 20))
    >>> found = mj.measure(mj.sweep(spec), [critical_sample_ratio(0.5)])
    >>> dict(found.critical.sizes), bool((found.critical.mean("test_example") == found.critical_sample_ratio).all())
    ({'snapshot': 2, 'test_example': 30}, True)
    """
    radius = float(number("radius", radius, 0))
    if radius == 0:
        raise InputError("radius is 0: give a positive number, for a box of one point holds no other class.")
    made = _CriticalSamples(
        radius,
        float(number("step", radius / 5 if step is None else step, 0)),
        float(number("noise", radius / 10 if noise is None else noise, 0)),
        whole("steps", steps, 1),
        one_of("split", split, ("train", "test")),
        whole("seed", seed, 0),
    )
    return SnapshotMeasure(made, _variables(made.split))


def _check_inputs(x: np.ndarray, outputs: int, split: str) -> None:
    if not len(x):
        raise InputError(
            f"critical_sample_ratio is taken on the {split} examples, of which a run has none: give another split."
        )
    if not np.issubdtype(x.dtype, np.floating) or outputs < 2:
        raise InputError(
            f"critical_sample_ratio needs inputs that can be moved and at least two classes, but the inputs are {x.dtype} and "
            f"the task has {outputs} outputs: use a task of classes whose inputs are floats."
        )


@functools.partial(jax.jit, static_argnums=0)
def _search(model: Any, numbers: Any, params: Any, x: Array, key: Array, steps: Array, sizes: Array) -> Array:
    """Whether each of the inputs ``x[B, ...]`` is found to be critical, ``bool[B]``."""
    radius, step, noise = sizes
    outputs = lambda at: wide(with_numbers(model, numbers).apply(params, at))  # noqa: E731
    own = outputs(x).argmax(-1)

    def turn(count: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        at, found = carry
        shaken = noise * jax.random.normal(jax.random.fold_in(key, count), x.shape, x.dtype)
        moved = at + step * jnp.sign(_ascent(outputs, at, own)) + shaken
        inside = x + jnp.clip(moved - x, -radius, radius)
        return inside, found | (outputs(inside).argmax(-1) != own)

    return jax.lax.fori_loop(0, steps, turn, (x, jnp.zeros(len(x), bool)))[1]


def _ascent(outputs: Any, at: Array, own: Array) -> Array:
    """Gradients ``[B, ...]`` of the output of the nearest other class less that of the own class."""

    def leads(inputs: Array) -> Array:
        values = outputs(inputs)
        return jnp.take_along_axis(values, own[:, None], 1) - values

    values, back = jax.vjp(leads, at)
    slopes = jax.vmap(lambda chosen: back(jnp.broadcast_to(chosen, values.shape))[0])(jnp.eye(values.shape[1]))
    lengths = jnp.abs(slopes).reshape(*slopes.shape[:2], -1).sum(-1).T
    counts = (jnp.arange(values.shape[1]) != own[:, None]) & (lengths > 0)
    nearest = jnp.where(counts, values / jnp.where(counts, lengths, 1), jnp.inf).argmin(-1)
    return -slopes[nearest, jnp.arange(len(at))]
