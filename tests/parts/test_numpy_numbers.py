"""Fields given as numbers of NumPy or JAX: kept as Python's own, so that no sum wraps and equal fields give equal bits."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import memjax as mj
from memjax import InputError
from memjax.analysis import deep_linear_rlct, leverage_null
from memjax.checks.values import number, whole
from memjax.engine.plan.packing import Packing
from memjax.measures.arrays.fourier import fourier_basis
from memjax.measures.sampled.llc import llc
from memjax.models.quadratic_mlp import gromov_weights

RNG = np.random.default_rng(0)
LONG = mj.tasks.from_arrays(np.zeros((30_000, 1), np.float32), np.arange(30_000) % 2)
SHORT = np.int16


def test_a_short_train_size_does_not_wrap_into_test_rows():
    for size in (20_000, SHORT(20_000)):
        spec = mj.Experiment(task=LONG, train_size=size)
        with pytest.raises(InputError, match="need 40000 rows, but the arrays have 30000"):
            spec.sizes()
    with pytest.raises(InputError, match="need 40000 rows"):
        LONG.sizes(SHORT(20_000), SHORT(20_000))
    train, test = LONG.draw(0, *LONG.sizes(SHORT(15_000), None))
    assert not set(train.x.tolist()) & set(test.x.tolist())


# Every dataclass with whole numbers, with values that its own arithmetic would wrap: as eight or sixteen bits, and as Python's.
WHOLE = {
    "experiment": (
        mj.Experiment,
        dict(
            steps=100,
            record_every=50,
            batch_size=100,
            train_size=100,
            test_size=100,
            seed=100,
            data_seed=1,
            init_seed=2,
        ),
    ),
    "random labels": (mj.tasks.RandomLabels, dict(input_dim=100, num_classes=100)),
    "sparse features": (mj.tasks.SparseFeatures, dict(num_features=100)),
    "sparse parity": (mj.tasks.SparseParity, dict(num_bits=125, num_relevant=2)),
    "subpopulations": (mj.tasks.Subpopulations, dict(num_subpopulations=100, num_classes=100, input_dim=100)),
    "teacher": (mj.tasks.TeacherStudent, dict(input_dim=100, output_dim=100, teacher_seed=3)),
    "mnist1d": (mj.tasks.MNIST1D, dict(num_train=100, num_test=100, final_seq_length=40, max_translation=48)),
    "modular": (mj.tasks.ModularArithmetic, dict(p=97)),
    "images": (mj.tasks.Images, dict(subset=100, pixel_seed=100)),
    "mlp": (mj.models.MLP, dict(outputs=100)),
    "autoencoder": (mj.models.Autoencoder, dict(hidden=100, outputs=100)),
    "embedding": (mj.models.EmbeddingMLP, dict(embedding=100, num_tokens=100, outputs=100)),
    "quadratic": (mj.models.QuadraticMLP, dict(hidden=100, num_tokens=100, outputs=100)),
    "transformer": (mj.models.Transformer, dict(width=100, heads=4, mlp=100, num_tokens=100, outputs=100)),
    "llc": (llc, dict(draws=100, burn_in=100, thin=100, chains=100, batch_size=100, seed=100)),
    "packing": (Packing, dict(lanes=100, width=100, runs=100, memory=100)),
}


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("short", [np.int8, np.uint8, np.int64, jnp.int32, lambda value: np.array(value, np.int8)])
def test_whole_numbers_are_kept_as_pythons_own(kind, short):
    make, fields = WHOLE[kind]
    own = {"dataset": "digits"} if kind == "images" else {}
    made = make(**own, **{name: short(value) for name, value in fields.items()})
    assert made == make(**own, **fields)
    assert {name: type(getattr(made, name)) for name in fields} == dict.fromkeys(fields, int)


def test_snapshots_are_kept_as_pythons_own():
    # Eight bits hold no 1000, so that a remainder by it or a comparison with it ended in an OverflowError.
    short = tuple(np.array([0, 100], np.int8))
    assert [type(step) for step in mj.Experiment(steps=5000, record_every=1000, snapshots=short).snapshots] == [
        int,
        int,
    ]
    assert [type(step) for step in mj.Experiment(steps=5000, record_at=short).record_at] == [int, int]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble, jnp.float32, np.array])
def test_numbers_with_a_fraction_are_kept_as_pythons_own(kind):
    half = kind(0.5)
    tasks = [mj.tasks.SparseFeatures(sparsity=half), mj.tasks.TeacherStudent(teacher_scale=half, noise=half)]
    tasks.append(mj.tasks.Subpopulations(exponent=half, spread=half))
    others = [mj.tasks.RandomLabels(labels="power", alpha=half), mj.tasks.MNIST1D(scale_coeff=half, label_noise=half)]
    parts = [mj.models.MLP(init_scale=half), mj.schedules.warmup(peak=half), mj.Experiment(loss_scale=half)]
    for thing in (*tasks, *others, *parts):
        values = [getattr(thing, field.name) for field in dataclasses.fields(thing)]
        assert all(type(value) is float for value in values if value == 0.5) and 0.5 in values


def test_equal_numbers_give_equal_bits():
    # A float64 of NumPy made the comparison and the noise those of 64 bits, Python's own those of 32.
    for task in (mj.tasks.SparseFeatures, lambda sparsity: mj.tasks.TeacherStudent(noise=sparsity)):
        ours, numpys = (
            task(sparsity=kind(0.9)) if task is mj.tasks.SparseFeatures else task(kind(0.9))
            for kind in (float, np.float64)
        )
        assert ours == numpys
        for one, other in zip(ours.draw(0, 3000, 1).train, numpys.draw(0, 3000, 1).train, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_negative_of_a_short_number_does_not_wrap():
    law = mj.tasks.RandomLabels(num_classes=2, labels="exponential", alpha=np.int8(-128)).label_probabilities()
    assert (
        law.tolist()
        == mj.tasks.RandomLabels(num_classes=2, labels="exponential", alpha=-128).label_probabilities().tolist()
    )


def test_functions_of_whole_numbers_do_not_wrap():
    np.testing.assert_array_equal(fourier_basis(np.uint8(200)), fourier_basis(200))
    few, many = gromov_weights(np.int8(23), np.int8(100)), gromov_weights(23, 100)
    np.testing.assert_array_equal(few["layer_0"]["kernel"], many["layer_0"]["kernel"])
    assert deep_linear_rlct((100, 100, 100), np.int8(100)) == deep_linear_rlct((100, 100, 100), 100)
    np.testing.assert_array_equal(leverage_null(np.int8(100), 20), leverage_null(100, 20))


def test_a_whole_number_of_an_optax_factory_is_structure_whoever_made_it():
    def every(learning_rate, decays):
        return optax.chain(*[optax.scale(0.5)] * decays, optax.sgd(learning_rate))

    ours, numpys = (mj.optimizers.from_optax(every, learning_rate=1e-3, decays=kind(2)) for kind in (int, np.int64))
    assert ours == numpys and type(numpys.hyperparameters["decays"]) is int


@pytest.mark.parametrize("bad", [True, np.bool_(True), np.ma.masked, np.datetime64(3, "s"), np.array([3]), "3", 3j])
def test_what_is_no_number_is_refused(bad):
    with pytest.raises(InputError, match=r"steps is .*: give a whole number of at least 1"):
        whole("steps", bad, 1)
    with pytest.raises(InputError, match=r"alpha is .*: give a finite number"):
        number("alpha", bad)


def test_words_of_numpy_are_words():
    assert mj.tasks.RandomLabels(inputs=np.str_("sphere")) == mj.tasks.RandomLabels(inputs="sphere")
