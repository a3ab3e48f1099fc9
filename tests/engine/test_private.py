"""Differentially private descent: lengths of single gradients, clipping, noise, and what one example can change at most."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax.engine.plan.plan import make_plan
from memjax.engine.program.clipped import example_norms
from memjax.examples import Tile
from memjax.models import MLP, ConvNet, EmbeddingMLP, QuadraticMLP
from memjax.optimizers import dp_sgd, sgd
from memjax.random.minibatches import PAD
from memjax.random.poisson import poisson_batches, room_for

SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=5, num_classes=4), model=MLP(hidden=(6, 3)), steps=6, record_every=3, train_size=20,
    test_size=10, snapshots=(0, 6), measures=("loss",),
)  # fmt: skip
PACKING = mj.Packing(width=64, runs=4)
IMAGES = mj.tasks.Images("digits")
PAIRS = mj.tasks.ModularArithmetic(p=5)


def by_hand(snapshot, params=None, loss=mj.losses.cross_entropy):
    """Gradients ``[N, P]`` of the single losses of the train examples."""
    params = snapshot.params if params is None else params

    def one(params, x, y):
        return loss(snapshot.model.apply(params, x[None]), y[None])[0]

    alone = jax.jit(jax.grad(one))
    rows = [alone(params, x, y) for x, y in zip(*snapshot.train, strict=True)]
    return np.stack([np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(row)]) for row in rows])


def flat(params):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(params)])


@pytest.mark.parametrize(
    ("model", "task"),
    [
        (MLP(hidden=(6, 3), activation="tanh"), SPEC.task),
        (MLP(hidden=()), SPEC.task),
        (MLP(hidden=(6,), bias=False), SPEC.task),
        pytest.param(ConvNet(channels=(3,), pooling="max"), IMAGES, marks=pytest.mark.slow),
        pytest.param(QuadraticMLP(hidden=5), PAIRS, marks=pytest.mark.slow),
        pytest.param(EmbeddingMLP(embedding=3, hidden=(4,)), PAIRS, marks=pytest.mark.slow),
    ],
    ids=lambda part: type(part).__name__ + ("" if getattr(part, "bias", True) else " without biases"),
)
def test_lengths_are_those_of_single_gradients(model, task):
    spec = dataclasses.replace(SPEC, model=model, task=task, train_size=12, steps=2, record_every=2, snapshots=(2,))
    spec = dataclasses.replace(spec, optimizer=dp_sgd(noise_multiplier=0.0))
    snapshot = next(mj.snapshots(mj.sweep(spec, packing=PACKING)))
    program, params = make_plan(spec, {}, PACKING).blocks[0].program, snapshot.params
    tile = Tile(*(jnp.asarray(part) for part in snapshot.train), jnp.ones(12, bool))
    hyper = {"loss_scale": jnp.float32(1)} | {name: jnp.float32(1) for name in program.traced}
    found = example_norms(program, params, hyper, tile)
    # 2e-7 apart in float32.
    np.testing.assert_allclose(found, np.sqrt(np.square(by_hand(snapshot)).sum(1)), rtol=3e-6)


def test_without_noise_and_with_a_large_clip_it_is_sgd():
    private = dataclasses.replace(
        SPEC, optimizer=dp_sgd(0.3, clip_norm=1e4, noise_multiplier=0.0, momentum=0.9), batch_size=8
    )
    found, plain = (
        mj.sweep(one, packing=PACKING)
        for one in (private, dataclasses.replace(private, optimizer=sgd(0.3, momentum=0.9)))
    )
    np.testing.assert_allclose(found.parameters, plain.parameters, atol=2e-6)
    np.testing.assert_allclose(found.train_loss, plain.train_loss, rtol=1e-5)


@pytest.mark.parametrize("fields", [dict(), dict(batch_size=8, batches="poisson")], ids=["full batch", "poisson"])
@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_a_run_is_the_algorithm_by_hand(fields, scale):
    clip = 0.8 * scale
    spec = dataclasses.replace(
        SPEC, optimizer=dp_sgd(0.5, clip_norm=clip, noise_multiplier=0.0), loss_scale=scale, **fields
    )
    first, last = mj.snapshots(mj.sweep(spec, packing=PACKING))
    rows = poisson_batches([spec], room_for(8), 0, 6)[:, 0] if fields else np.tile(np.arange(20), (6, 1))
    params, form = jax.flatten_util.ravel_pytree(first.params)
    shortened = 0
    for taken in rows:
        gradients = scale * by_hand(first, form(params))[taken[taken != PAD]]
        lengths = np.sqrt(np.square(gradients).sum(1, keepdims=True))
        shortened += (lengths > clip).sum()
        step = (gradients * np.minimum(1, clip / lengths)).sum(0)
        params = params - 0.5 * step / (8 if fields else 20)
    assert 0 < shortened < (rows != PAD).sum()
    np.testing.assert_allclose(flat(last.params), params, atol=3e-6)


def zero(outputs, targets):
    return 0 * outputs.sum(-1)


def test_noise_has_the_deviation_of_the_algorithm_and_is_drawn_for_every_run_and_step():
    spec = dataclasses.replace(
        SPEC, loss=zero, model=MLP(hidden=(60, 60)), optimizer=dp_sgd(0.5, clip_norm=0.2, noise_multiplier=3.0), batch_size=8,
        batches="poisson", steps=2, record_every=1, snapshots=(0, 1, 2), measures=("weight_l2",),
    )  # fmt: skip
    found = mj.sweep(spec, {"seed": [0, 1]}, packing=PACKING).parameters.diff("snapshot")
    # 4,264 numbers: a deviation is known to 1.1%, a correlation to .015.
    np.testing.assert_allclose(found.std("parameter_index"), 0.5 * 3 * 0.2 / 8, rtol=0.05)
    assert abs(found.mean("parameter_index")).max() < 4 * 0.5 * 3 * 0.2 / 8 / np.sqrt(4264)
    draws = found.values.reshape(4, -1)
    assert abs(np.corrcoef(draws) - np.eye(4)).max() < 0.06


def test_one_example_moves_a_step_by_no_more_than_its_share():
    x, y = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32), np.arange(20) % 4
    x[7] *= 1e4
    own = mj.tasks.from_arrays(x, y)
    spec = dataclasses.replace(
        SPEC, task=own, train_size=20, test_size=0, optimizer=dp_sgd(0.5, clip_norm=0.1, noise_multiplier=0.0), steps=1,
        record_every=1, snapshots=(0, 1), batch_size=20, batches="poisson",
    )  # fmt: skip
    without = dataclasses.replace(spec, subset=mj.subsets.LeaveOut(7), batch_size=19)
    moves = [mj.sweep(one, packing=PACKING).parameters.diff("snapshot") * one.batch_size for one in (spec, without)]
    apart = float(np.sqrt(np.square(moves[0].values - moves[1].values).sum()))
    # The sums of the two data sets differ by the gradient of example 7, shortened to .1, times the rate.
    assert apart == pytest.approx(0.5 * 0.1, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["streamed", "batched"])
def test_company_changes_no_bit_and_swept_numbers_compile_nothing_more(schedule):
    packing = mj.Packing(width=64, runs=4, schedule=schedule)
    spec = dataclasses.replace(SPEC, optimizer=dp_sgd(0.5), batch_size=8, batches="poisson")
    over = {"noise_multiplier": [0.0, 1.0], "clip_norm": [0.1, 1.0], "seed": [0, 1]}
    together = mj.sweep(spec, over, packing=packing)
    alone = mj.sweep(dataclasses.replace(spec, optimizer=dp_sgd(0.5, clip_norm=0.1), seed=1), packing=packing)
    one = together.sel(noise_multiplier=1.0, clip_norm=0.1, seed=1)
    np.testing.assert_array_equal(one.parameters, alone.parameters)
    assert len({block.program for block in make_plan(spec, over, packing).blocks}) == 1


def test_networks_of_other_widths_are_not_padded_to_each_other(monkeypatch):
    monkeypatch.setattr("memjax.engine.plan.cost.COMPILE_SECONDS", 1e6)
    spec, over = dataclasses.replace(SPEC, optimizer=dp_sgd()), {"hidden": [(3,), (6,)]}
    assert {block.program.widths for block in make_plan(spec, over, PACKING).blocks} == {None}
    plain = dataclasses.replace(spec, optimizer=sgd())
    assert {block.program.widths for block in make_plan(plain, over, PACKING).blocks} != {None}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: dp_sgd(clip_norm=0.0), r"dp_sgd.clip_norm is 0\.0"),
        (lambda: dp_sgd(noise_multiplier=-1.0), r"dp_sgd.noise_multiplier is -1\.0"),
        (lambda: dp_sgd(momentum=1.0), r"dp_sgd.momentum is 1\.0"),
        (lambda: mj.optimizers.sam(dp_sgd()), "without noise"),
    ],
)
def test_what_is_no_private_descent_is_refused(make, says):
    with pytest.raises(mj.InputError, match=says):
        make()
