"""Data dimensionality of large layers: ours, QR, SVD, one Cholesky factor, and the published gradient ascent.

python -m benchmarks.data_dimensionality; --quick for a try with small layers.

Every exact way runs in a process of its own; the peak of its resident memory beyond that after the activations were made is
what it needs beside its input. All but ours take full rank for granted. The gradient ascent has one v per data point, Adam,
a rate warmed up over a tenth of the steps and let down as a cosine, H^T H computed before, float32, one product with it per
step, and the best of five rates in hindsight, free of charge (settings were not published). Its errors are those of some of the
points; its seconds are those of a step of all of them, measured over twenty, times the number of steps.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy.linalg

from benchmarks import repeated
from memjax.measures import data_dimensionality

CASES = {
    "Gaussian, 50,000 x 512, float64": (50_000, 512, "float64", False),
    "ReLU, 50,000 x 512, float64": (50_000, 512, "float64", True),
    "ReLU, 60,000 x 1024, float32": (60_000, 1024, "float32", True),
}
QUICK = {"quick: ReLU, 4,000 x 128, float32": (4_000, 128, "float32", True)}
BUDGETS = (30, 100, 200, 300, 500, 1000, 3000)
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
ACCURACIES = (0.1, 0.01, 0.001, 1e-4)
CHILD = "import sys; from benchmarks import data_dimensionality as own; own.child(*sys.argv[1:])"


def activations(name: str) -> np.ndarray:
    """The layer ``[N, m]`` of a case: Gaussian numbers, or ReLU neurons of 50 Gaussian inputs in PyTorch's default draw."""
    count, width, dtype, relu = (CASES | QUICK)[name]
    rng, bound = np.random.default_rng(0), 50**-0.5
    kernel, bias = rng.uniform(-bound, bound, (50, width)), rng.uniform(-bound, bound, width)
    h = np.empty((count, width), dtype)
    for start in range(0, count, 1000):
        rows = h[start : start + 1000]
        inputs = rng.standard_normal((len(rows), 50 if relu else width))
        rows[:] = np.maximum(inputs @ kernel + bias, 0) if relu else inputs
    return h


def by_qr(h: np.ndarray) -> np.ndarray:
    q = scipy.linalg.qr(h.astype(np.float64, copy=False), mode="economic")[0]
    return np.vecdot(q, q)


def by_svd(h: np.ndarray) -> np.ndarray:
    left = np.linalg.svd(h.astype(np.float64, copy=False), full_matrices=False)[0]
    return np.vecdot(left, left)


def by_cholesky(h: np.ndarray) -> np.ndarray:
    wide = h.astype(np.float64, copy=False)
    factor = scipy.linalg.cholesky(wide.T @ wide, lower=True)
    return np.square(scipy.linalg.solve_triangular(factor, wide.T, lower=True)).sum(0)


EXACT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ours": data_dimensionality,
    "QR (scipy)": by_qr,
    "SVD (numpy)": by_svd,
    "Cholesky of the Gram matrix": by_cholesky,
}


def child(name: str, way: str, times: str, out: str) -> None:
    """Take the scores some times; print seconds, and MiB of the peak beyond the input."""
    h, seconds = activations(name), []
    before = _peak_mib()
    for _ in range(int(times)):
        start = time.perf_counter()
        scores = EXACT[way](h)
        seconds.append(time.perf_counter() - start)
    beside = _peak_mib() - before
    np.save(out, scores)
    print(json.dumps({"seconds": seconds, "mib_beside_input": beside, "input_mib": h.nbytes / 2**20}))


def _peak_mib() -> float:
    """Largest resident memory so far, on Linux; that of getrusage begins with what the parent process had."""
    return float(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) / 1024


