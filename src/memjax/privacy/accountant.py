"""The epsilon of a run, or of every run of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from memjax.checks.values import number
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.privacy.arguments import share
from memjax.privacy.ledgers import check_accountant, epsilon_of, library_of
from memjax.privacy.mechanism import Mechanism, mechanism_of
from memjax.results.runs import runs_of

__all__ = ["epsilon"]


def epsilon(
    runs: Experiment | xr.Dataset,
    delta: float,
    accountant: str = "pld",
    *,
    interval: float = 1e-3,
    using: Sequence[Any] = (),
) -> xr.DataArray:
    """Epsilon that the network of a run guarantees to every train example, for adding or removing one.

    Parameters
    ----------
    runs
        An experiment with `memjax.optimizers.dp_sgd`, or the Dataset of a sweep of such experiments.
    delta
        Probability with which the bound may fail, more than 0 and less than 1; commonly less than 1 / N.
    accountant
        ``pld``: privacy loss distributions, the tightest for Poisson batches. ``rdp``: Renyi divergences. Both need the extra
        ``memjax[privacy]``. ``gaussian``: the closed form for full batches, which is exact.
    interval
        Grid of privacy losses of ``pld``, in nats. The loss of every step is rounded up to the grid, so a finer one is
        tighter, and takes longer.
    using
        Your own functions and objects that the experiment of a Dataset names, as in `memjax.snapshots`.

    Returns
    -------
    xarray.DataArray
        epsilon, float64, in nats: ``()`` for an experiment, and for a Dataset the axes of the sweep. The attributes say
        ``delta``, ``accountant``, ``neighbors``, ``library`` with its version, and for ``pld`` the ``interval``.

    Raises
    ------
    InputError
        If a run guarantees nothing or nothing that is known: another optimizer, no noise, batches without replacement, a
        fresh train set, or a network chosen by a variable of the train set; if ``gaussian`` is asked for Poisson batches; or
        if the package of the accountant is missing.

    Notes
    -----
    The guarantee is that of every run alone. Networks of several runs that are published together add up, and so do networks
    of runs that were tuned on the same data. Recorded means over the train set have no noise, and are not covered. The number
    of train examples counts as public. `memjax.privacy.replace_one` turns the guarantee into that for replacing one.

    M. Abadi et al. (CCS 2016, arXiv:1607.00133); I. Mironov, K. Talwar and L. Zhang, "Renyi differential privacy of the
    sampled Gaussian mechanism" (2019, arXiv:1908.10530); A. Koskela, J. Jalko and A. Honkela, "Computing tight differential
    privacy guarantees using FFT" (AISTATS 2020, arXiv:1906.03049).

    Examples
    --------
    >>> from memjax.optimizers import dp_sgd
    >>> found = epsilon(Experiment(optimizer=dp_sgd(noise_multiplier=10.0), steps=100), 1e-5, "gaussian")
    >>> round(float(found), 3), found.attrs["neighbors"]
    (4.377, 'add or remove one')
    """
    delta = share("delta", delta)
    interval = number("interval", interval, 1e-7, 1.0)
    check_accountant(accountant)
    known: dict[Mechanism, float] = {}

    def of_run(experiment: Any) -> float:
        mechanism = mechanism_of(experiment)
        if mechanism not in known:
            known[mechanism] = epsilon_of(mechanism, delta, accountant, interval)
        return known[mechanism]

    found = _of_sweep(runs, of_run, using) if isinstance(runs, xr.Dataset) else xr.DataArray(of_run(runs))
    settings = {"delta": delta, "accountant": accountant, "neighbors": "add or remove one", "units": "nats"}
    grid = {"interval": interval} if accountant == "pld" else {}
    return found.rename("epsilon").assign_attrs(settings, library=library_of(accountant), **grid)


def _of_sweep(dataset: xr.Dataset, of_run: Any, using: Sequence[Any]) -> xr.DataArray:
    """One number for every run, with the axes of the sweep."""
    found = [(run, of_run(experiment)) for run, _, experiment in runs_of(dataset, using)]
    if not found:
        raise InputError("The dataset has no runs: select at least one value of every axis.")
    dims = list(found[0][0])
    values = np.reshape([value for _, value in found], [dataset.sizes[dim] for dim in dims])
    coords = {name: coord for name, coord in dataset.coords.items() if set(coord.dims) <= set(dims)}
    return xr.DataArray(values, coords, dims)
