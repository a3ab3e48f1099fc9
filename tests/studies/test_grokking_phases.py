"""The phases of runs made by hand, the claims of maps made by hand, and a shrunk study from end to end."""

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies.grokking_phases import claims, figures, numbers

STUDY = studies.find("grokking-phases")
STEPS = np.arange(0, 1001, 50)
C, G, M, N = range(4)


def rise(step, height=1.0):
    """An accuracy of 0 before a step and of ``height`` from it on."""
    return np.where(step <= STEPS, height, 0.0)


def lost(step):
    """Records that end with a divergence."""
    return np.where(step <= STEPS, np.nan, 0.0)


RUNS = {
    "both at once": (rise(100), rise(100), C, C),
    "late by the share of steps, not by the ratio": (rise(500), rise(550), G, C),
    "late by both": (rise(100), rise(500), G, G),
    "the test set first": (rise(500), rise(100), C, C),
    "never the test set": (rise(100), rise(100, 0.89), M, M),
    "never either": (rise(100, 0.89), rise(100, 0.1), N, N),
    "the test set alone": (rise(100, 0.89), rise(100), N, N),
    "diverged before": (lost(100), lost(100), N, N),
    "diverged after the fit": (rise(100) + lost(400), rise(900) + lost(400), M, M),
    "fitted from the start": (rise(0), rise(500), G, G),
}


@pytest.mark.parametrize("run", RUNS)
def test_a_run_has_the_phase_of_its_two_times(run):
    train, test, phase, by_ratio = RUNS[run]
    runs = xr.Dataset({"train_accuracy": ("step", train), "test_accuracy": ("step", test)}, {"step": STEPS})
    found = numbers.outcomes(runs)
    assert (int(found["phase"]), int(found["by_ratio"])) == (phase, by_ratio)
    assert np.isfinite(found["t_train"]) == (phase != N) and np.isfinite(found["t_test"]) >= (phase in (C, G))


@pytest.mark.parametrize(("gap", "phase"), [(9, C), (11, G)])
def test_late_is_a_hundredth_of_all_steps(gap, phase):
    steps = np.arange(1001)
    train, test = (("step", (steps >= start).astype(float)) for start in (300, 300 + gap))
    runs = xr.Dataset({"train_accuracy": train, "test_accuracy": test}, {"step": steps})
    assert int(numbers.outcomes(runs)["phase"]) == phase


def map_of(phases, **coords):
    """Outcomes of given phases: 10 steps to fit, 10 to generalise at once and 100 to grok."""
    phase = xr.DataArray(phases, coords, tuple(coords))
    t_test = xr.where(phase == C, 10.0, xr.where(phase == G, 100.0, np.inf))
    fit = xr.where(phase == N, np.inf, 10.0)
    return xr.Dataset({"phase": phase, "by_ratio": xr.where(phase == G, C, phase), "t_train": fit, "t_test": t_test})


def test_shares_are_of_cells_seed_by_seed():
    found = map_of([[[C, C], [G, G]], [[M, C], [M, N]]], weight_decay=[0.0, 1.0], learning_rate=[0.1, 1.0], seed=[0, 1])
    whole, by_decay = numbers.shares(found), numbers.shares(found, "weight_decay")
    parts = [whole[name].values.tolist() for name in (*numbers.PHASES, "generalised", "other by ratio", "phases")]
    assert parts == [[0.25, 0.5], [0.25, 0.25], [0.5, 0.0], [0.0, 0.25], [0.5, 0.75], [0.25, 0.25], [3, 3]]
    assert by_decay["memorisation"].transpose("weight_decay", "seed").values.tolist() == [[0.0, 0.0], [1.0, 0.0]]
    assert by_decay["phases"].transpose("weight_decay", "seed").values.tolist() == [[2, 2], [1, 2]]


