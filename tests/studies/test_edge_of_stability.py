import dataclasses

import jax
import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies.edge_of_stability import Chebyshev, OneHiddenLayer, half_squared_error
from memjax.studies.edge_of_stability.claims import claims
from memjax.studies.edge_of_stability.numbers import at_the_edge, rises, sharpening

STEPS = np.arange(0, 1100, 100)


def _runs(final=20.0):
    """Sharpness that rises from 2 by 3 per record to 20 and stays, of learning rates 0.1 and 0.05 and two seeds."""
    one = np.minimum(2.0 + 3.0 * np.arange(11), final)
    values = np.broadcast_to(one, (2, 2, 11)).copy()
    coords = {"learning_rate": [0.05, 0.1], "seed": [0, 1], "step": STEPS}
    return xr.Dataset({"sharpness": (tuple(coords), values)}, coords=coords)


def test_sharpness_is_told_in_units_of_two_over_the_learning_rate():
    found = at_the_edge(_runs())
    assert found["limit"].values.tolist() == [40.0, 20.0]
    np.testing.assert_allclose(found["end"].sel(learning_rate=0.1), 1.0)
    np.testing.assert_allclose(found["end"].sel(learning_rate=0.05), 0.5)
    np.testing.assert_allclose(found["start"].sel(learning_rate=0.1), 0.1)
    # 98% of 20 is 19.6: from 17 at step 500 to 20 at step 600.
    np.testing.assert_allclose(found["arrival"].sel(learning_rate=0.1), 500.0 + 100.0 * 2.6 / 3.0)
    assert np.isposinf(found["arrival"].sel(learning_rate=0.05)).all()


def test_momentum_raises_the_limit():
    runs = _runs().expand_dims(momentum=[0.0, 0.5])
    found = at_the_edge(runs)
    np.testing.assert_allclose(found["limit"].sel(momentum=0.5), [60.0, 30.0])
    np.testing.assert_allclose(found["end"].sel(momentum=0.5, learning_rate=0.1), 2.0 / 3.0)


def test_the_end_is_the_mean_of_the_last_quarter():
    runs = _runs()
    runs["sharpness"][:, :, -3:] = [10.0, 20.0, 60.0]
    np.testing.assert_allclose(at_the_edge(runs)["end_sharpness"], 30.0)


def _losses(after):
    """Two seeds: the loss falls for 50 steps from 2, then alternates about a level, of 1 or as given, for 50."""
    falling = np.linspace(2.0, 1.0, 50)
    loss = np.concatenate([[np.nan], falling, after * (1.0 + 0.1 * (-1.0) ** np.arange(50))])
    coords = {"learning_rate": [0.1], "seed": [0, 1], "step": np.arange(101)}
    return xr.DataArray(np.broadcast_to(loss, (1, 2, 101)), dims=tuple(coords), coords=coords)


@pytest.mark.parametrize("last", [1.0, 0.5])
def test_rises_are_counted_before_and_after_arrival(last):
    arrival = xr.DataArray(
        [[51.0, 51.0]], dims=("learning_rate", "seed"), coords={"learning_rate": [0.1], "seed": [0, 1]}
    )
    losses = _losses(np.where(np.arange(50) < 25, 1.0, last))
    found = rises(losses, arrival)
    np.testing.assert_allclose(found["before"], 0.0)
    # Of 50 alternating values with 1.1 first: after the fall to 1.0 a rise, then every second step.
    assert found["after"].values == pytest.approx(25 / 50, abs=0.021)
    # Ten alternating values about their level, at the end and after arrival.
    np.testing.assert_allclose(found["fall"], last, rtol=1e-12)
    never = rises(losses, xr.full_like(arrival, np.inf))
    assert never["after"].isnull().all() and never["fall"].isnull().all()
    assert float(never["before"].mean()) == pytest.approx(25 / 99, abs=0.011)


def _by_name(found):
    return {claim.what: claim for claim in found}


def _all_claims(runs, rose):
    found = at_the_edge(runs)
    return _by_name(claims(found, at_the_edge(runs.expand_dims(momentum=[0.5])), rose))


