"""mad.socketio.Client and AsyncClient, with mad's own server as the peer."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from socketio_kit import LIMIT, Seen, make_certificate

import mad
from mad.socketio import (
    AsyncClient,
    Client,
    ConnectError,
    ConnectionRefusedError,
    Server,
    Socket,
    TimedOutError,
)

pytestmark = pytest.mark.usefixtures("module")


@pytest.fixture
def io() -> Iterator[Server]:
    server = Server()
    server.on("echo", lambda _sock, *args: args)
    server.on("ask", lambda sock, *args: sock.call_blocking("question", *args))
    server.on("drop", lambda sock: sock.disconnect(close=True))
    with server:
        yield server


@pytest.fixture
def unused() -> str:
    """A URL where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{held.getsockname()[1]}"


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]])
def test_values_come_back_over_every_transport(io: Server, transports: list[str]) -> None:
    with Client(io.url, transports=transports) as peer:
        value = {"b": b"\x00\xff", "t": "ü", "l": [1, 2.5, None, True]}
        assert peer.call("echo", value) == value
        assert peer.transport in transports


def test_the_server_asks_and_the_client_answers(io: Server) -> None:
    with Client(io.url) as peer:
        peer.on("question", lambda a, b: (a + b, "x"))
        assert peer.call("ask", 1, 2) == (3, "x")


def test_a_handler_asks_back_while_it_is_asked(io: Server) -> None:
    # It waits in the client's only thread, where the answer therefore cannot be handled.
    @io.on("ask")
    async def ask(sock: Socket, n: int) -> Any:
        return await sock.call("question", n)

    with Client(io.url) as peer:
        peer.on("question", lambda n: peer.call("echo", n * 2))
        assert peer.call("ask", 4) == 8


def test_events_of_the_client_itself(io: Server) -> None:
    seen = Seen()
    peer = Client(io.url)
    peer.on("connect", lambda: seen(("connect", peer.connected)))
    peer.on("disconnect", lambda reason: seen(("disconnect", reason)))
    with peer:
        seen.wait(1)
    assert seen.wait(2) == [("connect", True), ("disconnect", "io client disconnect")]


def test_once_is_once_and_off_is_never(io: Server) -> None:
    seen = Seen()
    peer = Client(io.url)
    peer.once("x", lambda v: seen(("once", v)))
    peer.on("y", lambda v: seen(("y", v)))
    peer.on("z", lambda v: seen(("z", v)))
    peer.off("y")
    with peer:
        for n in range(3):
            io.emit("x", n)
            io.emit("y", n)
        io.emit("z", "end")
        assert seen.wait(2) == [("once", 0), ("z", "end")]


def test_events_without_a_handler_go_to_the_one_for_all(io: Server) -> None:
    seen = Seen()
    peer = Client(io.url)

    @peer.on("*")
    def rest(event: str, *args: Any) -> None:
        seen((event, args))

    @peer.event
    def known(value: int) -> None:
        seen(("known", value))

    with peer:
        io.emit("known", 1)
        io.emit("other", 2, 3)
        assert seen.wait(2) == [("known", 1), ("other", (2, 3))]


def test_what_is_sent_before_connecting_is_kept() -> None:
    io = Server()
    seen = Seen()
    io.on("early", lambda _sock, v: seen(v))
    with io:
        peer = Client(io.url)
        peer.emit("early", 1)
        peer.emit("early", 2, volatile=True)
        peer.emit("early", 3)
        with peer:
            assert seen.wait(2) == [1, 3]


def test_a_lost_connection_comes_back(io: Server) -> None:
    seen = Seen()
    peer = Client(io.url, reconnection_delay=0.01, transports=["websocket"])
    peer.on("connect", lambda: seen("connect"))
    peer.on("disconnect", lambda reason: seen(reason))
    peer.on("reconnect_attempt", lambda n: seen(("attempt", n)))
    peer.on("reconnect", lambda n: seen(("reconnect", n)))
    with peer:
        seen.wait(1)
        peer.drop_connection()
        assert seen.wait(5)[:3] == ["connect", "transport close", ("attempt", 1)]
        assert set(seen.now[3:5]) == {("reconnect", 1), "connect"}
        assert peer.call("echo", 1) == 1


