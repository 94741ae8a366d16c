"""A Socket.IO server."""

from __future__ import annotations

import asyncio
import atexit
import itertools
import os
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from mad._address import parse_address
from mad.socketio._handlers import (
    CATCH_ALL,
    RESERVED,
    Function,
    Handler,
    OnError,
    make_handler,
)
from mad.socketio._lanes import handler_thread, join, resolve
from mad.socketio._namespace import Namespace
from mad.socketio._server_events import Events
from mad.socketio._socket import Socket

if TYPE_CHECKING:
    from mad import _core

F = TypeVar("F", bound=Function)
Target = str | Socket | Iterable[str | Socket] | None

_running: weakref.WeakSet[Server] = weakref.WeakSet()


class Server(Events):
    """Serves Socket.IO (revision 5, engine revision 4) to any number of peers.

    `listen` is `PORT` or `HOST:PORT`, port 0 (the default) a free one; without a host: this machine
    only. Times are in seconds, sizes in bytes; defaults are those of socket.io 4.8, but for
    `check_origin` (pages of other origins than `cors_origins` are refused).

    `threads` serve the network, `handler_threads` run handlers that are functions: those of one
    socket always in the same one, in order. Coroutines run on `loop`, else on a loop in a thread of
    the server; a server started with `async with` runs all handlers on the running loop.

    `on_error(error, event, sock)` is told what handlers raise, beside the log `mad.socketio`."""

    def __init__(
        self,
        listen: str | int = 0,
        *,
        path: str = "/socket.io/",
        transports: Iterable[str] = ("polling", "websocket"),
        allow_upgrades: bool = True,
        allow_eio3: bool = False,
        cors_origins: str | Iterable[str] = (),
        cors_credentials: bool = False,
        check_origin: bool = True,
        ping_interval: float = 25,
        ping_timeout: float = 20,
        connect_timeout: float = 45,
        max_payload: int = 1_000_000,
        max_connections: int = 0,
        tls_cert: str = "",
        tls_key: str = "",
        threads: int = 1,
        handler_threads: int = 1,
        loop: asyncio.AbstractEventLoop | None = None,
        on_error: OnError | None = None,
    ) -> None:
        from mad import _core

        if handler_threads < 1:
            raise ValueError("handler_threads must be at least 1")
        at = parse_address(str(listen))
        origins = [cors_origins] if isinstance(cors_origins, str) else list(cors_origins)
        self._native = _core.SocketServer(
            host=at.host,
            port=at.port,
            path=path,
            transports=list(transports),
            allow_upgrades=allow_upgrades,
            allow_eio3=allow_eio3,
            cors_origins=origins,
            cors_credentials=cors_credentials,
            check_origin=check_origin,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            connect_timeout=connect_timeout,
            max_payload=max_payload,
            max_connections=max_connections,
            tls_cert=tls_cert,
            tls_key=tls_key,
            threads=threads,
        )
        super().__init__()
        self.on_error = on_error
        self._handler_threads = handler_threads
        self._given_loop = loop
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._pid = os.getpid()
        self._open("/")

    # Handlers

    @overload
    def on(self, event: str, *, namespace: str = "/") -> Callable[[F], F]: ...
    @overload
    def on(self, event: str, function: F, *, namespace: str = "/") -> F: ...
    def on(self, event: str, function: F | None = None, *, namespace: str = "/") -> Any:
        """Makes `function`, or what is decorated, the handler of an event; the one before is
        replaced. It is called with the socket and the arguments of the event; those it does not
        take are left out, and with too few it is not called. What it returns is the answer.

        `connect(sock, handshake)` may refuse: `raise ConnectionRefusedError(message, data)`.
        `disconnect(sock, reason)` is told of the end. `*` gets the events that have no handler:
        `(sock, event, *args)`."""
        if function is None:
            return lambda decorated: self.on(event, decorated, namespace=namespace)
        self._set(_full(namespace), event, make_handler(function, event))
        return function

    @overload
    def event(self, function: F) -> F: ...
    @overload
    def event(self, *, namespace: str = "/") -> Callable[[F], F]: ...
    def event(self, function: F | None = None, *, namespace: str = "/") -> Any:
        """`on`, with the name of the function as that of the event."""
        if function is None:
            return lambda decorated: self.on(decorated.__name__, decorated, namespace=namespace)
        return self.on(function.__name__, function, namespace=namespace)

    @overload
    def use(self, *, namespace: str = "/") -> Callable[[F], F]: ...
    @overload
    def use(self, function: F, *, namespace: str = "/") -> F: ...
    def use(self, function: F | None = None, *, namespace: str = "/") -> Any:
        """Adds a middleware: called with the socket (and the handshake) before the `connect`
        handler, in order; it may refuse as that one may."""
        if function is None:
            return lambda decorated: self.use(decorated, namespace=namespace)
        nsp = _full(namespace)
        with self._lock:
            self._middlewares.setdefault(nsp, []).append(make_handler(function, "connect"))
            self._open(nsp)
        return function

    def register(self, namespace: Namespace) -> None:
        """Takes the handlers of a `Namespace`."""
        namespace._server = self
        self._open(namespace.name)
        for event, function in namespace.handlers():
            self.on(event, function, namespace=namespace.name)

    def _set(self, nsp: str, event: str, handler: Handler) -> None:
        if event == "connect_error":
            raise ValueError("servers have no connect_error")
        with self._lock:
            if event in RESERVED:
                self._special[nsp, event] = handler
                self._open(nsp)
                return
            self._open(nsp)
            number = next(self._numbers)
            self._handlers[number] = handler
            self._handlers.pop(self._routes.get((nsp, event), 0), None)
            self._routes[nsp, event] = number
            if handler.coroutine:
                self._need_loop()
            self._native.handle(nsp, "" if event == CATCH_ALL else event, number, handler.coroutine)

    def _open(self, nsp: str) -> None:
        """Opens a namespace. Its sockets connect and leave on the loop when a handler wants it."""
        last = self._special.get((nsp, "disconnect"))
        coroutine = any(h.coroutine for h in [*self._chain(nsp), *([last] if last else [])])
        if coroutine:
            self._need_loop()
        self._native.open(nsp, coroutine)

    # Running

    def start(self) -> Self:
        """Serves from here on, with threads for the handlers. Raises mad.Error when it cannot (the
        port is taken, say). A server starts once."""
        with self._lock:
            inboxes = [self._native.add_inbox() for _ in range(self._handler_threads)]
            self._native.start()
            _running.add(self)
            for number, inbox in enumerate(inboxes):
                self._threads.append(handler_thread(f"mad-handlers-{number}", inbox, self))
                self._threads[-1].start()
            if self._coroutines:
                self._start_loop(self._given_loop)
        return self

    async def start_async(self) -> Self:
        """Serves from here on; all handlers run on the running loop, functions too."""
        with self._lock:
            self._native.start()
            _running.add(self)
            self._start_loop(asyncio.get_running_loop())
        return self

    def stop(self, drain: float = 2) -> None:
        """Ends all sockets ("server shutting down") and the server, waiting up to `drain` seconds
        for the goodbyes to be sent, and some more for handlers that run. Handlers may call it.
        Again: nothing."""
        if not self._begin_stop():
            return
        self._native.stop(drain)
        for thread in self._threads:
            join(thread)
        if self._lane is not None:
            self._lane.stop()
        self._end_stop()

    async def stop_async(self, drain: float = 2) -> None:
        """The same without keeping the loop from its work."""
        if not self._begin_stop():
            return
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._native.stop, drain)
        if self._lane is not None and self._lane.here():
            await self._lane.finish()
        else:
            await loop.run_in_executor(None, self._join)
        self._end_stop()

    def _join(self) -> None:
        for thread in self._threads:
            join(thread)
        if self._lane is not None:
            self._lane.stop()

    def _begin_stop(self) -> bool:
        if self._pid != os.getpid():
            return False  # a child made by fork(): nothing of it is here
        with self._lock:
            if self not in _running:
                if not self._stopped.is_set():
                    self._native.stop(0)
                    self._stopped.set()
                return False
            _running.discard(self)
            return True

    def _end_stop(self) -> None:
        self._sockets.clear()
        with self._lock:
            self._stopped.set()
            waiting, self._waiting = self._waiting, []
        for future in waiting:
            resolve(future, None, None)

    def serve_forever(self) -> None:
        """Serves until somebody calls `stop`, or until Ctrl-C, which then ends the server."""
        if not self.running:
            self.start()
        try:
            while not self._stopped.wait(3600):
                pass
        except KeyboardInterrupt:
            self.stop()

    async def wait_stopped(self) -> None:
        """Until somebody has called `stop_async`."""
        with self._lock:
            if self._stopped.is_set():
                return
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
        await future

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await self.start_async()

    async def __aexit__(self, *_: object) -> None:
        await self.stop_async()

    @property
    def url(self) -> str:
        """Where it is, with the real port."""
        return self._native.url

    @property
    def running(self) -> bool:
        return self._native.running

    def __repr__(self) -> str:
        return f"<mad.socketio.Server {self.url if self.running else 'not running'}>"

    def _loop_inbox(self) -> _core.Inbox:
        with self._lock:
            self._need_loop()
        return self._native.loop_inbox()

    # Sending

    def emit(
        self,
        event: str,
        *args: Any,
        to: Target = None,
        skip: Target = None,
        namespace: str = "/",
        volatile: bool = False,
    ) -> None:
        """Sends an event to everybody in `to` (rooms, ids or sockets; all of the namespace by
        default) but those in `skip`. From any thread. `volatile`: dropped for peers that cannot
        take it at once."""
        if to is not None and not (names := _names(to)):
            return
        names = [] if to is None else names
        self._native.emit(_full(namespace), event, args, names, _names(skip), volatile)

    def sockets(self, namespace: str = "/", room: str | None = None) -> list[Socket]:
        """Those connected now, in that room if one is named."""
        nsp = _full(namespace)
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
        for sock in self.sockets(namespace, room):
            sock.leave(room)
        self._native.leave_room(_full(namespace), room)

    def rooms(self, sid: str | Socket) -> frozenset[str]:
        """`Socket.rooms`; none when it is gone."""
        sock = self._find(sid)
        return sock.rooms if sock else frozenset()

    def disconnect(self, to: Target, namespace: str = "/", close: bool = False) -> None:
        """Sends everybody in `to` away; `close` also ends the connections under them."""
        if names := _names(to):
            self._native.disconnect(_full(namespace), names, close)

    def _find(self, sid: str | Socket) -> Socket | None:
        return sid if isinstance(sid, Socket) else self._sockets.get(sid)


def _full(namespace: str) -> str:
    return namespace if namespace.startswith("/") else "/" + namespace


def _names(target: Target) -> list[str]:
    if target is None:
        return []
    if isinstance(target, (str, Socket)):
        target = [target]
    return [t.id if isinstance(t, Socket) else t for t in target]


@atexit.register
def _stop_all() -> None:
    for server in list(_running):
        server.stop(0.5)
