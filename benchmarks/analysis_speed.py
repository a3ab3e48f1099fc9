"""Seconds to describe and fit 10,000 curves, without a bootstrap: python -m benchmarks.analysis_speed.

A curve is 10 train sizes x 4 seeds: inverted Us, power laws, saturating and falling curves, all with seed noise.
"""

from __future__ import annotations

import time

import numpy as np
import xarray as xr

from benchmarks import repeated
from memjax import analysis

CURVES, SEEDS = 10_000, 4
SIZE = 50.0 * 2 ** np.arange(10)
PEAK = np.array([9.15, 12.87, 17.56, 23.16, 30.05, 38.12, 40.47, 32.33, 26.56, 22.49])
MEANS = (PEAK, 6.5 * SIZE**0.27 - 9.6, 40.0 - 32.0 * np.exp(-SIZE / 1500.0), 5.0 + 300.0 * SIZE**-0.6)
MODELS = ("power law", "offset power law", "exponential", "logistic", "broken power law")
LIMIT_S = 60.0


def curves() -> xr.DataArray:
    """The curves, the same at every call."""
    noise = 0.3 * np.random.default_rng(0).standard_normal((CURVES, SEEDS, SIZE.size))
    values = np.stack([MEANS[i % len(MEANS)] for i in range(CURVES)])[:, None] + noise
    return xr.DataArray(values, dims=("curve", "seed", "train_size"), coords={"train_size": SIZE})


def measure(times: int) -> dict[str, list[float]]:
    """Seconds of each part, and of all."""
    values, rows = curves(), []
    for _ in range(times):
        row, start = {}, time.perf_counter()
        analysis.describe(values, resamples=0)
        row["describe"] = time.perf_counter() - start
        for model in MODELS:
            before = time.perf_counter()
            analysis.fit(values, model, interval=None)
            row[f"fit, {model}"] = time.perf_counter() - before
        row[f"all (to stay under {LIMIT_S:g})"] = time.perf_counter() - start
        rows.append(row)
    return {name: [row[name] for row in rows] for name in rows[0]}


if __name__ == "__main__":
    repeated.run(__doc__, "analysis_speed", 3, measure)