def test_a_run_that_has_not_come_to_the_limit_does_not_say_where_it_hovers():
    runs = _runs()
    rose = rises(_losses(np.ones(50)), at_the_edge(runs)["arrival"].sel(learning_rate=[0.1]))
    found = _all_claims(runs, rose)
    there, short = (found[f"learning rate {rate}: sharpness at the end"] for rate in (0.1, 0.05))
    assert (there.published, there.verdict, there.remark) == (20.0, "as published", "2 of 2 runs arrived")
    # 5% of 20 to either side, as the publication's "just above" asks for.
    assert (there.band.low, there.band.high) == (19.0, 21.0)
    assert (short.published, short.verdict, short.remark) == (40.0, "not known", "0 of 2 runs arrived")


def test_runs_that_did_not_arrive_stand_beside_those_that_did():
    # At 0.1 both hover at 20; at 0.05 one is at 40, the other stays at half.
    runs = _runs()
    runs["sharpness"][0, 0] = 2.0 * runs["sharpness"][0, 0]
    heavy = at_the_edge(runs.expand_dims(momentum=[0.0]))
    rose = rises(_losses(np.ones(50)), at_the_edge(runs)["arrival"].sel(learning_rate=[0.1]))
    found = _by_name(claims(at_the_edge(runs), heavy, rose))
    whole, kept = (
        found[f"momentum 0: sharpness over (2 + 2 b) / rate, {part}"]
        for part in ("all runs", "where every seed arrived")
    )
    # Means over the rates are 1 and 0.75.
    np.testing.assert_allclose(whole.ours, [1.0, 0.75])
    assert (whole.remark, whole.verdict) == ("3 of 4 runs arrived", "not told apart")
    np.testing.assert_allclose(kept.ours, 1.0)
    assert (kept.remark, kept.verdict) == ("1 of 2 learning rates", "as published")
    runs["sharpness"][0, 1, 5:] = np.nan
    found = _by_name(claims(at_the_edge(_runs()), at_the_edge(runs.expand_dims(momentum=[0.0])), rose))
    assert found["momentum 0: sharpness over (2 + 2 b) / rate, all runs"].remark == "3 of 4 runs arrived, 1 diverged"


def _three_runs():
    """Three seeds at one rate: the loss rises after arrival in the first two, and the third does not arrive."""
    coords = {"learning_rate": [0.1], "seed": [0, 1, 2]}
    values = {"before": [0.0, 0.01, np.nan], "after": [0.38, 0.39, np.nan], "fall": [0.5, 0.52, np.nan]}
    return xr.Dataset({name: (tuple(coords), [part]) for name, part in values.items()}, coords=coords)


def test_claims_on_the_loss_are_of_the_runs_that_arrived():
    runs = at_the_edge(_runs().sel(learning_rate=[0.1]))
    found = _by_name(claims(runs, runs.expand_dims(momentum=[0.0]), _three_runs()))
    more = found["share of steps at which the loss rises, after arrival less before"]
    np.testing.assert_allclose(more.ours, [0.38, 0.38, np.nan])
    assert (more.remark, more.verdict, more.estimate.unknown) == ("so in 2 of 2 single runs", "as published", 1)
    fall = found["loss at the end over loss after arrival"]
    np.testing.assert_allclose(fall.ours, [0.5, 0.52, np.nan])
    assert (fall.remark, fall.verdict) == ("so in 2 of 2 single runs", "as published")
    before = found["share of steps at which the loss rises, before arrival"]
    assert (before.remark, before.verdict) == ("2 of 3 runs arrived in these steps", "not asked")


def test_sharpening_is_the_rank_correlation_with_time_up_to_arrival():
    series = xr.DataArray(
        [[1.0, 5.0, 7.0, 0.0], [3.0, 2.0, 1.0, 9.0], [1.0, 9.0, 4.0, 0.0], [1.0, 2.0, 3.0, 4.0]], dims=("seed", "step")
    )
    found = xr.Dataset({"sharpness": series, "arrival": ("seed", [20.0, 20.0, 20.0, 10.0])}, {"step": [0, 10, 20, 30]})
    # Ranks 0 1 2, 2 1 0 and 0 2 1 against 0 1 2; two records are too few for an order.
    np.testing.assert_allclose(sharpening(found), [1.0, -1.0, 0.5, np.nan])


