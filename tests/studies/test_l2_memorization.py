"""The study l2-memorization: peak and laws of made-up gaps, its claims, and a shrunk run from end to end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies.l2_memorization import claims, numbers

STUDY = studies.find("l2-memorization")
SIZES = [50, 100, 200, 400, 800, 1600, 3200, 6400]
SEEDS = 4


def made_up_gap(wobble: float = 0.0) -> xr.DataArray:
    """The published law up to 1600, then 40 at 3200 and 30 at 6400; the seeds differ by a level, and by a wobble."""
    sizes = np.array(SIZES, float)
    mean = np.where(sizes <= 1600, 6.5 * sizes**0.27 - 9.636, np.where(sizes == 3200, 40.0, 30.0))
    level = 0.1 * np.array([-1.0, -0.5, 0.5, 1.0])
    noise = wobble * np.random.default_rng(0).standard_normal((len(SIZES), SEEDS))
    return xr.DataArray(
        mean[:, None] + level + noise, {"train_size": SIZES, "seed": range(SEEDS)}, ("train_size", "seed")
    )


def test_the_peak_is_that_of_the_mean_with_the_heights_of_its_seeds():
    peak = numbers.peak(made_up_gap())
    level = [-0.1, -0.05, 0.05, 0.1]
    assert peak["location"].values.tolist() == [3200] * SEEDS
    np.testing.assert_allclose(peak["height"], 40.0 + np.array(level))
    # The level of a seed is the same at the ends; the lower end is 6.5 * 50^0.27 - 9.636 = 9.056.
    np.testing.assert_allclose(peak["over_last"], 10.0)
    np.testing.assert_allclose(peak["over_ends"], 40.0 - (6.5 * 50**0.27 - 9.636 + 30.0) / 2.0)
    # Levels are no noise.
    assert float(peak["noise"]) == pytest.approx(0.0, abs=1e-12)


def test_a_seed_with_its_own_maximum_elsewhere_or_with_a_diverged_run_says_so():
    gap = made_up_gap()
    gap.loc[{"train_size": 6400, "seed": 0}] = 50.0
    gap.loc[{"train_size": 50, "seed": 1}] = np.nan
    peak = numbers.peak(gap)
    np.testing.assert_equal(peak["location"].values, [6400, np.nan, 3200, 3200])
    assert np.isnan(peak["over_ends"].values).tolist() == [False, True, False, False]


def test_the_law_that_was_put_in_comes_back():
    laws = numbers.laws(made_up_gap(wobble=1e-6))
    for name, value in claims.PUBLISHED_LAW.items():
        assert float(laws.offset[name]) == pytest.approx(value, rel=1e-4)
    np.testing.assert_allclose(laws.alone["exponent"], 0.27, rtol=1e-4)
    assert laws.alone["r_squared"].dims == ("seed",)
    held = laws.ridge.sel(exponent=0.3, method="nearest")
    # On the ridge a larger exponent has a smaller amplitude and a higher offset, and fits worse.
    assert float(held["amplitude"]) < 6.5 and float(held["offset"]) > -9.636
    assert float(held["r_squared"]) < float(laws.ridge.sel(exponent=0.27, method="nearest")["r_squared"])


def by_name(gap: xr.DataArray) -> dict[str, studies.Claim]:
    return {claim.what: claim for claim in claims.claims(numbers.peak(gap), numbers.laws(gap), SIZES)}


def test_gaps_as_published_come_out_as_published():
    found = by_name(made_up_gap(wobble=0.01))
    asked = {name: claim.verdict.value for name, claim in found.items() if claim.band is not None}
    assert set(asked.values()) == {"as published"} and len(asked) == 9
    assert found["R^2 of A N^B + C, fitted to each seed alone"].band.low == 0.9995
    assert found["exponent of A N^B + C"].estimate.count == SEEDS
    low, high = (
        getattr(found["exponent of A N^B + C by its profile likelihood"].estimate, end) for end in ("low", "high")
    )
    assert low <= 0.27 <= high < 0.28
    assert found["height of the maximum above the mean of the ends (50 and 6400)"].verdict.value == "not asked"


def test_a_gap_that_only_grows_is_no_inverted_u():
    gap = made_up_gap(wobble=0.01)
    gap.loc[{"train_size": 6400}] = [55.0, 55.1, 55.2, 55.3]
    found = by_name(gap)
    assert found["train size of the largest gap"].verdict.value == "differs"
    # The largest gap is that at the largest size: it is 0 above itself.
    fall = found["gap at the maximum less the gap at the largest size"]
    assert fall.estimate.value == 0.0 and fall.verdict.value == "differs"


def test_tables_hold_every_size_and_the_exponents_that_round_to_an_r_squared_of_one():
    gap = made_up_gap(wobble=0.01)
    made = claims.tables(gap, numbers.laws(gap).ridge)
    assert [row[0] for row in made["gaps"].rows] == [str(size) for size in SIZES]
    assert made["gaps"].rows[6][1] == "40.47" and float(made["gaps"].rows[6][3].split()[0]) == pytest.approx(
        -1.2, abs=0.1
    )
    ridge = {float(row[0]): row[1:] for row in made["ridge"].rows}
    assert all(float(row[2]) < 0.0005 for row in ridge.values())
    assert float(ridge[0.27][0]) == pytest.approx(6.5, abs=0.05) and ridge[0.27][3] == "yes"


@pytest.mark.long
def test_a_shrunk_study_runs_through_and_can_be_made_again(tmp_path, made_again):
    part = STUDY.sweeps("quick", 2)["sweep"]
    model = mj.models.MLP(hidden=(8,))
    experiment = replace(part.experiment, model=model, steps=100, record_every=50)
    small = studies.Sweep(experiment, {"train_size": SIZES[:7], "seed": [0, 1]})
    study = replace(STUDY, sweeps=lambda *_: {"sweep": small})
    folder, found = studies.run(study, tmp_path / "out", progress=False)
    assert {path.name for path in folder.iterdir()} >= {
        "gap.png",
        "ridge.png",
        "capacity.pdf",
        "gaps.csv",
        "report.html",
    }
    assert [row[0] for row in found.tables["gaps"].rows] == [str(size) for size in SIZES[:7]]
    made_again(folder, study)
    assert {"published", "gaps", "ridge"} <= set(found.all_tables)
