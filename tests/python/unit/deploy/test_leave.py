"""What machines serve goes elsewhere before they are removed."""

from __future__ import annotations

from typing import Any

import pytest

from mad.deploy.events import Event, HostState, HostStep
from mad.deploy.hosts.model import Host, HostError
from mad.deploy.rollout.leave import leave
from mad.deploy.stack.settings import Role


def host(name: str) -> Host:
    return Host(name, Role(name.rpartition("-")[0]), "", "", "")


HOSTS = tuple(map(host, ("api-0", "api-1", "api_lb-0", "client-0", "web-0", "web-1")))


class Calls:
    def __init__(self, *refuse: tuple[str, str], cut: int = 0) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.refuse = refuse
        self.cut = cut

    def call(self, host: Host, request: dict[str, Any], **_how: Any) -> dict[str, Any]:
        op = str(request["op"])
        self.asked.append((host.name, op, str(request.get("name", request.get("role")))))
        if (host.name, op) in self.refuse:
            raise HostError(host.name, "unreachable", "it does not answer", "check it")
        return {"stopped": ["1"], "sessions": self.cut} if op == "drain" else {"drained": True}


def left(calls: Calls, *names: str) -> dict[str, tuple[HostState, str]]:
    """The last word on each."""
    said: dict[str, tuple[HostState, str]] = {}

    def listen(event: Event) -> None:
        assert isinstance(event, HostStep)
        said[event.host] = (event.state, event.text)

    leave(calls, HOSTS, [one for one in HOSTS if one.name in names], listen, "ada@laptop")
    return said


def test_a_node_is_emptied_by_the_proxy_and_then_ended() -> None:
    calls = Calls()
    assert left(calls, "api-1") == {"api-1": (HostState.DONE, "drained")}
    assert calls.asked == [("api_lb-0", "upstream", "api-1"), ("api-1", "drain", "api")]


def test_other_roles_end_by_themselves() -> None:
    calls = Calls()
    said = left(calls, "client-0", "web-1")
    assert set(said.values()) == {(HostState.DONE, "drained")}
    assert set(calls.asked) == {("client-0", "drain", "client"), ("web-1", "drain", "web")}


def test_a_proxy_that_goes_too_is_not_asked() -> None:
    calls = Calls()
    left(calls, "api-1", "api_lb-0")
    assert ("api_lb-0", "upstream", "api-1") not in calls.asked


@pytest.mark.parametrize(
    ("refuse", "word"),
    [
        (("api-1", "drain"), (HostState.FAILED, "it was not drained: it does not answer")),
        (("api_lb-0", "upstream"), (HostState.DONE, "drained")),
    ],
)
def test_one_that_does_not_answer_holds_nobody_up(
    refuse: tuple[str, str], word: tuple[HostState, str]
) -> None:
    calls = Calls(refuse)
    said = left(calls, "api-1", "client-0")
    assert said["api-1"] == word
    assert said["client-0"] == (HostState.DONE, "drained")


def test_sessions_that_were_cut_are_said() -> None:
    assert left(Calls(cut=3), "web-0")["web-0"][1] == "drained, 3 sessions were cut"


def test_nobody_leaves() -> None:
    calls = Calls()
    assert left(calls) == {}
    assert calls.asked == []
