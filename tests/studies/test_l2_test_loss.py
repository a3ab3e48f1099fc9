"""The study l2-test-loss: correlations and warmups of made-up runs, its claims, and a shrunk run from end to end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies.l2_test_loss import claims, numbers

STUDY = studies.find("l2-test-loss")
RUN_DIMS = ("train_size", "seed", "step")


def crossed() -> xr.Dataset:
    """Runs whose L2 norm and test loss rise together between seeds and along a run, and apart between train sizes."""
    rng = np.random.default_rng(2)
    size, step = np.array([100, 200, 400]), np.arange(6) * 20
    spread = rng.uniform(-1.0, 1.0, (3, 6))[..., None]
    l2 = np.log2(size)[:, None, None] * 10 + spread + 0.001 * step
    test = 100.0 - np.log2(size)[:, None, None] * 10 + spread + 0.001 * step
    values = {"weight_l2": l2, "test_loss": test, "train_loss": rng.random(l2.shape)}
    coords = {"train_size": size, "seed": range(6), "step": step}
    return xr.Dataset({name: (RUN_DIMS, value) for name, value in values.items()}, coords=coords)


def datasets() -> dict[str, xr.Dataset]:
    return {
        "random": xr.concat([crossed(), crossed()], xr.Variable("alpha", [0.0, 1.5])),
        "teacher": crossed().assign(test_loss=-crossed()["test_loss"]),
        "warmup": warm_runs(),
    }


def test_pooled_and_within_size_correlations_can_have_opposite_signs():
    found = numbers.with_test_loss(numbers.runs_by_labels(datasets()), "weight_l2")
    assert dict(found.sizes) == {"labels": 3, "question": 7, "bound": 2}
    uniform = found.isel(labels=0)
    assert float(uniform["value"].sel(question="all runs, last record")) < -0.7
    assert float(uniform["value"].sel(question="within a train size, between seeds")) == pytest.approx(1.0)
    assert float(uniform["value"].sel(question="along training, within a run")) == pytest.approx(1.0)
    assert float(uniform["interval"].isel(question=0, bound=1)) < 0.0
    # The test loss of the teacher is turned over.
    np.testing.assert_allclose(found["value"].isel(labels=2)[[0, 2, 6]], -uniform["value"][[0, 2, 6]], rtol=1e-6)
    assert float(abs(found["interval"]).max()) <= 1.0


def test_a_measure_that_does_not_vary_has_no_correlation():
    runs = numbers.runs_by_labels(datasets())
    assert numbers.with_test_loss(runs.assign(gap=0.0 * runs["gap"]), "gap")["value"].isnull().all()


def test_the_best_guess_has_the_entropy_of_the_labels_and_gaps_begin_at_zero():
    runs = numbers.runs_by_labels(datasets())
    chances = np.arange(1, 18.0) ** -1.5
    chances /= chances.sum()
    assert runs["floor"].values[:2] == pytest.approx([np.log(17), -chances @ np.log(chances)])
    # 17 directions of the teacher do not share their inputs evenly.
    assert 2.5 < float(runs["floor"][2]) < np.log(17)
    assert runs["step"].values.tolist() == [20, 40, 60, 80, 100]
    np.testing.assert_allclose(runs["gap"].isel(step=-1), 0.1)
    ends = numbers.ends(runs)
    np.testing.assert_allclose(ends["lowest"].isel(labels=0), ends["test_loss"].isel(labels=0) - 0.08)


def test_the_teacher_is_the_largest_of_linear_functions_and_the_same_for_every_seed():
    few, many = (numbers.linear_teacher(rows).draw(seed, 50, 10) for rows, seed in ((400, 0), (400, 1)))
    assert few.train.y.max() <= 16 and len(np.unique(numbers.linear_teacher(4000).y)) == 17
    assert not np.array_equal(few.train.x, many.train.x)
    again = numbers.linear_teacher(400)
    np.testing.assert_array_equal(again.y, numbers.linear_teacher(400).y)


def warm_runs() -> xr.Dataset:
    """Runs in which all depends on the summed rate alone: at equal sums a warmup changes nothing."""
    step, lengths = np.arange(0, 1001, 50), [0, 100, 400]
    done = [np.where(step < w, step * (step - 1) / (2 * max(w, 1)), step - (w + 1) / 2 * (w > 0)) for w in lengths]
    noise = 0.1 * np.arange(3)[:, None]
    one = np.stack([2.8 - 0.002 * d - noise for d in done])  # (warmup, seed, step)
    values = np.broadcast_to(one[:, None, None], (3, 1, 2, 3, step.size))
    dims = ("warmup_steps", "peak", "train_size", "seed", "step")
    names = ("train_loss", "test_loss", "weight_l2", "gradient_cosine", "batch_gradient_cosine")
    coords = {"warmup_steps": lengths, "peak": [1e-3], "train_size": [100, 400], "seed": range(3), "step": step}
    return xr.Dataset(dict.fromkeys(names, (dims, values)), coords=coords)


def test_at_equal_summed_rate_a_warmup_changes_nothing_where_only_the_sum_counts():
    runs = warm_runs()
    same_steps = numbers.effects(runs)
    equal = numbers.effects(numbers.at_equal_rate(runs))
    assert float(same_steps["test_loss"].sel(warmup_steps=400).min()) == pytest.approx(0.002 * 200.5)
    # Records are 50 steps apart, and the ramp is curved between them.
    assert float(abs(equal["test_loss"]).max()) < 1e-9 and float(abs(equal["log_factor"]).max()) < 1e-9


def test_cosines_are_in_units_of_full_cancellation():
    runs = warm_runs()
    runs["gradient_cosine"] = xr.zeros_like(runs["gradient_cosine"]) - 1.0 / (runs["train_size"] - 1)
    assert numbers.effects(runs)["without"].values == pytest.approx(-1.0)


def test_warmups_gain_most_where_conflict_is_largest_if_that_is_put_in():
    changes = numbers.effects(warm_runs())
    more = xr.DataArray([0.1, 0.2], dims="train_size")
    changes["without"] = -(more + 0.0 * changes["without"])
    changes["log_factor"] = -(more + 0.0 * changes["log_factor"])
    assert numbers.conflict_and_gain(changes).values == pytest.approx([1.0] * 3)


def test_claims_give_both_questions_their_numbers():
    found = claims.analyse(datasets())
    made = {claim.what: claim for claim in found.claims}
    assert len(made) == 9 + 10 and {claim.verdict.value for claim in found.claims} == {"not asked"}
    name = "Spearman correlation of L2 norm and test loss for {} ({})"
    pooled = made[name.format("uniform random labels", "all runs, last record")]
    assert pooled.remark == "the test loss is lower where L2 is larger" and pooled.estimate.count == 6
    along = made[name.format("labels of a linear teacher", "along training, within a run")]
    assert along.estimate.value == pytest.approx(-1.0)
    at = "with a warmup, at the same number of steps"
    test_loss = made[f"change of the final test loss {at}"]
    # Warmups of 100 and 400 steps cost 50.5 and 200.5 steps, in each of two train sizes, whatever the seed.
    assert test_loss.estimate.value == pytest.approx(0.002 * (50.5 + 200.5) / 2)
    assert test_loss.remark == "lower in 0, higher in 4 of 4 settings"
    factor = made[f"factor of the final train loss {at}"]
    ends = [0.8 - 0.1 * seed for seed in range(3)]
    expected = [0.5 * sum(np.log((end + 0.002 * cost) / end) for cost in (50.5, 200.5)) for end in ends]
    assert factor.estimate.value == pytest.approx(np.exp(np.mean(expected)))
    assert found.tables["l2"].columns[1] == "uniform random labels" and len(found.tables["warmup_rates"].rows) == 4


@pytest.mark.long
def test_a_shrunk_study_runs_through_and_can_be_made_again(tmp_path, made_again):
    sweeps = STUDY.sweeps("quick", 3)
    sizes = {"train_size": [30, 60], "seed": [0, 1, 2]}
    over = {
        "random": {"alpha": [0.0, 1.5], **sizes},
        "teacher": sizes,
        "warmup": {"warmup_steps": [0, 20], "peak": [1e-2], "train_size": [50, 75], "seed": [0, 1, 2]},
    }
    model = mj.models.MLP(hidden=(6,))
    small = {
        name: replace(
            part,
            over=over[name],
            experiment=replace(part.experiment, model=model, steps=60, record_every=10, test_size=50),
        )
        for name, part in sweeps.items()
    }
    study = replace(STUDY, sweeps=lambda *_: small)
    folder, found = studies.run(study, tmp_path / "out", seeds=3, progress=False)
    assert [row[-1] for row in found.tables["losses"].rows[:2]] == [f"{np.log(17):.3f}"] * 2
    assert len(found.tables["warmup_rates"].rows) == 2
    files = {path.name for path in folder.iterdir()}
    assert files >= {"relation.png", "cosine.png", "loss.pdf", "correlations.pdf", "report.html"}
    made_again(folder, study)
    assert len(found.all_tables) == 6
