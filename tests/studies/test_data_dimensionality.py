"""The study data-dimensionality: its numbers on made-up values with known answers, and one small run from end to end."""

import dataclasses
import html

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import analysis, studies
from memjax.studies.data_dimensionality import claims, figures, numbers, study
from memjax.studies.kit import Verdict, above, below, between

RNG = np.random.default_rng(2)


def _scores(shape, dims, **coords):
    return xr.DataArray(RNG.random(shape), coords, dims)


def test_a_sorted_curve_is_the_quantile_function_over_the_mean():
    scores = _scores((2, 500), ("seed", "example"))
    curve = numbers.sorted_curves(scores, points=11)
    for i in range(2):
        exact = np.quantile(scores[i], 1 - np.linspace(0, 1, 11)) / scores[i].values.mean()
        np.testing.assert_allclose(curve.isel(seed=i), exact, rtol=1e-12)


def test_the_distance_of_two_curves_is_wassersteins():
    from scipy.stats import wasserstein_distance

    one, other = _scores(400, ("example",)), _scores(400, ("example",)) ** 2
    distance = float(numbers.curve_distance(numbers.sorted_curves(one), numbers.sorted_curves(other)))
    exact = wasserstein_distance(one / one.mean(), other / other.mean())
    # 401 points of curves with 400 steps: measured 2e-3 apart.
    assert distance == pytest.approx(exact, rel=1e-2)


def test_percentiles_leave_gaps_and_share_ties():
    ranks = numbers.percentiles(xr.DataArray([3.0, np.nan, 1.0, 1.0, 9.0], dims="example"))
    np.testing.assert_allclose(ranks, [200 / 3, np.nan, 50 / 3, 50 / 3, 100])


def test_the_end_of_a_run_is_its_own_last_snapshot():
    kept = _scores((2, 3, 4), ("seed", "snapshot", "example"), snapshot=[0, 5, 9])
    kept[0, 2], kept[1, 1] = np.nan, np.nan
    np.testing.assert_array_equal(numbers.at_end(kept), np.stack([kept[0, 1], kept[1, 2]]))
    before, after = numbers.before_and_after(kept)
    np.testing.assert_array_equal(before, kept[:, 0])
    np.testing.assert_array_equal(after, numbers.at_end(kept))


def test_the_mean_over_pairs_of_seeds_has_the_interval_of_seeds():
    scores = _scores((4, 60), ("seed", "example")) + np.linspace(0, 1, 60)
    found = numbers.over_pairs(numbers.between_seeds, scores)
    matrix = analysis.spearman_matrix(scores, "seed", "example").values
    pairs = matrix[np.triu_indices(4, 1)]
    assert found.value == pytest.approx(pairs.mean()) and found.count == 4
    assert (found.smallest, found.largest) == pytest.approx((pairs.min(), pairs.max()))
    # For a mean over pairs the pseudo-value of a seed is the mean plus 2 (n - 1) / (n - 2) = 3 times what its own
    # pairs have more; Student's quantile of 3 degrees of freedom is 3.182.
    own = (matrix.sum(1) - 1) / 3
    half = 3.182 * 3 * own.std(ddof=1) / 2
    assert (found.low, found.high) == pytest.approx((pairs.mean() - half, pairs.mean() + half), rel=1e-3)
    two = numbers.over_pairs(numbers.apart, scores[:2])
    assert np.isnan(two.low) and two.value == pytest.approx(float(numbers.apart(scores[:2])[0]))
    assert numbers.over_pairs(numbers.apart, scores[:1]).count == 0


