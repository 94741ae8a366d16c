"""mad.socketio.Server, with mad's own client as the peer."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from socketio_kit import LIMIT, Seen

import mad
from mad.socketio import (
    AsyncClient,
    Client,
    ConnectError,
    ConnectionRefusedError,
    Namespace,
    Server,
    Socket,
    TimedOutError,
)

pytestmark = pytest.mark.usefixtures("module")


@pytest.fixture
def io() -> Iterator[Server]:
    with Server() as server:
        yield server


def test_the_return_value_of_a_function_is_the_answer(io: Server) -> None:
    io.on("none", lambda _sock: None)
    io.on("one", lambda _sock, value: [value])
    io.on("two", lambda _sock: (1, "b"))
    with Client(io.url) as peer:
        assert peer.call("none") is None
        assert peer.call("one", "x") == ["x"]
        assert peer.call("two") == (1, "b")


def test_coroutines_run_beside_each_other_and_answer_when_they_end(io: Server) -> None:
    gates: dict[str, asyncio.Event] = {}

    @io.on("wait")
    async def wait(_sock: Socket, name: str) -> str:
        gates[name] = asyncio.Event()
        await gates[name].wait()
        return name

    @io.on("open")
    async def open_gate(_sock: Socket, name: str) -> None:
        while name not in gates:
            await asyncio.sleep(0)
        gates[name].set()

    async def peers() -> list[str]:
        async with AsyncClient(io.url) as peer:
            first = asyncio.ensure_future(peer.call("wait", "first"))
            second = asyncio.ensure_future(peer.call("wait", "second"))
            await peer.call("open", "second")
            order = [await second]
            await peer.call("open", "first")
            return [*order, await first]

    assert asyncio.run(peers()) == ["second", "first"]


def test_the_events_of_a_socket_come_in_order(io: Server) -> None:
    seen = Seen()
    io.on("number", lambda _sock, n: seen(n))
    with Client(io.url) as peer:
        for n in range(2000):
            peer.emit("number", n)
        assert seen.wait(2000) == list(range(2000))


@pytest.mark.parametrize("coroutine", [False, True])
def test_a_peer_is_asked(io: Server, coroutine: bool) -> None:
    @io.on("sync")
    def sync(sock: Socket) -> Any:
        return sock.call_blocking("question", 20)

    @io.on("async")
    async def later(sock: Socket) -> Any:
        return await sock.call("question", 20)

    client = Client(io.url)
    client.on("question", lambda n: n + 1)
    with client:
        assert client.call("async" if coroutine else "sync") == 21


def test_a_peer_that_does_not_answer_is_waited_for_in_vain(io: Server) -> None:
    seen = Seen()

    @io.on("start")
    def start(sock: Socket) -> None:
        with pytest.raises(TimeoutError) as caught:
            sock.call_blocking("nothing", timeout=0.05)
        seen(caught.value)

    @io.on("start async")
    async def start_async(sock: Socket) -> None:
        with pytest.raises(mad.Error) as caught:
            await sock.call("nothing", timeout=0.05)
        seen(caught.value)

    with Client(io.url) as peer:
        peer.emit("start")
        peer.emit("start async")
        errors = seen.wait(2)
    assert all(isinstance(e, TimedOutError) and e.category == "mad.socketio" for e in errors)
    assert errors[0].code == errors[1].code


def test_a_peer_that_leaves_owes_no_answer_any_more(io: Server) -> None:
    seen = Seen()

    @io.on("start")
    def start(sock: Socket) -> None:
        with pytest.raises(mad.Error) as caught:
            sock.call_blocking("nothing", timeout=0)
        seen(caught.value.category)

    asked = Seen()
    peer = Client(io.url)

    @peer.on("nothing")
    def nothing() -> None:
        asked(1)
        asked.wait(2)

    with peer:
        peer.emit("start")
        asked.wait()
        peer.disconnect()
        assert seen.wait() == ["mad.socketio"]
        asked(2)


def test_the_handshake_says_who_connects() -> None:
    seen = Seen()
    io = Server()
    io.on("connect", lambda sock, handshake: seen((sock.handshake is handshake, handshake)))
    headers, query = {"X-Name": "bob"}, {"a": "1 ü", "b": ""}
    with io, Client(io.url, auth={"token": [1, "x"]}, headers=headers, query=query):
        same, handshake = seen.wait()[0]
    assert same
    assert handshake.auth == {"token": [1, "x"]}
    assert handshake.headers["x-name"] == "bob"
    assert (handshake.query["a"], handshake.query["b"]) == ("1 ü", "")
    assert (handshake.address, handshake.secure, handshake.cross_domain) == (
        "127.0.0.1",
        False,
        False,
    )
    assert handshake.url.startswith("/socket.io/?")


@pytest.mark.parametrize(
    ("raised", "message", "data"),
    [
        (ConnectionRefusedError("no", {"why": [1]}), "no", {"why": [1]}),
        (ConnectionRefusedError("just no"), "just no", None),
        (OSError("disk"), "internal error", None),
        (ConnectionRefusedError("no", b"bytes"), "no", None),
    ],
)
@pytest.mark.parametrize("coroutine", [False, True])
def test_a_connect_handler_refuses(
    raised: Exception, message: str, data: Any, coroutine: bool, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()
    failed = Seen()
    io.on_error = lambda error, event, _sock: failed((error, event))

    def refuse(_sock: Socket) -> None:
        raise raised

    async def refuse_later(_sock: Socket) -> None:
        raise raised

    io.on("connect", refuse_later if coroutine else refuse)
    with io, caplog.at_level(logging.CRITICAL, "mad.socketio"):
        with pytest.raises(ConnectError) as caught:
            Client(io.url).connect()
        assert io.sockets() == []
    assert (str(caught.value), caught.value.data, caught.value.refused) == (message, data, True)
    expected = isinstance(raised, ConnectionRefusedError) and not isinstance(raised.data, bytes)
    assert bool(failed.now) is not expected


def test_what_connect_sends_arrives_after_the_peer_is_in(io: Server) -> None:
    seen = Seen()
    io.on("connect", lambda sock: sock.emit("welcome", sock.id))
    peer = Client(io.url)
    peer.on("connect", lambda: seen("connected"))
    peer.on("welcome", lambda sid: seen(("welcome", sid)))
    with peer:
        assert seen.wait(2) == ["connected", ("welcome", peer.sid())]


def test_nobody_can_be_asked_before_he_is_in(io: Server) -> None:
    seen = Seen()

    @io.on("connect")
    def connect(sock: Socket) -> None:
        with pytest.raises(ValueError, match="let in"):
            sock.call_blocking("x")
        seen(1)

    with Client(io.url):
        seen.wait()


def test_middlewares_run_in_order_before_connect(io: Server) -> None:
    seen = Seen()

    @io.use
    def first(sock: Socket) -> None:
        sock.data["user"] = "bob"
        seen("first")

    @io.use()
    async def second(sock: Socket) -> None:
        seen("second")
        if sock.handshake.auth.get("stop"):
            raise ConnectionRefusedError("stopped")

    io.on("connect", lambda sock: seen(sock.data["user"]))
    with Client(io.url):
        assert seen.wait(3) == ["first", "second", "bob"]
    with pytest.raises(ConnectError, match="stopped"):
        Client(io.url, auth={"stop": True}).connect()
    assert seen.now[3:] == ["first", "second"]


def test_the_end_of_a_socket_is_told_with_its_reason() -> None:
    seen = Seen()
    io = Server()
    io.on("disconnect", lambda sock, reason: seen((sock.data.get("n"), reason)))
    io.on("n", lambda sock, n: sock.data.update(n=n))
    io.on("kick", lambda sock: sock.disconnect())
    with io:
        with Client(io.url) as peer:
            peer.call("n", 1)
        with Client(io.url) as peer:
            peer.call("n", 2)
            peer.emit("kick")
            assert peer.wait(LIMIT)
        seen.wait(2)
        last = Client(io.url).connect()
        last.call("n", 3)
    assert seen.now == [
        (1, "client namespace disconnect"),
        (2, "server namespace disconnect"),
        (3, "server shutting down"),
    ]
    last.close()


def test_a_peer_that_leaves_before_it_is_in_leaves_nothing_behind(io: Server) -> None:
    begun, go, ended = Seen(), threading.Event(), Seen()

    @io.on("connect")
    def connect(sock: Socket) -> None:
        begun(sock)
        assert go.wait(LIMIT)

    io.on("disconnect", ended)
    peer = Client(io.url, transports=["websocket"])

    def connect_in_vain() -> None:
        with pytest.raises(ConnectError):
            peer.connect()

    connecting = threading.Thread(target=connect_in_vain)
    connecting.start()
    sock = begun.wait()[0]
    peer.close()
    connecting.join(LIMIT)
    go.set()
    io.on("connect", lambda _sock: None)
    with Client(io.url) as other:
        assert [s.id for s in io.sockets()] == [other.sid()]
    ended.wait()
    assert sock.id not in io._sockets
    assert [s.id for s, _ in ended.now] != [sock.id]


def test_the_last_events_of_a_socket_are_handled_before_its_end(io: Server) -> None:
    seen = Seen()
    io.on("number", lambda _sock, n: seen(n))
    io.on("disconnect", lambda _sock: seen("end"))
    with Client(io.url, transports=["websocket"]) as peer:
        for n in range(500):
            peer.emit("number", n)
    assert seen.wait(501) == [*range(500), "end"]


def test_rooms_decide_who_gets_an_event(io: Server) -> None:
    io.on("join", lambda sock, *rooms: sock.join(*rooms))
    io.on("others", lambda sock, text: sock.broadcast("said", text))
    seen = {name: Seen() for name in "abc"}
    clients = {name: Client(io.url) for name in "abc"}
    for name, client in clients.items():
        client.on("said", seen[name])
        client.connect()
    clients["a"].call("join", "red", "blue")
    clients["b"].call("join", "red")
    ids = {name: client.sid() for name, client in clients.items()}
    io.emit("said", "all")
    io.emit("said", "red", to="red")
    io.emit("said", "not b", to="red", skip=ids["b"])
    io.emit("said", "two", to=["blue", ids["c"]])
    io.emit("said", "nobody", to=[])
    assert io.rooms(ids["a"]) == {"red", "blue", ids["a"]}
    assert {s.id for s in io.sockets(room="red")} == {ids["a"], ids["b"]}
    clients["c"].call("others", "from c")
    io.close_room("red")
    assert io.sockets(room="red") == []
    io.emit("said", "closed", to="red")
    io.leave_room(ids["a"], "blue")
    io.emit("said", "left", to="blue")
    io.enter_room(ids["c"], "late")
    io.emit("said", "late", to="late")
    io.emit("said", "end")
    assert seen["a"].wait(6) == ["all", "red", "not b", "two", "from c", "end"]
    assert seen["b"].wait(4) == ["all", "red", "from c", "end"]
    assert seen["c"].wait(4) == ["all", "two", "late", "end"]
    for client in clients.values():
        client.close()


def test_sockets_are_sent_away(io: Server) -> None:
    with Client(io.url) as first, Client(io.url) as second:
        io.disconnect(first.sid())
        assert first.wait(LIMIT)
        io.disconnect([io.socket(second.sid())], close=True)
        assert second.wait(LIMIT) or not second.connected
    with pytest.raises(KeyError):
        io.socket("nobody")


def test_namespaces_are_apart(io: Server) -> None:
    seen = Seen()
    io.on("x", lambda _sock, v: seen(("/", v)))
    io.on("x", lambda _sock, v: seen(("/chat", v)), namespace="/chat")
    with Client(io.url, namespaces=["/chat"]) as peer:
        peer.emit("x", 1)
        peer.emit("x", 2, namespace="/chat")
        assert seen.wait(2) == [("/", 1), ("/chat", 2)]
        assert len(io.sockets("/chat")) == len(io.sockets()) == 1
        assert peer.sid() != peer.sid("/chat")
    with pytest.raises(ConnectError, match="Invalid namespace"):
        Client(io.url + "/nowhere").connect()


def test_a_class_is_a_namespace(io: Server) -> None:
    class Chat(Namespace):
        def __init__(self) -> None:
            super().__init__("chat")
            self.seen = Seen()

        def on_connect(self, sock: Socket) -> None:
            sock.data["name"] = sock.handshake.auth["name"]

        async def on_say(self, sock: Socket, text: str) -> str:
            self.emit("said", sock.data["name"], text, skip=sock)
            return "ok"

        def on_disconnect(self, sock: Socket, reason: str) -> None:
            self.seen((sock.data["name"], reason))

    chat = Chat()
    io.register(chat)
    assert chat.io is io
    seen = Seen()
    listener = Client(io.url + "/chat", auth={"name": "ann"})
    listener.on("said", seen)
    with listener, Client(io.url + "/chat", auth={"name": "bob"}) as bob:
        assert bob.call("say", "hi") == "ok"
        assert seen.wait() == [("bob", "hi")]
    assert {name for name, _ in chat.seen.wait(2)} == {"ann", "bob"}


def test_events_without_a_handler_go_to_the_one_for_all(io: Server) -> None:
    seen = Seen()
    io.on("known", lambda _sock, v: seen(("known", v)))
    io.on("*", lambda _sock, event, *args: seen((event, args)))
    with Client(io.url) as peer:
        peer.emit("known", 1)
        peer.emit("other", 2, 3)
        assert seen.wait(2) == [("known", 1), ("other", (2, 3))]


def test_a_later_handler_replaces_the_one_before(io: Server) -> None:
    io.on("x", lambda _sock: "first")
    with Client(io.url) as peer:
        assert peer.call("x") == "first"

        @io.on("x")
        async def x(_sock: Socket) -> str:
            return "second"

        assert peer.call("x") == "second"


def test_arguments_too_many_are_left_out_and_too_few_are_told(io: Server) -> None:
    io.on("two", lambda _sock, a, b: [a, b])
    io.on("default", lambda _sock, a, b=7: [a, b])
    with Client(io.url) as peer:
        assert peer.call("two", 1, 2, 3) == [1, 2]
        assert peer.call("two", 1) == {"error": "arguments are missing"}
        assert peer.call("default", 1) == [1, 7]


def test_an_exception_in_a_handler_is_reported_and_closes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed = Seen()
    io = Server(on_error=lambda error, event, sock: failed((repr(error), event, sock.id)))

    @io.on("bad")
    def bad(_sock: Socket) -> None:
        raise RuntimeError("bad")

    @io.on("worse")
    async def worse(_sock: Socket) -> None:
        raise RuntimeError("worse")

    @io.on("exit")
    def leave(_sock: Socket) -> None:
        raise SystemExit(3)

    io.on("unsaid", lambda _sock: {1: 2})
    io.on("good", lambda _sock: "good")
    with io, caplog.at_level(logging.ERROR, "mad.socketio"), Client(io.url) as peer:
        for event in ("bad", "worse", "exit", "unsaid"):
            with pytest.raises(TimedOutError):
                peer.call(event, timeout=0.2)
        assert peer.call("good") == "good"
        sid = peer.sid()
        assert {(error, event) for error, event, _ in failed.wait(4)} == {
            ("RuntimeError('bad')", "bad"),
            ("RuntimeError('worse')", "worse"),
            ("SystemExit(3)", "exit"),
            ("TypeError('keys must be text, not int: 1')", "unsaid"),
        }
        assert {who for _, _, who in failed.now} == {sid}
    assert sum(r.exc_info is not None for r in caplog.records) == 4


def test_a_hook_that_fails_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    def hook(*_: Any) -> None:
        raise ValueError("hook")

    with Server(on_error=hook) as io, Client(io.url) as peer:
        io.on("bad", lambda _sock: 1 / 0)
        io.on("good", lambda _sock: 1)
        peer.emit("bad")
        assert peer.call("good") == 1
    assert "on_error failed" in caplog.text
