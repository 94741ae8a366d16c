"""The truth, whatever happens: nodes and Redis are killed at random under a fleet of 300 hosts; in
the end every console, of both versions, shows the right last value and state of every host.

`MAD_TRUTH_SECONDS` says how long (45 in `script/test all`), `MAD_TRUTH_SEED` repeats a run."""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mad import socketio
from mad._fleet import Fleet

pytestmark = [
    pytest.mark.usefixtures("module"),
    pytest.mark.skipif("MAD_TEST_EVERYTHING" not in os.environ, reason="in `script/test all` only"),
    pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server"),
]

LIMIT = 120.0
AGENTS = 300


def wait_until(done: Callable[[], bool], what: str, limit: float = LIMIT) -> None:
    end = time.monotonic() + limit
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Child:
    """A program that can be killed and started again at the same address."""

    command: list[str]
    says_ready: bool = True
    process: subprocess.Popen[str] = field(init=False)

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        if self.says_ready:
            assert self.line().startswith("ready ")

    def line(self, limit: float = 30) -> str:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], limit)[0], (
            f"{self.command[0]} is silent"
        )
        return self.process.stdout.readline()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


@dataclass
class Console:
    """A page: version 2 as `mad top` is one, or an original one that knows the old events alone."""

    url: str
    modern: bool
    fleet: Fleet = field(default_factory=Fleet)
    told: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = socketio.Client(self.url, reconnection_delay=0.2, reconnection_delay_max=1)
        if self.modern:
            self.client.on("fleet_snapshot", self.fleet.on_snapshot)
            self.client.on("fleet_delta", self.fleet.on_delta)
            self.client.on("client_state", self.told.append)
        else:
            self.client.on("load_clients", self.fleet.on_list)
            self.client.on("web_client_update", self.fleet.on_update)
            self.client.on("web_client_disconnect", self.fleet.on_gone)
        self.client.on("connect", self._ask)
        self.client.connect(retry=True, timeout=30)

    def _ask(self) -> None:
        if not self.modern:
            self.client.emit("web_connected")
            return
        cursor = {"cursor": self.fleet.cursor} if self.fleet.cursor else {}
        self.client.emit("web_connected", {"v": 2} | cursor)

    def row(self, host: str) -> dict[str, Any]:
        return self.fleet.hosts.get(host, {})


@dataclass
class World:
    redis: Child
    nodes: list[Child]
    urls: list[str]
    proxy_url: str


@pytest.fixture
def world(programs: dict[str, Path], tmp_path: Path) -> Iterator[World]:
    with contextlib.ExitStack() as stack:

        def start(child: Child) -> Child:
            child.start()
            stack.callback(child.kill)
            return child

        redis_port = free_port()
        redis = start(
            Child(
                [
                    *("redis-server", "--port", str(redis_port), "--bind", "127.0.0.1"),
                    *("--save", "", "--appendonly", "no", "--dir", str(tmp_path)),
                ],
                says_ready=False,
            )
        )
        ports = [free_port() for _ in range(3)]
        shared = ["--redis", f"redis://127.0.0.1:{redis_port}", "--log-level", "error"]
        nodes = [
            start(
                Child(
                    [
                        *(str(programs["mad-api"]), "--listen", f"127.0.0.1:{port}"),
                        *("--node-id", f"node-{port}", "--threads", "2", *shared),
                    ]
                )
            )
            for port in ports
        ]
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        proxy_port = free_port()
        upstreams = [f"--upstream={url}" for url in urls]
        start(
            Child(
                [
                    *(str(programs["mad-proxy"]), "--listen", f"127.0.0.1:{proxy_port}"),
                    *("--log-level", "error", *upstreams),
                ]
            )
        )
        yield World(redis, nodes, urls, f"http://127.0.0.1:{proxy_port}")