def _stages(wrong_where):
    """Two seeds, two snapshots, 100 points with the same D* in order; which points are wrong is given."""
    scores = np.broadcast_to(np.linspace(0.1, 0.9, 100), (2, 2, 100))
    wrong = np.broadcast_to(wrong_where, scores.shape)
    dims, coords = ("seed", "snapshot", "example"), {"seed": [0, 1], "snapshot": [0, 50]}
    parts = {"data_dimensionality": scores, "own_dimensionality": scores, "wrong": wrong * 1.0}
    label = np.broadcast_to(np.arange(100) // 50, scores.shape)
    rank = xr.DataArray(np.full((2, 2), 50.0), coords, dims[:2])
    found = xr.Dataset({name: (dims, part) for name, part in (parts | {"label": label}).items()}, coords)
    found["input_dimensionality"] = ("example", np.linspace(0, 1, 100))
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
    np.testing.assert_allclose(_by_step(_stages(wrong))["share"], share, atol=0.01)


def _by_step(stages):
    accuracy = xr.DataArray(np.full((2, 2), 0.9), {"seed": [0, 1], "step": [0, 50]}, ("seed", "step"))
    accuracy = accuracy.sel(seed=stages["seed"])
    return numbers.by_stage(xr.Dataset({"train_accuracy": accuracy, "test_accuracy": accuracy - 0.1}), stages)


def _errors(wrong_where):
    return claims._errors(_by_step(_stages(wrong_where)))


def test_errors_are_asked_for_after_training_only():
    early, late = _errors(np.stack([np.arange(100) < 10, np.arange(100) >= 90]))
    assert early.estimate.value == late.estimate.value == 1.0 and "step 50" in early.what
    assert early.rule == above(0.5) and early.verdict is Verdict.AS_PUBLISHED and late.verdict is Verdict.DIFFERS
    few = np.stack([np.arange(100) >= 90, np.zeros(100, bool)])
    assert [claim.verdict for claim in _errors(few)] == [Verdict.NOT_KNOWN] * 2


def test_the_stages_hold_numbers_by_step():
    stages = _stages(np.arange(100) >= 90)
    # The curve of the last snapshot, of squares over their mean, and the order that squares keep.
    scores = stages["data_dimensionality"] ** xr.DataArray([1.0, 2.0], {"snapshot": [0, 50]}, ("snapshot",))
    found = _by_step(stages.assign(data_dimensionality=scores))
    own, at = np.linspace(0.1, 0.9, 100), np.linspace(0.1, 0.9, 401)
    exact = abs(at / 0.5 - np.interp(at, own, own**2) / np.mean(own**2)).mean()
    assert found["moved"].sel(step=0).max() == 0 and found["wrong"].sel(step=50).values.tolist() == [10, 10]
    assert found["to_end"].values == pytest.approx(1.0) and float(found["test_accuracy"][0, 0]) == pytest.approx(0.8)
    assert float(found["moved"].sel(step=50)[0]) == pytest.approx(exact)


def test_networks_whose_live_neurons_are_dependent_refute_the_sum():
    stages = _stages(np.zeros(100, bool))
    # The sum of these values is 50, the rank; one live neuron is redundant.
    refuted = claims._sum({"stages": stages})
    assert refuted.verdict is Verdict.DIFFERS and refuted.estimate.value == 0.0 and "up to 1 less" in refuted.remark
    held = claims._sum({"stages": stages.assign(live_neurons=stages["rank"])})
    assert held.estimate.value == 1.0 and held.rule == between(1.0, 1.0)


def test_what_training_moves_is_held_against_what_seeds_do():
    stages = _stages(np.zeros(100, bool))
    power = xr.DataArray([[1.0, 2.0], [1.0, 2.2]], {"seed": [0, 1], "snapshot": [0, 50]}, ("seed", "snapshot"))
    stages = stages.assign(data_dimensionality=stages["data_dimensionality"] ** power)
    rank, moved = claims._seeds(stages, _by_step(stages))
    assert rank.estimate.value == pytest.approx(1.0) and rank.rule == above(0.87)
    last = numbers.at_end(stages["data_dimensionality"])
    expected = _by_step(stages)["moved"].sel(step=50) / float(numbers.apart(last)[0])
    np.testing.assert_allclose(moved.ours, expected)
    assert moved.rule == below(1.0) and moved.of == "geometric" and (moved.ours > 5).all()


def test_classes_have_their_mean_percentiles_and_chance_its_range():
    stages = _stages(np.arange(100) >= 90)
    found = numbers.by_class(stages)
    # Points 0..49 and 50..99 of 100: mean percentiles 24.5 / 0.99 and 74.5 / 0.99.
    for place, percentile, wrong in ((0, 24.5 / 0.99, 0.0), (1, 74.5 / 0.99, 0.2)):
        np.testing.assert_allclose(found["percentile"].sel({"class": place}), percentile)
        np.testing.assert_allclose(found["wrong"].sel({"class": place}), wrong)
    # The difference of two means of 50 of 100 ranks has a deviation of 5.8, and 1.96 of them hold 95%.
    chance = numbers.chance_range(stages)
    assert chance == pytest.approx(1.96 * 5.83, rel=0.15)
    claim = claims._classes(stages)
    assert claim.rule == above(chance) and "class 0 to class 1" in claim.remark
    assert claim.estimate.value == pytest.approx(50 / 0.99)


def test_digits_are_held_against_each_other():
    claim = claims._digits(_stages(np.zeros(100, bool)), 0, 1)
    assert claim.estimate.value == 0.0 and claim.rule is None
    assert claims._digits(_stages(np.zeros(100, bool)), 8, 5).rule == below(0.5)


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


def test_a_setting_is_held_against_what_seeds_do():
    # A power of 2 instead of 1 moves the curve by far more than one of 1.01 does.
    claim = claims._settings(_all_values(3))[0]
    assert claim.rule == below(1.0) and (claim.ours > 20).all()
    narrow, wide = claims._sizes(_varied("train_size", [100, 200], 2))
    # Quartiles of squares: 0.65^2 - 0.35^2 for 0.3 of the values themselves; relative to means of 0.281 and 0.5.
    assert narrow.estimate.value == pytest.approx(1.0, rel=0.02) and wide.estimate.value == pytest.approx(
        1.78, rel=0.02
    )


def test_widths_agree_less_the_further_apart():
    scores = _scores((3, 2, 2, 60), ("hidden", "seed", "snapshot", "example"), snapshot=[0, 1], hidden=[8, 16, 32])
    claim = claims._widths(scores.to_dataset(name="data_dimensionality"))
    matrix = analysis.spearman_matrix(scores.isel(snapshot=1), "hidden", "example").transpose("seed", ...).values
    exact = (matrix[:, 0, 1] + matrix[:, 1, 2]) / 2 - matrix[:, 0, 2]
    np.testing.assert_allclose(claim.ours, exact)


@pytest.mark.slow
def test_one_seed_decides_nothing():
    for seeds in (1, 2):
        values = _all_values(seeds)
        asked = claims.claims(values, _by_step(values["stages"]), "other")
        decided = [claim for claim in asked if claim.verdict in (Verdict.AS_PUBLISHED, Verdict.DIFFERS)]
        assert all(claim.of == "share" for claim in decided) == (seeds == 1)
        made = claims.tables(values, _by_step(values["stages"]))
        cells = [cell for table in made.values() for row in table.rows for cell in row]
        assert not any("nan" in cell for cell in cells)


def test_the_spread_of_gaussian_activations_is_that_of_the_null():
    hidden = RNG.standard_normal((2, 1, 400, 20))
    scores = np.stack([[mj.measures.data_dimensionality(one) for one in seed] for seed in hidden])
    stages = xr.Dataset({"data_dimensionality": (("seed", "snapshot", "example"), scores)}, {"snapshot": [0]})
    stages["rank"] = (("seed", "snapshot"), np.full((2, 1), 20.0))
    before, _ = claims._null(stages)
    np.testing.assert_allclose(before.ours, 1.0, atol=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["curves", "correlations", "errors", "classes"])
def test_figures_of_one_seed_are_drawn(name, tmp_path):
    given = _all_values(1)
    figure = getattr(figures, name)(given if name in ("curves", "correlations") else given["stages"])
    figure.savefig(tmp_path / "figure.png", dpi=30)
    assert np.ptp(plt.imread(tmp_path / "figure.png")[..., :3], axis=(0, 1)).min() > 0.5


def test_the_extremes_are_the_points_of_least_and_of_most_d_star():
    scores = _stages(np.zeros(100, bool))["data_dimensionality"].isel(seed=0, snapshot=1)
    found = numbers.extremes(scores, count=3)
    assert {end: one["example"].values.tolist() for end, one in found.items()} == {
        "least": [0, 1, 2],
        "most": [99, 98, 97],
    }
    assert found["most"].values[0] == pytest.approx(0.9)


def test_images_stand_side_by_side():
    mosaic = figures._mosaic(np.arange(3.0)[:, None, None] * np.ones((3, 2, 2)), columns=2)
    assert mosaic.shape == (6, 6) and mosaic[3, 0] == 1.0 and mosaic[0, 3] == 0.5 and mosaic[4, 4] == 0.0


def _small(scale, seeds):
    """The study on 60 digits, with networks of 24 and 8 neurons."""
    return study._sweeps(study._Scale("digits", 60, 30, 24, (8, 24), (6, 60)), seeds)


@pytest.mark.long
def test_the_study_runs_from_end_to_end(tmp_path, made_again):
    shrunk = dataclasses.replace(study.STUDY, sweeps=_small)
    folder, findings = studies.run(shrunk, tmp_path / "out", seeds=2, progress=False)
    kept = mj.open(folder / "stages_dimensionality.nc")
    assert kept.data_dimensionality.dims == ("seed", "snapshot", "example")
    np.testing.assert_allclose(kept.data_dimensionality.sum("example"), kept["rank"], atol=1e-9)
    images, labels = numbers.train_points(mj.open(folder))
    np.testing.assert_array_equal(kept["label"].isel(seed=0, snapshot=0), labels)
    flat = np.concatenate([images.reshape(60, -1), np.ones((60, 1))], axis=1)
    np.testing.assert_allclose(kept["input_dimensionality"], mj.measures.data_dimensionality(flat), atol=1e-6)
    sizes = mj.open(folder / "sizes_dimensionality.nc")
    # Six examples span six directions at most, however many neurons live.
    assert (numbers.at_end(sizes["rank"]).sel(train_size=6) == 6).all()
    assert (numbers.at_end(sizes["live_neurons"]).sel(train_size=6) > 6).all()
    assert findings.claims[0].verdict is Verdict.DIFFERS
    for name in findings.figures:
        assert (folder / f"{name}.png").stat().st_size > 10_000
    report = html.unescape((folder / "report.html").read_text())
    assert all(table.title in report for table in findings.tables.values())
    made_again(folder, shrunk)
