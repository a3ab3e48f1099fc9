"""The study dp-sgd: numbers against closed forms and loops, and a shrunk run; claims are in test_dp_sgd_claims.py."""

import sys

import jax
import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad
from scipy.stats import norm

import memjax as mj
from memjax import privacy, studies
from memjax.optimizers import dp_sgd
from memjax.studies.dp_sgd import audits, bank, numbers, runs, sizes, tail
from memjax.studies.dp_sgd.sizes import CLIPPED, EPSILONS, PLAIN
from memjax.studies.dp_sgd.study import STUDY
from memjax.studies.long_tail.numbers import members

ALL = [PLAIN, CLIPPED, *EPSILONS]
SMALL = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=5, num_classes=3), train_size=12, test_size=6, model=mj.models.MLP(hidden=(4,)),
    optimizer=dp_sgd(0.1), steps=4, record_every=4, measures=("loss",), snapshots=(0, 4),
)  # fmt: skip


@pytest.fixture(scope="module")
def small():
    return mj.sweep(SMALL, {runs._AXIS: sizes.full_batch_settings(SMALL), "seed": range(2)}, progress=False)


def test_epsilons_are_those_of_the_closed_form_and_infinite_without_noise(small):
    found = numbers.epsilons(small, "gaussian")
    assert found["setting"].values.tolist() == ALL and np.isinf(found.values[:2]).all()
    noise = numbers.by_setting(small)["noise_multiplier"].values[2:]
    assert found.values[2:] == pytest.approx(privacy.gaussian_epsilon(2 / noise, 1e-5), rel=1e-9)
    # The noise is at most one part in ten thousand too large.
    assert (found.values[2:] <= [*EPSILONS.values()]).all() and found.values[2:] == pytest.approx(
        [*EPSILONS.values()], rel=1e-3
    )


def test_the_median_norm_is_that_of_gradients_one_by_one(small):
    found = numbers.gradient_norms(small, setting="epsilon 2")["median"]

    for snapshot in mj.snapshots(small.isel(clip_norm_noise_multiplier=[4])):
        model = snapshot.model

        def one(params, x, y, model=model):
            return mj.losses.cross_entropy(model.apply(params, x[None]), y[None])[0]

        alone = jax.jit(jax.grad(one))
        gradients = [jax.tree.leaves(alone(snapshot.params, x, y)) for x, y in zip(*snapshot.train, strict=True)]
        lengths = [np.sqrt(sum(np.square(leaf).sum() for leaf in part)) for part in gradients]
        mine = found.sel(seed=snapshot.run["seed"], snapshot=snapshot.step)
        assert float(mine) == pytest.approx(np.median(lengths), rel=1e-5)


def test_a_run_of_fewer_steps_ends_at_its_own_last_record():
    values = xr.DataArray([[[0.1, 0.5, np.nan], [0.2, 0.6, np.nan]], [[0.1, 0.3, 0.9], [0.2, 0.0, 0.8]]],
                          dims=("clip_norm_noise", "seed", "step"))  # fmt: skip
    found = numbers.accuracies(xr.Dataset({"train_accuracy": values, "test_accuracy": values / 2}))
    assert found["train"].values.tolist() == [[0.5, 0.6], [0.9, 0.8]]
    assert found["gap"].values == pytest.approx(found["train"].values / 2)


def test_a_clip_norm_takes_the_rate_that_is_best_over_seeds_and_seeds_choose_the_clip_norm():
    test = xr.DataArray(
        [[[0.9, 0.1], [0.6, 0.6]], [[0.5, 0.7], [0.3, 0.95]]],
        {"clip_norm": [0.1, 1.0], "learning_rate": [0.5, 2.5], "seed": [0, 1]},
    )
    clips = xr.Dataset({"test_accuracy": test.expand_dims({"noise_multiplier": [3.0], "step": [0, 9]})})
    norms = xr.Dataset({"median": xr.DataArray([[1.0, 3.0], [4.0, 6.0]], {"seed": [0, 1]}, ("seed", "snapshot"))})
    found = numbers.by_clip(clips, norms)
    assert found["rate"].values.tolist() == [2.5, 2.5] and found["norm"].values.tolist() == [2.0, 5.0]
    assert found["own"].values.tolist() == [[0.6, 0.6], [0.3, 0.95]]
    assert found["best"].values.tolist() == [0.1 / 2, 1.0 / 5]


