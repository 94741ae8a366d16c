"""The table, for the terminal and for docs/benchmarks.md."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import shlex
import statistics
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import proxies, redis
from .measure import Reading, cores
from .plan import OXIDE, PEERS, ROOT, Scenario, Target

BUSY = 0.9
"""A server that used less of its core than this was not what limited the rate."""

HEAD = (
    "scenario",
    "server",
    "median",
    "unit",
    "spread",
    "CPU µs",
    "p50 ms",
    "p99 ms",
    "its CPU",
    "load CPU",
    "mad ÷ it",
    "by CPU",
)
KEY = """\
Medians of {runs} alternating runs; spread is (largest - smallest) / median. "CPU µs" is the
server's CPU time per unit, "its CPU" and "load CPU" are the shares of their cores that server and
load used. "mad ÷ it" compares the medians; "by CPU" says how many times the CPU of mad (for memory:
the bytes) the other one takes per unit, and is what counts where a server used less than 90 % of
its core (marked `!`), because then the load or other work on the machine was the limit. Latencies
are of a closed loop: they count from sending and grow with what is under way.

The nodes on one Redis share the core of the server, and their CPU is summed; Redis runs on the core
of the load and is in neither column. All updates enter one node. For commands of Redis the server
is the client that sends them, and the load is Redis.

Proxies have the core of the server to themselves; the nodes behind them (`floor-batch`) share that
of the load, so a row marked `!` says what load and nodes could do, and the CPU says the rest. nginx
and HAProxy run as their users run them before Socket.IO, with one worker and kept connections
(`bench/peers`); mad-proxy with its defaults on one thread. Latencies at a rate count from when a
message was due.

Engine.IO 3 is what clients of socket.io 2 speak. Where clients come and go, the CPU holds the 2,000
echoes a second of those who stay too, and latencies are theirs, from when a message was due. Those
who leave do so with a close frame and with a reset in turn. Receivers that do not read have a
receive buffer of 4 KiB, and 4,000 messages of 1,024 characters have been sent to each before the
rate is measured: by then the kernel's buffers are full, and what comes is the server's to keep, to
drop (then it neither grows nor closes them) or to close for. Memory is the largest there was, less
that of the same broadcasts before they came."""


@dataclass(slots=True)
class Result:
    """All runs of one scenario against one server."""

    scenario: Scenario
    server: str
    readings: list[Reading] = field(default_factory=list)
    failure: str | None = None

    def median(self, of: Callable[[Reading], float | None]) -> float | None:
        values = [value for reading in self.readings if (value := of(reading)) is not None]
        return statistics.median(values) if values else None

    @property
    def value(self) -> float | None:
        return self.median(lambda reading: reading.value)

    @property
    def cost(self) -> float | None:
        """What a unit takes: CPU, or the bytes where memory is measured."""
        if self.scenario.measures == "bytes":
            return self.value
        return self.median(lambda reading: reading.server_us)

    @property
    def limited_elsewhere(self) -> bool:
        """Whether something else than the server limited the rate."""
        if self.scenario.measures == "latency":
            return False
        used = self.median(lambda reading: reading.server_cpu)
        return used is not None and used < BUSY


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _milliseconds(microseconds: float | None) -> str:
    return "" if microseconds is None else f"{microseconds / 1e3:.2f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _ratio(above: float | None, below: float | None) -> str:
    return f"{above / below:.2f}" if above and below else ""


def _row(result: Result, mad: Result | None) -> list[str]:
    if result.failure is not None or not result.readings:
        return ["", result.server, f"failed: {result.failure}", *[""] * (len(HEAD) - 3)]
    values = [reading.value for reading in result.readings]
    value = statistics.median(values)
    compares = mad is not None and mad is not result and bool(mad.readings)
    return [
        "",
        result.server,
        _number(value),
        result.scenario.unit,
        f"{(max(values) - min(values)) / value:.0%}" if value else "",
        _number(result.median(lambda reading: reading.server_us)),
        _milliseconds(result.median(lambda reading: reading.p50_us)),
        _milliseconds(result.median(lambda reading: reading.p99_us)),
        _share(result.median(lambda reading: reading.server_cpu))
        + ("!" if result.limited_elsewhere else ""),
        _share(result.median(lambda reading: reading.load_cpu)),
        _ratio(mad.value, value) if compares and mad else "",
        _ratio(result.cost, mad.cost) if compares and mad else "",
    ]


def align(rows: Sequence[Sequence[str]], numbers_from: int) -> str:
    """A table that is Markdown and reads well as it stands."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if i >= numbers_from else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "| " + " | ".join(padded) + " |"

    rule = "| " + " | ".join(
        "-" * (width - 1) + (":" if i >= numbers_from else "-") for i, width in enumerate(widths)
    )
    return "\n".join([line(rows[0]), rule + " |", *(line(row) for row in rows[1:])])


