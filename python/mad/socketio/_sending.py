"""How a server reaches its sockets, and the other nodes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

from mad.socketio._broadcast import Broadcast, RemoteSocket, Target, full_name, names_of
from mad.socketio._lanes import Calls
from mad.socketio._socket import Socket

if TYPE_CHECKING:
    from mad import _core
    from mad.socketio._server import Server


class Sending:
    """The half of a `Server` that sends."""

    _native: _core.SocketServer
    _sockets: dict[str, Socket]
    _calls: Calls
    _lock: threading.RLock

    def _loop_inbox(self) -> _core.Inbox:
        raise NotImplementedError

    def _those(self, to: Target, skip: Target, namespace: str) -> Broadcast:
        return Broadcast(cast("Server", self), namespace, to, skip)

    def to(self, *targets: str | Socket, namespace: str = "/") -> Broadcast:
        """Everybody in these rooms (or these sockets), for `emit`, `call`, `fetch_sockets`,
        `sockets_join`, `sockets_leave` and `disconnect_sockets`."""
        return self._those(targets, None, namespace)

    def everybody(self, namespace: str = "/") -> Broadcast:
        """All sockets of a namespace, for the same."""
        return self._those(None, None, namespace)

    def emit(
        self,
        event: str,
        *args: Any,
        to: Target = None,
        skip: Target = None,
        namespace: str = "/",
        volatile: bool = False,
        compress: bool = True,
    ) -> None:
        """Sends an event to everybody in `to` (rooms, ids or sockets; all of the namespace by
        default) but those in `skip`. From any thread. `volatile`: dropped for peers that cannot
        take it at once. `compress`: whether wires that can compress may."""
        self._those(to, skip, namespace).emit(event, *args, volatile=volatile, compress=compress)

    async def call(
        self,
        event: str,
        *args: Any,
        to: Target = None,
        skip: Target = None,
        namespace: str = "/",
        timeout: float = 60,
    ) -> list[Any]:
        """Asks everybody in `to`, and gives the list of answers: see `Broadcast`."""
        return await self._those(to, skip, namespace).call(event, *args, timeout=timeout)

    def call_blocking(
        self,
        event: str,
        *args: Any,
        to: Target = None,
        skip: Target = None,
        namespace: str = "/",
        timeout: float = 60,
    ) -> list[Any]:
        """The same for functions: the thread waits, and others go on."""
        return self._those(to, skip, namespace).call_blocking(event, *args, timeout=timeout)

    async def fetch_sockets(
        self, to: Target = None, skip: Target = None, namespace: str = "/"
    ) -> list[RemoteSocket]:
        """The sockets as they are now, with id, rooms, data and handshake of each."""
        return await self._those(to, skip, namespace).fetch_sockets()

    def fetch_sockets_blocking(
        self, to: Target = None, skip: Target = None, namespace: str = "/"
    ) -> list[RemoteSocket]:
        """The same for functions."""
        return self._those(to, skip, namespace).fetch_sockets_blocking()

    def sockets_join(
        self, *rooms: str, to: Target = None, skip: Target = None, namespace: str = "/"
    ) -> None:
        """Everybody in `to` enters rooms."""
        self._those(to, skip, namespace).sockets_join(*rooms)

    def sockets_leave(
        self, *rooms: str, to: Target = None, skip: Target = None, namespace: str = "/"
    ) -> None:
        """Everybody in `to` leaves rooms."""
        self._those(to, skip, namespace).sockets_leave(*rooms)

    def disconnect_sockets(
        self,
        to: Target = None,
        skip: Target = None,
        namespace: str = "/",
        close: bool = False,
    ) -> None:
        """Sends everybody in `to` away; `close` also ends the connections under them."""
        self._those(to, skip, namespace).disconnect_sockets(close)

    def disconnect(self, to: Target, namespace: str = "/", close: bool = False) -> None:
        """The same for those in `to` only."""
        self._those(names_of(to), None, namespace).disconnect_sockets(close)

    # Sockets of this server

    def sockets(self, namespace: str = "/", room: str | None = None) -> list[Socket]:
        """Those connected now, in that room if one is named."""
        nsp = full_name(namespace)
        found = [s for s in list(self._sockets.values()) if s.connected and s.namespace == nsp]
        return found if room is None else [s for s in found if room in s.rooms]

    def socket(self, sid: str) -> Socket:
        """The socket of that id. Raises KeyError when there is none."""
        found = self._sockets.get(sid)
        if found is None:
            raise KeyError(sid)
        return found

    def enter_room(self, sid: str | Socket, room: str) -> None:
        """`Socket.join`. One that is gone: nothing."""
        if sock := self._find(sid):
            sock.join(room)

    def leave_room(self, sid: str | Socket, room: str) -> None:
        """`Socket.leave`. One that is gone: nothing."""
        if sock := self._find(sid):
            sock.leave(room)

    def close_room(self, room: str, namespace: str = "/") -> None:
        """Everybody leaves it."""
        self.to(room, namespace=namespace).sockets_leave(room)

    def rooms(self, sid: str | Socket) -> frozenset[str]:
        """`Socket.rooms`; none when it is gone."""
        sock = self._find(sid)
        return sock.rooms if sock else frozenset()

    def _find(self, sid: str | Socket) -> Socket | None:
        return sid if isinstance(sid, Socket) else self._sockets.get(sid)

    # Other nodes

    def server_side_emit(self, event: str, *args: Any, namespace: str = "/") -> None:
        """To the `on_server_side` handlers of all other nodes. A server that is alone, as those of
        this package are, has none."""
        self._native.server_side_emit(full_name(namespace), event, args)

    async def server_side_call(
        self, event: str, *args: Any, namespace: str = "/", timeout: float = 60
    ) -> list[Any]:
        """The same; gives the answers of the nodes. TimedOutError, with those that came in time,
        after `timeout` seconds (0: never)."""
        inbox = self._loop_inbox()
        token, future = self._calls.add()
        try:
            nsp = full_name(namespace)
            self._native.server_side_call(inbox, token, nsp, event, args, timeout)
            return list(await future)
        finally:
            self._calls.forget(token)

    def server_side_call_blocking(
        self, event: str, *args: Any, namespace: str = "/", timeout: float = 60
    ) -> list[Any]:
        """The same for functions."""
        nsp = full_name(namespace)
        return self._native.server_side_call_blocking(nsp, event, args, timeout)
