"""Stand-ins for the native programs, and the real ones where they are built."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import mad
from mad import _paths

PROGRAMS = ("mad-api", "mad-agent", "mad-proxy", "mad-web", "mad-synthetic")

STAND_IN = """#!{python}
import json, os, select, signal, sys, time
name = os.path.basename(sys.argv[0])
folder = os.path.dirname(os.path.abspath(sys.argv[0]))
with open(os.path.join(folder, name + ".started"), "a") as file:
    said = {{"pid": os.getpid(), "arguments": sys.argv[1:], "session": os.getsid(0)}}
    said["listen_fds"] = os.environ.get("LISTEN_FDS")
    said["listen_pid"] = os.environ.get("LISTEN_PID")
    file.write(json.dumps(said) + "\\n")
def stop(number, frame):
    with open(os.path.join(folder, "stopped"), "a") as file:
        file.write(name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
{behaviour}
"""

READY = """
print("starting", file=sys.stderr, flush=True)
print("ready", name, "http://127.0.0.1:4000", flush=True)
wake, told = os.pipe()
os.set_blocking(told, False)
signal.set_wakeup_fd(told)
while True:
    select.select([wake], [], [])
"""


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes programs that do as told; `stand_ins(mad_web="sys.exit(3)")` changes one, a name that
    is none of ours adds one to the search path."""

    def make(**behaviours: str) -> Path:
        told = {name.replace("_", "-"): behaviour for name, behaviour in behaviours.items()}
        if told.keys() - set(PROGRAMS):
            monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        for name in {*PROGRAMS, *told}:
            path = tmp_path / name
            behaviour = told.get(name, READY)
            path.write_text(STAND_IN.format(python=sys.executable, behaviour=behaviour))
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        console = tmp_path / "console"
        console.mkdir()
        (console / "index.html").write_text("<!doctype html>")
        monkeypatch.setenv("MAD_BIN_DIR", str(tmp_path))
        monkeypatch.setenv("MAD_CONSOLE_DIR", str(console))
        return tmp_path

    return make


@pytest.fixture(scope="session")
def module() -> None:
    """The native module."""
    try:
        from mad._core import version
    except ImportError:
        pytest.skip("mad._core is not built: cmake --build --preset python")
    assert version == mad.__version__


@pytest.fixture(scope="session")
def programs() -> dict[str, Path]:
    """The real programs."""
    try:
        return {name: _paths.program(name) for name in PROGRAMS}
    except _paths.NotInstalledError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def console(programs: dict[str, Path]) -> Path:
    """The real console."""
    del programs
    try:
        return _paths.console()
    except _paths.NotInstalledError as error:
        pytest.skip(str(error))
