"""Audits: randomised response is audited exactly, bounds hold as often as they say, and the paper's examples."""

import math

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from memjax import InputError
from memjax.privacy import audit_many_runs, audit_one_run, audit_p_value, count_right


def test_the_examples_of_the_paper():
    # Steinke et al. 2023, appendix D and section 7; the last was printed as 2.675, cut off after three digits.
    assert audit_p_value(75, 100, math.log(3)) == pytest.approx(0.553, abs=5e-4)
    assert audit_one_run(75, 100, delta=1e-4, canaries=1000) == pytest.approx(0.673, abs=5e-4)
    assert audit_one_run(1439, 1510, delta=1e-5, canaries=100_000) == pytest.approx(2.6755, abs=5e-4)


@pytest.mark.parametrize(
    ("right", "guesses", "canaries", "delta"), [(75, 100, 1000, 1e-4), (9, 10, 50, 0.003), (0, 5, 5, 0.1)]
)
def test_the_value_is_the_largest_sum_of_the_definition(right, guesses, canaries, delta):
    epsilon = 0.4
    w = binom(guesses, 1 / (1 + math.exp(-epsilon)))
    tail = sum(w.pmf(k) for k in range(right, guesses + 1))
    more = [sum(w.pmf(k) for k in range(right - i, right)) / i for i in range(1, right + 1)]
    by_hand = min(1.0, tail + 2 * canaries * delta * max(more, default=0.0))
    assert audit_p_value(right, guesses, epsilon, delta=delta, canaries=canaries) == pytest.approx(by_hand, rel=1e-10)


def held(probability, guesses, epsilon, **options):
    """Exact probability that the bound is at most epsilon, where every guess is right with one probability."""
    counts = np.arange(guesses + 1)
    likely = binom.pmf(counts, guesses, probability)
    counts = counts[likely > 1e-12]
    bounds = np.array([audit_one_run(int(v), guesses, **options) for v in counts])
    assert (np.diff(bounds) >= 0).all()
    return float(likely[counts][bounds <= epsilon].sum())


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_bound_on_randomised_response_holds_as_often_as_it_says(confidence):
    epsilon, guesses = 1.0, 60
    covered = held(1 / (1 + math.exp(-epsilon)), guesses, epsilon, confidence=confidence)
    # A count is a whole number, so the error is less than it may be by up to the chance of one count, 11%.
    assert confidence - 1e-9 <= covered < confidence + 0.11


@pytest.mark.parametrize("leak", [0.001, 0.02])
def test_the_bound_holds_where_the_answer_leaks_with_the_probability_delta(leak):
    epsilon, canaries = 1.0, 60
    honest = 1 / (1 + math.exp(-epsilon))
    assert held(leak + (1 - leak) * honest, canaries, epsilon, delta=leak, canaries=canaries) >= 0.95
    # All answers leak together with the probability delta: then every guess is right, which shows nothing for certain.
    assert held(honest, canaries, epsilon, delta=leak, canaries=canaries) * (1 - leak) >= 0.95 - leak


def test_many_guesses_come_near_and_few_cannot():
    honest = 1 / (1 + math.exp(-1.0))
    found = [audit_one_run(round(r * honest), r) for r in (100, 1000, 10_000, 1_000_000)]
    assert found == sorted(found) and found[-1] < 1 and found[-1] == pytest.approx(1.0, abs=0.005)
    for r in (1, 10, 100):
        assert audit_one_run(r, r) == pytest.approx(-math.log(0.05 ** (-1 / r) - 1) if r > 4 else 0.0, abs=1e-6)
    assert audit_one_run(50, 100) == 0.0


def test_more_evidence_is_more_and_delta_and_confidence_are_less():
    plain = audit_one_run(80, 100)
    assert audit_one_run(85, 100) > plain > audit_one_run(80, 110)
    assert plain > audit_one_run(80, 100, confidence=0.99)
    assert (
        plain > audit_one_run(80, 100, delta=1e-5, canaries=100) > audit_one_run(80, 100, delta=1e-5, canaries=10_000)
    )
    values = [audit_p_value(80, 100, e, delta=1e-4, canaries=500) for e in np.linspace(0, 5, 101)]
    assert (np.diff(values) >= -1e-12).all()


