"""Conditional mutual information of two orders: naive loops, closed forms, a confounder, invariances, what is left out."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
import xarray as xr

from memjax.analysis import conditional_mutual_information, kendall

RNG = np.random.default_rng(7)
DIMS = ["width", "l2", "rate"]
GAP = xr.DataArray(RNG.random((3, 2, 4)), dims=DIMS)
# Largest differences seen in 30 draws: 6.6e-15 from the naive loops, and 2.4e-15 from closed forms.
ROUNDING = 1e-13


def _entropy(keys):
    counts = np.array(list(Counter(keys).values()), float)
    return float(-(counts / counts.sum() * np.log2(counts / counts.sum())).sum())


def _naive(measure, gap, dims, size):
    """Shares by set of given dimensions: I = H(g, u) + H(m, u) - H(g, m, u) - H(u) and H = H(g, u) - H(u), by loops."""
    runs = [at for at in np.ndindex(gap.shape) if np.isfinite(measure[at]) and np.isfinite(gap[at])]
    pairs = [(i, j) for i in runs for j in runs if i != j]
    g, m = ([int(np.sign(a[i] - a[j])) for i, j in pairs] for a in (gap, measure))
    found = {}
    for given in (chosen for most in range(size + 1) for chosen in combinations(range(dims), most)):
        u = [tuple(run[axis] for run in pair for axis in given) for pair in pairs]
        left = _entropy(list(zip(g, u, strict=True))) - _entropy(u)
        shared = left + _entropy(list(zip(m, u, strict=True))) - _entropy(list(zip(g, m, u, strict=True)))
        found[given] = shared / left if left > ROUNDING else np.nan
    return found


def _closed(tau):
    """Share of the entropy of a fair sign that a sign tells which is equal to it with probability (1 + tau) / 2."""
    p = np.array([1 + tau, 1 - tau]) / 2
    return 1 + (p * np.log2(p)).sum()


@pytest.mark.parametrize("case", ["plain", "with ties and gaps", "with seeds"])
def test_shares_are_those_of_naive_loops(case):
    measure, gap = GAP.values + RNG.random(GAP.shape), GAP.values.copy()
    if case == "with ties and gaps":
        measure, gap = np.round(3 * measure), np.round(4 * gap)
        measure[0, 1, 2], gap[2, 0, 1] = np.nan, np.inf
    repeats = ["rate"] if case == "with seeds" else []
    dims = [dim for dim in DIMS if dim not in repeats]
    found = conditional_mutual_information(GAP.copy(data=measure), GAP.copy(data=gap), dims, repeats=repeats)
    naive = _naive(measure, gap, len(dims), 2)
    np.testing.assert_allclose(found.share, list(naive.values()), atol=ROUNDING)
    assert float(found.score) == pytest.approx(np.nanmin(list(naive.values())), abs=ROUNDING)
    names = [", ".join(dims[i] for i in given) or "nothing" for given in naive]
    assert found.given.values.tolist() == names


def test_the_gap_tells_itself_whole_and_a_constant_nothing():
    measures = xr.concat([np.exp(GAP), -GAP, 0.0 * GAP], "measure")
    found = conditional_mutual_information(measures, GAP, DIMS)
    assert found.score.values.tolist() == [1.0, 1.0, 0.0]
    assert (found.share.isel(measure=1) == 1.0).all()
    assert float(found.entropy.isel(measure=0).sel(given="nothing")) == pytest.approx(1.0, abs=ROUNDING)


def test_with_nothing_given_the_share_is_a_function_of_tau():
    """Three runs with one of three pairs the wrong way round: 1 - h(2/3) = 0.0817; then of random orders."""
    by_hand = conditional_mutual_information(_runs([1, 3, 2]), _runs([1, 2, 3]), "run", size=0)
    assert float(by_hand.score) == pytest.approx(1 + (2 * np.log2(2 / 3) + np.log2(1 / 3)) / 3, abs=ROUNDING)
    measures = xr.DataArray(RNG.random((5, *GAP.shape)), dims=("measure", *DIMS)) + 0.5 * GAP
    found = conditional_mutual_information(measures, GAP, DIMS, size=0)
    wanted = [_closed(tau) for tau in kendall(measures, GAP, DIMS).values]
    np.testing.assert_allclose(found.score, wanted, atol=ROUNDING)


def _runs(values):
    return xr.DataArray(np.asarray(values, float), dims="run")


def test_what_a_hyperparameter_drives_in_both_is_no_information_once_it_is_given():
    """Within each width, and between two widths, the measure's order says nothing of the gap's order: both halves agree."""
    width = xr.DataArray(100.0 * np.arange(4), dims="width")
    gap = width + xr.DataArray([0.0, 1.0, 2.0, 3.0], dims="seed")
    measure = width + xr.DataArray([1.0, 3.0, 0.0, 2.0], dims="seed")
    assert float(kendall(measure, gap, ["width", "seed"])) == pytest.approx(96 / 120)
    found = conditional_mutual_information(measure, gap, "width", repeats="seed")
    assert found.given.values.tolist() == ["nothing", "width"]
    assert found.share.values[0] > 0.5 and float(found.score) == pytest.approx(0.0, abs=ROUNDING)


def test_two_hyperparameters_may_have_to_be_given_together():
    """The measure follows their sum and nothing else, so that either alone still leaves it some information."""
    rng = np.random.default_rng(0)
    signal = xr.DataArray(10.0 * np.add.outer(np.arange(3), 1.1 * np.arange(3)), dims=("width", "l2"))
    noise = xr.DataArray(
        rng.permuted(np.tile(np.arange(4.0), (9, 1)), axis=1).reshape(3, 3, 4), dims=("width", "l2", "seed")
    )
    found = conditional_mutual_information(signal, signal + noise, ["width", "l2"], repeats="seed")
    assert float(found.score) == float(found.share.sel(given="width, l2")) == 0.0
    assert (found.share.sel(given=["nothing", "width", "l2"]) > 0.5).all()


def test_the_empty_set_counts_and_more_sets_never_raise_the_score():
    measure = GAP + RNG.random(GAP.shape)
    score = [float(conditional_mutual_information(measure, GAP, DIMS, size=size).score) for size in (0, 1, 2)]
    assert score == sorted(score, reverse=True)
    found = conditional_mutual_information(measure, GAP, DIMS, size=2)
    assert float(found.score) == float(found.share.min()) == float(found.share.sel(given="nothing"))


def test_values_of_hyperparameters_weigh_as_their_pairs():
    """One width has 2 runs in the order of the gap, the other 3 of which the first pair is turned: weights 2 and 6 of 8."""
    gap = xr.DataArray([[1.0, 2.0, np.nan], [11.0, 12.0, 13.0]], dims=("width", "seed"))
    measure = xr.DataArray([[1.0, 2.0, 0.0], [12.0, 11.0, 13.0]], dims=("width", "seed"))
    found = conditional_mutual_information(measure, gap, "width", size=1, repeats="seed")
    assert float(found.share.sel(given="width")) == pytest.approx((2 * 1.0 + 6 * _closed(1 / 3)) / 8, abs=ROUNDING)


def test_scores_know_no_units_no_direction_and_no_order_of_labels():
    measure = (GAP + RNG.random(GAP.shape)).assign_coords(width=[8, 16, 32])
    first = conditional_mutual_information(measure, GAP, DIMS)
    for other in (np.exp(4 * measure), -measure, measure.transpose(*DIMS[::-1])):
        xr.testing.assert_allclose(conditional_mutual_information(other, 1e-9 * GAP, DIMS), first, atol=ROUNDING)
    turned = conditional_mutual_information(measure.isel(width=[2, 0, 1]), GAP.assign_coords(width=[8, 16, 32]), DIMS)
    xr.testing.assert_allclose(turned, first, atol=ROUNDING)


def test_what_is_decided_leaves_nothing_to_tell():
    found = conditional_mutual_information(GAP, GAP, DIMS, size=3)
    all_known = found.sel(given="width, l2, rate")
    assert float(all_known.entropy) == 0.0 and np.isnan(all_known.share) and float(found.score) == 1.0
    lost = conditional_mutual_information(GAP * np.nan, GAP, DIMS)
    assert np.isnan(lost.score) and np.isnan(lost.entropy).all()
    seeds = conditional_mutual_information(GAP, GAP, ["width", "l2"])
    assert seeds.score.dims == ("rate",)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: conditional_mutual_information(GAP, GAP, DIMS, size=-1),
            "size = -1 must be a whole number, 0 or more",
        ),
        (lambda: conditional_mutual_information(GAP, GAP, DIMS, size=True), "size = True must be a whole number"),
        (lambda: conditional_mutual_information(GAP, GAP, DIMS, repeats="l2"), "dims and repeats name 'l2' twice"),
        (lambda: conditional_mutual_information(GAP, GAP, "l2", size=1, repeats="seed"), "'seed' is not a dimension"),
    ],
)
def test_errors(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
