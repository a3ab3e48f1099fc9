"""Experiments as JSON: round trips, axes from plain data, and nothing but InputError for hostile text."""

import copy
import json
import random
import tomllib

import jax
import numpy as np
import optax
import pytest

from memjax import Experiment, InputError, Measure
from memjax.experiment.axes import read_axes
from memjax.experiment.decode import decode
from memjax.experiment.encode import reference, to_json
from memjax.experiment.read import read_experiment, read_over
from memjax.models import MLP, as_model
from memjax.optimizers import Optimizer, adam, adamw, constant, cosine, from_optax, linear, rmsprop, sgd, warmup
from memjax.schedules import warmup_cosine
from memjax.tasks import Images, RandomLabels, from_arrays


def swish(x):
    return x * jax.nn.sigmoid(x)


def hinge(outputs, targets):
    return outputs[:, 0] - targets


def init(key, x):
    return {"w": jax.random.normal(key, (x.shape[1], 2))}


def apply(params, x):
    return x @ params["w"]


def largest(params, apply, examples):
    return max(abs(leaf).max() for leaf in jax.tree.leaves(params))


def make_rule(learning_rate, flavour):
    return optax.sgd(learning_rate)


def adam_of_mine(learning_rate):
    return optax.sgd(learning_rate)


adam_of_mine.__name__ = "adam"  # A user's own function by a built-in's name.

PLAIN = [
    Experiment(),
    Experiment(steps=20, record_every=5, batch_size=8, train_size=50, test_size=7, snapshots=(0, 20)),
    Experiment(seed=3, data_seed=1, init_seed=0, loss_scale=2.5, measures=("loss", "layer_l2")),
    Experiment(measures=()),
    Experiment(task=RandomLabels(4, 5, "sphere", "exponential", 0.25)),
    Experiment(model=MLP(hidden=(), activation="gelu", bias=False, initializer="he", init_scale=0.5, outputs=3)),
    Experiment(optimizer=adam(1e-4, b1=0.5, b2=0.9, eps=1e-4, l2=0.1, clip_norm=3.0)),
    Experiment(optimizer=adamw(weight_decay=0.3)),
    Experiment(optimizer=sgd(1, momentum=0.9, nesterov=True)),
    Experiment(optimizer=rmsprop(decay=0.5, momentum=0.1)),
    *(Experiment(optimizer=sgd(kind())) for kind in (constant, warmup, linear, cosine, warmup_cosine)),
    Experiment(optimizer=adamw(warmup_cosine(peak=0.3, warmup_steps=7, final_fraction=0.1))),
]
TASK = from_arrays(np.eye(3), np.arange(3))
PAIR = as_model((init, apply))
USING = [
    (Experiment(model=MLP(activation=swish)), (swish,)),
    (Experiment(loss=hinge), (hinge,)),
    (Experiment(measures=("loss", largest)), (largest,)),
    (Experiment(task=TASK), (TASK,)),
    (Experiment(model=PAIR), (PAIR,)),
    (Experiment(optimizer=from_optax(optax.lion, learning_rate=1e-4, b1=0.5)), (optax.lion,)),
    (Experiment(optimizer=from_optax(optax.adam, learning_rate=1e-3, eps_root=1e-9)), (optax.adam,)),
    (Experiment(optimizer=from_optax(make_rule, learning_rate=cosine(0.1), flavour="plain")), (make_rule,)),
    (Experiment(optimizer=from_optax(make_rule, learning_rate=0.1, flavour=None)), (swish, make_rule)),
    (Experiment(optimizer=from_optax(adam_of_mine, learning_rate=0.1)), (adam_of_mine,)),
]


@pytest.mark.parametrize("experiment", PLAIN, ids=lambda e: str(PLAIN.index(e)))
def test_plain_experiments_come_back_equal(experiment):
    again = Experiment.from_json(to_json(experiment))
    assert again == experiment
    assert to_json(again) == to_json(experiment)


@pytest.mark.parametrize(("experiment", "using"), USING, ids=[str(i) for i in range(len(USING))])
def test_what_is_the_users_own_comes_back_by_being_handed_over(experiment, using):
    text = to_json(experiment)
    assert Experiment.from_json(text, using) == experiment
    with pytest.raises(InputError, match=r"The spec refers to .*, which is not data: .* using="):
        Experiment.from_json(text)


