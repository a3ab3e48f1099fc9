"""Networks of several widths and depths in one program are the networks that they would be alone.

Each sweep over structures is compared with sweeps of one structure, which have no padding. The cost model would not merge
such small sweeps, so here a compile is made dear.
"""

import dataclasses
import json
import sys

import jax
import numpy as np
import optax
import pytest

import memjax as mj
from memjax.engine.plan import cost
from memjax.engine.plan.packing import Packing
from memjax.engine.plan.plan import make_plan
from memjax.engine.training import block as train
from memjax.engine.training import own_parameters
from memjax.jax_settings import float_dtype

LABELS = mj.tasks.RandomLabels(input_dim=5, num_classes=4)
ADDITION = mj.tasks.ModularArithmetic(p=7)
FEATURES = mj.tasks.SparseFeatures(num_features=6, sparsity=0.5)
MODELS = mj.models
# A model, its task, and widths to sweep together: narrower and wider than each other in every width.
CASES = {
    "one layer": (MODELS.MLP(), LABELS, {"hidden": [(3,), (9,)]}),
    "three widths": (MODELS.MLP(), LABELS, {"hidden": [(3,), (9,), (6,)]}),
    "two layers": (MODELS.MLP(activation="tanh"), LABELS, {"hidden": [(3, 8), (7, 4), (7, 8)]}),
    "three layers, no bias": (MODELS.MLP(bias=False, initializer="he"), LABELS, {"hidden": [(3, 4, 5), (6, 2, 7)]}),
    # An activation that is not zero at zero: a padded unit is not silent by itself.
    "sigmoid": (MODELS.MLP(activation="sigmoid", init_scale=1.5), LABELS, {"hidden": [(3, 5), (8, 2)]}),
    "bottleneck": (MODELS.Autoencoder(), FEATURES, {"hidden": [1, 4]}),
    "embedding": (MODELS.EmbeddingMLP(), ADDITION, {"embedding": [3, 5], "hidden": [(4,), (7,)]}),
    "tables apart": (MODELS.EmbeddingMLP(shared=False, hidden=(4, 5)), ADDITION, {"embedding": [2, 6]}),
    "side by side": (MODELS.EmbeddingMLP(concatenate=True), ADDITION, {"embedding": [3, 5], "hidden": [(4,), (7,)]}),
    "quadratic": (MODELS.QuadraticMLP(), ADDITION, {"hidden": [3, 9]}),
    "transformer": (MODELS.Transformer(width=8, heads=2), ADDITION, {"mlp": [3, 9]}),
    # From ten layers on, layer_10 stands before layer_2 in a network's own order.
    "depths": (MODELS.MLP(activation="tanh"), LABELS, {"hidden": [(3,), (4,) * 2, (2,) * 11, (3,) * 12]}),
    "depths, sigmoid, no bias": (
        MODELS.MLP(activation="sigmoid", bias=False),
        LABELS,
        {"hidden": [(3,), (5, 5), (3,) * 3]},
    ),
}
PACKING = Packing(lanes=1, memory=10**9)
# Sums in another order, over six steps. Every case of this file, slow ones included, stays below both.
TOLERANCE = 1e-4 if float_dtype() == np.float32 else 1e-11


@pytest.fixture
def merging(monkeypatch):
    """Every family becomes one class."""
    monkeypatch.setattr(cost, "COMPILE_SECONDS", 1e6)


def spec_of(model, task, **fields):
    loss = "mse" if task is FEATURES else "cross_entropy"
    given = dict(steps=6, record_every=3, train_size=20, test_size=10, snapshots=(0, 6), loss=loss)
    return mj.Experiment(task=task, model=model, **given | fields)


def alone(spec, over, cell):
    """The runs of one structure, trained by themselves."""
    names = [name for name in over if name != "seed"]
    one = {name: [over[name][i]] for name, i in zip(names, cell, strict=True)} | {
        name: values for name, values in over.items() if name == "seed"
    }
    assert {block.program.widths for block in make_plan(spec, one, PACKING).blocks} == {None}
    return mj.sweep(spec, one, packing=PACKING).isel(dict.fromkeys(names, 0))


