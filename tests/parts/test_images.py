"""Images: scales, corruptions, class filters, subsets and label noise on small files; one pool for all values of noise."""

import dataclasses
import gc
import os
import pickle
import struct
import sys
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import memjax as mj
from memjax import InputError
from memjax.experiment.decode import decode
from memjax.experiment.encode import encode
from memjax.tasks import Images
from memjax.tasks.image_files import datasets, sums
from memjax.tasks.shared_pools import Labelled, shared

RNG = np.random.default_rng(1)
ROWS, TEST_ROWS, SIDE, CLASSES = 50, 30, 4, 5
# Every image holds 16 different bytes, so that a permutation of its pixels can be told from the result.
X = np.array([RNG.permutation(256)[: SIDE * SIDE] for _ in range(ROWS + TEST_ROWS)], np.uint8).reshape(-1, SIDE, SIDE)
X[0, 0, :2] = 200, 128
Y = (RNG.permutation(ROWS + TEST_ROWS) % CLASSES).astype(np.uint8)


def write(folder, x=X, y=Y):
    parts = (x[:ROWS], y[:ROWS], x[ROWS:], y[ROWS:])
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    for name, array in zip(names, parts, strict=True):
        header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        (folder / f"{name}-ubyte").write_bytes(header + array.tobytes())
    return str(folder)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write(tmp_path_factory.mktemp("images"))


def test_pixels_are_bytes_over_255_and_labels_their_own(files):
    task = Images(files)
    assert task.pool.dtype == np.float32 and not task.pool.flags.writeable
    np.testing.assert_array_equal(task.pool, X.astype(np.float32) / np.float32(255))
    assert task.pool[0, 0, 0] == np.float32(200 / 255) and task.pool[0, 0, 1] == np.float32(128 / 255)
    train, test = task.draw(3, 40, 20)
    for part in (train, test):
        np.testing.assert_array_equal(part.y, Y[part.x])
        assert (part.x.dtype, part.y.dtype) == (np.int32, np.int32)
    assert train.x.max() < ROWS <= test.x.min()
    assert task.num_outputs == CLASSES


def test_sizes_are_those_of_the_files(files):
    task = Images(files)
    assert task.sizes(20, None) == (20, TEST_ROWS)
    with pytest.raises(InputError, match=r"train_size is 51, but the arrays have 50 rows"):
        task.sizes(51, None)


def test_train_sets_are_nested(files):
    task = Images(files, label_noise=0.5)
    small, large = task.draw(7, 12, 5).train, task.draw(7, 45, 5).train
    np.testing.assert_array_equal(small.x, large.x[:12])
    np.testing.assert_array_equal(small.y, large.y[:12])
    assert task.draw(8, 45, 5).train.x.tolist() != large.x.tolist()


def test_classes_are_kept_and_renumbered_in_their_order(files):
    task = Images(files, classes=(3, 1))
    kept = np.isin(Y, (3, 1))
    np.testing.assert_array_equal(task.pool, Images(files).pool[kept])
    train_rows, test_rows = kept[:ROWS].sum(), kept[ROWS:].sum()
    train, test = task.draw(0, train_rows, test_rows)
    for part in (train, test):
        np.testing.assert_array_equal(part.y, np.where(Y[kept][part.x] == 3, 0, 1))
    assert (task.num_outputs, task.sizes(4, None)) == (2, (4, test_rows))


def test_a_subset_is_the_first_training_images_after_the_class_filter(files):
    task = Images(files, classes=(0, 2, 4), subset=12)
    kept = np.isin(Y, (0, 2, 4))
    rows = np.concatenate([np.flatnonzero(kept[:ROWS])[:12], ROWS + np.flatnonzero(kept[ROWS:])])
    np.testing.assert_array_equal(task.pool, Images(files).pool[rows])
    train, test = task.draw(0, 12, kept[ROWS:].sum())
    assert sorted(train.x) == list(range(12)) and test.x.min() == 12


