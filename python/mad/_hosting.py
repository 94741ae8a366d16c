"""What runs on native threads inside this process: how it begins, and how it ends."""

from __future__ import annotations

import atexit
import weakref
from typing import Any, Protocol, Self

from mad import _log


class Endable(Protocol):
    """Something that the interpreter's end ends."""

    def _end_at_exit(self) -> None: ...


# In the order in which they began.
_running: weakref.WeakKeyDictionary[Endable, None] = weakref.WeakKeyDictionary()


def began(it: Endable) -> None:
    """Ended by the interpreter's end, unless somebody does so before."""
    _running[it] = None


def ended(it: Endable) -> bool:
    """Whether it was running until now."""
    try:
        del _running[it]
    except KeyError:
        return False
    return True


@atexit.register
def _end_all() -> None:
    for it in reversed(list(_running)):
        it._end_at_exit()


class Hosted:
    """Started by `with` or `start()`, ended by the block's end, `stop()`, or the interpreter's."""

    _native: Any  # a server of the native side: start, stop, running, url
    _exit_drain: float = 0

    def start(self) -> Self:
        """Serves from here on. Raises mad.Error when it cannot (the port is taken, say). A server
        starts once."""
        self._launch()
        return self

    def _launch(self) -> None:
        _log.begin()
        self._native.start()
        began(self)

    def stop(self, drain: float = 0) -> None:
        """Ends it, after waiting up to `drain` seconds for its peers to leave. Again: nothing."""
        ended(self)
        self._native.stop(drain)
        _log.settle()

    def _end_at_exit(self) -> None:
        self.stop(self._exit_drain)

    @property
    def url(self) -> str:
        """Where it is, with the real port; of an agent: where it reports to."""
        return str(self._native.url)

    @property
    def running(self) -> bool:
        return bool(self._native.running)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        package = type(self).__module__.rpartition("._")[0]
        state = self.url if self.running else "not running"
        return f"<{package}.{type(self).__name__} {state}>"
