"""Masks and labels by parameter: dicts and lists reach optax as they were, and are kept with a hash and as JSON."""

import json
from collections import OrderedDict

import flax.core
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import memjax as mj
from memjax import Experiment, InputError
from memjax.content import content
from memjax.experiment.encode import encode
from memjax.experiment.read import read_over
from memjax.optimizers import Optimizer, from_optax, norm_constrained
from memjax.optimizers.frozen import Tree, freeze

MASK = {"layer_0": {"kernel": True, "bias": False}, "layer_1": {"kernel": True, "bias": False}}
LABELS = {"layer_0": "slow", "layer_1": {"kernel": "fast", "bias": "slow"}}
RATES = {"slow": optax.sgd(0.0), "fast": optax.sgd(0.5)}
BASE = Experiment(train_size=30, steps=10, model=mj.models.MLP(hidden=(5,)), measures=("loss",))


def _decayed(mask):
    return from_optax(optax.adamw, learning_rate=1e-2, weight_decay=5.0, mask=mask)


def _step(optimizer, params):
    """Parameters that were all 1, after one step along a gradient of 1."""
    rule = optimizer.transformation(1)
    return jax.jit(lambda params: optax.apply_updates(params, rule.update(params, rule.init(params), params)[0]))(
        params
    )


@pytest.mark.long
def test_a_mask_as_a_dict_decays_what_the_same_mask_as_a_function_does():
    spec = Experiment(**{**vars(BASE), "optimizer": _decayed(None)})
    by_function = lambda params: {name: {"kernel": True, "bias": False} for name in params}  # noqa: E731
    everything, function, tree = mj.sweep(spec, {"mask": [None, by_function, MASK]}).train_loss.values
    np.testing.assert_array_equal(tree, function)
    assert tree[-1] != everything[-1]


def test_labels_and_the_rules_they_name_are_dicts_too():
    rule = from_optax(optax.multi_transform, transforms=RATES, param_labels=LABELS)
    after = _step(rule, jax.tree.map(lambda leaf: jnp.ones(()), MASK))
    assert after == {"layer_0": {"kernel": 1.0, "bias": 1.0}, "layer_1": {"kernel": 0.5, "bias": 1.0}}


@pytest.mark.parametrize("wrap", [lambda rule: rule, lambda rule: norm_constrained(rule, norm=1.0)])
def test_a_mask_as_a_list_fits_parameters_that_are_a_list(wrap):
    mask, function = (
        _step(wrap(_decayed(m)), [jnp.ones(2), jnp.ones(3)]) for m in ([True, False], lambda p: [True, False])
    )
    np.testing.assert_array_equal(mask[0], function[0])
    assert mask[0][0] < mask[1][0] == function[1][0]


TREES = [
    MASK,
    {},
    [],
    [True, [False, None]],
    (1, {"a": (2, [3])}),
    {0: {"b": "label"}, 1: None},
    OrderedDict(b=1, a={"c": 2}),
    {"frozen": flax.core.FrozenDict({"a": {"b": True}})},
]
PLAIN = [None, True, 3, "word", (1, (2, "x")), np.tanh, flax.core.FrozenDict({"a": {"b": True}}), optax.sgd(0.1)]


@pytest.mark.parametrize("tree", TREES, ids=str)
def test_a_tree_is_kept_with_a_hash_and_comes_back_as_it_was(tree):
    kept = from_optax(_taking, tree=tree)
    assert hash(kept) == hash(from_optax(_taking, tree=tree)) and kept == from_optax(_taking, tree=tree)
    back = kept.transformation(1)
    assert back == tree and repr(back) == repr(tree) == repr(freeze(tree))
    assert jax.tree.structure(back) == jax.tree.structure(tree)
    assert kept != from_optax(_taking, tree={"other": 1})


@pytest.mark.parametrize("value", PLAIN)
def test_what_has_a_hash_already_is_kept_as_it_is(value):
    assert freeze(value) is value


def test_trees_of_another_kind_are_others():
    kinds = [freeze({"a": 1}), freeze(OrderedDict(a=1)), freeze([("a", 1)]), freeze((("a", 1), []))]
    assert len(set(kinds)) == len(kinds)
    own = {"a": {"b": 1}}
    kept = freeze(own)
    own["a"]["b"] = 2
    assert kept.thaw() == {"a": {"b": 1}}


def _taking(tree):
    return tree


@pytest.mark.parametrize("tree", TREES[:-1], ids=str)
def test_trees_are_written_as_json_and_read_back(tree):
    spec = Experiment(optimizer=from_optax(_taking, tree=tree))
    assert Experiment.from_json(spec.to_json(), using=(_taking,)) == spec


def test_trees_on_an_axis_are_written_and_read_back():
    masks = [MASK, None, {"layer_0": [True], "layer_1": False}]
    assert read_over(json.loads(json.dumps({"mask": encode(masks)}))) == {"mask": masks}


def test_a_deep_tree_is_read_back():
    deep = {"params": {f"{i}": {"b": {"c": {"d": {"e": {"f": {"kernel": True}}}}}} for i in range(2)}}
    spec = Experiment(optimizer=from_optax(_taking, tree=deep))
    assert Experiment.from_json(spec.to_json(), using=(_taking,)).optimizer.transformation(1) == deep


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": "dict"},
        {"kind": "os", "entries": []},
        {"kind": {}, "entries": []},
        {"kind": "dict", "entries": [1]},
        {"kind": "dict", "entries": [[1, 2, 3]]},
        {"kind": "list", "entries": {"a": 1}},
        {"kind": "list", "entries": [], "more": 1},
    ],
    ids=str,
)
def test_a_tree_that_is_none_is_an_input_error(fields):
    text = json.dumps(
        {"optimizer": {"type": "optimizers.from_optax", "factory": 1, "mask": {"type": "tree", **fields}}}
    )
    with pytest.raises(InputError, match=r"A tree needs a kind, dict, OrderedDict, list or tuple"):
        Experiment.from_json(text)


def test_a_tree_of_what_has_no_hash_is_an_input_error():
    spec = Experiment(**{**vars(BASE), "optimizer": _decayed({"layer_0": np.array([True]), "layer_1": True})})
    with pytest.raises(InputError, match="holds something that has no hash"):
        mj.explain(spec, {})


def test_an_optimizer_shows_its_mask_as_it_was_typed():
    assert repr(_decayed({"a": [True]})) == "adamw(learning_rate=0.01, weight_decay=5.0, mask={'a': [True]})"
    assert isinstance(_decayed(MASK), Optimizer) and isinstance(_decayed(MASK).hyperparameters["mask"], Tree)


def test_stores_of_before_know_a_mask_by_the_same_digest():
    # The class was in a module named trees when these digests were taken.
    assert content(freeze({"a": [True]})) == ("72074dd70cd23e017799580805f7c5b58476bdf67dd5b72ada6f4fdd83346da3")
