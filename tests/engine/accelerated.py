"""Programs of many kinds as an accelerator would run them, for tests on a machine that has none."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np

import memjax as mj
from memjax.engine.plan.groups import gather
from memjax.engine.plan.packing import Packing
from memjax.engine.plan.plan import make_plan, pack, plan_of
from memjax.experiment.start import Start
from memjax.measures import step_loss

BATCHED = Packing(schedule="batched", lanes=1, memory=30 * 10**9)
TASK = mj.tasks.RandomLabels(input_dim=9, num_classes=17)
ARRAYS = mj.tasks.from_arrays(np.zeros((2000, 30), np.float32), np.arange(2000) % 10)
TEN_SIZES = [50 * 2**k for k in range(10)]


def experiment(**fields):
    base = {
        "task": TASK,
        "steps": 1000,
        "record_every": 10,
        "train_size": 200,
        "measures": ("loss", "accuracy", "weight_l2"),
    }
    return mj.Experiment(**base | fields)


def tokens(model, **fields):
    task = mj.tasks.ModularArithmetic(p=53)
    return experiment(task=task, model=model, train_size=1123, **fields)


def blocks(spec, over):
    return make_plan(spec, over, BATCHED).blocks


def chains():
    """Blocks of 400 chains of stochastic gradient Langevin dynamics around 50 networks."""
    own = tokens(mj.models.EmbeddingMLP(embedding=12, hidden=48))
    params = dataclasses.replace(own.model, outputs=53).init(jax.random.key(0), np.zeros((1, 2), np.int32))
    sampler = mj.optimizers.sgld(3e-3, nbeta=2.0, localization=5.0)
    runs = [
        dataclasses.replace(
            own,
            start=Start.of(jax.tree.map(lambda leaf, k=k: np.asarray(leaf) + np.float32(k), params), f"network {k}"),
            optimizer=sampler,
            init_seed=1000 * k + chain,
            data_seed=0,
            batch_size=128,
            loss_scale=1.0,
            steps=500,
            record_every=1,
            measures=(step_loss,),
        )
        for k in range(50)
        for chain in range(8)
    ]
    groups = gather(((place,), run) for place, run in enumerate(runs))
    return plan_of(runs[0], (), pack(groups, BATCHED), BATCHED).blocks


FOUR = {"seed": range(4)}
SHARP = ("loss", "sharpness", "gradient_norm", "gradient_cosine")
WIDTHS = {"model.hidden": [(20, 20), (40, 40)], "seed": range(4)}
DEPTHS = {"model.hidden": [(20,) * depth for depth in (2, 3, 5)], "seed": range(4)}
PROGRAMS = {
    "MLP": lambda: blocks(experiment(), FOUR),
    "MLP, minibatches": lambda: blocks(experiment(batch_size=32), FOUR),
    "MLP, fresh examples": lambda: blocks(experiment(train_size="fresh", batch_size=32, test_size=200), FOUR),
    "MLP, sizes": lambda: blocks(experiment(), {"train_size": TEN_SIZES}),
    "MLP, widths": lambda: blocks(experiment(), WIDTHS),
    "MLP, depths": lambda: blocks(experiment(), DEPTHS),
    "EmbeddingMLP": lambda: blocks(tokens(mj.models.EmbeddingMLP(), loss="cross_entropy_exact"), FOUR),
    "EmbeddingMLP, minibatches": lambda: blocks(tokens(mj.models.EmbeddingMLP(shared=False), batch_size=64), FOUR),
    "QuadraticMLP": lambda: blocks(tokens(mj.models.QuadraticMLP()), FOUR),
    "Transformer": lambda: blocks(tokens(mj.models.Transformer()), FOUR),
    "Transformer, sharpness": lambda: blocks(tokens(mj.models.Transformer(), measures=("loss", "sharpness")), FOUR),
    "Autoencoder": lambda: blocks(
        experiment(task=mj.tasks.SparseFeatures(), model=mj.models.Autoencoder(), loss="mse", measures=("loss",)), FOUR
    ),
    "measures of derivatives": lambda: blocks(experiment(measures=SHARP), FOUR),
    "a pool": lambda: blocks(experiment(task=ARRAYS), FOUR),
    "chains": chains,
}
