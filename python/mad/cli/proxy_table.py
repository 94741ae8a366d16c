"""What `mad proxy top` shows: two readings in, rows and a table out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from mad._upstream import Pool, Upstream

STATE_STYLES = {
    "up": "green",
    "slow_start": "green",
    "not_ready": "yellow",
    "draining": "yellow",
    "drained": "dim",
    "down": "bold red",
    "held": "bold red",
}
WIDE = 110  # from here on a terminal has room for everything
UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Reading:
    """The pool at a time, in seconds of a clock that only goes forward."""

    when: float
    pool: Pool


@dataclass(frozen=True, slots=True)
class Row:
    """One upstream, or the sum of all; rates are per second between the two readings."""

    name: str
    url: str
    state: str
    sessions: int
    tunnels: int
    polling_sessions: int
    handshakes_s: float
    requests_s: float
    bytes_in_s: float
    bytes_out_s: float
    errors: int


COUNTED = ("handshakes", "requests", "bytes_in", "bytes_out")


def _rates(old: Upstream | None, new: Upstream, seconds: float) -> dict[str, float]:
    """Nothing between two runs of a proxy, whose counters begin anew."""
    rates = {}
    for name in COUNTED:
        more = getattr(new, name) - getattr(old, name) if old else 0
        rates[f"{name}_s"] = round(max(more, 0) / seconds, 1) if seconds > 0 else 0.0
    return rates


def rows(old: Reading | None, new: Reading) -> list[Row]:
    """One for each upstream, in their order."""
    before = {u.name: u for u in old.pool.upstreams} if old else {}
    seconds = new.when - old.when if old else 0
    return [
        Row(
            name=one.name,
            url=one.url,
            state=one.state,
            sessions=one.sessions,
            tunnels=one.tunnels,
            polling_sessions=one.polling_sessions,
            errors=one.errors,
            **_rates(before.get(one.name), one, seconds),
        )
        for one in new.pool.upstreams
    ]


def total(some: list[Row]) -> Row:
    def of(name: str) -> Any:
        return round(sum(getattr(row, name) for row in some), 1)

    return Row(
        name="all",
        url="",
        state="",
        sessions=of("sessions"),
        tunnels=of("tunnels"),
        polling_sessions=of("polling_sessions"),
        handshakes_s=of("handshakes_s"),
        requests_s=of("requests_s"),
        bytes_in_s=of("bytes_in_s"),
        bytes_out_s=of("bytes_out_s"),
        errors=of("errors"),
    )


def rate(value: float) -> str:
    """As short as it may be, and as wide from one second to the next."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def size(value: float) -> str:
    """Bytes for people: 1 kB is 1,000 of them."""
    unit = 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value /= 1000
        unit += 1
    return (
        f"{value:.0f} {UNITS[unit]}" if value >= 99.5 or unit == 0 else f"{value:.1f} {UNITS[unit]}"
    )


def table(some: list[Row], *, width: int, stale: bool = False) -> Table:
    """For a terminal of that width; `stale`: the last that was heard."""
    wide = width >= WIDE
    made = Table(
        box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold",
        style="dim" if stale else "",
    )  # fmt: skip
    made.add_column("UPSTREAM", no_wrap=True)
    made.add_column("STATE", no_wrap=True, min_width=10)
    made.add_column("SESSIONS", justify="right", no_wrap=True)
    for name in ("TUNNELS", "POLLING") if wide else ():
        made.add_column(name, justify="right", no_wrap=True)
    for name in ("NEW/S", "REQ/S"):
        made.add_column(name, justify="right", no_wrap=True, min_width=6)
    for name in ("IN/S", "OUT/S"):
        made.add_column(name, justify="right", no_wrap=True, min_width=8)
    made.add_column("ERRORS", justify="right", no_wrap=True)
    if wide:
        made.add_column("URL", no_wrap=True, style="dim")
    for row in some + ([total(some)] if len(some) > 1 else []):
        made.add_row(
            Text(row.name, style="bold" if row.state == "" else ""),
            Text(row.state, style=STATE_STYLES.get(row.state, "")),
            f"{row.sessions:,}",
            *(f"{n:,}" for n in (row.tunnels, row.polling_sessions) if wide),
            *(rate(n) for n in (row.handshakes_s, row.requests_s)),
            *(size(n) for n in (row.bytes_in_s, row.bytes_out_s)),
            Text(f"{row.errors:,}", style="red" if row.errors else ""),
            *([row.url] if wide else []),
        )
    return made
