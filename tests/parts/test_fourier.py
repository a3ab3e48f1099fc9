"""Fourier measures against closed forms, a naive transform, invariances, and logits whose modes are known."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax

import memjax as mj
from memjax import InputError
from memjax.measures import fourier_basis, fourier_power, gini, inverse_participation_ratio, modular_fourier
from memjax.measures.on_snapshots.modes import fewest, losses_without, mean_cross_entropy
from memjax.types import Data

RNG = np.random.default_rng(0)
P, KEYS = 13, (2, 5)
A, B = np.indices((P, P))
C = np.arange(P)


@pytest.mark.parametrize("p", [2, 3, 12, 53, 113])
def test_the_basis_is_orthonormal_and_in_the_order_constant_cosines_sines(p):
    basis = fourier_basis(p)
    np.testing.assert_allclose(basis @ basis.T, np.eye(p), rtol=0, atol=1e-13)  # Measured 6e-15.
    x = np.arange(p)
    naive = [np.ones(p)]
    for k in range(1, p // 2 + 1):
        naive += [np.cos(2 * np.pi * k * x / p), np.sin(2 * np.pi * k * x / p)]
    naive = np.array(naive)[:p]
    np.testing.assert_allclose(basis, naive / np.linalg.norm(naive, axis=1)[:, None], rtol=0, atol=1e-12)


@pytest.mark.parametrize("p", [2, 12, 53])
def test_power_is_that_of_the_discrete_fourier_transform_and_sums_to_the_squares(p):
    weights = RNG.normal(size=(p, 3, 2))
    squares = (np.abs(np.fft.fft(weights, axis=0)) ** 2).sum((1, 2)) / p
    naive = [squares[[k, -k]].sum() if 0 < 2 * k < p else squares[k] for k in range(p // 2 + 1)]
    np.testing.assert_allclose(fourier_power(weights), naive, rtol=1e-12)
    np.testing.assert_allclose(fourier_power(weights).sum(), np.square(weights).sum(), rtol=1e-12)
    np.testing.assert_allclose(fourier_power(np.roll(weights, 5, axis=0)), naive, rtol=1e-12)


def test_gini_in_closed_form_and_by_all_pairs():
    assert gini(np.eye(7)[3]) == pytest.approx(1 - 1 / 7) and gini(np.full(7, 0.3)) == pytest.approx(0, abs=1e-15)
    assert np.isnan(gini(np.zeros(4))) and gini([1, 2, 3, 4]) == pytest.approx(0.25)
    values = RNG.random((5, 3, 9))
    naive = np.abs(values[..., None] - values[..., None, :]).mean((-1, -2)) / (2 * values.mean(-1))
    np.testing.assert_allclose(gini(values), naive, rtol=1e-12)
    np.testing.assert_allclose(gini(7 * np.moveaxis(values, -1, 0), axis=0), naive, rtol=1e-12)


def test_inverse_participation_ratio_in_closed_form():
    wave = np.cos(2 * np.pi * 4 * np.arange(31) / 31 + 0.7)
    assert inverse_participation_ratio(np.fft.fft(wave)) == pytest.approx(0.5)
    assert inverse_participation_ratio(np.exp(1j * np.arange(8))) == pytest.approx(1 / 8)
    np.testing.assert_allclose(inverse_participation_ratio([[3, 0], [1, -1], [0, 0]]), [1, 0.5, np.nan])
    np.testing.assert_allclose(inverse_participation_ratio([[3, 1], [0, -1]], axis=0), [1, 0.5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fourier_basis(1), "p is 1: give a whole number of at least 2"),
        (lambda: fourier_power(3.0), r"The weights have shape \[\]"),
        (lambda: gini([1, -2]), r"values holds -2.0"),
        (lambda: gini([]), r"values has shape \[0\]"),
        (lambda: inverse_participation_ratio([1], axis=2), "along axis 2"),
    ],
)
def test_arrays_that_cannot_be_analysed_are_input_errors(call, message):
    with pytest.raises(InputError, match=message):
        call()


@dataclasses.dataclass(frozen=True)
class Table:
    """Model whose parameters are its logits for every pair."""

    outputs: int | None = None

    def init(self, key, x):
        return {"embedding": jnp.zeros((P, 4)), "logits": jnp.zeros((P, P, self.outputs))}

    def apply(self, params, x):
        return params["logits"][x[:, 0], x[:, 1]]


def _snapshot(logits, operation="add", embedding=None, noisy=False):
    experiment = mj.Experiment(task=mj.tasks.ModularArithmetic(p=P, operation=operation), model=Table(), train_size=60)
    order = np.random.default_rng(1).permutation(P * P)
    pairs = np.stack([A, B], -1).reshape(-1, 2)[order].astype(np.int32)
    y = (pairs[:, 0] + (1 if operation == "add" else -1) * pairs[:, 1]) % P
    train_y = np.random.default_rng(2).integers(0, P, 60) if noisy else y[:60]
    embedding = RNG.normal(size=(P, 4)) if embedding is None else embedding
    params = {"embedding": np.asarray(embedding), "logits": np.asarray(logits, np.float32)}
    return mj.Snapshot({}, 0, experiment, params, Data(pairs[:60], train_y), Data(pairs[60:], y[60:]))


def _taken(*args, measure=None, **kwargs):
    return {name: np.asarray(v) for name, v in (measure or modular_fourier())(_snapshot(*args, **kwargs)).items()}


def _loss(logits, labels):
    rows = log_softmax(np.asarray(logits, float).reshape(-1, P), axis=1)
    return -rows[np.arange(len(rows)), np.ravel(labels)].mean()


def _clock(sign=1, keys=KEYS):
    """The trained network of Nanda et al.: logits sum_k cos(w_k (a + b - c))."""
    return sum(np.cos(2 * np.pi * k * ((A + sign * B)[..., None] - C) / P) for k in keys)


@pytest.mark.parametrize(("operation", "sign"), [("add", 1), ("subtract", -1)])
def test_a_network_of_two_frequencies_is_taken_apart(operation, sign):
    logits = 3 * _clock(sign)
    found = _taken(logits + RNG.normal(size=(P, P, 1)), operation)  # A softmax does not see a shift of a pair's logits.
    assert np.flatnonzero(found["key_frequency"]).tolist() == [*KEYS]
    # Logits are float32: measured 2e-8.
    np.testing.assert_allclose(found["logit_power"], 0.5 * np.isin(np.arange(7), KEYS), rtol=0, atol=1e-6)
    np.testing.assert_allclose(found["logit_gini"], 1 - 2 / 6, rtol=0, atol=1e-5)
    full = _loss(logits, (A + sign * B) % P)
    np.testing.assert_allclose([found[f"restricted_{split}loss"] for split in ("", "train_", "test_")], full, rtol=1e-6)
    np.testing.assert_allclose(found["excluded_loss"], np.log(P), rtol=1e-6)
    alone = _loss(3 * np.cos(2 * np.pi * 2 * C / P), 0)
    np.testing.assert_allclose(found["frequency_loss"][[2, 5]], alone, rtol=1e-6)
    np.testing.assert_allclose(found["frequency_loss"][[0, 1, 3, 4, 6]], np.log(P), rtol=1e-6)
    np.testing.assert_allclose(found["frequency_excluded_loss"][[2, 5]], alone, rtol=1e-6)
    np.testing.assert_allclose(found["frequency_excluded_loss"][[0, 1, 3, 4, 6]], full, rtol=1e-6)


def test_losses_are_those_of_projections_of_all_logits_on_the_directions_of_the_paper():
    """Any logits and noisy labels, against unit vectors cos and sin(w_k (a + b)) over all pairs, one after another."""
    logits = (2 * RNG.normal(size=(P, P, P)) + 3 * _clock() + RNG.normal(size=P)).astype(np.float32)
    snapshot = _snapshot(logits, noisy=True)
    found = _taken(logits, noisy=True, measure=modular_fourier(keys=(5, 2)))
    flat = logits.reshape(P * P, P).astype(float)
    flat -= flat.mean(1, keepdims=True)
    modes = [np.tile(flat.mean(0), (P * P, 1))]
    for k in range(1, P // 2 + 1):
        waves = [wave(2 * np.pi * k * (A + B) / P).ravel() for wave in (np.cos, np.sin)]
        modes.append(sum(np.outer(u, u @ flat) for u in (wave / np.linalg.norm(wave) for wave in waves)))
    kept, removed = modes[0] + modes[2] + modes[5], flat - modes[2] - modes[5]
    train, test = (d.x @ [P, 1] for d in (snapshot.train, snapshot.test))
    naive = {
        "restricted_loss": _loss(kept, (A + B) % P),
        "restricted_train_loss": _loss(kept[train], snapshot.train.y),
        "restricted_test_loss": _loss(kept[test], snapshot.test.y),
        "excluded_loss": _loss(removed[train], snapshot.train.y),
        "frequency_loss": [_loss(modes[0] + (mode if k else 0), (A + B) % P) for k, mode in enumerate(modes)],
        "frequency_excluded_loss": [_loss((flat - mode)[train], snapshot.train.y) for mode in modes],
        "logit_power": [np.square(mode).sum() / np.square(flat).sum() for mode in modes],
    }
    for name, value in naive.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-9, err_msg=name)  # Measured 3e-15.


def test_key_frequencies_are_the_fewest_that_hold_the_share():
    logits = sum(size * _clock(keys=(k,)) for k, size in ((1, 3.0), (4, 2.0), (6, 1.0)))  # Powers 9 : 4 : 1.
    for share, keys in ((0.5, [1]), (0.9, [1, 4]), (0.95, [1, 4, 6]), (1.0, [1, 4, 6]), (0.0, [])):
        found = _taken(logits, measure=modular_fourier(share=share))
        assert np.flatnonzero(found["key_frequency"]).tolist() == keys
    for powers in RNG.random((100, 30)):  # All of the power is in those that have any, however its sum is rounded.
        powers[10:20] = 0
        assert (fewest(powers, 1.0)[1:] == (powers[1:] > 0)).all()
    nothing = _taken(np.zeros((P, P, P)))
    assert not nothing["key_frequency"].any() and np.isnan(nothing["logit_power"]).all()
    np.testing.assert_allclose([nothing["restricted_loss"], nothing["excluded_loss"]], np.log(P))


def test_the_embedding_is_found_or_given():
    wave = np.cos(2 * np.pi * 3 * C / P)[:, None] * [1.0, 2.0, 0.0]
    of = {"embedding_power": np.eye(7)[3], "embedding_gini": 1 - 1 / 6, "ipr": 0.5}
    stacked = {"both operands": np.stack([wave, -wave]), "a token more": np.concatenate([wave, np.ones((1, 3))])}
    for embedding in (wave, *stacked.values()):
        found = _taken(_clock(), embedding=embedding)
        for name, value in of.items():
            np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-7, err_msg=name)
    given = _taken(_clock(), measure=modular_fourier(weights=lambda params: params["logits"][:, 0]))
    np.testing.assert_allclose(given["embedding_power"], found["logit_power"], atol=1e-6)


def test_the_weights_of_gromov_have_one_frequency_per_neuron_and_all_alike():
    """Of 26 neurons for p = 13 two are constant, with a ratio of 1; of the others each holds one cosine."""
    params = mj.models.gromov_weights(P, 2 * P)
    snapshot = dataclasses.replace(
        _snapshot(_clock()),
        experiment=mj.Experiment(
            task=mj.tasks.ModularArithmetic(p=P), model=mj.models.QuadraticMLP(hidden=2 * P), train_size=60
        ),
        params=params,
    )
    found = modular_fourier()(snapshot)
    np.testing.assert_allclose(found["embedding_gini"], 0, atol=1e-6)
    np.testing.assert_allclose(found["ipr"], 1 / P + (1 - 1 / P) / 2, rtol=1e-6)


@pytest.mark.slow
def test_a_sweep_is_measured_with_the_keys_of_its_last_snapshot():
    """The table learns what it was shown by gradient descent; keys of the end hold for every snapshot of the same run."""
    spec = mj.Experiment(
        task=mj.tasks.ModularArithmetic(p=P),
        model=Table(),
        optimizer=mj.optimizers.sgd(50.0),
        train_size=100,
        steps=20,
        record_every=20,
        snapshots=(0, 20),
        measures=("loss",),
    )
    ds = mj.sweep(spec, over={"seed": [0, 1]}, progress=False)
    found = mj.measure(ds, [modular_fourier(), "log_probability"], using=[Table()])
    assert found.restricted_loss.dims == ("seed", "snapshot") and found.frequency.values.tolist() == list(range(7))
    last = found.key_frequency.isel(snapshot=-1)
    fixed = mj.measure(ds, [modular_fourier(keys=last)], using=[Table()])
    assert (fixed.key_frequency == last).all() and not (found.key_frequency.isel(snapshot=0) == 1).any()
    np.testing.assert_allclose(fixed.excluded_loss.isel(snapshot=-1), found.excluded_loss.isel(snapshot=-1))
    np.testing.assert_allclose(found.train_log_probability.isel(snapshot=0), -np.log(P), rtol=1e-6)
    of_one = mj.measure(ds, [modular_fourier(keys=last.astype(float).where(last.seed == 0))], using=[Table()])
    assert of_one.key_frequency.any(["snapshot", "frequency"]).values.tolist() == [True, False]
    other = last.assign_coords(seed=[4, 5])
    for keys, message in ((other, "keys has no run"), (found.key_frequency, "give key_frequency at one snapshot")):
        with pytest.raises(InputError, match=message):
            mj.measure(ds, [modular_fourier(keys=keys)], using=[Table()])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 2}, "share is 2: give a finite number from 0 to 1"),
        ({"weights": 3}, "weights is 3: give a function"),
        ({"keys": 3}, "keys is 3: give a tuple"),
        ({"keys": (0,)}, "keys holds 0: the frequencies of the task are 1 to 6"),
        ({"weights": lambda params: params["none"]}, "weights cannot be called with the parameters: KeyError"),
        ({"weights": lambda params: np.ones(5)}, r"weights gave shape \[5\]"),
    ],
)
def test_options_that_do_not_fit_are_input_errors(options, message):
    with pytest.raises(InputError, match=message):
        _taken(_clock(), measure=modular_fourier(**options))


def test_other_operations_and_parameters_without_an_embedding_are_input_errors():
    with pytest.raises(InputError, match="with operation = 'add' or 'subtract'"):
        _taken(_clock(), "multiply")
    with pytest.raises(InputError, match="under 'embedding', nor one per operand under 'layer_0'"):
        _taken(_clock(), embedding=np.ones((3, 3)))


@pytest.mark.parametrize("scale", [0.1, 10.0, 100.0, 1000.0])
def test_losses_without_a_part_are_those_of_the_difference(scale):
    """Up to the widest logits whose exponentials are products, and beyond; labels are not always the results."""
    rng = np.random.default_rng(0)
    results, labels = rng.integers(0, 5, 60), rng.integers(0, 7, 60)
    parts, logits = scale * rng.normal(size=(4, 5, 7)), scale * rng.normal(size=(60, 7))
    logits[:50, 3] += 5 * scale
    labels[:50] = 3
    found = losses_without(logits, parts, results, labels)
    # Measured 2e-15.
    expected = [mean_cross_entropy(logits - part[results], labels) for part in parts]
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    # A tiny loss keeps its digits.
    tiny = losses_without(np.array([[60.0, 0.0]]), np.zeros((1, 1, 2)), np.array([0]), np.array([0]))
    np.testing.assert_allclose(tiny, np.exp(-60.0), rtol=1e-13)
