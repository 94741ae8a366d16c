"""The commands that become native programs, and the doctor."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import mad


def mad_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mad", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_the_process_becomes_the_program(stand_ins: Callable[..., Path]) -> None:
    folder = stand_ins(mad_api="print(os.getpid())")
    process = subprocess.Popen(
        [sys.executable, "-m", "mad", "api", "--listen", "0", "--help"],
        stdout=subprocess.PIPE,
        text=True,
    )
    out, _ = process.communicate(timeout=30)
    assert int(out) == process.pid
    started = json.loads((folder / "mad-api.started").read_text())
    assert started["arguments"] == ["--listen", "0", "--help"]


def test_the_exit_code_is_that_of_the_program(stand_ins: Callable[..., Path]) -> None:
    stand_ins(mad_agent="sys.exit(2)")
    assert mad_command("agent").returncode == 2


def test_a_program_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAD_BIN_DIR", str(tmp_path))
    result = mad_command("web")
    assert result.returncode == 1
    assert "mad-web not found" in result.stderr


def test_the_version_is_printed() -> None:
    assert mad_command("--version").stdout == f"mad {mad.__version__}\n"


def test_the_doctor_finds_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAD_BIN_DIR", str(tmp_path))
    result = mad_command("doctor", "--json")
    assert result.returncode == 1
    states = {finding["name"]: finding["state"] for finding in json.loads(result.stdout)}
    assert states["mad-api"] == "missing"
    assert states["python"] == "ok"


def test_the_doctor_is_content_with_the_real_ones(programs: dict[str, Path], console: Path) -> None:
    del programs, console
    result = mad_command("doctor", "--json")
    assert result.returncode == 0, result.stdout
    states = {finding["name"]: finding["state"] for finding in json.loads(result.stdout)}
    assert {states[name] for name in ("module", "mad-api", "mad-agent", "mad-web")} == {"ok"}
