"""Input Jacobians and iterated maps of networks that give back their inputs: known maps, finite differences, known basins."""

import numpy as np
import pytest

import memjax as mj
from memjax.measures import input_jacobian, iterate, iterated_maps
from memjax.measures.on_snapshots.input_jacobian import jacobians
from memjax.models import MLP, Autoencoder, ConvNet
from memjax.tasks import SparseFeatures, from_arrays
from memjax.types import Data

RNG = np.random.default_rng(0)


def snapshot_of(model, params, x, test=None):
    """A snapshot with parameters that are given, of a run on inputs whose targets are the inputs."""
    x = np.asarray(x, np.float32)
    task = from_arrays(np.repeat(x, 3, 0), np.repeat(x.reshape(len(x), -1), 3, 0))
    spec = mj.Experiment(task=task, model=model, loss="mse", train_size=len(x), test_size=1)
    test = x[:0] if test is None else np.asarray(test, np.float32)
    return mj.Snapshot({}, 0, spec, params, *(Data(part, part) for part in (x, test)))


def dense(*kernels, biases=None):
    """Parameters of an MLP from kernels ``[I, O]`` and biases."""
    found = {f"layer_{i}": {"kernel": np.asarray(kernel, np.float32)} for i, kernel in enumerate(kernels)}
    for i, bias in enumerate(biases or ()):
        found[f"layer_{i}"]["bias"] = np.asarray(bias, np.float32)
    return found


LINEAR = MLP(hidden=(), bias=False)


def test_of_a_linear_map_radius_and_norm_are_those_of_its_matrix():
    kernel = RNG.normal(size=(5, 5)) / 3
    found = input_jacobian()(snapshot_of(LINEAR, dense(kernel), RNG.normal(size=(3, 5))))
    # Measured: 3e-8, which is the rounding of the kernel to float32.
    np.testing.assert_allclose(found["jacobian_radius"], [np.abs(np.linalg.eigvals(kernel)).max()] * 3, rtol=5e-7)
    np.testing.assert_allclose(found["jacobian_norm"], [np.linalg.svd(kernel, compute_uv=False)[0]] * 3, rtol=5e-7)
    assert found["jacobian_radius"].dims == found["jacobian_norm"].dims == ("example",)


def test_a_matrix_that_turns_has_the_modulus_of_its_complex_eigenvalues():
    turn = 0.5 * np.array([[0.0, 3.0], [-1.0, 0.0]])
    found = input_jacobian()(snapshot_of(LINEAR, dense(turn), [[1.0, 2.0]]))
    assert float(found["jacobian_radius"][0]) == pytest.approx(0.5 * np.sqrt(3)) and float(
        found["jacobian_norm"][0]
    ) == pytest.approx(1.5)


def test_jacobians_are_central_differences_of_the_naive_network():
    model, kernels = MLP(hidden=(7, 6), activation="tanh"), [RNG.normal(size=s) / 2 for s in ((4, 7), (7, 6), (6, 4))]
    biases, x = [RNG.normal(size=s) for s in (7, 6, 4)], RNG.normal(size=(3, 4))

    def naive(rows):
        for i, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
            rows = rows @ kernel + bias
            rows = np.tanh(rows) if i < 2 else rows
        return rows

    moved = 1e-5 * np.eye(4)
    slopes = np.stack([(naive(row + moved) - naive(row - moved)).T / 2e-5 for row in x])
    found = jacobians(snapshot_of(model, dense(*kernels, biases=biases), x), x.astype(np.float32))
    # Float32 against float64: measured 2.5e-7 of slopes up to 1.1.
    np.testing.assert_allclose(found, slopes, rtol=0, atol=1e-6)


def test_of_images_the_jacobian_is_that_of_flattened_images():
    """A convolution is linear, so its columns are what images of one pixel become."""
    model = ConvNet(channels=(), kernel=3, head="image", bias=False)
    params = {"layer_0": {"kernel": RNG.normal(size=(3, 3, 1, 1)).astype(np.float32)}}
    snapshot = snapshot_of(model, params, RNG.normal(size=(2, 4, 5)))
    pixels = np.asarray(snapshot.outputs(np.eye(20, dtype=np.float32).reshape(20, 4, 5)))
    found = jacobians(snapshot, snapshot.train.x)
    np.testing.assert_allclose(found, np.stack([pixels.T] * 2), rtol=0, atol=1e-6)
    radius = input_jacobian()(snapshot)["jacobian_radius"].values
    assert radius == pytest.approx([np.abs(np.linalg.eigvals(pixels.T.astype(float))).max()] * 2, rel=1e-5)


