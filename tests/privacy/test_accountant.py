"""Epsilon of runs and sweeps: published values, the moments by hand, the closed form, labels, and what is refused."""

import dataclasses
import json
import math
import sys

import numpy as np
import pytest
import xarray as xr
from scipy.special import gammaln, logsumexp

import memjax as mj
from memjax.optimizers import dp_sgd, sgd
from memjax.privacy import epsilon, gaussian_composition, gaussian_epsilon, noise_for, replace_one
from memjax.privacy.mechanism import Mechanism, mechanism_of

FULL = mj.Experiment(optimizer=dp_sgd(noise_multiplier=10.0), steps=100, train_size=50)
POISSON = dataclasses.replace(FULL, batch_size=5, batches="poisson", optimizer=dp_sgd(noise_multiplier=4.0))
# The lots of Abadi et al.: 600 of 60,000 examples, noise 4, delta 1e-5.
LOTS = dataclasses.replace(POISSON, train_size=60_000, batch_size=600)


@pytest.fixture
def library():
    pytest.importorskip("dp_accounting")


@pytest.mark.parametrize(
    ("epochs", "accountant", "interval", "expected"),
    [
        (100, "rdp", 1e-3, 1.036),
        (400, "rdp", 1e-3, 2.210),
        (100, "pld", 1e-3, 0.960),
        (400, "pld", 1e-3, 2.062),
        (100, "pld", 1e-4, 0.947),
        (400, "pld", 1e-4, 2.033),
    ],
)
def test_the_lots_of_abadi_et_al_have_the_epsilons_of_dp_accounting(library, epochs, accountant, interval, expected):
    spec = dataclasses.replace(LOTS, steps=100 * epochs)
    assert epsilon(spec, 1e-5, accountant, interval=interval) == pytest.approx(expected, abs=6e-4)


def moments(share, noise, steps, delta):
    """Epsilon by the moments of Abadi et al. at whole orders, with the conversion of Canonne, Kamath and Steinke (2020)."""
    found = []
    for order in range(2, 513):
        k = np.arange(order + 1)
        choose = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1)
        terms = choose + (order - k) * math.log1p(-share) + k * math.log(share) + k * (k - 1) / (2 * noise**2)
        divergence = steps * logsumexp(terms) / (order - 1)
        found.append(divergence + math.log1p(-1 / order) - math.log(delta * order) / (order - 1))
    return min(found)


@pytest.mark.parametrize("fields", [dict(), dict(batch_size=20), dict(steps=1000), dict(train_size=500)])
def test_rdp_is_the_moments_by_hand(library, fields):
    spec = dataclasses.replace(POISSON, **fields)
    by_hand = moments(spec.batch_size / spec.train_size, 4.0, spec.steps, 1e-5)
    # dp-accounting takes some orders between whole ones and leaves out some large ones: 1.8e-3 apart at most.
    assert epsilon(spec, 1e-5, "rdp") == pytest.approx(by_hand, rel=4e-3)


def test_accountants_are_in_order_and_meet_at_full_batches(library):
    exact, fine, rough = (float(epsilon(FULL, 1e-5, name)) for name in ("gaussian", "pld", "rdp"))
    assert exact == gaussian_epsilon(1.0, 1e-5)
    # PLD rounds losses up to its grid: 2e-8 above.
    assert exact <= fine < exact + 1e-5 and rough > fine + 0.1
    assert epsilon(POISSON, 1e-5, "pld") < epsilon(POISSON, 1e-5, "rdp")
    # Poisson batches of all examples are full batches.
    every = dataclasses.replace(POISSON, batch_size=50, optimizer=FULL.optimizer)
    assert epsilon(every, 1e-5, "gaussian") == exact and epsilon(every, 1e-5, "rdp") == rough