def cells(over):
    return np.ndindex(*(len(values) for name, values in over.items() if name != "seed"))


def compare(together, own, tolerance):
    for name in own.data_vars:
        a, b = together[name], own[name]
        if name == "parameters":
            size = own.sizes["parameter_index"]
            assert np.isnan(a.isel(parameter_index=slice(size, None))).all()
            a = a.isel(parameter_index=slice(0, size))
            np.testing.assert_array_equal(a.isel(snapshot=0), b.isel(snapshot=0))
        assert a.shape == b.shape
        scale = max(1.0, float(np.nanmax(np.abs(b.values), initial=0)))
        np.testing.assert_allclose(a.values, b.values, rtol=0, atol=tolerance * scale, err_msg=str(name))


# Measures of examples, of parameters and of layers, and of a gradient.
MEASURES = ("loss", "weight_l2", "layer_l2", "last_layer_l2", "gradient_norm")
OF_ANY_DEPTH = ("loss", "weight_l2", "gradient_norm")
SLOW, LONG = pytest.mark.slow, pytest.mark.long


@pytest.mark.parametrize(
    "case",
    [
        case if case in ("one layer", "quadratic") else pytest.param(case, marks=LONG if case == "depths" else SLOW)
        for case in CASES
    ],
)
def test_runs_of_a_class_are_those_of_their_own_networks(case, merging):
    model, task, over = CASES[case]
    measures = OF_ANY_DEPTH if case.startswith("depths") else MEASURES
    spec, over = spec_of(model, task, measures=measures), over | {"seed": [0, 1]}
    assert len({block.program for block in make_plan(spec, over, PACKING).blocks}) == 1
    together = mj.sweep(spec, over, packing=PACKING)
    names = list(over)[:-1]
    for cell in cells(over):
        part, own = together.isel(dict(zip(names, cell, strict=True))), alone(spec, over, cell)
        np.testing.assert_array_equal(part.num_parameters, own.num_parameters)
        compare(part, own, TOLERANCE)
        one = mj.params(part, {"seed": 1}, 6)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=TOLERANCE), one, mj.params(own, {"seed": 1}, 6))


# Noise, decay, a held norm, moments divided by themselves, and batches.
RULES = {
    "langevin": dict(optimizer=mj.optimizers.langevin(0.05, temperature=0.01, l2=0.1)),
    "sgld": dict(optimizer=mj.optimizers.sgld(1e-3, nbeta=10.0, localization=1.0), batch_size=6),
    "adamw": dict(optimizer=mj.optimizers.adamw(0.05, weight_decay=0.5)),
    "adam without eps": dict(optimizer=mj.optimizers.adam(0.01, eps=0.0)),
    "norm": dict(optimizer=mj.optimizers.norm_constrained(mj.optimizers.adam(0.01, eps=0.0), norm=2.0)),
    "sgd": dict(optimizer=mj.optimizers.sgd(0.1, momentum=0.9), batch_size=6),
    "rmsprop": dict(optimizer=mj.optimizers.rmsprop(0.01, decay=0.9)),
}


WIDER, DEEPER = [(3,), (7,)], [(3,), (3,) * 11]


@pytest.mark.parametrize(
    ("rule", "hidden"),
    [
        pytest.param(rule, hidden, marks=() if (rule, hidden) in (("langevin", DEEPER), ("norm", WIDER)) else marks)
        for rule in RULES
        for hidden, marks in ((WIDER, SLOW), (DEEPER, LONG))
    ],
    ids=lambda value: value if isinstance(value, str) else "widths" if value == WIDER else "depths",
)
def test_every_optimizer_leaves_padding_at_zero_and_moves_the_rest_as_alone(rule, hidden, merging, monkeypatch):
    held = []

    def seen(flat, live, real=own_parameters._own):
        if live is not None:
            places = np.concatenate([leaf.reshape(len(flat), -1) for leaf in jax.tree.leaves(live)], axis=1)
            held.append(flat[places == 0])
        return real(flat, live)

    monkeypatch.setattr(own_parameters, "_own", seen)
    # Sigmoid: a unit without weights is 1/2, and only a mask keeps its outgoing weights at zero.
    model = MODELS.MLP(hidden=(3,), activation="sigmoid")
    spec = spec_of(model, LABELS, measures=("loss", "weight_l2"), **RULES[rule])
    over = {"hidden": hidden, "seed": [0]}
    together = mj.sweep(spec, over, packing=PACKING)
    assert len(held) == 2 and all(part.size and not part.any() for part in held)
    assert (together.status == "finished").all()
    for i in range(len(hidden)):
        compare(together.isel(hidden=i), alone(spec, over, (i,)), TOLERANCE)


