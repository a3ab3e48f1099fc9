import numpy as np
import pytest
import xarray as xr
from scipy import stats

from memjax.analysis import describe, fit_power_law

SIZE = 50 * 2 ** np.arange(10)
GAP = np.array([9.15, 12.87, 17.56, 23.16, 30.05, 38.12, 40.47, 32.33, 26.56, 22.49])


def _curve(mean, sd=0.5, seeds=4, rng_seed=0):
    noise = sd * np.random.default_rng(rng_seed).standard_normal((seeds, len(mean)))
    return xr.DataArray(mean + noise, dims=("seed", "train_size"), coords={"train_size": SIZE[: len(mean)]})


@pytest.mark.parametrize(
    ("mean", "verdict"),
    [
        (GAP, "inverted U"),
        (50.0 - GAP, "U"),
        (GAP[:6], "rising"),
        (50.0 - GAP[:6], "falling"),
        (np.full(10, 40.0), "flat"),
        (40.0 + 20.0 * np.sin(np.arange(10)), "cannot tell"),
    ],
)
def test_verdicts(mean, verdict):
    assert describe(_curve(mean)).verdict == verdict


def test_the_sentence_of_the_published_shape():
    said = describe(_curve(GAP, sd=0.1), dim="train_size")
    first, second = str(said).splitlines()
    assert first.startswith("inverted U, maximum 40.")
    assert "at train_size = 3200 (in 100% of seeds); power law with offset, exponent 0.2" in first
    assert "on 50..1600" in first
    assert "from 50 to 3200 and -1" in second and "from 3200 to 25600" in second
    assert repr(said) == str(said)


def test_power_law_leaves_the_maximum_out():
    values = _curve(GAP)
    expected = fit_power_law(values.sel(train_size=slice(50, 1600)), offset=True)
    xr.testing.assert_identical(describe(values).power_law, expected)
    rising = _curve(GAP[:6])
    xr.testing.assert_identical(describe(rising).power_law, fit_power_law(rising, offset=True))


def test_minimum_is_reported_the_right_way_up():
    values = _curve(50.0 - GAP)
    said = describe(values)
    lower, upper = said.turn.height_interval.values
    assert lower < float(said.turn.height) < upper
    assert float(said.turn.height) == pytest.approx(float(values.mean("seed").min()))
    assert "U, minimum 9." in str(said)


def test_noise_without_trend_is_rarely_given_a_shape():
    shapes = [describe(_curve(np.full(10, 10.0), sd=1.0, rng_seed=trial)).verdict for trial in range(200)]
    # At most 5% by construction; 3.3% seen in 600 trials, standard error 0.7%.
    assert np.mean([shape != "cannot tell" for shape in shapes]) <= 0.08


def test_p_values_match_paired_t_tests():
    values = _curve(GAP, sd=8.0)

    def p(greater, smaller):
        return stats.ttest_rel(values[:, greater], values[:, smaller], alternative="greater").pvalue

    expected = {
        "rising": 4.0 * p(9, 0),
        "falling": 4.0 * p(0, 9),
        "inverted U": 32.0 * min(max(p(k, 0), p(k, 9)) for k in range(1, 9)),
        "U": 32.0 * min(max(p(0, k), p(9, k)) for k in range(1, 9)),
    }
    for shape, adjusted in describe(values).p_values.items():
        # Largest relative difference seen over ten seeds: 7e-16.
        assert adjusted == pytest.approx(min(1.0, expected[shape]), rel=1e-10)


def test_seed_offsets_cancel():
    values = _curve(GAP, sd=0.1)
    shifted = values + xr.DataArray([0.0, 100.0, -50.0, 30.0], dims="seed")
    assert describe(shifted).verdict == "inverted U"
    for shape, p in describe(values).p_values.items():
        assert describe(shifted).p_values[shape] == pytest.approx(p, rel=1e-6)


def test_turn_lost_in_noise_is_said_to_be_so():
    # The last point lies below the one before by as much as two seeds differ.
    said = describe(_curve(np.append(GAP[:7], 39.9), sd=0.5, rng_seed=3))
    assert said.verdict == "rising"
    assert "at face value the curve is inverted U, but not beyond seed noise" in said.evidence
    assert said.power_law.attrs["range"] == [50.0, 1600.0]


@pytest.mark.parametrize("values", [_curve(GAP, seeds=1), _curve(GAP).isel(seed=0), _curve(GAP).mean("seed")])
def test_without_seeds_it_cannot_tell_and_says_why(values):
    said = describe(values)
    assert said.verdict == "cannot tell"
    assert "no seed noise to judge by; taken at face value the curve is inverted U" in str(said)


def test_diverged_runs():
    values = _curve(GAP)
    values[2, 5] = np.nan
    values[:, 9] = np.nan
    said = describe(values)
    assert said.verdict == "inverted U" and "to 12800" in said.evidence
    values[:] = np.nan
    assert describe(values).evidence == "0 positions with enough finite values, at least 3 needed"


def test_identical_seeds_leave_no_doubt():
    assert describe(_curve(GAP, sd=0.0)).verdict == "inverted U"
    assert describe(_curve(np.zeros(10), sd=0.0)).verdict == "flat"


def test_axis_through_zero_has_no_power_law():
    values = _curve(GAP).assign_coords(train_size=np.arange(10) - 2)
    assert describe(values).verdict == "inverted U" and describe(values).power_law is None


def test_further_dimensions_are_refused():
    with pytest.raises(ValueError, match=r"Choose one entry of \['width'\]"):
        describe(_curve(GAP).expand_dims("width"))
