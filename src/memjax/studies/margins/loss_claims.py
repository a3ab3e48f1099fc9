"""Claims on training for large margins, against the cross-entropy with its own choice of settings."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from memjax.studies.kit import Claim, above
from memjax.studies.margins.losses import means

__all__ = ["loss_claims"]

_OF = {
    "noisy": "mean over levels of label noise",
    "small": "mean over small train sets",
    "fgsm": "mean over lengths of adversarial steps",
    "gaussian": "mean over sizes of Gaussian noise on the inputs",
    "plain": "all train examples, true labels",
}
_ASKED = ("noisy", "small", "fgsm")


def loss_claims(found: Mapping[str, xr.Dataset]) -> list[Claim]:
    """Elsayed et al.: better with noisy labels, with few examples, and on adversarial inputs.

    Parameters
    ----------
    found
        What `compared` gives.
    """
    made = {way: means(one) for way, one in found.items()}
    claims = [_less(name, made, "cross-entropy", asked=name in _ASKED) for name in _OF]
    claims += [_less(name, made, "cross-entropy with decay") for name in _OF]
    ratio = found["large margin"]["margin"] / found["cross-entropy"]["margin"]
    typical = "median normalised margin of the train images at the {}, large margin over cross-entropy"
    names = {"input": "input", "layer_1": "second hidden layer"}
    return claims + [
        Claim(typical.format(text), "not given", ratio.sel(layer=layer, drop=True), of="geometric")
        for layer, text in names.items()
    ]


def _less(name: str, made: Mapping[str, xr.Dataset], other: str, asked: bool = False) -> Claim:
    more = 100 * (made["large margin"][name] - made[other][name])
    what = f"test accuracy, {_OF[name]}: large margin less {other}"
    published = "above 0: better" if asked else None if name == "gaussian" else "not given"
    return Claim(what, published, more, above(0.0) if asked else None, units="%", main=asked)
