"""The studies l2-capacity and l2-test-loss: their analysis on data with a known answer, and a tiny sweep of each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies import l2_capacity, l2_test_loss
from memjax.studies._l2_test_loss_relation import CORRELATIONS, Law, correlations
from memjax.studies._l2_test_loss_warmup import at_equal_rate, effects

SIZES = np.array([round(50 * 2 ** (i / 2)) for i in range(12)])
STEPS = np.array([0, 300, 1000, 2700, 3000])
SEEDS = 4


def hump(peak: np.ndarray) -> np.ndarray:
    """A parabola in log N with its top at ``peak``: the study reads its top exactly."""
    return 20.0 - (np.log2(SIZES) - np.log2(peak)[..., None]) ** 2


def network_runs(dim: str, labels: list, parameters: list[int], classes: list[int], share: float) -> xr.Dataset:
    """Runs whose gap peaks at a share of the post's prediction that grows with the step, and whose bits peak there too."""
    predicted = 2.0 * np.array(parameters) / np.log2(classes)
    grown = np.where(STEPS == 0, 1.0, (STEPS / 3000.0) ** 0.5)
    jitter = 1.0 + 0.02 * np.random.default_rng(0).standard_normal((len(labels), SEEDS, 1))
    peak = share * predicted[:, None, None] * grown * jitter  # (network, seed, step)
    start = 5.0 + SIZES / 100.0  # what a run starts from must not count
    norm = start + np.where(STEPS[:, None] == 0, 0.0, hump(peak))
    bits = (np.log2(classes)[:, None, None] * peak)[..., None] - (np.log2(SIZES) - np.log2(peak)[..., None]) ** 2
    dims = (dim, "seed", "step", "train_size")
    coords = {dim: labels, "seed": range(SEEDS), "step": STEPS, "train_size": SIZES}
    counts = np.broadcast_to(np.array(parameters)[:, None, None], (len(labels), len(SIZES), SEEDS))
    return xr.Dataset(
        {"weight_l2": (dims, norm), "memorized_bits": (dims, bits)},
        coords=coords | {"num_parameters": ((dim, "train_size", "seed"), counts)},
    )


def capacity_data(share: float = 0.8) -> dict[str, xr.Dataset]:
    networks = network_runs("hidden", ["12-12", "24-24", "48-48", "24"], [497, 1265, 3000, 665], [17] * 4, share)
    return {"networks": networks, "classes": network_runs("num_classes", [4, 64], [940, 2440], [4, 64], share)}


def cell(table: studies.Table, row: str, column: str) -> str:
    return next(cells for cells in table.rows if cells[0] == row)[table.columns.index(column)]


@pytest.fixture(scope="module")
def capacity() -> studies.Findings:
    return l2_capacity.STUDY.analyse(capacity_data())


@pytest.mark.parametrize("peak", [90.0, 333.0, 1400.0])
def test_the_top_between_sizes_is_that_of_a_parabola(peak):
    assert 2.0 ** l2_capacity._top(hump(np.array(peak)), SIZES.astype(float)) == pytest.approx(peak)


def test_a_maximum_at_an_end_or_beside_a_hole_is_no_peak():
    rising = np.arange(12.0)
    assert np.isnan(l2_capacity._top(rising, SIZES)) and np.isnan(l2_capacity._top(rising[::-1], SIZES))
    assert np.isnan(l2_capacity._top(np.full(12, np.nan), SIZES))
    assert np.isnan(l2_capacity._top(np.where(rising > 5, np.nan, rising), SIZES))


def test_ratio_prediction_and_measured_capacity_are_the_ones_put_in(capacity):
    table = capacity.tables["peaks"]
    predicted = 2 * 1265 / np.log2(17)
    assert cell(table, "24-24", "2 P / log2 C") == f"{predicted:.0f}"
    assert cell(table, "4 classes", "2 P / log2 C") == "940" and cell(table, "64 classes", "2 P / log2 C") == "813"
    for name in ("24-24", "48-48", "24", "64 classes"):
        assert float(cell(table, name, "peak / prediction").split()[0]) == pytest.approx(0.8, abs=0.03)
        assert float(cell(table, name, "peak / measured").split()[0]) == pytest.approx(1.0, abs=0.01)
        assert float(cell(table, name, "bits per parameter").split()[0]) == pytest.approx(1.6, abs=0.06)
    assert cell(table, "24-24", "peak on the grid").startswith("566 ")


def test_the_bits_of_the_last_tenth_are_counted(capacity):
    change = float(cell(capacity.tables["peaks"], "24-24", "bits in the last tenth").split()[0])
    assert change == pytest.approx(100 * (1 - 0.9**0.5), abs=0.3)


def test_the_exponent_is_one_and_the_move_that_of_the_budgets(capacity):
    published = capacity.tables["published"]
    for row in ("exponent of the peak in 2 P / log2 C", "exponent of the peak in measured capacity"):
        assert float(cell(published, row, "after 3000 steps").split()[0]) == pytest.approx(1.0, abs=0.03)
    moved = cell(capacity.tables["budgets"], "24-24", "moved from 300 to 3000")
    assert float(moved.split()[0]) == pytest.approx(10**0.5, abs=0.05)


@pytest.mark.parametrize("share, held", [(0.8, "0 of 6"), (1.0, "6 of 6"), (0.5, "0 of 6")])
def test_the_verdict_follows_the_numbers(share, held):
    note = l2_capacity.STUDY.analyse(capacity_data(share)).tables["published"].note
    assert f"the predicted size 2 P / log2 C in {held}" in note
    assert "compatible with 1" in note and "by a factor 3.16" in note and "no property of network and data" in note
    granted = {0.8: "in 0", 1.0: "in 6", 0.5: "in 0"}[share]
    assert f"{granted} if half a step" in note.split("The peak lies at the measured")[0]


