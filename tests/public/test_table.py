"""`mj.table`: every number of the tidy table is the one that the dataset has at the labels of its row."""

import dataclasses

import numpy as np
import pytest
import xarray as xr

import memjax as mj

SPEC = mj.Experiment(
    model=mj.models.MLP(hidden=(2,)),
    train_size=8,
    steps=4,
    record_every=2,
    snapshots=(0, 4),
    examples=("correct",),
    measures=("loss", "weight_l2"),
)
OVER = {"hidden": [(2,), (3, 3)], ("learning_rate", "l2"): [(0.1, 0.0), (0.1, 0.5), (0.2, 0.0)], "seed": [5, 3]}
OF_RUNS = ["status", "stop_step", "stop_reason", "num_parameters"]


@pytest.fixture(scope="module")
def ds():
    return mj.sweep(SPEC, OVER)


def test_a_row_has_the_numbers_of_its_run_and_step(ds):
    frame = mj.table(ds)
    axes = ["hidden", "learning_rate_l2", "learning_rate", "l2", "seed"]
    assert list(frame) == [*axes, "step", *OF_RUNS, "train_loss", "test_loss", "weight_l2"]
    assert len(frame) == 2 * 3 * 2 * 3
    assert frame.seed.tolist() == [5, 5, 5, 3, 3, 3] * 6 and frame.step.tolist() == [0, 2, 4] * 12
    for row in frame.itertuples():
        cell = ds.sel(hidden=row.hidden, learning_rate_l2=row.learning_rate_l2, seed=row.seed)
        assert (row.learning_rate, row.l2) == (cell.learning_rate, cell.l2)
        assert row.num_parameters == cell.num_parameters
        assert row.weight_l2 == cell.weight_l2.sel(step=row.step)
    # Fields that move together have the values of their positions.
    assert set(zip(frame.learning_rate, frame.l2, strict=True)) == {(0.1, 0.0), (0.1, 0.5), (0.2, 0.0)}
    assert set(frame.hidden) == {"2", "3-3"}


def test_what_has_no_place_in_a_row_is_named_and_parameters_are_not(ds):
    classes = ds.weight_l2.expand_dims(layer=2)
    left = mj.table(ds.assign(norms=classes)).attrs["left_out"]
    assert left == {"train_count": ["example"], "example_correct": ["example_step", "example"], "norms": ["layer"]}


def test_without_steps_a_run_has_one_row(ds):
    last = mj.table(ds.isel(step=-1))
    assert len(last) == 12 and (last.step == 4).all()
    assert last.weight_l2.tolist() == ds.weight_l2.isel(step=-1).values.ravel().tolist()
    one = mj.table(ds.isel(step=-1, hidden=1, learning_rate_l2=2, seed=0))
    assert one[["hidden", "learning_rate", "seed", "step"]].values.tolist() == [["3-3", 0.2, 5, 4]]
    of_runs = ds[["weight_l2"]].isel(step=-1, drop=True)
    assert "step" not in mj.table(of_runs) and len(mj.table(of_runs)) == 12


def test_one_run_without_an_axis_has_a_row_for_each_record():
    found = mj.sweep(SPEC)
    frame = mj.table(found)
    assert next(iter(frame)) == "step" and frame.weight_l2.tolist() == found.weight_l2.values.tolist()


def test_a_transposed_variable_is_read_by_its_labels(ds):
    turned = ds.assign(weight_l2=ds.weight_l2.transpose("step", "seed", ...))
    assert mj.table(turned).weight_l2.tolist() == mj.table(ds).weight_l2.tolist()


def test_measures_of_snapshots_and_best_networks(ds):
    found = mj.measure(ds.isel(hidden=0), ["loss"])
    frame = mj.table(found)
    assert list(frame)[5] == "snapshot" and "step" not in frame and len(frame) == 3 * 2 * 2
    assert np.allclose(frame.train_loss, ds.train_loss.isel(hidden=0).sel(step=[0, 4]).values.ravel())
    # A number of a run stands in all rows of the run.
    both = mj.table(ds.assign(delay=ds.stop_step * 2))
    assert (both.delay == both.stop_step * 2).all() and len(both) == 36
    # Snapshots beside steps have no row of their own.
    merged = ds.assign(at_snapshot=found.train_loss)
    assert mj.table(merged).attrs["left_out"]["at_snapshot"] == ["snapshot"]


def test_parameters_of_best_networks_are_not_listed_either():
    found = mj.sweep(dataclasses.replace(SPEC, keep_best=mj.stopping.Lowest("test_loss")), {"seed": [0, 1]})
    assert "best_parameters" in found
    assert mj.table(found).attrs["left_out"] == {
        "train_count": ["example"],
        "example_correct": ["example_step", "example"],
    }


def test_one_label_of_what_moves_together_is_enough_and_numbers_can_be_given(ds):
    frame = mj.table(ds.drop_vars("learning_rate_l2"))
    assert "learning_rate_l2" not in frame and frame.l2.tolist() == mj.table(ds).l2.tolist()
    numbered = mj.table(ds.drop_vars("seed").assign_coords(seed=range(2)))
    assert numbered.seed.tolist() == [0, 0, 0, 1, 1, 1] * 6


def test_a_mean_over_seeds_keeps_the_other_axes(ds):
    mean = mj.table(ds.mean("seed", keep_attrs=True))
    assert len(mean) == 2 * 3 * 3 and "seed" not in mean and "status" not in mean
    assert np.allclose(mean.weight_l2, ds.weight_l2.mean("seed").values.ravel())


REFUSED = {
    "an array": (lambda ds: ds.weight_l2, "of type DataArray"),
    "another dataset": (lambda ds: xr.Dataset({"a": ("x", [1.0])}), "no attribute 'axes'"),
    "stacked runs": (lambda ds: ds.stack(run=("hidden", "seed")), "along 'run', which is no axis"),
    "renamed axes": (lambda ds: ds.rename(seed="draw"), "along 'draw', which is no axis"),
    "no label of seeds": (
        lambda ds: ds.drop_vars("seed"),
        r"'seed' has no labels, .* number its 2 places with dataset.assign",
    ),
    "no label of steps": (lambda ds: ds[["weight_l2"]].drop_vars("step"), "'step' has no labels"),
    "rows of data sets": (mj.rows, "further dimensions, such as 'train_count' with 'example'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_no_table_of_what_has_no_runs(ds, case):
    make, sentence = REFUSED[case]
    with pytest.raises(mj.InputError, match=sentence):
        mj.table(make(ds))
