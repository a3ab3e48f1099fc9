"""Results on disk: what is saved comes back identical, and what cannot be read or written leaves nothing behind."""

import json

import numpy as np
import pytest
import xarray as xr

import memjax as mj

SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=3, num_classes=2),
    model=mj.models.MLP(hidden=(4,)),
    steps=4,
    record_every=2,
    train_size=8,
    measures=("loss", "layer_l2"),
    optimizer=mj.optimizers.sgd(0.1),
    snapshots=(0, 4),
)


@pytest.fixture(scope="module")
def dataset():
    over = {"initializer": ["torch", "he"], ("seed", "learning_rate"): [(0, 0.1), (1, 0.2)]}
    return mj.sweep(SPEC, over=over, progress=False)


@pytest.fixture(scope="module")
def mixed():
    """Two architectures, so that runs differ in layout and length of their parameters."""
    return mj.sweep(SPEC, over={("hidden", "bias"): [((4,), True), ((2, 3), False)]}, progress=False)


def _left(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("ending", [".nc", ".zarr"])
def test_what_is_saved_comes_back_identical(dataset, tmp_path, ending):
    path = mj.save(dataset, tmp_path / f"sweep{ending}")
    again = mj.open(path)
    xr.testing.assert_identical(again, dataset)
    assert {name: array.dtype.kind for name, array in again.variables.items()} == {
        name: array.dtype.kind for name, array in dataset.variables.items()
    }
    assert again.attrs == dataset.attrs
    assert again["initializer"].values.tolist() == ["torch", "he"]
    assert mj.Experiment.from_json(again.attrs["experiment"]) == SPEC
    assert _left(tmp_path) == [f"sweep{ending}"]


@pytest.mark.parametrize("ending", [".nc", ".zarr"])
def test_bools_and_widths_come_back_identical(mixed, tmp_path, ending):
    again = mj.open(mj.save(mixed, tmp_path / f"sweep{ending}"))
    xr.testing.assert_identical(again, mixed)
    assert again["bias"].values.tolist() == [True, False] and again["hidden"].values.tolist() == ["4", "2-3"]
    tree = mj.params(again, {"hidden": "2-3"})
    assert [tree[f"layer_{i}"]["kernel"].shape for i in range(3)] == [(3, 2), (2, 3), (3, 2)]


def test_large_arrays_are_compressed_without_loss(tmp_path):
    values = np.random.default_rng(0).normal(size=2000).astype(np.float32)
    values[7] = np.nan
    large = xr.Dataset({"v": ("step", values)}, attrs={"schema_version": 1})
    xr.testing.assert_identical(mj.open(mj.save(large, tmp_path / "large.nc")), large)


def test_the_folder_of_a_study_is_opened(dataset, tmp_path):
    mj.save(dataset, tmp_path / "dataset.nc")
    xr.testing.assert_identical(mj.open(str(tmp_path)), dataset)


def test_an_opened_file_is_closed_again(dataset, tmp_path):
    path = mj.save(dataset, tmp_path / "sweep.nc")
    opened = mj.open(path)
    path.unlink()
    mj.save(dataset, path)
    xr.testing.assert_identical(opened, dataset)


@pytest.mark.parametrize("name", ["sweep.csv", "sweep", "sweep.nc.gz", "sweep.pkl"])
def test_another_ending_is_refused(dataset, tmp_path, name):
    with pytest.raises(mj.InputError, match=r"give a name ending in \.nc or \.zarr"):
        mj.save(dataset, tmp_path / name)
    assert _left(tmp_path) == []


@pytest.mark.parametrize("ending", [".nc", ".zarr"])
def test_an_existing_file_is_kept(dataset, tmp_path, ending):
    path = tmp_path / f"sweep{ending}"
    path.write_text("precious")
    with pytest.raises(mj.InputError, match=r"exists already: give another name, or overwrite=True"):
        mj.save(dataset, path)
    assert path.read_text() == "precious" and len(_left(tmp_path)) == 1


@pytest.mark.parametrize("ending", [".nc", ".zarr"])
def test_a_dataset_is_replaced_where_this_is_asked_for(dataset, mixed, tmp_path, ending):
    path = mj.save(mixed, tmp_path / f"sweep{ending}")
    assert mj.save(dataset, path, overwrite=True) == path
    xr.testing.assert_identical(mj.open(path), dataset)
    assert _left(tmp_path) == [f"sweep{ending}"]
    mj.save(mixed, tmp_path / f"new{ending}", overwrite=True)


def test_a_file_of_xarray_is_replaced_too(dataset, tmp_path):
    path = _written(tmp_path / "other.nc", title="weather")
    xr.testing.assert_identical(mj.open(mj.save(dataset, path, overwrite=True)), dataset)


@pytest.mark.parametrize("ending", [".nc", ".zarr"])
def test_what_is_no_dataset_is_never_replaced(dataset, tmp_path, ending):
    text, folder = tmp_path / f"text{ending}", tmp_path / f"folder{ending}"
    text.write_text("precious")
    folder.mkdir()
    (folder / "thesis.tex").write_text("precious")
    for path in (text, folder):
        with pytest.raises(mj.InputError, match=r"holds no dataset, so overwrite=True does not replace it"):
            mj.save(dataset, path, overwrite=True)
    assert text.read_text() == (folder / "thesis.tex").read_text() == "precious" and len(_left(tmp_path)) == 2


def test_a_link_is_not_replaced(dataset, tmp_path):
    path = mj.save(dataset, tmp_path / "sweep.nc")
    (tmp_path / "link.nc").symlink_to(path)
    with pytest.raises(mj.InputError, match=r"is a link, which overwrite=True does not replace"):
        mj.save(dataset, tmp_path / "link.nc", overwrite=True)
    with pytest.raises(mj.InputError, match=r"overwrite is 'yes': give True or False"):
        mj.save(dataset, path, overwrite="yes")


@pytest.mark.parametrize("ending", [".nc", ".zarr"])
def test_a_write_that_fails_leaves_the_former_dataset(dataset, mixed, tmp_path, monkeypatch, ending):
    path = mj.save(mixed, tmp_path / f"sweep{ending}")

    def fail(self, path, **options):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(xr.Dataset, "to_netcdf" if ending == ".nc" else "to_zarr", fail)
        with pytest.raises(OSError, match="disk full"):
            mj.save(dataset, path, overwrite=True)
    xr.testing.assert_identical(mj.open(path), mixed)
    assert _left(tmp_path) == [f"sweep{ending}"]


def test_a_table_is_no_netcdf_file(tmp_path):
    path = tmp_path / "animals.csv"
    path.write_text("name,legs\nemu,2\n")
    with pytest.raises(mj.InputError, match=r"animals\.csv' .* is no NetCDF file .*mj\.open reads \.nc files") as told:
        mj.open(path)
    assert "h5py" not in str(told.value) and "signature" not in str(told.value)


def test_a_missing_folder_is_refused(dataset, tmp_path):
    with pytest.raises(mj.InputError, match=r"The folder '.*none' does not exist: create it first"):
        mj.save(dataset, tmp_path / "none" / "sweep.nc")
    assert _left(tmp_path) == []


@pytest.mark.parametrize("ending", [".nc", ".zarr"])
def test_a_write_that_fails_half_way_leaves_nothing(dataset, tmp_path, monkeypatch, ending):
    def fail(self, path, **options):
        path.mkdir()
        (path / "half").write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(xr.Dataset, "to_netcdf" if ending == ".nc" else "to_zarr", fail)
    with pytest.raises(OSError, match="disk full"):
        mj.save(dataset, tmp_path / f"sweep{ending}")
    assert _left(tmp_path) == []


def _written(path, **attrs):
    xr.Dataset({"v": ("step", np.arange(3.0))}, attrs=attrs).to_netcdf(path, engine="h5netcdf")
    return path


def test_a_missing_file_or_folder_is_an_input_error(tmp_path):
    for path in (tmp_path / "none.nc", tmp_path / "none.zarr", tmp_path):
        with pytest.raises(mj.InputError, match=r"There is no dataset at"):
            mj.open(path)


def test_a_file_of_another_program_is_an_input_error(tmp_path):
    with pytest.raises(mj.InputError, match=r"was not written by memjax: it has no schema_version"):
        mj.open(_written(tmp_path / "other.nc", title="weather"))


@pytest.mark.parametrize("version", [0, 2, 99])
def test_another_schema_is_an_input_error(tmp_path, version):
    with pytest.raises(mj.InputError, match=rf"has memjax schema {version}, this memjax reads schema 1"):
        mj.open(_written(tmp_path / "old.nc", schema_version=version))


@pytest.mark.parametrize("version", ["one", np.array([1, 2]), ""], ids=["word", "array", "empty"])
def test_a_schema_that_is_no_number_is_an_input_error(tmp_path, version):
    with pytest.raises(mj.InputError, match="schema"):
        mj.open(_written(tmp_path / "odd.nc", schema_version=version))


@pytest.mark.parametrize("ending", [".nc", ".zarr"])
@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"\x89HDF\r\n\x1a\n", b'{"zarr_format": 2}'])
def test_a_file_that_is_none_is_an_input_error(tmp_path, ending, content):
    path = tmp_path / f"junk{ending}"
    path.write_bytes(content)
    with pytest.raises(mj.InputError, match=r"junk.* cannot be read as a dataset"):
        mj.open(path)


