"""Which examples most networks are right about after one epoch: numbers, claims and the table."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.kit import Claim, Columns, Table, grid

__all__ = ["easy", "easy_claims", "easy_table", "ranked"]


def easy(runs: xr.Dataset) -> xr.Dataset:
    """How often networks on one data set are right about each train row, beside a binomial law.

    Parameters
    ----------
    runs
        ``example_correct`` ``(task, init_seed, example_step, example)`` with the coordinate ``seed`` ``(init_seed,)``: networks
        of one seed have the same data set.

    Returns
    -------
    xarray.Dataset
        What `memjax.analysis.easy_examples` gives, ``(task, seed)``, and ``rows``, the number of rows of a data set.
    """
    correct = runs["example_correct"].isel(example_step=-1, drop=True)
    seeds = correct["seed"].values
    kept = np.unique(seeds)
    flags = correct.reset_coords(drop=True)
    found = [analysis.easy_examples(flags.isel(init_seed=seeds == seed), "init_seed") for seed in kept]
    made = xr.concat(found, xr.DataArray(kept, dims="seed", name="seed"), combine_attrs="override")
    return made.assign(rows=made["probability"].notnull().sum("example"), networks=int((seeds == kept[0]).sum()))


def ranked(found: xr.Dataset) -> xr.Dataset:
    """Shares of networks that are right, sorted within each data set, beside the quantiles of the binomial law.

    Returns
    -------
    xarray.Dataset
        ``found`` and ``binomial`` ``(task, seed, rank)``; the rank runs over the rows of a data set, in percent.
    """
    from scipy.stats import binom

    rows, networks = int(found["rows"].min()), int(found["networks"])
    # Rows that no network has stand last.
    shares = np.sort(found["probability"].transpose("task", "seed", "example").values, axis=-1)[..., :rows]
    middle = (np.arange(rows) + 0.5) / rows
    mean = found["mean_accuracy"].transpose("task", "seed").values
    law = binom.ppf(middle, networks, mean[..., None]) / networks
    dims = ("task", "seed", "rank")
    coords = {"task": found["task"].values, "seed": found["seed"].values, "rank": 100 * middle}
    return xr.Dataset({"found": (dims, shares), "binomial": (dims, law)}, coords)


def easy_claims(found: xr.Dataset) -> list[Claim]:
    """Arpit et al.: some examples of real data are easy for all networks; the published numbers were not read."""
    ratio, always = found["variance_ratio"], found["always"] / found["rows"]
    claims = []
    for name in (name for name in found["task"].values.tolist() if name != "true labels"):
        for what, values in ((_RATIO, ratio), (_ALWAYS, always)):
            less = values.sel(task="true labels", drop=True) - values.sel(task=name, drop=True)
            claims.append(Claim(f"{what}: true labels less {name}", None, less))
    return claims


_RATIO = "variance of the share of networks that are right about a row after one epoch, over a binomial one"
_ALWAYS = "share of the rows about which all networks are right after one epoch"


def easy_table(found: xr.Dataset) -> Table:
    """A row for every law."""
    columns: Columns = {
        "accuracy after one epoch": "mean_accuracy",
        "variance over a binomial one": "variance_ratio",
        "rows outside": "outside",
        "expected outside": "outside_expected",
        "rows always right": "always",
        "expected always right": "always_expected",
    }
    rows, networks = int(found["rows"].min()), int(found["networks"])
    note = (
        f"Of {rows} train rows and {networks} networks on each data set; intervals are over data sets. Rows outside: of the "
        f"central {found.attrs['level']:.0%} of a binomial law with the mean accuracy. Expected: by this law."
    )
    return grid(found, {"task": "law"}, columns, title="Easy examples after one epoch", note=note)
