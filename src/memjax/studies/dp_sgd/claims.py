"""What the study dp-sgd compares: accuracy on Poisson batches, and memorisation and attacks beside their bounds."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import xarray as xr

from memjax import privacy
from memjax.experiment import Experiment
from memjax.optimizers import dp_sgd
from memjax.studies.dp_sgd import audits, bank, figures, numbers, tables, tail
from memjax.studies.dp_sgd.audit_claims import audit_claims, exact_claims, tail_claims
from memjax.studies.dp_sgd.numbers import RATES, scaled
from memjax.studies.dp_sgd.sizes import CERTAIN, CLIPPED, DELTA, EPSILONS, FASTER, PLAIN
from memjax.studies.kit import Claim, Estimate, Findings, above, below, between, estimate

__all__ = ["Found", "accountant_claims", "analyse", "bank_claims", "clip_claims", "utility_claims"]


class Found(NamedTuple):
    """Everything that claims, tables and figures are made of.

    Attributes
    ----------
    lots, clips
        What `numbers.accuracies` and `numbers.by_clip` give; ``lots`` has ``epsilon`` of the accountant pld.
    memory, bounds
        What `bank.found_of` gives by setting, with the test accuracy, and what `numbers.bounds` gives.
    audit, exact
        What `audits.one_run` gives, with the ``epsilon`` of every setting; and the scores of the exact attack.
    tail, tail_faster, floors
        What `tail.tail_numbers` and `tail.floors` give; ``floors`` has ``mu``. Networks of the larger rate are apart.
    accounts
        Epsilon of Abadi et al.'s example by accountant, after 100 and 400 epochs.
    """

    lots: xr.Dataset
    clips: xr.Dataset
    memory: Mapping[str, Mapping[str, Estimate]]
    bounds: xr.Dataset
    audit: xr.Dataset
    exact: xr.DataArray
    tail: xr.Dataset
    tail_faster: xr.Dataset
    floors: xr.Dataset
    accounts: Mapping[str, tuple[float, float]]


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of all parts."""
    found = _found(datasets)
    return Findings(
        claims=[
            *utility_claims(found.lots, datasets["lots"].attrs.get("scale", "quick")),
            *clip_claims(found.clips),
            *accountant_claims(found.accounts),
            *bank_claims(found.memory, found.bounds),
            *audit_claims(found.audit),
            *exact_claims(found.exact),
            *tail_claims(found.tail, found.floors),
        ],
        tables=tables.all_tables(found),
        figures=figures.all_figures(found),
        note=_NOTE,
    )


def _found(datasets: Mapping[str, xr.Dataset]) -> Found:
    lots = numbers.accuracies(datasets["lots"])
    lots["epsilon"] = numbers.epsilons(datasets["lots"], "pld")
    banks = {"": numbers.by_setting(datasets["bank"]), FASTER: numbers.by_setting(datasets["faster"])}
    audit = audits.one_run(audits.drops(datasets["audit"]), datasets["moves"])
    audit["epsilon"] = numbers.epsilons(datasets["audit"], "gaussian")
    rows, runs = datasets["members"], datasets["tail"]
    limits = numbers.bounds(_noises(runs), int(runs["step"][-1]))
    return Found(
        lots=lots,
        clips=numbers.by_clip(datasets["clips"], datasets["norms"]),
        memory={
            f"{name}{end}": _memory(own.sel(setting=name))
            for end, own in banks.items()
            for name in own["setting"].values.tolist()
        },
        bounds=numbers.bounds(_noises(datasets["bank"]), int(datasets["bank"]["step"][-1])),
        audit=audit,
        exact=datasets["scores"]["z"],
        tail=tail.tail_numbers(runs, rows),
        tail_faster=tail.tail_numbers(datasets["tail_faster"], rows),
        floors=tail.floors(limits["mu"], rows).assign(mu=limits["mu"], epsilon=limits["epsilon"]),
        accounts=_accounts(),
    )


def _noises(runs: xr.Dataset) -> xr.DataArray:
    """Noise multipliers of the settings with noise."""
    return numbers.by_setting(runs)["noise_multiplier"].sel(setting=list(EPSILONS)).reset_coords(drop=True)


def _memory(own: xr.Dataset) -> Mapping[str, Estimate]:
    last = {name: estimate(own[f"{name}_accuracy"].isel(step=-1)) for name in ("train", "test")}
    return {**bank.found_of(own), **last}


_SHARE, _NOISE, _EPOCHS = 0.01, 4.0, (100, 400)


def _accounts() -> Mapping[str, tuple[float, float]]:
    """Epsilon of one run by three accountants: a hundredth of the examples in a step, a noise multiplier of 4."""
    steps = [round(epochs / _SHARE) for epochs in _EPOCHS]
    specs = [
        Experiment(
            optimizer=dp_sgd(noise_multiplier=_NOISE), batch_size=10, batches="poisson", train_size=1000, steps=one
        )
        for one in steps
    ]
    moments = [numbers.moments_epsilon(_SHARE, _NOISE, one) for one in steps]
    found = {name: [float(privacy.epsilon(one, DELTA, name)) for one in specs] for name in ("rdp", "pld")}
    return {name: (one[0], one[1]) for name, one in {"moments": moments, **found}.items()}


