"""Signatures of margins: numpy's quantiles, fences by hand, powers, scales, margins that are left out."""

import numpy as np
import pytest
import xarray as xr

from memjax.analysis import margin_signature

RNG = np.random.default_rng(0)
MARGINS = RNG.normal(1.0, 1.0, size=(3, 41, 2))


def labelled(values, *dims):
    return xr.DataArray(values, dims=dims or ("example",), attrs={"long_name": "margin", "units": "1"})


def by_hand(row):
    low, middle, high = np.quantile(row, [0.25, 0.5, 0.75])
    inside = row[(row >= low - 1.5 * (high - low)) & (row <= high + 1.5 * (high - low))]
    return [inside.min(), low, middle, high, inside.max()]


@pytest.mark.parametrize("positive", [True, False])
def test_quartiles_and_fences_are_those_of_a_loop(positive):
    found = margin_signature(labelled(MARGINS, "layer", "row", "seed"), "row", positive=positive)
    assert found.dims == ("layer", "seed", "statistic") and found.attrs == {
        "long_name": "signature of margin",
        "units": "1",
    }
    for layer, seed in np.ndindex(3, 2):
        row = MARGINS[layer, :, seed]
        np.testing.assert_allclose(found[layer, seed], by_hand(row[row > 0] if positive else row), rtol=1e-12)


def test_fences_leave_out_what_is_far():
    found = margin_signature(labelled([1.0, 2.0, 2.0, 3.0, 100.0]))
    assert found.sel(statistic=["lower_fence", "upper_fence"]).values.tolist() == [1.0, 3.0]


def test_moments_are_roots_of_mean_powers():
    found = margin_signature(labelled(MARGINS[0].T - 1.5, "seed", "example"), kind="moments", positive=False)
    powers = [np.mean((MARGINS[0] - 1.5) ** k, axis=0) for k in range(1, 6)]
    exact = [np.sign(one) * np.abs(one) ** (1 / k) for k, one in enumerate(powers, 1)]
    np.testing.assert_allclose(found, np.transpose(exact), rtol=1e-12)


@pytest.mark.parametrize("kind", ["quartiles", "moments"])
@pytest.mark.parametrize("factor", [1e-200, 1e200])
def test_a_common_factor_is_one_of_the_signature(kind, factor):
    one = margin_signature(labelled(MARGINS[0, :, 0]), kind=kind)
    np.testing.assert_allclose(
        margin_signature(labelled(factor * MARGINS[0, :, 0]), kind=kind), factor * one, rtol=1e-12
    )


@pytest.mark.parametrize("kind", ["quartiles", "moments"])
def test_margins_that_are_not_finite_or_not_positive_are_left_out(kind):
    held = np.array([[0.5, 2.0, 4.0, 7.0], [-1.0, np.nan, np.inf, 0.0]])
    more = np.concatenate([held, [[np.nan, -np.inf, -2.0], [-1.0, np.nan, -3.0]]], axis=1)
    found = margin_signature(labelled(more, "run", "example"), kind=kind)
    np.testing.assert_allclose(found[0], margin_signature(labelled(held[0]), kind=kind), rtol=1e-12)
    assert np.isnan(found[1]).all()


def test_what_has_no_signature_is_refused():
    with pytest.raises(ValueError, match="not a dimension"):
        margin_signature(labelled([1.0]), "seed")
    with pytest.raises(ValueError, match="kind = 'deciles' is not known"):
        margin_signature(labelled([1.0]), kind="deciles")
    with pytest.raises(ValueError, match="margins is a list"):
        margin_signature([1.0])
