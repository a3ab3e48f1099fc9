"""The study sparse-parity: times, exponents and progress of made-up runs, its claims, and a shrunk run."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies.kit import above, below, between
from memjax.studies.sparse_parity import claims, numbers

STEPS = np.arange(0, 1001, 100)


def _online(learned):
    """Accuracy that is 0.5, and rises to 1 within the hundred steps before each given step; never for infinity."""
    rows = [np.where(step <= STEPS, 1.0, 0.5) for step in np.ravel(learned)]
    accuracy = np.reshape(rows, (*np.shape(learned), len(STEPS)))
    coords = {"num_relevant": [2, 3], "seed": [0, 1, 2], "step": STEPS}
    return xr.Dataset({"sign_accuracy": (tuple(coords), accuracy)}, coords)


def test_times_lie_between_records_and_never_is_a_time():
    data = _online([[300, 300, 400], [500, 600, np.inf]])
    # Sweeps of their own by number of relevant signs, of which the first is recorded twice as often.
    often = data.sel(num_relevant=[2]).interp(step=np.arange(0, 1001, 50))
    found = numbers.times({10: [often, data.sel(num_relevant=[3])]})
    assert found["spacing"].values.tolist() == [50.0, 100.0]
    # From 0.5 to 1 in a hundred steps: 0.95 after ninety of them, 0.6 after twenty.
    assert found["learned"].sel(num_bits=10, num_relevant=2).values.tolist() == pytest.approx([290, 290, 390])
    assert found["visible"].sel(num_bits=10, num_relevant=2).values.tolist() == pytest.approx([220, 220, 320])
    assert found["learned"].sel(num_bits=10, num_relevant=3).values.tolist() == pytest.approx([490, 590, np.inf])
    rows = claims.scaling(found).rows
    assert [row[:2] for row in rows] == [("2", "10"), ("3", "10")] and rows[1][3].endswith("never in 1 of 3")
    assert "50 for k = 2, 100 for k = 3" in claims.scaling(found).note


def test_the_exponent_of_a_power_is_found_from_the_sizes_that_all_seeds_learned():
    bits = np.array([10, 20, 40, 80])
    learned = np.stack([np.outer(scale * np.array([1.0, 1.1, 0.9]), bits**k) for scale, k in ((3.0, 1.0), (0.5, 2.0))])
    learned[1, 0, 3] = np.inf
    array = xr.DataArray(learned, {"num_relevant": [2, 3], "seed": [0, 1, 2], "num_bits": bits})
    found = numbers.exponents(array)
    np.testing.assert_allclose(found["slope"], [1.0, 2.0], atol=1e-9)
    assert found["sizes"].values.tolist() == [4, 3]
    # The bootstrap of three seeds has little to draw from.
    assert found["slope_interval"].isnull().all()
    few = numbers.exponents(array.isel(num_bits=[0, 3]))
    assert few["slope"].isnull().all() and str(claims._exponents(array.isel(num_bits=[0, 3]))[0].verdict) == "not known"


@pytest.mark.parametrize(("power", "verdict"), [(1.5, "as published"), (2.5, "differs")])
def test_an_exponent_is_asked_to_be_no_larger_than_k(power, verdict):
    bits = np.array([10, 20, 40])
    learned = np.outer([1.0, 1.1, 0.9, 1.2], bits**power)[None]
    array = xr.DataArray(learned, {"num_relevant": [2], "seed": range(4), "num_bits": bits})
    (claim,) = claims._exponents(array)
    assert claim.band == below(2) and claim.estimate.count == 4 and claim.remark == "over 3 sizes"
    assert claim.estimate.value == pytest.approx(power) and str(claim.verdict) == verdict


def test_share_and_movement_of_known_weights():
    kernel = np.ones((2, 5, 4))
    kernel[1, :2] = 3.0
    kernel[1, 2:] = 0.0
    kernel[1, 4, 3] = -4.0
    found = numbers.of_weights(kernel, num_relevant=2)
    np.testing.assert_allclose(found["share"], [2 / 5, 72 / 88])
    np.testing.assert_allclose(found["movement"], [0.0, 5.0])
    # Eight weights move by 2; of twelve, eleven move by 1 and one by 5.
    np.testing.assert_allclose(found["moved"], [np.nan, 2.0 / np.sqrt(36 / 12)])


@dataclasses.dataclass(frozen=True)
class _Linear:
    def apply(self, params, x):
        return x @ params["layer_0"]["kernel"]


@pytest.mark.parametrize(("relevant", "gap"), [(1, 32.0), (2, 0.0)])
def test_the_fourier_gap_of_a_linear_model_at_zero(relevant, gap):
    task = mj.tasks.SparseParity(num_bits=200, num_relevant=relevant)
    snapshot = SimpleNamespace(
        experiment=SimpleNamespace(task=task, data_key=0),
        model=_Linear(),
        params={"layer_0": {"kernel": np.zeros((200, 1), np.float32)}},
    )
    # The gradient is -E[y x]: one in the only relevant bit, where a batch of 32 has the variance 1/32, and else zero.
    # The variance is from 199 pairs of means: six seeds gave 27 to 40, and for the gap of zero -0.0005 to 0.0022.
    found = numbers.fourier_gap(snapshot)["fourier_gap"]
    assert found == pytest.approx(gap, rel=0.3, abs=0.005)


def _seen():
    steps = np.arange(0, 801, 100)
    half = np.linspace(0.0, 2.0, len(steps))
    rows = {"accuracy": 0.5 + 0 * half, "share": 0.1 + half, "movement": half, "moved": 1 + half, "fourier_gap": half}
    coords = {"seed": [0, 1, 2], "snapshot": steps}
    found = xr.Dataset({name: (tuple(coords), np.tile(row, (3, 1))) for name, row in rows.items()}, coords)
    times = {"leaves": [250.0, 600.0, np.inf], "visible": [310.0, 790.0, np.inf], "learned": [400.0, 800.0, np.inf]}
    return found.assign({name: ("seed", at) for name, at in times.items()}).assign_attrs(num_bits=50)


def test_progress_is_read_on_each_runs_own_clock():
    seen = _seen()
    where = numbers.points(seen)
    half, last, start = (where.sel(point=point) for point in ("half way", "last snapshot at chance", "start"))
    # The share grows by one per 400 steps, and half way is at 200 and 400.
    np.testing.assert_allclose(half["share"], [0.6, 1.1, np.nan])
    np.testing.assert_allclose(half["movement"], [0.5, 0.5, np.nan])
    np.testing.assert_allclose(last["share"], [0.6, 1.35, np.nan])
    np.testing.assert_allclose(last["time"], [200 / 400, 500 / 800, np.nan])
    # Every run has a start, also one that never learns.
    np.testing.assert_allclose(start["share"], 0.1)
    clock = numbers.aligned(seen)
    np.testing.assert_allclose(clock["share"].sel(time=1.0), [1.1, 2.1, np.nan])
    # 1.2 of 800 steps is beyond the last.
    np.testing.assert_allclose(clock["share"].sel(time=1.2), [1.3, np.nan, np.nan])


def _trend(seen, point):
    return numbers.points(seen)["trend"].sel(point=point).values


def test_what_comes_after_accuracy_has_left_chance_is_no_hidden_progress():
    seen = _seen().isel(seed=[1])
    # Nothing but noise until the accuracy leaves chance at 600, and steep growth from there to where it is visible at 790.
    noise = np.where(seen["snapshot"] < 600, np.array([3, 1, 2, 1, 2, 3, 9, 9, 9]), 10.0 + seen["snapshot"])
    flat = seen.assign(share=(("seed", "snapshot"), noise[None]))
    assert _trend(flat, "last snapshot at chance") == pytest.approx(0.12, abs=0.01)
    assert numbers.points(flat)["share"].sel(point="last snapshot at chance").item() == 3.0
    assert _trend(seen, "last snapshot at chance") == pytest.approx(1.0)
    # The share falls to step 400, half way of the second run, and rises from there on; the first run has two snapshots.
    turning = _seen().assign(share=abs(_seen()["snapshot"] - 400.0).broadcast_like(_seen()["share"]))
    np.testing.assert_allclose(_trend(turning, "half way"), [np.nan, -1.0, np.nan])


def _hidden(seen, point):
    """Claims on one point, by their words without the point."""
    where = numbers.points(seen)
    made = claims._hidden("(50, 3)", point, "until then", where)
    return {claim.what.split(": ")[1].split(",")[0]: claim for claim in made}


def test_claims_on_hidden_progress_have_its_numbers_and_their_rules():
    seen = _seen().isel(seed=[0, 1])
    last = _hidden(seen, "last snapshot at chance")
    accuracy = last["test accuracy"]
    # Two standard errors of a guess on 2000 examples: sqrt(0.25 / 2000) = 0.01118.
    assert accuracy.published == 0.5 and accuracy.band == between(0.4776, 0.5224)
    assert str(accuracy.verdict) == "as published"
    guessed = _hidden(seen.assign(accuracy=seen["accuracy"] + 0.05), "last snapshot at chance")["test accuracy"]
    assert str(guessed.verdict) == "differs"
    moved, share = (
        last["change of the relevant bits' weights over that of others"],
        last["share of the relevant bits in the first layer"],
    )
    assert moved.band == above(1.0) and moved.ours.values.tolist() == [1.5, 2.25]
    assert share.band == above(0.0) and share.main and share.ours.values == pytest.approx([0.5, 1.25])
    trend = _hidden(seen, "half way")["rank correlation of the relevant bits' share with the step"]
    assert trend.band == above(0.0) and trend.estimate.unknown == 1


def test_the_plateau_is_asked_to_be_most_of_the_time():
    seen, learned = _seen(), _online([[300, 300, 400], [500, 600, 700]])
    scaling = numbers.times({20: [learned]})
    found = {claim.what: claim for claim in claims.claims(scaling, seen, numbers.points(seen), _finite())}
    plateau = found["(50, 3): share of the steps to 95% accuracy that are spent below 60%"]
    np.testing.assert_allclose(plateau.ours, [310 / 400, 790 / 800, np.nan])
    assert plateau.band == above(0.5)
    gap = found["(50, 3): Fourier gap at the start, in units of batch noise"]
    assert gap.band == above(0.0) and gap.ours.values.tolist() == [0.0] * 3
    # What nobody has published is not compared.
    own = found["steps to 95% accuracy, (n, k) = (20, 3)"]
    assert own.published == "not given" and "not published" in own.remark and own.band is None
    assert own.ours.least.values.tolist() == [400, 500, 600] and own.ours.most.values.tolist() == [500, 600, 700]


def test_a_run_leaves_chance_where_noise_cannot_have_it(monkeypatch):
    steps = np.arange(0, 401, 100)
    accuracy = xr.DataArray([[0.5, 0.53, 0.54, 0.7, 1.0]], {"seed": [0], "step": steps}, name="sign_accuracy")
    kernel = np.random.default_rng(0).standard_normal((1, 5, 6, 4))
    monkeypatch.setattr(numbers, "params", lambda dataset, step: {"layer_0": {"kernel": kernel}})
    gap = xr.DataArray(np.zeros((1, 5)), {"seed": [0], "snapshot": steps}, name="fourier_gap").to_dataset()
    monkeypatch.setattr(numbers, "measure", lambda *args, **options: gap)
    dataset = accuracy.to_dataset().assign_coords(snapshot=steps)
    # 3 sqrt(0.25 / 2000) = 0.0335 above one half, between 0.53 and 0.54.
    assert numbers.progress(dataset, ())["leaves"].item() == pytest.approx(135.4, abs=0.1)


def _finite():
    words = ["grokked", "together", "grokked", "never generalised"]
    of_run = ("l2", "train_size", "seed")
    return xr.Dataset(
        {
            "outcome": (of_run, np.array([[["together"] * 4], [words]])),
            "t_train": (of_run, np.tile([900.0, 900.0, 1100.0, 900.0], (2, 1, 1))),
            "t_test": (of_run, np.tile([5000.0, 1000.0, 7000.0, np.inf], (2, 1, 1))),
            "accuracy": (of_run, np.ones((2, 1, 4))),
            "records": ("record", np.arange(0.0, 8001.0, 100.0)),
        },
        {"l2": [0.0, 0.01], "train_size": [1000]},
    )


def test_grokked_runs_are_counted_and_timed_alone():
    none, some = (claims._grokking(_finite(), l2) for l2 in (0.0, 0.01))
    assert (none.remark, none.estimate.value, some.remark, some.estimate.value) == ("0 of 4", 0.0, "2 of 4", 0.5)
    assert str(none.verdict) == str(some.verdict) == "not asked"
    rows = claims.finite_table(_finite()).rows
    assert rows[0][5:] == ("4 together", "-", "-")
    assert rows[1][5] == "2 grokked, 1 never generalised, 1 together"
    # Means of 900 and 1100, and of 5000 and 7000.
    assert rows[1][6].startswith("1000 [") and rows[1][7].startswith("6000 [")


@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_settings_are_the_published_ones(scale):
    parts = studies.find("sparse-parity").sweeps(scale, 2)
    for name, part in parts.items():
        spec = part.experiment
        assert (spec.batch_size, spec.model.hidden, spec.loss) == (32, (100,), "hinge")
        assert spec.optimizer.hyperparameters["learning_rate"] == 0.1
        assert name == "finite" or spec.train_size == spec.steps * 32
        assert name != "finite" or max(part.over["train_size"]) < spec.steps * 32 / 10
    assert parts["bits_20"].over["num_relevant"] == (3, 4) and parts["pairs_20"].over["num_relevant"] == (2,)
    # (10, 2) is learned in 56 steps.
    assert parts["pairs_10"].experiment.record_every <= 5 and parts["progress"].experiment.task.num_bits == 50


def _shrunk(scale, seeds):
    parts = dict(studies.find("sparse-parity").sweeps(scale, seeds))
    kept = {name: parts[name] for name in ("progress", "bits_10", "bits_15", "bits_20", "finite")}
    kept |= {name: parts[name] for name in ("pairs_10", "pairs_15", "pairs_20")}
    kept["progress"] = dataclasses.replace(
        kept["progress"],
        experiment=dataclasses.replace(
            kept["progress"].experiment, task=mj.tasks.SparseParity(12, 3), steps=1000, train_size=32_000,
            snapshots=tuple(range(0, 1001, 125)), test_size=500,
        ),
    )  # fmt: skip
    for name in ("bits_10", "bits_15", "bits_20"):
        spec = dataclasses.replace(kept[name].experiment, steps=600, train_size=600 * 32)
        kept[name] = studies.Sweep(spec, {"num_relevant": (3,), "seed": range(seeds)})
        pairs = name.replace("bits", "pairs")
        kept[pairs] = dataclasses.replace(kept[pairs], over={"num_relevant": (2,), "seed": range(seeds)})
    finite = dataclasses.replace(kept["finite"].experiment, steps=500)
    kept["finite"] = studies.Sweep(finite, {"train_size": (100, 200), "l2": (0.0, 0.01), "seed": range(seeds)})
    return kept


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, made_again):
    study = dataclasses.replace(studies.find("sparse-parity"), sweeps=_shrunk)
    folder, findings = studies.run(study, tmp_path / "out", seeds=3, progress=False)
    assert {"progress", "scaling", "finite"} == set(findings.figures)
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    times, seen = findings.datasets["times"], mj.open(folder / "hidden_progress.nc")
    assert np.isfinite(times["learned"].sel(num_relevant=2)).all()
    assert (times["visible"] <= times["learned"]).all()
    # Twelve signs are learned in these steps: the share of three of them, 0.24 to 0.27 at the start, was 0.48 to 0.49.
    assert (seen["share"].isel(snapshot=-1) > 0.4).all() and (seen["share"].isel(snapshot=0) < 0.3).all()
    assert all(row[-3:] == ("3 never generalised", "-", "-") for row in findings.tables["finite"].rows)
    made_again(folder, study)
    assert {"published", "points"} <= set(findings.all_tables)
