"""The study dp-sgd: every claim has the value and the verdict that hand-made numbers must give; canaries and guesses."""

import numpy as np
import pytest
import xarray as xr

from memjax.studies.dp_sgd import audit_claims, audits, claims, numbers, runs, sizes
from memjax.studies.dp_sgd.sizes import CLIPPED, EPSILONS, PLAIN
from memjax.studies.kit import Estimate
from memjax.tasks import Images

ALL = [PLAIN, CLIPPED, *EPSILONS]


def _seeds(value, spread=1e-3):
    return value + spread * np.array([-1.0, 0.0, 1.0, 0.0])


def _verdicts(made):
    return [claim.verdict.value for claim in made]


def _lots(values):
    test = xr.DataArray([_seeds(one) for one in values.values()], {"setting": [*values]}, ("setting", "seed"))
    gap = xr.where(test["setting"] == PLAIN, 0.1, 0.01) + 0 * test
    return xr.Dataset({"test": test, "gap": gap + (test - test.mean("seed"))})


def test_claims_on_accuracy_ask_for_an_order_and_on_mnist_for_the_numbers():
    published = {PLAIN: 0.98, CLIPPED: 0.975, "epsilon 8": 0.96, "epsilon 2": 0.94, "epsilon 0.5": 0.89}
    made = claims.utility_claims(_lots(published), "mnist")
    assert _verdicts(made) == ["as published"] * 3 + ["not asked", "as published"] + ["as published"] * 4
    assert made[0].estimate.value == pytest.approx(0.02) and made[3].estimate.value == pytest.approx(0.005)
    turned = dict(zip(published, reversed(published.values()), strict=True))
    worse = claims.utility_claims(_lots(turned), "quick")
    assert _verdicts(worse)[:3] == ["differs"] * 3 and len(worse) == 5


def test_claims_on_clip_norms_and_accountants():
    own = xr.DataArray([_seeds(0.7), _seeds(0.9), _seeds(0.8)], {"clip_norm": [0.1, 1.0, 10.0]}, ("clip_norm", "seed"))
    found = xr.Dataset({"own": own, "best": xr.DataArray(_seeds(0.8), dims="seed")})
    made = claims.clip_claims(found)
    assert [one.estimate.value for one in made] == pytest.approx([0.8, 0.2, 0.1], abs=1e-5)
    assert _verdicts(made) == ["as published", "not asked", "not asked"]
    assert _verdicts(claims.clip_claims(found.assign(best=found["best"] * 10)))[0] == "differs"
    accounts = claims._accounts()
    assert _verdicts(claims.accountant_claims(accounts)) == ["as published"] * 6
    # docs/privacy.md has the same numbers.
    assert accounts["rdp"] == pytest.approx((1.036, 2.210), abs=1e-3)
    assert accounts["pld"] == pytest.approx((0.960, 2.062), abs=1e-3)
    assert _verdicts(claims.accountant_claims({"moments": (2.0, 4.0), "pld": (1.3, 2.6)})) == ["differs"] * 4


def test_a_bound_that_is_broken_differs():
    noise = xr.DataArray([2.0, 6.0, 20.0, 72.0], {"setting": [*EPSILONS]}, "setting")
    bounds = numbers.bounds(noise, 100)
    below = {name: Estimate(1e-4, 5e-5, 2e-4, count=9) for name in claims._LIMITED}
    made = claims.bank_claims(dict.fromkeys(ALL, below), bounds)
    # A bound of one cannot be broken, so nothing is asked at epsilon 32.
    assert _verdicts(made[:5]) == ["not asked"] * 5 and _verdicts(made[20:]) == ["not asked"] * 3
    assert {claim.verdict_shown for claim in made[5:20]} == {"as derived"}
    assert made[5].estimate.value == pytest.approx(1e-4 / float(bounds["score"][1]))
    broken = below | {"tpr 0.01": Estimate(0.5, 0.4, 0.6, count=9)}
    verdicts = _verdicts(claims.bank_claims(dict.fromkeys(ALL, broken), bounds))
    faster = {"epsilon 2, larger rate": below | {"top": Estimate(0.5, 0.45, 0.6, count=9)}}
    assert _verdicts(claims.bank_claims(dict.fromkeys(ALL, below) | faster, bounds))[20] == "differs"
    # At epsilon 2 and .5 a true positive rate of 40% is impossible, and at 32 it is not.
    assert verdicts[14] == verdicts[19] == "differs" and verdicts[4] == "not asked"


