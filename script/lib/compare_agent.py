"""Holds what the agent samples against what others say of the same machine in the same seconds.

Others are asked before and after each of our two readings. What only grows gives hard bounds: our
difference lies between theirs of the inner two and theirs of the outer two. What goes up and down
must lie between theirs before and after, give or take as much as it moved."""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from peer_readings import (
    MODES,
    Reading,
    from_df,
    from_free,
    from_kernel,
    from_psutil,
    node_exporter,
    whole_disks,
)

import mad

Sources = dict[str, Callable[[], Reading]]


@dataclass(frozen=True, slots=True)
class Row:
    """One field beside what one other says."""

    field: str
    source: str
    ours: float | None
    theirs: float
    low: float
    high: float
    why: str = ""
    """Why they may differ by definition; the bounds know of it."""

    @property
    def agrees(self) -> bool:
        return self.ours is not None and self.low <= self.ours <= self.high

    @property
    def differs(self) -> bool:
        """By more than 1 % and more than one unit's worth of rounding."""
        if self.ours is None:
            return True
        return self.distance > max(abs(self.theirs) / 100, 1e-9)

    @property
    def distance(self) -> float:
        return 0.0 if self.ours is None else abs(self.ours - self.theirs)

    @property
    def explanation(self) -> str:
        if self.ours is None:
            return "ABSENT here"
        if not self.agrees:
            return f"UNEXPLAINED: outside {_number(self.low)} to {_number(self.high)}"
        if not self.differs:
            return ""
        if self.why:
            return self.why
        return f"moved meanwhile: {_number(self.low)} to {_number(self.high)} is possible"


@dataclass(frozen=True, slots=True)
class Taken:
    """Our second reading, theirs around both of ours, and how long ours may have lain apart."""

    ours: mad.Health
    before: dict[str, list[Reading]]
    """By source: the two around our first reading, the two around the second."""
    least_s: float
    most_s: float


@contextlib.contextmanager
def all_sources(with_exporter: bool = True) -> Iterator[Sources]:
    sources: Sources = {"psutil": from_psutil, "kernel": from_kernel}
    sources |= {"df": from_df, "free": from_free}
    with contextlib.ExitStack() as stack:
        exporter = stack.enter_context(node_exporter()) if with_exporter else None
        if exporter is not None:
            sources["node_exporter"] = exporter
        yield sources


def take(
    sources: Sources,
    seconds: float,
    meanwhile: Callable[[], None] | None = None,
    **settings: Any,
) -> Taken:
    """Two readings of ours, `seconds` apart; `meanwhile` may give the machine something to do."""
    read: dict[str, list[Reading]] = {name: [] for name in sources}

    def ask() -> None:
        for name, source in sources.items():
            read[name].append(source())

    ask()
    began = time.monotonic()
    with mad.Sampler(scope="host", **settings) as sampler:
        began_by = time.monotonic()
        ask()
        if meanwhile is not None:
            meanwhile()
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        ask()
        ended = time.monotonic()
        ours = sampler.take()
        ended_by = time.monotonic()
        ask()
    return Taken(ours, read, ended - began_by, ended_by - began)


