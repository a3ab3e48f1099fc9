"""memjax.sweep as a user meets it: axes, labels, groups, snapshots, models and measures of her own, progress."""

import json
import subprocess
import sys

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import memjax as mj
from memjax.engine.training import train_runs
from memjax.optimizers import adam, sgd

SMALL = dict(steps=6, record_every=2, train_size=12, model=mj.models.MLP(hidden=(5,)))


def spec(**fields):
    return mj.Experiment(**{**SMALL, **fields})


@pytest.mark.long
def test_width_depth_and_optimizer_share_one_cube_with_seeds_and_rates():
    over = {
        "hidden": [(3,), (4, 4)],
        "optimizer": [adam(), sgd(0.1)],
        "learning_rate": [1e-3, 1e-2],
        "seed": [0, 1],
    }
    cube = mj.sweep(spec(), over=over)
    assert cube.train_loss.dims == ("hidden", "optimizer", "learning_rate", "seed", "step")
    assert cube.hidden.values.tolist() == ["3", "4-4"] and cube.optimizer.values.tolist() == ["adam", "sgd"]
    one = mj.sweep(spec(model=mj.models.MLP(hidden=(4, 4)), optimizer=sgd(1e-2), seed=1))
    cell = cube.sel(hidden="4-4", optimizer="sgd", learning_rate=1e-2, seed=1)
    # Six float32 steps in another packing: rounding only (no difference seen over 8 seeds).
    np.testing.assert_allclose(cell.train_loss, one.train_loss, rtol=2e-6)
    assert np.isfinite(cube.train_loss).all()


@pytest.mark.long
def test_fields_that_move_together_are_one_axis_with_two_labels():
    ds = mj.sweep(spec(), over={("train_size", "steps"): [(8, 4), (16, 8)]})
    assert ds.train_loss.dims == ("train_size", "step") and ds.steps.values.tolist() == [4, 8]
    short = ds.train_loss.sel(train_size=8)
    assert np.isfinite(short.sel(step=[0, 2, 4])).all() and np.isnan(short.sel(step=[6, 8])).all()
    assert ds.stop_step.values.tolist() == [4, 8] and (ds.status == "finished").all()


def test_record_zero_is_the_initial_state_and_the_last_record_the_final_one():
    ds = mj.sweep(spec(snapshots=(0, 6)), over={"seed": [4]})
    assert ds.step.values.tolist() == [0, 2, 4, 6]
    for step in (0, 6):
        tree = mj.params(ds, {"seed": 4}, step=step)
        norm = np.sqrt(sum((leaf.astype(np.float64) ** 2).sum() for leaf in jax.tree.leaves(tree)))
        # A float32 sum of 200 squares: measured 7e-8 off the float64 one.
        np.testing.assert_allclose(ds.weight_l2.sel(seed=4, step=step), norm, rtol=1e-6)


@pytest.mark.long
def test_data_seed_and_init_seed_follow_seed_unless_given():
    ds = mj.sweep(spec(snapshots=(0,)), over={"seed": [1, 2], "init_seed": [7, 1]})
    start = ds.parameters.isel(snapshot=0)
    assert (start.sel(seed=1, init_seed=7) == start.sel(seed=2, init_seed=7)).all()
    assert (ds.train_loss.sel(seed=1, init_seed=7) != ds.train_loss.sel(seed=2, init_seed=7)).any()
    plain = mj.sweep(spec(seed=1))
    np.testing.assert_allclose(ds.train_loss.sel(seed=1, init_seed=1), plain.train_loss, rtol=2e-6)


class Linen(nn.Module):
    width: int = 5

    @nn.compact
    def __call__(self, x):
        return nn.Dense(17)(jnp.tanh(nn.Dense(self.width)(x)))


class Nnx(nnx.Module):
    def __init__(self, rngs):
        self.first, self.second = nnx.Linear(9, 5, rngs=rngs), nnx.Linear(5, 17, rngs=rngs)

    def __call__(self, x):
        return self.second(jnp.tanh(self.first(x)))


def linear_init(key, x):
    return {"w": 0.1 * jax.random.normal(key, (x.shape[1], 17), x.dtype)}


def linear_apply(params, x):
    return x @ params["w"]


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(Linen(), id="linen", marks=pytest.mark.slow),
        pytest.param(Nnx, id="nnx", marks=pytest.mark.slow),
        pytest.param((linear_init, linear_apply), id="pair"),
    ],
)
def test_a_users_own_model_is_taken_as_it_is(model):
    ds = mj.sweep(spec(model=model, steps=40, record_every=20, optimizer=adam(0.03)), over={"seed": [0, 1]})
    assert (ds.train_loss.isel(step=-1) < 0.8 * ds.train_loss.isel(step=0)).all()


@pytest.mark.long
def test_fields_of_a_linen_module_can_be_swept():
    ds = mj.sweep(spec(model=Linen()), over={"width": [2, 8]})
    assert ds.weight_l2.isel(step=0).sel(width=8) > ds.weight_l2.isel(step=0).sel(width=2)


