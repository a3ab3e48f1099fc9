"""The code that makes a sweep again, from the attributes of its dataset."""

from __future__ import annotations

import json

import xarray as xr

from memjax.experiment.encode import without_addresses
from memjax.experiment.own import as_text, names_in_code
from memjax.experiment.written_out import experiment_source, over_source
from memjax.pages.blocks import Code

__all__ = ["sweep_code"]


def sweep_code(dataset: xr.Dataset) -> Code:
    """Python that makes the whole sweep again, of which the dataset may be a part.

    A user's own functions stand in it by their names, and what has no name, such as a lambda, by the name of its field. A
    comment says which function or object is meant.
    """
    attrs = dataset.attrs
    fields, over = json.loads(attrs["experiment"]), json.loads(attrs["over"])
    names = names_in_code([fields, over])
    lines = ["import memjax as mj", ""]
    lines += [_comment(name, reference) for (reference, _), name in names.items()]
    if json.loads(attrs["packing"]).get("x64"):
        lines.append("# The numbers were made with JAX_ENABLE_X64=1.")
    lines += [
        f"experiment = {experiment_source(fields, names)}",
        f"over = {over_source(over, names)}",
        "ds = mj.sweep(experiment, over)",
    ]
    return Code("In Python", "python", "\n".join(lines))


def _comment(name: str, reference: str) -> str:
    """Which function or object a name in the code stands for."""
    text = as_text(reference)
    meant = text if text.startswith("<") else without_addresses(reference)
    # What an object says of itself may have several lines, and all are one comment.
    return f"# {name} is your own: {' '.join(meant.split())}"
