"""Snapshots and measures on them: what the loop recorded comes back, selections keep their runs, ragged sizes end in NaN."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax.models import MLP

SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=4, num_classes=3),
    model=MLP(hidden=(6, 5)),
    optimizer=mj.optimizers.adam(1e-2),
    steps=20,
    record_every=10,
    test_size=9,
    snapshots=(0, 10, 20),
    measures=("loss", "accuracy", "weight_l2", "layer_l2"),
)


@pytest.fixture(scope="module")
def dataset():
    return mj.sweep(SPEC, over={"train_size": [5, 600], "seed": [0, 3]}, progress=False)


def test_what_was_recorded_in_the_loop_is_measured_again(dataset):
    """One function for both; the packed shapes differ, so up to float rounding: measured 2e-7 relative."""
    again = mj.measure(dataset, SPEC.measures)
    assert set(again.data_vars) == set(dataset.data_vars) - {"parameters"}
    assert again.train_loss.dims == ("train_size", "seed", "snapshot")
    for name in again.data_vars:
        was = dataset[name].sel(step=again.snapshot).drop_vars("step")
        np.testing.assert_allclose(again[name].transpose(*was.dims[:2], "snapshot", ...), was.transpose(
            "train_size", "seed", "snapshot", ...), rtol=5e-6, atol=1e-7)  # fmt: skip
        assert again[name].attrs == dataset[name].attrs


def test_snapshots_come_with_the_parameters_and_examples_of_their_run(dataset):
    """The loss computed by hand from each snapshot is the one that was recorded."""
    seen = []
    for snapshot in mj.snapshots(dataset):
        seen.append((snapshot.run["train_size"], snapshot.run["seed"], snapshot.step))
        layers = [snapshot.params[f"layer_{i}"] for i in range(3)]
        h = snapshot.test.x.astype(float)
        for i, layer in enumerate(layers):
            h = h @ layer["kernel"].astype(float) + layer["bias"]
            h = np.maximum(h, 0) if i < 2 else h
        naive = (np.log(np.exp(h).sum(1)) - h[np.arange(9), snapshot.test.y]).mean()
        recorded = dataset.test_loss.sel(snapshot.run).sel(step=snapshot.step)
        np.testing.assert_allclose(recorded, naive, rtol=1e-5)
        np.testing.assert_allclose(snapshot.outputs(snapshot.test.x), h, rtol=0, atol=1e-5)
        assert len(snapshot.train.y) == snapshot.run["train_size"] == snapshot.experiment.train_size
    assert seen == [(n, seed, step) for n in (5, 600) for seed in (0, 3) for step in (0, 10, 20)]


def test_selections_keep_their_runs(dataset):
    whole = mj.measure(dataset, ["loss"])
    one = mj.measure(dataset.sel(train_size=600, seed=[3], snapshot=[10, 20]), ["loss"])
    assert one.train_loss.dims == ("seed", "snapshot")
    xr.testing.assert_allclose(one.train_loss, whole.train_loss.sel(train_size=600, seed=[3], snapshot=[10, 20]))
    assert one.num_parameters.values.tolist() == [6 * 5 + 5 * 7 + 3 * 6] and one.status.values.tolist() == ["finished"]
    turned = mj.measure(dataset.isel(seed=[1, 0]), ["loss"])
    np.testing.assert_allclose(turned.train_loss, whole.train_loss.isel(seed=[1, 0]), rtol=1e-6)
    assert turned.seed.values.tolist() == [3, 0]


def own_losses(snapshot):
    values = mj.losses.cross_entropy(snapshot.outputs(snapshot.train.x), snapshot.train.y)
    return {"example_loss": ("example", values), "half": 0.5}


@pytest.mark.long
def test_ragged_values_end_in_nan_and_average_to_the_recorded(dataset):
    found = mj.measure(dataset, [own_losses])
    assert found.example_loss.dims == ("train_size", "seed", "snapshot", "example")
    sizes = found.example_loss.notnull().sum("example")
    assert (sizes == dataset.train_size).all() and found.sizes["example"] == 600
    recorded = dataset.train_loss.sel(step=[0, 10, 20])
    np.testing.assert_allclose(found.example_loss.mean("example"), recorded, rtol=1e-5)
    assert (found.half == 0.5).all()


@pytest.mark.long
def test_a_run_without_a_snapshot_is_nan_there():
    spec = mj.Experiment(steps=4, record_every=2, train_size=6, test_size=5, model=MLP(hidden=(3,)))
    ds = mj.sweep(spec, over={("seed", "snapshots"): [(0, (0, 4)), (1, (2,))]}, progress=False)
    found = mj.measure(ds, ["loss", lambda snapshot: {"step_seen": snapshot.step}])
    np.testing.assert_array_equal(found.step_seen, [[0, np.nan, 4], [np.nan, 2, np.nan]])
    np.testing.assert_array_equal(np.isnan(found.train_loss), np.isnan(found.step_seen))
    np.testing.assert_allclose(found.train_loss.sel(seed=1, snapshot=2), ds.train_loss.sel(seed=1, step=2), rtol=1e-6)


@pytest.mark.parametrize("kept", [{}, {"seed": 0}], ids=["all", "one seed"])
def test_a_snapshot_has_the_values_of_fields_that_move_together(kept):
    spec = mj.Experiment(steps=2, record_every=2, train_size=8, snapshots=(2,), model=MLP(hidden=(3,)))
    over = {("train_size", "learning_rate"): [(8, 0.1), (16, 0.01)], "seed": [0]}
    ds = mj.sweep(spec, over, progress=False)
    found = [(one.run, one.swept) for one in mj.snapshots(ds.sel(kept))]
    swept = [{"train_size": n, "learning_rate": rate, "seed": 0} for n, rate in ((8, 0.1), (16, 0.01))]
    runs = [{"train_size": n, **({} if kept else {"seed": 0})} for n in (8, 16)]
    assert found == list(zip(runs, swept, strict=True))
    assert [ds.sel(run).learning_rate.item() for run, _ in found] == [0.1, 0.01]


@pytest.mark.long
def test_pools_are_resolved_and_labels_keep_their_order():
    x = np.arange(60, dtype=np.float32).reshape(20, 3) / 60
    task = mj.tasks.from_arrays(x, np.arange(20) % 4)
    spec = mj.Experiment(task=task, steps=2, record_every=2, train_size=12, test_size=8, snapshots=(2,))
    ds = mj.sweep(spec, over={"hidden": [(3,), (4, 2)]}, progress=False)

    def layers(snapshot):
        rows = (snapshot.train.x[:, 0] * 20).round().astype(int)
        np.testing.assert_array_equal(snapshot.train.y, rows % 4)
        hidden = snapshot.hidden(snapshot.train.x)
        return {"width": xr.DataArray([h.shape[1] for h in hidden.values()], {"layer": list(hidden)}, "layer")}

    found = mj.measure(ds, [layers], using=(task,))
    np.testing.assert_array_equal(found.width.squeeze("snapshot"), [[3, np.nan], [4, 2]])
    assert found.layer.values.tolist() == ["layer_0", "layer_1"]


class Further:
    """An estimator of all snapshots at once: the train loss after a few more steps from each, by one batch of runs."""

    def on_all(self, snapshots, train):
        self.asked = [(one.run["train_size"], one.run["seed"], one.step) for one in snapshots]
        more = dict(steps=10, record_every=10, measures=("loss",), snapshots=())
        done = train([dataclasses.replace(one.experiment, start=one.start, **more) for one in snapshots])
        return [
            {"further": float(run.records["train_loss"][-1]), "at": one.step}
            for run, one in zip(done, snapshots, strict=True)
        ]


def test_an_estimator_of_all_snapshots_trains_them_as_one_batch(dataset):
    """Ten steps of plain descent from every snapshot, by hand: one update after another in NumPy."""
    plain = mj.Experiment(
        **{**vars(SPEC), "optimizer": mj.optimizers.sgd(0.1), "model": MLP(hidden=()), "snapshots": (0, 20)}
    )
    swept = mj.sweep(plain, over={"train_size": [5, 8], "seed": [0, 3]}, progress=False)
    found = mj.measure(swept, ["weight_l2", further := Further()])
    assert further.asked == [(n, seed, step) for n in (5, 8) for seed in (0, 3) for step in (0, 20)]
    np.testing.assert_array_equal(found["at"].sel(train_size=8, seed=3), [0, 20])
    for one in mj.snapshots(swept):
        w, b = (one.params["layer_0"][name].astype(float) for name in ("kernel", "bias"))
        for _ in range(10):
            error = _softmax(one.train.x @ w + b) - np.eye(3)[one.train.y]
            w, b = w - 0.1 * one.train.x.T @ error / len(error), b - 0.1 * error.mean(0)
        loss = -np.log(_softmax(one.train.x @ w + b)[np.arange(len(one.train.y)), one.train.y]).mean()
        np.testing.assert_allclose(found.further.sel(**one.run, snapshot=one.step), loss, rtol=1e-5)


def _softmax(outputs):
    powers = np.exp(outputs - outputs.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


class Wrong:
    def __init__(self, answer):
        self.answer = answer

    def __repr__(self):
        return "Wrong"

    def on_all(self, snapshots, train):
        return self.answer(snapshots)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda snapshots: {"a": 1.0}, "Wrong gave dict for 12 snapshots: on_all must give a list, one dict for each"),
        (
            lambda snapshots: [{"a": 1.0}],
            "Wrong gave list for 12 snapshots: on_all must give a list, one dict for each",
        ),
        (lambda snapshots: [1.0 for _ in snapshots], "Wrong gave no dict for a snapshot but float"),
    ],
    ids=["a dict", "too few", "no dicts"],
)
def test_an_estimator_that_gives_something_else_is_refused(dataset, answer, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        mj.measure(dataset, [Wrong(answer)])


def test_a_store_and_a_file_give_the_same_snapshots(dataset, tmp_path):
    kept = mj.open(mj.save(dataset, tmp_path / "sweep.nc"))
    found = mj.measure(kept, ["loss"])
    xr.testing.assert_identical(found, mj.measure(dataset, ["loss"]))
    xr.testing.assert_identical(mj.open(mj.save(found, tmp_path / "found.nc")), found)


def test_an_array_measure_serves_snapshots_too(dataset):
    def spectrum(params, apply, examples):
        return jnp.linalg.svd(params["layer_0"]["kernel"], compute_uv=False)

    measure = mj.Measure(spectrum, "spectrum", dims=("order",), long_name="singular values")
    found = mj.measure(dataset.isel(train_size=[0], seed=[0]), [measure]).spectrum
    exact = np.linalg.svd(mj.params(dataset.isel(train_size=[0], seed=[0]))["layer_0"]["kernel"], compute_uv=False)
    np.testing.assert_allclose(found.isel(snapshot=-1), exact, rtol=1e-5)


@pytest.mark.parametrize(
    ("measures", "sentence"),
    [
        ("loss", "measures is 'loss': give a list of them"),
        (["entropy"], "The measure 'entropy' is not known"),
        ([lambda snapshot: {"train_size": 1}], "Two things would be named 'train_size'"),
        ([lambda snapshot: {"a": 1}, lambda snapshot: {"a": 2}], "Two things would be named 'a'"),
        (
            [lambda snapshot: {"a": np.ones(3)}],
            r"The measure 'a' gave ndarray of shape \[3\]: give a number, or a pair",
        ),
        ([lambda snapshot: {"a": "word"}], r"The measure 'a' gave str of shape \[\]"),
        ([lambda snapshot: {"a": ("seed", np.ones(3))}], "'a' has a dimension 'seed' of its own"),
        ([lambda snapshot: snapshot.hidden], "gave no dict"),
    ],
)
def test_mistakes_have_their_sentence(dataset, measures, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        mj.measure(dataset.isel(train_size=[0]), measures)


def test_datasets_that_do_not_know_their_runs_are_an_input_error(dataset):
    with pytest.raises(mj.InputError, match="lost its axis 'seed'"):
        list(mj.snapshots(dataset.mean("seed", keep_attrs=True)))
    with pytest.raises(mj.InputError, match="has no attribute 'experiment'"):
        list(mj.snapshots(dataset.drop_attrs()))
    with pytest.raises(mj.InputError, match="holds no parameters: name the steps"):
        list(mj.snapshots(dataset.drop_vars("parameters")))


def test_a_model_without_hidden_activations_says_so():
    line = (lambda key, x: jnp.zeros((x.shape[1], 2)), lambda params, x: x @ params)
    task = mj.tasks.RandomLabels(input_dim=3, num_classes=2)
    spec = mj.Experiment(task=task, model=line, steps=2, record_every=2, snapshots=(2,))
    ds = mj.sweep(spec, progress=False)
    snapshot = next(mj.snapshots(ds, using=(spec.model,)))
    with pytest.raises(mj.InputError, match="gives no hidden activations: add hidden_activations"):
        snapshot.hidden(snapshot.train.x)
    assert jax.tree.leaves(snapshot.params)[0].shape == (3, 2)


def test_the_order_of_the_axes_does_not_matter(dataset):
    """Transposed, or put together anew from its runs."""
    whole = mj.measure(dataset, ["loss"]).train_loss
    turned = mj.measure(dataset.transpose("seed", "snapshot", "train_size", ...), ["loss"]).train_loss
    joined = xr.concat([dataset.isel(seed=i) for i in (1, 0)], "seed")
    for other in (turned, mj.measure(joined, ["loss"]).train_loss):
        np.testing.assert_array_equal(other.sel(seed=[0, 3]).transpose(*whole.dims), whole)


@pytest.mark.long
def test_what_a_store_does_not_hold_yet_is_nan(tmp_path):
    """Of two widths and two seeds, two runs were asked for: the others have no parameters and no shape."""
    spec = mj.Experiment(steps=2, record_every=2, train_size=6, test_size=4, snapshots=(2,), measures=("loss",))
    for width, seed in ((3, 0), (5, 1)):
        over = {"hidden": [(width,)], "seed": [seed]}
        mj.sweep(spec, over=over, store=tmp_path / "store", progress=False)
    kept = mj.open(tmp_path / "store")
    found = mj.measure(kept, ["loss", lambda snapshot: {"width": snapshot.params["layer_0"]["kernel"].shape[1]}])
    np.testing.assert_array_equal(found.width.squeeze("snapshot"), [[3, np.nan], [np.nan, 5]])
    np.testing.assert_array_equal(np.isnan(found.train_loss), np.isnan(found.width))
    with pytest.raises(mj.InputError, match=r"No run with the labels .* has come to a snapshot yet"):
        mj.params(kept, {"hidden": "3", "seed": 1})


@pytest.mark.slow
def test_a_diverged_run_is_nan_whatever_a_measure_says():
    def positive(params, apply, examples):
        return sum(jnp.sum(leaf > 0) for leaf in jax.tree.leaves(params)) * 1.0

    spec = mj.Experiment(steps=2, record_every=2, train_size=6, snapshots=(0, 2), model=MLP(hidden=(3,)))
    ds = mj.sweep(spec, over={"learning_rate": [1e-3, 1e30]}, progress=False)
    found = mj.measure(ds, [positive, lambda snapshot: {"one": 1}])
    for name in ("positive", "one"):
        np.testing.assert_array_equal(np.isnan(found[name]), [[False, False], [False, True]])


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(list, marks=pytest.mark.slow),
        pytest.param(lambda leaves: dict(enumerate(leaves)), id="dict", marks=pytest.mark.slow),
    ],
)
def test_parameters_come_back_in_the_structure_of_the_model(kind):
    task = mj.tasks.RandomLabels(input_dim=3, num_classes=2)

    def init(key, x):
        draw = jax.random.normal(key, (x.shape[1], 4))
        return kind([draw.astype(jnp.float16), jnp.ones((4, 2))])

    def apply(params, x):
        return jnp.tanh(x @ params[0]) @ params[1]

    spec = mj.Experiment(task=task, model=(init, apply), steps=2, record_every=1, snapshots=(0, 2), train_size=9)
    ds = mj.sweep(spec, progress=False)
    found = mj.measure(ds, ["loss"], using=(spec.model,))
    # Another packed shape, and kernels of 16 bits: measured 1e-7.
    np.testing.assert_allclose(found.train_loss, ds.train_loss.sel(step=[0, 2]), rtol=1e-5)
    params = next(mj.snapshots(ds, using=(spec.model,))).params
    assert jax.tree.structure(params) == jax.tree.structure(kind([0, 0])) and params[0].dtype == np.float16


def test_dims_are_matched_by_name_and_labels_by_value(dataset):
    square = np.arange(4.0).reshape(2, 2)

    def turned(snapshot):
        swap = snapshot.run["seed"] == 3
        return {"a": (("v", "u"), square.T) if swap else (("u", "v"), square)}

    found = mj.measure(dataset.isel(train_size=[0]), [turned]).a
    np.testing.assert_array_equal(found.isel(seed=0), found.isel(seed=1))
    np.testing.assert_array_equal(found.isel(seed=0, snapshot=0, train_size=0).transpose("u", "v"), square)


def _labelled(*labels):
    return xr.DataArray(np.arange(float(len(labels))), {"k": list(labels)}, ("k",))


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (
            lambda s: {"a": 1.0 if s.run["seed"] else ("u", np.ones(2))},
            r"dimensions \['u'\] in one run and \[\] in another",
        ),
        (lambda s: {"a": _labelled("x", "x")}, r"'k' has the labels \['x', 'x'\]: give each once"),
        (lambda s: {"a": _labelled(1.0, np.nan)}, "give each once, and no NaN"),
        (
            lambda s: {"a": _labelled("x") if s.run["seed"] else ("k", np.ones(1))},
            "labels in some values and none in others",
        ),
        (lambda s: {"status": 1.0}, "Two things would be named 'status'"),
        (lambda s: {"b": ("status", np.ones(1))}, "dimension 'status' of its own"),
        (lambda s: {"u": ("u", np.ones(2))}, "'u' is the name of a measure and of a dimension"),
        (lambda s: {"a": (("u", "u"), np.ones((2, 2)))}, "names of its dimensions, each once"),
        (lambda s: {"a": (0.1, 0.9)}, r"'a' gave tuple of shape \[2\]"),
        (lambda s: {"a": [[1.0], [1.0, 2.0]]}, "'a' gave list"),
        (
            lambda params, apply: 1.0,
            r"is a function of \(params, apply\), which cannot be called with .* \(params, apply, examples\)",
        ),
        (lambda params, apply, examples: jnp.ones(3), r"gives shape \[3\], but must give a number"),
    ],
)
def test_values_that_cannot_be_laid_out_have_their_sentence(dataset, function, sentence):
    function.__name__ = "own"
    with pytest.raises(mj.InputError, match=sentence):
        mj.measure(dataset.isel(train_size=[0]), [function])


def test_rearranged_runs_are_an_input_error(dataset):
    with pytest.raises(mj.InputError, match=r"has the labels \[0, 0, 3\], but the sweep .* has \[0, 3\]"):
        mj.measure(dataset.isel(seed=[0, 0, 1]), ["loss"])
    with pytest.raises(mj.InputError, match=r"has the labels \[0, 7\]"):
        mj.measure(dataset.assign_coords(seed=[0, 7]), ["loss"])
    with pytest.raises(mj.InputError, match="lost its axis"):
        mj.measure(dataset.stack(run=("train_size", "seed")), ["loss"])
    for damaged in (dataset.isel(snapshot=0, drop=True), None):
        for call in (lambda ds: mj.measure(ds, ["loss"]), mj.params):
            with pytest.raises(mj.InputError, match=r"lost its coordinate 'snapshot'|is of type NoneType"):
                call(damaged)


@pytest.mark.long
def test_pools_of_different_sizes_do_not_share_a_program():
    tasks = [mj.tasks.MNIST1D(num_train=size, num_test=20) for size in (40, 60)]
    spec = mj.Experiment(train_size=30, test_size=10, steps=2, record_every=2, model=MLP(hidden=(4,)))
    ds = mj.sweep(spec, over={"task": tasks}, progress=False)
    alone = mj.sweep(mj.Experiment(**{**vars(spec), "task": tasks[1]}), progress=False)
    np.testing.assert_allclose(ds.train_loss.isel(task=1), alone.train_loss, rtol=1e-6)


@pytest.mark.slow
def test_a_dataset_in_memory_carries_the_objects_that_it_is_of(tmp_path):
    """No `using` within a session, whatever was selected or copied; a file has the names alone, and what changed is refused."""
    weights = np.array([1.0, 3.0])

    def weighted(outputs, targets):
        return jnp.asarray(weights)[targets] * jnp.square(outputs).mean(-1)

    x = np.random.default_rng(0).normal(size=(20, 3))
    task = mj.tasks.from_arrays(x, np.arange(20) % 2)
    line = (lambda key, x: jax.random.normal(key, (x.shape[1], 2)), lambda params, x: x @ params)
    spec = mj.Experiment(
        task=task, model=line, loss=weighted, steps=2, record_every=2, train_size=12, test_size=8, snapshots=(2,)
    )
    over = {"label_noise": {"clean": 0.0, "noisy": 1.0}, "seed": [3, 4]}
    ds = mj.sweep(spec, over, store=tmp_path / "runs", progress=False)
    assert ds.label_noise.values.tolist() == ["clean", "noisy"]
    for chosen in (ds, ds.copy(deep=True), ds.isel(seed=[1]).sortby("label_noise", ascending=False)):
        found = mj.measure(chosen, ["loss"]).train_loss.squeeze("snapshot")
        np.testing.assert_allclose(found, chosen.train_loss.sel(step=2), rtol=1e-6)
    xr.testing.assert_identical(mj.open(mj.save(ds, tmp_path / "ds.nc")), ds)
    kept, using = mj.open(tmp_path / "runs"), (task, spec.model, weighted)
    with pytest.raises(mj.InputError, match=r"refers to .*, which is not data: read it from Python with using="):
        mj.measure(kept, ["loss"])
    np.testing.assert_allclose(mj.measure(kept, ["loss"], using=using).train_loss, mj.measure(ds, ["loss"]).train_loss)
    weights[1] = 4.0
    for dataset, more in ((ds, ()), (kept, using)):
        with pytest.raises(mj.InputError, match=r"weighted', and the object of that name now holds something else"):
            mj.measure(dataset, ["loss"], using=more)
