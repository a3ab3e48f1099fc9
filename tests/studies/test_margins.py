"""The study margins: signatures and exact margins of networks, regressions of known laws, choices, claims, a shrunk run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import analysis, studies
from memjax.studies.margins import claims, figures, numbers, runs, signatures, tables
from memjax.studies.margins.numbers import VARIANTS, Scored, Variant
from memjax.studies.margins.study import STUDY

RNG = np.random.default_rng(5)
AXES = {
    "hidden": ["a", "b", "c"],
    "dropout": [0.0, 0.1],
    "l2": [0.0, 0.1],
    "train_size": [50, 100, 200],
    "label_noise": [0.0, 0.2],
    "seed": [0, 1, 2],
}


def _field(*names, scale=1.0):
    values = RNG.normal(0.0, scale, [len(AXES[name]) for name in names])
    return xr.DataArray(values, {name: AXES[name] for name in names}, names)


def _population(gap):
    """Networks whose margins are drawn: log-normal, in all layers."""
    labels = {
        **AXES,
        "kind": ["quartiles", "moments"],
        "layer": [*signatures.LAYERS, "output"],
        "statistic": np.arange(5),
    }
    drawn = xr.DataArray(np.exp(RNG.normal(size=[len(one) for one in labels.values()])), labels, tuple(labels))
    spread = np.exp(RNG.normal(size=drawn.isel(kind=0, statistic=0).shape))
    made = xr.Dataset({"signature": drawn, "spread": (drawn.isel(kind=0, statistic=0).dims, spread)})
    made["spread"].loc[{"layer": "output"}] = 1.0
    gap = xr.zeros_like(_field(*AXES)) + gap(made)
    return made.assign(gap=gap, train_accuracy=xr.ones_like(gap), test_accuracy=1 - gap)


def _of_margins(made):
    """A gap that the logarithms of two normalised features make."""
    x = numbers.features(made, Variant())
    return 0.3 - 0.1 * np.log(x.sel(layer="input", statistic=2)) + 0.2 * np.log(x.sel(layer="layer_1", statistic=0))


SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=5, num_classes=3), train_size=30, test_size=20, steps=20, record_every=20,
    model=mj.models.MLP(hidden=(6, 4)), optimizer=mj.optimizers.adam(0.05), measures=("accuracy",), snapshots=(20,),
)  # fmt: skip


@pytest.fixture(scope="module")
def small():
    return mj.sweep(SPEC, over={"seed": range(2)}, progress=False)


def test_features_are_signatures_of_normalised_margins(small):
    found = numbers.population(small, signatures.signatures(small))
    for normalize in (True, False):
        taken = mj.measure(small, [mj.measures.margins(normalize=normalize)]).margin.isel(snapshot=0, drop=True)
        for kind in ("quartiles", "moments"):
            wanted = analysis.margin_signature(taken, kind=kind).transpose("seed", "layer", "statistic")
            made = numbers.features(found, Variant(kind=kind, normalized=normalize)).transpose(
                "seed", "layer", "statistic"
            )
            np.testing.assert_allclose(made.values, wanted.values, rtol=1e-12, err_msg=TOLD)
    for i, one in enumerate(mj.snapshots(small)):
        outputs = np.asarray(one.outputs(one.train.x), float)
        gaps = [row[y] - max(np.delete(row, y)) for row, y in zip(outputs, one.train.y, strict=True)]
        wanted = analysis.margin_signature(xr.DataArray(gaps, dims="example"))
        # float32 outputs against float64 products: differences up to 2.4e-6 were seen.
        np.testing.assert_allclose(numbers.features(found, VARIANTS["output margin alone"])[i, 0], wanted, rtol=1e-5)


TOLD = "measured: 3e-16"


def test_margins_of_linear_networks_are_those_of_the_closed_form():
    linear = mj.sweep(
        dataclasses.replace(SPEC, model=mj.models.MLP(hidden=())), over={"seed": range(2)}, progress=False
    )
    assert float(signatures.linear_margins(linear)["error"].max()) < claims._ROUNDING


def test_networks_that_have_not_fitted_have_no_gap(small):
    runs = small.copy()
    runs["train_accuracy"][:, -1] = [0.98, 1.0]
    runs["test_accuracy"][:, -1] = [0.5, 0.25]
    found = numbers.population(runs, signatures.signatures(small))
    np.testing.assert_allclose(found["gap"], [np.nan, 0.75])


def test_a_law_of_the_margins_is_found_seed_by_seed():
    made = _population(_of_margins)
    # Every seed has its own level, which a regression over all seeds could not know.
    made["gap"] = made["gap"] + 10 * made["seed"]
    found = numbers.scored(made)
    score = found.variants["cross_validated_r_squared"]
    np.testing.assert_allclose(score.sel(variant="all layers"), 1, atol=1e-9)
    assert (score.sel(variant=["moments", "not normalised", "without logarithms", *claims.SINGLE]) < 0.9).all()
    lone = numbers.scores(made.isel(seed=[2]), Variant())
    np.testing.assert_allclose(
        found.variants["adjusted_r_squared"].sel(variant="all layers", seed=2), lone["adjusted_r_squared"][0]
    )
    assert found.variants["num_features"].sel(variant="all layers").values.tolist() == [15] * 3


def test_the_score_of_everyone_has_those_without_a_gap():
    made = _population(_of_margins)
    made["test_accuracy"] = made["train_accuracy"] - made["gap"]
    made["gap"] = made["gap"].where(made["dropout"] > 0)
    found = numbers.scored(made)
    assert found.variants["count"].sel(variant="all layers").values.tolist() == [36] * 3
    assert found.everyone["count"].values.tolist() == [72] * 3


def test_shuffled_gaps_stay_within_their_seed_and_score_zero():
    made = _population(lambda one: _field(*AXES) + 100 * one["seed"])
    gap = made["gap"].where(made["dropout"] + made["l2"] > 0)
    mixed = numbers._shuffled(gap, 3)
    for seed in AXES["seed"]:
        one, other = gap.sel(seed=seed), mixed.sel(seed=seed)
        assert sorted(one.values[np.isfinite(one)]) == sorted(other.values[np.isfinite(other)])
        assert (np.isnan(one) == np.isnan(other.transpose(*one.dims))).all() and not one.equals(other)
    found = numbers.permuted(made, Variant())
    # The mean of R^2 over all orders is k / (n - 1) = 15 / 71. Spread of a mean over 20 orders, measured over 60 draws: 0.013.
    np.testing.assert_allclose(found["r_squared"], 15 / 71, atol=0.06)
    np.testing.assert_allclose(found["adjusted_r_squared"], 0, atol=0.07)


def test_knobs_are_flags_and_margins_take_what_knobs_leave():
    made = _population(_of_margins)
    assert dict(numbers.knobs(made, runs.KNOBS).sizes)["known"] == 2 + 1 + 1 + 2 + 1
    crossed = numbers.knobs(made, ("train_size", "label_noise"), crossed=True)
    assert crossed.sizes["known"] == 5 and (crossed.sum("known") <= 1).all() and int(crossed.sum()) == 5
    of_data = _field("train_size", "label_noise")
    made["gap"] = 5 * of_data + made["gap"]
    one = numbers.beyond(made, Variant(), crossed)
    assert (one["alone"] < 0.999).all() and (one["alone"] > 0.8).all()
    np.testing.assert_allclose(one["both"], 1, atol=1e-9)
    np.testing.assert_allclose(one["added"], 1, atol=1e-9)
    made["gap"] = 0 * made["gap"] + of_data
    np.testing.assert_allclose(numbers.beyond(made, Variant(), crossed)["alone"], 1, atol=1e-9)
    # A sum over the knobs cannot say what a combination does.
    assert (numbers.beyond(made, Variant(), numbers.knobs(made, runs.KNOBS))["alone"] < 0.999).all()


def test_margins_that_know_nothing_take_less_than_nothing():
    made = _population(lambda one: _field(*AXES) + 3 * _field("train_size"))
    found = numbers.beyond(made, Variant(), numbers.knobs(made, runs.KNOBS))
    assert (found["alone"] > found["both"]).all() and (found["added"] < 0).all()
    np.testing.assert_allclose(found["added"], 1 - (1 - found["both"]) / (1 - found["alone"]), rtol=1e-9)


def test_a_law_is_carried_to_other_networks_up_to_its_level():
    one, other = _population(_of_margins), _population(_of_margins)
    np.testing.assert_allclose(numbers.carried(one, other, Variant())["r_squared"], 1, atol=1e-9)
    moved = numbers.carried(one, other.assign(gap=other["gap"] + 5), Variant())
    assert (moved["r_squared"] < 0).all() and moved["rank"].values == pytest.approx(1)
    turned = numbers.carried(one, other.assign(gap=-other["gap"].where(other["dropout"] > 0)), Variant())
    assert turned["rank"].values == pytest.approx(-1)


def _scored(values, null=0.0):
    """Scores of three seeds: of every variant the same in all but a small spread."""
    spread = np.array([-0.01, 0.0, 0.01])
    variants = xr.DataArray(
        [[values[name] + one for one in spread] for name in VARIANTS], {"variant": list(VARIANTS)}, ("variant", "seed")
    )
    one = dict.fromkeys(("adjusted_r_squared", "cross_validated_r_squared"), variants)
    flat = dict.fromkeys(one, ("seed", null + spread))
    added = xr.Dataset(dict.fromkeys(("alone", "both", "added"), ("seed", 0.25 + spread)))
    return Scored(
        xr.Dataset(one).assign(num_features=15 + 0 * variants), xr.Dataset(flat), xr.Dataset(flat), added, added
    )


def test_claims_on_the_gap_compare_the_whole_with_its_parts():
    values = dict.fromkeys(VARIANTS, 0.5) | {
        "all layers": 0.8,
        "first hidden layer alone": 0.6,
        "without logarithms": 0.9,
    }
    made = {claim.what.removeprefix("images: "): claim for claim in claims.gap_claims("images", _scored(values))}
    wanted = {
        "adjusted R^2 of the gap, all layers": (0.8, "not asked"),
        "cross-validated R^2 of the gap, all layers": (0.8, "as published"),
        "cross-validated R^2, all layers less the best single layer": (0.2, "as published"),
        "cross-validated R^2, all layers less the same without logarithms": (-0.1, "differs"),
        "cross-validated R^2, all layers less the same not normalised": (0.3, "as published"),
        "cross-validated R^2, all layers less moments in place of quartiles": (0.3, "not asked"),
        "cross-validated R^2, all layers less the output margin alone": (0.3, "not asked"),
        "adjusted R^2 of shuffled gaps": (0.0, "as published"),
        "share of the squared error that margins take from train size and label noise": (0.25, "not asked"),
        "share of the squared error that margins take from all knobs": (0.25, "not asked"),
    }
    for what, (value, verdict) in wanted.items():
        assert made[what].estimate.value == pytest.approx(value), what
        assert made[what].verdict.value == verdict, what
    assert made["cross-validated R^2, all layers less the best single layer"].remark == "first hidden layer alone"
    assert len(made) == len(wanted) + 1 and made["adjusted R^2 of shuffled gaps"].verdict_shown == "as derived"
    (false,) = (one for one in claims.gap_claims("images", _scored(values, 0.1)) if "shuffled" in one.what)
    assert false.verdict.value == "differs"


def test_figures_and_tables_show_every_population_and_variant():
    made = _population(_of_margins)
    found = {"images": _scored(dict.fromkeys(VARIANTS, 0.5)), "signals": _scored(dict.fromkeys(VARIANTS, 0.4))}
    points = figures.predicted({"images": made, "signals": made}).axes[0].lines
    np.testing.assert_allclose(points[0].get_xdata(), points[0].get_ydata(), atol=1e-9)
    assert points[0].get_xdata().size == 36
    drawn = figures.scores(found).axes
    assert [text.get_text() for text in drawn[0].get_yticklabels()] == [*VARIANTS]
    assert drawn[1].lines[0].get_xdata() == pytest.approx([0.4] * len(VARIANTS))
    assert len(tables.scores(found).rows) == 2 * (len(VARIANTS) + 1)
    assert tables.scores(found).rows[0][:4] == ("all layers", "images", "15", "0.500 [0.475, 0.525]")
    assert tables.known(found).rows[3] == ("signals", "all knobs", *["0.250 [0.225, 0.275]"] * 3)
    assert tables.populations({"images": made}, found).rows[0][:3] == ("images", "72", "72.0 [72.0, 72.0]")


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["quick", "mnist", "fashion-mnist"])
def test_every_scale_can_be_laid_out(scale):
    made = STUDY.sweeps(scale, 2)
    assert [*made] == ["images", "signals", "linear", *runs.LOSSES]
    # Other scales need files of images.
    for name in made if scale == "quick" else ("signals",):
        assert mj.explain(made[name].experiment, made[name].over)
    assert len(made["large_margin"].over["seed"]) == 2 + runs.TUNING
    assert set(STUDY.seeds) == set(STUDY.scales) == set(runs.SIZES)


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, monkeypatch, made_again):
    few = runs.SIZES["quick"]._replace(
        test_size=100, steps=200, widths=(16,), dropouts=(0.0,), decays=(0.0, 1e-4, 1e-3), train_sizes=(50, 60, 70, 80),
        noises=(0.0, 0.1, 0.2), most=60, small=(50,), levels=(0.2,),
    )  # fmt: skip
    monkeypatch.setitem(runs.SIZES, "quick", few)
    folder, findings = studies.run(dataclasses.replace(STUDY), tmp_path / "out", seeds=2, progress=False)
    assert all((folder / f"{name}.png").exists() for name in ("predicted", "scores", "losses", "changes"))
    assert len(findings.tables["losses"].rows) == 3
    made_again(folder, STUDY)