@SLOW
@pytest.mark.parametrize("hidden", [[(3,), (8,)], [(3,), (3, 3, 3)]], ids=["widths", "depths"])
def test_sharpness_and_cosines_start_from_the_vectors_of_the_true_network(hidden, merging):
    spec = spec_of(
        MODELS.MLP(activation="tanh"), LABELS, measures=("loss", mj.measures.hessian_top(4), "gradient_cosine")
    )
    over = {"hidden": hidden, "seed": [0]}
    together = mj.sweep(spec, over, packing=PACKING)
    for i in range(len(hidden)):
        # Four iterations are far from the eigenvalue: another start vector would give another value.
        compare(together.isel(hidden=i), alone(spec, over, (i,)), TOLERANCE)


@pytest.mark.parametrize(
    ("hidden", "room", "sizes", "added"),
    [
        ([(3,), (6,)], {"widths": [6]}, [34, 64], (4,)),
        pytest.param([(3,), (3, 3)], {"widths": [3], "layers": 2}, [34, 46], (3,) * 3, marks=SLOW),
    ],
    ids=["widths", "depths"],
)
def test_a_store_goes_on_with_a_class_and_says_what_its_runs_are(
    hidden, room, sizes, added, tmp_path, merging, monkeypatch
):
    spec = spec_of(MODELS.MLP(), LABELS, measures=("loss", "weight_l2"))
    over = {"hidden": hidden, "seed": [0, 1]}
    whole = mj.sweep(spec, over, packing=PACKING)
    shapes = json.loads(whole.packing)["shapes"]
    assert [{name: shape.get(name) for name in room} for shape in shapes] == [room]
    real = train.train_block

    def stopped(*arguments):
        arguments[-1].set()
        return real(*arguments)

    monkeypatch.setattr("memjax.engine.training.execute.train_block", stopped)
    store = tmp_path / "store"
    with pytest.raises(mj.InputError, match="lacks"):
        mj.sweep(spec, over, store=store, packing=PACKING)
    waiting = mj.open(store)
    assert waiting.num_parameters.values.tolist() == [[size] * 2 for size in sizes]
    monkeypatch.setattr("memjax.engine.training.execute.train_block", real)
    kept = mj.sweep(spec, over, store=store, packing=PACKING)
    for name in whole.variables:
        np.testing.assert_array_equal(kept[name], whole[name])
    assert json.loads(kept.packing)["shapes"] == json.loads(whole.packing)["shapes"]
    # Another structure is a block of its own, beside those that are there.
    more = mj.sweep(spec, over | {"hidden": [*hidden, added]}, store=store, packing=PACKING)
    np.testing.assert_array_equal(more.train_loss.isel(hidden=slice(0, 2)), whole.train_loss)
    compare(more.isel(hidden=2), alone(spec, {"hidden": [added], "seed": [0, 1]}, (0,)), TOLERANCE)
    label = more.hidden.values[0]
    assert mj.params(mj.open(store), {"hidden": label, "seed": 0}, 6)["layer_0"]["kernel"].shape == (5, 3)


@pytest.mark.parametrize(
    "hidden",
    [pytest.param([(3,), (6,)], marks=SLOW), pytest.param([(3,), (3,) * 11], marks=LONG)],
    ids=["widths", "depths"],
)
def test_chains_around_networks_of_several_structures_are_one_class(hidden, merging):
    """A chain draws the noise of its own network: the estimate of each is what the network alone gives."""
    # Around initial parameters, which are equal bit for bit: the seed of a chain follows from the bits of its start.
    spec = spec_of(MODELS.MLP(), LABELS, snapshots=(0,))
    over = {"hidden": hidden, "seed": [0]}
    llc = mj.measures.llc(chains=2, draws=20, burn_in=0, step_size=1e-4, nbeta=10.0, localization=1.0)
    together = mj.measure(mj.sweep(spec, over, packing=PACKING), [llc])
    for i in range(2):
        own = mj.measure(alone(spec, over, (i,)), [llc])
        for name in own.data_vars:
            np.testing.assert_allclose(together[name].isel(hidden=i), own[name], rtol=1e-2, err_msg=str(name))


