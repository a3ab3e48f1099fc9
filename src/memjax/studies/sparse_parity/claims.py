"""What the study sparse-parity compares and shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial

import numpy as np
import xarray as xr

from memjax.studies.kit import (
    Claim,
    Columns,
    Findings,
    Table,
    Within,
    above,
    below,
    between,
    fitted,
    grid,
    within_records,
)
from memjax.studies.sparse_parity import figures, numbers
from memjax.studies.sparse_parity.numbers import CHANCE_ERROR, LEARNED, VISIBLE

__all__ = ["analyse", "claims", "finite_table", "points_table", "progress_table", "scaling"]

_EARLIER = {20: "about 750", 50: "2400 to 4000"}


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of all sweeps, and of what was measured on the weights of one."""
    online = {int(name[5:]): data for name, data in datasets.items() if name.startswith("bits_")}
    learned = numbers.times({bits: [datasets[f"pairs_{bits}"], data] for bits, data in online.items()})
    seen, finite = datasets["hidden_progress"], numbers.finite_times(datasets["finite"])
    clock, where = numbers.aligned(seen), numbers.points(seen)
    return Findings(
        claims=claims(learned, seen, where, finite),
        tables={
            "scaling": scaling(learned),
            "points": points_table(where),
            "progress": progress_table(clock),
            "finite": finite_table(finite),
        },
        figures=figures.all_figures(clock, learned, datasets["finite"]),
        note=_NOTE,
        datasets={"times": learned},
    )


def claims(learned: xr.Dataset, seen: xr.Dataset, where: xr.Dataset, finite: xr.Dataset) -> list[Claim]:
    """Published claims beside ours."""
    small = f"({seen.attrs['num_bits']}, 3)"
    plateau = (seen["visible"] / seen["learned"]).where(np.isfinite(seen["learned"]))
    spent = f"{small}: share of the steps to {LEARNED:.0%} accuracy that are spent below {VISIBLE:.0%}"
    gap = f"{small}: Fourier gap at the start, in units of batch noise"
    return [
        *_speed(learned),
        *_exponents(learned["learned"]),
        Claim(spent, "most: a plateau, then a drop", plateau, above(0.5)),
        *_hidden(small, "half way", "to half way", where),
        *_hidden(small, "last snapshot at chance", "while the accuracy is at chance", where),
        Claim(gap, "above 0", seen["fourier_gap"].isel(snapshot=0), above(0.0)),
        *(_grokking(finite, l2) for l2 in sorted({0.0, float(finite["l2"].max())})),
    ]


def _speed(learned: xr.Dataset) -> list[Claim]:
    """Steps beside those of a run of our own, which nobody has published and which are not compared."""
    found = []
    for bits in (bits for bits in _EARLIER if bits in learned["num_bits"]):
        ours = _between_records(learned.sel(num_relevant=3, num_bits=bits), "learned")
        what = f"steps to {LEARNED:.0%} accuracy, (n, k) = ({bits}, 3)"
        remark = f"{_EARLIER[bits]} in an earlier run of ours, not published"
        found.append(Claim(what, "not given", ours, remark=remark))
    return found


def _exponents(learned: xr.DataArray) -> list[Claim]:
    fits, found = numbers.exponents(learned), []
    for k in fits["num_relevant"].values.tolist():
        one = fits.sel(num_relevant=k)
        ours, remark = fitted(one, "slope", learned.sizes["seed"]), f"over {int(one['sizes'])} sizes"
        what, published = f"exponent of the steps in n, k = {k}", f"O(k): no more than about {k}"
        found.append(Claim(what, published, ours, below(k), remark=remark, main=k == 3))
    return found


def _hidden(small: str, point: str, until: str, where: xr.Dataset) -> list[Claim]:
    # The publication says "at chance": within two standard errors of a guess, which is closer than the tolerance.
    chance = between(round(0.5 - 2 * CHANCE_ERROR, 4), round(0.5 + 2 * CHANCE_ERROR, 4))
    one, gained = where.sel(point=point), where["share"].sel(point=point) - where["share"].sel(point="start")
    trend = f"{small}: rank correlation of the relevant bits' share with the step, {until}"
    share = f"{small}, {point}: share of the relevant bits in the first layer, less that at the start"
    moved = f"{small}, {point}: change of the relevant bits' weights over that of others"
    return [
        Claim(f"{small}, {point}: test accuracy", 0.5, one["accuracy"], chance),
        Claim(moved, "above 1", one["moved"], above(1.0)),
        Claim(share, "above 0", gained, above(0.0), main=True),
        Claim(trend, "above 0: continual progress", one["trend"], above(0.0)),
    ]


def _grokking(finite: xr.Dataset, l2: float) -> Claim:
    grokked = (finite["outcome"].sel(l2=l2) == "grokked").any("train_size")
    what = f"finite sample: share of seeds that grok at some size, l2 = {l2:g}"
    words = f"{int(grokked.sum())} of {grokked.size}"
    return Claim(what, "some" if l2 else "not given", grokked, of="share", remark=words)


