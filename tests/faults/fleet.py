"""Agents that number what they say, consoles that remember it, and what must hold."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import socketio  # type: ignore[import-untyped]

RETRY_S = 0.3
GONE = (socketio.exceptions.SocketIOError, OSError, ValueError)
"""What a client says of a connection that is not there (any more)."""


class Peer:
    """A client that comes back for as long as it lives, each time as a new one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.io = socketio.AsyncClient(reconnection=False)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def connected(self) -> bool:
        return bool(self.io.connected)

    async def start(self, url: str) -> None:
        """Returns once it has been let in for the first time."""
        self._tasks.append(asyncio.create_task(self._keep(url)))
        until = time.monotonic() + 30
        while not self.connected:
            assert time.monotonic() < until, f"nobody lets {self.name} in at {url}"
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(*GONE):
            await self.io.disconnect()

    async def say(self, event: str, *what: object) -> None:
        with contextlib.suppress(*GONE):
            await self.io.emit(event, *what)

    def listen(self, io: socketio.AsyncClient) -> None:
        """Adds handlers to a client that is about to connect."""
        raise NotImplementedError

    async def _keep(self, url: str) -> None:
        while True:
            if not self.connected:
                with contextlib.suppress(*GONE):
                    await self.io.disconnect()
                self.io = socketio.AsyncClient(reconnection=False)
                self.listen(self.io)
                with contextlib.suppress(*GONE):
                    await self.io.connect(url, transports=["websocket"], wait_timeout=5)
            await asyncio.sleep(RETRY_S)


class Agent(Peer):
    """Sends `n`, which grows by one with each sample, five times a second while it is connected."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.n = 0

    def listen(self, io: socketio.AsyncClient) -> None:
        async def connected() -> None:
            await self._sample("client_connected")

        io.on("connect", connected)

    async def start(self, url: str) -> None:
        await super().start(url)
        self._tasks.append(asyncio.create_task(self._run()))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(0.2)
            if self.connected:
                await self._sample("client_healthcheck")

    async def _sample(self, event: str) -> None:
        self.n += 1
        health = {"storage": 1, "network": 1}
        await self.say(event, {"id": self.name, "health": health, "n": self.n})


class Console(Peer):
    """What one session of a console has been told of each host."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.shown: dict[str, int] = {}
        self.updates = 0
        self.wrong: list[str] = []

    def listen(self, io: socketio.AsyncClient) -> None:
        async def connected() -> None:
            self.shown = {}  # another session, which is told everything anew
            await self.say("web_connected")

        io.on("connect", connected)
        io.on("load_clients", self._listed)
        io.on("web_client_update", self._updated)
        io.on("web_client_disconnect", self._gone)

    def _listed(self, hosts: list[dict[str, Any]]) -> None:
        self.shown = {host["id"]: host["n"] for host in hosts}

    def _updated(self, host: dict[str, Any]) -> None:
        self.updates += 1
        before = self.shown.get(host["id"], 0)
        if host["n"] < before:
            self.wrong.append(f"{self.name}: {host['id']} from {before} back to {host['n']}")
        self.shown[host["id"]] = host["n"]

    def _gone(self, host: Any) -> None:
        self.shown.pop(str(host if isinstance(host, str) else host.get("id")), None)


def missing(agents: list[Agent], consoles: list[Console], since: dict[str, int]) -> list[str]:
    """What consoles do not show yet of what was sent after `since`, and what is shown of nobody."""
    names = {agent.name for agent in agents}
    found = [f"{peer.name} is away" for peer in (*agents, *consoles) if not peer.connected]
    for console in consoles:
        for agent in agents:
            shown, past = console.shown.get(agent.name), since[agent.name]
            if shown is None or shown <= past:
                found.append(f"{console.name}: {agent.name} at {shown}, {past} is past")
        strange = console.shown.keys() - names
        found.extend(f"{console.name}: {name} is nobody" for name in strange)
    return found


async def agrees(agents: list[Agent], consoles: list[Console], limit_s: float) -> None:
    """Returns when every console shows of every agent what was sent after now."""
    since = {agent.name: agent.n for agent in agents}
    until = time.monotonic() + limit_s
    while lacking := missing(agents, consoles, since):
        assert time.monotonic() < until, f"{len(lacking)} lack: {lacking[:6]}"
        await asyncio.sleep(0.1)
