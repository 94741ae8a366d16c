"""The Redis of given machines: where it is, and what `mad deploy` does on that host for it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_host import SECRET, FakeHost

from mad.deploy import status
from mad.deploy.events import Event, HostState, HostStep
from mad.deploy.hosts.fleet import hosts_of
from mad.deploy.hosts.model import Host, HostError
from mad.deploy.hosts.secrets import Secrets
from mad.deploy.hosts.wiring import Wiring
from mad.deploy.remote import redis_server
from mad.deploy.rollout import own_redis
from mad.deploy.stack.load import parse
from mad.deploy.stack.settings import Stack

ORDER: dict[str, Any] = {"address": "127.0.0.1", "port": 6379, "password": SECRET}
UNIT = "etc/systemd/system/mad-redis.service"
CONFIG = "etc/mad/redis.conf"


def stack_of(nodes: str, more: str = "") -> Stack:
    return parse(
        f'name = "rack"\n[hosts]\napi_lb = ["10.0.0.3"]\napi = {nodes}\n{more}', Path("mad.toml")
    )


class Machine(FakeHost):
    """With packages, and a systemd that starts what they bring."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(root, monkeypatch)
        self.root = root
        self.active: set[str] = set()
        self.offline = False
        self.broken = False

    def has(self) -> None:
        """The package, whose own service starts with it."""
        program = self.root / "usr/bin/redis-server"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("")
        self.active.add("redis-server.service")

    def run(
        self, argv: Any, *, deadline_s: float = 60.0, stdin: bytes | None = None
    ) -> tuple[int, str]:
        words = list(argv)
        if "apt-get" in words:
            self.step()
            self.commands.append(" ".join(words))
            if self.offline:
                return 100, "E: Unable to fetch some archives"
            if "install" in words:
                self.has()
            return 0, ""
        if words[0] == "systemctl" and words[1] in ("is-active", "disable", "enable", "restart"):
            self.step()
            self.commands.append(" ".join(words))
            unit = words[-1]
            if words[1] == "is-active":
                return (0 if unit in self.active else 3), ""
            if words[1] == "disable":
                self.active.discard(unit)
            if words[1] == "restart":
                if self.broken:
                    return 1, "Job failed"
                self.active.add(unit)
            return 0, ""
        return super().run(argv, deadline_s=deadline_s, stdin=stdin)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path / "host", monkeypatch)


# --- where ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "more", "url"),
    [
        ('["10.0.0.1"]', "", None),
        ('["10.0.0.1", "10.0.0.2"]', "", "redis://10.0.0.1:6379"),
        ('["fd00::1", "fd00::2"]', "", "redis://[fd00::1]:6379"),
        ('["10.0.0.1", "10.0.0.2"]', '[redis]\nurl = "redis://:x@r.example"', "redis://r.example"),
    ],
)
def test_several_nodes_have_one_unless_it_is_named(nodes: str, more: str, url: str | None) -> None:
    stack = stack_of(nodes, more)
    told = status.of_hosts(stack)
    assert told.outputs.redis == url
    place = own_redis.place(stack, hosts_of(stack, told))
    assert (place is not None) == (url is not None and "example" not in url)
    assert place is None or place.name == "api-0"


def test_the_nodes_are_told_of_it() -> None:
    stack = stack_of('["10.0.0.1", "10.0.0.2"]')
    told = status.of_hosts(stack)
    secrets = {"redis-auth": SECRET} | {f"token-{n}": n * 9 for n in ("agent", "viewer", "admin")}
    wiring = Wiring(stack, hosts_of(stack, told), told.outputs, Secrets(secrets))
    config, credentials, variables, _ = wiring._api(wiring.hosts[1])
    assert config["redis"] == "redis://10.0.0.1:6379"
    assert config["advertise"] == "http://10.0.0.2:3000"
    assert credentials["redis-password"] == SECRET
    assert variables["MAD_API_REDIS_PASSWORD_FILE"] == "redis-password"


# --- on the host ----------------------------------------------------------------------------------


def test_it_is_installed_once_and_ours_alone_runs(machine: Machine) -> None:
    assert machine.ask("redis", **ORDER) == {"changed": True}
    assert machine.active == {"mad-redis.service"}
    config = (machine.root / CONFIG).read_text()
    assert f'requirepass "{SECRET}"' in config
    assert (machine.root / CONFIG).stat().st_mode & 0o777 == 0o640
    assert "bind 127.0.0.1 127.0.0.1\n" in config
    installs = [one for one in machine.commands if " install " in one]
    assert len(installs) == 1
    assert SECRET not in " ".join(machine.commands)
    machine.commands.clear()
    assert machine.ask("redis", **ORDER) == {"changed": False}
    assert not [one for one in machine.commands if "restart" in one or "apt-get" in one]


