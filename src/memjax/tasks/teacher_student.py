"""Teacher and student: targets that a random network gives, so that the function to learn is as complex as the learner."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from memjax.checks.keywords import named
from memjax.checks.values import keep_numbers, keep_wholes, whole
from memjax.errors import InputError
from memjax.random import generator
from memjax.types import Data, Split

__all__ = ["TeacherStudent"]


@named
@dataclass(frozen=True)
class TeacherStudent:
    """Normal inputs; the targets are outputs of a random tanh network (Liu et al. 2023, "Omnigrok", section 3.1).

    The teacher is a perceptron like `memjax.models.MLP` with tanh and PyTorch's initial parameters: weights and biases are
    uniform on +-1/sqrt(fan_in). Losses for its targets are ``mse`` and ``sse``.

    Parameters
    ----------
    input_dim
        Input width D.
    output_dim
        Output width C.
    hidden
        Widths of the teacher's hidden layers; ``()`` is a linear teacher.
    teacher_scale
        Factor of every parameter of the teacher.
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
    teacher_scale: float = 1.0
    teacher_seed: int | None = None
    noise: float = 0.0

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

    def _examples(self, seed: int, layers: list[tuple[np.ndarray, np.ndarray]], split: str, size: int) -> Data:
        x = generator(seed, f"{split} inputs").standard_normal((size, self.input_dim), np.float32)
        *hidden, (kernel, bias) = layers
        # In float64: the order of sums may depend on the number of rows, but this does not change the float32 targets.
        h = x.astype(np.float64)
        for inner, offset in hidden:
            h = np.tanh(h @ inner + offset)
        return Data(x, (h @ kernel + bias).astype(np.float32))