class _Comparison:
    """The rows of one source."""

    def __init__(self, taken: Taken, source: str) -> None:
        self._taken, self._source = taken, source
        self._four = taken.before[source]
        self.rows: list[Row] = []

    def _has(self, names: Sequence[str]) -> bool:
        return all(name in reading for name in names for reading in self._four)

    def _sums(self, names: Sequence[str]) -> list[float]:
        return [sum(reading[name] for name in names) for reading in self._four]

    def _add(
        self, field: str, ours: float | None, theirs: float, low: float, high: float, why: str = ""
    ) -> None:
        self.rows.append(Row(field, self._source, ours, theirs, low, high, why))

    def gauge(
        self, field: str, ours: float | None, name: str, rounded: float, room: float = 0
    ) -> None:
        """`rounded`: what our digits hide; `room`: what it may move besides what was seen."""
        if not self._has([name]):
            return
        one, two = self._four[2][name], self._four[3][name]
        spare = rounded + room + abs(two - one)
        self._add(field, ours, (one + two) / 2, min(one, two) - spare, max(one, two) + spare)

    def rate(
        self,
        field: str,
        ours: float | None,
        names: Sequence[str],
        rounded: float,
        scale: float = 1,
        most: float = math.inf,
    ) -> None:
        """Of counters that only grow, a second; ours shows no more than `most`."""
        if not names or not self._has(names):
            return
        taken, (a, b, c, d) = self._taken, self._sums(names)
        middle = (d - a + c - b) / (taken.most_s + taken.least_s) * scale
        low, high = (c - b) / taken.most_s * scale, (d - a) / taken.least_s * scale
        self._add(field, ours, min(middle, most), min(low, most) - rounded, high + rounded)

    def share(self, field: str, ours: float | None, some: Sequence[str], why: str = "") -> None:
        """Of CPU time, in percent."""
        modes = [f"cpu.{mode}#" for mode in MODES]
        if not self._has(modes):
            return
        a, b, c, d = self._sums([f"cpu.{mode}#" for mode in some])
        all_a, all_b, all_c, all_d = self._sums(modes)
        if all_c - all_b <= 0:
            return
        # A tick of the kernel on each side: columns are not read at one moment.
        low = 100 * (c - b - 0.02) / (all_d - all_a + 0.02)
        high = 100 * (d - a + 0.02) / max(0.01, all_c - all_b - 0.02)
        theirs = 100 * (d - a + c - b) / (all_d - all_a + all_c - all_b)
        self._add(field, ours, theirs, low - 0.06, high + 0.06, why)

    def busiest(self, field: str, ours: float | None, disks: Sequence[str]) -> None:
        """Of the disks, the one with most of its time in use, in percent."""
        names = [f"disk.{disk}.busy#" for disk in disks]
        names = [name for name in names if self._has([name])]
        if not names:
            return
        taken, low, high, theirs = self._taken, 0.0, 0.0, 0.0
        for name in names:
            a, b, c, d = self._sums([name])
            low = max(low, 100 * (c - b - 0.004) / taken.most_s)
            high = max(high, 100 * (d - a + 0.004) / taken.least_s)
            theirs = max(theirs, 100 * (d - a + c - b) / (taken.most_s + taken.least_s))
        self._add(field, ours, theirs, low - 0.06, min(100.0, high) + 0.06)

    def rounded_up(self, field: str, ours: float | None, name: str) -> None:
        """df shows whole percents, the next above."""
        if not self._has([name]):
            return
        theirs = self._four[3][name]
        least = min(self._four[2][name], theirs) - 1
        self._add(field, ours, theirs, least - 0.2, theirs + 0.2, "df rounds up to whole percents")


def _root(ours: mad.Health) -> dict[str, Any]:
    return next((dict(disk) for disk in ours.get("disk", []) if disk.get("m") == "/"), {})


def compare(taken: Taken) -> list[Row]:
    """Every field that somebody else has, too."""
    rows: list[Row] = []
    for source in taken.before:
        rows += _of_source(taken, source)
    order = list(dict.fromkeys(row.field for row in rows))
    return sorted(rows, key=lambda row: order.index(row.field))


