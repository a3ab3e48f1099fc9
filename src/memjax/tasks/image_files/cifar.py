"""CIFAR-10 as published: binary batches, and pickled batches, read by a reader that accepts only arrays."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from memjax.errors import InputError, cause
from memjax.tasks.image_files.files import content
from memjax.types import Data, Split

__all__ = ["read", "read_binary", "read_pickle"]

_CLASSES, _PIXELS = 10, 3 * 32 * 32


def read(paths: Sequence[Path]) -> Split:
    """Read batches of either form; the last is the test set. Images are ``uint8[N, 32, 32, 3]``, labels ``uint8[N]``."""
    batches = [read_binary(path) if path.suffix == ".bin" else read_pickle(path) for path in paths]
    x, y = (np.concatenate(part) for part in zip(*batches[:-1], strict=True))
    return Split(Data(x, y), batches[-1])


def read_binary(path: Path) -> Data:
    """Read a binary batch: per image one byte for the label and 3,072 bytes for the red, green and blue pixels by rows.

    Raises
    ------
    InputError
        If the file is not such a batch.
    """
    rows = np.frombuffer(content(path), np.uint8)
    if not rows.size or rows.size % (1 + _PIXELS):
        raise InputError(
            f"{path} has {rows.size} bytes, not a multiple of {1 + _PIXELS}, the label and pixels of a CIFAR-10 image: get it "
            "again."
        )
    rows = rows.reshape(-1, 1 + _PIXELS)
    return _batch(path, rows[:, 1:], rows[:, 0])


def read_pickle(path: Path) -> Data:
    """Read a pickled batch: a dictionary of ``data``, ``uint8[N, 3072]``, and ``labels``, N integers.

    Nothing that the file names is imported or called; arrays in the file are built here.

    Raises
    ------
    InputError
        If the file is not such a batch, or contains anything other than plain values and arrays of numbers.
    """
    try:
        # Python 2 wrote the batches. Its strings are bytes, which this encoding preserves.
        batch = _ArraysOnly(io.BytesIO(content(path)), path).load()
        pixels, labels = (_array(batch[name]) for name in ("data", "labels"))
    except InputError:
        raise
    except Exception as problem:
        raise InputError(f"{path} is no pickled CIFAR-10 batch: {cause(problem)} Get it again.") from problem
    if pixels.dtype != np.uint8 or labels.ndim != 1 or pixels.shape != (len(labels), _PIXELS):
        raise InputError(
            f"{path} holds {pixels.dtype}{list(pixels.shape)} as data and {labels.dtype}{list(labels.shape)} as labels, not "
            f"uint8[N, {_PIXELS}] and N whole numbers: get it again."
        )
    return _batch(path, pixels, labels)


def _batch(path: Path, pixels: np.ndarray, labels: np.ndarray) -> Data:
    if not labels.size or labels.dtype.kind not in "iu" or not 0 <= labels.min() <= labels.max() < _CLASSES:
        raise InputError(
            f"{path} has labels that are no whole numbers from 0 to {_CLASSES - 1}, the classes of CIFAR-10: get it again."
        )
    return Data(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels.astype(np.uint8))


class _ArraysOnly(pickle.Unpickler):
    """Builds arrays of numbers; every other name in the pickle is refused before anything is imported."""

    def __init__(self, file: io.BytesIO, path: Path) -> None:
        super().__init__(file, encoding="latin1")
        self._path, self._known = path, _stand_ins()

    def find_class(self, module: str, name: str) -> Any:
        """Replacement for a name in the pickle."""
        short = f"{module.replace('numpy._core', 'numpy.core')}.{name}"
        if short not in self._known:
            raise InputError(
                f"{self._path} refers to {module}.{name}, but a CIFAR-10 batch needs arrays only: it was not read, and may be "
                "meant to do harm. Get it again."
            )
        return self._known[short]


class _Kind:
    """Replaces a dtype in a pickle; accepts dtypes of numbers only."""

    def __init__(self, name: str) -> None:
        self.dtype = np.dtype(name)
        if self.dtype.kind not in "biuf":
            raise ValueError(f"it holds an array of {self.dtype}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """Replaces an array in a pickle, because NumPy's ``__setstate__`` trusts the file."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, by_columns, raw = state
        raw = raw.encode("latin1") if isinstance(raw, str) else raw
        self.values = np.frombuffer(raw, kind.dtype).reshape(shape, order="F" if by_columns else "C")


def _array(value: Any) -> np.ndarray:
    return value.values if isinstance(value, _Array) else np.asarray(value)


def _stand_ins() -> dict[str, Callable[..., Any] | None]:
    """Functions for the names in a pickled array; new ones for every file, because a pickle can modify them."""
    return {
        "numpy.ndarray": None,
        "numpy.dtype": lambda name, *_: _Kind(name),
        "numpy.core.multiarray._reconstruct": lambda *_: _Array(np.empty(0)),
        "numpy.core.numeric._frombuffer": lambda raw, kind, shape, order: _Array(
            np.frombuffer(raw, kind.dtype).reshape(shape, order=order)
        ),
        "_codecs.encode": lambda text, *_: text.encode("latin1"),
    }