def test_guesses_are_the_largest_and_the_smallest_scores():
    rng = np.random.default_rng(0)
    trained = rng.random(200) < 0.5
    scores = np.where(trained, 1.0, 0.0) + 1e-3 * rng.random(200)
    assert count_right(scores, trained, above=30, below=20) == (50, 50)
    assert count_right(-scores, trained, above=30, below=20) == (0, 50)
    assert count_right(scores, trained, above=200)[0] == trained.sum()
    assert count_right(scores, trained, above=0, below=200)[0] == (~trained).sum()


def test_a_simulated_run_is_audited_from_scores():
    # Every canary's bit is answered by randomised response; the attack guesses all answers.
    rng, epsilon, wrong = np.random.default_rng(1), 2.0, 0
    for _ in range(200):
        trained = rng.random(400) < 0.5
        answers = trained ^ (rng.random(400) > 1 / (1 + math.exp(-epsilon)))
        right, guesses = count_right(answers, trained, above=int(answers.sum()), below=int((~answers).sum()))
        wrong += audit_one_run(right, guesses) > epsilon
    # 200 audits, each wrong with at most 5%.
    assert 0 < wrong <= binom.ppf(0.999, 200, 0.05)


def test_many_runs_take_the_interval_of_clopper_and_pearson():
    tpr = binomtest(500, 1000).proportion_ci(0.95, "exact").low
    fpr = binomtest(10, 1000).proportion_ci(0.95, "exact").high
    assert audit_many_runs(500, 1000, 10, 1000) == pytest.approx(math.log(tpr / fpr), rel=1e-9)
    assert audit_many_runs(500, 1000, 10, 1000, delta=0.1) == pytest.approx(math.log((tpr - 0.1) / fpr), rel=1e-9)
    # The same attack seen from the other side: a miss is a false alarm about "was not trained on".
    assert audit_many_runs(990, 1000, 500, 1000) == pytest.approx(math.log(tpr / fpr), rel=1e-9)
    assert audit_many_runs(0, 10, 10, 10) == 0.0


@pytest.mark.parametrize("runs", [10, 60])
def test_the_bound_of_many_runs_holds_as_often_as_it_says(runs):
    epsilon = 1.5
    honest = 1 / (1 + math.exp(-epsilon))
    counts = np.arange(runs + 1)
    hits, alarms = binom.pmf(counts, runs, honest), binom.pmf(counts, runs, 1 - honest)
    bounds = np.array([[audit_many_runs(h, runs, a, runs) for a in counts.tolist()] for h in counts.tolist()])
    covered = float((hits[:, None] * alarms * (bounds <= epsilon)).sum())
    assert covered >= 0.95


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: audit_one_run(11, 10), r"right is 11, more than the 10 guesses: give at most 10\."),
        (lambda: audit_one_run(5, 10, delta=1e-5), r"canaries is None: a delta of more than 0 needs the number"),
        (lambda: audit_one_run(5, 10, delta=1e-5, canaries=9), r"canaries is 9: .* at least the 10 guesses\."),
        (lambda: audit_one_run(5, 10, confidence=1.0), r"confidence is 1: give a number more than 0 and less than 1\."),
        (lambda: audit_p_value(5, 10, -1.0), r"epsilon is -1: give numbers of at least 0\."),
        (lambda: audit_p_value(5.5, 10, 1.0), r"right is 5\.5: give a whole number"),
        (lambda: audit_many_runs(11, 10, 0, 10), r"hits is 11, more than the 10 runs of its kind"),
        (lambda: audit_many_runs(1, 10, 0, 0), r"negatives is 0: give a whole number of at least 1\."),
        (lambda: audit_many_runs(1, 10, 0, 10, delta=1.0), r"delta is 1\.0: give a finite number"),
        (lambda: count_right([1.0, 2.0], [True], above=1), r"scores have the shape \(2,\) and trained \(1,\)"),
        (lambda: count_right([1.0, 2.0], [0.5, 1], above=1), r"give a score and a truth value for every canary\."),
        (lambda: count_right([1.0, 2.0], [0, 1], above=2, below=1), r"above \+ below is 3: give 1 to 2 guesses"),
    ],
)
def test_what_is_no_audit_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
