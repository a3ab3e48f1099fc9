"""Small sweeps whose every bit is written down: one of each kind of training that the engine has.

``python tests/frozen/sweeps.py`` writes the fixtures of this folder anew, which is right only where results change by intent.
"""

import functools
import hashlib
import json
import platform
import shutil
import sys
from pathlib import Path

import jax
import numpy as np

import memjax as mj
from memjax.content import content
from memjax.experiment.encode import reference

HERE = Path(__file__).parent
RECORDS, EXPECTED, STORE, FILE = HERE / "records.npz", HERE / "expected.json", HERE / "store", HERE / "saved.nc"

PACKING = mj.Packing(lanes=2, memory=10**9)
SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=5, num_classes=7),
    model=mj.models.MLP(hidden=(12,)),
    steps=12,
    record_every=4,
    train_size=20,
    measures=("loss", "accuracy", "weight_l2", "layer_l2", "gradient_norm"),
)
TEN_SIZES = {"train_size": [50, 100, 150, 200, 250, 300, 400, 500, 700, 1000], "seed": range(10)}
KEPT = mj.Experiment(
    **{**vars(SPEC), "measures": ("loss", mj.measures.hessian_top(iterations=2)), "snapshots": (4, 12)}
)
KEPT_OVER = {"train_size": [9, 20], "seed": [0, 1]}


def full_batch():
    return mj.sweep(SPEC, over={"train_size": [7, 20], "seed": [0, 1]}, packing=PACKING)


def minibatch():
    return mj.sweep(SPEC, over={"batch_size": [6], "learning_rate": [0.01, 0.001], "seed": [0, 1]}, packing=PACKING)


def pool():
    spec = mj.Experiment(
        task=mj.tasks.ModularArithmetic(p=7),
        model=mj.models.EmbeddingMLP(embedding=4, hidden=(8,)),
        optimizer=mj.optimizers.adamw(0.01, weight_decay=0.1),
        train_size=25,
        steps=12,
        record_every=4,
    )
    return mj.sweep(spec, over={"seed": [0, 1]}, packing=PACKING)


def start():
    """A snapshot of the last step of a short run."""
    first = mj.sweep(mj.Experiment(**{**vars(SPEC), "snapshots": (12,)}), packing=PACKING)
    return next(mj.snapshots(first)).start


def started():
    spec = mj.Experiment(**{**vars(SPEC), "start": start(), "optimizer": mj.optimizers.sgd(0.1, momentum=0.9)})
    return mj.sweep(spec, over={"learning_rate": [0.1, 0.01]}, packing=PACKING)


def noisy():
    spec = mj.Experiment(**{**vars(SPEC), "optimizer": mj.optimizers.sgld(1e-4, nbeta=3.0), "batch_size": 8})
    return mj.sweep(spec, over={"seed": [0, 1, 2]}, packing=PACKING)


def float64():
    with jax.enable_x64(True):
        return mj.sweep(SPEC, over={"seed": [0, 1]}, packing=PACKING)


SWEEPS = (full_batch, minibatch, pool, started, noisy, float64)


def arrays(dataset):
    """Every number of a Dataset, by name."""
    kept = {**dataset.data_vars, **dataset.coords}
    return {name: values.values for name, values in kept.items() if values.dtype.kind in "fiub"}


def digest(values):
    total = hashlib.sha256()
    for name, array in sorted(values.items()):
        total.update(f"{name} {array.dtype} {array.shape}".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


@functools.cache
def machine():
    """What decides the code that XLA makes, and with that the last bits of a float."""
    cpu = Path("/proc/cpuinfo")
    flags = [line for line in cpu.read_text().splitlines() if line.startswith("flags")][:1] if cpu.exists() else []
    words = [jax.__version__, jax.lib.__version__, np.__version__, platform.machine(), *flags]
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:16]


def shapes():
    """Packed shapes of the sweep over ten sizes, as it is shown."""
    spec = mj.Experiment(task=mj.tasks.RandomLabels(input_dim=30, num_classes=20), model=mj.models.MLP(hidden=(40,)))
    found = []
    for schedule in ("streamed", "batched"):
        packing = mj.Packing(lanes=2, memory=10**9, schedule=schedule)
        plan = mj.explain(spec, over=TEN_SIZES, packing=packing)
        found += [[schedule, *group.shape[:4], group.blocks, group.runs, group.padded] for group in plan.groups]
    return found


def written():
    """Text that specs and stores hold of things that memjax has: it must be read, and found the same, by every later memjax."""
    measures = mj.measures
    things = {
        "hessian_top": measures.hessian_top(iterations=3),
        "l2_of": measures.l2_of("layer_0/kernel"),
        "batch_gradient_cosine": measures.batch_gradient_cosine(batch_size=4),
        "weight_l2": measures.weight_l2,
        "loss": mj.losses.cross_entropy,
        "warmup": mj.schedules.warmup(0.1, 5),
        "optimizer": mj.optimizers.norm_constrained(mj.optimizers.adamw(0.01, weight_decay=0.1), norm=3.0),
        "mlp": mj.models.MLP(hidden=(3,), activation=jax.nn.gelu),
        "transformer": mj.models.Transformer(),
        "start": mj.Start.of(
            {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.ones(3, np.float32)}, "first"
        ),
        "Start": mj.Start,
        "Measure": mj.Measure,
        "Examples": mj.Examples,
    }
    told = {name: [reference(thing), content(thing)] for name, thing in things.items()}
    specs = [SPEC, KEPT, mj.Experiment(task=mj.tasks.ModularArithmetic(p=5), model=mj.models.EmbeddingMLP())]
    return {"told": told, "own": content(own()), "specs": [json.loads(spec.to_json()) for spec in specs]}


def own():
    """A user's functions that use functions of memjax, by name."""
    from memjax.losses import cross_entropy
    from memjax.measures import fourier_power, weight_l2
    from memjax.models import dense
    from memjax.optimizers import adam
    from memjax.random import generator

    captured = (cross_entropy, fourier_power, weight_l2, dense, adam, generator)
    return lambda x: (captured, x)


def schema(dataset):
    """Names, dims and attributes of a Dataset, without what tells the machine and the day."""
    attrs = {name: value for name, value in dataset.attrs.items() if name not in ("created", "versions", "packing")}
    names = {name: [list(map(str, v.dims)), str(v.dtype), dict(v.attrs)] for name, v in dataset.variables.items()}
    told = {"attrs": attrs, "variables": names, "attributes": sorted(dataset.attrs)}
    # What was read from a file has NumPy's numbers and arrays in its attributes.
    return json.loads(json.dumps(told, default=lambda value: value.tolist()))


def write():
    shutil.rmtree(STORE, ignore_errors=True)
    made = {sweep.__name__: sweep() for sweep in SWEEPS}
    np.savez_compressed(
        RECORDS, **{f"{sweep} {name}": array for sweep, ds in made.items() for name, array in arrays(ds).items()}
    )
    kept = mj.sweep(KEPT, over=KEPT_OVER, store=STORE, packing=PACKING)
    mj.save(kept, FILE)
    expected = {
        "machine": machine(),
        "digests": {name: digest(arrays(dataset)) for name, dataset in made.items()},
        "shapes": shapes(),
        "written": written(),
        "schema": schema(kept),
    }
    EXPECTED.write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(write())