def test_it_gives_up_after_the_attempts_that_it_has(unused: str) -> None:
    seen = Seen()
    peer = Client(unused, reconnection_attempts=2, reconnection_delay=0.01)
    peer.on("connect_error", lambda error: seen(type(error)))
    peer.on("reconnect_attempt", lambda n: seen(n))
    peer.on("reconnect_failed", lambda: seen("failed"))
    with pytest.raises(ConnectError) as caught:
        peer.connect(retry=True)
    assert caught.value.refused is False
    assert seen.wait(6) == [ConnectError, 1, ConnectError, 2, ConnectError, "failed"]
    assert peer.wait(LIMIT)
    peer.close()


def test_a_first_attempt_that_fails_is_an_error_and_the_last(unused: str) -> None:
    peer = Client(unused, reconnection_delay=0.01)
    with pytest.raises(ConnectionError) as caught:
        peer.connect()
    assert isinstance(caught.value, mad.Error)
    assert caught.value.category != ""
    assert peer.wait(LIMIT)
    peer.close()


def test_connecting_has_a_limit(unused: str) -> None:
    peer = Client(unused, reconnection_delay=0.05)
    with pytest.raises(TimedOutError):
        peer.connect(retry=True, timeout=0.2)
    peer.close()


def test_a_server_that_comes_later_is_waited_for(unused: str) -> None:
    failed = Seen()
    peer = Client(unused, reconnection_delay=0.01, reconnection_delay_max=0.05)
    peer.on("connect_error", failed)
    connecting = threading.Thread(target=lambda: peer.connect(retry=True), daemon=True)
    connecting.start()
    failed.wait()
    with Server(int(unused.rpartition(":")[2])) as io:
        connecting.join(LIMIT)
        assert not connecting.is_alive()
        assert [s.id for s in io.sockets()] == [peer.sid()]
        peer.close()


def test_auth_may_be_asked_for_before_each_connect() -> None:
    seen = Seen()
    io = Server()
    io.on("connect", lambda _sock, handshake: seen(handshake.auth))
    tokens = iter(range(10))
    with io:
        peer = Client(io.url, auth=lambda: {"n": next(tokens)}, reconnection_delay=0.01)
        with peer:
            seen.wait(1)
            peer.drop_connection()
            assert seen.wait(2) == [{"n": 0}, {"n": 1}]


def test_auth_that_fails_is_reported_and_nothing_is_sent() -> None:
    failed, seen = Seen(), Seen()
    io = Server()
    io.on("connect", lambda _sock, handshake: seen(handshake.auth))

    def broken() -> dict[str, Any]:
        raise RuntimeError("no token")

    with (
        io,
        Client(io.url, auth=broken, on_error=lambda error, event, _: failed((str(error), event))),
    ):
        assert seen.wait() == [{}]
    assert failed.now[0] == ("no token", "auth")


def test_an_exception_in_a_handler_closes_nothing(
    io: Server, caplog: pytest.LogCaptureFixture
) -> None:
    failed = Seen()
    peer = Client(io.url, on_error=lambda error, event, _: failed((repr(error), event)))
    peer.on("bad", lambda: 1 / 0)
    with caplog.at_level(logging.ERROR, "mad.socketio"), peer:
        io.emit("bad")
        assert failed.wait() == [("ZeroDivisionError('division by zero')", "bad")]
        assert peer.call("echo", 1) == 1
    assert "Traceback" in caplog.text


def test_handlers_of_a_client_are_functions_and_do_not_wait_for_it(io: Server) -> None:
    seen = Seen()
    peer = Client(io.url)

    async def coroutine() -> None: ...

    with pytest.raises(TypeError, match="AsyncClient"):
        peer.on("x", coroutine)

    @peer.on("x")
    def x() -> None:
        with pytest.raises(RuntimeError):
            peer.wait()
        with pytest.raises(RuntimeError):
            peer.connect()
        seen(1)

    with peer:
        io.emit("x")
        seen.wait()


def test_a_handler_closes_its_client(io: Server) -> None:
    peer = Client(io.url)
    peer.on("end", peer.close)
    peer.connect()
    io.emit("end")
    assert peer.wait(LIMIT)
    peer.close()
    with pytest.raises(mad.Error):
        peer.call("echo", 1)


def test_a_call_that_is_under_way_ends_with_its_client(io: Server) -> None:
    begun = Seen()
    hold = threading.Event()

    @io.on("hold")
    def wait(_sock: Socket) -> None:
        begun(1)
        hold.wait(LIMIT)

    peer = Client(io.url).connect()
    ended = Seen()

    def ask() -> None:
        with pytest.raises(mad.Error) as caught:
            peer.call("hold", timeout=0)
        ended(caught.value.category)

    asking = threading.Thread(target=ask)
    asking.start()
    begun.wait()
    peer.close()
    assert ended.wait() == ["mad.socketio"]
    hold.set()
    asking.join(LIMIT)


