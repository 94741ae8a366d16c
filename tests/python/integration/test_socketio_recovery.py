"""Connection state recovery: sockets that come back as they were."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from socketio_kit import LIMIT, Seen

from mad.socketio import Client, Recovery, Server, Socket

pytestmark = pytest.mark.usefixtures("module")


def returning(url: str, delay: float = 0.01) -> Client:
    """A client that comes back quickly."""
    return Client(url, reconnection_delay=delay, transports=["websocket"])


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("skip", [True, False])
def test_a_peer_comes_back_as_it_was_and_gets_what_it_missed(threads: int, skip: bool) -> None:
    thing = threading.Lock()  # nothing that JSON could say
    asked, told, news = Seen(), Seen(), Seen()
    io = Server(recovery=Recovery(skip_middlewares=skip), threads=threads)
    io.use(lambda sock: asked(sock.recovered))

    @io.event
    def connect(sock: Socket) -> None:
        if not sock.recovered:
            sock.join("red")
            sock.data["thing"] = thing
        told((sock.id, sock.recovered, sock.rooms - {sock.id}, dict(sock.data)))

    @io.event
    def disconnect(_sock: Socket) -> None:
        io.emit("news", "missed", to="red")

    with io, returning(io.url) as peer:
        peer.on("news", lambda text, _offset: news(text))
        peer.on("are you there?", lambda: True)
        io.emit("news", "first", to="red")
        news.wait(1)
        sid = peer.sid()
        assert not peer.recovered()
        peer.drop_connection()
        assert news.wait(2) == ["first", "missed"]
        again = (sid, True, {"red"}, {"thing": thing})
        io.call_blocking("are you there?")
        assert told.wait(2) == [(sid, False, {"red"}, {"thing": thing}), again]
        assert (peer.sid(), peer.recovered()) == (sid, True)
        io.emit("news", "last", to="red")
        assert news.wait(3) == ["first", "missed", "last"]
        assert [s.id for s in io.sockets(room="red")] == [sid]
    assert asked.now == ([False] if skip else [False, True])


def reconnected(peer: Client, drop: Callable[[], None]) -> None:
    """Drops the connection, and waits until it is back."""
    seen = Seen()
    peer.on("connect", lambda: seen(1))
    drop()
    seen.wait()


@pytest.mark.parametrize(
    ("recovery", "comes_back"),
    [
        (False, False),
        (True, True),
        (Recovery(max_disconnection_duration=0.001), False),
        (Recovery(max_packets=0), False),
        (Recovery(max_sessions=0), False),
    ],
)
def test_who_comes_back_is_a_setting(recovery: Recovery | bool, comes_back: bool) -> None:
    with Server(recovery=recovery) as io, returning(io.url, 0.1) as peer:
        got = Seen()
        peer.on("offset", got)
        io.emit("offset")
        got.wait()
        sid = peer.sid()
        reconnected(peer, peer.drop_connection)
        assert peer.recovered() is comes_back
        assert (peer.sid() == sid) is comes_back
        assert io.socket(peer.sid()).recovered is comes_back


def test_one_that_left_by_itself_is_another_when_it_connects_again() -> None:
    with Server(recovery=True) as io, returning(io.url) as peer:
        got = Seen()
        peer.on("offset", got)
        io.emit("offset")
        got.wait()
        sid = peer.sid()
        peer.disconnect()
        assert peer.wait(LIMIT)
        peer.connect()
        assert peer.sid() != sid
        assert not io.socket(peer.sid()).recovered


def test_lanes_that_are_late_do_not_take_one_for_the_other() -> None:
    # The loop is held while the socket goes and comes back: it hears of the old one's events and
    # end when the new one, which has the same id, has been there for long.
    hold, begun, seen = threading.Event(), Seen(), Seen()
    io = Server(recovery=True)

    @io.on("slow")
    async def slow(sock: Socket, n: int) -> None:
        begun(n)
        if n == 0:
            assert hold.wait(LIMIT)  # the loop of all coroutines, on purpose
        seen((n, sock.recovered))

    io.on("fast", lambda sock: (sock.id, sock.recovered))
    io.on("disconnect", lambda _sock: begun("end"))
    with io:
        peer = returning(io.url)
        got = Seen()
        peer.on("offset", got)
        with peer:
            io.emit("offset")
            got.wait()
            sid = peer.sid()
            for n in range(3):
                peer.emit("slow", n)
            begun.wait(1)
            assert peer.call("fast") == (sid, False)
            reconnected(peer, peer.drop_connection)
            assert peer.call("fast") == (sid, True)
            for n in range(3, 6):
                peer.emit("slow", n)
            assert peer.call("fast") == (sid, True)
            hold.set()
            assert seen.wait(6) == [(n, n >= 3) for n in range(6)]
            assert io.socket(sid).connected
            assert io.socket(sid)._earlier is None
        begun.wait(8)
        assert asyncio.run(io.fetch_sockets()) == []
    assert io._sockets == {}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"max_disconnection_duration": 0}, "max_disconnection_duration"),
        ({"max_disconnection_duration": float("nan")}, "max_disconnection_duration"),
    ],
)
def test_settings_are_judged(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(Exception, match=says):
        Server(recovery=Recovery(**settings))
