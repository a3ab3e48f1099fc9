"""Random numbers in the forward pass of training: no company of a run, an example or a unit changes what is drawn."""

import dataclasses
from dataclasses import dataclass

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import memjax as mj
from memjax.engine.plan.plan import make_plan
from memjax.measures.sampled.chains import Around, Place, chain
from memjax.models import MLP, NNX, Augmented, InputNoise, Linen
from memjax.optimizers import sgd
from memjax.random.minibatches import batch_order

ROWS, BITS, STEPS = 16, 40, 3


@dataclass(frozen=True)
class Bits:
    """A model whose gradient is random bits: in a step, a row of its parameters moves by the bits of its example.

    The inputs are the unit vectors and the loss is the sum of the outputs.
    """

    def init(self, key, x):
        del key
        return {"seen": jnp.zeros((ROWS, BITS))}

    def apply(self, params, x):
        return x @ params["seen"]

    def apply_train(self, params, x, keys):
        return self.apply(params, x) * jax.vmap(lambda key: jax.random.bernoulli(key, 0.5, (BITS,)))(keys)


def total(outputs, targets):
    return outputs.sum(1)


SPEC = mj.Experiment(
    task=mj.tasks.from_arrays(np.eye(ROWS, dtype=np.float32), np.zeros((ROWS, BITS), np.float32)),
    model=Bits(),
    loss=total,
    optimizer=sgd(1.0),
    train_size="all",
    test_size=0,
    steps=STEPS,
    record_every=1,
    snapshots=(0, 1, 2, 3),
    measures=("weight_l2",),
)


def bits(dataset, **run):
    """Which bits moved in every step, for the row of every example, ``bool[steps, rows, bits]``."""
    seen = np.stack([mj.params(dataset, run, step)["seen"] for step in range(STEPS + 1)])
    return np.diff(seen, axis=0) != 0


def swept(spec=SPEC, seeds=(3,), **packing):
    return mj.sweep(spec, over={"seed": list(seeds)}, packing=mj.Packing(**packing), progress=False)


@pytest.fixture(scope="module")
def alone():
    return bits(swept(), seed=3)


@pytest.mark.parametrize(
    "packing",
    [
        dict(schedule="streamed", width=8, runs=2),
        dict(schedule="streamed", width=32, runs=4),
        dict(schedule="batched", width=16, runs=3),
    ],
    ids=["narrow tiles", "a wide tile", "batched"],
)
def test_the_same_bits_alone_in_company_and_in_another_order(alone, packing):
    np.testing.assert_array_equal(bits(swept(seeds=(5, 3, 4), **packing), seed=3), alone)


def test_other_bits_in_every_run_step_and_example():
    crowd = swept(seeds=range(4))
    drawn = np.stack([bits(crowd, seed=seed) for seed in range(4)])
    assert len(np.unique(drawn.reshape(-1, BITS), axis=0)) == 4 * STEPS * ROWS
    assert abs(drawn.mean() - 0.5) < 4.5 * 0.5 / np.sqrt(drawn.size)


def test_an_example_has_the_same_bits_wherever_it_stands_in_a_minibatch(alone):
    run = dataclasses.replace(SPEC, batch_size=5, seed=3)
    own = bits(swept(run, seeds=(1, 3)), seed=3)
    # Rows of the data set are in another order than the parameters', so compare what moved at all.
    moved = own.any(-1)
    assert moved.sum(1).tolist() == [5, 5, 5]
    np.testing.assert_array_equal(own, alone & moved[..., None])
    assert len(batch_order([run], 5, 0, STEPS)[0, 0]) == 5


def test_runs_that_leave_out_one_row_share_the_bits_of_the_others(alone):
    for left in (0, 7):
        own = bits(swept(dataclasses.replace(SPEC, subset=mj.subsets.LeaveOut(left))), seed=3)
        moved = own.any(-1)
        assert moved.sum(1).tolist() == [ROWS - 1] * STEPS
        np.testing.assert_array_equal(own, alone & moved[..., None])


