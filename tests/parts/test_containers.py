"""Containers: the same numbers give the same task whatever holds them, and what hides a missing value is refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import memjax as mj
from memjax import InputError
from memjax.experiment.encode import reference
from memjax.tasks import Images, from_arrays
from memjax.types import Data, Split

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(30, 3)), np.arange(30) % 3
FRAME = pd.DataFrame(X, columns=list("abc"))
NULLABLE = {
    "b1": "boolean", "i1": "Int8", "i2": "Int16", "i4": "Int32", "i8": "Int64", "u1": "UInt8", "u2": "UInt16", "u4": "UInt32",
    "f4": "Float32", "f8": "Float64",
}  # fmt: skip


def _of_pandas(array):
    return pd.DataFrame(array) if array.ndim == 2 else pd.Series(array)


CONTAINERS = {
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "by columns": np.asfortranarray,
    "every second of a larger one": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
    "not writeable": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "without a mask": np.ma.array,
    "under an empty mask": lambda a: np.ma.array(a, mask=np.zeros(a.shape, bool)),
    "masked rows without a mask": lambda a: [np.ma.array(row) for row in a],
    "rows": list,
    "memoryview": lambda a: memoryview(np.ascontiguousarray(a)),
    "DataArray": lambda a: xr.DataArray(a, dims=("example", "feature")[: a.ndim]),
    "pandas": lambda a: _of_pandas(a),
    "pandas, nullable": lambda a: _of_pandas(a).astype(NULLABLE[a.dtype.str[1:]]),
    "pandas, other rows": lambda a: _of_pandas(a).set_axis([f"row {i}" for i in range(len(a))]),
}


def identity(task):
    """Everything that tells tasks apart."""
    return task.x.tobytes(), task.y.tobytes(), task.x.dtype, task.y.dtype, task.x.shape, task.y.shape, reference(task)


@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from(["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "f4", "f8"]),
    rows=st.integers(2, 9),
    columns=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_same_numbers_give_the_same_bits(dtype, rows, columns, seed):
    rng = np.random.default_rng(seed)
    x = (100 * rng.random((rows, columns)) - (0 if dtype[0] == "u" else 50)).astype(dtype)
    y, values = np.arange(rows) % 2, rng.normal(size=(rows, 2))
    plain = identity(from_arrays(x, y)), identity(from_arrays(x, values))
    for name, held in CONTAINERS.items():
        assert identity(from_arrays(held(x), held(y))) == plain[0], name
        assert identity(from_arrays(held(x), held(values))) == plain[1], name


def test_jax_lists_and_other_kinds_of_number_give_the_same_bits():
    short, whole = X.astype(np.float32), np.arange(90).reshape(30, 3)
    assert identity(from_arrays(jnp.asarray(short), jnp.asarray(Y))) == identity(from_arrays(short, Y))
    assert identity(from_arrays(X.tolist(), Y.tolist())) == identity(from_arrays(X, Y))
    assert identity(from_arrays(X.astype(np.longdouble), Y)) == identity(from_arrays(X, Y))
    assert identity(from_arrays(X, range(30))) == identity(from_arrays(X, np.arange(30)))
    halves = jnp.asarray(short, jnp.bfloat16)
    assert identity(from_arrays(halves, Y)) == identity(from_arrays(np.asarray(halves, np.float32), Y))
    mixed = pd.DataFrame(
        {"flag": Y > 0, "count": pd.array(Y, "Int64"), "size": X[:, 0].astype(np.float32), "x": X[:, 1]}
    )
    columns = np.stack([Y > 0, Y, X[:, 0].astype(np.float32), X[:, 1]], axis=1)
    assert identity(from_arrays(mixed, Y)) == identity(from_arrays(columns, Y))
    sparse = pd.DataFrame.sparse.from_spmatrix(scipy.sparse.csr_matrix(whole % 4 == 0, dtype=np.int16))
    assert identity(from_arrays(sparse, Y)) == identity(from_arrays((whole % 4 == 0).astype(np.int16), Y))


def test_test_rows_may_be_held_otherwise():
    plain = from_arrays(X, Y, x_test=X[:9], y_test=Y[:9])
    held = from_arrays(X, Y.tolist(), x_test=pd.DataFrame(X[:9].astype(">f8")), y_test=np.ma.array(Y[:9]))
    assert identity(plain) == identity(held)


def _masked(array, *index):
    mask = np.zeros(np.shape(array), bool)
    mask[index] = True
    return np.ma.array(array, mask=mask)


def _frame(**column):
    return FRAME.assign(**column)


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (_masked(X, 3, 1), r"{x} is masked at index \[3, 1\]: remove or replace values that are missing"),
        (_masked(np.arange(90).reshape(30, 3), 3, 1), r"{x} is masked at index \[3, 1\]"),
        (np.ma.masked_values(np.where(X[3, 1] == X, -9999.0, X), -9999.0), r"{x} is masked at index \[3, 1\]"),
        (
            [_masked(row, i) if i == 2 else np.ma.array(row) for i, row in enumerate(X)],
            r"{x} is masked at index \[2, 2\]",
        ),
        (
            _frame(age=pd.array([1, 2, None] * 10, "Int64")),
            r"Column 'age' of {x} has no value in row 2: remove or replace",
        ),
        (_frame(ill=pd.array([True, None] * 15, "boolean")), r"Column 'ill' of {x} has no value in row 1"),
        (_frame(c=pd.array([0.5, None] * 15, "Float64")), r"Column 'c' of {x} has no value in row 1"),
        (_frame(c=pd.arrays.SparseArray([1.0, np.nan] * 15)), r"Column 'c' of {x} has no value in row 1"),
        (
            _frame(c=[0.5, np.nan] * 15),
            r"Column 'c' of {x} holds nan in row 1: remove or replace values that are not finite",
        ),
        (_frame(c=pd.Series([1, None] * 15, dtype=object)), r"Column 'c' of {x} holds None in row 1: .* missing"),
        (
            _frame(town=["Ulm", "Aix"] * 15),
            r"Column 'town' of {x} has dtype \w+: give a column of integers or floats, "
            r"without 'Ulm' in row 0\. pandas\.get_dummies.* columns=",
        ),
        (
            _frame(c=pd.Series([1, "?"] * 15, dtype=object)),
            r"Column 'c' of {x} has dtype object: .* without '\?' in row 1",
        ),
        (_frame(c=pd.Series([1, 2] * 15, dtype=object)), r"Column 'c' of {x} has dtype object: .* \.astype\(int\) or"),
        (
            _frame(c=pd.Categorical(["a", "b"] * 15)),
            r"Column 'c' of {x} holds categories: give numbers, .* pandas\.get_dummies",
        ),
        (
            _frame(day=pd.date_range("2020", periods=30)),
            r"Column 'day' of {x} has dtype datetime64\[\w+\]: .* days since",
        ),
        (
            _frame(day=pd.date_range("2020", periods=30, tz="UTC")),
            r"Column 'day' of {x} has dtype datetime64\[\w+, UTC\]",
        ),
        (_frame(c=pd.interval_range(0, 30)), r"Column 'c' of {x} has dtype interval"),
        (FRAME[[]], r"{x} has shape \[30, 0\]: give at least one number per example"),
        (X[:, :0], r"{x} has shape \[30, 0\]: give at least one number"),
        (
            X.astype("M8[s]"),
            r"{x} has dtype datetime64\[s\]: give an array of integers or floats, such as the days since",
        ),
        (
            X.astype("m8[s]"),
            r"{x} has dtype timedelta64\[s\]: give an array of integers or floats, such as x / np\.timedelta64",
        ),
        (X + 0j, r"{x} has dtype complex128: .* such as np\.stack\(\[x\.real, x\.imag\], axis=-1\)"),
        (
            np.zeros(30, [("a", "f8"), ("b", "i4")]),
            r"{x} has dtype \[\('a', .* that of numpy\.lib\.recfunctions\.structured",
        ),
        (_masked(np.zeros(30, [("a", "f8")]), 3), r"{x} has dtype \[\('a'"),
        (scipy.sparse.csr_array(X), r"{x} is a csr_array, which is sparse: give {x}\.toarray\(\)"),
        (
            X * 1e39,
            r"{x} holds \S+e\+3[89] at index .*: scale the values, for numbers of 32 bits end at 3\.4e\+38, or enable",
        ),
        (np.full((30, 3), np.longdouble("1e400")), r"{x} holds inf at index \[0, 0\]"),
        (np.full((30, 3), 2**63 + 5, np.uint64), r"{x} holds whole numbers beyond 2147483647"),
        ({"a": X}, r"{x} is a dict: give an array with one row per example"),
        (None, r"{x} is a NoneType: give an array"),
        (jax.random.split(jax.random.key(0), 30), r"{x} is no array: TypeError: JAX array with PRNGKey"),
        (xr.Dataset({"a": ("example", Y)}), r"{x} is no array: TypeError"),
        (np.float64(3), r"{x} has shape \[\]: give one row per example"),
    ],
)
def test_what_is_no_array_of_numbers_has_its_sentence(x, sentence):
    with pytest.raises(InputError, match=sentence.format(x="x")):
        from_arrays(x, Y)
    if x is not None:
        with pytest.raises(InputError, match=sentence.format(x="x_test")):
            from_arrays(X, Y, x_test=x, y_test=Y)


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (_masked(Y, 7), r"{y} is masked at index \[7\]: remove or replace values that are missing"),
        (_masked(X, 7, 2), r"{y} is masked at index \[7, 2\]"),
        (_masked(np.array(["a", "b", "c"])[Y], 7), r"{y} is masked at index \[7\]"),
        (pd.Series([0, 1, None] * 10, dtype="Int64"), r"{y} has no value in row 2"),
        (pd.array([True, False, None] * 10, "boolean"), r"{y} has no value in row 2"),
        ([0, 1, None] * 10, r"{y} holds None at index \[2\]: remove or replace values that are missing"),
        (np.arange(30).astype("m8[s]"), r"{y} has dtype timedelta64\[s\]"),
        (pd.date_range("2020", periods=30), r"{y} has dtype datetime64"),
        (np.full(30, 1e39), r"{y} holds 1e\+39 at index \[0\]: scale the values"),
        (Y[None], r"{y} holds integers of shape \[1, 30\] from 0: .* of one row take {y}\[0\]"),
        ({0, 1}, r"{y} is a set: give an array"),
        (X[:, :0], r"{y} has shape \[30, 0\]: give at least one number per example"),
        ("text", r"{y} holds names of shape \[\]"),
    ],
)
def test_targets_that_are_missing_or_none_have_their_sentence(y, sentence):
    with pytest.raises(InputError, match=sentence.format(y="y")):
        from_arrays(X, y)
    with pytest.raises(InputError, match=sentence.format(y="y_test")):
        from_arrays(X, Y, x_test=X, y_test=y)


def test_numbers_beyond_32_bits_are_taken_where_64_are_enabled():
    with jax.enable_x64(True):
        assert from_arrays(X * 1e39, Y).x.max() == X.max() * 1e39


def test_rows_with_the_same_labels_in_another_order_are_refused():
    backwards = pd.Series(Y, index=range(29, -1, -1))
    for x, y in ((FRAME, backwards), (xr.DataArray(FRAME), xr.DataArray(backwards))):
        with pytest.raises(
            InputError, match=r"the same row labels in another order, but rows are paired by their place"
        ):
            from_arrays(x, y)
    assert from_arrays(FRAME, backwards.to_numpy()) == from_arrays(X, Y)
    # Labels of other rows, or that many rows share, do not say which belong together.
    assert from_arrays(FRAME, backwards.set_axis(range(40, 70))) == from_arrays(X, Y)
    assert from_arrays(FRAME.set_axis(Y), backwards.set_axis(Y[::-1])) == from_arrays(X, Y)


def test_a_square_array_with_its_rows_along_the_second_axis_is_refused():
    square = xr.DataArray(X @ X.T, dims=("feature", "example"))
    with pytest.raises(InputError, match=r"x has the dimensions \('feature', 'example'\) and y \('example',\)"):
        from_arrays(square, xr.DataArray(Y, dims="example"))
    assert from_arrays(square.T, xr.DataArray(Y, dims="example")).num_outputs == 3


def test_columns_in_another_order_are_refused():
    with pytest.raises(
        InputError, match=r"x has the columns \['a', 'b', 'c'\] and x_test \['c', 'b', 'a'\]: give both"
    ):
        from_arrays(FRAME, Y, x_test=FRAME[["c", "b", "a"]], y_test=Y)


@dataclasses.dataclass(frozen=True)
class Own:
    """A task of the user's own that draws what it is told to, from a pool or not."""

    make: object
    num_outputs: int = 3

    def draw(self, seed, train_size, test_size):
        x, y = self.make(np.arange(90).reshape(30, 3)), np.arange(30) % 3
        return Split(
            Data(x[:train_size], y[:train_size].astype(">i4")), Data(x[-test_size:], y[-test_size:].astype(">i4"))
        )


