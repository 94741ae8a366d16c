"""Namespaces as classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mad.socketio._broadcast import Broadcast
    from mad.socketio._handlers import Function
    from mad.socketio._server import Server
    from mad.socketio._socket import Socket


class Namespace:
    """The handlers of a namespace in one class: `on_NAME` is the handler of `NAME`.

    class Chat(Namespace):
        def on_connect(self, sock): ...
        async def on_say(self, sock, text):
            self.emit("said", text)

    io.register(Chat("/chat"))"""

    _server: Server

    def __init__(self, name: str = "/") -> None:
        self.name = name if name.startswith("/") else "/" + name

    @property
    def io(self) -> Server:
        """The server it was registered with."""
        return self._server

    def emit(
        self,
        event: str,
        *args: Any,
        to: str | Socket | Iterable[str | Socket] | None = None,
        skip: str | Socket | Iterable[str | Socket] | None = None,
        volatile: bool = False,
    ) -> None:
        """`Server.emit` in this namespace."""
        self._server.emit(event, *args, to=to, skip=skip, namespace=self.name, volatile=volatile)

    def to(self, *targets: str | Socket) -> Broadcast:
        """`Server.to` in this namespace."""
        return self._server.to(*targets, namespace=self.name)

    def everybody(self) -> Broadcast:
        """All sockets of this namespace, for what `Server.to` is for."""
        return self._server.everybody(self.name)

    def handlers(self) -> Iterator[tuple[str, Function]]:
        """The events it has handlers for."""
        for name in dir(type(self)):
            if name.startswith("on_") and callable(function := getattr(self, name)):
                yield name.removeprefix("on_"), function
