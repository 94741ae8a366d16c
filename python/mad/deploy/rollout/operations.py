"""What `deploy`, `rollback` and the second half of `up` do, without a word to anybody."""

from __future__ import annotations

import getpass
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mad._version import __version__
from mad.deploy import status as told
from mad.deploy.events import Listener
from mad.deploy.hosts import ground
from mad.deploy.operations import OperationError, Target
from mad.deploy.release.find import Finder, Releases, from_s3
from mad.deploy.rollout import own_redis
from mad.deploy.rollout.plan import phases
from mad.deploy.rollout.run import Ended, Inspected, Rollout
from mad.deploy.stack.settings import Role

if TYPE_CHECKING:
    from mad.deploy.cloud.resource import Context
    from mad.deploy.hosts.model import Host, HostError
    from mad.deploy.hosts.wiring import Wiring
    from mad.deploy.images.release import Images
    from mad.deploy.status import Status

ALL = tuple(Role)
Agree = Callable[[tuple[Inspected, ...]], bool]
"""Says whether to change the hosts that are not as they should be."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """How a command that changes hosts ended."""

    ended: Ended
    declined: bool = False
    status: Status | None = None
    seen: tuple[Inspected, ...] = field(default=(), repr=False)

    @property
    def ok(self) -> bool:
        return self.ended.ok and not self.declined


@dataclass(frozen=True, slots=True)
class Options:
    roles: tuple[Role, ...] = ALL
    version: str | None = None
    """None: that of the installed package."""
    binaries: tuple[Path, ...] = ()
    dry_run: bool = False


def deploy(given: Target, options: Options, listener: Listener, agree: Agree) -> Deployed:
    """Brings a release to the hosts of some roles, a batch at a time. Raises HostError,
    ReleaseError, OperationError before anything is changed."""
    with (
        releases_of(given, options) as releases,
        locked(given, "deploy", listener) as context,
    ):
        releases.guess()
        return hosts_of_run(given, context, options, releases, listener, agree)


def rollback(given: Target, roles: Iterable[Role], to: str | None, listener: Listener) -> Deployed:
    """All hosts of the roles get the release before again, or the one that is named: at once,
    without an upload."""
    with (
        locked(given, "rollback", listener) as context,
        _connected(given, context, listener, None) as rollout,
    ):
        ended = rollout.back(roles, to)
        Tags(context).serve(ended.versions)
        return Deployed(ended, status=_status(given, context))


def remove(given: Target, listener: Listener) -> Deployed:
    """Takes all of the stack off given machines: programs, settings, credentials. What is not the
    stack's stays."""
    from mad.deploy.rollout.leave import removed

    with locked(given, "destroy", listener) as context, ground.connections(given) as calls:
        hosts = hosts_of_stack(given, context)
        ended = Ended()
        for phase in reversed(phases(hosts, ALL)):
            removed(calls, phase, listener, who_am_i(), ended)
        node = next((host for host in hosts if host.role == Role.API), None)
        error = own_redis.remove(calls, node, listener) if node else None
        if node is not None and error is not None and not ended.failed:
            ended.failed.append((node, error))
        return Deployed(ended)


def hosts_of_run(
    given: Target,
    context: Context,
    options: Options,
    releases: Finder,
    listener: Listener,
    agree: Agree,
) -> Deployed:
    """The part of `up` and `deploy` that is on the hosts; the lock is held."""
    with _connected(given, context, listener, options.version) as rollout:
        seen = rollout.inspect(options.roles, releases)
        if options.dry_run:
            return Deployed(Ended(), seen=seen)
        same = all(one.same for one in seen)
        if not same and not agree(seen):
            return Deployed(Ended(), declined=True, seen=seen)
        lacking = _redis_lacks(given, rollout, options.roles, listener)
        if lacking is not None:
            left = [one.host for one in seen if not one.same and one.host is not lacking[0]]
            return Deployed(Ended(failed=[lacking], left=left), seen=seen)
        ended = rollout.go(seen)
        if same:
            return Deployed(ended, seen=seen)
        Tags(context).serve(ended.versions)
        return Deployed(ended, status=_status(given, context), seen=seen)


def _redis_lacks(
    given: Target, rollout: Rollout, roles: tuple[Role, ...], listener: Listener
) -> tuple[Host, HostError] | None:
    """Nodes that stay in step over a Redis of the stack's own find it running. What stood in the
    way of that, and where."""
    host = own_redis.place(given.stack, rollout.hosts)
    if host is None or Role.API not in roles:
        return None
    password = ground.secrets(given)["redis-auth"]
    error = own_redis.bring(rollout.calls, host, password, listener)
    return None if error is None else (host, error)