def test_more_noise_fewer_steps_and_rarer_examples_are_more_private(library):
    for accountant in ("rdp", "pld"):
        worst = epsilon(POISSON, 1e-5, accountant)
        for better in (
            dict(optimizer=dp_sgd(noise_multiplier=5.0)), dict(steps=50, record_every=50), dict(batch_size=4),
            dict(train_size=60),
        ):  # fmt: skip
            assert epsilon(dataclasses.replace(POISSON, **better), 1e-5, accountant) < worst
        assert epsilon(POISSON, 1e-6, accountant) > worst


def test_what_the_network_does_not_depend_on_by_examples_changes_nothing():
    exact = epsilon(FULL, 1e-5, "gaussian")
    others = (
        dict(optimizer=dp_sgd(3.0, clip_norm=0.01, noise_multiplier=10.0, momentum=0.9)), dict(seed=3), dict(loss_scale=5.0),
        dict(penalty=mj.penalties.L2(0.1)), dict(measures=("gradient_norm",)), dict(batch_size=50),
        dict(stop_when=mj.stopping.AtMost("test_loss", 0.5)), dict(keep_best=mj.stopping.Lowest("test_loss")),
    )  # fmt: skip
    assert {float(epsilon(dataclasses.replace(FULL, **other), 1e-5, "gaussian")) for other in others} == {float(exact)}


def test_a_subset_is_the_train_set():
    halves = dataclasses.replace(POISSON, subset=mj.subsets.BalancedHalves())
    assert mechanism_of(halves) == Mechanism(4.0, 5 / 25, 100)


def test_a_sweep_has_an_epsilon_for_every_run():
    over = {"noise_multiplier": [5.0, 10.0], "steps,record_every": [[20, 1], [40, 2]], "seed": [0, 1, 2]}
    coords = {"noise_multiplier": [5.0, 10.0], "steps": [20, 40], "record_every": ("steps", [1, 2]), "seed": [0, 1, 2]}
    # What a Dataset of such a sweep says of its runs, without training.
    ds = xr.Dataset(coords=coords, attrs={"experiment": FULL.to_json(), "over": json.dumps(over)})
    found = epsilon(ds, 1e-5, "gaussian")
    assert found.dims == ("noise_multiplier", "steps", "seed") and found.record_every.values.tolist() == [1, 2]
    for i, noise in enumerate([5.0, 10.0]):
        for j, steps in enumerate([20, 40]):
            own = gaussian_epsilon(gaussian_composition(noise, steps), 1e-5)
            assert (found.values[i, j] == own).all()
    part = epsilon(ds.isel(noise_multiplier=1, seed=[2, 0]), 1e-5, "gaussian")
    np.testing.assert_array_equal(part, found.isel(noise_multiplier=1, seed=[2, 0]))
    assert part.dims == found.dims[1:] and part.noise_multiplier == 10.0
    settings = {"delta": 1e-5, "accountant": "gaussian", "neighbors": "add or remove one", "units": "nats"}
    assert found.attrs.items() >= settings.items() and found.attrs["library"] == f"memjax {mj.__version__}"
    with pytest.raises(mj.InputError, match=r"lost its axis 'seed'"):
        epsilon(ds.drop_vars("seed"), 1e-5, "gaussian")


@pytest.mark.slow
def test_a_trained_sweep_has_an_epsilon_for_every_run():
    spec = dataclasses.replace(FULL, model=mj.models.MLP(hidden=()), steps=20, measures=("loss",))
    ds = mj.sweep(spec, {"noise_multiplier": [5.0, 10.0], "seed": [0, 1]})
    found = epsilon(ds, 1e-5, "gaussian")
    assert found.dims == ds.train_loss.dims[:-1]
    own = gaussian_epsilon(gaussian_composition(np.array([5.0, 10.0]), 20), 1e-5)
    np.testing.assert_array_equal(found, np.stack([own, own], axis=1))


def test_the_library_and_the_grid_are_named(library):
    found = epsilon(POISSON, 1e-5, "pld", interval=1e-2).attrs
    assert found["library"].startswith("dp-accounting 0.") and found["interval"] == 1e-2
    assert found["neighbors"] == "add or remove one" and "interval" not in epsilon(POISSON, 1e-5, "rdp").attrs


