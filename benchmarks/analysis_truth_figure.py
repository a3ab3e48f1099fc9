"""The confusion matrices of analysis_truth as a figure: python -m benchmarks.analysis_truth_figure."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from memjax import plots

HERE = Path(__file__).parent
KIND = "independent"


def draw(result: dict, target: Path) -> None:
    """Draw one matrix per noise level: rows are truths, columns verdicts, cells the share in percent."""
    from matplotlib.figure import Figure

    table = result[f"confusion, {KIND} noise"]
    truths, levels = list(table), list(next(iter(table.values())))
    verdicts = [*dict.fromkeys(truth.split(",")[0] for truth in truths), "no law", "cannot tell"]
    with plots.style():
        figure = Figure(figsize=(12.0, 4.6), layout="constrained")
        for ax, level in zip(figure.subplots(1, len(levels), sharey=True), levels, strict=True):
            shares = np.array([[table[truth][level].get(verdict, 0.0) for verdict in verdicts] for truth in truths])
            ax.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
            ax.set_xticks(range(len(verdicts)), verdicts, rotation=90)
            ax.set_yticks(range(len(truths)), truths)
            ax.set_title(f"noise of one run: {float(level):.0%} of the range")
            for row, column in zip(*np.nonzero(shares >= 0.005), strict=True):
                share = shares[row, column]
                ax.text(
                    column,
                    row,
                    f"{100 * share:.0f}",
                    ha="center",
                    va="center",
                    fontsize=7,
                    color="white" if share > 0.6 else "black",
                )
        figure.supxlabel(f"verdict (percent of {result['confusion_trials']} trials)")
        figure.supylabel("truth")
        figure.savefig(target, dpi=150)


if __name__ == "__main__":
    draw(
        json.loads((HERE / "results" / "analysis_truth.json").read_text()),
        HERE.parent / "docs" / "figures" / "analysis_truth.png",
    )
