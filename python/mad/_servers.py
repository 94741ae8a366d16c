"""The servers of a fleet, running inside this process on threads of their own.

They serve without Python's help: its lock is not held, and nothing here is called by them."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from mad._address import parse_address

if TYPE_CHECKING:
    from mad import _core

_running: weakref.WeakSet[_Server] = weakref.WeakSet()


class _Server:
    """Started by `with` or `start()`, ended by the block's end, `stop()`, or the interpreter's."""

    _native: _core.ApiServer | _core.WebServer | _core.Agent

    def start(self) -> Self:
        """Serves from here on. Raises mad.Error when it cannot (the port is taken, say). A server
        starts once."""
        self._native.start()
        _running.add(self)
        return self

    def stop(self, drain: float = 0) -> None:
        """Ends it, after waiting up to `drain` seconds for its peers to leave. Again: nothing."""
        _running.discard(self)
        self._native.stop(drain)

    @property
    def url(self) -> str:
        """Where it is, with the real port; of an agent: where it reports to."""
        return self._native.url

    @property
    def running(self) -> bool:
        return self._native.running

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = self.url if self.running else "not running"
        return f"<mad.{type(self).__name__} {state}>"


class ApiServer(_Server):
    """A node: agents push their health to it, consoles see all of them live.

    `listen` is `PORT` or `HOST:PORT`, port 0 (the default) a free one; without a host: this machine
    only. `cors_origins` are the origins of pages that may talk to it (`http://127.0.0.1:8081`).
    `threads` of 0 means as many as cores."""

    def __init__(
        self, listen: str | int = 0, *, cors_origins: Iterable[str] = (), threads: int = 1
    ) -> None:
        from mad import _core

        at = parse_address(str(listen))
        self._native = _core.ApiServer(
            host=at.host, port=at.port, cors_origins=list(cors_origins), threads=threads
        )


class WebServer(_Server):
    """The console's page. `api_url` is told to the page; the API must allow `url` as an origin."""

    def __init__(self, api_url: str = "", listen: str | int = 0) -> None:
        from mad import _core, _paths

        at = parse_address(str(listen))
        self._native = _core.WebServer(
            host=at.host, port=at.port, api_url=api_url, root=str(_paths.console())
        )


class Agent(_Server):
    """Samples this machine each `interval` seconds (1 to 60) and reports to the API at `api_url`.

    Reconnects by itself. `id` is the name in the fleet; without one the machine's own."""

    def __init__(
        self,
        api_url: str,
        *,
        id: str | None = None,
        interval: float = 2.5,
        tags: Iterable[str] = (),
    ) -> None:
        from mad import _core

        native = _core.Agent(api_url=api_url, id=id or "", interval=interval, tags=list(tags))
        self._native = native
        self._id = native.id

    @property
    def id(self) -> str:
        """Its name in the fleet."""
        return self._id

    def stop(self, drain: float = 1) -> None:
        """Ends it, after waiting up to `drain` seconds for its goodbye to be sent."""
        super().stop(drain)


@atexit.register
def _stop_all() -> None:
    for server in list(_running):
        server.stop()
