"""Images in an ``.npz`` file: Keras' ``mnist.npz``, or a user's file with the same names."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from memjax.errors import InputError, cause
from memjax.tasks.image_files.files import content
from memjax.types import Data, Split

__all__ = ["read"]


def read(path: Path) -> Split:
    """Read the arrays ``x_train, y_train, x_test, y_test``, or ``x, y`` without a test set; pickled data are refused.

    Returns
    -------
    Split
        The arrays as in the file; the test split is empty if the file has none.

    Raises
    ------
    InputError
        If the file cannot be read or has other arrays.
    """
    try:
        with np.load(io.BytesIO(content(path)), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except InputError:
        raise
    except Exception as problem:
        raise InputError(f"{path} is no .npz file of plain arrays: {cause(problem)}") from problem
    if {"x_train", "y_train", "x_test", "y_test"} <= set(arrays):
        return Split(Data(arrays["x_train"], arrays["y_train"]), Data(arrays["x_test"], arrays["y_test"]))
    if {"x", "y"} <= set(arrays):
        if not arrays["x"].ndim or not arrays["y"].ndim:
            raise InputError(f"{path} has a single number as x or y: both must have a row per image.")
        return Split(Data(arrays["x"], arrays["y"]), Data(arrays["x"][:0], arrays["y"][:0]))
    raise InputError(
        f"{path} has {', '.join(sorted(arrays)) or 'nothing'} in it: name its arrays x_train, y_train, x_test and y_test, or x "
        "and y."
    )
