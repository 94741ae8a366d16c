"""More than one peer may have: connections, requests, sessions, packets."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import time
from collections.abc import Iterator

import pytest
import wire
from abuse_kit import program
from wire import HANDSHAKE, WEBSOCKET, posted, request

QUIET = ("--log-level", "error")


@contextlib.contextmanager
def behind_a_proxy(*flags: str) -> Iterator[int]:
    """A node that believes loopback about whose request it is, as behind a proxy."""
    with program("mad-api", *QUIET, *flags) as (_, port):
        yield port


def asked_by(port: int, address: str, target: str = HANDSHAKE) -> int | None:
    field = f"X-Forwarded-For: {address}"
    return wire.said(port, request(target, field, "Connection: close")).status


def test_connections_over_the_limit_are_refused_until_others_leave() -> None:
    with (
        program("mad-api", *QUIET, "--max-connections", "40") as (_, port),
        contextlib.ExitStack() as stack,
    ):
        inside = [stack.enter_context(wire.open_websocket(port)) for _ in range(30)]
        refused = 0
        for _ in range(30):
            answer = wire.said(port, request("/health"), quiet_s=0.05)
            if answer.status == 200:
                continue
            assert answer.closed
            assert answer.status in (None, 503), answer.data[:200]
            refused += 1
        held = [stack.enter_context(wire.dial(port)) for _ in range(60)]
        time.sleep(0.3)
        answer = wire.said(port, request("/health"))
        assert answer.status in (None, 503)
        assert answer.closed
        for peer in held:
            peer.close()
        until = time.monotonic() + wire.LIMIT_S
        while wire.said(port, request("/health")).status != 200:
            assert time.monotonic() < until, "nobody is let in although others have left"
            time.sleep(0.1)
        for session in inside:
            wire.put(session, wire.text('420["web_connected",{"v":2}]'))
            assert b"430[" in wire.take(session, until=b"430[").data


def test_handshakes_over_the_rate_of_an_address_are_refused_and_others_are_not() -> None:
    with behind_a_proxy("--max-rate-per-address", "1") as port:
        one = request(HANDSHAKE, "X-Forwarded-For: 203.0.113.7")
        statuses: list[int] = []
        for _ in range(12):  # 500 may come at once
            statuses += wire.said(port, one * 50).statuses
        assert set(statuses[:500]) == {200}
        assert 429 in statuses[500:]
        assert asked_by(port, "203.0.113.7") == 429
        assert asked_by(port, "203.0.113.8") == 200
        assert asked_by(port, "2001:db8::1") == 200


def test_sessions_over_the_number_of_an_address_are_refused_and_others_are_not() -> None:
    with (
        behind_a_proxy("--max-connections-per-address", "5") as port,
        contextlib.ExitStack() as stack,
    ):
        statuses = []
        for address in ["203.0.113.7"] * 12 + ["203.0.113.8"]:
            peer = stack.enter_context(wire.dial(port))
            wire.put(peer, request(WEBSOCKET, *wire.UPGRADE, f"X-Forwarded-For: {address}"))
            statuses.append(wire.take(peer, quiet_s=0.2).status)
        assert statuses == [101] * 5 + [429] * 7 + [101]


def test_packets_over_the_rate_are_late_and_none_is_lost(port: int) -> None:
    """200 a second and 1,000 at once: the reading pauses, the session stays."""
    count = 1_300
    with wire.open_websocket(port) as session:
        asked = b"".join(wire.text(f'42{n}["web_connected",{{"v":2}}]') for n in range(count))
        wire.put(session, asked)
        data, answered = b"", 0
        until = time.monotonic() + 60
        session.settimeout(wire.LIMIT_S)
        while answered < count and time.monotonic() < until:
            data += session.recv(1 << 20)
            frames = wire.Frames(data)
            for packet in frames.texts:
                if packet == "2":
                    wire.put(session, wire.text("3"))
                elif packet.startswith("43"):
                    assert packet.startswith(f"43{answered}[")
                    answered += 1
            data = data[frames.used :]
    assert answered == count


def test_thousands_of_connections_that_are_reset(port: int) -> None:
    for _ in range(2_000):
        with wire.dial(port) as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert wire.said(port, request("/health")).status == 200


@pytest.mark.parametrize(
    "data",
    [b"GET", request("/health"), request(WEBSOCKET, *wire.UPGRADE)],
    ids=["half a request", "a request", "an upgrade"],
)
def test_hundreds_that_ask_and_reset(port: int, data: bytes) -> None:
    for _ in range(500):
        with wire.dial(port) as peer:
            wire.put(peer, data)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert wire.said(port, request("/health")).status == 200


def test_sessions_that_nobody_polls(port: int) -> None:
    with wire.dial(port) as peer:
        for _ in range(20):
            wire.put(peer, request(HANDSHAKE) * 25)
            got = b""
            while got.count(b'"sid"') < 25:
                got += peer.recv(65_536)
    assert wire.said(port, request("/health")).status == 200


def test_upgrades_that_nobody_ends(port: int) -> None:
    target = f"{HANDSHAKE}&sid={wire.open_polling(port, connect=False)}"
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            peer = stack.enter_context(wire.dial(port))
            wire.put(peer, request(target.replace("polling", "websocket"), *wire.UPGRADE))
        assert wire.said(port, posted(target, b"40", "Connection: close")).status == 200
        assert b"40{" in wire.said(port, request(target, "Connection: close")).body


def test_a_session_that_asks_for_the_fleet_again_and_again(port: int) -> None:
    with wire.open_websocket(port) as session:
        for n in range(300):
            wire.put(session, wire.text(f'42{n}["web_connected",{{"v":2}}]'))
        answer = wire.take(session, until=b"43299[")
    seen = [p for p in wire.Frames(answer.data).texts if p.startswith("43")]
    assert len(seen) >= 299


def test_thousands_of_pings_in_frames(port: int) -> None:
    with wire.open_websocket(port) as session:
        wire.put(session, wire.frame(b"x", 9) * 20_000, wire.text('420["web_connected",{"v":2}]'))
        assert b"430[" in wire.take(session, until=b"430[", limit_s=60).data


def test_requests_without_end_on_one_connection(port: int) -> None:
    """At most 1,000 on one: then it is closed, and the last answer says so."""
    with wire.dial(port) as peer:
        data = b""
        peer.settimeout(wire.LIMIT_S)
        for _ in range(110):
            wire.put(peer, request("/health") * 10)
            try:
                while data.count(b"HTTP/1.1 ") % 10 or not data.endswith(b"}"):
                    more = peer.recv(65_536)
                    if not more:
                        break
                    data += more
                    if data.count(b"HTTP/1.1 ") % 10 == 0 and data.endswith(b"}"):
                        break
            except ConnectionResetError:
                break
        data += wire.take(peer).data
    assert data.count(b"HTTP/1.1 200") == 1_000
    assert b"Connection: close" in data[-600:]


def test_an_agent_that_is_many_hosts_is_one(port: int) -> None:
    """Each session has one record: names that it goes through leave nothing behind."""
    with wire.open_websocket(port) as agent, wire.open_websocket(port) as console:
        for n in range(300):
            record = {"id": f"many-{n}", "health": {"storage": 1, "network": 1}}
            event = "client_connected" if n == 0 else "client_healthcheck"
            wire.put(agent, wire.text("42" + json.dumps([event, record])))
        wire.put(agent, wire.text('429999["client_healthcheck",1]'))
        wire.take(agent, until=b"439999[")
        wire.put(console, wire.text('42["web_connected"]'))
        answer = wire.take(console, until=b'42["load_clients"')
        data = answer.data + wire.take(console, limit_s=1).data
    lists = [p for p in wire.Frames(data).texts if p.startswith('42["load_clients"')]
    assert sum('"many-' in json.dumps(host) for host in json.loads(lists[0][2:])[1]) <= 1
