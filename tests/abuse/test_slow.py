"""Peers that send or read slowly, or not at all: each ends at its limit, and costs nobody else.

All of them wait at the same time, beside each other."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import wire
from abuse_kit import program
from wire import HANDSHAKE, WEBSOCKET, Answer, posted, request

LATE_S = 15.0
"""A busy machine may be so much later than a limit."""
HEAD_S, TRICKLE_S, BODY_S, IDLE_S, ATTACHMENTS_S, UPGRADE_S, CLOSE_S = (
    10.0,
    5.0,
    10.0,
    10.0,
    10.0,
    10.0,
    5.0,
)
CONNECT_S = 45.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a connection ended, and how long that took."""

    answer: Answer
    after_s: float


def until_closed(
    peer: socket.socket, begun: float, drip: Callable[[], None] | None = None
) -> Ended:
    """Reads until the end; `drip` is called five times a second."""
    answer = Answer()
    peer.settimeout(0.2)
    while time.monotonic() - begun < CONNECT_S + LATE_S:
        try:
            more = peer.recv(65_536)
        except TimeoutError:
            if drip is not None:
                drip()
            continue
        except ConnectionResetError:
            more = b""
        if not more:
            answer.closed = True
            break
        answer.data += more
    return Ended(answer, time.monotonic() - begun)


def slow(port: int, first: bytes, rest: bytes = b"", size: int = 1) -> Ended:
    """Sends `first` at once and of `rest` `size` bytes every 200 ms, for ever."""
    with wire.dial(port) as peer:
        begun, sent = time.monotonic(), 0
        wire.put(peer, first)

        def drip() -> None:
            nonlocal sent
            if rest:
                piece = bytes(rest[(sent + i) % len(rest)] for i in range(size))
                sent += size
                wire.put(peer, piece)

        return until_closed(peer, begun, drip)


def polling_post(port: int, fields: str, body: bytes, rest: bytes, size: int = 1) -> Ended:
    target = f"{HANDSHAKE}&sid={wire.open_polling(port, connect=False)}"
    return slow(port, request(target, fields, method="POST", body=body), rest, size)


def websocket(port: int, *packets: bytes, connect: bool = True) -> Ended:
    """A session that says `packets` and no more."""
    with wire.open_websocket(port, connect) as peer:
        begun = time.monotonic()
        wire.put(peer, *packets)
        return until_closed(peer, begun)


def awaits_attachments(port: int) -> Ended:
    return websocket(port, wire.text('451-["x",{"_placeholder":true,"num":0}]'))


def joins_nothing(port: int) -> Ended:
    """Answers pings, so that nothing but the missing CONNECT ends it."""
    with wire.open_websocket(port, connect=False) as peer:
        begun = time.monotonic()
        return until_closed(peer, begun, lambda: wire.put(peer, wire.text("3")))


def probes_nothing(port: int) -> Ended:
    """A candidate of an upgrade that is silent; the session must go on by polling."""
    target = f"{HANDSHAKE}&sid={wire.open_polling(port)}"
    with wire.dial(port) as peer:
        begun = time.monotonic()
        wire.put(peer, request(target.replace("polling", "websocket"), *wire.UPGRADE))
        return until_closed(peer, begun)


def answers_no_close(port: int) -> Ended:
    """Breaks the protocol of Socket.IO and ignores the close frame that it gets for it."""
    return websocket(port, wire.text("49"))


def stays(port: int) -> Ended:
    with wire.dial(port) as peer:
        begun = time.monotonic()
        wire.put(peer, request("/health"))
        return until_closed(peer, begun)


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    act: Callable[[int], Ended]
    limit_s: float
    status: int | None
    """Of the answer; None: there is none that matters."""


CASES = (
    Case("says nothing", lambda port: slow(port, b""), HEAD_S, 408),
    Case(
        "sends a head byte by byte", lambda port: slow(port, b"GET /health HT", b"T"), HEAD_S, 408
    ),
    Case(
        "sends fields for ever",
        lambda port: slow(port, b"GET /health HTTP/1.1\r\nHost: localhost\r\n", b"X: y\r\n"),
        HEAD_S,
        408,
    ),
    Case(
        "sends no body",
        lambda port: polling_post(port, "Content-Length: 100", b"", b""),
        TRICKLE_S,
        408,
    ),
    Case(
        "sends a body byte by byte",
        lambda port: polling_post(port, "Content-Length: 10000", b"4", b"2"),
        TRICKLE_S,
        408,
    ),
    Case(
        "sends a body at 500 bytes a second",
        lambda port: polling_post(port, "Content-Length: 100000", b"4", b"2", 100),
        TRICKLE_S,
        408,
    ),
    Case(
        "sends a body for longer than it may",
        lambda port: polling_post(port, "Content-Length: 100000", b"4", b"2", 400),
        BODY_S,
        408,
    ),
    Case(
        "sends chunks for ever",
        lambda port: polling_post(port, "Transfer-Encoding: chunked", b"", b"1\r\n4\r\n", 6),
        TRICKLE_S,
        408,
    ),
    Case(
        "sends a chunk's extension for ever",
        lambda port: polling_post(port, "Transfer-Encoding: chunked", b"1;", b"x"),
        TRICKLE_S,
        408,
    ),
    Case("keeps a connection and asks no more", stays, IDLE_S, 200),
    Case("announces an attachment and sends none", awaits_attachments, ATTACHMENTS_S, None),
    Case("answers no close frame", answers_no_close, CLOSE_S, None),
    Case("upgrades and never probes", probes_nothing, UPGRADE_S, 101),
    Case("joins no namespace", joins_nothing, CONNECT_S, None),
)


