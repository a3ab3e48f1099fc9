import dataclasses
import math

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.analysis import linearly_separable

DIMS, SIZES = [10, 20], [25, 50, 100, 150, 200, 400, 500]


def _column(table, name):
    return [row[table.columns.index(name)] for row in table.rows]


def _estimate(cell):
    return float(cell.split()[0])


def _layer(steps, ratio):
    """Runs that fit ratio(step) * n examples, give or take one by seed, and are sharpest where they stop fitting all."""
    dims, sizes = xr.DataArray(DIMS, dims="input_dim"), xr.DataArray(SIZES, dims="train_size")
    seed, step = xr.DataArray([-1.0, 0.0, 1.0], dims="seed"), xr.DataArray(steps, dims="step")
    able = dims * xr.apply_ufunc(np.vectorize(ratio), step) + seed
    fitted = np.minimum(sizes, able).transpose("input_dim", "train_size", "seed", "step")
    coords = {"input_dim": DIMS, "train_size": SIZES, "seed": [0, 1, 2], "step": steps}
    sharp = (1.0 / (1.0 + abs(sizes - 5 * dims)) + 0.0 * fitted).transpose(*fitted.dims)
    return (
        xr.Dataset({"train_accuracy": fitted / sizes, "sharpness": sharp}).transpose(*fitted.dims).assign_coords(coords)
    )


def _two_classes(fitted):
    coords = {"input_dim": [3], "train_size": [3, 6, 12], "seed": range(20), "step": [0, 90, 100]}
    accuracy = xr.DataArray(np.ones((1, 3, 20, 3)), dims=tuple(coords), coords=coords) * fitted
    return xr.Dataset({"train_accuracy": accuracy})


@pytest.fixture(scope="module")
def findings_1():
    # Steps 1800 and 2000 fit 4.9 n and 5 n.
    linear = _layer([0, *range(200, 2001, 200)], lambda step: 4.0 + step / 2000)
    early = _layer(list(range(0, 101, 10)), lambda step: 0.04 * step)
    datasets = {"linear": linear, "early": early, "two_classes": _two_classes(1.0)}
    return studies.find("memory-1").analyse(datasets)


def test_the_capacity_of_a_layer_is_read_at_its_end(findings_1):
    table = findings_1.tables["capacity"]
    assert [_estimate(cell) for cell in _column(table, "most fitted")] == [50.0, 100.0]
    assert [_estimate(cell) for cell in _column(table, "most fitted / n")] == [5.0, 5.0]
    # One seed of three fits one fewer, so half of them and more fit all of 50 and of 100.
    assert _column(table, "all fitted up to N") == ["50", "100"]
    assert _column(table, "published") == ["about 40", "about 80"]
    # With 50 examples the seed that is able to fit 51 has only 50; beyond, one in ten of a step's gain is n / 10.
    assert _column(table, "gained since step 1800") == ["+1.0", "+2.0"]


def test_fitted_examples_per_dimension_follow_the_steps(findings_1):
    table = findings_1.tables["steps"]
    assert table.columns == ("n", "10", "20", "50", "100", "200", "1000", "2000")
    assert [_estimate(cell) for cell in table.rows[1][1:5]] == pytest.approx([0.4, 0.8, 2.0, 4.0])


def test_the_sharpest_size_is_found(findings_1):
    table = findings_1.tables["sharpness"]
    assert [row[-1].split(" at ")[1] for row in table.rows] == ["N = 50 (100%)", "N = 100 (100%)"]


def test_runs_that_fit_what_no_hyperplane_can_are_told(findings_1):
    table = findings_1.tables["cover"]
    assert _column(table, "Cover's P(N, n)") == ["1.0000", "0.5000", "0.0327"]
    assert _column(table, "missed") == ["0", "0", "0"]
    separable = [round(20 * _estimate(cell)) for cell in _column(table, "separable")]
    assert separable[0] == 20 and [int(cell) for cell in _column(table, "impossible")] == [20 - n for n in separable]
    assert separable[1] == sum(_separable(seed, 6) for seed in range(20))


