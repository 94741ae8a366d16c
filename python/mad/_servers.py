"""The servers of a fleet, running inside this process on threads of their own.

They serve without Python's help: its lock is not held, and nothing here is called by them but the
logger `mad`, through a thread of Python."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mad import _log
from mad._address import parse_address
from mad._hosting import Hosted

if TYPE_CHECKING:
    from mad import _core


class ApiServer(Hosted):
    """A node: agents push their health to it, consoles see all of them live.

    `listen` is `PORT` or `HOST:PORT`, port 0 (the default) a free one; without a host: this machine
    only. `cors_origins` are the origins of pages that may talk to it (`http://127.0.0.1:8081`).
    `threads` of 0 means as many as cores."""

    _native: _core.ApiServer

    def __init__(
        self, listen: str | int = 0, *, cors_origins: Iterable[str] = (), threads: int = 1
    ) -> None:
        from mad import _core

        at = parse_address(str(listen))
        self._native = _core.ApiServer(
            host=at.host,
            port=at.port,
            cors_origins=list(cors_origins),
            threads=threads,
            log=_log.box(),
        )


class WebServer(Hosted):
    """The console's page. `api_url` is told to the page; the API must allow `url` as an origin."""

    _native: _core.WebServer

    def __init__(self, api_url: str = "", listen: str | int = 0) -> None:
        from mad import _core, _paths

        at = parse_address(str(listen))
        self._native = _core.WebServer(
            host=at.host,
            port=at.port,
            api_url=api_url,
            root=str(_paths.console()),
            log=_log.box(),
        )


class Agent(Hosted):
    """Samples this machine each `interval` seconds (1 to 60) and reports to the API at `api_url`.

    Reconnects by itself. `id` is the name in the fleet; without one the machine's own."""

    _native: _core.Agent
    _exit_drain = 1

    def __init__(
        self,
        api_url: str,
        *,
        id: str | None = None,
        interval: float = 2.5,
        tags: Iterable[str] = (),
    ) -> None:
        from mad import _core

        native = _core.Agent(
            api_url=api_url, id=id or "", interval=interval, tags=list(tags), log=_log.box()
        )
        self._native = native
        self._id = native.id

    @property
    def id(self) -> str:
        """Its name in the fleet."""
        return self._id

    def stop(self, drain: float = 1) -> None:
        """Ends it, after waiting up to `drain` seconds for its goodbye to be sent."""
        super().stop(drain)
