"""Commands in a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator


@contextlib.contextmanager
def terminal(
    *arguments: str, module: str | None = "mad"
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`mad` (or a script, without a module) with these arguments in a terminal of its own, and the
    other end of that."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *(["-m", module] if module else []), *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "30"},
    )
    os.close(theirs)
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_until(descriptor: int, wanted: str | None, limit: float = 20) -> str:
    """What is written until that comes; without it, until the end."""
    deadline = time.monotonic() + limit
    seen = b""
    while wanted is None or wanted.encode() not in seen:
        left = deadline - time.monotonic()
        assert left > 0, seen
        if select.select([descriptor], [], [], left)[0]:
            try:
                seen += os.read(descriptor, 65536)
            except OSError:  # the other end is closed
                assert wanted is None, seen
                break
    return seen.decode(errors="replace")
