"""Times to fit of random-labels by number of examples and by width: power laws by hand, censored runs, claims and tables."""

import numpy as np
import pytest
import xarray as xr

from memjax.studies.random_labels import further, growth
from memjax.studies.random_labels.runs import NOISE

SIZES, WIDTHS = np.array([100, 200, 400, 800]), np.array([4, 8, 16, 32, 64])
BUDGET = 3000.0


def times_of(dim, places, exponents, budget=BUDGET):
    """Exact power laws of a law each, with a factor of each seed; times above the budget are infinite."""
    seeds = np.array([0.9, 1.0, 1.1, 1.05])[:, None]
    start = {"train_size": 20.0, "width": 2000.0}[dim]
    steps = np.stack([start * seeds * (places / places[0]) ** power for power in exponents])
    steps = np.where(steps > budget, np.inf, steps)
    coords = {"task": list(NOISE), "seed": range(4), dim: places}
    return xr.DataArray(steps, coords, ("task", "seed", dim))


TIMES = {
    "train_size": times_of("train_size", SIZES, (0.5, 1.5, 1.0)),
    "width": times_of("width", WIDTHS, (-0.25, -1.0, -0.5)),
}
# Laws that bend: the widths at which all runs have fitted are the last three.
BENT = growth.where_all_fitted(TIMES["width"].where(TIMES["width"]["width"] > 8, np.inf), "width")


@pytest.fixture(scope="module")
def found():
    made = {dim: growth.exponents(times, BUDGET, dim) for dim, times in TIMES.items()}
    return made | {"common": growth.exponents(BENT, BUDGET, "width")}


def test_an_exponent_is_that_of_its_law_and_a_factor_of_a_seed_drops_out_of_a_difference(found):
    own = growth.interval_of(found["train_size"], "random labels")
    assert own.value == pytest.approx(1.5, abs=1e-9) and own.count == 4
    less = growth.interval_of(found["train_size"], "random labels", "true labels")
    assert (less.value, less.low, less.high) == pytest.approx((1.0, 1.0, 1.0), abs=1e-9)


def test_the_interval_of_slopes_without_censored_runs_is_that_of_student():
    rng = np.random.default_rng(1)
    steps = 30.0 * (SIZES / 100) ** (1.5 + 0.2 * rng.normal(size=(1, 4, 1)))
    times = xr.DataArray(steps, {"task": ["random labels"], "train_size": SIZES}, ("task", "seed", "train_size"))
    own = growth.interval_of(growth.exponents(times, 1e9, "train_size"), "random labels")
    # The slope of all runs is the mean of the slopes of the seeds, and the jackknife of a mean is Student's interval.
    slopes = np.polyfit(np.log(SIZES), np.log(steps[0].T), 1)[0]
    half = 3.182446 * slopes.std(ddof=1) / 2
    assert (own.value, own.low, own.high) == pytest.approx(
        (slopes.mean(), slopes.mean() - half, slopes.mean() + half), abs=1e-6
    )


def test_a_run_that_never_fitted_counts_as_later_than_the_budget():
    rng = np.random.default_rng(0)
    steps = 30.0 * (SIZES / 100) ** 1.5 * np.exp(0.1 * rng.normal(size=(1, 2, 4)))
    whole = xr.DataArray(steps, {"task": ["random labels"], "train_size": SIZES}, ("task", "seed", "train_size"))
    cut = whole.where(whole < 400.0, np.inf)
    assert np.isinf(cut).sum("seed").values.tolist() == [[0, 0, 0, 2]]
    full, censored, taken = (
        float(growth.exponents(one, budget, "train_size").isel(without=0, task=0))
        for one, budget in ((whole, 1e9), (cut, 400.0), (cut.where(np.isfinite(cut), 400.0), 400.0))
    )
    # Measured: 1.544, 1.585 and 1.292.
    assert censored == pytest.approx(full, abs=0.1) and taken < full - 0.15


def test_times_are_first_crossings_and_widths_are_numbers():
    curves = np.array([[[0.1, 0.997, 1.0], [0.1, 0.5, 0.9]]] * 2)
    runs = xr.Dataset(
        {"train_accuracy": (("hidden", "seed", "step"), curves)}, {"hidden": ["4", "16"], "step": [0, 10, 20]}
    )
    found = growth.times_to_fit(runs, 0.997)
    assert found["width"].values.tolist() == [4, 16] and found.dims == ("width", "seed")
    assert found.values.tolist() == [[10.0, np.inf]] * 2
    assert "width" not in growth.times_to_fit(runs.rename(hidden="train_size"), 0.997).dims


