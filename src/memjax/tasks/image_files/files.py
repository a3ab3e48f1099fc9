"""Files of known data sets: their layouts in folders, the search for the folders, and reading the files."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from typing import NamedTuple

from memjax.checks.file_names import absolute
from memjax.checks.suggestions import hint
from memjax.errors import InputError, cause, listing

__all__ = ["IDX", "KNOWN", "Found", "content", "find"]

IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


class Layout(NamedTuple):
    """One layout of the files of a data set in a folder.

    Attributes
    ----------
    kind
        Reader of the files: ``idx``, ``npz`` or ``cifar``.
    folders
        Subfolders of the searched folder in which the files may be.
    files
        The possible names of every file.
    least
        Number of files, from the first, that a user's own folder must have.
    """

    kind: str
    folders: tuple[str, ...]
    files: tuple[tuple[str, ...], ...]
    least: int


class Found(NamedTuple):
    """Files of one data set, and the kind of reader for them."""

    kind: str
    paths: tuple[Path, ...]


def _idx(*folders: str) -> Layout:
    spelled = ((name, name.replace("-idx", ".idx")) for name in IDX)
    return Layout("idx", folders, tuple((a, b, f"{a}.gz", f"{b}.gz") for a, b in spelled), 2)


def _cifar(suffix: str, *folders: str) -> Layout:
    batches = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
    return Layout("cifar", folders, tuple((name + suffix,) for name in batches), 6)


KNOWN: dict[str, tuple[Layout, ...]] = {
    "mnist": (_idx("MNIST/raw", "mnist"), Layout("npz", ("", "mnist"), (("mnist.npz",),), 1)),
    "fashion-mnist": (_idx("FashionMNIST/raw", "fashion-mnist"),),
    # For this data set only the compressed files have published sums.
    "kmnist": (Layout("idx", ("KMNIST/raw", "kmnist"), tuple((f"{name}.gz",) for name in IDX), 4),),
    "cifar10": (_cifar(".bin", "cifar-10-batches-bin"), _cifar("", "cifar-10-batches-py")),
}
"""Layouts of the named data sets."""

_OWN = (*KNOWN["mnist"][:1], *KNOWN["cifar10"])
_HINTS = {"fashion-mnist": " On Debian and Ubuntu, 'apt install dataset-fashion-mnist' puts them there."}


def find(dataset: str, folder: str | None) -> Found:
    """Find the files of a named data set, or of a user's data set by the path of a file or folder.

    A named data set is searched only in ``folder`` if it is given; else in ``$MEMJAX_DATA``, ``data``, ``~/data``,
    ``~/.keras/datasets`` and ``/usr/share/datasets``, in this order.

    Raises
    ------
    InputError
        If files are missing; the message lists the folders and files of the search, and says what to do.
    """
    if dataset not in KNOWN:
        return _own(dataset)
    looked: list[str] = []
    for root in _roots(folder):
        for layout in KNOWN[dataset]:
            for below in (*layout.folders, *([""] if folder else [])):
                paths, missing = _present(root / below, layout)
                if not missing:
                    return Found(layout.kind, paths)
                looked.append(f"{root / below}{f' (all but {listing(missing)})' if paths else ''}")
    wanted = " or ".join(_wanted(layout) for layout in KNOWN[dataset])
    raise InputError(
        f"Images.dataset is {dataset!r}, but its files are in none of the places looked at, "
        f"{', '.join(dict.fromkeys(looked))}: put {wanted}, where data may be any folder that Images.folder or the environment "
        "variable MEMJAX_DATA names."
        f"{_HINTS.get(dataset, '')}"
    )


def _roots(folder: str | None) -> list[Path]:
    usual = [os.environ.get("MEMJAX_DATA", ""), "data", "~/data", "~/.keras/datasets", "/usr/share/datasets"]
    if folder:
        return [absolute("Images.folder", folder)]
    return [Path(os.path.expanduser(root)) for root in usual if root]


def _present(folder: Path, layout: Layout) -> tuple[tuple[Path, ...], list[str]]:
    """Files of a layout that a folder has, and for each missing file the first of its names."""
    found = [next((folder / name for name in names if (folder / name).is_file()), None) for names in layout.files]
    missing = [names[0] for names, path in zip(layout.files, found, strict=True) if path is None]
    return tuple(path for path in found if path), missing


def _wanted(layout: Layout) -> str:
    names = [names[0] for names in layout.files]
    zipped = " (or the same with .gz)" if f"{names[0]}.gz" in layout.files[0] else ""
    return f"{', '.join(names)}{zipped} into {Path('data', layout.folders[0])}"


def _own(dataset: str) -> Found:
    path = absolute("Images.dataset", dataset)
    if path.is_file() and path.suffix == ".npz":
        return Found("npz", (path,))
    what = "no .npz file" if path.is_file() else "not there"
    for layout in _OWN if path.is_dir() else ():
        paths, missing = _present(path, layout)
        if not missing or missing == [names[0] for names in layout.files[layout.least :]]:
            return Found(layout.kind, paths)
        what = f"a folder that has all but {listing(missing)}" if paths else "a folder without such files"
        if paths:
            break
    known = (*KNOWN, "digits")
    raise InputError(
        f"Images.dataset is {dataset!r}, which is {what}.{hint(dataset, known)} Use {listing(known)}, or the path of an .npz "
        f"file, of a folder with {IDX[0]}, {IDX[1]} and so on, or of one with data_batch_1.bin and so on."
    )


def content(path: Path) -> bytes:
    """Bytes of a file; gzipped files are decompressed, whatever their names.

    Raises
    ------
    InputError
        If it cannot be read or decompressed.
    """
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if path.suffix == ".gz" or raw[:2] == b"\x1f\x8b" else raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
        raise InputError(f"{path} cannot be decompressed: {cause(problem)} Get it again.") from problem
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {cause(problem)}") from problem
