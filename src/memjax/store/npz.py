"""Write arrays and a header of plain data as the bytes of an ``.npz`` file, and read them without trust.

Members are not compressed, so that their locked size cannot exceed the size of the file. Only numbers are read; nothing is
unpickled.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from typing import Any

import jax.numpy as jnp
import numpy as np

from memjax.errors import InputError

__all__ = ["dump", "load"]

_HEADER = "header"
# Dtypes that NumPy's format does not know, and the unsigned integers of the same size that the file holds instead.
_FOREIGN = {
    name: np.dtype(getattr(jnp, name))
    for name in ("bfloat16", "float8_e4m3fn", "float8_e4m3b11fnuz", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")
}
_KINDS = "biufc"


def dump(header: dict[str, Any], arrays: list[np.ndarray]) -> bytes:
    """Bytes of a file with a header and arrays."""
    for array in arrays:
        if array.dtype.kind not in _KINDS and array.dtype.name not in _FOREIGN:
            raise InputError(
                f"A store cannot hold arrays of {array.dtype}: use parameters and measures of other numbers."
            )
    foreign = {str(i): array.dtype.name for i, array in enumerate(arrays) if array.dtype.name in _FOREIGN}
    text = json.dumps({**header, "foreign": foreign}).encode()
    members: dict[str, Any] = {_HEADER: np.frombuffer(text, np.uint8)}
    members |= {str(i): _storable(array) for i, array in enumerate(arrays)}
    file = io.BytesIO()
    np.savez(file, **members)
    return file.getvalue()


def _storable(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).view(f"u{array.itemsize}") if array.dtype.name in _FOREIGN else array


def load(data: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Header and arrays from the bytes of a file.

    Raises
    ------
    ValueError
        If the bytes are invalid in any way.
    """
    try:
        return _load(data)
    except MemoryError:
        raise
    except Exception as problem:
        raise ValueError(f"{type(problem).__name__}: {problem}") from problem


def _load(data: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename.removesuffix(".npy"): _member(archive, info, len(data)) for info in archive.infolist()}
    header = json.loads(members.pop(_HEADER).tobytes())
    arrays = [members[str(i)] for i in range(len(members))]
    for i, name in header.pop("foreign").items():
        arrays[int(i)] = arrays[int(i)].view(_FOREIGN[name])
    return header, arrays


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> np.ndarray:
    if info.compress_type != zipfile.ZIP_STORED or not info.file_size == info.compress_size <= most:
        raise ValueError(f"the member {info.filename!r} is compressed")
    content = archive.read(info)
    stream = io.BytesIO(content)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError(f"the member {info.filename!r} is no array of version 1")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    body = content[stream.tell() :]
    if dtype.kind not in _KINDS or dtype.hasobject or dtype.itemsize * math.prod(shape) != len(body):
        raise ValueError(f"the member {info.filename!r} is no array of numbers of its size")
    return np.frombuffer(body, dtype).reshape(shape, order="F" if fortran else "C")
