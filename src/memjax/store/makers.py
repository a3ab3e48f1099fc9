"""What made a store: the versions and devices of every call that trained for it, told where they change and kept."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from memjax.store.folder import Store

__all__ = ["makers_of", "note_makers"]

_LOG = logging.getLogger("memjax")
# What the numbers of a run hang on, beside its experiment and the settings that must be the same.
_VERSIONS = ("memjax", "numpy", "optax", "flax", "jaxlib", "jax")
_MACHINE = ("backend", "device")


def note_makers(store: Store, made: dict[str, Any]) -> None:
    """Warn that a store goes on with other versions or on another device, and write that into a manifest of its own.

    Parameters
    ----------
    store
        A store that is held for writing and has a manifest.
    made
        Device and versions of this call.
    """
    told, now = False, _maker(made)
    while ledger := store.ledger():
        before = [_maker(manifest.made) for manifest in ledger.manifests]
        others = [maker for maker in before if maker != now]
        if others and not told:
            told = True
            _LOG.warning(
                "The store was made with %s and goes on with %s: runs trained from now on are not promised the bits that the "
                "former would have given them, and may differ by float rounding. The Dataset's attribute `versions` names all.",
                *_difference(others, now),
            )
        last = ledger.manifests[-1]
        if now in before or store.append(len(ledger.manifests), replace(last, sheets=(), blocks=(), made=made)):
            return


def _maker(made: Mapping[str, Any]) -> dict[str, str]:
    """Versions and device by name, as far as they were noted."""
    held = {**made["versions"], **{name: made["packing"].get(name) for name in _MACHINE}}
    return {name: str(held[name]) for name in (*_VERSIONS, *_MACHINE) if name in held}


def _difference(before: Sequence[Mapping[str, str]], now: Mapping[str, str]) -> tuple[str, str]:
    """Versions that differ, and the device, as they were and as they are."""
    names = [
        name for name in _VERSIONS if name in now and any(maker.get(name, now[name]) != now[name] for maker in before)
    ]

    def told(makers: Sequence[Mapping[str, str]]) -> str:
        packages = [f"{name} {_several(maker[name] for maker in makers if name in maker)}" for name in names]
        return (
            f"{', '.join(packages)} on {_several(maker.get('device', 'an unknown device') for maker in makers)}".strip()
        )

    return told(before), told([now])


def _several(values: Iterable[Any]) -> str:
    return " and ".join(dict.fromkeys(map(str, values)))


def makers_of(made: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all manifests of a store say of who made it: every version and device that took part, the first one first.

    Examples
    --------
    >>> first = {"versions": {"jax": "0.4"}, "packing": {"device": "cpu"}, "created": "2026-01-01"}
    >>> makers_of([first, {**first, "versions": {"jax": "0.5"}}])["versions"]
    {'jax': '0.4 and 0.5'}
    """
    names = dict.fromkeys(name for one in made for name in one["versions"])
    versions = {name: _several(one["versions"][name] for one in made if name in one["versions"]) for name in names}
    last = made[-1]
    held = {name: [one["packing"][name] for one in made if name in one["packing"]] for name in _MACHINE}
    packing = {**last["packing"], **{name: _several(values) for name, values in held.items() if values}}
    return {**last, "versions": versions, "packing": packing, "created": str(last["created"])}
