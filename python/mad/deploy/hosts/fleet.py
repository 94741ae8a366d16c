"""The hosts of a stack: machines at AWS, or those that its file lists."""

from __future__ import annotations

from mad.deploy.cloud.user_data import user
from mad.deploy.hosts import plain
from mad.deploy.hosts.model import Host
from mad.deploy.stack.settings import Role, Stack
from mad.deploy.status import Host as Seen
from mad.deploy.status import Status

UP = ("running", "given")


def hosts_of(stack: Stack, status: Status) -> tuple[Host, ...]:
    """Those that run, in the order of roles and slots."""
    up = [seen for seen in status.hosts if seen.state in UP and seen.address is not None]
    private = stack.network.private and stack.hosts is None
    front = next((_host(stack, one, None) for one in up if one.role == Role.API_LB), None)
    return tuple(
        _host(stack, seen, front if private and seen.role != Role.API_LB else None) for seen in up
    )


def _host(stack: Stack, seen: Seen, over: Host | None) -> Host:
    assert seen.address is not None
    inside = seen.private_ip or seen.address
    return Host(
        name=seen.name,
        role=seen.role,
        address=inside if over is not None else seen.address,
        inside=inside,
        user=(
            plain.user(stack)
            if stack.hosts is not None
            else user(stack, seen.image or stack.machines(seen.role).image)
        ),
        host_keys=tuple(key for key in (seen.hostkey, seen.hostkey_next) if key),
        first_key=seen.hostkey_first,
        over=over,
        outside=seen.address,
        id=seen.id,
    )


def of_role(hosts: tuple[Host, ...], role: Role) -> tuple[Host, ...]:
    return tuple(host for host in hosts if host.role == role)
