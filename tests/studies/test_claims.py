"""Claims: the rule decides the verdict, the table explains it, and the answer and the JSON say the same."""

import dataclasses
import json
import math

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax.studies import Claim
from memjax.studies.kit import TOLERANCE, Estimate, Verdict, above, below, between, claims_table, near, within_records
from memjax.studies.kit.claims import answer, as_data
from memjax.studies.kit.verdict import LEGEND, Rule, decide


def ours(low, high, **counts):
    return Estimate((low + high) / 2.0, low, high, **{"count": 4} | counts)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (95.0, 105.0, "as published"),
        (85.1, 114.9, "as published"),
        (84.9, 114.0, "not told apart"),
        (110.0, 120.0, "not told apart"),
        (50.0, 200.0, "not told apart"),
        (115.1, 120.0, "differs"),
        (10.0, 84.9, "differs"),
    ],
)
def test_near_asks_for_the_whole_interval_within_the_tolerance(low, high, verdict):
    assert TOLERANCE == 0.15
    assert decide(ours(low, high), near(100.0)) == verdict
    # The same of negative numbers, and of any unit.
    assert decide(ours(-high, -low), near(-100.0)) == verdict
    assert decide(ours(low / 1e5, high / 1e5), near(1e-3)) == verdict


def test_a_level_is_passed_by_the_whole_interval_or_not_at_all():
    assert [decide(ours(*ends), above(1.0)) for ends in ((1.1, 2.0), (0.9, 2.0), (0.0, 0.9), (1.0, 1.0))] == [
        "as published", "not told apart", "differs", "differs",
    ]  # fmt: skip
    assert [decide(ours(*ends), below(1.0)) for ends in ((0.0, 0.9), (0.9, 2.0), (1.1, 2.0))] == [
        "as published", "not told apart", "differs",
    ]  # fmt: skip


def test_a_range_has_its_ends_inside():
    assert decide(ours(2.0, 3.0), between(2.0, 3.0)) == "as published"
    assert decide(ours(1.9, 3.0), between(2.0, 3.0)) == "not told apart"
    # A published range is widened by the tolerance.
    assert near((20.0, 40.0)) == Rule(17.0, 46.0)


def test_a_run_that_never_gets_there_lies_above_every_number():
    some = ours(95.0, 105.0, count=3, never=1)
    assert decide(some, near(100.0)) == "not told apart" and decide(some, above(50.0)) == "as published"
    assert decide(some, above(200.0)) == "not told apart" and decide(some, below(200.0)) == "not told apart"
    assert decide(ours(95.0, 105.0, count=2, never=2), near(100.0)) == "not told apart"
    most = ours(95.0, 105.0, count=2, never=3)
    assert decide(most, near(100.0)) == "differs" and decide(most, below(200.0)) == "differs"
    none = Estimate(math.nan, count=0, never=4)
    assert decide(none, near(100.0)) == "differs" and decide(none, above(9.0)) == "as published"


def test_minus_infinity_lies_below_every_number():
    some = ours(0.2, 0.4, count=3, never=1, below=1)
    assert decide(some, above(0.0)) == "not told apart" and decide(some, below(1.0)) == "as published"
    assert decide(Estimate(math.nan, count=0, never=4, below=4), above(0.0)) == "differs"


def test_without_runs_there_is_no_verdict():
    assert decide(Estimate(1.0), near(1.0)) == "no interval"
    assert decide(Estimate(math.nan, count=0, unknown=3), near(1.0)) == "not known"
    assert decide(ours(0.99, 1.01, count=2, unknown=3), near(1.0)) == "not known"
    assert decide(ours(0.99, 1.01, count=3, unknown=3), near(1.0)) == "as published"
    assert decide(ours(0.99, 1.01), None) == "not asked"


def test_a_rule_of_no_numbers_is_refused():
    with pytest.raises(mj.InputError, match=r"has the range 3\.0 to 2\.0: its lower end must not exceed its upper one"):
        between(3.0, 2.0)


def values(*numbers):
    return xr.DataArray(np.array(numbers), dims="seed")


def test_what_is_published_decides_what_is_asked():
    own = values(0.99, 1.0, 1.01)
    assert Claim("a number", 1.0, own).verdict is Verdict.AS_PUBLISHED
    assert Claim("a range", (0.9, 1.1), own).verdict is Verdict.AS_PUBLISHED
    words = Claim("words", "about one", own)
    assert words.verdict is Verdict.NOT_ASKED and words.published_shown == "about one"
    asked = Claim("words with a rule", "more than half", own, above(0.5))
    assert asked.verdict is Verdict.AS_PUBLISHED
    unread = Claim("a number in a blurred figure", None, own, near(1.0))
    assert (unread.verdict, unread.published_shown) == (Verdict.NOT_ASKED, "not read")


