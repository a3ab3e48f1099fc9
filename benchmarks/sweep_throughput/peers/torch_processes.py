"""PyTorch on all cores: the loop of `torch_eager` in one process per core with one thread each, dearest runs first."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch

from benchmarks.sweep_throughput.peers import Settings, Train, Trained
from benchmarks.sweep_throughput.peers._torch import keep_freed_memory, to_trained
from benchmarks.sweep_throughput.peers.torch_eager import train_run
from benchmarks.sweep_throughput.works import Work


def prepare(work: Work, settings: Settings) -> Train:
    """Function of a number of steps that trains all runs from the start; the processes start with its first call."""
    pool = ProcessPoolExecutor(cores(), multiprocessing.get_context("spawn"), start_process, (settings.precision,))
    order = np.argsort([-size for size in work.sizes], kind="stable")
    cpu = torch.device("cpu")

    def train(steps: int) -> Trained:
        futures = {
            i: pool.submit(train_run, work.runs[i], work.batch_size, steps, work.record_every, cpu) for i in order
        }
        return to_trained([futures[i].result() for i in range(len(order))])

    return train


def grain(work: Work, settings: Settings) -> int:
    """One per core where all runs are of one size, so that no core idles; else the sizes even it out."""
    del settings
    return cores() if len(set(work.sizes)) == 1 else 1


def start_process(precision: str) -> None:
    """Set up a process: one thread, so that processes do not fight over cores."""
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("highest" if precision == "highest" else "high")
    keep_freed_memory()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