def test_a_small_rate_is_compared_with_ten_times_the_rate_after_a_tenth_of_the_steps():
    rates, steps = [1e-3, 3e-3, 1e-2, 3e-2, 1e-1], [0, 10, 100]
    # Rows are rates; columns are the first record, a tenth of the steps, and the end. What must not be read is 9.
    accuracy = np.array([[9, 9, 0.2], [9, 9, 0.4], [9, 0.5, 9], [9, np.nan, 9], [9, 9, 9]])
    runs = xr.DataArray(accuracy, {"learning_rate": rates, "step": steps}, ("learning_rate", "step"), "test_accuracy")
    # 0.2 - 0.5 and 0.4 - 0: a run that diverged has learned nothing.
    both = numbers.small_less_large(runs.expand_dims(seed=[0, 1]).to_dataset())
    np.testing.assert_allclose(both, [0.05, 0.05])


@pytest.mark.slow
def test_frequencies_are_those_that_the_logits_have_by_a_plain_sum():
    spec = dataclasses.replace(
        STUDY.sweeps("quick", 1)["widths"].experiment,
        task=mj.tasks.ModularArithmetic(p=7),
        model=mj.models.EmbeddingMLP(embedding=2, hidden=8),
        steps=100,
        record_every=100,
        snapshots=(100,),
    )
    runs = mj.sweep(spec, {"seed": [0, 1, 2]}, progress=False)
    found = numbers.key_frequencies(runs)["frequencies"]
    pairs = np.stack(np.divmod(np.arange(49), 7), 1)
    for seed, snapshot in enumerate(mj.snapshots(runs)):
        logits = np.asarray(snapshot.outputs(pairs), np.float64)
        logits -= logits.mean(1, keepdims=True)
        waves = [np.exp(2j * np.pi * k * pairs.sum(1) / 7) for k in (1, 2, 3)]
        power = np.array([(abs(wave @ logits) ** 2).sum() for wave in waves])
        least = next(n for n in (1, 2, 3) if np.sort(power)[::-1][:n].sum() >= 0.95 * power.sum())
        assert int(found.sel(seed=seed)) == least


def study_of(**phases):
    """Outcomes of all sweeps: AdamW's map has a phase to every decay, and what is given in place of others."""
    seed, scales = {"seed": [0, 1]}, {"init_scale": [0.1, 1.0]}
    rates, decays = {"learning_rate": [1e-3, 1e-2, 1e-1]}, {"weight_decay": [0.0, 0.1, 0.5, 2.0]}
    row = np.array([M, G, C, N])
    whole = np.broadcast_to(row[None, :, None, None], (3, 4, 2, 2)).copy()
    found = {name: map_of(phases.get(name, whole), **rates, **decays, **scales, **seed) for name in ("adamw", "sgd")}
    hot = np.array([[[M, M], [M, M]], [[C, C], [N, N]]])
    temperatures = {"temperature": [0.0, 1.0], "weight_decay": [0.0, 1.0]}
    found["langevin"] = map_of(np.repeat(hot[:, :, None], 3, 2), **temperatures, **rates, **seed)
    for name, dim, labels in (("moduli", "p", [17, 23, 31]), ("widths", "embedding", [4, 8])):
        best = np.stack([np.roll([C, G, M], place) for place in range(len(labels))])
        found[name] = map_of(np.repeat(best[..., None], 2, -1), **{dim: labels}, **rates, **seed)
    counts = xr.DataArray([2.0, 6.0], {"embedding": [4, 8]}, "embedding")
    found["widths"]["frequencies"] = counts.broadcast_like(found["widths"]["phase"])
    return found


def by_name(found, gain=-0.1):
    smaller = {"adamw": xr.DataArray([gain, gain - 0.01], dims="seed")}
    return {claim.what: claim for claim in claims.claims(found, smaller)}


def value(found, what):
    (claim,) = (claim for name, claim in found.items() if what in name)
    return claim.estimate.value, claim.verdict.value