def test_the_text_holds_every_field_and_numpy_numbers_are_plain():
    experiment = Experiment(seed=np.int64(3), optimizer=sgd(np.float32(0.5)), snapshots=(np.int32(0),))
    data = json.loads(to_json(experiment))
    fields = Experiment.__dataclass_fields__.values()
    assert set(data) == {field.name for field in fields if not field.metadata.get("later")}
    assert (data["seed"], data["optimizer"]["learning_rate"], data["snapshots"]) == (3, 0.5, [0])
    assert Experiment.from_json(to_json(experiment)) == experiment


@pytest.mark.parametrize(
    "thing",
    [
        Measure(largest, "largest", long_name="largest parameter"),
        as_model((init, apply)),
        as_model(lambda rngs: None),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_a_reference_is_the_same_in_another_process(thing):
    assert "0x" not in reference(thing)


def test_a_toml_table_is_an_experiment():
    text = """
    steps = 40
    [task]
    type = "tasks.RandomLabels"
    input_dim = 3
    [model]
    type = "models.MLP"
    hidden = [8, 8]
    [optimizer]
    type = "optimizers.adamw"
    [optimizer.learning_rate]
    type = "schedules.cosine"
    peak = 0.5
    """
    expected = Experiment(
        steps=40, task=RandomLabels(input_dim=3), model=MLP(hidden=(8, 8)), optimizer=adamw(cosine(peak=0.5))
    )
    assert read_experiment(tomllib.loads(text)) == expected


@pytest.fixture
def images(tmp_path):
    np.savez(tmp_path / "im.npz", x=np.eye(6), y=np.arange(6))
    return Images(tmp_path / "im.npz", label_noise=0.25)


def test_files_are_written_with_their_content_and_checked_against_it(images):
    experiment = Experiment(task=images)
    table = json.loads(to_json(experiment))
    assert table["task"]["content"] == images.content
    assert Experiment.from_json(to_json(experiment)) == experiment == read_experiment(table)
    table["task"]["content"] = "0" * 64
    with pytest.raises(
        InputError, match=r"im\.npz'.* have changed since .*: their content was '0{64}' and is '\w{64}'"
    ):
        read_experiment(table)
    with pytest.raises(InputError, match="have changed since"):
        read_over({"task": [table["task"]]})
    with pytest.raises(InputError, match="have changed since"):
        read_experiment({"task": table["task"] | {"content": [3]}})


def test_a_spec_without_content_and_one_whose_files_are_elsewhere_are_read(images, tmp_path):
    table = json.loads(to_json(Experiment(task=images)))["task"]
    without = {name: value for name, value in table.items() if name != "content"}
    assert read_experiment({"task": without}).task == images
    (tmp_path / "im.npz").unlink()
    assert decode(table) == images
    named = Experiment(task=Images("cifar10"))
    assert "content" not in json.loads(to_json(named))["task"] and Experiment.from_json(to_json(named)) == named


def test_content_is_no_field_of_what_has_none():
    with pytest.raises(InputError, match=r"RandomLabels takes no .content.\."):
        read_experiment({"task": {"type": "tasks.RandomLabels", "content": "0"}})


def test_axes_from_plain_data():
    data = {
        "seed": {"range": [2, 8, 3]},
        "train_size , steps": [[50, 100], [100, 200]],
        "hidden": [[4], [8, 8], []],
        "init_seed": {"range": 2},
        "optimizer": [{"type": "optimizers.adam"}, {"type": "optimizers.sgd", "momentum": 0.5}],
        "activation": ["relu", {"reference": f"{swish.__module__}:swish"}],
        "alpha": {"range": [3, 0, -1]},
    }
    over = read_over(data, (swish,))
    assert over == {
        "seed": [2, 5],
        ("train_size", "steps"): [(50, 100), (100, 200)],
        "hidden": [(4,), (8, 8), ()],
        "init_seed": [0, 1],
        "optimizer": [adam(), sgd(momentum=0.5)],
        "activation": ["relu", swish],
        "alpha": [3, 2, 1],
    }
    assert [axis.dim for axis in read_axes(over)] == [name.split(" ,")[0] for name in data]


def _nested(depth):
    text = "0"
    for _ in range(depth):
        text = f"[{text}]"
    return text


HOSTILE = [
    "",
    "null",
    "[]",
    "3",
    '"text"',
    "{",
    '{"steps": 1e999}',
    '{"steps": NaN}',
    '{"steps": "10"}',
    '{"steps": true}',
    '{"steps": null}',
    '{"stepz": 10}',
    '{"__class__": 1}',
    '{"self": 1}',
    '{"": 1}',
    '{"seed": -1}',
    '{"seed": 1.5}',
    '{"seed": ' + "9" * 5000 + "}",
    '{"steps": ' + _nested(30) + "}",
    '{"steps": ' + _nested(100_000) + "}",
    '{"loss": "huber"}',
    '{"loss": ["mse"]}',
    '{"loss": {"type": "models.MLP"}}',
    '{"loss_scale": "big"}',
    '{"loss_scale": [1.0, 2.0]}',
    '{"loss_scale": [1.0]}',
    '{"loss_scale": []}',
    '{"loss_scale": Infinity}',
    '{"snapshots": 3}',
    '{"measures": "loss"}',
    '{"measures": 3}',
    '{"measures": ["no such"]}',
    '{"measures": ["loss", "loss"]}',
    '{"measures": [["loss"]]}',
    '{"task": null}',
    '{"task": {}}',
    '{"task": {"type": 3}}',
    '{"task": {"type": null}}',
    '{"task": {"type": ["tasks.RandomLabels"]}}',
    '{"task": {"type": {"type": "tasks.RandomLabels"}}}',
    '{"task": {"type": "builtins.eval", "source": "1"}}',
    '{"task": {"type": "__import__"}}',
    '{"task": {"type": "tasks.__class__"}}',
    '{"task": {"type": "os.system", "command": "true"}}',
    '{"task": {"type": "tasks.from_arrays"}}',
    '{"task": {"type": "tasks.RandomLabels", "__init__": 1}}',
    '{"task": {"type": "tasks.RandomLabels", "alpha": [1.0, 2.0]}}',
    '{"task": {"type": "tasks.RandomLabels", "alpha": "x"}}',
    '{"task": {"type": "tasks.RandomLabels", "alpha": ' + "9" * 400 + "}}",
    '{"task": {"type": "tasks.RandomLabels", "inputs": ["normal"]}}',
    '{"task": {"type": "tasks.RandomLabels", "inputs": {"type": "optimizers.adam"}}}',
    '{"task": {"type": "tasks.RandomLabels", "label_noise": [0, 0]}}',
    '{"task": {"type": "optimizers.adam"}}',
    '{"task": {"reference": "os:system"}}',
    '{"task": {"reference": null}}',
    '{"task": {"reference": ["a"]}}',
    '{"model": "MLP"}',
    '{"model": {"type": "tasks.RandomLabels"}}',
    '{"model": {"type": "models.MLP", "hidden": null}}',
    '{"model": {"type": "models.MLP", "hidden": "100"}}',
    '{"model": {"type": "models.MLP", "hidden": ""}}',
    '{"model": {"type": "models.MLP", "hidden": [[4]]}}',
    '{"model": {"type": "models.MLP", "activation": ["relu"]}}',
    '{"model": {"type": "models.MLP", "activation": null}}',
    '{"model": {"type": "models.MLP", "initializer": 3}}',
    '{"model": {"type": "models.MLP", "outputs": "3"}}',
    '{"model": {"type": "models.NNX", "factory": "x"}}',
    '{"optimizer": "adam"}',
    '{"optimizer": {"type": "optimizers.adam", "lr": 1}}',
    '{"optimizer": {"type": "optimizers.Optimizer", "factory": 1}}',
    '{"optimizer": {"type": "optimizers.from_optax"}}',
    '{"optimizer": {"type": "optimizers.from_optax", "factory": "adam"}}',
    '{"optimizer": {"type": "optimizers.from_optax", "factory": {"reference": "optax:adam"}}}',
    '{"optimizer": {"type": "optimizers.from_optax", "factory": {"type": "models.MLP"}}}',
    '{"optimizer": {"type": "schedules.cosine"}}',
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:60])
def test_hostile_text_is_an_input_error(text):
    with pytest.raises(InputError):
        Experiment.from_json(text)


@pytest.mark.parametrize("text", [None, 3, ["{}"]], ids=repr)
def test_what_is_no_text_is_an_input_error(text):
    with pytest.raises(InputError):
        Experiment.from_json(text)


@pytest.mark.parametrize(
    "number",
    [
        '{"model": {"type": "models.MLP", "init_scale": "big"}}',
        '{"optimizer": {"type": "optimizers.adam", "learning_rate": "fast"}}',
        '{"optimizer": {"type": "optimizers.adam", "b1": [0.9]}}',
        '{"optimizer": {"type": "optimizers.adam", "learning_rate": {"type": "schedules.cosine", "peak": "x"}}}',
    ],
    ids=["init_scale", "learning_rate", "b1", "peak"],
)
def test_a_word_for_a_number_is_an_input_error_by_the_time_of_the_sweep(number):
    from memjax import sweep

    base = json.loads(number) | {"steps": 2, "record_every": 1, "train_size": 4}
    with pytest.raises(InputError):
        sweep(read_experiment(base), progress=False)


@pytest.mark.parametrize(
    "over",
    [
        None,
        [],
        "seed",
        {"seed": 3},
        {"seed": "abc"},
        {"seed": {}},
        {"seed": {"range": []}},
        {"seed": {"range": [1, 2, 3, 4]}},
        {"seed": {"range": [0, 5, 0]}},
        {"seed": {"range": [0.5]}},
        {"seed": {"range": "5"}},
        {"seed": {"range": None}},
        {"seed": {"range": [10_000_001]}},
        {"seed": {"range": [10**30]}},
        {"seed": {"range": [-(10**30), 10**30, 10**25]}},
        {"seed": {"range": [[5]]}},
        {"seed": {"range": [3], "by": 2}},
        {"seed": {"start": 3}},
        {"seed": [{"reference": "os:system"}]},
        {"seed": [{"type": "builtins.eval"}]},
        {"seed": [json.loads(_nested(40))]},
    ],
    ids=lambda over: repr(over)[:50],
)
def test_hostile_axes_are_an_input_error(over):
    with pytest.raises(InputError):
        read_over(over)


def test_nothing_named_in_a_file_is_run():
    for name in ("os:system", "builtins:eval", f"{__name__}:swish"):
        with pytest.raises(InputError, match="never imports"):
            Experiment.from_json(json.dumps({"loss": {"reference": name}}))


# Values that a mutation puts anywhere in a spec.
POISON = [
    None, True, -1, 0, 1.5, 1e308, float("nan"), float("inf"), 10**400, "", "x", "adam", "mse", [], [[]], [1, 2], ["relu"],
    {}, {"type": "models.MLP"}, {"type": "optimizers.adam"}, {"type": "schedules.cosine"}, {"type": "tasks.RandomLabels"},
    {"type": "builtins.eval"}, {"type": []}, {"reference": "a:b"}, {"reference": {}}, {"range": [3]}, {"": {}},
]  # fmt: skip


def _places(data, path=()):
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from _places(value, (*path, key))


def _mutated(data, rng):
    data = copy.deepcopy(data)
    for _ in range(rng.choice([1, 1, 2, 3])):
        path = rng.choice([path for path in _places(data) if path])
        node = data
        for key in path[:-1]:
            node = node[key]
        kind = rng.random()
        if kind < 0.7:
            node[path[-1]] = copy.deepcopy(rng.choice(POISON))
        elif kind < 0.85:
            del node[path[-1]]
        elif isinstance(node, dict):
            node[rng.choice(["type", "x", "__dict__", "hidden", "peak", "factory"])] = node.pop(path[-1])
    return data


def test_a_thousand_mutations_give_an_experiment_or_an_input_error():
    rng = random.Random(20)
    seeds = [json.loads(to_json(e)) for e in PLAIN] + [json.loads(to_json(e)) for e, _ in USING]
    using, escaped, refused = tuple({id(u): u for _, us in USING for u in us}.values()), {}, 0
    for _ in range(1000):
        data = _mutated(rng.choice(seeds), rng)
        try:
            experiment = Experiment.from_json(json.dumps(data), using)
            assert isinstance(experiment.optimizer, Optimizer)
            to_json(experiment)
        except InputError:
            refused += 1
        except Exception as problem:
            escaped.setdefault(f"{type(problem).__name__}: {problem}"[:90], json.dumps(data)[:2000])
    assert not escaped, escaped.keys()
    assert 300 < refused < 1000