@dataclass(slots=True)
class Hosts:
    """The second half of `up`: agreed to with the first."""

    given: Target
    listener: Listener
    binaries: tuple[Path, ...] = ()
    done: Deployed | None = None

    def finish(self, context: Context) -> None:
        """All hosts get the release of the installed package."""
        self._bring(context, Options(binaries=self.binaries))

    def drain(self, context: Context, slots: tuple[str, ...]) -> None:
        """Machines that go are drained first, where they were ever given a release."""
        from mad.deploy.hosts.reach import reach
        from mad.deploy.rollout.leave import leave

        given = replace(self.given, stack=context.stack)
        hosts = hosts_of_stack(given, context)
        leaving = [host for host in hosts if host.name in slots]
        if leaving and self._versions(context):
            with reach(context), ground.connections(given) as calls:
                leave(calls, hosts, leaving, self.listener, who_am_i())

    def follow(self, context: Context) -> None:
        """New machines get the release that the others of their role have, and all learn of those
        that came and went. Does nothing where no host was ever given a release."""
        versions = self._versions(context)
        by_version: dict[str | None, list[Role]] = {}
        for role in Role if versions else ():
            by_version.setdefault(versions.get(role), []).append(role)
        for version, roles in by_version.items():
            if self.done is None or self.done.ok:
                self._bring(context, Options(tuple(roles), version, self.binaries))

    def _versions(self, context: Context) -> dict[Role, str]:
        """What most hosts of a role have."""
        found: dict[Role, Counter[str]] = {}
        for host in _status(self.given, context).hosts:
            if host.version is not None:
                found.setdefault(host.role, Counter())[host.version] += 1
        return {role: counts.most_common(1)[0][0] for role, counts in found.items()}

    def _bring(self, context: Context, options: Options) -> None:
        given = replace(self.given, stack=context.stack)
        with releases_of(given, options) as releases:
            done = hosts_of_run(
                given, context, options, releases, self.listener, lambda _seen: True
            )
        if self.done is not None:
            done = replace(done, ended=self.done.ended.and_then(done.ended))
        self.done = done


def releases_of(given: Target, options: Options) -> Releases | Images:
    """Where a command finds its release: in images, when the stack runs containers."""
    from mad.deploy.cloud.session import AwsError

    if given.stack.runtime == "docker":
        from mad.deploy.images.release import Images

        return Images(options.version)

    def missing(error: Exception) -> bool:
        return isinstance(error, AwsError) and error.code in ("NoSuchKey", "NoSuchBucket", "404")

    fetch = None if given.stack.hosts is not None else from_s3(given.aws.call, missing)
    return Releases(options.version, options.binaries, given.stack.release_url, fetch=fetch)


def locked(given: Target, op: str, listener: Listener) -> AbstractContextManager[Context]:
    return ground.locked(given, op, who_am_i(), listener)


@contextmanager
def _connected(
    given: Target, context: Context, listener: Listener, version: str | None
) -> Iterator[Rollout]:
    from mad.deploy.hosts.containers import login_of
    from mad.deploy.hosts.reach import reach
    from mad.deploy.hosts.rotation import Rotation

    stack = given.stack
    status = _status(given, context)
    hosts = hosts_of_stack(given, context)
    if not hosts:
        raise OperationError("there are no hosts yet", "make them: `python -m mad.deploy up`")
    wiring = wiring_of(given, hosts, status)

    def login(host: Host) -> dict[str, str] | None:
        if stack.runtime != "docker":
            return None
        return login_of(stack, host.role, version or __version__)

    with (
        reach(context),
        ground.connections(given) as calls,
    ):
        yield Rollout(
            Rotation(calls, Tags(context)),
            hosts,
            wish=wiring.wish,
            update=stack.update,
            listener=listener,
            cancelled=given.cancelled,
            who=who_am_i(),
            login=login,
        )


def hosts_of_stack(given: Target, context: Context) -> tuple[Host, ...]:
    return ground.hosts(given, context.observed)


@dataclass(frozen=True, slots=True)
class Tags:
    """Of machines: what others learn from them of host keys and releases."""

    context: Context

    def following(self, host: Host, key: str) -> None:
        from mad.deploy.cloud import tags

        self._write([host.id or ""], {tags.HOSTKEY_NEXT: key})

    def settled(self, host: Host, key: str) -> None:
        from mad.deploy.cloud import tags

        # One call: nobody sees one of these without the others.
        made = {tags.HOSTKEY: key, tags.HOSTKEY_NEXT: "", tags.HOSTKEY_MADE: "there"}
        self._write([host.id or ""], made)

    def serve(self, versions: Mapping[str, str]) -> None:
        """By slot: the release that serves there."""
        from mad.deploy.cloud import tags

        ids = {
            host.name: host.id for host in told.of(self.context.stack, self.context.observed).hosts
        }
        by_version: dict[str, list[str]] = {}
        for name, version in versions.items():
            id = ids.get(name)
            if id is not None:
                by_version.setdefault(version, []).append(id)
        for version, machines in by_version.items():
            self._write(machines, {tags.VERSION: version})

    def _write(self, machines: list[str], given: dict[str, str]) -> None:
        from mad.deploy.cloud import tags

        self.context.aws.call("ec2", "create_tags", Resources=machines, Tags=tags.pairs(given))


def wiring_of(given: Target, hosts: tuple[object, ...], status: Status) -> Wiring:
    from mad.deploy.hosts.model import Host
    from mad.deploy.hosts.secrets import Secrets
    from mad.deploy.hosts.wiring import Wiring

    stack = given.stack
    return Wiring(
        stack=stack,
        hosts=tuple(host for host in hosts if isinstance(host, Host)),
        outputs=status.outputs,
        secrets=Secrets(ground.secrets(given)),
        tokens=_text(stack.access.tokens),
        certificate=_text(stack.tls.cert if stack.tls else None),
        certificate_key=_text(stack.tls.key if stack.tls else None),
    )


def _text(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text()
    except OSError as error:
        raise OperationError(f"{file}: {error.strerror}", "name a file that can be read") from error


def _status(given: Target, context: Context) -> Status:
    return ground.status_of(given, context.observed)


def who_am_i() -> str:
    """For audit lines."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