def test_claims_have_the_numbers_of_a_map_by_hand():
    found = by_name(study_of())
    assert value(found, "phases under AdamW") == (4.0, "as published")
    assert value(found, "share memorised without decay") == (1.0, "as published")
    assert value(found, "share confused with most decay") == (1.0, "as published")
    assert value(found, "grokking, less memorisation") == (1.0, "as published")
    assert value(found, "comprehension, less grokking") == (1.0, "as published")
    assert value(found, "smallest initial scale, less") == (0.0, "differs")
    assert value(found, "Langevin noise alone") == (1.0, "as published")
    assert value(found, "Langevin noise beside decay") == (0.0, "differs")
    # At p = 23 the middle rate takes 10 steps; the largest takes 100, and the smallest never gets there.
    assert value(found, "better end of the rates") == (pytest.approx(10.0), "as published")
    assert value(found, "without decay from the smallest norm") == (0.0, "not told apart")
    assert value(found, "adamw: gain of test accuracy") == (pytest.approx(-0.105), "as published")
    assert value(found, "width 4: frequencies") == (1.0, "as published")
    assert value(found, "width 8: frequencies") == (1.5, "differs")
    assert value(found, "steps of the first cell") == (pytest.approx(1.0), "not asked")
    assert value(found, "best rate at the largest modulus") == (pytest.approx(100.0), "not asked")
    assert value(found, "best rate at the largest width") == (pytest.approx(10.0), "not asked")
    assert value(found, "cells that generalise, descent") == (1.0, "not asked")


def test_claims_read_the_corners_that_they_name():
    """Without decay only the smallest norm generalises, in one seed late and in the other at once."""
    whole = np.full((3, 4, 2, 2), M)
    whole[1, 0, 0, 0], whole[2, 0, 0, 1] = G, C
    found = by_name(study_of(adamw=whole))
    free = next(claim for what, claim in found.items() if "without decay from the smallest norm" in what)
    assert free.estimate.value == 1.0 and free.remark == "2 of 6 runs do, 1 of them late"
    assert free.verdict.value == "as published" and free.main
    assert value(found, "smallest initial scale, less")[0] == pytest.approx(1 / 24)
    assert value(found, "phases under AdamW") == (2.0, "differs") and value(found, "phases under descent")[0] == 4.0
    # Of descent half of the cells generalise, and of AdamW one in 24.
    assert value(found, "cells that generalise, descent") == (pytest.approx(12.0), "not asked")
    # AdamW needs 100 steps in the one seed and 10 in the other, and descent 10 in both.
    assert value(found, "steps of the first cell") == (pytest.approx(np.sqrt(0.1)), "not asked")


def test_the_better_end_of_the_rates_may_be_the_smallest():
    found = study_of()
    found["moduli"] = found["moduli"].isel(learning_rate=slice(None, None, -1))
    assert value(by_name(found), "better end of the rates")[0] == pytest.approx(10.0)


def test_every_cell_stands_in_a_table_with_its_phases():
    tables = claims.tables(study_of(), np.arange(0, 201, 5))
    assert list(tables) == ["shares", "noise", "adamw", "sgd", "langevin", "moduli", "widths"]
    first = dict(zip(tables["adamw"].columns, tables["adamw"].rows[0], strict=True))
    assert first["phases by seed"] == "memorisation, memorisation" and first["to generalise"] == "never in 2 of 2"
    assert [row[3] for row in tables["adamw"].rows[2:6:2]] == ["grokking, grokking", "comprehension, comprehension"]
    assert len(tables["adamw"].rows) == 24 and "frequencies" not in tables["adamw"].columns
    width = dict(zip(tables["widths"].columns, tables["widths"].rows[0], strict=True))
    # The time lies between the records at 5 and at 10 steps.
    assert [width[head] for head in ("to generalise", "times the rate", "frequencies")] == [
        *("10.0 [5.0, 10.0]", "0.0100 [0.0100, 0.0100]", "2.00 [2.00, 2.00]"),
    ]
    assert tables["shares"].columns[:2] == ("optimizer", "init scale") and len(tables["shares"].rows) == 4


def test_the_wall_has_a_map_for_every_scale_and_decay():
    drawn = {name: figure.draw() for name, figure in figures.all_figures(study_of()).items()}
    titles = [ax.get_title() for ax in drawn["maps"].axes]
    assert titles == [
        *("adamw, init scale 0.1", "adamw, init scale 1", ""),
        *("sgd, init scale 0.1", "sgd, init scale 1", ""),
        *("langevin, weight decay 0", "langevin, weight decay 1", ""),
    ]
    assert [text.get_text() for text in drawn["maps"].legends[0].get_texts()] == list(numbers.PHASES)
    assert len(drawn["rates"].axes) == 3


