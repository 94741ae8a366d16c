"""What a server is told by its native side, and the handlers that come of it."""

from __future__ import annotations

import asyncio
import builtins
import inspect
import threading
from typing import TYPE_CHECKING, Any, cast

from mad.socketio import _letters
from mad.socketio._errors import ConnectionRefusedError
from mad.socketio._handlers import CATCH_ALL, Handler, OnError, answers, report
from mad.socketio._lanes import Calls, Letter, LoopLane
from mad.socketio._socket import Handshake, Socket

if TYPE_CHECKING:
    from mad import _core
    from mad.socketio._server import Server

# What leaves a handler that runs on the main thread's loop: somebody wants to end.
_LEAVE = (KeyboardInterrupt,)


class Events:
    """The half of a `Server` that runs its handlers."""

    on_error: OnError | None
    _native: _core.SocketServer
    _lock: threading.RLock
    _given_loop: asyncio.AbstractEventLoop | None

    def __init__(self) -> None:
        self._handlers: dict[int, Handler] = {}
        self._routes: dict[tuple[str, str], int] = {}
        self._special: dict[tuple[str, str], Handler] = {}
        self._middlewares: dict[str, list[Handler]] = {}
        self._sockets: dict[str, Socket] = {}
        self._calls = Calls()
        self._lane: LoopLane | None = None
        self._coroutines = False

    def _need_loop(self) -> None:
        self._coroutines = True
        if self._native.running and self._lane is None:
            self._start_loop(self._given_loop)

    def _start_loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
        if self._lane is None:
            self._lane = LoopLane(self._native.loop_inbox(), self, loop)

    def _chain(self, nsp: str) -> list[Handler]:
        chain = list(self._middlewares.get(nsp, ()))
        if connect := self._special.get((nsp, "connect")):
            chain.append(connect)
        return chain

    def deliver(self, letters: list[Letter], loop: LoopLane | None) -> None:
        """Called by the lanes."""
        handled = 0
        for letter in letters:
            kind = letter[0]
            if kind == _letters.EVENT:
                handled += self._on_event(letter, loop)
            elif kind == _letters.ANSWER:
                self._calls.settle(letter)
            elif kind == _letters.CONNECTING:
                self._on_connecting(letter, loop)
            elif kind == _letters.DISCONNECTED:
                self._on_disconnected(letter, loop)
            elif kind == _letters.GONE:
                self._on_gone(letter)
        if handled:
            self._native.handled(handled)

    def _on_event(self, letter: Letter, loop: LoopLane | None) -> int:
        """How many events are dealt with: 0 when a coroutine has begun, which says so itself."""
        _, number, sid, args, answer = letter
        handler, sock = self._handlers.get(number), self._sockets.get(sid)
        if handler is None or sock is None:
            return 1
        values = handler.fit((sock, *args))
        if values is None:
            if answer is not None:
                answer.send({"error": "arguments are missing"})
            return 1
        if loop is not None and handler.coroutine:
            loop.spawn(self._run_event(handler, values, answer))
            return 0
        try:
            value = handler.function(*values)
            if inspect.isawaitable(value):
                self._run_elsewhere(self._await_event(handler, sock, value, answer), loop)
                return 0
            if answer is not None:
                answer.send(*answers(value))
        except _LEAVE:
            raise
        except BaseException as error:
            report(self.on_error, error, _name(handler, args), sock)
        return 1

    def _run_elsewhere(self, work: Any, loop: LoopLane | None) -> None:
        if loop is not None:
            loop.spawn(work)
            return
        with self._lock:
            self._need_loop()
        assert self._lane is not None
        self._lane.loop.call_soon_threadsafe(self._lane.spawn, work)

    async def _run_event(
        self, handler: Handler, values: tuple[Any, ...], answer: _core.Answer | None
    ) -> None:
        await self._await_event(handler, values[0], handler.function(*values), answer)

    async def _await_event(
        self, handler: Handler, sock: Socket, work: Any, answer: _core.Answer | None
    ) -> None:
        try:
            value = await work
            if answer is not None:
                answer.send(*answers(value))
        except Exception as error:
            report(self.on_error, error, handler.event, sock)
        finally:
            self._native.handled(1)

    def _on_connecting(self, letter: Letter, loop: LoopLane | None) -> None:
        _, nsp, native, said = letter
        sock = Socket(native, cast("Server", self), nsp, Handshake(**said))
        self._sockets[sock.id] = sock
        chain = self._chain(nsp)
        if loop is not None and any(h.coroutine for h in chain):
            loop.spawn(self._let_in(sock, chain))
            return
        try:
            for handler in chain:
                if (values := handler.fit((sock, sock.handshake))) is not None:
                    handler.function(*values)
        except _LEAVE:
            raise
        except BaseException as error:
            self._refuse(sock, error)
        else:
            self._accept(sock)

    async def _let_in(self, sock: Socket, chain: list[Handler]) -> None:
        try:
            for handler in chain:
                values = handler.fit((sock, sock.handshake))
                if values is not None:
                    outcome = handler.function(*values)
                    if inspect.isawaitable(outcome):
                        await outcome
        except Exception as error:
            self._refuse(sock, error)
        else:
            self._accept(sock)

    def _accept(self, sock: Socket) -> None:
        sock.connected = True
        sock._native.accept()

    def _refuse(self, sock: Socket, error: BaseException) -> None:
        self._sockets.pop(sock.id, None)
        message, data = "internal error", None
        if isinstance(error, ConnectionRefusedError):
            message, data = str(error), error.data
        elif isinstance(error, builtins.ConnectionRefusedError) and error.errno is None:
            message = str(error)  # raised by a handler, not by the system
        else:
            report(self.on_error, error, "connect", sock)
        try:
            sock._native.refuse(message, data)
        except (TypeError, ValueError, OverflowError) as wrong:
            report(self.on_error, wrong, "connect", sock)
            sock._native.refuse(message, None)

    def _on_disconnected(self, letter: Letter, loop: LoopLane | None) -> None:
        _, sid, reason = letter
        sock = self._sockets.get(sid)
        if sock is None:
            return
        sock.connected = False
        handler = self._special.get((sock.namespace, "disconnect"))
        values = handler.fit((sock, reason)) if handler else None
        if handler is None or values is None:
            return
        if loop is not None and handler.coroutine:
            loop.spawn(self._run_last(handler, values))
            return
        try:
            handler.function(*values)
        except _LEAVE:
            raise
        except BaseException as error:
            report(self.on_error, error, "disconnect", sock)

    async def _run_last(self, handler: Handler, values: tuple[Any, ...]) -> None:
        try:
            await handler.function(*values)
        except Exception as error:
            report(self.on_error, error, "disconnect", values[0])

    def _on_gone(self, letter: Letter) -> None:
        # Each lane says so behind the last event that it had of the socket.
        _, sid, lanes = letter
        sock = self._sockets.get(sid)
        if sock is None:
            return
        with sock._lock:
            sock._gone += 1
            last = sock._gone >= lanes
        if last:
            sock.connected = False
            self._sockets.pop(sid, None)


def _name(handler: Handler, args: tuple[Any, ...]) -> str:
    return str(args[0]) if handler.event == CATCH_ALL and args else handler.event
