"""Data dimensionality on the snapshots of a sweep: the hat matrix of each layer, by split, and what cannot be measured."""

import jax
import numpy as np
import pytest

import memjax as mj
from memjax.measures import dimensionality
from memjax.models import MLP
from memjax.types import Data

# The arrays behind the measure are tested fast in tests/parts; here whole runs are measured.
pytestmark = pytest.mark.slow

SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=5, num_classes=3),
    model=MLP(hidden=(7, 4)),
    train_size=30,
    test_size=12,
    steps=10,
    record_every=5,
    snapshots=(0, 10),
)


@pytest.fixture(scope="module")
def dataset():
    return mj.sweep(SPEC, over={"learning_rate": [1e-3, 1e30], "seed": [0, 1]}, progress=False)


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_layer_has_the_diagonal_of_its_hat_matrix(dataset, split):
    found = mj.measure(dataset.sel(learning_rate=[1e-3]), [dimensionality(split=split)])
    for snapshot in mj.snapshots(dataset.sel(learning_rate=[1e-3])):
        h = getattr(snapshot, split).x.astype(np.float64)
        for layer, width in (("layer_0", 7), ("layer_1", 4)):
            h = np.maximum(h @ snapshot.params[layer]["kernel"] + snapshot.params[layer]["bias"], 0)
            one = found.sel(snapshot.run).sel(snapshot=snapshot.step, layer=layer)
            # Float32 activations against float64 ones: measured 3e-7.
            np.testing.assert_allclose(one.data_dimensionality, np.diag(h @ np.linalg.pinv(h)), rtol=0, atol=1e-5)
            dots = h @ h.T
            norms = np.diag(dots)
            own = np.divide(norms**2, (dots**2).sum(1), out=np.zeros(len(h)), where=norms > 0)
            np.testing.assert_allclose(one.own_dimensionality, own, rtol=0, atol=1e-5)
            assert one["rank"] == np.linalg.matrix_rank(h, rtol=1e-6)
            assert one.live_neurons == (h != 0).any(0).sum() and one.num_neurons == width


def test_a_ridge_gives_the_effective_degrees_of_freedom(dataset):
    one = dataset.sel(learning_rate=[1e-3], seed=[1], snapshot=[10])
    found = mj.measure(one, [dimensionality(("layer_1",), ridge=0.3)])
    values = np.linalg.svd(
        np.asarray(next(mj.snapshots(one)).hidden(next(mj.snapshots(one)).train.x)["layer_1"], float)
    )[1]
    assert found.layer.values.tolist() == ["layer_1"]
    np.testing.assert_allclose(found.data_dimensionality.sum(), (values**2 / (values**2 + 0.3)).sum(), rtol=1e-6)


def test_a_diverged_run_is_nan_and_its_neighbours_are_not(dataset):
    found = mj.measure(dataset, [dimensionality()])
    last = found.isel(snapshot=-1)
    assert found.isel(snapshot=0).data_dimensionality.notnull().all()
    assert (
        last.sel(learning_rate=1e30).data_dimensionality.isnull().all()
        and last.sel(learning_rate=1e30)["rank"].isnull().all()
    )
    assert last.sel(learning_rate=1e-3).data_dimensionality.notnull().all()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda ds: dimensionality(split="all"), "split is 'all': use train or test"),
        (lambda ds: dimensionality(ridge=-1.0), "ridge is -1.0"),
        (lambda ds: dimensionality(rtol=5), r"rtol is 5: give a finite number from 1\.42109e-14 to 0\.5"),
        (lambda ds: dimensionality(rtol=0.0), r"rtol is 0\.0: give a finite number"),
        (lambda ds: dimensionality(rtol="a"), "rtol is 'a': give a finite number"),
        (lambda ds: dimensionality(layers="layer_0"), "layers is 'layer_0': give a tuple of names"),
        (
            lambda ds: mj.measure(ds, [dimensionality(("layer_2",))]),
            "no hidden layer 'layer_2': use layer_0 or layer_1",
        ),
    ],
)
def test_mistakes_have_their_sentence(dataset, make, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        make(dataset)


def test_a_linear_model_has_no_hidden_layer():
    data, model = Data(np.ones((8, 9), np.float32), np.zeros(8, int)), MLP(hidden=(), outputs=2)
    linear = mj.Snapshot({}, 0, mj.Experiment(model=model), model.init(jax.random.key(0), data.x), data, data)
    with pytest.raises(mj.InputError, match="no hidden layer at all"):
        dimensionality()(linear)
