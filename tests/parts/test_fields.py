"""Fields by path: resolving names, replacing values, and telling traced numbers from structure."""

import dataclasses

import flax.linen as nn
import jax
import numpy as np
import optax
import pytest

from memjax import Experiment, InputError, fields, traced
from memjax.experiment.axes import resolve
from memjax.models import MLP
from memjax.optimizers import adam, adamw, cosine, from_optax, sgd, warmup_cosine


@dataclasses.dataclass(frozen=True)
class Block:
    scale: float = traced(1.0)
    width: int = 3


@dataclasses.dataclass(frozen=True)
class TwoBlocks:
    left: Block = Block()
    right: Block = Block()
    gain: float = 2.0

    def init(self, key, x):
        return {"w": jax.numpy.zeros((x.shape[1], 2))}

    def apply(self, params, x):
        return x @ params["w"]


class Linen(nn.Module):
    width: int = 4
    part: nn.Module | None = None

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.width)(x)


SCHEDULED = Experiment(optimizer=adam(warmup_cosine(peak=0.1)), model=TwoBlocks())


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("steps", "steps"),
        ("hidden", "model.hidden"),
        ("learning_rate", "optimizer.learning_rate"),
        ("optimizer.learning_rate", "optimizer.learning_rate"),
        ("alpha", "task.alpha"),
        ("model", "model"),
    ],
)
def test_a_short_or_a_full_name_finds_its_field(name, path):
    assert resolve(Experiment(), name) == path


def test_fields_inside_schedules_and_nested_objects_are_found():
    assert resolve(SCHEDULED, "peak") == "optimizer.learning_rate.peak"
    assert resolve(SCHEDULED, "learning_rate.peak") == "optimizer.learning_rate.peak"
    assert resolve(SCHEDULED, "left.scale") == "model.left.scale"


def test_an_ambiguous_name_lists_the_candidates():
    with pytest.raises(InputError, match=r"'scale' is ambiguous: write model\.left\.scale or model\.right\.scale"):
        resolve(SCHEDULED, "scale")


def test_an_unknown_name_suggests_the_near_one_and_lists_all():
    with pytest.raises(InputError, match=r"no field 'learning_rat' to sweep\. Did you mean learning_rate") as caught:
        resolve(Experiment(), "learning_rat")
    assert all(path in str(caught.value) for path in fields.paths(Experiment()))
    with pytest.raises(InputError, match=r"no field 'zzz' to sweep\. The fields are"):
        resolve(Experiment(), "zzz")


WORDS = {
    Experiment(): {
        "lr": "learning_rate",
        "LR": "learning_rate",
        "optimizer.lr": "learning_rate",
        "Learning-Rate": "learning_rate",
        "wd": "l2",
        "beta2": "b2",
        "width": "hidden",
        "depth": "hidden",
        "hidden_size": "hidden",
        "epochs": "steps",
        "batch": "batch_size",
        "batchsize": "batch_size",
        "seeds": "seed",
        "n": "train_size",
        "noise": "label_noise",
    },
    SCHEDULED: {"lr": "learning_rate or peak", "warmup": "warmup_steps"},
    Experiment(optimizer=adamw()): {"wd": "weight_decay", "WeightDecay": "weight_decay"},
    Experiment(model=Linen()): {"hidden_dim": "width", "d_model": "width"},
}


@pytest.mark.parametrize("spec", WORDS, ids=lambda spec: f"{spec.optimizer.name}-{type(spec.model).__name__}")
def test_a_word_of_another_library_suggests_the_field(spec):
    for word, field in WORDS[spec].items():
        with pytest.raises(
            InputError, match=rf"There is no field '{word}' to sweep\. Did you mean {field}\?.* The fields are"
        ):
            resolve(spec, word)


