"""Releases that go well and releases that do not, under 200 clients of socket.io, half of them by
polling alone: nobody is refused, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fleet_kit import CRASHES, NEVER_READY, Fleet, Load, load, wait_until

HALF = 100


@pytest.fixture(scope="module")
def clients(up: Fleet) -> Iterator[Load]:
    up.build("v1")
    up.change("deploy", *up.release("v1"))
    with load(up, up.outputs()["api_url"], websocket=HALF, polling=HALF) as one:
        yield one


@pytest.fixture(autouse=True)
def mark(clients: Load) -> None:
    clients.mark()


def check_nothing_lost(up: Fleet, clients: Load) -> dict[str, Any]:
    told = clients.report()
    print({key: str(value)[:300] for key, value in told.items() if key != "last"})
    assert told["faults"] == []
    assert told["wrong"] == []
    assert told["gone"] == []
    assert told["backwards"] == []
    # Who moves from one instance to the other is never told to be silent or away.
    assert told["states"] == {}
    # Each node knows the last number of each client, whichever of them it is connected to.
    viewer = up.secret("token-viewer")
    for name, host in up.outputs()["hosts"].items():
        if host["role"] == "api":
            shown = up.hosts_shown(f"http://{host['private_ip']}:3000", viewer)
            lacks = [
                id
                for id, number in told["last"].items()
                if id not in shown
                or (shown[id]["cpu"], shown[id]["storage"]) != (number // 75 % 75, number % 75)
            ]
            # They go on sending: only what was true before may be behind.
            assert not [id for id in lacks if id not in shown], name
    return told


def test_a_release_goes_round_without_anybody_noticing(up: Fleet, clients: Load) -> None:
    up.build("v2")
    done = up.change("deploy", "--role", "api", *up.release("v2"))
    print(f"api to v2: {done.seconds:.1f} s")
    assert up.versions("api") == {"api-0": "v2", "api-1": "v2"}
    check_nothing_lost(up, clients)
    # The old instances serve those that they have until their drain is over.
    wait_until(lambda: up.instances("api") == 2, "the old instances do not end")
    told = check_nothing_lost(up, clients)
    # Each was asked to reconnect once, when the old instance drained.
    assert told["connects"] <= 2 * 2 * HALF


@pytest.mark.parametrize(
    ("version", "script", "why"),
    [
        pytest.param("v3", NEVER_READY, "did not start", id="never_ready"),
        pytest.param("v4", CRASHES, "ended by itself", id="crashes_after_5_s"),
    ],
)
def test_a_bad_release_takes_itself_back(
    up: Fleet, clients: Load, version: str, script: str, why: str
) -> None:
    up.build(version, {"mad-api": script})
    done = up.change("deploy", "--role", "api", *up.release(version), code=4)
    assert why in done.of("api-0", "failed")["text"]
    assert done.end["gate_failed"]
    assert done.end["left"] == ["api-1"]
    assert up.versions("api") == {"api-0": "v2", "api-1": "v2"}
    check_nothing_lost(up, clients)
    assert up.deploy("deploy", "--yes", "--json", *up.release("v2")).end["failed"] == {}


def test_rollback_serves_the_release_before(up: Fleet, clients: Load) -> None:
    done = up.change("rollback", "--role", "api")
    print(f"rollback of two api nodes: {done.seconds:.1f} s")
    assert set(done.hosts("reverted")) == {"api-0", "api-1"}
    assert up.versions("api") == {"api-0": "v1", "api-1": "v1"}
    check_nothing_lost(up, clients)


def test_the_proxy_and_the_console_are_exchanged_without_a_dropped_session(
    up: Fleet, clients: Load
) -> None:
    wait_until(lambda: up.instances("api") == 2, "the old instances do not end")
    clients.mark()
    up.change("deploy", "--role", "api_lb", "--role", "web", *up.release("v2"))
    assert up.versions("web") == {"web-0": "v2", "web-1": "v2"}
    told = check_nothing_lost(up, clients)
    assert told["disconnects"] == {}


def test_a_new_agent_takes_over_from_the_old(up: Fleet, clients: Load) -> None:
    viewer = up.secret("token-viewer")
    url = up.outputs()["api_url"]
    up.change("deploy", "--role", "client", *up.release("v2"))
    rows = up.hosts_shown(url, viewer)
    assert {rows[f"mad-world-client-{slot}"]["state"] for slot in (0, 1)} <= {"ok", "warn", "crit"}
    check_nothing_lost(up, clients)


def test_scaling_in_drains_first_and_out_brings_the_same_release(up: Fleet, clients: Load) -> None:
    done = up.change("scale", "api=1")
    assert done.of("api-1", "done")["text"].startswith("drained")
    assert up.versions("api") == {"api-0": "v1"}
    check_nothing_lost(up, clients)
    up.change("scale", "api=2")
    assert up.versions("api") == {"api-0": "v1", "api-1": "v1"}
    check_nothing_lost(up, clients)