def _of_source(taken: Taken, source: str) -> list[Row]:
    it, ours = _Comparison(taken, source), taken.ours
    cpu, mem, io = ours.get("cpu", {}), ours.get("mem", {}), ours.get("io", {})
    net, load, root = ours.get("net", {}), ours.get("load", [None] * 3), _root(ours)
    busy = [mode for mode in MODES if mode not in ("idle", "iowait")]
    it.share("cpu.pct", cpu.get("pct"), busy)
    it.share("cpu.user", cpu.get("user"), ["user", "nice"])
    it.share("cpu.sys", cpu.get("sys"), ["system", "irq", "softirq"])
    it.share("cpu.iowait", cpu.get("iowait"), ["iowait"])
    it.share("cpu.steal", cpu.get("steal"), ["steal"])
    for number, name in enumerate(("load.1", "load.5", "load.15")):
        it.gauge(name, load[number], name, 0.006)
    total = mem.get("total", 0)
    it.gauge("mem.total", mem.get("total"), "mem.total", 0)
    it.gauge("mem.avail", mem.get("avail"), "mem.avail", 0, total / 50)
    it.gauge("mem.pct", mem.get("pct"), "mem.pct", 0.11, 2)
    it.gauge("mem.swap_total", mem.get("swap_total"), "swap.total", 0)
    it.gauge("mem.swap_used", mem.get("swap_used"), "swap.used", 0, total / 50)
    size = root.get("size", 0)
    it.gauge("disk / size", root.get("size"), "root.size", 0)
    it.gauge("disk / avail", root.get("avail"), "root.avail", 0, size / 100)
    if source == "df":
        it.rounded_up("disk / pct", root.get("pct"), "root.pct")
        it.rounded_up("disk / ipct", root.get("ipct"), "root.ipct")
    else:
        it.gauge("disk / pct", root.get("pct"), "root.pct", 0.11, 0.5)
        it.gauge("disk / ipct", root.get("ipct"), "root.ipct", 0.06, 0.5)
    disks = whole_disks()
    fields = {"rd": "read", "wr": "written", "rops": "reads", "wops": "writes"}
    for field, name in fields.items():
        there = [f"disk.{disk}.{name}#" for disk in disks]
        it.rate(f"io.{field}", io.get(field), there, 1 if field in ("rd", "wr") else 0.06)
    it.busiest("io.util", io.get("util"), disks)
    nics = [nic["n"] for nic in net.get("ifs", [])]
    for field, rounded in (("rx", 1.0), ("tx", 1.0), ("err", 0.06), ("drop", 0.06)):
        it.rate(f"net.{field}", net.get(field), [f"nic.{nic}.{field}#" for nic in nics], rounded)
    both = [f"nic.{nic}.{way}#" for nic in nics for way in ("rx", "tx")]
    it.rate("network", ours.get("network"), both, 0.001, 8 / 1e6)
    psi: dict[str, Any] = dict(ours.get("psi", {}))
    for what in ("cpu", "mem", "io"):
        for number, kind in enumerate(("some", "full")):
            if (what, kind) != ("cpu", "full"):
                said = psi.get(what, [])
                value = said[number] if number < len(said) else None
                it.rate(f"psi.{what}.{kind}", value, [f"psi.{what}.{kind}#"], 0.06, 100, 100)
    # Others take the start from the wall clock, in whole seconds.
    it.gauge("up", ours.get("up"), "up", 1.01, 0 if source == "kernel" else 2)
    it.gauge("procs.total", ours.get("procs", {}).get("total"), "procs.total", 0, 50)
    it.gauge("agent.rss", ours.get("agent", {}).get("rss"), "agent.rss", 0, 4 << 20)
    return it.rows


def _number(value: float | None) -> str:
    if value is None:
        return "absent"
    if math.fabs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"


def table(rows: Sequence[Row]) -> str:
    """A line per field: ours, what each of the others says, and the largest difference."""
    sources = list(dict.fromkeys(row.source for row in rows))
    lines = [["field", "ours", *sources, "difference", "why"]]
    for field in dict.fromkeys(row.field for row in rows):
        group = {row.source: row for row in rows if row.field == field}
        theirs = [_number(group[s].theirs) if s in group else "" for s in sources]
        worst = max(group.values(), key=lambda row: (not row.agrees, row.differs, row.distance))
        # What nobody can explain comes first, then what is so by definition.
        said = sorted(group.values(), key=lambda row: (row.agrees, not row.why))
        why = next((row.explanation for row in said if row.explanation), "")
        lines.append([field, _number(worst.ours), *theirs, _number(worst.distance), why])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="script/compare-agent", description="The agent's values beside those of others."
    )
    parser.add_argument("--seconds", type=float, default=5, help="between our two readings (5)")
    options = parser.parse_args(arguments)
    with all_sources() as sources:
        if "node_exporter" not in sources:
            print("node_exporter is not here (script/setup bench)", file=sys.stderr)
        rows = compare(take(sources, options.seconds))
    print(table(rows))
    odd = [row for row in rows if not row.agrees]
    print(f"\n{len(rows)} comparisons, {len(odd)} without an explanation")
    return 1 if odd else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
