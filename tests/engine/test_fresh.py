"""Fresh examples in every step: a run is a plain loop over its keys, whatever its company, its packing or its stops."""

import dataclasses
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import memjax as mj
from memjax import losses
from memjax.jax_settings import float_dtype
from memjax.random import generator, key_data
from memjax.tasks import SparseParity
from memjax.types import Data, Split

BITS, BATCH, STEPS = 40, 4, 6


@dataclass(frozen=True)
class Seen:
    """A linear model whose loss is its output: in a step of rate 1, its parameters move by the mean of the inputs."""

    def init(self, key, x):
        del key
        return jnp.zeros(x.shape[1])

    def apply(self, params, x):
        return x @ params[:, None]


def total(outputs, targets):
    return outputs.sum(1)


SPEC = mj.Experiment(
    task=SparseParity(num_bits=BITS, num_relevant=2),
    model=Seen(),
    loss=total,
    optimizer=mj.optimizers.sgd(1.0),
    train_size="fresh",
    batch_size=BATCH,
    test_size=8,
    steps=STEPS,
    record_every=1,
    snapshots=tuple(range(STEPS + 1)),
    measures=("loss", "step_loss", "weight_l2"),
)


def keys_of(seed, step, count=BATCH, purpose="fresh examples"):
    """Typed keys of the examples of one step."""
    run = jax.random.wrap_key_data(jnp.asarray(key_data(seed, purpose)), impl="threefry2x32")
    step = jax.random.fold_in(run, step)
    return jnp.stack([jax.random.fold_in(step, place) for place in range(count)])


def sums_by_hand(seed, task=SPEC.task, steps=STEPS):
    """Sum of the inputs of every step, ``int[steps, D]``."""
    return np.stack([np.asarray(task.fresh((), keys_of(seed, step))[0], int).sum(0) for step in range(steps)])


def sums(dataset, run=None, steps=STEPS, **others):
    """The same, from the moves of the parameters, which are exact: sums of four signs, divided by four."""
    kept = np.stack([mj.params(dataset, run or others, step) for step in range(steps + 1)])
    return -BATCH * np.diff(kept, axis=0)


def swept(spec=SPEC, over=None, store=None, **packing):
    return mj.sweep(spec, over or {"seed": [3]}, packing=mj.Packing(**packing), progress=False, store=store)


@pytest.fixture(scope="module")
def alone():
    return swept()


def test_what_a_run_sees_is_what_the_task_draws_from_the_keys_of_seed_step_and_place(alone):
    expected = sums_by_hand(3)
    np.testing.assert_array_equal(sums(alone, seed=3), expected)
    assert len(np.unique(expected, axis=0)) == STEPS and (sums_by_hand(4) != expected).any(1).all()
    # The loss of a step is that of its own examples, before its update.
    before = np.stack([mj.params(alone, {"seed": 3}, step) for step in range(STEPS)])
    np.testing.assert_allclose(alone.step_loss.values[0, 1:], (before * expected).sum(1) / BATCH, rtol=1e-6)
    # No train example, and no sum over one.
    assert np.isnan(alone.train_loss).all() and np.isfinite(alone.test_loss).all() and np.isnan(alone.step_loss[0, 0])
    assert alone.status.item() == "finished"


@pytest.mark.parametrize("schedule", ["streamed", "batched"])
def test_the_same_bits_in_company_in_any_order_and_under_both_schedules(alone, schedule):
    company = swept(over={"seed": [5, 3, 4]}, schedule=schedule, width=16, runs=4)
    for seed in (3, 4, 5):
        np.testing.assert_array_equal(sums(company, seed=seed), sums_by_hand(seed))
    for name in ("parameters", "step_loss", "weight_l2"):
        np.testing.assert_array_equal(company[name].sel(seed=3), alone[name].sel(seed=3), err_msg=name)


def test_the_data_seed_alone_decides_what_a_run_sees():
    over = {("data_seed", "init_seed"): [(3, 0), (3, 1), (4, 0)]}
    shared = swept(over=over, schedule="batched", width=16, runs=4)
    found = [sums(shared, run={"data_seed_init_seed": place}) for place in range(3)]
    for own, seed in zip(found, (3, 3, 4), strict=True):
        np.testing.assert_array_equal(own, sums_by_hand(seed))


