"""Starts a server and the load, each on a core of its own, and reads what they say."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from . import proxies, redis
from .plan import BIN, CLIENTS, SERVERS, Scenario, Server

READY_WITHIN_S = 60.0
COMMANDS_A_SECOND = 300_000
"""How many commands of a Redis client stand for a second of measuring."""
PR_SET_PDEATHSIG = 1


class BenchError(Exception):
    """A figure that could not be had; the text says why."""


@dataclass(frozen=True, slots=True)
class Running:
    pid: int
    """0: its CPU and memory are of no interest."""
    url: str
    """Where it is asked."""
    log: Callable[[], str]
    """What it has written to stderr so far."""
    others: tuple[int, ...] = ()
    """More processes of it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One run of one scenario against one server."""

    value: float
    """The rate, the bytes per connection, or the median latency in microseconds."""
    server_us: float | None = None
    """CPU time of the server per unit, in microseconds."""
    server_cpu: float | None = None
    """Share of its core the server used, 0 to 1."""
    load_cpu: float | None = None
    p50_us: float | None = None
    p99_us: float | None = None
    closed: float | None = None
    """Receivers that did not read and that the server closed."""


def cores() -> tuple[int, int]:
    """The core of the server and the core of the load; the same when there is one."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[min(1, len(usable) - 1)]


def on_core(core: int) -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        os.sched_setaffinity(0, {core})
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
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
def serving(
    server: Server, prefix: Sequence[str] = (), core: int | None = None
) -> Iterator[Running]:
    """Runs `server` until the block ends; `prefix` goes before its command."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [*prefix, *server.command, "--listen", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=on_core(cores()[0] if core is None else core),
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


def _tail(servers: Sequence[Running]) -> str:
    return " ".join(running.log() for running in servers).strip()[-300:] or "silent"


def load(arguments: Sequence[str], *servers: Running, timeout_s: float = 180) -> dict[str, float]:
    """Runs bench_load on its core; gives the numbers of its one line."""
    command = [str(BIN / "bench_load"), *arguments]
    for running in servers:
        command += ["--url", running.url]
        for pid in (running.pid, *running.others):
            command += ["--pid", str(pid)] if pid else []
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            preexec_fn=on_core(cores()[1]),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"the load took more than {timeout_s:.0f} s") from None
    if done.returncode != 0:
        why = done.stderr.strip() or f"ended with {done.returncode}"
        raise BenchError(f"{why} (server: {_tail(servers)})")
    fields = json.loads(done.stdout)
    return {name: float(value) for name, value in fields.items() if not isinstance(value, str)}


def once(scenario: Scenario, name: str, seconds: float, warmup: float) -> Reading:
    """One run: a fresh server (or Redis and what uses it), one load."""
    if scenario.depth > 0:
        return _commands(CLIENTS[name], scenario.depth, seconds)
    is_memory = scenario.measures == "bytes"
    timing = () if is_memory else ("--seconds", str(seconds), "--warmup", str(warmup))
    arguments = [*scenario.load, *timing]
    if scenario.nodes > 1:
        said = _over_nodes(scenario.server(name), scenario.nodes, arguments)
    elif scenario.upstreams > 0:
        said = _through(name, scenario.upstreams, arguments)
    else:
        with serving(scenario.server(name)) as running:
            said = load(arguments, running)
    if is_memory:
        return Reading(said["bytes_per_connection"], closed=said.get("closed"))
    return Reading(
        said["p50_us" if scenario.measures == "latency" else "rate"],
        said.get("server_us_per_unit"),
        said.get("server_cpu"),
        said["load_cpu"],
        said.get("p50_us"),
        said.get("p99_us"),
        said.get("closed"),
    )


def _through(name: str, count: int, arguments: Sequence[str]) -> dict[str, float]:
    """Nodes on the core of the load, the proxy `name` before them on that of the server."""
    with contextlib.ExitStack() as stack:
        own, far = cores()
        node = SERVERS["floor-batch"]
        nodes = [stack.enter_context(serving(node, core=far)) for _ in range(count)]
        if name == "direct":
            return load(arguments, replace(nodes[0], pid=0))
        behind = [running.url.removeprefix("http://") for running in nodes]
        try:
            url, pids, log = stack.enter_context(proxies.running(name, behind, on_core(own)))
        except proxies.ProxyError as e:
            raise BenchError(str(e)) from None
        return load(arguments, Running(pids[0], url, log, tuple(pids[1:])))


def _over_nodes(server: Server, count: int, arguments: Sequence[str]) -> dict[str, float]:
    """A fresh Redis on the core of the load, `count` nodes on that of the server."""
    with contextlib.ExitStack() as stack:
        db = stack.enter_context(redis.running(on_core(cores()[1])))
        joined = replace(server, command=(*server.command, "--redis", db.url))
        nodes = [stack.enter_context(serving(joined)) for _ in range(count)]
        try:
            # What is sent before the others listen never reaches them.
            db.await_subscribers("socket.io-request#/#", count)
            said = load(arguments, *nodes)
        except redis.RedisError as e:
            raise BenchError(f"{e} (server: {_tail(nodes)})") from None
    if said["units"] == 0:
        raise BenchError("nothing came from one node to the others")
    return said


def _commands(client: Sequence[str], depth: int, seconds: float) -> Reading:
    """Some `seconds` worth of commands: the client on the core of the server, Redis on the other.

    CPU is that of the client, and of Redis where others have the load.
    """
    count = max(COMMANDS_A_SECOND // 10, int(COMMANDS_A_SECOND * seconds))
    with redis.running(on_core(cores()[1])) as db:
        began, redis_began = time.monotonic(), db.cpu_s()
        own_began = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            done = subprocess.run(
                redis.client_command(client, db, count, depth),
                capture_output=True,
                text=True,
                timeout=180,
                preexec_fn=on_core(cores()[0]),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BenchError(f"{client[0]} took more than 180 s") from None
        own, took = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
        redis_used = db.cpu_s() - redis_began
    rate = redis.rate_in(done.stdout) if done.returncode == 0 else None
    if rate is None:
        why = (done.stderr or done.stdout).strip()[-300:] or f"ended with {done.returncode}"
        raise BenchError(f"{client[0]}: {why}")
    used = own.ru_utime + own.ru_stime - own_began.ru_utime - own_began.ru_stime
    return Reading(rate, used * 1e6 / count, used / took, redis_used / took)
