import dataclasses

import numpy as np
import pytest
import xarray as xr

from memjax import studies
from memjax.studies.kit import Claim, Verdict, above
from memjax.studies.slingshot import claims, numbers

STEPS = 50.0 * np.arange(201)


def _run(loss, norm):
    dims = ("seed", "step")
    values = {"step_loss": (dims, np.atleast_2d(loss)), "last_layer_l2": (dims, np.atleast_2d(norm))}
    seeds = len(np.atleast_2d(loss))
    return xr.Dataset(values, coords={"seed": range(seeds), "step": STEPS})


def _slingshot():
    """Calm from record 10, growth of the last layer from 4 to 8 over records 80 to 100, and there a spike of 3 nats."""
    loss = np.full(201, 1e-6)
    loss[0], loss[1:10] = np.nan, 5.0
    loss[100:104] = [0.5, 3.0, 0.2, 1e-3]
    norm = np.interp(np.arange(201), [0, 80, 100, 200], [3.9, 4.0, 8.0, 8.1])
    return loss, norm


def test_a_slingshot_is_found_where_it_is():
    found = numbers.events(_run(*_slingshot())).isel(seed=0)
    assert (float(found["spikes"]), float(found["slingshots"])) == (1, 1)
    assert float(found["first"]) == 5000.0 and float(found["fitted"]) == 500.0
    assert float(found["height"]) == 3.0 and float(found["least_loss"]) == 1e-6
    assert float(found["growth"]) == pytest.approx(1.0)
    assert float(found["before"]) == float(found["growth"]) and float(found["after"]) == float(found["plateau"])
    # From 8.02 at record 120 to 8.04 at record 140.
    assert float(found["plateau"]) == pytest.approx(0.02 / 8.02)
    assert found["step"].values[found["at"].values].tolist() == [5000.0]


@pytest.mark.parametrize(
    ("what", "counts"),
    [
        (lambda loss, norm: (loss, np.full(201, 4.0)), (1, 0)),
        (lambda loss, norm: (loss, np.interp(np.arange(201), [0, 100, 200], [3.9, 4.0, 9.0])), (1, 0)),
        (lambda loss, norm: (np.minimum(loss, 9e-3), norm), (0, 0)),
        (lambda loss, norm: (np.maximum(loss, 2e-4), norm), (0, 0)),
    ],
    ids=["no growth", "growth after it", "no spike", "never calm"],
)
def test_what_is_no_slingshot(what, counts):
    found = numbers.events(_run(*what(*_slingshot()))).isel(seed=0)
    assert (float(found["spikes"]), float(found["slingshots"])) == counts
    assert np.isposinf(found["first"]) and np.isnan(found["growth"]) and not found["at"].any()
    # What is no slingshot counts towards growth before and after spikes all the same.
    assert np.isfinite(found["before"]) == np.isfinite(found["after"]) == bool(counts[0])


def test_growth_is_averaged_over_all_spikes_with_both_windows():
    loss, norm = np.full(201, 1e-6), np.full(201, 4.0)
    loss[0], loss[[40, 120, 190]] = np.nan, 1.0
    # Growth by half before record 40; by a quarter in the window after the spike's own of record 120; the third is too late.
    norm[40:], norm[160:], norm[189:] = 6.0, 7.5, 70.0
    found = numbers.events(_run(loss, norm)).isel(seed=0)
    assert (float(found["spikes"]), float(found["slingshots"])) == (3, 1)
    np.testing.assert_allclose([found["before"], found["after"]], [0.25, 0.125])


def test_random_walks_do_not_grow_faster_before_a_spike():
    rng, words = np.random.default_rng(0), []
    loss = np.full((4, 201), 1e-6)
    loss[:, 0], loss[:, [40, 90, 140]] = np.nan, 1.0
    for _ in range(60):
        found = numbers.events(_run(loss, np.exp(0.02 * rng.normal(size=(4, 201)).cumsum(-1))))
        words.append(Claim("", "above 0", found["before"] - found["after"], above(0.0)).verdict)
        # By definition the first slingshot always does.
        assert not (found["growth"] <= found["plateau"]).any()
    # One side of a 95% interval: 1.5 of 60 expected.
    assert words.count(Verdict.AS_PUBLISHED) <= 5 and words.count(Verdict.NOT_TOLD_APART) >= 50


def test_a_spike_is_counted_once_until_the_run_is_calm_again():
    loss, _ = _slingshot()
    loss[110], loss[150], loss[155] = 0.4, 0.02, 0.5
    assert numbers.spikes_of(loss[100:106]) == []
    assert numbers.spikes_of(loss[1:]) == [99, 109, 149, 154]
    loss[104:160] = np.maximum(loss[104:160], 1e-3)
    assert numbers.spikes_of(loss[1:]) == [99]
    assert numbers.spikes_of(np.array([np.nan, 0.5, 1e-4, 1e-2])) == [3]


