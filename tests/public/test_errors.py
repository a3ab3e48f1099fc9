"""Bad input: one clear sentence, before anything is trained."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax.engine.training import train_runs
from memjax.tasks import RandomLabels, from_arrays

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)), RNG.integers(0, 4, 40)
SMALL = dict(steps=4, record_every=2, train_size=8, model=mj.models.MLP(hidden=(3,)))


def spec(**fields):
    return mj.Experiment(**{**SMALL, **fields})


def batch_mean(params, apply, examples):
    return jnp.zeros(5)


class Narrow(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(2)(x)


class Stateful(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.BatchNorm(use_running_average=False)(nn.Dense(17)(x))


class Mislabelled(RandomLabels):
    """Says it has fewer classes than its labels use."""

    @property
    def num_outputs(self):
        return 3


CASES = {
    "unknown axis": (lambda: mj.sweep(spec(), over={"lerning_rate": [1]}), "no field 'lerning_rate'.*learning_rate"),
    "empty axis": (lambda: mj.sweep(spec(), over={"seed": []}), "'seed' has no values"),
    "repeated values": (lambda: mj.sweep(spec(), over={"seed": [1, 1]}), "'seed' has repeated values"),
    "a word as an axis": (lambda: mj.sweep(spec(), over={"seed": "12"}), "give a list of values"),
    "rows that do not fit": (lambda: mj.sweep(spec(), over={("train_size", "steps"): [(8, 4), (8,)]}), "tuple of 2"),
    "one label twice": (
        lambda: mj.sweep(spec(), over={"seed": [1], ("steps", "optimizer.learning_rate", "seed"): [(4, 1.0, 2)]}),
        "both be labelled 'seed'",
    ),
    "negative train size": (lambda: spec(train_size=-5), "train_size is -5.*at least 1"),
    "negative train size on an axis": (lambda: mj.sweep(spec(), over={"train_size": [8, -5]}), "train_size is -5"),
    "fewer than no test examples": (lambda: spec(test_size=-1), "test_size is -1.*at least 0"),
    "negative seed": (lambda: spec(seed=-1), "seed is -1"),
    "a half seed": (lambda: spec(seed=0.5), "seed is 0.5.*whole number"),
    "one class": (lambda: RandomLabels(num_classes=1), "num_classes is 1.*at least 2"),
    "label noise on random labels": (lambda: mj.sweep(spec(), over={"label_noise": [0.0, 0.1]}), "does not apply"),
    "NaN in the arrays": (lambda: from_arrays(np.where(X > 2, np.nan, X), Y), r"x holds nan at index \[\d+, \d+\]"),
    "rows that do not match": (lambda: from_arrays(X, Y[:-1]), "x has 40 rows and y 39"),
    "words as inputs": (lambda: from_arrays(X.astype(str), Y), "integers or floats"),
    "test arrays of another width": (
        lambda: from_arrays(X, Y, x_test=X[:, :2], y_test=Y),
        "same shape after the first axis",
    ),
    "negative labels": (lambda: from_arrays(X, Y - 1), "from -1: labels must be"),
    "labels out of range": (lambda: mj.sweep(spec(task=Mislabelled())), "Labels run from .* 3 classes"),
    "more rows than there are": (lambda: mj.sweep(spec(task=from_arrays(X, Y), train_size=30)), "need 60 rows"),
    "batch larger than the data": (lambda: mj.sweep(spec(batch_size=9)), "batch_size is 9, larger than train_size = 8"),
    "mse with random labels": (lambda: mj.sweep(spec(loss="mse")), "targets are class labels.*cross_entropy"),
    "cross-entropy with values": (lambda: mj.sweep(spec(task=from_arrays(X, X))), "float64 values: use loss = 'mse'"),
    "steps not a multiple of record_every": (lambda: mj.sweep(spec(record_every=3)), "does not divide steps = 4"),
    "snapshot beyond the steps": (lambda: mj.sweep(spec(snapshots=(5,))), "snapshots has the step 5, which is not"),
    "record beyond the steps": (lambda: mj.sweep(spec(record_at=(2, 5))), "record_at has the step 5, which is not"),
    "output width": (lambda: mj.sweep(spec(model=Narrow())), r"shape \[2, 2\].*calls for \[2, 17\]"),
    "output width of an MLP": (lambda: mj.sweep(spec(model=mj.models.MLP(outputs=5))), "give the model 17 outputs"),
    "a model with batch statistics": (lambda: mj.sweep(spec(model=Stateful())), "batch_stats"),
    "not a model": (lambda: spec(model=3), "The model 3 cannot be used"),
    "an unknown activation": (lambda: mj.models.MLP(activation="rleu"), "'rleu' is not known: use relu"),
    "an unknown initializer": (lambda: mj.models.MLP(initializer="glorot"), "initializer is 'glorot': use torch"),
    "a width of zero": (lambda: mj.models.MLP(hidden=(3, 0)), "width is 0: give"),
    "an unknown loss": (lambda: spec(loss="huber"), "'huber' is not known"),
    "a loss that is already a mean": (
        lambda: mj.sweep(spec(loss=lambda o, t: mj.losses.cross_entropy(o, t).mean())),
        "one value per example",
    ),
    "an unknown measure": (lambda: spec(measures=("sharpnes",)), "'sharpnes' is not known"),
    "a measure of the wrong shape": (lambda: mj.sweep(spec(measures=(batch_mean,))), r"gives shape \[5\].*a number"),
    "a per-example measure of the wrong shape": (
        lambda: mj.sweep(spec(measures=(mj.Measure(batch_mean, "m", per_example=True),))),
        r"one value for each example, shape \[B\]; it gave \[5\]\. Take a mean",
    ),
    "two measures of one name": (lambda: spec(measures=("loss", "loss")), "Two measures are named 'loss'"),
    "a measure that fails": (
        lambda: mj.sweep(spec(measures=(mj.Measure(lambda p, a, e: p["no"], "m"),))),
        r"'m' cannot be computed: KeyError: 'no', and params has the keys \['layer_0', 'layer_1'",
    ),
    "an optimizer of optax itself": (lambda: spec(optimizer=__import__("optax").adam(1e-3)), "from_optax"),
    "an impossible packing": (lambda: mj.Packing(width=0), "Packing.width is 0"),
    "not an experiment": (lambda: mj.sweep({"steps": 3}), "give a memjax.Experiment"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_gets_one_clear_sentence(case, monkeypatch):
    monkeypatch.setattr(train_runs, "execute", lambda *rest: pytest.fail("training started"))
    call, sentence = CASES[case]
    with pytest.raises(mj.InputError, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