@pytest.mark.parametrize("degree", [1, 2, 5])
def test_targets_are_cosines_of_multiples_of_the_angle(degree):
    x, y = Chebyshev(degree).draw(0, 20, 1).train
    assert (x.dtype, x[0, 0], x[-1, 0]) == (np.float32, -1.0, 1.0)
    np.testing.assert_allclose(np.diff(x[:, 0]), 2 / 19, rtol=1e-5)
    # The angle near the ends is known to the root of float32's rounding.
    np.testing.assert_allclose(y, np.cos(degree * np.arccos(np.linspace(-1, 1, 20)))[:, None], atol=1e-6)


def test_the_network_is_tanh_of_an_affine_layer_and_a_linear_one():
    model = OneHiddenLayer(width=50_000)
    x = np.linspace(-1, 1, 5, dtype=np.float32)[:, None]
    params = model.init(jax.random.key(0), x)
    first, last = (np.asarray(params[layer]["kernel"], float) for layer in ("layer_0", "layer_1"))
    # Xavier's variance 2 / (1 + width), times 1.9 squared; 50,000 numbers know their deviation to 0.3%.
    assert first.std() == pytest.approx(1.9 * (2 / 50_001) ** 0.5, rel=0.02)
    assert last.std() == pytest.approx((2 / 50_001) ** 0.5, rel=0.02)
    assert not params["layer_0"]["bias"].any() and "bias" not in params["layer_1"]
    params["layer_0"]["bias"] = params["layer_0"]["bias"] + 0.5
    # Sums of 50,000 products of size 1e-3: measured 2e-6.
    np.testing.assert_allclose(model.apply(params, x), np.tanh(x @ first + 0.5) @ last, atol=2e-5)


def test_the_loss_is_half_the_squared_distance():
    outputs, targets = np.array([[1.0, 2.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [3.0, 0.0]])
    assert half_squared_error(outputs, targets).tolist() == [2.5, 4.5]


@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_settings_are_the_published_ones(scale):
    parts = studies.find("edge-of-stability").sweeps(scale, 3)
    for part in parts.values():
        assert part.experiment.steps % part.experiment.record_every == 0
        experiment = part.experiment
        assert (experiment.train_size, experiment.batch_size, experiment.model.width) == (20, None, 100)
        assert experiment.loss is half_squared_error and experiment.task == Chebyshev(3)
    assert parts["every_step"].experiment.record_every == 1
    assert {0.1, 0.2} <= set(parts["rates"].over["learning_rate"])
    assert set(parts["every_step"].over["learning_rate"]) == set(parts["rates"].over["learning_rate"])


def _shrunk(scale, seeds):
    parts = studies.find("edge-of-stability").sweeps(scale, seeds)
    small = {}
    for name, part in parts.items():
        every = 1 if name == "every_step" else 100
        experiment = dataclasses.replace(part.experiment, steps=4000, record_every=every)
        over = dict(part.over) | ({"degree": (2, 3)} if name == "rates" else {})
        small[name] = studies.Sweep(experiment, over)
    return small


@pytest.mark.long
def test_a_small_run_reaches_the_edge_and_leaves_what_the_study_promises(tmp_path, made_again):
    study = dataclasses.replace(studies.find("edge-of-stability"), sweeps=_shrunk)
    folder, findings = studies.run(study, tmp_path / "out", seeds=2, progress=False)
    assert all((folder / f"{name}.{ending}").exists() for name in findings.figures for ending in ("png", "pdf"))
    found = _by_name(findings.claims)
    # Measured 10.11 and 9.94 in seeds 0 and 1 over the last quarter of 4000 steps, of 10.
    edge = found["learning rate 0.2: sharpness at the end"]
    # Two seeds have an interval of 12.7 standard errors, wider than the 5% asked for.
    assert edge.estimate.value == pytest.approx(10.0, rel=0.05) and edge.verdict == "not told apart"
    assert found["learning rate 0.05: sharpness at the end"].verdict == "not known"
    assert mj.open(folder).sizes["degree"] == 2
    made_again(folder, study)
