"""What a console knows of the fleet, from the events of a node: pure."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

COLUMNS = (
    *("id", "state", "flags", "name", "region", "tags", "storage", "network", "cpu", "mem"),
    *("load", "psi", "up", "seen", "rule", "value", "limit", "since", "v"),
)
STATES = ("ok", "warn", "crit", "stale", "offline")
LOG_LENGTH = 200

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A host's state turned into another, at `since` (ms since 1970)."""

    id: str
    old: str
    new: str
    rule: str
    value: float | None
    limit: float | None
    since: float


def _number(value: Any) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return value if usable else None


def _part(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _worst_pressure(psi: Any) -> float | None:
    found = [
        float(number)
        for key, at in (("cpu", 0), ("mem", 1), ("io", 1))
        if isinstance(values := _part(psi, key), list)
        and len(values) > at
        and (number := _number(values[at])) is not None
    ]
    return max(found, default=None)


def row_of_record(record: Any, now_ms: float) -> Row | None:
    """A record as nodes of any age send it; None: it has no id."""
    host = _part(record, "id")
    if not isinstance(host, str | int) or host == "":
        return None
    health, info, judged = (_part(record, key) for key in ("health", "info", "state"))
    load = _part(health, "load")
    state = _part(judged, "s")
    tags = _part(info, "tags")
    return {
        "id": str(host),
        "state": state if state in STATES else "ok",
        "flags": 0,
        "name": _part(info, "host"),
        "region": _part(info, "region"),
        "os": _part(info, "os"),
        "tags": [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else [],
        "storage": _number(_part(health, "storage")),
        "network": _number(_part(health, "network")),
        "cpu": _number(_part(_part(health, "cpu"), "pct")),
        "mem": _number(_part(_part(health, "mem"), "pct")),
        "load": _number(load[0]) if isinstance(load, list) and load else None,
        "psi": _worst_pressure(_part(health, "psi")),
        "up": _number(_part(health, "up")),
        "seen": now_ms,
        "rule": _part(judged, "rule"),
        "value": _number(_part(judged, "value")),
        "limit": _number(_part(judged, "limit")),
        "since": _number(_part(judged, "since")),
        "v": 2 if _part(record, "v") == 2 else 1,
    }


@dataclass(slots=True)
class Fleet:
    """All hosts by id. Used by one thread at a time."""

    hosts: dict[str, Row] = field(default_factory=dict)
    log: deque[Change] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))
    cursor: str | None = None
    loaded: bool = False
    modern: bool = False
    heard: float = 0.0  # monotonic seconds: when the node said something
    watched: dict[str, Any] = field(default_factory=dict)  # newest whole record by id
    wall: Callable[[], float] = time.time
    _columns: list[str] = field(default_factory=lambda: list(COLUMNS))
    _arriving: dict[str, Row] | None = None
    _chunks: Any = None  # cursor of those that arrive; all of one list have the same

    def _take(self, rows: Iterable[Any], into: dict[str, Row]) -> None:
        empty = dict.fromkeys((*COLUMNS, "os"))
        for row in rows:
            host = empty | dict(zip(self._columns, row, strict=False))
            if isinstance(host["id"], str):
                into[host["id"]] = host

    def on_snapshot(self, part: Any) -> None:
        """One chunk of the list; the last one replaces all that was known."""
        self.heard = time.monotonic()
        self.modern = True
        if self._arriving is None or part.get("cursor") != self._chunks:
            self._arriving = {}
        self._chunks = part.get("cursor")
        self._columns = list(part["cols"])
        self._take(part["rows"], self._arriving)
        if part.get("last", True):
            self.hosts, self._arriving = self._arriving, None
            self.cursor = part.get("cursor")
            self.loaded = True

    def on_delta(self, part: Any) -> None:
        self.heard = time.monotonic()
        for gone in part.get("gone", ()):
            self.hosts.pop(gone, None)
        self._take(part.get("rows", ()), self.hosts)
        self.cursor = part.get("cursor", self.cursor)

    def on_state(self, change: Any) -> None:
        self.heard = time.monotonic()
        words = (str(change.get(key) or "") for key in ("id", "from", "to", "rule"))
        host, old, new, rule = words
        value, limit = _number(change.get("value")), _number(change.get("limit"))
        since = _number(change.get("since")) or 0
        self.log.appendleft(Change(host, old, new, rule, value, limit, since))

    def on_list(self, records: Any) -> None:
        """`load_clients`: what an original node knows, all of it."""
        self.heard = time.monotonic()
        if self.modern or not isinstance(records, list):
            return
        now = self.wall() * 1000
        rows = (row_of_record(record, now) for record in records)
        self.hosts = {row["id"]: row for row in rows if row}
        self.loaded = True

    def on_update(self, record: Any) -> None:
        """`web_client_update`: from an original node, or of a host that is watched."""
        self.heard = time.monotonic()
        row = row_of_record(record, self.wall() * 1000)
        if row is None:
            return
        if row["id"] in self.watched:
            self.watched[row["id"]] = record
        if not self.modern:
            self.hosts[row["id"]] = row

    def on_gone(self, host: Any) -> None:
        self.heard = time.monotonic()
        if not self.modern:
            self.hosts.pop(str(host), None)

    def counts(self) -> Counter[str]:
        return Counter(row["state"] for row in self.hosts.values())
