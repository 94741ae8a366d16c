"""One native program as a child: started, waited for, read, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

CHILD = Path(__file__).with_name("child.py")
TAIL_LINES = 20
LINE_LIMIT = 1 << 16


class ProgramDiedError(Exception):
    """A program ended that should run on."""

    def __init__(self, program: Program) -> None:
        self.program = program
        super().__init__(f"{program.name} {program.ending}")


class Program:
    """A started program. `tail` keeps the last lines of its log."""

    def __init__(
        self, name: str, process: asyncio.subprocess.Process, ready_text: str | None = None
    ) -> None:
        self.name = name
        self._ready_text = ready_text
        self.url = ""
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._process = process
        self.ready = False
        self._said = asyncio.Event()  # its ready line, or the end of its output
        self._readers: list[asyncio.Task[None]] = []

    @classmethod
    async def start(
        cls,
        name: str,
        command: Sequence[str | Path],
        *,
        listener: socket.socket | None = None,
        on_log: Callable[[str, str], None] | None = None,
        environment: Mapping[str, str] | None = None,
        ready_text: str | None = None,
    ) -> Program:
        """Starts `command` in a session of its own (the terminal's Ctrl-C is not for it).

        `environment` is added to ours. `ready_text`: what a program of others writes into its
        log, which is its output, when it is ready; in lower case."""
        fd = listener.fileno() if listener else -1
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(CHILD), str(os.getpid()), str(fd)),
            *(str(part) for part in command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            pass_fds=[fd] if fd >= 0 else [],
            limit=LINE_LIMIT,
            env={**os.environ, **environment} if environment else None,
        )
        program = cls(name, process, ready_text)

        def on_output(line: str) -> None:
            program._on_output(line)
            if ready_text is not None:
                on_error(line)

        def on_error(line: str) -> None:
            program.tail.append(line)
            if on_log:
                on_log(name, line)

        program._read(process.stdout, on_output)
        program._read(process.stderr, on_error)
        return program

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    @property
    def ending(self) -> str:
        """How it ended, for people."""
        code = self._process.returncode
        if code is None:
            return "is running"
        return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

    async def wait_ready(self, limit: float) -> None:
        """Waits for the line `ready NAME URL`. Raises ProgramDiedError or TimeoutError."""
        try:
            async with asyncio.timeout(limit):
                await self._said.wait()
                if not self.ready:
                    await self.wait()
        except TimeoutError:
            raise TimeoutError(f"{self.name} was not ready within {limit:.0f} s") from None
        if not self.ready:
            raise ProgramDiedError(self)

    async def wait(self) -> None:
        """Waits until it has ended and all it wrote is read."""
        await self._process.wait()
        await self._drain()

    def terminate(self) -> None:
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def kill(self) -> None:
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def _read(self, stream: asyncio.StreamReader | None, take: Callable[[str], None]) -> None:
        assert stream is not None

        async def read() -> None:
            while True:
                try:
                    line = await stream.readline()
                except ValueError:  # longer than LINE_LIMIT: that piece is dropped
                    continue
                if not line:
                    if stream is self._process.stdout:
                        self._said.set()
                    return
                take(line.decode(errors="replace").rstrip("\n"))

        self._readers.append(asyncio.create_task(read()))

    def _on_output(self, line: str) -> None:
        if self._ready_text is not None:
            if self._ready_text in line.lower():
                self.ready = True
                self._said.set()
            return
        words = line.split()
        if words[:1] == ["ready"] and not self.ready:
            self.ready = True
            self.url = words[2] if len(words) > 2 else ""
            self._said.set()

    async def _drain(self) -> None:
        # A grandchild could hold the pipes open: not our problem for more than a moment.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.gather(*self._readers, return_exceptions=True)
