"""The study grokking-predictors: its numbers on runs with a known answer, its claims, and a tiny sweep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import analysis, studies
from memjax.studies.grokking_predictors import claims, coefficients, numbers, study, times
from memjax.studies.kit import estimate, near

FRACTIONS, SEEDS, STEPS = [0.4, 0.5, 0.6], range(4), np.arange(0, 2001, 50)
SNAPSHOTS = [0, 100, 200, 400, 700, 1000, 1500, 2000]
DIMS = ("train_size", "seed", "step")


def hump(top, height=10.0, start=1.0, end=0.1, steps=STEPS):
    """Rises straight to its top, then falls straight to its end within twice that time: half-way down at 1.5 tops."""
    top = np.asarray(top, float)[..., None]
    falling = np.maximum(end, height + (end - height) * (steps - top) / top)
    return np.where(steps <= top, start + (height - start) * steps / top, falling)


def tops():
    """When test losses peak, ``[3, 4]``: the largest fraction first, and every seed at a time of its own."""
    return np.outer([400, 300, 200], [1.0, 1.25, 1.5, 2.0])


def runs():
    """Records whose test loss peaks at `tops`, and whose L2 norm is a monotone function of it."""
    test, rng = hump(tops()), np.random.default_rng(0)
    data = {
        "test_loss": test,
        "train_loss": np.broadcast_to(np.exp(-STEPS / 100.0), test.shape),
        "train_accuracy": np.broadcast_to(np.clip(STEPS / 100.0, 0.0, 1.0), test.shape),
        # The test set is learned where the loss has come down to its end.
        "test_accuracy": np.where(2 * tops()[..., None] <= STEPS, 1.0, 0.0),
        "weight_l2": 20.0 + 3.0 * test,
        **{f"l2_{layer}": rng.random(test.shape) + 1.0 for layer in ("embedding", "layer_0", "layer_1")},
        "minus_train_log_probability": hump(2.0 * tops()),
        "minus_test_log_probability": rng.random(test.shape),
    }
    coords = {"train_size": FRACTIONS, "seed": list(SEEDS), "step": STEPS}
    return xr.Dataset({name: (DIMS, part) for name, part in data.items()}, coords=coords)


def found(recorded):
    """Estimates: as the L2 norm with noise of half its spread, and at other temperatures half of the seeds and steps."""
    rng = np.random.default_rng(1)
    at = recorded.sel(step=SNAPSHOTS)
    llc = at["weight_l2"] + rng.normal(0.0, 5.0, at["weight_l2"].shape)
    rare = llc.where((llc["seed"] < 3) & llc["step"].isin(SNAPSHOTS[::2]))
    names = ["llc_thread", "llc_10", "llc_canonical"]
    coefficient = xr.concat([llc, rare, -rare], "estimator").assign_coords(estimator=names)
    same = xr.ones_like(coefficient).where(coefficient.notnull())
    data = {"llc": coefficient, "llc_verdict": same, "llc_error": 0.1 * abs(coefficient), "llc_r_hat": 1.3 * same}
    data |= {"llc_nbeta": 2.0 * same, "llc_step_size": 0.003 * same, "sharpness": 1.0 / at["test_loss"]}
    return xr.Dataset(data)


@pytest.fixture(scope="module")
def recorded():
    return runs()


@pytest.fixture(scope="module")
def at(recorded):
    return numbers.at_snapshots(recorded, found(recorded))


@pytest.fixture(scope="module")
def scores(at):
    return numbers.predictions(at)


def row(table, first, second=None):
    return next(r for r in table.rows if r[0] == first and second in (None, r[1]))


def number(cell):
    return float(cell.split()[0])


def test_records_have_norms_by_layer_and_log_probabilities_turned_round():
    parameters = ["embedding/kernel", "layer_0/bias", "layer_0/kernel", "layer_1/kernel"]
    shape = (1, 2, 3)
    raw = xr.Dataset({name: (DIMS, np.ones(shape)) for name in ("train_loss", "test_loss", "weight_l2")})
    for split, value in (("train", -4.0), ("test", -6.0)):
        raw[f"{split}_accuracy"] = (DIMS, np.ones(shape))
        raw[f"{split}_log_probability"] = (DIMS, np.full(shape, value))
    raw["layer_l2"] = ((*DIMS, "parameter"), np.broadcast_to([2.0, 3.0, 4.0, 7.0], (*shape, 4)))
    kept = numbers.records(raw.assign_coords(parameter=parameters))
    means = {name: float(kept[name].mean()) for name in kept}
    assert (means["l2_embedding"], means["l2_layer_0"], means["l2_layer_1"]) == (2.0, 5.0, 7.0)
    assert (means["minus_train_log_probability"], means["minus_test_log_probability"]) == (4.0, 6.0)


def test_only_seeds_and_steps_with_estimates_are_compared(at):
    known = numbers.where_known(at, ["llc_10"])
    assert known["seed"].values.tolist() == [0, 1, 2] and known["step"].values.tolist() == SNAPSHOTS[::2]
    assert numbers.where_known(at, ["llc_thread", "weight_l2"]).sizes == at.sizes


def test_a_monotone_predictor_has_correlation_one_and_its_negative_minus_one(recorded, at):
    table = numbers.correlations(recorded, at)
    cells = [number(cell) for cell in row(table, "L2 norm")[1:-1]]
    # Straight lines between eight snapshots miss the top, and rounding breaks the ties of the flat end: 0.953 with NumPy 2.4
    # and 0.888 with NumPy 2.5.
    assert 0.85 < cells.pop(1) < 0.98 and cells == pytest.approx([1.0] * 5)
    sharp = row(table, "sharpness")
    assert sharp[1] == "not recorded" and sharp[-1] == "4 x 8"
    assert [number(cell) for cell in sharp[3:-1]] == pytest.approx([-1.0] * 4, abs=1e-6)
    assert row(table, "LLC, n beta = 10")[-1] == "3 x 4"


def test_seeds_can_go_against_what_runs_do_along_training(recorded):
    course = xr.DataArray(hump(400.0), dims="step", coords={"step": STEPS})
    seed = recorded["seed"] * xr.ones_like(recorded["test_loss"])
    shifted = recorded.assign(test_loss=course + 0.001 * seed, weight_l2=course - 0.001 * seed)
    table = numbers.correlations(shifted, numbers.at_snapshots(shifted, found(shifted)))
    cells = row(table, "L2 norm")
    assert number(cells[1]) == number(cells[3]) == 1.0 and number(cells[4]) > 0.8
    assert number(cells[5]) == number(cells[6]) == -1.0


def test_values_between_snapshots_are_straight_lines(recorded, at):
    straight = recorded.assign(test_loss=1.0 + 0.001 * recorded["step"].broadcast_like(recorded["test_loss"]))
    line = at.assign(sharpness=-2.0 * at["step"].broadcast_like(at["test_loss"]))
    np.testing.assert_allclose(numbers.along_evenly(straight, line, "sharpness"), -1.0)


def test_noise_on_top_of_the_norm_says_nothing_once_the_norm_is_given(at):
    table = numbers.partial_table(at)
    noisy = row(table, numbers.LABELS["llc_thread"], "L2 norm")
    assert number(noisy[2]) > 0.6 and noisy[3] == "nothing varies"
    # The test loss is explained in full by the norm, so what is left of it is rounding; the other way round it stays.
    assert number(row(table, "L2 norm", numbers.LABELS["llc_thread"])[3]) == pytest.approx(1.0, abs=0.1)
    assert number(row(table, "L2 norm", "step")[3]) > 0.9


@pytest.mark.slow
def test_predictions_know_runs_that_they_have_not_seen(at):
    drawn = np.random.default_rng(3).permutation(at["test_loss"].size).reshape(at["test_loss"].shape)
    known = at.assign(weight_l2=(DIMS, drawn**3), test_loss=(DIMS, np.exp(drawn / 10.0)))
    scores = numbers.predictions(known)
    exact, noise = scores["L2 norm"], scores["minus mean log-prob, test inputs"]
    assert float(exact["r_squared"].min()) > 0.98
    assert float(exact["ratio_same"].max()) < -0.5 and float(exact["ratio_step"].max()) < -0.5
    assert float(noise["r_squared"].mean()) < 0.1 and float(noise["ratio_any"].mean()) > 0.0
    table = numbers.prediction_table(scores)
    assert number(row(table, "L2 norm")[2]) == pytest.approx(float(exact["unseen_r_squared"].mean()), abs=0.01)
    shown = number(row(table, "L2 norm")[5])
    assert shown == pytest.approx(float(np.exp(exact["ratio_same"].mean("train_size").mean())), abs=0.006)


@pytest.mark.slow
def test_the_step_alone_is_what_predictions_with_the_step_start_from(at):
    """A predictor that is the step, with the step known, is the mean of the other seeds: a ratio of 1."""
    step = at.assign(weight_l2=at["step"].broadcast_like(at["test_loss"]).astype(float))
    scores = numbers.predictions(step)["L2 norm"]
    np.testing.assert_allclose(scores["ratio_step"], 0.0, atol=1e-6)
    assert float(abs(scores["ratio_same"]).min()) > 0.01


def test_events_of_a_curve():
    curve = xr.DataArray([0.0, 4.0, 3.0, 0.0, 0.0], dims="step", coords={"step": [0, 10, 20, 60, 80]})
    # Half of 4 lies a third of the way from 3 to 0; a fall by 1 in 10 steps is steeper than one by 3 in 40.
    at = {name: times.event_times(curve).sel(event=name).values for name in times.EVENTS}
    np.testing.assert_allclose(at["peak"], [10.0, 0.0, 20.0])
    np.testing.assert_allclose(at["half"], [20 + 40 / 3, 20.0, 60.0])
    np.testing.assert_allclose(at["steepest"], [15.0, 10.0, 20.0])
    rising, lost = curve.copy(data=np.arange(5.0)), curve.where(curve < 4.0)
    assert all(bool(times.event_times(one).isnull().all()) for one in (rising, lost))


def test_a_predictor_of_twice_the_time_is_late_by_two_and_runs_that_never_grok_are_left_out(recorded, at):
    led = times.leads(recorded, at)
    late = led.sel(predictor="minus_train_log_probability", event="peak", edge="found")
    # The last seed of the smallest fraction peaks at 1600 and is not half-way down at the end.
    assert np.exp(late.values) == pytest.approx(2.0, abs=0.15)
    norm = led.sel(predictor="weight_l2")
    np.testing.assert_allclose(norm.sel(event="half", edge="found"), 0.0, atol=1e-9)
    none = recorded.assign(test_accuracy=recorded["test_accuracy"] * (recorded["seed"] > 0))
    kept = times.leads(none, at).sel(event="peak", edge="found").notnull().any(("predictor", "train_size"))
    assert kept.values.tolist() == [False, True, True, True]
    assert times.lead(times.leads(none, at).sel(predictor="weight_l2", event="peak")).found.sizes == {"seed": 3}
    # The same events are a ratio of 1, but a record apart each way could not be seen.
    first = norm.sel(train_size=0.4, seed=0, event="peak")
    assert np.exp(first.values) == pytest.approx([1.0, 350 / 450, 450 / 350])
    one = estimate(times.lead(norm.sel(event="peak")), "geometric")
    assert one.value == 1.0 and one.low < 0.9 and one.high == pytest.approx(1.0 / one.low)


def test_a_peak_that_may_be_at_step_0_leaves_its_interval_open():
    """Two fractions whose test losses peak at the first record, so that the ratio may be anything above a number."""
    logs = xr.DataArray(np.log([[[1.0, 0.5, np.inf], [2.0, 1.0, np.inf]]]), {"edge": ["found", "least", "most"]},
                        ("train_size", "seed", "edge"))  # fmt: skip
    one = estimate(times.lead(logs), "geometric")
    assert one.high == np.inf and one.value == pytest.approx(2**0.5) and 0.0 < one.low < 1.0


def test_times_count_runs_that_never_learn(recorded):
    none = recorded.assign(test_accuracy=recorded["test_accuracy"] * (recorded["seed"] > 0))
    table = times.times_table(none)
    cells = row(table, "accuracy 0.95", "0.4")
    # Equal in all runs, and yet no better known than from 50 to 100, where the records are.
    assert cells[2] == "95 [50, 100]" and cells[5] == "3 of 4" and "50 steps apart" in table.note
    assert cells[3].endswith("never in 1 of 4")
    # An accuracy that jumps between two records is at 0.95 just before the second.
    assert number(cells[3]) == pytest.approx(np.mean([1000, 1200, 1600]) - 2.5, abs=10)


def test_states_that_are_the_phases_explain_them_and_those_of_other_seeds_do_not(recorded):
    phase = times.phases(recorded)
    assert phase.isel(train_size=0, seed=0).values.tolist() == [0] * 2 + [1] * 14 + [2] * 25
    compared = times.aligned(phase, recorded)
    np.testing.assert_allclose(compared["explained"].sel(path="own"), 1.0)
    assert float(compared["explained"].sel(path="other seeds").max()) < 0.9
    # Times lie between records 50 apart, 2.5 steps before the second, whose middle is 25 before it.
    np.testing.assert_allclose(compared["t_test"].sel(path="own"), 22.5)
    others = np.abs(np.subtract.outer(tops()[0], tops()[0])) * 2
    assert float(compared["t_test"].sel(path="other seeds", seed=0)) > 0.5 * others[0].mean()


def test_states_without_relation_explain_nothing():
    assert times.explained([0, 1, 0, 1], [0, 0, 1, 1]) == pytest.approx(0.0)
    assert times.explained([0, 0, 1, 1], [1, 1, 0, 2]) == pytest.approx(2 / 3)
    assert np.isnan(times.explained([0, 1], [1, 1]))


def test_a_run_that_changes_no_state_has_no_nearest_change():
    state = xr.DataArray([[0, 0, 0], [0, 0, 1]], dims=("seed", "step"), coords={"step": [0, 10, 20]})
    away = times.nearest_change(state, xr.DataArray([5.0, 5.0], dims="seed"))
    assert np.isnan(away[0]) and float(away[1]) == 10.0


def test_without_hmmlearn_the_table_says_so(recorded, monkeypatch):
    def missing(*_, **__):
        raise ImportError("hidden_markov needs hmmlearn")

    monkeypatch.setattr(analysis, "hidden_markov", missing)
    models = times.states(recorded)
    table = times.state_table(models, recorded)
    assert models == {} and "not installed" in table.rows[0][1] and "memjax[hmm]" in table.note


def claimed(recorded, at, scores):
    return {one.what: one for one in claims.claims(recorded, at, scores, times.leads(recorded, at))}


def test_the_published_numbers_stand_beside_those_of_fraction_04(recorded, at, scores):
    found_claims = claimed(recorded, at, scores)
    llc = at["llc_thread"].sel(train_size=0.4)
    expected = {
        "thread's LLC at step 0": (20.0, llc.sel(step=0)),
        "thread's LLC at its peak": (50.0, llc.max("step")),
        "thread's LLC after grokking": ((22.0, 24.0), llc.sel(step=2000)),
        "test loss at its peak": (24.0, recorded["test_loss"].sel(train_size=0.4).max("step")),
    }
    for what, (number_published, ours) in expected.items():
        assert found_claims[what].published == number_published and found_claims[what].band == near(number_published)
        np.testing.assert_allclose(found_claims[what].ours, ours)
    assert str(found_claims["test loss at its peak"].verdict) == "differs"
    peaks = found_claims["step at which the thread's LLC peaks, over that of the test loss"]
    assert peaks.band == near(1.0) and bool((peaks.ours.least < peaks.ours.most).all())
    assert {what for what, one in found_claims.items() if one.main} == {*list(expected)[1:3], peaks.what}


def test_of_a_run_that_does_not_grok_nothing_is_known_after_grokking(recorded, at, scores):
    none = recorded.assign(test_accuracy=recorded["test_accuracy"] * (recorded["seed"] > 0))
    after = claimed(none, at, scores)["thread's LLC after grokking"].estimate
    assert (after.count, after.unknown) == (3, 1)


def test_the_gain_from_a_second_predictor_is_the_ratio_of_the_errors(recorded, at, scores):
    both = "L2 norm and LLC as in the thread"
    lower = scores[both].assign(ratio_any=scores["L2 norm"]["ratio_any"] + np.log(0.8))
    gain = claimed(recorded, at, scores | {both: lower})[
        "error of that prediction from L2 norm and the thread's LLC, over that from the L2 norm alone"
    ]
    assert gain.estimate.value == pytest.approx(0.8) and str(gain.verdict) == "not asked"


def test_a_start_is_passed_between_two_records(recorded, at):
    # From 23 to 50 in 300 to 600 steps: 34 is passed after 11/27 of them, in 122 to 244, between records 50 apart.
    passed = claims._passed(recorded["weight_l2"].sel(train_size=0.5), 34.0)
    np.testing.assert_allclose(passed.found, tops()[1] * 11 / 27, atol=5)
    assert passed.least.values.tolist() == [100, 150, 150, 200] and passed.most.values.tolist() == [150, 200, 200, 250]


def test_what_nobody_published_is_not_called_published(recorded, at):
    """Numbers of full batches with fraction 0.5 are from a run of our own, and stand in a table without verdicts."""
    own = claims.earlier(recorded, at)
    assert "not published" in own.title and "not published" in own.columns[1] and "not published" in own.note
    assert "verdict" not in own.columns and [len(cells) for cells in own.rows] == [len(own.columns)] * 14
    assert number(row(own, "L2 norm: peak")[2]) == pytest.approx(50.0, abs=1.0)
    assert row(own, "share of seeds that learn the test set, at train fraction 0.4")[2] == "1.00 [0.40, 1.00]; 4 of 4"


@pytest.mark.slow
def test_a_single_seed_is_analysed_and_has_no_intervals(recorded):
    one, estimates = recorded.isel(seed=[0]), found(recorded).isel(seed=[0])
    at = numbers.at_snapshots(one, estimates)
    scores = numbers.predictions(at)
    verdicts = {str(claim.verdict) for claim in claimed(one, at, scores).values()}
    assert verdicts == {"no interval", "not asked"}
    cells = row(numbers.prediction_table(scores), "L2 norm")
    # Other fractions are other runs; of the same fraction there is none.
    assert number(cells[1]) > 0.9 and cells[5:] == ("not known in 1 of 1",) * 2


def test_the_hidden_states_are_over_some_hundred_records(recorded):
    steps = np.arange(0, 4001, 10)
    finer = xr.Dataset(coords={"step": steps}).assign(loss=("step", steps))
    assert numbers.coarse(finer)["step"].values.tolist() == steps[::4].tolist()
    assert numbers.coarse(recorded).identical(recorded)


def test_a_fraction_that_is_not_seen_is_predicted_from_the_others(at):
    """A relation that is the same everywhere carries over; a level of its own does not."""
    # Targets of all fractions interleave, so that ranks among the fitted runs place those of the fraction left out.
    drawn = np.random.default_rng(3).permutation(at["test_loss"].size).reshape(at["test_loss"].shape)
    same = at.assign(weight_l2=(DIMS, drawn**3), test_loss=(DIMS, np.exp(drawn / 10.0)))
    assert float(numbers._predicted(same, ["weight_l2"])["unseen_r_squared"].min()) > 0.98
    own = (same["train_size"] == 0.6) * xr.ones_like(same["test_loss"])
    level = numbers._predicted(
        same.assign(weight_l2=own, test_loss=same["test_loss"] * np.exp(100.0 * own)), ["weight_l2"]
    )
    # Seeds of the same fraction tell its level; runs of the others cannot.
    assert float(level["r_squared"].sel(train_size=0.6).min()) > -1.0
    assert float(level["unseen_r_squared"].sel(train_size=0.6).max()) < -100.0


def test_verdicts_are_counted_and_none_is_dropped(recorded):
    estimates = found(recorded)
    estimates["llc_verdict"][0, 0, 0, :3] = [0, 2, 3]
    table = coefficients.verdict_table(estimates)
    assert row(table, numbers.LABELS["llc_thread"])[1:6] == ("96", "1", "93", "1", "1")
    assert row(table, numbers.LABELS["llc_10"])[1] == str(3 * 3 * 4)
    assert row(table, numbers.LABELS["llc_10"])[6:8] == ("1.3", "0.1")


@pytest.mark.parametrize("scale, steps, batch", [("quick", 4000, None), ("paper", 25_000, 128)])
def test_settings_are_the_published_ones(scale, steps, batch):
    sweep = study.STUDY.sweeps(scale, 3)["runs"]
    own = sweep.experiment
    assert (own.steps, own.batch_size, own.task.p, own.model) == (steps, batch, 53, mj.models.EmbeddingMLP())
    assert own.optimizer.hyperparameters["learning_rate"] == 5e-3 and own.optimizer.hyperparameters["l2"] == 2e-4
    assert {0.4, 0.5} <= set(sweep.over["train_size"]) and sweep.over["seed"] == (0, 1, 2)
    thread, several = coefficients.ESTIMATORS[scale]
    kept = thread.settings
    assert (kept.step_size, kept.localization, kept.nbeta, kept.draws) == (3e-3, 5.0, (2.0,), 500)
    assert (kept.chains, kept.burn_in) == (1, 0) and several.settings.nbeta == (None, 10.0)
    assert several.steps is None or set(several.steps) <= set(own.snapshots)
    records = range(0, steps + 1, own.record_every)
    # Train sets are learned at about 200 steps.
    assert set(own.snapshots) <= set(records) and own.record_every <= {"quick": 10, "paper": 50}[scale]


def _shrunk(scale, seeds):
    sweep = study._sweeps(scale, seeds)["runs"]
    own = replace(
        sweep.experiment, task=mj.tasks.ModularArithmetic(p=11), steps=400, record_every=20, snapshots=(0, 40, 200, 400)
    )
    return {"runs": studies.Sweep(own, sweep.over)}


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, monkeypatch, made_again):
    small = mj.measures.llc((None, 10.0), draws=10, burn_in=5, chains=2, batch_size=16)
    one = coefficients.ESTIMATORS["quick"][0]
    first = one._replace(settings=replace(one.settings, draws=20, batch_size=16))
    second = coefficients.Estimator(small, ("llc_canonical", "llc_10"), seeds=2, steps=(0, 200, 400))
    monkeypatch.setitem(coefficients.ESTIMATORS, "quick", (first, second))
    shrunk = replace(study.STUDY, sweeps=_shrunk)
    folder, results = studies.run(shrunk, tmp_path / "out", seeds=3, progress=False)
    assert {"course", "scatter", "scores", "order"} <= set(results.figures)
    for name in results.figures:
        assert (folder / f"{name}.png").exists()
    kept, estimates = mj.open(folder), mj.open(folder / "estimates.nc")
    # Sharpness from the chains' curvature is the measure, where that is positive (15 iterations against 20: 3e-3).
    sharp = mj.measure(kept.isel(seed=[0]), ["sharpness"])["sharpness"].rename(snapshot="step")
    np.testing.assert_allclose(
        estimates["sharpness"].isel(seed=[0]), sharp.clip(min=0.0).transpose(*DIMS), rtol=5e-3, atol=1e-3
    )
    # Seed by seed as all together, but for rounding.
    together = coefficients.estimates(kept, (first,))["llc"].sel(estimator="llc_thread")
    np.testing.assert_allclose(together, estimates["llc"].sel(estimator="llc_thread"), rtol=1e-3)
    assert row(results.tables["verdicts"], numbers.LABELS["llc_canonical"])[1] == str(3 * 2 * 3)
    assert row(results.tables["verdicts"], numbers.LABELS["llc_thread"])[1] == str(3 * 3 * 4)
    monkeypatch.setattr("memjax.studies.kit.measured._part", None)
    made_again(folder, shrunk)
    assert {"published", "verdicts"} <= set(results.all_tables)
