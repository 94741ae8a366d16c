"""Rollouts over several hosts: who is changed when, and what happens when one does not do well."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_host import FakeHost, Program, wish
from release_kit import console, programs

from mad.deploy.events import Event, HostState, HostStep
from mad.deploy.hosts.model import Host, HostError
from mad.deploy.release import archive
from mad.deploy.release.build import Release, own
from mad.deploy.release.find import Releases
from mad.deploy.remote.protocol import Wish
from mad.deploy.rollout.plan import at_once, batches
from mad.deploy.rollout.run import Ended, Rollout
from mad.deploy.stack.settings import Role, Update

UPDATE = Update(min_healthy_time_s=2.0, healthy_deadline_s=10.0)


class Fleet:
    """Hosts without machines, and the way to them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **counts: int) -> None:
        self.hosts = tuple(
            Host(f"{role}-{slot}", Role(role), f"10.0.0.{slot}", f"10.0.0.{slot}", "debian")
            for role, count in counts.items()
            for slot in range(count)
        )
        self.fakes = {host.name: FakeHost(folder / host.name, monkeypatch) for host in self.hosts}
        self.folder = folder
        self.down: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self.events: list[HostStep] = []
        self.cancelled = threading.Event()
        self.before: Callable[[str, str], None] = lambda _op, _host: None
        self._guard = threading.Lock()

    def behaves(self, version: str, program: Program | None = None, **hosts: Program) -> None:
        for name, fake in self.fakes.items():
            fake.programs[version] = hosts.get(name.replace("-", "_"), program or Program())

    def call(
        self,
        host: Host,
        request: dict[str, Any],
        *,
        payload: Path | bytes | None = None,
        on_event: Callable[[dict[str, Any]], None] = lambda _event: None,
        deadline_s: float = 0.0,
    ) -> dict[str, Any]:
        assert deadline_s > 0
        with self._guard:
            op = str(request["op"])
            self.before(op, host.name)
            if host.name in self.down:
                raise HostError(host.name, "unreachable", "it does not answer", "check it")
            self.asked.append((op, host.name))
            fake = self.fakes[host.name]
            told = {key: value for key, value in request.items() if key != "op"}
            assert not isinstance(payload, Path)
            answer = fake.ask(op, payload or b"", **told)
            for event in fake.events:
                on_event(event["event"])
        if "error" in answer:
            raise HostError(host.name, **answer["error"])
        return answer

    def rollout(self, update: Update) -> Rollout:
        def listen(event: Event) -> None:
            assert isinstance(event, HostStep)
            self.events.append(event)

        def wished(host: Host, release: Release) -> Wish:
            bare = wish(host.role.value, release.version)
            return dataclasses.replace(bare, release=release.id, slot=host.name)

        return Rollout(
            self,
            self.hosts,
            wish=wished,
            update=update,
            listener=listen,
            cancelled=self.cancelled,
            who="ada@laptop",
        )

    def deploy(
        self, version: str, *roles: Role, update: Update = UPDATE, built: bool = True
    ) -> Ended:
        self.asked.clear()
        self.events.clear()
        folder = (programs(self.folder / f"bin-{version}", more=version.encode()),) if built else ()
        rollout = self.rollout(update)
        with Releases(version, folder, dist=self.folder / "dist") as releases:
            return rollout.go(rollout.inspect(roles or tuple(Role), releases))

    def switched(self) -> list[str]:
        return [host for op, host in self.asked if op == "switch"]

    def serving(self) -> dict[str, list[str]]:
        return {host.name: self.fakes[host.name].serving(host.role.value) for host in self.hosts}


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Fleet]:
    console(tmp_path / "console", monkeypatch)

    def made(**counts: int) -> Fleet:
        fleet = Fleet(tmp_path, monkeypatch, **counts)
        fleet.behaves("1.0")
        assert fleet.deploy("1.0").ok
        return fleet

    return made


def names(hosts: list[Host]) -> list[str]:
    return [host.name for host in hosts]


def test_nodes_come_before_the_proxy_and_the_proxy_before_the_rest(
    make: Callable[..., Fleet],
) -> None:
    fleet = make(web=1, client=1, api_lb=1, api=2)
    assert fleet.switched()[:3] == ["api-0", "api-1", "api_lb-0"]
    assert set(fleet.switched()[3:]) == {"client-0", "web-0"}
    # Everything is brought before the first is switched.
    ops = [op for op, _ in fleet.asked]
    assert ops.index("switch") > max(i for i, op in enumerate(ops) if op == "stage")


def test_a_second_run_asks_and_changes_nothing(make: Callable[..., Fleet]) -> None:
    fleet = make(api=2, client=1)
    ended = fleet.deploy("1.0")
    assert {op for op, _ in fleet.asked} == {"inspect"}
    assert len(fleet.asked) == 3
    assert names(ended.same) == ["api-0", "api-1", "client-0"]
    assert ended.ok


def test_one_role_alone(make: Callable[..., Fleet]) -> None:
    fleet = make(api=1, client=1)
    fleet.behaves("2.0")
    fleet.deploy("2.0", Role.CLIENT)
    assert fleet.serving() == {"api-0": ["1.0"], "client-0": ["2.0"]}


def test_a_gate_that_fails_takes_all_back(make: Callable[..., Fleet]) -> None:
    fleet = make(api=3)
    fleet.behaves("2.0", api_1=Program(ready=None))
    ended = fleet.deploy("2.0")
    assert ended.gate
    assert [(host.name, error.code) for host, error in ended.failed] == [("api-1", "gate")]
    assert names(ended.reverted) == ["api-0"]
    assert names(ended.left) == ["api-2"]
    assert ended.switched == []
    assert set(map(tuple, fleet.serving().values())) == {("1.0",)}
    failed = next(event for event in fleet.events if event.state is HostState.FAILED)
    assert failed.remedy
    assert failed.tail