def test_runs_are_told_apart():
    loss, norm = _slingshot()
    found = numbers.events(_run(np.stack([loss, np.full(201, 1e-6)]), np.stack([norm, norm])))
    assert found["slingshots"].values.tolist() == [1.0, 0.0] and found["first"].values.tolist() == [5000.0, np.inf]


def test_a_late_spike_has_no_plateau_yet_and_is_no_slingshot():
    loss, norm = _slingshot()
    cut = _run(loss, norm).isel(step=slice(130))
    found = numbers.events(cut).isel(seed=0)
    assert (float(found["spikes"]), float(found["slingshots"])) == (1, 0)


def test_the_turn_of_features_is_split_by_what_lies_between_snapshots(monkeypatch):
    loss, norm = _slingshot()
    found = numbers.events(_run(loss, norm))
    ends = [0, 4000, 6000, 8000, 10_000]
    # One neuron pair per example: turns of 90 degrees up to 4000 (not yet fitted at 0) and from 4000 to 6000, then none.
    x, y = np.array([1.0, 0.0]), np.array([0.0, 2.0])
    features = np.stack([np.tile(v, (3, 1)) for v in (x, y, x, 5 * x, x)])[None]
    dims = ("seed", "snapshot", "example", "neuron")
    measured = xr.Dataset({"features": (dims, features)}, coords={"seed": [0], "snapshot": ends})
    monkeypatch.setattr(numbers, "measure", lambda runs, functions: measured)
    turned = numbers.turns(_run(loss, norm))
    np.testing.assert_allclose(turned["turn"].isel(seed=0), [1.0, 1.0, 0.0, 0.0], atol=1e-12)
    assert turned["since"].values.tolist() == ends[:-1] and turned["snapshot"].values.tolist() == ends[1:]
    moved = numbers.changes(turned, found)
    np.testing.assert_allclose(moved["during"], 1.0)
    np.testing.assert_allclose(moved["apart"], 0.0, atol=1e-12)


def _accuracies():
    """Plain and exact: 0.2 until step 5000 and 0.9 after, in seed 0; the exact run stays at 0.3; seed 1 has no slingshot."""
    plain = np.where(STEPS < 5000, 0.2, 0.9)
    values = np.stack([np.stack([plain, plain]), np.full((2, 201), 0.3)])
    coords = {"loss": ["cross_entropy", "cross_entropy_exact"], "seed": [0, 1], "step": STEPS}
    runs = xr.Dataset({"test_accuracy": (tuple(coords), values)}, coords=coords)
    first = [[5000.0, np.inf], [np.inf, np.inf]]
    return runs, xr.Dataset({"first": (("loss", "seed"), first)}, coords={"loss": runs["loss"], "seed": [0, 1]})


def test_accuracy_before_and_after_is_of_the_runs_with_a_slingshot():
    gain = numbers.generalisation(*_accuracies())
    assert gain["before"].sel(seed=0).values.tolist() == [0.2, 0.3]
    assert gain["after"].sel(seed=0).values.tolist() == [0.9, 0.3]
    assert gain.sel(seed=1)[["before", "after"]].isnull().all().to_array().all()


def _counts(slingshots=(2.0, 2.0), least=0.0):
    """Two seeds of every setting, with these counts; the last seed's loss is never below ``least``."""
    seeds = {"seed": [0, 1], "step": STEPS[1:]}
    one = xr.Dataset(
        {
            "slingshots": ("seed", list(slingshots)),
            "least_loss": ("seed", [0.0, least]),
            "first": ("seed", [5000.0, np.inf]),
        },
        seeds,
    )
    numbers_ = {"spikes": 3.0, "growth": 0.7, "before": 0.4, "after": 0.1, "height": 3.0}
    one = one.assign({name: ("seed", [value, value + 0.01]) for name, value in numbers_.items()})
    found = {"eps": one.expand_dims(eps=[1e-8, 1e-4]), "exact": one.expand_dims(loss=["exact"])}
    found["optimizers"] = one.expand_dims(optimizer=["sgd(0.1)", "rmsprop(0.001)"])
    return found | {"modular": one.expand_dims(loss=["plain", "exact"])}


def _claims(found, accuracies=None):
    gain = numbers.generalisation(*(accuracies or _accuracies()))
    moved = xr.Dataset({"during": ("seed", [0.2, 0.21]), "apart": ("seed", [0.01, 0.01])})
    return {claim.what: claim for claim in claims.claims(found, moved, gain)}


