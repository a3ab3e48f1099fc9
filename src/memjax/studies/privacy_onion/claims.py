"""What the study privacy-onion compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import xarray as xr

from memjax.studies.kit import Claim, Findings, above
from memjax.studies.privacy_onion import figures, tables
from memjax.studies.privacy_onion.effects import LOW, RATES, effects, near, returned
from memjax.studies.privacy_onion.masks import helped
from memjax.studies.privacy_onion.numbers import joined
from memjax.studies.privacy_onion.tables import LABELS

__all__ = ["analyse", "onion_claims"]

AFTER, CONTROL, BEFORE = (f"remaining rows, {what}" for what in ("exposed removed", "random removed", "before"))


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of the banks with true and with noisy labels."""
    found = {name: joined(datasets[name], _without(name, datasets)) for name in LABELS}
    about = {name: datasets[f"{name}_rows"] for name in LABELS}
    made = {name: effects(found[name]) for name in LABELS}
    nearby = {name: near(found[name], about[name]).merge(helped(found[name], about[name])) for name in LABELS}
    return Findings(
        claims=[claim for name in LABELS for claim in onion_claims(name, made[name], nearby[name])],
        tables={
            "rates": tables.rates(made),
            "rows": tables.rows(found, datasets),
            "neighbours": tables.neighbours(nearby),
        },
        figures=figures.all_figures(found, made, about),
        note=_NOTE,
    )


def _without(name: str, datasets: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    return {kind: datasets[f"{name}_without_{kind}"] for kind in ("exposed", "random")}


def onion_claims(name: str, found: xr.Dataset, nearby: xr.Dataset) -> list[Claim]:
    """Whether the remaining rows become more exposed than before, and more than by the removal of random rows.

    Parameters
    ----------
    name
        Key of `LABELS`.
    found
        What `effects` gives.
    nearby
        What `near` and `helped` give.
    """
    of = {group: found.sel(group=group, drop=True) for group in (AFTER, CONTROL, BEFORE)}
    low, high = ({group: 100 * part["tpr"].sel(fpr=rate, drop=True) for group, part in of.items()} for rate in RATES)
    exposure, as_exposed, new = (
        {group: scale * part[what] for group, part in of.items()}
        for what, scale in (("exposure", 1), ("above", 100), ("new", 100))
    )
    main = name == "clean"
    claims = [
        _more(_RATE.format("0.1%"), low, CONTROL, main=main),
        _more(_RATE.format("0.1%"), low, BEFORE),
        _more(_RATE.format("1%"), high, CONTROL),
        _more(_MEAN, exposure, CONTROL, units=""),
        _more("share of the remaining rows that are as exposed as the removed ones", as_exposed, CONTROL, main=main),
        _more("share of new rows in the most exposed tenth of the remaining rows", new, CONTROL),
        _of_size(_RATE.format("0.1%"), low),
        _of_size(_RATE.format("1%"), high),
        _of_size(_MEAN, exposure, units=""),
        *_returning(found),
        _nearer(nearby),
        _masked(nearby),
    ]
    return [replace(claim, what=f"{LABELS[name]}: {claim.what}") for claim in claims]


_RATE = "true positive rate on the remaining rows at {} false positives"
_MEAN = "mean exposure of the remaining rows"
_SHORT = {AFTER: "exposed removed", CONTROL: "random removed", BEFORE: "before"}


def _more(what: str, values: Mapping[str, xr.DataArray], less: str, units: str = "%", main: bool = False) -> Claim:
    text = f"{what}, {_SHORT[AFTER]} less {_SHORT[less]}"
    return Claim(text, "others become exposed", values[AFTER] - values[less], above(0.0), units=units, main=main)


def _of_size(what: str, values: Mapping[str, xr.DataArray], units: str = "%") -> Claim:
    text = f"{what}, {_SHORT[CONTROL]} less {_SHORT[BEFORE]}"
    return Claim(text, "size does not explain the effect", values[CONTROL] - values[BEFORE], units=units)


def _returning(found: xr.Dataset) -> list[Claim]:
    share = 100 * returned(found["tpr"].sel(fpr=LOW, drop=True))
    what = "share of the fall of the true positive rate at 0.1% false positives that returns, {}"
    return [
        Claim(what.format(_SHORT[group]), None, share.sel(group=group, drop=True), units="%")
        for group in (AFTER, CONTROL)
    ]


def _nearer(nearby: xr.Dataset) -> Claim:
    what = "distance to the nearest exposed row, of the rows that rise most over that of the others, less that for random rows"
    return Claim(what, "not given", nearby["exposed"] - nearby["random"])


def _masked(nearby: xr.Dataset) -> Claim:
    what = "log-odds that the nearest exposed row had taught, of the rows that rise most less those of the others"
    # Nothing is asked, for this number was added after a look at the first ones.
    return Claim(what, "a few rows that mask a given one are found", nearby["risen"] - nearby["others"])


_NOTE = (
    "A seed is a data set: its digits, its labels, the rows that are removed, and the networks of four banks. Intervals are of "
    "the mean over data sets. The data sets overlap, for all are drawn from 1,797 digits. The paper was not read: its "
    "statements are from a secondary text and in words. A tenth of the rows is removed by the exposure in one bank, and "
    "'before' is another bank on all rows. All differences are of the same rows. The fall of the rate is that from all rows to "
    "the remaining rows, both before the removal. True labels and labels of which a tenth is wrong are two experiments."
)
