"""What the console costs a browser while a whole fleet is live: main thread, heap, frames, time to
the first rows. Two mad-api on one Redis behind mad-proxy, one browser."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import fleet, redis
from .measure import BenchError, cores, on_core, serving
from .plan import BIN, Server
from .report import align

HEADING = "## The console in a browser"
ROOT = Path(__file__).resolve().parents[2]
HOSTS = (1_000, 10_000)
VIEWS = {
    "/": "table by name",
    "/?sort=-cpu": "table, sorted by CPU as it changes",
    "/?view=tiles": "tiles",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One view of one fleet. Shares are of one core."""

    hosts: int
    view: str
    first_rows_ms: float
    live_ms: float
    main_thread: float
    heap_mb: float
    frames: int
    late: int
    """Frames that came more than 25 ms after the one before, while scrolling for 3 s."""


def missing() -> str | None:
    names = ("mad-api", "mad-web", "mad-proxy", "mad-synthetic")
    lacking = [name for name in names if not (BIN / name).exists()]
    if lacking:
        return f"no {' and no '.join(lacking)} in {BIN}"
    if not shutil.which("chromium"):
        return "no chromium"
    for needed in ("tests/browser/node_modules", "console/dist/index.html"):
        if not (ROOT / needed).exists():
            return f"no {needed}: script/setup makes it"
    return redis.missing()


def once(hosts: int, seconds: float) -> list[Figure]:
    """The browser has a core to itself; all else shares the other one."""
    with contextlib.ExitStack() as stack:
        db = stack.enter_context(redis.running(on_core(cores()[0])))
        command = (str(BIN / "mad-api"), "--threads", "1", "--redis", db.url)
        nodes = [stack.enter_context(serving(Server("mad-api", command))) for _ in range(2)]
        page = ("--root", str(ROOT / "console" / "dist"), "--api-url", "")
        web = stack.enter_context(serving(Server("mad-web", (str(BIN / "mad-web"), *page))))
        upstreams = [part for node in nodes for part in ("--upstream", node.url)]
        proxy = stack.enter_context(
            serving(
                Server(
                    "mad-proxy",
                    (str(BIN / "mad-proxy"), "--web", web.url, *upstreams),
                )
            )
        )
        stack.enter_context(fleet.agents(fleet.Case(hosts, 1), nodes, cores()[0]))
        fleet.await_fleet(nodes, hosts)
        done = subprocess.run(
            ["node", str(ROOT / "bench" / "console.mjs"), proxy.url, f"{seconds:g}", *VIEWS],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            preexec_fn=on_core(cores()[1]),
        )
        if done.returncode != 0:
            raise BenchError(f"the browser: {done.stderr.strip()[-400:]}")
        said = [json.loads(line) for line in done.stdout.splitlines()]
    return [
        Figure(
            hosts,
            VIEWS[one["path"]],
            one["firstRowsMs"],
            one["liveMs"],
            one["mainThread"],
            one["heapMb"],
            one["frames"],
            one["late"],
        )
        for one in said
    ]


def measure(seconds: float, progress: Callable[[str], None]) -> list[Figure]:
    figures = []
    for hosts in HOSTS:
        for one in once(hosts, seconds):
            figures.append(one)
            progress(
                f"console, {hosts} hosts, {one.view}: main thread {one.main_thread:.1%}, "
                f"heap {one.heap_mb:.0f} MB, first rows {one.first_rows_ms:.0f} ms"
            )
    return figures


def section(figures: Sequence[Figure], about: str) -> str:
    rows = [
        ["hosts", "view", "first rows ms", "live ms", "main thread", "heap MB", "late frames"],
        *(
            [
                f"{one.hosts:,}",
                one.view,
                f"{one.first_rows_ms:,.0f}",
                f"{one.live_ms:,.0f}",
                f"{one.main_thread:.1%}",
                f"{one.heap_mb:.1f}",
                f"{one.late} of {one.frames}" if one.frames else "",
            ]
            for one in figures
        ),
    ]
    return (
        f"{HEADING}\n\n{about}\n\n{align(rows, 2)}\n\n"
        "Headless Chromium without a graphics processor, 1440 x 900, on a core of its own; two "
        "nodes, Redis, proxy and agents on the other. Each host sends a sample every 2.5 s. First "
        "rows and live count from the start of the navigation with nothing cached; the main thread "
        "is busy for that share of the time; frames are those while the table is scrolled for 3 s, "
        "late ones came after more than 25 ms.\n"
    )
