"""A Socket.IO server."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from mad import _hosting, _log
from mad._address import parse_address
from mad.socketio._broadcast import full_name
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
from mad.socketio._sending import Sending
from mad.socketio._server_events import Events
from mad.socketio._settings import Compression, Parser, Recovery, compression_of, recovery_of

if TYPE_CHECKING:
    from mad import _core

F = TypeVar("F", bound=Function)


class Server(Events, Sending, _hosting.Hosted):
    """Serves Socket.IO (revision 5, engine revision 4) to any number of peers.

    `listen` is `PORT` or `HOST:PORT`, port 0 (the default) a free one; without a host: this machine
    only. Times are in seconds, sizes in bytes; defaults are those of socket.io 4.8, but for
    `check_origin` (pages of other origins than `cors_origins` are refused).

    `threads` serve the network, `handler_threads` run handlers that are functions: those of one
    socket always in the same one, in order. Coroutines run on `loop`, else on a loop in a thread of
    the server; a server started with `async with` runs all handlers on the running loop.

    `on_error(error, event, sock)` is told what handlers raise, beside the log `mad.socketio`.

    `recovery` and `compression` are off by default, True for their defaults. `parser="msgpack"` is
    that of socket.io-msgpack-parser: all peers must have it. `trusted_proxies` are networks
    (`10.0.0.0/8`, `loopback`) whose word on a peer's address is believed, `cookie` the name of a
    cookie for balancers, `client_folder` a folder with the client's files for browsers.
    `max_packet_rate`: packets a second from one connection, above which reading pauses; 0: any."""

    _exit_drain = 0.5

    def __init__(
        self,
        listen: str | int = 0,
        *,
        path: str = "/socket.io/",
        transports: Iterable[str] = ("polling", "websocket"),
        allow_upgrades: bool = True,
        allow_eio3: bool = False,
        jsonp: bool = False,
        cors_origins: str | Iterable[str] = (),
        cors_credentials: bool = False,
        check_origin: bool = True,
        trusted_proxies: Iterable[str] = (),
        cookie: str = "",
        ping_interval: float = 25,
        ping_timeout: float = 20,
        connect_timeout: float = 45,
        max_payload: int = 1_000_000,
        max_connections: int = 0,
        max_packet_rate: float = 0,
        parser: Parser = "json",
        compression: Compression | bool = False,
        recovery: Recovery | bool = False,
        client_folder: str | os.PathLike[str] = "",
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
        squeezed, kept = compression_of(compression), recovery_of(recovery)
        self._native = _core.SocketServer(
            host=at.host,
            port=at.port,
            path=path,
            transports=list(transports),
            allow_upgrades=allow_upgrades,
            allow_eio3=allow_eio3,
            jsonp=jsonp,
            cors_origins=origins,
            cors_credentials=cors_credentials,
            check_origin=check_origin,
            trusted_proxies=list(trusted_proxies),
            cookie=cookie,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            connect_timeout=connect_timeout,
            max_payload=max_payload,
            max_connections=max_connections,
            max_packet_rate=max_packet_rate,
            parser=parser,
            compression=squeezed._terms() if squeezed else None,
            recovery=kept._terms() if kept else None,
            client_folder=os.fspath(client_folder),
            tls_cert=tls_cert,
            tls_key=tls_key,
            threads=threads,
            log=_log.box(),
        )
        super().__init__(kept)
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
        self._set(full_name(namespace), event, make_handler(function, event))
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
        nsp = full_name(namespace)
        with self._lock:
            self._middlewares.setdefault(nsp, []).append(make_handler(function, "connect"))
            self._open(nsp)
        return function

    @overload
    def on_server_side(self, event: str, *, namespace: str = "/") -> Callable[[F], F]: ...
    @overload
    def on_server_side(self, event: str, function: F, *, namespace: str = "/") -> F: ...
    def on_server_side(self, event: str, function: F | None = None, *, namespace: str = "/") -> Any:
        """Makes `function` the handler of what other nodes send with `server_side_emit`: called
        with the arguments; what it returns is the answer."""
        if function is None:
            return lambda decorated: self.on_server_side(event, decorated, namespace=namespace)
        handler = make_handler(function, event)
        with self._lock:
            number = next(self._numbers)
            self._handlers[number] = handler
            nsp = full_name(namespace)
            self._handlers.pop(self._node_routes.get((nsp, event), 0), None)
            self._node_routes[nsp, event] = number
            if handler.coroutine:
                self._need_loop()
            self._native.handle_server_side(nsp, event, number, handler.coroutine)
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
            self._launch()
            for number, inbox in enumerate(inboxes):
                self._threads.append(handler_thread(f"mad-handlers-{number}", inbox, self))
                self._threads[-1].start()
            if self._coroutines:
                self._start_loop(self._given_loop)
        return self

    async def start_async(self) -> Self:
        """Serves from here on; all handlers run on the running loop, functions too."""
        with self._lock:
            self._launch()
            self._start_loop(asyncio.get_running_loop())
        return self

    def stop(self, drain: float = 2) -> None:
        """Ends all sockets ("server shutting down") and the server, waiting up to `drain` seconds
        for the goodbyes to be sent, and some more for handlers that run. Handlers may call it.
        Again: nothing."""
        if not self._begin_stop():
            return
        self._native.stop(drain)
        self._join()
        self._end_stop()
        _log.settle()

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
        await loop.run_in_executor(None, _log.settle)

    def _join(self) -> None:
        for thread in self._threads:
            join(thread)
        if self._lane is not None:
            self._lane.stop()

    def _begin_stop(self) -> bool:
        if self._pid != os.getpid():
            return False  # a child made by fork(): nothing of it is here
        with self._lock:
            was_running = _hosting.ended(self)
            if not was_running and not self._stopped.is_set():
                self._native.stop(0)
                self._stopped.set()
            return was_running

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

    async def __aenter__(self) -> Self:
        return await self.start_async()

    async def __aexit__(self, *_: object) -> None:
        await self.stop_async()

    def _loop_inbox(self) -> _core.Inbox:
        with self._lock:
            self._need_loop()
        return self._native.loop_inbox()
