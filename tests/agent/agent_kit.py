"""Agents and nodes of tests: how they are run, and how it is known that a node sees an agent."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("MAD_BIN_DIR", ROOT / "build" / "dev" / "bin"))
LIMIT_S = 60.0  # under emulators, on a machine that does other things


@contextlib.contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def awaited(found: Callable[[], bool]) -> bool:
    until = time.monotonic() + LIMIT_S
    while not found():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def is_seen(url: str) -> bool:
    """Whether the node shows one agent and has taken numbers of it."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        lines: list[str] = answer.read().decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return values["mad_fleet_agents"] == "1" and values["mad_agent_updates_total"] != "0"
