"""A Redis of the bench's own: on a free port of the loopback, in a folder that goes with it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("redis-server", "redis-benchmark")
READY_WITHIN_S = 15.0


class RedisError(OSError):
    """Redis did not do what the bench needs; the text says what."""


def missing() -> str | None:
    """Why there is no Redis to measure with, and the remedy; None when there is one."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"no {' and no '.join(lacking)} here (apt-get install redis-server)" if lacking else None


@dataclass(frozen=True, slots=True)
class Redis:
    pid: int
    port: int

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def ask(self, *words: str) -> str:
        """The first 4 KiB of the answer to one command, as they come over the wire."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as wire:
            wire.sendall((" ".join(words) + "\r\n").encode())
            return wire.recv(4096).decode()

    def await_subscribers(self, channel: str, count: int) -> None:
        """Until `count` connections are subscribed to `channel`."""
        until = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until:
            if self.ask("PUBSUB", "NUMSUB", channel).endswith(f":{count}\r\n"):
                return
            time.sleep(0.02)
        raise RedisError(f"the nodes did not subscribe within {READY_WITHIN_S:.0f} s")

    def traffic(self) -> tuple[int, int]:
        """Bytes that came in and that went out so far."""
        said = self.ask("INFO", "stats")
        found = [
            re.search(rf"^total_net_{way}_bytes:(\d+)", said, re.MULTILINE)
            for way in ("input", "output")
        ]
        if not all(found):
            raise RedisError("Redis does not say what it has sent")
        came, went = (int(one[1]) for one in found if one)
        return came, went

    def cpu_s(self) -> float:
        """CPU time used so far, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(prepare: Callable[[], None]) -> Iterator[Redis]:
    """A fresh Redis that keeps nothing on disk, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="mad-bench-redis-") as folder:
        port = _free_port()
        process = subprocess.Popen(
            [
                *("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", folder),
                *("--save", "", "--appendonly", "no", "--logfile", "log"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=prepare,
        )
        try:
            db = Redis(process.pid, port)
            _await_ready(process, db)
            yield db
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_ready(process: subprocess.Popen[bytes], db: Redis) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RedisError(f"redis-server ended with {process.returncode} before it was ready")
        with contextlib.suppress(OSError):
            if db.ask("PING").startswith("+PONG"):
                return
        time.sleep(0.02)
    raise RedisError(f"redis-server was not ready within {READY_WITHIN_S:.0f} s")


def client_command(client: Sequence[str], db: Redis, count: int, depth: int) -> list[str]:
    """What makes `client` send `count` SETs over one connection, `depth` under way."""
    if client[0] != "redis-benchmark":
        return [*client, db.url, str(count), str(depth)]
    where = ("-h", "127.0.0.1", "-p", str(db.port))
    how = ("-c", "1", "-t", "set", "-P", str(depth), "-n", str(count), "--csv")
    return [*client, *where, *how]


def rate_in(said: str) -> float | None:
    """Commands a second: a number alone on its line, or the row of redis-benchmark."""
    found = re.search(r'^(?:"SET",")?(\d+\.\d+)', said, re.MULTILINE)
    return float(found[1]) if found else None


def version() -> str:
    try:
        done = subprocess.run(
            ["redis-server", "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return "none"
    found = re.search(r"v=([\w.]+)", done.stdout)
    return found[1] if found else "unknown"
