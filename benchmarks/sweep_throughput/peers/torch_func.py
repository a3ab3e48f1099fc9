"""Vectorised PyTorch: `torch.func` ensembles of the runs of one size, with Adam over stacked parameters."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch.func import functional_call, grad, vmap
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
from benchmarks.sweep_throughput.works import WIDTHS, Work

Stacked = dict[str, torch.Tensor]

# Bytes of one layer's activations over an ensemble: more leaves a CPU's cache and gets slower, and a GPU is full by then.
_LAYER_BYTES = {"cpu": 16 * 2**20, "gpu": 512 * 2**20}


def prepare(work: Work, settings: Settings) -> Train:
    """Function of a number of steps that trains all runs from the start."""
    device = set_up(settings)
    ensembles = list(_ensembles(work, settings.device))

    def train(steps: int) -> Trained:
        records: list[Any] = [None] * len(work.sizes)
        for places in ensembles:
            for place, record in zip(places, _train(work, places, steps, device), strict=True):
                records[place] = record
        return to_trained(records)

    return train


def grain(work: Work, settings: Settings) -> int:
    """Enough for one full ensemble of every size."""
    return max(_most_runs(size, settings.device) for size in set(work.sizes))


def _most_runs(size: int, device: str) -> int:
    return max(1, _LAYER_BYTES[device] // (4 * max(WIDTHS) * size))


def _ensembles(work: Work, device: str) -> Iterator[list[int]]:
    """Places of runs that are trained together: of one size, so that nothing is padded."""
    for size in dict.fromkeys(work.sizes):
        own = [place for place, other in enumerate(work.sizes) if other == size]
        most = _most_runs(size, device)
        yield from (own[start : start + most] for start in range(0, len(own), most))


def _train(work: Work, places: list[int], steps: int, device: torch.device) -> np.ndarray:
    """Train an ensemble; its records ``[R, K, 5]``."""
    torch.manual_seed(work.seeds[places[0]])
    lead = (len(places), work.sizes[places[0]])
    train, test = draw(lead, device), draw(lead, device)
    net = network().to("meta")
    params = {name: _uniform(len(places), leaf, device) for name, leaf in _fan_in(net).items()}
    update = adam(params, torch.tensor([work.learning_rates[place] for place in places], device=device))
    gradient, take = (
        vmap(grad(lambda p, x, y: functional.cross_entropy(functional_call(net, p, (x,)), y))),
        recorder(net),
    )
    records = [take(params, *train, *test)]
    for done, (x, y) in enumerate(islice(_batches(train, work.batch_size), steps), start=1):
        update(gradient(params, x, y))
        if done % work.record_every == 0:
            records.append(take(params, *train, *test))
    return torch.stack(records, 1).cpu().numpy()


def _fan_in(net: torch.nn.Module) -> dict[str, tuple[torch.Size, int]]:
    """Shape and fan-in of every parameter."""
    named = dict(net.named_parameters())
    return {name: (leaf.shape, named[name.replace("bias", "weight")].shape[1]) for name, leaf in named.items()}


def _uniform(runs: int, leaf: tuple[torch.Size, int], device: torch.device) -> torch.Tensor:
    # Drawn at once: `stack_module_state` would first make a module per run, a second for 4096 of them.
    shape, fan_in = leaf
    return torch.empty(runs, *shape, device=device).uniform_(-(fan_in**-0.5), fan_in**-0.5)


def adam(params: Stacked, rates: torch.Tensor) -> Any:
    """In-place Adam with a learning rate per run: the fused update at rate 1 of a tensor of zeros is the direction."""
    leaves = list(params.values())
    directions = [torch.zeros_like(leaf) for leaf in leaves]
    steps = [rates.reshape(-1, *(1,) * (leaf.dim() - 1)) for leaf in leaves]
    optimizer = torch.optim.Adam(directions, lr=1.0, fused=True)

    def update(gradient: Stacked) -> None:
        torch._foreach_zero_(directions)
        for direction, leaf in zip(directions, gradient.values(), strict=True):
            direction.grad = leaf
        optimizer.step()
        for leaf, direction, rate in zip(leaves, directions, steps, strict=True):
            leaf.addcmul_(direction, rate)

    return update


def recorder(net: torch.nn.Module) -> Any:
    """Function that takes one record ``[R, 5]`` of an ensemble."""

    def one(params: Stacked, x: torch.Tensor, y: torch.Tensor, x_test: torch.Tensor, y_test: torch.Tensor) -> Any:
        splits = ((x, y), (x_test, y_test))
        parts = [part for x, y in splits for part in loss_and_accuracy(functional_call(net, params, (x,)), y)]
        norm = torch.cat([leaf.flatten() for leaf in params.values()]).norm()
        return torch.stack([*parts, norm])

    return torch.no_grad()(vmap(one))


def _batches(split: Split, batch_size: int | None) -> Iterator[Split]:
    """As `batches`, with an order of its own for every run."""
    if batch_size is None:
        yield from batches(split, None)
        return
    x, y = split
    while True:
        order = torch.rand(y.shape, device=y.device).argsort(1)
        shuffled = x.gather(1, order[..., None].expand_as(x)), y.gather(1, order)
        yield from zip(*(part.split(batch_size, 1) for part in shuffled), strict=True)
