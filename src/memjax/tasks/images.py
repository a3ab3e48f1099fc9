"""Images from a user's files, with the corruptions of Zhang et al. (2017)."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from memjax.checks.keywords import named
from memjax.checks.values import keep_numbers, keep_wholes, one_of, whole
from memjax.content.later import later
from memjax.errors import InputError, listing
from memjax.tasks.image_files import datasets
from memjax.tasks.image_files.content import State, digest_of, state
from memjax.tasks.image_files.files import KNOWN, Found, find
from memjax.tasks.image_files.pixels import PIXELS, SCALES, floats
from memjax.tasks.label_noise import NoiseLaw, checked_law
from memjax.tasks.shared_pools import Labelled, shared
from memjax.types import Data, Split

__all__ = ["Images"]


@named
@dataclass(frozen=True)
class Images:
    """Images and their classes from local files; nothing is downloaded.

    Each run trains on a random subset that its data seed draws; subsets are nested over train sizes. Test examples are the
    data set's test images, or, if it has none, images on which the run does not train. A remote worker reads the files
    itself.

    Parameters
    ----------
    dataset
        ``mnist``, ``fashion-mnist``, ``kmnist`` or ``cifar10``, whose content is checked against the published sums;
        ``digits`` (8 x 8 pixels, from scikit-learn); or the path of your own ``.npz`` file (``x_train``, ``y_train``,
        ``x_test``, ``y_test``, or ``x``, ``y``) or of a folder whose files are named as in MNIST or CIFAR-10.
    folder
        The only folder to search for a named data set. None searches ``$MEMJAX_DATA``, ``data``, ``~/data``,
        ``~/.keras/datasets`` and ``/usr/share/datasets``.
    classes
        Labels of the classes to keep, in both splits; they become 0, 1, ... in this order. None keeps all.
    subset
        Number of training images to draw from, the first ones that ``classes`` keeps. None draws from all.
    label_noise
        Probability q that a train label is replaced, by default by a label drawn uniformly from all classes (Zhang et al.
        2017, section 2.1, "partially corrupted labels").
    pixels
        ``true``; ``shuffled`` (one permutation of positions for all images); ``random`` (one permutation per image); or
        ``gaussian`` (noise with the mean and variance of the training pixels), as in section 2.1 of the same paper.
    pixel_seed
        Seed of the permutations or the noise.
    scale
        ``unit`` (bytes / 255, digits / 16, floats unchanged), ``standard`` (minus the mean of all training pixels, divided
        by their standard deviation) or ``l2`` (each image to Euclidean norm 1; a black image stays black).
    num_classes
        Number of classes in your own files, if some have no image. None counts the classes.
    noise_law
        Law of the new label, as in `memjax.tasks.from_arrays`.

    Raises
    ------
    InputError
        If a field's value is not allowed; on first use, if the data set is missing or invalid.

    Examples
    --------
    >>> task = Images("digits", classes=(3, 8), label_noise=0.2)
    >>> task.pool.shape, task.pool.dtype.name, float(task.pool.max())
    ((357, 8, 8), 'float32', 1.0)
    >>> train, test = task.draw(seed=0, train_size=200, test_size=100)
    >>> train.x.dtype.name, sorted(set(train.y.tolist()))
    ('int32', [0, 1])
    """

    dataset: str
    folder: str | None = None
    classes: tuple[int, ...] | None = None
    subset: int | None = None
    label_noise: float = 0.0
    pixels: str = "true"
    pixel_seed: int = 0
    scale: str = "unit"
    num_classes: int | None = None
    noise_law: NoiseLaw = later("uniform")

    def __post_init__(self) -> None:
        object.__setattr__(self, "dataset", _path("Images.dataset", self.dataset))
        if self.folder is not None:
            object.__setattr__(self, "folder", _path("Images.folder", self.folder))
        if self.classes is not None:
            object.__setattr__(self, "classes", _several(self.classes))
        keep_wholes(self, {"subset": 1}, optional=True)
        keep_numbers(self, ["label_noise"], 0, 1)
        object.__setattr__(self, "noise_law", checked_law("Images.noise_law", self.noise_law))
        one_of("Images.pixels", self.pixels, PIXELS)
        keep_wholes(self, {"pixel_seed": 0})
        one_of("Images.scale", self.scale, SCALES)
        keep_wholes(self, {"num_classes": 2}, optional=True)
        if self.num_classes is not None and (self.classes is not None or self._is_named):
            raise InputError(
                f"Images.num_classes is {self.num_classes}, but "
                f"{f'{self.dataset} has classes of its own' if self.classes is None else 'classes says how many there are'}: "
                "leave it out."
            )

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the fields alone: a pool is too large to send with every job."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def num_outputs(self) -> int:
        """One logit per class."""
        if self.classes is not None:
            return len(self.classes)
        return 10 if self._is_named else self._arrays.num_classes

    @property
    def pool(self) -> np.ndarray:
        """All images, training rows first, ``float32[N, ...]``: one array for all tasks that differ in label noise only."""
        return self._arrays.pool

    @property
    def content(self) -> str | None:
        """SHA-256 in hexadecimal of all images and labels in files given by path; specs contain it.

        None for a named data set, and if the files do not exist.

        Raises
        ------
        InputError
            If the files cannot be read, or have changed since this task read them.
        """
        if self._is_named:
            return None
        held = self._arrays.content if "_arrays" in vars(self) else None
        try:
            found = find(self.dataset, self.folder)
        except InputError:
            return held
        now = digest_of(state(found), lambda: datasets.read(self.dataset, found))
        if held not in (None, now):
            raise InputError(
                f"The files of Images.dataset {self.dataset!r} have changed since this task read them: make the task anew, or "
                "put the former files back."
            )
        return now

    @property
    def num_examples(self) -> int:
        """Number of training images; a train size between 0 and 1 is a fraction of them."""
        return self._arrays.num_examples

    def sizes(self, train_size: int, test_size: int | None) -> tuple[int, int]:
        """Train and test size, checked. A test size of None means all test images, or without any the train size."""
        return self._arrays.sizes(train_size, test_size)

    def draw(self, seed: int, train_size: int, test_size: int) -> Split:
        """Draw a random subset: indices ``int32[N]`` into the pool, labels ``int32[N]``, with noise in the train split."""
        return self._noisy.draw(seed, train_size, test_size)

    def clean_targets(self, seed: int, train_size: int) -> np.ndarray:
        """Labels of the train examples before label noise, ``int32[N]``."""
        return self._arrays.clean_targets(seed, train_size)

    @property
    def _noisy(self) -> Labelled:
        return replace(self._arrays, label_noise=self.label_noise, noise_law=self.noise_law)

    @cached_property
    def _arrays(self) -> Labelled:
        found = None if self.dataset == "digits" else find(self.dataset, self.folder)
        files = state(found) if found else ()
        clean = replace(self, label_noise=0.0, noise_law="uniform", folder=None)
        return shared((clean, *files), lambda: _make_pool(clean, found, files))

    @property
    def _is_named(self) -> bool:
        return self.dataset in (*KNOWN, "digits")


def _make_pool(task: Images, found: Found | None, files: State) -> Labelled:
    split = datasets.read(task.dataset, found) if found else datasets.digits()
    content = None if task._is_named else digest_of(files, lambda: split)
    num_classes = _num_classes(task, np.concatenate([split.train.y, split.test.y]))
    train, test = split if task.classes is None else _of_classes(task.classes, split, task.dataset)
    if task.subset is not None:
        if task.subset > len(train.y):
            raise InputError(
                f"Images.subset is {task.subset}, but there are {len(train.y)} images to train on: give fewer."
            )
        train = Data(train.x[: task.subset], train.y[: task.subset])
    x = floats(np.concatenate([train.x, test.x]), task.dataset)
    x = SCALES[task.scale](PIXELS[task.pixels](x, len(train.y), task.pixel_seed), len(train.y))
    x.flags.writeable = False
    num_classes = len(task.classes or range(num_classes))
    return Labelled(x, np.concatenate([train.y, test.y]), len(train.y), num_classes=num_classes, content=content)


def _num_classes(task: Images, labels: np.ndarray) -> int:
    """Number of classes of all images, before ``classes`` selects some."""
    present, most = np.unique(labels).tolist(), int(labels.max()) + 1
    if task.num_classes is not None:
        if most > task.num_classes:
            raise InputError(
                f"Images.num_classes is {task.num_classes}, but {task.dataset} has the label {most - 1}: give {most} or more."
            )
        return task.num_classes
    if len(present) < 2:
        raise InputError(f"{task.dataset} has images of one class only: labels must run from 0 to at least 1.")
    if len(present) < most and task.classes is None and not task._is_named:
        few = f"give classes={tuple(present)}, which numbers them anew" if len(present) <= 30 else "number them anew"
        raise InputError(
            f"{task.dataset} has {len(present)} different labels up to {most - 1}, so that {most - len(present)} of {most} "
            f"classes would have no image: {few}, or give num_classes={most} if missing classes are meant."
        )
    return most


def _of_classes(classes: tuple[int, ...], split: Split, dataset: str) -> Split:
    known = np.unique(split.train.y).tolist()
    absent = sorted(set(classes) - set(known))
    if absent:
        raise InputError(
            f"Images.classes holds {absent[0]}, but no training image of {dataset} has that label: use {listing(known)}."
        )
    kept = Split(*(_renumbered(part, np.array(classes)) for part in split))
    if len(split.test.y) and not len(kept.test.y):
        raise InputError(
            f"Images.classes is {classes}, but none of the {len(split.test.y)} test images of {dataset} has one of these "
            "labels: keep a class that is tested, or give files without a test set."
        )
    return kept


def _renumbered(part: Data, classes: np.ndarray) -> Data:
    of_class = part.y[:, None] == classes
    rows = of_class.any(axis=1)
    return Data(part.x[rows], of_class[rows].argmax(axis=1).astype(np.int32))


def _path(name: str, value: Any) -> str:
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise InputError(f"{name} is {value!r}: give a path as text.")
    return str(os.fspath(value))


def _several(classes: Any) -> tuple[int, ...]:
    if (
        not isinstance(classes, tuple | list | range | np.ndarray)
        or len(set(map(str, classes))) != len(classes)
        or len(classes) < 2
    ):
        raise InputError(f"Images.classes is {classes!r}: give a tuple of at least two labels, each once.")
    return tuple(whole("Images.classes", label, 0) for label in classes)
