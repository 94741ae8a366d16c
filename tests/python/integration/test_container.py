"""mad-agent in a container: the limits of the container, or the machine through mounted trees."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mad import _paths

Docker = Callable[..., str]
DOCKERFILE = """FROM scratch
COPY root/ /
ENTRYPOINT ["/mad-agent"]
"""


@pytest.fixture(scope="module")
def agent() -> Path:
    try:
        return _paths.program("mad-agent")
    except _paths.NotInstalledError as error:
        pytest.skip(str(error))


def lay_root(agent: Path, root: Path) -> None:
    """The program and the libraries that it is linked with: none when it is static."""
    root.mkdir()
    shutil.copy(agent, root / "mad-agent")
    linked = subprocess.run(["ldd", agent], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"(/\S+)", linked):
        if Path(library).is_file():
            target = root / library.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)


def last_line(log: Path) -> str:
    return (log.read_text().splitlines() or ["it said nothing"])[-1]


@pytest.fixture(scope="module")
def docker() -> Iterator[Docker]:
    """A docker daemon of our own: its state in a folder that goes, no rules and no bridge."""
    if os.geteuid() != 0:
        pytest.skip("a docker daemon needs root")
    for program in ("dockerd", "docker"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed (Debian: docker.io)")
    # Not pytest's folder: the path of a socket has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="mad-docker-"))
    socket, log = folder / "socket", folder / "log"
    environment = {**os.environ, "DOCKER_HOST": f"unix://{socket}", "DOCKER_BUILDKIT": "0"}

    def run(*arguments: str | Path) -> str:
        done = subprocess.run(
            ["docker", *map(str, arguments)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def is_up() -> bool:
        command = ["docker", "version"]
        done = subprocess.run(
            command, env=environment, capture_output=True, check=False, timeout=30
        )
        return done.returncode == 0

    with log.open("w") as out:
        daemon = subprocess.Popen(
            [
                *("dockerd", "--iptables=false", "--bridge=none", "--storage-driver=vfs"),
                *(f"--host=unix://{socket}", f"--pidfile={folder}/pid"),
                *(f"--data-root={folder}/data", f"--exec-root={folder}/exec"),
            ],
            stdout=out,
            stderr=out,
        )
    try:
        end = time.monotonic() + 30
        while not is_up():
            if daemon.poll() is not None:
                pytest.skip(f"dockerd cannot run here: {last_line(log)}")
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        yield run
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(60)
        # The daemon leaves its reference to the network of the machine mounted.
        left = [str(path) for path in (folder / "exec" / "netns").glob("*")]
        if left:
            subprocess.run(["umount", *left], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def once(
    docker: Docker, agent: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Any]:
    """Runs `mad-agent --once` in a container that has the options, with the flags."""
    context = tmp_path_factory.mktemp("image")
    (context / "Dockerfile").write_text(DOCKERFILE)
    lay_root(agent, context / "root")
    docker("build", "--quiet", "--tag", "mad-agent", context)

    def run(options: list[str], flags: list[str]) -> Any:
        return json.loads(
            docker("run", "--rm", "--network=host", *options, "mad-agent", "--once", *flags)
        )

    return run


def machine_memory() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    (total,) = (line.split()[1] for line in lines if line.startswith("MemTotal:"))
    return int(total) * 1024


LIMITS = ["--memory", "64m", "--cpus", "0.5"]


def test_a_container_with_limits_is_shown_as_what_it_may_use(once: Callable[..., Any]) -> None:
    said = once(LIMITS, [])
    assert said["info"]["scope"] == "cgroup"
    assert said["info"]["cpus"] == 1
    assert said["info"]["mem"] == 64 << 20
    health = said["health"]
    assert health["mem"]["total"] == 64 << 20
    assert 0 < health["mem"]["avail"] < 64 << 20
    assert health["cpu"]["usable"] == 0.5
    assert 0 <= health["cpu"]["pct"] <= 100
    assert 0 <= health["cpu"]["throttled"] <= 100
    assert health["err"] == []


def test_a_container_without_limits_shows_the_machine(once: Callable[..., Any]) -> None:
    said = once([], [])
    assert said["info"]["scope"] == "host"
    assert said["health"]["mem"]["total"] == machine_memory()
    assert "usable" not in said["health"]["cpu"]


@pytest.mark.parametrize("scope", ["host", "cgroup"])
def test_the_view_can_be_chosen(once: Callable[..., Any], scope: str) -> None:
    said = once(LIMITS, ["--scope", scope])
    assert said["info"]["scope"] == scope
    assert said["info"]["mem"] == (64 << 20 if scope == "cgroup" else machine_memory())


def test_a_container_with_the_trees_of_its_machine_shows_the_machine(
    once: Callable[..., Any],
) -> None:
    trees = ["--volume=/proc:/host/proc:ro", "--volume=/sys:/host/sys:ro"]
    trees.append("--volume=/:/host/root:ro")
    flags = ["--procfs=/host/proc", "--sysfs=/host/sys", "--rootfs=/host/root"]
    said = once([*LIMITS, *trees], flags)
    info, health = said["info"], said["health"]
    assert info["scope"] == "host"
    assert info["cpus"] == os.cpu_count()
    assert info["mem"] == health["mem"]["total"] == machine_memory()
    assert Path("/etc/hostname").read_text().strip() in ("", info["host"])
    root = os.statvfs("/")
    (shown,) = (disk for disk in health["disk"] if disk["m"] == "/")
    assert shown["size"] == root.f_blocks * root.f_frsize
    assert shown["ro"] == bool(root.f_flag & os.ST_RDONLY)  # only its volume is mounted so
    assert health["err"] == []