@pytest.fixture(scope="module")
def endings(ports: dict[str, int]) -> Iterator[dict[tuple[str, str], Future[Ended]]]:
    with ThreadPoolExecutor(len(CASES) * len(ports)) as pool:
        yield {
            (case.name, where): pool.submit(case.act, port)
            for case in CASES
            for where, port in ports.items()
        }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_who_is_too_slow_is_ended_at_the_limit(
    endings: dict[tuple[str, str], Future[Ended]], where: str, case: Case
) -> None:
    ended = endings[case.name, where].result()
    assert ended.answer.closed, f"still open after {ended.after_s:.0f} s"
    assert case.limit_s - 1 <= ended.after_s <= case.limit_s + LATE_S
    if case.status is not None:
        assert ended.answer.status == case.status, ended.answer.data[:200]


def half_closed(port: int, data: bytes) -> Answer:
    with wire.dial(port) as peer:
        wire.put(peer, data)
        peer.shutdown(socket.SHUT_WR)
        return wire.take(peer, quiet_s=5)


def test_who_half_closes_gets_the_answer_and_the_end(port: int) -> None:
    answer = half_closed(port, request("/health"))
    assert answer.status == 200
    assert answer.closed


def test_half_a_request_and_an_end_is_no_request(port: int) -> None:
    answer = half_closed(port, request("/health")[:-2])
    assert answer.status in (None, 400)
    assert answer.closed


def test_a_half_closed_websocket_ends(port: int) -> None:
    with wire.open_websocket(port) as peer:
        peer.shutdown(socket.SHUT_WR)
        assert wire.take(peer, quiet_s=10).closed


def test_a_half_closed_post_ends_its_session(port: int) -> None:
    target = f"{HANDSHAKE}&sid={wire.open_polling(port, connect=False)}"
    answer = half_closed(port, request(target, "Content-Length: 10", method="POST", body=b"42"))
    assert answer.closed
    assert answer.status in (None, 400)


@pytest.fixture(scope="module")
def quick() -> Iterator[int]:
    """A node with a heartbeat that does not wait for long."""
    flags = ("--ping-interval", "300ms", "--ping-timeout", "300ms", "--log-level", "error")
    with program("mad-api", *flags) as (_, port):
        yield port


def test_who_answers_no_ping_is_closed_at_once(quick: int) -> None:
    """A close frame and the end of TCP with it: no handshake is awaited from who is gone."""
    with wire.open_websocket(quick) as peer:
        ended = until_closed(peer, time.monotonic())
    assert wire.Frames(ended.answer.data).texts[0] == "2"
    assert wire.Frames(ended.answer.data).close == 1005
    assert ended.after_s < CLOSE_S


def test_who_does_not_poll_is_gone(quick: int) -> None:
    target = f"{HANDSHAKE}&sid={wire.open_polling(quick)}"
    time.sleep(2)
    answer = wire.said(quick, posted(target, b"3", "Connection: close"))
    assert b'"code":1' in answer.body


def rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6


def sessions(port: int) -> int:
    lines = wire.said(port, request("/metrics", "Connection: close")).body.decode().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("mad_sessions ")))


@pytest.mark.parametrize("count", [5, 100])
def test_who_does_not_read_is_closed_and_costs_a_bounded_amount(count: int) -> None:
    """Consoles with a window of zero, while an agent sends 24 MB to each of them."""
    with (
        program("mad-api", "--max-packets-per-session", "0", "--log-level", "error") as (api, port),
        contextlib.ExitStack() as stack,
    ):
        for _ in range(count):
            peer = stack.enter_context(wire.open_websocket(port))
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wire.put(peer, wire.text('42["web_connected"]'))
        before = rss_mb(api.pid)
        fill = "x" * 12_000
        with wire.open_websocket(port) as agent:
            for n in range(2_000):
                event = "client_healthcheck" if n else "client_connected"
                record = (
                    f'{{"id":"big","health":{{"storage":1,"network":1}},"n":{n},"fill":"{fill}"}}'
                )
                wire.put(agent, wire.text(f'42["{event}",{record}]'))
                while select.select([agent], [], [], 0)[0] and agent.recv(1 << 20):
                    pass
            assert rss_mb(api.pid) - before < count * 4 + 20
            until = time.monotonic() + LATE_S
            while sessions(port) > 1:  # the agent's
                assert time.monotonic() < until, "those who do not read are still there"
                time.sleep(0.1)


def test_who_asks_and_never_reads_is_read_no_more(port: int) -> None:
    """Answers that are owed stop the reading: what is asked stays with who asks."""
    asked = wire.text('420["web_connected",{"v":2}]') * 200
    with wire.open_websocket(port) as peer:
        peer.settimeout(1)
        sent = 0
        try:
            while sent < 200_000_000:
                sent += peer.send(asked)
        except (TimeoutError, ConnectionResetError, BrokenPipeError):
            pass
    assert sent < 100_000_000


def test_a_reader_with_a_window_of_a_byte(port: int) -> None:
    """Reads an answer slowly to its end."""
    with wire.dial(port) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        wire.put(peer, request("/metrics", "Connection: close"))
        data = b""
        peer.settimeout(wire.LIMIT_S)
        while more := peer.recv(100):
            data += more
    assert data.startswith(b"HTTP/1.1 ")


def test_an_upgrade_byte_by_byte_is_served(port: int) -> None:
    with wire.dial(port) as peer:
        wire.put(peer, *(bytes([b]) for b in request(WEBSOCKET, *wire.UPGRADE)))
        assert wire.take(peer, until=b"maxPayload").status == 101
