"""SparseParity, the hinge loss and sign_accuracy: products by hand, laws against closed forms, limits, int8 in a sweep."""

import itertools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax import InputError, losses
from memjax.examples import Tile
from memjax.measures import sign_accuracy
from memjax.optimizers import sgd
from memjax.tasks import SparseParity
from memjax.types import Data, Split

SIGMAS = 5


@pytest.mark.parametrize(
    ("fields", "relevant"),
    [
        ({"num_bits": 11, "num_relevant": 3}, [0, 1, 2]),
        ({"num_bits": 11, "num_relevant": 3, "support": (10, 2, 7)}, [2, 7, 10]),
        ({"num_bits": 9, "num_relevant": 9}, range(9)),
        ({"num_bits": 1, "num_relevant": 1}, [0]),
    ],
)
def test_the_target_is_the_product_of_the_relevant_signs(fields, relevant):
    for x, y in SparseParity(**fields).draw(seed=3, train_size=200, test_size=70):
        assert (x.dtype, y.dtype, y.shape) == (np.int8, np.float32, (len(x), 1)) and x.shape[1] == fields["num_bits"]
        for row, target in zip(x.tolist(), y[:, 0].tolist(), strict=True):
            assert set(row) <= {-1, 1}
            assert target == (-1) ** sum(row[place] == -1 for place in relevant)


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("num_bits", [3, 8, 40])
def test_a_smaller_draw_is_the_beginning_of_a_larger_one(num_bits, split):
    task = SparseParity(num_bits, 2, label_noise=0.4)
    large, small = (getattr(task.draw(11, *sizes), split) for sizes in ((257, 301), (50, 33)))
    np.testing.assert_array_equal(small.x, large.x[: len(small.x)])
    np.testing.assert_array_equal(small.y, large.y[: len(small.y)])
    assert len(small.x) in (50, 33)


def test_splits_and_seeds_are_independent():
    train, test = SparseParity(40).draw(0, 500, 500)
    other = SparseParity(40).draw(1, 500, 1).train
    inputs = [set(map(bytes, x)) for x in (train.x, test.x, other.x)]
    assert not any(a & b for a, b in itertools.combinations(inputs, 2)) and all(len(x) == 500 for x in inputs)


def test_every_input_is_equally_likely():
    x = SparseParity(10, 2).draw(0, 64_000, 1).train.x
    count = np.bincount((x > 0) @ (1 << np.arange(10)), minlength=1024)
    # Chi-square with 1023 degrees of freedom: standard deviation 45; measured 61 above its mean.
    assert abs(((count - 62.5) ** 2 / 62.5).sum() - 1023) < SIGMAS * 45


def test_fewer_than_all_relevant_signs_tell_nothing():
    (x, y), _ = SparseParity(12, 3).draw(5, 40_000, 1)
    for k in (1, 2, 3):
        for places in itertools.combinations(range(12), k):
            correlation = (x[:, list(places)].prod(1) * y[:, 0]).mean()
            if places == (0, 1, 2):
                assert correlation == 1
            else:
                assert abs(correlation) < SIGMAS / np.sqrt(40_000)  # Measured at most 3.0 of these for 298 sets.


@pytest.mark.parametrize("noise", [0.1, 0.5, 1.0])
def test_label_noise_flips_its_share_of_train_targets_only(noise):
    clean, noisy = (SparseParity(20, label_noise=q).draw(2, 10_000, 300) for q in (0.0, noise))
    np.testing.assert_array_equal(noisy.train.x, clean.train.x)
    np.testing.assert_array_equal(noisy.test.y, clean.test.y)
    assert set(noisy.train.y.flat) == {-1.0, 1.0}
    flipped = (noisy.train.y != clean.train.y).mean()
    assert abs(flipped - noise) <= SIGMAS * np.sqrt(noise * (1 - noise) / 10_000)


def test_flips_do_not_depend_on_the_inputs():
    # Eight bytes a row, as many as a random number takes, so that a shared stream would show in this very row.
    clean, noisy = (SparseParity(64, label_noise=q).draw(2, 20_000, 1).train for q in (0.0, 0.5))
    flipped = noisy.y != clean.y
    # Measured at most 2.5 of these for 64 signs.
    assert np.abs((clean.x * (1 - 2 * flipped)).mean(0)).max() < SIGMAS / np.sqrt(20_000)


@dataclass(frozen=True)
class InFloats:
    """The same examples with float32 inputs."""

    task: SparseParity
    num_outputs: int = 1

    def draw(self, seed, train_size, test_size):
        parts = self.task.draw(seed, train_size, test_size)
        return Split(*(Data(part.x.astype(np.float32), part.y) for part in parts))


@pytest.mark.long
def test_one_pass_with_int8_inputs_learns_and_is_that_with_floats():
    task = SparseParity(20, 2)
    spec = mj.Experiment(
        task=task,
        model=mj.models.MLP(hidden=100),
        loss="hinge",
        optimizer=sgd(0.3),
        batch_size=32,
        steps=200,
        train_size=200 * 32,
        test_size=1000,
        record_every=100,
        measures=("loss", "sign_accuracy"),
    )
    ds = mj.sweep(spec, over={"task": [task, InFloats(task)]})
    for variable in ("train_loss", "test_loss", "train_sign_accuracy", "test_sign_accuracy"):
        np.testing.assert_array_equal(ds[variable].isel(task=0), ds[variable].isel(task=1))
    # Measured in eight seeds: 0.47 to 0.54, then 1.0 with a loss below 1e-4.
    start, *_, end = ds.test_sign_accuracy.isel(task=0).values
    assert abs(start - 0.5) < 0.1 and end > 0.99 and ds.test_loss.values[0, -1] < 0.1


