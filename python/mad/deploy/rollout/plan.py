"""Which hosts are changed together, and in which order. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mad.deploy.hosts.model import Host
from mad.deploy.stack.settings import Role, Update

ORDER: tuple[tuple[Role, ...], ...] = ((Role.API,), (Role.API_LB,), (Role.CLIENT, Role.WEB))
"""Roles of one phase do not need each other. The proxy wants nodes to stand in front of; agents and
the console want the proxy."""


def at_once(max_parallel: int | str, hosts: int) -> int:
    """`2`, or a share such as `25%` of the hosts of a role; at least one."""
    if isinstance(max_parallel, str):
        share = float(max_parallel.rstrip("%")) / 100.0
        return max(1, math.floor(hosts * share))
    return max(1, max_parallel)


def batches(hosts: Sequence[Host], update: Update) -> tuple[tuple[Host, ...], ...]:
    """Of one role: the canaries first, one batch of them, then the rest."""
    size = at_once(update.max_parallel, len(hosts))
    first = min(update.canary, len(hosts))
    parts: list[tuple[Host, ...]] = []
    if first > 0 and len(hosts) > first:
        parts.append(tuple(hosts[:first]))
    else:
        first = 0
    rest = hosts[first:]
    parts += [tuple(rest[at : at + size]) for at in range(0, len(rest), size)]
    return tuple(parts)


def phases(hosts: Sequence[Host], roles: Sequence[Role]) -> tuple[tuple[Host, ...], ...]:
    """Hosts of the roles that are wanted, in the order in which they are changed."""
    found = []
    for group in ORDER:
        chosen = tuple(host for host in hosts if host.role in group and host.role in roles)
        if chosen:
            found.append(chosen)
    return tuple(found)
