"""Parameters from which a run starts instead of a draw: of a snapshot, or any with the same structure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import jax
import numpy as np

from memjax.errors import InputError
from memjax.parameter_trees import layout_of
from memjax.types import Array, Params

__all__ = ["Start"]


@dataclass(frozen=True, eq=False)
class Start:
    """Parameters of one network from which runs start: to train further on other data, or to sample around them.

    `Start.of` makes one, and ``start`` of a `memjax.Snapshot` is one. The optimizer's state is not included.

    Attributes
    ----------
    parameters
        ``[P]``: the leaves of the tree, flattened and joined in order.
    layout
        Path and shape of every leaf.
    name
        Label along an axis of a sweep.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(steps=4, record_every=2, train_size=8, snapshots=(4,), model=mj.models.MLP(hidden=(5,)))
    >>> trained = next(mj.snapshots(mj.sweep(spec)))
    >>> further = mj.sweep(mj.Experiment(steps=2, record_every=2, train_size=6, model=spec.model, start=trained.start))
    >>> bool(abs(further.weight_l2[0] - mj.measure(mj.sweep(spec), ["weight_l2"]).weight_l2[0]) < 1e-6)
    True
    """

    parameters: np.ndarray
    layout: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]
    name: str = "start"

    def __post_init__(self) -> None:
        if not isinstance(self.parameters, np.ndarray) or self.parameters.ndim != 1 or not isinstance(self.name, str):
            raise InputError(
                "A Start holds one flat array and a name: make it with Start.of(params, name), or take snapshot.start."
            )
        if not np.isfinite(self.parameters).all():
            raise InputError(
                f"The start {self.name!r} holds parameters that are not finite: choose one before the run diverged."
            )

    @staticmethod
    def of(params: Params, name: str = "start") -> Start:
        """Start from a tree of parameters, as a model's ``init`` returns it.

        Raises
        ------
        InputError
            If the tree has no parameters, or a parameter is not finite.

        Examples
        --------
        >>> Start.of({"w": np.ones((2, 3)), "b": np.zeros(3)}).parameters.shape
        (9,)
        """
        leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(params)]
        if not leaves or any(leaf.dtype.kind not in "fiu" and leaf.dtype != "bfloat16" for leaf in leaves):
            raise InputError("A start needs a tree of numbers: give the parameters of a network.")
        flat = np.concatenate([leaf.reshape(-1) for leaf in leaves])
        # The cached digest identifies the content, so the content must not change.
        flat.flags.writeable = False
        return Start(flat, layout_of(params), name)

    def grown(self, params: Params, name: str | None = None) -> Start:
        """Start of a larger network that contains this one, such as a wider one that goes on from a narrower one.

        Parameters
        ----------
        params
            Tree of the larger network's parameters, as a model's ``init`` draws them or as ``params`` of a snapshot, with the
            same arrays, none of them smaller.
        name
            Label along an axis of a sweep; that of this start unless given.

        Returns
        -------
        Start
            The parameters of this start in the first places of every axis of every array, and those of ``params`` in all
            others. With zeros there, a network of dense layers computes what this one computes.

        Raises
        ------
        InputError
            If ``params`` has other arrays, an array with fewer places, or parameters that are not finite.

        Notes
        -----
        M. Belkin et al., "Reconciling modern machine-learning practice and the classical bias-variance trade-off" (PNAS 2019,
        arXiv:1812.11118), appendix: the final weights of a smaller network are reused in the next larger one.

        Examples
        --------
        >>> small, large = {"w": np.ones((1, 2))}, {"w": np.zeros((2, 3))}
        >>> Start.of(small).grown(large).parameters.reshape(2, 3).tolist()
        [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
        """
        leaves, tree = jax.tree.flatten(params)
        self._check_room(layout_of(params))
        ends = np.cumsum([int(np.prod(shape)) for _, shape in self.layout])
        parts = np.split(self.parameters, ends[:-1])
        placed = [
            _placed(part.reshape(shape), leaf)
            for part, (_, shape), leaf in zip(parts, self.layout, leaves, strict=True)
        ]
        return Start.of(jax.tree.unflatten(tree, placed), self.name if name is None else name)

    def _check_room(self, room: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]) -> None:
        """Raise an `InputError` if a network has other arrays than this one, or an array without room for this one's."""
        theirs, ours = (", ".join("/".join(path) for path, _ in one) for one in (room, self.layout))
        if theirs != ours:
            raise InputError(
                f"The start {self.name!r} has the arrays {ours}, but the larger network has {theirs}: give a network with the "
                "same layers."
            )
        for (path, large), (_, small) in zip(room, self.layout, strict=True):
            if len(large) != len(small) or any(wide < narrow for wide, narrow in zip(large, small, strict=True)):
                raise InputError(
                    f"The array {'/'.join(path)} of the larger network has the shape {large}, which has no room for the shape "
                    f"{small} in the start {self.name!r}: give a network that is nowhere smaller."
                )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the parameters, in hexadecimal."""
        form = repr((str(self.parameters.dtype), self.layout))
        return hashlib.sha256(form.encode() + self.parameters.tobytes()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Start) and (self.name, self.digest) == (other.name, other.digest)

    def __hash__(self) -> int:
        return hash((self.name, self.digest))

    def __repr__(self) -> str:
        return f"Start({self.name!r}, {len(self.parameters)} parameters, sha256={self.digest[:16]})"


def _placed(small: np.ndarray, large: Array) -> np.ndarray:
    """A copy of a large array whose first places along every axis hold a small one."""
    found = np.array(large)
    found[tuple(slice(size) for size in small.shape)] = small
    return found