def test_classes_that_a_subset_lacks_are_classes_still(tmp_path):
    np.savez(tmp_path / "a.npz", x=X, y=np.sort(Y))
    task = Images(tmp_path / "a.npz", subset=10, label_noise=1.0)
    assert task.num_outputs == CLASSES
    drawn = np.concatenate([task.draw(seed, 9, 1).train.y for seed in range(100)])
    # 900 labels of 5 classes: mean 180, standard deviation 12.
    assert np.abs(np.bincount(drawn, minlength=CLASSES) - 180).max() < 4 * 12


def test_label_noise_replaces_the_closed_form_share_of_train_labels_only(files):
    q = 0.4
    draws = [Images(files, label_noise=q).draw(seed, ROWS, TEST_ROWS) for seed in range(100)]
    changed = np.concatenate([train.y != Y[train.x] for train, _ in draws])
    share = q * (CLASSES - 1) / CLASSES
    assert abs(changed.mean() - share) < 4 * np.sqrt(share * (1 - share) / changed.size)
    for train, test in draws:
        np.testing.assert_array_equal(test.y, Y[test.x])
        assert train.y.max() < CLASSES


def test_noise_among_kept_classes_stays_among_them(files):
    task = Images(files, classes=(1, 4), label_noise=1.0)
    drawn = np.concatenate([task.draw(seed, 10, 1).train.y for seed in range(100)])
    assert abs(drawn.mean() - 0.5) < 4 * 0.5 / np.sqrt(1000)


def order_of(corrupted, true):
    """Where each pixel of an image came from, for images without equal pixels."""
    flat, original = corrupted.reshape(len(true), -1), true.reshape(len(true), -1)
    np.testing.assert_array_equal(np.sort(flat), np.sort(original))
    return np.take_along_axis(np.argsort(original), np.argsort(np.argsort(flat)), axis=1)


def test_shuffled_pixels_are_one_permutation_of_all_images(files):
    true = Images(files).pool[1:]
    order = order_of(Images(files, pixels="shuffled").pool[1:], true)
    assert (order == order[0]).all() and sorted(order[0]) == list(range(16)) != order[0].tolist()
    other = order_of(Images(files, pixels="shuffled", pixel_seed=1).pool[1:], true)
    assert other[0].tolist() != order[0].tolist()


def test_random_pixels_are_a_permutation_per_image(files):
    true = Images(files).pool[1:]
    order = order_of(Images(files, pixels="random").pool[1:], true)
    assert len({tuple(row) for row in order}) == len(order)
    # Of 79 x 16 places a sixteenth keeps its pixel by chance: 79, standard deviation 8.6; measured 61.
    assert abs((order == np.arange(16)).sum() - 79) < 4 * 8.6


@pytest.mark.parametrize("pixels", ["random", "gaussian"])
def test_what_an_image_gets_does_not_depend_on_how_many_others_there_are(files, tmp_path, pixels, monkeypatch):
    monkeypatch.setattr("memjax.tasks.image_files.pixels._ROWS_AT_ONCE", 7)
    np.savez(tmp_path / "a.npz", x_train=X[:ROWS], y_train=Y[:ROWS], x_test=X[ROWS:-5], y_test=Y[ROWS:-5])
    # The moments of gaussian pixels are of the training images, which must be the same here.
    fewer = Images(tmp_path / "a.npz", pixels=pixels).pool
    np.testing.assert_array_equal(fewer, Images(files, pixels=pixels).pool[:-5])
    if pixels == "random":
        subset = Images(files, pixels=pixels, subset=11).pool
        np.testing.assert_array_equal(subset[:11], fewer[:11])
        np.testing.assert_array_equal(subset[11:-5], fewer[ROWS:])


