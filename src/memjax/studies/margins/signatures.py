"""What is taken from the weights of networks: signatures of their margins, and the exact margins of linear ones."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax import analysis
from memjax.measure import measure
from memjax.measures import margins
from memjax.results.snapshots import Snapshot

__all__ = ["LAYERS", "linear_margins", "output_margins", "signatures"]

LAYERS = ("input", "layer_0", "layer_1")
"""Layers whose margins are taken; the margin of the outputs themselves is called ``output``."""
_KINDS: tuple[Literal["quartiles", "moments"], ...] = ("quartiles", "moments")

FloatArray = npt.NDArray[np.float64]


def signatures(runs: xr.Dataset) -> xr.Dataset:
    """Signatures of the margins of all networks on their train examples.

    Parameters
    ----------
    runs
        Networks of two hidden layers, with one snapshot each.

    Returns
    -------
    xarray.Dataset
        ``signature`` ``(..., kind, layer, statistic)``, of margins that are not normalised, for the `LAYERS` and ``output``,
        which is f_y - max f_j itself. ``spread`` ``(..., layer)``, by which the layer's margins are divided to normalise
        them. Every number of a signature is divided with the margins, so one division does.
    """
    return measure(runs, [_of_network]).isel(snapshot=0, drop=True)[["signature", "spread"]]


def _of_network(snapshot: Snapshot) -> dict[str, xr.DataArray]:
    x, y = snapshot.train
    held = {"input": x.reshape(len(x), -1), **snapshot.hidden(x)}
    # From the last hidden layer, which is at hand, the outputs are one product.
    last = snapshot.params["layer_2"]
    outputs = np.asarray(held["layer_1"], np.float64) @ np.asarray(last["kernel"]) + np.asarray(last["bias"])
    plain = margins(layers=LAYERS, normalize=False)(snapshot)["margin"].values
    each = xr.DataArray(np.vstack([plain, output_margins(outputs, y)]), dims=("layer", "example"))
    made = [analysis.margin_signature(each, kind=kind).values for kind in _KINDS]
    spreads = [np.sqrt(np.asarray(held[name], np.float64).var(0).sum()) for name in LAYERS]
    labels = {"kind": list(_KINDS), "layer": [*LAYERS, "output"], "statistic": np.arange(5)}
    return {
        "signature": xr.DataArray(np.stack(made), labels, ("kind", "layer", "statistic")),
        "spread": xr.DataArray([*spreads, 1.0], {"layer": labels["layer"]}, ("layer",)),
    }


def output_margins(outputs: FloatArray, y: npt.NDArray[Any]) -> FloatArray:
    """Output of the label less the largest other one, ``[N]``, of outputs ``[N, C]`` and labels ``[N]``.

    Examples
    --------
    >>> output_margins(np.array([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0]]), np.array([0, 1])).tolist()
    [1.0, -2.0]
    """
    rows = np.arange(len(y))
    others = outputs.copy()
    others[rows, y] = -np.inf
    found: FloatArray = outputs[rows, y] - others.max(-1)
    return found


def linear_margins(runs: xr.Dataset) -> xr.Dataset:
    """Largest relative ``error`` ``(seed,)`` of margins of linear networks against (f_y - f_j) / ||w_y - w_j||, in float64."""
    return measure(runs, [_linear_error]).isel(snapshot=0, drop=True)[["error"]]


def _linear_error(snapshot: Snapshot) -> dict[str, float]:
    x, y = snapshot.train
    taken = margins(layers=("input",), normalize=False)(snapshot)["margin"].values[0]
    kernel, bias = (np.asarray(snapshot.params["layer_0"][name], np.float64) for name in ("kernel", "bias"))
    outputs = x.reshape(len(x), -1).astype(np.float64) @ kernel + bias
    others = outputs.copy()
    others[np.arange(len(y)), y] = -np.inf
    lengths = np.linalg.norm(kernel[:, y] - kernel[:, others.argmax(-1)], axis=0)
    exact = output_margins(outputs, y) / lengths
    # Relative to a typical margin, because a margin near zero is a difference of equal outputs.
    return {"error": float(np.abs(taken - exact).max() / np.abs(exact).mean())}
