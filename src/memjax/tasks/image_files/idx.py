"""The IDX format of MNIST and similar data sets: a header with dtype and shape, then a big-endian array."""

from __future__ import annotations

import math

import numpy as np

from memjax.errors import InputError, cause

__all__ = ["decode", "encode"]

_KINDS = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def decode(content: bytes, source: str) -> np.ndarray:
    """Array in the bytes of an uncompressed IDX file (Y. LeCun, "The MNIST database of handwritten digits").

    Parameters
    ----------
    content
        The file: two zero bytes, one byte for the dtype, one byte for the number of axes, four bytes per length, the
        values.
    source
        Name of the file in error messages.

    Returns
    -------
    np.ndarray
        Array ``[N, ...]`` of uint8, int8, int16, int32, float32 or float64, as in the file, in native byte order.

    Raises
    ------
    InputError
        If the bytes are not an IDX file, or their number differs from the header.

    Examples
    --------
    >>> decode(bytes([0, 0, 8, 1, 0, 0, 0, 2, 127, 128]), "two labels")
    array([127, 128], dtype=uint8)
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _KINDS or not content[3]:
        raise InputError(
            f"{source} is no IDX file, for it begins with {list(content[:4])}: it should begin with 0, 0, a kind of number "
            f"({', '.join(str(kind) for kind in _KINDS)}) and the number of axes. Get it again."
        )
    kind, start = np.dtype(_KINDS[content[2]]), 4 + 4 * content[3]
    lengths = [int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4)]
    wanted = start + math.prod(lengths) * kind.itemsize
    if len(content) != wanted:
        problem = "is cut off" if len(content) < wanted else "has more in it than its header says"
        raise InputError(
            f"{source} {problem}: its header calls for {kind.name}{lengths}, {wanted} bytes in all, but it has "
            f"{len(content)}. Get it again."
        )
    try:
        return np.frombuffer(content, kind, offset=start).reshape(lengths).astype(kind.newbyteorder("="))
    except ValueError as problem:
        raise InputError(
            f"{source} has a header that calls for {len(lengths)} axes, of the lengths {lengths}, which NumPy cannot hold: "
            f"{cause(problem)} Get it again."
        ) from problem


def encode(array: np.ndarray) -> bytes:
    """Bytes of the uncompressed IDX file with an array; equal arrays give equal bytes.

    Examples
    --------
    >>> list(encode(np.array([127, 128], np.uint8)))
    [0, 0, 8, 1, 0, 0, 0, 2, 127, 128]
    """
    codes = {np.dtype(kind).newbyteorder("="): code for code, kind in _KINDS.items()}
    code = codes[array.dtype]
    header = bytes([0, 0, code, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
    return header + array.astype(_KINDS[code]).tobytes()
