"""A store gives back the runs that are asked for: another function, array or code under the same name is another experiment."""

import dataclasses
import functools
import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import memjax as mj
from memjax.engine.plan.groups import read_groups
from memjax.experiment.encode import reference
from memjax.experiment.labels import labels_of
from memjax.store.folder import Store
from memjax.store.missing import add_missing
from memjax.store.request import Request
from memjax.types import Data, Split

PLAIN = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=3, num_classes=4),
    model=mj.models.MLP(hidden=(6,)),
    train_size=8,
    steps=4,
    record_every=2,
)
MADE = {"packing": {}, "versions": {}, "created": ""}


def begin(spec, path):
    """Enter a store as a sweep does, and train nothing; what enters a store that was begun is compared before it is planned."""
    path.mkdir(exist_ok=True)
    groups = {} if any(path.iterdir()) else read_groups(spec, ())
    return add_missing(Store(path), Request(spec, (), groups), mj.Packing(), MADE)


def with_rate(peak):
    schedule = optax.warmup_cosine_decay_schedule(0.0, peak, 2, 4)
    rule = mj.optimizers.from_optax(optax.sgd, learning_rate=schedule)
    return dataclasses.replace(PLAIN, optimizer=rule, model=mj.models.MLP(hidden=()), measures=("loss",))


def with_widths(widths):
    sizes = [3, *widths, 4]

    def init(key, x):
        return [jax.random.normal(key, pair) for pair in itertools.pairwise(sizes)]

    return dataclasses.replace(PLAIN, model=(init, lambda w, x: jax.nn.relu(x @ w[0]) @ w[1]))


def with_class_weights(weight):
    weights = np.ones(4)
    weights[2] = weight

    def weighted(outputs, targets):
        return jnp.asarray(weights)[targets] * optax.softmax_cross_entropy_with_integer_labels(outputs, targets)

    return dataclasses.replace(PLAIN, loss=weighted)


def with_test_set(value):
    held = np.full((8, 3), 0.5)
    held[7, 2] = value

    class Own:
        num_outputs = 4

        def draw(self, seed, train_size, test_size):
            rows = np.random.default_rng(seed).normal(size=(train_size, 3))
            return Split(Data(rows, np.arange(train_size) % 4), Data(held[:test_size], np.arange(test_size) % 4))

        def __repr__(self):
            return "own"

    return dataclasses.replace(PLAIN, task=Own())


def with_partial(value):
    table = np.zeros(3000)
    table[1500] = value
    measure = functools.partial(lambda table, params, apply, examples: jnp.asarray(table).sum(), table)
    return dataclasses.replace(PLAIN, measures=("loss", mj.Measure(measure, "total")))


def with_default(scale):
    def activation(x, scale=(scale, 1)):
        return scale[0] * jnp.tanh(x)

    return dataclasses.replace(PLAIN, model=mj.models.MLP(hidden=(6,), activation=activation))


def with_method(scale):
    class Layers:
        def __init__(self, scale):
            self.scales = {"only": scale}

        def activation(self, x):
            return self.scales["only"] * x

        def __repr__(self):
            return "layers"

    return dataclasses.replace(PLAIN, model=mj.models.MLP(hidden=(6,), activation=Layers(scale).activation))


def with_code(number):
    names = {"jnp": jnp, "__name__": "notebook"}
    exec(f"def loss(outputs, targets): return {number} * jnp.square(outputs).mean(-1)", names)
    return dataclasses.replace(PLAIN, loss=names["loss"])


def with_global(number):
    names = {"jnp": jnp, "__name__": "notebook", "scale": [number]}
    exec("def loss(outputs, targets): return scale[0] * jnp.square(outputs).mean(-1)", names)
    return dataclasses.replace(PLAIN, loss=names["loss"])


