"""What `status` and `drift` say of hosts, some of which cannot be asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fake_host import FakeHost
from plan_kit import stack
from typer.testing import CliRunner

from mad.cli.deploy import common
from mad.cli.deploy.app import app
from mad.cli.deploy.show import hosts_view
from mad.deploy import operations
from mad.deploy.cloud.session import Aws
from mad.deploy.hosts import look, visit
from mad.deploy.hosts.model import Host, HostError
from mad.deploy.operations import Looked as Plans
from mad.deploy.operations import OperationError, Target
from mad.deploy.plan.model import Observed, Plan, Surroundings
from mad.deploy.stack.settings import Role
from mad.deploy.status import Host as Machine
from mad.deploy.status import Outputs, Status

AWAY = HostError("api-1", "unreachable", "it does not answer (10.0.0.2)", "check that it runs")


def slot(number: int) -> Host:
    return Host(f"api-{number}", Role.API, f"10.0.0.{number}", f"10.0.0.{number}", "admin")


class Calls:
    """Of hosts by name; those that are not there do not answer."""

    def __init__(self, **hosts: FakeHost) -> None:
        self.hosts = {name.replace("_", "-"): host for name, host in hosts.items()}
        self.asked: list[str] = []

    def call(self, host: Host, request: dict[str, Any], **_how: Any) -> dict[str, Any]:
        self.asked.append(request["op"])
        if host.name not in self.hosts:
            raise HostError(host.name, AWAY.code, AWAY.sentence, AWAY.remedy)
        done = self.hosts[host.name].ask(**request)
        if "error" in done:
            raise HostError(host.name, **done["error"])
        return done

    def end(self) -> None:
        """Nothing runs."""


class Place:
    """A stack of two api hosts. `way_is_shut`: why nothing can be reached."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, calls: Calls, version: str | None) -> None:
        self.calls = calls
        self.way_is_shut: OperationError | None = None
        machines = tuple(
            Machine(f"api-{n}", Role.API, "running", f"10.0.0.{n}", version=version)
            for n in range(2)
        )
        status = Status("shop", "eu-west-2", "1", Outputs("http://198.51.100.7/"), machines, ())
        target = Target(stack(), Aws("eu-west-2"))
        self.seen = visit.Seen(target, status, (slot(0), slot(1)))

        @contextmanager
        def way(_seen: visit.Seen) -> Iterator[Calls]:
            if self.way_is_shut is not None:
                raise self.way_is_shut
            yield self.calls

        monkeypatch.setattr(look, "way", way)
        monkeypatch.setattr(visit, "see", lambda *_given: self.seen)
        monkeypatch.setattr(common, "connect", lambda *_given: target)
        nothing = Plans(Plan(()), Observed((), Surroundings("1", "eu-west-2")), target.stack)
        monkeypatch.setattr(operations, "drift", lambda _given: nothing)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    made = FakeHost(tmp_path, monkeypatch)
    assert "generation" in made.ask("switch", **made.staged("api", "1.0.0"))
    return made