_PUBLISHED = {PLAIN: 0.983, "epsilon 8": 0.97, "epsilon 2": 0.95, "epsilon 0.5": 0.90}


def utility_claims(lots: xr.Dataset, scale: str) -> list[Claim]:
    """The order of test accuracies; at the scale ``mnist`` also the accuracies themselves."""
    test, gap = lots["test"], lots["gap"]
    order = [PLAIN, "epsilon 8", "epsilon 2", "epsilon 0.5"]
    what = "Poisson batches: test accuracy, {} less {}"
    claims = [
        Claim(
            what.format(better, worse),
            f"{_PUBLISHED[better]:g} against {_PUBLISHED[worse]:g} (MNIST)",
            test.sel(setting=better) - test.sel(setting=worse),
            above(0.0),
            main=worse == "epsilon 2",
        )
        for better, worse in itertools.pairwise(order)
    ]
    alone = test.sel(setting=PLAIN) - test.sel(setting=CLIPPED)
    less = gap.sel(setting=PLAIN) - gap.sel(setting="epsilon 2")
    claims += [
        Claim(what.format(PLAIN, CLIPPED), "not given", alone),
        Claim(
            f"Poisson batches: gap of train and test accuracy, {PLAIN} less epsilon 2",
            "the gap is small with privacy",
            less,
            above(0.0),
        ),
    ]
    # The paper says that networks without its projection to 60 directions lose about .02.
    near = [
        Claim(f"test accuracy, {name}", value, test.sel(setting=name), between(value - 0.03, value + 0.01))
        for name, value in _PUBLISHED.items()
    ]
    return claims + (near if scale == "mnist" else [])


def clip_claims(clips: xr.Dataset) -> list[Claim]:
    """Whether the best clip norm is near the median gradient norm, and what the others cost."""
    own = clips["own"]
    best = own.max("clip_norm")
    ends = {"smallest": own.isel(clip_norm=0), "largest": own.isel(clip_norm=-1)}
    what = "epsilon 2: test accuracy lost by the {} clip norm, {:g}, against the best one of each seed"
    return [
        Claim(
            "epsilon 2: best clip norm over the median gradient norm",
            "1: near the median",
            clips["best"],
            # A step of the grid on either side.
            between(0.3, 3.4),
            of="geometric",
        ),
        *(Claim(what.format(name, float(one["clip_norm"])), "not given", best - one) for name, one in ends.items()),
    ]


def accountant_claims(accounts: Mapping[str, Sequence[float]]) -> list[Claim]:
    """The published epsilons by the published accountant, and that later accountants prove less."""
    claims = []
    for place, (epochs, published) in enumerate(zip(_EPOCHS, (1.26, 2.55), strict=True)):
        what = f"epsilon after {epochs} epochs with q = 0.01 and noise 4, accountant {{}}"
        for name, values in accounts.items():
            later = name != "moments"
            rule = below(published) if later else None
            claims.append(Claim(what.format(name), published, _exact(values[place]), rule, derived=later))
    return claims


def _exact(value: float) -> Estimate:
    return Estimate(value, value, value)


_LIMITED = {
    "mean": ("mean memorisation score", "score"),
    "top": ("score of the rows that other networks find most memorised", "score"),
    "advantage": ("advantage of LiRA", "score"),
    **{f"tpr {rate:g}": (f"true positive rate of LiRA at {100 * rate:g}% false positives", "tpr") for rate in RATES},
}


def bank_claims(memory: Mapping[str, Mapping[str, Estimate]], bounds: xr.Dataset) -> list[Claim]:
    """Every number over its bound for the Gaussian mechanism, and what is memorised without privacy."""
    claims = [_of_bound(memory, bounds, setting, name) for setting in EPSILONS for name in _LIMITED]
    faster = [name for name in memory if name.endswith(FASTER) and name.removesuffix(FASTER) in EPSILONS]
    claims += [_of_bound(memory, bounds, setting, "top") for setting in faster]
    plain = {name: memory[PLAIN][name] for name in ("mean", "top", "tpr 0.01")}
    return claims + [Claim(f"{PLAIN}: {_LIMITED[name][0]}", "not given", one) for name, one in plain.items()]


def _of_bound(memory: Mapping[str, Mapping[str, Estimate]], bounds: xr.Dataset, setting: str, name: str) -> Claim:
    what, limit = _LIMITED[name]
    bound = bounds[limit].sel(setting=setting.removesuffix(FASTER))
    most = float(bound.sel(fpr=float(name.split()[1])) if limit == "tpr" else bound)
    text = f"{setting}: {what} over the largest one that the guarantee allows, {most:.3g}"
    main = name == "top" and setting == "epsilon 2"
    asked = most < CERTAIN
    ours = scaled(memory[setting][name], 1 / most)
    return Claim(text, "below 1", ours, below(1.0) if asked else None, main=main, derived=asked)


_NOTE = (
    f"Every epsilon is in nats, at delta = {DELTA:g}, for adding or removing one example. The accountant is pld for Poisson "
    "batches and the closed form for full batches. Halves of a bank are replacements of one example by another, so mu is twice "
    "as large in their bounds. Values beside a bound are of the same networks as those of the bound. What is derived is a "
    "theorem, and a claim on it can fail only where the code is wrong or by chance."
)
