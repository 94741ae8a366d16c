"""Agents that number what they say, consoles that remember it, and what must hold."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import socketio  # type: ignore[import-untyped]


def client() -> socketio.AsyncClient:
    return socketio.AsyncClient(
        reconnection_delay=0.2, reconnection_delay_max=1, randomization_factor=0.3
    )


async def arrive(one: socketio.AsyncClient, url: str) -> None:
    """The first connection; those after it are the client's own affair."""
    for _ in range(100):
        with contextlib.suppress(socketio.exceptions.ConnectionError):
            await one.connect(url, transports=["websocket"])
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"nobody lets {url} in")


class Agent:
    """Sends `n`, which grows by one with each sample, five times a second while it is connected."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.n = 0
        self.sent = 0
        """The last that was given to a connection."""
        self.io = client()
        self._task: asyncio.Task[None] | None = None

    def _record(self) -> dict[str, Any]:
        self.n += 1
        return {"id": self.name, "health": {"storage": 1, "network": 1}, "n": self.n}

    async def start(self, url: str) -> None:
        async def connected() -> None:
            await self._say("client_connected")

        self.io.on("connect", connected)
        await arrive(self.io, url)
        self._task = asyncio.create_task(self._run())

    async def _say(self, event: str) -> None:
        record = self._record()
        with contextlib.suppress(socketio.exceptions.SocketIOError):
            await self.io.emit(event, record)
            self.sent = record["n"]

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(0.2)
            if self.io.connected:
                await self._say("client_healthcheck")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        await self.io.disconnect()


class Console:
    """What one session of a console has been told of each host."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.shown: dict[str, int] = {}
        self.updates = 0
        self.wrong: list[str] = []
        self.io = client()

    async def start(self, url: str) -> None:
        async def connected() -> None:
            self.shown = {}  # another session, which is told everything anew
            await self.io.emit("web_connected")

        def listed(hosts: list[dict[str, Any]]) -> None:
            self.shown = {host["id"]: host["n"] for host in hosts}

        def updated(host: dict[str, Any]) -> None:
            self.updates += 1
            before = self.shown.get(host["id"], 0)
            if host["n"] < before:
                self.wrong.append(f"{self.where}: {host['id']} from {before} back to {host['n']}")
            self.shown[host["id"]] = host["n"]

        def gone(host: Any) -> None:
            name = host if isinstance(host, str) else host.get("id")
            self.shown.pop(str(name), None)

        self.io.on("connect", connected)
        self.io.on("load_clients", listed)
        self.io.on("web_client_update", updated)
        self.io.on("web_client_disconnect", gone)
        await arrive(self.io, url)

    async def stop(self) -> None:
        await self.io.disconnect()


def missing(agents: list[Agent], consoles: list[Console], since: dict[str, int]) -> list[str]:
    """What consoles do not show yet of what was sent after `since`, and what is shown of nobody."""
    names = {agent.name for agent in agents}
    found = []
    found += [f"{agent.name} is away" for agent in agents if not agent.io.connected]
    for console in consoles:
        if not console.io.connected:
            found.append(f"{console.where} is away")
            continue
        for agent in agents:
            shown = console.shown.get(agent.name)
            if shown is None or shown <= since[agent.name]:
                found.append(
                    f"{console.where}: {agent.name} at {shown}, {since[agent.name]} is past"
                )
        for name in console.shown.keys() - names:
            found.append(f"{console.where}: {name} is nobody")
    return found


async def agrees(agents: list[Agent], consoles: list[Console], limit_s: float) -> None:
    """Returns when every console shows of every agent what was sent after now."""
    since = {agent.name: agent.n for agent in agents}
    until = time.monotonic() + limit_s
    while lacking := missing(agents, consoles, since):
        assert time.monotonic() < until, f"{len(lacking)} lack: {lacking[:6]}"
        await asyncio.sleep(0.1)
