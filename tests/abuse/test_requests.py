"""HTTP that is wrong, ambiguous or too much."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
import wire
from wire import HANDSHAKE, UPGRADE, WEBSOCKET, posted, request

GONE = f"{HANDSHAKE}&sid=AAAAAAAAAAAAAAAAAAAA"


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    pieces: tuple[bytes | float, ...]
    status: tuple[int, ...]
    """One of these is the first answer."""
    code: int | None = None
    """Of the engine's JSON."""
    ends: bool = False
    """The connection is not used again."""


def engine(name: str, target: str, code: int, *fields: str, method: str = "GET") -> Case:
    return Case(name, (request(target, *fields, method=method),), (400,), code)


def raw(name: str, data: bytes, *status: int) -> Case:
    return Case(name, (data,), status, ends=True)


def with_body(name: str, fields: tuple[str, ...], body: bytes, *status: int) -> Case:
    return raw(name, request(GONE, *fields, method="POST", body=body), *status)


def chunked(name: str, body: bytes, *status: int) -> Case:
    return with_body(name, ("Transfer-Encoding: chunked",), body, *status)


def engine_path(transport: str) -> str:
    return f"/socket.io/?EIO=4&transport={transport}"


ENGINE = (
    *(
        engine(f"transport {value!r}", engine_path(value), 0)
        for value in (
            *("", "foo", "__proto__", "constructor", "toString", "hasOwnProperty", "WEBSOCKET"),
            *("polling,websocket", "polling%20", "%00", "poll%C3%AFng", "websocket%00", "0"),
        )
    ),
    engine("no transport", "/socket.io/?EIO=4", 0),
    engine("no query", "/socket.io/", 0),
    *(
        engine(f"revision {value!r}", f"/socket.io/?EIO={value}&transport=polling", 5)
        for value in (
            *("", "0", "1", "2", "3", "5", "04", "4x", "x4", "-4", "%2B4", "4.0", "4%20", "44"),
            *("99999999999999999999", "__proto__", "%00", "four"),
        )
    ),
    engine("no revision", "/socket.io/?transport=polling", 5),
    *(
        engine(f"session {value[:24]!r}", f"{HANDSHAKE}&sid={value}", 1)
        for value in (
            *(
                "x",
                "__proto__",
                "constructor",
                "toString",
                "A" * 20,
                "A" * 19,
                "A" * 21,
                "A" * 2000,
            ),
            *("%00", "..%2F..%2Fetc", "-", "%F0%9F%98%80", "'%20OR%201=1", "%3Cscript%3E", "null"),
        )
    ),
    engine("post to an unknown session", GONE, 1, "Content-Length: 0", method="POST"),
    *(
        engine(f"handshake by {method}", HANDSHAKE, 2, "Content-Length: 0", method=method)
        for method in ("POST", "PUT", "DELETE", "PATCH")
    ),
    engine("websocket without upgrade", WEBSOCKET, 3),
)

FRAMING = (
    with_body(
        "length and chunked", ("Content-Length: 1", "Transfer-Encoding: chunked"), b"0\r\n\r\n", 400
    ),
    with_body(
        "chunked and length", ("Transfer-Encoding: chunked", "Content-Length: 5"), b"0\r\n\r\n", 400
    ),
    with_body("two lengths", ("Content-Length: 1", "Content-Length: 2"), b"11", 400),
    with_body("two lengths in one", ("Content-Length: 1, 2",), b"11", 400),
    *(
        with_body(f"length {value!r}", (f"Content-Length: {value}",), b"1", 400, 413)
        for value in ("+1", "-1", "", "0x1", "1x", "1 1", "1.0", "9" * 30, "\u00b9", "1;1", "one")
    ),
    *(
        with_body(f"coding {value!r}", (f"Transfer-Encoding: {value}",), b"0\r\n\r\n", 400, 501)
        for value in (
            *(
                "xchunked",
                "chunked, identity",
                "identity",
                "gzip",
                "",
                "chunked, chunked",
                "chunke",
            ),
            *("gzip, chunked", "\x0bchunked", "chunked;q=1", '"chunked"', "identity, chunked"),
        )
    ),
    with_body(
        "two codings",
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        b"0\r\n\r\n",
        400,
        501,
    ),
    with_body(
        "two codings, one strange",
        ("Transfer-Encoding: chunked", "Transfer-Encoding: x"),
        b"0\r\n\r\n",
        400,
        501,
    ),
    *(
        chunked(f"chunk {body[:20]!r}", body, 400)
        for body in (
            *(b"g\r\n", b"-1\r\n\r\n", b"+1\r\n1\r\n0\r\n\r\n", b"0x1\r\n1\r\n0\r\n\r\n"),
            *(b"ffffffffffffffffff\r\n", b"1\r\n12\r\n0\r\n\r\n", b"\r\n1\r\n"),
            *(b" 1\r\n1\r\n0\r\n\r\n", b"1\n1\n0\n\n"),
        )
    ),
    chunked("chunk extension of 5 KB", b"1;" + b"x" * 5_000 + b"\r\n1\r\n0\r\n\r\n", 400),
    chunked("trailers of 5 KB", b"1\r\n1\r\n0\r\nA: " + b"x" * 5_000 + b"\r\n\r\n", 400),
    chunked("a trailer of 70 KB", b"1\r\n1\r\n0\r\nA: " + b"x" * 70_000 + b"\r\n\r\n", 400),
    chunked("many trailers", b"0\r\n" + b"A: 1\r\n" * 2_000 + b"\r\n", 400),
    with_body("a length over a megabyte", ("Content-Length: 1000001",), b"", 413),
    with_body("a length over a terabyte", ("Content-Length: 1099511627776",), b"", 413),
    chunked("a chunk over a megabyte", b"F4241\r\n" + b"x" * 1_000_001 + b"\r\n0\r\n\r\n", 413),
)

