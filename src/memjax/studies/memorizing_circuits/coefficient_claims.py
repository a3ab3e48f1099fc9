"""What the study memorizing-circuits finds about learning coefficients: against the number of points, and the modulus."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax.studies.kit import Claim
from memjax.studies.memorizing_circuits import noise
from memjax.studies.memorizing_circuits.coefficients import generalising, slopes
from memjax.studies.memorizing_circuits.pairs import KINDS

__all__ = ["coefficient_claims", "noise_claims", "prime_claims"]

_GIVEN = "not given"
_ENDS = 3


def coefficient_claims(found: xr.Dataset) -> list[Claim]:
    """How much a further train point adds to the learning coefficient, where that ends, and how much less it is of a rule."""
    slope, what = slopes(found["llc"], "points"), "learning coefficient for every further point, {}"
    rule, add, random = (slope.sel(task=kind, drop=True) for kind in KINDS)
    values = found.sel(task="random labels", drop=True)
    few, many = (values["llc"].isel(points=part) for part in (slice(_ENDS), slice(-_ENDS, None)))
    each = [
        Claim(what.format(kind), _GIVEN, slope.sel(task=kind, drop=True), main=kind == "random labels")
        for kind in KINDS
    ]
    return [
        *each,
        Claim(f"{what.format('random labels')}, less that of the first residue", _GIVEN, random - rule),
        Claim(f"{what.format('random labels')}, less that of addition", _GIVEN, random - add, main=True),
        Claim(f"{what.format('random labels')}, three smallest sizes", _GIVEN, slopes(few, "points")),
        Claim(f"{what.format('random labels')}, three largest sizes", _GIVEN, slopes(many, "points")),
        Claim(
            "learning coefficient over half of the parameters, random labels, largest size",
            _GIVEN,
            100 * values["share"].isel(points=-1),
            units="%",
        ),
    ]


def noise_claims(found: xr.Dataset, square: xr.Dataset) -> list[Claim]:
    """How much a further random label adds at other noises, and how the chains compare with the exact square."""
    random = "random labels"
    each = noise.per_point(square).sel(task=random, drop=True)
    what = f"exact square: coefficient for every further point, {random}, noise {{:g}}"
    values = [each.sel(noise=level, drop=True) for level in noise.NOISES]
    own = square["exact"].sel(noise=noise.NOISE, task=random, drop=True)
    ratio = found["llc"].sel(task=random, points=own["points"], drop=True) / own
    return [
        *(
            Claim(what.format(level), _GIVEN, one, main=level != noise.NOISE)
            for level, one in zip(noise.NOISES, values, strict=True)
        ),
        Claim(f"estimate of the chains over the exact square, {random}", _GIVEN, ratio.mean("points"), of="geometric"),
    ]


def prime_claims(found: xr.Dataset) -> list[Claim]:
    """With which power of the modulus coefficients grow, where addition was learnt, and how they compare at the largest one."""
    kept = generalising(found)
    at, values = kept["modulus"], kept["llc"]
    logs: xr.DataArray = xr.apply_ufunc(np.log, values.where(values > 0))
    logs = logs.assign_coords(modulus=np.log(at.values))
    power = slopes(logs, "modulus")
    rule, random = (power.sel(task=kind, drop=True) for kind in KINDS[1:])
    moduli = ", ".join(str(p) for p in kept["modulus"].values.tolist()) or "none"
    what = "power of the modulus with which the learning coefficient grows, {}"
    claims = [
        Claim(what.format("addition that is learnt"), _GIVEN, rule, main=True, remark=f"moduli {moduli}"),
        Claim(what.format("random labels"), _GIVEN, random, main=True, remark=f"moduli {moduli}"),
        Claim(f"{what.format('random labels')}, less that of addition", _GIVEN, random - rule),
    ]
    if kept.sizes["modulus"]:
        last = kept["llc"].isel(modulus=-1)
        ratio = last.sel(task="random labels", drop=True) / last.sel(task="addition", drop=True)
        name = f"learning coefficient modulo {int(last['modulus'])}, random labels over addition"
        claims.append(Claim(name, _GIVEN, ratio.drop_vars("modulus"), of="geometric"))
    return claims
