"""What a command stands on that changes hosts: the lock, and what of the stack is there. At AWS it
is told by AWS; of given machines by the stack file and the user's configuration folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mad.deploy import operations
from mad.deploy import status as told
from mad.deploy.events import Listener
from mad.deploy.hosts import plain
from mad.deploy.hosts.fleet import hosts_of
from mad.deploy.hosts.model import Host
from mad.deploy.hosts.secrets import SsmSecrets
from mad.deploy.hosts.ssh import Connections
from mad.deploy.operations import Target
from mad.deploy.plan.model import Observed, Surroundings
from mad.deploy.stack.keys import private_key_path
from mad.deploy.status import Status

if TYPE_CHECKING:
    from mad.deploy.cloud.lease import Store
    from mad.deploy.cloud.resource import Context

PATIENCE_S = 10.0
"""How long a given machine that does not answer is waited for: it was not made just now."""


def status_of(given: Target, observed: Observed) -> Status:
    if given.stack.hosts is not None:
        return told.of_hosts(given.stack)
    return told.of(given.stack, observed)


def hosts(given: Target, observed: Observed, *, all_there: bool = True) -> tuple[Host, ...]:
    """Those that run, with the keys that they are known by. Raises OperationError (see
    `plain.trusted`)."""
    found = hosts_of(given.stack, status_of(given, observed))
    if given.stack.hosts is None:
        return found
    return plain.trusted(given.stack, found, given.trust, all_there=all_there)


def secrets(given: Target) -> Mapping[str, str]:
    """Raises OperationError, AwsError."""
    if given.stack.hosts is not None:
        return plain.secrets_of(given.stack)
    return SsmSecrets(given.aws, given.stack.name).all()


def connections(given: Target, *, first_contact_s: float | None = None) -> Connections:
    patience = PATIENCE_S if given.stack.hosts is not None else None
    wanted = patience if first_contact_s is None else first_contact_s
    more = {} if wanted is None else {"first_contact_s": wanted}
    return Connections(
        given.stack, key=private_key_path(given.stack), cancelled=given.cancelled, **more
    )


@contextmanager
def store_on_hosts(given: Target) -> Iterator[Store]:
    """The lock of given machines."""
    place = plain.first(hosts(given, _nothing(given)))
    with connections(given) as calls:
        yield plain.HostStore(lambda host, request: calls.call(host, request), place)


@contextmanager
def locked(given: Target, op: str, who: str, listener: Listener) -> Iterator[Context]:
    """While nobody else changes the stack. Raises LockHeldError."""
    from mad.deploy.cloud.lock import Lock, store_of
    from mad.deploy.cloud.resource import Context

    lost = given.cancelled.set
    if given.stack.hosts is not None:
        with (
            store_on_hosts(given) as store,
            Lock(store, op=op, who=who, listener=listener, on_lost=lost) as lock,
        ):
            yield Context(
                given.aws, given.stack, lock.lease, _nothing(given), cancelled=given.cancelled
            )
        return
    store = store_of(given.aws, given.stack)
    arn = given.aws.identity().arn
    with Lock(store, op=op, who=arn, listener=listener, on_lost=lost) as lock:
        observed = operations.observe(given, around=False)
        yield Context(given.aws, given.stack, lock.lease, observed, cancelled=given.cancelled)


def _nothing(given: Target) -> Observed:
    """Nothing is at AWS."""
    return Observed((), Surroundings("", given.stack.region))
