"""The sticky proxy, running inside this process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mad import _log
from mad._address import parse_address
from mad._hosting import Hosted
from mad._upstream import Upstream

if TYPE_CHECKING:
    from mad import _core

Place = str | Hosted
"""Where a server is: its URL, or a server of this process that has started."""


def _url(place: Place) -> str:
    if isinstance(place, str):
        return place
    if not place.url:
        raise ValueError(f"{place!r} has no address yet: start it before the proxy is made")
    return place.url


def _texts(places: Iterable[Place] | Mapping[str, Place]) -> list[str]:
    if isinstance(places, str):
        raise TypeError("upstreams is a list of URLs, or a dict of names and URLs")
    if isinstance(places, Mapping):
        return [f"{name}={_url(place)}" for name, place in places.items()]
    return [_url(place) for place in places]


class Proxy(Hosted):
    """Stands in front of Socket.IO servers, and keeps each client on its server.

    `upstreams` are URLs (`http://10.0.0.5:3000`, with a name in front: `a=http://…`, with a weight
    behind: `…?weight=2`), or servers of this process; as a dict with their names. `web` gets all
    that is neither of the engine (`path`) nor of `/api/`. `listen` is as of `ApiServer`.

    `affinity` says how a request finds its upstream: `sid,cookie,hash`, a part of it, or `hash`
    alone, by which the address decides. `trust` are the proxies in front whose forwarded addresses
    are believed (networks, addresses, `loopback`); with `accept_proxy_protocol` they must send a
    PROXY header. `health` is a path to probe instead of `/ready`, then `/health`. `cookie_secret`
    (16 bytes or more) is for proxies that shall take each other's cookies, a random one without;
    `cross_site_cookie` sends it to pages of other sites, too, which takes TLS.

    Sessions that are drained begin to leave after `drain_grace` seconds, one after another within
    `drain_over`. 0 of `max_connections` means half of the descriptors; of the limits per address
    (connections, and new ones a second; loopback is exempt): no limit. `ca_file` are certificates
    to trust for https upstreams, the system's without it."""

    _native: _core.Proxy

    def __init__(
        self,
        upstreams: Iterable[Place] | Mapping[str, Place] = (),
        listen: str | int = 0,
        *,
        web: Place | None = None,
        affinity: str = "sid,cookie,hash",
        trust: Iterable[str] = ("loopback",),
        path: str = "/socket.io/",
        health: str = "",
        cookie_secret: bytes = b"",
        cross_site_cookie: bool = False,
        drain_grace: float = 1,
        drain_over: float = 30,
        max_connections: int = 0,
        max_connections_per_address: int = 1024,
        max_rate_per_address: float = 100,
        accept_proxy_protocol: bool = False,
        tls_cert: str | Path = "",
        tls_key: str | Path = "",
        ca_file: str | Path = "",
        threads: int = 1,
    ) -> None:
        from mad import _core

        at = parse_address(str(listen))
        self._native = _core.Proxy(
            host=at.host,
            port=at.port,
            upstreams=_texts(upstreams),
            web=_url(web) if web is not None else "",
            affinity=affinity,
            trust=list(trust),
            path=path,
            health=health,
            cookie_secret=cookie_secret,
            cross_site_cookie=cross_site_cookie,
            drain_grace=drain_grace,
            drain_over=drain_over,
            max_connections=max_connections,
            max_connections_per_address=max_connections_per_address,
            max_rate_per_address=max_rate_per_address,
            accept_proxy_protocol=accept_proxy_protocol,
            tls_cert=str(tls_cert),
            tls_key=str(tls_key),
            ca_file=str(ca_file),
            threads=threads,
            log=_log.box(),
        )

    @property
    def upstreams(self) -> list[Upstream]:
        """All of them as they are now, in the order in which they came."""
        return [Upstream.read(one) for one in json.loads(self._native.upstreams())]

    def add(self, name: str, place: Place) -> None:
        """Adds an upstream, or changes the one of that name: its weight at once; when it is another
        server, the old one is drained and then goes."""
        self._native.add(f"{name}={_url(place)}")

    def remove(self, name: str, *, force: bool = False) -> None:
        """Takes an upstream away. One that has sessions is kept and mad.Error raised: drain it
        first, or `force` it, which cuts them."""
        self._native.remove(name, force)

    def drain(self, name: str) -> None:
        """From now on it gets no new session; those it has are asked to go, one after another."""
        self._native.drain(name)

    def undrain(self, name: str) -> None:
        """It gets new sessions again."""
        self._native.undrain(name)

    def rebalance(self) -> None:
        """Upstreams with more than their part of the sessions give the excess away, slowly."""
        self._native.rebalance()
