"""Log events of the native side, brought to Python's `logging`: the logger `mad`.

Native threads put them into a box and go on; one thread of Python empties it while something
native is there to log. So no handler of `logging` is ever called by a native thread, nor with a
native lock held."""

from __future__ import annotations

import json
import logging
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mad import _core

LOG = logging.getLogger("mad")
LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
GRACE = 5.0  # seconds that the last events may take when everything has ended


class _Pump:
    """The box of this process and the thread that empties it."""

    def __init__(self) -> None:
        from mad import _core

        self.box = _core.LogBox()
        self._inbox = self.box.inbox()
        self._lock = threading.RLock()  # what a signal interrupts may be begun or ended by it
        self._thread: threading.Thread | None = None
        self._over = True  # the thread, or soon

    def begin(self) -> None:
        """Something native begins to run."""
        self._heed_level()
        with self._lock:
            if self._over:
                self._thread = threading.Thread(target=self._work, name="mad-log", daemon=True)
                self._thread.start()
                self._over = False

    def settle(self) -> None:
        """Something native has ended: the last one's events are waited for."""
        with self._lock:
            thread = self._thread
        if thread is not None and thread is not threading.current_thread() and not self.box.users:
            with suppress(RuntimeError):  # an interrupt came before it began
                thread.join(GRACE)

    def _heed_level(self) -> None:
        wanted = (n for n, level in enumerate(LEVELS) if LOG.isEnabledFor(level))
        self.box.set_level(next(wanted, len(LEVELS)))

    def _work(self) -> None:
        while True:
            letters = self._inbox.take(3600 if self.box.users else 0)
            for letter in letters or ():
                if letter is not None:
                    with suppress(Exception):  # a filter's: other events are told nevertheless
                        _tell(*letter)
            if lost := self.box.take_lost():
                with suppress(Exception):
                    LOG.warning("log.lost count=%d", lost)
            self._heed_level()
            if not letters:
                with self._lock:
                    if not self.box.users:
                        self._over = True
                        return


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if text and text.isprintable() and not set(text) & set(' "=\\'):
        return text
    return json.dumps(text)  # so that no peer can forge a line


def _tell(level: int, name: str, fields: dict[str, Any], when: float) -> None:
    if not LOG.isEnabledFor(LEVELS[level]):
        return
    text = " ".join([name, *(f"{key}={_shown(value)}" for key, value in fields.items())])
    extra = {"event": name, "fields": fields}
    record = LOG.makeRecord(LOG.name, LEVELS[level], "", 0, text, (), None, extra=extra)
    record.created, record.msecs = when, when % 1 * 1000
    LOG.handle(record)


_guard = threading.RLock()
_pump: _Pump | None = None


def _current() -> _Pump:
    global _pump
    with _guard:
        if _pump is None:
            _pump = _Pump()
        return _pump


def _forget() -> None:
    """In a child made by fork() there is no thread, and locks are as they were."""
    global _guard, _pump
    _guard = threading.RLock()
    _pump = None


os.register_at_fork(after_in_child=_forget)


def box() -> _core.LogBox:
    """What native things are given when they are made."""
    return _current().box


def begin() -> None:
    """To be called when one of them begins to run."""
    _current().begin()


def settle() -> None:
    """To be called when one has ended."""
    if _pump is not None:
        _pump.settle()
