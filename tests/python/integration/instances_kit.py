"""Programs as the service manager starts them: sockets passed on, readiness told, a folder of their
own; and what asks them all the time."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LIMIT = 30.0

START = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


def wait_until(condition: Callable[[], bool], what: str, limit: float = LIMIT) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


class Unix(http.client.HTTPConnection):
    """HTTP over the socket of an instance."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=LIMIT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Instance:
    """A process of a role."""

    def __init__(self, role: Role, name: str) -> None:
        self.role = role
        self.name = name
        self.socket = role.folder / f"{name}.sock"
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.settimeout(LIMIT)
        path = role.folder / f"{name}.notify"
        self._notify.bind(str(path))
        self.heard: list[str] = []
        self.log = (role.folder / f"{name}.log").open("w+")
        listens = role.listener is not None
        env = {**os.environ, "NOTIFY_SOCKET": str(path), "RUNTIME_DIRECTORY": str(role.folder)}
        words = [str(role.program), *role.arguments, "--instance", name]
        if listens:
            assert role.listener is not None
            env |= {"LISTEN_FDS": "1", "LISTEN_FDNAMES": f"{role.program.name}.socket"}
            words = [sys.executable, "-c", START, str(role.listener.fileno()), *words]
        self.process = subprocess.Popen(
            words,
            env=env,
            pass_fds=[role.listener.fileno()] if role.listener else [],
            stdout=self.log,
            stderr=self.log,
        )

    def await_word(self, wanted: str) -> None:
        end = time.monotonic() + LIMIT
        while not any(line.startswith(wanted) for line in self.heard):
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"no {wanted} of {self.name}: {self.told()}")
            if select.select([self._notify], [], [], 0.1)[0]:
                self.heard += self._notify.recv(4096).decode().splitlines()

    def ask(self, path: str) -> tuple[int, bytes]:
        """By its own socket."""
        with contextlib.closing(Unix(self.socket)) as way:
            way.request("GET", path)
            answer = way.getresponse()
            return answer.status, answer.read()

    def ready(self) -> dict[str, Any]:
        status, body = self.ask("/ready")
        said: dict[str, Any] = json.loads(body)
        return {**said, "status": status}

    def await_ready(self) -> None:
        self.await_word("READY=1")
        wait_until(lambda: self.ready()["status"] == 200, f"{self.name} is not ready")

    def await_drain(self) -> None:
        wait_until(lambda: self.ready()["status"] == 503, f"{self.name} does not drain")
        assert self.ready()["reason"] == "draining"

    def number(self, name: str) -> int:
        found = re.search(rf"^{name} (\d+)", self.ask("/metrics")[1].decode(), re.MULTILINE)
        assert found, name
        return int(found.group(1))

    def stop(self) -> None:
        """Tells it to: it drains, and ends by itself."""
        self.process.terminate()

    def wait(self) -> None:
        assert self.process.wait(timeout=LIMIT * 2) == 0, self.told()

    def told(self) -> str:
        self.log.flush()
        return Path(self.log.name).read_text()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._notify.close()
        self.log.close()


class Role:
    """A program, the socket that its instances share, and their folder."""

    def __init__(self, folder: Path, program: Path, *arguments: str, listens: bool = True) -> None:
        folder.mkdir(mode=0o700)
        self.folder = folder
        self.program = program
        self.arguments = arguments
        self.listener: socket.socket | None = None
        if listens:
            self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
            self.listener.setblocking(False)
        self.all: list[Instance] = []

    @property
    def port(self) -> int:
        assert self.listener is not None
        return int(self.listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, name: str) -> Instance:
        self.all.append(Instance(self, name))
        return self.all[-1]

    def close(self) -> None:
        for one in self.all:
            one.close()
        if self.listener is not None:
            self.listener.close()


class Load:
    """Threads that each do one thing again and again, until the end or until it fails."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self.counts: dict[str, int] = {}
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def add(self, name: str, step: Callable[[], object], pause: float = 0.005) -> None:
        self.counts[name] = 0

        def run() -> None:
            while not self._over.is_set():
                try:
                    step()
                except Exception as error:  # whatever it is: the test tells it
                    self.failures.append(f"{name}: {type(error).__name__}: {error}")
                    return
                self.counts[name] += 1
                time.sleep(pause)

        self._threads.append(threading.Thread(target=run, name=name))
        self._threads[-1].start()

    def goes_on(self, times: int = 20) -> None:
        """Each does what it does so many times more."""
        assert not self.failures
        before = dict(self.counts)

        def more() -> bool:
            return bool(self.failures) or all(
                self.counts[name] >= before[name] + times for name in before
            )

        wait_until(more, f"the load stands still: {before} {self.counts}", LIMIT * 2)
        assert not self.failures

    def end(self) -> None:
        self._over.set()
        for one in self._threads:
            one.join(LIMIT)


def fetch(port: int, path: str) -> bytes:
    """Over a connection of its own: whoever does not take it is found out."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)) as way:
        way.request("GET", path)
        answer = way.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise AssertionError(f"{path}: {answer.status} {body.decode()[:200]}")
        return body


class Poller:
    """A console that polls, each request over a connection of its own, so that it comes to the
    instance that happens to accept. A session that the server ends in order is begun anew."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._sid = ""
        self._number = 0
        self.sessions = 0
        self.may_end = False
        """Its instance was told to stop: a request may find that the session has ended."""

    def step(self) -> None:
        """Asks something and reads until the answer is there."""
        if not self._sid:
            self._open()
        self._number += 1
        said = self._ask("POST", f'42{self._number}["web_connected",{{"v":2}}]')
        assert said in ("ok", ""), said
        while self._sid:
            for packet in self._ask("GET").split("\x1e"):
                if packet.startswith(f"43{self._number}["):
                    return
                if packet == "2":
                    self._ask("POST", "3")
                elif packet in ("1", "41"):
                    self._sid = ""

    def _open(self) -> None:
        self._sid = json.loads(self._ask("GET")[1:])["sid"]
        self.sessions += 1
        self._ask("POST", "40")
        joined = self._ask("GET")
        assert joined.startswith("40{"), joined

    def _ask(self, method: str, body: str | None = None) -> str:
        """Empty: the session is over."""
        path = "/socket.io/?EIO=4&transport=polling" + (f"&sid={self._sid}" if self._sid else "")
        with contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", self._port, timeout=LIMIT)
        ) as way:
            way.request(method, path, body)
            answer = way.getresponse()
            text = answer.read().decode()
        if answer.status == 400 and self._sid and self.may_end:
            self._sid = ""
            return ""
        if answer.status != 200:
            raise AssertionError(f"{method} {path}: {answer.status} {text[:200]}")
        return text


@contextlib.contextmanager
def closing(*roles: Role) -> Iterator[None]:
    try:
        yield
    finally:
        for role in roles:
            role.close()
