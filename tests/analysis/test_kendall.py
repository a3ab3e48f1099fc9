"""Kendall's coefficient of a measure and the gap: known orders, scipy's own, the null variance, groups, and a confounder."""

from itertools import combinations, permutations

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from memjax.analysis import granulated_kendall, kendall, mean_interval

RNG = np.random.default_rng(11)
DIMS = ["width", "l2", "rate"]
GAP = xr.DataArray(RNG.random((3, 2, 4)), dims=DIMS, coords={"width": [8, 16, 32]})


def _line(values, dim="run"):
    return xr.DataArray(np.asarray(values, float), dims=dim)


def _psi(measure, gap, axis):
    """Mean of the coefficient over groups, by loops over groups and pairs."""
    found = []
    for one, other in zip(*(np.moveaxis(a, axis, -1).reshape(-1, a.shape[axis]) for a in (measure, gap)), strict=True):
        keep = np.flatnonzero(np.isfinite(one) & np.isfinite(other))
        pairs = list(combinations(keep, 2))
        if pairs:
            found.append(np.mean([np.sign(one[i] - one[j]) * np.sign(other[i] - other[j]) for i, j in pairs]))
    return np.mean(found), len(found)


def test_small_orders_by_hand():
    """Of six pairs one is the wrong way round, then two, then all; a tie counts 0, or leaves the number of pairs."""
    gap = [1, 2, 3, 4]
    for order, value in (([1, 2, 4, 3], 4 / 6), ([2, 1, 4, 3], 2 / 6), ([4, 3, 2, 1], -1.0), ([1, 2, 2, 3], 5 / 6)):
        assert float(kendall(_line(order), _line(gap), "run")) == pytest.approx(value, abs=1e-15)
    assert float(kendall(_line([1, 2, 2, 3]), _line(gap), "run", ties="b")) == pytest.approx(5 / np.sqrt(30), abs=1e-15)


def test_b_is_scipys_with_ties_and_gaps_for_many_measures_at_once():
    x, y = RNG.integers(0, 5, (3, 30)).astype(float), RNG.integers(0, 6, 30).astype(float)
    x[1, 4], y[7], y[9] = np.nan, np.nan, np.inf
    found = kendall(xr.DataArray(x, dims=("measure", "run")), _line(y), "run", ties="b")
    for row, value in zip(x, found.values, strict=True):
        keep = np.isfinite(row) & np.isfinite(y)
        # Largest difference seen in 200 draws: 1.1e-16.
        assert value == pytest.approx(stats.kendalltau(row[keep], y[keep]).statistic, abs=1e-14)


@pytest.mark.parametrize("runs", [3, 5])
def test_over_all_orders_the_mean_is_0_and_the_variance_the_closed_form(runs):
    orders = xr.DataArray(np.array(list(permutations(range(runs))), float), dims=("order", "run"))
    found = kendall(orders, _line(range(runs)), "run")
    # Largest differences seen: 2.2e-17 of the mean, and a share of 2.2e-16 of the variance.
    assert float(found.mean()) == pytest.approx(0.0, abs=1e-15)
    assert float(found.var()) == pytest.approx(2 * (2 * runs + 5) / (9 * runs * (runs - 1)), rel=1e-14)


@pytest.mark.parametrize("ties", ["a", "b"])
def test_a_monotone_function_of_the_gap_is_right_in_every_group(ties):
    measures = xr.concat([np.exp(GAP), -(GAP**3), 1e308 * (GAP - 0.5)], "measure")
    for found in (kendall(measures, GAP, DIMS, ties=ties), granulated_kendall(measures, GAP, DIMS, ties=ties).mean_psi):
        assert found.values.tolist() == [1.0, -1.0, 1.0]
    psi = granulated_kendall(measures, GAP, DIMS, ties=ties).psi
    assert psi.dims == ("measure", "hyperparameter") and (psi.isel(measure=1) == -1.0).all()


def test_scores_know_no_units():
    noisy = GAP + 0.5 * RNG.random(GAP.shape)
    for score in (kendall, lambda *given: granulated_kendall(*given).mean_psi):
        value = float(score(noisy, GAP, DIMS))
        assert 0.0 < value < 1.0
        assert float(score(np.exp(5 * noisy) - 3.0, 1e-9 * GAP, DIMS)) == value
        assert float(score(-noisy, GAP, DIMS)) == -value


