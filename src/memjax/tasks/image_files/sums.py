"""Published MD5 sums of known data sets: a named data set must be identical to the published one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from memjax.errors import InputError
from memjax.tasks.image_files.files import IDX
from memjax.tasks.image_files.idx import encode
from memjax.types import Split

__all__ = ["SUMS", "check_arrays", "check_files"]

SUMS: dict[str, dict[str, str]] = {
    "mnist": {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    },
    "kmnist": {
        "train-images-idx3-ubyte.gz": "bdb82020997e1d708af4cf47b453dcf7",
        "train-labels-idx1-ubyte.gz": "e144d726b3acfaa3e44228e80efcd344",
        "t10k-images-idx3-ubyte.gz": "5c965bf0a639b31b8f53240b1b52f4d7",
        "t10k-labels-idx1-ubyte.gz": "7320c461ea6c1c855c0b718fb2a4b134",
    },
    "cifar10": {
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
        "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
        "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
        "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
        "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
        "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
        "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
    },
}
"""MD5 sums by data set and file. An IDX name without ``.gz`` is the uncompressed file."""


def check_files(dataset: str, paths: Sequence[Path]) -> None:
    """Check files against their published sums; raises `InputError` for a file that differs."""
    for path in paths:
        wanted = SUMS.get(dataset, {}).get(path.name)
        if wanted and path.name not in IDX:
            _compare(dataset, str(path), path.read_bytes(), wanted)


def check_arrays(dataset: str, split: Split, source: Path) -> None:
    """Check arrays against the sums of their IDX files, so that archive format and compression do not matter.

    Raises
    ------
    InputError
        If the arrays differ from the published ones.
    """
    arrays = (split.train.x, split.train.y, split.test.x, split.test.y)
    for name, array in zip(IDX, arrays, strict=True):
        wanted = SUMS.get(dataset, {}).get(name)
        if wanted:
            # The published arrays are uint8, so arrays of another dtype always differ.
            found = encode(array) if array.dtype == np.uint8 else array.tobytes()
            _compare(dataset, f"{name} in {source}", found, wanted)


def _compare(dataset: str, what: str, found: bytes, wanted: str) -> None:
    got = hashlib.md5(found, usedforsecurity=False).hexdigest()
    if got != wanted:
        raise InputError(
            f"{what} is not that of {dataset} as published: its MD5 sum is {got}, not {wanted}. Get it again, or give the path "
            "of your own files as Images.dataset."
        )
