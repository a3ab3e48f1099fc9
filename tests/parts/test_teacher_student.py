"""TeacherStudent: the teacher by MLP itself, the law of its parameters, nesting, and sentences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax import InputError
from memjax.tasks import TeacherStudent


def as_params(layers):
    return {f"layer_{i}": {"kernel": jnp.float32(k), "bias": jnp.float32(b)} for i, (k, b) in enumerate(layers)}


def test_targets_are_what_the_mlp_of_these_parameters_gives():
    task = TeacherStudent(4, 3, (20, 30), teacher_scale=2.0)
    model = mj.models.MLP(hidden=(20, 30), activation="tanh", outputs=3)
    for x, y in task.draw(seed=5, train_size=40, test_size=30):
        assert (x.dtype, y.dtype, y.shape) == (np.float32, np.float32, (len(x), 3)) and len(x) in (40, 30)
        # Sums of thirty products of float32 numbers of size one: measured 1e-6.
        np.testing.assert_allclose(y, jax.jit(model.apply)(as_params(task.teacher(5)), x), atol=1e-5)


def test_without_hidden_layers_the_teacher_is_affine():
    task = TeacherStudent(4, 3, ())
    (kernel, bias), *others = task.teacher(2)
    x, y = task.draw(2, 40, 1).train
    assert not others
    np.testing.assert_allclose(y, x.astype(float) @ kernel + bias, rtol=1e-6)


def test_parameters_are_uniform_within_one_over_the_root_of_the_fan_in():
    layers = TeacherStudent(25, 4, (400, 100), teacher_scale=3.0).teacher(1)
    for (kernel, bias), fan_in in zip(layers, (25, 400, 100), strict=True):
        bound = 3.0 / fan_in**0.5
        assert kernel.shape[0] == fan_in and bias.shape == kernel.shape[1:]
        assert 0.99 * bound < np.abs(kernel).max() <= bound and np.abs(bias).max() <= bound
        # The standard deviation of a uniform law; of 400 numbers it is known to 2.2%.
        assert kernel.std() == pytest.approx(bound / 3**0.5, rel=0.1)
    assert not np.isclose(layers[0][0][0, :4], layers[0][1][:4]).any()


def test_a_smaller_draw_is_the_beginning_of_a_larger_one():
    task = TeacherStudent(noise=0.3)
    large, small = task.draw(11, 301, 257), task.draw(11, 50, 33)
    for split in ("train", "test"):
        one, other = getattr(small, split), getattr(large, split)
        np.testing.assert_array_equal(one.x, other.x[: len(one.x)])
        np.testing.assert_array_equal(one.y, other.y[: len(one.y)])


def test_every_seed_has_a_teacher_and_inputs_of_its_own_unless_one_teacher_is_asked_for():
    own, common = TeacherStudent(), TeacherStudent(teacher_seed=7)
    assert not np.isclose(own.teacher(0)[0][0], own.teacher(1)[0][0]).any()
    np.testing.assert_array_equal(common.teacher(0)[2][0], own.teacher(7)[2][0])
    np.testing.assert_array_equal(common.draw(3, 9, 1).train.x, own.draw(3, 9, 1).train.x)
    x = own.draw(0, 5000, 5000)
    # Correlations of 5000 independent numbers scatter by 0.014.
    assert abs((x.train.x[:, 0] * x.test.x[:, 0]).mean()) < 0.07 and abs(x.train.x.std() - 1) < 0.03


def test_noise_is_on_train_targets_only():
    clean, noisy = (TeacherStudent(noise=s).draw(2, 4000, 50) for s in (0.0, 0.5))
    np.testing.assert_array_equal(clean.test.y, noisy.test.y)
    added = noisy.train.y - clean.train.y
    # 20,000 numbers: the standard deviation is known to 0.5%.
    assert added.std() == pytest.approx(0.5, rel=0.025) and abs(added.mean()) < 0.02


def test_a_spec_reads_back_what_it_wrote():
    task = TeacherStudent(3, 2, [8, 9], 0.5, 4, 0.1)
    assert mj.Experiment.from_json(mj.Experiment(task=task, loss="mse").to_json()).task == task and task.hidden == (
        8,
        9,
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"input_dim": 0}, r"TeacherStudent\.input_dim is 0: give a whole number of at least 1\."),
        ({"output_dim": 0}, r"TeacherStudent\.output_dim is 0: give a whole number of at least 1\."),
        ({"hidden": 100}, r"TeacherStudent\.hidden is 100: give a tuple of widths"),
        ({"hidden": (100, 0)}, r"TeacherStudent layer width is 0: give a whole number of at least 1\."),
        ({"teacher_scale": float("inf")}, r"TeacherStudent\.teacher_scale is inf: give a finite number\."),
        ({"teacher_seed": -1}, r"TeacherStudent\.teacher_seed is -1: give a whole number of at least 0\."),
        ({"noise": -0.1}, r"TeacherStudent\.noise is -0\.1: give a finite number of at least 0\."),
    ],
)
def test_every_bad_field_has_its_sentence(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        TeacherStudent(**fields)