KINDS = {
    "optimizer.learning_rate": with_rate, "model": lambda w: with_widths([int(8 * w)]), "loss": with_class_weights,
    "task": with_test_set, r"measures\[1\]": with_partial, "model.activation": with_default, "model.activation ": with_method,
    "loss ": with_code, "loss  ": with_global,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_user_changed_under_the_same_name_is_refused(kind, tmp_path):
    begin(KINDS[kind](1.0), tmp_path)
    # The same thing made anew is the same experiment, and 2 is another one.
    assert len(begin(KINDS[kind](1.0), tmp_path).manifests) == 1
    with pytest.raises(
        mj.InputError, match=rf"of another experiment: {kind.strip()} has the same name, but holds something else"
    ):
        begin(KINDS[kind](2.0), tmp_path)


@pytest.mark.slow
def test_the_runs_of_an_axis_of_functions_are_told_apart_and_found_again(tmp_path):
    """The peaks of two schedules that optax names alike; a third is trained beside them, and none is mistaken."""
    path, over = tmp_path / "runs", "optimizer.learning_rate"
    rates = {peak: with_rate(peak).optimizer.hyperparameters["learning_rate"] for peak in (1e-5, 1e-1, 1.0)}
    spec, alone = with_rate(1e-3), mj.sweep(with_rate(1e-1), progress=False).train_loss.values
    two = mj.sweep(spec, {over: [rates[1e-5], rates[1e-1]]}, store=path, progress=False)
    assert not any("0x" in label for label in two.learning_rate.values.tolist())
    three = mj.sweep(spec, {over: list(rates.values())}, store=path, progress=False)
    np.testing.assert_array_equal(three.train_loss[:2], two.train_loss)
    np.testing.assert_allclose(three.train_loss[1], alone, rtol=1e-6)
    assert (abs(np.diff(three.train_loss[:, -1])) > 1e-3).all()
    assert len(set(mj.open(path).learning_rate.values.tolist())) == 3
    named = mj.sweep(
        spec, {over: {"low": rates[1e-5], "mid": rates[1e-1], "high": rates[1.0]}}, store=path, progress=False
    )
    assert named.learning_rate.values.tolist() == ["low", "mid", "high"]
    assert (named.train_loss.values == three.train_loss.values).all()


def test_a_schedule_that_was_called_has_the_name_and_the_label_that_it_had():
    """The schedules of optax change what they captured when they are called: 9 steps become 9.0 steps."""
    called, fresh = (optax.cosine_decay_schedule(0.1, 9) for _ in range(2))
    called(jnp.int32(3))
    assert reference(called) == reference(fresh)
    assert labels_of("rate", [called]).tolist() == labels_of("rate", [fresh]).tolist()
    text = dataclasses.replace(PLAIN, optimizer=mj.optimizers.from_optax(optax.sgd, learning_rate=called)).to_json()
    read = mj.Experiment.from_json(text, using=(fresh, optax.sgd))
    assert read.optimizer.hyperparameters["learning_rate"] is fresh


def test_what_holds_an_open_file_is_refused_until_it_is_named(tmp_path):
    with open(tmp_path / "log", "w") as log:

        def loss(outputs, targets):
            log.flush()
            return jnp.square(outputs).mean(-1)

        spec = dataclasses.replace(PLAIN, loss=loss)
        with pytest.raises(
            mj.InputError, match=r"loss cannot be kept in a store. What the TextIOWrapper .* __memjax_content__"
        ):
            begin(spec, tmp_path / "runs")
        loss.__memjax_content__ = "squares"
        begin(spec, tmp_path / "runs")
        loss.__memjax_content__ = "squares, second version"
        with pytest.raises(mj.InputError, match="loss has the same name, but holds something else"):
            begin(spec, tmp_path / "runs")


@pytest.mark.parametrize(
    ("written", "sentence"),
    [(None, "what the object of then held was not written down"), ("python2.7:ab", "was compiled by python2.7 there")],
)
def test_functions_of_another_memjax_or_python_are_not_taken_on_trust(written, sentence, tmp_path, monkeypatch):
    spec = with_code(1.0)
    begin(spec, tmp_path)
    manifest = Store(tmp_path).contents().manifests[0]
    held = {"reference": manifest.experiment["loss"]["reference"], **({} if written is None else {"content": written})}
    (tmp_path / "manifest-0000.json").unlink()
    Store(tmp_path).append(0, dataclasses.replace(manifest, experiment={**manifest.experiment, "loss": held}))
    with pytest.raises(mj.InputError, match=sentence):
        begin(spec, tmp_path)


def test_a_spec_is_not_read_with_an_object_of_the_same_name_that_holds_something_else():
    text = with_class_weights(1.0).to_json()
    assert json.loads(text)["loss"]["reference"].endswith("weighted")
    mine, other = with_class_weights(1.0).loss, with_class_weights(2.0).loss
    assert mj.Experiment.from_json(text, using=(other, mine)).loss is mine
    with pytest.raises(mj.InputError, match=r"weighted', and the object of that name now holds something else"):
        mj.Experiment.from_json(text, using=(other,))
