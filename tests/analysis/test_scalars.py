import numpy as np
import pytest
import xarray as xr

from memjax.analysis import area, first, gap, last, maximum, mean, minimum, rate


@pytest.fixture
def norm():
    values = np.array([[[2.0, 9.0, 5.0], [3.0, 4.0, np.nan]], [[1.0, 1.5, 2.5], [np.nan, 2.0, 3.0]]], dtype=np.float32)
    return xr.DataArray(
        values,
        dims=("train_size", "seed", "step"),
        coords={
            "train_size": ("train_size", [50, 100], {"units": "examples"}),
            "step": [0, 10, 20],
            "status": (("train_size", "seed"), [["finished", "diverged"], ["finished", "finished"]]),
        },
        name="weight_l2",
        attrs={"long_name": "L2 norm", "units": "1", "note": "dropped"},
    )


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        (first, [[2.0, 3.0], [1.0, np.nan]]),
        (last, [[5.0, np.nan], [2.5, 3.0]]),
        (gap, [[3.0, np.nan], [1.5, np.nan]]),
        (maximum, [[9.0, np.nan], [2.5, np.nan]]),
    ],
)
def test_values_and_missing_ends(norm, summary, expected):
    np.testing.assert_array_equal(summary(norm).values, expected)


def test_labels_coordinates_and_precision(norm):
    result = gap(norm)
    assert result.attrs == {"long_name": "gap of L2 norm", "units": "1"}
    assert result.name == "weight_l2_gap"
    assert result.dims == ("train_size", "seed")
    assert result.dtype == np.float64
    assert result.train_size.attrs == {"units": "examples"}
    assert result.status.values.tolist() == norm.status.values.tolist()
    assert "step" not in result.coords


def test_dimension_may_stand_anywhere(norm):
    xr.testing.assert_identical(gap(norm), gap(norm.transpose("step", "seed", "train_size")).transpose(*gap(norm).dims))


def test_unnamed_series():
    assert gap(xr.DataArray([1.0, 2.0], dims="step")).attrs == {"long_name": "gap"}


def test_errors_name_the_remedy(norm):
    with pytest.raises(ValueError, match=r"dim = 'epoch' is not a dimension.*'step'"):
        gap(norm, dim="epoch")
    with pytest.raises(ValueError, match="length 0"):
        gap(norm.isel(step=slice(0, 0)))
    with pytest.raises(ValueError, match=r"Dataset with variables \['weight_l2'\].*Pick a variable"):
        gap(norm.to_dataset())
    with pytest.raises(ValueError, match="series is a ndarray"):
        gap(norm.values)


def test_a_shorter_run_ends_at_its_own_last_step_and_a_diverged_one_is_nan():
    nan = np.nan
    series = xr.DataArray(
        [[1.0, 3.0, nan, nan], [1.0, 2.0, 5.0, 9.0], [1.0, 4.0, nan, nan]],
        dims=("run", "step"),
        coords={
            "step": [0, 10, 20, 30],
            "status": ("run", ["finished", "finished", "diverged"]),
            "stop_step": ("run", [10, 30, 13]),
        },
    )
    np.testing.assert_array_equal(last(series), [3.0, 9.0, nan])
    np.testing.assert_array_equal(gap(series), [2.0, 8.0, nan])
    np.testing.assert_array_equal(maximum(series), [3.0, 9.0, nan])
    np.testing.assert_array_equal(last(series.sel(step=slice(0, 20))), [3.0, 5.0, nan])


@pytest.fixture
def line():
    step = np.array([0.0, 10.0, 30.0])
    return xr.DataArray(
        np.stack([2.0 * step, 5.0 - step]), dims=("seed", "step"),
        coords={"step": ("step", step, {"units": "steps"})}, attrs={"long_name": "loss", "units": "nats"},
    )  # fmt: skip


def test_reductions_against_closed_forms(line):
    np.testing.assert_allclose(area(line), [900.0, -300.0])
    np.testing.assert_allclose(rate(line), [2.0, -1.0])
    np.testing.assert_allclose(mean(line), [80.0 / 3.0, 5.0 - 40.0 / 3.0])
    np.testing.assert_allclose(minimum(line), [0.0, -25.0])
    assert np.isnan(rate(line.isel(step=[0]))).all()


def test_rate_is_the_least_squares_slope(line):
    bent = line + xr.DataArray([0.0, 7.0, 1.0], dims="step")
    expected = [np.polyfit(line.step, row, 1)[0] for row in bent.values]
    np.testing.assert_allclose(rate(bent), expected, rtol=1e-12)


def test_slices_include_both_ends_and_say_so(line):
    np.testing.assert_array_equal(gap.between(10, 30)(line), [40.0, -20.0])
    np.testing.assert_array_equal(mean.between(stop=10)(line), [10.0, 0.0])
    assert gap.between(start=10)(line).long_name == "(gap from 10 to last) of loss"
    with pytest.raises(ValueError, match="No record lies between 11 and 29: the series has 0 to 30"):
        last.between(11, 29)(line)


def test_arithmetic_is_that_of_the_numbers_and_labelled(line):
    one = (last - first.between(10)) / maximum + 2.0
    np.testing.assert_allclose(one(line), [(60.0 - 20.0) / 60.0 + 2.0, -20.0 / 5.0 + 2.0])
    assert one.label == "((last - (first from 10 to last)) / maximum) + 2"
    np.testing.assert_array_equal((1.0 - last * 2.0)(line), [-119.0, 51.0])
    np.testing.assert_array_equal(abs(-last)(line), [60.0, 25.0])
    assert np.isnan((last / first)(line)[0]) and (last / first)(line)[1] == -5.0
    np.testing.assert_array_equal((3.0 / last)(line), [0.05, -0.12])
    with pytest.raises(TypeError, match="call it with a series first"):
        last - line


def test_units_follow_the_arithmetic(line):
    units = {scalar.label: scalar(line).attrs.get("units") for scalar in (
        gap, area, rate, last / first, last * last, area * rate, last + 1.0, 2.0 * last, rate / last)}  # fmt: skip
    assert list(units.values()) == [
        "nats",
        "nats steps",
        "nats steps^-1",
        "1",
        "nats^2",
        "nats^2",
        None,
        "nats",
        "steps^-1",
    ]


def test_every_scalar_ends_at_the_runs_own_last_step():
    nan = np.nan
    series = xr.DataArray(
        [[1.0, 3.0, nan, nan], [1.0, 2.0, 5.0, 9.0]], dims=("run", "step"),
        coords={"step": [0, 10, 20, 30], "status": ("run", ["finished"] * 2), "stop_step": ("run", [10, 30])},
    )  # fmt: skip
    for scalar in (mean, area, rate, minimum, maximum, gap):
        np.testing.assert_array_equal(scalar(series)[0], scalar(series[0, :2].drop_vars(["status", "stop_step"])))
    assert area(series).values.tolist() == [20.0, 120.0]
