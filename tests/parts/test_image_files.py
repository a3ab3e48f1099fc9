"""Files of images: every format by hand-written bytes, files that are damaged or hostile, where they are looked for, sums."""

import gzip
import hashlib
import os
import pickle
import struct

import numpy as np
import pytest

from memjax import InputError
from memjax.tasks import Images
from memjax.tasks.image_files import cifar, datasets, files, idx, npz, sums

RNG = np.random.default_rng(0)
NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")


def idx_bytes(array):
    """An IDX file of bytes, written by its description."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def mnist_arrays(rows=6, test_rows=4):
    sizes = {"train": rows, "test": test_rows}
    return [
        part
        for n in sizes.values()
        for part in (RNG.integers(0, 256, (n, 3, 3)).astype(np.uint8), (np.arange(n) % 3).astype(np.uint8))
    ]


def write_idx(folder, arrays, names=NAMES, gz=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(names, arrays, strict=False):
        content = idx_bytes(array)
        (folder / (name + ".gz" * gz)).write_bytes(gzip.compress(content) if gz else content)


@pytest.mark.parametrize(
    ("code", "content", "values"),
    [
        (0x08, [0, 127, 128, 255], np.array([0, 127, 128, 255], np.uint8)),
        (0x09, [0, 127, 128, 255], np.array([0, 127, -128, -1], np.int8)),
        (0x0B, [1, 2, 255, 254], np.array([258, -2], np.int16)),
        (0x0C, [0, 1, 0, 3, 255, 255, 255, 128], np.array([65539, -128], np.int32)),
        (0x0D, [0x3F, 0xC0, 0, 0, 0xC1, 0x20, 0, 0], np.array([1.5, -10], np.float32)),
        (0x0E, [0xC0, 4, 0, 0, 0, 0, 0, 0], np.array([-2.5], np.float64)),
    ],
)
def test_every_kind_of_idx_number_is_read_high_byte_first(code, content, values):
    raw = bytes([0, 0, code, 2, 0, 0, 0, 1, 0, 0, 0, len(values), *content])
    array = idx.decode(raw, "file")
    np.testing.assert_array_equal(array, values[None])
    assert array.dtype == values.dtype and array.dtype.isnative and array.flags.aligned
    assert idx.encode(array) == raw


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"file is no IDX file, for it begins with \[\]"),
        (b"\0\0\x08", r"file is no IDX file"),
        (b"\0\0\x0a\1\0\0\0\0", r"no IDX file, for it begins with \[0, 0, 10, 1\]: it should begin with 0, 0, a kind"),
        (b"\x89PNG\r\n", r"no IDX file, for it begins with \[137, 80, 78, 71\]"),
        (b"\0\0\x08\0\0", r"no IDX file"),
        (
            b"\0\0\x08\3\0\0\0\2\0\0",
            r"is cut off: its header calls for uint8\[2, 0, 0\], 16 bytes in all, but it has 10",
        ),
        (b"\0\0\x08\1\0\0\0\3\1\2", r"is cut off: its header calls for uint8\[3\], 11 bytes in all, but it has 10"),
        (b"\0\0\x0b\1\0\0\0\1\1", r"is cut off: its header calls for int16\[1\]"),
        (b"\0\0\x08\1\0\0\0\1\1\2", r"has more in it than its header says: its header calls for uint8\[1\], 9 bytes"),
        (b"\0\0\x08\4" + b"\xff" * 16, r"is cut off: its header calls for uint8\[4294967295, .* but it has 20"),
        (
            b"\0\0\x08\x46" + b"\0\0\0\1" * 70 + b"\7",
            r"file has a header that calls for 70 axes, of the lengths .* which NumPy cannot hold",
        ),
        (
            b"\0\0\x08\3\0\0\0\0" + b"\xff" * 8,
            r"3 axes, of the lengths \[0, 4294967295, 4294967295\], which NumPy cannot",
        ),
    ],
)
def test_damaged_idx_has_its_sentence(content, sentence):
    with pytest.raises(InputError, match=sentence):
        idx.decode(content, "file")


def test_content_is_decompressed_by_what_it_is(tmp_path):
    plain, zipped, unnamed = (tmp_path / name for name in ("plain", "zipped.gz", "unnamed"))
    plain.write_bytes(b"\xc8" * 500)
    zipped.write_bytes(gzip.compress(b"\xc8" * 500))
    unnamed.write_bytes(zipped.read_bytes())
    assert {files.content(path) for path in (plain, zipped, unnamed)} == {b"\xc8" * 500}


@pytest.mark.parametrize("damage", ["no gzip", "cut off", "changed"])
def test_a_damaged_gzip_file_has_its_sentence(tmp_path, damage):
    whole = gzip.compress(bytes(range(256)))
    changed = whole[:60] + bytes([whole[60] ^ 255]) + whole[61:]
    damaged = {"no gzip": b"<html>", "cut off": whole[:-20], "changed": changed}[damage]
    path = tmp_path / "a.gz"
    path.write_bytes(damaged)
    with pytest.raises(InputError, match=r"a\.gz cannot be decompressed: .* Get it again\."):
        files.content(path)


def test_a_file_that_cannot_be_opened_has_its_sentence(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read: IsADirectoryError"):
        files.content(tmp_path)


def pixels_and_labels(rows=3):
    return RNG.integers(0, 256, (rows, 3072)).astype(np.uint8), RNG.integers(0, 10, rows).astype(np.uint8)


def assert_batch(batch, pixels, labels):
    """Row-major planes of red, green and blue, checked pixel by pixel."""
    assert batch.x.shape == (len(labels), 32, 32, 3) and batch.x.dtype == np.uint8
    for n, row, column, colour in [(0, 0, 0, 0), (1, 0, 5, 2), (2, 31, 30, 1), (2, 7, 0, 2)]:
        assert batch.x[n, row, column, colour] == pixels[n, 1024 * colour + 32 * row + column]
    np.testing.assert_array_equal(np.sort(batch.x.reshape(len(labels), -1)), np.sort(pixels))
    np.testing.assert_array_equal(batch.y, labels)


def test_a_binary_batch_is_read(tmp_path):
    pixels, labels = pixels_and_labels()
    path = tmp_path / "data_batch_1.bin"
    path.write_bytes(b"".join(bytes([label]) + row.tobytes() for label, row in zip(labels, pixels, strict=True)))
    assert_batch(cifar.read_binary(path), pixels, labels)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"has 0 bytes, not a multiple of 3073"),
        (bytes(3072), r"has 3072 bytes, not a multiple of 3073"),
        (bytes(2 * 3073 + 1), r"has 6147 bytes"),
        (bytes(3073) + b"\x0a" + bytes(3072), r"labels that are no whole numbers from 0 to 9"),
        (b"\xff" + bytes(3072), r"labels that are no whole numbers from 0 to 9"),
    ],
)
def test_a_damaged_binary_batch_has_its_sentence(tmp_path, content, sentence):
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        cifar.read_binary(path)


def python_2_pickle(pixels, labels):
    """The stream of operations of the published batches: strings of bytes, NumPy 1's names, protocol 2."""
    raw, rows = pixels.tobytes(), len(labels)
    kind = b"cnumpy\ndtype\nU\x02u1K\0K\1\x87R(K\x03U\x01|NNN" + 2 * b"J\xff\xff\xff\xff" + b"K\0tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01b\x87R"
    state = b"(K\1K" + bytes([rows]) + b"M\x00\x0c\x86" + kind + b"\x89T" + struct.pack("<i", len(raw)) + raw + b"tb"
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(U\x04data" + array + state + b"U\x06labels" + numbers + b"u."


@pytest.mark.parametrize("form", ["Python 2", 2, 4, 5, "array of labels", "by columns"])
def test_a_pickled_batch_is_read(tmp_path, form):
    pixels, labels = pixels_and_labels()
    path = tmp_path / "data_batch_1"
    batch = {
        "batch_label": "training batch 1 of 5",
        "data": pixels,
        "labels": labels.tolist(),
        "filenames": ["a.png"] * 3,
    }
    if form == "Python 2":
        path.write_bytes(python_2_pickle(pixels, labels))
        known = pickle.loads(
            path.read_bytes(), encoding="latin1"
        )  # The hand-written stream is what NumPy takes it for.
        np.testing.assert_array_equal(known["data"], pixels)
    else:
        batch |= {"labels": labels.astype(">i8")} if form == "array of labels" else {}
        batch |= {"data": np.asfortranarray(pixels)} if form == "by columns" else {}
        path.write_bytes(pickle.dumps(batch, protocol=form if isinstance(form, int) else 2))
    assert_batch(cifar.read_pickle(path), pixels, labels)


class Harm:
    """Pickles as a call that would leave a file behind."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("harm", ["os.system", "eval", "open", "numpy.save"])
def test_a_pickle_that_would_do_harm_is_refused_and_does_none(tmp_path, monkeypatch, protocol, harm):
    monkeypatch.chdir(tmp_path)
    call = {
        "os.system": Harm(os.system, "echo > harmed"),
        "eval": Harm(eval, "open('harmed', 'w').close()"),
        "open": Harm(open, "harmed", "w"),
        "numpy.save": Harm(np.save, "harmed", 3),
    }[harm]
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps({"data": call, "labels": [0]}, protocol=protocol))
    with pytest.raises(InputError, match=r"refers to \S+, but a CIFAR-10 batch needs arrays only: it was not read"):
        cifar.read_pickle(path)
    assert [file.name for file in tmp_path.iterdir()] == ["data_batch_1"]


# Calls of what is admitted, in ways that no array is pickled.
ODD_CALLS = {
    "a dtype of objects": b"cnumpy\ndtype\nU\x01O\x85R.",
    "a dtype of a record": b"cnumpy\ndtype\nU\x05u1,u1\x85R.",
    "ndarray itself": b"cnumpy\nndarray\nK\2\x85R.",
    "an attribute of what is admitted": b"\x8c\x05numpy\x8c\x0fndarray.__new__\x93.",
    "a state that writes to a function": b"cnumpy\ndtype\nN}U\x0c__defaults__)s\x86b.",
    "an array without its bytes": b"cnumpy.core.multiarray\n_reconstruct\n)R(K\1M\0\x0c\x85cnumpy\ndtype\nU\x02u1\x85R\x89U\0"
    b"tb.",
}


@pytest.mark.parametrize("odd", ODD_CALLS)
def test_odd_calls_of_what_is_admitted_are_refused(tmp_path, odd):
    path = tmp_path / "data_batch_1"
    path.write_bytes(b"\x80\x02}U\x04data" + ODD_CALLS[odd][:-1] + b"sU\0K\0s.")
    with pytest.raises(
        InputError, match=r"data_batch_1 (is no pickled CIFAR-10 batch|refers to numpy.ndarray.__new__)"
    ):
        cifar.read_pickle(path)


@pytest.mark.parametrize(
    ("batch", "sentence"),
    [
        ([1, 2], r"is no pickled CIFAR-10 batch: TypeError"),
        ({"data": np.zeros((1, 3072), np.uint8)}, r"is no pickled CIFAR-10 batch: KeyError: 'labels'"),
        (
            {"data": np.zeros((2, 3072), np.uint8), "labels": [0]},
            r"holds uint8\[2, 3072\] as data and int64\[1\] as labels",
        ),
        ({"data": np.zeros((1, 3072)), "labels": [0]}, r"holds float64\[1, 3072\] as data"),
        ({"data": np.zeros((1, 784), np.uint8), "labels": [0]}, r"holds uint8\[1, 784\] as data"),
        ({"data": np.zeros((0, 3072), np.uint8), "labels": []}, r"labels that are no whole numbers from 0 to 9"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": [10]}, r"labels that are no whole numbers from 0 to 9"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": [-1]}, r"labels that are no whole numbers from 0 to 9"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": [[0], [1, 2]]}, r"is no pickled CIFAR-10 batch: ValueError"),
        (
            {"data": np.array([{}]), "labels": [0]},
            r"is no pickled CIFAR-10 batch: ValueError: it holds an array of object",
        ),
    ],
)
def test_a_pickle_that_is_no_batch_has_its_sentence(tmp_path, batch, sentence):
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps(batch))
    with pytest.raises(InputError, match=sentence):
        cifar.read_pickle(path)


@pytest.mark.parametrize("content", [b"", b"not a pickle", python_2_pickle(*pixels_and_labels())[:-2000]])
def test_a_damaged_pickle_has_its_sentence(tmp_path, content):
    path = tmp_path / "data_batch_1"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"data_batch_1 is no pickled CIFAR-10 batch: .* Get it again\."):
        cifar.read_pickle(path)


def test_batches_are_joined_in_order_and_the_last_is_the_test_set(tmp_path):
    parts = [pixels_and_labels(n) for n in (3, 4, 3, 3, 3, 5)]
    for name, (pixels, labels) in zip(BATCHES, parts, strict=True):
        (tmp_path / name).write_bytes(pickle.dumps({"data": pixels, "labels": labels.tolist()}))
    split = datasets.read("own", files.find(str(tmp_path), None))
    np.testing.assert_array_equal(split.train.y, np.concatenate([labels for _, labels in parts[:5]]))
    np.testing.assert_array_equal(split.test.y, parts[5][1])
    np.testing.assert_array_equal(split.train.x[3:7, 0, 0, 1], parts[1][0][:, 1024])


def test_an_npz_file_is_read_with_or_without_test_rows(tmp_path):
    x, y, x_test, y_test = mnist_arrays()
    np.savez(tmp_path / "four.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    np.savez_compressed(tmp_path / "two.npz", x=x, y=y)
    four, two = (npz.read(tmp_path / name) for name in ("four.npz", "two.npz"))
    for part, array in zip((*four.train, *four.test, *two.train), (x, y, x_test, y_test, x, y), strict=True):
        np.testing.assert_array_equal(part, array)
    assert two.test.x.shape == (0, 3, 3)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        (
            {"x": np.array([{}, {}]), "y": np.zeros(2)},
            r"a\.npz is no \.npz file of plain arrays: ValueError: Object arrays",
        ),
        (
            {"images": np.zeros(2)},
            r"a\.npz has images in it: name its arrays x_train, y_train, x_test and y_test, or x and y",
        ),
        ({}, r"a\.npz has nothing in it"),
        (
            {"x": np.float32(1), "y": np.arange(2)},
            r"a\.npz has a single number as x or y: both must have a row per image",
        ),
        ({"x": np.zeros((2, 2)), "y": np.int64(1)}, r"a\.npz has a single number as x or y"),
    ],
)
def test_an_npz_file_of_other_arrays_has_its_sentence(tmp_path, arrays, sentence):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match=sentence):
        npz.read(tmp_path / "a.npz")


@pytest.mark.parametrize("damage", ["empty", "a pickle", "one array", "cut off", "changed"])
def test_a_damaged_npz_file_has_its_sentence(tmp_path, damage):
    np.savez(tmp_path / "b.npz", x=np.zeros((9, 9)), y=np.zeros(9, int))
    np.save(tmp_path / "b.npy", np.zeros(3))
    whole = (tmp_path / "b.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(
        {
            "empty": b"",
            "a pickle": pickle.dumps([1]),
            "one array": (tmp_path / "b.npy").read_bytes(),
            "cut off": whole[:-30],
            "changed": whole.replace(b"(9, 9)", b"(9, 8)"),
        }[damage]
    )
    with pytest.raises(InputError, match=r"a\.npz is no \.npz file of plain arrays"):
        npz.read(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        (
            {"x": np.zeros((4, 2)), "y": np.zeros(3, int)},
            r"images of shape \[4, 2\] and labels of shape \[3\]: there must be one",
        ),
        ({"x": np.zeros(4), "y": np.zeros(4, int)}, r"images of shape \[4\]"),
        ({"x": np.zeros((4, 2)), "y": np.eye(4)}, r"labels of shape \[4, 4\]"),
        (
            {"x": np.zeros((4, 2)), "y": np.zeros(4)},
            r"labels of float64 that are no whole numbers from 0: number its classes",
        ),
        ({"x": np.zeros((4, 2)), "y": np.array([0, 1, -1, 2])}, r"labels of int64 that are no whole numbers from 0"),
        ({"x": np.zeros((4, 2)), "y": np.array([0, 1, 2**31, 2])}, r"labels of int64 that are no whole numbers from 0"),
        ({"x": np.zeros((0, 2)), "y": np.zeros(0, int)}, r"there must be some to train on"),
        (
            {"x_train": np.zeros((4, 2)), "y_train": np.arange(4), "x_test": np.zeros((4, 3)), "y_test": np.arange(4)},
            r"training images float64\[4, 2\] and test images float64\[4, 3\]: both must be of one dtype and size",
        ),
        (
            {"x": np.zeros((4, 2), int), "y": np.arange(4)},
            r"images of int64, which does not say what white is: save them as",
        ),
        ({"x": np.full((4, 2), np.nan), "y": np.arange(4)}, r"values that are not finite as float32"),
        ({"x": np.full((4, 2), 1e39), "y": np.arange(4)}, r"values that are not finite as float32"),
    ],
)
def test_arrays_that_are_no_images_have_their_sentence(tmp_path, arrays, sentence):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match=sentence):
        _ = Images(tmp_path / "a.npz").pool


def test_labels_in_a_column_are_labels(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 2)), y=np.arange(4)[:, None])
    assert Images(tmp_path / "a.npz").draw(0, 3, 1).train.y.shape == (3,)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home, working directory and environment."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MEMJAX_DATA", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def test_places_are_searched_in_order(home, monkeypatch):
    monkeypatch.setenv("MEMJAX_DATA", str(home / "env"))
    places = [
        home / "env/FashionMNIST/raw",
        home / "work/data/fashion-mnist",
        home / "home/data/FashionMNIST/raw",
        home / "home/.keras/datasets/fashion-mnist",
    ]
    for gz, place in enumerate(places):
        write_idx(place, mnist_arrays(), gz=gz % 2 == 1)
    for place in places:
        paths = [path.absolute() for path in files.find("fashion-mnist", None).paths]
        assert [path.parent for path in paths] == [place] * 4
        assert [path.name.removesuffix(".gz") for path in paths] == list(NAMES)
        for path in paths:
            path.unlink()


def test_a_folder_of_ones_own_is_the_only_place(home):
    write_idx(home / "work/data/MNIST/raw", mnist_arrays())
    write_idx(home / "mine", mnist_arrays(), [name.replace("-idx", ".idx") for name in NAMES])
    assert {path.parent for path in files.find("mnist", str(home / "mine")).paths} == {home / "mine"}
    with pytest.raises(
        InputError, match=r"in none of the places looked at, \S+/other/MNIST/raw, \S+/other/mnist, \S+/other: put"
    ):
        files.find("mnist", str(home / "other"))


def test_files_of_one_name_lie_bare_only_where_the_user_points(home):
    write_idx(home / "work/data", mnist_arrays())
    with pytest.raises(
        InputError, match=r"in none of the places looked at, data/FashionMNIST/raw, data/fashion-mnist, /"
    ):
        files.find("fashion-mnist", None)
    assert len(files.find("fashion-mnist", "data").paths) == 4


def test_a_tilde_is_the_home(home):
    write_idx(home / "home/pictures", mnist_arrays())
    assert len(files.find("mnist", "~/pictures").paths) == len(files.find("~/pictures", None).paths) == 4


def test_other_layouts_are_found(home):
    (home / "home/.keras/datasets").mkdir(parents=True)
    np.savez(home / "home/.keras/datasets/mnist.npz", x_train=1)
    assert files.find("mnist", None).kind == "npz"
    for folder, suffix in (("cifar-10-batches-py", ""), ("cifar-10-batches-bin", ".bin")):
        (home / "work/data" / folder).mkdir(parents=True)
        for name in BATCHES:
            (home / "work/data" / folder / (name + suffix)).touch()
        found = files.find("cifar10", None)
        assert found.kind == "cifar" and [path.name for path in found.paths] == [name + suffix for name in BATCHES]


def test_a_missing_data_set_says_where_to_put_what(home):
    write_idx(home / "work/data/MNIST/raw", mnist_arrays()[:3])
    with pytest.raises(InputError) as mnist:
        files.find("mnist", None)
    for part in (
        "data/MNIST/raw (all but t10k-labels-idx1-ubyte), data/mnist, data, ",
        f"{home}/home/.keras/datasets/mnist, {home}/home/.keras/datasets, /usr/share/datasets/MNIST/raw",
        f"put {', '.join(NAMES)} (or the same with .gz) into data/MNIST/raw or mnist.npz into data, where data may be any",
        "that Images.folder or the environment variable MEMJAX_DATA names.",
    ):
        assert part in str(mnist.value)
    with pytest.raises(
        InputError, match=r"On Debian and Ubuntu, 'apt install dataset-fashion-mnist' puts them there\."
    ):
        files.find("fashion-mnist", str(home))
    with pytest.raises(InputError, match=r"put train-images-idx3-ubyte\.gz, .* into data/KMNIST/raw, where"):
        files.find("kmnist", None)
    with pytest.raises(InputError, match=r"put data_batch_1\.bin, .* into data/cifar-10-batches-bin or data_batch_1, "):
        files.find("cifar10", None)


def test_files_of_ones_own_are_found_by_path_or_have_a_sentence(home):
    arrays = mnist_arrays()
    write_idx(home / "all", arrays)
    write_idx(home / "train", arrays[:2])
    write_idx(home / "three", arrays[:3])
    write_idx(home / "test", arrays[2:], NAMES[2:])
    (home / "empty").mkdir()
    (home / "a.txt").touch()
    assert (len(files.find(str(home / "all"), None).paths), len(files.find(str(home / "train"), None).paths)) == (
        4,
        2,
    )
    for name, what in [
        (
            "three",
            r"a folder that has all but t10k-labels-idx1-ubyte\. Use mnist, fashion-mnist, kmnist, cifar10 or digits",
        ),
        ("test", r"a folder that has all but train-images-idx3-ubyte or train-labels-idx1-ubyte"),
        ("empty", r"a folder without such files"),
        ("a.txt", r"no \.npz file"),
        ("mnits", r"not there"),
    ]:
        with pytest.raises(InputError, match=rf"Images\.dataset is '\S+/{name}', which is {what}"):
            files.find(str(home / name), None)


def test_a_misspelt_name_of_a_data_set_is_suggested():
    with pytest.raises(InputError, match=r"'minst', which is not there\. Did you mean mnist or kmnist\? Use mnist, "):
        _ = Images("minst").pool


def test_train_files_alone_have_no_test_rows(tmp_path):
    arrays = mnist_arrays()
    write_idx(tmp_path, arrays[:2])
    split = datasets.read("own", files.find(str(tmp_path), None))
    np.testing.assert_array_equal(split.train.x, arrays[0])
    assert split.test.x.shape == (0, 3, 3) and split.test.y.shape == (0,)


def md5(content):
    return hashlib.md5(content).hexdigest()


@pytest.fixture
def published(monkeypatch):
    """Four small arrays that pass for MNIST."""
    arrays = mnist_arrays()
    monkeypatch.setitem(
        sums.SUMS, "mnist", {name: md5(idx_bytes(array)) for name, array in zip(NAMES, arrays, strict=True)}
    )
    return arrays


@pytest.mark.parametrize("container", ["plain", "gz", "npz", "npz of another dtype"])
@pytest.mark.parametrize("changed", [None, 0, 1, 2, 3])
def test_content_is_compared_with_published_sums_whatever_it_comes_in(tmp_path, published, container, changed):
    arrays = [array.copy() for array in published]
    if changed is not None:
        arrays[changed].flat[-1] ^= 1
    if container.startswith("npz"):
        arrays = [array.astype(np.int64) for array in arrays] if container != "npz" else arrays
        np.savez(tmp_path / "mnist.npz", **dict(zip(("x_train", "y_train", "x_test", "y_test"), arrays, strict=True)))
    else:
        write_idx(tmp_path, arrays, gz=container == "gz")
    if changed is None and container != "npz of another dtype":
        np.testing.assert_array_equal(Images("mnist", folder=tmp_path).pool[:6] * 255, published[0])
        return
    name = NAMES[changed or 0] if container != "npz of another dtype" else NAMES[0]
    wanted = md5(idx_bytes(published[NAMES.index(name)]))
    with pytest.raises(
        InputError,
        match=rf"{name} in \S+ is not that of mnist as published: its MD5 sum is \S+, not {wanted}\. Get it again",
    ):
        _ = Images("mnist", folder=tmp_path).pool


def test_files_that_have_sums_as_they_stand_are_compared_as_they_stand(tmp_path, monkeypatch):
    write_idx(tmp_path, mnist_arrays(), gz=True)
    published = {f"{name}.gz": md5((tmp_path / f"{name}.gz").read_bytes()) for name in NAMES}
    monkeypatch.setitem(sums.SUMS, "kmnist", published)
    assert Images("kmnist", folder=tmp_path).pool.shape == (10, 3, 3)
    again = tmp_path / f"{NAMES[3]}.gz"
    again.write_bytes(gzip.compress(gzip.decompress(again.read_bytes()), compresslevel=1))
    with pytest.raises(InputError, match=rf"{NAMES[3]}\.gz is not that of kmnist as published: its MD5 sum is"):
        _ = Images("kmnist", folder=tmp_path).pool


@pytest.mark.parametrize("suffix", ["", ".bin"])
def test_every_batch_of_cifar_is_compared(tmp_path, monkeypatch, suffix):
    published = {}
    for number, name in enumerate(BATCHES):
        rows = bytes([number]) + bytes(3072)
        batch = {"data": np.zeros((1, 3072), np.uint8), "labels": [number]}
        (tmp_path / (name + suffix)).write_bytes(rows if suffix else pickle.dumps(batch))
        published[name + suffix] = md5((tmp_path / (name + suffix)).read_bytes())
    monkeypatch.setitem(sums.SUMS, "cifar10", published)
    np.testing.assert_array_equal(Images("cifar10", folder=tmp_path).draw(0, 5, 1).test.y, [5])
    for name in BATCHES:
        with monkeypatch.context() as other:
            other.setitem(published, name + suffix, "0" * 32)
            with pytest.raises(InputError, match=rf"/{name + suffix} is not that of cifar10 as published"):
                _ = Images("cifar10", folder=tmp_path).pool


def test_there_is_a_sum_for_every_file_of_a_known_data_set():
    for dataset, layouts in files.KNOWN.items():
        named = {names[0] for layout in layouts if layout.kind != "npz" for names in layout.files}
        assert named == set(sums.SUMS[dataset])
    digests = [value for table in sums.SUMS.values() for value in table.values()]
    assert len(set(digests)) == len(digests) == 24 and all(len(value) == 32 and int(value, 16) for value in digests)