@pytest.mark.parametrize(
    "measure", ["layer_l2", "last_layer_l2", mj.measures.l2_of("layer_0")], ids=["layers", "last", "named"]
)
def test_a_measure_of_layers_keeps_depths_apart(measure, merging):
    spec = spec_of(MODELS.MLP(), LABELS, measures=("loss", measure))
    assert {block.program.widths for block in make_plan(spec, {"hidden": [(3,), (3, 3)]}, PACKING).blocks} == {None}


@pytest.mark.parametrize(
    ("activation", "room"),
    [
        (jax.numpy.sin, {(3, 2)}),
        (lambda h: h - h.mean(0), {None}),
        # Its derivative at zero is infinite, which would make gradients NaN in a layer that a run passes through.
        (lambda h: jax.numpy.sqrt(jax.numpy.abs(h)), {None}),
        # Its second derivative is, which would make sharpness NaN.
        (lambda h: jax.numpy.abs(h) ** 1.5, {None}),
    ],
    ids=["sine", "mixing", "steep", "bent"],
)
def test_depths_share_a_program_if_a_users_activation_allows_it(activation, room, merging):
    spec = spec_of(MODELS.MLP(activation=activation), LABELS)
    assert {block.program.widths for block in make_plan(spec, {"hidden": [(3,), (3, 3)]}, PACKING).blocks} == room


def test_networks_of_unequal_layers_stay_beside_a_stack(merging):
    spec, over = spec_of(MODELS.MLP(), LABELS), {"hidden": [(3,), (3, 3), (3, 4), (5, 2), ()]}
    blocks = make_plan(spec, over, PACKING).blocks
    assert sorted((str(block.program.widths), len(block.runs)) for block in blocks) == [
        ("(5, 4)", 2), ("None", 1), ("Stack(width=3, layers=2)", 2),
    ]  # fmt: skip


def mean_size(params, apply, examples):
    leaves = jax.tree.leaves(params)
    return sum(abs(leaf).sum() for leaf in leaves) / sum(leaf.size for leaf in leaves)


@pytest.mark.parametrize(
    "fields",
    [
        dict(measures=("loss", mean_size)),
        dict(optimizer=mj.optimizers.from_optax(optax.adafactor, learning_rate=0.01)),
        dict(model=MODELS.MLP(activation=lambda h: h - h.mean(0))),
        # Zeros among the units change the largest of them only where all others are negative.
        dict(model=MODELS.MLP(activation=lambda h: jax.numpy.where(h == h.max(0), h, 0.1 * h))),
    ],
    ids=["measure", "optimizer", "activation", "competition"],
)
def test_what_might_see_padding_is_not_padded(fields, merging):
    """A user's measure or optimizer might look at the number of parameters, and an activation at other units."""
    spec = dataclasses.replace(spec_of(MODELS.MLP(), LABELS), **fields)
    assert {block.program.widths for block in make_plan(spec, {"hidden": [(3,), (6,)]}, PACKING).blocks} == {None}


MIXING = 0.0


def bent(h):
    return jax.numpy.cos(h) - MIXING * h.mean(0)


def test_a_users_activation_of_single_numbers_is_padded_until_it_mixes_them(merging, monkeypatch):
    def padding():
        spec = spec_of(MODELS.MLP(activation=bent), LABELS)
        return {block.program.widths for block in make_plan(spec, {"hidden": [(3,), (6,)]}, PACKING).blocks}

    assert padding() == {(6,)}
    # The same function computes something else, which its content says.
    monkeypatch.setattr(sys.modules[__name__], "MIXING", 1.0)
    assert padding() == {None}


class Averaged(MODELS.MLP):
    """A user's model that inherits its padding and computes what the padding does not know of."""

    def apply(self, params, x):
        return super().apply(params, x) / self.hidden[0]


