"""Each step may be the last, as by `kill -9`: the next run converges, and a reboot in between
starts exactly one release."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_host import FakeHost, release, switch_to

MOST = 400
New = Callable[[], FakeHost]


@pytest.fixture
def new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> New:
    def make() -> FakeHost:
        root = tmp_path / "host"
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        return FakeHost(root, monkeypatch)

    return make


def each_step(new: New, before: Callable[[FakeHost], dict[str, Any]], op: str) -> Any:
    """A host for each step after which `op` ended."""
    for step in range(MOST):
        host = new()
        request = before(host)
        if not host.killed_at(step, op, **request):
            assert step > 5
            return
        yield host, request
    raise AssertionError("it never came to its end")


def upgrade(role: str, **behaviour: Any) -> Callable[[FakeHost], dict[str, Any]]:
    def prepared(host: FakeHost) -> dict[str, Any]:
        host.ask("switch", **host.staged(role, "1.0.0"))
        return host.staged(role, "2.0.0", **behaviour)

    return prepared


def whole(host: FakeHost, role: str, version: str) -> None:
    """Exactly this runs, is what `inspect` says, and what a reboot starts."""
    host.clock += 120.0
    assert host.serving(role) == [version]
    facts = host.ask("inspect", roles=[role])["facts"]["roles"][role]
    assert (facts["version"], facts["ready"], facts["drift"]) == (version, True, [])
    assert facts["digest"] is not None
    assert not host.places.intent(role).exists()
    assert [one.name for one in host.places.role(role).glob(".*")] == []
    host.reboot()
    assert host.serving(role) == [version]


@pytest.mark.parametrize("role", ["api", "api_lb", "client", "web"])
def test_a_switch_that_was_killed_is_done_by_the_next(new: New, role: str) -> None:
    for host, request in each_step(new, upgrade(role), "switch"):
        done = host.ask("switch", **request)
        assert "error" not in done
        whole(host, role, "2.0.0")


@pytest.mark.parametrize("role", ["api", "client"])
def test_a_first_switch_that_was_killed_is_done_by_the_next(new: New, role: str) -> None:
    for host, request in each_step(new, lambda host: host.staged(role, "1.0.0"), "switch"):
        assert "error" not in host.ask("switch", **request)
        whole(host, role, "1.0.0")


@pytest.mark.parametrize("role", ["api", "client"])
def test_a_killed_switch_can_be_given_up(new: New, role: str) -> None:
    for host, _request in each_step(new, upgrade(role), "switch"):
        seen = host.ask("inspect", roles=[role])["facts"]["roles"][role]
        wanted = switch_to(role, "1.0.0")
        if seen["digest"] != wanted["digest"] or not seen["ready"]:
            assert "error" not in host.ask("switch", **wanted)
        whole(host, role, "1.0.0")


@pytest.mark.parametrize("role", ["api", "api_lb", "client"])
def test_taking_a_bad_release_back_may_be_killed_too(new: New, role: str) -> None:
    for host, _request in each_step(new, upgrade(role, ready=None), "switch"):
        assert "error" not in host.ask("switch", **switch_to(role, "1.0.0"))
        whole(host, role, "1.0.0")


def test_taking_back_one_that_lost_its_agents_may_be_killed_too(new: New) -> None:
    for host, _request in each_step(new, upgrade("api", agents=2), "switch"):
        assert "error" not in host.ask("switch", **switch_to("api", "1.0.0"))
        whole(host, "api", "1.0.0")


@pytest.mark.parametrize("role", ["api", "web"])
def test_a_reboot_after_a_kill_starts_exactly_one(new: New, role: str) -> None:
    for host, request in each_step(new, upgrade(role), "switch"):
        host.reboot()
        assert host.serving(role) in (["1.0.0"], ["2.0.0"])
        assert "error" not in host.ask("switch", **request)
        whole(host, role, "2.0.0")


def test_the_api_is_served_at_each_step(new: New) -> None:
    for host, _request in each_step(new, upgrade("api"), "switch"):
        assert host.serving("api") in (["1.0.0"], ["1.0.0", "2.0.0"], ["2.0.0"])


def test_a_rollback_that_was_killed_is_done_by_the_next(new: New) -> None:
    def upgraded(host: FakeHost) -> dict[str, Any]:
        host.ask("switch", **host.staged("api", "1.0.0"))
        host.ask("switch", **host.staged("api", "2.0.0"))
        return {"role": "api", "to": "1.0.0"}

    for host, request in each_step(new, upgraded, "rollback"):
        assert "error" not in host.ask("rollback", **request)
        whole(host, "api", "1.0.0")


def test_a_removal_that_was_killed_is_done_by_the_next(new: New) -> None:
    def deployed(host: FakeHost) -> dict[str, Any]:
        host.ask("switch", **host.staged("api", "1.0.0"))
        return {"role": "api"}

    for host, request in each_step(new, deployed, "remove"):
        assert "error" not in host.ask("remove", **request)
        host.clock += 120.0
        assert (host.serving("api"), host.enabled("api")) == ([], [])
        assert not host.places.role("api").exists()
        assert list(host.places.releases.iterdir()) == []
        host.staged("api", "1.0.0")
        assert host.ask("switch", **switch_to("api", "1.0.0"))["changed"]


def test_a_stage_that_was_killed_leaves_no_half(new: New) -> None:
    sent = release("web", "1.0.0")
    id, files = sent["release"]["id"], sent["release"]["files"]
    for step in range(MOST):
        host = new()
        if not host.killed_at(step, "stage", sent["payload"], release=sent["release"]):
            break
        told = {"id": id, "files": {path: one["sha256"] for path, one in files.items()}}
        seen = host.ask("inspect", roles=[], release=told)
        assert seen["whole"] or id not in seen["facts"]["releases"]
        host.staged("web", "1.0.0")
        assert [one.name for one in host.places.releases.iterdir()] == [id]
    else:
        raise AssertionError("it never came to its end")
