"""What `mad top` shows: hosts in, a table or the details of one out."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mad._fleet import STATES, Change, Row

# State is a colour, a shape and a word.
STATE_LOOKS = {
    "ok": ("green", "●"),
    "warn": ("yellow", "▲"),
    "crit": ("bold red", "■"),
    "stale": ("magenta", "◌"),
    "offline": ("dim", "○"),
}
SEVERITY = {"ok": 0, "stale": 1, "warn": 2, "offline": 3, "crit": 4}
FLAG_NAMES = ((1, "dup"), (2, "muted"), (4, "flapping"))
BARS = " ▁▂▃▄▅▆▇█"
LONGEST = 200
NONE = "\u2013"  # not known

SORTS = (
    *("id", "state", "name", "region", "storage", "network", "cpu", "mem", "load", "psi"),
    *("up", "seen"),
)

# Control characters, and what turns the direction of a line.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def safe(value: object, limit: int = LONGEST) -> str:
    """Text of others as it may be shown."""
    text = _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", str(value))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _natural(text: str) -> list[tuple[int, int | str]]:
    """web-2 before web-10."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


def arranged(hosts: Iterable[Row], sort: str, *, descending: bool) -> list[Row]:
    """In order; what is not known comes last, equals by id."""
    by_id = sorted(hosts, key=lambda row: _natural(row["id"]))
    if sort == "id":
        return by_id[::-1] if descending else by_id
    key: Callable[[Row], Any] = lambda row: row[sort]  # noqa: E731
    if sort == "state":
        key = lambda row: SEVERITY.get(row["state"], 0)  # noqa: E731
    elif sort in ("name", "region"):
        key = lambda row: _natural(row[sort])  # noqa: E731
    known = [row for row in by_id if row[sort] is not None]
    unknown = [row for row in by_id if row[sort] is None]
    return sorted(known, key=key, reverse=descending) + unknown


def _percent(value: float | None) -> Text:
    if value is None:
        return Text(NONE, style="dim")
    style = "red" if value >= 95 else "yellow" if value >= 85 else ""
    return Text(f"{value:.1f}", style=style)


def _plain(value: float | None, digits: int = 1) -> Text:
    return Text(NONE, style="dim") if value is None else Text(f"{value:,.{digits}f}")


def span(seconds: float | None) -> str:
    """About how long, in at most two units: `3d 4h`."""
    if seconds is None:
        return NONE
    left = max(0, int(seconds))
    for name, size, small, small_size in (
        ("d", 86400, "h", 3600),
        ("h", 3600, "m", 60),
        ("m", 60, "s", 1),
    ):
        if left >= size:
            return f"{left // size}{name} {left % size // small_size}{small}"
    return f"{left}s"


def _seen(row: Row, now_ms: float) -> str:
    if row["state"] in ("ok", "warn", "crit"):
        return "now"
    return NONE if row["seen"] is None else span((now_ms - row["seen"]) / 1000)


def _state(row: Row) -> Text:
    style, shape = STATE_LOOKS.get(row["state"], ("", "?"))
    flags = "".join(f" {name}" for bit, name in FLAG_NAMES if (row["flags"] or 0) & bit)
    return Text.assemble((f"{shape} {safe(row['state'], 10)}", style), (flags, "dim"))


def _why(row: Row) -> str:
    if not row["rule"]:
        return ""
    value = "" if row["value"] is None else f" {row['value']:g}"
    limit = "" if row["limit"] is None else f" (limit {row['limit']:g})"
    return safe(row["rule"], 30) + value + limit


# Name, heading, right-aligned, from how many columns of the terminal on, what it shows.
_Cell = Callable[[Row, float], Text | str]
_TABLE: tuple[tuple[str, str, bool, int, _Cell], ...] = (
    ("state", "state", False, 0, lambda row, _: _state(row)),
    ("id", "host", False, 0, lambda row, _: safe(row["id"], 40)),
    ("tags", "tags", False, 150, lambda row, _: safe(" ".join(row["tags"] or ()), 36)),
    ("region", "region", False, 130, lambda row, _: safe(row["region"] or "", 16)),
    ("storage", "storage %", True, 60, lambda row, _: _percent(row["storage"])),
    ("network", "net Mbit/s", True, 80, lambda row, _: _plain(row["network"])),
    ("cpu", "cpu %", True, 0, lambda row, _: _percent(row["cpu"])),
    ("mem", "mem %", True, 0, lambda row, _: _percent(row["mem"])),
    ("load", "load", True, 90, lambda row, _: _plain(row["load"], 2)),
    ("psi", "psi %", True, 100, lambda row, _: _plain(row["psi"])),
    ("up", "up", True, 110, lambda row, _: span(row["up"])),
    ("seen", "seen", True, 70, _seen),
    ("rule", "why", False, 120, lambda row, _: _why(row)),
)