def test_a_model_that_only_inherits_its_padding_works_as_without(merging):
    spec, over = spec_of(Averaged(), LABELS), {"hidden": [(3,), (6,)]}
    assert {block.program.widths for block in make_plan(spec, over, PACKING).blocks} == {None}


def test_a_users_measure_keeps_its_own_default_of_a_name_that_memjax_uses():
    def kept(params, apply, examples, *, live=2.0):
        return jax.numpy.asarray(live)

    assert (mj.sweep(spec_of(MODELS.MLP(hidden=(3,)), LABELS, measures=("loss", kept))).kept == 2.0).all()


def test_snapshots_of_crossing_widths_are_measured_and_those_of_other_networks_refused(merging):
    spec = spec_of(MODELS.MLP(), LABELS, measures=("loss", "weight_l2"))
    together = mj.sweep(spec, {"hidden": [(9, 2), (3, 7)], "seed": [0]}, packing=PACKING)
    found = mj.measure(together, ["weight_l2"])
    np.testing.assert_allclose(found.weight_l2, together.weight_l2.sel(step=[0, 6]), rtol=1e-5)
    other = together.copy(deep=True)
    other["parameters"][:, 0] = other["parameters"][0, 0]
    with pytest.raises(mj.InputError, match="keeps other parameters than the"):
        mj.measure(other, ["weight_l2"])


@dataclasses.dataclass(frozen=True)
class Pair:
    """A user's network of one hidden layer, x -> cos(x W) V."""

    hidden: int = 3
    outputs: int | None = None

    def init(self, key, x):
        first, second = jax.random.split(key)
        return {
            "w": jax.random.normal(first, (x.shape[1], self.hidden)),
            "v": jax.random.normal(second, (self.hidden, self.outputs)),
        }

    def apply(self, params, x):
        return jax.numpy.cos(x @ params["w"]) @ params["v"]

    @property
    def widths(self):
        return (self.hidden,)

    def padded(self, widths):
        return dataclasses.replace(self, hidden=widths[0])

    def pad(self, params, widths):
        wide = {"w": np.zeros((len(params["w"]), widths[0]), params["w"].dtype)}
        wide["v"] = np.zeros((widths[0], params["v"].shape[1]), params["v"].dtype)
        wide["w"][:, : self.hidden], wide["v"][: self.hidden] = params["w"], params["v"]
        return wide


class Backwards(Pair):
    """Units stand in another order in the wider network, which computes the same."""

    def pad(self, params, widths):
        return {"w": super().pad(params, widths)["w"][:, ::-1], "v": super().pad(params, widths)["v"][::-1]}


@pytest.mark.parametrize("model", [Pair(), pytest.param(Backwards(), marks=SLOW)], ids=["Pair", "Backwards"])
def test_a_users_model_takes_part_by_pad(model, merging):
    spec, over = spec_of(model, LABELS, measures=("loss", "weight_l2")), {"hidden": [3, 6], "seed": [0, 1]}
    assert {block.program.widths for block in make_plan(spec, over, PACKING).blocks} == {(6,)}
    together = mj.sweep(spec, over, packing=PACKING)
    for i in range(2):
        compare(together.isel(hidden=i), alone(spec, over, (i,)), TOLERANCE)


class Doubled(Pair):
    """A unit that no weight reads has the weights of another."""

    def pad(self, params, widths):
        wide = super().pad(params, widths)
        wide["w"][:, -1] = wide["w"][:, 0]
        return wide


class Averaging(Pair):
    """The mean over hidden units has another divisor in the wider model."""

    def apply(self, params, x):
        return super().apply(params, x) / params["v"].shape[0]

    def pad(self, params, widths):
        return super().pad(params, widths)


class Whole(Pair):
    @property
    def widths(self):
        return self.hidden


class Loud(Pair):
    def pad(self, params, widths):
        loud = lambda leaf: leaf if leaf.dtype.kind == "i" else np.where(leaf == 0, leaf.dtype.type(1), leaf)  # noqa: E731
        return jax.tree.map(loud, super().pad(params, widths))


