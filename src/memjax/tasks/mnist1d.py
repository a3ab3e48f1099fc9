"""MNIST-1D: forty-number signals of ten classes made by a published recipe, so that no file is needed."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from memjax.checks.values import keep_numbers, keep_wholes, whole
from memjax.errors import InputError
from memjax.random import generator
from memjax.tasks.shared_pools import Labelled, shared
from memjax.types import Split

__all__ = ["MNIST1D"]

# Figures of the paper's code, one row per digit.
_TEMPLATES = np.array(
    [
        [5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5],
        [5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5],
        [5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5],
        [5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5],
        [5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5],
        [5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5],
        [5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5],
        [5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5],
    ]
)  # fmt: skip
_CLASSES, _LENGTH = _TEMPLATES.shape


@dataclass(frozen=True)
class MNIST1D:
    """Ten templates, padded, scaled, shifted, sheared and noisy (Greydanus and Kobak 2024, "Scaling down deep learning").

    The recipe and its default numbers are those of arXiv:2011.14439 and its code. The random numbers are not, so this is
    another sample of the same law. Published test accuracies: logistic regression 32%, MLP 68%, CNN 94%.

    Parameters
    ----------
    num_train, num_test
        Signals to train on and to test on, from which runs draw; all classes equally often.
    label_noise
        Probability with which a train label is replaced by one drawn uniformly from all classes.
    padding
        Least and most zeros after a template of 12 numbers, which is then stretched to 12 plus the most.
    scale_coeff
        Width of the uniform law, around 1, of the factor of a signal.
    max_translation
        A signal is rotated by 0 to this many places, itself excluded.
    corr_noise_scale
        Standard deviation of the noise where the template is not, before a Gaussian filter of width 2 smooths it.
    iid_noise_scale
        Standard deviation of the noise everywhere.
    shear_scale
        Width of the uniform law, around 0, of the slope that is taken off.
    final_seq_length
        Numbers per signal D; signals are resampled to this length in the end.
    shuffle_seq
        Whether the places of all signals are permuted, by one permutation.
    pool_seed
        Seed of the pool, which all runs share.

    Raises
    ------
    InputError
        If a field's value is not allowed.

    Examples
    --------
    >>> task = MNIST1D()
    >>> task.pool.shape, f"{task.pool.std():.3f}"
    ((5000, 40), '1.000')
    >>> train, test = task.draw(seed=0, train_size=400, test_size=1000)
    >>> np.bincount(test.y).tolist()
    [100, 100, 100, 100, 100, 100, 100, 100, 100, 100]
    """

    num_train: int = 4000
    num_test: int = 1000
    label_noise: float = 0.0
    padding: tuple[int, int] = (36, 60)
    scale_coeff: float = 0.4
    max_translation: int = 48
    corr_noise_scale: float = 0.25
    iid_noise_scale: float = 0.02
    shear_scale: float = 0.75
    final_seq_length: int = 40
    shuffle_seq: bool = False
    pool_seed: int = 0

    def __post_init__(self) -> None:
        keep_wholes(self, _LEAST)
        keep_numbers(self, ["label_noise"], 0, 1)
        keep_numbers(self, ["scale_coeff", "corr_noise_scale", "iid_noise_scale", "shear_scale"], 0)
        object.__setattr__(self, "padding", _bounds(self.padding))
        if not isinstance(self.shuffle_seq, bool | np.bool_):
            raise InputError(f"MNIST1D.shuffle_seq is {self.shuffle_seq!r}: give True or False.")

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: a pool is made again rather than sent."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def num_outputs(self) -> int:
        """One logit per class."""
        return _CLASSES

    @property
    def pool(self) -> np.ndarray:
        """All signals, training rows first, ``float32[N, D]``: one array for all tasks that differ in label noise only."""
        return self._arrays.pool

    @property
    def num_examples(self) -> int:
        """Number of signals to train on; a train size between 0 and 1 is a share of these signals."""
        return self._arrays.num_examples

    def sizes(self, train_size: int, test_size: int | None) -> tuple[int, int]:
        """Settle a test size of None (all test signals) and check both."""
        return self._arrays.sizes(train_size, test_size)

    def draw(self, seed: int, train_size: int, test_size: int) -> Split:
        """Draw a random subset: indices ``int32[N]`` into the pool, labels ``int32[N]`` with noise on the train split."""
        return replace(self._arrays, label_noise=self.label_noise).draw(seed, train_size, test_size)

    @cached_property
    def _arrays(self) -> Labelled:
        clean = replace(self, label_noise=0.0)
        return shared(clean, lambda: _made(clean))


_LEAST = {"num_train": 1, "num_test": 1, "max_translation": 1, "final_seq_length": 2, "pool_seed": 0}


def _bounds(padding: Any) -> tuple[int, int]:
    if not isinstance(padding, tuple | list) or len(padding) != 2:
        raise InputError(f"MNIST1D.padding is {padding!r}: give the least and the most zeros, such as (36, 60).")
    least = whole("MNIST1D.padding", padding[0], 0)
    return least, whole("MNIST1D.padding", padding[1], max(least, 1))


def _made(task: MNIST1D) -> Labelled:
    sizes = {"train": task.num_train, "test": task.num_test}
    y = np.concatenate([np.arange(size, dtype=np.int32) % _CLASSES for size in sizes.values()])
    x = np.concatenate([_signals(task, split, size) for split, size in sizes.items()])
    x = ((x - x.mean()) / x.std()).astype(np.float32)
    if task.shuffle_seq:
        x = x[:, generator(task.pool_seed, "places").permutation(task.final_seq_length)]
    x.flags.writeable = False
    return Labelled(x, y, task.num_train, num_classes=_CLASSES)


def _templates() -> np.ndarray:
    """Templates ``float64[10, 12]`` of equal spread that begin at 0."""
    spread = _TEMPLATES - _TEMPLATES.mean(1, keepdims=True)
    spread /= spread.std(1, keepdims=True)
    return (spread - spread[:, :1]) / 6


def _signals(task: MNIST1D, split: str, size: int) -> np.ndarray:
    """Signals ``float64[size, D]`` of the classes 0, 1, ..., 9, 0, ...: the first ones of a larger number."""
    padding, scale, shift, shear = generator(task.pool_seed, f"{split} transformations").random((size, 4)).T
    x, there = _stretched(task, padding)
    x *= 1 + task.scale_coeff * (scale[:, None] - 0.5)
    length = x.shape[1]
    places = (np.arange(length) - (shift * task.max_translation).astype(int)[:, None]) % length
    x, there = (np.take_along_axis(part, places, axis=1) for part in (x, there))
    x = np.where(there, x, _smooth_noise(task, split, x.shape))
    x += task.iid_noise_scale * generator(task.pool_seed, f"{split} noise").standard_normal(x.shape)
    x -= task.shear_scale * (shear[:, None] - 0.5) * np.linspace(-0.5, 0.5, length)
    return _resampled(x, task.final_seq_length)


def _stretched(task: MNIST1D, uniform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Padded templates, drawn out to one length, and where the template is rather than the padding."""
    least, most = task.padding
    zeros = least + (uniform * (most - least + 1)).astype(int)
    places = np.linspace(0, 1, _LENGTH + most) * (_LENGTH + zeros - 1)[:, None]
    with_zero = np.pad(_templates(), ((0, 0), (0, 1)))
    x = np.empty_like(places)
    for digit in range(_CLASSES):
        x[digit::_CLASSES] = np.interp(places[digit::_CLASSES], np.arange(_LENGTH + 1), with_zero[digit])
    return x, places < _LENGTH


def _smooth_noise(task: MNIST1D, split: str, shape: tuple[int, ...]) -> np.ndarray:
    from scipy.ndimage import gaussian_filter1d

    noise = generator(task.pool_seed, f"{split} smooth noise").standard_normal(shape)
    return np.asarray(gaussian_filter1d(task.corr_noise_scale * noise, 2))


def _resampled(x: np.ndarray, length: int) -> np.ndarray:
    places = np.linspace(0, x.shape[1] - 1, length)
    left = np.minimum(places.astype(int), x.shape[1] - 2)
    return x[:, left] + (places - left) * (x[:, left + 1] - x[:, left])
