"""Read and check one data set of images, by name or by path, as arrays of both splits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from memjax.errors import InputError
from memjax.tasks.image_files import cifar, idx, npz
from memjax.tasks.image_files.files import Found, content
from memjax.tasks.image_files.sums import check_arrays, check_files
from memjax.types import Data, Split

__all__ = ["digits", "read"]


def digits() -> Split:
    """The 1,797 images of 8 x 8 pixels in scikit-learn, ``float32[N, 8, 8]`` in 0..1; the test split is empty."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as problem:
        raise InputError(
            "Images.dataset is 'digits', whose images are part of scikit-learn, which is not installed: "
            "pip install 'memjax[digits]'."
        ) from problem
    bunch = load_digits()
    x, y = (bunch.images / 16).astype(np.float32), bunch.target.astype(np.int32)
    return Split(Data(x, y), Data(x[:0], y[:0]))


def read(dataset: str, found: Found) -> Split:
    """Images ``[N, ...]`` in the dtype of the file and labels ``int32[N]``; the test split may be empty.

    Raises
    ------
    InputError
        If a file cannot be read, is not the published file of that name, or its arrays are not images with labels.
    """
    check_files(dataset, found.paths)
    split = _READERS[found.kind](found.paths)
    source = found.paths[0] if found.kind == "npz" else found.paths[0].parent
    check_arrays(dataset, split, source)
    train, test = (_labelled(part, source) for part in split)
    if train.x.shape[1:] != test.x.shape[1:] or train.x.dtype != test.x.dtype or not len(train.x):
        raise InputError(
            f"{source} has training images {train.x.dtype}{list(train.x.shape)} and test images "
            f"{test.x.dtype}{list(test.x.shape)}: both must be of one dtype and size, and there must be some to train on."
        )
    return Split(train, test)


def _read_idx(paths: Sequence[Path]) -> Split:
    x, y, *test = (idx.decode(content(path), str(path)) for path in paths)
    return Split(Data(x, y), Data(*test) if test else Data(x[:0], y[:0]))


_READERS: dict[str, Callable[[Sequence[Path]], Split]] = {
    "idx": _read_idx,
    "npz": lambda paths: npz.read(paths[0]),
    "cifar": cifar.read,
}


def _labelled(part: Data, source: Path) -> Data:
    x, y = part
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if x.ndim < 2 or y.ndim != 1 or len(x) != len(y):
        raise InputError(
            f"{source} has images of shape {list(x.shape)} and labels of shape {list(y.shape)}: there must be one label per "
            "image, such as y.argmax(axis=1) of one-hot rows."
        )
    if not np.issubdtype(y.dtype, np.integer) or (y.size and not 0 <= y.min() <= y.max() < 2**31):
        raise InputError(
            f"{source} has labels of {y.dtype} that are no whole numbers from 0: number its classes 0, 1, ..., with "
            "y.astype(int) if they are so already, or np.unique(y, return_inverse=True)[1]."
        )
    return Data(x, y.astype(np.int32))