def test_counts_are_compared_with_several_some_and_none():
    many, none = _claims(_counts()), _claims(_counts((0.0, 0.0)))
    for what, with_, without in (
        ("Adam: slingshots per run", Verdict.AS_PUBLISHED, Verdict.DIFFERS),
        ("RMSProp: slingshots per run", Verdict.AS_PUBLISHED, Verdict.DIFFERS),
        ("SGD with momentum: slingshots per run", Verdict.DIFFERS, Verdict.AS_PUBLISHED),
        ("Adam, eps 0.0001: slingshots per run", Verdict.DIFFERS, Verdict.AS_PUBLISHED),
        ("Adam, exact softmax: slingshots per run", Verdict.NOT_ASKED, Verdict.NOT_ASKED),
    ):
        assert (many[what].verdict, none[what].verdict) == (with_, without), what
    # One slingshot is not several.
    assert _claims(_counts((1.0, 1.0)))["Adam: slingshots per run"].verdict == Verdict.DIFFERS


def test_a_loss_that_float32_does_not_round_to_zero_has_no_occasion_for_a_slingshot():
    one = _claims(_counts((0.0, 0.0), least=5e-7))["SGD with momentum: slingshots per run"]
    assert (one.estimate.count, one.estimate.unknown, one.verdict) == (1, 1, Verdict.NO_INTERVAL)
    assert one.remark == "least loss 5e-07, which is not rounded to 0"
    there = _claims(_counts((0.0, 1.0), least=5e-7))["SGD with momentum: slingshots per run"]
    assert (there.estimate.count, there.remark) == (2, "")


def test_growth_turn_and_gain_are_compared_within_a_run():
    found = _claims(_counts())
    grows = found["growth of the last layer before a spike less that after, all spikes"]
    assert grows.estimate.value == pytest.approx(0.3) and grows.verdict == Verdict.AS_PUBLISHED
    turn = found["turn of the features between snapshots with a slingshot, less that without"]
    assert turn.estimate.value == pytest.approx(0.195) and turn.verdict == Verdict.AS_PUBLISHED
    # 0.2 to 0.9, while the exact run falls from 0.3 to 0.2; the other seed has no slingshot.
    runs, first = _accuracies()
    runs["test_accuracy"][1, :, -1] = 0.2
    gains = _claims(_counts(), (runs, first))
    learned = "addition: test accuracy at the end less that before the first slingshot"
    assert gains[learned].estimate.value == pytest.approx(0.7)
    assert gains[f"{learned}, less the same of the exact softmax"].estimate.value == pytest.approx(0.8)
    assert gains[learned].estimate.unknown == 1 and gains[learned].verdict == Verdict.NO_INTERVAL


def test_tables_have_every_setting_and_say_never():
    made = claims.tables(_counts(), numbers.generalisation(*_accuracies()))
    rows = {row[0]: row[1:] for row in made["runs"].rows}
    assert list(rows)[2:4] == ["labels: sgd", "labels: rmsprop"] and len(rows) == 7
    assert rows["labels: sgd"][2] == "5000 [no interval], never in 1 of 2"
    assert made["accuracy"].rows[0] == ("0", "5000", "0.2", "0.9", "0.3", "0.3")
    assert made["accuracy"].rows[1][1] == "never"


@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_settings_have_no_decay_and_the_whole_batch(scale):
    parts = studies.find("slingshot").sweeps(scale, 2)
    for part in parts.values():
        every, kept = part.experiment.record_every, part.experiment.snapshots
        assert not any(step % every for step in (part.experiment.steps, *kept))
        assert part.experiment.batch_size is None and part.experiment.optimizer.hyperparameters["l2"] == 0.0
        assert part.experiment.loss == "cross_entropy" and "step_loss" in part.experiment.measures
    assert parts["eps"].over["eps"][0] == 1e-8 and tuple(parts["exact"].over["loss"]) == ("cross_entropy_exact",)
    momentum, rms = parts["optimizers"].over["optimizer"]
    # RMSProp's eps is under the root.
    assert momentum.hyperparameters["momentum"] == 0.9 and rms.hyperparameters["eps"] ** 0.5 == pytest.approx(1e-8)


def _shrunk(scale, seeds):
    """As many steps as it takes a small network to come to the float32 softmax's zero and out of it, not more."""
    small = {}
    for name, part in studies.find("slingshot").sweeps(scale, seeds).items():
        own, steps = part.experiment, 2000
        changed = {"steps": steps, "snapshots": (0, 1000, 2000) if own.snapshots else ()}
        small[name] = studies.Sweep(dataclasses.replace(own, **changed), part.over)
    return small


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, made_again):
    study = dataclasses.replace(studies.find("slingshot"), sweeps=_shrunk)
    folder, findings = studies.run(study, tmp_path / "out", seeds=2, progress=False)
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    turned = xr.load_dataset(folder / "turns.nc")
    assert dict(turned["turn"].sizes) == {"seed": 2, "snapshot": 2} and (turned["turn"] > 0).all()
    # Two thousand steps are far too few for any slingshot.
    found = {claim.what: claim for claim in findings.claims}
    assert found["Adam: slingshots per run"].verdict == Verdict.DIFFERS
    made_again(folder, study)
    assert {"published", "runs", "accuracy"} <= set(findings.all_tables)