def test_a_stopped_run_goes_on_and_a_longer_one_continues_with_the_examples_it_would_have_seen(
    alone, tmp_path, monkeypatch
):
    from memjax.store import writer

    monkeypatch.setattr("memjax.engine.plan.packing.segment_records", lambda *arguments: 1)
    monkeypatch.setattr(writer, "_SECONDS", 0.0)
    monkeypatch.setattr(writer, "_SHARE", float("inf"))
    keep, left = writer.StoreKeeper.keep, [2]

    def dying(self, block, result):
        left[0] -= 1
        if left[0] < 0:
            raise KeyError("killed")
        keep(self, block, result)

    with monkeypatch.context() as patch:
        patch.setattr(writer.StoreKeeper, "keep", dying)
        with pytest.raises(KeyError):
            swept(store=tmp_path)
    assert 0 < mj.open(tmp_path).stop_step.item() < STEPS
    resumed = swept(store=tmp_path)
    assert resumed.drop_attrs().identical(alone.drop_attrs())


@pytest.mark.slow
def test_more_steps_of_a_kept_state_see_the_examples_of_a_longer_run(alone, tmp_path):
    short = dataclasses.replace(SPEC, steps=2, snapshots=(0, 1, 2))
    mj.sweep(short, {"seed": [3]}, progress=False, store=tmp_path, keep_state=True)
    longer = mj.sweep(SPEC, {"seed": [3]}, progress=False, store=tmp_path)
    np.testing.assert_array_equal(longer.step_loss, alone.step_loss)
    np.testing.assert_array_equal(longer.parameters.sel(snapshot=STEPS), alone.parameters.sel(snapshot=STEPS))


@dataclass(frozen=True)
class Line:
    """A plain task of a user's own: a linear teacher of the data seed, isotropic normal inputs, and noise that is traced."""

    width: int = 5
    noise: float = mj.traced(0.0)
    num_outputs: int = 1

    def draw(self, seed, train_size, test_size):
        def part(split, size):
            x = generator(seed, split).standard_normal((size, self.width), np.float32)
            return Data(x, (x @ self.stream(seed))[:, None].astype(np.float32))

        return Split(part("train", train_size), part("test", test_size))

    def stream(self, seed):
        return generator(seed, "teacher").standard_normal(self.width, np.float32)

    def fresh(self, stream, keys):
        def one(key):
            of_x, of_noise = jax.random.split(key)
            x = jax.random.normal(of_x, (self.width,))
            return x, (x * stream).sum(keepdims=True) + self.noise * jax.random.normal(of_noise, (1,))

        return jax.vmap(one)(keys)


LINE = mj.Experiment(
    task=Line(),
    model=(lambda key, x: jnp.zeros((x.shape[1], 1)), lambda w, x: x @ w),
    optimizer=mj.optimizers.sgd(0.05),
    loss="mse",
    train_size="fresh",
    batch_size=2,
    test_size=0,
    steps=8,
    record_every=8,
    snapshots=(8,),
    measures=("step_loss",),
)


def test_least_mean_squares_follows_the_recursion_of_its_expected_error():
    runs = 200
    ds = mj.sweep(LINE, {"seed": range(runs), "noise": [0.0, 1.0]}, progress=False)
    rate, width, batch = 0.05, LINE.task.width, LINE.batch_size
    # The gradient of the mean of (x e)^2 over a batch is 2 S e with S = mean x x^T, E[S] = 1 and
    # E[S^2] = (D + 1 + B) / B, so E|e'|^2 = (1 - 4 rate + 4 rate^2 (D + 1 + B) / B) |e|^2 + 4 rate^2 noise^2 D / B.
    shrinks = 1 - 4 * rate + 4 * rate**2 * (width + 1 + batch) / batch
    left = shrinks**LINE.steps
    found = ds.parameters.sel(snapshot=8).transpose("seed", "noise", ...).values.reshape(runs, 2, width)
    teacher = np.stack([LINE.task.stream(seed) for seed in range(runs)])
    for place, noise in enumerate((0.0, 1.0)):
        kicks = 4 * rate**2 * noise**2 * width / batch * (1 - left) / (1 - shrinks)
        off = ((found[:, place] - teacher) ** 2).sum(1) - left * (teacher**2).sum(1) - kicks
        assert abs(off.mean()) < 4 * off.std() / np.sqrt(runs)
        # The bound is sharp: a gradient that is an eighth too large changes the error by a quarter.
        assert 4 * off.std() / np.sqrt(runs) < 0.25 * (left * (teacher**2).sum(1).mean() + kicks)


