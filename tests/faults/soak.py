"""soak.py MINUTES: the whole system with 2,000 agents, for as long as it is told.

Redis, three nodes, the proxy with the web server behind it, three real agents, and 2,000 that are
made up, of which five in a hundred lose their connection each minute. Ten agents number what they
say; two consoles must show all of it, once a minute. Programs ask the API of every node meanwhile.
At the end nothing changes any more, and every node must know of every host what it said last.

Looked at each ten seconds: memory, descriptors and threads of every program. In the second half
none may grow. Whatever a program says at the level `warn` counts as an error.

Exit code 0: all of that held. The table is what docs/robustness.md shows."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from fleet import Agent, Console, agrees
from system import BIN, NODES, ROOT, Process, free_port

CONSOLE = ROOT / "console" / "dist"
AGENTS = 2_000
NUMBERED = 10
CHURN = "5"
"""Percent a minute."""
LOOK_S = 10.0
SETTLE_S = 15.0
"""From the last change to the comparison."""
WARM_UP_MIN = 15.0
"""So long the samples of a history become more."""
MOST_GROWTH = 128.0
"""kB a minute: 2,000 histories take 100 of it, for six hours."""


class Watcher(Console):
    """Of 2,000 hosts it remembers those that number what they say."""

    def _listed(self, hosts: list[dict[str, Any]]) -> None:
        super()._listed([host for host in hosts if "n" in host])

    def _updated(self, host: dict[str, Any]) -> None:
        if "n" in host:
            super()._updated(host)
        else:
            self.updates += 1


@dataclass(slots=True)
class Readings:
    """What one program used, each ten seconds."""

    minutes: list[float] = field(default_factory=list)
    rss_kb: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    cpu_s: float = 0

    def take(self, process: psutil.Process, minute: float) -> None:
        with process.oneshot():
            self.minutes.append(minute)
            self.rss_kb.append(process.memory_info().rss / 1024)
            self.descriptors.append(process.num_fds())
            self.threads.append(process.num_threads())
            used = process.cpu_times()
            self.cpu_s = used.user + used.system

    def second_half(self) -> slice:
        return slice(len(self.minutes) // 2, None)

    def growth(self) -> float:
        """kB a minute, of the line through the second half."""
        half = self.second_half()
        if len(self.minutes[half]) < 3:
            return 0
        return statistics.linear_regression(self.minutes[half], self.rss_kb[half]).slope

    def more_descriptors(self) -> float:
        """How many more are open at the end than at half time, of six readings each."""
        half = self.descriptors[self.second_half()]
        return statistics.median(half[-6:]) - statistics.median(half[:6])

    def line(self, name: str) -> str:
        half = self.second_half()
        return (
            f"| {name} | {self.rss_kb[half][0] / 1024:.1f} | {self.rss_kb[-1] / 1024:.1f} "
            f"| {self.growth():+.1f} | {self.descriptors[half][0]} | {self.descriptors[-1]} "
            f"| {max(self.threads)} | {self.cpu_s:.0f} |"
        )


HEAD = (
    "| program | RSS at half time, MB | at the end | growth, kB a minute "
    "| descriptors at half time | at the end | threads | CPU, s |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |"
)


class Soak:
    def __init__(self, folder: Path, minutes: float) -> None:
        self.folder = folder
        self.minutes = minutes
        self.programs: list[Process] = []
        self.readings: dict[str, Readings] = {}
        self.began = time.monotonic()
        self.agreed = self.asked = 0
        self.errors: list[str] = []

    async def _start(self, name: str, words: list[str], port: int) -> Process:
        program = Process(words, port, self.folder, name)
        await program.start()
        self.programs.append(program)
        self.readings[name] = Readings()
        return program

    async def _serve(self, name: str, program: str, *words: str) -> int:
        """Its port."""
        port = free_port()
        listen = [str(BIN / program), "--listen", f"127.0.0.1:{port}", "--log-level", "warn"]
        await self._start(name, [*listen, *words], port)
        return port

    async def start(self) -> None:
        redis = free_port()
        words = ["redis-server", "--port", str(redis), "--bind", "127.0.0.1", "--save", ""]
        await self._start("redis", [*words, "--dir", str(self.folder)], redis)
        store = f"redis://127.0.0.1:{redis}"
        self.nodes = [
            await self._serve(
                f"node-{n}",
                "mad-api",
                "--node-id",
                f"n{n}",
                "--redis",
                store,
            )
            for n in range(NODES)
        ]
        web = await self._serve("web", "mad-web", "--root", str(CONSOLE))
        upstreams = [
            word
            for n, port in enumerate(self.nodes)
            for word in ("--upstream", f"n{n}=http://127.0.0.1:{port}")
        ]
        self.proxy = await self._serve(
            "proxy", "mad-proxy", *upstreams, "--web", f"http://127.0.0.1:{web}"
        )
        url = f"http://127.0.0.1:{self.proxy}"
        for transport in ("websocket", "polling", "both"):
            metrics = free_port()
            words = [str(BIN / "mad-agent"), "--api", url, "--id", f"real-{transport}"]
            words += ["--transport", transport, "--metrics", f"127.0.0.1:{metrics}"]
            words += ["--log-level", "warn"]
            await self._start(f"agent-{transport}", words, metrics)
        words = [str(BIN / "mad-synthetic"), "--api", url, "--agents", str(AGENTS)]
        words += ["--churn", CHURN, "--freeze-after", f"{self.minutes * 60:.0f}s"]
        await self._start("synthetic", [*words, "--log-level", "warn", "--stats"], 0)

    def _said(self, name: str) -> list[str]:
        return (self.folder / f"{name}.log").read_text().splitlines()

    def _look(self) -> None:
        minute = (time.monotonic() - self.began) / 60
        for program in self.programs:
            if program.crashed():
                raise AssertionError(program.crashed())
            self.readings[program.name].take(psutil.Process(program.pid), minute)

    async def _ask(self, http: aiohttp.ClientSession, url: str) -> Any:
        async with http.get(url) as answer:
            assert answer.status == 200, f"{url}: {answer.status}"
            self.asked += 1
            kind = answer.content_type
            return await answer.json() if kind == "application/json" else await answer.read()

    async def _ask_all(self, http: aiohttp.ClientSession) -> None:
        for port in self.nodes:
            for path in ("health", "ready", "metrics", "api/v1/clients?query=cpu%3E50&limit=50"):
                await self._ask(http, f"http://127.0.0.1:{port}/{path}")
        for path in ("", "health", "api/v1/clients/synthetic-00007/history"):
            await self._ask(http, f"http://127.0.0.1:{self.proxy}/{path}")

    async def _watch(self, agents: list[Agent], consoles: list[Watcher]) -> None:
        next_minute = 1.0
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as http:
            while (minute := (time.monotonic() - self.began) / 60) < self.minutes:
                await asyncio.sleep(LOOK_S)
                self._look()
                await self._ask_all(http)
                if minute >= next_minute:
                    await agrees(list(agents), list(consoles), 30)
                    self.agreed += 1
                    next_minute += 1
                    self._say_where(minute)
            await asyncio.sleep(SETTLE_S)
            await self._compare(http)

    def _say_where(self, minute: float) -> None:
        now = json.loads(next(line for line in reversed(self._said("synthetic")) if "sent" in line))
        rss = {name: f"{one.rss_kb[-1] / 1024:.0f}" for name, one in self.readings.items()}
        print(f"minute {minute:.0f}: {now}, MB: {rss}", flush=True)

    async def _compare(self, http: aiohttp.ClientSession) -> None:
        """Every node against what the made-up hosts said last."""
        frozen = next(json.loads(one) for one in self._said("synthetic") if '"frozen"' in one)
        talking = {name: x for name, x in frozen["frozen"].items() if not x["silent"]}
        assert len(talking) > AGENTS * 0.9
        self.compared = 0
        for n, port in enumerate(self.nodes):
            url = f"http://127.0.0.1:{port}/api/v1/clients?limit=10000"
            rows = {row["id"]: row for row in (await self._ask(http, url))["clients"]}
            for name, last in talking.items():
                for value in ("storage", "cpu", "mem"):
                    self.compared += 1
                    shown = rows.get(name, {}).get(value)
                    if shown != last[value]:
                        self.errors.append(
                            f"node {n}: {value} of {name} is {shown}, not {last[value]}"
                        )

    def _judge(self) -> None:
        for name, one in self.readings.items():
            if self.minutes >= 2 * WARM_UP_MIN and one.growth() > MOST_GROWTH:
                self.errors.append(f"{name} grows by {one.growth():.0f} kB a minute")
            if abs(one.more_descriptors()) > 0.02 * AGENTS:
                self.errors.append(f"{name}: {one.more_descriptors():+.0f} descriptors")

    def _hear(self) -> None:
        """Complaints until now; that others go is one, at the end."""
        for name in self.readings.keys() - {"redis", "synthetic"}:
            said = [line for line in self._said(name) if not line.startswith("ready ")]
            self.errors += [f"{name} said: {line}" for line in said]

    async def stop(self) -> None:
        for program in reversed(self.programs):
            if not program.crashed() and (code := await program.end()) != 0:
                self.errors.append(f"{program.name} ended with {code}")

    async def run(self) -> None:
        await self.start()
        agents = [Agent(f"agent-{n}") for n in range(NUMBERED)]
        consoles = [Watcher("at the proxy"), Watcher("at node 0")]
        try:
            for agent in agents:
                await agent.start(f"http://127.0.0.1:{self.proxy}")
            for console, port in zip(consoles, (self.proxy, self.nodes[0]), strict=True):
                await console.start(f"http://127.0.0.1:{port}")
            await self._watch(agents, consoles)
        finally:
            self._hear()
            for peer in (*agents, *consoles):
                await peer.stop()
            await self.stop()
        for console in consoles:
            self.errors += console.wrong
        self._judge()
        self._report(sum(console.updates for console in consoles))

    def _report(self, updates: int) -> None:
        told = [json.loads(line) for line in self._said("synthetic") if '"sent"' in line][-1]
        print(f"\n{HEAD}")
        for name, one in self.readings.items():
            print(one.line(name))
        print(
            f"\n{self.minutes:.0f} minutes: {told['sent']} samples of {AGENTS} agents over "
            f"{told['connections']} connections, {told['refused']} refused; {updates} updates at "
            f"two consoles; {self.agreed} times all numbers were shown; {self.asked} requests; "
            f"{self.compared} values compared at the end; {len(self.errors)} errors",
            flush=True,
        )


def main() -> int:
    minutes = float(sys.argv[1])
    if shutil.which("redis-server") is None:
        print("needs redis-server (apt-get install redis-server)")
        return 2
    with tempfile.TemporaryDirectory(prefix="mad-soak-") as folder:
        soak = Soak(Path(folder), minutes)
        try:
            asyncio.run(soak.run())
        except AssertionError as failed:
            soak.errors.append(str(failed))
        for error in soak.errors[:20]:
            print(f"ERROR {error}")
    return 1 if soak.errors else 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