def table(
    rows: Sequence[Row],
    *,
    width: int,
    now_ms: float,
    sort: str = "id",
    descending: bool = False,
    selected: str | None = None,
    dim: bool = False,
    expand: bool = True,
) -> Table:
    """The rows given, all of them: the caller chooses what is visible."""
    arrow = " ▼" if descending else " ▲"
    made = Table(box=None, expand=expand, padding=(0, 1), pad_edge=False, header_style="bold")
    columns = [column for column in _TABLE if width >= column[3]]
    for name, heading, right, _, _ in columns:
        made.add_column(
            heading + (arrow if name == sort else ""),
            justify="right" if right else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if expand and name == "id" else None,
        )
    for row in rows:
        style = "reverse" if row["id"] == selected else ""
        if dim or row["state"] == "offline":
            style += " dim"
        cells = (show(row, now_ms) for *_, show in columns)
        made.add_row(
            *(cell if isinstance(cell, Text) else Text(cell) for cell in cells), style=style
        )
    return made


def counters(counts: Mapping[str, int], shown: int, total: int) -> Text:
    said = Text(f"{total} hosts", style="bold")
    for state in STATES:
        if counts.get(state):
            style, shape = STATE_LOOKS[state]
            said.append(f"  {shape} {counts[state]} {state}", style=style)
    if shown != total:
        said.append(f"  ({shown} shown)", style="dim")
    said.no_wrap, said.overflow = True, "ellipsis"
    return said


def spark(values: Sequence[float | None], width: int, top: float | None = None) -> str:
    """The newest of the values as bars; a gap is a blank."""
    some = values[-width:]
    known = [value for value in some if value is not None]
    if not known:
        return ""
    most = top or max(known) or 1
    steps = len(BARS) - 1
    return "".join(
        " " if value is None else BARS[min(steps, max(1, round(value / most * steps)))]
        for value in some
    )


def log_lines(changes: Iterable[Change], limit: int) -> list[Text]:
    lines = []
    for change in list(changes)[:limit]:
        when = time.strftime("%H:%M:%S", time.localtime(change.since / 1000))
        style = STATE_LOOKS.get(change.new, ("", ""))[0]
        why = f"  {safe(change.rule, 30)}" if change.rule else ""
        value = "" if change.value is None else f" {change.value:g}"
        lines.append(
            Text.assemble(
                (f"{when}  ", "dim"),
                f"{safe(change.id, 40)}  {safe(change.old, 10)} → ",
                (safe(change.new, 10), style),
                (why + value, "dim"),
            )
        )
    return lines


def _size(value: Any) -> str:
    if not isinstance(value, int | float):
        return NONE
    number = float(value)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(number) < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _facts(record: Any) -> list[tuple[str, str]]:
    info, health = _map(_map(record).get("info")), _map(_map(record).get("health"))
    memory, cores = _map(health.get("mem")), _map(health.get("cpu")).get("cores")
    found = [(key, safe(info[key], 60)) for key in ("os", "kernel", "arch", "cpus") if key in info]
    if "total" in memory:
        found.append(("memory", f"{_size(memory.get('avail'))} of {_size(memory['total'])} free"))
    if isinstance(cores, list):
        numbers = [core if isinstance(core, int | float) else None for core in cores]
        found.append(("cores", spark(numbers, 64, 100)))
    for mount in _list(health.get("disk"))[:6]:
        percent = mount.get("pct")
        used = f"{percent:g} %" if isinstance(percent, int | float) else NONE
        name = safe(mount.get("m", "?"), 40)
        found.append((name, f"{used} of {_size(mount.get('size'))}"))
    for nic in _list(_map(health.get("net")).get("ifs"))[:4]:
        rates = f"in {_size(nic.get('rx'))}/s, out {_size(nic.get('tx'))}/s"
        found.append((safe(nic.get("n", "?"), 20), rates))
    return found


def details(
    row: Row, record: Any, history: Any, log: Iterable[Change], *, width: int, now_ms: float
) -> RenderableType:
    """One host: what it is, how it went, what happened to it."""
    heading = Text.assemble((safe(row["id"], 60), "bold"), "  ", _state(row), f"  {_why(row)}")
    about = Text(
        "  ".join(
            part
            for part in (
                safe(row["region"] or "", 20),
                safe(" ".join(row["tags"] or ()), 80),
                f"up {span(row['up'])}",
                f"seen {_seen(row, now_ms)}",
            )
            if part
        ),
        style="dim",
    )
    charts = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    columns = _map(history).get("cols")
    native = _map(history).get("native")
    for name, unit, top in (
        *(("storage", "%", 100), ("cpu", "%", 100), ("mem", "%", 100)),
        *(("network", "Mbit/s", None), ("load", "", None), ("psi", "%", 100)),
    ):
        values: list[float | None] = []
        if isinstance(columns, list) and isinstance(native, list) and name in columns:
            at = columns.index(name)
            values = [one[at] for one in native if isinstance(one, list) and at < len(one)]
        now = NONE if row[name] is None else f"{row[name]:,.1f} {unit}"
        charts.add_row(name, Text(now, justify="right"), spark(values, max(10, width - 34), top))
    facts = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    for name, value in _facts(record):
        facts.add_row(Text(name, style="dim"), Text(value))
    mine = [change for change in log if change.id == row["id"]]
    return Group(heading, about, Text(), charts, Text(), facts, Text(), *log_lines(mine, 8))
