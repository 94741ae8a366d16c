"""Where a mad.socketio.Server runs its handlers, and what settings it takes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from socketio_kit import LIMIT, Seen

import mad
from mad.socketio import (
    AsyncClient,
    Client,
    Server,
    Socket,
)

pytestmark = pytest.mark.usefixtures("module")


@pytest.fixture
def io() -> Iterator[Server]:
    with Server() as server:
        yield server


def test_handlers_in_several_threads_wait_for_each_other() -> None:
    # Each socket has its thread; of sixteen, two at least have different ones.
    waiting, go = Seen(), threading.Event()
    with Server(handler_threads=4) as io:

        @io.on("meet")
        def meet(_sock: Socket) -> str:
            waiting(threading.current_thread().name)
            assert go.wait(LIMIT)
            return threading.current_thread().name

        clients = [Client(io.url).connect() for _ in range(16)]
        for client in clients:
            client.emit("meet")
        assert len(set(waiting.wait(2))) >= 2
        go.set()
        waiting.wait(16)
        for client in clients:
            client.close()


def test_all_handlers_run_on_the_running_loop() -> None:
    seen = Seen()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with Server() as io:
            io.on("connect", lambda _sock: seen(asyncio.get_running_loop() is loop))
            io.on("plain", lambda _sock: asyncio.get_running_loop() is loop)

            @io.on("coroutine")
            async def coroutine(sock: Socket) -> Any:
                return [asyncio.get_running_loop() is loop, await sock.call("back")]

            peer = AsyncClient(io.url)
            peer.on("back", lambda: "yes")
            async with peer:
                assert await peer.call("plain") is True
                assert await peer.call("coroutine") == [True, "yes"]
            stopping = asyncio.ensure_future(io.wait_stopped())
        await asyncio.wait_for(stopping, LIMIT)
        assert not io.running

    asyncio.run(main())
    assert seen.now == [True]


def test_coroutines_run_on_the_loop_that_was_given() -> None:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        with Server(loop=loop) as io, Client(io.url) as peer:

            @io.on("where")
            async def where(_sock: Socket) -> bool:
                return asyncio.get_running_loop() is loop

            io.on("plain", lambda _sock: threading.current_thread() is thread)
            assert peer.call("where") is True
            assert peer.call("plain") is False
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(LIMIT)
        loop.close()


def test_handlers_still_running_at_the_end_are_cancelled() -> None:
    seen = Seen()

    @(io := Server()).on("sleep")
    async def sleep(_sock: Socket) -> None:
        seen("begun")
        try:
            await asyncio.Event().wait()
        finally:
            seen("ended")

    with io, Client(io.url) as peer:
        peer.emit("sleep")
        seen.wait()
    assert seen.now == ["begun", "ended"]


@pytest.mark.parametrize("coroutine", [False, True])
def test_a_handler_ends_its_own_server(coroutine: bool) -> None:
    io = Server().start()
    seen = Seen()

    def end(_sock: Socket) -> None:
        io.stop()
        seen(io.running)

    async def end_later(_sock: Socket) -> None:
        await io.stop_async()
        seen(io.running)

    io.on("end", end_later if coroutine else end)
    peer = Client(io.url, reconnection=False).connect()
    peer.emit("end")
    assert peer.wait(LIMIT)
    assert seen.wait() == [False]
    peer.close()


def test_a_slow_server_holds_its_peers_back() -> None:
    # Far more than may be on the way: the rest waits at the peer, and nothing is lost.
    go, seen = threading.Event(), Seen()
    with Server() as io, Client(io.url, transports=["websocket"]) as peer:

        @io.on("number")
        def number(_sock: Socket, n: int) -> None:
            assert go.wait(LIMIT)
            seen(n)

        for n in range(20_000):
            peer.emit("number", n)
        go.set()
        assert seen.wait(20_000) == list(range(20_000))


def test_a_server_starts_once_and_a_port_that_is_taken_is_an_error(io: Server) -> None:
    with pytest.raises(mad.Error):
        io.start()
    with pytest.raises(mad.Error) as caught:
        Server(int(io.url.rpartition(":")[2])).start()
    assert (caught.value.code, caught.value.category) == (98, "system")
    io.stop()
    io.stop()
    with pytest.raises(mad.Error):
        io.start()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"transports": ["carrier pigeon"]}, "transport"),
        ({"transports": []}, "transport"),
        ({"ping_interval": 0}, "ping_interval"),
        ({"ping_timeout": float("nan")}, "ping_timeout"),
        ({"max_payload": 0}, "max_payload"),
        ({"threads": 0}, "threads"),
        ({"handler_threads": 0}, "handler_threads"),
        ({"tls_cert": "x.pem"}, "tls_key"),
        ({"tls_cert": "/nowhere/x.pem", "tls_key": "/nowhere/y.pem"}, "nowhere"),
        ({"cors_origins": "*", "cors_credentials": True}, "cors_credentials"),
    ],
)
def test_settings_are_judged(settings: dict[str, Any], says: str) -> None:
    with pytest.raises((mad.Error, ValueError), match=says):
        Server(**settings)


def test_handlers_are_judged(io: Server) -> None:
    with pytest.raises(TypeError):
        io.on("x", "no function")  # type: ignore[call-overload]
    with pytest.raises(ValueError):
        io.on("connect_error", lambda: None)
    with pytest.raises(ValueError, match="reserved"):
        io.emit("connect")


def test_two_network_threads_serve_one_room() -> None:
    with Server(threads=2) as io:
        io.on("join", lambda sock: sock.join("all"))
        seen = Seen()
        clients = [Client(io.url) for _ in range(8)]
        for client in clients:
            client.on("news", seen)
            client.connect()
            client.call("join")
        io.emit("news", 1, to="all")
        assert seen.wait(8) == [1] * 8
        for client in clients:
            client.close()
