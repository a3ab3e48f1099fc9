"""Measures on 100 snapshots: `mj.measure`, and a loop over the snapshots that measures one network after another.

python -m benchmarks.measures; --only WORDS takes the cases with these words, --before FOLDER also times `mj.measure` of another
checkout, whose sources are in the folder, in the same session.

Every way runs in a process of its own, in turn, on the same Dataset from a file. "Cold" is the first call of a process, after
the import and the reading of the file; "again" is the median of further calls. Both are in seconds, and in seconds of all cores
together (CPU), which depend less on what else runs on the machine. The loop is what a user writes with jit: `sharpness` is
compiled once per number of examples; the other two apply the model as it is, and take the arrays of one network. The JSON has
the largest difference between the values of two ways, over the largest value of a variable.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import xarray as xr

import memjax as mj
from benchmarks import repeated
from benchmarks.sweep_throughput.machine import describe
from memjax.measures import dimensionality, modular_fourier, sharpness

SIZES = (50, 100, 150, 200, 300, 400, 500, 600, 800, 1000)
CHILD = "import sys; from benchmarks import measures as own; own.child(*sys.argv[1:])"


def labels(hidden: tuple[int, ...]) -> xr.Dataset:
    """100 networks that learn random labels: ten train sizes, two seeds, five steps."""
    task = mj.tasks.RandomLabels(input_dim=9, num_classes=17)
    spec = mj.Experiment(
        task=task, model=mj.models.MLP(hidden=hidden), steps=40, record_every=10, snapshots=tuple(range(0, 41, 10))
    )
    return mj.sweep(spec, over={"train_size": SIZES, "seed": [0, 1]})


def addition() -> xr.Dataset:
    """100 networks that learn addition modulo 53: four seeds, 25 steps."""
    steps = tuple(range(0, 481, 20))
    spec = mj.Experiment(
        task=mj.tasks.ModularArithmetic(p=53), model=mj.models.EmbeddingMLP(embedding=12, hidden=48),
        optimizer=mj.optimizers.adam(5e-3, l2=2e-4), train_size=1123, steps=steps[-1], record_every=20, snapshots=steps,
        measures=("loss",),
    )  # fmt: skip
    return mj.sweep(spec, over={"seed": range(4)})


def wide() -> xr.Dataset:
    """118 networks of 512 and of 1024 neurons on 2000 inputs of 784 numbers."""
    steps = tuple(range(0, 59))
    spec = mj.Experiment(
        task=mj.tasks.RandomLabels(input_dim=784, num_classes=10), train_size=2000, test_size=100, batch_size=100,
        steps=steps[-1], record_every=1, snapshots=steps, measures=("loss",),
    )  # fmt: skip
    return mj.sweep(spec, over={"hidden": [(512,), (1024,)]})


class Case(NamedTuple):
    """Networks, the measure, and how many times it is taken in a process."""

    make: Callable[[], xr.Dataset]
    measure: Any
    times: int = 3


CASES = {
    "sharpness, 9-100-100-17, ten sizes": Case(functools.partial(labels, (100, 100)), sharpness),
    "sharpness, 9-16-17, ten sizes": Case(functools.partial(labels, (16,)), sharpness),
    "dimensionality, 9-100-100-17, ten sizes": Case(functools.partial(labels, (100, 100)), dimensionality()),
    "modular_fourier, p = 53, 12-48": Case(addition, modular_fourier()),
    "dimensionality, 118 networks of 512 and 1024": Case(wide, dimensionality(), 1),
}


def by_loop(dataset: xr.Dataset, measure: Any) -> Iterator[dict[str, Any]]:
    """Values of one network after another."""
    for snapshot in mj.snapshots(dataset):
        if isinstance(measure, mj.Measure):
            value = _record(measure, snapshot.model)(snapshot.params, *snapshot.train)
            yield {measure.name: np.asarray(value)}
        else:
            yield measure(_Plain(**vars(snapshot)))


@functools.cache
def _record(measure: Any, model: Any) -> Any:
    function = measure.bind(mj.losses.cross_entropy)

    def value(params: Any, x: Any, y: Any) -> Any:
        return function(params, model.apply, mj.Examples(x[None], y[None], None, 0, len(y), 1))

    return jax.jit(value)


class _Plain(mj.Snapshot):
    """A snapshot whose model is applied operation by operation."""

    def outputs(self, x: np.ndarray) -> jax.Array:
        return self.model.apply(jax.tree.map(jax.numpy.asarray, self.params), jax.numpy.asarray(x))

    def hidden(self, x: np.ndarray) -> dict[str, jax.Array]:
        give = self.model.hidden_activations  # type: ignore[attr-defined]
        return dict(give(jax.tree.map(jax.numpy.asarray, self.params), jax.numpy.asarray(x)))


def child(name: str, way: str, path: str, out: str) -> None:
    """Time one way in this process; print seconds, and save the values, a row for each snapshot."""
    case, dataset, seconds = CASES[name], mj.open(path), []
    for _ in range(case.times):
        start, busy = time.perf_counter(), time.process_time()
        if way == "loop":
            rows = list(by_loop(dataset, case.measure))
        else:
            found = mj.measure(dataset, [case.measure])
        seconds.append([time.perf_counter() - start, time.process_time() - busy])
    if way != "loop":
        rows = [_row(found, snapshot) for snapshot in mj.snapshots(dataset)]
    flat = {key: np.concatenate([np.ravel(np.asarray(row[key], float)) for row in rows]) for key in rows[0]}
    np.savez(out, **flat)
    print(json.dumps(seconds))


def _row(found: xr.Dataset, snapshot: mj.Snapshot) -> dict[str, Any]:
    own = found.sel({**snapshot.run, "snapshot": snapshot.step})
    return {key: value.dropna("example") if "example" in value.dims else value for key, value in own.items()}


def timed(name: str, way: str, path: Path, out: Path, source: str | None) -> list[list[float]]:
    """Seconds and CPU seconds of every call of one way in a fresh process, of this checkout or of another."""
    paths = [source, os.getcwd()] if source else [os.environ.get("PYTHONPATH", ""), os.getcwd()]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-c", CHILD, name, way, str(path), str(out)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    seconds: list[list[float]] = json.loads(said.splitlines()[-1])
    return seconds


def compare(name: str, repeats: int, before: str | None) -> dict[str, Any]:
    """Seconds of every way, and how far their values lie apart."""
    ways = {"memjax": None, "loop": None} | ({"memjax before": before} if before else {})
    readings: dict[str, list[list[list[float]]]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as scratch:
        path = mj.save(CASES[name].make(), Path(scratch) / "runs.nc")
        for _ in range(repeats):
            for way, source in ways.items():
                readings[way].append(timed(name, way, path, Path(scratch) / f"{way}.npz", source))
        values = {way: dict(np.load(Path(scratch) / f"{way}.npz")) for way in ways}
    result: dict[str, Any] = {way: _summary(seconds) for way, seconds in readings.items()}
    result["difference"] = {way: _difference(values["memjax"], own) for way, own in values.items() if way != "memjax"}
    return result


def _summary(processes: list[list[list[float]]]) -> dict[str, Any]:
    """Medians of first and of further calls: seconds, and CPU seconds."""
    calls = {"cold": [calls[0] for calls in processes], "again": [call for calls in processes for call in calls[1:]]}
    medians = {kind: [statistics.median(column) for column in zip(*rows, strict=True)] for kind, rows in calls.items()}
    return {**medians, "readings": processes}


def _difference(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> float:
    """Largest difference of a variable over its largest value."""
    apart = [np.max(np.abs(ours[key] - theirs[key])) / max(np.max(np.abs(theirs[key])), 1e-300) for key in theirs]
    return float(max(apart))


def show(name: str, result: dict[str, Any]) -> None:
    ours = result["memjax"]
    print(name)
    for way in (way for way in result if way != "difference"):
        parts = []
        for kind in ("cold", "again"):
            for seconds, own, unit in zip(result[way][kind], ours[kind], ("s", "s CPU"), strict=False):
                parts.append(f"{kind} {seconds:6.2f} {unit} ({seconds / own:4.1f}x)")
        apart = f"  difference {result['difference'][way]:.1e}" if way in result["difference"] else ""
        print(f"  {way:14s} {'  '.join(parts)}{apart}", flush=True)


def main() -> None:
    """Measure, print a table, and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="processes of each way")
    parser.add_argument("--only", default="", help="words in the names of the cases to take")
    parser.add_argument("--before", help="folder of the sources of another checkout")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "measures.json")
    options = parser.parse_args()
    chosen = [name for name in CASES if options.only in name]
    result: dict[str, Any] = json.loads(options.out.read_text()) if options.only and options.out.exists() else {}
    for name in chosen:
        repeats = options.repeats if CASES[name].times > 1 else 1
        result[name] = compare(name, repeats, options.before)
        show(name, result[name])
    repeated.write(options.out, {**result, "machine": describe("cpu")})


if __name__ == "__main__":
    main()
