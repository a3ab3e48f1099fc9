"""The files of docs/adding are parts as they stand, what their pages claim holds, and every exported part has its JSON."""

import dataclasses
import doctest
import importlib.util
import inspect
import re
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import losses, studies
from memjax.measures import settle
from memjax.types import Data

ADDING = Path(__file__).parents[2] / "docs" / "adding"
PARTS = ("task", "model", "measure", "snapshot_measure", "optimizer")


def load(part):
    spec = importlib.util.spec_from_file_location(f"adding_{part}", ADDING / f"{part}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


task, model, measure, snapshot_measure, optimizer = map(load, PARTS)
study = load("study")
SPEC = mj.Experiment(
    task=task.XorClusters(input_dim=3, separation=4.0),
    model=model.SkipNet(hidden=6),
    optimizer=optimizer.signum(0.02),
    measures=("loss", "accuracy", measure.output_entropy, measure.prediction_information),
    steps=20,
    record_every=10,
    train_size=60,
    snapshots=(0, 20),
)


@pytest.fixture(scope="module")
def swept():
    return mj.sweep(SPEC, over={"momentum": [0.0, 0.9], "init_scale": [0.5, 1.0]})


# The example of a measure of snapshots trains a network.
EXAMPLES = [pytest.param(p, marks=pytest.mark.slow if p == "snapshot_measure" else ()) for p in PARTS]


@pytest.mark.parametrize("part", EXAMPLES)
def test_the_documentation_of_a_file_to_copy_runs(part):
    found = doctest.testmod(sys.modules[f"adding_{part}"], optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert found.attempted and not found.failed


@pytest.mark.parametrize("part", PARTS)
def test_the_lines_at_the_top_name_what_the_file_exports(part):
    module, text = sys.modules[f"adding_{part}"], (ADDING / f"{part}.py").read_text()
    folder, name = re.search(r"copy it to src/memjax/(\w+)/([\w/]+)\.py", text).groups()
    target = Path(mj.__file__).parent / folder / f"{name}.py"
    assert target.parent.is_dir() and not target.exists()
    imported = re.search(
        rf"^#     from memjax\.{folder}\.{name.replace('/', '.')} import (.*)$", text, re.MULTILINE
    ).group(1)
    listed = re.search(r"^#     (\".*\"),  in __all__$", text, re.MULTILINE).group(1)
    assert imported.split(", ") == re.findall(r'"(\w+)"', listed) == module.__all__
    assert not hasattr(getattr(mj, folder), module.__all__[0]), "The part is in memjax already."


def test_the_files_train_together(swept):
    assert set(swept.data_vars) >= {"test_output_entropy", "train_prediction_information"}
    assert np.isfinite(swept.train_loss).all() and (swept.test_accuracy.isel(step=-1) > 0.9).all()
    assert (swept.train_loss.isel(step=-1) < swept.train_loss.isel(step=0)).all()
    assert swept.test_prediction_information.dims == ("momentum", "init_scale", "step")


def test_json_refers_to_what_a_project_holds_and_takes_it_back():
    held = (SPEC.task, SPEC.model, SPEC.optimizer.factory, measure.output_entropy, measure.prediction_information)
    assert mj.Experiment.from_json(SPEC.to_json(), using=held) == SPEC
    with pytest.raises(mj.InputError, match="read it from Python with using="):
        mj.Experiment.from_json(SPEC.to_json())


def test_swept_numbers_of_model_and_optimizer_are_data():
    axes = {
        "learning_rate": [0.01, 0.1],
        "momentum": [0.0, 0.5],
        "l2": [0.0, 0.1],
        "init_scale": [1, 2],
        "separation": [1, 4],
    }
    plan = mj.explain(SPEC, over={**axes, "label_noise": [0.0, 0.3]})
    assert plan.runs == 64 and plan.programs == mj.explain(SPEC).programs


@pytest.mark.parametrize("part", [SPEC.task, SPEC.model, SPEC.optimizer], ids=lambda part: type(part).__name__)
def test_equal_parts_have_one_hash_and_show_their_fields(part):
    again = dataclasses.replace(part)
    assert again == part and hash(again) == hash(part)
    names = [field.name for field in dataclasses.fields(part)] if part is not SPEC.optimizer else part.hyperparameters
    assert all(f"{name}=" in repr(part) for name in names)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: task.XorClusters(input_dim=1), "XorClusters.input_dim is 1: give a whole number of at least 2."),
        (lambda: task.XorClusters(separation=-1), "XorClusters.separation is -1: give a finite number of at least 0."),
        (lambda: task.XorClusters(label_noise=2), "XorClusters.label_noise is 2: give a finite number from 0 to 1."),
        (lambda: model.SkipNet(hidden=0), "SkipNet.hidden is 0: give a whole number of at least 1."),
        (lambda: model.SkipNet(init_scale=np.inf), "SkipNet.init_scale is inf: give a finite number."),
        (lambda: model.SkipNet(bias=2), "SkipNet.bias is 2: give True or False."),
        (lambda: model.SkipNet(activation="rele"), "The activation 'rele' is not known"),
        (lambda: model.SkipNet().init(jax.random.key(0), np.zeros((1, 2))), "SkipNet.outputs is None: give the output"),
        (lambda: snapshot_measure.boundary_distance("all"), "split is 'all': use"),
        (lambda: optimizer.signum(momentum=1.0), "signum.momentum is 1.0: give a finite number of at least 0 and less than 1"),
        (lambda: optimizer.signum(-0.1), "signum.learning_rate is -0.1: give a number of at least 0."),
        (lambda: mj.explain(SPEC, over={"l2": [0.0, -1.0]}), "signum.l2 is -1.0: give a finite number of at least 0"),
        (lambda: mj.explain(SPEC, over={"hidden": [4, 0]}), "SkipNet.hidden is 0: give a whole number"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_refused(make, sentence):
    with pytest.raises(mj.InputError, match=re.escape(sentence)):
        make()


def test_clusters_are_nested_and_have_their_law():
    made = task.XorClusters(input_dim=3, separation=6.0, label_noise=0.3)
    (x, y), test = made.draw(5, 20_000, 10_000)
    for size, test_size in ((50, 10_000), (20_000, 30)):
        small = made.draw(5, size, test_size)
        for part, whole in zip((*small.train, *small.test), (x, y, *test), strict=True):
            np.testing.assert_array_equal(part, whole[: len(part)])
    assert not np.array_equal(x[:50], made.draw(6, 50, 1).train.x)
    # In the rotated plane the class is the sign of a product; four clusters at distance 6 leave none on the wrong side.
    wrong = (np.abs(x[:, 1]) > np.abs(x[:, 0])) != y
    assert abs(wrong.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / len(y))
    assert ((np.abs(test.x[:, 1]) > np.abs(test.x[:, 0])) == test.y).mean() > 0.9995
    # Second moments: 1 + 36 / 2 in the plane, 1 beyond; the standard errors are 0.13 and 0.01.
    np.testing.assert_allclose((x**2).mean(0), [19, 19, 1], rtol=0.03)


def test_the_skip_net_is_a_network_and_a_linear_model():
    net, x = (
        model.SkipNet(hidden=6, outputs=4, activation="tanh"),
        np.random.default_rng(0).normal(size=(5, 3)).astype("f"),
    )
    params = jax.tree.map(np.asarray, net.init(jax.random.key(1), x))
    hidden = np.tanh(x @ params["layer_0"]["kernel"] + params["layer_0"]["bias"])
    deep = hidden @ params["layer_1"]["kernel"] + params["layer_1"]["bias"]
    # Rounding of float32 gave 1.2e-7.
    np.testing.assert_allclose(net.apply(params, x), deep + x @ params["direct"]["kernel"], atol=1e-6)
    np.testing.assert_allclose(net.hidden_activations(params, x)["layer_0"], hidden, atol=1e-6)
    plain = mj.models.MLP(hidden=6, outputs=4, activation="tanh").apply(
        {k: params[k] for k in ("layer_0", "layer_1")}, x
    )
    no_skip = {**params, "direct": {"kernel": np.zeros((3, 4), "f")}}
    np.testing.assert_array_equal(net.apply(no_skip, x), plain)
    assert "bias" not in model.SkipNet(bias=False, outputs=4).init(jax.random.key(1), x)["layer_1"]


def records(measure, outputs, size=None):
    """A recorded measure of made-up outputs ``[B, C]``, in tiles of three with padding that is no number."""
    tiles = -(-len(outputs) // 3)
    x = np.full((3 * tiles, outputs.shape[1]), np.nan, np.float32)
    x[: len(outputs)] = outputs
    every = mj.Examples(jnp.asarray(x).reshape(tiles, 3, -1), jnp.zeros((tiles, 3), int), None, 0, len(outputs), tiles)
    value = lambda examples: measure.function({}, lambda params, x: x, examples)  # noqa: E731
    return float(every.mean(value) if measure.per_example else value(every))


@pytest.mark.parametrize(
    ("outputs", "entropy", "information"),
    [
        (np.zeros((4, 5)), np.log(5), 0.0),
        (1e4 * np.eye(5), 0.0, np.log(5)),
        (1e4 * np.eye(5)[[2] * 4], 0.0, 0.0),
        (np.log([[0.5, 0.5, 1e-30], [1e-30, 0.5, 0.5]]), np.log(2), 0.5 * np.log(2)),
    ],
)
def test_entropy_and_information_of_predictions_have_their_closed_forms(outputs, entropy, information):
    # Rounding of float32 gave 1.2e-7.
    assert records(measure.output_entropy, outputs) == pytest.approx(entropy, abs=1e-6)
    assert records(measure.prediction_information, outputs) == pytest.approx(information, abs=1e-6)


@pytest.mark.slow
def test_the_distance_from_the_boundary_is_exact_for_a_linear_network(swept):
    rng = np.random.default_rng(0)
    kernel, x = rng.normal(size=(3, 4)), rng.normal(size=(300, 3))
    values = x @ kernel
    chosen = values.argmax(1)
    gaps = values.max(1, keepdims=True) - values
    lengths = np.linalg.norm(kernel.T[chosen][:, None] - kernel.T[None], axis=2)
    exact = np.where(gaps > 0, gaps / np.where(lengths > 0, lengths, 1), np.inf).min(1)
    found = snapshot_measure._distances(lambda x: x @ kernel.astype("f"), jnp.asarray(x, jnp.float32))
    # Rounding of float32 gave 6e-7.
    np.testing.assert_allclose(found, exact, atol=5e-6)
    of_runs = mj.measure(swept, [snapshot_measure.boundary_distance("train")]).boundary_distance
    assert of_runs.dims == ("momentum", "init_scale", "snapshot", "example") and (of_runs > 0).all()


def test_a_distance_that_has_no_meaning_is_refused():
    pairs = Data(np.zeros((4, 2), np.int32), np.zeros(4, np.int32))
    snapshot = mj.Snapshot({}, 0, mj.Experiment(task=mj.tasks.ModularArithmetic(p=3)), {}, pairs, pairs)
    with pytest.raises(mj.InputError, match=r"boundary_distance needs inputs .* int32 and the task has 3 outputs"):
        snapshot_measure.boundary_distance()(snapshot)


def test_sign_descent_moves_by_the_learning_rate():
    rng = np.random.default_rng(0)
    gradients, weights = rng.normal(size=(5, 7)), rng.normal(size=7)
    rule = optimizer.signum(0.1, momentum=0.8, l2=0.5).transformation(steps=5)
    own, state, momentum = weights.copy(), rule.init(jnp.asarray(weights, jnp.float32)), np.zeros(7)
    found = jnp.asarray(weights, jnp.float32)
    for gradient in gradients:
        momentum = 0.8 * momentum + gradient + 0.5 * own
        own = own - 0.1 * np.sign(momentum)
        update, state = rule.update(jnp.asarray(gradient, jnp.float32), state, found)
        found = found + update
    # Rounding of float32 gave 2e-7.
    np.testing.assert_allclose(found, own, atol=2e-6)


def signals(fitted, train, test):
    """Records ``(share, seed, step)`` of a study of labels: steps to fit, and last accuracies, by share and seed."""
    steps, shares = np.arange(0, 101, 10), [0.0, 0.5, 1.0]
    dims = {"label_noise": shares, "seed": range(np.shape(fitted)[1]), "step": steps}
    there = steps >= np.asarray(fitted)[..., None]
    rows = {
        "train_accuracy": there * np.asarray(train)[..., None],
        "test_accuracy": there * np.asarray(test)[..., None],
    }
    return xr.Dataset({name: (tuple(dims), row) for name, row in rows.items()}, dims)


def test_the_study_to_copy_reads_its_numbers_and_compares_them():
    # The seed that never fits random labels ends at a train accuracy of 0 and an error of 1.
    runs = signals([[10, 10], [20, 20], [40, 200]], np.ones((3, 2)), [[0.8, 0.8], [0.6, 0.6], [0.1, 0.1]])
    found = study.fits(runs)
    # Between a record at 0 and the next at 1, the accuracy is 0.99 after 99% of the ten steps.
    np.testing.assert_allclose(found["fitted"], [[9.9, 9.9], [19.9, 19.9], [39.9, np.inf]])
    np.testing.assert_allclose(found["test_error"], [[0.2, 0.2], [0.4, 0.4], [0.9, 1.0]])
    found["sharpness"] = found["test_error"]
    claims = study.claims(found, runs["step"].values)
    assert [claim.verdict.value for claim in claims] == ["not told apart", "no interval", "as published", "not asked"]
    assert claims[1].estimate.value == pytest.approx(39.9 / 9.9) and claims[1].estimate.never == 1
    assert claims[2].estimate.value == pytest.approx(0.2) and claims[3].estimate.value == pytest.approx(
        np.sqrt(4.5 * 5)
    )
    assert study.tables(found, runs["step"].values)["shares"].rows[2][1] == "39.9 [no interval], never in 1 of 2"


def test_the_study_to_copy_says_what_it_costs():
    for scale, shares in (("quick", 3), ("paper", 6)):
        (part,) = study.STUDY.sweeps(scale, 2).values()
        assert mj.explain(part.experiment, part.over).runs == 2 * shares
    text = (ADDING / "study.py").read_text()
    folder = re.search(r"copy it to src/memjax/studies/(\w+)/study\.py", text).group(1)
    assert folder.replace("_", "-") == study.STUDY.name and study.STUDY.name not in studies.names()


@pytest.mark.slow
def test_the_study_to_copy_runs_and_is_made_again(tmp_path):
    def toy(scale, seeds):
        (part,) = study.STUDY.sweeps("quick", seeds).values()
        spec = dataclasses.replace(part.experiment, steps=200, record_every=10, snapshots=(200,), train_size=50)
        return {"runs": studies.Sweep(spec, part.over)}

    toys = dataclasses.replace(study.STUDY, sweeps=toy)
    folder, findings = studies.run(toys, tmp_path / "out", seeds=2, progress=False)
    before = {name: (folder / name).read_bytes() for name in ("claims.json", "shares.csv", "report.html")}
    # Both seeds fit 50 signals with random labels within 200 steps.
    assert findings.claims[0].estimate.value == 1.0 and (folder / "noise.pdf").exists()
    assert bool((xr.load_dataset(folder / "sharpness.nc", engine="h5netcdf").sharpness > 0).all())
    studies.again(folder, study=toys)
    assert {name: (folder / name).read_bytes() for name in before} == before


# Parts of memjax with JSON of their own. What is left out holds objects of the user's: arrays or functions.
HOLD_THE_USERS_OWN = {"Arrays", "Augmented", "FunctionPair", "Linen", "NNX"}
ARGUMENTS = {
    "Images": ("digits",),
    **{name: (mj.optimizers.adam(),) for name in ("averaged", "norm_constrained", "sam", "schedule_free")},
    "InputNoise": (mj.models.MLP(hidden=(4,)),),
}


def exported(folder, classes):
    """Classes, or functions, that a folder exports."""
    for name in getattr(mj, folder).__all__:
        part = getattr(getattr(mj, folder), name)
        if inspect.isclass(part) == classes and name not in HOLD_THE_USERS_OWN:
            yield name, part


def experiments():
    """An experiment for every exported part, by folder and name."""
    for name, part in exported("tasks", classes=True):
        yield f"tasks.{name}", lambda part=part, name=name: dict(task=part(*ARGUMENTS.get(name, ())))
    for name, part in exported("models", classes=True):
        yield f"models.{name}", lambda part=part, name=name: dict(model=part(*ARGUMENTS.get(name, ())))
    for name in mj.schedules.__all__:
        if dataclasses.is_dataclass(getattr(mj.schedules, name)):
            yield (
                f"schedules.{name}",
                lambda name=name: dict(optimizer=mj.optimizers.sgd(getattr(mj.schedules, name)(0.1))),
            )
    for name, part in exported("optimizers", classes=False):
        if name != "from_optax":
            yield f"optimizers.{name}", lambda part=part, name=name: dict(optimizer=part(*ARGUMENTS.get(name, ())))
    for name, part in exported("penalties", classes=True):
        yield f"penalties.{name}", lambda part=part: dict(penalty=part())
    for name in mj.measures.__all__:
        if isinstance(getattr(mj.measures, name), mj.Measure):
            yield f"measures.{name}", lambda name=name: dict(measures=(getattr(mj.measures, name),))
    for name in losses.__all__:
        if name not in ("get", "is_label", "of_examples"):
            part = getattr(losses, name)
            yield f"losses.{name}", lambda part=part, name=name: dict(loss=part() if isinstance(part, type) else name)


EXPERIMENTS = dict(experiments())


@pytest.mark.parametrize("part", EXPERIMENTS)
def test_an_exported_part_is_written_and_read_back_without_being_handed_over(part):
    spec = mj.Experiment(**EXPERIMENTS[part]())
    text = spec.to_json()
    again = mj.Experiment.from_json(text)
    # A measure is written by its name.
    named = dataclasses.replace(again, measures=again.measures and settle(again.measures))
    assert named == spec and '"reference"' not in text


def test_parts_of_every_kind_are_looked_at():
    kinds = [part.partition(".")[0] for part in EXPERIMENTS]
    least = {"tasks": 7, "models": 5, "schedules": 5, "optimizers": 7, "penalties": 4, "measures": 13, "losses": 6}
    assert all(kinds.count(kind) >= count for kind, count in least.items())
