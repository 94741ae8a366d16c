"""Real-time health of machines on native Socket.IO servers.

import mad

print(mad.sample()["mem"])

with mad.ApiServer(cors_origins=["http://127.0.0.1:8081"]) as api:
    with mad.Agent(api.url), mad.WebServer(api.url, listen=8081) as web:
        input(f"open {web.url} in a browser; Enter ends it")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mad._errors import Error
from mad._health import Health, sample
from mad._servers import Agent, ApiServer, WebServer
from mad._version import __version__

if TYPE_CHECKING:
    from mad import socketio

__all__ = [
    "Agent",
    "ApiServer",
    "Error",
    "Health",
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
