"""Estimators on banks of networks, against loops, closed forms and learners with exact answers."""

import itertools

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from memjax import analysis

RNG = np.random.default_rng(7)
ROWS, RUNS = 12, 60


def bank(values, member, of="example"):
    """Labelled values and membership of a bank."""
    runs = {"seed": np.arange(len(values))}
    found = xr.DataArray(values, dims=("seed", of), coords=runs)
    return found, xr.DataArray(np.asarray(member, int), dims=("seed", "example"), coords=runs)


def halves(runs=RUNS, rows=ROWS, rng=RNG):
    """Membership of balanced halves: every network has half of the rows, and every row half of the networks."""
    first = np.stack([rng.permutation(rows) < rows // 2 for _ in range(runs // 2)])
    return np.concatenate([first, ~first])


MEMBER = halves()
RIGHT = (RNG.random((RUNS, ROWS)) < np.where(MEMBER, 0.9, 0.4)).astype(float)


def test_scores_are_the_differences_of_two_means_and_errors_those_of_shares():
    found = analysis.memorization(*bank(RIGHT, MEMBER), resamples=4000)
    for row in range(ROWS):
        seen, unseen = RIGHT[MEMBER[:, row], row], RIGHT[~MEMBER[:, row], row]
        assert np.isclose(found.memorization[row], seen.mean() - unseen.mean())
        exact = np.sqrt(seen.var() / len(seen) + unseen.var() / len(unseen))
        # 4,000 draws say a standard deviation to 1.1%; ratios between .97 and 1.06 were seen (a draw's parts vary in size).
        assert np.isclose(found.standard_error[row], exact, rtol=0.08)
    assert np.allclose(found.error_bound, np.sqrt(2 / (4 * RUNS / 2)))
    assert (found.standard_error < found.error_bound * 1.02).all()
    lower, upper = found.mean_interval.values
    assert lower < found.mean_memorization < upper
    # The interval counts what the networks share: it is the spread of the mean over independent banks.
    rng = np.random.default_rng(1)
    means = []
    for _ in range(200):
        member = halves(rng=rng)
        luck = rng.normal(0, 0.1, (RUNS, 1))
        values = (rng.random((RUNS, ROWS)) < np.where(member, 0.7, 0.4) + luck * np.where(member, 1, -1)).astype(float)
        one = analysis.memorization(*bank(values, member), resamples=100)
        means.append([float(one.mean_memorization), *one.mean_interval.values])
    means = np.array(means)
    held = ((means[:, 1] < 0.3) & (means[:, 2] > 0.3)).mean()
    assert 0.88 < held <= 1.0


def test_the_mean_score_is_the_gap_of_accuracies_and_the_advantage_of_yeoms_attack():
    values, member = bank(RIGHT, MEMBER)
    found = analysis.memorization(values, member)
    gap = RIGHT[MEMBER].mean() - RIGHT[~MEMBER].mean()
    assert np.isclose(found.mean_memorization, gap)
    attack = analysis.membership(values, member, attack="threshold")
    assert np.isclose(analysis.roc(attack, member).advantage, gap)


def test_what_is_missing_or_was_always_seen_has_no_score_and_harms_no_other():
    values, member = RIGHT.copy(), MEMBER.copy()
    values[3], member[:, 0] = np.nan, True
    found = analysis.memorization(*bank(values, member))
    rest = analysis.memorization(*bank(np.delete(values, 3, 0), np.delete(member, 3, 0)))
    assert np.isnan(found.memorization[0])
    assert np.isnan(found.error_bound[0])
    assert np.allclose(found.memorization[1:], rest.memorization[1:])
    assert np.isclose(found.mean_memorization, found.memorization[1:].mean())
    assert found.seen_count[0] == RUNS - 1
    odds = analysis.memorization(*bank(10 * RIGHT, MEMBER))
    assert np.isnan(odds.error_bound).all()
    size = analysis.bank_size(bank(RIGHT, member)[1])
    assert size.effective[0] == 0
    assert (size.effective[1:] == RUNS).all()


def test_influence_is_a_difference_of_means_and_of_a_row_on_itself_its_score():
    values = RNG.normal(3, 2, (RUNS, 5)).astype(np.float32) + 100
    found = analysis.influence(*bank(values, MEMBER, "test_example"))
    for row, test in itertools.product(range(ROWS), range(5)):
        seen, unseen = values[MEMBER[:, row], test], values[~MEMBER[:, row], test]
        assert np.isclose(found.influence[row, test], seen.mean(dtype=float) - unseen.mean(dtype=float), atol=1e-5)
        error = np.sqrt(seen.var(ddof=1, dtype=float) / len(seen) + unseen.var(ddof=1, dtype=float) / len(unseen))
        assert np.isclose(found.standard_error[row, test], error, rtol=1e-3)
    values, member = bank(RIGHT, MEMBER)
    own = analysis.influence(values.rename(example="other"), member, of="other").influence.values.diagonal()
    assert np.allclose(own, analysis.memorization(values, member).memorization, atol=1e-6)


def test_labels_pair_networks_and_further_dimensions_are_banks_of_their_own():
    values, member = bank(RIGHT, MEMBER)
    shuffled = values.isel(seed=np.random.default_rng(0).permutation(RUNS))
    assert np.allclose(
        analysis.memorization(shuffled, member).memorization, analysis.memorization(values, member).memorization
    )
    two = xr.concat([values, 1 - values], "width")
    found = analysis.memorization(two, member)
    assert found.memorization.dims == ("width", "example")
    assert np.allclose(found.memorization[0], -found.memorization[1])
    # Two dimensions of runs are one bank.
    grid = values.values.reshape(6, 10, ROWS), member.values.reshape(6, 10, ROWS)
    pair = [xr.DataArray(array, dims=("learning_rate", "seed", "example")) for array in grid]
    both = analysis.memorization(*pair, runs=["learning_rate", "seed"])
    assert np.allclose(both.memorization, analysis.memorization(values, member).memorization)
    attack = analysis.membership(*pair, runs=["learning_rate", "seed"], attack="calibrated")
    assert attack.dims == ("learning_rate", "seed", "example")
    one = analysis.membership(values, member, attack="calibrated")
    assert np.allclose(attack.values.reshape(RUNS, ROWS), one)


def test_the_mean_of_a_subset_has_exact_influence_datamodel_and_score():
    worth, size = RNG.normal(size=7), 3
    subsets = list(itertools.combinations(range(7), size))
    member = np.array([[row in subset for row in range(7)] for subset in subsets])
    outputs = (member @ worth / size)[:, None]
    found = analysis.influence(*bank(outputs, member, "test_example")).influence[:, 0]
    exact = [(own - np.delete(worth, row).mean()) / size for row, own in enumerate(worth)]
    assert np.allclose(found, exact, atol=1e-6)
    model = analysis.datamodels(*bank(outputs, member, "test_example"))
    # All subsets have one size, so that weights are known up to a constant: the shortest solution has the mean 0.
    assert np.allclose(model.weight[:, 0], (worth - worth.mean()) / size)
    values, trained = bank(outputs, member, "test_example")
    for weights in (model.weight, xr.DataArray(exact, dims="example").expand_dims(test_example=1)):
        assert np.isclose(analysis.linear_datamodeling_score(weights, values, trained).mean_score, 1)
    wrong = analysis.linear_datamodeling_score(-model.weight, values, trained)
    assert np.isclose(wrong.mean_score, -1)


def test_an_additive_function_of_subsets_of_any_size_is_found_up_to_the_noise():
    member = RNG.random((400, ROWS)) < 0.5
    worth, noise = RNG.normal(size=(ROWS, 3)), 0.3
    outputs = 2 + member @ worth + noise * RNG.normal(size=(400, 3))
    values, trained = bank(outputs, member, "test_example")
    found = analysis.datamodels(values, trained)
    # A weight has the standard error noise / sqrt(R / 4) = .03.
    assert np.abs(found.weight - worth).max() < 0.03 * 4
    design = np.column_stack([np.ones(400), member])
    exact = np.linalg.lstsq(design, outputs, rcond=None)[0]
    assert np.allclose(found.constant, exact[0])
    assert np.allclose(found.weight, exact[1:])
    # More rows than networks and fewer: ridge regression through either matrix.
    for runs in (8, 200):
        x = member[:runs] - member[:runs].mean(0)
        ridge = analysis.datamodels(values[:runs], trained[:runs], strength=0.7).weight
        assert np.allclose(ridge, np.linalg.solve(x.T @ x + 0.7 * np.eye(ROWS), x.T @ outputs[:runs]))


def test_lasso_keeps_the_rows_that_matter():
    pytest.importorskip("sklearn")
    member = RNG.random((300, 40)) < 0.5
    worth = np.zeros((40, 1))
    worth[[3, 17]] = [[2.0], [-1.5]]
    values, trained = bank(member @ worth + 0.1 * RNG.normal(size=(300, 1)), member, "test_example")
    found = analysis.datamodels(values, trained, method="lasso").weight[:, 0]
    assert set(np.flatnonzero(np.abs(found) > 0.1)) == {3, 17}
    # The penalty is on the sum of absolute weights beside half of the mean square: a weight shrinks by strength / var(x).
    shrunk = analysis.datamodels(values, trained, method="lasso", strength=0.1).weight[3, 0]
    assert np.isclose(shrunk, 2 - 0.1 / 0.25, atol=0.05)


def test_the_ceiling_is_the_correlation_with_the_expected_value():
    rng = np.random.default_rng(3)
    truth = rng.normal(size=(3000, 1, 4))
    values = truth + np.array([0.5, 1, 2, 3]) * rng.normal(size=(3000, 6, 4))
    found = analysis.datamodeling_ceiling(xr.DataArray(values, dims=("seed", "repeat", "test_example")))
    for test in range(4):
        known = stats.spearmanr(truth[:, 0, test], values[..., test].mean(1)).statistic
        # 3,000 subsets: ranks differ from the formula, and chance from both, by up to .012.
        assert np.isclose(found.ceiling[test], known, atol=0.025)


SHIFT = 2.0
TABLE = {
    ("lira", "row"): {16: 0.18, 64: 0.33, 256: 0.34},
    ("lira", "bank"): {16: 0.31, 64: 0.37, 256: 0.35},
    ("lira offline", "row"): {16: 0.21, 64: 0.34, 256: 0.34},
    ("lira offline", "bank"): {16: 0.32, 64: 0.38, 256: 0.36},
    ("lira offline density", "row"): {16: 0.14, 64: 0.25, 256: 0.26},
}


@pytest.mark.parametrize(
    "shadows", [16, pytest.param(64, marks=pytest.mark.slow), pytest.param(256, marks=pytest.mark.slow)]
)
def test_lira_on_normal_scores_has_the_rates_of_the_table(shadows):
    rng = np.random.default_rng(shadows)
    rows = 20_000
    member = np.argsort(rng.random((shadows, rows)), axis=0) < shadows // 2
    # The network under attack comes last, and half of its rows are members.
    member = np.concatenate([member, rng.random((1, rows)) < 0.5])
    values = rng.normal(size=member.shape) + SHIFT * member
    arrays = bank(values, member)
    for (attack, variance), rates in TABLE.items():
        score = analysis.membership(*arrays, attack=attack, variance=variance).isel(seed=[shadows])
        found = analysis.roc(score, arrays[1].isel(seed=[shadows]), fpr=[0.01], resamples=100)
        # The table's own error is .015 and ours, with 10,000 members and as many others, .015: three of both together.
        assert np.isclose(found.tpr[0], rates[shadows], atol=0.06), (attack, variance)


def test_scores_leave_the_network_under_attack_out_of_its_own_shadow_models():
    values = RNG.normal(size=(RUNS, ROWS))
    for attack in ("calibrated", "lira offline", "lira"):
        other = values.copy()
        other[5] += 3
        moved = analysis.membership(*bank(other, MEMBER), attack=attack)
        row = 2
        outside = [r for r in range(RUNS) if r != 5 and not MEMBER[r, row]]
        inside = [r for r in range(RUNS) if r != 5 and MEMBER[r, row]]
        x, y = other[outside, row], other[inside, row]
        want = {
            "calibrated": other[5, row] - x.mean(),
            "lira offline": (other[5, row] - x.mean()) / x.std(ddof=1),
            "lira": stats.norm.logpdf(other[5, row], y.mean(), y.std(ddof=1))
            - stats.norm.logpdf(other[5, row], x.mean(), x.std(ddof=1)),
        }
        assert np.isclose(moved[5, row], want[attack]), attack


def test_one_variance_of_the_bank_is_pooled_within_rows():
    values = RNG.normal(size=(RUNS, ROWS)) + 50 * np.arange(ROWS)
    found = analysis.membership(*bank(values, MEMBER), attack="lira offline", variance="bank")
    left = np.delete(np.arange(RUNS), 0)
    squares, freedom = 0.0, 0
    for row in range(ROWS):
        out = values[[r for r in left if not MEMBER[r, row]], row]
        squares, freedom = squares + ((out - out.mean()) ** 2).sum(), freedom + len(out) - 1
    out = values[[r for r in left if not MEMBER[r, 4]], 4]
    assert np.isclose(found[0, 4], (values[0, 4] - out.mean()) / np.sqrt(squares / freedom))


def test_rmia_is_the_share_of_rows_with_a_smaller_ratio():
    values = RNG.normal(size=(RUNS, ROWS))
    chance = 1 / (1 + np.exp(-values))
    for attack, gamma in (("rmia", 1.0), ("rmia offline", 2.0)):
        found = analysis.membership(*bank(values, MEMBER), attack=attack, gamma=gamma, offset=0.4)
        run, ratio = 9, []
        for row in range(ROWS):
            out = np.mean([chance[r, row] for r in range(RUNS) if r != run and not MEMBER[r, row]])
            inside = np.mean([chance[r, row] for r in range(RUNS) if r != run and MEMBER[r, row]])
            reference = (out + inside) / 2 if attack == "rmia" else (1.4 * out + 0.6) / 2
            ratio.append(chance[run, row] / reference)
        want = [np.mean([own >= gamma * other for other in ratio]) for own in ratio]
        assert np.allclose(found[run], want), attack


def test_attacks_on_networks_that_know_nothing_of_their_rows_are_at_chance():
    rng = np.random.default_rng(11)
    member = halves(64, 600, rng)
    arrays = bank(rng.normal(size=member.shape), member)
    for attack in ("threshold", "lira", "lira offline", "rmia offline"):
        found = analysis.roc(analysis.membership(*arrays, attack=attack), arrays[1], fpr=[0.01, 0.1])
        # 19,200 scores of each kind: the error of a rate of 1% is .0010 with that of the threshold, of 10% .0031.
        assert np.allclose(found.tpr, [0.01, 0.1], atol=[0.004, 0.012]), attack
        assert np.isclose(found.auc, 0.5, atol=0.01)


def test_lira_on_the_mean_of_gaussians_has_the_power_of_the_closed_form():
    rng = np.random.default_rng(5)
    n, d, runs = 50, 100, 200
    rows = rng.normal(size=(2 * n, d))
    member = np.stack([rng.permutation(2 * n) < n for _ in range(runs)])
    released = member @ rows / n
    values = released @ rows.T / (rows**2).sum(1)
    arrays = bank(values, member)
    found = analysis.roc(analysis.membership(*arrays, attack="lira"), arrays[1], fpr=[0.01])
    # Over halves of 2n rows, z.mean has the shift |z|^2 / n and the standard deviation |z| sqrt((n - 1) / (n (2n - 1))).
    shift = np.sqrt((rows**2).sum(1) / n * (2 * n - 1) / (n - 1))
    want = stats.norm.cdf(stats.norm.ppf(0.01) + shift).mean()
    lower, upper = found.tpr_interval.values[0]
    assert lower < want < upper


def test_rates_are_those_of_a_loop_over_thresholds_with_ties():
    rng = np.random.default_rng(2)
    member = rng.random((30, 40)) < 0.4
    scores = np.round(rng.normal(size=member.shape) + member, 1)
    found = analysis.roc(*bank(scores, member), fpr=[0.001, 0.02, 0.3])
    flat, kind = scores.ravel(), member.ravel()
    points = [((flat[~kind] > bound).mean(), (flat[kind] > bound).mean()) for bound in [*np.unique(flat), -np.inf]]
    for rate, tpr in zip([0.001, 0.02, 0.3], found.tpr.values, strict=True):
        assert np.isclose(tpr, max(hit for alarm, hit in points if alarm <= rate))
    assert np.isclose(found.advantage, max(hit - alarm for alarm, hit in points))
    assert np.isclose(found.auc, stats.mannwhitneyu(flat[kind], flat[~kind]).statistic / kind.sum() / (~kind).sum())
    exact = stats.binomtest(round(float(found.tpr[1]) * int(kind.sum())), int(kind.sum())).proportion_ci()
    assert np.allclose(found.tpr_binomial_interval[1], [exact.low, exact.high])
    assert (found.tpr_interval[:, 0] <= found.tpr).all()
    assert (found.tpr_interval[:, 1] >= found.tpr).all()
    assert np.isnan(analysis.roc(*bank(scores, np.ones_like(member))).tpr).all()


def test_draws_of_rates_are_those_of_the_networks_drawn_and_the_same_networks_for_every_attack():
    rng = np.random.default_rng(4)
    member = halves(8, 40, rng)
    drawn = np.random.default_rng(3).multinomial(8, np.full(8, 1 / 8), size=100)
    for strength in (1, 3):
        scores, trained = bank(np.round(rng.normal(size=member.shape) + strength * member, 1), member)
        found = analysis.roc(scores, trained, fpr=[0.05, 0.3], resamples=100, rng_seed=3)
        for draw in (0, 1, 99):
            networks = np.repeat(np.arange(8), drawn[draw])
            one = analysis.roc(*(array[networks].drop_vars("seed") for array in (scores, trained)), fpr=[0.05, 0.3])
            # 160 scores of each kind are fewer than the thresholds of a draw, so that only sums round.
            assert np.allclose(found.tpr_draws[draw], one.tpr, rtol=0, atol=1e-12)
            assert np.isclose(found.auc_draws[draw], one.auc, rtol=0, atol=1e-12)
            assert np.isclose(found.advantage_draws[draw], one.advantage, rtol=0, atol=1e-12)
        lower, upper = found.tpr_interval.transpose("bound", "fpr")
        assert (found.tpr_draws.min("draw") <= lower).all()
        assert np.allclose([lower, upper], np.sort(found.tpr_draws, axis=0)[[2, 97]])
    assert found.tpr_draws.dims == ("draw", "fpr")


def test_draws_have_a_rate_close_below_the_one_asked_for():
    rng = np.random.default_rng(5)
    member = halves(40, 2000, rng)
    scores, trained = bank(rng.random(member.shape) ** np.where(member, 0.5, 1), member)
    found = analysis.roc(scores, trained, fpr=[0.001, 0.01, 0.1], resamples=100)
    for draw in range(0, 100, 20):
        weight = np.random.default_rng(0).multinomial(40, np.full(40, 1 / 40), size=100)[draw]
        networks = np.repeat(np.arange(40), weight)
        one = analysis.roc(*(array[networks].drop_vars("seed") for array in (scores, trained)), fpr=found.fpr.values)
        less = found.tpr_draws[draw] / one.tpr
        # Every false alarm is a threshold where they are few; at higher rates ratios from .984 to 1 were seen in 80 draws.
        assert np.isclose(less[0], 1, rtol=0, atol=1e-12)
        assert ((less > 0.975) & (less <= 1 + 1e-12)).all()


def test_exposure_without_memorisation_is_the_rank_of_a_uniform_draw():
    losses = RNG.normal(size=16)
    found = [
        float(analysis.exposure(xr.DataArray(losses[i]), xr.DataArray(np.delete(losses, i), dims="candidate")))
        for i in range(16)
    ]
    assert np.isclose(np.mean(found), np.mean(4 - np.log2(np.arange(1, 17))))
    assert np.isclose(np.mean(found), 1.234, atol=5e-4)
    assert [sum(value >= t for value in found) for t in (1, 2, 3, 4)] == [8, 4, 2, 1]
    tie = analysis.exposure(xr.DataArray([1.0, np.nan], dims="canary"), xr.DataArray([1.0, 2.0, 3.0], dims="candidate"))
    assert np.allclose(tie, [2 - np.log2(1.5), np.nan], equal_nan=True)


def test_leaving_out_a_row_is_paired_by_seed():
    whole = xr.DataArray(RNG.normal(size=8), dims="seed", coords={"seed": np.arange(8)})
    step = xr.DataArray([0.5, -1.0], dims="left_out")
    without = (whole - step).isel(seed=slice(None, None, -1))
    found = analysis.leave_one_out(without, whole)
    assert np.allclose(found.effect, step)
    assert np.allclose(found.effect_interval, step.values[:, None])
    # Seeds that only one side has would be left out without a word.
    with pytest.raises(ValueError, match="seed"):
        analysis.leave_one_out(without, whole.assign_coords(seed=whole.seed + 1))


def ridge(x, y, strength, weight):
    """Predictions ``[T]`` of ridge regression on rows that count ``weight`` times, for the rows ``x``."""
    return x @ np.linalg.solve((x.T * weight) @ x + strength * np.eye(x.shape[1]), (x.T * weight) @ y)


def test_the_exact_effects_of_ridge_regression_have_a_leave_one_out_score_of_one():
    x, y, strength = RNG.normal(size=(20, 3)), RNG.normal(size=20), 0.7
    solved = np.linalg.inv(x.T @ x + strength * np.eye(3))
    leverage, residual = np.einsum("nd,de,ne->n", x, solved, x), y - ridge(x, y, strength, np.ones(20))
    # Leaving out row i moves the parameters by minus A^-1 x_i e_i / (1 - h_i).
    exact = (x @ solved) * (residual / (1 - leverage))[:, None] @ x.T
    rows = np.arange(20) * 3
    whole = xr.DataArray(np.tile(ridge(x, y, strength, np.ones(20)), (2, 1)), dims=("seed", "test_example"))
    left = [4, 0, 7, 11]
    without = np.stack([ridge(x, y, strength, np.arange(20) != row) for row in left])
    without = xr.DataArray(np.tile(without, (2, 1, 1)), {"left_out": rows[left]}, ("seed", "left_out", "test_example"))
    effect = analysis.leave_one_out(without, whole).effect
    weights = xr.DataArray(exact[::-1], {"example": rows[::-1]}, ("example", "test_example"))
    assert np.allclose(effect.transpose("left_out", "test_example"), exact[left])
    found = analysis.leave_one_out_score(weights, effect)
    assert np.allclose(found.score, 1) and np.isclose(found.mean_score, 1) and found["count"] == 20
    assert np.isclose(analysis.leave_one_out_score(-weights, effect).mean_score, -1)
    assert np.isclose(analysis.leave_one_out_ceiling(without, whole).mean_ceiling, 1)
    # Gradients alone, without the inverse of the Hessian, are no more than close.
    plain = weights.copy(data=(x * residual[:, None] @ x.T)[::-1])
    assert 0.3 < analysis.leave_one_out_score(plain, effect).mean_score < 0.99


def test_the_leave_one_out_score_is_the_correlation_of_every_example_and_its_ceiling_that_of_halves():
    dims = ("left_out", "test_example")
    rows, tests = {"left_out": [5, 2, 9]}, {"test_example": np.arange(4)}
    effect = xr.DataArray(RNG.normal(size=(3, 4)), rows | tests, dims)
    weight = xr.DataArray(RNG.normal(size=(4, 4)), {"example": [2, 4, 5, 9]} | tests, ("example", "test_example"))
    found = analysis.leave_one_out_score(weight.isel(test_example=slice(None, None, -1)), effect)
    wanted = [stats.pearsonr(weight.values[[2, 0, 3], j], effect.values[:, j])[0] for j in range(4)]
    assert np.allclose(found.score.sortby("test_example"), wanted)
    flat = effect.copy(data=np.where(np.arange(4) == 3, 0.1, effect.values))
    missing = analysis.leave_one_out_score(weight, flat)
    assert np.isnan(missing.score[3]) and missing["count"] == 3
    noise = RNG.normal(size=(7, 3, 4))
    without = xr.DataArray(noise, {"seed": np.arange(7)} | rows | tests, ("seed", *dims))
    whole = xr.DataArray(RNG.normal(size=(7, 4)), {"seed": np.arange(7)} | tests, ("seed", "test_example"))
    halved = analysis.leave_one_out_ceiling(without, whole.isel(seed=slice(None, None, -1)))
    effects = whole.values[:, None] - noise
    for j in range(4):
        alike = stats.pearsonr(effects[:3, :, j].mean(0), effects[3:6, :, j].mean(0))[0]
        assert np.isclose(halved.split_half[j], alike)
        assert np.isclose(halved.ceiling[j], np.sqrt(2 * alike / (1 + alike)) if alike > 0 else 0)


def test_rows_that_no_attribution_has_are_named():
    weight = xr.DataArray([[1.0], [2.0]], {"example": [3, 5]}, ("example", "test_example"))
    effect = xr.DataArray([[1.0], [2.0]], {"left_out": ["3", "5"]}, ("left_out", "test_example"))
    with pytest.raises(ValueError, match="left_out = '3', which is no label of example"):
        analysis.leave_one_out_score(weight, effect)
    with pytest.raises(ValueError, match="must have labels"):
        analysis.leave_one_out_score(weight, effect.drop_vars("left_out"))
    lone = xr.DataArray(np.ones((1, 2, 1)), dims=("seed", "left_out", "test_example"))
    with pytest.raises(ValueError, match="1 network along 'seed'"):
        analysis.leave_one_out_ceiling(lone, lone.isel(left_out=0))


def test_without_draws_scores_are_the_same_and_have_no_error():
    found, plain = (analysis.memorization(*bank(RIGHT, MEMBER), resamples=draws) for draws in (100, 0))
    for name in ("memorization", "seen", "unseen", "error_bound", "mean_memorization"):
        np.testing.assert_array_equal(found[name], plain[name])
    assert np.isnan(plain.standard_error).all() and np.isnan(plain.mean_interval).all()
    with pytest.raises(ValueError, match="resamples = 20 is too few"):
        analysis.memorization(*bank(RIGHT, MEMBER), resamples=20)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda v, m: analysis.memorization(v, m, "width"), "runs = 'width' is a dimension of none"),
        (lambda v, m: analysis.memorization(v.values, m), "values is a ndarray"),
        (lambda v, m: analysis.influence(v, m), "'test_example' is not a dimension"),
        (lambda v, m: analysis.membership(v, m, attack="lyra"), "attack = 'lyra' is not known"),
        (lambda v, m: analysis.membership(v, m, attack="rmia", gamma=0.5), r"gamma = 0.5 must be at least 1"),
        (lambda v, m: analysis.roc(v, m, fpr=[1.5]), "fpr = 1.5 must lie from 0 to 1"),
        (lambda v, m: analysis.datamodels(v, m, of="example", method="ridge"), "method = 'ridge' is not known"),
        (lambda v, m: analysis.datamodeling_ceiling(v), "over = 'repeat' must be a dimension"),
        (lambda v, m: analysis.memorization(v, m.assign_coords(seed=m.seed + 1)), "seed"),
    ],
)
def test_what_cannot_be_is_said(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(*bank(RIGHT, MEMBER))
