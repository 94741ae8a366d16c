"""Socket.IO servers and clients on the native library.

from mad.socketio import Server

io = Server(3000)

@io.on("hello")
def hello(sock, name):
    sock.emit("greeting", f"hi {name}")
    return "ok"  # the answer, if the peer asked for one

io.serve_forever()

The network runs on native threads, which never wait for Python and never hold its lock. Handlers
are functions, run one at a time in threads of Python (`handler_threads`), or coroutines, run on an
asyncio loop."""

from mad._errors import DisconnectedError, TimedOutError
from mad.socketio._async_client import AsyncClient
from mad.socketio._broadcast import Broadcast, RemoteSocket
from mad.socketio._client import Client
from mad.socketio._emitter import Emitter
from mad.socketio._errors import ConnectError, ConnectionRefusedError
from mad.socketio._namespace import Namespace
from mad.socketio._server import Server
from mad.socketio._settings import Compression, Recovery
from mad.socketio._socket import Handshake, Socket

__all__ = [
    "AsyncClient",
    "Broadcast",
    "Client",
    "Compression",
    "ConnectError",
    "ConnectionRefusedError",
    "DisconnectedError",
    "Emitter",
    "Handshake",
    "Namespace",
    "Recovery",
    "RemoteSocket",
    "Server",
    "Socket",
    "TimedOutError",
]
