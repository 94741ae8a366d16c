"""`mad doctor`: what is installed here, and does it work."""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

import mad
from mad import _paths

PROGRAMS = ("mad-api", "mad-agent", "mad-proxy", "mad-web")
FILES_WANTED = 4096

State = Literal["ok", "warning", "missing"]
MARKS: dict[State, str] = {
    "ok": "[green]ok[/]",
    "warning": "[yellow]warning[/]",
    "missing": "[red]missing[/]",
}


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    state: State
    text: str


def _module() -> Finding:
    try:
        mad.sample(0.1)
    except ImportError as error:
        return Finding("module", "missing", f"mad._core does not load: {error}")
    except mad.Error as error:
        return Finding("module", "warning", f"sampling this machine failed: {error}")
    return Finding("module", "ok", f"mad._core {mad.__version__} samples this machine")


def _program(name: str) -> Finding:
    try:
        path = _paths.program(name)
        said = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=5, check=True
        ).stdout.strip()
    except _paths.NotInstalledError as error:
        return Finding(name, "missing", str(error))
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(name, "missing", f"does not start: {error}")
    if mad.__version__ not in said:
        return Finding(name, "warning", f"{said} ({path}) is not of this package")
    return Finding(name, "ok", f"{said} ({path})")


def _console() -> Finding:
    try:
        return Finding("console", "ok", str(_paths.console()))
    except _paths.NotInstalledError as error:
        return Finding("console", "missing", str(error))


def _python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()} ({sys.executable})")


def _proc() -> Finding:
    if os.access("/proc/stat", os.R_OK):
        return Finding("/proc", "ok", "readable")
    return Finding("/proc", "missing", "not readable: the agent has nothing to sample")


def _open_files() -> Finding:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = hard == resource.RLIM_INFINITY or hard >= FILES_WANTED
    said = "unlimited" if hard == resource.RLIM_INFINITY else str(hard)
    return Finding("open files", "ok" if enough else "warning", f"at most {said} (ulimit -Hn)")


def _certificates() -> Finding:
    for path in ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"):
        if Path(path).exists():
            return Finding("certificates", "ok", path)
    return Finding("certificates", "warning", "no CA bundle: https:// needs --ca-file")


def _redis() -> Finding:
    path = shutil.which("redis-server") or shutil.which("valkey-server")
    return Finding("redis", "ok", path or "none here (optional)")


def findings() -> Iterator[Finding]:
    """Looks at one thing after the other."""
    checks: list[Callable[[], Finding]] = [_python, _module]
    checks += [partial(_program, name) for name in PROGRAMS]
    checks += [_console, _proc, _open_files, _certificates, _redis]
    for look in checks:
        yield look()


def doctor(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Say what is installed and whether it works; exit code 1 when something needed is missing."""
    found = list(findings())
    if as_json:
        print(json.dumps([asdict(finding) for finding in found]))
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for finding in found:
            table.add_row(finding.name, MARKS[finding.state], finding.text)
        Console().print(table)
    if any(finding.state == "missing" for finding in found):
        raise typer.Exit(1)
