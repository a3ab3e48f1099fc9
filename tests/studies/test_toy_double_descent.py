"""The study toy-double-descent: geometry and crossovers with known answers, and one small run from end to end."""

import dataclasses
import math

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies.kit import Verdict, below, between, near
from memjax.studies.toy_double_descent import claims, numbers

SIZES, FEATURES = [3, 8, 15, 40], 12
GRID = {"train_size": SIZES, "data_seed": [0, 1, 2], "init_seed": [0, 1]}


def _polygon(count, turn, scale):
    at = turn + 2.0 * np.pi * np.arange(count) / count
    return scale * np.stack([np.cos(at), np.sin(at)], -1)


def _pentagon():
    """Five features in a pentagon, and seven of a hundredth of their length, which all lie along one of them."""
    long = _polygon(5, 0.3, 1.7)
    return np.concatenate([0.01 * np.repeat(long[:1], FEATURES - 5, 0), long])


def _line(count):
    return np.stack([np.linspace(1.0, 2.0, count), np.zeros(count)], -1)


def _runs(good=lambda seed: seed % 2):
    """Runs whose better initialisation has a regular polygon of points and a pentagon of features, the other lines."""
    losses = np.zeros((len(SIZES), 3, 2))
    hidden = np.full((*losses.shape, max(SIZES), 2), np.nan)
    features = np.full((*losses.shape, FEATURES, 2), np.nan)
    d_x, d_f = np.full(hidden.shape[:-1], np.nan), np.full(features.shape[:-1], np.nan)
    for i, j, k in np.ndindex(losses.shape):
        best = k == good(j)
        losses[i, j, k] = 0.1 * (j + 1) + (0.0 if best else 0.05)
        points = _polygon(SIZES[i], 0.1 * j, 3.0) if best else _line(SIZES[i])
        hidden[i, j, k, : SIZES[i]], features[i, j, k] = points, _pentagon() if best else _line(FEATURES)
        d_x[i, j, k, : SIZES[i]] = _dimensionality(points)
        d_f[i, j, k] = _dimensionality(features[i, j, k])
    dims = tuple(GRID)
    return xr.Dataset(
        {
            "train_loss": (dims, losses),
            "test_loss": (dims, 1.0 + losses),
            "weight_l2": (dims, 10.0 * losses),
            "hidden": ((*dims, "example", "unit"), hidden),
            "features": ((*dims, "feature", "unit"), features),
            "d_x": ((*dims, "example"), d_x),
            "d_f": ((*dims, "feature"), d_f),
        },
        coords=GRID,
    )


def _best(runs=None):
    return numbers.best_of(_runs() if runs is None else runs).rename(data_seed="seed")


def _dimensionality(vectors):
    """The definition, vector by vector."""
    found = []
    for one in vectors:
        unit = one / (math.hypot(*one) or 1.0)
        total = sum(float(unit @ other) ** 2 for other in vectors)
        # A point without any feature has no direction.
        found.append(float(one @ one) / (total or 1.0))
    return found


def test_the_initialisation_with_the_least_train_loss_is_taken_for_every_data_set():
    best = _best()
    np.testing.assert_allclose(best["train_loss"], np.tile([0.1, 0.2, 0.3], (4, 1)))
    np.testing.assert_allclose(best["weight_l2"], np.tile([1.0, 2.0, 3.0], (4, 1)))
    assert best["hidden"].dims == ("train_size", "seed", "example", "unit")
    # Lengths of 3 mark the polygons, in whichever place they were.
    lengths = np.hypot(*np.moveaxis(best["hidden"].values, -1, 0))
    np.testing.assert_allclose(lengths[np.isfinite(lengths)], 3.0)
    # Two values 0.05 apart are 0.025 from their mean.
    np.testing.assert_allclose(best["inits_spread"], 0.025)


def test_a_diverged_initialisation_is_not_taken():
    runs = _runs()
    worse = runs["train_loss"].isel(data_seed=0, init_seed=1).values
    runs["train_loss"][:, 0, 0] = np.nan
    np.testing.assert_allclose(_best(runs)["train_loss"].isel(seed=0), worse)


def test_a_regular_polygon_has_d_x_of_m_over_t_and_no_spread():
    best = _best()
    for name, value in (("even", 1.0), ("spread_norm", 0.0), ("spread_angle", 0.0)):
        np.testing.assert_allclose(best[name], value, atol=1e-12)