@pytest.mark.parametrize(("share", "noise", "steps"), [(0.05, 1.5, 50), (0.2, 4.0, 200)])
def test_moments_are_integrals_of_the_densities(share, noise, steps):
    def moment(order):
        def integrand(z):
            mixed = np.logaddexp(np.log1p(-share) + norm.logpdf(z, 0, noise), np.log(share) + norm.logpdf(z, 1, noise))
            return np.exp((order + 1) * mixed - order * norm.logpdf(z, 0, noise))

        return np.log(quad(integrand, -12 * noise, 12 * noise + 12, limit=500)[0])

    exact = min((steps * moment(order) + np.log(1e5)) / order for order in range(1, 12))
    # 2e-8 apart.
    assert numbers.moments_epsilon(share, noise, steps, orders=12) == pytest.approx(exact, rel=1e-6)


def test_bounds_are_those_of_twice_mu_and_a_pair_allows_more():
    noise = xr.DataArray([2.0, 10.0, 50.0], {"setting": ["a", "b", "c"]}, "setting")
    found = numbers.bounds(noise, 100)
    mu = 10 / noise.values
    assert found["score"].values == pytest.approx(2 * norm.cdf(mu) - 1)
    for rate in numbers.RATES:
        assert found["tpr"].sel(fpr=rate).values == pytest.approx(norm.cdf(norm.ppf(rate) + 2 * mu))
    assert (found["pair_score"] >= found["score"]).all() and (found["pair_tpr"] >= found["tpr"]).all()
    # Without a guarantee everything is allowed, and with a strict one nothing.
    assert found["score"].values[0] > 0.9999 and numbers.bounds(noise * 1e6, 100)["score"].values.max() < 1e-5


