"""What was expected before a GPU was at hand, and what an H200 measured before the engine was made ready for one."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PREDICTIONS", "Prediction"]

_PAPER = "estimated, engine as it was"
_REBUILT = "estimated, blocks of equal tiles"
_COMPILED = "estimated, from the compiled programs"
_BEFORE = "measured before, H200"


class Prediction(NamedTuple):
    """A range in which a number of the results was expected.

    Attributes
    ----------
    command, section, part, keys
        The place of the number: ``results[section]["parts"][part]["value"]``, then key by key.
    low, high
        The range; equal ends for a single number.
    source
        Where the expectation comes from.
    """

    command: str
    section: str
    part: str
    keys: tuple[str, ...]
    low: float
    high: float
    source: str


def _bench(section: str, part: str, key: str, low: float, high: float, source: str = _PAPER) -> Prediction:
    return Prediction("bench", section, part, tuple(key.split("/")), low, high, source)


def _check(part: str, low: float, high: float, source: str = _PAPER, keys: tuple[str, ...] = ()) -> Prediction:
    section = "bits" if part in ("twice", "in another order") else "machine"
    return Prediction("check", section, part, keys, low, high, source)


PREDICTIONS = (
    _check("copy GB/s", 2800, 3350),
    _check("product TFLOP/s, highest", 50.7, 50.7, _BEFORE),
    _check("product TFLOP/s, default", 371, 371, _BEFORE),
    *(_check(part, 0, 0, _REBUILT, ("differ", size)) for part in ("twice", "in another order") for size in ("100", "3000")),
    _bench("memjax", "a", "ms a step", 2.5, 3.5),
    _bench("memjax", "a", "ms a step", 1.7, 2.0, _REBUILT),
    _bench("memjax", "a", "ms a step", 2.3, 3.2, _COMPILED),
    _bench("memjax", "a", "ms a step", 3.3, 3.3, _BEFORE),
    _bench("memjax", "b", "ms a step", 5, 6),
    _bench("memjax", "b", "ms a step", 3.0, 3.5, _REBUILT),
    _bench("memjax", "b", "ms a step", 3.8, 4.6, _COMPILED),
    _bench("memjax", "b", "ms a step", 6.1, 6.1, _BEFORE),
    _bench("memjax", "b in minibatches", "ms a step", 3.5, 4.2),
    _bench("memjax", "a", "warm s", 1.05, 1.05, _BEFORE),
    _bench("memjax", "b", "warm s", 2, 3, _COMPILED),
    _bench("memjax", "b", "warm s", 6.1, 6.1, _BEFORE),
    _bench("memjax", "c", "warm s", 1.6, 2.1),
    _bench("memjax", "c", "warm s", 0.8, 1.5, _COMPILED),
    _bench("memjax", "c", "warm s", 2.2, 2.2, _BEFORE),
    _bench("memjax", "a", "1000 steps/warm s", 2.5, 3.5),
    _bench("memjax", "b", "1000 steps/warm s", 5.2, 6.0),
    _bench("precision", "a, default", "ms a step", 2.0, 2.0, _BEFORE),
    _bench("precision", "b, default", "ms a step", 3.6, 3.6, _BEFORE),
    _bench("kernels", "a", "kernels a step", 53, 53),
    _bench("kernels", "b", "kernels a step", 50, 50),
    _bench("kernels", "b", "kernels a step", 29, 29, _COMPILED),
    _bench("kernels", "c", "kernels a step", 27, 27, _COMPILED),
    _bench("kernels", "c", "busy ms a step", 0.12, 0.2),
    _bench("memory", "said and reached", "a/peak", 0.9e9, 1.1e9),
    _bench("memory", "said and reached", "b/peak", 3.5e9, 4.0e9, _COMPILED),
    _bench("PyTorch", "second process", "eager, a/ms a step", 0.45, 0.45),
    _bench("PyTorch", "second process", "eager, b/ms a step", 0.45, 0.45),
    _bench("PyTorch", "second process", "eager, b/ms a step", 1.2, 1.2, _BEFORE),
    _bench("PyTorch", "second process", "eager, a/warm s", 9, 9),
    _bench("PyTorch", "second process", "eager, b/warm s", 360, 360),
    _bench("PyTorch", "second process", "SGLD, one chain/warm s", 120, 120),
)  # fmt: skip