def test_points_of_two_lengths_are_no_polygon():
    runs = _runs()
    runs["hidden"][..., ::2, :] *= 3.0
    best = _best(runs).sel(train_size=8)
    # Lengths 9 and 3, four of each: 3 about 6.
    np.testing.assert_allclose(best["spread_norm"], 0.5)
    np.testing.assert_allclose(best["spread_angle"], 0.0, atol=1e-12)


def test_a_pentagon_of_features_is_found():
    best = _best()
    assert (best["num_large"] == 5).all()
    np.testing.assert_allclose(best["spread_large"], 0.0, atol=1e-12)
    # Seven features of a hundredth take 7e-4 / (5/2 + 7e-4) from one of five, a fifth of that from their mean.
    np.testing.assert_allclose(best["d_large"], 0.4, atol=1e-4)
    assert (best["d_large"] < 0.4).all()
    small = best["d_f"].isel(feature=slice(7)).sum("feature")
    np.testing.assert_allclose(best["five"], 1.0 - small / best["d_f"].sum("feature"), rtol=1e-12)
    assert (small > 0.0).all()


def test_the_spread_of_angles_of_quarters_and_of_random_directions():
    # Gaps of 1/4, 1/4 and 1/2 of a turn: mean 1/3, standard deviation sqrt(1/72).
    three = [[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0], [0.0, 0.0], [np.nan, np.nan]]
    assert numbers.spread_of_angles(three) == pytest.approx(3.0 * math.sqrt(1 / 72))
    assert math.isnan(numbers.spread_of_angles([[1.0, 0.0]]))
    draws = np.random.default_rng(0).standard_normal((4000, 10, 2))
    squares = [numbers.spread_of_angles(draw) ** 2 for draw in draws]
    # The root of the mean square is exact; 4000 draws scatter by 0.0055 (standard error, from their own spread).
    assert math.sqrt(np.mean(squares)) == pytest.approx(float(numbers.random_spread(10)), abs=0.017)


def _curves(norm=(8.0, 16.0, 4.0, 2.0), test=(1.0, 2.0, 1.5, 0.5)):
    """Three data sets on sizes 10 to 80, of which the second has twice the norm."""
    scale = np.array([1.0, 2.0, 1.0])
    sizes = {"train_size": [10, 20, 40, 80], "seed": [0, 1, 2]}
    table = {"weight_l2": np.outer(norm, scale), "test_loss": np.outer(test, np.ones(3))}
    table |= {"even": np.outer([1.0, 1.0, 0.75, 0.25], np.ones(3)), "five": np.outer([0.2, 0.7, 0.3, 0.5], np.ones(3))}
    return xr.Dataset({name: (tuple(sizes), values) for name, values in table.items()}, coords=sizes)


def test_crossings_lie_between_sizes_in_the_logarithm():
    found = numbers.crossover(_curves(), (100, 0.9))
    expected = {"half_norm": 1 + 2 / 3, "back_below_zero": 2.5, "uneven": 2.5, "five_hold_half": 3.0}
    for name, log in expected.items():
        # In units of T (1 - S), size 10 is 1. The share of five falls back once, and counts only for good.
        assert found[name].value == pytest.approx(2.0**log), name
        assert found[name].count == 3 and found[name].low == pytest.approx(found[name].high)
    for name in ("bump", "bump_test_loss", "bump_ratio"):
        assert found[name].value == pytest.approx(2.0) and found[name].count == 3


def test_the_bump_is_read_from_geometric_means():
    scale = xr.DataArray([1.0, 4.0, 16.0], dims="seed")
    found = numbers.crossover(_curves().assign(test_loss=_curves()["test_loss"] * scale), (100, 0.8))
    # Twice the chance of a feature doubles T (1 - S) of the same sizes.
    assert found["bump"].value == pytest.approx(4.0)
    assert found["bump_test_loss"].value == pytest.approx(8.0) and found["bump_ratio"].value == pytest.approx(2.0)


