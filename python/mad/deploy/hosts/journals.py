"""What the programs of the roles said: the journals of several hosts, or the logs of their
containers, in the order of time."""

from __future__ import annotations

import json
import queue
import re
import shlex
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mad.deploy.hosts.commands import LONGEST_S
from mad.deploy.hosts.model import Host, HostError
from mad.deploy.hosts.ssh import Connections
from mad.deploy.hosts.units import PROGRAMS
from mad.deploy.hosts.visit import each
from mad.deploy.operations import OperationError

HOLD_S = 0.4
"""How long a line is held back while it is followed: one of another host may be older."""
FIELDS = "MESSAGE,PRIORITY,_SYSTEMD_UNIT,UNIT"
_AGO = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_STAMPED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z (.*)", re.DOTALL)
_LEVELS = {"error": 3, "warn": 4, "info": 6, "debug": 7}


@dataclass(frozen=True, slots=True)
class Entry:
    host: Host
    at: float
    """Seconds since 1970, by the clock there."""
    text: str
    unit: str = ""
    priority: int | None = None
    """Of syslog: 3 an error, 4 a warning, 6 is usual. None: it is not known."""
    mark: str = ""
    """From which on it is read further."""

    @property
    def fields(self) -> dict[str, Any] | None:
        """What a program of ours says is an event with fields."""
        if not self.text.startswith("{"):
            return None
        try:
            read = json.loads(self.text)
        except ValueError:
            return None
        return read if isinstance(read, dict) and "event" in read else None

    @property
    def level(self) -> int:
        told = self.fields or {}
        known = _LEVELS.get(str(told.get("level")))
        return known if known is not None else 6 if self.priority is None else self.priority


@dataclass(frozen=True, slots=True)
class Wanted:
    lines: int | None = 100
    """The newest of all hosts together; None: all."""
    since: float | None = None
    """Seconds since 1970."""
    docker: bool = False
    """Programs run in containers."""


def since_of(text: str, now: float) -> float:
    """`10m`, `2h`, `1d`, `30s` ago, or a time such as `2026-10-16T12:00` (of this machine's zone
    unless it names one). Raises OperationError."""
    ago = _AGO.fullmatch(text.strip())
    if ago is not None:
        return now - int(ago.group(1)) * _SECONDS[ago.group(2)]
    try:
        return datetime.fromisoformat(text.strip()).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        raise OperationError(
            f"'{text}' is no time", "write how long ago (10m, 2h, 1d), or 2026-10-16T12:00"
        ) from None


def argv(host: Host, wanted: Wanted, after: Entry | None = None, *, follow: bool) -> list[str]:
    """What reads them on a host. `after`: only what is newer."""
    if wanted.docker:
        return [*host.as_root, "sh", "-c", _containers(host, wanted, after, follow)]
    program = PROGRAMS[host.role]
    words = [*host.as_root, "journalctl", "--output=json", f"--output-fields={FIELDS}"]
    # The socket, too: of a pattern that fits nothing journalctl says that it is an error.
    words += ["--no-pager", f"--unit={program}@*", f"--unit={program}.socket"]
    if follow:
        words.append("--follow")
    if after is not None:
        return [*words, f"--after-cursor={after.mark}", "--lines=all"]
    if wanted.since is not None:
        words.append(f"--since=@{wanted.since:.0f}")
    lines = "0" if follow else "all" if wanted.lines is None else str(wanted.lines)
    return [*words, f"--lines={lines}"]


def _containers(host: Host, wanted: Wanted, after: Entry | None, follow: bool) -> str:
    words = ["docker", "logs", "--timestamps"]
    if follow:
        words.append("--follow")
    if after is not None:
        words += ["--since", after.mark]
    else:
        if wanted.since is not None:
            words += ["--since", f"{wanted.since:.0f}"]
        lines = "0" if follow else "all" if wanted.lines is None else str(wanted.lines)
        words += ["--tail", lines]
    each_one = f"docker ps --all --quiet --filter label=mad.role={host.role}"
    end = "& done; wait" if follow else "; done"
    return f'for one in $({each_one}); do {shlex.join(words)} "$one" 2>&1 {end}'


def parsed(host: Host, line: str, *, docker: bool) -> Entry | None:
    """None: no line of a log."""
    return _of_docker(host, line) if docker else _of_journal(host, line)


def _of_journal(host: Host, line: str) -> Entry | None:
    try:
        told = json.loads(line)
        at = int(told["__REALTIME_TIMESTAMP"]) / 1e6
    except (ValueError, KeyError, TypeError):
        return None
    message = told.get("MESSAGE")
    if isinstance(message, list):
        # Bytes that are no text come as numbers.
        message = bytes(message).decode(errors="replace")
    priority = str(told.get("PRIORITY", ""))
    return Entry(
        host,
        at,
        str(message or ""),
        str(told.get("UNIT") or told.get("_SYSTEMD_UNIT") or ""),
        int(priority) if priority.isdigit() else None,
        str(told.get("__CURSOR", "")),
    )


