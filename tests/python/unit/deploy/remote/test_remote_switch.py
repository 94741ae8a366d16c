"""Generations of a role: the new one serves when it is well, else the old one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fake_host import GATE, SECRET, FakeHost, switch_to

ROLES = ("api", "api_lb", "client", "web")


def facts(host: FakeHost, role: str) -> dict[str, Any]:
    found: dict[str, Any] = host.ask("inspect", roles=[role])["facts"]["roles"][role]
    return found


@pytest.mark.parametrize("role", ROLES)
def test_a_role_comes_to_an_empty_host(host: FakeHost, role: str) -> None:
    wanted = host.staged(role, "1.0.0")
    done = host.ask("switch", **wanted)
    assert (done["changed"], done["generation"], done["version"]) == (True, 1, "1.0.0")
    assert host.serving(role) == ["1.0.0"]
    seen = facts(host, role)
    assert (seen["active"], seen["ready"], seen["drift"]) == (True, True, [])
    assert seen["digest"] == wanted["digest"]
    assert host.enabled(role) == [f"{unit(role)}@1.service"]
    assert [(one["from"], one["outcome"]) for one in host.audit()] == [(None, "done")]
    own = host.places.generation(role, 1)
    assert (own / "credentials").stat().st_mode & 0o777 == 0o700
    assert (own / "credentials/redis-password").stat().st_mode & 0o777 == 0o600
    assert (own / "config").stat().st_mode & 0o777 == 0o755


def unit(role: str) -> str:
    return {"api": "mad-api", "api_lb": "mad-proxy", "client": "mad-agent", "web": "mad-web"}[role]


@pytest.mark.parametrize("role", ROLES)
def test_a_new_release_takes_over_and_the_old_one_drains(host: FakeHost, role: str) -> None:
    host.ask("switch", **host.staged(role, "1.0.0", drains=30.0))
    wanted = host.staged(role, "2.0.0")
    done = host.ask("switch", **wanted)
    assert (done["changed"], done["generation"]) == (True, 2)
    assert host.serving(role) == ["2.0.0"]
    assert host.enabled(role) == [f"{unit(role)}@2.service"]
    assert facts(host, role)["draining"] == [1]
    order = [one for one in host.commands if one.startswith(("systemctl start", "systemctl stop"))]
    stop = next(
        i for i, one in enumerate(order) if f" {unit(role)}@1.service" in one and "stop" in one
    )
    start = order.index(f"systemctl start {unit(role)}@2.service")
    assert start < stop
    assert not host.places.intent(role).exists()


def test_the_same_wish_changes_nothing(host: FakeHost) -> None:
    wanted = host.staged("api", "1.0.0")
    host.ask("switch", **wanted)
    before, lines, reloads = dict(host.units), len(host.audit()), host.reloads
    done = host.ask("switch", **wanted)
    assert (done["changed"], done["generation"]) == (False, 1)
    assert (dict(host.units), len(host.audit()), host.reloads) == (before, lines, reloads)


def test_units_are_read_anew_only_when_they_changed(host: FakeHost) -> None:
    host.staged("api", "1.0.0")
    host.ask("switch", **switch_to("api", "1.0.0", unit="same"))
    host.staged("api", "2.0.0")
    host.ask("switch", **switch_to("api", "2.0.0", unit="same"))
    assert host.reloads == 1


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "is never ready": ({"ready": None}, "it is not ready, for 20 s"),
    "does not start": ({"starts": False}, "did not start"),
    "ends by itself after a while": ({"ends": 2.0}, "it ended by itself"),
    "says another version": ({"says": "0.9.0"}, "it says that it is 0.9.0, not 2.0.0"),
    "loses the agents": ({"agents": 4}, "4 of 10 agents came back"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_release_takes_itself_back(host: FakeHost, fault: str) -> None:
    behaviour, sentence = FAULTS[fault]
    first = host.staged("api", "1.0.0", drains=60.0)
    host.ask("switch", **first)
    bad = host.staged("api", "2.0.0", **behaviour)
    error = host.ask("switch", **bad)["error"]
    assert error["code"] == "gate"
    assert sentence in error["sentence"]
    assert host.serving("api") == ["1.0.0"]
    seen = facts(host, "api")
    assert (seen["version"], seen["ready"], seen["drift"]) == ("1.0.0", True, [])
    assert host.audit()[-1]["outcome"].startswith("taken back")
    # Whoever served on was not told to stop meanwhile.
    assert seen["generation"] == (3 if fault == "loses the agents" else 1)
    assert host.enabled("api") == [f"mad-api@{seen['generation']}.service"]
    again = host.ask("switch", **first)
    assert again["changed"] is False
    host.clock += 100
    assert (host.places.generation("api", 2) / "failed.log").is_file()


@pytest.mark.parametrize("role", ["api_lb", "client"])
def test_a_bad_release_of_a_role_that_hands_over_is_taken_back_too(
    host: FakeHost, role: str
) -> None:
    host.ask("switch", **host.staged(role, "1.0.0"))
    error = host.ask("switch", **host.staged(role, "2.0.0", ready=None))["error"]
    assert error["code"] == "gate"
    assert host.serving(role) == ["1.0.0"]
    assert facts(host, role)["version"] == "1.0.0"


def test_a_first_release_that_is_bad_leaves_nothing_that_runs(host: FakeHost) -> None:
    error = host.ask("switch", **host.staged("api", "1.0.0", ready=None))["error"]
    assert error["code"] == "gate"
    assert (host.serving("api"), host.enabled("api"), host.sockets) == ([], [], set())
    assert facts(host, "api")["generation"] is None
    host.programs["1.0.0"].ready = 0.5
    assert host.ask("switch", **switch_to("api", "1.0.0"))["changed"]


def test_secrets_are_in_no_answer(host: FakeHost) -> None:
    error = host.ask("switch", **host.staged("api", "1.0.0", ready=None))["error"]
    assert error["tail"] == "it went wrong; password=…"
    assert SECRET not in json.dumps([error, host.events, host.commands, host.audit()])


def test_a_configuration_that_the_program_refuses_changes_nothing(host: FakeHost) -> None:
    host.ask("switch", **host.staged("api", "1.0.0"))
    bad = host.staged("api", "2.0.0", refuses="api.toml:3: no such key")
    error = host.ask("switch", **bad)["error"]
    assert (error["code"], error["tail"]) == ("gate", "api.toml:3: no such key")
    assert host.places.generations("api") == [1]
    assert [one for one in host.commands if "start mad-api@2" in one] == []
    error = host.ask("check", wish=bad["wish"])["error"]
    assert error["tail"] == "api.toml:3: no such key"
    assert not (host.places.role("api") / ".check").exists()


def test_another_port_is_listened_on_after_all_have_ended(host: FakeHost) -> None:
    host.ask("switch", **host.staged("api", "1.0.0"))
    host.commands.clear()
    assert host.ask("switch", **switch_to("api", "1.0.0", port=3001))["changed"]
    order = [one for one in host.commands if "mad-api" in one and "show" not in one]
    stopped = order.index("systemctl stop mad-api.socket")
    assert order.index("systemctl stop mad-api@1.service") < stopped
    assert stopped < order.index("systemctl start mad-api.socket")
    assert host.serving("api") == ["1.0.0"]


def test_one_that_ended_is_started_again_by_the_same_wish(host: FakeHost) -> None:
    wanted = host.staged("api", "1.0.0")
    host.ask("switch", **wanted)
    host.units.clear()
    assert facts(host, "api")["active"] is False
    assert host.ask("switch", **wanted)["generation"] == 2
    assert host.serving("api") == ["1.0.0"]


def test_files_that_somebody_changed_are_told_and_put_right(host: FakeHost) -> None:
    wanted = host.staged("api", "1.0.0")
    host.ask("switch", **wanted)
    path = host.places.system("/etc/systemd/system/mad-api@.service")
    path.write_text("[Service]\n# by hand\n")
    config = host.places.generation("api", 1) / "config/api.toml"
    config.write_text("")
    program = host.places.release(wanted["wish"]["release"]) / "bin/mad-api"
    program.write_text("another")
    assert facts(host, "api")["drift"] == [
        "/etc/systemd/system/mad-api@.service",
        "/opt/mad/roles/api/1/config/api.toml",
        f"/opt/mad/releases/{wanted['wish']['release']}/bin/mad-api",
    ]
    assert host.ask("switch", **wanted)["error"]["code"] == "lost"
    wanted = host.staged("api", "1.0.0")
    assert host.ask("switch", **wanted)["changed"]
    assert facts(host, "api")["drift"] == []


@pytest.mark.parametrize("path", ["config/api.toml", "credentials/redis-password"])
def test_what_a_generation_was_told_is_put_right(host: FakeHost, path: str) -> None:
    wanted = host.staged("api", "1.0.0")
    host.ask("switch", **wanted)
    (host.places.generation("api", 1) / path).write_text("by hand")
    assert facts(host, "api")["drift"] == [f"/opt/mad/roles/api/1/{path}"]
    done = host.ask("switch", **wanted)
    assert (done["changed"], done["generation"]) == (True, 2)
    assert facts(host, "api")["drift"] == []
    assert not host.ask("switch", **wanted)["changed"]


def test_going_back_takes_seconds_and_no_bytes(host: FakeHost) -> None:
    host.ask("switch", **host.staged("api", "1.0.0", drains=600.0))
    host.ask("switch", **host.staged("api", "2.0.0"))
    began = host.clock
    done = host.ask("rollback", role="api", who="ada")
    assert (done["version"], done["generation"]) == ("1.0.0", 3)
    assert host.clock - began < 2.0
    assert host.serving("api") == ["1.0.0"]
    assert facts(host, "api")["draining"] == [1, 2]
    unit_text = host.places.system("/etc/systemd/system/mad-api@.service").read_text()
    assert "1.0.0" in unit_text
    assert host.ask("watch", role="api", gate=GATE)["version"] == "1.0.0"


def test_going_back_to_a_release_that_is_named(host: FakeHost) -> None:
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        host.ask("switch", **host.staged("api", version))
    assert host.ask("rollback", role="api", to="1.0.0")["version"] == "1.0.0"
    assert host.ask("rollback", role="api", to="1.0.0")["changed"] is False
    assert host.ask("rollback", role="api", to="9.0.0")["error"]["code"] == "refused"
    assert host.ask("rollback", role="api", before=3)["version"] == "2.0.0"


def test_there_may_be_nothing_to_go_back_to(host: FakeHost) -> None:
    assert "never" in host.ask("rollback", role="api")["error"]["sentence"]
    host.ask("switch", **host.staged("api", "1.0.0"))
    assert "no release before" in host.ask("rollback", role="api")["error"]["sentence"]


def test_nobody_goes_back_to_one_that_failed(host: FakeHost) -> None:
    host.ask("switch", **host.staged("api", "1.0.0"))
    host.ask("switch", **host.staged("api", "2.0.0", ready=None))
    host.ask("switch", **host.staged("api", "3.0.0"))
    assert host.ask("rollback", role="api")["version"] == "1.0.0"


def test_a_host_of_another_stack_is_refused(host: FakeHost) -> None:
    host.ask("switch", **host.staged("api", "1.0.0"))
    wanted = switch_to("api", "1.0.0")
    wanted["wish"]["stack"] = "other"
    assert "belongs to the stack shop" in host.ask("switch", **wanted)["error"]["sentence"]
    host.ask("remove", role="api", who="ada")
    host.staged("api", "1.0.0")
    assert host.ask("switch", **wanted)["changed"]


def test_a_file_outside_of_what_roles_may_bring_is_refused(host: FakeHost) -> None:
    wanted = host.staged("api", "1.0.0")
    for path in ("/etc/passwd", "/etc/sysctl.d/../passwd"):
        wanted["wish"]["files"] = [{"path": path, "text": "", "mode": 0o644}]
        assert host.ask("switch", **wanted)["error"]["code"] == "refused"
        assert not host.places.system("/etc/passwd").exists()


def test_what_is_not_ready_for_long_enough_in_a_row_does_not_count(host: FakeHost) -> None:
    host.ask("switch", **host.staged("api", "1.0.0"))
    wanted = host.staged("api", "2.0.0")
    ask = host.get
    turns = [0]

    def flapping(address: str, path: str) -> tuple[int, str]:
        if "api/2" in address and path == "/ready":
            turns[0] += 1
            if turns[0] % 3 == 0:
                return 503, ""
        return ask(address, path)

    host.get = flapping  # type: ignore[method-assign]
    assert host.ask("switch", **wanted)["error"]["code"] == "gate"
    assert host.serving("api") == ["1.0.0"]