def test_a_curve_that_never_crosses_is_counted():
    curves = _curves()
    curves["test_loss"][:, 1], curves["test_loss"][:, 2] = [1.0, 1.2, 1.3, 1.1], [0.9, 0.8, 0.9, 0.8]
    crossed = {
        (100, 0.9): numbers.crossover(_curves(), (100, 0.9)),
        (200, 0.8): numbers.crossover(curves, (200, 0.8)),
    }
    one = crossed[200, 0.8]["back_below_zero"]
    assert (one.count, one.never, one.below) == (1, 2, 1)
    table = claims._crossovers(crossed)
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    sign = numbers.SIGNS["back_below_zero"]
    assert rows[0][sign].startswith("5.66 [5.66") and rows[1][sign].endswith("never in 2 of 3")
    assert rows[2][sign] == "not known" and rows[2]["bump"] == rows[2][numbers.SIGNS["half_norm"]] == "2.00"


def test_curves_of_several_pairs_share_their_loads():
    other = _curves(norm=(24.0, 48.0, 12.0, 6.0)).assign_coords(train_size=[20, 40, 80, 160])
    curves = numbers.loads_of({(100, 0.9): _curves(), (100, 0.95): other, (50, 0.9): _curves().isel(train_size=[0, 2])})
    assert curves["load"].values.tolist() == [1.0, 4.0]
    np.testing.assert_allclose(curves["norm"], np.tile([1.0, 0.5], (3, 1)))
    assert curves["pair"].values.tolist() == ["n = 100, S = 0.9", "n = 100, S = 0.95", "n = 50, S = 0.9"]


def test_a_pair_is_read_from_the_task():
    task = mj.tasks.SparseFeatures(7, 0.75)
    spec = mj.Experiment(task=task, model=mj.models.Autoencoder(), loss="sse", steps=1, record_every=1, train_size=2)
    assert numbers.pair_of(xr.Dataset(attrs={"experiment": spec.to_json()})) == (7, 0.75)


def _claims(best):
    raw = best.assign(spread_norm=best["spread_norm"] + 0.5)
    crossed = numbers.crossover(_curves(), (100, 0.9))
    return {claim.what: claim for claim in claims.claims(best, raw, crossed)}


def test_claims_are_made_of_few_points_and_of_many():
    best = _best().assign(spread_norm=_best()["spread_norm"] + xr.DataArray([0.1, 0.2, 0.25], dims="seed"))
    found = _claims(best)
    few, many = "T = 3 to 15 points", "T = 40 points"
    even = found[f"{few}: median D_X over m / T"]
    np.testing.assert_allclose(even.ours, 1.0)
    assert even.band == near(1.0) and even.verdict is Verdict.AS_PUBLISHED
    ratio = found[f"{few}: spread of norms with inputs as drawn, over that with inputs of unit norm"]
    np.testing.assert_allclose(ratio.ours, [6.0, 3.5, 3.0])
    angles = found[f"{few}: spread of the angles between hidden vectors"]
    # The mean over sizes of what random directions have.
    assert angles.rule == below(np.mean([math.sqrt((n - 1) / (n + 1)) for n in (3, 8, 15)]))
    assert found[f"{many}: number of features held"].estimate.value == 5.0
    held = found[f"{many}: mean D_f of the features held"]
    assert (held.rule.low, held.rule.high) == pytest.approx((0.34, 0.4)) and isinstance(held.rule, type(between(0, 1)))
    norm = found["largest norm over that at the largest T"]
    np.testing.assert_allclose(norm.ours, 1.0)
    bump = found["T (1 - S) at the bump of the test loss"]
    assert bump.band == near(10.0) and bump.estimate.value == pytest.approx(2.0)


def test_the_arithmetic_bump_is_a_difference_of_means():
    best = _best()
    best["test_loss"][:] = np.array([1.0, 3.0, 2.0, 0.5])[:, None] * np.array([1.0, 1.0, 4.0])
    claim = _claims(best)["test loss at its bump less that at the higher end"]
    assert claim.estimate.value == pytest.approx(4.0) and claim.estimate.count == 3


SCALES = {"quick": (100, 0.9, 8000), "hobbhahn": (1000, 0.99, 20_000), "paper": (10_000, 0.999, 50_000)}


