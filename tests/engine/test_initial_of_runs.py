"""Networks that are drawn together have the bits of those drawn one by one; so have the first states of their optimizers."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import memjax as mj
from memjax.engine.plan.samples import sample_of
from memjax.engine.program import initial_of_runs as together
from memjax.engine.program.compiled import _lower_first
from memjax.engine.program.initial import host, initial_parameters
from memjax.engine.program.program import numbers_of
from memjax.engine.program.program_of import program_of
from memjax.random import key_data

LABELS = mj.tasks.RandomLabels(input_dim=5, num_classes=4)
ADDITION = mj.tasks.ModularArithmetic(p=7)
FEATURES = mj.tasks.SparseFeatures(num_features=6, sparsity=0.5)
MODELS = mj.models
SLOW = pytest.mark.slow
CASES = {
    **{rule: (MODELS.MLP(hidden=(9, 70), initializer=rule), LABELS) for rule in ("torch", "normal")},
    **{
        rule: (MODELS.MLP(hidden=(9,), initializer=rule, bias=rule != "he"), LABELS)
        for rule in ("lecun", "he", "xavier")
    },
    "bottleneck": (MODELS.Autoencoder(), FEATURES),
    "embedding": (MODELS.EmbeddingMLP(), ADDITION),
    "tables apart": (MODELS.EmbeddingMLP(shared=False, hidden=(4, 5), initializer="he"), ADDITION),
    "side by side": (MODELS.EmbeddingMLP(concatenate=True), ADDITION),
    "quadratic": (MODELS.QuadraticMLP(hidden=30), ADDITION),
    "transformer": (MODELS.Transformer(width=8, heads=2, mlp=9), ADDITION),
}
FAST = ("torch", "normal", "embedding")


def runs_of(model, task, count=5, **fields):
    """Runs that differ in their seeds and in the scale of their initial parameters."""
    loss = "mse" if task is FEATURES else "cross_entropy"
    base = mj.Experiment(task=task, model=model, loss=loss, steps=2, record_every=1, train_size=8, **fields)
    scales = (1.0, 0.3, 0.7)
    return [
        dataclasses.replace(base, seed=seed, model=dataclasses.replace(model, init_scale=scales[seed % 3]))
        for seed in range(count)
    ]


def program_for(run):
    return program_of(run, sample_of(run, {}).rows)


def assert_same_bits(found, wanted):
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        one, other = np.asarray(one), np.asarray(other)
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


def one_by_one(program, runs):
    return jax.tree.map(lambda *leaves: np.stack(leaves), *(initial_parameters(program, run) for run in runs))


@pytest.fixture
def many(monkeypatch):
    """Two networks are many, and three are drawn at once."""
    monkeypatch.setattr(together, "_MANY", 2)
    monkeypatch.setattr(together, "_AT_ONCE", 3)


@pytest.fixture
def only_together(many, monkeypatch):
    """No network is drawn alone: else a test would compare one way with itself."""
    monkeypatch.setattr(together, "_same_bits", lambda one, other: True)
    monkeypatch.setattr(together, "_drawn_alone", lambda program, runs: None)


@pytest.mark.parametrize("case", [name if name in FAST else pytest.param(name, marks=SLOW) for name in CASES])
def test_networks_drawn_together_are_those_drawn_one_by_one(case, only_together):
    runs = runs_of(*CASES[case])
    program = program_for(runs[0])
    found, wanted = together.initial_of_runs(program, runs), one_by_one(program, runs)
    if jax.__version_info__ < (0, 12):
        assert_same_bits(found, wanted)
    # JAX 0.12 draws three normal numbers at once otherwise than one; every network is then drawn alone.
    jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-6), found, wanted)


@pytest.mark.parametrize("rule", ["torch", "normal"])
def test_networks_have_the_bits_of_those_drawn_one_by_one_under_every_jax(rule, many):
    runs = runs_of(*CASES[rule])
    program = program_for(runs[0])
    assert_same_bits(together.initial_of_runs(program, runs), one_by_one(program, runs))


def test_where_the_first_networks_have_other_bits_together_every_network_is_drawn_alone(many, monkeypatch):
    real, calls = together._drawn_together, []

    def off(program, own, runs):
        calls.append(len(runs))
        return jax.tree.map(lambda leaf: np.nextafter(leaf, np.float32(9)), real(program, own, runs))

    monkeypatch.setattr(together, "_drawn_together", off)
    runs = runs_of(*CASES["torch"])
    program = program_for(runs[0])
    assert_same_bits(together.initial_of_runs(program, runs), one_by_one(program, runs))
    assert calls == [3]


def test_each_structure_of_a_padded_program_is_drawn_together(only_together):
    narrow, wide = (runs_of(MODELS.MLP(hidden=(width,)), LABELS, 4) for width in (3, 6))
    runs = [run for pair in zip(narrow, wide, strict=True) for run in pair]
    program = dataclasses.replace(program_for(wide[0]), widths=(6,))
    found = together.initial_of_runs(program, runs)
    assert found["layer_0"]["kernel"].shape == (8, 5, 6)
    assert_same_bits(found, one_by_one(program, runs))


def test_few_networks_and_given_ones_are_taken_one_by_one(monkeypatch):
    monkeypatch.setattr(together, "_MANY", 3)
    monkeypatch.setattr(together, "_drawn_together", lambda *_: pytest.fail("drawn together"))
    runs = runs_of(MODELS.MLP(hidden=(9,)), LABELS, 5)
    program = program_for(runs[0])
    start = mj.Start.of(initial_parameters(program, runs[0]))
    runs = [dataclasses.replace(run, start=start) if run.seed > 1 else run for run in runs]
    found = together.initial_of_runs(program, runs)
    assert_same_bits(found, one_by_one(program, runs))
    np.testing.assert_array_equal(found["layer_0"]["bias"][2], found["layer_0"]["bias"][4])


def pulled_back(learning_rate):
    """A user's rule that computes its first state from the parameters."""
    rule = optax.sgd(learning_rate)
    length = lambda params: jnp.sqrt(sum(jnp.square(leaf).sum() for leaf in jax.tree.leaves(params)))  # noqa: E731
    return optax.GradientTransformation(lambda params: (rule.init(params), length(params)), rule.update)