@pytest.mark.parametrize("pixels", ["shuffled", "random"])
def test_the_colours_of_a_pixel_stay_together(tmp_path, pixels):
    grey = X.astype(np.uint8)[..., None]
    np.savez(tmp_path / "a.npz", x=np.concatenate([grey, 255 - grey, grey // 2], axis=3), y=Y)
    red, green, blue = np.moveaxis(Images(tmp_path / "a.npz", pixels=pixels).pool * 255, 3, 0)
    np.testing.assert_allclose(red + green, 255, rtol=1e-6)
    np.testing.assert_allclose(np.floor(red.round() / 2), blue, atol=1e-4)
    order_of(red[1:], X[1:].astype(np.float32) / np.float32(255) * 255)


def test_gaussian_pixels_have_the_moments_of_the_training_pixels_and_no_image(tmp_path):
    x = RNG.integers(0, 256, (400, 10, 10)).astype(np.uint8)
    x[300:] //= 4
    np.savez(tmp_path / "a.npz", x_train=x[:300], y_train=np.arange(300) % 2, x_test=x[300:], y_test=np.arange(100) % 2)
    noise = Images(tmp_path / "a.npz", pixels="gaussian").pool.astype(float)
    mean, deviation = (x[:300] / 255).mean(), (x[:300] / 255).std()
    for part in (noise[:300], noise[300:]):  # Test pixels have the moments of training pixels, not their own.
        assert abs(part.mean() - mean) < 4 * deviation / np.sqrt(part.size)
        assert abs(part.std() - deviation) < 4 * deviation / np.sqrt(2 * part.size)
    assert abs(np.corrcoef(noise.ravel(), x.ravel())[0, 1]) < 4 / np.sqrt(x.size)
    assert abs(np.corrcoef(noise[:100].ravel(), noise[300:].ravel())[0, 1]) < 4 / np.sqrt(10_000)
    assert noise.min() < 0 and noise.max() > 1
    # A third of the fourth moment over the squared variance is 1 for a Gaussian, 0.6 for a uniform law; standard error 0.016.
    assert abs((((noise - mean) / deviation) ** 4).mean() / 3 - 1) < 4 * 0.016


def test_standard_scale_takes_the_moments_of_the_training_pixels(files):
    true = X.astype(float) / 255
    mean, deviation = true[:ROWS].mean(), true[:ROWS].std()
    # Float32 of numbers up to 2: measured 1.3e-7.
    np.testing.assert_allclose(Images(files, scale="standard").pool, (true - mean) / deviation, atol=1e-6)


def test_l2_scale_gives_unit_norms_and_leaves_black_images_black(tmp_path):
    x = X.copy()
    x[3] = 0
    np.savez(tmp_path / "a.npz", x=x, y=Y)
    pool = Images(tmp_path / "a.npz", scale="l2").pool
    norms = np.linalg.norm(pool.reshape(len(x), -1).astype(float), axis=1)
    assert norms[3] == 0 and np.abs(np.delete(norms, 3) - 1).max() < 3e-7  # Measured 0.7e-7, one float32 rounding.
    np.testing.assert_allclose(pool[5] * np.linalg.norm(x[5] / 255.0), x[5] / 255.0, atol=1e-6)


@pytest.mark.parametrize("scale", ["unit", "standard", "l2"])
def test_scale_and_shuffling_commute(files, scale):
    shuffled = Images(files, scale=scale, pixels="shuffled").pool.reshape(len(X), -1)
    order = order_of(Images(files, pixels="shuffled").pool[1:], Images(files).pool[1:])[0]
    # Sums of float32 in another order: measured 6e-8.
    np.testing.assert_allclose(shuffled, Images(files, scale=scale).pool.reshape(len(X), -1)[:, order], atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "largest"), [(np.uint8, 255), (np.uint16, 65535), (bool, 1), (np.float32, 1), (np.float64, 1)]
)
def test_white_is_the_largest_whole_number_of_the_dtype(tmp_path, dtype, largest):
    x = np.array([[0, 1], [largest, 0], [1, 1]], dtype)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(3))
    np.testing.assert_array_equal(Images(tmp_path / "a.npz").pool, (x / largest).astype(np.float32))


def test_digits_are_those_of_scikit_learn():
    task = Images("digits")
    assert task.pool.shape == (1797, 8, 8) and task.sizes(800, None) == (800, 800) and task.num_outputs == 10
    # The first image of the data set as it is printed in scikit-learn's documentation, row 0, and its label.
    np.testing.assert_array_equal(task.pool[0, 0] * 16, [0, 0, 5, 13, 9, 1, 0, 0])
    everything = task.draw(0, 1796, 1)
    order = np.argsort(everything.train.x)
    count = np.bincount(np.concatenate([everything.train.y, everything.test.y]))
    assert count.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert everything.train.y[order][:3].tolist() == everything.train.x[order][:3].tolist()
    with pytest.raises(InputError, match=r"need 1798 rows, but the arrays have 1797"):
        task.sizes(1797, 1)


def test_digits_without_scikit_learn_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(InputError, match=r"'digits', .* not installed: pip install 'memjax\[digits\]'\."):
        _ = Images("digits", classes=(0, 9)).pool


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"dataset": 3}, r"Images\.dataset is 3: give a path as text"),
        ({"dataset": ""}, r"Images\.dataset is '': give a path as text"),
        ({"folder": 3}, r"Images\.folder is 3: give a path as text"),
        ({"classes": 3}, r"Images\.classes is 3: give a tuple of at least two labels, each once"),
        ({"classes": (3,)}, r"Images\.classes is \(3,\): give a tuple of at least two"),
        ({"classes": (3, 3)}, r"Images\.classes is \(3, 3\): give a tuple of at least two labels, each once"),
        ({"classes": (3, "4")}, r"Images\.classes is '4': give a whole number of at least 0"),
        ({"classes": (3, -1)}, r"Images\.classes is -1: give a whole number of at least 0"),
        ({"classes": (0, 12)}, r"holds 12, but no training image of digits has that label: use 0, 1, .* 8 or 9\."),
        ({"subset": 0}, r"Images\.subset is 0: give a whole number of at least 1"),
        ({"subset": 1798}, r"Images\.subset is 1798, but there are 1797 images to train on: give fewer"),
        ({"label_noise": 1.5}, r"Images\.label_noise is 1\.5: give a finite number from 0 to 1"),
        ({"pixels": "noise"}, r"Images\.pixels is 'noise': use true, shuffled, random or gaussian"),
        ({"pixel_seed": -1}, r"Images\.pixel_seed is -1: give a whole number of at least 0"),
        ({"scale": "bytes"}, r"Images\.scale is 'bytes': use unit, standard or l2"),
    ],
)
def test_every_bad_field_has_its_sentence(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        _ = Images(**{"dataset": "digits", **fields}).pool


def test_classes_must_have_images_to_train_on_and_be_several(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=X[:9], y_train=2 * Y[:9], x_test=X[9:], y_test=Y[9:])
    with pytest.raises(
        InputError, match=r"Images\.classes holds 3, but no training image of \S+ has that label: use 4, 6 or 8"
    ):
        _ = Images(tmp_path / "a.npz", classes=(4, 3)).pool
    np.savez(tmp_path / "b.npz", x=X, y=np.zeros(len(X), int))
    with pytest.raises(InputError, match=r"b\.npz has images of one class only: labels must run from 0 to at least 1"):
        _ = Images(tmp_path / "b.npz").pool


def test_a_test_set_without_any_of_the_classes_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=X[:9], y_train=np.arange(9) % 3, x_test=X[9:], y_test=np.full(len(X) - 9, 2))
    with pytest.raises(
        InputError, match=r"Images\.classes is \(0, 1\), but none of the 71 test images of \S+ has one of"
    ):
        _ = Images(tmp_path / "a.npz", classes=(0, 1)).pool
    assert Images(tmp_path / "a.npz", classes=(0, 2)).sizes(2, None) == (2, 71)
    np.savez(tmp_path / "a.npz", x=X[:9], y=np.arange(9) % 3)  # Without a test set at all there is nothing to miss.
    assert Images(tmp_path / "a.npz", classes=(0, 1)).sizes(2, None) == (2, 2)


