"""The Gini coefficient: closed forms, all pairs, invariances, values that are left out."""

import numpy as np
import pytest
import xarray as xr

from memjax import measures
from memjax.analysis import gini

RNG = np.random.default_rng(0)


def labelled(values, *dims):
    return xr.DataArray(values, dims=dims or ("example",), attrs={"long_name": "loss sensitivity", "units": "nats"})


@pytest.mark.parametrize(
    ("values", "exact"),
    [
        ([3.0, 3.0, 3.0], 0.0),
        ([0.0, 5.0, 0.0, 0.0], 3 / 4),
        ([1.0, 2.0, 3.0, 4.0], 1 / 4),
        ([1.0, 1.0, 2.0, 2.0], 1 / 6),
        ([7.0], 0.0),
        ([0.0, 0.0], np.nan),
        ([np.nan, np.inf], np.nan),
    ],
)
def test_it_has_its_closed_form(values, exact):
    assert float(gini(labelled(values))) == pytest.approx(exact, abs=1e-15, nan_ok=True)


def test_it_is_the_mean_difference_of_all_pairs_along_any_dimension():
    values = RNG.exponential(size=(3, 20, 2))
    found = gini(labelled(values, "seed", "row", "step"), "row")
    pairs = np.abs(values[:, :, None] - values[:, None]).mean((1, 2)) / (2 * values.mean(1))
    np.testing.assert_allclose(found, pairs, rtol=1e-12)
    assert found.dims == ("seed", "step") and found.attrs["long_name"] == "Gini coefficient of loss sensitivity"
    np.testing.assert_allclose(found, measures.gini(values, axis=1), rtol=1e-12)


@pytest.mark.parametrize("factor", [1e-300, 1e6, 1e306])
def test_a_common_factor_changes_nothing(factor):
    values = RNG.random(50)
    assert float(gini(labelled(factor * values))) == pytest.approx(float(gini(labelled(values))), rel=1e-12)


def test_values_that_are_not_finite_are_left_out_row_by_row():
    values = RNG.random((2, 9))
    missing = values.copy()
    missing[0, [1, 4]], missing[1, 8] = np.nan, np.inf
    found = gini(labelled(missing, "seed", "example"))
    assert found.values == pytest.approx(
        [float(gini(labelled(np.delete(values[0], [1, 4])))), float(gini(labelled(values[1, :8])))], rel=1e-12
    )


@pytest.mark.parametrize(
    ("values", "dim", "words"),
    [
        (labelled([1.0, -2.0]), "example", "values holds -2"),
        (labelled([1.0]), "seed", "not a dimension"),
        (xr.Dataset({"a": 1.0}), "example", "values is a Dataset"),
    ],
)
def test_what_has_no_coefficient_is_refused(values, dim, words):
    with pytest.raises(ValueError, match=words):
        gini(values, dim)
