"""Where a request is taken in on a host: it is read, done, and answered in JSON lines."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

from .system import RefusedError

Operation = Callable[[dict[str, Any], BinaryIO, Callable[..., None]], dict[str, Any]]
"""Takes the request, the bytes that follow it, and what tells an event; gives the result."""


def operations() -> dict[str, Operation]:
    """By name; each module is loaded only when it is asked for."""
    from . import inspect_host, stage, switch

    return {
        "inspect": inspect_host.run,
        "stage": stage.run,
        "switch": switch.run,
        "rollback": switch.roll_back,
        "remove": switch.remove,
    }


def say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def tell(**event: Any) -> None:
    """An event; nobody may listen any more, and that stops no work."""
    try:
        say({"event": event})
    except (BrokenPipeError, OSError):
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115


def main() -> int:
    # What was begun is finished or undone here, whether or not the connection lasts.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    os.umask(0o077)
    stdin = sys.stdin.buffer
    try:
        request = json.loads(stdin.readline())
        known = operations()
        if request.get("op") not in known:
            raise RefusedError("internal", "unknown operation {!r}".format(request.get("op")))
        done = known[request["op"]](request, stdin, tell)
    except RefusedError as error:
        answer = {"code": error.code, "sentence": error.sentence, "remedy": error.remedy}
        say({"error": {**answer, "tail": error.tail}})
        return 1
    except Exception as error:
        # Only where it happened: values may be secret.
        at = traceback.extract_tb(error.__traceback__)[-1]
        sentence = f"{type(error).__name__} at {os.path.basename(at.filename)}:{at.lineno}"  # noqa: PTH119
        if isinstance(error, OSError):
            sentence = f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")
        code = "disk_full" if getattr(error, "errno", None) == 28 else "internal"
        say({"error": {"code": code, "sentence": sentence, "remedy": "", "tail": ""}})
        return 1
    say({"done": done})
    return 0