def _bank(effect, networks=40, rows=200, seed=0):
    """Right answers and log-odds on random halves, where the first ten rows are known by ``effect`` more if trained on."""
    rng = np.random.default_rng(seed)
    first = np.array([rng.permutation(rows) < rows // 2 for _ in range(networks // 2)])
    member = np.stack([first, ~first], 1).reshape(networks, rows)
    odds = rng.normal(size=(networks, rows)) + effect * member * (np.arange(rows) < 10)
    right = rng.random((networks, rows)) < 0.5
    right[:, :10] = member[:, :10] if effect else right[:, :10]
    found = {"example_correct": right, "example_log_odds": odds, "train_count": member.astype(int)}
    return xr.Dataset(
        {name: (("seed", "example"), value) for name, value in found.items()}, {"example": 3 * np.arange(rows)}
    )


def test_scores_are_those_of_loops_and_the_top_is_chosen_by_other_networks():
    made = _bank(8.0)
    paired = bank.in_pairs(made)
    right, member = made["example_correct"].values, made["train_count"].values == 1

    def score(networks):
        return np.array([right[networks][member[networks][:, i], i].mean() - right[networks][~member[networks][:, i], i].mean()
                         for i in range(200)])  # fmt: skip

    apart = bank.differences(paired)
    assert apart.mean("pair").values == pytest.approx(score(slice(None)))
    parts = [score(np.arange(40) // 2 % 2 == parity) for parity in (0, 1)]
    tops = [np.argsort(-one, kind="stable")[:10] for one in parts]
    assert bank.top_score(apart) == pytest.approx((parts[1][tops[0]].mean() + parts[0][tops[1]].mean()) / 2) == 1.0
    accuracies = [right[member].mean(), right[~member].mean()]
    assert bank.found_of(made)["mean"].value == pytest.approx(accuracies[0] - accuracies[1])
    # Without memorisation a bank that scores its own choice finds some, and this one does not: measured .32 and .03.
    none = [bank.differences(bank.in_pairs(_bank(0.0, seed=seed))) for seed in range(8)]
    assert abs(np.mean([bank.top_score(one) for one in none])) < 0.06
    assert np.mean([np.sort(one.mean("pair").values)[-10:].mean() for one in none]) > 0.2


def test_an_attack_never_sees_the_complement_of_its_network():
    made = _bank(8.0)
    paired = bank.in_pairs(made)
    found = bank.attacked(paired)
    odd = made["seed"] % 2 == 1 if "seed" in made.coords else np.arange(40) % 2 == 1
    changed = made.assign(example_log_odds=made["example_log_odds"] + 100 * xr.DataArray(odd, dims="seed"))
    # A shift of all odd networks changes no score of an even one, and cancels in the odd ones.
    assert bank.attacked(bank.in_pairs(changed))["tpr"].values == pytest.approx(found["tpr"].values, abs=1e-12)
    # Ten rows of 200 are found for certain.
    assert found["tpr"].sel(fpr=0.01) == pytest.approx(0.06, abs=0.02)
    estimates = bank.found_of(made)
    assert estimates["tpr 0.01"].value == float(found["tpr"].sel(fpr=0.01)) and estimates["top"].value == 1.0
    assert estimates["advantage"].low <= estimates["advantage"].value <= estimates["advantage"].high


def _audit(effect, seeds=40, rows=300):
    """Losses that fall by 1, and by ``effect`` more for canaries that are in; every third row is a canary."""
    rng = np.random.default_rng(1)
    wrong = np.arange(rows) % 3 == 0
    count = np.where(wrong, rng.random((seeds, rows)) < 0.5, 1)
    hard = 20 * rng.random(rows)
    end = 5 - 1 - hard - effect * count + 0.1 * rng.random((2, seeds, rows))
    loss = np.stack([np.full((2, seeds, rows), 5.0), end], 2)
    dims = ("clip_norm_noise_multiplier", "seed")
    corrupted = np.broadcast_to(wrong, (2, seeds, rows))
    return xr.Dataset(
        {
            "example_loss": ((*dims, "example_step", "example"), loss),
            "train_count": ((*dims, "example"), np.broadcast_to(count, (2, seeds, rows))),
            "corrupted": ((*dims, "example"), corrupted),
        },
        {dims[0]: [PLAIN, CLIPPED], "seed": np.arange(seeds), "example": np.arange(rows)},
    )


def _moves():
    trained = xr.DataArray(
        np.random.default_rng(2).random((40, 100)) < 0.5, {"seed": np.arange(40)}, ("seed", "canary")
    )
    settings = xr.DataArray([1.0, 1.0], {"setting": [PLAIN, CLIPPED]}, "setting")
    return xr.Dataset({"move": settings * trained, "trained": trained})


def test_drops_are_of_canaries_and_other_runs_take_away_how_hard_each_is():
    found = audits.drops(_audit(1.0))
    assert found["drop"].sizes == {"setting": 2, "seed": 40, "canary": 100}
    made = audits.one_run(found, _moves())
    assert made.attrs == {"guesses": 20, "canaries": 100}
    plain, beside, moved = (made["right"].sel(attack=attack) for attack in audits.ATTACKS)
    # Rows differ by more than a canary's effect, so only the comparison with other runs is always right.
    assert (beside == 1).all() and plain.mean() < 0.9 and (moved == 1).all()
    best = privacy.audit_one_run(20, 20, delta=1e-5, canaries=100)
    assert made["lower"].sel(attack=audits.ATTACKS[1]).values == pytest.approx(np.full((2, 40), best))
    drop, trained = found["drop"].values[0], found["trained"].values
    others = [seed for seed in range(40) if seed != 5 and not trained[seed, 7]]
    assert made["inside"].values[0, 5] == pytest.approx(drop[5][trained[5]].mean())
    assert made["outside"].values[0, 5] == pytest.approx(drop[5][~trained[5]].mean())
    beside = audits._without(found["drop"], found["trained"]).isel(setting=0, seed=5, canary=7)
    assert float(beside) == pytest.approx(drop[others, 7].mean())


def test_audits_of_nothing_are_right_in_half_of_their_guesses():
    made = audits.one_run(audits.drops(_audit(0.0)), _moves())
    own = made.isel(attack=slice(2))
    assert own["right"].mean("seed").values == pytest.approx(np.full((2, 2), 0.5), abs=0.07)
    # 160 audits, of which 5% may be wrong.
    assert float((own["lower"] > 0).mean()) < 0.1


@pytest.fixture(scope="module")
def exact():
    over = {"noise_multiplier": [1.0, 4.0], "left_out": [(), (runs.TARGET,)], "seed": range(30)}
    return audits.projections(mj.sweep(runs.exact_experiment(), over, progress=False))["z"]


def test_the_exact_attack_sees_the_target_as_one_over_sigma(exact):
    # Both runs of a seed have the same noise: what is left is the target. Measured: 2e-5 apart in float32.
    more = exact.sel(left_out="none") - exact.sel(left_out="0")
    assert more.sel(noise_multiplier=1.0).values == pytest.approx(np.ones((30, 16)), abs=2e-4)
    assert more.sel(noise_multiplier=4.0).values == pytest.approx(np.full((30, 16), 0.25), abs=2e-4)
    noise = exact.sel(left_out="0", noise_multiplier=4.0).values
    # 480 numbers: the mean is known to .046, the deviation to .032, and the one of the next step is independent.
    assert abs(noise.mean()) < 0.15 and noise.std() == pytest.approx(1, abs=0.1)
    assert abs(np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]) < 0.15
    assert audits.summed(more).sel(noise_multiplier=4.0).values == pytest.approx(np.ones(30), abs=1e-3)


def test_networks_move_against_the_gradients_of_the_canaries_that_were_in():
    spec, coins = runs.canary_experiment(), runs._flips(range(300), 3)
    kept = {name: one for name, one in sizes.full_batch_settings(spec).items() if name in (CLIPPED, "epsilon 32")}
    found = audits.moves(mj.sweep(spec, {runs._AXIS: kept, ("seed", "subset"): coins}, progress=False))
    for place in range(3):
        out = np.isin(np.arange(300), coins[place][1].left_out)
        assert (found["trained"].values[place] == ~out).all() and 120 < out.sum() < 180
        clean = found["move"].sel(setting=CLIPPED).values[place] / (1e-6 * 16 * 0.1 / (~out).sum())
        # Canaries are a clip norm apart; their inputs are not quite orthogonal: measured .22 around 1 and 0.
        assert (clean - ~out).std() < 0.3 and abs((clean - ~out).mean()) < 0.05
    noisy = audits.guessed(found["move"], found["trained"])["right"]
    assert (noisy.sel(setting=CLIPPED) == 1).all() and (noisy.sel(setting="epsilon 32") > 0.9).all()


def test_the_power_is_a_count_above_the_level_of_a_standard_normal():
    z = xr.DataArray(
        [[0.0, 2.0, 3.0, 1.0], [0.0, 2.0, -3.0, 1.2]], {"left_out": ["none", "0"]}, ("left_out", "release")
    )
    hits, alarms = audits.power(z, 0.1)
    assert (hits.value, alarms.value, hits.count) == (0.5, 0.25, 4) and hits.low < 0.5 < hits.high


def test_floors_are_sums_of_prices_and_vanish_without_a_guarantee():
    task = mj.tasks.Subpopulations(num_subpopulations=40, num_classes=5)
    rows = members(xr.Dataset(coords={"seed": [0, 3]}), task=task, train_size=60, test_size=5)
    mu = xr.DataArray([1e-9, 0.4, 60.0], {"setting": ["none", "some", "all"]}, "setting")
    found = tail.floors(mu, rows)
    p, n = task.frequencies(), 60
    guess = 0.8 * float((p * (1 - p) ** n).sum())
    for seed in (0, 3):
        seen = np.bincount(rows["train"].sel(seed=seed).values, minlength=40)
        paid = {}
        for times in np.unique(seen[seen > 0]):
            tau = (p ** (times + 1) * (1 - p) ** (n - times)).sum() / (p**times * (1 - p) ** (n - times)).sum()
            least = max(0.0, 0.8 - (2 * norm.cdf(0.4 * times / 2) - 1))
            paid[times] = tau * least * (seen == times).sum()
        own = found.sel(seed=seed, setting="some")
        assert float(own["floor"]) == pytest.approx(guess + sum(paid.values()), rel=1e-9)
        assert float(own["singletons"]) == pytest.approx(guess + paid[1], rel=1e-9)
    assert found["floor"].sel(setting="all").values == pytest.approx([guess] * 2)
    # With nothing known the floor is about the error of a guess; 60 draws leave some of the mass elsewhere.
    assert found["floor"].sel(setting="none").values == pytest.approx([0.8] * 2, rel=0.2)


def test_a_missing_package_is_named_before_anything_is_trained(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(mj.InputError, match=r"needs the package dp-accounting: pip install 'memjax\[privacy\]'"):
        STUDY.sweeps("quick", 2)
    with pytest.raises(mj.InputError, match="seeds is 1: the study dp-sgd asks for intervals"):
        STUDY.sweeps("quick", 1)


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_every_scale_can_be_laid_out(scale):
    for part in STUDY.sweeps(scale, 2).values():
        assert mj.explain(part.experiment, {**part.over, "seed": range(2)} if "seed" in part.over else part.over)
    assert set(STUDY.seeds) == set(STUDY.scales) == set(sizes.SIZES)


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, made_again, monkeypatch):
    lots = sizes._LOTS._replace(train_size=200, test_size=100, batch_size=20, steps=8, clips=(0.3, 3.0), rates=(0.5,))
    small = sizes._QUICK._replace(lots=lots, train_size=100, test_size=50, networks=16, steps=10, audited=200, audits=4,
                                  exact=10, tail=60, tail_test=200, tail_width=16)  # fmt: skip
    monkeypatch.setitem(sizes.SIZES, "quick", small)
    folder, findings = studies.run(STUDY, tmp_path / "out", seeds=3, progress=False)
    assert set(findings.figures) == {"memory", "utility", "audit", "tail"} and len(findings.claims) == 71
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    made_again(folder, STUDY)
