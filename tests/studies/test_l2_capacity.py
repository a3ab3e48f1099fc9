"""The study l2-capacity: peaks and capacities of made-up gaps, its claims, and a shrunk run from end to end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies.l2_capacity import claims, numbers

STUDY = studies.find("l2-capacity")
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


def at_budgets(data: dict[str, xr.Dataset]) -> xr.Dataset:
    runs = numbers.configurations(data)
    return numbers.at_budgets(runs, numbers.peaks(runs))


def made(at: xr.Dataset) -> dict[str, studies.Claim]:
    return {claim.what.replace(", after 3000 steps", ""): claim for claim in claims.claims(at, numbers.exponents(at))}


@pytest.fixture(scope="module")
def at() -> xr.Dataset:
    return at_budgets(capacity_data())


@pytest.mark.parametrize("peak", [90.0, 333.0, 1400.0])
def test_the_top_between_sizes_is_that_of_a_parabola(peak):
    assert 2.0 ** numbers._top(hump(np.array(peak)), SIZES.astype(float)) == pytest.approx(peak)


def test_a_maximum_at_an_end_or_beside_a_hole_is_no_peak():
    rising = np.arange(12.0)
    assert np.isnan(numbers._top(rising, SIZES)) and np.isnan(numbers._top(rising[::-1], SIZES))
    assert np.isnan(numbers._top(np.full(12, np.nan), SIZES))
    assert np.isnan(numbers._top(np.where(rising > 5, np.nan, rising), SIZES))


def test_ratio_prediction_and_measured_capacity_are_the_ones_put_in(at):
    last = at.isel(step=-1)
    assert float(last["predicted"].sel(configuration="24-24")) == pytest.approx(2 * 1265 / np.log2(17))
    assert last["predicted"].sel(configuration=["4 classes", "64 classes"]).values == pytest.approx(
        [940.0, 2 * 2440 / 6]
    )
    assert last["over_predicted"].mean("seed").values == pytest.approx(0.8, abs=0.03)
    assert last["over_measured"].values == pytest.approx(1.0, abs=0.01)
    assert last["stored"].mean("seed").values == pytest.approx(1.6, abs=0.06)
    assert float(last["grid"].sel(configuration="24-24")) == 566.0 and not last["rising"].any()
    # What is stored grows as the root of the steps.
    assert last["late_change"].values == pytest.approx(1 - 0.9**0.5, abs=0.003)


def test_bits_that_still_rise_at_the_largest_size_are_told():
    data = capacity_data()
    data["networks"]["memorized_bits"].loc[{"hidden": "24"}] = data["networks"]["train_size"] * 1.0
    assert at_budgets(data)["rising"].isel(step=-1).values.tolist() == [False, False, False, True, False, False]


def test_the_exponent_is_one_and_the_move_that_of_the_budgets(at):
    found = numbers.exponents(at)
    assert found["networks"].sel(step=3000).values == pytest.approx(1.0, abs=0.03)
    np.testing.assert_array_equal(found["networks"], found["seeds"])
    assert at["moved"].values == pytest.approx(10**0.5)
    # The scatter of the networks and the noise of the seeds give different intervals.
    assert not np.allclose(found["networks_interval"], found["seeds_interval"])


@pytest.mark.parametrize(
    "share, held, verdict", [(0.8, (0, 0), "differs"), (1.0, (6, 6), "as published"), (0.5, (0, 0), "differs")]
)
def test_claims_follow_the_numbers(share, held, verdict):
    found = made(at_budgets(capacity_data(share)))
    ratio = found["train size at the peak over the predicted size 2 P / log2 C"]
    assert ratio.estimate.value == pytest.approx(share, abs=0.02) and ratio.verdict.value == verdict
    assert f"interval of {held[0]} of 6 networks, of {held[1]} if half a step" in ratio.remark
    assert found["train size at the peak over the measured capacity"].verdict.value == "as published"
    assert found["exponent of the peak in the predicted size 2 P / log2 C"].verdict.value == "as published"
    move = found["factor by which the peak moves from 300 to 3000 steps"]
    assert move.estimate.value == pytest.approx(10**0.5) and move.verdict.value == "differs" and move.main
    assert found["most bits stored per parameter"].estimate.value == pytest.approx(2 * share, abs=0.04)


def test_a_network_without_a_peak_inside_is_named_and_left_out():
    data = capacity_data()
    data["networks"]["weight_l2"].loc[{"hidden": "48-48", "seed": 1}] = np.linspace(1.0, 9.0, 12)[None]
    at = at_budgets(data)
    tables = claims.tables(at, numbers.exponents(at))
    row = next(row for row in tables["peaks"].rows if row[0] == "48-48")
    assert row[tables["peaks"].columns.index("peak")] == "not known in 4 of 4"
    ratio = made(at)["train size at the peak over the predicted size 2 P / log2 C"]
    assert ratio.estimate.value == pytest.approx(0.8, abs=0.02) and "of 5 networks" in ratio.remark


def test_nothing_is_claimed_where_no_network_has_a_peak():
    data = capacity_data()
    for runs in data.values():
        runs["weight_l2"] = runs["weight_l2"] * 0.0 + runs["train_size"] * (1.0 + runs["step"])
    found = made(at_budgets(data))
    for name in ("train size at the peak over the measured capacity", "exponent of the peak in the measured capacity"):
        assert found[name].verdict.value == "not known"
    assert found["factor by which the peak moves from 300 to 3000 steps"].verdict.value == "not known"
    assert "no network has a peak inside the sizes" in found["train size at the peak over the measured capacity"].remark


@pytest.mark.long
def test_a_shrunk_study_runs_through_and_can_be_made_again(tmp_path, made_again):
    sweeps = STUDY.sweeps("quick", 2)
    networks = sweeps["networks"]
    assert (
        networks.over["hidden"][1] == networks.experiment.model.hidden
        and len(sweeps["classes"].over["num_classes"]) == 2
    )
    over = {"train_size": [10, 20, 40, 80], "seed": [0, 1]}
    firsts = {"networks": {"hidden": [(4, 4)]}, "classes": {"num_classes": [4]}}
    model = mj.models.MLP(hidden=(4, 4))
    small = {
        name: replace(
            part,
            over=firsts[name] | over,
            experiment=replace(part.experiment, model=model, steps=300, record_every=30),
        )
        for name, part in sweeps.items()
    }
    study = replace(STUDY, sweeps=lambda *_: small)
    folder, found = studies.run(study, tmp_path / "out", seeds=2, progress=False)
    rows = found.tables["peaks"].rows
    assert [row[0] for row in rows] == ["4-4", "4 classes"] and rows[1][1] == str(10 * 4 + 5 * 4 + 5 * 4)
    files = {path.name for path in folder.iterdir()}
    assert files >= {"hypothesis.png", "gaps.pdf", "budgets.png", "exponents.csv", "report.html"}
    made_again(folder, study)
    assert len(found.all_tables) == 4
