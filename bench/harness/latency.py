"""How soon consoles see what agents send: at fixed rates, and the highest rate that is soon enough.
The consoles are old ones, which are sent one event for each sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .measure import BenchError, load, serving
from .plan import BIN, OXIDE, PEERS, Server
from .report import align

HEADING = "## From agent to console"
AGENTS = 100
FIXED = {1: (400, 4_000), 50: (100, 400)}
"""Samples a second of all agents together, by the number of consoles."""
SOON_US = 100_000.0
"""The 99th percentile that a rate must stay under."""
LEAST, MOST = 250, 512_000
HALVINGS = 3
LOST = 0.001
"""Share of events that may be missing."""

_NODE = ("node", str(PEERS / "socketio4" / "server.js"))
_API = (str(BIN / "mad-api"), "--threads", "1", "--log-level", "error")
SERVERS = (
    Server("socketio4, everyone told", (*_NODE, "--everyone"), native=False),
    Server("socketio4", _NODE, native=False),
    Server("socketioxide", (str(OXIDE),), built=OXIDE),
    Server("floor-batch", (str(BIN / "bench_floor"), "--batch")),
    Server("mad-api", (*_API, "--max-packets-per-session", "0")),
)
AIMS = (("socketio4, everyone told", 30.0), ("floor-batch", 0.7))
"""How many times the highest rate of each mad-api is to reach."""


@dataclass(frozen=True, slots=True)
class Step:
    """One run at one rate."""

    rate: int
    events_s: float
    p50_us: float
    p99_us: float
    missing: float
    """Share of the events that did not come."""
    server_cpu: float
    load_cpu: float

    @property
    def is_soon(self) -> bool:
        return self.p99_us < SOON_US and self.missing <= LOST


@dataclass(slots=True)
class Row:
    server: str
    consoles: int
    fixed: dict[int, Step | None]
    """`None`: the run failed."""
    highest: Step | None
    """The highest rate that was soon enough; `None`: none was."""


def step(server: Server, consoles: int, rate: int, seconds: float) -> Step:
    arguments = ["fleet", "--connections", str(AGENTS), "--consoles", str(consoles)]
    arguments += ["--rate", str(rate), "--warmup", "0.5", "--seconds", str(seconds)]
    with serving(server) as running:
        said = load(arguments, running, timeout_s=90)
    asked = said["missing"] + rate * consoles * said["seconds"]
    return Step(
        rate,
        said["rate"],
        said["p50_us"],
        said["p99_us"],
        said["missing"] / asked,
        said["server_cpu"],
        said["load_cpu"],
    )


def attempt(server: Server, consoles: int, rate: int, seconds: float) -> Step | None:
    """A server that gives up, or ends consoles that it cannot serve, has not borne the rate."""
    try:
        return step(server, consoles, rate, seconds)
    except BenchError:
        return None


def highest(try_rate: Callable[[int], Step | None], begin: int) -> Step | None:
    """Doubles the rate while it is soon enough, then halves what lies between. A rate that was not
    gets a second try: one pause of the machine is no verdict."""

    def soon(rate: int) -> Step | None:
        for _ in range(2):
            if (tried := try_rate(rate)) is not None and tried.is_soon:
                return tried
        return None

    best, rate = None, begin
    while best is None and rate >= 10:
        best = soon(rate)
        rate = rate if best else rate // 2
    if best is None:
        return None
    while best.rate * 2 <= MOST and (found := soon(best.rate * 2)):
        best = found
    low, high = best.rate, best.rate * 2
    for _ in range(HALVINGS):
        middle = (low + high) // 2
        if high <= MOST and (found := soon(middle)):
            best, low = found, middle
        else:
            high = middle
    return best


def measure(seconds: float, progress: Callable[[str], None]) -> list[Row]:
    rows = []
    for consoles, rates in FIXED.items():
        for server in SERVERS:
            if server.built is not None and not server.built.exists():
                continue
            fixed = {rate: attempt(server, consoles, rate, seconds) for rate in rates}
            good = [rate for rate, tried in fixed.items() if tried and tried.is_soon]
            begin = max(good, default=LEAST)

            def at(rate: int, server: Server = server, consoles: int = consoles) -> Step | None:
                return attempt(server, consoles, rate, seconds)

            row = Row(server.name, consoles, fixed, highest(at, begin))
            rows.append(row)
            shown = f"{row.highest.rate:,}" if row.highest else "none"
            progress(f"{AGENTS} agents, {consoles} consoles: {server.name} up to {shown} a second")
    return rows


def _at(tried: Step | None) -> str:
    return "failed" if tried is None else f"{tried.p50_us / 1e3:.2f} / {tried.p99_us / 1e3:.2f}"


def _row(row: Row, own: Row | None) -> list[str]:
    best = row.highest
    ratio = f"{own.highest.rate / best.rate:.2f}" if own and own.highest and best else ""
    return [
        str(row.consoles),
        row.server,
        *(_at(row.fixed[rate]) for rate in FIXED[row.consoles]),
        *(
            (f"{best.rate:,}", f"{best.server_cpu * 1e6 / best.rate:.1f}")
            if best
            else ("under 10", "")
        ),
        "" if best is None else f"{best.load_cpu:.0%}{'!' if best.load_cpu > 0.95 else ''}",
        "" if row is own else ratio,
    ]


def table(rows: Sequence[Row], consoles: int) -> str:
    own = next((row for row in rows if row.consoles == consoles and row.server == "mad-api"), None)
    at = [f"at {rate:,}/s: p50 / p99 ms" for rate in FIXED[consoles]]
    lines = [["consoles", "server", *at, "most updates/s", "CPU µs", "load CPU", "mad ÷ it"]]
    lines.extend(_row(row, own) for row in rows if row.consoles == consoles)
    return align(lines, 2)


def targets(rows: Sequence[Row]) -> str:
    lines = [["target", "aimed at", "is", ""]]
    for consoles in FIXED:
        best = {
            row.server: row.highest.rate for row in rows if row.consoles == consoles and row.highest
        }
        for peer, ratio in AIMS:
            if peer not in best or "mad-api" not in best:
                continue
            is_ = best["mad-api"] / best[peer]
            said = "met" if is_ >= ratio else "missed"
            name = f"most updates/s to {consoles} console{'s' if consoles > 1 else ''}"
            lines.append([name, f"{ratio:g} times {peer}", f"{is_:.2f}", said])
    return align(lines, 1)


def section(rows: Sequence[Row], about: str) -> str:
    tables = [table(rows, consoles) for consoles in FIXED]
    return "\n\n".join([HEADING, about, *tables, targets(rows), KEY]) + "\n"


KEY = f"""\
{AGENTS} agents send samples of some 850 bytes in turn, at even times; consoles are old ones, which
get one event for each. Latencies count from when a sample was due until a console had it, of all
consoles. The most updates a second is the highest rate with a 99th percentile under
{SOON_US / 1e3:.0f} ms and no more than {LOST:.1%} of the events missing (doubled until it failed,
then halved {HALVINGS} times); CPU is the server's for an update with all its events, at that rate;
`!`: the load was the limit there. The original tells agents about agents too, as `socketio4,
everyone told` does; the other peers tell consoles alone and check nothing. mad-api checks each
sample, keeps the last one and judges it by its rules; its limit of packets a second of one
connection is off here."""
