"""The exact cases of study double-descent: least squares at every size and gradient descent at every step."""

import dataclasses

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import analysis
from memjax.studies.double_descent import claims, exact, exact_figure

SEEDS = xr.Dataset(coords={"seed": [0, 3]})


@pytest.mark.slow
def test_simulated_errors_are_near_the_formula_and_of_the_own_seed():
    found = exact.of_isotropic(SEEDS, examples=120, draws=6)["risk"]
    formula = analysis.ridgeless_risk(np.array(exact.SIZE_RATIOS), noise=exact.NOISE_VARIANCE)
    # Of 12 draws the mean is 12% off at most (p / n = 1.25, where single draws differ by a factor of two).
    np.testing.assert_allclose(found.mean("seed"), formula, rtol=0.3)
    assert (found.isel(seed=0) != found.isel(seed=1)).all()
    np.testing.assert_array_equal(exact.of_isotropic(SEEDS.isel(seed=[1]), examples=120, draws=6)["risk"][0], found[1])


@pytest.fixture(scope="module")
def runs():
    shorter = dataclasses.replace(exact.descent(), steps=40, record_at=(4, 20), snapshots=(0, 5, 40), test_size=500)
    return mj.sweep(shorter, {"seed": [0, 1]}, progress=False)


def test_gradient_descent_has_the_weights_and_the_error_of_the_formula(runs):
    found = exact.of_descent(runs)
    # Measured: 6e-7 and 8e-7 in float32.
    assert (found["distance"] < 1e-5).all()
    assert found["step"].values.tolist() == [0, 4, 20, 40]
    # 500 test examples of a squared error: 6% of the mean in one deviation.
    np.testing.assert_allclose(found["risk"], runs["test_loss"], rtol=0.25)


def test_a_run_with_other_weights_is_far_from_the_formula(runs):
    other = runs.copy(deep=True)
    other["parameters"][:, 2] = runs["parameters"][:, 2].values * 1.01
    assert (exact.of_descent(other)["distance"] > 1e-3).all()


def test_claims_hold_the_formula_and_what_was_derived_is_counted_apart():
    formula = analysis.ridgeless_risk(np.array(exact.SIZE_RATIOS), noise=exact.NOISE_VARIANCE)
    noise = 1 + xr.DataArray([-1e-3, 0.0, 1e-3], dims="seed")
    risk = xr.DataArray(formula, {"ratio": list(exact.SIZE_RATIOS)}, ("ratio",)) * noise
    near = xr.Dataset({"distance": 1e-6 * noise})
    for factor, off, verdicts in ((1.0, 1.0, ["as published"] * 4 + ["as derived"]), (1.4, 1e4, ["differs"] * 5)):
        found = claims.exact_claims(xr.Dataset({"risk": factor * risk}), off * near)
        assert [claim.verdict_shown for claim in found] == verdicts
        assert [claim.published for claim in found[:4]] == [0.25, 1.0, 1.2, 0.833]


def test_the_figure_draws_formulas_and_points(runs):
    drawn = exact_figure.exact(exact.of_isotropic(SEEDS, examples=20, draws=1), runs, exact.of_descent(runs))
    left, right = drawn.axes
    assert len(right.get_lines()) == 4 and right.get_lines()[3].get_xdata().tolist() == [4, 20, 40]
    np.testing.assert_allclose(right.get_lines()[0].get_ydata(), exact.of_descent(runs)["risk"].mean("seed")[1:])
    assert left.get_xscale() == "log"
