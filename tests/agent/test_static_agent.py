"""The small static builds of the agent, for x86-64 and, under qemu, for arm64: they run on any
Linux, without a single file of it, and a node sees them."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from agent_kit import BIN, LIMIT_S, ROOT, awaited, is_seen, running

MOST_BYTES = {"mad-agent-plain": 5 * 2**19, "mad-agent": 2**23}  # 2.5 and 8 MiB
EMULATOR = "qemu-aarch64-static"


@dataclass(frozen=True)
class Agent:
    """One build of it."""

    preset: str
    name: str

    @property
    def file(self) -> Path:
        return ROOT / "build" / self.preset / "bin" / self.name

    @property
    def machine(self) -> str:
        return "aarch64" if self.preset == "agent-arm64" else platform.machine()

    @property
    def command(self) -> list[str]:
        emulated = self.machine != platform.machine()
        return [EMULATOR, str(self.file)] if emulated else [str(self.file)]

    def why_not(self) -> str | None:
        """What this machine lacks for it."""
        if self.preset == "agent-arm64":
            if shutil.which("aarch64-linux-gnu-g++") is None:
                return "needs a cross compiler (apt-get install g++-aarch64-linux-gnu)"
            if self.machine != platform.machine() and shutil.which(EMULATOR) is None:
                return f"needs {EMULATOR} (apt-get install qemu-user-static)"
            if (
                self.name == "mad-agent"
                and not Path("/usr/lib/aarch64-linux-gnu/libssl.a").exists()
            ):
                return "needs OpenSSL for arm64 (libssl-dev:arm64)"
        return None


AGENTS = [
    Agent(preset, name)
    for preset in ("agent", "agent-arm64")
    for name in ("mad-agent-plain", "mad-agent")
]


@pytest.fixture(params=AGENTS, ids=lambda a: f"{a.preset}-{a.name}")
def agent(request: pytest.FixtureRequest) -> Agent:
    found: Agent = request.param
    if reason := found.why_not():
        pytest.skip(reason)
    assert found.file.exists(), f"not built: cmake --build --preset {found.preset}"
    return found


@pytest.fixture
def native(agent: Agent) -> Agent:
    if agent.machine != platform.machine():
        pytest.skip("of this machine's own kind alone: an emulator costs more than it runs")
    return agent


def said(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def in_root(folder: Path, *command: str) -> list[str]:
    """`command` where `folder` is all there is."""
    own = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *own, "--mount", f"--root={folder}", *command]


@pytest.fixture
def node() -> Iterator[str]:
    """The URL of a mad-api."""
    with running([str(BIN / "mad-api"), "--listen", "127.0.0.1:0"]) as process:
        assert process.stdout is not None
        yield str(process.stdout.readline().split()[2])


def test_is_small_and_needs_no_library(agent: Agent) -> None:
    assert agent.file.stat().st_size <= MOST_BYTES[agent.name]
    headers = said(["readelf", "--program-headers", "--dynamic", str(agent.file)])
    assert headers.returncode == 0
    assert "INTERP" not in headers.stdout
    assert "NEEDED" not in headers.stdout


def test_prints_one_sample(agent: Agent) -> None:
    done = said([*agent.command, "--once", "--id", "one"])
    assert done.returncode == 0, done.stderr
    sample = json.loads(done.stdout)
    assert (sample["id"], sample["v"]) == ("one", 2)
    assert sample["info"]["arch"] == agent.machine
    assert sample["health"]["mem"]["total"] > 0
    assert 0 <= sample["health"]["storage"] <= 100
    assert sample["health"]["network"] >= 0


def test_is_seen_by_a_node(agent: Agent, node: str) -> None:
    with running([*agent.command, "--api", node, "--id", "seen-there"]):
        assert awaited(lambda: is_seen(node))


def test_https_wants_the_one_with_tls(agent: Agent) -> None:
    done = said([*agent.command, "--api", "https://127.0.0.1:9", "--check"])
    if agent.name == "mad-agent":
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 2
        assert "--api" in done.stderr
        assert "without TLS" in done.stderr


def test_runs_where_there_is_nothing_else(native: Agent, node: str, tmp_path: Path) -> None:
    if said(["unshare", "--mount", "true"]).returncode != 0 and os.geteuid() == 0:
        pytest.skip("this system allows no namespaces of one's own")
    shutil.copy(native.file, tmp_path / "agent")
    done = said(in_root(tmp_path, "/agent", "--once", "--id", "bare"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["id"] == "bare"
    with running(in_root(tmp_path, "/agent", "--api", node, "--id", "bare")):
        assert awaited(lambda: is_seen(node))


def test_has_two_threads_at_most(native: Agent, node: str) -> None:
    with running([*native.command, "--api", node, "--id", "counted"]) as process:
        assert awaited(lambda: is_seen(node))
        assert len(list(Path(f"/proc/{process.pid}/task").iterdir())) <= 2