def test_it_connects_again_after_it_has_left(io: Server) -> None:
    peer = Client(io.url)
    for _ in range(3):
        peer.connect()
        assert peer.call("echo", 1) == 1
        peer.disconnect()
        assert peer.wait(LIMIT)
        assert not peer.connected
    peer.close()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": "nonsense"}, "url"),
        ({"transports": ["smoke"]}, "transport"),
        ({"transports": []}, "transport"),
        ({"timeout": 0}, "timeout"),
        ({"reconnection_delay": -1}, "reconnection_delay"),
        ({"randomization_factor": 2}, "randomization_factor"),
        ({"max_payload": 0}, "max_payload"),
        ({"url": "https://127.0.0.1:1", "ca_file": "/nowhere/ca.pem"}, "nowhere"),
    ],
)
def test_settings_are_judged(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(mad.Error, match=f"(?i){says}"):
        Client(**{"url": "http://127.0.0.1:1"} | settings)


def test_tls_is_verified_unless_told_otherwise(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)
    io = Server(tls_cert=str(cert), tls_key=str(key))
    io.on("secure", lambda sock: sock.handshake.secure)
    with io:
        assert io.url.startswith("https://127.0.0.1:")
        with Client(io.url, ca_file=str(cert)) as peer:
            assert peer.call("secure") is True
        with Client(io.url, verify=False) as peer:
            assert peer.call("secure") is True
        with pytest.raises(ConnectError):
            Client(io.url, reconnection=False).connect()


# AsyncClient


def test_coroutines_and_functions_handle_events_on_the_running_loop(io: Server) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        seen: asyncio.Queue[Any] = asyncio.Queue()
        peer = AsyncClient(io.url)

        @peer.event
        async def later(value: int) -> None:
            await asyncio.sleep(0)
            seen.put_nowait(("later", value, asyncio.get_running_loop() is loop))

        peer.on("now", lambda value: seen.put_nowait(("now", value)))
        peer.on("question", lambda n: n + 1)
        async with peer:
            io.emit("later", 1)
            assert await asyncio.wait_for(seen.get(), LIMIT) == ("later", 1, True)
            io.emit("now", 2)
            assert await asyncio.wait_for(seen.get(), LIMIT) == ("now", 2)
            assert await asyncio.gather(*(peer.call("echo", n) for n in range(100))) == [
                *range(100)
            ]
            assert await peer.call("ask", 1) == 2
            await peer.emit("echo")
            await peer.disconnect()
            await asyncio.wait_for(peer.wait(), LIMIT)
            assert not peer.connected

    asyncio.run(main(), debug=True)


def test_an_async_client_is_refused_gives_up_and_times_out(io: Server, unused: str) -> None:
    @io.on("connect", namespace="/closed")
    def refuse(_sock: Socket) -> None:
        raise ConnectionRefusedError("closed", [1])

    async def main() -> None:
        with pytest.raises(ConnectError) as caught:
            await AsyncClient(io.url + "/closed").connect()
        assert (str(caught.value), caught.value.data) == ("closed", [1])
        with pytest.raises(ConnectError):
            await AsyncClient(unused).connect()
        with pytest.raises(TimeoutError):
            await AsyncClient(unused).connect(retry=True, timeout=0.1)
        io.on("never", lambda _sock: threading.Event().wait(0.3))
        async with AsyncClient(io.url) as peer:
            with pytest.raises(TimedOutError):
                await peer.call("never", timeout=0.05)

    asyncio.run(main())


def test_auth_of_an_async_client_may_be_a_coroutine() -> None:
    seen = Seen()
    io = Server()
    io.on("connect", lambda _sock, handshake: seen(handshake.auth))

    async def token() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"token": "x"}

    async def main() -> None:
        async with AsyncClient(io.url, auth=token):
            pass

    with io:
        asyncio.run(main())
        assert seen.wait() == [{"token": "x"}]


def test_a_task_that_is_cancelled_forgets_its_call(io: Server) -> None:
    hold = threading.Event()
    io.on("hold", lambda _sock: hold.wait(LIMIT))

    async def main() -> None:
        async with AsyncClient(io.url) as peer:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(peer.call("hold"), 0.05)
            hold.set()
            assert await peer.call("echo", 1) == 1

    asyncio.run(main())
