"""Rank statistics: scipy's own functions, closed forms, invariances, gaps and ties."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from memjax.analysis import mann_whitney, spearman, spearman_matrix

RNG = np.random.default_rng(5)


def _array(values, *dims):
    return xr.DataArray(values, dims=dims)


def test_spearman_is_scipys_with_ties_and_gaps_and_broadcasts():
    x, y = RNG.integers(0, 9, (3, 40)).astype(float), RNG.normal(size=40)
    x[1, 5] = y[7] = np.nan
    found = spearman(_array(x, "seed", "example"), _array(y, "example"), "example")
    assert found.dims == ("seed",)
    for row, value in zip(x, found.values, strict=True):
        keep = np.isfinite(row) & np.isfinite(y)
        assert value == pytest.approx(stats.spearmanr(row[keep], y[keep]).statistic, abs=1e-12)


def test_spearman_of_whole_arrays_is_scipys_in_every_column():
    # Ties on one side alone: the ranks of the two sides have different spreads.
    x, y = RNG.integers(0, 4, (2, 30)).astype(float), RNG.normal(size=(3, 30))
    found = spearman(_array(x, "a", "example"), _array(y, "b", "example"), "example")
    wanted = [[stats.spearmanr(row, column).statistic for column in y] for row in x]
    np.testing.assert_allclose(found.transpose("a", "b"), wanted, atol=1e-12)


def test_spearman_is_six_sums_of_squares_without_ties():
    """1 - 6 sum d^2 / (n (n^2 - 1)), the textbook form; unchanged by any increasing map, turned by a decreasing one."""
    x, y = RNG.normal(size=30), RNG.normal(size=30)
    d = x.argsort().argsort() - y.argsort().argsort()
    closed = 1 - 6 * (d**2).sum() / (30 * (30**2 - 1))
    value = [float(spearman(_array(a, "i"), _array(y, "i"), "i")) for a in (x, np.exp(x), -(x**3))]
    np.testing.assert_allclose(value, [closed, closed, -closed], atol=1e-12)


def test_what_does_not_vary_has_no_correlation():
    for x in ([1.0, 1.0, 1.0], [1.0, np.nan, np.nan]):
        assert np.isnan(spearman(_array(x, "i"), _array([1.0, 2.0, 3.0], "i"), "i"))


def test_the_matrix_holds_every_pair():
    values = _array(RNG.normal(size=(2, 4, 25)), "width", "seed", "example").assign_coords(seed=[3, 4, 5, 6])
    found = spearman_matrix(values, "seed", "example")
    assert found.dims == ("width", "seed", "other") and found.other.values.tolist() == [3, 4, 5, 6]
    exact = np.stack([stats.spearmanr(block, axis=1).statistic for block in values.values])
    np.testing.assert_allclose(found, exact, atol=1e-12)


def test_a_coordinate_with_the_name_of_the_new_dimension_gives_way():
    values = _array(RNG.normal(size=(3, 9)), "seed", "example").assign_coords(seed=[1, 2, 3])
    bare = spearman_matrix(values, "seed", "example")
    xr.testing.assert_identical(spearman_matrix(values.assign_coords(other=7), "seed", "example"), bare)
    along = values.assign_coords(other=("seed", [7, 8, 9]))
    xr.testing.assert_identical(spearman_matrix(along, "seed", "example"), bare)


@pytest.mark.parametrize(
    ("dims", "over", "dim", "sentence"),
    [
        (
            ("seed", "other", "example"),
            "seed",
            "example",
            r"'other' is the name of a dimension of the result\. Rename it",
        ),
        (
            ("seed", "other", "example"),
            "other",
            "example",
            r"'other' is the name of a dimension of the result\. Rename it",
        ),
        (("seed", "width", "other"), "seed", "other", r"'other' is the name of a dimension of the result\. Rename it"),
        (("seed", "width", "example"), "seed", "seed", r"over and dim are both 'seed'; .* must be two dimensions"),
        (("seed", "width", "example"), "seed", "point", r"dim = 'point' is not a dimension"),
    ],
)
def test_a_matrix_of_dimensions_that_clash_is_an_error(dims, over, dim, sentence):
    with pytest.raises(ValueError, match=sentence):
        spearman_matrix(_array(np.ones((2, 3, 4)), *dims), over, dim)


def test_mann_whitney_counts_the_pairs():
    values, marked = RNG.integers(0, 12, (2, 50)).astype(float), RNG.random((2, 50)) < 0.3
    values[0, 3] = np.nan
    found = mann_whitney(_array(values, "seed", "i"), _array(marked, "seed", "i"), "i")
    for i in range(2):
        a, b = values[i][marked[i] & np.isfinite(values[i])], values[i][~marked[i] & np.isfinite(values[i])]
        pairs = (a[:, None] > b).mean() + 0.5 * (a[:, None] == b).mean()
        assert float(found.share[i]) == pytest.approx(pairs, abs=1e-12) and int(found["count"][i]) == len(a)
        assert float(found.pvalue[i]) == pytest.approx(stats.mannwhitneyu(a, b).pvalue, rel=1e-12)


def test_what_is_not_known_to_be_marked_is_left_out():
    values, marked = RNG.normal(size=30), np.where(RNG.random(30) < 0.4, -2.0, 0.0)
    gaps = marked.copy()
    gaps[[2, 5, 11]] = np.nan
    found = mann_whitney(_array(values, "i"), _array(gaps, "i"), "i")
    keep = np.isfinite(gaps)
    xr.testing.assert_identical(found, mann_whitney(_array(values[keep], "i"), _array(marked[keep] != 0, "i"), "i"))
    assert int(found["count"]) == (marked[keep] != 0).sum()


@pytest.mark.parametrize("marked", [["yes", "no", ""], [None, True, 1], [1j, 0, 0]])
def test_marks_are_flags_or_numbers(marked):
    with pytest.raises(ValueError, match=r"marked is of dtype .*: give flags or numbers"):
        mann_whitney(_array([1.0, 2.0, 3.0], "i"), _array(marked, "i"), "i")


@pytest.mark.parametrize("marked", [[False] * 4, [True] * 4])
def test_without_two_groups_there_is_no_share(marked):
    found = mann_whitney(_array([1.0, 2.0, 3.0, 4.0], "i"), _array(marked, "i"), "i")
    assert np.isnan(found.share) and np.isnan(found.pvalue) and int(found["count"]) == sum(marked)


def test_missing_dimensions_are_an_error():
    with pytest.raises(ValueError, match="example"):
        spearman(_array([1.0, 2.0], "i"), _array([1.0, 2.0], "i"), "example")
    with pytest.raises(ValueError, match="seed"):
        spearman_matrix(_array([[1.0, 2.0]], "width", "i"), "seed", "i")
    with pytest.raises(ValueError, match="DataArray"):
        mann_whitney(np.ones(3), _array([1, 0, 1], "i"), "i")
