"""What a closed-form fit refuses, and how its parts are written and counted."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax.models import MLP, ClassMean, LeastSquares, LookUp, NearestNeighbors, RandomFourier, RandomReLU
from memjax.optimizers import adam, closed_form, norm_constrained

VALUES = mj.tasks.TeacherStudent(input_dim=3, output_dim=2, hidden=())
FIT = mj.Experiment(
    task=VALUES, model=LeastSquares(), optimizer=closed_form(), loss="mse", steps=1, record_every=1, train_size=10
)

REFUSED = {
    "a network": (dict(model=MLP()), r"asks the model for a fit, which MLP.* use ClassMean, .*NearestNeighbors of"),
    "more steps": (dict(steps=2), r"steps is 2, but closed_form\(\) .* use steps = 1\."),
    "a minibatch": (dict(batch_size=5), r"batch_size is 5, .* use batch_size = None\."),
    "a factor": (dict(loss_scale=2.0), r"loss_scale is 2\.0, .* use loss_scale = 1\."),
    "another loss": (
        dict(loss="hinge"),
        r"loss is 'hinge', which the fit of LeastSquares does not minimise: use one of mse",
    ),
    "no gradient": (
        dict(model=NearestNeighbors(), optimizer=adam()),
        r"NearestNeighbors\(.*\) has no gradient, so adam cannot train it: .*closed_form\(\)",
    ),
    "too little room": (dict(model=LookUp(room=9)), r"LookUp\.room is 9, less than train_size = 10"),
    "too many neighbours": (dict(model=NearestNeighbors(11)), r"NearestNeighbors\.k is 11, more than train_size = 10"),
    "classes of values": (dict(model=ClassMean()), r"ClassMean needs class labels, but the targets are float32 values"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_fitted_is_refused(name):
    fields, sentence = REFUSED[name]
    with pytest.raises(mj.InputError, match=sentence):
        mj.explain(dataclasses.replace(FIT, **fields))


def test_there_is_no_learning_rate_to_sweep():
    with pytest.raises(mj.InputError, match="no field 'learning_rate'"):
        mj.explain(FIT, over={"learning_rate": [0.1]})


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: LeastSquares(ridge=-1.0), r"LeastSquares\.ridge is -1\.0: give a finite number of at least 0"),
        (lambda: LeastSquares(MLP()), r"LeastSquares\.features is MLP"),
        (lambda: RandomFourier(scale=0), r"RandomFourier\.scale is 0: give a positive length"),
        (lambda: RandomReLU(0), r"RandomReLU\.width is 0"),
        (lambda: NearestNeighbors(0), r"NearestNeighbors\.k is 0"),
        (lambda: norm_constrained(closed_form()), r"norm_constrained got closed_form\(\)"),
    ],
)
def test_a_value_out_of_range_is_refused(make, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        make()


class Halved:
    """A user's own fit, which forgets a parameter."""

    def init(self, key, x):
        return {"a": jnp.zeros(2), "b": jnp.zeros(1)}

    def apply(self, params, x):
        return jnp.broadcast_to(params["a"], (len(x), 2))

    def fit(self, params, examples):
        return {"a": examples.sum(lambda tile: jnp.where(tile.mask[:, None], tile.y, 0).sum(0)) / examples.size}


class Own(Halved):
    """The mean target."""

    def fit(self, params, examples):
        return {**params, **super().fit(params, examples)}


def test_a_users_own_model_is_fitted_and_its_arrays_are_checked():
    with pytest.raises(mj.InputError, match=r"The fit of the model Halved gives arrays of the shapes .* init draws"):
        mj.explain(dataclasses.replace(FIT, model=Halved()))
    found = mj.sweep(dataclasses.replace(FIT, model=Own(), snapshots=(1,)), progress=False)
    (run,) = mj.snapshots(found)
    np.testing.assert_allclose(run.params["a"], run.train.y.mean(0), rtol=1e-5)


@pytest.mark.parametrize(
    "model", [LeastSquares(RandomFourier(5, 2.0), 0.1), NearestNeighbors(3, 20), LookUp(), ClassMean()], ids=repr
)
def test_a_spec_of_a_fit_is_read_as_it_was_written(model):
    spec = dataclasses.replace(FIT, model=model)
    assert mj.Experiment.from_json(spec.to_json()) == spec


def test_a_plan_counts_the_train_set_among_the_parameters():
    small, large = (
        mj.explain(dataclasses.replace(FIT, model=NearestNeighbors(room=room)), over={"seed": [0, 1]})
        for room in (10, 100_000)
    )
    # One flag, three inputs and two targets for each place.
    assert "60 parameters" in str(small) and "600,000 parameters" in str(large)