def hinge_by_hand(outputs, targets):
    return [
        sum(max(0.0, 1 - y * o) for o, y in zip(*pair, strict=True)) / len(pair[0])
        for pair in zip(outputs.tolist(), targets.tolist(), strict=True)
    ]


def test_hinge_is_the_mean_of_what_margins_lack_to_one():
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(50, 3)).astype(np.float32) * 2
    targets = rng.choice([-1.0, 1.0], (50, 3)).astype(np.float32)
    # Means of three float32 values up to 8: measured 2.6e-7.
    np.testing.assert_allclose(losses.hinge(outputs, targets), hinge_by_hand(outputs, targets), atol=1e-6)
    np.testing.assert_array_equal(losses.hinge(-outputs, -targets), losses.hinge(outputs, targets))
    assert losses.get("hinge") is losses.hinge


def test_hinge_at_zero_is_one_and_its_slope_is_that_of_the_target_inside_the_margin():
    targets = jnp.array([[1.0], [-1.0], [1.0], [-1.0]])
    assert losses.hinge(jnp.zeros((4, 1)), targets).tolist() == [1, 1, 1, 1]
    outputs = jnp.array([[0.5], [3.0], [1.5], [-2.0]])
    assert losses.hinge(outputs, targets).tolist() == [0.5, 4.0, 0.0, 0.0]
    slope = jax.grad(lambda out: losses.hinge(out, targets).sum())(outputs)
    assert slope[:, 0].tolist() == [-1, 1, 0, 0]
    assert np.isnan(losses.hinge(jnp.array([[jnp.nan]]), jnp.ones((1, 1)))[0])


def accuracy_of(outputs, targets):
    tile = Tile(jnp.asarray(outputs), jnp.asarray(targets), jnp.ones(len(outputs), bool))
    return np.asarray(sign_accuracy.function(None, lambda params, x: x, tile))


def test_sign_accuracy_compares_signs_and_counts_a_tie_wrong():
    outputs = np.array([[0.1], [-7.0], [2.0], [0.0], [-0.0], [1e-30]], np.float32)
    targets = np.array([[1], [-1], [-1], [1], [-1], [1e-30]], np.float32)
    assert accuracy_of(outputs, targets).tolist() == [1, 1, 0, 0, 0, 1]
    assert accuracy_of(outputs, -targets).tolist() == [0, 0, 1, 0, 0, 0]
    assert accuracy_of([[2.0, -2.0, 1.0, 0.0]], [[1.0, 1.0, 1.0, 1.0]]).tolist() == [0.5]
    assert sign_accuracy.splits == ("train", "test") and mj.measures.BUILT_IN["sign_accuracy"] is sign_accuracy


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_sign_accuracy_of_an_output_that_is_not_finite_is_nan(broken):
    found = accuracy_of([[broken, 1.0], [1.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]])
    assert np.isnan(found[0]) and found[1] == 1


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (jnp.zeros(5, jnp.int32), r"int32\[5\]"),
        (jnp.ones(5), r"float32\[5\]"),
        (jnp.ones((5, 2), int), r"int32\[5, 2\]"),
    ],
    ids=["labels", "flat", "whole"],
)
def test_targets_that_are_no_signs_are_refused(targets, said):
    with pytest.raises(
        InputError, match=rf"loss is 'hinge', but the targets are {said} for outputs \[5, 2\]: give a float"
    ):
        losses.hinge(jnp.zeros((5, 2)), targets)
    with pytest.raises(
        InputError, match=rf"'sign_accuracy' needs a float target .* {said} for outputs \[5, 2\]: use accuracy"
    ):
        accuracy_of(jnp.zeros((5, 2)), targets)


def test_a_sweep_with_labels_refuses_hinge_and_sign_accuracy():
    base = {"steps": 10, "train_size": 20, "model": mj.models.MLP(hidden=4)}
    with pytest.raises(InputError, match="loss is 'hinge', but the targets are int32"):
        mj.sweep(mj.Experiment(loss="hinge", **base))
    with pytest.raises(InputError, match="'sign_accuracy' needs a float target"):
        mj.sweep(mj.Experiment(measures=("loss", "sign_accuracy"), **base))


def test_a_spec_reads_back_what_it_wrote():
    task = SparseParity(30, 2, (4, 9), 0.1)
    assert mj.Experiment.from_json(mj.Experiment(task=task).to_json()).task == task
    assert SparseParity(30, 2, np.array([4, 9])) == SparseParity(30, 2, [4, 9]) and hash(task) == hash(
        SparseParity(30, 2, [4, 9], 0.1)
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"num_bits": 0}, r"num_bits is 0: give a whole number of at least 1\."),
        ({"num_relevant": 0}, r"num_relevant is 0: give a whole number of at least 1\."),
        ({"num_bits": 4, "num_relevant": 5}, r"num_relevant is 5, but there are 4 bits: give at most as many\."),
        ({"support": (1, 2)}, r"support has 2 places, but num_relevant is 3: give as many as that\."),
        ({"support": (1, 2, 40)}, r"support holds 40, but there are 40 bits: give places from 0 to 39\."),
        ({"support": (1, 2, 2)}, r"support is \(1, 2, 2\): give a tuple of places, each once, or None\."),
        ({"support": (1, 2, -1)}, r"support is -1: give a whole number of at least 0\."),
        ({"support": "first"}, r"support is 'first': give a tuple"),
        ({"label_noise": -0.1}, r"label_noise is -0\.1: give a finite number from 0 to 1\."),
    ],
)
def test_every_bad_field_has_its_sentence(fields, sentence):
    with pytest.raises(InputError, match=rf"SparseParity\.{sentence}"):
        SparseParity(**fields)
