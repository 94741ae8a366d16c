"""What agents cost: the table, and the targets of ours."""

from __future__ import annotations

import datetime
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from . import report
from .agent_peers import INTERVAL_S
from .agents import AGENT_BIN, Run, Subject
from .plan import BIN

KEY = """\
All ran at the same time for {seconds:.0f} s after they had settled, on no particular core; the
cores were {busy:.0f} % busy meanwhile{judged}. Each row is a process and all its children: CPU time
of one core, resident memory at the end, PSS (pages shared with others counted in part), the most
threads seen, voluntary context switches. On disk: the file of ours and of Telegraf (built with the
plugins that it runs), else the installed size of the package without what it needs of others
(glances: Python). Ours are connected to a mad-api. What they do differs: netdata looks each second
and keeps it, node_exporter works when it is asked, glances lists processes too."""
ALONE = 0.7
"""Above this share of busy cores, rows disturb each other."""
HEADING = "## Agents"
MB = 1_000_000
MIB = 1024 * 1024  # what servers/agent.cmake judges the programs by


@dataclass(frozen=True, slots=True)
class Check:
    """One target of the agent."""

    who: str
    what: str
    most: float
    is_: float | None
    unit: str

    @property
    def holds(self) -> bool | None:
        """None when it could not be measured."""
        return None if self.is_ is None else self.is_ <= self.most


def sample_cost() -> tuple[float, float] | None:
    """Microseconds of CPU and allocations of one sample with its JSON, by the micro bench."""
    program = BIN / "bench_micro_sample"
    if not program.exists():
        return None
    done = subprocess.run([program], capture_output=True, text=True, timeout=300, check=False)
    found = re.search(
        r"^sample and its JSON +([\d.]+) +[\d.]+ +\d+ +([\d.]+)$", done.stdout, re.MULTILINE
    )
    return (float(found[1]), float(found[2])) if found else None


def checks(run: Run, sampled: tuple[float, float] | None) -> list[Check]:
    """Every target. Sizes are of the static builds alone."""
    found: list[Check] = []
    is_static = (AGENT_BIN / "mad-agent").exists()
    for subject in run.subjects:
        if not subject.ours:
            continue
        cost, name = subject.cost, subject.name
        rss, size = (8, 8) if subject.tls else (4, 2.5)
        wakes = cost.wakeups_per_s * INTERVAL_S if cost else None
        found += [
            Check(name, "CPU", 0.05, cost.cpu_percent if cost else None, "% of a core"),
            Check(name, "RSS", rss, cost.rss_kb * 1024 / MB if cost else None, "MB"),
            Check(name, "threads", 2, cost.threads if cost else None, ""),
            Check(name, "wake-ups per interval", 2, wakes, ""),
        ]
        if subject.tls or name.endswith("plain"):
            disk = subject.disk_bytes / MIB if is_static else None
            found.append(Check(name, "static binary", size, disk, "MiB"))
    us, allocations = sampled or (None, None)
    found.append(Check("a sample", "CPU time", 500, us, "µs"))
    found.append(Check("a sample", "allocations", 0, allocations, ""))
    return found


def _mb(size: float) -> str:
    return f"{size / MB:.1f}"


def _row(subject: Subject) -> list[str]:
    name = f"{subject.name} {subject.version}".strip()
    cost = subject.cost
    if cost is None or subject.failure:
        return [name, subject.does, subject.failure, *[""] * 6]
    return [
        name,
        subject.does,
        f"{cost.cpu_percent:.3f}",
        _mb(cost.rss_kb * 1024),
        "" if cost.pss_kb is None else _mb(cost.pss_kb * 1024),
        str(cost.processes),
        str(cost.threads),
        f"{cost.wakeups_per_s:.2f}",
        _mb(subject.disk_bytes),
    ]


def table(run: Run) -> str:
    head = ["agent", "set up to", "CPU %", "RSS MB", "PSS MB", "processes", "threads"]
    rows = [[*head, "wake-ups/s", "on disk MB"], *map(_row, run.subjects)]
    return report.align(rows, numbers_from=2)


def targets(found: Sequence[Check]) -> str:
    rows = [["target", "", "at most", "is", ""]]
    for check in found:
        is_ = "" if check.is_ is None else f"{check.is_:.3g} {check.unit}".strip()
        said = {True: "met", False: "missed", None: "not measured"}[check.holds]
        most = f"{check.most:g} {check.unit}".strip()
        rows.append([check.who, check.what, most, is_, said])
    return report.align(rows, numbers_from=2)


def key(run: Run) -> str:
    judged = ", so nobody waited for one" if run.busy < ALONE else ": they waited for each other"
    return KEY.format(seconds=run.seconds, busy=100 * run.busy, judged=judged)


def about(version: str) -> str:
    machine, _, _ = report.machine().partition(";")
    today = datetime.date.today().isoformat()
    return f"Written by `script/bench agent` on {today}: {version}; {machine}."


def section(run: Run, found: Sequence[Check], by: str) -> str:
    """What docs/benchmarks.md says of agents."""
    return "\n\n".join([HEADING, by, table(run), targets(found), key(run)])


def put_section(page: str, text: str) -> str:
    """The page with the section of that heading replaced, or added at the end."""
    heading, _, _ = text.partition("\n")
    before, _, rest = page.partition(heading + "\n")
    _, mark, after = rest.partition("\n## ")
    return before.rstrip() + "\n\n" + text + "\n" + (mark + after if mark else "")