def _of_docker(host: Host, line: str) -> Entry | None:
    found = _STAMPED.match(line)
    if found is None:
        return None
    second, part, text = found.groups()
    whole = datetime.fromisoformat(second).replace(tzinfo=UTC).timestamp()
    mark = f"{second}{part or ''}Z"
    return Entry(host, whole + float(f"0{part or '.0'}"), text, PROGRAMS[host.role], None, mark)


@dataclass(frozen=True, slots=True)
class Read:
    entries: tuple[Entry, ...]
    """In the order of time."""
    last: dict[str, Entry]
    """By host: the newest that was read there."""
    failed: tuple[HostError, ...]


def read(calls: Connections, hosts: Sequence[Host], wanted: Wanted) -> Read:
    """What is there already."""

    def one(host: Host) -> tuple[list[Entry], HostError | None]:
        found: list[Entry] = []
        error = _run(calls, host, argv(host, wanted, follow=False), found.append, wanted.docker)
        return found, error

    answers = each(calls, hosts, one)
    entries = merged(entry for found, _ in answers for entry in found)
    last = {entry.host.name: entry for entry in entries}
    if wanted.lines is not None:
        entries = entries[max(0, len(entries) - wanted.lines) :]
    failed = tuple(error for _, error in answers if error is not None)
    return Read(tuple(entries), last, failed)


def merged(entries: Iterable[Entry]) -> list[Entry]:
    """Those of one host and time stay as they are."""
    return sorted(entries, key=lambda entry: entry.at)


def follow(
    calls: Connections,
    hosts: Sequence[Host],
    before: Read,
    wanted: Wanted,
    on_entry: Callable[[Entry], None],
    on_error: Callable[[HostError], None],
) -> None:
    """What comes after what was read, until all hosts have ended or somebody interrupts."""
    come: queue.Queue[Entry | tuple[Host, HostError | None]] = queue.Queue()
    broken = {error.host for error in before.failed}

    def one(host: Host) -> None:
        after = before.last.get(host.name)
        words = argv(host, wanted, after, follow=True)
        error: HostError | None = None
        try:
            error = _run(calls, host, words, lambda entry: new(entry, after), wanted.docker)
        finally:
            come.put((host, error))

    def new(entry: Entry, after: Entry | None) -> None:
        # Docker counts the line itself among those since it.
        if after is None or not wanted.docker or entry.at > after.at:
            come.put(entry)

    threads = [threading.Thread(target=one, args=(host,)) for host in hosts]
    going = [thread for thread, host in zip(threads, hosts, strict=True) if host.name not in broken]
    for thread in going:
        thread.start()
    ordered = Ordered()
    left = len(going)
    try:
        while left:
            try:
                said = come.get(timeout=HOLD_S / 4 if ordered.held else None)
            except queue.Empty:
                said = None
            if isinstance(said, Entry):
                ordered.push(said, time.monotonic())
            elif said is not None:
                left -= 1
                if said[1] is not None:
                    on_error(said[1])
            for entry in ordered.due(time.monotonic()):
                on_entry(entry)
        for entry in ordered.due(float("inf")):
            on_entry(entry)
    finally:
        calls.end()
        for thread in going:
            thread.join()


class Ordered:
    """Puts what comes from several hosts in the order of its times, as far as it comes within a
    short while. Times are those of a clock that only goes on, in seconds."""

    def __init__(self, hold_s: float = HOLD_S) -> None:
        self._hold_s = hold_s
        self.held: list[tuple[float, Entry]] = []
        """When it came, what it is."""

    def push(self, entry: Entry, now: float) -> None:
        self.held.append((now, entry))

    def due(self, now: float) -> list[Entry]:
        """Those that were held long enough, and the older ones of others."""
        ripe = [entry.at for came, entry in self.held if came <= now - self._hold_s]
        if not ripe:
            return []
        newest = max(ripe)
        out = merged(entry for _, entry in self.held if entry.at <= newest)
        self.held = [(came, entry) for came, entry in self.held if entry.at > newest]
        return out


def _run(
    calls: Connections,
    host: Host,
    words: list[str],
    on_entry: Callable[[Entry], None],
    docker: bool,
) -> HostError | None:
    wrong: list[str] = []

    def line(text: str) -> None:
        entry = parsed(host, text, docker=docker)
        if entry is not None:
            on_entry(entry)

    try:
        code = calls.run(host, words, on_line=line, on_error=wrong.append, deadline_s=LONGEST_S)
    except HostError as error:
        return error
    if code == 0:
        return None
    said = wrong[-1] if wrong else f"it ended with {code}"
    return HostError(
        host.name,
        "refused",
        f"its log cannot be read: {said}",
        f"look there: python -m mad.deploy ssh {host.name}",
    )