def test_without_biases_a_relu_network_is_its_jacobian_times_the_input():
    snapshot = snapshot_of(MLP(hidden=(9,), bias=False), dense(RNG.normal(size=(4, 9)), RNG.normal(size=(9, 4))), X4)
    product = np.einsum("nij,nj->ni", jacobians(snapshot, snapshot.train.x), snapshot.train.x)
    # Measured: 1e-6 of outputs of 7.
    np.testing.assert_allclose(product, snapshot.outputs(snapshot.train.x), rtol=0, atol=5e-6)


X4 = np.random.default_rng(1).normal(size=(6, 4))


def trained(model, task, **fields):
    spec = mj.Experiment(task=task, model=model, loss="sse", record_every=fields["steps"], measures=("loss",), **fields)
    return mj.sweep(spec, over={"seed": [0, 1]}, progress=False)


def test_a_linear_autoencoder_is_the_closed_form_and_has_radius_one():
    """Gradient descent from W0 ends at W0 + (X - W0 X) X^+, whose eigenvalue along the data is exactly 1."""
    x = np.random.default_rng(2).normal(size=(40, 8)).astype(np.float32)
    ds = trained(LINEAR, from_arrays(x, x), optimizer=mj.optimizers.sgd(0.1), steps=1000, train_size=3, test_size=5,
                 snapshots=(0, 1000))  # fmt: skip
    found = list(mj.snapshots(ds))
    for start, end in zip(found[::2], found[1::2], strict=True):
        data = end.train.x.T.astype(float)
        first, last = (one.params["layer_0"]["kernel"].T.astype(float) for one in (start, end))
        closed = first + (data - first @ data) @ np.linalg.pinv(data)
        # Measured: 1.2e-7 of weights of 0.7.
        np.testing.assert_allclose(last, closed, rtol=0, atol=1e-6)
        # Measured: 3e-8. The start is within 1 / sqrt(8), so no other eigenvalue is as large.
        np.testing.assert_allclose(input_jacobian()(end)["jacobian_radius"], 1.0, rtol=0, atol=5e-6)
        assert (input_jacobian()(start)["jacobian_radius"] < 0.9).all()


# f(x) = -1 + relu(10 x + 1) - relu(10 x - 1) in one dimension: steep at 0, flat at its fixed points -1 and 1.
TWO = dense([[10.0, 10.0]], [[1.0], [-1.0]], biases=[[1.0, -1.0], [-1.0]])


def test_basins_of_a_map_with_two_attractors_are_known():
    starts = np.array([[-3.0], [-0.01], [-1e-4], [1e-4], [0.2], [7.0], [0.5], [0.05]])
    snapshot = snapshot_of(MLP(hidden=(2,)), TWO, [[-1.0], [1.0], [0.0]], test=starts)
    slopes = input_jacobian()(snapshot)
    assert slopes["jacobian_radius"].values.tolist() == [0, 0, 10]
    found = iterated_maps(steps=20)(snapshot)
    assert found["basin_share"].values.tolist() == [3 / 8, 5 / 8, 0]
    assert found["iterated_end"].values[:, 0].tolist() == [-1] * 3 + [1] * 5
    assert found["iterated_distance"].values.tolist() == [[0, 2, 1]] * 3 + [[2, 0, 1]] * 5
    # Two steps take 0.2 to an end, and 1e-4 to 0.01, which is within 2e-2 of 0 and not within 5e-3.
    few = iterated_maps(starts[3:5], steps=2, within=5e-3)(snapshot)
    assert few["iterated_end"].values[:, 0] == pytest.approx([0.01, 1.0], rel=1e-3)
    assert few["basin_share"].values.tolist() == [0, 0.5, 0]
    wide = iterated_maps(starts[3:5], steps=2, within=2e-2)(snapshot)
    assert wide["basin_share"].values.tolist() == [0, 0.5, 0.5]


