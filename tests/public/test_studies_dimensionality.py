"""The study data-dimensionality: its numbers on made-up values with known answers, and one small run from end to end."""

import dataclasses

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies import _data_dimensionality_claims as claims
from memjax.studies import _data_dimensionality_tables as tables
from memjax.studies import _data_dimensionality_values as values
from memjax.studies import data_dimensionality as study

RNG = np.random.default_rng(2)


def _scores(shape, dims, **coords):
    return xr.DataArray(RNG.random(shape), coords, dims)


def test_a_sorted_curve_is_the_quantile_function_over_the_mean():
    scores = _scores((2, 500), ("seed", "example"))
    curve = values.sorted_curves(scores, points=11)
    for i in range(2):
        exact = np.quantile(scores[i], 1 - np.linspace(0, 1, 11)) / scores[i].values.mean()
        np.testing.assert_allclose(curve.isel(seed=i), exact, rtol=1e-12)


def test_the_distance_of_two_curves_is_wassersteins():
    from scipy.stats import wasserstein_distance

    one, other = _scores(400, ("example",)), _scores(400, ("example",)) ** 2
    distance = float(values.curve_distance(values.sorted_curves(one), values.sorted_curves(other)))
    exact = wasserstein_distance(one / one.mean(), other / other.mean())
    # 401 points of curves with 400 steps: measured 2e-3 apart.
    assert distance == pytest.approx(exact, rel=1e-2)


def test_percentiles_leave_gaps_and_share_ties():
    ranks = values.percentiles(xr.DataArray([3.0, np.nan, 1.0, 1.0, 9.0], dims="example"))
    np.testing.assert_allclose(ranks, [200 / 3, np.nan, 50 / 3, 50 / 3, 100])


def _stages(wrong_where):
    """Two seeds, two snapshots, 100 points with the same D* in order; which points are wrong is given."""
    scores = np.broadcast_to(np.linspace(0.1, 0.9, 100), (2, 2, 100))
    wrong = np.broadcast_to(wrong_where, scores.shape)
    dims, coords = ("seed", "snapshot", "example"), {"seed": [0, 1], "snapshot": [0, 50]}
    parts = {"data_dimensionality": scores, "own_dimensionality": scores, "wrong": wrong * 1.0}
    label = np.broadcast_to(np.arange(100) // 50, scores.shape)
    rank = xr.DataArray(np.full((2, 2), 50.0), coords, dims[:2])
    found = xr.Dataset({name: (dims, part) for name, part in (parts | {"label": label}).items()}, coords)
    return found.assign(rank=rank, live_neurons=rank + 1, num_neurons=rank + 2)


@pytest.mark.parametrize(
    ("wrong", "share"),
    [
        (np.arange(100) >= 90, 1.0),
        (np.arange(100) < 10, 0.0),
        (np.arange(100) % 10 == 4, 0.5),
        (np.arange(100) < 3, np.nan),
    ],
)
def test_errors_are_placed_along_the_spectrum(wrong, share):
    found = values.error_share(_stages(wrong))
    np.testing.assert_allclose(found, share, atol=0.01)


def test_the_claims_follow_the_numbers():
    high, low = _stages(np.arange(100) >= 90), _stages(np.arange(100) < 10)
    assert claims._errors_early({"stages": high})[-1] == "confirmed"
    assert claims._errors_early({"stages": low})[-1] == "refuted"
    assert claims._errors_late({"stages": _stages(np.zeros(100, bool))})[-1] == "not asked"
    # The sum of these values is 50, the rank; one live neuron is redundant.
    *_, ours, so = claims._sum({"stages": high})
    assert "live - rank is 0 in 0% of 4 networks, up to 1" in ours and so.startswith("refuted")
    assert claims._sum({"stages": high.assign(live_neurons=high["rank"])})[-1] == "confirmed"
    assert claims._seeds({"stages": high})[-1] == "confirmed"
    turned = high.assign(data_dimensionality=high["data_dimensionality"] * xr.DataArray([1.0, -1.0], dims="seed"))
    assert claims._seeds({"stages": turned})[-1] == "lower here"
    assert "class 0" in claims._classes({"stages": high})[2] and claims._classes({"stages": high})[-1] == "confirmed"
    assert claims._digits({"stages": high}, 0, 1)[-1] == "1s have the larger D*"


def test_the_table_of_classes_has_their_mean_percentiles():
    rows = tables.classes(_stages(np.zeros(100, bool))).rows
    # Points 0..49 and 50..99 of 100: mean percentiles 24.5 / 0.99 and 74.5 / 0.99.
    assert [row[0] for row in rows] == ["0", "1"]
    assert [float(row[2].split()[0]) for row in rows] == pytest.approx([24.7, 75.3], abs=0.06)


def test_the_end_of_a_run_is_its_own_last_snapshot():
    kept = _scores((2, 3, 4), ("seed", "snapshot", "example"), snapshot=[0, 5, 9])
    kept[0, 2], kept[1, 1] = np.nan, np.nan
    end = values.at_end(kept)
    np.testing.assert_array_equal(end, np.stack([kept[0, 1], kept[1, 2]]))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The study on 60 digits, with networks of 8 and 12 neurons."""
    settings = study._Scale("digits", 60, 30, 8, (8, 12), (6, 60))
    shrunk = dataclasses.replace(study.STUDY, sweeps=lambda scale, seeds: study._sweeps(settings, seeds))
    return studies.run(shrunk, tmp_path_factory.mktemp("study") / "out", seeds=2, progress=False)


@pytest.mark.slow
def test_the_study_runs_from_end_to_end(small):
    folder, findings = small
    kept = mj.open(folder / "stages_dimensionality.nc")
    assert kept.data_dimensionality.dims == ("seed", "snapshot", "example")
    np.testing.assert_allclose(kept.data_dimensionality.sum("example"), kept["rank"], atol=1e-9)
    sizes = mj.open(folder / "sizes_dimensionality.nc")
    # Six examples span six directions at most, however many neurons live.
    assert (values.at_end(sizes["rank"]).sel(train_size=6) == 6).all()
    assert (values.at_end(sizes["live_neurons"]).sel(train_size=6) > 6).any()
    assert any(row[-1].startswith("refuted: the sum is the rank") for row in findings.tables["published"].rows)
    for name in findings.figures:
        assert (folder / f"{name}.png").stat().st_size > 10_000
    report = (folder / "report.md").read_text()
    assert all(table.title in report for table in findings.tables.values())