def by_hand(spec, params, seed):
    """Parameters after a plain loop over optax, and mean losses of the steps."""
    model, loss = dataclasses.replace(spec.model, outputs=spec.task.num_outputs), losses.get(spec.loss)
    stream = jax.tree.map(jnp.asarray, spec.task.stream(seed))
    rule = optax.adam(1e-2)
    state, means = rule.init(params), []

    @jax.jit
    def move(params, state, keys, noise):
        x, y = spec.task.fresh(stream, keys)

        def mean(params):
            outputs = model.apply_train(params, x, noise) if model.dropout else model.apply(params, x)
            return loss(outputs, y).mean()

        value, slope = jax.value_and_grad(mean)(params)
        updates, following = rule.update(slope, state, params)
        return optax.apply_updates(params, updates), following, value

    for step in range(spec.steps):
        batch = keys_of(seed, step, spec.batch_size), keys_of(seed, step, spec.batch_size, "forward")
        params, state, value = move(params, state, *batch)
        means.append(float(value))
    return params, means


NETS = {
    "RandomLabels": (mj.tasks.RandomLabels(input_dim=4, num_classes=3, labels="power"), "cross_entropy", 0.0),
    "TeacherStudent, dropout": (mj.tasks.TeacherStudent(4, 2, hidden=(5,), noise=0.3), "mse", 0.25),
    "SparseFeatures": (mj.tasks.SparseFeatures(num_features=6, sparsity=0.5), "mse", 0.0),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if "dropout" in name else [pytest.mark.slow]) for name in NETS]
)
def test_a_network_in_company_of_other_widths_is_a_plain_loop_over_optax(name):
    task, loss, dropout = NETS[name]
    spec = mj.Experiment(
        task=task,
        model=mj.models.MLP(hidden=(6,), dropout=dropout),
        optimizer=mj.optimizers.adam(1e-2),
        loss=loss,
        train_size="fresh",
        batch_size=5,
        test_size=16,
        steps=8,
        record_every=4,
        snapshots=(0, 8),
    )
    over = {"model.hidden": [(6,), (9,)], "seed": [1, 2]}
    assert mj.explain(spec, over).programs == 1
    six = mj.sweep(spec, over, progress=False).sel(hidden="6")
    params, means = by_hand(spec, jax.tree.map(jnp.asarray, mj.params(six, {"seed": 2}, 0)), 2)
    # Largest difference over the cases: 5e-7 of a parameter, and 2e-6 of the value of a loss.
    for own, other in zip(jax.tree.leaves(mj.params(six, {"seed": 2}, 8)), jax.tree.leaves(params), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-5, atol=5e-6)
    found = six.step_loss.sel(seed=2).values
    np.testing.assert_allclose(found[1:], [np.mean(means[:4]), np.mean(means[4:])], rtol=1e-5)


LABELS = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=4, num_classes=3),
    model=mj.models.MLP(hidden=(5,)),
    train_size="fresh",
    batch_size=4,
    test_size=12,
    steps=4,
    record_every=2,
    snapshots=(4,),
)


@pytest.fixture(scope="module")
def both():
    return mj.sweep(LABELS, {"train_size": [16, "fresh"], "seed": [0, 1]}, progress=False)


def test_default_variables_are_those_that_users_know_beside_runs_with_a_train_set(both):
    assert set(both) - {"parameters"} == {
        "step_loss", "train_loss", "test_loss", "train_accuracy", "test_accuracy", "weight_l2",
    }  # fmt: skip
    assert both.train_size.values.tolist() == ["16", "fresh"] and both.test_loss.attrs["units"] == "nats"
    fresh = both.sel(train_size="fresh")
    assert np.isnan(fresh.train_loss).all() and np.isfinite(fresh[["test_loss", "test_accuracy", "weight_l2"]]).all()
    assert np.isfinite(fresh.step_loss[:, 1:]).all() and np.isnan(both.step_loss.sel(train_size="16")).all()
    # Before training, both kinds of run see the same test set with the same network.
    np.testing.assert_allclose(fresh.test_loss.sel(step=0), both.test_loss.sel(train_size="16", step=0), rtol=1e-6)


