"""Real-time health of machines on native Socket.IO servers.

import mad

print(mad.sample()["mem"])

with mad.ApiServer() as api, mad.WebServer() as web:
    with mad.Proxy([api], web=web, listen=8081) as proxy, mad.Agent(proxy.url):
        input(f"open {proxy.url} in a browser; Enter ends it")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mad._errors import Error
from mad._health import Health, sample
from mad._proxy import Proxy
from mad._sampler import Sampler
from mad._servers import Agent, ApiServer, WebServer
from mad._upstream import Upstream
from mad._version import __version__

if TYPE_CHECKING:
    from mad import socketio

__all__ = [
    "Agent",
    "ApiServer",
    "Error",
    "Health",
    "Proxy",
    "Sampler",
    "Upstream",
    "WebServer",
    "__version__",
    "sample",
    "socketio",
]


def __getattr__(name: str) -> Any:
    """`mad.socketio` is loaded when it is first used: asyncio takes its time."""
    if name == "socketio":
        return import_module("mad.socketio")
    raise AttributeError(f"module 'mad' has no attribute {name!r}")