MISNAMED = {
    "epochs": (lambda: Experiment.from_json('{"epochs": 3}'), "steps"),
    "lr": (lambda: Experiment.from_json('{"optimizer": {"type": "optimizers.adam", "lr": 0.1}}'), "learning_rate"),
    "width": (lambda: Experiment.from_json('{"model": {"type": "models.MLP", "width": 3}}'), "hidden"),
    "modulus": (lambda: Experiment.from_json('{"task": {"type": "tasks.ModularArithmetic", "modulus": 7}}'), "p"),
    "wd": (lambda: from_optax(optax.adamw, learning_rate=0.1, wd=1.0), "weight_decay"),
}


@pytest.mark.parametrize("word", MISNAMED)
def test_such_a_word_in_a_spec_or_for_a_factory_of_optax_suggests_the_field(word):
    call, field = MISNAMED[word]
    with pytest.raises(InputError, match=rf"{word}.*\. Did you mean {field}\?"):
        call()


@pytest.mark.parametrize("name", ["", ".", ".seed", "optimizer.", "__class__", "seed.real"])
def test_what_is_no_name_is_an_input_error(name):
    with pytest.raises(InputError, match="no field"):
        resolve(Experiment(), name)


def test_replace_changes_one_field_and_nothing_else():
    before = fields.paths(SCHEDULED)
    after = fields.paths(fields.replace(SCHEDULED, {"optimizer.learning_rate.peak": 0.7}))
    changed = {path for path in before if before[path] != after[path]}
    assert changed == {"optimizer", "optimizer.learning_rate", "optimizer.learning_rate.peak"}
    assert after["optimizer.learning_rate.peak"] == 0.7
    assert before["optimizer.learning_rate.peak"] == 0.1


def test_replace_reaches_each_of_two_equal_parts():
    changed = fields.replace(SCHEDULED, {"model.right.scale": 5.0}).model
    assert (changed.left.scale, changed.right.scale) == (1.0, 5.0)


def test_replace_with_a_bad_value_is_refused_as_a_fresh_experiment_is():
    with pytest.raises(InputError, match=r"train_size is 0"):
        fields.replace(Experiment(), {"train_size": 0})
    with pytest.raises(InputError, match=r"MLP layer width is -3"):
        fields.replace(Experiment(), {"model.hidden": (-3,)})


def test_the_traced_numbers_of_the_default_experiment_are_these():
    assert dict(fields.traced_values(Experiment())) == {
        "task.alpha": 1.0,
        "model.init_scale": 1.0,
        "optimizer.learning_rate": 1e-3,
        "optimizer.b1": 0.9,
        "optimizer.b2": 0.999,
        "optimizer.eps": 1e-8,
        "optimizer.l2": 0.0,
        "loss_scale": 1.0,
    }


def test_numbers_are_traced_where_declared_and_none_bools_and_plain_fields_are_not():
    values = fields.traced_values(Experiment(optimizer=sgd(0.1, momentum=0.9, nesterov=True), model=TwoBlocks()))
    assert set(values) == {
        "task.alpha",
        "model.left.scale",
        "model.right.scale",
        "optimizer.learning_rate",
        "optimizer.l2",
        "optimizer.momentum",
        "loss_scale",
    }
    scheduled = fields.traced_values(SCHEDULED)
    assert "optimizer.learning_rate.peak" in scheduled and "optimizer.learning_rate" not in scheduled


def test_fill_puts_numbers_in_and_traced_values_takes_them_out():
    for node in (
        Experiment(),
        SCHEDULED,
        SCHEDULED.optimizer,
        from_optax(optax.lion, learning_rate=cosine(0.1), b1=0.5),
    ):
        wanted = {path: 0.5 / (1 + i) for i, path in enumerate(fields.traced_values(node))}
        assert dict(fields.traced_values(fields.with_numbers(node, wanted))) == wanted
        assert fields.without_numbers(fields.with_numbers(node, wanted)) == fields.without_numbers(node)
        assert fields.with_numbers(node, fields.traced_values(node)) == node