def test_pixels_that_are_all_the_same_have_no_standard_scale(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.full((4, 2), 7, np.uint8), y=np.arange(4))
    with pytest.raises(
        InputError, match=r"Images\.scale is 'standard', but all pixels to train on are the same: use 'unit'"
    ):
        _ = Images(tmp_path / "a.npz", scale="standard").pool


def test_one_pool_serves_all_tasks_that_differ_in_label_noise(files):
    task = Images(files)
    assert Images(files, label_noise=0.5).pool is task.pool
    fields = {"pixels": "random", "scale": "l2", "classes": (0, 1), "subset": 9}
    others = [Images(files, **{name: value}) for name, value in fields.items()]
    assert len({id(each.pool) for each in [task, *others]}) == 5
    np.testing.assert_array_equal(task.pool, Images(files).pool)


def test_a_file_that_has_changed_is_read_again(tmp_path):
    before = Images(write(tmp_path))
    first = before.pool[0].copy()
    write(tmp_path, 255 - X)
    os.utime(tmp_path / "train-images-idx3-ubyte", (0, 0))
    np.testing.assert_array_equal(Images(str(tmp_path)).pool[0], (255 - X[0]) / np.float32(255))
    np.testing.assert_array_equal(before.pool[0], first)


def test_content_is_that_of_the_files_before_any_field_acts_and_however_they_are_packed(files, tmp_path, monkeypatch):
    content = Images(files).content
    fields = {"classes": (0, 1), "subset": 9, "label_noise": 0.5, "pixels": "gaussian", "scale": "l2"}
    assert Images(files, **fields).content == content and int(content, 16)
    parts = {"x_train": X[:ROWS], "y_train": Y[:ROWS], "x_test": X[ROWS:], "y_test": Y[ROWS:]}
    np.savez_compressed(tmp_path / "same.npz", **parts)
    assert Images(tmp_path / "same.npz").content == content
    for name, array in parts.items():  # One bit in one of the four arrays is another content.
        np.savez(tmp_path / f"{name}.npz", **parts | {name: np.concatenate([array[:1] ^ 1, array[1:]])})
        assert Images(tmp_path / f"{name}.npz").content != content
    monkeypatch.setattr(datasets, "read", None)  # What has been taken once is not read again.
    assert dataclasses.replace(Images(files), pixels="random").content == content