def _separable(seed, size):
    train = mj.tasks.RandomLabels(input_dim=3, num_classes=2).draw(seed, size, 1).train
    return linearly_separable(train.x, train.y)


def test_separable_runs_that_are_not_fitted_are_missed():
    layer = _layer([0, *range(200, 2001, 200)], lambda step: 4.0)
    early = _layer(list(range(0, 101, 10)), lambda step: 2.0)
    datasets = {"linear": layer, "early": early, "two_classes": _two_classes(2 / 3)}
    table = studies.find("memory-1").analyse(datasets).tables["cover"]
    assert _column(table, "missed")[0] == "20"
    assert set(_column(table, "impossible")) == {"0"}
    # No success in twenty still leaves room for one in six.
    assert _column(table, "fitted")[0] == "0.000 [0.000, 0.168]"


def test_figures_and_captions_go_together(findings_1):
    assert set(findings_1.figures) == set(findings_1.captions)


def test_training_separates_only_what_can_be_separated():
    part = studies.find("memory-1").sweeps("quick", 1)["two_classes"]
    experiment = dataclasses.replace(part.experiment, steps=300, record_every=100)
    over = {"input_dim": [5], "train_size": [5, 10, 15], "seed": range(12)}
    layer = _layer([0, *range(200, 2001, 200)], lambda step: 4.0)
    datasets = {"linear": layer, "early": _layer(list(range(0, 101, 10)), lambda step: 2.0)}
    datasets["two_classes"] = mj.sweep(experiment, over, progress=False)
    table = studies.find("memory-1").analyse(datasets).tables["cover"]
    fitted = [_estimate(cell) for cell in _column(table, "fitted")]
    assert fitted[0] == 1.0 and 0.0 < fitted[1] < 1.0
    # That training finds no more than the linear program shows that both had the same examples.
    assert set(_column(table, "impossible")) == {"0"}
    assert sum(map(int, _column(table, "missed"))) <= 6


def test_the_settings_of_the_linear_layer_are_the_published_ones():
    part = studies.find("memory-1").sweeps("paper", 2)["linear"]
    assert set(range(5, 401, 5)) <= set(part.over["train_size"]) and part.over["input_dim"] == (10, 20, 30, 40)
    assert part.experiment.optimizer == mj.optimizers.adam(0.01) and part.experiment.batch_size is None
    assert "sharpness" in part.experiment.measures
    assert part.experiment.task.num_classes == 40 and part.experiment.model.hidden == ()
    two = studies.find("memory-1").sweeps("paper", 2)["two_classes"].experiment
    # Cover's law with n, not n + 1, is for hyperplanes through the origin.
    assert two.task.num_classes == 2 and not two.model.bias


LOADS, STEPS = [0.2, 0.4, 0.6, 1.0], [0, 50, 90, 100]


def _stored(parameters, per_parameter, activations):
    """Runs that store a number of bits per parameter, give or take 0.1 by seed, less on the last size, 98% by step 90."""
    sizes = xr.DataArray([round(load * parameters) for load in LOADS], dims="train_size")
    able = xr.DataArray(per_parameter, dims="activation") + xr.DataArray([-0.1, 0.0, 0.1], dims="seed")
    share = xr.DataArray([0.0, 0.5, 0.98, 1.0], dims="step")
    jam = xr.DataArray([1.0, 0.9, 1.0, 0.8], dims="train_size")
    bits = np.minimum(sizes * math.log2(10), able * parameters) * jam * share
    loss = (math.log(10) - bits * math.log(2) / sizes).transpose("activation", "train_size", "seed", "step")
    loss = loss.assign_coords(activation=activations, train_size=sizes.values, seed=[0, 1, 2], step=STEPS)
    counts = xr.full_like(loss.isel(step=0, drop=True), parameters, np.int64)
    return xr.Dataset({"train_loss": loss}, coords={"num_parameters": counts})


@pytest.fixture(scope="module")
def findings_2():
    names = ["relu", "silu"]
    datasets = {
        "width_10": _stored(300, [1.3, 1.6], names),
        "width_20": _stored(500, [1.3, 1.7], names),
        "linear": _stored(100, [1.0], ["none"]).isel(activation=0, drop=True),
    }
    return studies.find("memory-2").analyse(datasets)


