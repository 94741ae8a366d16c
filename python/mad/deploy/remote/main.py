"""Where a request is taken in on a host: it is read, done, and answered in JSON lines."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO, TextIO

from . import host_key
from .places import Places
from .system import RefusedError, System

Operation = Callable[..., dict[str, Any]]
"""Takes the request, the bytes that follow it, and what tells an event; gives the result."""
SHORTEST_SECRET = 8
LONGEST_S = 3600
"""Then it is taken back: a connection that hangs does not hold the host's lock for ever."""


def operations() -> dict[str, Operation]:
    """By name; what they need is loaded only when a request was read."""
    from . import inspect_host, lease, link, redis_server, retire, stage, switch, upstream

    return {
        "inspect": inspect_host.run,
        "lease": lease.run,
        "link": link.run,
        "redis": redis_server.run,
        "stage": stage.run,
        "check": stage.check_only,
        "switch": switch.run,
        "rollback": switch.roll_back,
        "watch": switch.watch,
        "drain": retire.drain,
        "remove": retire.remove,
        "prune": retire.prune,
        "history": retire.history,
        "upstream": upstream.run,
    }


class Answers:
    """JSON lines to whoever asked. That nobody listens any more stops no work."""

    def __init__(self, stdout: TextIO) -> None:
        self._stdout: TextIO | None = stdout

    def line(self, **said: Any) -> None:
        if self._stdout is None:
            return
        try:
            self._stdout.write(json.dumps(said, separators=(",", ":")) + "\n")
            self._stdout.flush()
        except (OSError, ValueError):
            self._stdout = None

    def event(self, **event: Any) -> None:
        self.line(event=event)


def run(
    request: dict[str, Any],
    stdin: BinaryIO,
    stdout: TextIO,
    *,
    places: Places | None = None,
    system: System | None = None,
) -> int:
    """Does one request. Gives the exit code: 1 when it was refused."""
    at = places or Places()
    answers = Answers(stdout)
    hidden = secrets(request, at)
    try:
        known = operations()
        if request.get("op") not in known:
            raise RefusedError(
                "internal", "unknown operation {!r}".format(request.get("op")), "update mad"
            )
        keys = None
        if request.get("host_key"):
            keys = host_key.run(request["host_key"], at, system or System())
        done = known[request["op"]](
            request, stdin, answers.event, places=at, system=system or System()
        )
    except RefusedError as error:
        answer = [error.code, error.sentence, error.remedy, error.tail]
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        sentence = f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")
        remedy = "free some there, or give the machine a bigger disk" if full else ""
        answer = ["disk_full" if full else "internal", sentence, remedy, ""]
    except Exception as error:
        # Only where it happened: values may be secret.
        at_last = traceback.extract_tb(error.__traceback__)[-1]
        name = at_last.filename.rpartition("/")[2]
        answer = ["internal", f"{type(error).__name__} at {name}:{at_last.lineno}", "", ""]
    else:
        answers.line(done=done if keys is None else {**done, "host_key": keys})
        return 0
    words = ("code", "sentence", "remedy", "tail")
    answers.line(error={word: without(text, hidden) for word, text in zip(words, answer)})  # noqa: B905
    return 1


def secrets(request: dict[str, Any], places: Places) -> list[str]:
    """Texts that must not be in an answer: parts of credentials, longest first."""
    wish = request.get("wish") or {}
    texts = list((wish.get("credentials") or {}).values())
    texts += [(wish.get("login") or {}).get("password") or "", request.get("password") or ""]
    role = wish.get("role") or request.get("role")
    if isinstance(role, str) and role and "/" not in role:
        for file in places.role(role).glob("*/credentials/*"):
            with contextlib.suppress(OSError, UnicodeDecodeError):
                texts.append(file.read_text())
    parts = {part for text in texts for part in re.split(r"[\s\"'=]+", text)}
    return sorted((one for one in parts if len(one) >= SHORTEST_SECRET), key=len, reverse=True)


def without(text: str, hidden: list[str]) -> str:
    for secret in hidden:
        text = text.replace(secret, "…")
    return text


def main() -> int:
    """Reads a request from stdin. What was begun is finished or taken back here, whether or not the
    connection lasts; SIGTERM takes it back."""

    def ended(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise RefusedError("interrupted", "it was told to end", "run the same command again")

    for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, ended)
    signal.alarm(LONGEST_S)
    os.umask(0o077)
    stdin = sys.stdin.buffer
    try:
        request = json.loads(stdin.readline())
    except ValueError:
        Answers(sys.stdout).line(error={
            "code": "internal", "sentence": "the request did not arrive whole",
            "remedy": "run the same command again", "tail": "",
        })  # fmt: skip
        return 1
    code = run(request, stdin, sys.stdout)
    # What nobody reads is not tried again at the end.
    with contextlib.suppress(OSError):
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
    return code
