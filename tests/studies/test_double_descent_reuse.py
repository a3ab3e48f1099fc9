"""The chain of study double-descent: networks that start from narrower ones, its claims, and where the reuse ends."""

import jax
import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax.studies.double_descent import claims, figures, reuse, sizes, tables
from memjax.studies.double_descent.study import STUDY
from memjax.studies.kit.run import _train

WIDTHS = [2, 4, 8, 16]


def made(test, fresh, train=(0.4, 0.2, 0.0, 0.0), end=4, clean=None):
    """Numbers of a chain of four widths, the same for both levels of noise unless others are given, with seeds nearly alike."""
    noise = 1e-5 * np.random.default_rng(0).normal(size=(2, 4, 4))
    of = lambda curve, other: np.stack([other, curve])[..., None] + noise  # noqa: E731
    labels = {"label_noise": [0.0, 0.2], "width": WIDTHS, "seed": range(4)}
    same = lambda curve: of(curve, curve)  # noqa: E731
    found = {
        "test": of(test, test if clean is None else clean), "fresh_test": same(fresh), "train": same(train),
        "fresh_train": same(train),
    }  # fmt: skip
    return xr.Dataset({name: (tuple(labels), values) for name, values in found.items()}, labels, {"end": end})


def test_a_chain_is_spliced_at_its_end():
    found = reuse.spliced(made((0.9, 0.8, 0.7, 0.6), (0.5, 0.4, 0.3, 0.2)))
    np.testing.assert_allclose(found.isel(label_noise=0).mean("seed"), [0.9, 0.8, 0.3, 0.2], atol=1e-4)


@pytest.mark.parametrize(("train_size", "end"), [(481, 64), (480, 32), (10, 2), (1600, 128)])
def test_the_threshold_counts_parameters(train_size, end):
    network = mj.Experiment(task=mj.tasks.Images("digits"), train_size=train_size, test_size=100)
    assert reuse.threshold(network, sizes.SIZES["quick"].reused) == end
    # 481 examples of 10 classes are as many as the parameters of 64 units.
    one = mj.models.MLP(hidden=(64,), outputs=10).init(jax.random.key(0), np.zeros((1, 64)))
    assert sum(leaf.size for leaf in jax.tree.leaves(one)) == 4810


def test_claims_hold_what_the_curves_say():
    high, low = (0.9, 0.2, 0.6, 0.3), (0.9, 0.2, 0.4, 0.3)
    made_false = (0.9, 0.1, 0.5, 0.4)
    found = claims.reuse_claims(made(low, high, clean=made_false, end=8))
    assert [claim.verdict.value for claim in found] == ["as published", "as published", "not asked", "as published"]
    assert [claim.estimate.value for claim in found] == pytest.approx([0.1, -0.2, 1.0, 0.2], abs=1e-3)
    flat = (0.9, 0.5, 0.4, 0.3)
    found = claims.reuse_claims(made(high, flat, clean=flat))
    assert [claim.verdict.value for claim in found] == ["as published", "differs", "not asked", "differs"]


def test_the_table_has_a_row_for_every_width_and_the_figure_a_line_for_every_kind():
    chain = made((0.9, 0.2, 0.6, 0.3), (0.8, 0.1, 0.4, 0.2))
    table = tables.reuse(chain)
    assert [row[0] for row in table.rows] == ["2", "4", "8", "16"]
    assert table.rows[1][3].startswith("0.1000") and table.rows[1][4].startswith("0.2000")
    drawn = figures.reused(chain)
    lines = drawn.axes[1].get_lines()
    assert [line.get_label() for line in lines[:3]] == ["fresh", "reused", "reused up to 4"]
    np.testing.assert_allclose(lines[2].get_ydata(), [0.2, 0.4, 0.2], atol=1e-4)


@pytest.mark.slow
def test_a_network_starts_from_the_narrower_one_of_its_seed_and_noise():
    task = mj.tasks.Images("digits", noise_law="incorrect")
    network = mj.Experiment(
        task=task, train_size=40, test_size=100, model=mj.models.MLP(hidden=(2,)), steps=20, record_every=20,
        snapshots=(0, 20), measures=("loss", "accuracy"),
    )  # fmt: skip
    first = mj.sweep(network, {"label_noise": [0.0, 0.5], "seed": [0, 1]})
    # The chain keeps the last step alone.
    end = first.isel(snapshot=[1])
    made = reuse.chain(network, (2, 4, 8), {"reuse_2": end})
    assert list(made) == ["reuse_4"]
    datasets = {"reuse_2": end, **_train(made, None, False)}
    assert list(reuse.chain(network, (2, 4, 8), datasets | {"reuse_4": datasets["reuse_4"].isel(snapshot=[1])})) == [
        "reuse_8"
    ]
    begun = {(one.experiment.task.label_noise, one.experiment.seed): one.params["layer_0"]["kernel"]
             for one in mj.snapshots(datasets["reuse_4"].isel(snapshot=[0]))}  # fmt: skip
    for one in mj.snapshots(end):
        own = begun[one.experiment.task.label_noise, one.experiment.seed]
        np.testing.assert_array_equal(own[:, :2], one.params["layer_0"]["kernel"])
        assert (own[:, 2:] != 0).all()
    # Further units of a seed are the same with and without noise, and others for another seed.
    np.testing.assert_array_equal(begun[0.0, 0][:, 2:], begun[0.5, 0][:, 2:])
    assert (begun[0.0, 0][:, 2:] != begun[0.0, 1][:, 2:]).all()
    last = 1 - first.sel(step=20)["test_accuracy"]
    errors = xr.Dataset({f"last_{name}": last.rename(hidden="width") if "hidden" in last.dims else last.expand_dims(width=[2])
                         for name in ("train", "test")})  # fmt: skip
    wide = errors.isel(width=[0, 0]).assign_coords(width=[2, 4])
    found = reuse.reused(datasets, wide)
    np.testing.assert_allclose(found["test"].sel(width=2), last.transpose("label_noise", "seed"))
    run = datasets["reuse_4"]
    for i in range(4):
        noise, seed = float(run["label_noise"][i]), int(run["seed"][i])
        expected = 1 - float(run["test_accuracy"][i, -1])
        assert float(found["test"].sel(width=4, label_noise=noise, seed=seed)) == pytest.approx(expected)


def test_the_study_asks_for_the_chain():
    found = STUDY.sweeps("quick", 2)
    assert found["reuse_2"].experiment.snapshots == (3000,) and found["reuse_2"].experiment.model.hidden == (2,)
    assert STUDY.further("quick", {}) == {}