def test_a_truncated_file_is_an_input_error(dataset, tmp_path):
    whole = mj.save(dataset, tmp_path / "whole.nc").read_bytes()
    for share in (0.1, 0.5, 0.9):
        part = tmp_path / "part.nc"
        part.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(mj.InputError, match=r"part\.nc' cannot be read as a dataset"):
            mj.open(part)


def test_params_are_the_tree_whose_norms_were_recorded(dataset):
    for step in (0, 4):
        for i, rule in enumerate(["torch", "he"]):
            tree = mj.params(dataset, {"initializer": rule, "seed": 1}, step)
            recorded = dataset.layer_l2.sel(initializer=rule, seed=1, step=step)
            for name in recorded["parameter"].values:
                layer, leaf = str(name).split("/")
                norm = np.linalg.norm(tree[layer][leaf].astype(float))
                np.testing.assert_allclose(recorded.sel(parameter=name), norm, rtol=1e-6, atol=1e-7)
            assert i in (0, 1)


def test_params_at_step_0_are_the_initial_draw(dataset):
    import jax

    from memjax.random import key_data

    model = mj.models.MLP(hidden=(4,), outputs=2)
    key = jax.random.wrap_key_data(key_data(1, "init"), impl="threefry2x32")
    drawn = model.init(key, np.zeros((1, 3), np.float32))
    kept = mj.params(dataset, {"initializer": "torch", "seed": 1}, step=0)
    jax.tree.map(np.testing.assert_array_equal, kept, jax.tree.map(np.asarray, drawn))