def table(results: Sequence[Result]) -> str:
    rows: list[list[str]] = [list(HEAD)]
    for scenario in dict.fromkeys(result.scenario for result in results):
        group = [result for result in results if result.scenario == scenario]
        mad = next((result for result in group if result.server == "mad"), None)
        for result in group:
            row = _row(result, mad)
            row[0] = scenario.title if result is group[0] else ""
            rows.append(row)
    return align(rows, numbers_from=2)


def _against(mad: Result, peer: Result) -> tuple[float, str] | None:
    """How many times better mad is, and by what: the rate, or the CPU where that says more."""
    if not mad.value or not peer.value:
        return None
    if (mad.limited_elsewhere or peer.limited_elsewhere) and mad.cost and peer.cost:
        return peer.cost / mad.cost, " by CPU"
    return mad.value / peer.value, ""


def _judged(aim: Target, mad: Result, peers: Sequence[Result]) -> tuple[str, str, bool] | None:
    """What is aimed at, what is, whether it holds; None when there is nothing to compare with."""
    names = " and ".join(aim.peers)
    names = f"the better of {names}" if len(aim.peers) > 1 else names
    if aim.most is not None and mad.value is not None:
        is_ = f"{_number(mad.value)} {mad.scenario.unit}"
        return f"at most {aim.most:,.0f}", is_, mad.value <= aim.most
    if aim.cost is not None and mad.cost:
        costs = [peer.cost for peer in peers if peer.cost]
        share = mad.cost / min(costs) if costs else None
        if share is None:
            return None
        what = "memory" if mad.scenario.measures == "bytes" else "CPU"
        wanted = f"at most {aim.cost:g} times the {what} of {names}"
        return wanted, _number(share), share <= aim.cost
    found = [against for peer in peers if (against := _against(mad, peer))]
    if aim.ratio is None or not found:
        return None
    times, how = min(found)
    return f"{aim.ratio:g} times {names}", _number(times) + how, times >= aim.ratio


def targets(results: Sequence[Result]) -> str:
    """One line per target: what is aimed at, what is, whether it holds."""
    rows = [["target", "aimed at", "is", ""]]
    for mad in results:
        for aim in mad.scenario.targets if mad.server == "mad" and mad.value is not None else ():
            peers = [r for r in results if r.scenario == mad.scenario and r.server in aim.peers]
            if judged := _judged(aim, mad, peers):
                wanted, is_, holds = judged
                rows.append([mad.scenario.title, wanted, is_, "met" if holds else "missed"])
    return align(rows, numbers_from=1) if len(rows) > 1 else ""


def added_latency(results: Sequence[Result]) -> str:
    """What each proxy adds to the latency of going without."""
    rows = [["latency added", "p50 µs", "p99 µs", "CPU s per million"]]
    timed = [result for result in results if result.scenario.measures == "latency"]
    direct = next((result for result in timed if result.server == "direct"), None)
    for result in timed:
        if direct is None or result is direct:
            continue
        middle = _difference(result, direct, lambda reading: reading.p50_us)
        late = _difference(result, direct, lambda reading: reading.p99_us)
        rows.append([result.server, middle, late, _number(result.cost)])
    return align(rows, numbers_from=1) if len(rows) > 1 else ""