def test_a_rule_of_ones_own_stands_beside_the_published_number():
    own = values(19.0, 20.0, 21.0)
    assert Claim("x", 20.0, own, units="%").published_shown == "20%"
    assert Claim("x", (20.0, 22.0), own, near((20.0, 22.0))).published_shown == "20 to 22"
    assert Claim("x", 20.0, own, near(20.0, 0.05)).published_shown == "20 (asked: 19 to 21)"
    assert Claim("x", 20.0, own, above(20.0)).published_shown == "20 (asked: above 20)"
    assert Claim("x", 20.0, own, below(20.0)).published_shown == "20 (asked: below 20)"


CLAIMS = [
    Claim("exponent", 0.27, values(0.26, 0.27, 0.275), main=True, remark="3 of 3 fits"),
    Claim("offset", -9.0, values(1.0, 1.1, np.inf), units="bits", main=True),
    Claim("ratio", "above 1", values(2.0, 4.0, 8.0), above(1.0), of="geometric"),
    Claim("height", None, values(1.0, 2.0, np.nan)),
]


def test_the_table_has_every_claim_and_says_what_its_words_mean():
    table = claims_table(CLAIMS, "A note.")
    assert [row[0] for row in table.rows] == ["exponent", "offset", "ratio", "height"]
    assert [row[4] for row in table.rows] == ["as published", "differs", "not told apart", "not asked"]
    assert table.rows[0][1:4] == ("0.27", "0.268 [0.249, 0.287]; 3 of 3 fits", "0.260 to 0.275")
    assert table.rows[1][1:3] == ("-9 bits", "1.05 [0.41, 1.69] bits, never in 1 of 3")
    assert table.rows[3][1] == "not read" and table.note.startswith("A note.") and table.note.endswith(LEGEND)
    assert all(f'"{verdict}"' in LEGEND for verdict in Verdict) and "15%" in LEGEND


def test_the_answer_counts_all_verdicts_and_names_the_main_claims():
    first, *rest = answer(CLAIMS)
    assert (
        first
        == "Of 3 published statements that were compared, 1 came out as published, 1 differs and 1 is not told apart."
    )
    assert rest == [
        "As published: exponent is 0.268 [0.249, 0.287] (published: 0.27).",
        "Different here: offset is 1.05 [0.41, 1.69] bits, never in 1 of 3 (published: -9 bits).",
    ]
    assert answer(CLAIMS[3:]) == ("Nothing is published that these numbers could be compared with.",)
    alone = Claim("correlation", "not answered", Estimate(0.5, 0.4, 0.6, count=4), main=True)
    assert answer([alone, *CLAIMS[3:]])[1:] == ("Found here: correlation is 0.50 [0.40, 0.60].",)
    assert answer(CLAIMS[2:3])[1].startswith("Not told apart: ratio is 4.0 [")
    unmarked = [dataclasses.replace(claim, main=False) for claim in CLAIMS]
    assert answer(unmarked)[1:] == (rest[0],)


def test_derived_values_are_counted_apart():
    right = Claim(
        "distance", "0: derived", Estimate(0.0, -1e-7, 1e-7, count=4), between(-1e-3, 1e-3), main=True, derived=True
    )
    wrong = dataclasses.replace(right, ours=Estimate(0.5, 0.4, 0.6, count=4))
    plain = answer(CLAIMS)
    both = answer([right, *CLAIMS, right, wrong])
    assert both[0] == plain[0] and both[2:] == plain[1:]
    assert both[1] == "Of 3 derived values that were compared, 2 came out as derived and 1 differs."
    assert answer([right])[:2] == (
        "Nothing is published that these numbers could be compared with.",
        "Of 1 derived value that was compared, 1 came out as derived.",
    )
    assert [row[4] for row in claims_table([right, wrong]).rows] == ["as derived", "differs"]
    assert as_data(right)["verdict"] == "as derived" and as_data(right)["derived"] and not as_data(CLAIMS[0])["derived"]


def test_the_json_holds_the_numbers_of_every_run():
    found = json.loads(json.dumps([as_data(claim) for claim in CLAIMS], allow_nan=False))
    assert found[0]["runs"]["values"] == [0.26, 0.27, 0.275] and found[0]["asked"] == [0.27 * 0.85, 0.27 * 1.15]
    assert found[1]["runs"]["values"] == [1.0, 1.1, "infinity"] and found[1]["estimate"]["never"] == 1
    assert found[2]["asked"] == [1.0, "infinity"] and found[2]["estimate"]["of"] == "geometric"
    assert found[3]["runs"]["values"][2] is None and found[3]["published"] is None and found[3]["asked"] is None
    timed = as_data(Claim("time", 12.0, within_records(values(14.0), [0, 10, 20])))
    assert timed["runs"] == {"values": [14.0], "least": [10.0], "most": [20.0]}
    fitted = as_data(Claim("fit", 12.0, Estimate(12.0, 11.5, 12.5, count=8)))
    assert fitted["runs"] == {} and fitted["verdict"] == "as published"
