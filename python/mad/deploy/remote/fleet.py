"""How many agents a node sees: what a new release must not lose."""

from __future__ import annotations

import re

from .ask import get
from .places import Places
from .runtime import Runtime


def agents(places: Places, runtime: Runtime, role: str, number: int | None) -> int | None:
    """Agents of the fleet as this node knows them; None: nobody can say (another role, no node)."""
    if role != "api" or number is None:
        return None
    running = runtime.instances(role)
    instance = next((one for one in (str(number), "current") if one in running), None)
    if instance is None:
        return None
    status, text = get(f"unix:{places.run / 'api' / f'{instance}.sock'}", "/metrics")
    if status != 200:
        return None
    found = re.search(r"^mad_fleet_agents(?:\{[^}]*\})? (\d+)", text, re.MULTILINE)
    return int(found.group(1)) if found else None
