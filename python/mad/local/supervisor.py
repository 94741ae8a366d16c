"""Starts the programs in order, waits, and stops them all when one ends or somebody asks."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mad import _paths
from mad._address import Address
from mad.local import redis, runtime
from mad.local.program import Program, ProgramDiedError
from mad.local.settings import Settings, SettingsError, check

READY_LIMIT = 20.0
STOP_LIMIT = 8.0  # a little more than the programs' own --drain-timeout
# Agents first, so that they leave in order; then nobody comes in any more; then who is behind.
# The rest is Redis, where nodes say that they go.
STOP_ORDER = (("mad-agent", "mad-synthetic"), ("mad-proxy",), ("mad-api", "mad-web"))


@dataclass(slots=True)
class Running:
    """Everything that was started. `proxy` is the one address, for people too (`console`); behind
    it are `nodes`, of which `api` is the first. `admin` is where the proxy is looked after."""

    console: str = ""
    proxy: str = ""
    admin: str = ""
    api: str = ""
    nodes: list[str] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)


class Output(Protocol):
    """Who tells the person (or the program) in front of `mad up` what happens."""

    def ready(self, running: Running) -> None: ...
    def died(self, program: Program) -> None: ...
    def lost(self, program: Program, nodes_left: int) -> None: ...
    def log(self, name: str, line: str) -> None: ...


def listen(address: Address) -> socket.socket:
    """Opens the proxy's socket: whether the address can be had must be known before anything
    starts."""
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
        self._admin = runtime.admin_socket(os.getpid())
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
            self._admin.unlink(missing_ok=True)
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
            while True:
                done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for program in [waits.pop(wait) for wait in done]:
                    nodes_left = sum(p.name == "mad-api" for p in waits.values())
                    if program.name != "mad-api" or nodes_left == 0:
                        raise ProgramDiedError(program)
                    self._output.lost(program, nodes_left)
        finally:
            for wait in waits:
                wait.cancel()

    async def _start_all(self) -> None:
        with listen(self._settings.listen) as listener:
            host, port = listener.getsockname()[:2]
            (url, *_) = Address(host, port).origins
            self._running.console = self._running.proxy = url
            self._running.admin = f"unix:{self._admin}"
            shared = await self._start_redis()
            arguments = ["--listen", any_port(host), *shared.arguments]
            for _ in range(self._settings.nodes):
                node = await self._start("mad-api", *arguments, environment=shared.environment)
                self._running.nodes.append(node.url)
            self._running.api = self._running.nodes[0]
            web = await self._start("mad-web", *web_arguments(host))
            wanted = proxy_arguments(self._running.nodes, web.url, self._running.admin)
            await self._start("mad-proxy", *wanted, listener=listener)
        for name, arguments in agent_commands(url, self._settings.agents):
            await self._start(name, *arguments)

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
        """In the order of STOP_ORDER; who does not stop in time is killed."""
        left = list(reversed(self._running.programs))
        for names in STOP_ORDER:
            await stop(p for p in left if p.name in names)
        await stop(left)


async def stop(programs: Iterable[Program]) -> None:
    """Asks them to end, all at once, and waits; who does not end in time is killed."""
    some = [p for p in programs if p.running]
    for program in some:
        program.terminate()
    waits = [asyncio.ensure_future(p.wait()) for p in some]
    if waits:
        await asyncio.wait(waits, timeout=STOP_LIMIT)
    for program in some:
        program.kill()
    await asyncio.gather(*waits)


@dataclass(frozen=True, slots=True)
class Shared:
    """How nodes learn of their Redis."""

    arguments: list[str] = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=dict)


def any_port(host: str) -> str:
    """`--listen` on a free port."""
    return f"[{host}]:0" if ":" in host else f"{host}:0"


def web_arguments(host: str) -> list[str | Path]:
    """The page's own origin is the proxy, which has the nodes behind it, too."""
    return ["--listen", any_port(host), "--api-url", "", "--root", _paths.console()]


def proxy_arguments(nodes: list[str], web: str, admin: str) -> list[str]:
    arguments = [f"--upstream=node-{number}={url}" for number, url in enumerate(nodes, start=1)]
    return [*arguments, "--web", web, "--admin", admin]


def agent_commands(url: str, count: int) -> list[tuple[str, list[str]]]:
    """The first agent is this machine; the others are made up, all by one program."""
    real = [("mad-agent", ["--api", url])] if count > 0 else []
    made_up = ["--api", url, "--agents", str(count - 1)]
    return [*real, ("mad-synthetic", made_up)] if count > 1 else real


def run(settings: Settings, output: Output, make: Callable[..., Supervisor] = Supervisor) -> bool:
    """Blocks until the end; False when a program ended by itself."""

    async def main() -> bool:
        return await make(settings, output).run()

    return asyncio.run(main())
