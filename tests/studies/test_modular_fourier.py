"""The study modular-fourier: exact and turned weights, phases and modes of made-up runs, its claims, and a shrunk run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.models import gromov_weights
from memjax.studies.kit import above, near
from memjax.studies.modular_fourier import claims, numbers

P, HIDDEN = 11, 40


def _exact(turn=0.0):
    """Exact weights of two seeds, the output's phases turned; and the frequencies of their neurons."""
    trees = [gromov_weights(P, HIDDEN, seed) for seed in (0, 1)]
    first = np.stack([np.asarray(tree["layer_0"]["kernel"], float) for tree in trees])
    last = np.stack([np.asarray(tree["layer_1"]["kernel"], float) for tree in trees])
    spectrum = np.fft.rfft(last, axis=-1)
    spectrum[..., 1:] *= np.exp(1j * turn)
    k = np.arange(HIDDEN) % P
    return first, np.fft.irfft(spectrum, P, axis=-1), np.minimum(k, P - k)


def _of_neurons(first, last):
    values = {name: (("seed", "neuron"), array) for name, array in numbers.neurons(first, last).items()}
    return xr.Dataset(values)


def test_exact_weights_have_one_frequency_and_phases_that_add_up():
    first, last, frequency = _exact()
    found = _of_neurons(first, last)
    turning = frequency > 0
    np.testing.assert_array_equal(found["frequency"].values[:, turning], np.tile(frequency[turning], (2, 1)))
    # float32 weights.
    np.testing.assert_allclose(found["purity"].values[:, turning], 1.0, atol=1e-5)
    np.testing.assert_allclose(np.cos(found["phase_in"] - found["phase_out"]).values[:, turning], 1.0, atol=1e-5)
    means = numbers.weighted_means(found)
    # Neurons of frequency zero are constants, and are left out.
    np.testing.assert_allclose(means["alive"], turning.mean())
    assert means["frequencies"].values.tolist() == [5.0, 5.0]
    np.testing.assert_allclose(means["aligned"], 1.0, atol=1e-5)


def test_turned_phases_and_small_neurons():
    first, last, _ = _exact(turn=0.7)
    found = numbers.weighted_means(_of_neurons(first, last))
    np.testing.assert_allclose(found["aligned"], np.cos(0.7), atol=1e-5)
    # The product of three tables falls by 1e3, and these neurons no longer count.
    first[:, :, :, 1:21] *= 0.1
    last[:, 1:21] *= 0.1
    small = numbers.weighted_means(_of_neurons(first, last))
    alive = np.r_[np.zeros(21, bool), np.arange(21, HIDDEN) % P > 0]
    np.testing.assert_allclose(small["alive"], alive.mean())


def test_random_weights_are_not_aligned():
    draws = np.random.default_rng(0)
    found = _of_neurons(draws.standard_normal((2, 2, P, 2000)), draws.standard_normal((2, 2000, P)))
    # The mean of 2000 cosines of random phases has an error of 0.016.
    np.testing.assert_allclose(numbers.weighted_means(found)["aligned"], 0.0, atol=0.06)
    assert (found["purity"].mean() < 0.6).all()


STEPS = np.arange(0, 1001, 100)


def _found():
    """Two runs that fit at 100; excluded loss lowest at 200, restricted down at 300, test loss at 600, or never."""
    late = STEPS >= 600
    coords = {"seed": [0, 1], "snapshot": STEPS, "frequency": np.arange(6)}
    log = np.log(P)

    def both(one, other=None):
        return ("seed", "snapshot"), np.stack([one, one if other is None else other])

    never = np.where(STEPS == 0, log, 9.0)
    found = xr.Dataset(
        {
            "train_accuracy": both(np.where(STEPS >= 100, 1.0, 0.1)),
            "test_accuracy": both(np.where(late, 1.0, 0.0), 0.0 * STEPS),
            "excluded_loss": both(np.abs(STEPS - 200) / 100.0, 1.0 - STEPS / 1000.0),
            "restricted_test_loss": both(np.where(STEPS >= 300, 0.0, log), np.full(11, log)),
            "test_loss": both(np.where(late, 0.0, np.where(STEPS == 0, log, 9.0)), never),
            "embedding_gini": both(STEPS / 1000.0),
            "train_loss": both(np.ones(11)),
            "weight_l2": both(10.0 + STEPS),
        },
        coords,
    )
    return found.merge(numbers.accuracy_times(found.rename(snapshot="step"))).assign_attrs(p=P, record_every=100)


def test_phases_are_read_where_they_are():
    times = numbers.phase_times(_found())
    # 0.99 lies 89/90 of the way from 0.1 to 1, log / 2 half way, and log at (9 - log) / 9 of the way from 9 to 0.
    assert times["fitted"].values.tolist() == pytest.approx([100 * 89 / 90] * 2)
    assert times["excluded_rises"].values.tolist() == [200.0, np.inf]
    assert times["test_highest"].values.tolist() == [100.0, 100.0]
    assert times["restricted_half"].values.tolist() == pytest.approx([250.0, np.inf])
    assert times["test_falls"].values.tolist() == pytest.approx([500 + 100 * (9 - np.log(P)) / 9, np.inf])
    assert times["test_half"].values.tolist() == pytest.approx([500 + 100 * (9 - np.log(P) / 2) / 9, np.inf])
    assert times["generalised"].values.tolist() == pytest.approx([599.0, np.inf])


