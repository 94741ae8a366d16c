"""What the tests of mad.socketio share."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
LIMIT = 20.0  # seconds that anything may take


class Seen:
    """What handlers were given, in order; a list that can be waited for."""

    def __init__(self) -> None:
        self._all: list[Any] = []
        self._news = threading.Condition()

    def __call__(self, *values: Any) -> None:
        """Notes its arguments; one by itself."""
        self.add(values[0] if len(values) == 1 else values)

    def add(self, value: Any) -> None:
        with self._news:
            self._all.append(value)
            self._news.notify_all()

    def wait(self, count: int = 1) -> list[Any]:
        """All, once there are so many."""
        with self._news:
            enough = self._news.wait_for(lambda: len(self._all) >= count, LIMIT)
            assert enough, f"{count} wanted, came: {self._all}"
            return list(self._all)

    @property
    def now(self) -> list[Any]:
        with self._news:
            return list(self._all)


def in_child(code: str, timeout: float = 60) -> str:
    """Runs code in an interpreter of its own, which must end well and soon."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    assert done.stderr == "", done.stderr
    return done.stdout


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that signs itself, and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*command.split(), "-subj", "/CN=localhost", "-keyout", key, "-out", cert, *names],
        check=True,
        capture_output=True,
    )
    return cert, key


@contextmanager
def program(*command: str | Path) -> Iterator[Callable[[str], str]]:
    """A program that is talked to in lines: `say(line)` sends one and gives the next one back; an
    empty line only waits."""
    running = subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT / "tests" / "conformance",
    )
    assert running.stdin is not None
    assert running.stdout is not None
    late = threading.Timer(LIMIT * 2, running.kill)
    late.start()

    def say(line: str) -> str:
        assert running.stdin is not None
        assert running.stdout is not None
        if line:
            running.stdin.write(line + "\n")
            running.stdin.flush()
        return running.stdout.readline().rstrip("\n")

    try:
        yield say
    finally:
        running.stdin.close()
        running.kill()
        running.wait(LIMIT)
        running.stdout.close()
        late.cancel()
