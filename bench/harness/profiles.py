"""Where the CPU time of a server goes while a scenario runs: sampled with perf, kernel included."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .measure import BenchError, Running, load, serving
from .plan import SCENARIOS, SERVERS, Scenario, Server
from .report import align

HEADING = "## Where the time goes"
SAMPLES_HZ = 3_999
GROUPS = ("connect", "echo", "polling", "broadcast")
SHOWN = ("socketio4", "floor", "floor-batch", "mad")
CALLS = {
    "send": ("sys_sendto", "sys_sendmsg", "sys_write", "sys_writev"),
    "recv": ("sys_recvfrom", "sys_recvmsg", "sys_read", "sys_readv"),
    "epoll": ("sys_epoll_wait", "sys_epoll_pwait", "sys_epoll_ctl"),
}
"""What each column counts, with all that the kernel does below it."""
MOST_FUNCTIONS = 8


@dataclass(frozen=True, slots=True)
class Profile:
    """Shares of a server's CPU time, 0 to 1."""

    scenario: Scenario
    server: str
    cpu_us: float
    """CPU time per unit, in microseconds."""
    kernel: float
    calls: dict[str, float]
    functions: list[tuple[str, float]]
    """The functions of the program itself that take most, without what they call."""


def missing() -> str | None:
    if shutil.which("perf") is None:
        return "no perf"
    tried = subprocess.run(
        ["perf", "record", "-e", "cpu-clock", "-o", "/dev/null", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    return None if tried.returncode == 0 else f"perf may not sample: {tried.stderr.strip()[-200:]}"


def _report(data: Path, *how: str) -> list[tuple[float, str, str]]:
    """Share, kind (`[k]` or `[.]`) and symbol of each row."""
    done = subprocess.run(
        ["perf", "report", "-i", str(data), "--stdio", "-g", "none", "--sort", "symbol", *how],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        raise BenchError(f"perf report: {done.stderr.strip()[-200:]}")
    row = re.compile(r"^\s*([\d.]+)%\s+(?:[\d.]+%\s+)?(\[[k.]\])\s+(.*?)[\s-]*$")
    found = (row.match(line) for line in done.stdout.splitlines())
    return [(float(one[1]) / 100, one[2], one[3]) for one in found if one]


def short(symbol: str) -> str:
    """A symbol without what stands in angle brackets and parentheses, and without our inline
    namespace: `mad::net::outbox::consume`."""
    for pair in (r"<[^<>]*>", r"\([^()]*\)", r"\{[^{}]*\}"):
        while (less := re.sub(pair, "", symbol)) != symbol:
            symbol = less
    symbol = re.sub(r"::v\d+_\d+(_compiled)?", "", symbol)
    return re.sub(r":{3,}", "::", symbol).replace("non-virtual thunk to ", "").strip(": ")


def _sampled(running: Running, scenario: Scenario, seconds: float) -> tuple[Profile, Path]:
    folder = tempfile.mkdtemp(prefix="mad-perf-")
    data = Path(folder) / "perf.data"
    said: dict[str, float] = {}
    wrong: list[BenchError] = []

    def loaded() -> None:
        try:
            said.update(load([*scenario.load, "--seconds", str(seconds), "--warmup", "1"], running))
        except BenchError as e:
            wrong.append(e)

    busy = threading.Thread(target=loaded)
    busy.start()
    time.sleep(1.5)  # connected and warm; large scenarios are sampled from their warm-up on
    what = ("-e", "cpu-clock", "-F", str(SAMPLES_HZ), "-g", "-p", str(running.pid))
    done = subprocess.run(
        ["perf", "record", *what, "-o", str(data), "--", "sleep", str(max(0.5, seconds - 1))],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    busy.join()
    if wrong:
        raise wrong[0]
    if done.returncode != 0 or not data.exists():
        raise BenchError(f"perf record: {done.stderr.strip()[-200:]}")
    return Profile(scenario, "", said.get("server_us_per_unit", 0.0), 0, {}, []), data


def _of_call(shares: dict[str, float], call: str) -> float:
    """The entry of a call leaves no trace where it ends in a jump to what does the work."""
    work = call.replace("sys_", "do_" if call.endswith("v") else "ksys_")
    return max(shares.get(name, 0.0) for name in (f"__x64_{call}", f"__{call}", work))


def once(scenario: Scenario, server: Server, seconds: float) -> Profile:
    with serving(server) as running:
        taken, data = _sampled(running, scenario, seconds)
    try:
        own = _report(data, "--no-children")
        below = _report(data, "--children")
    finally:
        shutil.rmtree(data.parent)
    whole: dict[str, float] = {}
    for share, kind, symbol in own:
        if kind == "[.]":
            whole[short(symbol)] = whole.get(short(symbol), 0.0) + share
    functions = sorted(whole.items(), key=lambda one: -one[1])[:MOST_FUNCTIONS]
    shares = {symbol: share for share, kind, symbol in below if kind == "[k]"}
    calls = {
        name: sum(_of_call(shares, call) for call in symbols) for name, symbols in CALLS.items()
    }
    kernel = sum(share for share, kind, _ in own if kind == "[k]")
    return Profile(scenario, server.name, taken.cpu_us, kernel, calls, functions)


def measure(
    servers: Sequence[str], seconds: float, progress: Callable[[str], None]
) -> list[Profile]:
    profiles = []
    for scenario in (one for one in SCENARIOS if one.group in GROUPS):
        for name in (one for one in scenario.servers if one in SHOWN and one in servers):
            profile = once(scenario, SERVERS[name], seconds)
            profiles.append(profile)
            progress(f"{scenario.title}: {name} {profile.kernel:.0%} in the kernel")
    return profiles


def _row(one: Profile) -> list[str]:
    return [
        one.scenario.title,
        one.server,
        f"{one.cpu_us:.2f}",
        f"{1 - one.kernel:.0%}",
        f"{one.kernel:.0%}",
        *(f"{one.calls[name]:.0%}" for name in CALLS),
        f"{one.cpu_us * (1 - one.kernel):.2f}",
    ]


def section(profiles: Sequence[Profile], about: str) -> str:
    head = ["scenario", "server", "CPU µs", "in the program", "in the kernel", *CALLS]
    rows = [[*head, "in the program, µs"], *map(_row, profiles)]
    listings = []
    for one in profiles:
        if one.server == "mad" and one.functions:
            lines = "\n".join(f"{share:6.2%}  {name}" for name, share in one.functions)
            listings.append(f"mad, {one.scenario.title}:\n\n```\n{lines}\n```")
    return "\n\n".join([HEADING, about, align(rows, 2), KEY, *listings])


KEY = f"""\
Samples of the CPU clock, {SAMPLES_HZ:,} a second, of the server's process on its core (`perf
record`). `send`, `recv` and `epoll` are the system calls with all that happens in them: over
loopback a `send` carries the segment to the receiver's socket and wakes it, so most of TCP is in
that column. The lists are the functions of mad that take most, without those they call."""
