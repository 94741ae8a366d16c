"""What Python's values become on the wire, and what comes back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from socketio_kit import Seen

from mad.socketio import Client, Server

pytestmark = pytest.mark.usefixtures("module")


@pytest.fixture(scope="module")
def peer() -> Iterator[Client]:
    io = Server(max_payload=8_000_000)
    io.on("echo", lambda _sock, *args: args)
    with io, Client(io.url, transports=["websocket"]) as client:
        yield client


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -1,
        2**53 + 1,
        2**63 - 1,
        -(2**63),
        2**64 - 1,
        0.5,
        1e300,
        "",
        'quotes " and \\ and \n\x00\x1f',
        "ü € 𝄞 \u2028",
        b"",
        bytes(range(256)),
        [],
        {},
        [[], {}, [[b"deep", {"x": b"er"}]], b""],
        {"": 1, "a\nb": [None, {"c": 1.25}]},
        {"_placeholder": False, "num": 0},
    ],
)
def test_a_value_comes_back_as_it_was(peer: Client, value: Any) -> None:
    back = peer.call("echo", value)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("value", "back"),
    [
        (math.nan, None),
        (math.inf, None),
        (-math.inf, None),
        (1.0, 1),
        (-0.0, 0),
        ((1, (2,)), [1, [2]]),
        (bytearray(b"x"), b"x"),
        (memoryview(b"xyz")[1:], b"yz"),
        ("a\ud800b", "a\ufffdb"),
        ({"k\udfff": 1}, {"k\ufffd": 1}),
    ],
)
def test_what_json_cannot_say_becomes_what_is_nearest(peer: Client, value: Any, back: Any) -> None:
    assert peer.call("echo", value) == back


def test_arguments_keep_their_places_and_bytes_their_arguments(peer: Client) -> None:
    assert peer.call("echo", b"1", 2, [b"3"], "4") == (b"1", 2, [b"3"], "4")


def endless() -> list[Any]:
    held: list[Any] = []
    held.append(held)
    return held


@pytest.mark.parametrize(
    ("value", "error", "says"),
    [
        ({1: 2}, TypeError, "keys must be text, not int: 1"),
        ([{(1, 2): 3}], TypeError, "not tuple"),
        (2**64, OverflowError, "64 bits"),
        (-(2**63) - 1, OverflowError, "64 bits"),
        ([1 << 5000], OverflowError, "64 bits"),
        ({1, 2}, TypeError, "no JSON form for set"),
        (object(), TypeError, "no JSON form for object"),
        (endless(), ValueError, "nested deeper"),
        (memoryview(b"abcd")[::2], BufferError, "contiguous"),
    ],
)
def test_what_cannot_be_sent_is_said_at_once(
    peer: Client, value: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        peer.emit("echo", value)
    with pytest.raises(error, match=says):
        peer.call("echo", "first", value)


def test_a_large_message_comes_back(peer: Client) -> None:
    value = {"rows": [[n, f"name {n}", n / 8] for n in range(20_000)], "blob": b"x" * 900_000}
    assert peer.call("echo", value) == value


def test_a_message_over_the_limit_costs_its_connection() -> None:
    seen = Seen()
    io = Server(max_payload=1000)
    io.on("disconnect", lambda _sock, reason: seen(reason))
    with io, Client(io.url, transports=["websocket"], reconnection=False) as client:
        client.emit("x", "y" * 2000)
        assert seen.wait() == ["transport error"] or seen.now[0].startswith("transport")