@functools.partial(jax.jit, static_argnums=2)
def ascend(h: jax.Array, gram: jax.Array, steps: int, rate: float) -> jax.Array:
    """Dimensionality of each row after some steps from v = h."""
    optimizer = optax.scale_by_adam()
    schedule = optax.warmup_cosine_decay_schedule(0.0, 1.0, max(steps // 10, 1), steps)

    def quotient(v: jax.Array) -> tuple[jax.Array, jax.Array]:
        image, own = v @ gram, jnp.vecdot(v, h)
        total = jnp.vecdot(v, image)
        return own**2 / total, 2 * (own / total)[:, None] * (h - (own / total)[:, None] * image)

    def step(k: jax.Array, carry: Any) -> Any:
        v, state = carry
        change, state = optimizer.update(quotient(v)[1], state)
        return v + rate * schedule(k) * change, state

    start = h / jnp.linalg.norm(h, axis=-1, keepdims=True)
    return quotient(jax.lax.fori_loop(0, steps, step, (start, optimizer.init(start)))[0])[0]


def by_gradient(h: np.ndarray, exact: np.ndarray, points: int) -> list[dict[str, float]]:
    """Error of the gradient ascent of the first points, by budget, and seconds of all of them."""
    wide = [rows.astype(np.float64) for rows in np.array_split(h, 20)]
    gram = jnp.asarray(sum(rows.T @ rows for rows in wide), jnp.float32)
    some, exact, each = jnp.asarray(h[:points], jnp.float32), exact[:points], _seconds_of_step(h, gram)
    return [_best(ascend.lower(some, gram, steps, 1.0).compile(), some, gram, exact, steps, each) for steps in BUDGETS]


def _best(run: Any, some: Any, gram: Any, exact: np.ndarray, steps: int, each: float) -> dict[str, float]:
    tried = []
    for rate in RATES:
        over = np.asarray(run(some, gram, rate), np.float64) - exact
        errors = {"mean_error": abs(over).mean(), "mean_bias": over.mean()}
        errors = {name: value / exact.mean() for name, value in errors.items()} | {"max_error": abs(over).max()}
        tried.append({"steps": steps, "rate": rate, "seconds": steps * each, **errors})
    return min(tried, key=lambda row: row["mean_error"])


def _seconds_of_step(h: np.ndarray, gram: Any) -> float:
    """Seconds of one step of all points: of 30 less those of 10, the shorter of two runs each."""
    points, shortest = jnp.asarray(h, jnp.float32), []
    for steps in (10, 30):
        run, seconds = ascend.lower(points, gram, steps, 1.0).compile(), []
        for _ in range(2):
            start = time.perf_counter()
            run(points, gram, RATES[0]).block_until_ready()
            seconds.append(time.perf_counter() - start)
        shortest.append(min(seconds))
    return (shortest[1] - shortest[0]) / 20


def measure(name: str, times: int, points: int) -> dict[str, Any]:
    """All ways of one case; errors of the exact ones are against QR."""
    result: dict[str, Any] = {}
    scores: dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for way in EXACT:
            out = Path(scratch) / "scores.npy"
            command = [sys.executable, "-c", CHILD, name, way, str(times if way == "ours" else 1), str(out)]
            said = subprocess.run(command, check=True, capture_output=True, text=True)
            result[way], scores[way] = json.loads(said.stdout), np.load(out)
    for way, values in scores.items():
        result[way] |= {"max_error": abs(values - scores["QR (scipy)"]).max(), "sum": values.sum()}
    result["gradient"] = by_gradient(activations(name), scores["QR (scipy)"], points)
    result["points"], ours = points, min(result["ours"]["seconds"])
    result["gradient_over_ours"] = {str(a): _first(result["gradient"], a, ours) for a in ACCURACIES}
    return result


def _first(rows: list[dict[str, float]], accuracy: float, ours: float) -> float | None:
    """How many times our seconds the least budget takes that has a mean relative error of at most the accuracy."""
    return next((row["seconds"] / ours for row in rows if row["mean_error"] <= accuracy), None)


def show(name: str, result: dict[str, Any]) -> None:
    print(f"\n{name}")
    for way in EXACT:
        row = result[way]
        memory = f"{row['mib_beside_input']:6.0f} MiB beside an input of {row['input_mib']:.0f}"
        print(
            f"  {way:28s} {min(row['seconds']):8.2f} s {memory}  max error {row['max_error']:.1e}  sum {row['sum']:.9f}"
        )
    for row in result["gradient"]:
        errors = (
            f"mean error {row['mean_error']:.1e} of the mean, bias {row['mean_bias']:+.1e}, max {row['max_error']:.1e}"
        )
        print(f"  gradient, {row['steps']:5d} steps (x{row['rate']:g}) {row['seconds']:8.1f} s  {errors}")
    for accuracy, times in result["gradient_over_ours"].items():
        said = f"{times:.0f} times our seconds" if times else f"not within {BUDGETS[-1]} steps"
        print(f"  gradient to a mean error of {accuracy}: {said}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small layers, nothing written")
    parser.add_argument("--times", type=int, default=3, help="times that ours is taken")
    parser.add_argument("--points", type=int, default=2000, help="points that the gradient ascent is run to the end on")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "data_dimensionality.json")
    options = parser.parse_args()
    results: dict[str, Any] = {"cores": os.cpu_count()}
    for case in QUICK if options.quick else CASES:
        results[case] = measure(case, options.times, options.points)
        show(case, results[case])
    if not options.quick:
        repeated.write(options.out, results)
