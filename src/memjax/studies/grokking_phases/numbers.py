"""Times, phases and frequencies of the study grokking-phases."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.measure import measure
from memjax.measures import modular_fourier

__all__ = ["PHASES", "key_frequencies", "outcomes", "shares", "small_less_large"]

PHASES = ("comprehension", "grokking", "memorisation", "confusion")
"""What becomes of a run, in the order of the numbers that `outcomes` gives."""

_LEARNED, _LATE = 0.9, 0.01


def outcomes(runs: xr.Dataset) -> xr.Dataset:
    """When runs learn both sets, and their phases by Liu et al. (2022), whose 10^3 of 10^5 steps are a share of ours.

    ``t_train`` and ``t_test``: steps to an accuracy of 0.9 (infinite: never, or diverged before). ``phase``: its place in
    ``PHASES``; a run groks if ``t_test`` is a hundredth of all steps later, and in ``by_ratio`` if it is twice ``t_train``.
    """
    train, test = (runs[f"{split}_accuracy"].reset_coords(drop=True) for split in ("train", "test"))
    when = analysis.delay(train, test, _LEARNED)
    fit, learned = (when[name].fillna(np.inf) for name in ("t_train", "t_test"))
    late = {"phase": learned >= fit + _LATE * float(runs["step"][-1]), "by_ratio": learned >= 2.0 * fit}
    phases = {key: xr.where(fit == np.inf, 3, xr.where(learned == np.inf, 2, flag)) for key, flag in late.items()}
    return xr.Dataset({"t_train": fit, "t_test": learned, **phases}).drop_attrs()


def shares(found: xr.Dataset, *keep: str) -> xr.Dataset:
    """Shares of cells by seed and ``keep``: in every phase, generalised, of another phase by ratio; ``phases`` are counted."""
    phase = found["phase"]
    flags = {name: phase == i for i, name in enumerate(PHASES)}
    over = [dim for dim in phase.dims if dim not in ("seed", *keep)]
    count = xr.Dataset(flags).any(over).to_dataarray().sum("variable")
    flags |= {"generalised": phase < 2, "other by ratio": phase != found["by_ratio"]}
    return xr.Dataset(flags).astype(float).mean(over).assign(phases=count)


def small_less_large(runs: xr.Dataset) -> xr.DataArray:
    """Test accuracy at the end, less that at ten times the rate (two rates on; not the last) after a tenth of the steps."""
    kept, last = runs["test_accuracy"].fillna(0.0).isel(learning_rate=slice(None, -1)), int(runs["step"][-1])
    ends, tenths = (kept.sel(step=step).drop_vars(["step", "learning_rate"]) for step in (last, last // 10))
    gain = ends.isel(learning_rate=slice(None, -2)) - tenths.isel(learning_rate=slice(2, None))
    return gain.mean([dim for dim in gain.dims if dim != "seed"])


def key_frequencies(runs: xr.Dataset) -> xr.Dataset:
    """Number of frequencies that hold 95% of the power of the logits at the end, by the swept dimensions."""
    found = measure(runs, [modular_fourier()])["key_frequency"]
    return found.isel(snapshot=-1, drop=True).sum("frequency").to_dataset(name="frequencies")
