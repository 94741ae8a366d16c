"""What both kinds of clients have in common."""

from __future__ import annotations

import inspect
import itertools
import os
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from mad import _log
from mad.socketio import _letters
from mad.socketio._errors import ConnectError
from mad.socketio._handlers import (
    CATCH_ALL,
    Function,
    Handler,
    OnError,
    answers,
    make_handler,
    report,
)
from mad.socketio._lanes import Calls, Letter, LoopLane
from mad.socketio._mail import Recipient
from mad.socketio._settings import Compression, Parser, compression_of

if TYPE_CHECKING:
    from mad import _core

F = TypeVar("F", bound=Function)
Auth = (
    Mapping[str, Any]
    | Callable[[], Mapping[str, Any] | None]
    | Callable[[], Awaitable[Mapping[str, Any] | None]]
    | None
)

DEFAULT_TIMEOUT = 60.0  # seconds, as in python-socketio
NEVER = 1e9

# Events that a client makes itself. The last three are of the connection, not of a namespace.
OWN = frozenset({"connect", "disconnect", "connect_error"})
OF_CONNECTION = frozenset({"reconnect_attempt", "reconnect", "reconnect_failed"})


class Space:
    """A namespace of a client."""

    def __init__(self) -> None:
        self.wanted = False
        self.joined = False
        self.sid = ""
        self.recovered = False
        self.outcome: ConnectError | None = None