@pytest.fixture
def place(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(monkeypatch, Calls(api_0=host), "1.0.0")


def typed(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.stdout


def test_the_status_has_a_row_for_each_host_whether_it_answers_or_not(place: Place) -> None:
    code, said = typed("status")
    assert code == 0
    rows = [line.split() for line in said.splitlines() if line.startswith("api-")]
    assert rows[2][:6] == ["api-0", "1.0.0", "1", "ready", "7", "10"]
    assert rows[3][:4] == ["api-1", "-", "-", "unknown"]
    assert "! api-1: it does not answer (10.0.0.2)" in said
    assert "-> check that it runs" in said
    assert place.calls.asked == ["inspect", "inspect"]


def test_the_status_as_json_keeps_its_outputs_and_has_the_hosts(place: Place) -> None:
    del place
    code, said = typed("status", "--json")
    document = json.loads(said)
    assert code == 0
    assert document["outputs"]["api_url"] == "http://198.51.100.7/"
    assert document["outputs"]["hosts"]["api-0"]["version"] == "1.0.0"
    up, away = document["hosts"]["api-0"], document["hosts"]["api-1"]
    assert (up["reachable"], up["state"], up["sessions"], up["agents"]) == (True, "ready", 7, 10)
    assert (up["version"], up["generation"], up["message"]) == ("1.0.0", 1, None)
    assert (away["reachable"], away["state"], away["sessions"]) == (False, "unknown", None)
    assert (away["message"], away["remedy"]) == (AWAY.sentence, AWAY.remedy)


@pytest.mark.parametrize(
    ("version", "option", "asks"),
    [
        ("1.0.0", (), True),
        ("1.0.0", ("--no-hosts",), False),
        (None, (), False),
        (None, ("--hosts",), True),
    ],
)
def test_hosts_are_asked_once_a_release_is_on_them_or_when_that_is_wished(
    host: FakeHost,
    monkeypatch: pytest.MonkeyPatch,
    version: str | None,
    option: tuple[str, ...],
    asks: bool,
) -> None:
    place = Place(monkeypatch, Calls(api_0=host, api_1=host), version)
    for verb in ("status", "drift"):
        place.calls.asked.clear()
        assert typed(verb, *option)[0] == 0
        assert bool(place.calls.asked) == asks
    document = json.loads(typed("status", "--json", *option)[1])
    assert (document["hosts"] is not None) == asks


def test_a_way_that_cannot_be_opened_is_why_nothing_is_known(place: Place) -> None:
    place.way_is_shut = OperationError("the address of this machine could not be found", "write it")
    code, said = typed("status")
    assert code == 0
    assert "! api-0: the address of this machine could not be found" in said
    code, said = typed("drift")
    assert (code, "as far as that is known" in said) == (0, True)


def test_a_host_that_is_draining_or_failed_or_was_cut_off_says_so(
    place: Place, host: FakeHost
) -> None:
    def state() -> str:
        document = json.loads(typed("status", "--json")[1])
        return str(document["hosts"]["api-0"]["state"])

    host.ask("switch", **host.staged("api", "2.0.0", drains=1000.0))
    assert json.loads(typed("status", "--json")[1])["hosts"]["api-0"]["draining"] == [1]
    assert "ready, 1 draining" in typed("status")[1]
    host.units["mad-api@2.service"].program.ready = None
    assert state() == "starting"
    host.units.clear()
    assert state() == "failed"
    host.places.intent("api").write_text("{}")
    assert state() == "switching"
    place.calls.hosts["api-0"] = FakeHostOf(host)
    assert state() == "empty"


class FakeHostOf(FakeHost):
    """One to which nothing was brought."""

    def __init__(self, other: FakeHost) -> None:
        self.__dict__.update(other.__dict__)

    def ask(self, op: str, payload: bytes = b"", **request: Any) -> dict[str, Any]:
        done = super().ask(op, payload, **request)
        done["facts"]["roles"] = {"api": {}}
        return done


def test_no_drift_where_nobody_changed_anything(place: Place, host: FakeHost) -> None:
    place.calls.hosts["api-1"] = host
    assert typed("drift") == (0, "No drift: nobody else changed anything.\n")


def test_a_file_that_somebody_changed_is_drift_and_a_host_that_is_silent_is_not(
    place: Place, host: FakeHost
) -> None:
    unit = "/etc/systemd/system/mad-api@.service"
    host.places.system(unit).write_text("[Service]\n# by hand\n")
    code, said = typed("drift")
    assert code == 2
    line = next(one for one in said.splitlines() if unit in one)
    assert line.split() == [
        *("~", "api-0", f"{unit}:", "changed", "or", "removed", "outside", "mad")
    ]
    assert "! api-1: it does not answer" in said
    told = [json.loads(one) for one in typed("drift", "--json")[1].splitlines()]
    assert [one["event"] for one in told] == ["plan", "drift", "unknown"]
    assert (told[1]["host"], told[1]["what"]) == ("api-0", unit)
    assert told[2]["host"] == "api-1"
    del place.calls.hosts["api-0"]
    assert typed("drift")[0] == 0


def test_a_program_that_was_ended_is_drift(place: Place, host: FakeHost) -> None:
    del place
    host.units.clear()
    code, said = typed("drift")
    assert code == 2
    assert "~ api-0 api 1.0.0: does not run" in said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "-"),
        (5.9, "5 s"),
        (60, "1 min"),
        (3600, "1 h"),
        (12000, "3 h 20 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_how_long_a_machine_is_up(seconds: float | None, said: str) -> None:
    assert hosts_view.age(seconds) == said
