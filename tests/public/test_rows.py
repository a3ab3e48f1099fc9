"""`mj.rows`: what became of every row of the data sets, drawn again, beside what a sweep recorded of the rows."""

import numpy as np
import pytest

import memjax as mj

NOISY = mj.tasks.Images("digits", label_noise=0.3, noise_law="incorrect")


def spec(**fields):
    """A tiny run on 40 of the digits."""
    own = {"task": NOISY, "model": mj.models.MLP(hidden=()), "train_size": 40, "test_size": 8, "measures": ()}
    return mj.Experiment(steps=1, record_every=1, **own | fields)


def test_rows_are_those_that_the_sweep_recorded_along_the_axes_on_which_they_depend():
    over = {"learning_rate": [0.1, 0.2], "data_seed": [3, 4], "share": [0.25, 0.5]}
    ds = mj.sweep(spec(subset=mj.subsets.RandomShare(0.5), examples=("correct",)), over)
    found = mj.rows(ds)
    assert found.train_count.dims == ("data_seed", "share", "example")
    for name in ("train_count", "corrupted"):
        recorded, again = ds[name].isel(learning_rate=1), found[name]
        assert np.array_equal(recorded.example, again.example)
        assert (recorded == again).all()
    # What a subset leaves out is still in the data set, with its target.
    assert {found[name].dims for name in ("target", "clean_target", "corrupted")} == {("data_seed", "example")}
    # Two data sets of 40 digits each have few rows in common, and what a data set lacks has no target.
    here = found.target.notnull()
    assert here.sum("example").values.tolist() == [40, 40]
    truth = mj.tasks.Images("digits")
    for seed in (3, 4):
        own = truth.draw(seed, 40, 8).train
        clean = found.clean_target.sel(data_seed=seed, example=own.x)
        assert np.array_equal(clean, own.y)
    assert np.array_equal((found.target != found.clean_target) & here, found.corrupted)
    assert 0.2 < found.corrupted.where(here).mean() < 0.4
    # Of a selection, and of one run.
    one = mj.rows(ds.isel(learning_rate=0, data_seed=1, share=0))
    assert one.target.dims == ("example",)
    assert np.array_equal(one.corrupted, found.corrupted.isel(data_seed=1).sel(example=one.example))


def test_targets_that_are_vectors_have_outputs_and_tasks_without_noise_no_mask():
    task = mj.tasks.SparseFeatures(num_features=6)
    ds = mj.sweep(spec(task=task, loss="mse", model=mj.models.Autoencoder(hidden=2)), {"seed": [1, 2]})
    found = mj.rows(ds)
    assert found.target.dims == ("seed", "example", "output")
    assert np.array_equal(found.target.sel(seed=2), task.draw(2, 40, 8).train.y)
    assert set(found) == {"train_count", "target"}


def test_targets_of_several_shapes_are_refused():
    tasks = {"narrow": mj.tasks.SparseFeatures(num_features=4), "wide": mj.tasks.SparseFeatures(num_features=6)}
    ds = mj.sweep(spec(loss="mse", task=tasks["wide"], model=mj.models.Autoencoder(hidden=2)), {"task": tasks})
    with pytest.raises(mj.InputError, match=r"shapes \[\[4\], \[6\]\]: select runs"):
        mj.rows(ds)
    assert mj.rows(ds.sel(task="narrow")).target.shape == (40, 4)


def test_fresh_examples_are_no_rows():
    task = mj.tasks.SparseParity(num_bits=4, num_relevant=2)
    fresh = {"train_size": "fresh", "batch_size": 2, "loss": "hinge", "measures": ("weight_l2",), "snapshots": (1,)}
    ds = mj.sweep(spec(task=task, **fresh))
    with pytest.raises(mj.InputError, match="train_size = 'fresh', which has no data set"):
        mj.rows(ds)
    with pytest.raises(mj.InputError, match="train_size = 'fresh', which keeps no row to attribute"):
        mj.measure(ds, [mj.measures.gradient_dot()])
