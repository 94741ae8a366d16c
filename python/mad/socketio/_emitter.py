"""Emits from a process without a server."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from typing import Any

from mad.socketio._packed import pack
from mad.socketio._publisher import Publisher

_RESERVED = frozenset(
    ("connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener")
)
_RESERVED_OF_SERVERS = frozenset(("connect", "connection", "new_namespace"))
_JOIN, _LEAVE, _DISCONNECT, _SERVER_EVENT = 2, 3, 4, 6

Rooms = str | Iterable[str]


def _names(rooms: tuple[Rooms, ...]) -> list[str]:
    out: list[str] = []
    for each in rooms:
        out.extend((each,) if isinstance(each, str) else each)
    return out


def _node_buffer(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return {"type": "Buffer", "data": list(bytes(value))}
    raise TypeError(f"cannot send {type(value).__name__}")


class Emitter:
    """Emits to the sockets of all nodes that use the classic Redis adapter: this library's, and
    @socket.io/redis-adapter of Node. What it sends is what @socket.io/redis-emitter 5.1 sends.

        out = Emitter("redis://localhost")
        out.to("room").emit("news", 1)
        out.of("/admin").server_side_emit("reload")

    `redis` is a URL, for a connection of its own, or a function `publish(channel, message)` such as
    the method of that name of a client that is there already; each call then gives what that gives,
    which is to be awaited if that is. `prefix` is the nodes' `key`. `compat` writes as
    socket.io-emitter 3.x does, for nodes of socket.io 2 alone, which have no more than `emit`.
    From any thread. Every call of `to` and the like gives a new one."""

    def __init__(
        self,
        redis: str | Callable[[str, bytes], Any] = "redis://localhost",
        *,
        prefix: str = "socket.io",
        nsp: str = "/",
        compat: bool = False,
    ) -> None:
        self._publish: Callable[[str, bytes], Any] = (
            Publisher(redis) if isinstance(redis, str) else redis
        )
        self._prefix = prefix
        self._nsp = nsp if nsp.startswith("/") else f"/{nsp}"
        self._compat = compat
        self._rooms: tuple[str, ...] = ()
        self._except: tuple[str, ...] = ()
        self._flags: dict[str, bool] = {}

    def _changed(self, **changes: Any) -> Emitter:
        made = copy.copy(self)
        vars(made).update(changes)
        return made

    def of(self, nsp: str) -> Emitter:
        """The same for another namespace, and all of it."""
        name = nsp if nsp.startswith("/") else f"/{nsp}"
        return self._changed(_nsp=name, _rooms=(), _except=(), _flags={})

    def to(self, *rooms: Rooms) -> Emitter:
        return self._changed(_rooms=(*self._rooms, *_names(rooms)))

    in_ = to

    def except_(self, *rooms: Rooms) -> Emitter:
        return self._changed(_except=(*self._except, *_names(rooms)))

    @property
    def volatile(self) -> Emitter:
        """Dropped for receivers that cannot take it at once."""
        return self._changed(_flags={**self._flags, "volatile": True})

    def compress(self, on: bool) -> Emitter:
        return self._changed(_flags={**self._flags, "compress": on})

    def emit(self, event: str, *args: Any) -> Any:
        """Arguments are what JSON can say, and bytes."""
        if event in _RESERVED:
            raise ValueError(f'"{event}" is a reserved event name')
        packet = {"type": 2, "data": [event, *args], "nsp": self._nsp}
        opts: dict[str, Any] = {"rooms": self._rooms, "flags": self._flags}
        if not self._compat:
            opts["except"] = self._except
        channel = f"{self._prefix}#{self._nsp}#"
        if len(self._rooms) == 1:
            channel += f"{self._rooms[0]}#"
        return self._publish(channel, pack(["emitter", packet, opts]))

    def sockets_join(self, *rooms: Rooms) -> Any:
        return self._request({"type": _JOIN, "opts": self._opts(), "rooms": _names(rooms)})

    def sockets_leave(self, *rooms: Rooms) -> Any:
        return self._request({"type": _LEAVE, "opts": self._opts(), "rooms": _names(rooms)})

    def disconnect_sockets(self, close: bool = False) -> Any:
        """`close`: their connections too, not this namespace alone."""
        return self._request({"type": _DISCONNECT, "opts": self._opts(), "close": close})

    def server_side_emit(self, event: str, *args: Any) -> Any:
        """To the server-side handlers of the nodes. Nobody can answer."""
        if event in _RESERVED_OF_SERVERS:
            raise ValueError(f'"{event}" is a reserved event name')
        return self._request({"uid": "emitter", "type": _SERVER_EVENT, "data": [event, *args]})

    def close(self) -> None:
        """Ends the connection to Redis, if it has one of its own."""
        if isinstance(self._publish, Publisher):
            self._publish.close()

    def _opts(self) -> dict[str, Any]:
        return {"rooms": self._rooms, "except": self._except}

    def _request(self, request: dict[str, Any]) -> Any:
        if self._compat:
            raise RuntimeError("nodes of socket.io 2 take no requests of an emitter")
        text = json.dumps(
            request,
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
            default=_node_buffer,
        )
        return self._publish(
            f"{self._prefix}-request#{self._nsp}#", text.encode("utf-8", "replace")
        )
