"""What is said of a user's function that breaks its contract."""

from __future__ import annotations

from memjax.engine.program.program import ShapeOf
from memjax.errors import shown
from memjax.experiment import Experiment

__all__ = ["FEW", "message"]

FEW = 4
"""Number of examples on which a function is tried."""

_FAULTS = {
    "again": "gives other values when it is called again with the same arguments",
    "others": "gives an example another value when the examples beside it are exchanged",
    "place": "gives an example another value at another place among the same examples",
    "count": f"gives an example another value among {FEW} examples than among {FEW - 1}",
}
_PURE = "it must be a pure function, so draw no random numbers in it and keep no state."
_ADVICE = {
    "model": "it must treat each row of its input by itself, so leave out batch statistics, and reduce over the axes after the "
    "first only.",
    "train": "it must treat each row of its input by itself, and draw for it from its own key: use jax.vmap over x and keys.",
    "loss": "it must give each row of outputs and targets a value of its own, so reduce over the axes after the first only, "
    "and leave the mean over examples to memjax.",
    "seeing": "it must give each example a value of its own, so reduce over the axes after the first only, and leave the mean "
    "over examples to memjax.",
    "measure": "a per-example measure must give each row a value of its own, so reduce over the axes after the first only, or "
    "declare it without per_example.",
}


def message(kind: str, name: str, fault: str, experiment: Experiment, y: ShapeOf) -> str:
    """Sentence on a function of a user that breaks a contract.

    Parameters
    ----------
    kind, name
        What the function is, and its name.
    fault
        The contract: ``again``, ``others``, ``place`` or ``count``.
    experiment
        The run that has the function.
    y
        Shape and dtype of a target.
    """
    if kind == "init":
        return (
            f"The model {shown(experiment.model)} draws other initial parameters when it is called again with the same key: "
            "take all its random numbers from the key."
        )
    measure = f"The measure {name!r}"
    model = f"The model {shown(experiment.model)}"
    models = {"model": model, "train": f"{model} in training (apply_train)"}
    loss = f"The loss {shown(experiment.loss)}"
    what = {**models, "loss": loss, "seeing": loss}.get(kind, measure)
    advice = _PURE if fault == "again" and kind != "train" else _ADVICE[kind]
    if kind == "loss" and fault == "others" and not y[0] and "float" in y[1]:
        advice = (
            f"outputs [B, {experiment.task.num_outputs}] and targets [B] make a value for every pair of examples, so give "
            "targets of the outputs' shape, such as y[:, None], or take outputs[:, 0] in the loss."
        )
    return f"{what} {_FAULTS[fault]}: {advice}"
