"""One connection to Redis that publishes."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from urllib.parse import parse_qs, unquote, urlsplit

from mad._errors import Error

_PORT = 6379


def _command(*args: str | bytes | int) -> bytes:
    out = bytearray(b"*%d\r\n" % len(args))
    for arg in args:
        raw = arg if isinstance(arg, bytes) else str(arg).encode()
        out += b"$%d\r\n%b\r\n" % (len(raw), raw)
    return bytes(out)


class Publisher:
    """`redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]`, `rediss://` for TLS, or `unix://PATH`.
    Connects at the first message, and again when a connection was lost. From any thread."""

    def __init__(self, url: str, timeout: float = 5.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("redis", "rediss", "unix"):
            raise ValueError(f"{parts.scheme or 'nothing'}: redis, rediss or unix is wanted")
        self._path = unquote(parts.path) if parts.scheme == "unix" else None
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or _PORT
        self._tls = parts.scheme == "rediss"
        self._ca_file = next(iter(parse_qs(parts.query).get("ca_file", ())), None)
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        database = "" if self._path else parts.path.strip("/")
        if database and not database.isdecimal():
            raise ValueError(f"{database} is no number of a database")
        self._database = int(database or 0)
        self._timeout = timeout
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._rest = b""

    def __call__(self, channel: str, message: bytes) -> int:
        """The number of subscribers that Redis gave it to."""
        command = _command("PUBLISH", channel, message)
        with self._lock:
            fresh = self._socket is None
            try:
                return self._ask(command)
            except OSError:
                self._close()
                if fresh:
                    raise
            # It was idle, and Redis has gone and come meanwhile.
            try:
                return self._ask(command)
            except OSError:
                self._close()
                raise

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket, self._rest = None, b""

    def _open(self) -> socket.socket:
        if self._path is not None:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            made.settimeout(self._timeout)
            made.connect(self._path)
        else:
            made = socket.create_connection((self._host, self._port), self._timeout)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls:
            context = ssl.create_default_context(cafile=self._ca_file)
            made = context.wrap_socket(made, server_hostname=self._host)
        self._socket = made
        if self._password:
            self._ask(_command("AUTH", *((self._user,) if self._user else ()), self._password))
        if self._database:
            self._ask(_command("SELECT", self._database))
        return made

    def _ask(self, command: bytes) -> int:
        (self._socket or self._open()).sendall(command)
        line = self._line()
        if line.startswith(b"-"):
            raise Error(line[1:].decode("utf-8", "replace"), 0, "mad.redis")
        return int(line[1:]) if line.startswith(b":") else 0

    def _line(self) -> bytes:
        assert self._socket is not None
        while b"\r\n" not in self._rest:
            more = self._socket.recv(4096)
            if not more or len(self._rest) > 65536:
                raise ConnectionResetError("Redis has closed the connection")
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\r\n")
        return line
