"""mad.socketio with peers of others: socket.io and socket.io-client in Node, python-socketio."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from socketio_kit import LIMIT, ROOT, Seen, program

from mad.socketio import AsyncClient, Client, ConnectError, ConnectionRefusedError, Server, Socket

pytestmark = pytest.mark.usefixtures("module")

TRANSPORTS = (["polling"], ["websocket"], ["polling", "websocket"])
VALUE = {"text": "ü\n", "list": [1, 2.5, None, True], "bytes_in": {"bytes": "00ff"}}


@pytest.fixture(scope="session")
def node() -> str:
    found = shutil.which("node")
    if found is None or not (ROOT / "tests/conformance/node_modules/socket.io-client").is_dir():
        pytest.skip("no node, or no socket.io-client: npm ci in tests/conformance")
    return found


class NodePeer:
    """socket.io-client, told what to do."""

    def __init__(self, say: Callable[[str], str]) -> None:
        self._say = say

    def do(self, *command: Any) -> Any:
        """Has it done, and gives what it says next."""
        return json.loads(self._say(json.dumps(command)))

    def next(self) -> Any:
        return json.loads(self._say(""))


PEER = Path(__file__).with_name("socketio_peer.mjs")


@contextmanager
def node_client(
    node: str, package: str = "socket.io-client", **settings: Any
) -> Iterator[NodePeer]:
    with program(node, PEER, "client", package, json.dumps(settings)) as say:
        yield NodePeer(say)


@contextmanager
def serving(node: str, package: str = "socket.io", **settings: Any) -> Iterator[str]:
    with program(node, PEER, "server", package, json.dumps(settings)) as say:
        yield json.loads(say(""))


@pytest.fixture
def node_server(node: str) -> Iterator[str]:
    with serving(node) as url:
        yield url


@pytest.fixture
def io() -> Iterator[Server]:
    server = Server()

    @server.on("connect")
    def connect(sock: Socket) -> None:
        if why := sock.handshake.auth.get("refuse"):
            raise ConnectionRefusedError("refused", {"why": why})

    server.on("echo", lambda _sock, *args: args)
    server.on("room", lambda sock, room: sock.join(room))
    server.on("leave", lambda sock: sock.disconnect())

    @server.on("ask")
    async def ask(sock: Socket, value: Any) -> Any:
        return await sock.call("question", value)

    @server.on("ask many")
    def ask_many(sock: Socket) -> Any:
        return list(sock.call_blocking("many"))

    @server.on("burst")
    def burst(sock: Socket, count: int) -> None:
        for n in range(count):
            sock.emit("number", n)

    with server:
        yield server


@pytest.mark.parametrize("transports", TRANSPORTS)
def test_a_node_client_and_our_server(io: Server, node: str, transports: list[str]) -> None:
    with node_client(node) as peer:
        assert peer.do("connect", io.url, {"transports": transports}) == ["connect"]
        assert peer.do("call", "echo", VALUE, {"bytes": "01"}, 3) == [
            "answer",
            VALUE,
            {"bytes": "01"},
            3,
        ]
        assert peer.do("call", "echo") == ["answer"]
        assert peer.do("call", "ask", VALUE) == ["answer", VALUE]
        assert peer.do("call", "ask many") == ["answer", [1, "two"]]
        assert peer.do("call", "room", "r") == ["answer"]
        io.emit("news", b"\x07", to="r")
        assert peer.next() == ["news", {"bytes": "07"}]
        peer_numbers = [peer.do("emit", "burst", 500)] + [peer.next() for _ in range(499)]
        assert peer_numbers == [["number", n] for n in range(500)]
        assert peer.do("drop") == ["disconnect", "forced close"]
    with node_client(node) as peer:
        assert peer.do("connect", io.url, {"auth": {"refuse": 1}}) == [
            "connect_error",
            "refused",
            {"why": 1},
        ]
    with node_client(node) as peer:
        assert peer.do("connect", io.url + "/nowhere", {}) == [
            "connect_error",
            "Invalid namespace",
            None,
        ]


def test_a_node_client_is_sent_away(io: Server, node: str) -> None:
    gone = Seen()
    io.on("disconnect", lambda _sock, reason: gone(reason))
    with node_client(node) as peer:
        peer.do("connect", io.url, {})
        assert peer.do("emit", "leave") == ["disconnect", "io server disconnect"]
        assert gone.wait() == ["server namespace disconnect"]


@pytest.mark.parametrize("package", ["socket.io-client-2.3", "socket.io-client-2.5"])
def test_a_client_of_socketio_2_where_it_is_allowed(node: str, package: str) -> None:
    if not (ROOT / "tests/conformance/node_modules" / package).is_dir():
        pytest.skip(f"no {package}: npm ci in tests/conformance")
    with Server(allow_eio3=True) as io, node_client(node, package) as peer:
        io.on("echo", lambda _sock, *args: args)
        assert peer.do("connect", io.url, {}) == ["connect"]
        assert peer.do("call", "echo", VALUE, 3) == ["answer", VALUE, 3]
        io.emit("news", b"\x07", 1)
        assert peer.next() == ["news", {"bytes": "07"}, 1]
    with Server() as io, node_client(node, package) as peer:
        assert peer.do("connect", io.url, {})[0] == "connect_error"


def test_a_node_client_of_another_origin(node: str) -> None:
    with Server(check_origin=True) as io, node_client(node) as peer:
        headers = {"extraHeaders": {"Origin": "https://elsewhere.test"}}
        assert peer.do("connect", io.url, headers)[0] == "connect_error"
    with Server(cors_origins=["https://elsewhere.test"]) as io, node_client(node) as peer:
        assert peer.do("connect", io.url, headers) == ["connect"]


@pytest.mark.parametrize("transports", TRANSPORTS)
def test_our_client_and_a_node_server(node_server: str, transports: list[str]) -> None:
    welcome, numbers = Seen(), Seen()
    client = Client(
        node_server,
        auth={"a": [1]},
        headers={"X-Test": "yes"},
        transports=transports,
        namespaces=["/other"],
    )
    client.on("welcome", welcome)
    client.on("welcome", welcome, namespace="/other")
    client.on("number", numbers)
    client.on("question", lambda value: value)
    value = {"bytes": b"\x00\xff", "list": [1, 2.5, None, True], "text": "ü"}
    with client:
        assert sorted(welcome.wait(2)) == [("/", {"a": [1]}, "yes"), ("/other", {"a": [1]}, "yes")]
        assert client.call("echo", value, b"\x01", 3) == (value, b"\x01", 3)
        assert client.call("echo", "there", namespace="/other") == "there"
        assert client.call("ask", value) == value
        client.emit("burst", 500)
        assert numbers.wait(500) == list(range(500))
    with pytest.raises(ConnectError) as caught:
        Client(node_server, auth={"refuse": 1}).connect()
    assert (str(caught.value), caught.value.data) == ("refused", {"why": 1})


def test_our_client_comes_back_to_a_node_server(node_server: str) -> None:
    seen = Seen()
    client = Client(node_server, reconnection_delay=0.01)
    client.on("welcome", lambda *_: seen("welcome"))
    client.on("disconnect", lambda reason: seen(reason))
    with client:
        seen.wait(1)
        client.emit("drop")
        assert seen.wait(3) == ["welcome", "transport close", "welcome"]
        client.emit("leave")
        assert seen.wait(4)[3] == "io server disconnect"
        assert client.wait(LIMIT)


def test_a_node_client_comes_back_to_our_server_as_it_was(node: str) -> None:
    missed = Seen()
    io = Server(recovery=True)
    io.on("connect", lambda sock: None if sock.recovered else sock.join("all"))

    @io.on("disconnect")
    def disconnect(_sock: Socket) -> None:
        io.emit("news", "missed", to="all")
        missed(1)

    with io, node_client(node) as peer:
        peer.do("connect", io.url, {"transports": ["websocket"]})
        io.emit("news", "first", to="all")
        assert peer.next()[:2] == ["news", "first"]
        recovered, sid = peer.do("recovered")
        assert recovered is False
        assert peer.do("drop") == ["disconnect", "forced close"]
        missed.wait()
        said = [peer.next()[:2] for _ in range(2)]
        assert sorted(said) == [["connect"], ["news", "missed"]]
        assert peer.do("recovered") == [True, sid]


def test_our_client_comes_back_to_a_node_server_as_it_was(node: str) -> None:
    news = Seen()
    with serving(node, connectionStateRecovery={"maxDisconnectionDuration": 60_000}) as url:
        client = Client(url, reconnection_delay=0.05, transports=["websocket"])
        client.on("news", lambda text, *_: news(text))
        with client:
            client.emit("news later", "missed")
            client.call("echo")
            sid = client.sid()
            client.drop_connection()
            assert news.wait() == ["missed"]
            client.call("echo")
            assert (client.recovered(), client.sid()) == (True, sid)


@pytest.mark.parametrize("transports", TRANSPORTS)
def test_msgpack_with_node(node: str, transports: list[str]) -> None:
    parser = "socket.io-msgpack-parser"
    io = Server(parser="msgpack")
    io.on("echo", lambda _sock, *args: args)
    with io, node_client(node, parser=parser) as peer:
        assert peer.do("connect", io.url, {"transports": transports}) == ["connect"]
        assert peer.do("call", "echo", VALUE, 3) == ["answer", VALUE, 3]
        assert io.call_blocking("question", b"1") == [b"1"]
    value = {"bytes": b"\x00\xff", "list": [1, 2.5, None, True], "text": "ü"}
    with (
        serving(node, parser=parser) as url,
        Client(url, parser="msgpack", transports=transports) as client,
    ):
        client.on("question", lambda value: value)
        assert client.call("echo", value, b"\x01", 3) == (value, b"\x01", 3)
        assert client.call("ask", value) == value


@pytest.mark.parametrize("transports", TRANSPORTS)
def test_our_client_of_revision_3_and_a_node_server_2(node: str, transports: list[str]) -> None:
    errors, welcome = Seen(), Seen()
    with serving(node, "socket.io-2") as url:
        client = Client(url, revision=3, transports=transports, namespaces=["/other"])
        client.on("error", lambda message, data: errors((message, data)))
        client.on("welcome", lambda nsp, *_: welcome(nsp))
        client.on("welcome", lambda nsp, *_: welcome(nsp), namespace="/other")
        with client:
            assert sorted(welcome.wait(2)) == ["/", "/other"]
            assert client.call("echo", {"b": b"1"}, 2) == ({"b": b"1"}, 2)
            client.emit("forbidden")
            assert errors.wait() == [("forbidden", None)]


@pytest.mark.parametrize("transports", TRANSPORTS)
def test_a_client_of_python_socketio_and_our_server(
    io: Server, transports: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    socketio = pytest.importorskip("socketio")
    # It takes 16 packets in one polling body, whoever sends them.
    monkeypatch.setattr(pytest.importorskip("engineio").payload.Payload, "max_decode_packets", 1000)

    async def main() -> None:
        numbers: list[int] = []
        full = asyncio.Event()
        peer = socketio.AsyncClient()

        async def number(n: int) -> None:
            numbers.append(n)
            if len(numbers) == 500:
                full.set()

        peer.on("number", number)
        peer.on("question", lambda value: value)
        peer.on("many", lambda: (1, "two"))
        await peer.connect(io.url, transports=transports, auth={"a": 1})
        value = {"bytes": b"\x00\xff", "list": [1, 2.5, None, True]}
        assert await peer.call("echo", value) == value
        assert await peer.call("echo", (1, b"2")) == (1, b"2")
        assert await peer.call("ask", value) == value
        assert await peer.call("ask many") == [1, "two"]
        await peer.emit("burst", 500)
        await asyncio.wait_for(full.wait(), LIMIT)
        assert numbers == list(range(500))
        await peer.disconnect()
        refused = socketio.AsyncClient(reconnection=False)
        with pytest.raises(socketio.exceptions.ConnectionError):
            await refused.connect(io.url, auth={"refuse": 1}, transports=transports)
        await refused.disconnect()
        await asyncio.sleep(0)

    asyncio.run(main())


def test_our_async_client_and_a_server_of_python_socketio() -> None:
    socketio = pytest.importorskip("socketio")
    from aiohttp import web

    async def main() -> None:
        server = socketio.AsyncServer(async_mode="aiohttp")
        application = web.Application()
        server.attach(application)

        async def connect(sid: str, _environ: Any, auth: Any) -> None:
            if auth and auth.get("refuse"):
                raise socketio.exceptions.ConnectionRefusedError("refused", auth["refuse"])
            await server.emit("welcome", auth, to=sid)

        async def echo(_sid: str, *args: Any) -> Any:
            return args

        async def ask(sid: str, value: Any) -> Any:
            return await server.call("question", value, to=sid)

        for handler in (connect, echo, ask):
            server.event(handler)
        runner = web.AppRunner(application, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            for transports in TRANSPORTS:
                welcome: asyncio.Queue[Any] = asyncio.Queue()
                peer = AsyncClient(url, auth={"n": 1}, transports=transports)
                peer.on("welcome", welcome.put)
                peer.on("question", lambda value: value)
                async with peer:
                    assert await asyncio.wait_for(welcome.get(), LIMIT) == {"n": 1}
                    assert await peer.call("echo", b"1", {"x": [b"2"]}) == (b"1", {"x": [b"2"]})
                    assert await peer.call("ask", "why") == "why"
            with pytest.raises(ConnectError) as caught:
                await AsyncClient(url, auth={"refuse": "data"}).connect()
            assert (str(caught.value), caught.value.data) == ("refused", "data")
        finally:
            await runner.cleanup()

    asyncio.run(main())


def test_the_example(node: str) -> None:
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    server = subprocess.Popen(
        [sys.executable, "-W", "error", ROOT / "examples/python_server.py", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert server.stdout is not None
    try:
        ready = server.stdout.readline()
        assert re.fullmatch(r"ready http://127\.0\.0\.1:\d+\n", ready)
        done = subprocess.run(
            [node, ROOT / "examples/node_client.mjs", ready.split()[1]],
            cwd=ROOT / "tests/conformance",
            capture_output=True,
            text=True,
            timeout=LIMIT * 2,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [
            'refused: a name is needed {"field":"name"}',
            "in the room: 1",
            "in the room: 2",
            "Bob came to the garden",
            "Bob in the garden: Hello!",
            "votes: yes",
            "checksum: 0",
            "Bob speaks JavaScript",
        ]
        left = sorted(server.stdout.readline() for _ in range(2))
        assert left == [f"{name} left: client namespace disconnect\n" for name in ("Ann", "Bob")]
        server.send_signal(signal.SIGINT)
        assert server.wait(LIMIT) == 0
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
