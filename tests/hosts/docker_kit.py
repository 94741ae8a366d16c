"""A container engine and a registry of our own: their state in a folder that goes, on loopback, no
rules of the firewall and no bridge. What runs in it has the network of this machine."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_S = 30.0
USER, PASSWORD = "robot", "a-long-password-of-a-robot"


class Missing(Exception):  # noqa: N818
    """Why there can be no containers here."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A docker daemon, and the settings with which commands find it."""

    folder: Path
    home: Path
    """Its user's, with an empty configuration."""
    space: str | None = None
    """Of its network; None: that of this machine."""

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "DOCKER_HOST": f"unix://{self.folder}/socket",
            "DOCKER_BUILDKIT": "0",
            "DOCKER_CONFIG": str(self.home),
            "COMPOSE_DOCKER_CLI_BUILD": "0",
            "MAD_BIN_DIR": str(programs()),
            "MAD_CONSOLE_DIR": str(console()),
        }

    def try_run(self, *argv: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(one) for one in argv],
            env=self.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=180,
            check=False,
        )

    def run(self, *argv: str | Path) -> str:
        done = self.try_run(*argv)
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout

    def mad(self, *argv: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        """`python -m mad.deploy …`"""
        path = os.pathsep.join(filter(None, (str(ROOT / "python"), os.environ.get("PYTHONPATH"))))
        return subprocess.run(
            [sys.executable, "-m", "mad.deploy", *argv],
            env=self.environment | {"PYTHONPATH": path, "NO_COLOR": "1"} | more,
            cwd=self.home,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def fetch(self, url: str) -> str:
        """A page out of its network; empty when nobody answers."""
        inside = within(self.space) if self.space else []
        done = self.try_run(*inside, "curl", "-fsS", "-m", "5", url)
        return done.stdout if done.returncode == 0 else ""

    def images(self) -> set[str]:
        return set(self.run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split())

    def forget(self, *names: str) -> None:
        """Takes images away, so that they have to come from somewhere."""
        there = sorted(self.images() & set(names))
        if there:
            self.run("docker", "image", "rm", "--force", *there)

    def remove_containers(self) -> None:
        found = self.run("docker", "ps", "--all", "--quiet").split()
        if found:
            self.run("docker", "rm", "--force", *found)


def programs() -> Path:
    """Static ones, as they go into images. Raises Missing."""
    named = os.environ.get("MAD_RELEASE_BIN_DIR") or os.environ.get("MAD_BIN_DIR")
    folder = Path(named or ROOT / "build" / "release" / "bin")
    if not (folder / "mad-api").exists():
        raise Missing(f"no programs in {folder}: build the preset `release`")
    return folder


def console() -> Path:
    folder = Path(os.environ.get("MAD_CONSOLE_DIR", ROOT / "console" / "dist"))
    if not (folder / "index.html").exists():
        raise Missing(f"no console in {folder}: build it")
    return folder


def needs(*programs: str) -> None:
    """Raises Missing."""
    if os.geteuid() != 0:
        raise Missing("a docker daemon needs root")
    for program in programs:
        if not shutil.which(program):
            raise Missing(f"{program} is not installed (Debian: docker.io, docker-registry)")


@contextmanager
def network() -> Iterator[str]:
    """A network namespace with a loopback of its own; what is run in it begins with `within`."""
    needs("ip", "nsenter", "iptables")
    name = f"maddk{os.getpid() % 100000}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run([*within(name), "ip", "link", "set", "lo", "up"], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def within(space: str) -> list[str]:
    """Unlike `ip netns exec` it leaves /sys as it is: a daemon needs the control groups in it."""
    return ["nsenter", f"--net=/run/netns/{space}"]


@contextmanager
def engine(space: str | None = None) -> Iterator[Engine]:
    """`space`: a network of its own, where it may make bridges. Raises Missing where none can
    be."""
    needs("dockerd", "docker")
    alone = () if space else ("--iptables=false", "--bridge=none")
    inside = within(space) if space else []
    programs()
    console()
    # Not pytest's folder: the path of a socket has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="mad-docker-"))
    log = folder / "log"
    (folder / "home").mkdir()
    found = Engine(folder, folder / "home", space)
    with log.open("w") as out:
        daemon = subprocess.Popen(
            [
                *(*inside, "dockerd", "--storage-driver=vfs", *alone),
                *(f"--host=unix://{folder}/socket", f"--pidfile={folder}/pid"),
                *(f"--data-root={folder}/data", f"--exec-root={folder}/exec"),
            ],
            stdout=out,
            stderr=out,
        )
    try:
        until = time.monotonic() + START_S
        while found.try_run("docker", "version").returncode != 0:
            if daemon.poll() is not None:
                said = log.read_text().splitlines() or ["it said nothing"]
                raise Missing(f"dockerd cannot run here: {said[-1]}")
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        yield found
        found.remove_containers()
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(60)
        # The daemon leaves its reference to the network of the machine mounted.
        left = [str(path) for path in (folder / "exec" / "netns").glob("*")]
        if left:
            subprocess.run(["umount", *left], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Registry:
    """Asks for a name and a password. Speaks plain HTTP, which engines allow on loopback."""

    address: str
    user: str = USER
    password: str = field(default=PASSWORD, repr=False)


@contextmanager
def registry() -> Iterator[Registry]:
    needs("docker-registry")
    bcrypt = _bcrypt(PASSWORD)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="mad-registry-") as name:
        folder = Path(name)
        (folder / "users").write_text(f"{USER}:{bcrypt}\n")
        settings = {
            "version": 0.1,
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
            "http": {"addr": f"127.0.0.1:{port}", "secret": "of-this-test"},
            "auth": {"htpasswd": {"realm": "test", "path": str(folder / "users")}},
            "log": {"level": "error"},
        }
        (folder / "config.yml").write_text(json.dumps(settings))
        serving = subprocess.Popen(
            ["docker-registry", "serve", str(folder / "config.yml")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until = time.monotonic() + START_S
            while not answers("127.0.0.1", port):
                assert serving.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
            yield Registry(f"127.0.0.1:{port}")
        finally:
            serving.terminate()
            serving.wait(20)


def _bcrypt(password: str) -> str:
    """The registry takes no other hash. Of the C library, as `htpasswd -B` would make it."""
    import ctypes
    import ctypes.util

    library = ctypes.CDLL(ctypes.util.find_library("crypt"))
    library.crypt.restype = ctypes.c_char_p
    salt = b"$2b$04$" + b"abcdefghijklmnopqrstuu"
    hashed: bytes | None = library.crypt(password.encode(), salt)
    if hashed is None or not hashed.startswith(b"$2"):
        raise Missing("the C library of this machine knows no bcrypt")
    return hashed.decode().replace("$2b$", "$2y$")


def lay_redis(engine: Engine, name: str) -> None:
    """An image with the Redis of this machine: the test reaches no registry of others."""
    program = shutil.which("redis-server")
    if program is None:
        raise Missing("redis-server is not installed")
    folder = engine.folder / "redis"
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for path in ("/usr/bin/redis-server", *re.findall(r"(/\S+)", linked)):
        target = folder / "root" / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(program if path.endswith("redis-server") else path, target)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY root/ /\nWORKDIR /data\n")
    engine.run("docker", "build", "--quiet", "--tag", name, folder)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def answers(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def wait_until(true: Callable[[], object], what: str, limit_s: float = 60.0) -> None:
    until = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < until, what
        time.sleep(0.1)


def basic(user: str, password: str) -> Mapping[str, str]:
    """As docker's configuration has a login."""
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
