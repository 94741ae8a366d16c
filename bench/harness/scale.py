"""Cost curves over the number of connections: CPU per delivery and memory, on one process and on
four that are joined by a Redis."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from . import redis
from .measure import BenchError, Running, cores, on_core, serving
from .plan import BIN, SERVERS
from .report import align

HEADING = "## Scale"
DELIVERIES_S = 40_000
"""Deliveries a second in all, at every size: the servers are busy, but not the limit."""
PAYLOAD = 200
CONNECTED_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Case:
    server: str
    connections: int
    """Of all processes together."""
    processes: int = 1


CASES = (
    *(Case("socketio4", connections) for connections in (1_000, 5_000, 10_000, 19_000)),
    *(Case("mad", connections) for connections in (1_000, 2_000, 5_000, 10_000, 19_000)),
    Case("mad", 60_000, processes=4),
)


@dataclass(frozen=True, slots=True)
class Figure:
    case: Case
    connect_s: float
    """Until all were connected, of all processes at once."""
    deliveries_s: float
    cpu_us: float
    """CPU time of the servers for a delivery."""
    cpu: float
    """Of the servers together, in cores."""
    redis_cpu: float
    bytes_each: float
    """Resident memory of the servers for a connection, all of the process counted in."""
    p50_ms: float
    p99_ms: float
    load_cpu: float


@contextlib.contextmanager
def _servers(case: Case) -> Iterator[tuple[list[Running], redis.Redis | None]]:
    with contextlib.ExitStack() as stack:
        server, db = SERVERS[case.server], None
        if case.processes > 1:
            db = stack.enter_context(redis.running(on_core(cores()[1])))
            server = replace(server, command=(*server.command, "--redis", db.url))
        nodes = [stack.enter_context(serving(server)) for _ in range(case.processes)]
        if db is not None:
            db.await_subscribers("socket.io-request#/#", case.processes)
        yield nodes, db


@contextlib.contextmanager
def _crowds(
    case: Case, nodes: Sequence[Running], seconds: float
) -> Iterator[list[subprocess.Popen[str]]]:
    """One load for each node; they are ended with the block."""
    each = case.connections // case.processes
    rate = DELIVERIES_S / case.connections / case.processes
    loads = []
    try:
        for node in nodes:
            command = [str(BIN / "bench_load"), "crowd", "--connections", str(each)]
            command += ["--sources", "4", "--payload", str(PAYLOAD), "--rate", f"{rate:.4f}"]
            command += ["--warmup", "1", "--seconds", str(seconds), "--url", node.url]
            for one in nodes:
                command += ["--pid", str(one.pid)]
            loads.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    preexec_fn=on_core(cores()[1]),
                )
            )
        yield loads
    finally:
        for one in loads:
            one.kill()
            one.communicate()


def _said(one: subprocess.Popen[str], timeout_s: float) -> dict[str, float]:
    try:
        out, errors = one.communicate("\n", timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise BenchError("a load did not end") from None
    if one.returncode != 0:
        raise BenchError(errors.strip()[-300:] or f"a load ended with {one.returncode}")
    fields = json.loads(out.splitlines()[-1])
    return {name: float(value) for name, value in fields.items() if not isinstance(value, str)}


def once(case: Case, seconds: float) -> Figure:
    seconds *= case.processes  # each of them broadcasts that much less often
    with _servers(case) as (nodes, db), _crowds(case, nodes, seconds) as loads:
        began = time.monotonic()
        for one in loads:
            assert one.stdout is not None
            # A load that fails ends, and so does its line; each has a deadline of its own.
            if one.stdout.readline().strip() != "connected":
                raise BenchError((one.communicate()[1] or "a load did not connect").strip()[-300:])
        connected = time.monotonic() - began
        redis_before, started = (db.cpu_s() if db else 0.0), time.monotonic()
        for one in loads:  # together, as far as two cores allow
            assert one.stdin is not None
            one.stdin.write("\n")
            one.stdin.flush()
        said = [_said(one, seconds + 60) for one in loads]
        redis_used = (db.cpu_s() - redis_before) / (time.monotonic() - started) if db else 0.0
    deliveries = sum(one["rate"] for one in said)
    cpu = statistics.mean(one["server_cpu"] for one in said)
    return Figure(
        case,
        connected,
        deliveries,
        cpu * 1e6 / deliveries,
        cpu,
        redis_used,
        said[0]["rss"] / case.connections,
        statistics.median(one.get("p50_us", 0.0) for one in said) / 1e3,
        max(one.get("p99_us", 0.0) for one in said) / 1e3,
        sum(one["load_cpu"] for one in said),
    )


def measure(seconds: float, progress: Callable[[str], None]) -> list[Figure]:
    figures = []
    for case in CASES:
        if case.processes > 1 and (why := redis.missing()):
            progress(f"scale: {case.processes} processes: skipped: {why}")
            continue
        figure = once(case, seconds)
        figures.append(figure)
        progress(
            f"{case.connections:,} connections on {case.processes}: {case.server} "
            f"{figure.cpu_us:.2f} µs a delivery, {figure.bytes_each:,.0f} bytes a connection"
        )
    return figures


def _row(one: Figure) -> list[str]:
    return [
        one.case.server,
        f"{one.case.connections:,}",
        str(one.case.processes),
        f"{one.connect_s:.1f}",
        f"{one.deliveries_s:,.0f}",
        f"{one.cpu_us:.2f}",
        f"{one.cpu:.0%}",
        f"{one.redis_cpu:.1%}" if one.case.processes > 1 else "",
        f"{one.bytes_each:,.0f}",
        f"{one.p50_ms:.1f}",
        f"{one.p99_ms:.1f}",
        f"{one.load_cpu:.0%}",
    ]


def section(figures: Sequence[Figure], about: str) -> str:
    head = ["server", "connections", "processes", "connected in s", "deliveries/s"]
    head += ["CPU µs a delivery", "CPU", "Redis CPU", "bytes a connection", "p50 ms", "p99 ms"]
    table = align([[*head, "load CPU"], *map(_row, figures)], 1)
    return "\n\n".join([HEADING, about, table, KEY]) + "\n"


KEY = f"""\
Broadcasts of {PAYLOAD} characters at such a rate that all connections together get
{DELIVERIES_S:,} deliveries a second: each broadcast finds the servers at rest and is a write of its
own for each receiver, so this is the dearest way to deliver; under load writes are gathered
(“broadcast” above). All processes of a server share one core, loads (a process for 15,000 or 19,000
connections, from four addresses) and Redis the other. Four processes are nodes on one Redis, and
each sends a quarter of the broadcasts. Memory is the whole resident memory of the servers by the
number of connections. Latencies count from when a broadcast was due until the last of the sender's
own {60_000 // 4:,} (or all) connections had it."""
