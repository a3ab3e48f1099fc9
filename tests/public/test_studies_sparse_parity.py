import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies import _sparse_parity_progress as progress
from memjax.studies import _sparse_parity_tables as tables
from memjax.studies._times import agrees, compared, times_shown, within

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
    found = progress.times({10: [often, data.sel(num_relevant=[3])]})
    assert found["spacing"].values.tolist() == [50.0, 100.0]
    # From 0.5 to 1 in a hundred steps: 0.95 after ninety of them, 0.6 after twenty.
    assert found["learned"].sel(num_bits=10, num_relevant=2).values.tolist() == pytest.approx([290, 290, 390])
    assert found["visible"].sel(num_bits=10, num_relevant=2).values.tolist() == pytest.approx([220, 220, 320])
    assert found["learned"].sel(num_bits=10, num_relevant=3).values.tolist() == pytest.approx([490, 590, np.inf])
    rows = tables.scaling(found).rows
    assert [row[:2] for row in rows] == [("2", "10"), ("3", "10")] and rows[1][3].endswith("never in 1 of 3")
    assert "50 for k = 2, 100 for k = 3" in tables.scaling(found).note


def test_an_interval_of_times_is_no_narrower_than_the_records():
    times = xr.DataArray([12.0, 13.0, 14.0, np.inf], dims="seed")
    assert times_shown(times, [0, 10, 20, 30]) == "13.0 [10.0, 20.0], never in 1 of 4"
    # 13 -+ 4.30 / sqrt(3), and one step more on either side.
    assert times_shown(times, range(30)) == "13.0 [9.5, 16.5], never in 1 of 4"
    # A time on a record, and one from the start.
    assert times_shown(xr.DataArray([10.0, 10.0], dims="seed"), [0, 10, 20]) == "10 [0, 20]"
    assert times_shown(xr.DataArray([0.0, 0.0], dims="seed"), [0, 10, 20]) == "0.0 [0.0, 10.0]"
    assert times_shown(xr.DataArray([5.0, np.inf], dims="seed"), [0, 10]).endswith("[no interval], never in 1 of 2")


def test_the_exponent_of_a_power_is_found_from_the_sizes_that_all_seeds_learned():
    bits = np.array([10, 20, 40, 80])
    learned = np.stack([np.outer(scale * np.array([1.0, 1.1, 0.9]), bits**k) for scale, k in ((3.0, 1.0), (0.5, 2.0))])
    learned[1, 0, 3] = np.inf
    array = xr.DataArray(learned, {"num_relevant": [2, 3], "seed": [0, 1, 2], "num_bits": bits})
    found = progress.exponents(array)
    np.testing.assert_allclose(found["slope"], [1.0, 2.0], atol=1e-9)
    assert found["sizes"].values.tolist() == [4, 3]
    few = progress.exponents(array.isel(num_bits=[0, 3]))
    assert few["slope"].isnull().all() and tables._exponent_rows(few, 3)[0][2:] == ("not known", "")


def test_share_and_movement_of_known_weights():
    kernel = np.ones((2, 5, 4))
    kernel[1, :2] = 3.0
    kernel[1, 2:] = 0.0
    kernel[1, 4, 3] = -4.0
    found = progress.of_weights(kernel, num_relevant=2)
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
    found = progress.fourier_gap(snapshot)["fourier_gap"]
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
    half = tables.midway(seen)
    # The share grows by one per 400 steps, and half way is at 200 and 400.
    np.testing.assert_allclose(half["share"], [0.6, 1.1, np.nan])
    np.testing.assert_allclose(half["movement"], [0.5, 0.5, np.nan])
    last = tables.just_before(seen)
    np.testing.assert_allclose(last["share"], [0.6, 1.35, np.nan])
    np.testing.assert_allclose(last["time"], [200 / 400, 500 / 800, np.nan])
    clock = progress.aligned(seen)
    np.testing.assert_allclose(clock["share"].sel(time=1.0), [1.1, 2.1, np.nan])
    # 1.2 of 800 steps is beyond the last.
    np.testing.assert_allclose(clock["share"].sel(time=1.2), [1.3, np.nan, np.nan])


def _row(seen, claim):
    return {row[0]: row for row in tables._hidden(seen)}[f"(50, 3): {claim}"]


def test_what_comes_after_accuracy_has_left_chance_is_no_hidden_progress():
    seen = _seen().isel(seed=[1])
    # Nothing but noise until the accuracy leaves chance at 600, and steep growth from there to where it is visible at 790.
    noise = np.where(seen["snapshot"] < 600, np.array([3, 1, 2, 1, 2, 3, 9, 9, 9]), 10.0 + seen["snapshot"])
    flat = seen.assign(share=(("seed", "snapshot"), noise[None]))
    assert tables._trends(flat, flat["leaves"]).item() == pytest.approx(0.12, abs=0.01)
    assert _row(flat, "rank correlation of that share with the step, while accuracy is at chance")[2].startswith(
        "0.120 "
    )
    assert tables.just_before(flat)["share"].item() == 3.0
    assert tables._trends(seen, seen["leaves"]).item() == pytest.approx(1.0)


