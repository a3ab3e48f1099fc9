"""Gaussian hidden Markov models of sequences, by hmmlearn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["MarkovFit", "best_fit", "criterion", "held_out", "require_hmmlearn"]

FloatArray = npt.NDArray[np.float64]

# Part of a visit that is added to every start and every change of state, so that none of them is impossible in a held-out run.
_PSEUDO_COUNT = 0.01
_ITERATIONS = 200
_TOLERANCE = 1e-3


class MarkovFit(NamedTuple):
    """A fitted model with S states, in the order in which runs visit them.

    Attributes
    ----------
    paths
        Most likely states of every sequence, int ``[length]`` each.
    means, deviations
        float64 ``[S, M]``, in units of the sequences.
    start, transition
        Probabilities ``[S]`` and, from row to column, ``[S, S]``.
    log_likelihood
        Natural logarithm of the density of all sequences.
    """

    paths: list[npt.NDArray[np.int64]]
    means: FloatArray
    deviations: FloatArray
    start: FloatArray
    transition: FloatArray
    log_likelihood: float


def require_hmmlearn() -> Any:
    """Return the module ``hmmlearn.hmm``, or raise ``ImportError`` with what to install."""
    try:
        from hmmlearn import hmm
    except ImportError as problem:
        raise ImportError(
            "hidden_markov needs hmmlearn, which is not installed: pip install 'memjax[hmm]'."
        ) from problem
    return hmm


def best_fit(sequences: Sequence[FloatArray], states: int, restarts: int, rng_seed: int) -> MarkovFit:
    """The most likely of several fits to sequences ``[length, M]``, each from other centres."""
    return _ordered(_best_model(sequences, states, restarts, rng_seed), sequences)


def criterion(log_likelihood: float, states: int, metrics: int, records: int) -> float:
    """Bayes' information criterion of a model with diagonal covariances; less is better."""
    free = (states - 1) + states * (states - 1) + 2 * states * metrics
    return free * float(np.log(records)) - 2.0 * log_likelihood


def held_out(sequences: Sequence[FloatArray], states: int, restarts: int, rng_seed: int, folds: int) -> float:
    """Log-likelihood per record of sequences under models fitted to the others; NaN if the others have too few records."""
    if len(sequences) < 2:
        return float("nan")
    fold = np.random.default_rng(rng_seed).permutation(np.arange(len(sequences)) % min(folds, len(sequences)))
    total = 0.0
    for one in np.unique(fold):
        known = [sequence for sequence, at in zip(sequences, fold, strict=True) if at != one]
        if sum(map(len, known)) < states:
            return float("nan")
        model = _best_model(known, states, restarts, rng_seed)
        total += sum(model.score(sequence) for sequence, at in zip(sequences, fold, strict=True) if at == one)
    return float(total / sum(map(len, sequences)))


def _best_model(sequences: Sequence[FloatArray], states: int, restarts: int, rng_seed: int) -> Any:
    hmm = require_hmmlearn()
    values, lengths = np.concatenate(sequences), [len(sequence) for sequence in sequences]
    fitted = []
    for seed in np.random.SeedSequence(rng_seed).generate_state(restarts).tolist():
        # hmmlearn initialises start, transitions and covariances. Its k-means for the means takes longer than the fit.
        model = hmm.GaussianHMM(
            states, "diag", n_iter=_ITERATIONS, tol=_TOLERANCE, random_state=seed, init_params="stc",
            startprob_prior=1.0 + _PSEUDO_COUNT, transmat_prior=1.0 + _PSEUDO_COUNT,
        )  # fmt: skip
        model.means_ = _centres(values, states, np.random.default_rng(seed))
        fitted.append(model.fit(values, lengths))
    return max(fitted, key=lambda model: model.score(values, lengths))


def _centres(values: FloatArray, states: int, rng: np.random.Generator) -> FloatArray:
    """Records ``[S, M]`` drawn far from each other (k-means++: D. Arthur and S. Vassilvitskii, 2007)."""
    chosen = [values[rng.integers(len(values))]]
    for _ in range(states - 1):
        distance = np.min([((values - one) ** 2).sum(axis=1) for one in chosen], axis=0)
        total = distance.sum()
        chosen.append(values[rng.choice(len(values), p=distance / total if total else None)])
    return np.array(chosen)


def _ordered(model: Any, sequences: Sequence[FloatArray]) -> MarkovFit:
    """The same model with its states in order of the mean place of their records within a run."""
    paths = [model.predict(sequence) for sequence in sequences]
    visited, place = np.concatenate(paths), np.concatenate([np.arange(len(path)) for path in paths])
    states = model.n_components
    counts = np.bincount(visited, minlength=states)
    # A state without records comes last.
    centre = np.where(counts, np.bincount(visited, place, states) / np.maximum(counts, 1), np.inf)
    order = np.argsort(centre, kind="stable")
    rank = np.argsort(order)
    likelihood = model.score(np.concatenate(sequences), [len(sequence) for sequence in sequences])
    deviations = np.sqrt(np.diagonal(model.covars_, axis1=1, axis2=2))
    return MarkovFit(
        [rank[path] for path in paths], model.means_[order], deviations[order],
        model.startprob_[order], model.transmat_[np.ix_(order, order)], float(likelihood),
    )  # fmt: skip
