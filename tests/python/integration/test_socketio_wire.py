"""What mad.socketio says on the wire when settings ask for it, and what it takes."""

from __future__ import annotations

import gzip
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from socketio_kit import LIMIT, Seen

import mad
from mad.socketio import Client, Compression, ConnectError, Server, TimedOutError

pytestmark = pytest.mark.usefixtures("module")

VALUE = {"b": b"\x00\xff", "t": "ü" * 2000, "l": [1, 2.5, None, True]}
POLL = "/socket.io/?EIO=4&transport=polling"


def get(url: str, **headers: str) -> tuple[bytes, Any]:
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=LIMIT) as answer:
        return answer.read(), answer.headers


def upgrade_answer(url: str, offer: str) -> str:
    """The head of the answer to a websocket that offers an extension."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), LIMIT) as wire:
        wire.sendall(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}:{port}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Sec-WebSocket-Extensions: {offer}\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += wire.recv(4096)
        return head.decode("latin-1").partition("\r\n\r\n")[0].lower()


@pytest.mark.parametrize(
    ("compression", "websocket", "http"),
    [
        (False, False, False),
        (True, True, True),
        (Compression(threshold=100_000), True, False),
        (Compression(threshold=1), True, True),
        (Compression(threshold=1, http=False), True, False),
        (Compression(threshold=1, websocket=False), False, True),
    ],
)
def test_a_server_compresses_what_it_is_told_to(
    compression: Compression | bool, websocket: bool, http: bool
) -> None:
    io = Server(compression=compression)
    io.on("connect", lambda sock: sock.emit("news", "x" * 5000))
    with io:
        head = upgrade_answer(io.url, "permessage-deflate")
        assert ("sec-websocket-extensions: permessage-deflate" in head) is websocket
        session = io.url + POLL + "&sid=" + get(io.url + POLL)[0].decode().split('"')[3]
        joining = urllib.request.Request(
            session, data=b"40", headers={"Content-Type": "text/plain"}
        )
        urllib.request.urlopen(joining, timeout=LIMIT).close()
        text = ""
        while "xxx" not in text:
            body, headers = get(session, **{"Accept-Encoding": "gzip"})
            zipped = headers["Content-Encoding"] == "gzip"
            text = (gzip.decompress(body) if zipped else body).decode()
        assert text.endswith('42["news","' + "x" * 5000 + '"]')
        assert zipped is http


@pytest.mark.parametrize("takeover", [False, True])
def test_a_client_offers_compression_and_gets_the_same_values(takeover: bool) -> None:
    squeezed = Compression(threshold=1, level=9, context_takeover=takeover)
    for offered in (False, squeezed):
        io = Server(compression=squeezed)
        io.on("echo", lambda _sock, *args: args)
        io.on("offer", lambda sock: sock.handshake.headers.get("sec-websocket-extensions", ""))
        seen = Seen()
        with io, Client(io.url, transports=["websocket"], compression=offered) as peer:
            peer.on("news", seen)
            assert peer.call("echo", VALUE, 1) == (VALUE, 1)
            assert ("permessage-deflate" in peer.call("offer")) is bool(offered)
            io.emit("news", VALUE)
            io.emit("news", VALUE, compress=False)
            assert seen.wait(2) == [VALUE, VALUE]


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]])
def test_both_ends_may_use_msgpack(transports: list[str]) -> None:
    io = Server(parser="msgpack", recovery=True)
    io.on("echo", lambda _sock, *args: args)
    io.on("ask", lambda sock: sock.call_blocking("question", b"?"))
    with io, Client(io.url, parser="msgpack", transports=transports) as peer:
        peer.on("question", lambda value: [value, None])
        assert peer.call("echo", VALUE, -1, 1.5) == (VALUE, -1, 1.5)
        assert peer.call("echo") is None
        assert peer.call("ask") == [b"?", None]
        assert io.call_blocking("question", 1) == [[1, None]]


def test_a_client_of_revision_3() -> None:
    io = Server(allow_eio3=True)
    io.on("echo", lambda _sock, *args: args)
    io.on("echo", lambda _sock, *args: args, namespace="/other")
    with io, Client(io.url, revision=3, namespaces=["/other"]) as peer:
        assert peer.call("echo", VALUE) == VALUE
        assert peer.call("echo", 1, 2, namespace="/other") == (1, 2)
        assert peer.sid("/other") == "/other#" + peer.sid()
    with Server() as io, pytest.raises(ConnectError):
        Client(io.url, revision=3, reconnection=False).connect()


def test_an_event_is_sent_until_it_is_answered() -> None:
    seen = Seen()
    io = Server(on_error=lambda *_: None)

    @io.on("x")
    def x(_sock: Any, n: int) -> str:
        seen(n)
        if len(seen.now) % 3:
            peer.drop_connection()
            raise RuntimeError("no answer this time")
        return "answer"

    with io:
        peer = Client(io.url, retries=2, reconnection_delay=0.01, transports=["websocket"])
        with peer:
            peer.emit("x", 1)
            assert peer.call("x", 2, timeout=0) == "answer"
            assert seen.now == [1, 1, 1, 2, 2, 2]
            with pytest.raises(TimedOutError):
                peer.call("nobody", timeout=0.01)


@pytest.mark.parametrize("own", [None, 0.1])
def test_answers_are_awaited_as_long_as_the_client_says(own: float | None) -> None:
    io = Server()
    io.on("never", lambda _sock: 1 / 0)
    with io, Client(io.url, ack_timeout=0.1) as peer, pytest.raises(TimedOutError):
        peer.call("never", timeout=own)


def test_one_call_may_wait_longer_than_the_others() -> None:
    go = threading.Event()
    io = Server(handler_threads=2)
    io.on("wait", lambda _sock: go.wait(LIMIT))
    with io, Client(io.url, ack_timeout=0.05) as peer:
        with pytest.raises(TimedOutError):
            peer.call("wait")
        threading.Timer(0.2, go.set).start()
        assert peer.call("wait", timeout=0) is True


def test_a_client_that_is_not_connected_keeps_so_much() -> None:
    seen = Seen()
    io = Server()
    io.on("x", lambda _sock, n: seen(n))
    with io:
        peer = Client(io.url, max_buffered_packets=2)
        for n in range(4):
            peer.emit("x", n)
        with peer:
            peer.emit("x", "end")
            assert seen.wait(3) == [0, 1, "end"]


@contextmanager
def http_proxy() -> Iterator[tuple[str, Seen]]:
    """Opens a way by CONNECT, and notes what comes: the request for it, then what goes through."""
    seen = Seen()

    def pump(source: socket.socket, to: socket.socket, note: bool) -> None:
        try:
            while data := source.recv(65536):
                if note:
                    seen(data.decode("latin-1"))
                to.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, to):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def serve(peer: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += peer.recv(4096)
        seen(head.decode("latin-1"))
        host, _, port = head.split()[1].decode().partition(":")
        with peer, socket.create_connection((host, int(port)), LIMIT) as target:
            peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=pump, args=(target, peer, False))
            back.start()
            pump(peer, target, True)
            back.join(LIMIT)

    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                peer, _ = door.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(peer,)))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as door:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"http://user:p%40ss@127.0.0.1:{door.getsockname()[1]}", seen
        finally:
            door.shutdown(socket.SHUT_RDWR)
            accepting.join(LIMIT)
            for thread in threads:
                thread.join(LIMIT)


@pytest.mark.parametrize("cookies", [False, True])
def test_a_proxy_and_a_balancers_cookie(cookies: bool) -> None:
    io = Server(cookie="node")
    io.on("echo", lambda _sock, *args: args)
    with io, http_proxy() as (proxy, seen):
        with Client(io.url, proxy=proxy, cookies=cookies, headers={"X-Who": "me"}) as peer:
            assert peer.call("echo", VALUE) == VALUE
        head = seen.now[0]
        assert head.startswith(f"CONNECT {io.url.removeprefix('http://')} HTTP/1.1\r\n")
        assert "proxy-authorization: basic dxnlcjpwqhnz" in head.lower()
        through = "".join(seen.now[1:])
        assert "X-Who: me\r\n" in through
        assert ("node=" in through) is cookies


def test_a_cookie_names_the_session() -> None:
    with Server(cookie="node") as io:
        body, headers = get(io.url + POLL)
        sid = body.decode().split('"')[3]
        assert headers["Set-Cookie"].startswith(f"node={sid}; ")
    with Server() as io:
        assert get(io.url + POLL)[1]["Set-Cookie"] is None


@pytest.mark.parametrize(
    ("trusted", "address", "secure"),
    [((), "127.0.0.1", False), (["loopback", "10.0.0.0/8"], "192.0.2.7", True)],
)
def test_the_word_of_a_proxy_counts_when_it_is_trusted(
    trusted: list[str], address: str, secure: bool
) -> None:
    io = Server(trusted_proxies=trusted)
    io.on("who", lambda sock: [sock.handshake.address, sock.handshake.secure])
    headers = {"X-Forwarded-For": "192.0.2.7, 10.1.2.3", "X-Forwarded-Proto": "https"}
    with io, Client(io.url, headers=headers) as peer:
        assert peer.call("who") == [address, secure]
        assert [s.handshake.secure for s in io.fetch_sockets_blocking()] == [secure]


def test_files_for_browsers_come_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "socket.io.js").write_text("client")
    with Server(client_folder=tmp_path) as io:
        assert get(io.url + "/socket.io/socket.io.js")[0] == b"client"
    with Server() as io, pytest.raises(urllib.error.HTTPError):
        get(io.url + "/socket.io/socket.io.js")


@pytest.mark.parametrize("jsonp", [False, True])
def test_jsonp_is_there_for_who_wants_it(jsonp: bool) -> None:
    with Server(jsonp=jsonp) as io:
        url = io.url + POLL + "&j=0"
        if not jsonp:
            with pytest.raises(urllib.error.HTTPError):
                get(url)
        else:
            assert get(url)[0].startswith(b"___eio[0](")


def test_a_peer_that_sends_too_fast_is_read_more_slowly_and_loses_nothing() -> None:
    seen = Seen()
    io = Server(max_packet_rate=5000)
    io.on("x", lambda _sock, n: seen(n))
    with io, Client(io.url, transports=["websocket"]) as peer:
        for n in range(2000):
            peer.emit("x", n)
        assert seen.wait(2000) == list(range(2000))


SETTINGS: list[tuple[type[Server | Client], dict[str, Any], str]] = [
    (Server, {"parser": "xml"}, "parser"),
    (Server, {"trusted_proxies": ["nonsense"]}, "nonsense"),
    (Server, {"cookie": "a b"}, "cookie"),
    (Server, {"max_packet_rate": -1}, "max_packet_rate"),
    (Server, {"compression": Compression(level=10)}, "level"),
    (Server, {"compression": Compression(window_bits=8)}, "window_bits"),
    (Client, {"parser": "xml"}, "parser"),
    (Client, {"revision": 5}, "revision"),
    (Client, {"proxy": "https://127.0.0.1:1"}, "URL|proxy"),
    (Client, {"ack_timeout": -1}, "ack_timeout"),
    (Client, {"compression": Compression(level=0)}, "level"),
]


@pytest.mark.parametrize(("kind", "settings", "says"), SETTINGS)
def test_settings_are_judged(kind: Any, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(mad.Error, match=f"(?i){says}"):
        kind("http://127.0.0.1:1" if kind is Client else 0, **settings)
