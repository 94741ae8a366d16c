"""What a fleet costs its nodes: two mad-api on one Redis, agents that do not exist, and consoles
that only count what they are sent. Curves over the number of hosts and of consoles."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import redis
from .measure import BenchError, Running, cores, load, on_core, serving
from .plan import BIN, Server
from .report import align

HEADING = "## A fleet and its consoles"
INTERVAL_S = 2.5
HOSTS = (100, 1_000, 10_000)
CONSOLES = (1, 10, 50)
READY_WITHIN_S = 90.0


@dataclass(frozen=True, slots=True)
class Case:
    hosts: int
    consoles: int
    steady: bool = False
    """Whether the values of the hosts never change."""
    nodes: int = 2


CASES = (
    *(Case(hosts, 1) for hosts in HOSTS),
    *(Case(HOSTS[-1], consoles) for consoles in CONSOLES[1:]),
    *(Case(HOSTS[-1], consoles, steady=True) for consoles in CONSOLES),
    *(Case(HOSTS[-1], 1, nodes=nodes) for nodes in (1, 4)),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One case, as measured."""

    case: Case
    updates_s: float
    node_cpu: float
    """All nodes together, in cores."""
    redis_cpu: float
    redis_in_s: float
    """Bytes a second, as the next one."""
    redis_out_s: float
    rows_s: float
    """Of one console, as the next ones."""
    bytes_s: float
    list_bytes: float
    first_rows_ms: float
    list_ms: float
    rss_mb: float
    """All nodes together."""


def missing() -> str | None:
    lacking = [name for name in ("mad-api", "mad-synthetic") if not (BIN / name).exists()]
    return f"no {' and no '.join(lacking)} in {BIN}" if lacking else redis.missing()


@contextlib.contextmanager
def agents(case: Case, nodes: Sequence[Running], core: int) -> Iterator[None]:
    """Hosts that do not exist, on a core, until the block ends."""
    command = [str(BIN / "mad-synthetic"), "--agents", str(case.hosts), "--log-level", "error"]
    for node in nodes:
        command += ["--api", node.url]
    command += ["--steady", "100"] if case.steady else []
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        preexec_fn=on_core(core),
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _shown(node: Running, name: str) -> float:
    with urllib.request.urlopen(f"{node.url}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
    raise BenchError(f"{node.url}/metrics has no {name}")


def _resident_kb(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))


def await_fleet(nodes: Sequence[Running], hosts: int) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while any(_shown(node, "mad_fleet_agents") < hosts for node in nodes):
        if time.monotonic() > until:
            raise BenchError(f"the nodes do not show {hosts} hosts after {READY_WITHIN_S:.0f} s")
        time.sleep(0.2)
    time.sleep(2 * INTERVAL_S)  # every host has been heard of more than once


def once(case: Case, seconds: float) -> Figure:
    with contextlib.ExitStack() as stack:
        db = stack.enter_context(redis.running(on_core(cores()[1])))
        command = (str(BIN / "mad-api"), "--threads", "1", "--redis", db.url)
        api = Server("mad-api", command)
        nodes = [stack.enter_context(serving(api)) for _ in range(case.nodes)]
        stack.enter_context(agents(case, nodes, cores()[1]))
        await_fleet(nodes, case.hosts)
        arguments = ["consoles", "--connections", str(case.consoles), "--warmup", "2"]
        before = sum(_shown(node, "mad_agent_updates_total") for node in nodes)
        traffic, redis_cpu = db.traffic(), db.cpu_s()
        began = time.monotonic()
        said = load([*arguments, "--seconds", str(seconds)], *nodes)
        took = time.monotonic() - began
        redis_in, redis_out = (b - a for a, b in zip(traffic, db.traffic(), strict=True))
        redis_cpu = db.cpu_s() - redis_cpu
        after = sum(_shown(node, "mad_agent_updates_total") for node in nodes)
        footprint = sum(_resident_kb(node.pid) for node in nodes)
        measured = said["seconds"]
        # Bytes and rows count from the moment that all have their list, warm-up included.
        counted = measured + 2.0
        return Figure(
            case,
            (after - before) / took,
            said["server_cpu"],
            redis_cpu / took,
            redis_in / took,
            redis_out / took,
            said["delta_rows"] / counted / case.consoles,
            said["delta_bytes"] / counted / case.consoles,
            said["list_bytes"],
            said["first_rows_p50_us"] / 1000,
            said["list_p50_us"] / 1000,
            footprint / 1000,
        )


def measure(seconds: float, progress: Callable[[str], None]) -> list[Figure]:
    figures = []
    for case in CASES:
        figure = once(case, seconds)
        figures.append(figure)
        progress(
            f"fleet of {case.hosts} on {case.nodes}, {case.consoles} consoles"
            f"{', steady' if case.steady else ''}: "
            f"{figure.node_cpu:.0%} of a core, {figure.bytes_s / 1000:.1f} kB/s a console"
        )
    return figures


def _row(one: Figure) -> list[str]:
    return [
        f"{one.case.hosts:,}",
        "steady" if one.case.steady else "moving",
        str(one.case.nodes),
        str(one.case.consoles),
        f"{one.updates_s:,.0f}",
        f"{one.node_cpu:.1%}",
        f"{one.node_cpu / one.updates_s * 1e6:.1f}",
        f"{one.redis_cpu:.1%}",
        f"{one.redis_in_s / 1000:,.0f} / {one.redis_out_s / 1000:,.0f}",
        f"{one.rows_s:,.0f}",
        f"{one.bytes_s / 1000:,.1f}",
        f"{one.list_bytes / 1000:,.0f}",
        f"{one.first_rows_ms:,.0f}",
        f"{one.list_ms:,.0f}",
        f"{one.rss_mb:,.0f}",
    ]


def table(figures: Sequence[Figure]) -> str:
    rows = [
        [
            *("hosts", "values", "nodes", "consoles", "updates/s", "nodes' CPU"),
            *("µs CPU an update", "Redis CPU", "Redis kB/s in / out"),
            *("rows/s a console", "kB/s a console", "list kB", "first rows ms", "whole list ms"),
            "nodes' MB",
        ]
    ]
    rows.extend(_row(one) for one in figures)
    return align(rows, 2)


def section(figures: Sequence[Figure], about: str) -> str:
    return (
        f"{HEADING}\n\n{about}\n\n{table(figures)}\n\n"
        "Nodes of one thread on one core, Redis, agents and consoles on the other; each host "
        "sends a sample of an ordinary size every 2.5 s. CPU is that of all nodes together, as a "
        "share of one core. Consoles speak version 2 of the events (four deltas a second, of rows "
        "that have changed); bytes are those of packets. `steady`: the samples come, but nothing "
        "in them changes.\n"
    )


def as_json(figures: Sequence[Figure]) -> str:
    return "".join(
        json.dumps({name: getattr(one, name) for name in one.__slots__ if name != "case"}) + "\n"
        for one in figures
    )
