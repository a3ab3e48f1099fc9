"""Two arrays of the same runs are paired by label: in any order the same number, and other runs are an error."""

import numpy as np
import pytest
import xarray as xr

from memjax.analysis import (
    all_fitted,
    cover_probability,
    delay,
    mann_whitney,
    memorized_bits,
    num_fitted,
    out_of_run,
    rank_correlation,
    spearman,
)

RNG = np.random.default_rng(3)
X = xr.DataArray(RNG.permutation(np.arange(8.0)), dims="seed", coords={"seed": range(8)})
Y = X + xr.DataArray(RNG.normal(size=8), dims="seed", coords={"seed": range(8)})
TIME = xr.DataArray(np.linspace(0.0, 1.0, 5), dims="step", coords={"step": [0, 10, 20, 30, 40]})

CALLS = {
    "rank_correlation": lambda a, b: rank_correlation(a, b),
    "given": lambda a, b: rank_correlation(a, a**2 % 5, given=[b]),
    "spearman": lambda a, b: spearman(a, b, "seed"),
    "mann_whitney": lambda a, b: mann_whitney(a, b > 4, "seed").share,
    "delay": lambda a, b: delay((a + 1) * TIME, (b + 2) * TIME, 0.9).ratio,
    "memorized_bits": lambda a, b: memorized_bits(0.1 * a, b.astype(int) + 9, 4),
    "num_fitted": lambda a, b: num_fitted(a / 8, b.astype(int) + 9),
    "all_fitted": lambda a, b: all_fitted(xr.ones_like(a), b.astype(int) + 9),
    "cover_probability": lambda a, b: cover_probability(a.astype(int) + 9, b.astype(int) + 9),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_order_of_labels_says_nothing(name):
    call = CALLS[name]
    expected = call(X, Y)
    for a, b in ((X, Y[::-1]), (X, Y[[3, 1, 7, 0, 5, 2, 4, 6]]), (X, Y.drop_vars("seed"))):
        np.testing.assert_array_equal(call(a, b), expected)


@pytest.mark.parametrize("name", CALLS)
def test_other_labels_are_an_error_that_names_them(name):
    with pytest.raises(
        ValueError, match=r"different labels along 'seed' \(only .* has 0, only .* has 8\): give arrays"
    ):
        CALLS[name](X, Y.assign_coords(seed=range(1, 9)))


def test_repeated_labels_in_another_order_are_an_error():
    twice = X.assign_coords(seed=[0, 0, 1, 2, 3, 4, 5, 6])
    assert rank_correlation(twice, twice) == 1.0
    with pytest.raises(ValueError, match=r"along 'seed' \(labels repeat\)"):
        rank_correlation(twice, twice[::-1])


def test_features_are_paired_by_label_and_share_some():
    target = xr.DataArray(RNG.normal(size=(8, 6)), dims=("seed", "step"), coords={"seed": range(8), "step": range(6)})
    feature = target + 0.1 * X
    found = out_of_run(feature, target)
    xr.testing.assert_allclose(out_of_run(feature[::-1, ::-1], target), found)
    # A feature without two of the seeds leaves them out, and says how many are left.
    assert out_of_run(feature[2:], target)["count"] == 6 and found["count"] == 8
    with pytest.raises(
        ValueError, match=r"target and features\[0\] share no label along 'seed' \(only target has 0, 1, 2 and 5"
    ):
        out_of_run(feature.assign_coords(seed=range(10, 18)), target)
    with pytest.raises(ValueError, match="target has 8 entries along 'seed', and features"):
        out_of_run(feature.drop_vars("seed")[:4], target)