@pytest.mark.parametrize("scale", STUDY.scales)
def test_descent_has_rates_a_hundred_times_and_decays_a_thousandth_of_those_of_adamw(scale):
    sweeps = STUDY.sweeps(scale, 1)
    adaptive, descent = sweeps["adamw"].over, sweeps["sgd"].over
    assert (adaptive["learning_rate"], adaptive["weight_decay"]) == (
        (0.001, 0.003, 0.01, 0.03, 0.1),
        (0, 0.1, 0.5, 2, 10),
    )
    np.testing.assert_allclose(descent["learning_rate"], [0.1, 0.3, 1, 3, 10], rtol=1e-12)
    np.testing.assert_allclose(descent["l2"], [0, 0.0001, 0.0005, 0.002, 0.01], rtol=1e-12)
    assert adaptive["init_scale"] == descent["init_scale"] == (0.1, 0.3, 1)
    assert sweeps["sgd"].experiment.optimizer.hyperparameters["momentum"] == 0.9
    for name in ("moduli", "widths"):
        assert sweeps[name].experiment.optimizer.hyperparameters["weight_decay"] == 1.0


@pytest.mark.slow
def test_what_is_swept_is_data_and_every_run_is_counted():
    sweeps = STUDY.sweeps("quick", STUDY.seeds["quick"])
    plans = {name: mj.explain(part.experiment, part.over) for name, part in sweeps.items()}
    assert {name: plan.programs for name, plan in plans.items()} == {
        "adamw": 1, "sgd": 1, "langevin": 1, "moduli": 3, "widths": 3,
    }  # fmt: skip
    runs = sum(plan.runs for plan in plans.values())
    assert (
        f"{runs} runs" in STUDY.scales["quick"] and f"{sweeps['adamw'].experiment.steps} steps" in STUDY.scales["quick"]
    )
    # A tenth of the steps is a record.
    for scale in STUDY.scales:
        spec = STUDY.sweeps(scale, 1)["adamw"].experiment
        assert spec.steps // 10 % spec.record_every == 0


def shrunk(scale, seeds):
    """The three rates from 0.01 on, two labels of most other axes, and 200 steps."""
    parts = {}
    for name, part in STUDY.sweeps("quick", seeds).items():
        fewer = {"learning_rate": slice(2, 5) if name != "langevin" else slice(3), "p": slice(3)}
        over = {axis: labels[fewer.get(axis, slice(0, 3, 2))] for axis, labels in part.over.items()}
        last = (200,) if part.experiment.snapshots else ()
        spec = dataclasses.replace(part.experiment, steps=200, record_every=5, snapshots=last)
        parts[name] = studies.Sweep(spec, {**over, "seed": range(seeds)})
    return parts


@pytest.mark.long
def test_a_shrunk_study_runs_through_and_can_be_made_again(tmp_path, made_again):
    study = dataclasses.replace(STUDY, sweeps=shrunk)
    folder, findings = studies.run(study, tmp_path / "out", seeds=2, progress=False)
    assert all((folder / f"{name}.{ending}").exists() for name in findings.figures for ending in ("png", "pdf"))
    found = json.loads((folder / "claims.json").read_text())
    assert found["study"] == "grokking-phases" and len(found["tables"]["adamw"]["rows"]) == 1 + 3 * 2 * 2
    rows = [
        dict(zip(found["tables"]["adamw"]["rows"][0], row, strict=True)) for row in found["tables"]["adamw"]["rows"][1:]
    ]
    # Without decay every run memorises; at the largest rate and a decay of 0.5 every run groks, measured at 95 to 110 steps.
    assert {row["phases by seed"] for row in rows if row["weight decay"] == "0"} == {"memorisation, memorisation"}
    fast = {row["phases by seed"] for row in rows if (row["weight decay"], row["learning rate"]) == ("0.5", "0.1")}
    assert fast == {"grokking, grokking"}
    narrow = next(claim for claim in findings.claims if claim.what.startswith("width 4"))
    assert narrow.estimate.value == 1.0
    made_again(folder, study)
