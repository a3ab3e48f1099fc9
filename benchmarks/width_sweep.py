"""Sweeps over widths and depths from the start of a process, beside an eager PyTorch loop: python -m benchmarks.width_sweep.

Three works. (a) 24 widths from 1 to 128 of one hidden layer x 4 seeds: 40 inputs, 10 classes, 400 examples, 500 full-batch
steps of Adam, a record every 50 steps. (b) 30 widths of two equal hidden layers x 10 seeds, 9 inputs, 17 classes, 200
examples, 300 steps. (c) Depths 1 to 20 of 32 units x 4 seeds, else as (a). Every cell is a process of its own with an empty
compile cache. The peer is a loop over networks with fused Adam and the same records. A process of memjax also says the
seconds of its second, warm call and the number of training programs. One more process has a program per structure, as if a
compile cost nothing to the plan.

PyTorch is no dependency: pip install torch==2.13.0, or name another interpreter with --torch.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parent / "results" / "width_sweep.json"
WORKS: dict[str, dict[str, Any]] = {
    "one layer": dict(
        widths=[[w] for w in (*range(1, 9), 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)],
        seeds=4, inputs=40, classes=10, examples=400, steps=500,
    ),
    "two layers": dict(
        widths=[[w, w] for w in (*range(1, 13), 14, 16, 18, 20, 22, 24, 26, 28, 32, 36, 40, 44, 48, 52, 56, 60, 62, 64)],
        seeds=10, inputs=9, classes=17, examples=200, steps=300,
    ),
    "depths": dict(
        widths=[[32] * d for d in range(1, 21)], seeds=4, inputs=40, classes=10, examples=400, steps=500,
    ),
}  # fmt: skip

OURS = """
import json, sys, time
work = json.loads(sys.argv[1])
import memjax as mj
spec = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=work["inputs"], num_classes=work["classes"]),
    optimizer=mj.optimizers.adam(1e-3), measures=("loss", "accuracy"),
    train_size=work["examples"], test_size=work["examples"], steps=work["steps"], record_every=50,
)
over = {"hidden": [tuple(w) for w in work["widths"]], "seed": range(work["seeds"])}
if sys.argv[2] == "apart":
    from memjax.engine.plan import cost
    cost.COMPILE_SECONDS = 0.0
ds = mj.sweep(spec, over, progress=False)
assert (ds.status == "finished").all()
print(json.dumps({"loss": ds.train_loss.isel(step=-1).mean("seed").values.tolist()}), flush=True)
if sys.argv[2] == "warm":
    start = time.perf_counter()
    mj.sweep(spec, over, progress=False)
    plan = mj.explain(spec, over)
    classes = [str(group.widths or "one structure") for group in plan.groups]
    print(json.dumps({"warm": time.perf_counter() - start, "programs": plan.programs, "classes": classes}), flush=True)
"""

TORCH = """
import json, sys
work = json.loads(sys.argv[1])
import torch
from torch.nn.functional import cross_entropy
losses = []
for widths in work["widths"]:
    total = 0.0
    for seed in range(work["seeds"]):
        torch.manual_seed(seed)
        draw = lambda: (torch.randn(work["examples"], work["inputs"]), torch.randint(0, work["classes"], (work["examples"],)))
        (x, y), (test_x, test_y) = draw(), draw()
        sizes = [work["inputs"], *widths, work["classes"]]
        layers = []
        for a, b in zip(sizes[:-1], sizes[1:]):
            layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
        net = torch.nn.Sequential(*layers[:-1])
        adam = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
        def record():
            with torch.no_grad():
                found = []
                for a, b in ((x, y), (test_x, test_y)):
                    outputs = net(a)
                    found += [float(cross_entropy(outputs, b)), float((outputs.argmax(1) == b).float().mean())]
                return found
        records = [record()]
        for step in range(1, work["steps"] + 1):
            adam.zero_grad()
            cross_entropy(net(x), y).backward()
            adam.step()
            if step % 50 == 0:
                records.append(record())
        total += records[-1][0]
    losses.append(total / work["seeds"])
print(json.dumps({"loss": losses}))
"""


def process(python: str, code: str, *arguments: str) -> tuple[float, list[dict[str, Any]]]:
    """Wall seconds until the first line of a fresh process, and what the process printed, line by line."""
    start = time.perf_counter()
    held = {**os.environ, "MEMJAX_CACHE": "", "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "")}
    held = {name: value for name, value in held.items() if value}
    with subprocess.Popen([python, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, env=held) as one:
        assert one.stdout is not None
        lines = [one.stdout.readline()]
        seconds = time.perf_counter() - start
        lines += one.stdout.readlines()
    if one.returncode:
        raise SystemExit(f"{python} ended with {one.returncode}")
    return seconds, [json.loads(line) for line in lines if line.strip()]


def measure(name: str, torch: str, times: int) -> dict[str, Any]:
    """Seconds of both, in turn, and the mean final train loss over all networks of each."""
    work = json.dumps(WORKS[name])
    found: dict[str, Any] = {"memjax": [], "memjax warm": [], "torch": []}
    found["a program per structure"] = process(sys.executable, OURS, work, "apart")[0]
    for _ in range(times):
        seconds, lines = process(sys.executable, OURS, work, "warm")
        found["memjax"].append(seconds)
        found["memjax warm"].append(lines[1]["warm"])
        found |= {"programs": lines[1]["programs"], "classes": lines[1]["classes"]}
        found["memjax loss"] = sum(lines[0]["loss"]) / len(lines[0]["loss"])
        seconds, lines = process(torch, TORCH, work)
        found["torch"].append(seconds)
        found["torch loss"] = sum(lines[0]["loss"]) / len(lines[0]["loss"])
    found["torch over memjax"] = min(found["torch"]) / min(found["memjax"])
    found["cold over warm"] = min(found["memjax"]) / min(found["memjax warm"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", default=sys.executable, help="an interpreter with PyTorch")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--only", choices=list(WORKS))
    asked = parser.parse_args()
    found = {name: measure(name, asked.torch, asked.times) for name in WORKS if asked.only in (None, name)}
    print(json.dumps(found, indent=1))
    if asked.only is None:
        RESULT.write_text(json.dumps({"cores": os.cpu_count(), **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