@pytest.mark.parametrize("asked", [0.3, 4.377178, 12.0])
def test_the_noise_for_an_epsilon_has_it_and_no_more(asked):
    found = noise_for(dataclasses.replace(FULL, optimizer=dp_sgd(noise_multiplier=0.0)), asked, 1e-5, "gaussian")
    own = dataclasses.replace(FULL, optimizer=dp_sgd(noise_multiplier=found))
    less = dataclasses.replace(FULL, optimizer=dp_sgd(noise_multiplier=found * (1 - 2e-4)))
    assert epsilon(own, 1e-5, "gaussian") <= asked < epsilon(less, 1e-5, "gaussian")


@pytest.mark.parametrize("accountant", ["rdp", pytest.param("pld", marks=pytest.mark.slow)])
def test_the_noise_for_poisson_batches(library, accountant):
    found = noise_for(POISSON, 1.5, 1e-5, accountant)
    own = dataclasses.replace(POISSON, optimizer=dp_sgd(noise_multiplier=found))
    assert 1.5 * 0.999 < epsilon(own, 1e-5, accountant) <= 1.5


def test_replacing_one_example_of_full_batches_is_covered_by_the_group(library):
    group, delta = replace_one(float(epsilon(FULL, 1e-5, "gaussian")), 1e-5)
    assert gaussian_epsilon(2 * gaussian_composition(10.0, 100), delta) < group


def with_(**fields):
    return lambda: epsilon(dataclasses.replace(POISSON, **fields), 1e-5, "gaussian")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (with_(optimizer=sgd(0.1)), r"optimizer is sgd\(.*use memjax\.optimizers\.dp_sgd"),
        (with_(optimizer=dp_sgd(noise_multiplier=0.0)), r"dp_sgd\.noise_multiplier is 0, so the run guarantees no"),
        (with_(batches="epochs"), r"batches is 'epochs' with batch_size = 5 of 50 .* use batches='poisson'"),
        (with_(batches="epochs", train_size="fresh", test_size=5), r"train_size is 'fresh', so there is no train set"),
        (with_(stop_when=mj.stopping.AtLeast("train_accuracy")), r"stop_when watches 'train_accuracy', which may look"),
        (with_(keep_best=mj.stopping.Lowest("train_loss")), r"keep_best watches 'train_loss', which may look"),
        (with_(), r"accountant is 'gaussian', but a step takes an example with the probability 0\.1"),
        (lambda: epsilon(FULL, 0.0, "gaussian"), r"delta is 0: give a number more than 0 and less than 1\."),
        (lambda: epsilon(FULL, 1e-5, "moments"), r"accountant is 'moments': use rdp, pld or gaussian\."),
        (lambda: epsilon(FULL, 1e-5, "gaussian", interval=0), r"interval is 0: give a finite number from 1e-07 to 1"),
        (lambda: epsilon("run", 1e-5, "gaussian"), r"Accounting got 'run': give a memjax\.Experiment, or the Dataset"),
        (lambda: noise_for(FULL, -1.0, 1e-5, "gaussian"), r"epsilon is -1\.0: give a finite number of at least 0"),
        (lambda: noise_for(FULL, 1e-9, 1e-12, "gaussian"), r"a noise_multiplier of 1e\+06 is not enough"),
    ],
)
def test_what_has_no_epsilon_is_refused(call, says):
    with pytest.raises(mj.InputError, match=says):
        call()


@pytest.mark.parametrize("accountant", ["rdp", "pld"])
def test_without_the_library_the_sentence_says_what_to_install(monkeypatch, accountant):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    for call in (lambda: epsilon(POISSON, 1e-5, accountant), lambda: noise_for(POISSON, 1.0, 1e-5, accountant)):
        with pytest.raises(mj.InputError, match=r"needs the package dp-accounting: pip install 'memjax\[privacy\]'"):
            call()
    assert epsilon(FULL, 1e-5, "gaussian") > 0
