"""A Socket.IO client for functions."""

from __future__ import annotations

import os
import threading
import time
from typing import Any, Self

from mad import _hosting, _log
from mad._errors import TimedOutError
from mad.socketio._client_base import ClientBase
from mad.socketio._handlers import Handler, unpack
from mad.socketio._lanes import handler_thread, join


class Client(ClientBase):
    """Connects to a Socket.IO server at `url`, `http://host:port/namespace`, or `https`. Handlers
    are functions and run one at a time, in a thread of the client.

    `auth` is sent with each connect: a dict, or a function that gives one. `namespaces` are joined
    beside the URL's own and those that have handlers. `headers` and `query` go with every request.
    `revision` is 4 for servers of Socket.IO 3.x and later, 3 for those of 2.x. `proxy` is an HTTP
    proxy for everything (`http://user:password@host:port`, by CONNECT), `cookies` sends back those
    that a balancer sets. `verify=False` takes any certificate; `ca_file` names the authorities to
    trust. `parser` must be that of the server, `compression` is of websockets and offered to it.

    With `retries` every event (but volatile ones) asks for an answer, and is sent again up to so
    many times when none comes in `ack_timeout` (0: as long as the connection lasts); each waits
    until the one before it has been answered, so the server gets them at least once, in order.

    Times are in seconds, sizes in bytes; defaults are those of socket.io-client 4.8, but for
    `compression` (off) and the limits (`max_…`), which that has not.

    with Client("http://127.0.0.1:3000") as io:
        print(io.call("hello", "world"))"""

    _thread: threading.Thread | None = None

    def _judge(self, handler: Handler) -> None:
        if handler.coroutine:
            raise TypeError(
                f"the handler of {handler.event!r} is a coroutine: that is for AsyncClient"
            )

    def connect(self, *, retry: bool = False, timeout: float | None = None) -> Self:
        """Joins its namespaces and returns when it is in all of them. Raises ConnectError when the
        first attempt fails; with `retry` only when the server refuses. TimedOutError after
        `timeout` seconds (None: as long as attempts last)."""
        self._not_in_handler("connect")
        if self._thread is None:
            _hosting.began(self)
            self._thread = handler_thread("mad-client", self._inbox, self)
            self._thread.start()
        names = self._begin()
        end = None if timeout is None else time.monotonic() + timeout
        try:
            self._wait_for(names, retry, end)
        except BaseException:
            self._leave()
            raise
        return self

    def _wait_for(self, names: list[str], retry: bool, end: float | None) -> None:
        with self._changed:
            while True:
                spaces = [self._spaces[nsp] for nsp in names]
                for space in spaces:
                    if space.outcome and not space.joined and not (retry and space.wanted):
                        raise space.outcome
                if all(space.joined for space in spaces):
                    return
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise TimedOutError("not connected in time", 0, "mad.socketio")
                self._changed.wait(left)

    def wait(self, timeout: float | None = None) -> bool:
        """Until it is disconnected and does not try again; whether that is so."""
        self._not_in_handler("wait")
        with self._changed:
            return self._changed.wait_for(self._idle, timeout)

    def emit(
        self, event: str, *args: Any, namespace: str | None = None, volatile: bool = False
    ) -> None:
        """Sends an event, or keeps it until connected. `volatile`: dropped when it cannot be sent
        at once."""
        self._native.emit(self._full(namespace), event, args, volatile)

    def call(
        self, event: str, *args: Any, namespace: str | None = None, timeout: float | None = None
    ) -> Any:
        """Sends an event and gives the server's answer: its one argument, a tuple of several, or
        None. TimedOutError after `timeout` seconds (0: never; by default `ack_timeout`, or 60 where
        the client has none), of each try where there are `retries`. DisconnectedError when
        disconnected before."""
        nsp = self._full(namespace)
        return unpack(self._native.call_blocking(nsp, event, args, self._limit(timeout)))

    def disconnect(self) -> None:
        """Leaves all namespaces. `connect` joins them again."""
        self._leave()

    def close(self, timeout: float = 2) -> None:
        """Leaves all namespaces, waiting up to `timeout` seconds for the goodbye to be sent, and
        ends. For good. Again: nothing."""
        if self._pid != os.getpid():
            return
        self._leave()
        self._native.stop(timeout)
        _hosting.ended(self)
        if self._thread is not None:
            join(self._thread)
        _log.settle()

    def _end_at_exit(self) -> None:
        self.close(0.5)

    def _not_in_handler(self, what: str) -> None:
        if threading.current_thread() is self._thread:
            raise RuntimeError(f"{what} would wait for itself in a handler")

    def __enter__(self) -> Self:
        try:
            return self.connect()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()
