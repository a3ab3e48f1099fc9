"""Tables of the study dp-sgd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax import privacy
from memjax.studies.dp_sgd.audits import ATTACKS, FPR, power, summed
from memjax.studies.dp_sgd.numbers import RATES
from memjax.studies.dp_sgd.sizes import EPSILONS, FASTER
from memjax.studies.kit import Table, grid, listed
from memjax.studies.long_tail.numbers import GROUPS

if TYPE_CHECKING:
    from memjax.studies.dp_sgd.claims import Found

__all__ = ["all_tables"]


def all_tables(found: Found) -> dict[str, Table]:
    """All tables by the names of their files."""
    return {
        "utility": _utility(found),
        "clips": _clips(found),
        "accountants": _accountants(found),
        "memory": _memory(found),
        "bounds": _bounds(found),
        "audits": _audits(found),
        "exact": _exact(found),
        "tail": _tail(found),
        "groups": _groups(found),
    }


def _utility(found: Found) -> Table:
    columns: Mapping[str, Any] = {
        "epsilon (pld)": lambda one: _or_dash(float(one["epsilon"])),
        "train accuracy": "train",
        "test accuracy": "test",
        "train less test": "gap",
    }
    return grid(found.lots, {"setting": "setting"}, columns, title="Accuracy on Poisson batches")


def _or_dash(value: float) -> str | float:
    return round(value, 3) if np.isfinite(value) else "-"


def _clips(found: Found) -> Table:
    columns: dict[str, Any] = {
        f"rate {rate:g}": lambda one, rate=rate: one["test"].sel(learning_rate=rate)
        for rate in found.clips["learning_rate"].values.tolist()
    }
    columns["best rate"] = lambda one: float(one["rate"])
    note = f"Median gradient norm along training: {float(found.clips['norm'].mean()):.2f}, mean over seeds."
    return grid(
        found.clips, {"clip_norm": "clip norm"}, columns, title="Test accuracy by clip norm at epsilon 2", note=note
    )


def _accountants(found: Found) -> Table:
    names = list(found.accounts)
    columns: Mapping[str, Any] = {
        f"{epochs} epochs": lambda name, place=place: round(found.accounts[name][place], 3)
        for place, epochs in enumerate((100, 400))
    }
    note = "A hundredth of the examples in a step, a noise multiplier of 4, delta = 1e-5. Published: 1.26 and 2.55."
    return listed({"accountant": names}, names, columns, title="One run by three accountants", note=note)


def _memory(found: Found) -> Table:
    names = list(found.memory)
    columns: Mapping[str, Any] = {
        "train accuracy": lambda name: found.memory[name]["train"],
        "test accuracy": lambda name: found.memory[name]["test"],
        "mean score": lambda name: found.memory[name]["mean"],
        "score of the most memorised": lambda name: found.memory[name]["top"],
        "advantage of LiRA": lambda name: found.memory[name]["advantage"],
        **{
            f"TPR at {100 * rate:g}% FPR": lambda name, rate=rate: found.memory[name][f"tpr {rate:g}"]
            for rate in reversed(RATES)
        },
    }
    return listed({"setting": names}, names, columns, title="What the networks of the bank memorise", note=_MEMORY)


_MEMORY = (
    "Scores are differences of shares of right networks with and without a row. The most memorised rows are a twentieth "
    "of all, and other networks choose them than those that score them. The larger rate has two thirds as many networks, "
    "at ten times the learning rate."
)


def _bounds(found: Found) -> Table:
    names = [name for name in found.memory if name.removesuffix(FASTER) in EPSILONS]
    columns: dict[str, Any] = {
        "mu": lambda name: float(found.bounds["mu"].sel(setting=name.removesuffix(FASTER))),
        "score, Gaussian": lambda name: float(found.bounds["score"].sel(setting=name.removesuffix(FASTER))),
        "score, pair": lambda name: float(found.bounds["pair_score"].sel(setting=name.removesuffix(FASTER))),
    }
    for rate in reversed(RATES):
        for kind, text in (("tpr", "Gaussian"), ("pair_tpr", "pair")):
            columns[f"TPR at {100 * rate:g}% FPR, {text}"] = lambda name, rate=rate, kind=kind: float(
                found.bounds[kind].sel(setting=name.removesuffix(FASTER), fpr=rate)
            )
    for what, text in _FACTORS.items():
        columns[f"bound over {text}"] = lambda name, what=what: _factor(found, name, what)
    return listed({"setting": names}, names, columns, title="What the guarantee allows at most", note=_BOUNDS)


_FACTORS = {"mean": "mean score", "top": "top score", "tpr 0.01": "TPR at 1% FPR", "tpr 0.001": "TPR at 0.1% FPR"}


def _factor(found: Found, name: str, what: str) -> str:
    limit, ours = found.bounds["score"], found.memory[name][what]
    if what.startswith("tpr"):
        limit = found.bounds["tpr"].sel(fpr=float(what.split()[1]))
    bound = float(limit.sel(setting=name.removesuffix(FASTER)))
    if not ours.high > 0:
        return "nothing found"
    return f"{bound / ours.value:.3g}" if ours.low > 0 else f"above {bound / ours.high:.3g}"


_BOUNDS = (
    "Bounds are for the replacement of one row, as between halves of a bank. Gaussian bounds are the exact limits of the "
    "mechanism, with 2 mu, and pair bounds are what epsilon and delta alone allow. The bound over ours is the Gaussian "
    "limit over our number; where the interval of ours reaches 0, it is the limit over its upper end. A true positive "
    "rate at chance is the false positive rate."
)


def _audits(found: Found) -> Table:
    columns: dict[str, Any] = {"epsilon, accountant": lambda one: _or_dash(float(one["epsilon"]))}
    for attack in ATTACKS:
        columns[f"right guesses, {attack}"] = lambda one, attack=attack: one["right"].sel(attack=attack)
        columns[f"lower bound, {attack}"] = lambda one, attack=attack: one["lower"].sel(attack=attack)
    columns["largest bound"] = lambda one: float(one["lower"].max())
    columns |= {f"rise of the loss, {kind}": lambda one, kind=kind: -one[f"{kind}side"] for kind in ("in", "out")}
    attrs = found.audit.attrs
    note = (
        f"{attrs['guesses']} guesses about {attrs['canaries']} canaries in every run, 300 of the linear network. A lower bound "
        "holds with 95% confidence for each audit. Rise of the loss: mean over wrong labels that were in the train set, and "
        "over those that were not, in nats."
    )
    return grid(found.audit, {"setting": "setting"}, columns, title="Audits of one run", note=note)


def _exact(found: Found) -> Table:
    scores = found.exact
    kinds = {"one step": (scores, 1.0), "last network": (summed(scores), float(np.sqrt(scores.sizes["release"])))}
    parts = [
        (values.sel(noise_multiplier=noise), factor / noise, name, noise)
        for name, (values, factor) in kinds.items()
        for noise in scores["noise_multiplier"].values.tolist()
    ]
    at = f"at {FPR:.0%} false positives"
    columns: Mapping[str, Any] = {
        "noise": lambda part: part[3],
        "mu": lambda part: part[1],
        f"true positive rate {at}": lambda part: power(part[0], FPR)[0],
        "closed form": lambda part: float(privacy.gaussian_power(part[1], FPR)),
        "false positive rate": lambda part: power(part[0], FPR)[1],
    }
    heads = {"release": [part[2] for part in parts]}
    return listed(heads, parts, columns, title="The attack that reaches the guarantee")


def _tail(found: Found) -> Table:
    both = _both(found)
    limits = found.floors.reindex(setting=[name.removesuffix(FASTER) for name in both["setting"].values])
    merged = both.assign(
        {name: limits[name].assign_coords(setting=both["setting"]) for name in ("floor", "singletons")}
    )
    columns: Mapping[str, Any] = {
        "singletons fitted": "fitted",
        "test error": "error",
        "predicted": "predicted",
        "floor, singletons": lambda one: _known(one["singletons"]),
        "floor": lambda one: _known(one["floor"]),
    }
    return grid(merged, {"setting": "setting"}, columns, title="The price of privacy in the long tail", note=_TAIL)


def _both(found: Found) -> xr.Dataset:
    """Networks of both rates, one after another."""
    names = [f"{name}{FASTER}" for name in found.tail_faster["setting"].values]
    faster = found.tail_faster.assign_coords(setting=names)
    return xr.concat([found.tail, faster], "setting", combine_attrs="override", join="exact")


def _known(values: Any) -> Any:
    return values if values.notnull().any() else "-"


_TAIL = (
    "The predicted error follows from the train rows that are wrong. The floor is the least error that the guarantee "
    "leaves to any network: for singletons alone, and for subpopulations seen any number of times."
)


def _groups(found: Found) -> Table:
    columns: dict[str, Any] = {
        f"seen {group}": lambda one, group=group: one["group_error"].sel(group=group) for group in GROUPS
    }
    title = "Test error by how often the subpopulation was seen"
    return grid(_both(found), {"setting": "setting"}, columns, title=title)
