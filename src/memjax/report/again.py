"""The code that makes a sweep again, from the attributes of its dataset."""

from __future__ import annotations

import json

import xarray as xr

from memjax.experiment.source import own_objects
from memjax.experiment.written_out import experiment_source, over_source
from memjax.pages.blocks import Code

__all__ = ["sweep_code"]


def sweep_code(dataset: xr.Dataset) -> Code:
    """Python that makes the whole sweep again, of which the dataset may be a part.

    A user's own functions and objects stand in it by their names, and a comment says where they were defined.
    """
    attrs = dataset.attrs
    fields, over = json.loads(attrs["experiment"]), json.loads(attrs["over"])
    own = own_objects([fields, over])
    lines = ["import memjax as mj", ""]
    lines += [f"# {name} is your own: {reference}" for name, reference in own.items()]
    if json.loads(attrs["packing"]).get("x64"):
        lines.append("# The numbers were made with JAX_ENABLE_X64=1.")
    lines += [
        f"experiment = {experiment_source(fields)}",
        f"over = {over_source(over)}",
        "ds = mj.sweep(experiment, over)",
    ]
    return Code("In Python", "python", "\n".join(lines))
