# A task to copy. In a project of your own: put the file anywhere, and add no line elsewhere.
# In memjax: copy it to src/memjax/tasks/xor_clusters.py, and add two lines to src/memjax/tasks/__init__.py:
#     from memjax.tasks.xor_clusters import XorClusters
#     "XorClusters",  in __all__
"""XOR of clusters: four Gaussian clusters, opposite ones of one class, so that no linear model can tell the classes apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from memjax.checks.values import keep_numbers, keep_wholes
from memjax.random import generator
from memjax.types import Data, Split

__all__ = ["XorClusters"]

# Directions of the four centers in the first two inputs. The class of a cluster is its place divided by two.
_CENTERS = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], np.float32)


@dataclass(frozen=True)
class XorClusters:
    """Gaussian clusters around +-s e_1 (class 0) and +-s e_2 (class 1), with noise on the train labels.

    The distribution of Z. Xu et al., "Benign overfitting and grokking in ReLU networks for XOR cluster data" (2023,
    arXiv:2310.02541).

    Parameters
    ----------
    input_dim
        Input width D, at least 2; the inputs beyond the first two are noise alone.
    separation
        Distance s of every center from 0, in standard deviations of an input.
    label_noise
        Probability with which a train label is replaced by the other class.

    Raises
    ------
    InputError
        If a field's value is not allowed.

    Examples
    --------
    >>> task = XorClusters(input_dim=20, separation=6.0)
    >>> (x, y), test = task.draw(seed=0, train_size=1000, test_size=500)
    >>> x.dtype.name, x.shape, y.dtype.name, test.y.shape
    ('float32', (1000, 20), 'int32', (500,))
    >>> bool(((abs(x[:, 1]) > abs(x[:, 0])) == y).mean() > 0.99)
    True
    """

    input_dim: int = 20
    separation: float = 5.0
    label_noise: float = 0.0

    def __post_init__(self) -> None:
        keep_wholes(self, {"input_dim": 2})
        keep_numbers(self, ["separation"], 0)
        keep_numbers(self, ["label_noise"], 0, 1)

    @property
    def num_outputs(self) -> int:
        """One logit per class."""
        return 2

    def draw(self, seed: int, train_size: int, test_size: int) -> Split:
        """Draw both splits: inputs ``float32[N, D]`` and labels ``int32[N]``; nested in either size."""
        train, test = (self._examples(seed, *split) for split in (("train", train_size), ("test", test_size)))
        flipped = generator(seed, "label noise").random(train_size) < self.label_noise
        return Split(Data(train.x, np.where(flipped, 1 - train.y, train.y)), test)

    def _examples(self, seed: int, split: str, size: int) -> Data:
        # Inputs and clusters have a generator each: the place of one in its stream does not hang on the number of the others.
        cluster = generator(seed, f"{split} clusters").integers(0, 4, size)
        x = generator(seed, f"{split} inputs").standard_normal((size, self.input_dim), np.float32)
        x[:, :2] += np.float32(self.separation) * _CENTERS[cluster]
        return Data(x, (cluster // 2).astype(np.int32))
