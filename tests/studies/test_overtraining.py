"""The study overtraining: errors of left-out cases against loops and closed forms, its claims, and a shrunk run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies.overtraining import claims, figures, numbers
from memjax.studies.overtraining import study as layout
from memjax.studies.overtraining.parts import diabetes, residual
from memjax.studies.overtraining.study import STUDY

RNG = np.random.default_rng(11)


def _bank(widths=2, data=2, networks=9, steps=5, cases=8):
    """Random residuals, and networks that have half of the cases."""
    member = np.stack([[RNG.permutation(cases) < cases // 2 for _ in range(networks)] for _ in range(data)])
    return xr.Dataset(
        {
            "example_residual": (
                ("hidden", "data_seed", "seed", "example_step", "example"),
                RNG.normal(size=(widths, data, networks, steps, cases)),
            ),
            "train_count": (("data_seed", "seed", "example"), member.astype(int)),
        },
        {"hidden": ["2", "16"][:widths], "data_seed": np.arange(data), "example_step": 10 * np.arange(steps)},
    )


def _by_loop(residuals, member):
    """Errors by kind and the mean stop, one left-out case after another."""
    steps = residuals.shape[1]
    lone, ensemble, stops = {"end": [], "stop": []}, {"end": [], "stop": []}, []
    for case in range(residuals.shape[2]):
        said = {"end": [], "stop": []}
        for network in np.flatnonzero(~member[:, case]):
            control = [other for other in np.flatnonzero(~member[network]) if other != case]
            stop = min(range(steps), key=lambda k: sum(residuals[network, k, other] ** 2 for other in control))
            stops.append(10 * stop)
            said["end"].append(residuals[network, -1, case])
            said["stop"].append(residuals[network, stop, case])
        for name, values in said.items():
            lone[name] += [value**2 for value in values]
            ensemble[name].append(np.mean(values) ** 2)
    return [np.mean(part[name]) for part in (lone, ensemble) for name in ("end", "stop")], np.mean(stops)


def test_errors_are_those_of_a_loop_over_cases_and_the_case_has_no_part_in_its_stop():
    bank = _bank()
    found = numbers.errors(bank, xr.DataArray([2.0, 0.5], dims="data_seed"))
    for width in range(2):
        for data, scale in ((0, 2.0), (1, 0.5)):
            values = bank["example_residual"].values[width, data]
            wanted, stop = _by_loop(values, bank["train_count"].values[data] > 0)
            cell = found.isel(width=width, data_seed=data)
            assert cell["error"].values * scale == pytest.approx(wanted, abs=1e-12)
            assert float(cell["stop"]) == pytest.approx(stop)
    assert found["width"].values.tolist() == [2, 16] and found["kind"].values.tolist() == list(numbers.KINDS)


def test_every_second_record_has_the_last_one():
    for steps, kept in ((5, [0, 20, 40]), (4, [10, 30])):
        sparse = numbers.every_second_record(_bank(steps=steps))
        assert sparse["example_step"].values.tolist() == kept


def test_the_ratio_of_sparse_records_is_that_of_stops_at_these_records():
    bank = _bank(networks=12).assign_coords(hidden=["64", "4"])
    linear = xr.Dataset({name: ("data_seed", [1.0, 1.0]) for name in ("variance", "linear")}, {"data_seed": [0, 1]})
    found = claims._found(bank, linear)
    for data in range(2):
        member = bank["train_count"].values[data] > 0
        wide, narrow = (
            _by_loop(bank["example_residual"].values[width, data, :, ::2], member)[0][1] for width in (0, 1)
        )
        assert float(found["sparse"][data]) == pytest.approx(wide / narrow)
        assert float(found["sparse"][data]) != pytest.approx(
            found["error"].sel(kind=claims.NETWORK_STOP, data_seed=data)[0]
        )


def test_records_are_as_dense_as_wide_networks_need():
    spec = STUDY.sweeps("quick", 1)["teacher"].experiment
    steps = np.array(spec.examples_at)
    assert tuple(steps) == tuple(spec.record_steps) and (steps[0], steps[-1]) == (0, 1500)
    # Every step, and then gaps of 10^(1/40), which rounding widens by up to a step.
    assert (np.diff(steps[steps < 18]) == 1).all() and (np.diff(steps) <= 0.06 * steps[:-1] + 1).all()


def test_rows_that_a_data_set_lacks_change_nothing():
    bank = _bank(data=1)
    bank = bank.assign_coords(example=np.arange(8))
    padded = bank.reindex(example=[9, 0, 1, 2, 3, 10, 4, 5, 6, 7]).fillna({"train_count": 0})
    scale = xr.DataArray([1.0], dims="data_seed")
    one, other = numbers.errors(bank, scale), numbers.errors(padded, scale)
    np.testing.assert_allclose(one["error"], other["error"], atol=1e-12)
    np.testing.assert_allclose(one["stop"], other["stop"])


def test_linear_regression_without_a_case_is_a_fit_without_the_case():
    x, y = RNG.normal(size=(12, 3)), RNG.normal(size=12)
    left = []
    for case in range(12):
        others = np.arange(12) != case
        weights = np.linalg.lstsq(np.column_stack([np.ones(11), x[others]]), y[others], rcond=None)[0]
        left.append((y[case] - weights @ [1, *x[case]]) ** 2)
    variance, error = numbers._linear(x, y[:, None])
    assert variance == pytest.approx(y.var()) and error == pytest.approx(np.mean(left) / y.var())
    # Inputs that repeat each other add nothing.
    assert numbers._linear(np.concatenate([x, x], axis=1), y)[1] == pytest.approx(error)
    task = mj.tasks.TeacherStudent(output_dim=1, hidden=(4,), noise=0.5)
    found = numbers.linear_errors(xr.Dataset(coords={"data_seed": [3, 5]}), task=task, train_size=30)
    train = task.draw(5, 30, 0)[0]
    assert (float(found["variance"][1]), float(found["linear"][1])) == pytest.approx(numbers._linear(train.x, train.y))


def test_the_residual_is_the_output_less_the_target():
    spec = mj.Experiment(
        task=diabetes(), train_size=6, test_size=0, model=mj.models.MLP(hidden=(3,)), loss="mse", steps=2, record_every=2,
        snapshots=(2,), measures=("loss",), examples=(mj.measures.by_example(residual),),
    )  # fmt: skip
    ds = mj.sweep(spec, progress=False)
    (snapshot,) = mj.snapshots(ds)
    outputs = snapshot.model.apply(snapshot.params, snapshot.train.x)
    order = np.argsort(snapshot.train_rows)
    wanted = (np.asarray(outputs) - snapshot.train.y)[order, 0]
    # float32 by two programs: differences up to 6e-8 were seen.
    np.testing.assert_allclose(ds["example_residual"].isel(example_step=-1).values.ravel(), wanted, atol=1e-6)
    numbered, y = diabetes().draw(0, 442, 0)[0]
    x = diabetes().pool[numbered].astype(float)
    np.testing.assert_allclose([x.mean(0), x.std(0)], [np.zeros(10), np.ones(10)], atol=1e-6)
    np.testing.assert_allclose([y.mean(), y.std()], [0, 1], atol=1e-6)
    linear = numbers.linear_errors(xr.Dataset(coords={"data_seed": [0]}), task=diabetes(), train_size=442)
    assert float(linear["linear"][0]) == pytest.approx(numbers._linear(x, y)[1])
    # The share of the variance that ten inputs of the diabetes data explain is near a half.
    assert 0.45 < float(linear["linear"][0]) < 0.55


def _found(wide):
    """Errors by width and kind; at the end, errors of 64 units are ``wide`` times those of 4, which are twice those of 2."""
    error = np.ones((3, 4, 4)) * [3.0, 2.0, 0.9, 0.8]
    error[0, :, [0, 2]] /= 2
    error[2, :, [0, 2]] *= wide
    labels = {"width": [2, 4, 64], "data_seed": np.arange(4), "kind": list(numbers.KINDS)}
    noise = 1 + 0.01 * np.arange(4)[:, None]
    linear = ("data_seed", np.full(4, 1.6) * noise[:, 0])
    stop = (("width", "data_seed"), np.full((3, 4), 30.0))
    sparse = ("data_seed", [0.7, 0.7, 0.7, 0.7])
    return xr.Dataset(
        {"error": (tuple(labels), error * noise), "linear": linear, "sparse": sparse, "stop": stop}, labels
    )


WANTED = {
    "error of a network at the stop, 64 hidden units over 4": (1.0, "as published"),
    "error of an ensemble at the stop, 64 hidden units over 4": (1.0, "as published"),
    "error of a network at the stop, 64 hidden units over 2": (1.0, "as published"),
    "error of an ensemble at the stop, 64 hidden units over 2": (1.0, "as published"),
    "error of a network at the end, 64 hidden units over 4": (2.0, "not asked"),
    "error of an ensemble at the end, 64 hidden units over 4": (2.0, "not asked"),
    "error of a network at the end, 64 hidden units over 2": (4.0, "not asked"),
    "error of an ensemble at the end, 64 hidden units over 2": (4.0, "not asked"),
    "error of an ensemble at the stop, 64 hidden units, over that of linear regression": (0.5, "not asked"),
    "64 hidden units: error of a network, at the end over at the stop": (3.0, "as published"),
    "64 hidden units: error of an ensemble, at the end over at the stop": (2.25, "not asked"),
    "64 hidden units, at the stop: error of an ensemble over that of a network": (0.4, "not asked"),
    "every second record left out: error of a network at the stop, 64 hidden units over 4": (0.7, "not asked"),
}


def _said(made):
    """Claims by what they say behind the name of the data."""
    return {claim.what.split(": " if claim.what.startswith("teacher:") else ", ", 1)[1]: claim for claim in made}


def test_claims_say_whether_width_matters_at_the_stop_and_at_the_end():
    made = _said(claims.claims_of("teacher", _found(2.0)))
    assert {what: claim.verdict.value for what, claim in made.items()} == {
        what: said for what, (_, said) in WANTED.items()
    }
    for what, (value, _) in WANTED.items():
        assert made[what].estimate.value == pytest.approx(value), what
    assert (
        made["error of an ensemble at the stop, 64 hidden units, over that of linear regression"].number == "not read"
    )


def test_a_rise_at_the_stop_and_a_fall_towards_the_end_are_not_what_is_published():
    worse = _found(0.5)
    worse["error"].loc[{"kind": "ensemble at the stop", "width": 64}] *= 1.5
    worse["error"].loc[{"kind": "network at the stop", "width": 64}] *= [1.3, 1.0, 1.3, 1.0]
    made = _said(claims.claims_of("teacher", worse))
    wrong = {what: made[what].verdict.value for what, (_, said) in WANTED.items() if said == "as published"}
    assert list(wrong.values()) == ["not told apart", "differs", "not told apart", "differs", "differs"]


def test_the_figure_has_geometric_means_and_quotients_draw_by_draw():
    found = _found(2.0)
    drawn = figures.widths({"teacher": found, "diabetes": found})
    upper, lower = drawn.axes[1], drawn.axes[3]
    geometric = 3.0 * np.exp(np.log(1 + 0.01 * np.arange(4)).mean())
    assert upper.lines[0].get_ydata() == pytest.approx(geometric * np.array([0.5, 1, 2]))
    assert upper.lines[0].get_xdata().tolist() == [2, 4, 64]
    assert lower.lines[0].get_ydata() == pytest.approx([0.5, 1, 2])
    # The draws differ, and all in the same way at every width, so the quotients do not differ at all.
    heights = lower.collections[0].get_paths()[0].vertices[:, 1]
    assert heights.min() == pytest.approx(0.5) and heights.max() == pytest.approx(2)
    names = [text.get_text() for text in drawn.axes[0].get_legend().get_texts()]
    assert names == [*numbers.KINDS, "linear regression"]


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, monkeypatch, made_again):
    monkeypatch.setattr(layout, "_STEPS", 200)
    monkeypatch.setitem(layout._NETWORKS, "quick", 8)
    study = dataclasses.replace(STUDY)
    folder, findings = studies.run(study, tmp_path / "out", seeds=3, progress=False)
    assert (folder / "widths.png").exists() and set(findings.tables) == {"teacher", "diabetes"}
    assert [row[0] for row in findings.tables["teacher"].rows] == ["2", "4", "8", "16", "32", "64"]
    made_again(folder, study)


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_every_scale_can_be_laid_out(scale):
    for part in STUDY.sweeps(scale, 2).values():
        assert mj.explain(part.experiment, part.over)
    assert set(STUDY.seeds) == set(STUDY.scales) == {"quick", "paper"}
