"""A few lines of text that describe a dataset."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

__all__ = ["summary"]


def summary(dataset: xr.Dataset) -> str:
    """Text on axes, runs, measures and provenance of a dataset.

    Examples
    --------
    >>> import memjax as mj
    >>> ds = mj.sweep(mj.Experiment(steps=2, record_every=1, train_size=8), over={"seed": [0, 1]})
    >>> print(summary(ds).splitlines()[0])
    2 runs: 2 finished
    """
    kinds, counts = np.unique(dataset["status"].values, return_counts=True)
    runs = ", ".join(f"{count} {kind}" for kind, count in zip(kinds, counts, strict=True))
    packing, versions = json.loads(dataset.attrs["packing"]), json.loads(dataset.attrs["versions"])
    lines = [f"{dataset['status'].size} runs: {runs}"]
    lines += [f"axis {name}: {_shortened(labels)}" for name, labels in json.loads(dataset.attrs["axes"]).items()]
    lines += [f"steps: {_shortened(dataset['step'].values.tolist())}"]
    lines += [
        f"{name} ({', '.join(map(str, array.dims))}): {array.long_name} [{array.units}]"
        for name, array in dataset.items()
    ]
    lines += [
        f"made {dataset.attrs['created']} by memjax {versions['memjax']}, jax {versions['jax']} on {packing['device']}"
    ]
    return "\n".join(lines)


def _shortened(labels: list[object]) -> str:
    """All labels if there are few, else the first, the last and their number."""
    if len(labels) <= 10:
        return ", ".join(map(str, labels))
    return f"{labels[0]}, {labels[1]}, ..., {labels[-1]} ({len(labels)} values)"
