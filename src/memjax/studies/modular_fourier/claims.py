"""What the study modular-fourier compares and shows."""

from __future__ import annotations

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
    at_own_time,
    beside_records,
    columns_of,
    grid,
    listed,
    within_records,
)
from memjax.studies.modular_fourier import figures
from memjax.studies.modular_fourier.numbers import leads, modes, phase_times, weighted_means

__all__ = ["analyse", "claims", "modes_table", "phases", "quadratic_table"]


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of what was measured on the networks."""
    found = {name: datasets[f"progress_{name}"] for name in ("mlp", "transformer")}
    learned, square = {name: modes(one) for name, one in found.items()}, datasets["neurons"]
    return Findings(
        claims=claims(found, learned, square),
        tables={"phases": phases(found), "modes": modes_table(found, learned), "quadratic": quadratic_table(square)},
        figures=figures.all_figures(found, square),
        note=_NOTE,
    )


def claims(found: Mapping[str, xr.Dataset], learned: Mapping[str, xr.Dataset], square: xr.Dataset) -> list[Claim]:
    """Published claims on both networks that grok and on the quadratic one, beside ours."""
    of_networks = [claim for name in found for claim in _of_network(name, found[name], learned[name]["count"])]
    return [*of_networks, *_of_quadratic(square)]


def _of_network(name: str, found: xr.Dataset, count: xr.DataArray) -> list[Claim]:
    lead, p, end = leads(found), found.attrs["p"], found.isel(snapshot=-1)
    net, main, positive = f"{name}, p = {p}:", name == "mlp", above(0.0)
    rise = f"{net} lead of the rise of the excluded loss over"
    guess = f"{rise} the fall of the test loss below that of a guess"
    falls = f"{net} lead of the fall of the restricted loss over that of the test loss"
    ratio = end["excluded_loss"] / end["train_loss"]
    gini = f"{net} share of the rise of the embedding's Gini coefficient by when the test loss falls"
    of = f"of {p // 2}; published: of 56, for p = 113"
    return [
        Claim(f"{net} number of key frequencies", 5.0, count, remark=of),
        Claim(guess, "above 0", lead["excluded"], positive, main=main),
        Claim(f"{rise} the test loss at its highest", "not given", lead["highest"]),
        Claim(falls, "above 0", lead["restricted"], positive, main=main),
        Claim(f"{net} excluded over train loss at the end", "above 1", ratio, above(1.0)),
        Claim(gini, "above 0: gradual", lead["gini"], positive),
    ]


def _of_quadratic(square: xr.Dataset) -> list[Claim]:
    net, means, ipr = f"quadratic network, p = {square.attrs['p']}:", weighted_means(square), square["ipr"]
    trained, first, last = means.sel(weights="trained"), ipr.isel(snapshot=0), ipr.isel(snapshot=-1)
    purer = trained["purity"] - means["purity"].sel(weights="at the start")
    cosine = f"{net} mean cosine of the sum of the operands' phases less the output's"
    power, ratio = f"{net} share of a neuron's power in its strongest frequency", f"{net} inverse participation ratio"
    return [
        Claim(cosine, 1.0, trained["aligned"], main=True),
        Claim(f"{power}, at the end", "1 for exact weights", trained["purity"]),
        Claim(f"{power}, at the end less at the start", "rises", purer, above(0.0)),
        Claim(f"{ratio} at the end", "0.5 for exact weights", last),
        Claim(f"{ratio}, at the end less at the start", "rises", last - first, above(0.0)),
    ]


_NOTE = (
    "Key frequencies: the fewest that hold 95% of the logits' power, at the end; the published count is of another rule and "
    "another p. A lead is a share of the later step: 0.5 means that the measure turns in half the time, and never that the "
    "measure does not turn though the test loss does. The test loss counts as falling from when it stays below ln p, that of "
    "a guess; the excluded loss rises from its lowest snapshot on, and never where that is before 99% train accuracy: such a "
    "run has no memorisation to lose. Against where the test loss is highest the lead is another: it is past that as soon as "
    "weight decay shrinks confident wrong answers, which generalises nothing."
)


def phases(found: Mapping[str, xr.Dataset]) -> Table:
    """Steps at which the phases begin and end, and the norm there, by network."""
    columns: Columns = {
        "train accuracy 99%": partial(_time, name="fitted"),
        "test loss highest": partial(_time, name="test_highest"),
        "memorisation ends: excluded loss begins to rise": partial(_time, name="excluded_rises"),
        "restricted test loss below (ln p) / 2": partial(_time, name="restricted_half"),
        "circuit formation ends: test loss below ln p": partial(_time, name="test_falls"),
        "test loss below (ln p) / 2": partial(_time, name="test_half"),
        "cleanup ends: test accuracy 99%": partial(_time, name="generalised"),
        "L2 norm where the test loss falls below ln p": lambda one: at_own_time(
            one["weight_l2"], one["test_falls"], "snapshot"
        ),
        "L2 norm at the end": lambda one: one["weight_l2"].isel(snapshot=-1),
    }
    head = ("event", *(f"{name}, p = {one.attrs['p']}" for name, one in found.items()))
    cells = columns_of([one.assign(phase_times(one)) for one in found.values()], columns)
    rows = tuple((text, *row) for text, row in zip(columns, cells, strict=True))
    return Table("Phases, in steps", head, rows, _PHASES)


def _time(one: xr.Dataset, name: str) -> Within:
    """A time between the records, or the snapshots, at which what tells the event is known."""
    steps = one["snapshot"].values
    if name in ("test_highest", "excluded_rises"):
        return beside_records(one[name], steps)
    recorded = name in ("fitted", "generalised")
    return within_records(one[name], np.arange(0, steps[-1] + 1, one.attrs["record_every"]) if recorded else steps)


_PHASES = (
    "After Nanda et al.: memorisation while the excluded loss falls, circuit formation while it rises and the test loss is "
    "above ln p, cleanup after that; published, for a transformer with p = 113, are ends at steps 1400, 9400 and 14,000. "
    "Accuracies are recorded every 5 steps, snapshots are 20 steps apart to step 200 and then 2% of the run; from when on it "
    "stays so. Intervals allow for a time to be anywhere between the records or snapshots beside it."
)


def modes_table(found: Mapping[str, xr.Dataset], learned: Mapping[str, xr.Dataset]) -> Table:
    """When which modes are learnt, and whether they can be told before."""
    columns: Columns = {
        "key frequencies": "count",
        "first learnt": partial(_time, name="first"),
        "last learnt": partial(_time, name="last"),
        "last over first": lambda one: one["last"] / one["first"],
        "order by final power": "by_final",
        "rank at the start": "start_rank",
        "rank when fitted": "fitted_rank",
    }
    parts = [one.assign(learned[name]) for name, one in found.items()]
    return listed({"network": found}, parts, columns, title="Key frequencies one by one", note=_MODES)


_MODES = (
    "A mode is learnt from when the loss of that frequency alone stays below the middle between its first and its last "
    "value. Order by final power: Spearman's correlation over key frequencies, negative where the strongest come first, not "
    "known for fewer than three. Rank: mean share of the other frequencies that have less power, of the embedding at the "
    "start and of the logits where train accuracy is 99%; 0.5 by chance, 1 if the later key frequencies lead already. "
    "Nothing is published."
)


def quadratic_table(square: xr.Dataset) -> Table:
    """Trained weights beside random and exact ones."""
    columns = {
        "power in one frequency": "purity",
        "cosine of the phases": "aligned",
        "neurons counted": "alive",
        "different frequencies": "frequencies",
    }
    title = "Quadratic network: Gromov's weights and the trained ones"
    return grid(weighted_means(square), {"weights": "weights"}, columns, title=title, note=_QUADRATIC)


_QUADRATIC = (
    "Exact: cos(2 pi k n / p + phi) and cos(2 pi k m / p + psi) for the operands n and m, cos(2 pi k q / p + phi + psi) for "
    "the output q, with as many neurons and random phases. Phases are at the neuron's strongest frequency, and power is "
    "without the mean over residues, each table counted alike. Neurons of less than a tenth of the largest one's size are "
    "left out. AdamW at 0.01 with weight decay 0.3 is our choice; Gromov trains with and without AdamW."
)
