import math

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from memjax.analysis import leverage_null


def _leverage(h):
    q = np.linalg.qr(h)[0]
    return np.square(q).sum(-1)


def test_scores_of_gaussian_activations_follow_it():
    # One row of each of 4000 matrices, for the rows of one depend on each other. Columns are mixed, which may not matter.
    rng = np.random.default_rng(0)
    h = rng.standard_normal((4000, 30, 6)) @ rng.standard_normal((6, 6))
    scores = _leverage(h)[:, 0]
    grid = np.arange(1, 4000) / 4000
    quantile = leverage_null(30, 6, grid)
    # Kolmogorov-Smirnov at 1%: 1.63 / sqrt(4000) = 0.0258; measured 0.018. The null of rank 5 is 0.14 off.
    distance = np.abs((scores[:, None] <= quantile).mean(0) - grid).max()
    assert distance < 1.63 / math.sqrt(4000)


def test_one_sorted_curve_lies_on_it():
    rng = np.random.default_rng(1)
    curves = np.sort(_leverage(rng.standard_normal((200, 400, 40))), axis=-1)
    expected = leverage_null(400, 40)
    assert expected.shape == (400,) and (np.diff(expected) > 0).all()
    # The mean of 200 curves: measured 2.8e-4 but at both ends, where a mean is no median. Rank 41 is 2.9e-3 off.
    np.testing.assert_allclose(curves.mean(0)[4:-4], expected[4:-4], rtol=0, atol=6e-4)


def test_closed_forms():
    # Of 2 of 4 dimensions a share is uniform; of 2 of n, 1 - (1 - q)^(2 / (n - 2)); one of two, the arcsine law.
    shares = np.array([0.0, 0.01, 0.3, 0.5, 0.99, 1.0])
    np.testing.assert_allclose(leverage_null(4, 2, shares), shares, rtol=1e-12)
    np.testing.assert_allclose(leverage_null(50, 2, shares), 1 - (1 - shares) ** (2 / 48), rtol=1e-11)
    np.testing.assert_allclose(leverage_null(2, 1, shares), np.sin(np.pi * shares / 2) ** 2, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize(("n", "rank"), [(50_000, 512), (60_000, 1024), (1000, 999)])
def test_the_mean_is_the_rank_over_the_examples_at_published_sizes(n, rank):
    values = leverage_null(n, rank)
    # The midpoint rule: measured 7e-7, where the density piles up at 1, and 3e-8.
    assert values.mean() == pytest.approx(rank / n, rel=5e-6)
    np.testing.assert_allclose(leverage_null(n, rank, [0.1, 0.9]), stats.beta(rank / 2, (n - rank) / 2).ppf([0.1, 0.9]))


def test_degenerate_ranks_are_points_and_a_diverged_run_is_nan():
    values = leverage_null(5, [0, 5, math.nan, 2], [0.0, 0.5, 1.0])
    np.testing.assert_array_equal(values[:2], [[0.0] * 3, [1.0] * 3])
    assert np.isnan(values[2]).all()
    np.testing.assert_array_equal(values[3], leverage_null(5, 2, [0.0, 0.5, 1.0]))
    assert leverage_null(1, 1).tolist() == [1.0]


def test_labels_of_the_rank_stay():
    rank = xr.DataArray([[3.0, 4.0]], dims=("seed", "width"), coords={"width": [3, 4]}, name="rank")
    null = leverage_null(10, rank, [0.25, 0.5])
    assert null.dims == ("seed", "width", "quantile") and null.attrs["units"] == "1"
    expected = leverage_null(10, 4, [0.5])
    np.testing.assert_array_equal(null.sel(width=4, quantile=0.5).values, expected)


@pytest.mark.parametrize("n", [0, -3, 2.5, True, "9"])
def test_a_bad_number_of_examples_has_its_sentence(n):
    with pytest.raises(ValueError, match=r"num_examples is .*: give a whole number of at least 1"):
        leverage_null(n, 1)


@pytest.mark.parametrize("rank", [-1, 11, 2.5, [1, 12], math.inf])
def test_a_bad_rank_has_its_sentence(rank):
    with pytest.raises(ValueError, match=r"rank is .*: give whole numbers from 0 to num_examples = 10"):
        leverage_null(10, rank)


@pytest.mark.parametrize("shares", [1.5, -0.1, math.nan, [[0.5]]])
def test_bad_quantiles_have_their_sentence(shares):
    with pytest.raises(ValueError, match=r"quantiles is .*: give numbers from 0 to 1"):
        leverage_null(10, 2, shares)


@pytest.mark.parametrize(
    ("rank", "sentence"),
    [
        (xr.DataArray([1.0, 2.0], dims="quantile"), r"'quantile' is the name of a dimension of the result\. Rename it"),
        (xr.Dataset({"rank": 3.0}), r"rank is a Dataset with variables \['rank'\]; one DataArray is expected"),
    ],
)
def test_a_rank_that_cannot_be_labelled_has_its_sentence(rank, sentence):
    with pytest.raises(ValueError, match=sentence):
        leverage_null(10, rank, [0.25, 0.5])


def test_a_quantile_that_was_chosen_before_gives_way():
    chosen = xr.DataArray(3.0, coords={"quantile": 0.9})
    null = leverage_null(10, chosen, [0.25, 0.5])
    assert null.dims == ("quantile",) and null["quantile"].values.tolist() == [0.25, 0.5]
    np.testing.assert_array_equal(null, leverage_null(10, 3, [0.25, 0.5]))
