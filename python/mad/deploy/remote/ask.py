"""Asks a program on this host, over its own socket or a port."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

MOST = 4 << 20


class _Unix(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def get(
    address: str,
    path: str,
    *,
    token: str | None = None,
    timeout_s: float = 3.0,
    method: str = "GET",
) -> tuple[int, str]:
    """Status and body; 0 when nobody answers. `address`: `unix:/run/mad/api-3.sock`,
    `http://127.0.0.1:80`, `https://…` (of this host: its certificate is not looked at)."""
    connection: http.client.HTTPConnection
    kind, _, rest = address.partition(":")
    if kind == "unix":
        connection = _Unix(rest, timeout_s)
    elif kind == "https":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            rest.lstrip("/"), timeout=timeout_s, context=context
        )
    else:
        connection = http.client.HTTPConnection(rest.lstrip("/"), timeout=timeout_s)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(MOST).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def connects(address: str, *, timeout_s: float = 3.0) -> bool:
    """Whether somebody listens at `http://127.0.0.1:80`."""
    place = urlsplit(address)
    try:
        with socket.create_connection((place.hostname or "", place.port or 80), timeout_s):
            return True
    except (OSError, ValueError):
        return False


def json_of(address: str, path: str, **how: Any) -> tuple[int, dict[str, Any]]:
    """The same, with an object out of the body; empty when it is none."""
    status, text = get(address, path, **how)
    try:
        read = json.loads(text)
    except ValueError:
        read = {}
    return status, read if isinstance(read, dict) else {}
