"""Which runtime a role on this host has."""

from __future__ import annotations

from .places import Places
from .runtime import Native, Runtime
from .system import RefusedError, System


def runtime_of(places: Places, system: System, role: str, name: str | None = None) -> Runtime:
    """`name`: that of a wish; None: that of what is there."""
    if name is None:
        current = places.current(role)
        told = places.described(role, current) if current is not None else {}
        name = told.get("runtime", "native")
    if name != "native":
        raise RefusedError("refused", f"the runtime {name!r} is not known here")
    return Native(places, system)