def test_iterating_a_linear_map_takes_its_power():
    kernel, x = RNG.normal(size=(4, 4)) / 2, RNG.normal(size=(5, 4))
    snapshot = snapshot_of(LINEAR, dense(kernel), x)
    # Measured: 1.3e-6 of values of 6.5.
    np.testing.assert_allclose(iterate(snapshot, x, 7), x @ np.linalg.matrix_power(kernel, 7), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(iterate(snapshot, x, 0), x.astype(np.float32))
    np.testing.assert_array_equal(iterate(snapshot, iterate(snapshot, x, 3), 4), iterate(snapshot, x, 7))


def test_images_keep_their_shape():
    model = ConvNet(channels=(2,), kernel=3, head="image")
    shapes = {"layer_0": (3, 3, 1, 2), "layer_1": (3, 3, 2, 1)}
    params = {
        layer: {"kernel": RNG.normal(size=shape).astype(np.float32), "bias": np.ones(shape[-1], np.float32)}
        for layer, shape in shapes.items()
    }
    snapshot = snapshot_of(model, params, RNG.normal(size=(2, 3, 4)))
    twice = np.asarray(snapshot.outputs(np.asarray(snapshot.outputs(snapshot.train.x)).reshape(2, 3, 4)))
    np.testing.assert_allclose(iterate(snapshot, snapshot.train.x, 2).reshape(2, -1), twice, rtol=0, atol=1e-6)


def test_a_path_that_leaves_all_bounds_ends_nowhere_and_a_broken_network_has_no_radius():
    away = snapshot_of(LINEAR, dense(100 * np.eye(2)), [[0.0, 0.0]], test=[[1.0, 1.0], [0.0, 0.0]])
    found = iterated_maps(steps=50)(away)
    assert found["iterated_distance"].values.tolist() == [[np.inf], [0.0]] and float(found["basin_share"][0]) == 0.5
    broken = snapshot_of(LINEAR, dense([[np.nan, 0], [0, 1]]), [[1.0, 1.0]])
    assert np.isnan(input_jacobian()(broken)["jacobian_radius"]).all()
    assert np.isnan(input_jacobian()(broken)["jacobian_norm"]).all()


def test_other_examples_and_none_at_all():
    snapshot = snapshot_of(MLP(hidden=(2,)), TWO, [[-1.0]], test=[[0.0], [2.0]])
    assert input_jacobian("test")(snapshot)["jacobian_radius"].values.tolist() == [10, 0]
    empty = snapshot_of(MLP(hidden=(2,)), TWO, [[-1.0]])
    assert input_jacobian("test")(empty)["jacobian_radius"].shape == (0,)
    assert np.isnan(iterated_maps()(empty)["basin_share"]).all()


def test_measures_are_taken_on_every_snapshot_of_a_sweep():
    ds = trained(Autoencoder(3), SparseFeatures(6, 0.3), steps=2, train_size=4, test_size=7, snapshots=(0, 2))
    found = mj.measure(ds, [input_jacobian(), iterated_maps(steps=3)])
    assert found.jacobian_radius.dims == ("seed", "snapshot", "example") and found.basin_share.shape == (2, 2, 4)
    assert found.iterated_distance.dims == ("seed", "snapshot", "start", "example")
    one = list(mj.snapshots(ds))[3]
    np.testing.assert_allclose(found.jacobian_norm[1, 1], input_jacobian()(one)["jacobian_norm"])


NOT_BACK = snapshot_of(LINEAR, dense(np.ones((3, 3))), np.zeros((2, 3)))


def classifier():
    task = mj.tasks.RandomLabels()
    spec = mj.Experiment(task=task, model=LINEAR)
    return mj.Snapshot({}, 0, spec, dense(np.ones((9, 17))), *task.draw(0, 4, 2))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: input_jacobian("all"), "split is 'all': use train or test"),
        (lambda: iterated_maps(steps=-1), "steps is -1"),
        (lambda: iterated_maps(within=-0.1), "within is -0.1"),
        (lambda: iterate(NOT_BACK, np.zeros((2, 3)), 1.5), "steps is 1.5"),
        (
            lambda: iterate(NOT_BACK, np.zeros((2, 4)), 1),
            r"have the shape \[2, 4\], but an input.* \[3\]: give \[M, 3\]",
        ),
        (lambda: iterate(NOT_BACK, np.zeros(3), 1), r"have the shape \[3\]"),
        (
            lambda: input_jacobian()(classifier()),
            r"shape \[9\], and the network has 17 outputs: use a task of float inputs",
        ),
        (lambda: iterated_maps()(classifier()), "iterate needs a network that gives back its inputs"),
    ],
)
def test_every_mistake_has_its_sentence(make, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        make()


def test_inputs_that_are_too_wide_are_refused():
    model = MLP(hidden=(1,), bias=False)
    wide = snapshot_of(model, dense(np.zeros((4097, 1)), np.zeros((1, 4097))), np.zeros((1, 4097)))
    with pytest.raises(mj.InputError, match="a matrix of 4097 x 4097 for every example, but takes at most 4096"):
        input_jacobian()(wide)
