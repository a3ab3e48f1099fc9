"""Every task, model and measure that fit each other plan, train and record what their contracts say; all others are refused.

A run is checked against one by hand: plain gradient descent and the functions of the measures on plain arrays, through no part
of the engine. The skeletons of docs/adding take part, as what an author adds by copying them.
"""

import importlib.util
import inspect
import re
import sys
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import memjax as mj
from memjax import losses
from memjax.jax_settings import wide
from memjax.measures import BUILT_IN
from memjax.models import layers
from memjax.models.adapt import with_outputs, with_room

ADDING = Path(__file__).parents[2] / "docs" / "adding"


def skeleton(part):
    spec = importlib.util.spec_from_file_location(f"adding_{part}", ADDING / f"{part}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(40, 3, 2)), np.arange(40) % 3


def pictures(folder):
    """A file of images that `mj.tasks.Images` takes by its path."""
    pixels = RNG.integers(0, 256, (40, 4, 4), np.uint8)
    np.savez(folder / "pictures.npz", x_train=pixels[:30], y_train=LABELS[:30], x_test=pixels[30:], y_test=LABELS[:10])
    return mj.tasks.Images(folder / "pictures.npz")


# Small tasks by the name of the class, with a word more where there are several; another class is made from its defaults.
TASKS = {
    "Arrays": lambda folder: mj.tasks.from_arrays(X, LABELS, label_noise=0.2),
    "Arrays of values": lambda folder: mj.tasks.from_arrays(X, X[:, 0]),
    "Arrays of tokens": lambda folder: mj.tasks.from_arrays(RNG.integers(0, 3, (40, 2)), LABELS),
    "Images": pictures,
    "ModularArithmetic": lambda folder: mj.tasks.ModularArithmetic(p=5),
    "RandomLabels": lambda folder: mj.tasks.RandomLabels(input_dim=4, num_classes=3),
    "SparseFeatures": lambda folder: mj.tasks.SparseFeatures(num_features=6, sparsity=0.5),
    "SparseParity": lambda folder: mj.tasks.SparseParity(num_bits=6, num_relevant=2),
    "Subpopulations": lambda folder: mj.tasks.Subpopulations(num_subpopulations=8, num_classes=3, input_dim=4),
    "TeacherStudent": lambda folder: mj.tasks.TeacherStudent(input_dim=4, output_dim=2, hidden=(5,)),
    "XorClusters": lambda folder: skeleton("task").XorClusters(input_dim=4),
}
for name in mj.tasks.__all__:
    if inspect.isclass(getattr(mj.tasks, name)):
        TASKS.setdefault(name, lambda folder, name=name: getattr(mj.tasks, name)())


def linear_pair(features, outputs):
    init = lambda key, x: jax.random.normal(key, (features, outputs)) / 3  # noqa: E731
    return mj.models.FunctionPair(init, lambda w, x: layers.flat_inputs(x) @ w)


def linear_module(features, outputs):
    class Linear(nnx.Module):
        def __init__(self, rngs):
            self.only = nnx.Linear(features, outputs, rngs=rngs)

        def __call__(self, x):
            return self.only(layers.flat_inputs(x))

    return mj.models.NNX(Linear)


class Quiet(nn.Module):
    """A Linen module that draws nothing in training either, so that a training by hand is the same."""

    outputs: int

    @nn.compact
    def __call__(self, x, deterministic):
        return nn.Dropout(0.0)(nn.Dense(self.outputs)(layers.flat_inputs(x)), deterministic=deterministic)


def same(key, x):
    return x


# Small models for a number of input features and of outputs; another class is made from its defaults.
MODELS = {
    "Augmented": lambda *widths: mj.models.Augmented(mj.models.MLP(hidden=(5,)), same),
    "Autoencoder": lambda *widths: mj.models.Autoencoder(),
    "ConvNet": lambda *widths: mj.models.ConvNet((3,), dims=1, head="mean", residual=True),
    "EmbeddingMLP": lambda *widths: mj.models.EmbeddingMLP(embedding=3, hidden=4),
    "FunctionPair": linear_pair,
    "InputNoise": lambda *widths: mj.models.InputNoise(mj.models.MLP(hidden=(5,)), scale=0.0),
    "Linen": lambda features, outputs: mj.models.Linen(Quiet(outputs)),
    "MLP": lambda *widths: mj.models.MLP(hidden=(5,)),
    "NNX": linear_module,
    "QuadraticMLP": lambda *widths: mj.models.QuadraticMLP(hidden=5),
    "SkipNet": lambda *widths: skeleton("model").SkipNet(hidden=4),
    "Transformer": lambda *widths: mj.models.Transformer(width=4, heads=2, mlp=5),
}
for name in mj.models.__all__:
    # Random features are a part of a model.
    if inspect.isclass(getattr(mj.models, name)) and name not in ("RandomFourier", "RandomReLU"):
        MODELS.setdefault(name, lambda *widths, name=name: getattr(mj.models, name)())
OF_TOKENS = ("EmbeddingMLP", "QuadraticMLP", "Transformer")
# What is fitted in closed form, in one step; the linear model alone has a loss that it minimises.
FITTED = [name for name in mj.models.__all__ if hasattr(getattr(mj.models, name), "fit")]
MEASURES = {**BUILT_IN, **{m.name: m for m in vars(skeleton("measure")).values() if isinstance(m, mj.Measure)}}


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tasks")
    return {name: make(folder) for name, make in TASKS.items()}


def seen(task, train_size=12, test_size=6):
    """Examples of a task as a model sees them."""
    sizes = task.sizes(train_size, test_size) if hasattr(task, "sizes") else (train_size, test_size)
    split = task.draw(1, *sizes)
    return [(task.pool[x] if hasattr(task, "pool") else x, y) for x, y in split]


def widths(task):
    x = seen(task)[0][0]
    return x[0].size, task.num_outputs


def labelled(task):
    return np.issubdtype(seen(task)[0][1].dtype, np.integer)


def loss_of(task, model=None):
    squared = "one_hot_mse" if model in FITTED else "cross_entropy"
    return squared if labelled(task) else "mse"


def fits(task, model):
    x = seen(task)[0][0]
    if model in OF_TOKENS:
        return x.shape[1:] == (2,) and np.issubdtype(x.dtype, np.integer)
    if model == "Autoencoder":
        return x[0].size == task.num_outputs
    if model == "ClassMean" and not labelled(task):
        return False
    takes = getattr(MODELS[model](*widths(task)), "takes", None)
    return takes != "quantities" or not hasattr(task, "num_tokens")


OF_LABELS = ("accuracy", "logit_margin", "memorized_bits")


# Measures with derivatives in the inputs.
OF_FLOATS = ("loss_sensitivity",)


def fitting(task):
    labels, floats = labelled(task), np.issubdtype(seen(task)[0][0].dtype, np.floating)
    taken = [m for m in MEASURES.values() if floats or m.name not in OF_FLOATS]
    values_only = [m for m in taken if not m.needs_labels and m.name not in OF_LABELS]
    return [m for m in taken if m.name != "sign_accuracy"] if labels else values_only


def request(task, model, **fields):
    steps, rate = (1, mj.optimizers.closed_form()) if model in FITTED else (2, mj.optimizers.sgd(0.1))
    sized = dict(train_size=12, test_size=6, seed=1, steps=steps, record_every=1, loss=loss_of(task, model))
    return mj.Experiment(task=task, model=MODELS[model](*widths(task)), optimizer=rate, **{**sized, **fields})


def by_hand(spec, measures):
    """Records before the first step, and parameters after the last, of gradient descent or a fit on plain arrays of a run."""
    model, loss = with_room(with_outputs(spec.model, spec.task.num_outputs), 12), losses.get(spec.loss)
    apply = lambda params, x: wide(model.apply(params, x))  # noqa: E731

    def records(params, data):
        for measure in measures:
            for split in measure.splits:
                x, y = data[split]
                tile = mj.Tile(x, y, jnp.ones(len(y), bool)), mj.Examples(x[None], y[None], None, 0, len(y), 1)
                value = measure.bind(loss, initial=params, penalty=lambda params: jnp.zeros(()))(
                    params, apply, tile[not measure.per_example]
                )
                reduced = getattr(jnp, measure.reduce)(value) if measure.per_example else value
                yield measure.variable(split), reduced

    def descend(params, data):
        x, y = data["train"]
        if hasattr(model, "fit"):
            return model.fit(params, mj.Examples(x[None], y[None], None, 0, len(y), 1))
        slope = jax.grad(lambda params: loss(apply(params, x), y).mean())
        return jax.lax.fori_loop(
            0, spec.steps, lambda _, w: jax.tree.map(lambda w, g: w - 0.1 * g, w, slope(w)), params
        )

    return jax.jit(lambda params, data: (dict(records(params, data)), descend(params, data)))


# Largest relative difference between a record and the value by hand, over all pairs: 2e-6 (memorized_bits, a difference of
# two close numbers); between parameters after two steps, of the largest: 1e-7.
RTOL, ATOL = 2e-5, 2e-6


def check_pair(task, model, measures):
    """Train a run beside others whose tiles it does not fill, and compare what it records with the same by hand."""
    spec = request(task, model, measures=tuple(measures), snapshots=(0, 1 if model in FITTED else 2))
    packing = mj.Packing(schedule="streamed", width=5, runs=4, lanes=1)
    company = mj.sweep(spec, over={"train_size": [7, 12], "seed": [0, 1]}, packing=packing)
    first, last = mj.snapshots(company.sel(train_size=[12], seed=[1]))
    data = {split: tuple(map(jnp.asarray, part)) for split, part in zip(("train", "test"), seen(task), strict=True)}
    records, params = by_hand(spec, measures)(first.params, data)
    check_records(
        company, {measure.variable(split): measure for measure in measures for split in measure.splits}, records
    )
    for trained, own in zip(jax.tree.leaves(last.params), jax.tree.leaves(params), strict=True):
        np.testing.assert_allclose(trained, own, rtol=RTOL, atol=ATOL)
    return company


def check_records(company, measures, records):
    assert set(company.data_vars) - {"parameters"} == set(measures)
    for name, measure in measures.items():
        found = company[name]
        assert found.dims == ("train_size", "seed", "step", *measure.dims)
        assert found.dtype.kind == "f" and found.attrs["units"] and found.attrs["long_name"]
        run, own = found.sel(train_size=12, seed=1), records[name]
        if name == "step_loss":
            assert np.isnan(found.sel(step=0)).all() and np.isfinite(found.sel(step=[1, 2])).all()
            np.testing.assert_allclose(run[1], records["train_loss"], rtol=RTOL)
            continue
        assert np.isfinite(found).all(), name
        if isinstance(own, dict):
            assert found[measure.dims[0]].values.tolist() == list(own)
            own = np.stack(list(own.values()))
        np.testing.assert_allclose(run.sel(step=0), own, rtol=RTOL, atol=ATOL, err_msg=name)


# Models, tasks of every kind and measures in few and cheap programs; the slow tests have the rest.
COVERING = {
    ("RandomLabels", "MLP"): ("loss", "step_loss", "accuracy", "weight_l2", "layer_l2", "last_layer_l2"),
    ("SparseFeatures", "Autoencoder"): ("loss", "log_probability", "weight_l2"),
    ("ModularArithmetic", "EmbeddingMLP"): ("loss", "logit_margin"),
    ("Arrays of tokens", "QuadraticMLP"): ("loss", "memorized_bits"),
    ("Images", "NNX"): ("loss", "accuracy", "gradient_norm"),
    ("SparseParity", "FunctionPair"): ("loss", "sign_accuracy", "gradient_cosine"),
    ("XorClusters", "SkipNet"): ("loss", "output_entropy", "prediction_information"),
}
# These take long to compile.
SLOW = {"Transformer", "sharpness"}
# What is new is looked at on random labels.
for name in sorted(MODELS.keys() - {model for _, model in COVERING} - SLOW):
    COVERING["RandomLabels", name] = ("loss",)
NEW = MEASURES.keys() - {name for names in COVERING.values() for name in names} - SLOW
COVERING["RandomLabels", "MLP"] += tuple(sorted(NEW))


LATER = {
    ("Arrays of tokens", "QuadraticMLP"),
    ("Images", "NNX"),
    ("SparseParity", "FunctionPair"),
    ("XorClusters", "SkipNet"),
}
PAIRS = [pytest.param(*pair, marks=pytest.mark.slow if pair in LATER else ()) for pair in COVERING]


@pytest.mark.parametrize(("task", "model"), PAIRS)
def test_a_run_in_company_is_the_run_by_hand(tasks, task, model):
    check_pair(tasks[task], model, [MEASURES[name] for name in COVERING[task, model]])


@pytest.mark.long
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("task", TASKS)
def test_every_pair_that_fits_trains_as_by_hand(tasks, task, model):
    if fits(tasks[task], model) and (task, model) not in COVERING:
        check_pair(tasks[task], model, [MEASURES["loss"]])


@pytest.mark.long
@pytest.mark.parametrize(
    ("task", "model"),
    [
        ("RandomLabels", "MLP"),
        ("SparseFeatures", "Autoencoder"),
        ("ModularArithmetic", "Transformer"),
    ],
)
def test_every_measure_that_fits_records_what_it_gives_by_hand(tasks, task, model):
    check_pair(tasks[task], model, fitting(tasks[task]))


@pytest.mark.parametrize("task", TASKS)
def test_a_task_plans_with_a_model_that_fits_and_is_refused_by_others(tasks, task):
    own, taken = tasks[task], [model for model in MODELS if fits(tasks[task], model)]
    assert mj.explain(request(own, taken[0]), over={"seed": [0, 1]}).runs == 2
    for model in MODELS.keys() - taken:
        refused(request(own, model))


def refused(spec):
    with pytest.raises(mj.InputError) as raised:
        mj.explain(spec)
    sentence = str(raised.value)
    assert re.fullmatch(r"[A-Z\w].{40,}[^.]\.?", sentence), sentence
    return sentence


@pytest.mark.parametrize("task", TASKS)
def test_a_measure_or_a_loss_that_does_not_fit_the_targets_is_refused(tasks, task):
    own = tasks[task]
    model = next(model for model in ("MLP", "EmbeddingMLP") if fits(own, model))
    for name in sorted(set(MEASURES) - {measure.name for measure in fitting(own)}):
        sentence = refused(request(own, model, measures=(name,)))
        assert f"'{name}'" in sentence and ("needs class labels" in sentence or name not in OF_LABELS)
    of_labels = ("cross_entropy", "cross_entropy_exact", "one_hot_mse")
    for loss in ("mse", "sse", "hinge") if labelled(own) else of_labels:
        assert loss in refused(request(own, model, loss=loss))
