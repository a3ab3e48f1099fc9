"""Useful arithmetic of a work, exactly from the shapes of its matrix products. Padding is never useful."""

from __future__ import annotations

from benchmarks.sweep_throughput.works import LAYERS, Work

FORWARD = 2 * sum(rows * columns for rows, columns in LAYERS)
# Backward takes two products per layer, but nobody needs the gradient with respect to the network's input.
TRAIN = 3 * FORWARD - 2 * LAYERS[0][0] * LAYERS[0][1]


def run_examples(size: int, batch_size: int | None, steps: int) -> int:
    """Examples that one run trains on, the short last batch of an epoch counted as what it holds."""
    if batch_size is None:
        return size * steps
    epochs, rest = divmod(steps, -(-size // batch_size))
    return epochs * size + rest * batch_size


def example_steps(work: Work) -> int:
    """Examples that all runs of a work train on, once per step they take part in."""
    return sum(run_examples(size, work.batch_size, work.steps) for size in work.sizes)


def recorded_examples(work: Work) -> int:
    """Examples that all records of a work go through, of both splits."""
    return work.records * 2 * sum(work.sizes)


def useful_flops(work: Work) -> int:
    """Floating-point operations of a work's matrix products."""
    return TRAIN * example_steps(work) + FORWARD * recorded_examples(work)