def test_snapshots_have_no_train_example_and_are_measured_on_the_test_set(both):
    ds = both.sel(train_size=["fresh"])
    one = next(mj.snapshots(ds))
    assert len(one.train.x) == len(one.train.y) == 0 and one.train.x.shape[1:] == (4,) and one.test.x.shape == (12, 4)
    found = mj.measure(ds, ["loss", mj.measures.dimensionality(split="test")])
    np.testing.assert_allclose(found.test_loss.sel(snapshot=4), ds.test_loss.sel(step=4), rtol=1e-6)
    assert np.isnan(found.train_loss).all() and np.isfinite(found.data_dimensionality).all()
    for measure in (mj.measures.llc(nbeta=2.0), mj.measures.llc(), mj.measures.dimensionality()):
        with pytest.raises(mj.InputError, match=r"train (examples of a run, but|examples, of which).*\.$"):
            mj.measure(ds, [measure])


@pytest.mark.slow
def test_values_of_single_test_examples_are_kept_also_in_a_store(tmp_path):
    spec = dataclasses.replace(LABELS, examples=(mj.measures.by_example("loss", on="test"),), snapshots=())
    ds = mj.sweep(spec, {"seed": [0, 1]}, progress=False, store=tmp_path)
    assert "example" not in ds.dims and ds.sizes["test_example"] == 12
    np.testing.assert_allclose(ds.test_example_loss.mean("test_example")[:, 0], ds.test_loss.sel(step=4), rtol=1e-6)
    assert mj.open(tmp_path).identical(ds)


def test_a_run_that_diverges_is_found_by_the_loss_of_its_steps():
    # After the first step, the output for almost any example is beyond the largest number.
    wild = swept(over={"learning_rate": [1.0, 0.9 * float(np.finfo(float_dtype()).max)]})
    assert wild.status.values.tolist() == ["finished", "diverged"] and wild.stop_step.values[1] < STEPS
    assert "the loss was" in wild.stop_reason.values[1] and np.isnan(wild.step_loss.values[1, -1])
    assert np.isfinite(wild.step_loss.values[0, 1:]).all()


TRACED = {
    "label_noise": (SparseParity(num_bits=8, num_relevant=2), [0.0, 0.2]),
    "sparsity": (mj.tasks.SparseFeatures(num_features=6), [0.0, 0.5]),
    "alpha": (mj.tasks.RandomLabels(input_dim=4, num_classes=3, labels="power"), [0.0, 2.0]),
    "exponent": (mj.tasks.Subpopulations(6, input_dim=4, num_classes=3), [0.0, 2.0]),
    "spread": (mj.tasks.Subpopulations(6, input_dim=4, num_classes=3), [0.0, 0.5]),
    "noise": (mj.tasks.TeacherStudent(4, 2, hidden=()), [0.0, 1.0]),
    "teacher_scale": (mj.tasks.TeacherStudent(4, 2, hidden=()), [1.0, 2.0]),
    "teacher_seed": (mj.tasks.TeacherStudent(4, 2, hidden=()), [1, 2]),
}


@pytest.mark.parametrize("field", TRACED)
def test_numbers_of_a_task_share_a_program(field):
    task, values = TRACED[field]
    loss = "cross_entropy" if field in ("alpha", "exponent", "spread") else "mse"
    spec = dataclasses.replace(LABELS, task=task, loss=loss, model=mj.models.MLP(hidden=()), snapshots=())
    assert mj.explain(spec, {field: values, "seed": [0, 1]}).programs == 1


def test_memory_does_not_grow_with_the_steps():
    few, many = (
        mj.explain(dataclasses.replace(LABELS, steps=steps, record_every=steps, snapshots=())) for steps in (10, 10_000)
    )
    assert few.memory.blocks == many.memory.blocks
    stored = dataclasses.replace(LABELS, steps=10_000, record_every=10_000, train_size=40_000, snapshots=())
    assert mj.explain(stored).memory.blocks > 20 * many.memory.blocks
