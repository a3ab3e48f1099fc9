"""The gap of the L2 norm from memjax and from a plain PyTorch loop with PyTorch's own random numbers.

Nothing is shared between the two, so they agree in mean over seeds or one of them is wrong:
python -m benchmarks.l2_against_pytorch (PyTorch is no dependency: pip install torch==2.13.0).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import memjax as mj

SIZES = (50, 100, 200, 400, 800, 1600)


def pytorch_gap(size: int, seed: int) -> float:
    """Gap of one run of the published setting, as anyone would write it in PyTorch."""
    import torch

    torch.manual_seed(seed)
    x, y = torch.randn(size, 9), torch.randint(0, 17, (size,))
    widths = [9, 100, 100, 17]
    layers = [torch.nn.Linear(a, b) for a, b in pairwise(widths)]
    net = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    first = norm(net)
    for _ in range(1000):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    return norm(net) - first


def norm(net) -> float:
    """Euclidean norm of all parameters."""
    return sum(float((p.detach() ** 2).sum()) for p in net.parameters()) ** 0.5


def memjax_gaps(seeds: int) -> np.ndarray:
    """Gaps [size, seed]."""
    ds = mj.sweep(mj.Experiment(measures=("weight_l2",)), over={"train_size": SIZES, "seed": range(seeds)})
    return mj.analysis.gap(ds.weight_l2).values


def measure(seeds: int) -> dict[str, Any]:
    """Gaps of both, and the seconds each took."""
    start = time.perf_counter()
    ours = memjax_gaps(seeds)
    middle = time.perf_counter()
    theirs = [[pytorch_gap(size, seed) for seed in range(seeds)] for size in SIZES]
    seconds = {"memjax": middle - start, "PyTorch": time.perf_counter() - middle}
    return {"sizes": SIZES, "memjax": ours.tolist(), "PyTorch": theirs, "seconds": seconds}


def show(report: dict[str, Any]) -> None:
    """Print the table of a report."""
    gaps = {name: np.array(report[name]) for name in ("memjax", "PyTorch")}
    print("train size  memjax           PyTorch          difference in standard errors")
    for size, a, b in zip(report["sizes"], *gaps.values(), strict=True):
        error = (a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)) ** 0.5
        means = [f"{v.mean():6.3f} +- {v.std(ddof=1) / len(v) ** 0.5:.3f}" for v in (a, b)]
        print(f"{size:10d}  {means[0]}  {means[1]}  {(a.mean() - b.mean()) / error:+.1f}")
    for name, values in gaps.items():
        curve = xr.DataArray(values, dims=("train_size", "seed"), coords={"train_size": list(report["sizes"])})
        law = mj.analysis.fit(curve, "offset power law")
        alone = mj.analysis.fit(curve.rename(seed="run"), "offset power law")["exponent"]
        interval = mj.analysis.format_interval(float(law["exponent"]), law["exponent_interval"].values)
        print(f"exponent of A N^B + C, {name}: {interval}; single runs: standard deviation {float(alone.std()):.3f}")
    print(f"seconds: {', '.join(f'{name} {value:.0f}' for name, value in report['seconds'].items())}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=32)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "l2_against_pytorch.json")
    parser.add_argument("--show", action="store_true", help="print the table of the last run again")
    options = parser.parse_args()
    if not options.show:
        if importlib.util.find_spec("torch") is None:
            raise SystemExit("PyTorch is missing: pip install torch==2.13.0, then run this again.")
        options.out.parent.mkdir(exist_ok=True)
        options.out.write_text(json.dumps(measure(options.seeds)) + "\n")
    show(json.loads(options.out.read_text()))


if __name__ == "__main__":
    main()