def closed(results: Sequence[Result]) -> str:
    """How many of the receivers that did not read each server closed."""
    lines = []
    for scenario in dict.fromkeys(result.scenario for result in results):
        counts = [
            f"{result.server} {count:.0f}"
            for result in results
            if result.scenario == scenario
            and (count := result.median(lambda reading: reading.closed)) is not None
        ]
        if counts:
            lines.append(f"Receivers closed, {scenario.title}: {', '.join(counts)}.")
    return "\n\n".join(lines)


def _difference(result: Result, other: Result, of: Callable[[Reading], float | None]) -> str:
    one, two = result.median(of), other.median(of)
    return "" if one is None or two is None else _number(one - two)


def instructions_table(counts: Sequence[tuple[str, str, float | None]], method: str) -> str:
    rows = [["instructions per unit", "server", method]]
    rows += [[title, server, _number(count) or "not here"] for title, server, count in counts]
    return align(rows, numbers_from=2)


def _said_by(*command: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=10, check=False, cwd=ROOT
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip().partition("\n")[0] or "unknown"


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1].strip() if found else "unknown"


def machine() -> str:
    cpu = _found(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text())
    memory = _found(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    server, load = cores()
    where = (
        f"server on core {server}, load on core {load}"
        if server != load
        else "server and load share the one core there is"
    )
    return (
        f"{cpu}, {os.cpu_count()} cores, {int(memory) / 2**20:.0f} GiB, {release}, "
        f"Linux {platform.release()}; {where}"
    )


def _npm(package: str) -> str:
    manifest = PEERS / "socketio4" / "node_modules" / package / "package.json"
    return str(json.loads(manifest.read_text())["version"]) if manifest.exists() else "unknown"


def versions_of_mad() -> str:
    config = (ROOT / "include" / "mad" / "config.hpp").read_text()
    version = _found(r'^#define MAD_VERSION "(.*)"', config)
    commit = _said_by("git", "describe", "--always", "--dirty")
    return f"mad {version} ({commit}), {_said_by('c++', '--version')}"


def versions() -> str:
    return (
        f"{versions_of_mad()}; "
        f"socket.io {_npm('socket.io')} with @socket.io/redis-adapter "
        f"{_npm('@socket.io/redis-adapter')} and redis {_npm('redis')} on Node "
        f"{_said_by('node', '--version')}; Redis {redis.version()}; "
        f"socketioxide {_crate('socketioxide')}, {_said_by('rustc', '--version')}; "
        f"python-socketio {_pinned('python-socketio')} on uvicorn {_pinned('uvicorn')}; "
        f"nginx {proxies.version('nginx')}; HAProxy {proxies.version('haproxy')}"
    )


def _crate(name: str) -> str:
    if not OXIDE.exists():
        return "none"
    lock = (PEERS / "socketioxide" / "Cargo.lock").read_text()
    return _found(rf'^name = "{name}"\nversion = "(.*)"', lock)


def _pinned(name: str) -> str:
    wanted = (PEERS / "python_socketio" / "requirements.txt").read_text()
    return _found(rf"^{name}==(.*)", wanted)


def document(page: str, tables: Sequence[str], runs: int, arguments: Sequence[str]) -> str:
    """The page with its first part replaced: sections below it are those of other groups."""
    _, mark, sections = page.partition("\n## ")
    return _first_part(tables, runs, arguments) + mark + sections


def _first_part(tables: Sequence[str], runs: int, arguments: Sequence[str]) -> str:
    command = shlex.join(["script/bench", *arguments])
    body = "\n\n".join(text for text in tables if text)
    return f"""\
# Benchmarks

Written by `{command}`; run it to have the figures of your own machine.

- Date: {datetime.date.today().isoformat()}
- Machine: {machine()}
- Versions: {versions()}

{body}

{KEY.format(runs=runs)}

`floor` is a bare epoll server that sends frames made beforehand, one `send` per frame and receiver;
`floor-batch` gathers what a turn of its loop produced for a receiver into one `send`. They check
nothing and are no servers: they show what the kernel allows. Machines differ and drift: compare
within one run.
"""
