"""`link`: asks the API node on this host for a link that signs somebody in. Over loopback: the
token of an admin crosses no network but inside ssh."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any, BinaryIO

from .places import Places
from .system import RefusedError, System

PATH = "/api/v1/links"
MOST = 1 << 16
PATIENCE_S = 10.0


def run(
    request: dict[str, Any],
    _stdin: BinaryIO,
    _tell: Callable[..., None],
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    del places, system
    status, text = _post(int(request["port"]), request["wanted"], request.get("token"))
    try:
        told = json.loads(text)
    except ValueError:
        told = {}
    if not isinstance(told, dict):
        told = {}
    if status in (200, 201) and isinstance(told.get("token"), str):
        return {"token": told["token"], "expires": told.get("expires")}
    if status == 0:
        raise RefusedError(
            "refused", "no API node answers on this host", "look at it: `python -m mad.deploy logs`"
        )
    raise RefusedError(
        "refused",
        f"the node makes no link ({status}{_why(told)})",
        "is the token of an admin still that of the stack? `python -m mad.deploy deploy` brings it",
    )


def _post(port: int, wanted: dict[str, Any], token: str | None) -> tuple[int, str]:
    """0: nobody answers."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("POST", PATH, json.dumps(wanted).encode(), headers)
        answer = connection.getresponse()
        return answer.status, answer.read(MOST).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def _why(told: dict[str, Any]) -> str:
    error = told.get("error")
    said = error.get("message") or error.get("code") if isinstance(error, dict) else error
    return f": {said}" if isinstance(said, str) else ""
