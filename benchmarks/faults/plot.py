"""The figure of docs/reliability.md, from the JSON of the faults: python -m benchmarks.faults.plot."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt


def main() -> None:
    """Draw how much was kept, kill after kill."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--read", type=Path, default=Path("benchmarks/results/faults.json"))
    parser.add_argument("--out", type=Path, default=Path("docs/figures/sigkill.png"))
    options = parser.parse_args()
    kills = next(row for row in json.loads(options.read.read_text()) if row["fault"].startswith("SIGKILL"))
    seconds, shares = zip(*kills["trail"], strict=True)
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    axes.plot(seconds, [100 * share for share in shares], color="#0072B2", drawstyle="steps-post", zorder=2)
    for i, moment in enumerate(kills["moments"]):
        axes.axvline(moment, color="#D55E00", linewidth=0.8, alpha=0.7, zorder=1, label=None if i else "SIGKILL")
    axes.set(xlabel="seconds", ylabel="steps kept in the store (%)", ylim=(0, 103), xlim=(0, seconds[-1] * 1.02))
    axes.set_title(
        f"{kills['times']} kills at random moments, then the same arrays bit for bit", loc="left", fontsize=10
    )
    axes.legend(loc="lower right", framealpha=1)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(options.out, dpi=160)


if __name__ == "__main__":
    main()
