"""The admin API of a proxy, asked over its unix socket or its loopback port."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any

from mad._address import parse_address
from mad._upstream import Pool

TIMEOUT = 3.0  # seconds for one question


class AdminError(Exception):
    """Nobody answers, or not as a proxy does; the text says who was asked."""


@dataclass(frozen=True, slots=True)
class AdminAddress:
    """Where a proxy is looked after: `path` of a unix socket, or `host` and `port`."""

    path: str = ""
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_admin(text: str) -> AdminAddress:
    """`unix:PATH`, a path with a slash in it, `[HOST:]PORT`, or `http://HOST:PORT`. Raises
    ValueError."""
    if text.startswith("unix:") and len(text) > 5:
        return AdminAddress(path=text.removeprefix("unix:"))
    plain = text.removeprefix("http://").rstrip("/")
    if "/" in plain:
        return AdminAddress(path=text)
    at = parse_address(plain)
    if at.port == 0:
        raise ValueError(f"{text}: the port must be a number from 1 to 65535")
    return AdminAddress(host=at.host, port=at.port)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


class Admin:
    """Asks one proxy; a connection is kept between questions while the proxy keeps it."""

    def __init__(self, address: AdminAddress, token: str = "") -> None:
        self.address = address
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._connection: http.client.HTTPConnection | None = None

    def pool(self) -> Pool:
        """Everything about its upstreams, now. Raises AdminError."""
        try:
            return Pool.read(self._ask("GET", "/upstreams"))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise AdminError(
                f"{self.address} does not answer as a proxy does: {error!r}"
            ) from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, method: str, path: str) -> Any:
        kept = self._connection is not None
        try:
            return self._ask_once(method, path)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if not kept:
                raise AdminError(f"nobody answers at {self.address}: {_said(error)}") from error
        try:  # it may have closed what it had kept
            return self._ask_once(method, path)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise AdminError(f"nobody answers at {self.address}: {_said(error)}") from error

    def _ask_once(self, method: str, path: str) -> Any:
        if self._connection is None:
            self._connection = (
                _UnixConnection(self.address.path)
                if self.address.path
                else http.client.HTTPConnection(
                    self.address.host, self.address.port, timeout=TIMEOUT
                )
            )
        self._connection.request(method, path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            self.close()
            raise AdminError(f"{self.address} answers {answer.status} {answer.reason}")
        return json.loads(body)


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