def test_leads_are_shares_of_the_later_step():
    lead, times = numbers.leads(_found()), numbers.phase_times(_found()).isel(seed=0)
    assert lead["excluded"].values.tolist() == pytest.approx(
        [1 - 200 / times["test_falls"].item(), np.nan], nan_ok=True
    )
    assert lead["restricted"].values.tolist() == pytest.approx(
        [1 - 250 / times["test_half"].item(), np.nan], nan_ok=True
    )
    # A hundred steps after it: a lead of minus one.
    assert lead["highest"].values.tolist() == pytest.approx([-1.0, -np.inf])
    # The Gini coefficient rises evenly.
    assert lead["gini"].values.tolist() == pytest.approx([times["test_falls"].item() / 1000, np.nan], nan_ok=True)


@pytest.mark.parametrize("lowest", [0, 50])
def test_an_excluded_loss_that_is_lowest_before_the_fit_ends_no_memorisation(lowest):
    found = _found()
    steps = found["snapshot"].values
    early = found.assign(excluded_loss=(("seed", "snapshot"), np.tile(np.abs(steps - lowest) / 100.0, (2, 1))))
    early = early.assign(fitted=("seed", [99.0, np.inf]))
    assert np.isposinf(numbers.phase_times(early)["excluded_rises"]).all()
    lead = numbers.leads(early)
    assert lead["excluded"].values.tolist() == pytest.approx([-np.inf, np.nan], nan_ok=True)
    claim = _claims(early)["lead of the rise of the excluded loss over the fall of the test loss below that of a guess"]
    assert claim.shown == "never in 1 of 2, not known in 1 of 2" and str(claim.verdict) == "no interval"


def _claims(found, count=5.0):
    """Claims on one network, by their words without its name."""
    counts = xr.DataArray(np.broadcast_to(count, found.sizes["seed"]).astype(float), dims="seed")
    return {claim.what.split(": ", 1)[1]: claim for claim in claims._of_network("mlp", found, counts)}


def test_a_run_that_never_turns_counts_against_a_lead():
    # Five runs of which one, or three, have their lowest excluded loss at the end.
    some = {}
    for lost in (0, 1, 3):
        runs = _found().isel(seed=[0] * (5 - lost) + [1] * lost)
        fallen = runs.assign(test_loss=(("seed", "snapshot"), np.tile(_found()["test_loss"].values[:1], (5, 1))))
        claim = _claims(fallen)[
            "lead of the rise of the excluded loss over the fall of the test loss below that of a guess"
        ]
        assert claim.band == above(0.0) and claim.main and claim.estimate.below == lost
        some[lost] = str(claim.verdict)
    assert some == {0: "as published", 1: "not told apart", 3: "differs"}


def test_claims_on_a_network_have_its_numbers_and_their_rules():
    found = _found()
    made = _claims(found, count=[4.0, 6.0])
    key = made["number of key frequencies"]
    assert (key.published, key.band) == (5.0, near(5.0)) and key.ours.values.tolist() == [4.0, 6.0]
    ratio = made["excluded over train loss at the end"]
    assert ratio.band == above(1.0) and ratio.ours.values.tolist() == [8.0, 0.0]
    gini = made["share of the rise of the embedding's Gini coefficient by when the test loss falls"]
    assert gini.band == above(0.0) and gini.estimate.unknown == 1
    assert made["lead of the rise of the excluded loss over the test loss at its highest"].band is None


def test_claims_on_the_quadratic_network_compare_trained_with_initial_weights():
    weights = ["at the start", "trained", "exact"]
    purity = np.broadcast_to(np.array([0.2, 0.8, 1.0])[None, :, None], (2, 3, 4))
    values = dict.fromkeys(("purity", "size", "frequency"), (("seed", "weights", "neuron"), purity))
    turned = np.zeros((2, 3, 4))
    turned[:, 1] = np.arccos(0.9)
    values |= {
        "phase_in": (("seed", "weights", "neuron"), turned),
        "phase_out": (("seed", "weights", "neuron"), 0 * turned),
    }
    square = xr.Dataset(values, {"weights": weights, "snapshot": [0, 10]}, {"p": P})
    square["ipr"] = ("seed", "snapshot"), np.array([[0.1, 0.3], [0.1, 0.4]])
    cosine, power, purer, ipr, rise = claims._of_quadratic(square)
    assert cosine.band == near(1.0) and cosine.ours.values == pytest.approx(0.9)
    assert power.band is ipr.band is None and power.ours.values == pytest.approx(0.8)
    assert purer.band == rise.band == above(0.0) and purer.ours.values == pytest.approx(0.6)
    assert rise.ours.values == pytest.approx([0.2, 0.3]) and ipr.ours.values == pytest.approx([0.3, 0.4])


