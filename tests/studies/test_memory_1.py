"""The study memory-1: numbers of made-up runs, its claims, and a shrunk run from end to end."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.analysis import linearly_separable
from memjax.studies.memory_1 import claims, numbers

STUDY = studies.find("memory-1")
DIMS, SIZES = [10, 20], [25, 50, 100, 150, 200, 400, 500]
LATE, EARLY = [0, *range(200, 2001, 200)], list(range(0, 101, 10))


def layer(steps, ratio):
    """Runs that fit ratio(step) * n examples, give or take one by seed, and are sharpest where they stop fitting all."""
    dims, sizes = xr.DataArray(DIMS, dims="input_dim"), xr.DataArray(SIZES, dims="train_size")
    seed, step = xr.DataArray([-1.0, 0.0, 1.0], dims="seed"), xr.DataArray(steps, dims="step")
    able = dims * xr.apply_ufunc(np.vectorize(ratio), step) + seed
    right = np.minimum(sizes, able).transpose("input_dim", "train_size", "seed", "step")
    coords = {"input_dim": DIMS, "train_size": SIZES, "seed": [0, 1, 2], "step": steps}
    sharp = (1.0 / (1.0 + abs(sizes - 5 * dims)) + 0.0 * right).transpose(*right.dims)
    return (
        xr.Dataset({"train_accuracy": right / sizes, "sharpness": sharp}).transpose(*right.dims).assign_coords(coords)
    )


def two_classes(right):
    coords = {"input_dim": [3], "train_size": [3, 6, 12], "seed": range(20), "step": [0, 90, 100]}
    accuracy = xr.DataArray(np.ones((1, 3, 20, 3)), dims=tuple(coords), coords=coords) * right
    return xr.Dataset({"train_accuracy": accuracy})


@pytest.fixture(scope="module")
def late():
    """Steps 1800 and 2000 fit 4.9 n and 5 n."""
    return layer(LATE, lambda step: 4.0 + step / 2000)


@pytest.fixture(scope="module")
def early():
    return layer(EARLY, lambda step: 0.04 * step)


def test_the_capacity_of_a_layer_is_read_at_its_end(late):
    found = numbers.capacity(numbers.fitted(late))
    assert found["most"].mean("seed").values.tolist() == [50.0, 100.0] and found["at_size"].values.tolist() == [
        100,
        150,
    ]
    # One seed of three fits one fewer, so half of them and more fit all of 50 and of 100.
    assert found["whole"].values.tolist() == [50.0, 100.0]
    assert found["beyond"].mean("seed").values.tolist() == [50.0, 100.0]
    # One in ten of a step's gain is n / 10.
    assert found["gained"].mean("seed").values.tolist() == [1.0, 2.0]


def test_no_size_is_fitted_whole_where_every_seed_misses_some():
    assert numbers.capacity(numbers.fitted(layer(LATE, lambda step: 0.1)))["whole"].isnull().all()


def test_the_largest_number_fitted_is_that_of_one_size_at_each_step(early):
    ratio = numbers.largest(numbers.fitted(early)) / xr.DataArray(DIMS, dims="input_dim")
    assert ratio["step"].values.tolist() == EARLY[1:]
    np.testing.assert_allclose(ratio.sel(step=[10, 20, 50, 100]).mean("seed")[1], [0.4, 0.8, 2.0, 4.0])


def test_the_sharpest_size_is_found(early, late):
    found = numbers.sharpest(early["sharpness"], late["sharpness"])
    assert found["step"].values.tolist() == [20, 100, 200, 2000]
    assert found["at_size"].isel(step=-1).values.tolist() == [50, 100]
    np.testing.assert_allclose(found["height"], 1.0)
    assert found["there"].all()
    bent = late["sharpness"].copy()
    bent.loc[{"input_dim": 10, "train_size": 400, "seed": 2}] = 1.5
    own = numbers.sharpest(early["sharpness"], bent).sel(input_dim=10, step=2000)
    assert int(own["at_size"]) == 50 and own["own_size"].values.tolist() == [50, 50, 400]
    assert own["there"].values.tolist() == [True, True, False]


def is_separable(seed, size):
    train = mj.tasks.RandomLabels(input_dim=3, num_classes=2).draw(seed, size, 1).train
    return linearly_separable(train.x, train.y)


def test_runs_that_fit_what_no_hyperplane_can_are_told():
    two = two_classes(1.0)
    found = numbers.cover(two, numbers.separable(two)["separable"]).sel(input_dim=3)
    np.testing.assert_allclose(found["law"], [1.0, 0.5, 67 / 2048])
    able = found["separable"].sum("seed").values
    assert able[0] == 20 and able[1] == sum(is_separable(seed, 6) for seed in range(20))
    assert found["missed"].sum("seed").values.tolist() == [0, 0, 0]
    assert found["impossible"].sum("seed").values.tolist() == (20 - able).tolist()


def test_separable_runs_that_are_not_fitted_are_missed_and_late_ones_counted():
    two = two_classes(2 / 3)
    two["train_accuracy"].loc[{"train_size": 3, "seed": 5, "step": 100}] = 1.0
    found = numbers.cover(two, numbers.separable(two)["separable"]).sel(input_dim=3)
    assert int(found["missed"].sel(train_size=3).sum()) == 19 and not found["impossible"].any()
    assert found["late"].sum("seed").values.tolist() == [1, 0, 0]
    row = claims.tables(*_numbers(two))["cover"].rows[1]
    # No success in twenty still leaves room for one in six.
    assert row[4] == "0.000 [0.000, 0.168]"


def _numbers(two):
    right, soon = (numbers.fitted(layer(steps, lambda step: 4.0)) for steps in (LATE, EARLY))
    ratio = claims._ratios(soon, right)
    sharp = layer(LATE, lambda step: 4.0)["sharpness"], layer(EARLY, lambda step: 4.0)["sharpness"]
    return right, ratio, numbers.sharpest(sharp[1], sharp[0]), numbers.cover(two, numbers.separable(two)["separable"])


def test_claims_hold_what_is_fitted_against_four_times_the_inputs(early, late):
    two = two_classes(1.0)
    datasets = {"linear": late, "early": early, "two_classes": two, "separable": numbers.separable(two)}
    found = claims.analyse(datasets)
    made = {claim.what: claim for claim in found.claims}
    most = made["most labels fitted by a layer of 20 inputs, after 2000 steps"]
    assert most.published == 80.0 and most.estimate.value == 100.0 and most.verdict.value == "differs" and most.main
    soon = made["most labels fitted over n, n = 20, after 20 steps"]
    assert soon.published == 4.0 and soon.estimate.value == pytest.approx(0.8)
    law = made["two classes, n = 3, N = 6: share of label sets that training fits"]
    assert law.published == 0.5 and law.estimate.value == 1.0 and law.estimate.of == "share"
    assert law.verdict.value == "differs" and law.remark == "0 missed"
    # Nothing is published on the sharpness of 10 and 20 inputs.
    assert len(made) == 6
    assert found.tables["steps"].columns == ("n", "10", "20", "50", "100", "200", "1000", "2000")


def test_the_sharpness_of_40_inputs_is_held_against_the_published_star(early, late):
    wide = [part.isel(input_dim=[1]).assign_coords(input_dim=[40]) for part in (early, late)]
    made = claims._sharp(numbers.sharpest(*(part["sharpness"] for part in wide)).sel(input_dim=40))
    height, size = made[-2:]
    assert (height.published, size.published) == (0.33, 175.0)
    assert (
        height.estimate.value == pytest.approx(1.0) and height.remark == "at N = 100" and size.estimate.value == 100.0
    )


def test_the_settings_of_the_linear_layer_are_the_published_ones():
    part = STUDY.sweeps("paper", 2)["linear"]
    assert set(range(5, 401, 5)) <= set(part.over["train_size"]) and part.over["input_dim"] == (10, 20, 30, 40)
    assert part.experiment.optimizer == mj.optimizers.adam(0.01) and part.experiment.batch_size is None
    assert "sharpness" in part.experiment.measures
    assert part.experiment.task.num_classes == 40 and part.experiment.model.hidden == ()
    two = STUDY.sweeps("paper", 2)["two_classes"].experiment
    # Cover's law with n, not n + 1, is for hyperplanes through the origin.
    assert two.task.num_classes == 2 and not two.model.bias


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_every_scale_can_be_laid_out(scale):
    for part in STUDY.sweeps(scale, 2).values():
        assert mj.explain(part.experiment, part.over)
    assert set(STUDY.seeds) == set(STUDY.scales) == {"quick", "paper"}


@pytest.mark.long
def test_training_separates_only_what_can_be_separated(tmp_path, made_again):
    """A shrunk study from end to end, which can be made again."""
    sweeps = STUDY.sweeps("quick", 1)
    steps = {"linear": 300, "early": 100, "two_classes": 300}
    over = {"input_dim": [5], "train_size": [25, 50, 400], "seed": [0, 1]}
    small = {
        name: studies.Sweep(
            dataclasses.replace(part.experiment, steps=steps[name], record_every=steps[name] // 10),
            over if name != "two_classes" else {"input_dim": [5], "train_size": [5, 10, 15], "seed": range(12)},
        )
        for name, part in sweeps.items()
    }
    study = dataclasses.replace(STUDY, sweeps=lambda *_: small)
    folder, found = studies.run(study, tmp_path / "out", seeds=2, progress=False)
    cover = [dict(zip(found.tables["cover"].columns, row, strict=True)) for row in found.tables["cover"].rows]
    shares = [float(row["fitted"].split()[0]) for row in cover]
    assert shares[0] == 1.0 and 0.0 < shares[1] < 1.0
    # That training finds no more than the linear program shows that both had the same examples.
    assert {row["impossible"] for row in cover} == {"0"} and sum(int(row["missed"]) for row in cover) <= 6
    files = {path.name for path in folder.iterdir()}
    assert files >= {"fitted.png", "cover.pdf", "sharpness.csv", "report.html", "separable.nc"}
    made_again(folder, study)
    assert len(found.all_tables) == 5