def test_names_and_absent_files_have_no_content(files, tmp_path, monkeypatch):
    monkeypatch.setitem(sums.SUMS, "fashion-mnist", {})
    named = Images("fashion-mnist", folder=files)
    assert named.pool.shape == X.shape and named.content is None
    assert Images("digits").content is None and "content" not in encode(Images("digits"))
    assert Images("mnist", folder=tmp_path).content is None and Images(tmp_path / "none.npz").content is None


def test_content_follows_files_whose_size_and_time_are_as_before(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=X, y=Y)
    looks, task = path.stat(), Images(path)
    before, first = task.content, task.pool[1].copy()
    time.sleep(0.02)  # The clock of a file system has steps of up to 10 ms.
    np.savez(path, x=255 - X, y=Y)
    os.utime(path, ns=(looks.st_atime_ns, looks.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (looks.st_size, looks.st_mtime_ns)
    assert Images(path).content != before
    assert not np.array_equal(Images(path).pool[1], first)
    with pytest.raises(InputError, match=r"a\.npz' have changed since this task read them: make the task anew"):
        _ = task.content
    path.unlink()
    assert task.content == before


def swept(path, **where):
    task = Images(path)
    spec = mj.Experiment(
        task=task, model=mj.models.MLP(hidden=()), train_size=8, test_size=4, steps=1, record_every=1, snapshots=(1,)
    )
    return mj.sweep(spec, {"label_noise": [0.0, 0.5]}, progress=False, **where)


@pytest.mark.slow
def test_a_store_and_a_saved_dataset_refuse_files_that_have_changed(tmp_path):
    path, store = tmp_path / "im.npz", tmp_path / "store"
    np.savez(path, x=X, y=Y)
    ds = swept(path, store=store)
    mj.save(ds, tmp_path / "saved.nc")
    assert swept(path, store=store).equals(ds)
    saved = mj.open(tmp_path / "saved.nc")
    assert len(list(mj.snapshots(saved))) == 2
    time.sleep(0.02)
    np.savez(path, x=255 - X, y=Y)
    content = Images(path).content
    with pytest.raises(InputError, match=rf"is of another experiment: task\.content is '\w+' there and '{content}' in"):
        swept(path, store=store)
    sentence = rf"im\.npz'.* have changed since this was written: .* and is '{content}'\. Put the former files back"
    for use in (lambda: next(mj.snapshots(saved)), lambda: mj.measure(saved, ["loss"])):
        with pytest.raises(InputError, match=sentence):
            use()
    np.savez(path, x=X, y=Y)
    assert swept(path, store=store).equals(ds) and len(list(mj.snapshots(saved))) == 2


@pytest.mark.slow
def test_an_axis_of_tasks_refuses_a_changed_file_before_it_writes_anything(tmp_path):
    """The store is as it was, so it goes on once the files are as they were."""
    path = tmp_path / "im.npz"

    def run():
        spec = mj.Experiment(train_size=8, test_size=4, steps=1, record_every=1, model=mj.models.MLP(hidden=()))
        return mj.sweep(spec, {"task": [Images(str(path))]}, store=tmp_path / "store", progress=False)

    np.savez(path, x=X, y=Y)
    before = run()
    time.sleep(0.02)
    np.savez(path, x=255 - X, y=Y)
    with pytest.raises(InputError, match="have changed since this was written"):
        run()
    np.savez(path, x=X, y=Y)
    assert run().equals(before)


def test_a_pool_is_let_go_with_its_last_task(tmp_path):
    task = Images(write(tmp_path), pixel_seed=5)
    pool = weakref.ref(task.pool)
    other = dataclasses.replace(task, label_noise=0.1)
    assert other.pool is pool()
    del task
    gc.collect()
    assert pool() is not None
    del other
    gc.collect()
    assert pool() is None


def test_threads_that_need_one_pool_make_one():
    made = []

    def slowly():
        time.sleep(0.05)
        made.append(Labelled(np.zeros((4, 2)), np.zeros(4, int), 4))
        return made[-1]

    with ThreadPoolExecutor(4) as threads:
        got = list(threads.map(lambda _: shared("slow", slowly), range(4)))
    assert len(made) == 1 and all(each is made[0] for each in got)


def test_a_pool_does_not_travel_with_its_task(files):
    task = Images(files, classes=[0, 1])
    assert task.pool.nbytes > 1000 > len(pickle.dumps(task))
    sent = pickle.loads(pickle.dumps(task))
    assert sent == task and hash(sent) == hash(task) and sent.pool is task.pool


def test_spec_writes_and_reads_every_field(files):
    task = Images(files, "there", (3, 1), 7, 0.25, "shuffled", 2, "l2")
    assert decode(encode(task)) == task
    assert encode(task)["classes"] == [3, 1]


@pytest.mark.slow
def test_a_sweep_over_label_noise_reads_once_and_has_one_pool(files, monkeypatch):
    reads, read = [], datasets.read
    monkeypatch.setattr(datasets, "read", lambda *arguments: reads.append(arguments) or read(*arguments))
    task = Images(files, pixel_seed=77)
    spec = mj.Experiment(task=task, model=mj.models.MLP(hidden=()), train_size=20, steps=2, record_every=2)
    spec = dataclasses.replace(spec, optimizer=mj.optimizers.sgd(0.1), measures=("loss",))
    over = {"label_noise": [0.0, 0.5, 1.0], "seed": [0, 1]}
    ds = mj.sweep(spec, over)
    assert len(reads) == 1 and ds.train_loss.dims == ("label_noise", "seed", "step")
    # Inputs and initial weights are the same, labels are not.
    assert len(np.unique(ds.train_loss.isel(step=0, seed=0))) == 3
    assert len(np.unique(ds.test_loss.isel(step=0, seed=0))) == 1
    assert mj.explain(spec, over).memory.pools == task.pool.nbytes
    both = {"pixels": ["true", "shuffled"], "label_noise": [0.0, 0.5]}
    assert mj.explain(spec, both).memory.pools == 2 * task.pool.nbytes


def test_a_sweep_over_classes_gives_each_its_outputs(files):
    spec = mj.Experiment(task=Images(files), model=mj.models.MLP(hidden=(3,)), train_size=8, steps=1, record_every=1)
    plan = str(mj.explain(spec, {"classes": [None, (0, 1), (4, 2, 3)]}))
    for width in (5, 2, 3):
        assert f"of {16 * 3 + 3 + 3 * width + width} parameters" in plan
