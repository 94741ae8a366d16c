"""Ways to the hosts of a stack for commands that look, or do what somebody types: no lock is taken,
and nothing of the stack is changed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from mad.deploy import operations
from mad.deploy.hosts import ground
from mad.deploy.hosts.fleet import hosts_of
from mad.deploy.hosts.model import Host
from mad.deploy.hosts.reach import reach
from mad.deploy.hosts.ssh import Connections
from mad.deploy.operations import OperationError, Target
from mad.deploy.plan.model import Observed, Surroundings
from mad.deploy.stack.keys import private_key_path
from mad.deploy.stack.settings import Role
from mad.deploy.status import Status

PARALLEL = 16
"""Hosts at once, where nothing else is asked for."""
Given = TypeVar("Given")
Gives = TypeVar("Gives")


@dataclass(frozen=True, slots=True)
class Seen:
    """A stack as AWS, or its file, tells of it; no host was asked."""

    target: Target
    status: Status
    hosts: tuple[Host, ...]
    """Those that run."""
    observed: Observed | None = None
    """None: the machines are those of `[hosts]`."""

    @property
    def filled(self) -> bool:
        """Whether a release was ever brought to its hosts, as far as that is known without them."""
        given = self.target.stack.hosts is not None
        return given or any(host.version is not None for host in self.status.hosts)


def see(given: Target, observed: Observed | None = None) -> Seen:
    """What of the stack runs; `observed`: what AWS said just now."""
    if given.stack.hosts is not None:
        status = operations.status(given)
        nothing = Observed((), Surroundings("", given.stack.region))
        return Seen(given, status, ground.hosts(given, nothing, all_there=False))
    observed = observed or operations.observe(given, around=False)
    status = operations.status_of(given, observed)
    return Seen(given, status, hosts_of(given.stack, status), observed)


@contextmanager
def way(seen: Seen) -> Iterator[Connections]:
    """While it lasts this machine may reach the hosts. One that does not answer is not waited for.
    Raises OperationError when the own address cannot be found."""
    from mad.deploy.cloud.resource import Context

    given = seen.target
    observed = seen.observed or Observed((), Surroundings("", given.stack.region))
    lease = f"look-{uuid.uuid4().hex[:12]}"
    context = Context(given.aws, given.stack, lease, observed, cancelled=given.cancelled)
    key = private_key_path(given.stack)
    with (
        reach(context),
        Connections(given.stack, key=key, first_contact_s=0.0, cancelled=given.cancelled) as calls,
    ):
        yield calls


def chosen(
    hosts: Sequence[Host], roles: Sequence[Role] = (), names: Sequence[str] = ()
) -> tuple[Host, ...]:
    """Those of the roles and those of the names; without either all. Raises OperationError for a
    name that is not there, and when nothing is left."""
    if not hosts:
        raise OperationError("no machine of the stack runs", "make them: `python -m mad.deploy up`")
    known = {host.name for host in hosts}
    for name in names:
        if name not in known:
            raise OperationError(
                f"no machine that runs is called {name}", f"there are {', '.join(sorted(known))}"
            )
    if not roles and not names:
        return tuple(hosts)
    found = tuple(host for host in hosts if host.role in roles or host.name in names)
    if not found:
        raise OperationError(
            f"no machine of {', '.join(roles)} runs", f"there are {', '.join(sorted(known))}"
        )
    return found


def named(hosts: Sequence[Host], name: str) -> Host:
    """One, by its name, or by its role where that has only one. Raises OperationError."""
    alone = [host for host in hosts if host.role == name]
    if len(alone) == 1:
        return alone[0]
    return chosen(hosts, names=(name,))[0]


def each(
    calls: Connections,
    given: Sequence[Given],
    do: Callable[[Given], Gives],
    parallel: int = PARALLEL,
) -> list[Gives]:
    """Beside each other. When one raises, or somebody interrupts, what runs is ended."""
    if not given:
        return []
    pool = ThreadPoolExecutor(max(1, min(parallel, len(given))))
    futures = [pool.submit(do, one) for one in given]
    try:
        return [future.result() for future in futures]
    except BaseException:
        for future in futures:
            future.cancel()
        calls.end()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
