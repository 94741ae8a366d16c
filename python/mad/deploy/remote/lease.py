"""`lease`: who changes a stack of given hosts, written on the first of them. Each answer is of one
moment: what is there is only changed by who names it."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Callable
from typing import Any, BinaryIO

from .places import Places, discard, folder, write
from .system import RefusedError, System

FILE = "lock.json"


def run(
    request: dict[str, Any],
    _stdin: BinaryIO,
    _tell: Callable[..., None],
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    """`do`: `read`, `write` (with `lease`, when nothing is there), `extend` (with `handle` and
    `lease`), `drop` (with `handle`). Gives `text` and `handle` of what is there afterwards, null
    when nothing is, and `done`: whether it was changed."""
    del system
    at = places or Places()
    what = request.get("do")
    if what not in ("read", "write", "extend", "drop"):
        raise RefusedError("internal", f"a lease cannot {what}", "update mad")
    folder(at.opt)
    file = at.opt / FILE
    with (at.opt / ".lock.guard").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        text = file.read_text() if file.exists() else None
        named = text is not None and request.get("handle") == handle(text)
        done = {"read": False, "write": text is None}.get(str(what), named)
        if done and what == "drop":
            discard(file)
            text = None
        elif done:
            text = json.dumps(request["lease"], sort_keys=True)
            write(file, text)
    return {"text": text, "handle": None if text is None else handle(text), "done": done}


def handle(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