def test_fill_passes_tracers_through_without_checking_them_again():
    model = MLP(hidden=(4,), outputs=2)
    x = np.ones((1, 3), np.float32)

    @jax.jit
    def scaled(scale):
        return fields.with_numbers(model, {"init_scale": scale}).init(jax.random.key(0), x)

    one, three = scaled(1.0), scaled(3.0)
    np.testing.assert_allclose(three["layer_0"]["kernel"], 3 * one["layer_0"]["kernel"], rtol=2.4e-7)
    outer = jax.jit(
        lambda scale: fields.with_numbers(Experiment(model=model), {"model.init_scale": scale}).model.init_scale + 1
    )
    assert float(outer(2.0)) == 3.0


SAME = [
    (adam(1e-3), adam(5, l2=0.1)),
    (sgd(0.1, momentum=0.9), sgd(0.2, momentum=0.1)),
    (adam(cosine(0.1)), adam(cosine(0.3, 0.5))),
    (MLP(init_scale=1.0), MLP(init_scale=2.0)),
    (Experiment(loss_scale=1.0), Experiment(loss_scale=3)),
    (TwoBlocks(Block(1.0)), TwoBlocks(Block(2.0))),
    (from_optax(optax.lion, learning_rate=0.1), from_optax(optax.lion, learning_rate=0.2)),
]
OTHER = [
    (adam(1e-3), adamw(1e-3)),
    (adam(1e-3), adam(1e-3, clip_norm=1.0)),
    (sgd(0.1), sgd(0.1, momentum=0.9)),
    (sgd(0.1, momentum=0.9), sgd(0.1, momentum=0.9, nesterov=True)),
    (adam(1e-3), adam(cosine(1e-3))),
    (adam(cosine(1e-3)), adam(warmup_cosine(1e-3))),
    (MLP(), MLP(bias=False)),
    (MLP(), MLP(activation="tanh")),
    (TwoBlocks(Block(width=3)), TwoBlocks(Block(width=4))),
    (TwoBlocks(gain=2.0), TwoBlocks(gain=3.0)),
    (Experiment(), Experiment(steps=2000)),
    (from_optax(optax.lion, learning_rate=0.1), from_optax(optax.adam, learning_rate=0.1)),
    (from_optax(optax.lion, learning_rate=0.1), from_optax(optax.lion, learning_rate=0.1, b1=0.9)),
]


@pytest.mark.parametrize(("one", "two"), SAME, ids=lambda node: repr(node)[:40])
def test_skeletons_are_equal_where_only_traced_numbers_differ(one, two):
    assert one != two
    assert fields.without_numbers(one) == fields.without_numbers(two)
    assert hash(fields.without_numbers(one)) == hash(fields.without_numbers(two))


@pytest.mark.parametrize(("one", "two"), OTHER, ids=lambda node: repr(node)[:40])
def test_skeletons_differ_where_structure_does(one, two):
    assert fields.without_numbers(one) != fields.without_numbers(two)


def test_a_linen_module_is_swept_by_its_own_fields():
    spec = Experiment(model=Linen(part=nn.Dense(3)))
    assert resolve(spec, "width") == "model.width"
    assert resolve(spec, "features") == "model.part.features"
    wider = fields.replace(spec, {"model.width": 9}).model
    assert (wider.width, wider.part.features) == (9, 3)
    assert fields.replace(spec, {"model.part.features": 7}).model.part.features == 7
    assert not {"model.name", "model.parent"} & set(fields.paths(spec))
    params = wider.init(jax.random.key(0), np.ones((1, 2), np.float32))
    assert params["params"]["Dense_0"]["kernel"].shape == (2, 9)


def test_skeletons_of_linen_modules_follow_their_fields():
    assert fields.without_numbers(Linen(4)) == fields.without_numbers(Linen(4)) != fields.without_numbers(Linen(5))
