"""A rollout: looks at all hosts, brings the release to those that lack it, switches them batch by
batch, and takes everything back when one of them does not do well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any, TypeVar

from mad.deploy.events import HostState, HostStep, Listener
from mad.deploy.hosts.model import Host, HostError
from mad.deploy.hosts.wiring import digest_of
from mad.deploy.release import archive
from mad.deploy.release.build import Release
from mad.deploy.release.find import Finder, agreed
from mad.deploy.remote.protocol import Gate, HostFacts, RoleFacts, Wish, plain
from mad.deploy.rollout.move import Calls, moved_off
from mad.deploy.rollout.plan import batches, phases
from mad.deploy.stack.settings import Role, Update

PARALLEL = 16
DOCTOR_S = 300.0
STAGE_S = 900.0
SPARE_S = 120.0
"""Beside what the gate may take."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """One host as it is, beside what it should be."""

    host: Host
    wish: Wish
    release: Release
    facts: HostFacts
    role: RoleFacts
    whole: bool
    """Whether the files of the release are there."""

    @property
    def same(self) -> bool:
        """Whether nothing is to be done."""
        return (
            self.role.digest == digest_of(self.wish)
            and self.role.active
            and self.whole
            and not self.role.drift
        )

    @property
    def why(self) -> str:
        if self.role.generation is None:
            return f"new: {self.wish.version}"
        if self.role.release != self.wish.release:
            return f"{self.role.version} -> {self.wish.version}"
        if not self.role.active:
            return "does not run"
        if self.role.drift:
            return f"changed by somebody else: {', '.join(self.role.drift)}"
        return "settings changed"


@dataclass(slots=True)
class Ended:
    """How a rollout ended."""

    same: list[Host] = field(default_factory=list)
    switched: list[Host] = field(default_factory=list)
    failed: list[tuple[Host, HostError]] = field(default_factory=list)
    reverted: list[Host] = field(default_factory=list)
    left: list[Host] = field(default_factory=list)
    """Not tried, or not taken back."""
    versions: dict[str, str] = field(default_factory=dict)
    """By slot: what serves there now, of those that were changed."""
    interrupted: bool = False
    gate: bool = False
    """A new release was not well."""

    @property
    def ok(self) -> bool:
        return not self.failed and not self.interrupted

    def and_then(self, other: Ended) -> Ended:
        """This one and one that came after it, of other hosts."""
        return Ended(
            self.same + other.same,
            self.switched + other.switched,
            self.failed + other.failed,
            self.reverted + other.reverted,
            self.left + other.left,
            self.versions | other.versions,
            self.interrupted or other.interrupted,
            self.gate or other.gate,
        )


@dataclass(frozen=True, slots=True)
class _Looked:
    host: Host
    facts: HostFacts
    whole: bool
    manifests: Mapping[str, str]


class Rollout:
    """`wish` says what a host should be; `login` what it may pull images with."""

    def __init__(
        self,
        calls: Calls,
        hosts: Sequence[Host],
        *,
        wish: Callable[[Host, Release], Wish],
        update: Update,
        listener: Listener,
        cancelled: Event,
        who: str,
        login: Callable[[Host], Mapping[str, str] | None] = lambda _host: None,
    ) -> None:
        self._login = login
        self.calls = calls
        self.hosts = tuple(hosts)
        self._wish = wish
        self._finding = Lock()
        self._update = update
        self._listener = listener
        self._cancelled = cancelled
        self._who = who
        self._before: dict[str, int | None] = {}

    # --- looking --------------------------------------------------------------------------------

    def inspect(self, roles: Iterable[Role], releases: Finder) -> tuple[Inspected, ...]:
        """All hosts of the roles, at once. Raises HostError for the first that cannot be reached,
        ReleaseError for an architecture that the release is not for, or that is nowhere."""
        wanted = [host for host in self.hosts if host.role in set(roles)]
        guess = releases.guess()
        version = releases.version if guess is None else None
        looked = _all(wanted, lambda host: self._look(host, guess, version))
        return tuple(_all(looked, lambda one: self._match(one, looked, guess, releases)))

    def _look(self, host: Host, release: Release | None, version: str | None = None) -> _Looked:
        request: dict[str, Any] = {"op": "inspect", "roles": [host.role.value], "boot": True}
        if release is not None:
            digests = archive.digests(release, host.role)
            request["release"] = {"id": release.id, "files": digests}
        if version is not None:
            request["version"] = version
        answer = self.calls.call(host, request, on_event=self._progress(host), deadline_s=DOCTOR_S)
        told = dict(answer["facts"])
        roles = {name: RoleFacts(**one) for name, one in told.pop("roles").items()}
        facts = HostFacts(**told, roles=roles)
        if facts.problems:
            raise HostError(
                host.name, "refused", "; ".join(facts.problems), "see `doctor` for what is needed"
            )
        return _Looked(host, facts, bool(answer["whole"]), answer.get("manifests", {}))

    def _match(
        self,
        one: _Looked,
        looked: Sequence[_Looked],
        guess: Release | None,
        releases: Finder,
    ) -> Inspected:
        """One host beside the release that is for it."""
        host, arch = one.host, one.facts.architecture
        release = guess
        if release is None or release.manifest.arch != arch:
            there = None
            if releases.version is not None:
                alike = [each.manifests for each in looked if each.facts.architecture == arch]
                there = agreed(alike, arch, releases.version)
            with self._finding:
                release = releases.of(arch, there)
            if releases.version is None or release.id in one.manifests:
                # Some files of it are there; whether all that the role needs are, it can say.
                one = self._look(host, release)
        wish = self._wish(host, release)
        if not release.sources and not one.whole:
            raise HostError(
                host.name,
                "refused",
                f"the release {release.version} on it lacks files that {host.role} needs",
                "bring it anew: put its archive into ./dist",
            )
        role = one.facts.roles.get(host.role.value, RoleFacts())
        return Inspected(host, wish, release, one.facts, role, one.whole)

    # --- doing ----------------------------------------------------------------------------------

    def go(self, seen: Sequence[Inspected]) -> Ended:
        """Changes those that are not as they should be."""
        ended = Ended(same=[one.host for one in seen if one.same])
        todo = {one.host.name: one for one in seen if not one.same}
        for one in seen:
            state = HostState.SAME if one.same else HostState.WAITING
            self._tell(one.host, state, one.why if not one.same else one.wish.version)
        if not self._stage(todo, ended):
            return ended
        chosen = [todo[host.name].host for host in self.hosts if host.name in todo]
        for phase in phases(chosen, list(Role)):
            by_role: dict[Role, list[Host]] = {}
            for host in phase:
                by_role.setdefault(host.role, []).append(host)
            for group in by_role.values():
                for batch in batches(group, self._update):
                    if ended.failed or self._cancelled.is_set():
                        ended.interrupted |= self._cancelled.is_set()
                        ended.left += batch
                        continue
                    self._switch_all([todo[host.name] for host in batch], ended)
        if ended.gate and self._update.auto_revert:
            self._take_back(ended)
        return ended

    def _stage(self, todo: Mapping[str, Inspected], ended: Ended) -> bool:
        """Brings the release to all of them before the first is switched."""
        lack = [one for one in todo.values() if not one.whole]
        bodies: dict[tuple[str, Role], bytes] = {}
        for one in lack:
            key = (one.release.id, one.host.role)
            if key not in bodies:
                bodies[key] = archive.payload(one.release, one.host.role)

        def push(one: Inspected) -> HostError | None:
            if self._cancelled.is_set():
                return None
            host = one.host
            self._tell(host, HostState.RUNNING, f"gets {one.release.version}")
            request = {"op": "stage", "release": archive.request(one.release, host.role)}
            try:
                self.calls.call(
                    host,
                    request,
                    payload=bodies[(one.release.id, host.role)],
                    on_event=self._progress(host),
                    deadline_s=STAGE_S,
                )
            except HostError as error:
                self._failed(host, error, 0.0)
                return error
            return None

        for one, error in zip(lack, _all(lack, push), strict=True):
            if error is not None:
                ended.failed.append((one.host, error))
        ended.interrupted |= self._cancelled.is_set()
        if ended.failed or ended.interrupted:
            ended.left += [
                one.host
                for one in todo.values()
                if one.host.name not in {host.name for host, _ in ended.failed}
            ]
            return False
        return True

    def _switch_all(self, batch: Sequence[Inspected], ended: Ended) -> None:
        for one, error in zip(batch, _all(batch, self._switch), strict=True):
            if error is None:
                ended.switched.append(one.host)
                ended.versions[one.host.name] = one.wish.version
            else:
                ended.failed.append((one.host, error))
                ended.gate |= error.code == "gate"

    def _switch(self, one: Inspected) -> HostError | None:
        host, update = one.host, self._update
        began = time.monotonic()
        self._before[host.name] = one.role.generation
        self._tell(host, HostState.RUNNING, f"starts {one.wish.version}")
        gate = Gate(
            min_healthy_time_s=update.min_healthy_time_s,
            healthy_deadline_s=update.healthy_deadline_s,
        )
        request: dict[str, Any] = {
            "op": "switch",
            "wish": plain(one.wish),
            "digest": digest_of(one.wish),
            "programs": archive.digests(one.release, host.role),
            "gate": plain(gate),
            "who": self._who,
        }
        login = self._login(host)
        if login is not None:
            # Beside the wish, which stays the same when a password changes.
            request["wish"] |= {"login": dict(login)}
        deadline = update.healthy_deadline_s + gate.progress_deadline_s + SPARE_S
        progress = self._progress(host)
        try:
            with moved_off(self.calls, self.hosts, host, one.wish, one.role, progress):
                self.calls.call(host, request, on_event=progress, deadline_s=deadline)
        except HostError as error:
            self._failed(host, error, time.monotonic() - began)
            return error
        self._tell(host, HostState.DONE, one.wish.version, time.monotonic() - began)
        return None

    def _take_back(self, ended: Ended) -> None:
        """Those that have the new release already get the one before again."""
        again = [host for host in ended.switched if self._before.get(host.name) is not None]
        self._back(again, None, ended)
        ended.switched = [host for host in ended.switched if host not in ended.reverted]

    def _back(self, hosts: Sequence[Host], to: str | None, ended: Ended) -> None:
        for host, said in zip(
            hosts, _all(hosts, lambda one: self._roll_back(one, to)), strict=True
        ):
            if isinstance(said, HostError):
                ended.failed.append((host, said))
                ended.left.append(host)
            else:
                ended.reverted.append(host)
                ended.versions[host.name] = said

    def _roll_back(self, host: Host, to: str | None) -> HostError | str:
        """The version that serves again."""
        began = time.monotonic()
        self._tell(host, HostState.RUNNING, "goes back")
        request = {"op": "rollback", "role": host.role.value, "to": to, "who": self._who}
        try:
            done = self.calls.call(host, request, on_event=self._progress(host), deadline_s=SPARE_S)
        except HostError as error:
            self._failed(host, error, time.monotonic() - began)
            return error
        took = time.monotonic() - began
        version = str(done.get("version"))
        self._tell(host, HostState.REVERTED, version, took)
        return version

    def back(self, roles: Iterable[Role], to: str | None = None) -> Ended:
        """All hosts of the roles at once: the release before, or the one that is named. It is on
        them already."""
        chosen = [host for host in self.hosts if host.role in set(roles)]
        ended = Ended()
        self._back(chosen, to, ended)
        return ended

    # --- telling --------------------------------------------------------------------------------

    def _progress(self, host: Host) -> Callable[[dict[str, Any]], None]:
        def on_event(event: dict[str, Any]) -> None:
            if "text" in event:
                self._tell(host, HostState.RUNNING, str(event["text"]))

        return on_event

    def _failed(self, host: Host, error: HostError, took: float) -> None:
        self._listener(
            HostStep(
                host.name,
                host.role.value,
                HostState.FAILED,
                error.sentence,
                took,
                error.remedy,
                error.tail,
            )
        )

    def _tell(self, host: Host, state: HostState, text: str, seconds: float = 0.0) -> None:
        self._listener(HostStep(host.name, host.role.value, state, text, seconds))


_In = TypeVar("_In")
_Out = TypeVar("_Out")


def _all(given: Sequence[_In], do: Callable[[_In], _Out]) -> list[_Out]:
    """Beside each other; what one raises is raised when all have ended."""
    if not given:
        return []
    with ThreadPoolExecutor(min(PARALLEL, len(given))) as pool:
        futures = [pool.submit(do, one) for one in given]
    return [future.result() for future in futures]
