"""What the PyTorch peers share: network, data, records, minibatches."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional

from benchmarks.sweep_throughput.peers import RECORDS, Settings, Trained
from benchmarks.sweep_throughput.works import LAYERS, WIDTHS

Split = tuple[torch.Tensor, torch.Tensor]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def set_up(settings: Settings) -> torch.device:
    """Device, with the allocator and the precision set as a careful user sets them."""
    keep_freed_memory()
    torch.set_float32_matmul_precision("highest" if settings.precision == "highest" else "high")
    return torch.device("cuda" if settings.device == "gpu" else "cpu")


def keep_freed_memory() -> None:
    """Have glibc keep what a step frees: handing large activations back each step costs a third of the time."""
    # Elsewhere than under glibc there is no mallopt, and no such problem.
    with contextlib.suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, 32 * 2**20)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def network() -> torch.nn.Sequential:
    """The network, with PyTorch's own initial values."""
    first, *rest = (torch.nn.Linear(rows, columns) for rows, columns in LAYERS)
    return torch.nn.Sequential(first, *(part for layer in rest for part in (torch.nn.ReLU(), layer)))


def draw(lead: tuple[int, ...], device: torch.device) -> Split:
    """Inputs ``[*lead, 9]`` and random labels ``[*lead]``."""
    x = torch.randn(*lead, WIDTHS[0], device=device)
    return x, torch.randint(0, WIDTHS[-1], lead, device=device)


def batches(split: Split, batch_size: int | None) -> Iterator[Split]:
    """Batch after batch without end; minibatches in epochs without replacement."""
    x, y = split
    if batch_size is None:
        while True:
            yield split
    while True:
        order = torch.randperm(len(y), device=y.device)
        yield from zip(x[order].split(batch_size), y[order].split(batch_size), strict=True)


def loss_and_accuracy(outputs: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
    """Means over the examples."""
    return [functional.cross_entropy(outputs, y), (outputs.argmax(-1) == y).float().mean()]


def to_trained(runs: list[np.ndarray]) -> Trained:
    """Records of every run, ``[K, 5]`` each, by name."""
    stacked = np.stack(runs)
    return Trained({name: stacked[:, :, i] for i, name in enumerate(RECORDS)})
