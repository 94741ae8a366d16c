"""Links that sign somebody in to the console. A node of the stack makes them, on its own host."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from mad.deploy.hosts.fleet import of_role
from mad.deploy.hosts.model import Host, HostError
from mad.deploy.hosts.visit import Seen, way
from mad.deploy.hosts.wiring import API_PORT, Wiring
from mad.deploy.operations import OperationError
from mad.deploy.stack.settings import Role

VIEWER = "viewer"
SHORTEST_S, LONGEST_S = 60, 366 * 24 * 3600
"""What nodes take."""
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Link:
    """A secret: whoever has it sees the fleet until it ends."""

    url: str = field(repr=False)
    expires: str | int | None
    """As the node says it."""


def console_of(seen: Seen) -> str:
    """Where the console is. Raises OperationError for a stack without one."""
    url = seen.status.outputs.web_url
    if url is None:
        raise OperationError(
            "nothing of the stack serves the console yet",
            "make it with at least one machine of the role web: `python -m mad.deploy up`",
        )
    return url


def make(seen: Seen, wiring: Wiring, role: str, seconds: int) -> Link:
    """Asks the nodes one after the other. Raises OperationError, HostError."""
    if role != VIEWER:
        raise OperationError(
            f"nodes make no link for the role {role}: only viewers sign in by one",
            "open the console and sign in with the token of an admin, which is among the stack's "
            "secrets (token-admin)",
        )
    url = console_of(seen)
    token = admin_token(wiring)
    hosts = of_role(seen.hosts, Role.API)
    if not hosts:
        raise OperationError("no API node runs", "look at it: `python -m mad.deploy status`")
    request = {
        "op": "link",
        "port": API_PORT,
        "token": token,
        "wanted": {"role": role, "expires_in": seconds},
    }
    done = _first(seen, hosts, request)
    return Link(f"{url.rstrip('/')}/#view={quote(str(done['token']), safe='')}", done["expires"])


def _first(seen: Seen, hosts: Sequence[Host], request: dict[str, Any]) -> dict[str, Any]:
    """Of the first node that answers."""
    errors: list[HostError] = []
    with way(seen) as calls:
        for host in hosts:
            try:
                return calls.call(host, request, deadline_s=PATIENCE_S)
            except HostError as error:
                errors.append(error)
    raise errors[0]


def admin_token(wiring: Wiring) -> str | None:
    """None where none is needed: on its own host a node without tokens takes everybody for an
    admin. Raises OperationError when it is not known here."""
    if wiring.tokens is not None:
        return _of_file(wiring.tokens)
    if wiring.stack.access.anonymous:
        return None
    return wiring.secrets.get("token-admin")


def _of_file(text: str) -> str:
    """The first that is written out; of others only the digest is there."""
    try:
        rows = tomllib.loads(text).get("token", [])
    except tomllib.TOMLDecodeError as error:
        raise OperationError(
            f"[access] tokens cannot be read: {error}", "mend the file, and deploy it"
        ) from None
    for row in rows if isinstance(rows, list) else []:
        if (
            isinstance(row, dict)
            and row.get("role") == "admin"
            and isinstance(row.get("token"), str)
        ):
            return str(row["token"])
    raise OperationError(
        "the file of [access] tokens has no token of an admin, or only its digest",
        'add one with role = "admin" and token = …, or make the link in the console',
    )
