"""Whatever is refused or ended is counted, by its reason: /metrics of a node."""

from __future__ import annotations

import contextlib
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest
import wire
from abuse_kit import program
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from wire import HANDSHAKE, WEBSOCKET, close_frame, frame, posted, request, text

Row = tuple[str, str]
"""A sample's name and its label's value."""


def counted(port: int) -> dict[Row, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        told = answer.read().decode()
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(told)  # type: ignore[no-untyped-call]
        for sample in family.samples
    }


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with program("mad-api", "--max-connections", "60") as (_, port):
        yield port


def overlapping(port: int) -> None:
    target = f"{HANDSHAKE}&sid={wire.open_polling(port)}"
    with wire.dial(port) as first, wire.dial(port) as second:
        wire.put(first, request(target))
        time.sleep(0.2)
        wire.put(second, request(target))
        wire.take(second)


def ended(*pieces: bytes) -> Callable[[int], None]:
    def end(port: int) -> None:
        with wire.open_websocket(port) as session:
            wire.put(session, *pieces)
            wire.take(session, until=b"\x88", limit_s=5)

    return end


def cut(port: int) -> None:
    wire.open_websocket(port).close()


def too_many(port: int) -> None:
    """One after the other is let in until there is no room."""
    with contextlib.ExitStack() as stack:
        for _ in range(80):
            stack.enter_context(wire.dial(port))
        time.sleep(0.5)
    time.sleep(0.5)


def says(data: bytes) -> Callable[[int], None]:
    def say(port: int) -> None:
        wire.said(port, data)

    return say


def closed(reason: str) -> Row:
    return ("mad_sessions_closed_total", reason)


def refused(reason: str) -> Row:
    return ("mad_requests_refused_total", reason)


def unread(status: int) -> Row:
    return ("mad_http_refused_total", str(status))


ROWS: dict[str, tuple[Callable[[int], None], Row]] = {
    "no request line": (says(b"GET\r\n\r\n"), unread(400)),
    "too many fields": (says(request("/", *[f"a{n}: 1" for n in range(300)])), unread(431)),
    "a target without end": (says(request("/" + "a" * 20_000)), unread(414)),
    "another version": (says(b"GET / HTTP/3.0\r\n\r\n"), unread(505)),
    "a session that is none": (says(request(HANDSHAKE + "&sid=none")), refused("session_unknown")),
    "a transport that is none": (
        says(request("/socket.io/?EIO=4&transport=smoke")),
        refused("transport_unknown"),
    ),
    "a revision that is none": (
        says(request("/socket.io/?EIO=9&transport=polling")),
        refused("unsupported_protocol"),
    ),
    "a handshake by POST": (says(posted(HANDSHAKE, b"40")), refused("bad_handshake_method")),
    "an upgrade without one": (says(request(WEBSOCKET)), refused("bad_request")),
    "two polls at once": (overlapping, closed("transport_error")),
    "a packet that is none": (ended(text("9")), closed("parse_error")),
    "a frame that is none": (ended(frame(b"a", 3)), closed("transport_error")),
    "a close": (ended(close_frame()), closed("transport_close")),
    "a session": (cut, ("mad_sessions_opened_total", "")),
    "a connection too many": (too_many, ("mad_connections_refused_total", "max_connections")),
}


@pytest.mark.parametrize("name", ROWS)
def test_it_is_counted(port: int, name: str) -> None:
    act, row = ROWS[name]
    before = counted(port).get(row, 0)
    act(port)
    for _ in range(100):
        if counted(port).get(row, 0) > before:
            return
        time.sleep(0.05)
    raise AssertionError(f"{row} is still {before}: {counted(port)}")
