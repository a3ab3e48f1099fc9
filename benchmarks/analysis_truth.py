"""How often verdicts and intervals are right, on curves with known truth: python -m benchmarks.analysis_truth.

Confusion: curves of every law and shape at noise levels of 1% to 30% of their range, and the share of each verdict.
Coverage: how many of the nominal 95% intervals of every parameter hold the truth, in 1,000 trials.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from benchmarks import repeated
from memjax import analysis
from memjax.analysis.fits.named_models import curve_model

SIZE = 50.0 * 2 ** np.arange(10)
SEEDS = 4
LEVELS = (0.01, 0.03, 0.1, 0.3)
PEAK = np.array([9.15, 12.87, 17.56, 23.16, 30.05, 38.12, 40.47, 32.33, 26.56, 22.49])

TRUTHS = {
    "flat": np.full(10, 40.0),
    "linear": 10.0 + 0.0012 * SIZE,
    "logarithmic": 2.0 + 5.0 * np.log(SIZE / 50.0),
    "power law": 2.0 * (SIZE / 50.0) ** 0.45,
    "offset power law, rising": 6.5 * SIZE**0.27 - 9.636,
    "offset power law, falling": 5.0 + 365.0 * SIZE**-0.6,
    "exponential": 40.0 * np.exp(-SIZE / 8000.0),
    "saturating": 40.0 - 32.0 * np.exp(-SIZE / 1500.0),
    "step": 10.0 + 30.0 * (SIZE > 1000.0),
    "log plateau": 2.0 + 8.0 * np.log(np.minimum(SIZE, 3000.0) / 50.0),
    "Hill": 5.0 + 30.0 / (1.0 + (900.0 / SIZE) ** 2),
    "inverted U": PEAK,
    "U": 50.0 - PEAK,
}

COVERED = {
    "linear": (10.0, 0.0012),
    "logarithmic": (2.0, 5.0),
    "power law": (2.0, 0.3),
    "offset power law": (6.5, 0.27, -9.636),
    "broken power law": (30.0, 900.0, 0.5, -0.2),
    "exponential": (40.0, -1e-4),
    "saturating": (40.0, -32.0, 7e-4),
    "logistic": (5.0, 30.0, 9000.0, 2500.0),
    "Hill": (5.0, 30.0, 900.0, 2.0),
    "plateau": (10.0, 0.004, 9000.0),
    "log plateau": (2.0, 8.0, 3000.0),
}


def noisy(
    mean: np.ndarray, share: float, trials: int, seeds: int, rng_seed: int, kind: str = "independent"
) -> xr.DataArray:
    """Trials of a mean curve, with a standard deviation of one run that is a share of the curve's range."""
    rng = np.random.default_rng(rng_seed)
    scale = share * (np.ptp(mean) or abs(mean[0]))
    noise = rng.standard_normal((trials, seeds, SIZE.size))
    if kind == "correlated":
        noise = 0.8 * noise + 0.6 * np.cumsum(rng.standard_normal(noise.shape), axis=-1) / np.sqrt(np.arange(1, 11))
    return xr.DataArray(mean + scale * noise, dims=("trial", "seed", "train_size"), coords={"train_size": SIZE})


def confusion(trials: int, kind: str) -> dict[str, Any]:
    """Share of every verdict, shape and law, by truth and noise."""
    table: dict[str, Any] = {}
    for number, (truth, mean) in enumerate(TRUTHS.items()):
        for share in LEVELS:
            found = analysis.describe(noisy(mean, share, trials, SEEDS, number, kind), resamples=0).evidence
            shapes, laws = found["shape"].values, found["law"].values
            turned = np.isin(shapes, ("U", "inverted U", "flat", "cannot tell"))
            verdicts = np.where(turned, np.where(shapes == "cannot tell", "cannot tell", shapes), laws)
            names, counts = np.unique(verdicts, return_counts=True)
            table.setdefault(truth, {})[f"{share:g}"] = dict(
                zip(names.tolist(), (counts / trials).tolist(), strict=True)
            )
    return table


def coverage(trials: int, seeds: int, interval: str, share: float = 0.03, resamples: int = 200) -> dict[str, Any]:
    """Share of intervals of every parameter that hold the truth."""
    table = {}
    for number, (name, truth) in enumerate(COVERED.items()):
        model = curve_model(name)
        values = noisy(np.asarray(model.function(SIZE, *truth)), share, trials, seeds, 100 + number)
        fitted = analysis.fit(values, name, interval=interval, resamples=resamples)
        table[name] = {
            parameter: float(((ends[:, 0] <= value) & (value <= ends[:, 1])).mean())
            for parameter, value in zip(model.parameters, truth, strict=True)
            for ends in [fitted[f"{parameter}_interval"].values]
        }
    return table


def peaks(trials: int, seeds: int) -> dict[str, float]:
    """Coverage of the intervals of `peak` on the published shape."""
    top = analysis.peak(noisy(PEAK, 0.03, trials, seeds, 200), resamples=400)
    truth = {
        "height": PEAK.max(),
        "prominence": PEAK.max() - PEAK[-1],
        "rise_above_ends": PEAK.max() - (PEAK[0] + PEAK[-1]) / 2,
    }
    held = {name: (top[f"{name}_interval"].values - value)[:, 0] for name, value in truth.items()}
    above = {name: (top[f"{name}_interval"].values - value)[:, 1] for name, value in truth.items()}
    found = {name: float(((held[name] <= 0.0) & (above[name] >= 0.0)).mean()) for name in truth}
    ends = top["location_interval"].values
    return found | {"location": float(((ends[:, 0] <= 3200.0) & (ends[:, 1] >= 3200.0)).mean())}


def show_confusion(table: dict[str, Any]) -> None:
    """Print a row per truth and noise: the verdicts by falling share."""
    for truth, rows in table.items():
        for share, verdicts in rows.items():
            ordered = sorted(verdicts.items(), key=lambda item: -item[1])
            print(f"{truth:27s} {float(share):5.0%}  " + ", ".join(f"{name} {value:.0%}" for name, value in ordered))


def show_coverage(title: str, table: dict[str, Any]) -> None:
    """Print a row per model."""
    print(f"\n{title}")
    for name, row in table.items():
        print(f"{name:18s} " + ", ".join(f"{parameter} {value:.3f}" for parameter, value in row.items()))


def main() -> None:
    """Run all, print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--confusion-trials", type=int, default=300)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "analysis_truth.json")
    options = parser.parse_args()
    start = time.perf_counter()
    result: dict[str, Any] = {"trials": options.trials, "confusion_trials": options.confusion_trials, "seeds": SEEDS}
    for kind in ("independent", "correlated"):
        result[f"confusion, {kind} noise"] = confusion(options.confusion_trials, kind)
        print(f"\nVerdicts under {kind} noise, {SEEDS} seeds, noise of one run over the range of the curve")
        show_confusion(result[f"confusion, {kind} noise"])
    for interval, seeds in (("bootstrap", 4), ("bootstrap", 8), ("profile", 4)):
        title = f"coverage, {interval}, {seeds} seeds"
        result[title] = coverage(options.trials, seeds, interval)
        show_coverage(title, result[title])
    for seeds in (4, 8):
        result[f"coverage, peak, {seeds} seeds"] = peaks(options.trials, seeds)
        show_coverage(f"coverage, peak, {seeds} seeds", {"peak": result[f"coverage, peak, {seeds} seeds"]})
    result["seconds"] = time.perf_counter() - start
    repeated.write(options.out, result)


if __name__ == "__main__":
    main()
