"""Who empties the native inboxes: threads for plain handlers, an asyncio loop for coroutines."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import threading
import weakref
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from mad.socketio import _letters
from mad.socketio._errors import error_of
from mad.socketio._handlers import LOG, unpack

if TYPE_CHECKING:
    from mad._core import Inbox

Letter = tuple[Any, ...]
GRACE = 5.0  # seconds for handlers to end when what they belong to does


class Owner(Protocol):
    """A server or a client."""

    def deliver(self, letters: list[Letter], loop: LoopLane | None) -> None: ...


def handler_thread(name: str, inbox: Inbox, owner: Owner) -> threading.Thread:
    """A thread that gives `owner` what comes, for as long as somebody else wants it. To be started
    once it is kept where its end will be waited for: Ctrl-C may interrupt `start`."""
    # A daemon, since the interpreter waits for others before anybody may end them.
    return threading.Thread(target=_work, args=(inbox, weakref.ref(owner)), name=name, daemon=True)


def _work(inbox: Inbox, owner: weakref.ref[Owner]) -> None:
    while (letters := inbox.take(3600)) is not None:
        if not letters:
            continue
        strong = owner()
        if strong is None:
            return
        try:
            strong.deliver(letters, None)
        except Exception:  # not a handler's: those are caught one by one
            LOG.exception("events were lost")
        del strong, letters


def join(thread: threading.Thread) -> None:
    if thread is not threading.current_thread():
        with contextlib.suppress(RuntimeError):  # an interrupt came before it began
            thread.join(GRACE)


class LoopLane:
    """A loop that empties an inbox and runs coroutines: one that is there, or one of its own."""

    def __init__(
        self, inbox: Inbox, owner: Owner, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self._inbox = inbox
        self._owner = weakref.ref(owner)
        self._thread: threading.Thread | None = None
        self.tasks: set[asyncio.Task[Any]] = set()
        self._emptied = asyncio.Event()
        if loop is None:
            self.loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=_run_loop, args=(self.loop,), name="mad-loop", daemon=True
            )
            self._thread.start()
        else:
            self.loop = loop
        self._fd = inbox.fileno()
        self._pid = os.getpid()
        weakref.finalize(self, _let_go, self.loop, self._fd, inbox, loop is None).atexit = False
        if self.here():
            self._watch()
        else:
            self.loop.call_soon_threadsafe(self._watch)

    def here(self) -> bool:
        """Whether this is the loop's own thread."""
        try:
            return asyncio.get_running_loop() is self.loop
        except RuntimeError:
            return False

    def _watch(self) -> None:
        self.loop.add_reader(self._fd, _read, weakref.ref(self), self._fd, self.loop)

    def read(self) -> None:
        letters = self._inbox.drain()
        owner = self._owner()
        if letters is None or owner is None:
            self.loop.remove_reader(self._fd)
            self._emptied.set()
        elif letters:
            owner.deliver(letters, self)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def finish(self) -> None:
        """After the inbox was closed: what is in it is dealt with, and handlers get some time."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._emptied.wait(), GRACE)
        self.loop.remove_reader(self._fd)
        # One that ends what it runs on waits for itself; it goes on.
        others = self.tasks - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=0.1)
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others, timeout=GRACE)

    def stop(self) -> None:
        """The same from a thread that is not the loop's; ends a loop of its own."""
        if self._pid != os.getpid():
            return
        if self.here():
            # A handler on our own loop: it cannot wait for what comes after it.
            if self._thread is not None:
                self.spawn(self._finish_own())
            return
        if self._thread is None and not self.loop.is_running():
            return
        done = asyncio.run_coroutine_threadsafe(self.finish(), self.loop)
        with contextlib.suppress(Exception):
            done.result(3 * GRACE)
        if self._thread is not None:
            self.loop.call_soon_threadsafe(self.loop.stop)
            join(self._thread)

    async def _finish_own(self) -> None:
        await self.finish()
        self.loop.stop()


def _read(lane: weakref.ref[LoopLane], fd: int, loop: asyncio.AbstractEventLoop) -> None:
    strong = lane()
    if strong is None:
        loop.remove_reader(fd)
    else:
        strong.read()


def _let_go(loop: asyncio.AbstractEventLoop, fd: int, inbox: Inbox, own: bool) -> None:
    """The lane was dropped: its loop must not look at a descriptor that is no more."""

    def unwatch(_: Inbox) -> None:
        loop.remove_reader(fd)
        if own:
            loop.stop()

    with contextlib.suppress(RuntimeError):  # it has ended
        loop.call_soon_threadsafe(unwatch, inbox)


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


class Calls:
    """Answers that coroutines wait for."""

    def __init__(self) -> None:
        self._tokens = itertools.count(1)
        self._open: dict[int, asyncio.Future[Any]] = {}

    def add(self) -> tuple[int, asyncio.Future[Any]]:
        token = next(self._tokens)
        future = asyncio.get_running_loop().create_future()
        self._open[token] = future
        return token, future

    def forget(self, token: int) -> None:
        self._open.pop(token, None)

    def settle(self, letter: Letter) -> None:
        kind, token, error, values = letter
        future = self._open.pop(token, None)
        if future is None:
            return
        if kind == _letters.ANSWERS:  # of many
            resolve(future, values, error and error_of(error, values))
        else:
            resolve(future, unpack(values) if error is None else None, error and error_of(error))


def resolve(future: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    """From any thread."""

    def set_it() -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)

    loop = future.get_loop()
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if running is loop:
        set_it()
        return
    with contextlib.suppress(RuntimeError):  # its loop has ended: nobody waits
        loop.call_soon_threadsafe(set_it)
