"""The one place that runs commands on a host, so that tests can stand in for it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence


class RefusedError(Exception):
    """What a host cannot do, as it is told to people."""

    def __init__(self, code: str, sentence: str, remedy: str = "", tail: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.remedy = remedy
        self.tail = tail


class System:
    """Commands of the host. Each has a deadline."""

    def run(
        self, argv: Sequence[str], *, deadline_s: float = 60.0, stdin: bytes | None = None
    ) -> tuple[int, str]:
        """Exit code and output (of both streams). 124 at the deadline, 127 where there is no such
        program."""
        try:
            done = subprocess.run(
                list(argv),
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
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
        words: list[str] = ["journalctl", "-u", unit, "-n", str(lines), "--no-pager", "-o", "cat"]
        return self.run(words, deadline_s=20)[1]