_NOTE = (
    "Exponents are slopes of the mean logarithm over the sizes that every seed learned, with bootstrap intervals, which "
    "fewer than four seeds have not. n^O(k) is an upper law without constants: an exponent above k would speak against the "
    "simplest reading of it, one below does not prove it. Half way is half of a run's own time to learn. Accuracy is at "
    "chance until it is first three standard errors above one half, 0.534 on a test set of 2000; what is after that is no "
    "hidden progress. A run groks if it learns the test set at least twice as late as it fits its train set."
)


def scaling(learned: xr.Dataset) -> Table:
    """Steps to learn by number of signs, and how much of them shows nothing."""
    columns: Columns = {
        f"steps to {VISIBLE:.0%}": partial(_between_records, name="visible"),
        f"steps to {LEARNED:.0%}": partial(_between_records, name="learned"),
        "first over second": lambda one: (one["visible"] / one["learned"]).where(np.isfinite(one["learned"])),
    }
    spacings = ", ".join(f"{steps:g} for k = {k}" for k, steps in learned["spacing"].to_series().items())
    rows, note = {"num_relevant": "k", "num_bits": "n"}, f"{_SCALING} Steps between records: {spacings}."
    return grid(learned, rows, columns, title="Steps of online SGD to learn a parity", note=note)


def _between_records(one: xr.Dataset, name: str) -> Within:
    """A time to learn, between records as far apart as those of its number of relevant signs."""
    reached, spacing = one[name].values, float(one["spacing"])
    last = reached[np.isfinite(reached)].max(initial=0.0)
    return within_records(one[name], np.arange(0.0, last + 2 * spacing, spacing))


def points_table(where: xr.Dataset) -> Table:
    """What is known at three points before a run learns."""
    columns = {
        "step over that of learning": "time",
        **_WEIGHTS,
        "largest movement over that when learned": "movement",
        "rank correlation of share and step": "trend",
    }
    return grid(where, {"point": "point"}, columns, title="Two points of the plateau, and the start", note=_PROGRESS)


def progress_table(clock: xr.Dataset) -> Table:
    """What grows while the accuracy does not, of what `aligned` gives."""
    columns = {**_WEIGHTS, "largest movement": "movement", "Fourier gap": "fourier_gap"}
    title = f"Progress on n = {clock.attrs['num_bits']}, k = 3"
    return grid(clock, {"time": "time"}, columns, title=title, note=f"{_PROGRESS} {_GAP}")


_WEIGHTS = {"test accuracy": "accuracy", "share of the relevant bits": "share", "relevant over others": "moved"}
_SCALING = (
    f"{VISIBLE:.0%} and {LEARNED:.0%} are when the test accuracy is first there; never means within the steps of the study. "
    "Means are over the runs that got there, so beside a never they are too low. Intervals allow for a time to be anywhere "
    "between the records beside it."
)
_PROGRESS = (
    "The share is that of the relevant bits in the sum of squared first-layer weights, which is k / n at random. The "
    "movement is that of one weight since the start, whichever bit's it is, and so positive whatever happens. Relevant "
    "over others is the root mean square change of the relevant bits' weights over that of the others', not known before "
    "any has moved."
)
_GAP = (
    f"Time: step over the run's own steps to {LEARNED:.0%}. Fourier gap: squared population gradient in the relevant bits' "
    "weights less that in the others', over its variance on a batch of 32; from products of gradients on two sets of 25,000 "
    "fresh examples, so noise does not add to it."
)


def finite_table(finite: xr.Dataset) -> Table:
    """Train and test times of a finite sample, by its size and weight decay, of all runs and of those that grok."""
    columns: Columns = {
        "steps to fit (99%)": lambda one: within_records(one["t_train"], one["records"]),
        f"steps to test {LEARNED:.0%}": lambda one: within_records(one["t_test"], one["records"]),
        "final test accuracy": "accuracy",
        "runs": _outcomes,
        "steps to fit, grokked runs": partial(_of_grokked, name="t_train"),
        "steps to test, grokked runs": partial(_of_grokked, name="t_test"),
    }
    rows = {"train_size": "train examples", "l2": "l2"}
    return grid(finite, rows, columns, title="A finite sample, used again and again", note=_FINITE)


def _outcomes(one: xr.Dataset) -> str:
    counts = sorted(Counter(one["outcome"].values.tolist()).items())
    return ", ".join(f"{count} {word}" for word, count in counts)


def _of_grokked(one: xr.Dataset, name: str) -> Within | str:
    only = one[name][one["outcome"].values == "grokked"]
    return within_records(only, one["records"]) if only.size else "-"


_FINITE = (
    "Runs have n = 40, k = 3, SGD with batches of 32 at 0.1, and coupled l2; sizes, l2 and steps are ours. Records are "
    "100 steps apart. Times are interpolated between them, and their intervals allow for anywhere between."
)