def test_claims_ask_whether_noise_grows_more_steeply(found):
    made = {claim.what: claim for claim in growth.growth_claims(found)}
    what = "exponent of the steps to fit in {}: {} less true labels"
    examples = made[what.format("the number of examples", "random labels")]
    units = made[what.format("1 / units, where every run has fitted", "random labels")]
    assert examples.estimate.value == pytest.approx(1.0, abs=1e-9)
    # Fewer units take more steps, so the exponent in 1 / units is minus that in units.
    assert units.estimate.value == pytest.approx(0.75, abs=1e-9) and units.estimate.low <= units.estimate.high
    asked = {what: claim for what, claim in made.items() if "all widths" not in what}
    assert {claim.verdict.value for claim in asked.values()} == {"as published"} and len(asked) == 4
    turned = {
        claim.what: claim.verdict.value for claim in growth.growth_claims({dim: -one for dim, one in found.items()})
    }
    assert {turned[what] for what in asked} == {"differs"}


def test_widths_at_which_some_run_never_fitted_are_shown_and_not_asked(found):
    what = "exponent of the steps to fit in 1 / units{}: random labels less true labels"
    apart = found | {"width": found["width"] - xr.DataArray([0.0, 2.0, 0.0], {"task": list(NOISE)}, "task")}
    made = {claim.what: claim for claim in growth.growth_claims(apart)}
    over_all, common = (made[what.format(words)] for words in (", all widths", ", where every run has fitted"))
    assert over_all.estimate.value == pytest.approx(2.75, abs=1e-9) and over_all.verdict.value == "not asked"
    assert common.estimate.value == pytest.approx(0.75, abs=1e-9) and common.verdict.value == "as published"


def test_tables_have_times_exponents_and_counts_of_runs_that_never_fitted(found):
    short = TIMES | {"train_size": TIMES["train_size"].where(TIMES["train_size"] < 400.0, np.inf)}
    records = {dim: np.arange(0.0, BUDGET + 1) for dim in short}
    made = growth.growth_tables(short, records, found)
    assert set(made) == {"examples_time", "units_time", "exponents"}
    assert [row[0] for row in made["examples_time"].rows] == ["100", "200", "400", "800"]
    assert made["examples_time"].columns == ("examples", *NOISE)
    exponents = dict(zip(made["exponents"].columns, zip(*made["exponents"].rows, strict=True), strict=True))
    assert exponents["runs that never fitted, examples"] == ("0 of 16", "4 of 16", "0 of 16")
    for head in ("in 1 / units", "in 1 / units, where all fitted"):
        assert [float(text.split()[0]) for text in exponents[head]] == [0.25, 1.0, 0.5]


def test_places_where_a_run_of_any_law_never_fitted_are_left_out_of_all_laws():
    times = TIMES["width"].copy()
    times.loc[{"task": "random labels", "seed": 2, "width": 8}] = np.inf
    kept = growth.where_all_fitted(times, "width")
    assert np.isnan(kept.sel(width=8)).all() and kept.drop_sel(width=8).equals(TIMES["width"].drop_sel(width=8))


@pytest.mark.slow
def test_the_figure_marks_places_where_runs_never_fitted():
    some = TIMES["train_size"].copy()
    some.loc[{"task": "random labels", "train_size": 800, "seed": 0}] = np.inf
    some.loc[{"task": "random labels", "train_size": 400}] = np.inf
    left, right = further.growth({**TIMES, "train_size": some}, dict.fromkeys(TIMES, np.array([0, BUDGET]))).axes
    assert len(right.lines) == 3 and all(np.isfinite(line.get_ydata()).all() for line in right.lines)
    lines = {line.get_label(): line.get_ydata() for line in left.lines}
    assert np.isfinite(lines["true labels"]).all()
    assert np.isfinite(lines["random labels"]).tolist() == [True, True, False, False]
    arrow, partly = (line for line in left.lines if len(line.get_xdata()) == 1)
    assert arrow.get_xydata()[0].tolist() == [400.0, BUDGET]
    own = some.sel(task="random labels", train_size=800, seed=[1, 2, 3])
    assert partly.get_xydata()[0] == pytest.approx([800.0, float(np.exp(np.log(own).mean()))])
    assert [text.get_text() for text in left.texts] == ["3 of 4"] and not right.texts
    assert [text.get_text() for text in left.get_legend().get_texts()] == list(NOISE)
