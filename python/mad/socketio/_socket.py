"""One peer of a server, in one namespace."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mad import _core
    from mad.socketio._broadcast import Broadcast
    from mad.socketio._server import Server


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a peer said when it connected. Of repeated parameters and fields the first counts; the
    names of `headers` are in small letters."""

    query: dict[str, str]
    headers: dict[str, str]
    address: str
    auth: Any
    """What the client gave as `auth`; `{}` when it gave nothing."""
    url: str
    secure: bool
    cross_domain: bool
    issued: float
    """Seconds since 1970."""


class Socket:
    """A peer. `data` is for the application, and stays as long as the peer does.

    Calls may be made from any thread. When the peer has gone, they do nothing, and `call` raises
    DisconnectedError."""

    __slots__ = (
        "__weakref__",
        "_earlier",
        "_gone",
        "_lock",
        "_native",
        "_rooms",
        "_server",
        "connected",
        "data",
        "handshake",
        "id",
        "namespace",
        "recovered",
    )

    def __init__(
        self,
        native: _core.ServerSocket,
        server: Server,
        namespace: str,
        handshake: Handshake,
        rooms: Iterable[str] = (),
        recovered: bool = False,
        data: dict[str, Any] | None = None,
    ) -> None:
        self._native = native
        self._server = server
        self._rooms = set(rooms)
        self._gone = 0  # a bit for each lane that has dealt with its last event
        self._earlier: Socket | None = None  # of the same id, which has not gone everywhere yet
        self._lock = threading.Lock()
        self.id = native.id
        """20 characters, new for each connection that was not recovered; also the name of a room
        with this peer alone."""
        self.namespace = namespace
        self.handshake = handshake
        self.data: dict[str, Any] = {} if data is None else data
        self.connected = False
        """From when its `connect` handler has ended until its `disconnect` handler begins."""
        self.recovered = recovered
        """Whether it has come back with id, rooms and `data` of an earlier connection (`recovery`
        of the server); what it missed is on its way."""

    @property
    def sid(self) -> str:
        """The same as `id`."""
        return self.id

    @property
    def rooms(self) -> frozenset[str]:
        """Its rooms, its own among them."""
        with self._lock:
            return frozenset(self._rooms | {self.id})

    def emit(self, event: str, *args: Any, volatile: bool = False) -> None:
        """Sends an event. Inside of the `connect` handler it is kept until the peer is in.
        `volatile`: dropped when the peer cannot take it at once."""
        self._native.emit(event, args, volatile)

    async def call(self, event: str, *args: Any, timeout: float = 60) -> Any:
        """Sends an event and gives the peer's answer: its one argument, a tuple of several, or
        None. TimedOutError after `timeout` seconds (0: never), DisconnectedError when the peer
        leaves before."""
        token, future = self._server._calls.add()
        try:
            self._native.call(self._server._loop_inbox(), token, event, args, timeout)
            return await future
        finally:
            self._server._calls.forget(token)

    def call_blocking(self, event: str, *args: Any, timeout: float = 60) -> Any:
        """The same for functions: the thread waits, and others go on. Handlers may do so; the next
        events of their thread wait meanwhile."""
        from mad.socketio._handlers import unpack

        return unpack(self._native.call_blocking(event, args, timeout))

    def join(self, *rooms: str) -> None:
        """Enters rooms."""
        self._enter(rooms)
        self._native.join(list(rooms))

    def leave(self, room: str) -> None:
        """Leaves a room."""
        self._exit([room])
        self._native.leave(room)

    def _enter(self, rooms: Iterable[str]) -> None:
        with self._lock:
            self._rooms.update(rooms)

    def _exit(self, rooms: Iterable[str]) -> None:
        with self._lock:
            self._rooms.difference_update(rooms)

    def to(self, *targets: str | Socket) -> Broadcast:
        """Everybody in these rooms but this peer: see `Server.to`."""
        return self._server.to(*targets, namespace=self.namespace).skip(self)

    def broadcast(
        self,
        event: str,
        *args: Any,
        to: str | Socket | Iterable[str | Socket] | None = None,
        volatile: bool = False,
    ) -> None:
        """Sends to everybody in `to` (all of the namespace by default) but this peer."""
        self._server.emit(
            event, *args, to=to, skip=self, namespace=self.namespace, volatile=volatile
        )

    def disconnect(self, close: bool = False) -> None:
        """Sends the peer away; `close` also ends the connection under it."""
        self._native.disconnect(close)

    def __repr__(self) -> str:
        state = "connected" if self.connected else "not connected"
        return f"<mad.socketio.Socket {self.id} {self.namespace} {state}>"
