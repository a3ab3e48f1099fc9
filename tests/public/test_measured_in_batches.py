"""What `mj.measure` takes in batches, against a plain loop over the snapshots: one network at a time, in one tile."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax.engine.training import record_runs
from memjax.measures import BUILT_IN, SnapshotMeasure, Variable, dimensionality, modular_fourier
from memjax.models import MLP, Autoencoder, EmbeddingMLP, QuadraticMLP, Transformer
from memjax.results import batches

RECORDED = ("loss", "accuracy", "layer_l2", "gradient_norm")
SMALL = {"steps": 4, "record_every": 2, "snapshots": (0, 4), "test_size": 9}
P = 7


def spec(**fields):
    task = mj.tasks.RandomLabels(input_dim=4, num_classes=3)
    return mj.Experiment(**{"task": task, "model": MLP(hidden=(6, 5)), "train_size": 10, **SMALL, **fields})


def modular(model, **fields):
    rate = mj.optimizers.sgd(0.1)
    return spec(task=mj.tasks.ModularArithmetic(p=P), model=model, optimizer=rate, train_size=20, **fields)


def pooled(**fields):
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    return spec(task=mj.tasks.from_arrays(x, np.arange(40) % 4), **fields)


def features(**fields):
    task = mj.tasks.SparseFeatures(num_features=8)
    return spec(task=task, model=Autoencoder(hidden=3), loss="mse", measures=("loss",), **fields)


CASES = {
    "mlp of several sizes, widths and rates": (
        spec(),
        {"hidden": [(6, 5), (4, 3)], "train_size": [3, 70], "learning_rate": [1e-3, 1e-2]},
    ),
    "embedding": (modular(EmbeddingMLP(embedding=4, hidden=(6,))), {"seed": [0, 1], "train_size": [12, 20]}),
    "quadratic": (modular(QuadraticMLP(hidden=8)), {"seed": [0, 1]}),
    "transformer": (modular(Transformer(width=8, heads=2, mlp=8)), {"seed": [0, 1]}),
    "bottleneck": (features(), {"seed": [0, 1], "train_size": [4, 10]}),
    "pool": (pooled(), {"seed": [0, 1], "train_size": [5, 20]}),
}


@pytest.fixture(scope="module")
def swept():
    """The sweep of a case, made once."""
    made = {}

    def sweep(name):
        if name not in made:
            experiment, over = CASES[name]
            made[name] = mj.sweep(experiment, over=over, progress=False)
        return made[name]

    return sweep


@functools.cache
def plain(name, split, model, loss):
    """A built-in measure of one network whose examples are one tile without padding."""
    measure = BUILT_IN[name]
    function = measure.bind(mj.losses.get(loss))

    def value(params, x, y):
        if measure.per_example:
            return function(params, model.apply, mj.Tile(x, y, jnp.ones(len(y), bool))).mean()
        return function(params, model.apply, mj.Examples(x[None], y[None], None, 0, len(y), 1))

    return jax.jit(value)


def recorded_plainly(snapshot, *names):
    """Built-in measures of one network, by variable."""
    found = {}
    for measure in map(BUILT_IN.get, names):
        for split in measure.splits:
            function = plain(measure.name, split, snapshot.model, snapshot.experiment.loss)
            value = function(snapshot.params, *getattr(snapshot, split))
            found[measure.variable(split)] = list(value.values()) if isinstance(value, dict) else value
    return found


def compare(found, dataset, plainly, **tolerance):
    """Every value of a result against a function of one snapshot; returns the number of networks."""
    kept = list(mj.snapshots(dataset))
    for snapshot in kept:
        own = found.sel({**snapshot.run, "snapshot": snapshot.step})
        for name, value in plainly(snapshot).items():
            value = np.asarray(value, float)
            values = own[name].values[: len(value)] if "example" in own[name].dims else own[name].values
            np.testing.assert_allclose(
                values, value, err_msg=f"{name} of {snapshot.run}, step {snapshot.step}", **tolerance
            )
    return len(kept)


def measures_of(dataset):
    labels = "test_accuracy" in dataset
    return [name for name in RECORDED if labels or name != "accuracy"]


@pytest.mark.parametrize(
    "name", [name if name.startswith("mlp") else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_records_of_packed_networks_are_those_of_each_network_alone(swept, name):
    dataset = swept(name)
    names = measures_of(dataset)
    found = mj.measure(dataset, names)
    # Other sums of float32: measured 2.4e-7 of a value, or of 0.01 where a value is smaller.
    count = compare(found, dataset, lambda snapshot: recorded_plainly(snapshot, *names), rtol=2e-6, atol=2e-8)
    assert count == dataset.status.size * 2


@pytest.mark.slow
def test_sharpness_of_packed_networks_is_that_of_each_network_alone(swept):
    dataset = swept("mlp of several sizes, widths and rates").isel(learning_rate=[1], snapshot=[1])
    found = mj.measure(dataset, ["sharpness"])
    # Lanczos vectors in float32: measured 7e-8.
    compare(found, dataset, lambda snapshot: recorded_plainly(snapshot, "sharpness"), rtol=1e-6)


def hidden_plainly(snapshot):
    """D*, D and rank of each layer by the pseudoinverse, of activations that are not compiled, in float64."""
    layers = snapshot.model.hidden_activations(
        jax.tree.map(jnp.asarray, snapshot.params), jnp.asarray(snapshot.train.x)
    )
    scores, ranks, live = [], [], []
    for h in (np.asarray(layer, np.float64) for layer in layers.values()):
        scores.append(np.einsum("nm,mn->n", h, np.linalg.pinv(h, rcond=1e-5)))
        ranks.append(np.linalg.matrix_rank(h, rtol=1e-5))
        live.append((h != 0).any(0).sum())
    return {"data_dimensionality": np.array(scores), "rank": ranks, "live_neurons": live}


@pytest.mark.parametrize(
    "name",
    [
        name if name.startswith("mlp") else pytest.param(name, marks=pytest.mark.slow)
        for name in CASES
        if name != "quadratic"
    ],
)
def test_dimensionality_of_a_batch_is_that_of_each_network_alone(swept, name):
    dataset = swept(name)
    found = mj.measure(dataset, [dimensionality()])
    for snapshot in mj.snapshots(dataset):
        own = found.sel({**snapshot.run, "snapshot": snapshot.step})
        plain = hidden_plainly(snapshot)
        scores = own.data_dimensionality.dropna("layer", how="all").dropna("example", how="all").values
        # Activations in float32: measured 5e-6, with the transformer.
        np.testing.assert_allclose(scores, plain["data_dimensionality"], rtol=0, atol=2e-5)
        for count in ("rank", "live_neurons"):
            np.testing.assert_array_equal(own[count].dropna("layer").values, plain[count])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["embedding", "quadratic", "transformer"])
def test_fourier_measures_of_a_batch_are_those_of_each_network_alone(swept, name):
    """Losses of the key frequencies from the logits of every pair, projected one wave after another."""
    dataset = swept(name)
    found = mj.measure(dataset, [modular_fourier()])
    a, b = np.indices((P, P)).reshape(2, -1)
    sums = (a + b) % P
    count = 0
    for count, snapshot in enumerate(mj.snapshots(dataset), 1):  # noqa: B007
        own = found.sel({**snapshot.run, "snapshot": snapshot.step})
        params = jax.tree.map(jnp.asarray, snapshot.params)
        logits = np.asarray(snapshot.model.apply(params, jnp.asarray(np.stack([a, b], 1))), float)
        logits -= logits.mean(1, keepdims=True)
        parts = {0: np.ones(P**2)[:, None] / P}
        parts |= {
            k: 2**0.5 / P * np.stack([np.cos(2 * np.pi * k * sums / P), np.sin(2 * np.pi * k * sums / P)], 1)
            for k in (1, 2, 3)
        }
        parts = {k: waves @ (waves.T @ logits) for k, waves in parts.items()}
        power = {k: np.square(part).sum() / np.square(logits).sum() for k, part in parts.items()}
        np.testing.assert_allclose(own.logit_power, list(power.values()), rtol=0, atol=1e-6)
        rows = snapshot.train.x @ [P, 1]
        for k in (1, 2, 3):
            rest = logits[rows] - parts[k][rows]
            naive = (np.log(np.exp(rest).sum(1)) - rest[np.arange(len(rows)), snapshot.train.y]).mean()
            np.testing.assert_allclose(own.frequency_excluded_loss[k], naive, rtol=2e-6)
    assert count == dataset.status.size * 2


def test_a_diverged_run_and_missing_snapshots_are_nan_and_all_others_are_not():
    runs = [(0.01, (0, 4)), (1e30, (0, 4)), (0.02, (2,))]
    dataset = mj.sweep(spec(), over={("learning_rate", "snapshots"): runs}, progress=False)
    found = mj.measure(dataset, ["loss", dimensionality(), lambda snapshot: {"one": 1.0}])
    there = [[True, False, True], [True, False, False], [False, True, False]]
    for name in ("train_loss", "one", "rank", "data_dimensionality"):
        known = found[name].notnull().all([dim for dim in found[name].dims if dim in ("layer", "example")])
        np.testing.assert_array_equal(known.transpose("learning_rate", "snapshot"), there, err_msg=name)
    compare(found, dataset, lambda snapshot: recorded_plainly(snapshot, "loss"), rtol=5e-6)


def test_values_do_not_depend_on_how_networks_are_batched(swept, monkeypatch):
    """One network a batch, and a selection in another order."""
    dataset = swept("mlp of several sizes, widths and rates")
    found = mj.measure(dataset, [dimensionality()])
    turned = mj.measure(dataset.isel(train_size=[1, 0], hidden=[1], snapshot=[1]), [dimensionality()])
    monkeypatch.setattr(batches, "_MOST", 1)
    alone = mj.measure(dataset, [dimensionality()])
    for name in found:
        np.testing.assert_allclose(alone[name], found[name], rtol=1e-12, atol=1e-12)
        kept = found[name].sel(train_size=[70, 3], hidden=turned.hidden, snapshot=[4])
        for layer in turned.layer.values:
            pick = {"layer": layer} if "layer" in kept.dims else {}
            np.testing.assert_allclose(turned[name].sel(pick), kept.sel(pick), rtol=1e-12, atol=1e-12)


def test_batches_hold_networks_of_one_structure_and_few_bytes(swept, monkeypatch):
    dataset = swept("mlp of several sizes, widths and rates")
    seen = []

    def sizes(snapshots):
        assert len({(one.experiment.model.hidden, one.experiment.sizes()) for one in snapshots}) == 1
        seen.append(len(snapshots))
        return {"size": [len(one.train.y) for one in snapshots]}, {}

    def one(snapshot):
        raise AssertionError("A measure with on_batch is not called with one snapshot.")

    measure = SnapshotMeasure(one, {"size": Variable("train examples")}, sizes)
    found = mj.measure(dataset, [measure])
    assert seen == [4] * 4 and (found["size"] == found.train_size).all() and found["size"].attrs["long_name"]
    monkeypatch.setattr(batches, "default_budget", lambda: 1)
    seen.clear()
    mj.measure(dataset, [measure])
    assert seen == [1] * 16


def test_a_batch_without_an_entry_for_each_snapshot_has_its_sentence(swept):
    measure = SnapshotMeasure(len, {"size": Variable("size")}, lambda snapshots: ({"size": 3.0}, {}))
    with pytest.raises(
        mj.InputError, match=r"gave 'size' of shape \[\] for 4 snapshots: on_batch must give \[4, ...\]"
    ):
        mj.measure(swept("mlp of several sizes, widths and rates"), [measure])


@pytest.mark.slow
def test_networks_that_were_trained_in_other_ways_share_one_program(swept, monkeypatch):
    """A record does not depend on the optimizer, nor on minibatches: one program for all, and one for each width."""
    compiled = []
    compile_record = record_runs.compile_record

    def counting(program, schedule, shape, *rest):
        compiled.append((program, shape))
        return compile_record(program, schedule, shape, *rest)

    monkeypatch.setattr(record_runs, "compile_record", counting)
    optimizers = mj.optimizers.adam(1e-2), mj.optimizers.sgd(0.1), mj.optimizers.sgld(1e-4, nbeta=1.0)
    over = {
        ("optimizer", "batch_size"): [(one, size) for one, size in zip(optimizers, (None, 4, 4), strict=True)],
        "train_size": [10, 50],
    }
    dataset = mj.sweep(spec(measures=("loss",)), over=over, progress=False)
    found = mj.measure(dataset, ["loss"])
    assert len(set(compiled)) == 1
    was = dataset.train_loss.sel(step=[0, 4]).transpose(*dataset.train_loss.dims)
    np.testing.assert_allclose(found.train_loss, was, rtol=5e-6)


@pytest.mark.slow
def test_a_block_that_does_not_fit_into_memory_is_measured_in_halves(swept, monkeypatch):
    dataset = swept("mlp of several sizes, widths and rates").isel(hidden=[0])
    whole = mj.measure(dataset, ["loss"])
    record_block = record_runs._record_block

    def small(block, *rest):
        if block.shape.runs > 2:
            raise MemoryError
        return record_block(block, *rest)

    monkeypatch.setattr(record_runs, "_record_block", small)
    # Another packed shape: measured 2e-7.
    np.testing.assert_allclose(mj.measure(dataset, ["loss"]).train_loss, whole.train_loss, rtol=2e-6)


def test_outputs_do_not_depend_on_the_number_of_rows(swept):
    """Rows are filled up and cut into tiles; traced inputs go through as they are."""
    snapshot = next(mj.snapshots(swept("mlp of several sizes, widths and rates")))
    x = np.random.default_rng(0).normal(size=(1100, 4)).astype(np.float32)
    plain = snapshot.model.apply(snapshot.params, x)
    for rows in (1, 8, 9, 512, 513, 1100):
        outputs, hidden = snapshot.outputs(x[:rows]), snapshot.hidden(x[:rows])["layer_0"]
        assert isinstance(outputs, jax.Array) and outputs.shape == (rows, 3) and hidden.shape == (rows, 6)
        # Products of other widths in float32: measured 1e-7.
        np.testing.assert_allclose(outputs, plain[:rows], rtol=1e-5, atol=1e-6)
    slope = jax.jit(jax.grad(lambda row: snapshot.outputs(row[None])[0, 0]))(x[0])
    np.testing.assert_allclose(
        slope, jax.grad(lambda row: snapshot.model.apply(snapshot.params, row[None])[0, 0])(x[0]), rtol=1e-5
    )


def test_a_model_whose_function_changes_is_compiled_again():
    scale = np.array([1.0])
    line = (lambda key, x: jnp.ones((x.shape[1], 3)), lambda params, x: scale[0] * (x @ params))
    snapshot = mj.Snapshot({}, 0, spec(model=line), np.ones((4, 3), np.float32), None, None)
    assert snapshot.outputs(np.ones((2, 4)))[0, 0] == 4
    scale[0] = 2.0
    assert snapshot.outputs(np.ones((2, 4)))[0, 0] == 8


@pytest.mark.slow
def test_in_float64_batches_have_the_digits_of_float64():
    with jax.enable_x64(True):
        dataset = mj.sweep(
            spec(model=MLP(hidden=(6,), activation="tanh")), over={"train_size": [5, 20]}, progress=False
        )
        found = mj.measure(dataset, [*RECORDED, dimensionality()])
        assert found.train_loss.dtype == np.float64 and dataset["parameters"].dtype == np.float64
        # Measured 2e-16, and 5e-15 for D*.
        compare(found, dataset, lambda snapshot: recorded_plainly(snapshot, *RECORDED), rtol=1e-13, atol=1e-15)
        compare(found, dataset, lambda snapshot: {"rank": hidden_plainly(snapshot)["rank"]})
        scores = lambda snapshot: {"data_dimensionality": hidden_plainly(snapshot)["data_dimensionality"][0]}  # noqa: E731
        compare(found.isel(layer=0), dataset, scores, rtol=0, atol=1e-12)


@pytest.mark.slow
def test_parameters_that_are_not_those_of_the_model_are_refused_before_anything_is_recorded(swept):
    dataset = swept("pool")
    longer = dataset.drop_vars("parameters").assign(
        parameters=dataset["parameters"].pad(parameter_index=(0, 2), constant_values=1.0)
    )
    for measures in (["loss"], [dimensionality()], [lambda snapshot: {"a": 1.0}]):
        with pytest.raises(mj.InputError, match="keeps other parameters than the"):
            mj.measure(longer, measures)


@pytest.mark.slow
def test_the_experiment_of_a_run_may_be_unlike_any_training():
    """A start and minibatches are no hindrance: a record needs no draw and no step."""
    first = mj.sweep(spec(), progress=False)
    start = [*mj.snapshots(first)][-1].start
    further = mj.sweep(dataclasses.replace(spec(), start=start, batch_size=5), progress=False)
    found = mj.measure(further, ["loss"])
    np.testing.assert_allclose(found.train_loss, further.train_loss.sel(step=[0, 4]), rtol=5e-6)
