"""Phases of training as the states of a hidden Markov model over recorded metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.series.markov_fit import MarkovFit, best_fit, criterion, held_out, require_hmmlearn
from memjax.checks.labelled import require_choice

__all__ = ["hidden_markov"]

FloatArray = npt.NDArray[np.float64]


def hidden_markov(
    metrics: xr.Dataset,
    states: int | Sequence[int] = range(1, 7),
    dim: str = "step",
    *,
    select: Literal["bic", "held out"] = "bic",
    restarts: int = 5,
    folds: int | None = 5,
    rng_seed: int = 0,
) -> xr.Dataset:
    """Fit Gaussian hidden Markov models to the metrics of all runs together, and give the state of each record.

    Parameters
    ----------
    metrics
        Recorded metrics, each ``(..., dim)``; all dimensions but ``dim`` are runs. Give the logarithm of a metric that spans
        orders of magnitude. A run ends before its first record that is not finite in all metrics.
    states
        Numbers of states to try, each at least 1.
    dim
        Dimension of the records. A change of state takes one record, so records should be evenly spaced in the time that
        matters.
    select
        How the number of states is chosen: least BIC, or greatest likelihood of runs that were left out.
    restarts
        Number of fits per number of states, each from other k-means++ centres; the most likely fit is taken.
    folds
        Number of groups of runs, each left out in turn for ``held_out``. With None ``held_out`` is NaN, which takes a sixth of
        the time.
    rng_seed
        Seed of the centres and of the groups.

    Returns
    -------
    xarray.Dataset
        For the chosen number of states: ``state`` int64 ``(..., dim)``, the most likely path, -1 beyond the end of a run;
        ``means`` and ``deviations`` float64 ``(state_index, metric)``, in units of the metrics; ``start`` ``(state_index)``
        and ``transition`` ``(state_index, next_state)``, probabilities; ``visits`` int64 ``(...)``, the number of different
        states of a run. For all numbers of states: ``bic`` and ``log_likelihood``, ``(num_states)``, in nats, and
        ``held_out``, in nats per record, NaN for a single run. States are numbered by the mean place of their records in a
        run. The attribute ``num_states`` is the chosen number.

    Raises
    ------
    ValueError
        If ``metrics`` is no Dataset or lacks ``dim``, a metric does not vary, fewer records are finite than there are states,
        an option is out of range, or ``select`` is "held out" and there is a single run.
    ImportError
        If hmmlearn is missing: ``pip install 'memjax[hmm]'``.

    Notes
    -----
    Metrics are standardised over all records of all runs, and covariances are diagonal, as in M. Y. Hu, A. Chen, N.
    Saphra and K. Cho, "Latent State Models of Training Dynamics", TMLR 2023; BIC = k ln n - 2 ln L with k free numbers
    and n records. Likelihoods are densities of the standardised metrics, so their logarithms may be positive. A curve that
    changes smoothly has no states: more states cut the curve ever finer and BIC keeps falling, because neighbouring records
    are not independent given the state. If the chosen number is the largest one tried, read it as "no number".

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> loss = np.repeat([3.0, 1.0], 30) + 0.1 * rng.normal(size=(4, 60))
    >>> found = hidden_markov(xr.Dataset({"loss": (("seed", "step"), loss)}), range(1, 4))
    >>> found.attrs["num_states"], found["means"].values.round(1).ravel().tolist()
    (2, [3.0, 1.0])
    >>> found["state"].isel(seed=0, step=[0, 29, 30, 59]).values.tolist()
    [0, 0, 1, 1]
    """
    require_choice(select, ("bic", "held out"), "select")
    if select == "held out" and folds is None:
        raise ValueError("select = 'held out' needs folds: give a whole number of at least 2, for example 5.")
    numbers = _numbers(states, restarts, folds)
    values, lead = _values(metrics, dim)
    lengths = _lengths(values)
    centre, scale = _standard([value[:length] for value, length in zip(values, lengths, strict=True)], metrics)
    sequences = [(value[:length] - centre) / scale for value, length in zip(values, lengths, strict=True) if length]
    _require_records(sequences, numbers, select)
    require_hmmlearn()
    fits = [best_fit(sequences, number, restarts, rng_seed) for number in numbers]
    records = sum(map(len, sequences))
    bic = np.array([criterion(fit.log_likelihood, len(fit.start), len(centre), records) for fit in fits])
    outside = np.full(len(numbers), np.nan)
    if folds is not None:
        outside = np.array([held_out(sequences, number, restarts, rng_seed, folds) for number in numbers])
    best = int(np.argmin(bic) if select == "bic" else np.nanargmax(outside))
    found = _labelled(fits[best], lengths, lead, dim, centre, scale).assign_coords(metric=list(metrics.data_vars))
    for name, column in (("bic", bic), ("log_likelihood", [fit.log_likelihood for fit in fits]), ("held_out", outside)):
        found[name] = ("num_states", np.asarray(column, np.float64), {"long_name": name.replace("_", " ")})
    return found.assign_coords(num_states=numbers).assign_attrs(
        num_states=numbers[best], select=select, restarts=restarts, rng_seed=rng_seed
    )


def _numbers(states: int | Sequence[int], restarts: int, folds: int | None) -> list[int]:
    numbers = [states] if isinstance(states, int | np.integer) else list(states)
    for name, value, least in [("states", n, 1) for n in numbers] + [
        ("restarts", restarts, 1),
        ("folds", 2 if folds is None else folds, 2),
    ]:
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name} = {value!r} must be a whole number of at least {least}.")
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError(f"states = {states!r} must hold one or more different numbers, for example range(1, 7).")
    return [int(number) for number in numbers]


def _values(metrics: xr.Dataset, dim: str) -> tuple[FloatArray, xr.DataArray]:
    """Metrics ``[R, T, M]`` of R runs, and an array whose labels are those of runs and records."""
    if not isinstance(metrics, xr.Dataset) or not metrics.data_vars:
        raise ValueError(
            f"metrics is a {type(metrics).__name__} without variables that can be told apart: give a Dataset with one "
            f"variable per metric, for example runs[['train_loss', 'weight_l2']]."
        )
    for name in metrics.data_vars:
        if dim not in metrics[name].dims or "metric" in metrics.dims:
            raise ValueError(
                f"The metric {name!r} has dimensions {[str(one) for one in metrics[name].dims]}: each needs {dim!r} and "
                f"none may be called 'metric'. Leave it out, or give another dim."
            )
    whole = metrics.astype(np.float64).to_dataarray("metric").transpose(..., dim, "metric")
    return whole.values.reshape(-1, *whole.shape[-2:]), whole.isel(metric=0, drop=True)


def _lengths(values: FloatArray) -> list[int]:
    """Records of every run before its first record that is not finite."""
    fine = np.asarray(np.isfinite(values).all(axis=-1))
    return [int(row.argmin()) if not row.all() else row.size for row in fine]


def _standard(sequences: Sequence[FloatArray], metrics: xr.Dataset) -> tuple[FloatArray, FloatArray]:
    records = np.concatenate(sequences)
    if not len(records):
        raise ValueError("No run starts with a record that is finite in all metrics: leave out the metric that is not.")
    centre, scale = records.mean(axis=0), records.std(axis=0)
    for name, spread, size in zip(metrics.data_vars, scale, np.abs(centre), strict=True):
        if spread <= 1e-12 * size or spread == 0.0:
            raise ValueError(f"The metric {name!r} does not vary: leave it out.")
    return centre, scale


def _require_records(sequences: Sequence[FloatArray], numbers: Sequence[int], select: str) -> None:
    count = sum(map(len, sequences))
    if count < max(numbers):
        raise ValueError(f"states goes to {max(numbers)}, but there are {count} finite records: try fewer states.")
    if select == "held out" and (len(sequences) < 2 or count - max(map(len, sequences)) < min(numbers)):
        raise ValueError("select = 'held out' needs two or more runs with finite records: use 'bic', or add seeds.")


def _labelled(
    fit: MarkovFit, lengths: Sequence[int], lead: xr.DataArray, dim: str, centre: FloatArray, scale: FloatArray
) -> xr.Dataset:
    path = np.full((len(lengths), lead.sizes[dim]), -1, dtype=np.int64)
    for row, states in zip([i for i, length in enumerate(lengths) if length], fit.paths, strict=True):
        path[row, : len(states)] = states
    state = lead.copy(data=path.reshape(lead.shape)).rename("state").assign_attrs(long_name="state", units="1")
    visits = np.array([np.unique(row[row >= 0]).size for row in path]).reshape(lead.shape[:-1])
    found = xr.Dataset({"state": state, "visits": (lead.dims[:-1], visits)})
    found["means"] = (("state_index", "metric"), fit.means * scale + centre)
    found["deviations"] = (("state_index", "metric"), fit.deviations * scale)
    found["start"], found["transition"] = ("state_index", fit.start), (("state_index", "next_state"), fit.transition)
    return found
