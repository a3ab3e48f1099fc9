"""Archives of arrays from a stranger: pickles, bombs and lies are refused before anything is run or allocated."""

import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memjax.store.npz import dump, load


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=300))
def test_any_bytes_as_arrays(content):
    with pytest.raises(ValueError):
        load(content)


def npz(**members):
    """An archive with members of any bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", members.pop("how", zipfile.ZIP_STORED)) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def npy(array=None, shape=None, descr="<f8", body=b""):
    """A member that claims anything."""
    file = io.BytesIO()
    if array is not None:
        np.save(file, array, allow_pickle=True)
    else:
        np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
        file.write(body)
    return file.getvalue()


HEADER = npy(np.frombuffer(json.dumps({"foreign": {}}).encode(), np.uint8))


class Evil:
    def __reduce__(self):
        return os.mkdir, ("/tmp/memjax-was-here",)


BOMBS = {
    "objects": npz(header=HEADER, **{"0": npy(np.array([Evil()], object))}),
    "a pickle": pickle.dumps(Evil()),
    "a pickle as a member": npz(header=pickle.dumps(Evil())),
    "a huge array": npz(header=HEADER, **{"0": npy(shape=(10**12,))}),
    "a negative size": npz(header=HEADER, **{"0": npy(shape=(-1, -8), body=b"0" * 64)}),
    "a compressed member": npz(how=zipfile.ZIP_DEFLATED, header=HEADER, **{"0": npy(np.zeros(10**6))}),
    "text": npz(header=HEADER, **{"0": npy(np.array(["a"]))}),
    "records": npz(header=HEADER, **{"0": npy(np.zeros(2, [("a", "f4"), ("b", "O")]))}),
    "dates": npz(header=HEADER, **{"0": npy(np.zeros(2, "M8[s]"))}),
    "no header": npz(**{"0": npy(np.zeros(2))}),
    "a path": npz(header=HEADER, **{"../../0": npy(np.zeros(2))}),
    "a header that is no text": npz(header=npy(np.full(9, 255, np.uint8))),
    "a deep header": npz(header=npy(np.frombuffer(b"[" * 10**5, np.uint8))),
    "a foreign type": npz(
        header=npy(np.frombuffer(b'{"foreign": {"0": "object"}}', np.uint8)), **{"0": npy(np.zeros(2))}
    ),
    "a gap": npz(header=HEADER, **{"1": npy(np.zeros(2))}),
    "version 3": npz(header=HEADER, **{"0": b"\x93NUMPY\x03\x00" + b"0" * 90}),
}


@pytest.mark.parametrize("case", BOMBS)
def test_a_hostile_archive_is_refused_and_runs_nothing(case):
    with pytest.raises(ValueError):
        load(BOMBS[case])
    assert not Path("/tmp/memjax-was-here").exists()


def test_arrays_come_back_as_they_went():
    import jax.numpy as jnp

    arrays = [np.arange(6).reshape(2, 3).T, np.array(True), np.zeros((0, 2), "f8"), np.asarray(jnp.ones(3, "bfloat16"))]
    header, back = load(dump({"a": [1, None]}, arrays))
    assert header == {"a": [1, None]}
    for array, own in zip(arrays, back, strict=True):
        assert own.dtype == array.dtype
        np.testing.assert_array_equal(own, array)
