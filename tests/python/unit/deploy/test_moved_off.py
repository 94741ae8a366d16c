"""Before a container of a node ends the proxy moves its sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mad.deploy.hosts.model import Host, HostError
from mad.deploy.remote.protocol import RoleFacts, Wish
from mad.deploy.rollout.move import moved_off
from mad.deploy.stack.settings import Role

API = tuple(Host(f"api-{n}", Role.API, f"192.0.2.{n}", f"192.0.2.{n}", "a") for n in (1, 2))
PROXY = Host("api_lb-0", Role.API_LB, "192.0.2.9", "192.0.2.9", "a")
RUNS = RoleFacts(generation=1, active=True)


class Calls:
    """Notes what was asked of whom."""

    def __init__(self, *, fails: bool = False) -> None:
        self.said: list[tuple[str, Any]] = []
        self._fails = fails

    def call(
        self,
        host: Host,
        request: dict[str, Any],
        *,
        payload: bytes | None = None,
        on_event: Callable[[dict[str, Any]], None] = lambda _event: None,
        deadline_s: float = 0.0,
    ) -> dict[str, Any]:
        del payload, on_event, deadline_s
        self.said.append((host.name, request.get("drain")))
        if self._fails:
            raise HostError(host.name, "refused", "the proxy does not answer", "")
        return {}


def wish(runtime: str = "docker", role: str = "api") -> Wish:
    return Wish("shop", f"{role}-1", role, "1-0", "1", runtime)


def test_around_the_switch_of_a_container() -> None:
    calls = Calls()
    with moved_off(calls, (*API, PROXY), API[0], wish(), RUNS, lambda _event: None):
        calls.said.append(("switch", None))
    assert calls.said == [("api_lb-0", True), ("switch", None), ("api_lb-0", False)]


def test_also_when_the_switch_fails() -> None:
    calls = Calls()
    with (
        pytest.raises(HostError),
        moved_off(calls, (*API, PROXY), API[0], wish(), RUNS, lambda _event: None),
    ):
        raise HostError("api-1", "gate", "it is not ready", "")
    assert calls.said == [("api_lb-0", True), ("api_lb-0", False)]


def test_a_proxy_that_does_not_answer_stops_nothing() -> None:
    calls = Calls(fails=True)
    told: list[dict[str, Any]] = []
    with moved_off(calls, (*API, PROXY), API[0], wish(), RUNS, told.append):
        calls.said.append(("switch", None))
    assert calls.said == [("api_lb-0", True), ("switch", None)]
    assert "the proxy does not answer" in told[0]["text"]


@pytest.mark.parametrize(
    ("hosts", "what", "facts"),
    [
        ((*API, PROXY), wish("native"), RUNS),
        ((*API, PROXY), wish(), RoleFacts()),
        ((API[0], PROXY), wish(), RUNS),
        (API, wish(), RUNS),
    ],
    ids=["systemd", "new", "alone", "no proxy"],
)
def test_nobody_is_asked_when_it_makes_no_sense(
    hosts: tuple[Host, ...], what: Wish, facts: RoleFacts
) -> None:
    calls = Calls()
    with moved_off(calls, hosts, API[0], what, facts, lambda _event: None):
        pass
    assert calls.said == []
