"""What running processes cost: CPU, memory, threads and wake-ups of one and all its children.

    python3 bench/harness/footprint.py PID [SECONDS]

prints one line of JSON. Nothing of the kernel is needed but /proc; memory shared with others (PSS)
is None for processes of other users.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

CLOCK_OF_PROCESS = 2
"""CPUCLOCK_SCHED: nanoseconds, where `utime` of /proc counts ticks of 10 ms."""
LOOK_EACH_S = 1.0
"""Children and threads that come and go between two looks are not counted."""


@dataclasses.dataclass(frozen=True, slots=True)
class Footprint:
    """A process and all its children over some time."""

    seconds: float
    cpu_percent: float
    """Of one core."""
    rss_kb: int
    """At the end, summed; pages that several of them share count each time."""
    rss_peak_kb: int
    """The most at any look."""
    pss_kb: int | None
    """At the end: shared pages in proportion to their users."""
    threads: int
    """The most at any look."""
    processes: int
    wakeups_per_s: float
    """Voluntary context switches of all threads."""


@dataclasses.dataclass(slots=True)
class _Task:
    """One counter that only grows, from when it was first seen (or born)."""

    first: float
    last: float


def _stat_fields(pid: int) -> list[str]:
    text = Path(f"/proc/{pid}/stat").read_text()
    return text[text.rindex(")") + 2 :].split()


def tree(pid: int) -> list[int]:
    """`pid` and all its descendants that live now; empty when it has ended."""
    children: dict[int, list[int]] = {}
    alive = False
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError, ValueError):
            fields = _stat_fields(int(entry.name))
            if fields[0] in "ZX":
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
            alive = alive or int(entry.name) == pid
    found = [pid] if alive else []
    for parent in found:
        found += children.get(parent, [])
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of one process, of those that ended too."""
    return time.clock_gettime((~pid << 3) | CLOCK_OF_PROCESS)


def _numbers(path: str, names: Sequence[str]) -> dict[str, int]:
    """The first number of each `Name:` line in a file of /proc."""
    out: dict[str, int] = {}
    for line in Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        if name in names:
            out[name] = int(value.split()[0])
    return out


def wakeups(pid: int) -> dict[int, int]:
    """Voluntary context switches so far, by thread."""
    out: dict[int, int] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            said = _numbers(f"{task}/status", ("voluntary_ctxt_switches",))
            out[int(task.name)] = said["voluntary_ctxt_switches"]
    return out


def memory_kb(pid: int) -> tuple[int, int | None]:
    """RSS and, where this user may know it, PSS."""
    try:
        said = _numbers(f"/proc/{pid}/smaps_rollup", ("Rss", "Pss"))
        return said["Rss"], said["Pss"]
    except PermissionError:
        return _numbers(f"/proc/{pid}/status", ("VmRSS",)).get("VmRSS", 0), None


class Meter:
    """Reads a process and all its children; `look` now and then, `result` at the end."""

    def __init__(self, pid: int) -> None:
        """Raises ProcessLookupError when it has ended already."""
        self._pid = pid
        self._began = time.monotonic()
        self._cpu: dict[int, _Task] = {}
        self._wakeups: dict[tuple[int, int], _Task] = {}
        self._rss_peak_kb = self._threads = self._processes = 0
        self._look(is_first=True)

    def look(self) -> None:
        self._look(is_first=False)

    def _look(self, *, is_first: bool) -> None:
        pids = tree(self._pid)
        if not pids:
            raise ProcessLookupError(f"process {self._pid} has ended")
        threads = rss = 0
        for pid in pids:
            with contextlib.suppress(OSError):
                cpu, woken = cpu_seconds(pid), wakeups(pid)
                # Born since the last look: all that it has done counts.
                self._cpu.setdefault(pid, _Task(cpu if is_first else 0, 0)).last = cpu
                for tid, count in woken.items():
                    first = count if is_first else 0
                    self._wakeups.setdefault((pid, tid), _Task(first, 0)).last = count
                threads += len(woken)
                rss += _numbers(f"/proc/{pid}/status", ("VmRSS",)).get("VmRSS", 0)
        self._threads = max(self._threads, threads)
        self._processes = max(self._processes, len(pids))
        self._rss_peak_kb = max(self._rss_peak_kb, rss)

    def result(self) -> Footprint:
        self.look()
        took = time.monotonic() - self._began
        rss, pss = 0, 0
        is_pss_known = True
        for pid in tree(self._pid):
            with contextlib.suppress(OSError):
                own, share = memory_kb(pid)
                rss += own
                pss += share or 0
                is_pss_known = is_pss_known and share is not None
        cpu = sum(t.last - t.first for t in self._cpu.values())
        woken = sum(t.last - t.first for t in self._wakeups.values())
        return Footprint(
            seconds=round(took, 2),
            cpu_percent=round(100 * cpu / took, 4),
            rss_kb=rss,
            rss_peak_kb=max(rss, self._rss_peak_kb),
            pss_kb=pss if is_pss_known else None,
            threads=self._threads,
            processes=self._processes,
            wakeups_per_s=round(woken / took, 3),
        )


def measure(pid: int, seconds: float) -> Footprint:
    """Watches `pid` and its children for `seconds`; raises ProcessLookupError if it ends."""
    meter = Meter(pid)
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(LOOK_EACH_S, left))
        meter.look()
    return meter.result()


if __name__ == "__main__":
    print(
        json.dumps(
            dataclasses.asdict(
                measure(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 60.0)
            )
        )
    )
