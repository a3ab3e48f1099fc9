"""How an epsilon follows from a mechanism: in closed form, by Renyi divergences, or by privacy loss distributions."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from memjax.checks.values import one_of
from memjax.errors import InputError
from memjax.privacy.gaussian import gaussian_composition, gaussian_epsilon
from memjax.privacy.mechanism import Mechanism

__all__ = ["ACCOUNTANTS", "check_accountant", "epsilon_of", "library_of"]

ACCOUNTANTS = ("rdp", "pld", "gaussian")


def check_accountant(accountant: str) -> None:
    """Raise `InputError` for an unknown accountant, or for one whose package is missing."""
    if one_of("accountant", accountant, ACCOUNTANTS) != "gaussian":
        _require_dp_accounting(accountant)


def library_of(accountant: str) -> str:
    """Package and version that an accountant computes with."""
    package = "memjax" if accountant == "gaussian" else "dp-accounting"
    return f"{package} {version(package)}"


def epsilon_of(mechanism: Mechanism, delta: float, accountant: str, interval: float) -> float:
    """Epsilon of a mechanism for adding or removing one example.

    Parameters
    ----------
    mechanism
        Noise, sampling probability and steps.
    delta
        More than 0 and less than 1.
    accountant
        ``rdp``, ``pld`` or ``gaussian``.
    interval
        Grid of privacy losses of ``pld``, in nats.

    Returns
    -------
    float
        An upper bound in nats; ``gaussian`` is exact.

    Raises
    ------
    InputError
        If the accountant is ``gaussian`` and a step does not take all examples.

    Examples
    --------
    >>> round(epsilon_of(Mechanism(10.0, 1.0, 100), 1e-5, "gaussian", 1e-4), 3)
    4.377
    """
    if accountant == "gaussian":
        return _by_closed_form(mechanism, delta)
    events = _require_dp_accounting(accountant)
    release = events.GaussianDpEvent(mechanism.noise_multiplier)
    if mechanism.share < 1:
        release = events.PoissonSampledDpEvent(mechanism.share, release)
    ledger = _ledger(accountant, interval)
    return float(ledger.compose(events.SelfComposedDpEvent(release, mechanism.steps)).get_epsilon(delta))


def _by_closed_form(mechanism: Mechanism, delta: float) -> float:
    if mechanism.share < 1:
        raise InputError(
            f"accountant is 'gaussian', but a step takes an example with the probability {mechanism.share:g}, for which there "
            "is no closed form: use accountant='pld' or 'rdp', or full batches."
        )
    return float(gaussian_epsilon(gaussian_composition(mechanism.noise_multiplier, mechanism.steps), delta))


def _ledger(accountant: str, interval: float) -> Any:
    """An accountant of dp-accounting without any event, for adding or removing one example."""
    from dp_accounting import NeighboringRelation, pld, rdp

    relation = NeighboringRelation.ADD_OR_REMOVE_ONE
    if accountant == "rdp":
        return rdp.RdpAccountant(neighboring_relation=relation)
    return pld.PLDAccountant(relation, value_discretization_interval=interval)


def _require_dp_accounting(accountant: str) -> Any:
    try:
        import dp_accounting
    except ImportError:
        raise InputError(
            f"accountant is {accountant!r}, which needs the package dp-accounting: pip install 'memjax[privacy]', or use "
            "accountant='gaussian' for full batches."
        ) from None
    return dp_accounting