def test_granulated_is_the_mean_over_groups_without_the_runs_that_are_missing():
    measure, gap = RNG.integers(0, 3, GAP.shape).astype(float), GAP.values.copy()
    measure[0, 0, :3], gap[2, 1, :], gap[1, 0, 2] = np.nan, np.inf, np.nan
    found = granulated_kendall(GAP.copy(data=measure), GAP.copy(data=gap), DIMS)
    for axis, dim in enumerate(DIMS):
        value, groups = _psi(measure, gap, axis)
        # Largest difference seen in 100 draws: 0.
        assert float(found.psi.sel(hyperparameter=dim)) == pytest.approx(value, abs=1e-15)
        assert int(found.groups.sel(hyperparameter=dim)) == groups
    assert float(found.mean_psi) == pytest.approx(float(found.psi.mean()), abs=1e-15)


def test_a_hyperparameter_that_drives_both_makes_tau_high_and_leaves_nothing_else():
    """Within each width tau is 0: the measure agrees with the gap where l2 varies, and opposes the gap where rate does."""
    within = xr.DataArray([[0.0, 1.0], [2.0, 3.0]], dims=("l2", "rate"))
    across = xr.DataArray([[2.0, 0.0], [3.0, 1.0]], dims=("l2", "rate"))
    width = xr.DataArray(100.0 * np.arange(5), dims="width")
    dims = ["width", "l2", "rate"]
    assert float(kendall(width + across, width + within, dims)) == pytest.approx(160 / 190)
    found = granulated_kendall(width + across, width + within, dims).psi
    assert found.sel(hyperparameter=dims).values.tolist() == [1.0, 1.0, -1.0]
    alone = granulated_kendall(width, width + within, dims)
    assert alone.psi.values.tolist() == [1.0, 0.0, 0.0] and float(alone.mean_psi) == pytest.approx(1 / 3)
    # With ties of kind b these groups have no coefficient at all.
    left = granulated_kendall(width, width + within, dims, ties="b")
    assert left.groups.values.tolist() == [4, 0, 0] and float(left.mean_psi) == 1.0


def test_seeds_are_kept_and_pair_by_label():
    gap = GAP.rename(rate="seed").assign_coords(seed=[0, 1, 2, 3])
    noisy = gap + 0.3 * RNG.random(gap.shape)
    found = kendall(noisy.isel(seed=slice(None, None, -1)), gap, ["width", "l2"])
    one = kendall(noisy.sel(seed=2, drop=True), gap.sel(seed=2, drop=True), ["l2", "width"])
    assert found.dims == ("seed",) and float(found.sel(seed=2)) == float(one)
    assert mean_interval(found)["mean_interval"].notnull().all()
    assert granulated_kendall(noisy, gap, ["width", "l2"]).mean_psi.dims == ("seed",)


def test_what_cannot_be_ranked_has_no_score():
    lone = kendall(_line([1.0, np.nan]), _line([1.0, 2.0]), "run")
    assert np.isnan(lone) and np.isnan(kendall(_line([1, 1]), _line([1, 2]), "run", ties="b"))
    assert float(kendall(_line([1, 1]), _line([1, 2]), "run")) == 0.0
    found = granulated_kendall(GAP[:, :1], GAP[:, :1], DIMS)
    np.testing.assert_array_equal(found.psi, [1.0, np.nan, 1.0])
    assert float(found.mean_psi) == 1.0 and found.groups.values.tolist() == [4, 0, 3]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: kendall(GAP, GAP, []), "dims is empty: name at least one"),
        (lambda: kendall(GAP, GAP, ["l2", "l2"]), "dims and repeats name 'l2' twice"),
        (lambda: kendall(GAP, GAP, "depth"), "'depth' is not a dimension"),
        (lambda: kendall(GAP, GAP, DIMS, ties="c"), "ties = 'c' is not known"),
        (lambda: kendall(GAP.values, GAP, DIMS), "measure is a ndarray"),
        (lambda: kendall(GAP, GAP.astype(str), DIMS), "gap is of dtype <U"),
        (lambda: granulated_kendall(GAP, GAP[:2], DIMS), "different labels along 'width'"),
        (lambda: granulated_kendall(GAP, GAP, DIMS, ties="no"), "ties = 'no' is not known"),
    ],
)
def test_errors(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