class Narrow(Pair):
    def pad(self, params, widths):
        return params


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Doubled(), "does not put each parameter in one place of its own"),
        (Averaging(), "computes something else from padded parameters"),
        (Whole(), "has widths = 3, which must be a tuple of whole numbers"),
        (Loud(), "puts other numbers than zero in its padding"),
        (Narrow(), "pads its parameters to other arrays"),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, Pair) else "",
)
def test_a_users_padding_that_breaks_its_word_is_refused(model, message):
    with pytest.raises(mj.InputError, match=message):
        mj.explain(spec_of(model, LABELS), {"hidden": [3, 6]})


def test_the_cost_model_merges_what_a_compile_costs_more_than(monkeypatch):
    monkeypatch.setattr(cost, "rates", lambda: cost._CPU_CORE)
    spec = spec_of(MODELS.MLP(), LABELS, steps=60)
    over = {"hidden": [(w,) for w in (2, 3, 4, 200, 210, 220)]}

    def classes(seconds):
        monkeypatch.setattr(cost, "COMPILE_SECONDS", seconds)
        return sorted({block.program.widths or (0,) for block in make_plan(spec, over, PACKING).blocks})

    assert classes(1e6) == [(220,)]
    # Between: what the small networks would waste in a class with the large ones is more than one compile.
    between = [classes(10.0**k) for k in np.arange(-7, 0.5, 0.25)]
    assert [(4,), (220,)] in between


@pytest.mark.parametrize(("width", "steps", "together"), [(8, 60, True), (256, 60_000, False)])
def test_the_cost_model_puts_depths_together_where_compiles_cost_more(width, steps, together, monkeypatch):
    monkeypatch.setattr(cost, "rates", lambda: cost._CPU_CORE)
    spec = spec_of(MODELS.MLP(), LABELS, steps=steps, snapshots=(), train_size=400)
    blocks = make_plan(spec, {"hidden": [(width,) * depth for depth in range(1, 5)]}, PACKING).blocks
    assert {block.program.widths for block in blocks} == {(width, 4) if together else None}


def test_the_operations_that_explain_states_are_those_of_the_networks_alone(merging):
    """Sizes go against depths, so that a mean over runs would say another number."""
    spec = spec_of(MODELS.MLP(), LABELS, steps=60, snapshots=())
    cells = [((16,), 800), ((16,) * 2, 400), ((16,) * 4, 100)]
    together = mj.explain(spec, {("hidden", "train_size"): cells}, packing=PACKING)
    assert together.groups[0].widths == (16, 4)
    own = [mj.explain(spec, {("hidden", "train_size"): [cell]}, packing=PACKING).flops for cell in cells]
    # Work grows a little otherwise than with the parameters.
    np.testing.assert_allclose(together.flops, sum(own), rtol=0.1)
    sizes = {(16,): 164, (16,) * 2: 436, (16,) * 4: 980}
    filled = sum(size * sizes[hidden] for hidden, size in cells) / (980 * 1300)
    np.testing.assert_allclose(together.groups[0].filled, filled, rtol=1e-6)


def test_the_layouts_of_parameters_are_numbered_by_cell(merging):
    over = {"hidden": [(3, 3), (3,), (4,)], "seed": range(2)}
    found = mj.sweep(spec_of(MODELS.MLP(), LABELS, measures=("loss",)), over, packing=PACKING)
    assert found.parameter_layout.values.tolist() == [[0, 0], [1, 1], [2, 2]]


def test_the_cost_model_keeps_depths_apart_where_widths_alone_are_cheaper_to_share(monkeypatch):
    """One stack for all would compute eight layers of 64 units for networks that have but one of 8."""
    monkeypatch.setattr(cost, "rates", lambda: cost._CPU_CORE)
    spec = spec_of(MODELS.MLP(), LABELS, steps=500, record_every=50, snapshots=(), train_size=400, test_size=400)
    over = {"hidden": [(width,) * depth for depth in (1, 8) for width in (8, 16, 32, 64)], "seed": range(4)}
    rooms = {block.program.widths for block in make_plan(spec, over, PACKING).blocks}
    assert any(room and len(room) == 8 for room in rooms) and not any(hasattr(room, "layers") for room in rooms)
