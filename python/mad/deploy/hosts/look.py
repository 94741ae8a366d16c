"""What each host says of itself, and why one says nothing: for `status` and `drift`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mad.deploy.hosts.model import Host, HostError
from mad.deploy.hosts.ssh import Connections
from mad.deploy.hosts.visit import Seen, each, way
from mad.deploy.operations import OperationError
from mad.deploy.remote.protocol import HostFacts, RoleFacts

PATIENCE_S = 30.0
"""How long one host may take to answer."""


class State(StrEnum):
    """Of what runs on a host."""

    READY = "ready"
    STARTING = "starting"
    """It runs, and is not ready."""
    SWITCHING = "switching"
    """A new release is being put there just now, or that was cut off: the next run goes on."""
    FAILED = "failed"
    """A release was put there, and nothing of it runs."""
    EMPTY = "empty"
    """No release was put there yet."""
    UNKNOWN = "unknown"
    """It could not be asked."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One slot."""

    host: Host
    facts: HostFacts | None
    error: HostError | None = None
    """Why there are no facts."""

    @property
    def role(self) -> RoleFacts:
        found = self.facts.roles.get(self.host.role.value) if self.facts else None
        return found or RoleFacts()

    @property
    def state(self) -> State:
        role = self.role
        if self.facts is None:
            return State.UNKNOWN
        if role.generation is None:
            return State.EMPTY
        if role.digest is None:
            return State.SWITCHING
        if role.ready:
            return State.READY
        return State.STARTING if role.active else State.FAILED


@dataclass(frozen=True, slots=True)
class Strayed:
    """What of a host is not as its generation was written."""

    host: Host
    what: str
    """`/etc/systemd/system/mad-api@.service`"""
    how: str
    """`changed or removed outside mad`"""


def look(seen: Seen) -> tuple[Looked, ...]:
    """All hosts beside each other. One that cannot be reached is told as such; so are all when the
    way to them cannot be opened."""
    try:
        with way(seen) as calls:
            return tuple(each(calls, seen.hosts, lambda host: one(calls, host)))
    except OperationError as error:
        return tuple(
            Looked(host, None, HostError(host.name, "unreachable", str(error), error.remedy))
            for host in seen.hosts
        )


def one(calls: Connections, host: Host) -> Looked:
    request = {"op": "inspect", "roles": [host.role.value]}
    try:
        return Looked(host, facts_of(calls.call(host, request, deadline_s=PATIENCE_S)))
    except HostError as error:
        return Looked(host, None, error)


def facts_of(answer: dict[str, Any]) -> HostFacts:
    told = dict(answer["facts"])
    roles = {name: RoleFacts(**role) for name, role in told.pop("roles").items()}
    return HostFacts(**told, roles=roles)


def strayed(given: Sequence[Looked]) -> Iterator[Strayed]:
    """Files that somebody changed, and programs that somebody ended. Where a switch was cut off
    nothing is known: the next run puts that right."""
    for looked in given:
        if looked.state in (State.UNKNOWN, State.EMPTY, State.SWITCHING):
            continue
        for path in looked.role.drift:
            yield Strayed(looked.host, path, "changed or removed outside mad")
        if not looked.role.active:
            name = f"{looked.host.role} {looked.role.version}"
            yield Strayed(looked.host, name, "does not run")