@pytest.mark.long
def test_measures_of_the_users_own_are_labelled_and_right():
    def largest_weight(params, apply, examples):
        return jnp.max(jnp.abs(params["layer_0"]["kernel"]))

    def confidence(params, apply, examples):
        return jax.nn.softmax(apply(params, examples.x)).max(-1)

    def facts(params, apply, examples):
        return {"examples": jnp.float32(examples.size), "mean": examples.mean(lambda tile: tile.x[:, 0])}

    measures = (
        "layer_l2",
        largest_weight,
        mj.Measure(confidence, "confidence", per_example=True, splits=("train", "test")),
        mj.Measure(facts, "facts", dims=("what",), splits=("train",)),
    )
    ds = mj.sweep(spec(measures=measures, snapshots=(6,)), over={"train_size": [9, 300], "seed": [3]})
    tree = mj.params(ds, {"train_size": 300, "seed": 3})
    last = ds.sel(train_size=300, seed=3).isel(step=-1)
    assert last.largest_weight == np.abs(tree["layer_0"]["kernel"]).max()
    np.testing.assert_allclose(
        last.layer_l2.sel(parameter="layer_1/bias"), np.linalg.norm(tree["layer_1"]["bias"]), rtol=1e-6
    )
    x = SMALL_TASK.draw(3, 300, 300).train.x
    model = mj.models.MLP(hidden=(5,), outputs=17)
    expected = np.asarray(jax.nn.softmax(model.apply(tree, x))).max(-1).mean()
    np.testing.assert_allclose(last.train_confidence, expected, rtol=1e-5)
    np.testing.assert_allclose(last.facts.sel(what="mean"), x[:, 0].mean(), rtol=1e-4)
    assert last.facts.sel(what="examples") == 300


SMALL_TASK = mj.tasks.RandomLabels()


@pytest.mark.slow
def test_a_pool_of_images_is_indexed_and_learned():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    x = (np.eye(3)[labels][:, :, None] * 9 + rng.normal(size=(200, 3, 4))).astype(np.float32)
    task = mj.tasks.from_arrays(x, labels)
    ds = mj.sweep(
        spec(task=task, steps=60, record_every=20, optimizer=adam(0.03), test_size=50, batch_size=10),
        over={"train_size": [20, 100], "label_noise": [0.0, 0.5]},
    )
    final = ds.test_accuracy.isel(step=-1)
    assert (final.sel(label_noise=0.0) > 0.95).all()
    assert final.sel(train_size=20, label_noise=0.5) < final.sel(train_size=20, label_noise=0.0)


def test_results_say_where_they_come_from():
    experiment = spec(optimizer=sgd(0.3))
    ds = mj.sweep(experiment, over={"seed": [0]})
    assert mj.Experiment.from_json(ds.attrs["experiment"]) == experiment
    assert json.loads(ds.attrs["axes"]) == {"seed": [0]}
    assert json.loads(ds.attrs["versions"])["jax"] == jax.__version__
    assert json.loads(ds.attrs["packing"])["shapes"][0]["runs"] == 1
    assert ds.train_loss.attrs == {"long_name": "train mean loss", "units": "nats"}


def test_progress_is_there_before_the_first_compile_and_a_log_gets_lines(capsys, monkeypatch):
    module = train_runs
    seen = []
    real = module.execute

    def watched(*arguments):
        seen.append(capsys.readouterr().err)
        real(*arguments)

    monkeypatch.setattr(module, "execute", watched)
    mj.sweep(spec(), over={"seed": [0, 1, 2]}, progress=True)
    assert seen == ["memjax: 0 of 3 runs done, compiling\n"]
    shown = capsys.readouterr().err
    assert shown.splitlines()[-1].startswith("memjax: 3 of 3 runs done in ") and "\r" not in shown
    mj.sweep(spec(), over={"seed": [0]})
    assert capsys.readouterr().err == ""


TWO_DEVICES = """
import os
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
import sys, jax, memjax as mj
assert jax.local_device_count() == 2
task = mj.tasks.from_arrays(jax.numpy.eye(30), jax.numpy.arange(30) % 3)
spec = mj.Experiment(steps=6, record_every=2, train_size=12, task=task, model=mj.models.MLP(hidden=(5,)))
mj.save(mj.sweep(spec, over={"seed": range(6)}, packing=mj.Packing(runs=2)), sys.argv[1])
"""


@pytest.mark.long
def test_two_devices_give_the_bits_of_one(tmp_path):
    for count in (2, 1):
        code = TWO_DEVICES.replace("count=2", f"count={count}").replace("== 2", f"== {count}")
        subprocess.run([sys.executable, "-c", code, str(tmp_path / f"{count}.nc")], check=True, timeout=600)
    assert mj.open(tmp_path / "1.nc").drop_attrs().equals(mj.open(tmp_path / "2.nc").drop_attrs())


def test_an_interrupted_sweep_stops_and_raises(monkeypatch):
    from memjax.engine.training.progress import Progress

    def interrupt(self, block, steps):
        raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "steps", interrupt)
    with pytest.raises(KeyboardInterrupt):
        mj.sweep(spec(), over={"seed": range(20)}, packing=mj.Packing(runs=1))
