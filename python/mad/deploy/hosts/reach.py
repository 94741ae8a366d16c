"""Lets this machine reach the hosts by ssh while a command works, where the stack file names no
`ssh_from`: a rule for its own address, taken away at the end."""

from __future__ import annotations

import ipaddress
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from mad.deploy.cloud import security_group
from mad.deploy.cloud.resource import Context
from mad.deploy.operations import OperationError
from mad.deploy.plan.specs import Kind
from mad.deploy.stack.settings import Role

URL = "https://checkip.amazonaws.com"
VARIABLE = "MAD_OWN_ADDRESS_URL"
"""Names another place that answers with the address that asks."""
PATIENCE_S = 2.0


@contextmanager
def reach(context: Context) -> Iterator[None]:
    """Opens the way, sweeps what runs that were killed left open, and closes it at the end. Raises
    OperationError when the own address cannot be found."""
    stack = context.stack
    if stack.hosts is not None or stack.network.ssh_from or stack.network.profile == "open":
        yield
        return
    groups = [
        found.id
        for found in context.observed.of(Kind.SECURITY_GROUP)
        if found.spec.name in set(Role)
    ]
    cidr = own_address()
    security_group.close_leases(context.aws, groups, None)
    try:
        for group in groups:
            security_group.open_lease(context, group, cidr)
        yield
    finally:
        security_group.close_leases(context.aws, groups, context.lease)


def own_address() -> str:
    """`203.0.113.7/32`, as the world sees this machine."""
    url = os.environ.get(VARIABLE, URL)
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            text = answer.read(64).decode("ascii", "replace").strip()
        address = ipaddress.ip_address(text)
    except (OSError, ValueError) as error:
        raise OperationError(
            f"the address of this machine could not be found: {url} did not tell ({error})",
            'write it into the stack file: [network] ssh_from = ["ADDRESS/32"]',
        ) from error
    return f"{address}/{address.max_prefixlen}"