class ClientBase(Recipient):
    """Settings, handlers and state. Subclasses say how one waits."""

    def __init__(
        self,
        url: str,
        *,
        auth: Auth = None,
        namespaces: Iterable[str] = (),
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        path: str = "/socket.io/",
        transports: Iterable[str] = ("polling", "websocket"),
        upgrade: bool = True,
        remember_upgrade: bool = False,
        try_all_transports: bool = False,
        revision: Literal[3, 4] = 4,
        proxy: str = "",
        cookies: bool = False,
        timeout: float = 20,
        reconnection: bool = True,
        reconnection_attempts: int | None = None,
        reconnection_delay: float = 1,
        reconnection_delay_max: float = 5,
        randomization_factor: float = 0.5,
        ack_timeout: float = 0,
        retries: int = 0,
        max_buffered_packets: int = 10_000,
        max_buffered_bytes: int = 4 * 1024 * 1024,
        parser: Parser = "json",
        compression: Compression | bool = False,
        max_payload: int = 16 * 1024 * 1024,
        verify: bool = True,
        ca_file: str = "",
        on_error: OnError | None = None,
    ) -> None:
        from mad import _core

        squeezed = compression_of(compression)
        self._native: _core.SocketClient = _core.SocketClient(
            url=url,
            path=path,
            transports=list(transports),
            upgrade=upgrade,
            remember_upgrade=remember_upgrade,
            try_all_transports=try_all_transports,
            revision=revision,
            proxy=proxy,
            cookies=cookies,
            query=list((query or {}).items()),
            headers=list((headers or {}).items()),
            timeout=timeout,
            reconnection=reconnection,
            reconnection_attempts=reconnection_attempts,
            reconnection_delay=reconnection_delay,
            reconnection_delay_max=reconnection_delay_max,
            randomization_factor=randomization_factor,
            ack_timeout=ack_timeout,
            retries=retries,
            max_buffered_packets=max_buffered_packets,
            max_buffered_bytes=max_buffered_bytes,
            parser=parser,
            compression=squeezed._terms() if squeezed else None,
            max_payload=max_payload,
            verify=verify,
            ca_file=ca_file,
            log=_log.box(),
        )
        self.on_error = on_error
        self._url = url
        self._auth = auth
        self._ack_timeout = ack_timeout
        self._own_events = OWN | {"error"} if revision == 3 else OWN
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._handlers: dict[int, Handler] = {}
        self._routes: dict[tuple[str, str], int] = {}
        self._own: dict[tuple[str, str], Handler] = {}
        self._calls = Calls()
        self._spaces: dict[str, Space] = {}
        self._default = self._native.default_nsp
        self._ended = False
        self._inbox = self._native.inbox()
        self._space(self._default)
        for name in namespaces:
            self._space(self._full(name))

    # Handlers

    @overload
    def on(self, event: str, *, namespace: str | None = None) -> Callable[[F], F]: ...
    @overload
    def on(self, event: str, function: F, *, namespace: str | None = None) -> F: ...
    def on(self, event: str, function: F | None = None, *, namespace: str | None = None) -> Any:
        """Makes `function`, or what is decorated, the handler of an event; the one before is
        replaced. It is called with the arguments of the event; those it does not take are left out,
        and with too few it is not called. What it returns is the answer.

        Of the client itself: `connect()`, `disconnect(reason)`, `connect_error(error)`, and of the
        connection under it `reconnect_attempt(number)`, `reconnect(number)`, `reconnect_failed()`.
        With `revision` 3 also `error(message, data)`: what a middleware of the server refused. `*`
        gets the events that have no handler: `(event, *args)`."""
        if function is None:
            return lambda decorated: self.on(event, decorated, namespace=namespace)
        self._set(namespace, make_handler(function, event))
        return function

    @overload
    def once(self, event: str, *, namespace: str | None = None) -> Callable[[F], F]: ...
    @overload
    def once(self, event: str, function: F, *, namespace: str | None = None) -> F: ...
    def once(self, event: str, function: F | None = None, *, namespace: str | None = None) -> Any:
        """The same for the next event of that name only."""
        if function is None:
            return lambda decorated: self.once(event, decorated, namespace=namespace)
        self._set(namespace, make_handler(function, event, once=True))
        return function

    @overload
    def event(self, function: F) -> F: ...
    @overload
    def event(self, *, namespace: str | None = None) -> Callable[[F], F]: ...
    def event(self, function: F | None = None, *, namespace: str | None = None) -> Any:
        """`on`, with the name of the function as that of the event."""
        if function is None:
            return lambda decorated: self.on(decorated.__name__, decorated, namespace=namespace)
        return self.on(function.__name__, function, namespace=namespace)

    def off(self, event: str, *, namespace: str | None = None) -> None:
        """No handler for that event any more."""
        key = (self._full(namespace), event)
        with self._changed:
            self._own.pop(key, None)
            self._handlers.pop(self._routes.pop(key, 0), None)

    def _judge(self, handler: Handler) -> None:
        """Says no to handlers that cannot be run."""

    def _set(self, namespace: str | None, handler: Handler) -> None:
        self._judge(handler)
        nsp = self._full(namespace)
        with self._changed:
            self._space(nsp)
            if handler.event in self._own_events or handler.event in OF_CONNECTION:
                nsp = self._default if handler.event in OF_CONNECTION else nsp
                self._own[nsp, handler.event] = handler
                return
            number = next(self._numbers)
            self._handlers[number] = handler
            self._handlers.pop(self._routes.get((nsp, handler.event), 0), None)
            self._routes[nsp, handler.event] = number
            event = "" if handler.event == CATCH_ALL else handler.event
            self._native.handle(nsp, event, number)

    # State

    def _full(self, namespace: str | None) -> str:
        if namespace is None:
            return self._default
        return namespace if namespace.startswith("/") else "/" + namespace

    def _space(self, nsp: str) -> Space:
        space = self._spaces.get(nsp)
        if space is None:
            self._native.open(nsp)
            space = self._spaces[nsp] = Space()
        return space

    @property
    def url(self) -> str:
        """Where it connects to."""
        return self._url

    @property
    def connected(self) -> bool:
        """Whether its default namespace, the URL's path, is joined."""
        return self.is_connected()

    def is_connected(self, namespace: str | None = None) -> bool:
        """Whether a namespace is joined."""
        return self._native.running and self._native.connected(self._full(namespace))

    def sid(self, namespace: str | None = None) -> str:
        """Its id in a namespace, as the server knows it; empty when not joined."""
        space = self._spaces.get(self._full(namespace))
        return space.sid if space and space.joined else ""

    def recovered(self, namespace: str | None = None) -> bool:
        """Whether the last connect has brought back what was there before: the server has sent what
        was missed, and rooms and data are as they were."""
        space = self._spaces.get(self._full(namespace))
        return bool(space and space.joined and space.recovered)

    @property
    def transport(self) -> str:
        """`polling` or `websocket`; empty without a connection."""
        return self._native.transport() if self._native.running else ""

    def drop_connection(self) -> None:
        """Ends the connection under it as if the network had failed: what is set for reconnection
        happens."""
        self._native.drop_connection()

    def _limit(self, timeout: float | None) -> float:
        """What the native side is told, which takes 0 for `ack_timeout`."""
        if timeout is None:
            return self._ack_timeout or DEFAULT_TIMEOUT
        return timeout or (NEVER if self._ack_timeout else 0)

    def _begin(self) -> list[str]:
        """Makes all namespaces connect that are not; their names."""
        _log.begin()
        self._prepare_auth()
        with self._changed:
            names = [nsp for nsp, space in self._spaces.items() if not space.joined]
            for nsp in names:
                space = self._spaces[nsp]
                space.wanted, space.outcome = True, None
                self._native.connect(nsp)
        return names

    def _prepare_auth(self) -> None:
        for nsp in self._spaces:
            if not callable(self._auth):
                self._native.set_auth(nsp, None if self._auth is None else dict(self._auth))
            else:
                self._native.ask_auth(nsp)

    def _leave(self) -> None:
        with self._changed:
            for nsp, space in self._spaces.items():
                if space.wanted and not space.joined:
                    space.outcome = ConnectError("left", 0, "mad.socketio")
                    space.wanted = False
                self._native.leave(nsp)
            self._changed.notify_all()
        self._tell()

    def _tell(self) -> None:
        """Something has changed: for subclasses that wait in another way."""

    def _idle(self) -> bool:
        return not any(space.wanted for space in self._spaces.values())

    # What comes

    def _on_other(self, letter: Letter, loop: LoopLane | None) -> None:
        if letter[0] == _letters.AUTH:
            self._on_auth(letter, loop)
        else:
            self._on_change(letter, loop)

    def _on_event(self, letter: Letter, loop: LoopLane | None) -> int:
        _, number, nsp, args, answer = letter
        handler = self._handlers.get(number)
        if handler is None:
            return 1
        values = handler.fit(args)
        if values is None:
            if answer is not None:
                answer.send({"error": "arguments are missing"})
            return 1
        if handler.once:
            with self._changed:
                if self._handlers.pop(number, None) is None:
                    return 1
                if self._routes.get((nsp, handler.event)) == number:
                    del self._routes[nsp, handler.event]
        return self._run(handler, values, loop, answer)

    def _run(
        self,
        handler: Handler,
        values: tuple[Any, ...],
        loop: LoopLane | None,
        answer: _core.Answer | None = None,
        counts: bool = True,
    ) -> int:
        try:
            value = handler.function(*values)
            if loop is not None and inspect.isawaitable(value):
                loop.spawn(self._finish(handler, value, answer, counts))
                return 0
            if answer is not None:
                answer.send(*answers(value))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            report(self.on_error, error, handler.event, None)
        return 1

    async def _finish(
        self, handler: Handler, work: Awaitable[Any], answer: _core.Answer | None, counts: bool
    ) -> None:
        try:
            value = await work
            if answer is not None:
                answer.send(*answers(value))
        except Exception as error:
            report(self.on_error, error, handler.event, None)
        finally:
            if counts:
                self._native.handled(1)

    def _fire(self, nsp: str, event: str, args: tuple[Any, ...], loop: LoopLane | None) -> None:
        handler = self._own.get((nsp, event))
        if handler is None:
            return
        values = handler.fit(args)
        if values is None:
            return
        if handler.once:
            self._own.pop((nsp, event), None)
        self._run(handler, values, loop, counts=False)

    def _on_change(self, letter: Letter, loop: LoopLane | None) -> None:
        kind = letter[0]
        if kind == _letters.CONNECTED:
            _, nsp, sid, recovered = letter
            self._note(nsp, joined=True, sid=sid, recovered=recovered)
            self._fire(nsp, "connect", (), loop)
        elif kind == _letters.DISCONNECTED:
            _, nsp, reason, final = letter
            # One that was made to connect again meanwhile is still wanted.
            self._note(nsp, joined=False, ended=final)
            self._fire(nsp, "disconnect", (reason,), loop)
        elif kind == _letters.CONNECT_ERROR:
            _, nsp, described, message, data, refused, final = letter
            text, code, category, _ = described
            error = ConnectError(message or text, code, category, refused, data)
            self._note(nsp, joined=False, ended=final, outcome=error)
            self._fire(nsp, "connect_error", (error,), loop)
        elif kind == _letters.SERVER_ERROR:
            _, nsp, message, data = letter
            self._fire(nsp, "error", (message, data), loop)
        elif kind == _letters.RECONNECT_ATTEMPT:
            self._fire(self._default, "reconnect_attempt", letter[1:], loop)
        elif kind == _letters.RECONNECTED:
            self._fire(self._default, "reconnect", letter[1:], loop)
        elif kind == _letters.GAVE_UP:
            for nsp in list(self._spaces):
                self._note(nsp, joined=False, ended=True)
            self._fire(self._default, "reconnect_failed", (), loop)

    def _note(
        self,
        nsp: str,
        *,
        joined: bool,
        sid: str = "",
        recovered: bool = False,
        ended: bool = False,
        outcome: ConnectError | None = None,
    ) -> None:
        with self._changed:
            space = self._spaces[nsp]
            space.joined, space.sid, space.recovered = joined, sid, recovered
            if joined:
                space.outcome = None
            if outcome is not None:
                space.outcome = outcome
            if ended:
                space.wanted = False
            self._changed.notify_all()
        self._tell()

    def _on_auth(self, letter: Letter, loop: LoopLane | None) -> None:
        _, _, token = letter
        assert callable(self._auth)
        value: Any = None
        try:
            value = self._auth()
            if inspect.isawaitable(value):
                if loop is None:
                    raise TypeError("auth of a Client must be a function, not a coroutine")
                loop.spawn(self._answer_auth_later(token, value))
                return
            self._native.answer_auth(token, None if value is None else dict(value))
        except Exception as error:
            report(self.on_error, error, "auth", None)
            self._native.answer_auth(token, None)

    async def _answer_auth_later(self, token: int, work: Awaitable[Any]) -> None:
        try:
            value = await work
            self._native.answer_auth(token, None if value is None else dict(value))
        except Exception as error:
            report(self.on_error, error, "auth", None)
            self._native.answer_auth(token, None)

    def __repr__(self) -> str:
        state = "connected" if self.connected else "not connected"
        return f"<mad.socketio.{type(self).__name__} {self._url} {state}>"
