"""Commands that somebody types, on several hosts beside each other."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mad.deploy.hosts.model import Host, HostError
from mad.deploy.hosts.ssh import Connections
from mad.deploy.hosts.visit import PARALLEL, each

LONGEST_S = 30 * 24 * 3600.0
"""Whoever types a command ends it; nothing else does."""
OnLine = Callable[[Host, str, str], None]
"""Host, stream (`stdout`, `stderr`), and a line of it. From any thread."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended on one host."""

    host: Host
    code: int | None
    """None: it could not be run."""
    seconds: float
    error: HostError | None = None

    @property
    def ok(self) -> bool:
        return self.code == 0


def script(words: Sequence[str]) -> str:
    """One word is a line for the shell there (`df -h | tail -1`); of several each arrives as it
    is."""
    return words[0] if len(words) == 1 else shlex.join(words)


def argv(text: str) -> list[str]:
    """Runs a line of the shell. 255 is ssh's own way to say that it failed, so a command that ends
    with it ends with 254."""
    return ["sh", "-c", f'(\n{text}\n)\nc=$?\n[ "$c" -ne 255 ] || c=254\nexit "$c"']


def everywhere(
    calls: Connections,
    hosts: Sequence[Host],
    text: str,
    on_line: OnLine,
    on_end: Callable[[Ran], None],
    parallel: int = PARALLEL,
) -> list[Ran]:
    """In the order of `hosts`. A host that fails does not stop the others."""

    def one(host: Host) -> Ran:
        began = time.monotonic()
        error: HostError | None = None
        code: int | None = None
        try:
            code = calls.run(
                host,
                argv(text),
                on_line=lambda line: on_line(host, "stdout", line),
                on_error=lambda line: on_line(host, "stderr", line),
                deadline_s=LONGEST_S,
            )
        except HostError as raised:
            error = raised
        ran = Ran(host, code, time.monotonic() - began, error)
        on_end(ran)
        return ran

    return each(calls, hosts, one, parallel)