def test_times_of_phases_allow_for_the_records_beside_them():
    rows = {row[0]: row[1] for row in claims.phases({"mlp": _found().isel(seed=[0, 0])}).rows}
    # 98.9, recorded every 100 steps; and the lowest snapshot, 200, whose neighbours are 100 and 300.
    assert rows["train accuracy 99%"] == "99 [0, 100]"
    assert rows["memorisation ends: excluded loss begins to rise"] == "200 [100, 300]"
    at = 10.0 + numbers.phase_times(_found())["test_falls"].item(0)
    assert rows["L2 norm where the test loss falls below ln p"].startswith(f"{at:.0f}")


def _with_modes(falls):
    """Modes 1, 3 and 4 are key frequencies, whose own loss falls at the given steps."""
    found, keys = _found(), [1, 3, 4]
    loss = np.full((2, 11, 6), 3.0)
    power = np.tile(np.array([0.0, 0.1, 0.15, 0.2, 0.3, 0.0]), (2, 11, 1))
    for k, step in zip(keys, falls, strict=True):
        loss[:, :, k] = np.where(step <= STEPS, 1.0, 3.0)
    mask = np.zeros((2, 6))
    mask[:, keys] = 1
    dims = ("seed", "snapshot", "frequency")
    return found.assign(
        frequency_loss=(dims, loss),
        logit_power=(dims, power),
        embedding_power=(dims, power),
        key_frequency=(dims[::2], mask),
    )


def test_modes_are_learnt_one_by_one():
    found = numbers.modes(_with_modes([800, 500, 300]))
    assert found["count"].values.tolist() == [3.0, 3.0]
    # Half way through the hundred steps of its fall.
    assert found["first"].values.tolist() == [250.0] * 2 and found["last"].values.tolist() == [750.0] * 2
    # Powers 0.1, 0.2 and 0.3: the strongest first.
    np.testing.assert_allclose(found["by_final"], -1.0)
    # Of the others (0.15, 0, and frequency zero left out) one key is above one of two, and two keys are above both.
    np.testing.assert_allclose(found["start_rank"], 5 / 6)
    np.testing.assert_allclose(found["fitted_rank"], 5 / 6)
    never = numbers.modes(_with_modes([800, 500, 3000]))
    assert np.isposinf(never["last"]).all() and never["first"].values.tolist() == [450.0] * 2
    assert never["by_final"].isnull().all()


@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_settings(scale):
    parts = studies.find("modular-fourier").sweeps(scale, 4)
    for part in parts.values():
        spec = part.experiment
        assert spec.batch_size is None and spec.snapshots[0] == 0 and spec.snapshots[-1] == spec.steps
        assert spec.task.operation == "add"
    paper = parts["transformer"].experiment
    assert paper.optimizer.hyperparameters["weight_decay"] == 1.0 and paper.optimizer.hyperparameters["b2"] == 0.98
    if scale == "paper":
        assert (paper.task.p, paper.train_size, paper.steps) == (113, 0.3, 40_000)
        assert (paper.model.width, paper.model.heads, paper.model.mlp) == (128, 4, 512)
        assert paper.optimizer.hyperparameters["learning_rate"] == mj.schedules.warmup(peak=1e-3, warmup_steps=10)


def _shrunk(scale, seeds):
    shrunk = {}
    for name, part in studies.find("modular-fourier").sweeps(scale, seeds).items():
        steps = 200 if name == "quadratic" else 100
        few = {"steps": steps, "record_every": 50, "snapshots": tuple(range(0, steps + 1, 50)), "train_size": 0.8}
        task = dataclasses.replace(part.experiment.task, p=11)
        shrunk[name] = studies.Sweep(dataclasses.replace(part.experiment, task=task, **few), {"seed": range(seeds)})
    return shrunk


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, made_again):
    study = dataclasses.replace(studies.find("modular-fourier"), sweeps=_shrunk)
    folder, findings = studies.run(study, tmp_path / "out", seeds=3, progress=False)
    assert {"progress", "modes", "transformer", "quadratic"} == set(findings.figures)
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    found, neurons = (mj.open(folder / f"{name}.nc") for name in ("progress_mlp", "neurons"))
    assert found.attrs["p"] == 11 and (found["key_frequency"].sum("frequency") > 0).all()
    # What the measure says of the loss at the last snapshot is what the run recorded there: key frequencies are some modes
    # of the logits, and without them the train set is worse fitted.
    assert (found["excluded_loss"].isel(snapshot=-1) > found["train_loss"].isel(snapshot=-1)).all()
    square = numbers.weighted_means(neurons)
    np.testing.assert_allclose(square["aligned"].sel(weights="exact"), 1.0, atol=1e-5)
    assert (square["aligned"].sel(weights="trained") > square["aligned"].sel(weights="at the start")).all()
    made_again(folder, study)
    assert {"published", "phases"} <= set(findings.all_tables)