def test_a_network_without_a_peak_inside_is_named_and_left_out():
    data = capacity_data()
    data["networks"]["weight_l2"].loc[{"hidden": "48-48", "seed": 1}] = np.linspace(1.0, 9.0, 12)[None]
    found = l2_capacity.STUDY.analyse(data)
    assert cell(found.tables["peaks"], "48-48", "peak") == "not inside the sizes"
    assert float(cell(found.tables["peaks"], "24-24", "peak / prediction").split()[0]) == pytest.approx(0.8, abs=0.03)
    assert "of 5 networks" in found.tables["published"].note


def test_nothing_is_claimed_where_no_network_has_a_peak():
    data = capacity_data()
    for runs in data.values():
        runs["weight_l2"] = runs["weight_l2"] * 0.0 + runs["train_size"] * (1.0 + runs["step"])
    found = l2_capacity.STUDY.analyse(data).tables["published"]
    assert "too uncertain to compare" in found.note and "cannot be told" in found.note
    assert cell(found, "peak / (2 P / log2 C)", "after 3000 steps") == "no peak inside the sizes"


def test_pooled_and_within_size_correlations_can_have_opposite_signs():
    rng = np.random.default_rng(2)
    size, step = np.array([100.0, 200.0, 400.0]), np.arange(1, 6) * 20.0
    spread = rng.uniform(-1.0, 1.0, (3, 6))[..., None]
    l2 = np.log2(size)[:, None, None] * 10 + spread + 0.001 * step
    test = -np.log2(size)[:, None, None] * 10 + spread + 0.001 * step
    dims = ("train_size", "seed", "step")
    values = {"weight_l2": (dims, l2), "test_loss": (dims, test), "train_loss": (dims, rng.random(l2.shape))}
    coords = {"train_size": size, "seed": range(6), "step": step}
    (found,) = correlations([Law("made up", xr.Dataset(values, coords=coords), 0.0)], "weight_l2")
    by_name = dict(zip((q.name for q in CORRELATIONS), found["value"].values, strict=True))
    assert by_name["all runs, last record"] < -0.7
    assert by_name["within a train size, between seeds"] == pytest.approx(1.0)
    assert by_name["along training, within a run"] == pytest.approx(1.0)
    assert float(found["interval"].isel(question=0, bound=1)) < 0.0


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
    same_steps = effects(runs)
    equal = effects(xr.Dataset({name: at_equal_rate(runs[name]) for name in runs.data_vars}))
    assert float(same_steps["test_loss"].sel(warmup_steps=400).min()) == pytest.approx(0.002 * 200.5)
    # Records are 50 steps apart, and the ramp is curved between them.
    assert float(abs(equal["test_loss"]).max()) < 1e-9 and float(abs(equal["log_train_loss"]).max()) < 1e-9


def test_cosines_are_in_units_of_full_cancellation():
    runs = warm_runs()
    runs["gradient_cosine"] = xr.zeros_like(runs["gradient_cosine"]) - 1.0 / (runs["train_size"] - 1)
    assert effects(runs)["conflict"].values == pytest.approx(1.0)


@pytest.mark.long
def test_a_tiny_capacity_sweep_runs_through(tmp_path):
    sweeps = l2_capacity.STUDY.sweeps("quick", 2)
    networks = sweeps["networks"]
    assert (
        networks.over["hidden"][1] == networks.experiment.model.hidden
        and len(sweeps["classes"].over["num_classes"]) == 2
    )
    small = {
        "networks": replace(networks, over={"hidden": [(4, 4)], "train_size": [10, 20, 40, 80], "seed": [0, 1]}),
        "classes": replace(
            sweeps["classes"], over={"num_classes": [4], "train_size": [10, 20, 40, 80], "seed": [0, 1]}
        ),
    }
    small = {
        name: replace(
            part, experiment=replace(part.experiment, model=mj.models.MLP(hidden=(4, 4)), steps=300, record_every=30)
        )
        for name, part in small.items()
    }
    folder, found = studies.run(replace(l2_capacity.STUDY, sweeps=lambda *_: small), tmp_path / "out", progress=False)
    assert [row[0] for row in found.tables["peaks"].rows] == ["4-4", "4 classes"]
    assert cell(found.tables["peaks"], "4 classes", "parameters") == str(10 * 4 + 5 * 4 + 5 * 4)
    assert (folder / "hypothesis.png").is_file() and (folder / "report.html").is_file()


@pytest.mark.long
def test_a_tiny_test_loss_sweep_runs_through(tmp_path):
    sweeps = l2_test_loss.STUDY.sweeps("quick", 3)
    sizes = {"train_size": [30, 60], "seed": [0, 1, 2]}
    over = {
        "random": {"alpha": [0.0, 1.5], **sizes},
        "teacher": sizes,
        "warmup": {"warmup_steps": [0, 20], "peak": [1e-2], "train_size": [50, 75], "seed": [0, 1, 2]},
    }
    small = {
        name: replace(
            part,
            over=over[name],
            experiment=replace(
                part.experiment, model=mj.models.MLP(hidden=(6,)), steps=60, record_every=10, test_size=50
            ),
        )
        for name, part in sweeps.items()
    }
    folder, found = studies.run(replace(l2_test_loss.STUDY, sweeps=lambda *_: small), tmp_path / "out", progress=False)
    assert {row[1] for row in found.tables["published"].rows} == {"not answered"}
    assert [row[-1] for row in found.tables["losses"].rows[:2]] == [f"{np.log(17):.3f}"] * 2
    assert len(found.tables["warmup_rates"].rows) == 2
    assert (folder / "relation.png").is_file() and (folder / "cosine.png").is_file()
