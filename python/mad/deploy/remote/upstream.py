"""`upstream`: the proxy on this host moves sessions off a node before it is replaced, and lets it
have some again afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, BinaryIO

from .places import Places
from .runtime import runtime_of
from .system import RefusedError, System

EVERY_S = 0.5
ROLE = "api_lb"


def run(
    request: dict[str, Any],
    _stdin: BinaryIO,
    tell: Callable[..., None],
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    """Raises RefusedError when no proxy runs here, or it knows no such node."""
    at, shell = places or Places(), system or System()
    name, drains = str(request["name"]), bool(request["drain"])
    current = at.current(ROLE)
    if current is None:
        raise RefusedError("refused", "no proxy was ever on this host", "deploy it first")
    runtime = runtime_of(at, shell, at.described(ROLE, current)["runtime"])
    address = runtime.address(ROLE, str(current))
    status, text = shell.post(address, f"/upstreams/{name}/{'drain' if drains else 'undrain'}")
    if status != 200:
        raise RefusedError(
            "refused",
            f"the proxy knows no node {name}" if status == 404 else "the proxy does not answer",
            "look at its log: `python -m mad.deploy logs --role api_lb`",
        )
    until = shell.now() + float(request.get("deadline_s", 0.0))
    said = -1
    while drains:
        left = _sessions(text)
        if left != said:
            said = left
            tell(text=f"{left} sessions are moved off {name}", sessions=left)
        if left == 0 or shell.now() >= until:
            return {"drained": left == 0, "sessions": left}
        shell.sleep(EVERY_S)
        text = shell.get(address, f"/upstreams/{name}")[1]
    return {"drained": False, "sessions": _sessions(text)}


def _sessions(text: str) -> int:
    try:
        told = json.loads(text)
        return int(told.get("tunnels", 0)) + int(told.get("polling_sessions", 0))
    except (ValueError, TypeError, AttributeError):
        return 0
