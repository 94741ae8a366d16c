"""The whole system, with a relay on every link: Redis, three nodes, the proxy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

from relay import Relay

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("MAD_BIN_DIR", ROOT / "build" / "dev" / "bin"))
NODES = 3
HEARTBEAT = ("--ping-interval", "1s", "--ping-timeout", "2s")
"""So that who was silently cut off is known to be gone soon."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


class Process:
    """A program that can be ended in any way and started again where it was. Port 0: it listens
    nowhere, so nobody waits for that."""

    def __init__(self, words: list[str], port: int, folder: Path, name: str) -> None:
        self.words = words
        self.port = port
        self.name = name
        self._log = folder / f"{name}.log"
        self._running: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        with self._log.open("ab") as said:
            self._running = subprocess.Popen(self.words, stdout=said, stderr=said)
        if self.port == 0:
            return
        for _ in range(600):
            assert self._running.poll() is None, f"{self.name}: {self._log.read_text()[-1000:]}"
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.transport.abort()
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.name} does not listen")

    @property
    def pid(self) -> int:
        assert self._running is not None
        return self._running.pid

    def send(self, number: signal.Signals) -> None:
        assert self._running is not None
        self._running.send_signal(number)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code."""
        assert self._running is not None
        self._running.send_signal(number)
        for _ in range(400):
            if (code := self._running.poll()) is not None:
                return code
            await asyncio.sleep(0.05)
        self._running.kill()
        self._running.wait()
        raise AssertionError(f"{self.name} does not end")

    def crashed(self) -> str:
        """Why it has ended by itself; empty while it runs."""
        if self._running is None or self._running.poll() is None:
            return ""
        return f"{self.name} ended with {self._running.returncode}"


class System:
    """Everything that runs, and its links by name: `redis-0`, `node-2`, `agents`, …"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.links: dict[str, Relay] = {}
        self.nodes: list[Process] = []
        port = free_port()
        words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        self.redis = Process([*words, "--dir", str(folder)], port, folder, "redis")
        self.proxy: Process

    async def _link(self, name: str, to: int) -> int:
        self.links[name] = Relay(to)
        await self.links[name].start()
        return self.links[name].port

    async def start(self) -> None:
        await self.redis.start()
        upstreams: list[str] = []
        for n in range(NODES):
            port, to_redis = free_port(), await self._link(f"redis-{n}", self.redis.port)
            words = [str(BIN / "mad-api"), "--listen", f"127.0.0.1:{port}", *HEARTBEAT]
            words += ["--node-id", f"n{n}", "--redis", f"redis://127.0.0.1:{to_redis}"]
            words += ["--drain-timeout", "1s", "--max-rate-per-address", "0"]
            self.nodes.append(Process(words, port, self.folder, f"node-{n}"))
            await self.nodes[-1].start()
            to_node = await self._link(f"node-{n}", port)
            upstreams += ["--upstream", f"n{n}=http://127.0.0.1:{to_node}"]
        port = free_port()
        words = [str(BIN / "mad-proxy"), "--listen", f"127.0.0.1:{port}", *upstreams]
        words += ["--drain-timeout", "1s", "--max-rate-per-address", "0", "--slow-start", "1s"]
        self.proxy = Process(words, port, self.folder, "proxy")
        await self.proxy.start()
        await self._link("agents", port)

    async def stop(self) -> None:
        for link in self.links.values():
            await link.stop()
        for one in (self.proxy, *self.nodes):
            assert await one.end() == 0, one.name
        await self.redis.end()