def trouble(world: World, chance: random.Random, seconds: float) -> None:
    """Kills, stops and starts until the time is over; in the end everything runs."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        victim = chance.choice([*world.nodes, world.redis])
        if chance.random() < 0.3:
            victim.process.send_signal(signal.SIGSTOP)
            time.sleep(chance.uniform(0.5, 6))
            victim.process.send_signal(signal.SIGCONT)
        else:
            victim.kill()
            time.sleep(chance.uniform(0, 4))
            victim.start()
        time.sleep(chance.uniform(0.5, 4))


def is_ready(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url + "/ready", timeout=2) as answer:
        return bool(json.loads(answer.read())["ready"])
    return False


def wrong(consoles: list[Console], frozen: dict[str, Any]) -> list[str]:
    """What consoles show that is not so."""
    found = []
    for number, console in enumerate(consoles):
        for host, truth in frozen.items():
            row = console.row(host)
            if truth["silent"]:
                if console.modern and row.get("state") not in ("stale", "offline"):
                    found.append(f"{number}: {host} is {row.get('state')} and silent")
                continue
            shown = {key: row.get(key) for key in ("storage", "cpu", "mem")}
            if shown != {key: truth[key] for key in shown}:
                found.append(f"{number}: {host} shows {shown}, is {truth}")
            calm = max(shown[key] or 0 for key in shown) < 80
            state = "ok" if calm else "crit" if truth["storage"] >= 95 else None
            if console.modern and state and row.get("state") != state:
                found.append(f"{number}: {host} is {row.get('state')}, not {state}: {truth}")
        strange = set(console.fleet.hosts) - set(frozen)
        found += [f"{number}: nobody knows {host}" for host in strange]
    return found


def test_every_console_shows_the_truth_in_the_end(world: World, programs: dict[str, Path]) -> None:
    seconds = float(os.environ.get("MAD_TRUTH_SECONDS", "45"))
    seed = int(os.environ.get("MAD_TRUTH_SEED", random.SystemRandom().randrange(10**6)))
    print(f"MAD_TRUTH_SEED={seed}")
    chance = random.Random(seed)
    for url in world.urls:
        wait_until(lambda url=url: is_ready(url), f"{url} is not ready")  # type: ignore[misc]
    agents = Child(
        [
            *(str(programs["mad-synthetic"]), "--api", world.proxy_url, "--agents", str(AGENTS)),
            *("--interval", "1s", "--trouble", "20", "--churn", "20", "--seed", str(seed)),
            *("--freeze-after", f"{int(seconds) + 5}s", "--log-level", "error"),
        ]
    )
    agents.start()
    consoles: list[Console] = []
    try:
        # Two at nodes of their own, the others wherever the proxy has them.
        places = [*world.urls[:2], *[world.proxy_url] * 3]
        consoles = [Console(url, modern=at % 2 == 0) for at, url in enumerate(places)]
        wait_until(
            lambda: all(len(console.fleet.hosts) == AGENTS for console in consoles),
            "not every console has every host",
        )
        trouble(world, chance, seconds)
        frozen = json.loads(agents.line(60))["frozen"]
        for url in world.urls:
            wait_until(lambda url=url: is_ready(url), f"{url} is not ready")  # type: ignore[misc]
        end = time.monotonic() + LIMIT
        while bad := wrong(consoles, frozen):
            assert time.monotonic() < end, "\n".join(bad[:20])
            time.sleep(0.5)
    finally:
        for console in consoles:
            console.client.close()
        agents.kill()


def test_a_silent_host_is_stale_and_then_offline_when_due(
    world: World, programs: dict[str, Path]
) -> None:
    """By the times that the node itself tells, so that a busy machine does not matter."""
    agent = Child(
        [
            str(programs["mad-agent"]),
            "--api",
            world.proxy_url,
            "--id",
            "sleeper",
            "--interval",
            "1s",
        ]
    )
    agent.start()
    console = Console(world.urls[0], modern=True)
    try:
        wait_until(lambda: console.row("sleeper").get("state") == "ok", "it is not shown")
        agent.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: console.row("sleeper").get("state") == "stale", "it is not stale")
        stale = console.row("sleeper")
        assert 7_000 < stale["since"] - stale["seen"] <= 8_000
        wait_until(lambda: console.row("sleeper").get("state") == "offline", "it is not offline")
        offline = console.row("sleeper")
        assert 29_500 < offline["since"] - offline["seen"] <= 31_000
        agent.process.send_signal(signal.SIGCONT)
        wait_until(lambda: console.row("sleeper").get("state") == "ok", "it has not come back")
        turns = [(one["from"], one["to"]) for one in console.told if one["id"] == "sleeper"]
        assert turns[:2] == [("ok", "stale"), ("stale", "offline")]
    finally:
        console.client.close()
        agent.kill()