def test_a_second_copy_of_a_row_has_bits_of_its_own(alone):
    subset = mj.subsets.Planted((2,), 2, among=mj.subsets.GivenRows((5,)))
    twice = swept(dataclasses.replace(SPEC, subset=subset))
    seen = np.stack([mj.params(twice, {"seed": 3}, step)["seen"][2] for step in range(STEPS + 1)])
    # The gradients of both copies add up in one row of parameters; the first copy has the bits of the row.
    moves = np.abs(np.diff(seen, axis=0))
    counts = np.round(moves / moves[moves != 0].min()).astype(int)
    assert set(np.unique(counts)) == {0, 1, 2}
    assert (counts >= alone[:, 2]).all() and 0.2 < (counts - alone[:, 2]).mean() < 0.8


def test_the_init_seed_decides_what_is_drawn(alone):
    same = dataclasses.replace(SPEC, init_seed=3, data_seed=3)
    np.testing.assert_array_equal(bits(swept(same, seeds=(8,)), seed=8), alone)
    other = dataclasses.replace(SPEC, init_seed=4, data_seed=3)
    assert (bits(swept(other, seeds=(3,)), seed=3) != alone).mean() > 0.4


TASK = mj.tasks.RandomLabels(input_dim=5, num_classes=3)
NET = mj.Experiment(
    task=TASK, model=MLP(hidden=(12,), dropout=0.5), train_size=40, steps=20, record_every=10, snapshots=(20,)
)


class Net(nn.Module):
    width: int = 12

    @nn.compact
    def __call__(self, x, train):
        h = nn.relu(nn.Dense(self.width)(x))
        return nn.Dense(3)(nn.Dropout(0.5, deterministic=not train)(h))


class NNXNet(nnx.Module):
    def __init__(self, rngs):
        self.first, self.second = nnx.Linear(5, 12, rngs=rngs), nnx.Linear(12, 3, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        return self.second(self.dropout(nnx.relu(self.first(x))))


def shifted(key, x):
    return jnp.roll(x, jax.random.randint(key, (), 0, 5))


MODELS = {
    "dropout": MLP(hidden=(12,), dropout=0.5),
    "input noise": InputNoise(MLP(hidden=(12,)), 0.5),
    "augmented": Augmented(MLP(hidden=(12,), dropout=0.1), shifted),
    "Linen": Linen(Net(), argument="train", training=True),
    "NNX": NNX(NNXNet, draws=True),
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if kind == "dropout" else [pytest.mark.slow]) for kind in MODELS]
)
@pytest.mark.slow
def test_a_run_with_any_source_of_noise_is_the_same_in_company(kind):
    spec = dataclasses.replace(NET, model=MODELS[kind], measures=("loss", "step_loss"))
    one, crowd = swept(spec), swept(spec, seeds=(5, 3, 4), schedule="streamed", width=16, runs=4)
    for name in ("train_loss", "step_loss"):
        np.testing.assert_allclose(crowd[name].sel(seed=3), one[name].sel(seed=3), rtol=2e-5)
    # Other parts of the test would hold without any noise.
    (snapshot,) = mj.snapshots(one)
    assert abs(float(one.step_loss[0, -1]) / float(one.train_loss[0, -1]) - 1) > 2e-3
    # Records are without the noise, so the last one is the loss of the snapshot as it is applied.
    loss = mj.losses.cross_entropy(snapshot.outputs(snapshot.train.x), jnp.asarray(snapshot.train.y)).mean()
    assert float(loss) == pytest.approx(float(one.train_loss[0, -1]), rel=1e-5)


