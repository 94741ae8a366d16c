"""Many sockets of a server at once, and those that were found among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from mad.socketio._errors import error_of
from mad.socketio._socket import Handshake, Socket

if TYPE_CHECKING:
    from mad import _core
    from mad.socketio._server import Server

Target = str | Socket | Iterable[str | Socket] | None
Audience = tuple[str, list[str], list[str]]


def full_name(namespace: str) -> str:
    return namespace if namespace.startswith("/") else "/" + namespace


def names_of(target: Target) -> list[str]:
    if target is None:
        return []
    if isinstance(target, (str, Socket)):
        target = [target]
    return [t.id if isinstance(t, Socket) else t for t in target]


class Broadcast:
    """Who is meant: `io.to("garden").skip(sock)`. A value; from any thread.

    `call` asks everybody and gives the list of answers (of each the first argument), in the order
    in which they came. TimedOutError after `timeout` seconds (0: never), DisconnectedError when
    somebody leaves before; both carry the `answers` of the others."""

    __slots__ = ("_server", "_who")

    def __init__(
        self, server: Server, namespace: str, to: Target = None, skip: Target = None
    ) -> None:
        self._server = server
        names = None if to is None else names_of(to)
        self._who = (full_name(namespace), names, names_of(skip))

    def to(self, *targets: str | Socket) -> Broadcast:
        """Those in these rooms (or these sockets), too."""
        nsp, to, skip = self._who
        return Broadcast(self._server, nsp, [*(to or ()), *names_of(targets)], skip)

    def skip(self, *targets: str | Socket) -> Broadcast:
        """But not those in these."""
        nsp, to, skip = self._who
        return Broadcast(self._server, nsp, to, [*skip, *names_of(targets)])

    @property
    def _nobody(self) -> bool:
        return self._who[1] is not None and not self._who[1]

    @property
    def _audience(self) -> Audience:
        nsp, to, skip = self._who
        return nsp, to or [], skip

    @property
    def _native(self) -> _core.SocketServer:
        return self._server._native

    def emit(self, event: str, *args: Any, volatile: bool = False, compress: bool = True) -> None:
        """Sends an event. `volatile`: dropped for peers that cannot take it at once. `compress`:
        whether wires that can compress may."""
        if not self._nobody:
            self._native.emit(self._audience, event, args, volatile, compress)

    async def call(self, event: str, *args: Any, timeout: float = 60) -> list[Any]:
        """Sends an event and gives the answers of all."""
        if self._nobody:
            return []
        calls, inbox = self._server._calls, self._server._loop_inbox()
        token, future = calls.add()
        try:
            self._native.call(inbox, token, self._audience, event, args, timeout)
            return list(await future)
        finally:
            calls.forget(token)

    def call_blocking(self, event: str, *args: Any, timeout: float = 60) -> list[Any]:
        """The same for functions: the thread waits, and others go on."""
        if self._nobody:
            return []
        return self._native.call_blocking(self._audience, event, args, timeout)

    async def fetch_sockets(self) -> list[RemoteSocket]:
        """The sockets as they are now."""
        if self._nobody:
            return []
        calls, inbox = self._server._calls, self._server._loop_inbox()
        token, future = calls.add()
        try:
            self._native.fetch(inbox, token, self._audience)
            return self._found(await future)
        finally:
            calls.forget(token)

    def fetch_sockets_blocking(self) -> list[RemoteSocket]:
        """The same for functions."""
        return [] if self._nobody else self._found(self._native.fetch_blocking(self._audience))

    def sockets_join(self, *rooms: str) -> None:
        """They enter rooms."""
        if self._nobody:
            return
        for sock in self._here():
            sock._enter(rooms)
        self._native.join(self._audience, list(rooms))

    def sockets_leave(self, *rooms: str) -> None:
        """They leave rooms."""
        if self._nobody:
            return
        for sock in self._here():
            sock._exit(rooms)
        self._native.leave(self._audience, list(rooms))

    def disconnect_sockets(self, close: bool = False) -> None:
        """Sends them away; `close` also ends the connections under them."""
        if not self._nobody:
            self._native.disconnect(self._audience, close)

    def _here(self) -> Iterator[Socket]:
        nsp, to, skip = self._who
        for sock in list(self._server._sockets.values()):
            if sock.namespace != nsp or not sock.connected:
                continue
            rooms = sock.rooms
            if (to is None or not rooms.isdisjoint(to)) and rooms.isdisjoint(skip):
                yield sock

    def _found(self, told: list[tuple[str, list[str], Any, dict[str, Any]]]) -> list[RemoteSocket]:
        return [RemoteSocket(self._server, self._who[0], *one) for one in told]


class RemoteSocket:
    """A socket as `fetch_sockets` has found it: a copy of what it was, and a way to reach it."""

    __slots__ = ("_only", "data", "handshake", "id", "namespace", "rooms")

    def __init__(
        self,
        server: Server,
        namespace: str,
        id: str,
        rooms: Iterable[str],
        data: Any,
        said: dict[str, Any],
    ) -> None:
        self._only = Broadcast(server, namespace, id)
        self.id = id
        self.namespace = namespace
        self.rooms = frozenset(rooms)
        """Its rooms, its own among them."""
        here = server._sockets.get(id)
        # What a handler has put there is known to Python alone.
        self.data: Any = dict(here.data) if here else data
        """A copy of its `data`; of one on another node, what JSON can say of it."""
        self.handshake = here.handshake if here else _handshake(said)

    def emit(self, event: str, *args: Any, volatile: bool = False) -> None:
        """Sends it an event."""
        self._only.emit(event, *args, volatile=volatile)

    async def call(self, event: str, *args: Any, timeout: float = 60) -> Any:
        """Sends it an event and gives its answer, the first argument of it."""
        return _the_one(await self._only.call(event, *args, timeout=timeout))

    def call_blocking(self, event: str, *args: Any, timeout: float = 60) -> Any:
        """The same for functions."""
        return _the_one(self._only.call_blocking(event, *args, timeout=timeout))

    def join(self, *rooms: str) -> None:
        """It enters rooms."""
        self._only.sockets_join(*rooms)

    def leave(self, *rooms: str) -> None:
        """It leaves rooms."""
        self._only.sockets_leave(*rooms)

    def disconnect(self, close: bool = False) -> None:
        """Sends it away; `close` also ends the connection under it."""
        self._only.disconnect_sockets(close)

    def __repr__(self) -> str:
        return f"<mad.socketio.RemoteSocket {self.id} {self.namespace}>"


def _the_one(answers: list[Any]) -> Any:
    if not answers:  # it has gone since it was found
        raise error_of(("the socket is gone", 0, "mad.socketio", 2))
    return answers[0]


def _handshake(said: dict[str, Any]) -> Handshake:
    return Handshake(
        query=said["query"],
        headers=said["headers"],
        address=said["address"],
        auth=said["auth"],
        url=said["url"],
        secure=said["secure"],
        cross_domain=said["xdomain"],
        issued=said["issued"] / 1000,
    )
