"""Network interfaces: what holds security groups and subnets, and for how long."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aws_local.world import once, world


def make(backend: Any, subnets: Iterable[str], groups: Iterable[str], description: str) -> None:
    """Those of something that AWS runs: one in each subnet."""
    for subnet in subnets:
        made = backend.create_network_interface(
            backend.get_subnet(subnet), [], group_ids=list(groups), description=description
        )
        made.requester_managed = True
        made.status = "in-use"


def of(backend: Any, description: str) -> list[Any]:
    return [one for one in backend.enis.values() if one.description == description]


def drop(backend: Any, interfaces: Iterable[Any]) -> None:
    for one in list(interfaces):
        world.lingering.pop(one.id, None)
        if one.id in backend.enis:
            one.delete()


def linger(backend: Any, description: str) -> None:
    """Their owner is gone; they go later."""
    for one in of(backend, description):
        world.lingering[one.id] = world.steps
    look(backend)


def look(backend: Any) -> None:
    """Time passes only while somebody looks."""
    for id in list(world.lingering):
        if id in backend.enis and not once(world.lingering, id):
            drop(backend, [backend.enis[id]])


def holder(backend: Any, group: str) -> str | None:
    for one in backend.enis.values():
        if group in {each.id for each in one.group_set}:
            return f"network interface {one.id} ({one.description or 'of a machine'})"
    return None
