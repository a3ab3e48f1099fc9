"""Plain PyTorch: a loop over runs with `torch.optim.Adam`, on PyTorch's default threads."""

from __future__ import annotations

from itertools import islice

import numpy as np
import torch
from torch.nn import functional

from benchmarks.sweep_throughput.peers import Settings, Train, Trained
from benchmarks.sweep_throughput.peers._torch import (
    Split,
    batches,
    draw,
    loss_and_accuracy,
    network,
    set_up,
    to_trained,
)
from benchmarks.sweep_throughput.works import Work


def prepare(work: Work, settings: Settings) -> Train:
    """Function of a number of steps that trains all runs from the start."""
    device = set_up(settings)

    def train(steps: int) -> Trained:
        return to_trained([train_run(run, work.batch_size, steps, work.record_every, device) for run in work.runs])

    return train


def grain(work: Work, settings: Settings) -> int:
    """One: a loop takes every run alike."""
    del work, settings
    return 1


def train_run(
    run: tuple[int, int, float], batch_size: int | None, steps: int, record_every: int, device: torch.device
) -> np.ndarray:
    """Train one run, given by size, seed and learning rate; its records ``[K, 5]``."""
    size, seed, rate = run
    torch.manual_seed(seed)
    train, test = draw((size,), device), draw((size,), device)
    net = network().to(device)
    # The fused update is a third faster than the default one on small networks.
    optimizer = torch.optim.Adam(net.parameters(), lr=rate, fused=True)
    records = [record(net, train, test)]
    for done, (x, y) in enumerate(islice(batches(train, batch_size), steps), start=1):
        optimizer.zero_grad()
        functional.cross_entropy(net(x), y).backward()
        optimizer.step()
        if done % record_every == 0:
            records.append(record(net, train, test))
    return torch.stack(records).cpu().numpy()


@torch.no_grad()
def record(net: torch.nn.Module, train: Split, test: Split) -> torch.Tensor:
    """One record ``[5]``, left on the device so that nothing waits for it."""
    parts = [part for x, y in (train, test) for part in loss_and_accuracy(net(x), y)]
    norm = torch.cat([parameter.flatten() for parameter in net.parameters()]).norm()
    return torch.stack([*parts, norm])