def test_stored_bits_per_parameter_come_back(findings_2):
    table = findings_2.tables["plateau"]
    most = [_estimate(cell) for cell in _column(table, "most bits / parameter")]
    # 0.4 examples per parameter hold 1.33 bits, which caps a seed of ReLU there, but not at 0.6.
    assert most == pytest.approx([1.3, 1.3, 1.6, 1.7, 1.0], abs=0.005)
    assert set(_column(table, "at N / P")) == {"0.6"}
    assert _column(table, "published") == ["2.4"] * 4 + ["1.0"]
    assert set(_column(table, "gained in the last tenth")) == {"+2.0%"}
    beyond = _column(table, "at the largest N / P")
    assert [cell.split("at ")[1] for cell in beyond] == ["1"] * 5
    assert _estimate(beyond[0]) == pytest.approx(0.8 * 1.3, abs=0.005)


def test_an_interval_over_three_seeds_is_student_t(findings_2):
    low, high = findings_2.tables["plateau"].rows[0][3].split("[")[1].rstrip("]").split(", ")
    # Standard deviation 0.1, and the 97.5% quantile of Student's t with 2 degrees of freedom.
    assert (float(high) - float(low)) / 2 == pytest.approx(4.3027 * 0.1 / math.sqrt(3), abs=0.006)


def test_bits_without_the_head_count_the_block_alone(findings_2):
    table = findings_2.tables["widths"]
    silu = table.rows[1]
    assert _estimate(silu[table.columns.index("slope")]) == pytest.approx((1.7 * 500 - 1.6 * 300) / 200, abs=0.005)
    assert _estimate(silu[-1]) == pytest.approx(1.7 * 500 / 400, abs=0.005)


def test_figures_of_memory_2_and_their_captions_go_together(findings_2):
    assert set(findings_2.figures) == set(findings_2.captions)


@pytest.mark.slow
def test_a_small_run_of_memory_2_stores_what_the_measure_says(tmp_path):
    sweeps = studies.find("memory-2").sweeps("quick", 1)
    part = sweeps["width_10"]
    experiment = dataclasses.replace(part.experiment, steps=100, record_every=10, measures=("loss", "memorized_bits"))
    data = mj.sweep(experiment, dict(part.over) | {"activation": ("relu",)}, progress=False, store=tmp_path / "store")
    assert set(data.num_parameters.values.ravel()) == {10 * 10 + 10 * 10 + 10 * 10}
    linear = data.isel(activation=0, drop=True).isel(train_size=slice(None))
    loads = studies.find("memory-2").analyse({"width_10": data, "linear": linear}).tables["loads"]
    assert _column(loads, "N / P") == ["0.2", "0.4", "0.5", "0.6", "0.75", "1", "1.5", "2"]
    ours = np.array([_estimate(cell) for cell in _column(loads, "relu, W = 10")]) * 300
    np.testing.assert_allclose(ours, data.memorized_bits.values[0, :, 0, -1], rtol=0.02)


def test_the_block_has_one_activation_and_no_biases():
    model = studies.find("memory-2").sweeps("quick", 1)["width_20"].experiment.model
    x = np.random.default_rng(0).standard_normal((4, 10)).astype(np.float32)
    up, down, head = (np.random.default_rng(k).standard_normal(s) for k, s in enumerate([(10, 20), (20, 10), (10, 10)]))
    params = {
        name: {"kernel": kernel.astype(np.float32)} for name, kernel in (("up", up), ("down", down), ("head", head))
    }
    np.testing.assert_allclose(model.apply(params, x), np.maximum(x @ up, 0) @ down @ head, rtol=2e-4, atol=1e-3)


@pytest.mark.parametrize("scale", ["quick", pytest.param("paper", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["memory-1", "memory-2"])
def test_every_scale_can_be_laid_out(name, scale):
    study = studies.find(name)
    for part in study.sweeps(scale, 2).values():
        assert mj.explain(part.experiment, part.over)
    assert set(study.seeds) == set(study.scales) == {"quick", "paper"}
