"""A node whose container is about to end: the proxy gives its sessions to the others first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from mad.deploy.hosts.model import Host, HostError
from mad.deploy.remote.protocol import RoleFacts, Wish
from mad.deploy.stack.settings import Role

MOVE_S = 45.0
"""How long a proxy may take to move the sessions of a node: it asks them over half a minute."""
SPARE_S = 60.0


class Calls(Protocol):
    """What a rollout needs of `Connections`."""

    def call(
        self,
        host: Host,
        request: dict[str, Any],
        *,
        payload: bytes | None = None,
        on_event: Callable[[dict[str, Any]], None] = ...,
        deadline_s: float = ...,
    ) -> dict[str, Any]: ...


@contextmanager
def moved_off(
    calls: Calls,
    hosts: Sequence[Host],
    host: Host,
    wish: Wish,
    role: RoleFacts,
    progress: Callable[[dict[str, Any]], None],
) -> Iterator[None]:
    """Around the switch of a host. Does nothing under systemd, where the next instance runs before
    the old one goes. Without a proxy that runs, or another node, sessions are cut."""
    nodes = [one for one in hosts if one.role == Role.API]
    proxy = next((one for one in hosts if one.role == Role.API_LB), None)
    contained = wish.runtime == "docker" and host.role == Role.API
    if proxy is None or not contained or not role.active or len(nodes) < 2:
        yield
        return
    order = {"op": "upstream", "name": host.name, "deadline_s": MOVE_S}
    limit = MOVE_S + SPARE_S
    try:
        calls.call(proxy, order | {"drain": True}, on_event=progress, deadline_s=limit)
    except HostError as error:
        progress({"text": f"its sessions are cut: {error}"})
        yield
        return
    try:
        yield
    finally:
        # It serves again, the new one or the one before.
        with suppress(HostError):
            calls.call(proxy, order | {"drain": False}, deadline_s=limit)
