"""Sign errors in environments: scripted environments, naive loops, seeds, the weights of noisy gaps, and labels."""

from itertools import combinations

import numpy as np
import pytest
import xarray as xr

from memjax.analysis import granulated_kendall, robust_sign_error

RNG = np.random.default_rng(4)
DIMS = ["width", "l2"]
GAP = xr.DataArray(RNG.random((3, 2, 4)), dims=(*DIMS, "seed"), coords={"width": [8, 16, 32], "l2": ["no", "yes"]})


def _naive(measure, gap):
    """Errors of every pair of settings ``[width, l2]`` that differ in one thing, by loops over pairs of seeds."""
    found = {}
    for one, other in combinations(np.ndindex(gap.shape[:2]), 2):
        if sum(a != b for a, b in zip(one, other, strict=True)) == 1:
            pairs = [
                (1 - np.sign(measure[one][i] - measure[other][j]) * np.sign(gap[one][i] - gap[other][j])) / 2
                for i in range(gap.shape[2])
                for j in range(gap.shape[2])
                if np.isfinite(measure[one][i] + measure[other][j] + gap[one][i] + gap[other][j])
            ]
            found[one, other] = np.mean(pairs) if pairs else np.nan
    return found


def test_scripted_environments():
    """Four of nine environments are wrong: those in which l2 varies, and one of the six in which width does."""
    gap = xr.DataArray([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dims=DIMS)
    measure = xr.DataArray([[2.0, 1.0], [4.0, 3.0], [6.0, 2.5]], dims=DIMS)
    found = robust_sign_error(measure, gap, DIMS)
    of_l2 = found.sign_error[found.hyperparameter == "l2"]
    wrong = found.sign_error[(found.hyperparameter == "width") & (found.sign_error == 1.0)]
    assert of_l2.values.tolist() == [1.0, 1.0, 1.0] and wrong.pair.item() == "1 and 2"
    assert wrong.setting.item() == "l2 = 1" and int(found["count"]) == 9
    assert float(found["mean"]) == pytest.approx(4 / 9) and float(found.worst) == 1.0
    assert found.quantile_error.sel(quantile=[0.5, 0.9]).values.tolist() == [0.0, 1.0]
    # Five of nine errors are 0: no error lies between, and so does no quantile.
    between = robust_sign_error(measure, gap, DIMS, quantiles=[0.55, 0.6]).quantile_error
    assert between.values.tolist() == [0.0, 1.0]


def test_errors_are_those_of_naive_loops_with_ties_and_gaps():
    measure, gap = np.round(3 * RNG.random(GAP.shape)), GAP.values.copy()
    measure[0, 0, 1], gap[2, 1], gap[1, 0, 3] = np.nan, np.inf, np.nan
    found = robust_sign_error(GAP.copy(data=measure), GAP.copy(data=gap), DIMS, repeats="seed")
    naive = _naive(measure, gap)
    # A setting without finite gaps leaves three of nine environments without pairs.
    assert int(found["count"]) == 6
    # Largest difference seen in 100 draws: 0.
    np.testing.assert_allclose(np.sort(found.sign_error), np.sort(list(naive.values())), atol=1e-15)
    finite = [value for value in naive.values() if np.isfinite(value)]
    assert float(found.worst) == pytest.approx(max(finite)) and float(found["mean"]) == pytest.approx(np.mean(finite))


def test_a_monotone_function_of_the_gap_is_never_wrong():
    measures = xr.concat([np.exp(GAP), -GAP, 0.0 * GAP], xr.Variable("measure", ["up", "down", "constant"]))
    found = robust_sign_error(measures, GAP, DIMS, repeats="seed")
    for name in ("mean", "worst"):
        assert found[name].sel(measure=["up", "down", "constant"]).values.tolist() == [0.0, 1.0, 0.5]
    assert found.quantile_error.dims == ("measure", "quantile")


def test_with_two_values_each_the_mean_is_the_mean_of_psi():
    """With one pair in every group, the error of an environment is (1 - tau) / 2 of its group."""
    gap, measure = (xr.DataArray(RNG.random((2, 2, 2)), dims=("a", "b", "c")) for _ in range(2))
    psi = granulated_kendall(measure, gap, ["a", "b", "c"]).mean_psi
    assert float(robust_sign_error(measure, gap, ["a", "b", "c"])["mean"]) == pytest.approx((1 - float(psi)) / 2)


def test_one_hyperparameter_that_misleads_shows_in_the_worst_environment_only():
    """The mean over 45 environments hides the one in which rate changes at the first width and the first l2."""
    gap = xr.DataArray(np.arange(18.0).reshape(3, 3, 2), dims=("width", "l2", "rate"))
    measure = gap.copy()
    measure[0, 0] = measure[0, 0][::-1]
    found = robust_sign_error(measure, gap, ["width", "l2", "rate"])
    assert float(found.worst) == 1.0 and float(found["mean"]) == pytest.approx(1 / 45)
    assert found.setting[found.sign_error.argmax("environment")].item() == "width = 0, l2 = 0"


def test_scores_know_no_units_and_keep_seeds_apart():
    noisy = GAP + 0.5 * RNG.random(GAP.shape)
    first = robust_sign_error(noisy, GAP, DIMS, repeats="seed")
    xr.testing.assert_equal(first, robust_sign_error(np.exp(9 * noisy), 1e-9 * GAP, DIMS, repeats="seed"))
    by_seed = robust_sign_error(noisy, GAP, DIMS)
    assert by_seed.worst.dims == ("seed",) and set(np.unique(by_seed.sign_error)) <= {0.0, 0.5, 1.0}
    labels = first.isel(environment=-1)
    assert (labels.hyperparameter.item(), labels.pair.item(), labels.setting.item()) == (
        "l2",
        "no and yes",
        "width = 32",
    )


def test_gaps_that_may_differ_by_chance_weigh_less():
    """Gaps 0.04 and 0.1 apart: with 1,000 test examples the first difference does not count, with 3,000 a third as much."""
    gap = xr.DataArray([[0.0, 0.0], [0.1, 0.04]], dims=("width", "seed"))
    measure = xr.DataArray([[0.0, 1.0], [0.5, 2.0]], dims=("width", "seed"))
    apart, error = np.array([0.1, 0.04, 0.1, 0.04]), np.array([0.0, 0.0, 1.0, 0.0])
    for count, ratio in ((1000, 0.0), (3000, 0.34)):
        weight = np.maximum(0, np.maximum(0, 1 - 2 * np.exp(-count * apart**2 / 2)) ** 2 - 0.5)
        found = robust_sign_error(measure, gap, "width", repeats="seed", test_examples=count)
        assert weight[1] / weight[0] == pytest.approx(ratio, abs=0.01)
        assert float(found["mean"]) == pytest.approx((weight * error).sum() / weight.sum())
    assert float(robust_sign_error(measure, gap, "width", repeats="seed")["mean"]) == 0.25
    lost = robust_sign_error(measure, 1e-3 * gap, "width", repeats="seed", test_examples=1000)
    assert int(lost["count"]) == 0 and all(np.isnan(lost[name]).all() for name in ("mean", "worst", "quantile_error"))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: robust_sign_error(GAP, GAP, DIMS, quantiles=[1.0]),
            "quantiles = 1.0 must lie strictly between 0 and 1",
        ),
        (
            lambda: robust_sign_error(GAP, GAP, DIMS, test_examples=0),
            "test_examples = 0 must be a positive whole number",
        ),
        (lambda: robust_sign_error(GAP, GAP, DIMS, repeats="l2"), "dims and repeats name 'l2' twice"),
        (lambda: robust_sign_error(GAP[:1], GAP[:1], "width"), "a pair of settings needs a dimension with two"),
    ],
)
def test_errors(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
