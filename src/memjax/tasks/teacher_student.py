"""Teacher and student: targets that a random network gives, so that the function to learn is as complex as the learner."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.keywords import named
from memjax.checks.values import keep_numbers, keep_wholes, whole
from memjax.errors import InputError
from memjax.fields import traced
from memjax.random import generator
from memjax.types import Array, Data, Split

__all__ = ["TeacherStudent"]


@named
@dataclass(frozen=True)
class TeacherStudent:
    """Normal inputs; the targets are outputs of a random tanh network (Liu et al. 2023, "Omnigrok", section 3.1).

    The teacher is a perceptron like `memjax.models.MLP` with tanh and PyTorch's initial parameters: weights and biases are
    uniform on +-1/sqrt(fan_in). Losses for its targets are ``mse`` and ``sse``. With ``train_size="fresh"`` every step draws
    new inputs, and the teacher computes their targets in float32.

    Parameters
    ----------
    input_dim
        Input width D.
    output_dim
        Output width C.
    hidden
        Widths of the teacher's hidden layers; ``()`` is a linear teacher.
    teacher_scale
        Factor of every parameter of the teacher. Traced in fresh examples, as are ``teacher_seed`` and ``noise``.
    teacher_seed
        Seed of the teacher; None draws one for each data seed.
    noise
        Standard deviation of normal noise on the train targets.

    Raises
    ------
    InputError
        If a field's value is not allowed.

    Examples
    --------
    >>> task = TeacherStudent(input_dim=5, output_dim=5, hidden=(100, 100))
    >>> train, test = task.draw(seed=0, train_size=100, test_size=80)
    >>> train.x.shape, train.y.shape, test.y.shape, train.y.dtype.name
    ((100, 5), (100, 5), (80, 5), 'float32')
    >>> [kernel.shape for kernel, bias in task.teacher(seed=0)]
    [(5, 100), (100, 100), (100, 5)]
    """

    input_dim: int = 5
    output_dim: int = 5
    hidden: tuple[int, ...] = (100, 100)
    teacher_scale: float = traced(1.0)
    # The stream holds the teacher, so no program of fresh examples hangs on its seed.
    teacher_seed: int | None = traced(None)
    noise: float = traced(0.0)

    def __post_init__(self) -> None:
        keep_wholes(self, {"input_dim": 1, "output_dim": 1})
        if not isinstance(self.hidden, tuple | list):
            raise InputError(
                f"TeacherStudent.hidden is {self.hidden!r}: give a tuple of widths, with a comma even around one."
            )
        widths = tuple(whole("TeacherStudent layer width", width, 1) for width in self.hidden)
        object.__setattr__(self, "hidden", widths)
        keep_numbers(self, ["teacher_scale"])
        keep_wholes(self, {"teacher_seed": 0}, optional=True)
        keep_numbers(self, ["noise"], 0)

    @property
    def num_outputs(self) -> int:
        """One output per target."""
        return self.output_dim

    def teacher(self, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Kernel ``float64[I, O]`` and bias ``float64[O]`` of every layer of the teacher for a data seed."""
        rng = generator(seed if self.teacher_seed is None else self.teacher_seed, "teacher")
        layers = []
        for fan_in, width in itertools.pairwise((self.input_dim, *self.hidden, self.output_dim)):
            drawn = self.teacher_scale * rng.uniform(-1, 1, (fan_in + 1, width)) / np.sqrt(fan_in)
            layers.append((drawn[:-1], drawn[-1]))
        return layers

    def draw(self, seed: int, train_size: int, test_size: int) -> Split:
        """Draw both splits: inputs ``float32[N, D]`` and targets ``float32[N, C]``; nested in either size."""
        layers = self.teacher(seed)
        train, test = (self._examples(seed, layers, *split) for split in (("train", train_size), ("test", test_size)))
        noise = self.noise * generator(seed, "target noise").standard_normal(train.y.shape, np.float32)
        return Split(Data(train.x, train.y + noise.astype(np.float32)), test)

    def clean_targets(self, seed: int, train_size: int) -> np.ndarray:
        """Targets of the train examples without noise, ``float32[N, C]``."""
        return self._examples(seed, self.teacher(seed), "train", train_size).y

    def stream(self, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """What fresh examples have in common: kernel ``float32[I, O]`` and bias ``float32[O]`` of the teacher's layers."""
        return [(kernel.astype(np.float32), bias.astype(np.float32)) for kernel, bias in self.teacher(seed)]

    def fresh(self, stream: Any, keys: Array) -> tuple[Array, Array]:
        """Draw an example with each key ``[B]``: inputs ``float32[B, D]`` and noisy targets ``float32[B, C]``.

        Examples
        --------
        >>> task = TeacherStudent(input_dim=2, output_dim=1, hidden=())
        >>> x, y = task.fresh(task.stream(seed=0), jax.random.split(jax.random.key(0), 3))
        >>> x.shape, y.shape
        ((3, 2), (3, 1))
        """
        of_x, of_noise = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
        x = _normal(of_x, self.input_dim)
        *hidden, last = stream
        h = x
        for layer in hidden:
            h = jnp.tanh(_dense(h, *layer))
        noise = jnp.asarray(self.noise, jnp.float32) * _normal(of_noise, self.output_dim)
        return x, _dense(h, *last) + noise

    def _examples(self, seed: int, layers: list[tuple[np.ndarray, np.ndarray]], split: str, size: int) -> Data:
        x = generator(seed, f"{split} inputs").standard_normal((size, self.input_dim), np.float32)
        *hidden, (kernel, bias) = layers
        # In float64: the order of sums may depend on the number of rows, but this does not change the float32 targets.
        h = x.astype(np.float64)
        for inner, offset in hidden:
            h = np.tanh(h @ inner + offset)
        return Data(x, (h @ kernel + bias).astype(np.float32))


def _normal(keys: Array, width: int) -> Array:
    return jax.vmap(lambda key: jax.random.normal(key, (width,), jnp.float32))(keys)


def _dense(h: Array, kernel: Array, bias: Array) -> Array:
    # In full float32 whatever the setting of products says: targets are data, and no part of what a setting may round.
    return jnp.matmul(h, kernel.astype(jnp.float32), precision=jax.lax.Precision.HIGHEST) + bias.astype(jnp.float32)
