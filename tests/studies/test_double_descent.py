"""The study double-descent: humps of curves that are known by hand, naive fits, its claims, and a shrunk run."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import analysis, studies
from memjax.studies.double_descent import claims, numbers, random_features, regression, sizes
from memjax.studies.double_descent.study import STUDY

DIGITS = mj.tasks.Images("digits")
SEEDS = xr.Dataset(coords={"seed": [0, 3]})


def _curves(shape, spread=0.0, seeds=5, dim="width"):
    noise = spread * np.random.default_rng(0).normal(size=(seeds, len(shape)))
    labels = {"seed": np.arange(seeds), dim: 2 ** np.arange(len(shape))}
    return xr.DataArray(np.array(shape) + noise, labels, ("seed", dim))


def test_a_hump_is_the_lesser_of_its_rise_and_its_fall():
    found = numbers.hump(_curves([0.9, 0.2, 0.5, 0.4, 0.3]), "width")
    np.testing.assert_allclose(found["height"], 0.2)
    assert found["place"].values.tolist() == [4] * 5
    # A curve that goes on falling, or goes on rising, has none; a step on the way down is no hump.
    for shape in ([0.9, 0.5, 0.3, 0.2], [0.1, 0.2, 0.5, 0.9], [0.9, 0.5, 0.5, 0.2]):
        assert (numbers.hump(_curves(shape), "width")["height"] <= 1e-12).all()


def test_noise_makes_no_hump():
    flat = numbers.hump(_curves([0.3] * 12, spread=0.1, seeds=200), "width")["height"]
    largest = _curves([0.3] * 12, spread=0.1, seeds=200).max("width") - 0.3
    # The peak of a noisy curve lies .16 above the curve. Measured: the height is -.02.
    assert float(flat.mean()) < 0 < 0.1 < float(largest.mean())


def test_a_hump_is_found_where_the_other_seeds_have_it():
    curve = _curves([0.9, 0.2, 0.5, 0.4, 0.3])
    curve[0] = [0.9, 0.2, 0.1, 0.8, 0.3]
    found = numbers.hump(curve, "width")
    assert float(found["place"][0]) == 4 and float(found["height"][0]) == pytest.approx(-0.2)
    assert np.isnan(numbers.hump(_curves([0.9, 0.2]), "width")["height"]).all()
    assert float(numbers.hump(_curves([0.3, 0.1, 0.4, 0.2], seeds=1), "width")["height"][0]) == pytest.approx(0.2)


def test_a_hump_keeps_other_dimensions():
    both = xr.concat([_curves([0.9, 0.2, 0.5, 0.3]), _curves([0.9, 0.4, 0.5, 0.3])], xr.Variable("k", [7, 8]))
    found = numbers.hump(both, "width")["height"]
    np.testing.assert_allclose(found.sel(k=7), 0.2)
    np.testing.assert_allclose(found.sel(k=8), 0.1)


def test_a_hump_before_the_best_record_does_not_count():
    early = _curves([0.9, 0.3, 0.5, 0.1, 0.2, 0.3, 0.25], dim="step")
    assert float(numbers.hump(early, "step")["height"][0]) == pytest.approx(0.2)
    late = numbers.from_best(early)
    assert late["step"].values.tolist() == [8, 16, 32, 64]
    np.testing.assert_allclose(numbers.hump(late, "step")["height"], 0.05)


def test_thresholds_and_complexity_have_their_limits():
    train = xr.DataArray([[0.5, 0.01, 0.02], [0.2, 0.2, 0.1]], {"width": [4, 8, 16]}, ("seed", "width"))
    assert numbers.threshold(train).values.tolist() == [8, 16]
    assert numbers.threshold(train, level=0.01).values.tolist() == [8, np.inf]
    train = train.rename(width="train_size")
    assert numbers.complexity(train).values.tolist() == [16, 16]
    assert numbers.complexity(train, level=0.01).values.tolist() == [8, 0]


def test_errors_are_those_of_the_end_and_of_the_best_record():
    accuracy = xr.DataArray([[0.1, 0.8, 0.7], [0.2, 0.3, 0.9]], {"step": [0, 1, 2]}, ("seed", "step"))
    found = numbers.errors(xr.Dataset({"train_accuracy": accuracy, "test_accuracy": accuracy}))
    np.testing.assert_allclose(found["last_test"], [0.3, 0.1])
    # The other seed is best at the last record, and the first one at the record in the middle.
    np.testing.assert_allclose(found["best_test"], [0.3, 0.7])
    alone = xr.Dataset({"train_accuracy": accuracy, "test_accuracy": accuracy}).isel(seed=[0])
    np.testing.assert_allclose(numbers.errors(alone)["best_test"], [0.2])
    np.testing.assert_allclose(found["train"], 1 - accuracy)


@pytest.mark.parametrize("kind", random_features.KINDS)
@pytest.mark.parametrize("count", [10, 90])
def test_smoothers_are_those_of_a_fit(kind, count):
    rng = np.random.default_rng(0)
    x, test, hot = rng.random((30, 12)), rng.random((20, 12)), rng.normal(size=(30, 3))
    phi = random_features._drawn(kind, 12, count, rng)
    train, tested = phi(x), phi(test)
    found = random_features._factors(train, tested)
    for ridge in random_features.RIDGES:
        fit, weights = random_features._smoothers(found, ridge)
        kernel = np.linalg.solve(train.conj().T @ train + ridge * np.eye(count), train.conj().T @ hot) if ridge else (
            np.linalg.lstsq(train, hot.astype(train.dtype))[0]
        )  # fmt: skip
        # Measured: 1.6e-12 at most, at the smallest ridge.
        np.testing.assert_allclose(weights @ hot, (tested @ kernel).real, atol=1e-9)
        np.testing.assert_allclose(fit @ hot, (train @ kernel).real, atol=1e-9)
        for one, made in zip((fit, weights), random_features._smoothers(found, ridge, hot), strict=True):
            np.testing.assert_allclose(made, one @ hot, atol=1e-9)


@pytest.mark.parametrize("side", [8, 28])
def test_fourier_features_have_the_kernel_of_belkin_et_al(side):
    rng, inputs = np.random.default_rng(1), side**2
    x = 0.1 * rng.normal(size=(2, inputs))
    phi = random_features._drawn("fourier", inputs, 4000, rng)(x)
    # v ~ N(0, .2^2) for 28 x 28 pixels, and wider for fewer pixels. Measured: 0.012.
    exact = np.exp(-((0.2 * 28 / side) ** 2) * ((x[0] - x[1]) ** 2).sum() / 2)
    assert (phi[0] @ phi[1].conj()).real == pytest.approx(exact, abs=0.05)
    assert (phi[0] @ phi[0].conj()).real == pytest.approx(1)


def test_random_features_fit_what_they_can_and_peak_where_they_just_can():
    found = random_features.of_images(SEEDS, task=DIGITS, train_size=40, test_size=100, ratios=(0.5, 1.0, 4.0))
    free = found.sel(features="fourier", ridge=0.0)
    assert found["test_loss"].dims == ("seed", "features", "ratio", "ridge")
    # Real parts of complex features fit a little less than as many real ones.
    np.testing.assert_allclose(free["train_used"].sel(ratio=[1.0, 4.0]), 1, atol=1e-6)
    assert (free["train_used"].sel(ratio=0.5) < 0.5).all()
    assert (free["train_loss"].sel(ratio=4.0) < 1e-9).all() and (free["train_loss"].sel(ratio=0.5) > 0.01).all()
    assert (free["test_loss"].argmax("ratio") == 1).all() and (free["test_used"].argmax("ratio") == 1).all()
    held = found.sel(ridge=0.1)["test_loss"].sel(ratio=1.0)
    assert (held < found.sel(ridge=0.0)["test_loss"].sel(ratio=1.0)).all()


def test_simulations_on_a_sphere_are_near_the_formula(monkeypatch):
    monkeypatch.setattr(random_features, "SPHERE_RATIOS", (1 / 3, 4.0))
    found = random_features.on_sphere(SEEDS, dimension=60, train_size=180, draws=3)
    exact = analysis.random_features_risk(found["ratio"] * 3, 3.0, noise=0.25)
    # Measured: 12%.
    np.testing.assert_allclose(found["risk"].mean("seed"), exact, rtol=0.3)


def test_losses_on_the_diabetes_data_are_those_of_a_fit():
    rows = regression._rows()
    order = np.random.default_rng(0).permutation(len(rows.x))
    for size in (5, 20):
        found = regression._draw(rows, order, size)
        x, y, test, targets = rows.x[order[:size]], rows.y[order[:size]], rows.x[order[size:]], rows.y[order[size:]]
        left, values, right = np.linalg.svd(x, full_matrices=False)
        large = values > regression.CUT
        short = right[large].T @ ((left[:, large].T @ y) / values[large])
        held = test @ right[~large].T @ right[~large]
        wanted = [
            np.mean((test @ np.linalg.lstsq(x, y)[0] - targets) ** 2),
            np.mean((test @ short - targets) ** 2),
            np.mean(((test - held) @ np.linalg.lstsq(x, y)[0] - (targets - held @ rows.best)) ** 2),
            np.mean((test @ np.linalg.lstsq(x, x @ rows.best)[0] - targets) ** 2),
        ]
        np.testing.assert_allclose(found["loss"], wanted, rtol=1e-9)
        assert found["smallest"] == pytest.approx(values[-1])


def test_the_error_on_the_diabetes_data_peaks_at_as_many_rows_as_inputs():
    found = regression.of_diabetes(SEEDS, repeats=9, sizes=(3, 10, 30))
    whole = found["loss"].sel(ablation="none")
    assert (whole.argmax("train_size") == 1).all() and found.attrs["inputs"] == 10
    for ablation in regression.ABLATIONS[1:]:
        assert (found["loss"].sel(ablation=ablation, train_size=10) < whole.sel(train_size=10) / 3).all()


def _features(peak=1.0, last=0.1, held=0.0):
    ratio, rng = np.array(random_features.RATIOS), np.random.default_rng(0)
    loss = 0.5 + 10 * (ratio == peak) - 0.3 * (ratio > 1)
    # The lowest error below N = n, 0.2, is at one ratio alone.
    error = np.where(ratio < 1, 0.4 - 0.2 * (ratio == 0.5), last) + 0.5 * (ratio == peak)
    free = {
        "test_loss": loss,
        "test_error": error,
        "test_used": loss,
        "train_used": np.minimum(ratio, 1),
        "train_loss": loss,
    }
    made = {
        name: (("seed", "features", "ratio", "ridge"), np.broadcast_to(one[:, None], (4, 2, len(ratio), 5)).copy())
        for name, one in free.items()
    }
    made["test_error"][1][..., 1:] = 0.2 + held * (ratio == 1)[:, None]
    labels = {
        "features": list(random_features.KINDS),
        "ratio": ratio,
        "ridge": list(random_features.RIDGES),
        "seed": range(4),
    }
    found = xr.Dataset(made, labels, {"train_size": 100})
    return found * (1 + 1e-4 * xr.DataArray(rng.normal(size=4), dims="seed"))


@pytest.mark.parametrize(
    ("made", "verdicts"),
    [
        ({}, ["as published"] * 4),
        ({"peak": 2.0}, ["differs", "as published", "as published", "as published"]),
        ({"last": 0.3}, ["as published", "as published", "differs", "as published"]),
        ({"held": 0.1}, ["as published", "as published", "as published", "differs"]),
    ],
)
def test_claims_on_features_hold_what_the_curves_say(made, verdicts):
    found = claims.feature_claims(_features(**made))
    assert [claim.verdict.value for claim in found] == verdicts * 2


def test_a_curve_folds_where_its_error_follows_its_parameters():
    straight = _features()
    # Below N = n the error falls as the parameters grow.
    falls = xr.where(straight["ratio"] < 1, -straight["ratio"], 1 / straight["ratio"])
    folded = straight.assign(
        test_used=straight["test_used"] * 0 + abs(falls), test_loss=straight["test_loss"] * 0 + falls
    )
    assert numbers.fold(folded.sel(features="relu", ridge=0.0)).values.tolist() == [1] * 4
    opened = folded.assign(test_used=-folded["test_used"])
    assert numbers.fold(opened.sel(features="relu", ridge=0.0)).values.tolist() == [-1] * 4
    assert [claim.verdict.value for claim in claims.fold_claims(straight)] == ["as published"] * 6


def test_claims_on_the_sphere_are_those_of_the_formula():
    exact = analysis.random_features_risk(3 * np.array(random_features.SPHERE_RATIOS), 3.0, noise=0.25)
    noise = 1 + xr.DataArray([-1e-3, 0.0, 1e-3], dims="seed")
    attrs = {"train_size": 300, "dimension": 100}
    risk = xr.DataArray(exact, {"ratio": list(random_features.SPHERE_RATIOS)}, ("ratio",)) * noise
    for factor, verdict in ((1.0, "as published"), (1.3, "differs")):
        found = claims.sphere_claims(xr.Dataset({"risk": factor * risk}, attrs=attrs))
        assert [claim.verdict.value for claim in found] == [verdict] * 5
        assert found[0].published == 0.797


def _networks(noisy=(0.9, 0.3, 0.5, 0.2), best=(0.9, 0.3, 0.2, 0.1), train=(0.5, 0.2, 0.0, 0.0)):
    last = xr.concat(
        [_curves((0.8, 0.2, 0.1, 0.1), 1e-4), _curves(noisy, 1e-4)], xr.Variable("label_noise", [0.0, 0.2])
    )
    step = xr.DataArray([0.9, 0.2, 0.4, 0.3], {"step": [1, 10, 100, 1000]}, ("step",))
    fitted = _curves(train).broadcast_like(last)
    found = xr.Dataset(
        {"last_test": last, "last_train": fitted, "test": last * 0 + step, "best_test": last * 0 + _curves(best, 1e-4)}
    )
    return found, xr.Dataset({"last_test": _curves(best, 1e-4).expand_dims(weight_decay=[3.0])})


def test_claims_on_networks_hold_what_the_curves_say():
    made = claims.network_claims(*_networks())
    asked = ["as published", "not asked", *["as published"] * 5, "not asked"]
    assert [claim.verdict.value for claim in made] == asked
    assert [made[i].estimate.value for i in (0, 3, 4)] == pytest.approx([0.2, 1.0, 0.1], abs=2e-3)
    flat = claims.network_claims(*_networks(noisy=(0.9, 0.5, 0.3, 0.2), best=(0.9, 0.3, 0.5, 0.1)))
    assert [flat[i].verdict.value for i in (0, 5, 6)] == ["differs"] * 3


def test_claims_on_samples_and_on_complexity_hold_what_the_curves_say():
    test = xr.concat([_curves((0.5, 0.4, 0.6, 0.2), 1e-4, dim="train_size")] * 2, xr.Variable("width", [4, 32]))
    train = xr.concat([_curves(one, dim="train_size") for one in ((0, 0.2, 0.3, 0.4), (0, 0, 0, 0.4))], test["width"])
    both = xr.Dataset({"last_test": test, "last_train": train})
    made = claims.sample_claims(xr.concat([both * 0, both], xr.Variable("label_noise", [0.0, 0.2])))
    assert [claim.verdict.value for claim in made] == ["as published"] * 2 + ["not asked", "as published"]
    assert made[-1].estimate.value == 3 and made[-2].estimate.value == 0


def test_claims_on_the_diabetes_data_hold_what_the_curves_say():
    size = np.arange(1, 40)
    whole = np.where(size == 10, 10.0, 1.0) / size**0.1
    loss = np.stack([whole, *[1 / size] * 2, whole])
    noise = np.exp(1e-3 * np.arange(4.0))
    labels = {"ablation": list(regression.ABLATIONS), "train_size": size, "seed": range(4)}
    found = xr.Dataset({"loss": (tuple(labels), loss[..., None] * noise)}, labels, {"inputs": 10})
    verdicts = [claim.verdict.value for claim in claims.diabetes_claims(found)]
    assert verdicts == ["as published"] * 4 + ["differs"]


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["quick", "long", "mnist1d", "fashion-mnist", "mnist"])
def test_every_scale_can_be_laid_out(scale, monkeypatch):
    if scale.endswith("mnist"):
        # The same networks, on images that are there.
        there = sizes.SIZES[scale]._replace(dataset="digits", train_size=500, test_size=297, train_sizes=(100, 500))
        monkeypatch.setitem(sizes.SIZES, scale, there)
    for part in STUDY.sweeps(scale, 8).values():
        assert mj.explain(part.experiment, part.over)
    assert set(STUDY.seeds) == set(STUDY.scales) == set(sizes.SIZES)
    assert set(STUDY.measured(scale)) == {"features", "sphere", "diabetes", "isotropic", "descent_exact"}


def _shrunk(whole):
    return whole._replace(
        train_size=60,
        test_size=200,
        widths=(1, 4, 16, 64),
        small=(4, 16),
        decayed=(1, 4, 16),
        train_sizes=(50, 100, 150),
        steps=60,
        reused=(4, 16, 64),
    )


def _measured(scale):
    small = {
        "features": partial(random_features.of_images, task=DIGITS, train_size=30, test_size=100),
        "sphere": partial(random_features.on_sphere, dimension=20, train_size=60, draws=1),
        "diabetes": partial(regression.of_diabetes, repeats=3),
    }
    own = STUDY.measured(scale)
    return own | {name: dataclasses.replace(own[name], compute=compute) for name, compute in small.items()}


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, made_again, monkeypatch):
    monkeypatch.setitem(sizes.SIZES, "quick", _shrunk(sizes.SIZES["quick"]))
    study = dataclasses.replace(STUDY, measured=_measured)
    folder, findings = studies.run(study, tmp_path / "out", seeds=3, progress=False)
    assert set(findings.figures) == {"networks", "reuse", "features", "fold", "sphere", "diabetes", "exact"}
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    assert len(findings.claims) == 45 and set(findings.tables) == {"features", "widths", "reuse", "samples", "diabetes"}
    made_again(folder, study)
