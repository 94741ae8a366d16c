"""Bodies of polling sessions: wrong, doubled, cut, too large, of the other revision."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator

import pytest
import wire
from abuse_kit import program
from wire import HANDSHAKE, WEBSOCKET, posted, request

CLOSE = "Connection: close"
PROBE = b'420["web_connected",{"v":2}]'

WRONG = {
    "nothing": b"",
    "a separator": b"\x1e",
    "separators alone": b"\x1e" * 900_000,
    "an unknown type": b"9",
    "a letter": b"x",
    "a type over the digits": b":",
    "open": b"0",
    "close": b"1",
    "a ping, which is the server's": b"2",
    "a probe": b"2probe",
    "no base64": b"b!!!!",
    "base64 that is cut": b"bAAA",
    "base64 with padding inside": b"bA=AA",
    "base64 of the other alphabet": b"b-_-_",
    "no UTF-8": b"4\xff",
    "UTF-8 cut by a separator": b"4\xe2\x82\x1e4\xac",
    "a form of revision 3": b"b4AAAA",
    "lengths of revision 3": b"1:2",
    "binary of revision 3": b"\x01\x05\xff\x04\x01\x02\x03\x04",
    "the right, then the wrong": PROBE + b"\x1e9",
    "a separator in front": b"\x1e" + PROBE,
    "a separator behind": b"3\x1e",
    "two separators": b"3\x1e\x1e3",
    "a NUL": b"\0",
}


def ended(port: int, target: str) -> None:
    """The session is no more."""
    for _ in range(3):  # what was owed, and the close
        polled = wire.said(port, request(target, CLOSE))
        if polled.status == 400:
            break
    assert json.loads(polled.body)["code"] == 1, polled.data


def lives(port: int, target: str) -> None:
    assert wire.said(port, posted(target, PROBE, CLOSE)).status == 200
    answered(port, target)


def answered(port: int, target: str) -> None:
    for _ in range(20):  # samples of the healthy come, too
        polled = wire.said(port, request(target, CLOSE))
        assert polled.status == 200, polled.data
        if b"430[" in polled.body:
            return
    raise AssertionError("no answer to the probe")


@pytest.fixture
def target(port: int) -> str:
    return f"{HANDSHAKE}&sid={wire.open_polling(port)}"


@pytest.fixture
def silent(port: int) -> str:
    """Of a session that has joined no namespace: nothing ends its polls."""
    return f"{HANDSHAKE}&sid={wire.open_polling(port, connect=False)}"


@pytest.fixture(scope="module")
def single() -> Iterator[int]:
    """A node of one thread that also serves revision 3."""
    flags = ("--eio3", "on", "--threads", "1", "--log-level", "error")
    with program("mad-api", *flags) as (_, port):
        yield port


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut"])
def test_a_body_that_is_no_payload_ends_the_session(
    port: int, target: str, body: bytes, cut: bool
) -> None:
    whole = posted(target, body, CLOSE)
    at = len(whole) - len(body) // 2
    sent = wire.said(port, *((whole[:at], 0.05, whole[at:]) if cut else (whole,)))
    assert (sent.status, sent.body) == (200, b"ok")
    ended(port, target)


FINE = {
    "a pong": b"3",
    "an upgrade nobody probes": b"5",
    "a noop": b"6",
    "a thousand pongs": b"\x1e".join([b"3"] * 1_000),
    "900 events": b"\x1e".join([b'42["x"]'] * 900),
    "exactly the limit": b'42["x","' + b"y" * (1_000_000 - 10) + b'"]',
}


@pytest.mark.parametrize("body", FINE.values(), ids=FINE)
def test_a_body_that_is_odd_and_right(port: int, target: str, body: bytes) -> None:
    assert wire.said(port, posted(target, body, CLOSE)).body == b"ok"
    lives(port, target)


def test_a_body_in_chunks(port: int, target: str) -> None:
    pieces = b"".join(b"1\r\n" + bytes([b]) + b"\r\n" for b in PROBE) + b"0\r\n\r\n"
    sent = wire.said(
        port, request(target, "Transfer-Encoding: chunked", CLOSE, method="POST", body=pieces)
    )
    assert sent.status == 200
    answered(port, target)


def test_a_body_over_the_limit_is_refused_and_the_session_lives(port: int, target: str) -> None:
    assert wire.said(port, posted(target, b"4" * 1_000_001)).status == 413
    lives(port, target)


def test_a_binary_type_ends_the_session(port: int, target: str) -> None:
    sent = wire.said(
        port, posted(target, b"bAAAA", "Content-Type: application/octet-stream", CLOSE)
    )
    assert sent.status == 400
    ended(port, target)


def test_a_poll_beside_another_ends_the_session(port: int, silent: str) -> None:
    with wire.dial(port) as first:
        wire.put(first, request(silent, CLOSE), 0.2)
        assert wire.said(port, request(silent, CLOSE)).status == 400
        assert wire.take(first).body == b"1"
    ended(port, silent)


def test_a_post_beside_another_ends_the_session(single: int) -> None:
    target = f"{HANDSHAKE}&sid={wire.open_polling(single, connect=False)}"
    with wire.dial(single) as first:
        wire.put(first, request(target, "Content-Length: 10", method="POST", body=b"42"), 0.2)
        assert wire.said(single, posted(target, b"3", CLOSE)).status == 400
        assert wire.take(first).closed
    ended(single, target)


@pytest.mark.parametrize("reset", [False, True], ids=["end", "reset"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_leaves_in_the_middle_ends_the_session(single: int, method: str, reset: bool) -> None:
    target = f"{HANDSHAKE}&sid={wire.open_polling(single, connect=False)}"
    fields = ("Content-Length: 10",) if method == "POST" else ()
    with wire.dial(single) as first:
        wire.put(first, request(target, *fields, method=method), 0.2)
        if reset:
            first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.2)
    ended(single, target)


MISFITS = {
    "another revision": ("EIO=4", "EIO=3", "GET"),
    "no revision": ("EIO=4&", "", "GET"),
    "another transport": ("polling", "websocket", "GET"),
    "another transport, by POST": ("polling", "websocket", "POST"),
}


@pytest.mark.parametrize(("old", "new", "method"), MISFITS.values(), ids=MISFITS)
def test_what_does_not_fit_the_session_leaves_it_alone(
    port: int, target: str, old: str, new: str, method: str
) -> None:
    fields = ("Content-Length: 0",) if method == "POST" else ()
    answer = wire.said(port, request(target.replace(old, new), *fields, CLOSE, method=method))
    assert (answer.status, json.loads(answer.body)["code"]) == (400, 3)
    lives(port, target)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_leaves_the_session_alone(port: int, target: str, method: str) -> None:
    assert wire.said(port, request(target, "Content-Length: 0", CLOSE, method=method)).status == 500
    lives(port, target)


def sent_away(candidate: socket.socket) -> None:
    """The websocket is closed in order, by a frame without a code."""
    assert b"\x88\x00" in wire.take(candidate, until=b"\x88\x00").data
    wire.put(candidate, wire.close_frame(None))
    assert wire.take(candidate).closed


def test_a_second_websocket_of_a_session_is_sent_away(port: int) -> None:
    with wire.dial(port) as first:
        wire.put(first, request(WEBSOCKET, *wire.UPGRADE))
        opened = wire.take(first, until=b"maxPayload")
        sid = opened.body.split(b'"sid":"')[1].split(b'"')[0].decode()
        with wire.dial(port) as second:
            wire.put(second, request(f"{WEBSOCKET}&sid={sid}", *wire.UPGRADE))
            sent_away(second)
        wire.put(first, wire.text("40"))
        assert b"40{" in wire.take(first, until=b"40{").data


PROBES = {
    "a pong first": ("3",),
    "a message first": ('42["x"]',),
    "another probe": ("2probed",),
    "rubbish": ("~",),
    "a probe, then rubbish": ("2probe", "~"),
    "a probe, then the ping of a server": ("2probe", "2"),
}


@pytest.mark.parametrize("packets", PROBES.values(), ids=PROBES)
def test_a_failed_upgrade_leaves_polling_alone(
    port: int, target: str, packets: tuple[str, ...]
) -> None:
    with wire.dial(port) as candidate:
        upgrade = target.replace("polling", "websocket")
        wire.put(candidate, request(upgrade, *wire.UPGRADE), *(wire.text(p) for p in packets))
        sent_away(candidate)
    lives(port, target)


OLD = "/socket.io/?EIO=3&transport=polling"
OLD_WRONG = {
    "nothing": b"",
    "no length": b"42",
    "no colon": b"22",
    "a length without end": b"9" * 300 + b":2",
    "a length too large": b"5:2",
    "a length too small": b"1:2x",
    "a negative length": b"-1:2",
    "a length with a sign": b"+1:2",
    "a hexadecimal length": b"0x1:2",
    "a length with a blank": b" 1:2",
    "spaces in front": b" " * 100_000 + b"1:2",
    "an unknown type": b"1:9",
    "a pong, which is the server's": b"1:3",
    "base64 of nothing": b"2:b4!",
    "base64 that is wrong": b"6:b4!!!!",
    "base64 of an unknown type": b"6:b9AAAA",
    "cut in a character": b"3:4\xe2\x82",
    "half of a pair": b"2:4\xf0\x9f\x98\x80",
    "separators of revision 4": b"2\x1e2",
}
OLD_BINARY = {
    "nothing": b"",
    "an unknown kind": b"\x02\x01\xff\x32",
    "no length": b"\x00\xff2",
    "a length without end": b"\x00" + b"\x09" * 400,
    "a digit over nine": b"\x00\x0a\xff2",
    "a length too large": b"\x00\x05\xff2",
    "an unknown type": b"\x01\x02\xff\x09a",
    "no type": b"\x01\x00\xff",
    "no UTF-8": b"\x00\x02\xff4\xff",
}


def old_session(port: int) -> str:
    opened = wire.said(port, request(OLD, CLOSE))
    assert opened.status == 200
    sid = opened.body.split(b'"sid":"')[1].split(b'"')[0].decode()
    return f"{OLD}&sid={sid}"


@pytest.mark.parametrize("body", OLD_WRONG.values(), ids=OLD_WRONG)
def test_a_body_of_revision_3_that_is_no_payload(single: int, body: bytes) -> None:
    target = old_session(single)
    assert wire.said(single, posted(target, body, CLOSE)).body == b"ok"
    ended(single, target)


@pytest.mark.parametrize("body", OLD_BINARY.values(), ids=OLD_BINARY)
def test_a_binary_body_of_revision_3_that_is_no_payload(single: int, body: bytes) -> None:
    target = old_session(single)
    binary = "Content-Type: application/octet-stream"
    assert wire.said(single, posted(target, body, binary, CLOSE)).body == b"ok"
    ended(single, target)


@pytest.mark.parametrize("j", ["x", "<script>", "1;alert(1)", "1%0a", "__proto__", "-1", "1" * 100])
def test_a_callback_is_digits_or_nothing(single: int, j: str) -> None:
    """JSONP (`j`): what is asked for is never in the answer but for digits."""
    answer = wire.said(single, request(f"{OLD}&j={j.replace(' ', '%20')}", CLOSE))
    if answer.status == 400:
        assert json.loads(answer.body)["code"] == 3
        return
    assert answer.status == 200
    fields, _, body = answer.data.partition(b"\r\n\r\n")
    name = body.partition(b"(")[0]
    assert name.startswith(b"___eio[")
    assert name.endswith(b"]")
    assert name[7:-1].isdigit() or name[7:-1] == b""
    assert b"nosniff" in fields
    assert b"<script" not in body