HEADS = (
    raw("space before the colon", b"GET /health HTTP/1.1\r\nHost : localhost\r\n\r\n", 400),
    raw("a NUL in a field", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n", 400),
    raw("a NUL in a name", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX\0Y: a\r\n\r\n", 400),
    raw("a bare CR", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n", 400),
    raw("lines of LF", b"GET /health HTTP/1.1\nHost: localhost\n\n", 400),
    raw("a name with a space", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX Y: a\r\n\r\n", 400),
    raw("an empty name", b"GET /health HTTP/1.1\r\nHost: localhost\r\n: a\r\n\r\n", 400),
    raw("no colon", b"GET /health HTTP/1.1\r\nHost: localhost\r\nnothing\r\n\r\n", 400),
    raw(
        "a line that begins with a colon", b"GET /health HTTP/1.1\r\n:Host: localhost\r\n\r\n", 400
    ),
    raw("no host", b"GET /health HTTP/1.1\r\n\r\n", 400),
    raw("two hosts", b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
    raw("two different hosts", b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: b\r\n\r\n", 400),
    *(
        raw(
            f"version {version!r}",
            f"GET /health {version}\r\nHost: localhost\r\n\r\n".encode(),
            400,
            505,
        )
        for version in (
            "HTTP/1.2",
            "HTTP/2.0",
            "HTTP/0.9",
            "HTTP/11",
            "HTTP/1",
            "http/1.1",
            "HTTP/1.1x",
            "TTP/1.1",
            "",
        )
    ),
    *(
        raw(f"request line {line[:16]!r}", line + b"\r\nHost: localhost\r\n\r\n", 400)
        for line in (
            *(b"GET", b"GET  HTTP/1.1", b" GET /health HTTP/1.1", b"GET\t/health\tHTTP/1.1"),
            *(b"GET /a b HTTP/1.1", b"GET /\x00 HTTP/1.1", b"G\x01T / HTTP/1.1", b"G(T / HTTP/1.1"),
            *(b"GET /health HTTP/1.1 x", b"\x16\x03\x01\x02\x00\x01", b"\x80\x80\x80\x80"),
        )
    ),
    raw("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505),
    raw("a target of 9 KB", request("/health?" + "x" * 9_000), 414),
    raw("a field of 17 KB", request("/health", "X: " + "x" * 17_000), 431),
    raw("101 fields", request("/health", *(f"X{i}: 1" for i in range(101))), 431),
    raw("1,500 small fields", request("/health", *("a:" for _ in range(1_500))), 431),
    raw(
        "a head without end",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000,
        431,
    ),
    raw("a target without end", b"GET /" + b"x" * 100_000, 414, 431),
)

UPGRADES = (
    *(
        Case(name, (request(WEBSOCKET, *fields),), status)
        for name, fields, status in (
            ("no key", (UPGRADE[0], UPGRADE[1], UPGRADE[3]), (400,)),
            ("an empty key", (*UPGRADE[:2], "Sec-WebSocket-Key: ", UPGRADE[3]), (400,)),
            ("a short key", (*UPGRADE[:2], "Sec-WebSocket-Key: AAAA", UPGRADE[3]), (400,)),
            (
                "a key of 17 bytes",
                (*UPGRADE[:2], "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA=", UPGRADE[3]),
                (400,),
            ),
            (
                "a key that is no base64",
                (*UPGRADE[:2], "Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!==", UPGRADE[3]),
                (400,),
            ),
            ("two keys", (*UPGRADE, f"Sec-WebSocket-Key: {wire.KEY}"), (400,)),
            ("version 8", (*UPGRADE[:3], "Sec-WebSocket-Version: 8"), (400, 426)),
            ("version 14", (*UPGRADE[:3], "Sec-WebSocket-Version: 14"), (400, 426)),
            ("no version", UPGRADE[:3], (400, 426)),
            ("another upgrade", ("Connection: Upgrade", "Upgrade: h2c", *UPGRADE[2:]), (400,)),
            ("no Connection", UPGRADE[1:], (400,)),
            ("Connection: close", ("Connection: close", *UPGRADE[1:]), (400,)),
        )
    ),
    Case("HTTP/1.0", (request(WEBSOCKET, *UPGRADE, version="1.0"),), (400, 505)),
    Case(
        "of an unknown session",
        (request(f"{WEBSOCKET}&sid=AAAAAAAAAAAAAAAAAAAA", *UPGRADE),),
        (400,),
    ),
    Case("by POST", (request(WEBSOCKET, *UPGRADE, "Content-Length: 0", method="POST"),), (400,)),
    Case("by PUT", (request(WEBSOCKET, *UPGRADE, "Content-Length: 0", method="PUT"),), (400,)),
    Case(
        "of a strange origin",
        (request(WEBSOCKET, *UPGRADE, "Origin: http://evil.example"),),
        (403,),
    ),
    Case("of origin null", (request(WEBSOCKET, *UPGRADE, "Origin: null"),), (403,)),
    Case(
        "polling of a strange origin",
        (request(HANDSHAKE, "Origin: http://evil.example"),),
        (403,),
        4,
    ),
    Case("rebinding: another host", (request(HANDSHAKE, host="evil.example"),), (403,), 4),
)

CASES = (*ENGINE, *FRAMING, *HEADS, *UPGRADES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_request_that_is_refused(port: int, case: Case) -> None:
    answer = wire.said(port, *case.pieces, quiet_s=0.3)
    assert answer.status in case.status, answer.data[:300]
    assert len(answer.statuses) == 1, answer.data[:600]
    if case.code is not None:
        said = json.loads(answer.body)
        assert said["code"] == case.code
        assert b"content-type: application/json" in answer.data.lower()
    if case.ends:
        assert answer.closed, "what follows would be read as another request"


FINE = (
    ("a plain one", (request("/health"),), 1),
    ("two in one segment", (request("/health") * 2,), 2),
    ("twenty in one segment", (request("/health") * 20,), 20),
    ("byte by byte", tuple(bytes([b]) for b in request("/health")), 1),
    ("two empty lines in front", (b"\r\n\r\n" + request("/health"),), 1),
    ("100 fields", (request("/health", *(f"X{i}: 1" for i in range(98))),), 1),
    ("a field of 12 KB", (request("/health", "X: " + "x" * 12_000),), 1),
    ("a lower-case host", (b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n",), 1),
)


@pytest.mark.parametrize(
    ("pieces", "count"), [one[1:] for one in FINE], ids=[one[0] for one in FINE]
)
def test_a_request_that_is_answered(port: int, pieces: tuple[bytes, ...], count: int) -> None:
    answer = wire.said(port, *pieces)
    assert answer.statuses == [200] * count, answer.data[:300]


def test_what_was_sent_is_in_no_error(port: int) -> None:
    mark = b"5up3rs3cr3t"
    for target in (
        f"/socket.io/?EIO=4&transport={mark.decode()}",
        f"{HANDSHAKE}&sid={mark.decode()}",
        f"/{mark.decode()}",
    ):
        assert mark not in wire.said(port, request(target)).data


def test_smuggled_requests_are_not_answered(port: int) -> None:
    """What stands behind a body of doubtful length is not a request."""
    hidden = request("/health", "X-Hidden: 1")
    for fields in (
        ("Content-Length: 0", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: xchunked",),
        ("Content-Length: 0", "Content-Length: 100"),
    ):
        answer = wire.said(port, request(GONE, *fields, method="POST", body=hidden))
        assert len(answer.statuses) == 1, answer.data
        assert answer.closed


def test_a_post_larger_than_its_length_is_two_requests_of_which_one_is_wrong(port: int) -> None:
    answer = wire.said(port, posted(GONE, b"1"), b"xxxx\r\n\r\n")
    assert answer.statuses == [400, 400]
    assert answer.closed
