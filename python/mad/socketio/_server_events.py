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
from mad.socketio._mail import Recipient
from mad.socketio._parted import Parted
from mad.socketio._settings import Recovery
from mad.socketio._socket import Handshake, Socket

if TYPE_CHECKING:
    from mad import _core
    from mad.socketio._server import Server

# What leaves a handler that runs on the main thread's loop: somebody wants to end.
_LEAVE = (KeyboardInterrupt,)


class Events(Recipient):
    """The half of a `Server` that runs its handlers."""

    on_error: OnError | None
    _native: _core.SocketServer
    _lock: threading.RLock
    _given_loop: asyncio.AbstractEventLoop | None

    def __init__(self, recovery: Recovery | None) -> None:
        self._handlers: dict[int, Handler] = {}
        self._routes: dict[tuple[str, str], int] = {}
        self._node_routes: dict[tuple[str, str], int] = {}
        self._special: dict[tuple[str, str], Handler] = {}
        self._middlewares: dict[str, list[Handler]] = {}
        self._sockets: dict[str, Socket] = {}
        self._parted = Parted(recovery) if recovery else None
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

    def _chain(self, nsp: str, recovered: bool = False) -> list[Handler]:
        skipped = recovered and self._parted is not None and self._parted.skip_middlewares
        chain = [] if skipped else list(self._middlewares.get(nsp, ()))
        if connect := self._special.get((nsp, "connect")):
            chain.append(connect)
        return chain

    def _on_other(self, letter: Letter, loop: LoopLane | None) -> None:
        kind = letter[0]
        if kind == _letters.CONNECTING:
            self._on_connecting(letter, loop)
        elif kind == _letters.DISCONNECTED:
            self._on_disconnected(letter, loop)
        elif kind == _letters.GONE:
            self._on_gone(letter, loop)
        elif kind == _letters.SERVER_SIDE:
            self._on_server_side(letter, loop)

    def _of(self, sid: str, loop: LoopLane | None) -> Socket | None:
        """The socket that a letter of this lane is about. One that was recovered has the id of the
        one before, which other lanes may not have heard the last of."""
        found, sock = None, self._sockets.get(sid)
        while sock is not None:
            if not sock._gone & _bit(loop):
                found = sock
            sock = sock._earlier
        return found

    def _on_event(self, letter: Letter, loop: LoopLane | None) -> int:
        _, number, sid, args, answer = letter
        handler, sock = self._handlers.get(number), self._of(sid, loop)
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
        _, nsp, native, said, recovered, rooms = letter
        kept = self._parted.take(native.id) if recovered and self._parted else None
        server = cast("Server", self)
        sock = Socket(native, server, nsp, Handshake(**said), rooms, recovered, kept)
        sock._earlier = self._sockets.get(sock.id)
        self._sockets[sock.id] = sock
        chain = self._chain(nsp, recovered)
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
        self._remove(sock)
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
        sock = self._of(sid, loop)
        if sock is None:
            return
        sock.connected = False
        if self._parted is not None:
            self._parted.keep(sock, reason)
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

    def _on_gone(self, letter: Letter, loop: LoopLane | None) -> None:
        # Each lane says so behind the last event that it had of the socket.
        _, sid, lanes = letter
        sock = self._of(sid, loop)
        if sock is None:
            return
        with sock._lock:
            sock._gone |= _bit(loop)
            last = sock._gone.bit_count() >= lanes
        if last:
            sock.connected = False
            self._remove(sock)

    def _remove(self, sock: Socket) -> None:
        with self._lock:
            newest = self._sockets.get(sock.id)
            if newest is not sock:
                while newest is not None and newest._earlier is not sock:
                    newest = newest._earlier
                if newest is not None:
                    newest._earlier = sock._earlier
            elif sock._earlier is not None:
                self._sockets[sock.id] = sock._earlier
            else:
                del self._sockets[sock.id]

    def _on_server_side(self, letter: Letter, loop: LoopLane | None) -> None:
        _, number, args, answer = letter
        handler = self._handlers.get(number)
        values = handler.fit(args) if handler else None
        if handler is None or values is None:
            return
        try:
            value = handler.function(*values)
            if inspect.isawaitable(value):
                self._run_elsewhere(self._finish_server_side(handler, value, answer), loop)
            elif answer is not None:
                answer.send(*answers(value))
        except _LEAVE:
            raise
        except BaseException as error:
            report(self.on_error, error, handler.event, None)

    async def _finish_server_side(
        self, handler: Handler, work: Any, answer: _core.Answer | None
    ) -> None:
        try:
            value = await work
            if answer is not None:
                answer.send(*answers(value))
        except Exception as error:
            report(self.on_error, error, handler.event, None)


def _bit(loop: LoopLane | None) -> int:
    return 1 if loop is None else 2


def _name(handler: Handler, args: tuple[Any, ...]) -> str:
    return str(args[0]) if handler.event == CATCH_ALL and args else handler.event
