# An optimizer to copy. In a project of your own: put the file anywhere, and add no line elsewhere.
# In memjax: copy it to src/memjax/optimizers/sign_descent.py, and add two lines to src/memjax/optimizers/__init__.py:
#     from memjax.optimizers.sign_descent import signum
#     "signum",  in __all__
"""Descent along the sign of the momentum: every parameter moves by the learning rate, whatever the size of its gradient."""

from __future__ import annotations

import optax

from memjax.optimizers.optimizer import Optimizer, Rate
from memjax.optimizers.values import LearningRate, NotNegative, Share

__all__ = ["signum"]


def signum(learning_rate: Rate = 1e-3, *, momentum: float = 0.9, l2: float = 0.0) -> Optimizer:
    """Sign descent with momentum (J. Bernstein et al., "signSGD: compressed optimisation for non-convex problems", 2018).

    ``m <- momentum m + g`` and ``w <- w - learning_rate sign(m)``, where g is the gradient with coupled L2. A momentum of 0 is
    sign descent.

    Parameters
    ----------
    learning_rate
        A number of at least 0, a schedule, or a function of the step.
    momentum
        Decay of the momentum, from 0 to less than 1.
    l2
        Coupled L2, at least 0: ``l2 * parameters`` is added to the gradient first.

    Returns
    -------
    Optimizer
        Every number is traced, so that sweeping it compiles nothing.

    Raises
    ------
    InputError
        If a number is out of its range, here or as a value of an axis.

    Examples
    --------
    >>> import numpy as np
    >>> signum(1e-2)
    signum(learning_rate=0.01, momentum=0.9, l2=0.0)
    >>> rule = signum(0.5).transformation(steps=10)
    >>> weights = np.array([1.0, -2.0], np.float32)
    >>> update, _ = rule.update(np.array([3.0, -1e-6], np.float32), rule.init(weights), weights)
    >>> update.tolist()
    [-0.5, 0.5]
    """
    return Optimizer(_signum, dict(learning_rate=learning_rate, momentum=momentum, l2=l2))


# The annotations say what each number may be: memjax checks numbers, and values of axes, against them.
def _signum(learning_rate: LearningRate, momentum: Share, l2: NotNegative) -> optax.GradientTransformation:
    return optax.chain(
        optax.add_decayed_weights(l2),
        optax.trace(decay=momentum),
        optax.scale_by_sign(),
        optax.scale_by_learning_rate(learning_rate),
    )