def test_what_was_changed_or_stopped_is_put_right(machine: Machine) -> None:
    machine.ask("redis", **ORDER)
    (machine.root / CONFIG).write_text("bind 0.0.0.0\n")
    assert machine.ask("redis", **ORDER) == {"changed": True}
    assert SECRET in (machine.root / CONFIG).read_text()
    machine.active.clear()
    assert machine.ask("redis", **ORDER) == {"changed": True}
    assert machine.active == {"mad-redis.service"}
    assert machine.ask("redis", **ORDER | {"password": "another-long-one"}) == {"changed": True}


def test_an_address_that_is_none_of_the_hosts_own_binds_all(machine: Machine) -> None:
    for address in ("192.0.2.7", "node-1.example"):
        machine.ask("redis", **ORDER | {"address": address})
        assert "bind" not in (machine.root / CONFIG).read_text()


def test_ipv6_is_an_address_too(machine: Machine) -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    machine.ask("redis", **ORDER | {"address": "::1"})
    assert "bind 127.0.0.1 ::1\n" in (machine.root / CONFIG).read_text()


def test_somebody_elses_is_not_touched(machine: Machine) -> None:
    machine.has()
    error = machine.ask("redis", **ORDER)["error"]
    assert error["code"] == "refused"
    assert "somebody else's" in error["sentence"]
    assert "[redis] url" in error["remedy"]
    assert machine.active == {"redis-server.service"}
    assert not (machine.root / UNIT).exists()
    # One that is there and stopped is nobody's.
    machine.active.clear()
    assert machine.ask("redis", **ORDER) == {"changed": True}


def test_no_package_and_no_start_say_what_to_do(machine: Machine) -> None:
    machine.offline = True
    error = machine.ask("redis", **ORDER)["error"]
    assert error["sentence"] == "redis-server cannot be installed"
    assert "Unable to fetch" in error["tail"]
    machine.offline, machine.broken = False, True
    error = machine.ask("redis", **ORDER)["error"]
    assert error["sentence"] == "Redis does not start on this host"
    assert SECRET not in str(error)
    machine.broken = False
    assert machine.ask("redis", **ORDER) == {"changed": True}


def test_whenever_it_is_killed_the_next_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fake_host import KilledError

    whole = Machine(tmp_path / "whole", monkeypatch)
    whole.ask("redis", **ORDER)
    assert whole.steps > 8
    for last in range(whole.steps):
        machine = Machine(tmp_path / str(last), monkeypatch)
        machine.last_step = last
        with pytest.raises(KilledError):
            machine.ask("redis", **ORDER)
        machine.last_step = None
        assert "changed" in machine.ask("redis", **ORDER), last
        assert machine.active == {"mad-redis.service"}, last
        assert machine.ask("redis", **ORDER) == {"changed": False}


def test_it_goes_with_all_in_it(machine: Machine) -> None:
    assert machine.ask("redis", remove=True) == {"changed": False}
    machine.ask("redis", **ORDER)
    (machine.root / "var/lib/mad-redis").mkdir(parents=True)
    assert machine.ask("redis", remove=True) == {"changed": True}
    assert not machine.active
    for path in (UNIT, CONFIG, "var/lib/mad-redis"):
        assert not (machine.root / path).exists()


def test_the_unit_is_as_closed_as_the_others() -> None:
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=\n"):
        assert line in redis_server.SERVICE


# --- what the command sees ------------------------------------------------------------------------


class Refusing:
    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def call(
        self,
        host: Host,
        request: dict[str, Any],
        *,
        payload: bytes | None = None,
        on_event: Callable[[dict[str, Any]], None] = lambda _event: None,
        deadline_s: float = 0.0,
    ) -> dict[str, Any]:
        del payload, deadline_s
        self.asked.append(request)
        on_event({"text": "installs redis-server"})
        raise HostError(host.name, "refused", "redis-server cannot be installed", "install it")


def test_what_stood_in_the_way_is_told() -> None:
    stack = stack_of('["10.0.0.1", "10.0.0.2"]')
    host = own_redis.place(stack, hosts_of(stack, status.of_hosts(stack)))
    assert host is not None
    heard: list[Event] = []
    calls = Refusing()
    error = own_redis.bring(calls, host, SECRET, heard.append)
    assert error is not None
    assert calls.asked[0]["address"] == "10.0.0.1"
    steps = [one for one in heard if isinstance(one, HostStep)]
    assert [one.state for one in steps] == [HostState.RUNNING, HostState.FAILED]
    assert steps[-1].remedy == "install it"