def test_params_takes_the_last_snapshot_and_keeps_axes_already_chosen_out(dataset):
    last = mj.params(dataset, {"initializer": "he", "seed": 0})
    np.testing.assert_array_equal(
        last["layer_0"]["kernel"], mj.params(dataset, {"initializer": "he", "seed": 0}, 4)["layer_0"]["kernel"]
    )
    chosen = mj.params(dataset.sel(initializer="he"), {"seed": 0})
    np.testing.assert_array_equal(last["layer_1"]["bias"], chosen["layer_1"]["bias"])
    first = mj.params(dataset, {"seed": 0, "initializer": "he"}, 0)
    assert np.abs(first["layer_0"]["kernel"] - last["layer_0"]["kernel"]).max() > 1e-3


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ({"initializer": "he", "seed": 0, "depth": 1}, r"run is .*: give a dict with one label along any of the axes "),
        (["he"], r"run is \['he'\]: give a dict with one label along any of the axes \['initializer', 'seed'\]"),
        ({"initializer": "xavier", "seed": 0}, r"There is no run with the labels"),
        ({"initializer": "he", "seed": 7}, r"There is no run with the labels"),
        ({"initializer": "he", "seed": "a"}, r"There is no run with the labels"),
        ({"initializer": "he", "seed": [0, 1]}, r"run"),
        ({"initializer": "he", "seed": slice(0, 1)}, r"run"),
        ({"initializer": "he", "seed": None}, r"run"),
    ],
    ids=repr,
)
def test_labels_that_pick_no_run_are_an_input_error(dataset, labels, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        mj.params(dataset, labels)


@pytest.mark.parametrize("step", [2, [0, 2], "0"], ids=repr)
def test_steps_that_were_not_kept_are_an_input_error(dataset, step):
    with pytest.raises(mj.InputError, match=r"There is no snapshot of step '?[20]'?: the dataset holds 0 or 4"):
        mj.params(dataset, {"seed": 0}, step)


def test_axes_that_are_not_named_stay_in_the_order_of_the_dataset(dataset):
    """Every array of the aligned trees is the stack of the trees of single runs; a transposed dataset transposes them."""
    whole, part = mj.params(dataset, step=[4, 0]), mj.params(dataset, {"initializer": "he"}, step=4)
    turned = mj.params(dataset.transpose("seed", "snapshot", "initializer", ...), step=[4, 0])
    for i, rule in enumerate(dataset["initializer"].values.tolist()):
        for j, seed in enumerate(dataset["seed"].values.tolist()):
            for k, step in enumerate((4, 0)):
                one = mj.params(dataset, {"initializer": rule, "seed": seed}, step)["layer_0"]["kernel"]
                np.testing.assert_array_equal(whole["layer_0"]["kernel"][i, j, k], one)
                np.testing.assert_array_equal(turned["layer_0"]["kernel"][j, i, k], one)
                if (rule, step) == ("he", 4):
                    np.testing.assert_array_equal(part["layer_0"]["kernel"][j], one)


def test_runs_of_different_shapes_have_no_common_tree(mixed):
    with pytest.raises(mj.InputError, match=r"parameters of different shapes: name labels along \['hidden'\]"):
        mj.params(mixed)


def test_without_snapshots_there_are_no_params(dataset):
    with pytest.raises(mj.InputError, match=r"holds no parameters: name the steps to keep"):
        mj.params(dataset.drop_vars("parameters"), {"initializer": "he", "seed": 0})


def test_the_experiment_is_one_line_also_of_a_file_of_before(dataset, tmp_path):
    assert "\n" not in dataset.attrs["experiment"]
    before = dataset.assign_attrs(experiment=json.dumps(json.loads(dataset.attrs["experiment"]), indent=1))
    mj.save(before, tmp_path / "before.nc")
    assert mj.open(tmp_path / "before.nc").identical(dataset)
