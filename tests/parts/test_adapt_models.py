"""as_model: Linen modules, NNX factories and pairs of functions give what they give by themselves; junk is refused."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import memjax as mj
from memjax.engine.program.output_shapes import check_functions
from memjax.models import MLP, as_model

X = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


class Net(nn.Module):
    width: int = 4

    @nn.compact
    def __call__(self, x):
        return nn.Dense(2)(nn.tanh(nn.Dense(self.width)(x)))


class NNXNet(nnx.Module):
    def __init__(self, rngs):
        self.first = nnx.Linear(3, 4, rngs=rngs)
        self.second = nnx.Linear(4, 2, rngs=rngs)

    def __call__(self, x):
        return self.second(jnp.tanh(self.first(x)))


def init(key, x):
    return {"w": jax.random.normal(key, (x.shape[1], 2))}


def apply(params, x):
    return x @ params["w"]


def test_a_model_and_a_linen_module_are_taken_as_they_are():
    for model in (MLP(), Net()):
        assert as_model(model) is model


def test_a_pair_of_functions_is_called_with_key_and_inputs():
    for pair in ((init, apply), [init, apply]):
        model = as_model(pair)
        params = model.init(jax.random.key(1), X)
        np.testing.assert_array_equal(params["w"], jax.random.normal(jax.random.key(1), (3, 2)))
        np.testing.assert_array_equal(model.apply(params, X), X @ params["w"])


def test_equal_pairs_are_equal_so_that_they_share_a_program():
    assert as_model((init, apply)) == as_model((init, apply))
    assert hash(as_model(NNXNet)) == hash(as_model(NNXNet))


def test_an_nnx_factory_gives_the_module_with_that_key():
    model = as_model(lambda rngs: NNXNet(rngs))
    params = model.init(jax.random.key(3), X)
    module = NNXNet(nnx.Rngs(jax.random.key(3)))
    np.testing.assert_array_equal(params["first"]["kernel"], module.first.kernel[...])
    np.testing.assert_array_equal(model.apply(params, X), module(X))
    doubled = jax.tree.map(lambda leaf: 2 * np.asarray(leaf), params)
    hidden = np.tanh(X @ doubled["first"]["kernel"] + doubled["first"]["bias"])
    expected = hidden @ doubled["second"]["kernel"] + doubled["second"]["bias"]
    np.testing.assert_allclose(model.apply(doubled, X), expected, rtol=0, atol=1e-6)  # Measured 2.4e-7.


@jax.jit
def _of_two_models(keys, x):
    """Outputs of a batch of two models; of the second alone, and the gradient of their sum."""
    model = as_model(NNXNet)
    params = jax.vmap(lambda key: model.init(key, x))(keys)
    one = jax.tree.map(lambda leaf: leaf[1], params)
    outputs = jax.vmap(model.apply, in_axes=(0, None))(params, x)
    return outputs, model.apply(one, x), jax.grad(lambda p: model.apply(p, x).sum())(one)


def test_an_nnx_model_can_be_differentiated_and_batched():
    outputs, alone, gradient = _of_two_models(jax.random.split(jax.random.key(0), 2), X)
    np.testing.assert_allclose(outputs[1], alone, rtol=0, atol=1e-6)
    np.testing.assert_allclose(gradient["second"]["bias"], [6, 6], rtol=1e-6)


def _trained(*models):
    task = mj.tasks.RandomLabels(input_dim=3, num_classes=2)
    spec = mj.Experiment(task=task, steps=30, record_every=30, train_size=16, measures=("loss",))
    spec = dataclasses.replace(spec, optimizer=mj.optimizers.sgd(0.1))
    return mj.sweep(spec, over={"model": list(models)}, progress=False).train_loss


def test_an_nnx_factory_trains():
    loss = _trained(as_model(NNXNet))
    assert (loss.isel(step=-1) < loss.isel(step=0)).all()


@pytest.mark.long
def test_each_kind_trains():
    loss = _trained(Net(), as_model(NNXNet), as_model((init, apply)))
    assert loss["model"].values.tolist() == ["Net", "NNX", "FunctionPair"]
    assert (loss.isel(step=-1) < loss.isel(step=0)).all()


JUNK = [None, 3, "MLP", {}, (init,), (init, apply, apply), (init, 3), object(), dict, max, str, lambda: None, MLP]


@pytest.mark.parametrize("model", JUNK, ids=lambda thing: getattr(thing, "__name__", type(thing).__name__))
def test_junk_is_refused_with_the_list_of_what_is_not(model):
    with pytest.raises(mj.InputError, match=r"give a model of memjax\.models, a Linen module, an NNX factory"):
        as_model(model)


def test_a_model_of_the_wrong_width_is_refused_before_training():
    spec = mj.Experiment(task=mj.tasks.RandomLabels(input_dim=3, num_classes=5), model=Net(), steps=2, record_every=1)
    with pytest.raises(mj.InputError, match=r"output has shape .* give the model 5 outputs"):
        mj.sweep(spec, progress=False)


class Constant(nnx.Variable):
    pass


class Stateful(nnx.Module):
    """A linear layer and whatever ``make`` gives; with ``read``, what that does to the outputs."""

    def __init__(self, rngs, make, read=None):
        self.layer, self.extra, self.read = nnx.Linear(3, 2, rngs=rngs), make(rngs), read

    def __call__(self, x):
        return self.layer(x) if self.read is None else self.read(self.extra, self.layer(x))


class LinenState(nn.Module):
    part: nn.Module

    @nn.compact
    def __call__(self, x):
        return self.part(x)[:, :2]


def _stateful(make, read=None):
    return lambda rngs: Stateful(rngs, make, read)


def _call(part, h):
    return part(h)


IMPURE = {
    "batch statistics": (
        _stateful(lambda rngs: nnx.BatchNorm(2, rngs=rngs), _call),
        r"keeps extra\.mean \(BatchStat\)",
    ),
    "a variable of ones own": (
        _stateful(lambda rngs: Constant(jnp.ones(2)), lambda v, h: h * v),
        r"extra \(Constant\)",
    ),
    "an array": (_stateful(lambda rngs: jnp.ones(2), lambda v, h: h * v), r"keeps extra beside its parameters"),
    "an array of NumPy": (_stateful(lambda rngs: np.ones(2), lambda v, h: h * v), r"keeps extra beside its parameters"),
    "a key": (
        _stateful(lambda rngs: rngs.params(), lambda key, h: h + jax.random.normal(key)),
        r"keeps extra beside its parameters",
    ),
    "dropout": (
        _stateful(lambda rngs: nnx.Dropout(0.5, rngs=rngs), _call),
        r"draws random numbers in its forward pass",
    ),
    "a generator": (
        _stateful(lambda rngs: rngs, lambda rngs, h: h + jax.random.normal(rngs.noise())),
        r"draws random numbers in its forward pass, as dropout and .* leave dropout out",
    ),
    "a recurrent net": (
        _stateful(lambda rngs: nnx.RNN(nnx.GRUCell(1, 2, rngs=rngs)), lambda rnn, h: rnn(h[..., None])[:, -1]),
        r"draws random numbers in its forward pass, .* give an RNN its initial_carry",
    ),
    "no module": (lambda rngs: None, r"gave a NoneType\. An NNX factory takes rngs and gives an nnx\.Module"),
    "an apply function": (lambda x: x @ jnp.ones((3, 2)), r"failed: TypeError.* a pair of functions \(init\(key, x\)"),
    "Linen statistics alone": (
        LinenState(nn.BatchNorm(use_running_average=True, use_bias=False, use_scale=False)),
        r"keeps the collections \['batch_stats'\] beside its parameters",
    ),
    "Linen dropout": (LinenState(nn.Sequential([nn.Dense(2), nn.Dropout(0.5, deterministic=False)])), "needs PRNG"),
    "whole numbers to train": (
        (lambda key, x: {"w": jnp.ones((3, 2)), "n": jnp.zeros((), jnp.int32)}, lambda params, x: x @ params["w"]),
        r"The model has parameters of int32, which have no gradient",
    ),
}


@pytest.mark.parametrize("kind", IMPURE)
def test_a_model_that_is_no_pure_function_of_its_parameters_is_refused_in_a_sentence(kind):
    model, sentence = IMPURE[kind]
    spec = mj.Experiment(task=mj.tasks.RandomLabels(input_dim=3, num_classes=2), model=model)
    with pytest.raises(mj.InputError, match=sentence):
        check_functions(spec, X[:2], np.zeros(2, np.int32))


@pytest.mark.parametrize(
    "part",
    [
        lambda rngs: nnx.Dropout(0.0, rngs=rngs),
        lambda rngs: nnx.Dropout(0.5, deterministic=True, rngs=rngs),
        lambda rngs: nnx.LoRA(2, 1, 2, rngs=rngs),
        lambda rngs: nnx.MultiHeadAttention(1, 2, dropout_rate=0.1, deterministic=True, decode=False, rngs=rngs),
    ],
    ids=["dropout of rate 0", "dropout switched off", "LoRA", "attention"],
)
def test_a_module_with_generators_that_it_never_asks_gives_what_it_gives_by_itself(part):
    factory = _stateful(part, _call)
    model, module = as_model(factory), factory(nnx.Rngs(jax.random.key(3)))
    np.testing.assert_array_equal(model.apply(model.init(jax.random.key(3), X), X), module(X))


def test_a_class_and_a_module_that_stand_for_a_model_say_what_to_give():
    with pytest.raises(mj.InputError, match=r"Net is a class: give an object of it, such as Net\(\)"):
        as_model(Net)
    with pytest.raises(mj.InputError, match=r"The model of NNXNet .* NNXNet is a module already: give its factory"):
        as_model(NNXNet(nnx.Rngs(0)))
