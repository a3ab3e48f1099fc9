"""Provenance of a store: the versions and devices of every call that trained its runs."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from memjax.store.folder import Store

__all__ = ["merged_provenance", "record_provenance"]

_LOG = logging.getLogger("memjax")
# Packages on which the numbers of a run depend, in addition to its experiment and JAX's settings.
_VERSIONS = ("memjax", "numpy", "optax", "flax", "jaxlib", "jax")
_MACHINE = ("backend", "device")


def record_provenance(store: Store, made: dict[str, Any]) -> None:
    """Warn if a store is continued with other versions or on another device, and record them in a new manifest.

    Parameters
    ----------
    store
        A store that is locked for writing and has a manifest.
    made
        Device and versions of this call.
    """
    warned, now = False, _environment(made)
    while contents := store.contents():
        before = [_environment(manifest.made) for manifest in contents.manifests]
        others = [one for one in before if one != now]
        if others and not warned:
            warned = True
            _LOG.warning(
                "The store was made with %s and goes on with %s: runs trained from now on are not promised the bits that the "
                "former would have given them, and may differ by float rounding. The Dataset's attribute `versions` names all.",
                *_difference(others, now),
            )
        last = contents.manifests[-1]
        if now in before or store.append(len(contents.manifests), replace(last, sheets=(), blocks=(), made=made)):
            return


def _environment(made: Mapping[str, Any]) -> dict[str, str]:
    """Versions and device by name, as far as they were recorded."""
    held = {**made["versions"], **{name: made["packing"].get(name) for name in _MACHINE}}
    return {name: str(held[name]) for name in (*_VERSIONS, *_MACHINE) if name in held}


def _difference(before: Sequence[Mapping[str, str]], now: Mapping[str, str]) -> tuple[str, str]:
    """Text of the versions that differ and of the devices: before, and now."""
    names = [name for name in _VERSIONS if name in now and any(one.get(name, now[name]) != now[name] for one in before)]

    def describe(environments: Sequence[Mapping[str, str]]) -> str:
        packages = [f"{name} {_several(one[name] for one in environments if name in one)}" for name in names]
        return f"{', '.join(packages)} on {_several(one.get('device', 'an unknown device') for one in environments)}".strip()

    return describe(before), describe([now])


def _several(values: Iterable[Any]) -> str:
    return " and ".join(dict.fromkeys(map(str, values)))


def merged_provenance(made: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge the provenance in all manifests of a store: every version and device, oldest first.

    Examples
    --------
    >>> first = {"versions": {"jax": "0.4"}, "packing": {"device": "cpu"}, "created": "2026-01-01"}
    >>> merged_provenance([first, {**first, "versions": {"jax": "0.5"}}])["versions"]
    {'jax': '0.4 and 0.5'}
    """
    names = dict.fromkeys(name for one in made for name in one["versions"])
    versions = {name: _several(one["versions"][name] for one in made if name in one["versions"]) for name in names}
    last = made[-1]
    held = {name: [one["packing"][name] for one in made if name in one["packing"]] for name in _MACHINE}
    packing = {**last["packing"], **{name: _several(values) for name, values in held.items() if values}}
    return {**last, "versions": versions, "packing": packing, "created": str(last["created"])}
