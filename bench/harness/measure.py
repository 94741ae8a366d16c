"""Starts a server and the load, each on a core of its own, and reads what they say."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .plan import BIN, Scenario, Server

READY_WITHIN_S = 60.0
PR_SET_PDEATHSIG = 1


class BenchError(Exception):
    """A figure that could not be had; the text says why."""


@dataclass(frozen=True, slots=True)
class Running:
    pid: int
    url: str
    log: Callable[[], str]
    """What it has written to stderr so far."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One run of one scenario against one server."""

    value: float
    """The rate, or for idle the bytes per connection."""
    server_us: float | None = None
    """CPU time of the server per unit, in microseconds."""
    server_cpu: float | None = None
    """Share of its core the server used, 0 to 1."""
    load_cpu: float | None = None
    p50_us: float | None = None
    p99_us: float | None = None


def cores() -> tuple[int, int]:
    """The core of the server and the core of the load; the same when there is one."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[min(1, len(usable) - 1)]


def _on_core(core: int) -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        os.sched_setaffinity(0, {core})
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    return prepare


def _await_ready(process: subprocess.Popen[str], name: str, log: Callable[[], str]) -> str:
    until = time.monotonic() + READY_WITHIN_S
    assert process.stdout is not None
    while (left := until - time.monotonic()) > 0:
        if not select.select([process.stdout], [], [], left)[0]:
            break
        line = process.stdout.readline()
        if not line:
            raise BenchError(f"{name} ended before it was ready: {log().strip()[-500:]}")
        words = line.split()
        if len(words) == 3 and words[0] == "ready":
            return words[2]
    raise BenchError(f"{name} was not ready within {READY_WITHIN_S:.0f} s")


@contextlib.contextmanager
def serving(server: Server, prefix: Sequence[str] = ()) -> Iterator[Running]:
    """Runs `server` on its core until the block ends; `prefix` goes before its command."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [*prefix, *server.command, "--listen", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=_on_core(cores()[0]),
        )

        def log() -> str:
            errors.seek(0)
            return errors.read()

        try:
            yield Running(process.pid, _await_ready(process, server.name, log), log)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def load(arguments: Sequence[str], running: Running, timeout_s: float = 180) -> dict[str, float]:
    """Runs bench_load on its core; gives the numbers of its one line."""
    command = [str(BIN / "bench_load"), *arguments, "--url", running.url, "--pid", str(running.pid)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            preexec_fn=_on_core(cores()[1]),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"the load took more than {timeout_s:.0f} s") from None
    if done.returncode != 0:
        why = done.stderr.strip() or f"ended with {done.returncode}"
        raise BenchError(f"{why} (server: {running.log().strip()[-300:] or 'silent'})")
    fields = json.loads(done.stdout)
    return {name: float(value) for name, value in fields.items() if not isinstance(value, str)}


def once(scenario: Scenario, server: Server, seconds: float, warmup: float) -> Reading:
    """One run: a fresh server, one load."""
    is_idle = scenario.lower_is_better
    timing = () if is_idle else ("--seconds", str(seconds), "--warmup", str(warmup))
    with serving(server) as running:
        said = load([*scenario.load, *timing], running)
    if is_idle:
        return Reading(said["bytes_per_connection"])
    return Reading(
        said["rate"],
        said.get("server_us_per_unit"),
        said.get("server_cpu"),
        said["load_cpu"],
        said.get("p50_us"),
        said.get("p99_us"),
    )
