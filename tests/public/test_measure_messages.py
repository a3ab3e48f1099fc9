"""A mistake in a measure of one's own gets a sentence that says what to do, and dead units of docs/measures.md are counted."""

import re
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax.examples import Examples, Tile

MODEL = mj.models.MLP(hidden=(4,))


class Net(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(17, name="last")(nn.relu(nn.Dense(4, name="first")(x)))


class Open(Net):
    """The same network, whose hidden layer can be seen."""

    def hidden_activations(self, params, x):
        first = params["params"]["first"]
        return {"layer_0": nn.relu(x @ first["kernel"] + first["bias"])}


def _first(params):
    return jax.tree.leaves(params)[0]


def _hidden(params, apply, examples, *, model):
    return examples.mean(lambda tile: model.hidden_activations(params, tile.x)["layer_0"].mean(-1))


CANNOT = "^The measure 'm' cannot be computed: "
CASES = {
    "NumPy": (
        lambda p, a, e: np.linalg.norm(_first(p)),
        rf"{CANNOT}NumPy was called .* use jax\.numpy in place of numpy",
    ),
    "if": (lambda p, a, e: 1.0 if _first(p).sum() > 0 else 0.0, rf"{CANNOT}Python's if, .* use jnp\.where"),
    "float": (
        lambda p, a, e: float(_first(p).sum()),
        rf"{CANNOT}a value .* leave float\(\), int\(\) and \.item\(\) out",
    ),
    "a whole number": (
        lambda p, a, e: [1.0, 2.0][(_first(p).sum() > 0).astype(int)],
        rf"{CANNOT}a value .* whole number",
    ),
    "a key": (
        lambda p, a, e: p["layer_0"]["weight"].sum(),
        rf"{CANNOT}KeyError: 'weight', and params has the keys \['layer_0', 'layer_1'\], with the arrays layer_0\.bias, ",
    ),
    "values of all outputs": (
        lambda p, a, e: e.mean(lambda tile: a(p, tile.x)),
        rf"{CANNOT}tile\.sum and examples\.mean take one value for each example, .* were given the shape \[3, 17\]",
    ),
    "a column": (lambda p, a, e: e.mean(lambda tile: a(p, tile.x)[:, :1]), r"were given the shape \[3, 1\]"),
}


def _sweep(measure, model=MODEL):
    return mj.sweep(mj.Experiment(model=model, train_size=6, steps=2, record_every=2, measures=(measure,)))


@pytest.mark.parametrize("case", CASES)
def test_a_measure_that_fails_says_what_to_do(case):
    function, sentence = CASES[case]
    with pytest.raises(mj.InputError, match=sentence) as caught:
        _sweep(mj.Measure(function, "m"))
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (lambda p, a, tile: a(p, tile.x), r"\[B, 17\]"),
        (lambda p, a, tile: a(p, tile.x).mean(), "one number for all"),
        (lambda p, a, tile: a(p, tile.x).mean(0), r"\[17\]"),
        (lambda p, a, tile: {"a": tile.x[:, 0]}, "a dict"),
    ],
)
def test_a_measure_per_example_gives_a_value_for_each_example(function, given):
    with pytest.raises(mj.InputError, match=rf"must give one value for each example, shape \[B\]; it gave {given}\."):
        _sweep(mj.Measure(function, "m", per_example=True))


@pytest.mark.parametrize("per_example", [False, True])
@pytest.mark.parametrize(
    ("function", "has"),
    [
        (lambda p, a: 0.0, "p, a"),
        (lambda p, a, e, f: 0.0, "p, a, e, f"),
        (lambda p, a, *, model: 0.0, r"p, a, \*, model"),
    ],
)
def test_a_measure_says_which_arguments_it_is_given(function, has, per_example):
    third = "tile" if per_example else "examples"
    with pytest.raises(
        mj.InputError, match=rf"'m' is a function of \({has}\), .* the arguments \(params, apply, {third}\)"
    ):
        mj.Measure(function, "m", per_example=per_example)


def test_a_measure_may_have_more_arguments_if_they_have_defaults():
    for function in (lambda p, a, e, power=2: 0.0, lambda *parts: 0.0, lambda p, a, e, *, model, power=2: 0.0):
        assert mj.Measure(function, "m").function is function


def test_a_model_without_hidden_activations_is_told_what_to_add_and_one_with_them_is_measured():
    for model in (Net(), mj.models.InputNoise(Net(), 0.1), (Net().init, Net().apply)):
        with pytest.raises(
            mj.InputError, match=r"has no hidden_activations: give your model .*see docs/adding/model\.md"
        ) as caught:
            _sweep(mj.Measure(_hidden, "m"), model)
        assert "setup" not in str(caught.value)
    assert (_sweep(mj.Measure(_hidden, "m"), Open()).m > 0).all()


def test_what_a_measure_may_ask_for_is_what_the_page_says():
    with pytest.raises(mj.InputError, match="asks for epoch") as caught:
        mj.Measure(lambda p, a, e, *, epoch: 0.0, "m")
    page = (
        (Path(__file__).parents[2] / "docs/measures.md")
        .read_text()
        .split("## What a measure may ask for")[1]
        .split("## ")[0]
    )
    offered = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    told = re.search(r"not among (.*): ask", str(caught.value)).group(1)
    assert sorted(re.split(r", | or ", told)) == sorted(offered)


def test_a_sum_over_a_tile_takes_a_value_of_each_example_or_one_for_all():
    tile = Tile(jnp.ones((3, 1)), jnp.zeros(3, int), jnp.array([True, True, False]))
    assert float(tile.sum(jnp.array([1.0, 2.0, 4.0]))) == 3.0 and float(tile.sum(2.0)) == 4.0
    for values in (jnp.ones((3, 3)), jnp.ones((3, 1)), jnp.ones(1)):
        with pytest.raises(mj.InputError, match=r"take one value for each example, shape \[B\] = \[3\]"):
            tile.sum(values)


def test_dead_units_of_the_page_are_those_that_no_train_example_activates():
    page = (Path(__file__).parents[2] / "docs/measures.md").read_text()
    lines = [line[4:] for line in page.split(">>> def dead_units")[1].split("\n>>> ")[0].split("\n")]
    space = {"jnp": jnp}
    exec("def dead_units" + page.split(">>> def dead_units")[1].split("\n")[0] + "\n" + "\n".join(lines[1:]), space)
    # Of four units one is active on the first example alone, one on the second alone, one on padding alone, and one never.
    hidden = jnp.array([[[1.0, 0, 0, 0], [0, 0, 0, 0]], [[0, 2.0, 0, 0], [0, 0, 3.0, 0]]])
    examples = Examples(hidden, jnp.zeros((2, 2), int), None, 0, size=3, num_tiles=2)

    class Given:
        def hidden_activations(self, params, x):
            return {"layer_0": x}

    # The engine repeats an example in place of padding; a tile that is read raw has the padding itself.
    raw = type(
        "Raw", (), {"sum": lambda self, f: sum(f(Tile(hidden[k], None, jnp.array([True, k == 0]))) for k in range(2))}
    )()
    for given in (examples, raw):
        assert float(space["dead_units"](None, None, given, model=Given())) == 0.5