def test_a_run_leaves_chance_where_noise_cannot_have_it(monkeypatch):
    steps = np.arange(0, 401, 100)
    accuracy = xr.DataArray([[0.5, 0.53, 0.54, 0.7, 1.0]], {"seed": [0], "step": steps}, name="sign_accuracy")
    kernel = np.random.default_rng(0).standard_normal((1, 5, 6, 4))
    monkeypatch.setattr(progress, "params", lambda dataset, step: {"layer_0": {"kernel": kernel}})
    gap = xr.DataArray(np.zeros((1, 5)), {"seed": [0], "snapshot": steps}, name="fourier_gap").to_dataset()
    monkeypatch.setattr(progress, "measure", lambda *args, **options: gap)
    dataset = accuracy.to_dataset().assign_coords(snapshot=steps)
    # 3 sqrt(0.25 / 2000) = 0.0335 above one half, between 0.53 and 0.54.
    assert progress.progress(dataset, ())["leaves"].item() == pytest.approx(135.4, abs=0.1)


def test_no_verdict_where_none_can_fail():
    seen, last = _seen(), "last snapshot at chance: test accuracy"
    assert _row(seen, "half way: largest movement of a weight, over that when learned")[3] == ""
    assert _row(seen, last)[3] == "as published"
    assert _row(seen.assign(accuracy=seen["accuracy"] + 0.05), last)[3] == "differs"
    # The share falls to step 400, half way of the second run, and rises from there on.
    turning = seen.assign(share=abs(seen["snapshot"] - 400.0).broadcast_like(seen["share"]))
    claim = "rank correlation of that share with the step, to half way"
    assert tables._trends(turning, seen["learned"] / 2).isel(seed=1).item() == pytest.approx(-1.0)
    assert _row(seen, claim)[2].startswith("1.0")


def test_grokked_runs_are_counted_and_timed_alone():
    words = ["grokked", "together", "grokked", "never generalised"]
    of_run = ("l2", "train_size", "seed")
    finite = xr.Dataset(
        {
            "outcome": (of_run, np.array([[["together"] * 4], [words]])),
            "t_train": (of_run, np.tile([900.0, 900.0, 1100.0, 900.0], (2, 1, 1))),
            "t_test": (of_run, np.tile([5000.0, 1000.0, 7000.0, np.inf], (2, 1, 1))),
            "accuracy": (of_run, np.ones((2, 1, 4))),
            "records": ("record", np.arange(0.0, 8001.0, 100.0)),
        },
        {"l2": [0.0, 0.01], "train_size": [1000]},
    )
    rows = tables._grokking(finite)
    assert [row[2] for row in rows[:2]] == ["0 of 4", "2 of 4"] and [row[3] for row in rows] == [""] * 3
    assert rows[2][2].split("; ")[1].startswith("6.0e3 [") or rows[2][2].split("; ")[1].startswith("6000 [")
    assert rows[2][2].startswith("1000 [")
    assert [row[-1][:1] for row in tables.finite_table(finite).rows] == ["-", "6"]


def test_verdicts_follow_the_numbers():
    high, low = (xr.DataArray(values, dims="seed") for values in ([1.0, 1.1, 1.2], [0.0, 0.1, 0.2]))
    assert (compared(high, 0.5), compared(low, 0.5), compared(low, 0.1)) == (
        "as published",
        "differs",
        "not told apart",
    )
    assert compared(low, 0.5, "below") == "as published"
    chance = xr.DataArray([0.5, 0.505, 0.495], dims="seed")
    assert tables._near_chance(chance) == "as published" and tables._near_chance(chance + 0.2) == "differs"
    # Of a wide interval only a part is near one half.
    assert tables._near_chance(xr.DataArray([0.4, 0.6, 0.5], dims="seed")) == "not told apart"
    one = chance[:1]
    assert {compared(one, 0.4), agrees(one, 0.5), within(one, 0.4, 0.6), tables._near_chance(one)} == {"no interval"}
    assert agrees(xr.DataArray([2.0, 8.0], dims="seed"), 5.0) == "not told apart"
    assert agrees(xr.DataArray([4.9, 5.0, 5.1], dims="seed"), 5.0) == "as published"
    slope = xr.Dataset({"slope": ("num_relevant", [5.0]), "sizes": ("num_relevant", [4])}, {"num_relevant": [3]})
    for bounds, verdict in (((4.5, 5.5), "differs"), ((2.5, 5.5), "not told apart"), ((1.0, 2.0), "as published")):
        found = slope.assign(slope_interval=(("num_relevant", "bound"), [bounds]))
        assert tables._exponent_rows(found, 4)[0][3] == verdict
        # The bootstrap of three values has little to draw from.
        assert tables._exponent_rows(found, 3)[0][3] == "too few seeds"


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
def test_a_small_run_leaves_what_the_study_promises(tmp_path):
    study = dataclasses.replace(studies.find("sparse-parity"), sweeps=_shrunk)
    folder, findings = studies.run(study, tmp_path / "out", seeds=3, progress=False)
    assert set(findings.figures) == set(findings.captions)
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    times, seen = findings.datasets["times"], findings.datasets["hidden_progress"]
    assert np.isfinite(times["learned"].sel(num_relevant=2)).all()
    assert (times["visible"] <= times["learned"]).all()
    # Twelve signs are learned in these steps: the share of three of them, 0.24 to 0.27 at the start, was 0.48 to 0.49.
    assert (seen["share"].isel(snapshot=-1) > 0.4).all() and (seen["share"].isel(snapshot=0) < 0.3).all()
    assert all(row[-2:] == ("3 never generalised", "-") for row in findings.tables["finite"].rows)
