"""Estimates over runs: closed forms of intervals, counts of runs without a value, and times between records."""

import math

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from memjax.studies.kit import Estimate, Within, at_own_time, estimate, ratio, text, within_records
from memjax.studies.kit.number_format import column_text, range_text


def seeds(*values):
    return xr.DataArray(np.array(values, np.float64), dims="seed")


def test_a_mean_has_the_interval_of_student():
    values = np.array([4.0, 7.0, 1.0, 3.0, 9.0])
    found = estimate(seeds(*values))
    half = stats.t.ppf(0.975, 4) * values.std(ddof=1) / math.sqrt(5)
    assert (found.value, found.count, found.smallest, found.largest) == (values.mean(), 5, 1.0, 9.0)
    np.testing.assert_allclose([found.low, found.high], [values.mean() - half, values.mean() + half], rtol=1e-12)


def test_a_geometric_mean_is_the_mean_of_logarithms_in_any_unit():
    values = np.array([3.0, 30.0, 1000.0])
    found, scaled = estimate(seeds(*values), "geometric"), estimate(seeds(*(7.0 * values)), "geometric")
    logs = np.log(values)
    half = stats.t.ppf(0.975, 2) * logs.std(ddof=1) / math.sqrt(3)
    want = np.exp([logs.mean(), logs.mean() - half, logs.mean() + half])
    np.testing.assert_allclose([found.value, found.low, found.high], want, rtol=1e-12)
    np.testing.assert_allclose([scaled.value, scaled.low, scaled.high], 7.0 * want, rtol=1e-12)


def test_a_share_has_the_exact_binomial_interval():
    found = estimate(seeds(1, 1, 1, 1, 0), "share")
    # Clopper and Pearson by quantiles of the beta distribution.
    np.testing.assert_allclose(found.value, 0.8)
    np.testing.assert_allclose([found.low, found.high], [stats.beta.ppf(0.025, 4, 2), stats.beta.ppf(0.975, 5, 1)])


def test_runs_without_a_value_are_counted_and_not_averaged():
    found = estimate(seeds(1.0, 3.0, np.inf, -np.inf, np.nan))
    assert (found.value, found.count, found.never, found.below, found.unknown, found.runs) == (2.0, 2, 2, 1, 1, 5)
    nothing = estimate(seeds(np.inf, np.nan))
    assert math.isnan(nothing.value) and (nothing.count, nothing.never, nothing.unknown) == (0, 1, 1)
    one = estimate(seeds(4.0))
    assert one.value == 4.0 and math.isnan(one.low) and math.isnan(one.high)


def test_a_record_is_the_end_of_the_span_in_which_its_time_lies():
    times = seeds(0.0, 10.0, 10.1, 19.9, 20.0, np.inf, np.nan)
    _, least, most = within_records(times, [0, 10, 20])
    np.testing.assert_array_equal(least, [0.0, 0.0, 10.0, 10.0, 10.0, np.inf, np.nan])
    np.testing.assert_array_equal(most, [0.0, 10.0, 20.0, 20.0, 20.0, np.inf, np.nan])


def test_an_interval_reaches_to_the_records_around_each_time():
    # Three times in the same span: the interval of their mean alone would be [12.5, 17.5] at most.
    found = estimate(within_records(seeds(14.0, 15.0, 16.0), [0, 10, 20]))
    assert (found.value, found.low, found.high) == (15.0, 10.0, 20.0)
    # With many records the interval is that of the mean.
    fine = estimate(within_records(seeds(14.0, 15.0, 16.0), np.linspace(0, 20, 2_000_001)))
    plain = estimate(seeds(14.0, 15.0, 16.0))
    np.testing.assert_allclose([fine.low, fine.high], [plain.low, plain.high], atol=1e-4)


def test_a_ratio_of_times_is_as_unsure_as_both():
    late, early = within_records(seeds(35.0), [0, 30, 40]), within_records(seeds(15.0), [0, 10, 20])
    found, least, most = ratio(late, early)
    assert [float(part[0]) for part in (found, least, most)] == [35 / 15, 30 / 20, 40 / 10]


def test_a_time_that_may_be_zero_leaves_a_geometric_interval_open():
    found = estimate(within_records(seeds(5.0, 50.0), [0, 10, 100]), "geometric")
    assert found.low == 0.0 and found.high > 100.0


