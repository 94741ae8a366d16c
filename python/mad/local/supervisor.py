"""Starts the programs in order, waits, and stops them all when one ends or somebody asks."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mad import _paths
from mad._address import Address
from mad.local import redis
from mad.local.program import Program, ProgramDiedError
from mad.local.settings import Settings, SettingsError, check

READY_LIMIT = 20.0
STOP_LIMIT = 8.0  # a little more than the programs' own --drain-timeout


@dataclass(slots=True)
class Running:
    """Everything that was started; `console` is the address for people, `api` the node that the
    page talks to, the first of `nodes`."""

    console: str = ""
    api: str = ""
    nodes: list[str] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)


class Output(Protocol):
    """Who tells the person (or the program) in front of `mad up` what happens."""

    def ready(self, running: Running) -> None: ...
    def died(self, program: Program) -> None: ...
    def log(self, name: str, line: str) -> None: ...


def listen(address: Address) -> socket.socket:
    """Opens the console's socket: its address must be known before the API starts, which is told
    to allow this origin."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"--listen {address.host}:{address.port}: {error.strerror}; "
            "choose another, or 0 for a free one"
        ) from error
    return listener


class Supervisor:
    def __init__(self, settings: Settings, output: Output) -> None:
        server = redis.find_server()
        check(settings, has_redis=server is not None)
        self._settings = settings
        self._redis: redis.PrivateRedis | None = None
        if settings.nodes > 1 and settings.redis is None and server is not None:
            self._redis = redis.PrivateRedis(server)
        self._output = output
        self._running = Running()
        self._asked = asyncio.Event()

    async def run(self) -> bool:
        """Runs until SIGINT or SIGTERM; False when a program ended by itself."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)
        try:
            return await self._until_asked(self._start_and_watch())
        except ProgramDiedError as death:
            self._output.died(death.program)
            return False
        finally:
            await self._stop()
            if self._redis:
                self._redis.remove()

    def _on_signal(self) -> None:
        if self._asked.is_set():  # a second time: at once
            for program in self._running.programs:
                program.kill()
        self._asked.set()

    async def _until_asked(self, work: Coroutine[Any, Any, None]) -> bool:
        working = asyncio.ensure_future(work)
        asked = asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
            return True
        finally:
            for task in (working, asked):
                task.cancel()
            await asyncio.gather(working, asked, return_exceptions=True)

    async def _start_and_watch(self) -> None:
        await self._start_all()
        self._output.ready(self._running)
        waits = {asyncio.ensure_future(p.wait()): p for p in self._running.programs}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        raise ProgramDiedError(waits[done.pop()])

    async def _start_all(self) -> None:
        with listen(self._settings.listen) as listener:
            host, port = listener.getsockname()[:2]
            origins = Address(host, port).origins
            self._running.console = origins[0]
            shared = await self._start_redis()
            arguments = api_arguments(host, origins) + shared.arguments
            for _ in range(self._settings.nodes):
                node = await self._start("mad-api", *arguments, environment=shared.environment)
                self._running.nodes.append(node.url)
            self._running.api = self._running.nodes[0]
            await self._start("mad-web", *web_arguments(self._running.api), listener=listener)
        for wanted in agent_arguments(self._running.nodes, self._settings.agents):
            await self._start("mad-agent", *wanted)

    async def _start_redis(self) -> Shared:
        """What the nodes are told of their Redis; a private one is started first."""
        if self._redis is None:
            # Not in the arguments: everybody sees those, and a URL may hold a password.
            url = self._settings.redis
            return Shared(environment={"MAD_API_REDIS": url} if url else {})
        name = Path(self._redis.command[0]).name
        server = await Program.start(
            name, self._redis.command, on_log=self._output.log, ready_text=redis.READY_TEXT
        )
        self._running.programs.append(server)
        await server.wait_ready(READY_LIMIT)
        server.url = self._redis.url
        return Shared(
            ["--redis", self._redis.url, "--redis-password-file", str(self._redis.password_file)]
        )

    async def _start(
        self,
        name: str,
        *arguments: str | Path,
        listener: socket.socket | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Program:
        program = await Program.start(
            name,
            [_paths.program(name), *arguments],
            listener=listener,
            on_log=self._output.log,
            environment=environment,
        )
        self._running.programs.append(program)
        await program.wait_ready(READY_LIMIT)
        return program

    async def _stop(self) -> None:
        """Agents first, so that they leave in order, and Redis last, where nodes say that they go;
        who does not stop in time is killed."""
        programs = list(reversed(self._running.programs))
        ours = programs[:-1] if self._redis and programs else programs
        for some in (ours, programs[len(ours) :]):
            for program in some:
                program.terminate()
            if some:
                await asyncio.wait(
                    [asyncio.ensure_future(p.wait()) for p in some], timeout=STOP_LIMIT
                )
            for program in some:
                program.kill()
            await asyncio.gather(*(program.wait() for program in some))


@dataclass(frozen=True, slots=True)
class Shared:
    """How nodes learn of their Redis."""

    arguments: list[str] = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=dict)


def api_arguments(host: str, origins: list[str]) -> list[str]:
    bracketed = f"[{host}]" if ":" in host else host
    arguments = ["--listen", f"{bracketed}:0"]
    for origin in origins:
        arguments += ["--cors-origin", origin]
    return arguments


def web_arguments(api: str) -> list[str | Path]:
    return ["--api-url", api, "--root", _paths.console()]


def agent_arguments(nodes: list[str], count: int) -> list[list[str]]:
    """One agent is this machine; more of them need names that differ, and take nodes in turn."""
    if count == 1:
        return [["--api", nodes[0]]]
    host = socket.gethostname()
    return [
        ["--api", nodes[number % len(nodes)], "--id", f"{host}-{number + 1}"]
        for number in range(count)
    ]


def run(settings: Settings, output: Output, make: Callable[..., Supervisor] = Supervisor) -> bool:
    """Blocks until the end; False when a program ended by itself."""

    async def main() -> bool:
        return await make(settings, output).run()

    return asyncio.run(main())