RULES = {
    "adam": mj.optimizers.adam(),
    "adamw, clipped": mj.optimizers.adamw(mj.schedules.warmup_cosine(0.1, 1), clip_norm=1.0),
    "sgd with momentum": mj.optimizers.sgd(momentum=0.9),
    "rmsprop": mj.optimizers.rmsprop(),
    "langevin": mj.optimizers.langevin(temperature=0.1),
    "sgld": mj.optimizers.sgld(),
    "dp_sgd": mj.optimizers.dp_sgd(),
    "under a constraint": mj.optimizers.norm_constrained(mj.optimizers.adam()),
    "a user's": mj.optimizers.from_optax(pulled_back, learning_rate=0.1),
    "a user's with noise": mj.optimizers.from_optax(optax.add_noise, eta=0.1, gamma=0.5),
}


@pytest.mark.parametrize("rule", RULES)
def test_first_states_of_optimizers_are_those_of_runs_alone(rule):
    runs = runs_of(MODELS.MLP(hidden=(30,)), LABELS, optimizer=RULES[rule])
    program = program_for(runs[0])
    params, numbers = one_by_one(program, runs), numbers_of(runs, program.traced)
    keys = np.stack([key_data(run.init_key, "noise") for run in runs])
    alone = jax.jit(program.first_state)
    each = [alone(*jax.tree.map(lambda leaf: leaf[i], (params, keys, numbers))) for i in range(len(runs))]  # noqa: B023
    found = _lower_first(program, len(runs), host()).compile()(params, keys, numbers)
    assert_same_bits(found, jax.tree.map(lambda *leaves: np.stack(leaves), *each))