def test_a_rate_of_zero_is_no_dropout_and_a_tiny_one_the_same_up_to_rounding():
    none = swept(dataclasses.replace(NET, model=MLP(hidden=(12,)))).train_loss.values[0]
    rates = mj.sweep(dataclasses.replace(NET, seed=3), over={"dropout": [0.0, 1e-9, 0.5]}).train_loss.values
    np.testing.assert_array_equal(rates[0], none)
    np.testing.assert_allclose(rates[1], none, rtol=2e-6)
    assert abs(rates[2] / none - 1)[1:].min() > 1e-3


def test_networks_padded_to_other_widths_drop_their_own_units():
    spec = dataclasses.replace(NET, seed=3)
    over = {"hidden": [(12,), (16,)], "dropout": [0.2, 0.5]}
    (block,) = {block.program for block in make_plan(spec, over, mj.Packing()).blocks}
    assert block.widths == (16,)
    padded = mj.sweep(spec, over=over).train_loss.sel(hidden="12", dropout=0.5)
    np.testing.assert_allclose(padded, swept(NET).train_loss[0], rtol=2e-5)


def test_networks_of_several_depths_with_dropout_have_programs_of_their_own():
    over = {"hidden": [(6,), (6, 6)]}
    plans = [make_plan(dataclasses.replace(NET, model=MLP(dropout=rate)), over, mj.Packing()) for rate in (0.0, 0.5)]
    assert [len({block.program for block in plan.blocks}) for plan in plans] == [1, 2]


@pytest.mark.slow
def test_chains_around_a_network_are_of_the_loss_without_noise():
    noisy = dataclasses.replace(NET, model=InputNoise(MLP(hidden=(12,), dropout=0.5)))
    (snapshot,) = mj.snapshots(swept(noisy))
    run = chain(Place(Around(snapshot, snapshot.start), 1.0, 0.1), mj.measures.llc(), "chain", 0)
    assert run.model == MLP(hidden=(12,))


@dataclass(frozen=True)
class Faulty(Bits):
    fault: str = ""

    def apply_train(self, params, x, keys):
        outputs = self.apply(params, x)
        if self.fault == "one key":
            return outputs + jax.random.normal(keys[0], outputs.shape)
        if self.fault == "no key":
            return outputs + np.random.default_rng().normal()
        return outputs[:, 1:]


class OnlyApply(MLP):
    def apply(self, params, x):
        return 2 * super().apply(params, x)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (
            Faulty("one key"),
            r"in training \(apply_train\) gives an example another value .* draw for it from its own key",
        ),
        (Faulty("no key"), r"in training \(apply_train\) gives other values when it is called again"),
        (Faulty("shape"), r"apply_train gives shape \[\d, 39\], and its apply \[\d, 40\]"),
    ],
    ids=["one key for all", "no key", "shape"],
)
def test_a_model_that_breaks_the_contract_in_training_is_refused(model, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        mj.sweep(dataclasses.replace(SPEC, model=model))


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (OnlyApply(hidden=(3,), dropout=0.5), "an apply of its own, and inherits apply_train"),
        (Net(), r"wrap it: memjax\.models\.Linen\(module"),
        (NNXNet, r"memjax\.models\.NNX\(factory, draws=True\)"),
        (nn.Sequential((nn.Dense(3), nn.BatchNorm(use_running_average=True))), r"nn\.LayerNorm, nn\.GroupNorm"),
        (Augmented(MLP(hidden=(3,)), lambda key, x: x[1:]), r"makes float32\[4\] of one example float32\[5\]"),
    ],
    ids=["apply alone", "Linen", "NNX", "batch statistics", "augmentation"],
)
def test_a_model_that_cannot_be_trained_so_says_what_to_do(model, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        mj.sweep(dataclasses.replace(NET, model=model))


def test_noise_on_whole_numbers_is_refused():
    spec = mj.Experiment(
        task=mj.tasks.ModularArithmetic(p=5), model=InputNoise(mj.models.EmbeddingMLP()), train_size=10
    )
    with pytest.raises(
        mj.InputError, match=r"InputNoise adds normal numbers to inputs, but the inputs are of dtype int32"
    ):
        mj.sweep(spec)