def test_a_curve_is_read_at_a_time_of_the_run_itself():
    curves = xr.DataArray([[0.0, 10.0, 20.0], [5.0, 5.0, 7.0]], {"step": [0, 10, 30]}, ("seed", "step"))
    np.testing.assert_allclose(at_own_time(curves, seeds(5.0, 20.0)), [5.0, 6.0])
    assert at_own_time(curves, seeds(np.inf, np.nan)).isnull().all()


@pytest.mark.parametrize(
    ("one", "shown"),
    [
        (Estimate(0.0), "0 [no interval]"),
        (Estimate(0.27, 0.2412, 0.2987), "0.270 [0.241, 0.299]"),
        (Estimate(3200.4, 2950.0, 3450.0), "3200 [2950, 3450]"),
        (Estimate(5.0, 5.0, 5.0, count=3), "5.00 [5.00, 5.00]"),
        (Estimate(100.0, 56.0, 177.0, of="geometric"), "100 [56, 177]"),
        (Estimate(0.013, 0.0012, 0.14, of="geometric"), "0.013 [0.0012, 0.14]"),
        (Estimate(3e-7, 1e-7, 5e-7), "3.0e-7 [1.0e-7, 5.0e-7]"),
        (Estimate(-0.0001, -0.11, 0.1098), "0.00 [-0.11, 0.11]"),
        (Estimate(2.0, 1.0, math.inf), "2.00 [1.00, inf]"),
    ],
)
def test_an_estimate_has_two_digits_of_its_half_width(one, shown):
    assert text(one) == shown


def test_all_numbers_of_a_column_have_one_format():
    near = [Estimate(9.131, 8.93, 9.33), Estimate(12.94, 11.0, 14.8), Estimate(30.0, 10.0, 50.0)]
    assert {len(cell.split()[0].split(".")[1]) for cell in column_text(near)} == {1}
    far = column_text([Estimate(0.00123, 0.001, 0.0014), Estimate(523.0, 400.0, 640.0), Estimate(7.0, 6.0, 8.0)])
    assert far == ["0.0012 [0.0010, 0.0014]", "520 [400, 640]", "7.0 [6.0, 8.0]"]
    tiny = column_text([Estimate(1e-9, 5e-10, 2e-9), Estimate(0.5, 0.4, 0.6)])
    assert all("e" in cell for cell in tiny)


def test_counts_stand_behind_the_numbers():
    assert (
        text(Estimate(111.0, 85.0, 137.0, count=2, never=1, unknown=1))
        == "111 [85, 137], never in 1 of 4, not known in 1 of 4"
    )
    assert text(Estimate(math.nan, count=0, unknown=3)) == "not known in 3 of 3"
    assert (
        text(Estimate(4.0, 3.0, 5.0), "steps") == "4.0 [3.0, 5.0] steps"
        and text(Estimate(4.0, 3.0, 5.0), "%")[-1] == "%"
    )


def test_the_range_of_single_runs_has_the_format_of_their_mean():
    found = estimate(seeds(0.91234, 0.95678, 0.99123))
    assert range_text(found) == "0.912 to 0.991" and text(found).startswith("0.953 [")
    assert range_text(Estimate(1.0, 0.5, 1.5)) == "" == range_text(estimate(seeds(1, 0, 1), "share"))


def test_bounds_without_a_time_make_an_estimate_like_any_other():
    given = Within(seeds(2.0, 4.0), seeds(1.0, 3.0), seeds(3.0, 5.0))
    found, low, high = estimate(given), estimate(seeds(1.0, 3.0)), estimate(seeds(3.0, 5.0))
    assert (found.value, found.low, found.high) == (3.0, low.low, high.high)


@pytest.mark.parametrize("least", [[0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
def test_a_bound_that_may_be_zero_leaves_the_end_of_a_geometric_mean_open(least):
    one = estimate(Within(seeds(1.0, 2.0, 4.0), seeds(*least), seeds(2.0, 4.0, 8.0)), "geometric")
    assert one.low == 0.0 and one.high == estimate(seeds(2.0, 4.0, 8.0), "geometric").high
    np.testing.assert_allclose(one.value, 2.0)
    with np.errstate(divide="ignore"):
        other = estimate(
            Within(1.0 / seeds(1.0, 2.0, 4.0), 1.0 / seeds(2.0, 4.0, 8.0), 1.0 / seeds(*least)), "geometric"
        )
    assert other.high == np.inf
    np.testing.assert_allclose(other.low, 1.0 / one.high)


def test_one_run_has_no_interval_whatever_its_bounds_are():
    one = estimate(Within(seeds(1.0), seeds(0.0), seeds(np.inf)), "geometric")
    assert one.value == 1.0 and np.isnan([one.low, one.high]).all()
