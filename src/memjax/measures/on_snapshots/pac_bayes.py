"""How much noise the weights of a network bear before its accuracy falls, and the PAC-Bayes bounds that follow."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from memjax.checks.values import number, whole
from memjax.errors import InputError
from memjax.fields import traced_values, with_numbers, without_numbers
from memjax.jax_settings import product_precision, wide
from memjax.measures.on_snapshots.margins import check_classes
from memjax.measures.on_snapshots.snapshot_measure import SnapshotMeasure, Variable
from memjax.types import Array

__all__ = ["check_real", "pac_bayes"]

# The largest standard deviation of the search, and the part of the noise that does not follow the size of a weight.
_MOST, _LEAST_NOISE = 2.0, 1e-3
_KINDS = ("flat", "magnitude")
_VARIABLES = {
    "pac_bayes_sigma": Variable("largest standard deviation of noise that the network bears", dims=("noise",)),
    "pac_bayes_sharpness": Variable("1 / squared standard deviation of noise that the network bears", dims=("noise",)),
    "pac_bayes_bound": Variable("square root of the PAC-Bayes complexity over the train size", dims=("noise",)),
}


def pac_bayes(drop: float = 0.1, draws: int = 10, bisections: int = 15, seed: int = 0) -> SnapshotMeasure:
    """Largest noise on the weights with a small loss of accuracy, to be taken on snapshots by `memjax.measure`.

    The search finds sigma in (0, 2) by bisection: the mean train accuracy over draws of noise is at most ``drop`` below that of
    the network (Y. Jiang et al., "Fantastic generalization measures and where to find them", 2020, arXiv:1912.02178). The noise
    has the standard deviation sigma on every parameter (``flat``), or sqrt(sigma^2 w_i^2 + 1e-6) on the parameter w_i
    (``magnitude``). All sigma share their draws, so the search sees one function of sigma without noise.

    Parameters
    ----------
    drop
        Accuracy that may be lost, between 0 and 1.
    draws
        Number of draws of noise, at least 1.
    bisections
        Number of halvings of the interval, at least 1; sigma is known to 2^(1 - bisections).
    seed
        Seed of the draws, the same for all networks.

    Returns
    -------
    SnapshotMeasure
        From a `memjax.Snapshot` to ``pac_bayes_sigma``, the largest sigma tried whose drop is allowed; ``pac_bayes_sharpness``,
        1 / sigma^2; ``pac_bayes_bound``; each ``float64[noise]`` for the noises ``flat`` and ``magnitude``. NaN where no sigma
        that was tried is allowed, an output of the network without noise is not finite, or there are no train examples. A sigma
        within 2^(1 - bisections) of 2 says that the network bears all of the interval.

    Raises
    ------
    InputError
        If a number is out of range; when taken, if targets are no labels of at least two classes, or the parameters are not
        real floats.

    Notes
    -----
    With m train examples, k parameters w, and their initial values w0, the bound is sqrt(v / m). For flat noise v is
    ||w - w0||^2 / (4 sigma^2) + ln(m / sigma) + 10, and for the other noise v is
    1/4 sum_i ln((e^2 + (sigma^2 + 1) ||w - w0||^2 / k) / (e^2 + sigma^2 (w_i - w0_i)^2)) + ln(m / sigma) + 10 with e = 1e-3.
    Biases count as parameters in all of it. A public reimplementation draws noise whose standard deviation is the variance of
    this law, and takes sigma for the bound all the same; its sigma is the square root of ours where noise is flat.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(model=mj.models.MLP(hidden=(16,)), train_size=20, steps=100, snapshots=(100,))
    >>> found = mj.measure(mj.sweep(spec), [pac_bayes()])
    >>> found.pac_bayes_sigma.dims, found.noise.values.tolist()
    (('snapshot', 'noise'), ['flat', 'magnitude'])
    """
    settings = _PacBayes(
        drop=float(number("drop", drop, 0, 1, below=1)),
        draws=whole("draws", draws, 1),
        bisections=whole("bisections", bisections, 1),
        seed=whole("seed", seed, 0),
    )
    return SnapshotMeasure(settings, _VARIABLES)


@dataclass(frozen=True)
class _PacBayes:
    """The settings of the measure, as a function of one snapshot."""

    drop: float
    draws: int
    bisections: int
    seed: int

    def __call__(self, snapshot: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        check_classes("pac_bayes", snapshot, snapshot.train.y)
        check_real("pac_bayes", snapshot.params)
        sigma = self._sigmas(snapshot)
        bounds = _bounds(sigma, _flat(snapshot.params), _flat(snapshot.initial), len(snapshot.train.x))
        values = {"pac_bayes_sigma": sigma, "pac_bayes_sharpness": 1 / sigma**2, "pac_bayes_bound": bounds}
        return values, {"noise": list(_KINDS)}

    def _sigmas(self, snapshot: Any) -> np.ndarray:
        """Largest allowed sigma ``[noise]``; NaN where there is none."""
        x, y = snapshot.train
        if not len(x) or not np.isfinite(snapshot.outputs(x)).all():
            return np.full(len(_KINDS), np.nan)
        model, params = snapshot.model, jax.tree.map(jnp.asarray, snapshot.params)
        fixed = without_numbers(model), self.draws, self.bisections
        # Decisions are counted, because a drop of exactly 0.1 is more than 0.1 in float32.
        most = jnp.int32(self.drop * self.draws * len(x) + 1e-6)
        data = jnp.asarray(x), jnp.asarray(y), most, jax.random.key(self.seed)
        with jax.default_matmul_precision(product_precision()):
            found = np.asarray(_search(*fixed, traced_values(model), params, *data), np.float64)
        return np.where(found > 0, found, np.nan)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _search(
    model: Any, draws: int, bisections: int, numbers: Any, params: Any, x: Array, y: Array, most: Array, key: Array
) -> Array:
    """Largest sigma ``[noise]`` tried that costs at most ``most`` right decisions in all draws; 0 where there is none."""
    own = with_numbers(model, numbers)
    flat, tree = ravel_pytree(params)
    noise = jax.random.normal(key, (draws, flat.size), flat.dtype)
    right = lambda at: _num_right(wide(own.apply(tree(at), x)), y)  # noqa: E731
    before = draws * right(flat)

    def borne(spread: Array) -> Array:
        return before - jax.lax.map(lambda one: right(flat + spread * one), noise).sum() <= most

    own_size = lambda sigma: borne(jnp.sqrt(jnp.square(sigma * flat) + _LEAST_NOISE**2))  # noqa: E731
    return jnp.stack([_bisected(test, bisections, flat.dtype) for test in (borne, own_size)])


def _num_right(outputs: Array, y: Array) -> Array:
    """Number of rows of ``outputs[B, C]`` whose label has the largest output; outputs that are not numbers are wrong."""
    return ((outputs.argmax(-1) == y) & ~jnp.isnan(outputs).any(-1)).sum()


def _bisected(borne: Callable[[Array], Array], bisections: int, dtype: Any) -> Array:
    """Largest sigma tried in (0, 2) that is borne, or 0."""

    def halve(_: Any, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        sigma = (low + high) / 2
        fine = borne(sigma)
        return jnp.where(fine, sigma, low), jnp.where(fine, high, sigma)

    found: Array = jax.lax.fori_loop(0, bisections, halve, (jnp.zeros((), dtype), jnp.full((), _MOST, dtype)))[0]
    return found


def _bounds(sigma: np.ndarray, params: np.ndarray, initial: np.ndarray, size: int) -> np.ndarray:
    """Square roots ``[noise]`` of the complexity over the train size, from sigma ``[noise]`` of both kinds."""
    moved = np.square(params - initial)
    flat, own = sigma
    least = _LEAST_NOISE**2
    ratios = (least + (own**2 + 1) * moved.mean()) / (least + own**2 * moved)
    divergences = np.array([moved.sum() / (4 * flat**2), np.log(ratios).sum() / 4])
    if not size:
        return np.full(len(_KINDS), np.nan)
    return np.sqrt((divergences + np.log(size / sigma) + 10) / size)


def _flat(params: Any) -> np.ndarray:
    """All parameters, ``float64[P]``."""
    return np.concatenate([np.asarray(leaf, np.float64).ravel() for leaf in jax.tree.leaves(params)])


def check_real(name: str, params: Any) -> None:
    """Raise `InputError` unless all parameters are real floats."""
    kinds = sorted({np.asarray(leaf).dtype.name for leaf in jax.tree.leaves(params)})
    if any(not jnp.issubdtype(kind, jnp.floating) for kind in kinds):
        raise InputError(
            f"{name} is of real parameters, but the model has parameters of {', '.join(kinds)}: use a model whose parameters "
            "are real floats."
        )
