"""Eager PyTorch whose step is captured once in a CUDA graph and replayed: what a careful user of eager PyTorch does.

As the peers of `benchmarks.sweep_throughput`: ``prepare(work, settings)`` gives a function that trains all runs. Full batch
only.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from benchmarks.sweep_throughput.peers import Settings, Train, Trained
from benchmarks.sweep_throughput.peers._torch import draw, network, set_up, to_trained
from benchmarks.sweep_throughput.peers.torch_eager import record
from benchmarks.sweep_throughput.works import Work

__all__ = ["prepare"]

_WARM_UP = 3


def prepare(work: Work, settings: Settings) -> Train:
    """Function of a number of steps that trains all runs from the start."""
    device = set_up(settings)

    def train(steps: int) -> Trained:
        return to_trained([_train_run(run, steps, work.record_every, device) for run in work.runs])

    return train


def _train_run(run: tuple[int, int, float], steps: int, every: int, device: torch.device) -> np.ndarray:
    """Train one run, given by size, seed and learning rate; its records ``[K, 5]``."""
    size, seed, rate = run
    torch.manual_seed(seed)
    train, test = draw((size,), device), draw((size,), device)
    net = network().to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=rate, fused=True, capturable=True)
    records = [record(net, train, test)]
    graph = _captured(net, optimizer, train)
    for done in range(1, steps + 1):
        graph.replay()
        if done % every == 0:
            records.append(record(net, train, test))
    return torch.stack(records).cpu().numpy()


def _captured(
    net: torch.nn.Module, optimizer: torch.optim.Optimizer, train: tuple[torch.Tensor, torch.Tensor]
) -> torch.cuda.CUDAGraph:
    """A step as a graph, with the network and the moments as they were before."""
    x, y = train

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(net(x), y).backward()
        optimizer.step()

    before = [parameter.detach().clone() for parameter in net.parameters()]
    # Memory and library handles must exist before a capture, and a capture must not be on the default stream.
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(_WARM_UP):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    optimizer.zero_grad(set_to_none=True)
    with torch.cuda.graph(graph):
        step()
    _rewind(net, optimizer, before)
    return graph


@torch.no_grad()
def _rewind(net: torch.nn.Module, optimizer: torch.optim.Optimizer, before: list[torch.Tensor]) -> None:
    for parameter, value in zip(net.parameters(), before, strict=True):
        parameter.copy_(value)
        for moment in optimizer.state[parameter].values():
            moment.zero_()