def test_without_auto_revert_only_the_failed_one_goes_back(make: Callable[..., Fleet]) -> None:
    fleet = make(api=3)
    fleet.behaves("2.0", api_1=Program(ends=1.0))
    ended = fleet.deploy("2.0", update=dataclasses.replace(UPDATE, auto_revert=False))
    assert ended.gate
    assert ended.reverted == []
    assert fleet.serving() == {"api-0": ["2.0"], "api-1": ["1.0"], "api-2": ["1.0"]}


def test_a_host_that_dies_stops_the_rollout_where_it_is(make: Callable[..., Fleet]) -> None:
    fleet = make(api=3)
    fleet.behaves("2.0")

    def dies(op: str, host: str) -> None:
        if (op, host) == ("switch", "api-1"):
            fleet.down.add(host)

    fleet.before = dies
    ended = fleet.deploy("2.0")
    assert not ended.ok
    assert not ended.gate
    assert [host.name for host, _ in ended.failed] == ["api-1"]
    assert names(ended.switched) == ["api-0"]
    assert names(ended.left) == ["api-2"]
    with pytest.raises(HostError, match="api-1: it does not answer"):
        fleet.deploy("2.0")
    assert fleet.switched() == []
    fleet.before = lambda _op, _host: None
    fleet.down.clear()
    assert names(fleet.deploy("2.0").same) == ["api-0"]
    assert set(map(tuple, fleet.serving().values())) == {("2.0",)}


def test_a_release_that_cannot_be_brought_to_all_serves_nowhere(
    make: Callable[..., Fleet],
) -> None:
    fleet = make(api=2)
    fleet.behaves("2.0")

    def dies(op: str, host: str) -> None:
        if (op, host) == ("stage", "api-1"):
            fleet.down.add(host)

    fleet.before = dies
    ended = fleet.deploy("2.0")
    assert fleet.switched() == []
    assert names(ended.left) == ["api-0"]
    fleet.down.clear()
    assert set(map(tuple, fleet.serving().values())) == {("1.0",)}


def test_a_stop_finishes_what_is_under_way(make: Callable[..., Fleet]) -> None:
    fleet = make(api=3)
    fleet.behaves("2.0")

    def stop(op: str, _host: str) -> None:
        if op == "switch":
            fleet.cancelled.set()

    fleet.before = stop
    ended = fleet.deploy("2.0")
    assert ended.interrupted
    assert not ended.ok
    assert names(ended.switched) == ["api-0"]
    assert names(ended.left) == ["api-1", "api-2"]


def test_rollback_is_everywhere_and_brings_nothing(make: Callable[..., Fleet]) -> None:
    fleet = make(api=2, client=1)
    fleet.behaves("2.0")
    fleet.deploy("2.0")
    fleet.asked.clear()
    ended = fleet.rollout(UPDATE).back([Role.API])
    assert ended.ok
    assert ended.versions == {"api-0": "1.0", "api-1": "1.0"}
    assert {op for op, _ in fleet.asked} == {"rollback"}
    assert fleet.serving() == {"api-0": ["1.0"], "api-1": ["1.0"], "client-0": ["2.0"]}


def test_a_version_that_all_hosts_have_needs_no_archive(make: Callable[..., Fleet]) -> None:
    fleet = make(api=2)
    fleet.behaves("2.0")
    fleet.deploy("2.0")
    ended = fleet.deploy("1.0", built=False)
    assert names(ended.switched) == ["api-0", "api-1"]
    assert not [op for op, _ in fleet.asked if op == "stage"]
    assert len(fleet.asked) == 3 * 2
    assert set(map(tuple, fleet.serving().values())) == {("1.0",)}


def test_a_version_that_one_host_lacks_comes_from_dist(make: Callable[..., Fleet]) -> None:
    fleet = make(api=2)
    fleet.behaves("2.0")
    fleet.down.add("api-1")
    release = own("2.0", programs(fleet.folder / "bin-2.0"))
    archive.write(release, fleet.folder / "dist")
    with pytest.raises(HostError):
        fleet.deploy("2.0", built=False)
    fleet.down.clear()
    assert names(fleet.deploy("2.0", built=False).switched) == ["api-0", "api-1"]
    # Each host is asked three times: inspect, stage, switch.
    assert len(fleet.asked) == 2 * 3


@pytest.mark.parametrize(
    ("wanted", "hosts", "sizes"),
    [
        (Update(), 1, [1]),
        (Update(), 3, [1, 1, 1]),
        (Update(max_parallel=2), 5, [1, 2, 2]),
        (Update(max_parallel=2, canary=0), 5, [2, 2, 1]),
        (Update(max_parallel="50%"), 4, [1, 2, 1]),
        (Update(max_parallel="10%"), 4, [1, 1, 1, 1]),
        (Update(max_parallel=10, canary=2), 2, [2]),
        (Update(max_parallel=10, canary=2), 7, [2, 5]),
    ],
)
def test_batches(wanted: Update, hosts: int, sizes: list[int]) -> None:
    given = [Host(f"api-{at}", Role.API, "", "", "") for at in range(hosts)]
    found = batches(given, wanted)
    assert [len(batch) for batch in found] == sizes
    assert [host for batch in found for host in batch] == given


def test_shares() -> None:
    assert [at_once("25%", hosts) for hosts in (1, 4, 9, 100)] == [1, 1, 2, 25]
    assert at_once(3, 100) == 3
