import numpy as np
import pytest
import xarray as xr

from memjax.analysis import plateaus, time_to_threshold

NAN = np.nan
STEP = np.array([0.0, 10.0, 20.0, 40.0])


def _series(*rows, **coords):
    return xr.DataArray(
        np.array(rows), dims=("run", "step"), coords={"step": STEP[: len(rows[0])], **coords},
        attrs={"long_name": "accuracy", "units": "1"},
    )  # fmt: skip


def test_times_are_interpolated_and_never_is_told_from_diverged():
    series = _series([0.0, 0.4, 0.8, 1.0], [0.6, 0.1, 0.1, 0.1], [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, NAN, NAN],
                     [0.1, 0.9, NAN, NAN], [0.0, 0.0, 0.5, 0.2])  # fmt: skip
    found = time_to_threshold(series, 0.5)
    np.testing.assert_allclose(found["time"], [12.5, 0.0, np.inf, NAN, 5.0, 20.0])
    expected = ["reached", "from the start", "never", "diverged", "reached", "reached"]
    assert found["outcome"].values.tolist() == expected
    assert found["time"].attrs["long_name"] == "time until accuracy is at least 0.5"


def test_falling_is_rising_upside_down():
    series = _series([3.0, 1.0, 2.0, 0.0], [0.5, 2.0, 2.0, 0.5])
    down, up = time_to_threshold(series, 1.5, direction="falling"), time_to_threshold(-series, -1.5)
    np.testing.assert_array_equal(down["time"], up["time"])
    np.testing.assert_allclose(down["time"], [7.5, 0.0])


def test_staying_asks_for_the_last_crossing():
    series = _series(
        [0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, NAN]
    )
    found = time_to_threshold(series, 0.5, stays=True)
    np.testing.assert_allclose(found["time"], [30.0, 5.0, 0.0, np.inf, NAN])
    assert found["outcome"].values.tolist() == ["reached", "reached", "from the start", "never", "diverged"]


def test_a_shorter_run_that_never_gets_there_has_not_diverged():
    series = _series(
        [0.1, 0.2, NAN, NAN], [0.1, 0.2, 0.3, 0.9], status=("run", ["finished"] * 2), stop_step=("run", [10, 40])
    )
    found = time_to_threshold(series, 0.5)
    assert found["outcome"].values.tolist() == ["never", "reached"]
    np.testing.assert_allclose(found["time"], [np.inf, 20.0 + 20.0 / 3.0])


def test_a_threshold_that_no_accuracy_can_reach_is_refused():
    shares = _series([0.1, 0.5, 0.9, 1.0])
    with pytest.raises(ValueError, match=r"threshold = 95 .*values of accuracy lie from 0 to 1\. Give 0\.95\."):
        time_to_threshold(shares, 95)
    with pytest.raises(ValueError, match=r"lie from 0 to 1\. Give a threshold in this range"):
        time_to_threshold(shares, 950, direction="falling")
    # By its name, as in a Dataset without attributes.
    with pytest.raises(ValueError, match=r"values of test accuracy lie from 0 to 1"):
        time_to_threshold(shares.drop_attrs().rename("test_accuracy"), 50)
    assert time_to_threshold(shares, np.float32(1.0))["outcome"].values.tolist() == ["reached"]


def test_a_threshold_is_taken_wherever_the_quantity_may_reach_it():
    shares = _series([0.1, 0.5, 0.9, 1.0])
    for series in (100.0 * shares, shares.assign_attrs(units="%"), shares.assign_attrs(long_name="loss"),
                   shares.assign_attrs(long_name="log accuracy")):  # fmt: skip
        assert time_to_threshold(series, 95)["outcome"].item() == ("reached" if series.max() == 100 else "never")
    # A difference keeps the name of the accuracies, and may be negative.
    assert time_to_threshold(shares - 0.05, -2.0, direction="falling")["outcome"].item() == "never"


def test_a_stated_range_decides_about_the_threshold():
    bounded = _series([0.1, 0.5, 0.9, 1.0]).assign_attrs(valid_min=0.0, valid_max=2.0)
    assert time_to_threshold(bounded, 1.5)["outcome"].values.tolist() == ["never"]
    with pytest.raises(ValueError, match=r"threshold = 3 .*attributes of accuracy state values from 0 to 2"):
        time_to_threshold(bounded, 3)
    with pytest.raises(ValueError, match=r"state values from 0 to 2"):
        time_to_threshold(bounded.assign_attrs(valid_range=(0, 2)), -0.1)


def test_one_record_and_bad_arguments():
    assert time_to_threshold(_series([0.3], [0.7]), 0.5)["outcome"].values.tolist() == ["never", "from the start"]
    with pytest.raises(ValueError, match="threshold = nan must be a finite number"):
        time_to_threshold(_series([0.3]), NAN)
    for text in ("95%", True, [0.5, 0.6], None):
        with pytest.raises(ValueError, match=r"threshold = .* must be one number, for example 0\.95"):
            time_to_threshold(_series([0.3]), text)
    with pytest.raises(ValueError, match=r"direction = 'up' is not known; choose one of \['rising', 'falling'\]"):
        time_to_threshold(_series([0.3]), 0.5, direction="up")


def test_plateaus_of_a_staircase():
    step = np.arange(0.0, 100.0)
    stairs = np.select([step < 30, step < 50], [3.0, 1.0], 0.0)
    found = plateaus(xr.DataArray(stairs, dims="step", coords={"step": step}), shortest=0.15)
    np.testing.assert_array_equal(found["start"], [0.0, 30.0, 50.0])
    np.testing.assert_array_equal(found["stop"], [29.0, 49.0, 99.0])
    np.testing.assert_array_equal(found["level"], [3.0, 1.0, 0.0])
    two = plateaus(xr.DataArray(stairs, dims="step", coords={"step": step}), most=2)
    np.testing.assert_array_equal(two["start"], [0.0, 50.0])
    assert plateaus(xr.DataArray(stairs, dims="step", coords={"step": step}), shortest=0.25)["count"] == 2


def test_plateaus_agree_with_trying_every_stretch():
    rng = np.random.default_rng(0)
    for _ in range(20):
        y, step = np.cumsum(rng.standard_normal(30)), np.cumsum(rng.integers(1, 9, 30)).astype(float)
        found = plateaus(xr.DataArray(y, dims="step", coords={"step": step}), within=0.3, shortest=0.01, most=1)
        spans = [
            (step[b] - step[a], -a, a, b)
            for a in range(30)
            for b in range(a + 1, 30)
            if np.ptp(y[a : b + 1]) <= 0.3 * np.ptp(y)
        ]
        _, _, a, b = max(spans)
        assert (found["start"].item(), found["stop"].item()) == (step[a], step[b])


def test_runs_without_plateaus_say_why():
    series = _series([0.0, 1.0, 2.0, 3.0], [0.0, NAN, NAN, NAN], [1.0, 1.0, 1.0, 1.0])
    found = plateaus(series)
    assert found["count"].values.tolist() == [0, 0, 1]
    assert found["reason"].values.tolist() == ["no stretch is long enough", "a record is not finite", ""]
    assert np.isnan(found["start"][:2]).all() and found["stop"][2, 0] == 40.0
    assert plateaus(_series([0.0, 1.0]))["reason"].item() == "2 records, at least 3 needed"
    with pytest.raises(ValueError, match="most = 0 must be at least 1"):
        plateaus(series, most=0)
