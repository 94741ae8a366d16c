"""What a node sees behind mad-proxy, and what mad-proxy makes of a node that answers wrongly.

The node is a few lines here that keep every byte they get and answer what the test says."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import wire
from abuse_kit import program
from wire import HANDSHAKE, KEY, UPGRADE, WEBSOCKET, request

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


class Node:
    """Answers probes; every other connection gets `answer` and is kept in `seen`."""

    def __init__(self) -> None:
        self.answer: bytes = OK
        """Nothing: stays silent."""
        self.held = threading.Event()
        """Answers only while this is set."""
        self.held.set()
        self.seen: list[bytearray] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                self._open.append(peer)
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            kept: bytearray | None = None
            head = b""
            while more := peer.recv(65_536):
                if kept is not None:
                    kept += more
                    continue
                head += more
                if b"\r\n\r\n" not in head:
                    continue
                if head.startswith((b"GET /ready ", b"GET /health ")):
                    peer.sendall(OK)
                    head = b""
                    continue
                kept = bytearray(head)
                self.seen.append(kept)
                self.held.wait(wire.LIMIT_S)
                peer.sendall(self.answer)
                if self.answer and not self.answer.startswith(b"HTTP/1.1 101 "):
                    peer.settimeout(0.1)  # what is left of the body, then the end

    def close(self) -> None:
        self.listener.close()
        for peer in self._open:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
            peer.close()


@pytest.fixture
def node() -> Iterator[Node]:
    made = Node()
    yield made
    made.close()


@pytest.fixture
def before(node: Node) -> Iterator[int]:
    """The port of a proxy before it that trusts nobody."""
    upstream = f"http://127.0.0.1:{node.port}"
    flags = (
        "--upstream",
        upstream,
        "--trust",
        "192.0.2.0/24",
        "--answer-timeout",
        "2s",
        "--log-level",
        "error",
    )
    with program("mad-proxy", *flags) as (_, port):
        until = time.monotonic() + wire.LIMIT_S
        while wire.said(port, request(HANDSHAKE, "Connection: close")).status != 200:
            assert time.monotonic() < until
            time.sleep(0.05)
        node.seen.clear()
        yield port


def seen(node: Node, port: int, *pieces: bytes) -> str:
    """The one request that the node got for these bytes."""
    answer = wire.said(port, *pieces)
    assert answer.status == 200, answer.data[:300]
    assert len(node.seen) == 1
    return node.seen[0].decode("latin-1")


def lines(text: str) -> list[str]:
    return text.partition("\r\n\r\n")[0].lower().split("\r\n")


DROPPED = (
    "Connection: close, X-Secret\r\nX-Secret: 1",
    "Keep-Alive: timeout=5",
    "TE: trailers",
    "Trailer: X",
    "Proxy-Authorization: Basic eDp5",
    "Proxy-Connection: keep-alive",
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABkAAQ",
    "X_Forwarded_For: 1.2.3.4",
    "X-Forwarded-For: 1.2.3.4",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: evil.example",
    "Forwarded: for=1.2.3.4",
    "X-Real-IP: 1.2.3.4",
    "Mad_Node: x",
    "Content_Length: 5",
)


@pytest.mark.parametrize("field", DROPPED, ids=lambda field: field.split(":")[0])
def test_what_a_stranger_says_of_the_way_does_not_reach_the_node(
    node: Node, before: int, field: str
) -> None:
    got = seen(node, before, request(HANDSHAKE, *field.split("\r\n")))
    for said in field.lower().split("\r\n"):
        assert said not in lines(got)
    assert "1.2.3.4" not in got
    assert "evil" not in got


def test_the_node_is_told_who_asks(node: Node, before: int) -> None:
    got = lines(seen(node, before, request(HANDSHAKE, host="mad.example:99")))
    assert "host: mad.example:99" in got
    assert "x-forwarded-for: 127.0.0.1" in got
    assert "x-forwarded-proto: http" in got
    assert sum(line.startswith("host:") for line in got) == 1


def test_what_is_the_client_s_own_arrives_as_it_was(node: Node, before: int) -> None:
    got = lines(
        seen(
            node, before, request(HANDSHAKE, "User-Agent: a  b", "X-Own: \xe4", "Cookie: a=1; b=2")
        )
    )
    assert "user-agent: a  b" in got
    assert "x-own: \xe4" in got
    assert "cookie: a=1; b=2" in got


def test_a_target_of_absolute_form_loses_its_authority(node: Node, before: int) -> None:
    got = seen(node, before, request(f"http://localhost{HANDSHAKE}"))
    assert got.startswith(f"GET {HANDSHAKE} HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "target",
    [
        f"http://other.example{HANDSHAKE}",
        f"https://localhost:1{HANDSHAKE}",
        "http://",
        "http:///x",
        "//x/socket.io/",
    ],
)
def test_a_target_of_another_authority_is_refused(node: Node, before: int, target: str) -> None:
    answer = wire.said(before, request(target))
    assert answer.status in (400, 404, 421), answer.data[:200]
    assert node.seen == []


SMUGGLED = request("/smuggled")


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (("Content-Length: 5", "Transfer-Encoding: chunked"), b"0\r\n\r\n" + SMUGGLED),
        (("Transfer-Encoding: xchunked", "Content-Length: 0"), SMUGGLED),
        (("Transfer-Encoding:\x0bchunked",), b"0\r\n\r\n" + SMUGGLED),
        (("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), b"0\r\n\r\n" + SMUGGLED),
        (("Content-Length: 0", "Content-Length: 44"), SMUGGLED),
        (("Content-Length: 0, 44",), SMUGGLED),
        (("Content-Length: +0",), SMUGGLED),
        (("Content-Length : 0",), SMUGGLED),
        (("Transfer-Encoding : chunked",), b"0\r\n\r\n" + SMUGGLED),
        (("X: a\nContent-Length: 0",), SMUGGLED),
        (("X: a\rTransfer-Encoding: chunked",), SMUGGLED),
        ((" Content-Length: 0",), SMUGGLED),
    ],
    ids=lambda value: value[0][:24] if isinstance(value, tuple) else "",
)
def test_nothing_is_smuggled_past(
    node: Node, before: int, fields: tuple[str, ...], body: bytes
) -> None:
    target = f"{HANDSHAKE}&sid=AAAAAAAAAAAAAAAAAAAA"
    answer = wire.said(before, request(target, *fields, method="POST", body=body))
    assert answer.status in (400, 501), answer.data[:200]
    assert answer.closed
    assert len(answer.statuses) == 1
    assert not any(b"smuggled" in got for got in node.seen)


def test_a_body_in_chunks_is_framed_anew(node: Node, before: int) -> None:
    """Extensions and odd sizes end here."""
    wire.said(before, request(HANDSHAKE))
    node.seen.clear()
    body = b"0003;a=b\r\nabc\r\n2 ;x\r\nde\r\n000\r\n\r\n"
    wire.said(before, request(HANDSHAKE, "Transfer-Encoding: chunked", method="POST", body=body))
    for got in node.seen:
        assert b";a=b" not in got
        assert b";x" not in got


WRONG_ANSWERS = {
    "rubbish": b"rubbish\r\n\r\n",
    "no version": b"200 OK\r\nContent-Length: 2\r\n\r\nok",
    "version 2": b"HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok",
    "a status of letters": b"HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\nok",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "length and chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a strange coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
    "a space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
    "a bare CR": b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nok",
    "a NUL": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok",
    "fields without end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 30_000,
    "a switch nobody asked for": SWITCHING,
}


@pytest.mark.parametrize("answer", WRONG_ANSWERS.values(), ids=WRONG_ANSWERS)
def test_a_wrong_answer_of_a_node_is_not_passed_on(node: Node, before: int, answer: bytes) -> None:
    node.answer = answer
    got = wire.said(before, request(HANDSHAKE), quiet_s=3)
    assert got.status in (502, 503), got.data[:200]


def test_an_answer_that_goes_wrong_in_its_body_is_cut(node: Node, before: int) -> None:
    node.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n"
    got = wire.said(before, request(HANDSHAKE), quiet_s=3)
    assert got.closed
    assert not got.data.endswith(b"0\r\n\r\n"), "it looks whole"
    assert b"xyz" not in got.data


def test_a_node_that_is_silent_is_given_up(node: Node, before: int) -> None:
    node.answer = b""
    assert wire.said(before, request(HANDSHAKE)).status in (502, 503, 504)


def test_frames_do_not_go_before_the_answer_of_the_node(node: Node, before: int) -> None:
    """What follows the request in its segment is kept until the node has switched."""
    node.answer = SWITCHING
    node.held.clear()
    with wire.dial(before) as peer:
        wire.put(peer, request(WEBSOCKET, *UPGRADE) + wire.text("40"), 0.3)
        assert len(node.seen) == 1
        assert node.seen[0].endswith(b"\r\n\r\n")
        node.held.set()
        assert wire.take(peer, until=b"\r\n\r\n").status == 101
        until = time.monotonic() + wire.LIMIT_S
        while not node.seen[0].endswith(wire.text("40")):
            assert time.monotonic() < until
            time.sleep(0.02)


@pytest.mark.parametrize(
    "answer",
    [
        SWITCHING.replace(b"s3pPLM", b"AAAAAA"),
        SWITCHING.replace(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", b""),
        SWITCHING.replace(b"Upgrade: websocket\r\n", b""),
        SWITCHING.replace(b"websocket", b"h2c"),
        SWITCHING.replace(b"Connection: Upgrade\r\n", b""),
    ],
    ids=["a wrong key", "no key", "no upgrade", "another upgrade", "no connection"],
)
def test_a_switch_that_is_wrong_makes_no_tunnel(node: Node, before: int, answer: bytes) -> None:
    node.answer = answer
    with wire.dial(before) as peer:
        wire.put(peer, request(WEBSOCKET, *UPGRADE) + wire.text("40"))
        got = wire.take(peer, quiet_s=1)
    assert got.status == 502, got.data[:200]
    assert not any(got.endswith(wire.text("40")) for got in node.seen)


def test_an_answer_instead_of_a_switch_is_an_answer(node: Node, before: int) -> None:
    node.answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
    with wire.dial(before) as peer:
        wire.put(peer, request(WEBSOCKET, *UPGRADE) + SMUGGLED)
        got = wire.take(peer, quiet_s=1)
    assert got.status == 403
    assert not any(b"smuggled" in got for got in node.seen)


def test_the_node_is_asked_for_a_websocket_in_our_words(node: Node, before: int) -> None:
    node.answer = SWITCHING
    with wire.dial(before) as peer:
        fields = (
            "Connection: keep-alive, UPGRADE, X-Gone",
            "Upgrade: WebSocket",
            *UPGRADE[2:],
            "X-Gone: 1",
        )
        wire.put(peer, request(WEBSOCKET, *fields))
        assert wire.take(peer, until=b"\r\n\r\n").status == 101
    got = lines(node.seen[0].decode())
    assert "connection: upgrade" in got
    assert "upgrade: websocket" in got
    assert f"sec-websocket-key: {KEY}".lower() in got
    assert "x-gone: 1" not in got


def test_cookies_that_are_not_ours_choose_nothing(before: int) -> None:
    for value in ("x", "a" * 4_000, "127.0.0.1:22", '"', "node.AAAA", "../../x"):
        answer = wire.said(before, request(HANDSHAKE, f"Cookie: mad_node={value}"))
        assert answer.status == 200