class Pooled(Own):
    """The same from a pool."""

    @property
    def pool(self):
        return self.make(np.arange(90).reshape(30, 3))

    def draw(self, seed, train_size, test_size):
        rows, y = np.arange(30).astype(">i8"), (np.arange(30) % 3).astype(np.int32)
        return Split(Data(rows[:train_size], y[:train_size]), Data(rows[-test_size:], y[-test_size:]))


def _spec(task):
    return mj.Experiment(
        task=task,
        model=mj.models.MLP(hidden=()),
        optimizer=mj.optimizers.sgd(0.1),
        train_size=20,
        test_size=10,
        steps=2,
        record_every=1,
        measures=("loss",),
    )


def _losses(task):
    return mj.sweep(_spec(task), progress=False).train_loss.values.tolist()


def _short(a):
    return a.astype("<i2")


def _big(a):
    return a.astype(">i2")


def _masked_pool(a):
    return _masked(a.astype(float), 29, 0)


def _objects(a):
    return a.astype(object)


def test_big_endian_whole_numbers_train_as_native_ones_do():
    assert _losses(Own(_short)) == _losses(Own(_big))


@pytest.mark.slow
def test_a_big_endian_pool_trains_as_native_rows_do():
    assert _losses(Own(_short)) == _losses(Pooled(_big))


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        (Own(_masked_pool), r"In what Own\.draw gave, test x is masked at index \[9, 0\]: remove or replace"),
        (Pooled(_masked_pool), r"Pooled\.pool is masked at index \[29, 0\]"),
        (Own(_objects), r"In what Own\.draw gave, train x has dtype object: give an array of integers or floats"),
        (Pooled(_objects), r"Pooled\.pool has dtype object"),
    ],
)
def test_what_a_task_of_ones_own_draws_is_looked_at(task, sentence):
    with pytest.raises(InputError, match=sentence):
        mj.explain(_spec(task))


def _sum(a, b, p):
    return np.ma.array((a + b) % p, mask=a == 2)


def test_masked_results_of_an_operation_are_refused():
    with pytest.raises(InputError, match=r"What ModularArithmetic\.operation gave is masked at index \[10\]"):
        mj.tasks.ModularArithmetic(p=5, operation=_sum).draw(0, 10, 10)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8"])
def test_files_of_either_byte_order_are_the_same_images(tmp_path, dtype):
    x = RNG.integers(0, 256, (12, 4, 4)).astype(dtype)
    tasks = []
    for name, order in {"little": "<", "big": ">"}.items():
        path = tmp_path / f"{name}.npz"
        np.savez(path, x=x.astype(order + dtype), y=(np.arange(12) % 3).astype(order + "i4"))
        tasks.append(Images(path))
    little, big = tasks
    assert little.pool.tobytes() == big.pool.tobytes() and little.pool.dtype == big.pool.dtype == np.float32
    assert little.draw(0, 9, 3).train.y.tobytes() == big.draw(0, 9, 3).train.y.tobytes()
