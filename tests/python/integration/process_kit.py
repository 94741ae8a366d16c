"""What tests of programs share."""

from __future__ import annotations

import os
import select
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path


def is_alive(pid: object) -> bool:
    """A process that is there and not just waiting to be collected."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def wait_gone(pids: Iterable[object], limit: float = 20) -> None:
    """Returns when all of them have ended."""
    with ExitStack() as stack:
        for pid in pids:
            with suppress(ProcessLookupError):
                descriptor = os.pidfd_open(int(str(pid)))
                stack.callback(os.close, descriptor)
                assert select.select([descriptor], [], [], limit)[0], f"{pid} goes on"