def test_an_audit_above_the_accountant_and_an_attack_that_falls_short_differ():
    lower = xr.DataArray(
        np.stack([[_seeds(1.0)] * 6] * 3),
        {"attack": [*audits.ATTACKS], "setting": ALL},
        ("attack", "setting", "seed"),
    )
    lower.loc[{"setting": CLIPPED}] += 1
    epsilon = xr.DataArray([np.inf, np.inf, *EPSILONS.values()], {"setting": ALL}, "setting")
    made = audit_claims.audit_claims(xr.Dataset({"lower": lower, "epsilon": epsilon}).assign_attrs(guesses=60))
    assert _verdicts(made) == (["not asked"] * 2 + ["as published", "differs"]) * 2 + ["not asked"] * 6 + [
        "as published"
    ]
    assert made[3].estimate.value == pytest.approx(0.5) and made[3].remark == "4 of 4 audits above it"
    rng = np.random.default_rng(0)
    z = xr.DataArray(rng.normal(size=(3, 2, 400, 16)), {"noise_multiplier": [1.0, 2.0, 4.0], "left_out": ["none", "0"]},
                     ("noise_multiplier", "left_out", "seed", "release"))  # fmt: skip
    z.loc[{"left_out": "none"}] += 1 / z["noise_multiplier"]
    assert {claim.verdict_shown for claim in audit_claims.exact_claims(z)} == {"as derived"}
    assert _verdicts(audit_claims.exact_claims(z * 0.8))[0] == "differs"


def test_claims_on_the_tail():
    names = ["0", "1", "2", "3 to 9", "10 or more"]
    values = np.full((6, 5, 4), 0.1)
    values[2:, 1] += 0.3
    values[2:, 4] += 0.1
    settings = {"setting": ALL}
    groups = xr.DataArray(values + _seeds(0), {**settings, "group": names}, ("setting", "group", "seed"))
    predicted = xr.DataArray(np.linspace(0.2, 0.7, 6)[:, None] + _seeds(0), settings, ("setting", "seed"))
    fitted = xr.DataArray(np.full((6, 1), 0.15) + _seeds(0), settings, ("setting", "seed"))
    found = xr.Dataset({"group_error": groups, "predicted": predicted, "error": predicted + 0.05, "fitted": fitted})
    mu = xr.DataArray([4.9, 1.7, 0.5, 0.14], {"setting": [*EPSILONS]}, "setting")
    limits = xr.Dataset({"mu": mu, "floor": predicted.sel(setting=[*EPSILONS])})
    made = audit_claims.tail_claims(found.assign_attrs(num_classes=10), limits)
    # At epsilon 32 every singleton may be known.
    assert _verdicts(made) == ["as published"] * 3 + ["not asked"] + ["as published"] * 7
    assert made[0].estimate.value == pytest.approx(0.2)
    worse = audit_claims.tail_claims(found.assign(fitted=fitted + 0.5).assign_attrs(num_classes=10), limits + 0.1)
    assert _verdicts(worse)[3:] == ["not asked", "differs", "as published", "differs"] + ["differs"] * 4


def test_guesses_are_of_both_ends():
    score = xr.DataArray([[np.arange(20.0)]], dims=("setting", "seed", "canary"))
    trained = xr.DataArray([np.isin(np.arange(20), (18, 19))], dims=("seed", "canary"))
    made = audits.guessed(score, trained)
    assert made.attrs == {"guesses": 4, "canaries": 20} and made["right"].values.tolist() == [[1.0]]


def test_canaries_are_the_rows_with_a_wrong_label():
    size = sizes.SIZES["quick"]._replace(audited=100)
    given, clean = (task.draw(0, 100, 0)[0] for task in (runs._noisy(size), Images("digits")))
    np.testing.assert_array_equal(given.x, clean.x)
    wrong = runs._wrong(size)
    assert wrong == given.x[given.y != clean.y].tolist() and 10 <= len(wrong) <= 30
