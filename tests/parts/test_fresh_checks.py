"""What does not go with fresh examples, and tasks that break the contract of fresh examples, are refused in a sentence."""

import dataclasses
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax.engine.plan.plan import make_plan
from memjax.engine.program.fresh import sources
from memjax.experiment.draw import draw_data
from memjax.random import generator
from memjax.tasks import ModularArithmetic, RandomLabels, SparseParity
from memjax.types import Data, Split


def spec(**fields):
    base = dict(task=RandomLabels(3, 2), train_size="fresh", batch_size=4, test_size=6, steps=4, record_every=2)
    return mj.Experiment(**{**base, "model": mj.models.MLP(hidden=()), **fields})


@dataclass(frozen=True)
class Inherits(SparseParity):
    def draw(self, seed, train_size, test_size):
        split = super().draw(seed, train_size, test_size)
        return Split(Data(split.train.x, -split.train.y), split.test)


REFUSED = {
    "batch_size is None": dict(batch_size=None),
    "test_size = None": dict(test_size=None),
    "leave batch_seed out": dict(batch_seed=3),
    "leave subset": dict(subset=mj.subsets.LeaveOut(1)),
    "measured on 'data'": dict(examples=("loss",)),
    "measured on 'held_out'": dict(examples=(mj.measures.by_example("loss", on=("test", "held_out")),)),
    "closed_form": dict(optimizer=mj.optimizers.closed_form()),
    "ModularArithmetic cannot draw examples during": dict(task=ModularArithmetic(p=5)),
    "inherits fresh": dict(task=Inherits()),
    "whole number": dict(train_size="new"),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_needs_a_train_set_is_refused_where_it_is_written(words):
    with pytest.raises(mj.InputError, match=rf"^[a-z_]+ (is|are) .*{words}.*\.$"):
        spec(**REFUSED[words])


ONLY_LATER = {
    "'train_clean'": dict(measures=(mj.measures.loss.on("train_clean"),)),
    "'data'": dict(measures=(mj.measures.loss.on("data", "test"),)),
    "stop_when watches 'train_loss'": dict(measures=("loss",), stop_when=mj.stopping.AtMost("train_loss", 0.1)),
    "10000000000000000 examples": dict(batch_size=10**16),
}


@pytest.mark.parametrize("words", ONLY_LATER)
def test_what_needs_a_train_set_is_refused_before_training(words):
    with pytest.raises(mj.InputError, match=rf"{words}.*\.$"):
        mj.explain(spec(**ONLY_LATER[words]))


@dataclass(frozen=True)
class Own:
    """A task that keeps the contract, or breaks it in the way that `fault` names."""

    fault: str = ""
    num_outputs: int = 2

    def draw(self, seed, train_size, test_size):
        def part(split, size):
            return Data(generator(seed, split).random((size, 3), np.float32), np.zeros(size, np.int32))

        return Split(part("train", train_size), part("test", test_size))

    def stream(self, seed):
        if self.fault == "no numbers":
            return np.array(["teacher"])
        if self.fault == "shapes":
            return np.zeros(3 + seed % 2)
        return RESTLESS.random(3) if self.fault == "restless" else np.zeros(3)

    def fresh(self, stream, keys):
        x = jax.vmap(lambda key: jax.random.uniform(key, (3,)))(keys) + stream[:3]
        y = jnp.zeros(len(x), jnp.int32)
        return {
            "mean": (x - x.mean(0), y),
            "neighbour": (jnp.roll(x, 1, axis=0), y),
            "place": (x + jnp.arange(len(x), dtype=x.dtype)[:, None], y),
            "numpy": (x + RESTLESS.random(), y),
            "width": (x[:, :2], y),
            "one row": (x[:1], y[:1]),
            "dtype": (x, y.astype(jnp.float32)),
            "single": x,
            "not finite": (x / 0, y),
            "label": (x, y + 2),
        }.get(self.fault, (x, y))


RESTLESS = np.random.default_rng(0)
FAULTS = {
    "mean": "keys beside it were exchanged",
    "neighbour": "keys beside it were exchanged",
    "place": "keys beside it were exchanged",
    "numpy": "or when it was traced again",
    "width": r"inputs float32\[8, 2\] for 8 keys, but draw gives rows of float32\[3\]",
    "one row": r"inputs float32\[1, 3\] for 8 keys",
    "dtype": r"targets float32\[8\] for 8 keys, but draw gives rows of int32\[\]",
    "single": "no pair of arrays",
    "not finite": "Own.fresh gave inputs that are not finite",
    "label": "Labels run from 2 to 2",
    "no numbers": "Own.stream gave an array of dtype",
    "restless": "Own.stream gave other arrays when it was called again",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_task_that_breaks_the_contract_of_fresh_examples_is_refused(fault):
    with pytest.raises(mj.InputError, match=rf"{FAULTS[fault]}.*\.$"):
        mj.explain(spec(task=Own(fault)))


def test_streams_of_other_shapes_are_refused_when_the_runs_are_drawn():
    own = spec(task=Own("shapes"))
    (block,) = make_plan(own, {"seed": [0, 2]}, mj.Packing(runs=2)).blocks
    assert sources(block.program, block.experiments).stream.shape == (2, 3)
    with pytest.raises(mj.InputError, match=r"Own.stream gave arrays float32\[4\] for data seed 1, but float32\[3\]"):
        sources(block.program, [own, dataclasses.replace(own, seed=1)])


OFFSET = 0.0


@dataclass(frozen=True)
class Reads:
    """A task whose fresh examples hang on a number outside of the task."""

    num_outputs: int = 2

    def draw(self, seed, train_size, test_size):
        return Split(*(Data(np.zeros((n, 3), np.float32), np.zeros(n, np.int32)) for n in (train_size, test_size)))

    def stream(self, seed):
        return ()

    def fresh(self, stream, keys):
        return jnp.zeros((len(keys), 3)) + OFFSET, jnp.zeros(len(keys), jnp.int32)


def test_a_number_that_fresh_reads_outside_of_the_task_is_part_of_the_program(monkeypatch):
    task = Reads()

    def content():
        return make_plan(spec(task=task), {}, mj.Packing()).blocks[0].program.content

    first, again = content(), content()
    monkeypatch.setitem(globals(), "OFFSET", 1.0)
    assert first == again != content()


class Proud(Own):
    """A task that cannot draw an empty train set."""

    def draw(self, seed, train_size, test_size):
        assert train_size > 0
        return super().draw(seed, train_size, test_size)

    stream, fresh = Own.stream, Own.fresh


class Unnested(Own):
    """A task whose examples hang on their number."""

    def draw(self, seed, train_size, test_size):
        (x, y), test = super().draw(seed, train_size, test_size)
        return Split(Data(x + train_size, y), test)

    stream, fresh = Own.stream, Own.fresh


def test_a_task_need_not_know_how_to_draw_an_empty_train_set():
    own = spec(task=Proud())
    assert own.sizes() == (0, 6) and [len(part.y) for part in draw_data(own)] == [0, 6]


def test_runs_with_a_train_set_are_tested_to_be_nested_beside_fresh_ones():
    over = {"train_size": [20, "fresh", 10]}
    assert mj.explain(spec(task=Proud()), over).runs == 3
    with pytest.raises(mj.InputError, match=r"Unnested\.draw is not nested"):
        mj.explain(spec(task=Unnested()), over)
