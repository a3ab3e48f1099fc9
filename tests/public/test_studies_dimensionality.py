"""The study data-dimensionality: its numbers on made-up values with known answers, and one small run from end to end."""

import dataclasses
import html

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies import _data_dimensionality_claims as claims
from memjax.studies import _data_dimensionality_figures as figures
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


def test_errors_are_asked_for_after_training_only():
    """All errors before training, none after; and errors at both that change sides."""
    none = np.stack([np.arange(100) >= 90, np.zeros(100, bool)])
    for claim in (claims._errors_early, claims._errors_late):
        assert claim({"stages": _stages(none)})[2:] == ("too few errors at any stage", "not asked")
    turned = {"stages": _stages(np.stack([np.arange(100) >= 90, np.arange(100) < 10]))}
    assert claims._errors_early(turned)[-1] == "refuted" and "step 0" not in claims._errors_early(turned)[2]
    assert claims._errors_late(turned)[2:] == ("P(wrong above right) = 0 [0, 0] at step 50", "leans to low D*")


@pytest.mark.parametrize(
    ("moved", "seeds", "so"),
    [
        # Fashion-MNIST and digits, as published: intervals [0.014, 0.040] and [0.082, 0.128].
        ([0.0356, 0.0270, 0.0180, 0.0274], [0.011, 0.013, 0.025], "not told apart: 1.7 times a seed's change"),
        ([0.105, 0.122, 0.088, 0.105], [0.021, 0.033, 0.048], "refuted: training moves it more than a seed does"),
        ([0.010, 0.012, 0.014, 0.012], [0.011, 0.013, 0.025], "confirmed: no more than between seeds"),
        ([0.010, 0.020, 0.030], [0.011, 0.013, 0.025], "not told apart: 1.2 times a seed's change"),
        # One number above all pairs, but an interval that is not.
        ([0.030, 0.090], [0.011, 0.013, 0.025], "not told apart: 3.7 times a seed's change"),
        ([0.0, 0.0], [0.0], "confirmed: no more than between seeds"),
        ([0.0, 0.1], [0.0], "not told apart, but seeds are alike"),
        ([0.030], [], "one seed cannot say"),
        ([0.030, np.nan], [np.nan], "one seed cannot say"),
    ],
)
def test_what_training_moves_is_held_against_what_seeds_do(moved, seeds, so):
    assert claims._beside_seeds(xr.DataArray(moved, dims="seed"), xr.DataArray(seeds, dims="pair")) == so


def _varied(axis, labels, seeds):
    """One setting varied: D* of 100 points, spread the more the later the label, a little otherwise by seed."""
    at = np.linspace(0.2, 0.8, 100)
    power = np.add.outer(1.0 + np.arange(len(labels)), 0.01 * np.arange(seeds))[..., None, None]
    scores = np.broadcast_to(at**power, (len(labels), seeds, 2, 100))
    dims, coords = (axis, "seed", "snapshot"), {axis: labels, "seed": np.arange(seeds), "snapshot": [0, 50]}
    counts = {name: (dims, np.full(scores.shape[:3], 50.0)) for name in ("rank", "live_neurons", "num_neurons")}
    return xr.Dataset({"data_dimensionality": ((*dims, "example"), scores), **counts}, coords)


def _all_values(seeds):
    stages = _stages(np.arange(100) >= 90).isel(seed=slice(seeds))
    axes = {"widths": ("hidden", [8, 12]), "sizes": ("train_size", [100, 200]), "decays": ("weight_decay", [0.0, 1.0])}
    axes["inputs"] = ("scale", ["unit", "l2"])
    return {"stages": stages, "batches": stages} | {name: _varied(*axis, seeds) for name, axis in axes.items()}


def test_one_seed_says_nothing_where_seeds_are_compared():
    pictures = xr.Dataset({"input_dimensionality": ("example", np.linspace(0, 1, 100))})
    one, two = (claims.claims(_all_values(seeds), pictures, "other").rows for seeds in (1, 2))
    silent = [index for index, row in enumerate(one) if row[-1] == "one seed cannot say"]
    asked = [claims._seeds, claims._training, claims._errors_late, claims._errors_early, claims._decays, claims._inputs]
    asked = {claim(_all_values(2))[0] for claim in [*asked, claims._null]}
    assert {one[index][0] for index in silent} == asked
    assert not any("one seed" in cell for row in two for cell in row)
    assert not any("nan" in cell for row in one for cell in row)
    # A power of 2 instead of 1 moves the curve by far more than one of 1.01 does.
    assert [row[-1] for row in two if "weight decay" in row[0]] == ["more than twice a seed's change at 1.0"]


def test_tables_of_one_seed_have_no_pairs():
    rows = tables.correlations(_all_values(1)).rows
    assert [row[1:] for row in rows[-2:]] == [("one seed", "one seed")] * 2
    assert not any("nan" in cell for row in [*rows, *tables.ranks(_all_values(1)).rows] for cell in row)


@pytest.mark.parametrize("name", ["curves", "correlations", "errors", "classes"])
def test_figures_of_one_seed_are_drawn(name, tmp_path):
    given = _all_values(1)
    figure = getattr(figures, name)(given if name in ("curves", "correlations") else given["stages"])
    figure.savefig(tmp_path / "figure.png", dpi=30)
    assert np.ptp(plt.imread(tmp_path / "figure.png")[..., :3], axis=(0, 1)).min() > 0.5


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
    """The study on 60 digits, with networks of 24 and 8 neurons."""
    settings = study._Scale("digits", 60, 30, 24, (8, 24), (6, 60))
    shrunk = dataclasses.replace(study.STUDY, sweeps=lambda scale, seeds: study._sweeps(settings, seeds))
    return studies.run(shrunk, tmp_path_factory.mktemp("study") / "out", seeds=2, progress=False)


@pytest.mark.long
def test_the_study_runs_from_end_to_end(small):
    folder, findings = small
    kept = mj.open(folder / "stages_dimensionality.nc")
    assert kept.data_dimensionality.dims == ("seed", "snapshot", "example")
    np.testing.assert_allclose(kept.data_dimensionality.sum("example"), kept["rank"], atol=1e-9)
    sizes = mj.open(folder / "sizes_dimensionality.nc")
    # Six examples span six directions at most, however many neurons live.
    assert (values.at_end(sizes["rank"]).sel(train_size=6) == 6).all()
    assert (values.at_end(sizes["live_neurons"]).sel(train_size=6) > 6).all()
    assert any(row[-1].startswith("refuted: the sum is the rank") for row in findings.tables["published"].rows)
    for name in findings.figures:
        assert (folder / f"{name}.png").stat().st_size > 10_000
    report = html.unescape((folder / "report.html").read_text())
    assert all(table.title in report for table in findings.tables.values())