@pytest.mark.slow
@pytest.mark.parametrize("scale", SCALES)
def test_settings_are_the_published_ones_and_pairs_share_loads(scale):
    n, sparsity, steps = SCALES[scale]
    parts = studies.find("toy-double-descent").sweeps(scale, 5)
    main = parts["sizes"].experiment
    assert (main.task.num_features, main.task.sparsity, main.steps) == (n, sparsity, steps)
    assert main.optimizer.hyperparameters["weight_decay"] == 0.01 and main.batch_size is None and main.loss == "sse"
    assert main.optimizer.hyperparameters["learning_rate"] == mj.schedules.warmup_cosine(1e-3, steps // 20)
    assert main.model.hidden == 2 and not parts["unnormalized"].experiment.task.normalize
    assert parts["sizes"].over["train_size"][0] == 3
    for name, part in parts.items():
        task, sizes = part.experiment.task, part.over["train_size"]
        loads = [round(size * (1.0 - task.sparsity), 6) for size in sizes]
        assert name == "unnormalized" or {1, 2, 3, 5, 7, 10, 20} <= set(loads)
        assert all(size == int(size) for size in sizes) and part.over["data_seed"][0] == part.over["init_seed"][0] == 0
    assert parts["sizes"].over["data_seed"] == (0, 1, 2, 3, 4)
    if scale == "quick":
        assert all(mj.explain(part.experiment, part.over) for part in parts.values())


SMALL = (3, 5, 15, 50)


def _shrunk(scale, seeds):
    """The study's own main sweeps on twenty features and a few steps, with as many data sets as asked."""
    parts = studies.find("toy-double-descent").sweeps(scale, seeds)
    over = {"train_size": SMALL, "data_seed": range(seeds), "init_seed": (0, 1)}
    few = {
        "steps": 400,
        "record_every": 200,
        "test_size": 50,
        "optimizer": mj.optimizers.adamw(3e-2, weight_decay=1e-2),
    }
    shrunk = {}
    for name in ("sizes", "unnormalized"):
        own = parts[name].experiment
        task = dataclasses.replace(own.task, num_features=20, sparsity=0.8)
        shrunk[name] = studies.Sweep(dataclasses.replace(own, task=task, snapshots=(400,), **few), over)
    return shrunk


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    study = dataclasses.replace(studies.find("toy-double-descent"), sweeps=_shrunk)
    study = dataclasses.replace(study, measured=lambda scale: _measured(study, scale))
    return study, *studies.run(study, tmp_path_factory.mktemp("toy") / "out", seeds=2, progress=False)


def _measured(study, scale):
    return {
        name: part for name, part in studies.find(study.name).measured(scale).items() if part.of in _shrunk(scale, 1)
    }


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(finished, made_again):
    study, folder, findings = finished
    for name in findings.figures:
        assert (folder / f"{name}.png").exists()
    sizes = findings.tables["sizes"]
    assert [row[0] for row in sizes.rows] == ["3", "5", "15", "50"]
    # Three points in two dimensions can be told apart with nothing left over, fifty points of twenty features cannot.
    losses = [float(row[sizes.columns.index("train loss")].split()[0]) for row in sizes.rows]
    assert losses[0] < 0.05 and losses == sorted(losses) and losses[-1] > 0.4
    drawn = next(claim for claim in findings.claims if "inputs as drawn" in claim.what)
    assert drawn.estimate.value > 1.0
    made_again(folder, study)


@pytest.mark.long
def test_the_geometry_is_that_of_the_very_examples(finished):
    _, folder, _ = finished
    data, best = mj.open(folder), mj.open(folder / "sizes_geometry.nc")
    end = data["train_loss"].isel(step=-1).values
    for size, seed in ((5, 0), (15, 1)):
        init = int(end[SMALL.index(size), seed].argmin())
        x = mj.tasks.SparseFeatures(20, 0.8).draw(seed, size, 50).train.x
        kernel = mj.params(data, {"train_size": size, "data_seed": seed, "init_seed": init})["tied"]["kernel"]
        one = best.sel(train_size=size, data_seed=seed)
        # Products of twenty float32 numbers of size one.
        np.testing.assert_allclose(one["hidden"][:size], x @ kernel, atol=1e-5)
        np.testing.assert_allclose(one["d_x"][:size], _dimensionality(x.astype(float) @ kernel), rtol=1e-4)
        np.testing.assert_allclose(one["d_f"], _dimensionality(kernel.astype(float)), rtol=1e-4)
        assert one["hidden"][size:].isnull().all()
