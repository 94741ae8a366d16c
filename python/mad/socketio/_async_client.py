"""A Socket.IO client for coroutines."""

from __future__ import annotations

import asyncio
import os
from typing import Any, Self

from mad import _log
from mad.socketio._client_base import ClientBase
from mad.socketio._lanes import LoopLane


class AsyncClient(ClientBase):
    """`Client` for asyncio: handlers are coroutines or functions and run on the loop that it was
    connected on. `auth` may be a coroutine function, too.

    async with AsyncClient("http://127.0.0.1:3000") as io:
        print(await io.call("hello", "world"))"""

    _lane: LoopLane | None = None
    _news: asyncio.Event | None = None

    def _tell(self) -> None:
        if self._news is not None and self._lane is not None:
            if self._lane.here():
                self._news.set()
            elif not self._lane.loop.is_closed():
                self._lane.loop.call_soon_threadsafe(self._news.set)

    async def _until_news(self) -> None:
        # Each waiter looks at what has changed before it waits again, so one event serves all.
        assert self._news is not None
        self._news.clear()
        await self._news.wait()

    async def connect(self, *, retry: bool = False, timeout: float | None = None) -> Self:
        """Joins its namespaces and returns when it is in all of them. Raises ConnectError when the
        first attempt fails; with `retry` only when the server refuses. TimeoutError after
        `timeout` seconds (None: as long as attempts last)."""
        if self._lane is None:
            self._news = asyncio.Event()
            self._lane = LoopLane(self._inbox, self, asyncio.get_running_loop())
        names = self._begin()
        try:
            async with asyncio.timeout(timeout):
                await self._wait_for(names, retry)
        except BaseException:
            self._leave()
            raise
        return self

    async def _wait_for(self, names: list[str], retry: bool) -> None:
        while True:
            spaces = [self._spaces[nsp] for nsp in names]
            for space in spaces:
                if space.outcome and not space.joined and not (retry and space.wanted):
                    raise space.outcome
            if all(space.joined for space in spaces):
                return
            await self._until_news()

    async def wait(self) -> None:
        """Until it is disconnected and does not try again."""
        while not self._idle():
            await self._until_news()

    async def emit(
        self, event: str, *args: Any, namespace: str | None = None, volatile: bool = False
    ) -> None:
        """Sends an event, or keeps it until connected. `volatile`: dropped when it cannot be sent
        at once."""
        self._native.emit(self._full(namespace), event, args, volatile)

    async def call(
        self, event: str, *args: Any, namespace: str | None = None, timeout: float | None = None
    ) -> Any:
        """Sends an event and gives the server's answer: its one argument, a tuple of several, or
        None. TimedOutError after `timeout` seconds (0: never; by default `ack_timeout`, or 60 where
        the client has none), of each try where there are `retries`. DisconnectedError when
        disconnected before."""
        token, future = self._calls.add()
        try:
            self._native.call(token, self._full(namespace), event, args, self._limit(timeout))
            return await future
        finally:
            self._calls.forget(token)

    async def disconnect(self) -> None:
        """Leaves all namespaces. `connect` joins them again."""
        self._leave()

    async def close(self, timeout: float = 2) -> None:
        """Leaves all namespaces, waiting up to `timeout` seconds for the goodbye to be sent, and
        ends. For good. Again: nothing."""
        if self._ended or self._pid != os.getpid():
            return
        self._ended = True
        self._leave()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._native.stop, timeout)
        if self._lane is not None and self._lane.here():
            await self._lane.finish()
        await loop.run_in_executor(None, _log.settle)

    async def __aenter__(self) -> Self:
        try:
            return await self.connect()
        except BaseException:
            await self.close()
            raise

    async def __aexit__(self, *_: object) -> None:
        await self.close()
