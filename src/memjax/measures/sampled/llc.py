"""The local learning coefficient, which `memjax.measure` estimates on all snapshots of a sweep at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

from memjax.checks.values import number, whole
from memjax.errors import InputError
from memjax.measures.sampled.learning_coefficient import learning_coefficients
from memjax.measures.sampled.settings import VERDICTS, Settings
from memjax.types import Trainer

__all__ = ["LLC", "VERDICTS", "llc"]

_MOST_R_HAT = 1.1


class LLC(Settings):
    """An estimator of the local learning coefficient; made by `llc`, where its settings are explained.

    Examples
    --------
    >>> twice = llc(nbeta=(None, 2.0), chains=8)
    >>> twice.labels, twice.chains, twice.draws
    (['n / log n', '2'], 8, 500)
    """

    def on_all(self, snapshots: Sequence[Any], train: Trainer) -> list[dict[str, xr.DataArray]]:
        """Estimates for every snapshot, by name; the chains around all of them are one packed batch.

        Raises
        ------
        InputError
            If n / log n is asked for and a snapshot was trained on one example, or batches are larger than a train set.
        """
        return learning_coefficients(snapshots, self, train)


def llc(
    nbeta: float | tuple[float | None, ...] | None = None,
    *,
    step_size: float | None = None,
    localization: float = 1.0,
    draws: int = 500,
    burn_in: int = 250,
    thin: int = 1,
    chains: int = 4,
    batch_size: int | None = None,
    seed: int = 0,
    safety: float = 0.1,
    most_r_hat: float = _MOST_R_HAT,
    traces: bool = False,
) -> LLC:
    """Local learning coefficient by SGLD, to be taken on snapshots by `memjax.measure`.

    ``lambda = n beta (E[L(w)] - L(w*))``, the mean over chains of `memjax.optimizers.sgld` around the snapshot w*, L the mean
    loss of the train examples (E. Lau et al., "The local learning coefficient", 2023, definition 1).

    Parameters
    ----------
    nbeta
        n beta; None is n / log n with n the train size. A tuple estimates at each, along a dimension ``nbeta``.
    step_size
        eps; None chooses one for every snapshot and n beta, see Notes.
    localization
        gamma, the strength of the pull back to w*.
    draws, burn_in, thin
        Draws that count per chain, steps before the first, and steps per draw (a draw is the mean loss of its steps).
    chains
        Chains per snapshot and n beta, each with noise of its own.
    batch_size
        None samples with the gradient of all train examples, else of minibatches, in epochs, the same for all chains of a
        snapshot. A draw is then compared with the loss of w* on its own minibatches, whose mean over an epoch is L(w*).
    seed
        Of the noise.
    safety
        Share of the largest stable step size that is tried first.
    most_r_hat
        R-hat above which chains count as not converged.
    traces
        Whether the result holds every draw, as ``llc_trace``.

    Returns
    -------
    LLC
        Which `memjax.measure` turns into these variables, over the axes of the sweep and ``snapshot`` (and ``nbeta``):

        - ``llc`` and ``llc_error``: mean of the chains, and its standard error from the number of effective draws;
        - ``llc_chain`` ``(chain,)``: each chain's own estimate;
        - ``llc_trace`` ``(chain, draw)``: n beta (L(w) - L(w*)) of each draw, where asked for;
        - ``llc_r_hat``, ``llc_drift``: split R-hat, and mean of the second half of the draws minus that of the first;
        - ``llc_verdict``: 0 ok, 1 not_converged (R-hat too large, or the drift exceeds a tenth of the estimate and three of
          the drift's standard errors, which are twice ``llc_error``), 2 negative (w* is no minimum at this temperature),
          3 unstable_step (a chain diverged, went beyond what any stable chain reaches, or ``eps a >= 4`` for the largest
          curvature a of the drift);
        - ``llc_nbeta``, ``llc_step_size``, ``llc_curvature``, ``llc_loss``: n beta, eps, a and L(w*) that were used.

        The settings are in the attribute ``settings`` of ``llc``.

    Raises
    ------
    InputError
        If a setting is not allowed.

    Notes
    -----
    A step is stable along an eigenvector of the Hessian with eigenvalue h where ``eps a < 4``, ``a = n beta h + gamma``. The
    choice starts at ``eps = 4 safety / a`` for the largest eigenvalue at w*, and at a quarter and a sixteenth of it, and runs
    one short chain with each: the largest step is taken whose chain stays finite, keeps below P / 2 (the most that a stable
    chain in a convex bowl of P parameters reaches), and ends where ``eps a`` is still below 2.

    The estimate depends on n beta and gamma: directions with ``n beta h`` below gamma do not count. Other code counts the
    batch size for n, takes the first minibatch's loss for L(w*), or has no burn-in; each biases it.

    Examples
    --------
    Taken by ``memjax.measure(ds, [llc(nbeta=(None, 2.0), chains=8)])``, of a sweep with snapshots:

    >>> llc(nbeta=(None, 2.0), chains=8).labels
    ['n / log n', '2']
    """
    several = nbeta if isinstance(nbeta, tuple) else (nbeta,)
    if not several or len(set(several)) < len(several):
        raise InputError(f"llc.nbeta is {nbeta!r}: give one temperature, or several different ones.")
    _positive("llc.safety", safety)
    return LLC(
        tuple(None if one is None else _positive("llc.nbeta", one) for one in several),
        None if step_size is None else _positive("llc.step_size", step_size),
        float(number("llc.localization", localization, 0)),
        whole("llc.draws", draws, 4),
        whole("llc.burn_in", burn_in, 0),
        whole("llc.thin", thin, 1),
        whole("llc.chains", chains, 1),
        None if batch_size is None else whole("llc.batch_size", batch_size, 1),
        whole("llc.seed", seed, 0),
        number("llc.safety", safety, 0, 1),
        number("llc.most_r_hat", most_r_hat, 1),
        traces,
    )


def _positive(name: str, value: float) -> float:
    own = number(name, value)
    if not own > 0:
        raise InputError(f"{name} is {value!r}: give a positive number.")
    return own
