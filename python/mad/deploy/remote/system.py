"""The one place that runs commands, asks programs and waits on a host, so that tests can stand in
for it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

from . import ask


class RefusedError(Exception):
    """What a host cannot do, as it is told to people."""

    def __init__(self, code: str, sentence: str, remedy: str = "", tail: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        """One of those that HostError has, `busy`, `lost` or `interrupted`."""
        self.sentence = sentence
        self.remedy = remedy
        self.tail = tail
        """The end of a log. `main` takes what is secret out of it."""


class System:
    """Commands of the host. Each has a deadline."""

    def run(
        self,
        argv: Sequence[str],
        *,
        deadline_s: float = 60.0,
        stdin: bytes | None = None,
    ) -> tuple[int, str]:
        """Exit code and output (of both streams). 124 at the deadline, 127 where there is no such
        program."""
        try:
            done = subprocess.run(
                list(argv),
                input=b"" if stdin is None else stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=deadline_s,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            return 124, (late.stdout or b"").decode(errors="replace")
        except FileNotFoundError:
            return 127, f"{argv[0]}: not found"
        return done.returncode, done.stdout.decode(errors="replace")

    def must(self, argv: Sequence[str], *, deadline_s: float = 60.0) -> str:
        """Its output. Raises RefusedError when it fails."""
        code, text = self.run(argv, deadline_s=deadline_s)
        if code != 0:
            raise RefusedError(
                "refused",
                "`{}` failed with {}".format(" ".join(argv), code),
                "look at the host: `python -m mad.deploy ssh`",
                text[-2000:],
            )
        return text

    def journal(self, unit: str, lines: int = 20) -> str:
        """The newest lines of a unit."""
        words = ["journalctl", "-u", unit, "-n", str(lines), "--no-pager", "-o", "cat"]
        return self.run(words, deadline_s=20)[1]

    def get(self, address: str, path: str) -> tuple[int, str]:
        """Status and body of a program on this host; 0 when nobody answers (see `ask`)."""
        return ask.get(address, path)

    def post(self, address: str, path: str) -> tuple[int, str]:
        """The same for an order without a body."""
        return ask.get(address, path, method="POST")

    def connects(self, address: str) -> bool:
        """Whether somebody listens there."""
        return ask.connects(address)

    def now(self) -> float:
        """Seconds of a clock that only goes on."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def said(self) -> float:
        """Seconds since 1970."""
        return time.time()
