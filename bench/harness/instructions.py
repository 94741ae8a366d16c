"""Instructions per unit on the server's side: they do not depend on the machine's mood."""

from __future__ import annotations

import functools
import re
import shutil
import signal
import subprocess
import tempfile

from .measure import BenchError, load, serving
from .plan import Scenario, Server


@functools.cache
def method() -> str | None:
    """`perf` (user and kernel), else `callgrind` (user alone, native servers alone), else None."""
    if shutil.which("perf"):
        tried = subprocess.run(
            ["perf", "stat", "-x,", "-e", "instructions", "true"],
            capture_output=True,
            text=True,
            check=False,
        )
        if re.search(r"^\d+,", tried.stderr, re.MULTILINE):
            return "perf"
    return "callgrind" if shutil.which("valgrind") else None


def per_unit(scenario: Scenario, server: Server) -> float | None:
    """Instructions per unit; None when this machine cannot count them for `server`."""
    if scenario.counted is None or method() is None:
        return None
    if method() == "perf":
        return _by_perf(scenario, server)
    return _by_callgrind(scenario, server) if server.native else None


def _by_perf(scenario: Scenario, server: Server) -> float:
    with serving(server) as running, tempfile.NamedTemporaryFile("r") as counted:
        what = ("-x,", "-e", "instructions", "-o", counted.name)
        perf = subprocess.Popen(["perf", "stat", *what, "-p", str(running.pid)])
        try:
            said = load([*scenario.load, "--seconds", "2"], running)
        finally:
            perf.send_signal(signal.SIGINT)
            perf.wait(30)
        found = re.search(r"^(\d+),", counted.read(), re.MULTILINE)
    if not found:
        raise BenchError("perf counted nothing")
    return int(found[1]) / said["units_all"]


def _by_callgrind(scenario: Scenario, server: Server) -> float:
    """The difference of a long and a short run: start and handshakes fall out."""
    assert scenario.counted is not None
    (units, instructions), (more_units, more_instructions) = (
        _callgrind_run(scenario, server, count) for count in scenario.counted
    )
    return (more_instructions - instructions) / (more_units - units)


def _callgrind_run(scenario: Scenario, server: Server, count: int) -> tuple[float, int]:
    bounds = ("--warmup", "0", "--seconds", "120", "--count", str(count), "--deadline", "150")
    with tempfile.NamedTemporaryFile("r") as log:
        prefix = (
            "valgrind",
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            f"--log-file={log.name}",
        )
        with serving(server, prefix) as running:
            said = load([*scenario.load, *bounds], running)
        found = re.search(r"Collected : (\d+)", log.read())
    if not found:
        raise BenchError("callgrind counted nothing")
    return said["units_all"], int(found[1])
