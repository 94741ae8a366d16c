"""What is measured: the servers, the scenarios, and the ratios mad aims at."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "build" / "release" / "bin"
PEERS = ROOT / "bench" / "peers"
OXIDE = ROOT / "build" / "peers" / "socketioxide" / "release" / "bench-socketioxide"
"""Built by `script/bench` where cargo is."""
PYTHON = ROOT / "build" / "peers" / "python_socketio" / "bin" / "python"
PACKAGE = ROOT / "build" / "python" / "package"
"""The package `mad` beside its module, of the preset `python`."""


@dataclass(frozen=True, slots=True)
class Server:
    """A program that answers the scenarios; it takes `--listen` and prints a `ready` line.

    One of a scenario with several nodes also takes `--redis URL`.
    """

    name: str
    command: tuple[str, ...]
    native: bool = True
    """Whether callgrind can count its instructions."""
    built: Path | None = None
    """A program that not every machine can build: where it is not there, the server is left out."""


SERVERS = {
    server.name: server
    for server in (
        Server("socketio4", ("node", str(PEERS / "socketio4" / "server.js")), native=False),
        Server("socketioxide", (str(OXIDE),), built=OXIDE),
        Server("floor", (str(BIN / "bench_floor"),)),
        Server("floor-batch", (str(BIN / "bench_floor"), "--batch")),
        Server("mad", (str(BIN / "bench_mad_server"), "--threads", "1")),
    )
}

PYTHON_SERVERS = {
    server.name: server
    for server in (
        Server(
            "python-socketio",
            (str(PYTHON), str(PEERS / "python_socketio" / "server.py")),
            native=False,
            built=PYTHON,
        ),
        Server(
            "mad",
            (
                *("env", f"PYTHONPATH={PACKAGE}", sys.executable),
                str(ROOT / "bench" / "python_server.py"),
            ),
            native=False,
            built=PACKAGE,
        ),
    )
}
"""Servers whose handlers are written in Python."""

CLIENTS = {
    "redis-benchmark": ("redis-benchmark",),
    "mad": (str(BIN / "bench_redis_commands"),),
}
"""Clients of Redis: they are given a Redis, how many commands to send, and how many at a time."""

PROXIES = ("direct", "nginx", "haproxy", "mad")
"""What stands before the nodes of a scenario that has `upstreams`; `direct` is nothing."""

NAMES = tuple(dict.fromkeys([*SERVERS, *PYTHON_SERVERS, *CLIENTS, *PROXIES]))


@dataclass(frozen=True, slots=True)
class Target:
    """Holds when `mad` reaches `ratio` times the best of `peers`, uses at most `cost` times the
    least CPU of them for a unit (memory: the least bytes), or stays under `most` of the unit."""

    peers: tuple[str, ...] = ("socketio4",)
    ratio: float | None = None
    cost: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    group: str
    title: str
    load: tuple[str, ...]
    """Arguments of bench_load."""
    servers: tuple[str, ...]
    unit: str
    targets: tuple[Target, ...] = ()
    measures: str = "rate"
    """Or `bytes`, or `latency` of messages that are due at even times: then less is better."""
    counted: tuple[int, int] | None = None
    """Two amounts of units whose difference under callgrind gives instructions per unit."""
    nodes: int = 1
    """More than one: that many of the server on one Redis, the load spread over them."""
    depth: int = 0
    """More than 0: `servers` are clients of Redis that keep that many commands under way."""
    upstreams: int = 0
    """More than 0: `servers` are proxies before that many nodes."""
    in_python: bool = False
    """`servers` are those of `PYTHON_SERVERS`."""

    @property
    def lower_is_better(self) -> bool:
        return self.measures != "rate"

    def server(self, name: str) -> Server:
        return (PYTHON_SERVERS if self.in_python else SERVERS)[name]

    @property
    def needs_redis(self) -> bool:
        return self.nodes > 1 or self.depth > 0


def _load(scenario: str, connections: int, **options: int) -> tuple[str, ...]:
    """Arguments of bench_load: `in_flight=8` is `--in-flight 8`."""
    args = [scenario, "--connections", str(connections)]
    for name, value in options.items():
        args += ["--" + name.replace("_", "-"), str(value)]
    return tuple(args)


CONNECT = _load("connect", 64, sources=4)
POLLING = _load("polling-echo", 100)


def _idle(connections: int) -> tuple[str, ...]:
    return _load("idle", connections, sources=4)


def _echo(in_flight: int, **options: int) -> tuple[str, ...]:
    return _load("echo", 100, in_flight=in_flight, **options)


def _slow(receivers: int, **options: int) -> tuple[str, ...]:
    return _load("slow", receivers, slow=10, in_flight=16, payload=1_024, **options)


def _broadcast(receivers: int) -> tuple[str, ...]:
    return _load("broadcast", receivers, in_flight=16)


WHOLE = ("socketio4", "socketioxide", "mad")
"""Servers with all of the protocol."""
ALONE = ("socketio4", "socketioxide", "floor", "mad")
BATCHED = ("socketio4", "socketioxide", "floor", "floor-batch", "mad")
BETTER_PROXY = ("nginx", "haproxy")
BEHIND = (*BETTER_PROXY, "mad")

FASTER = (Target(BETTER_PROXY, ratio=1.2), Target(BETTER_PROXY, cost=0.75))


def _at_least(ratio: float) -> tuple[Target, ...]:
    """Of socket.io on Node; and no slower than the one in Rust."""
    return (Target(ratio=ratio), Target(("socketioxide",), ratio=1.0))


def _proxied(
    title: str,
    load: tuple[str, ...],
    unit: str,
    targets: tuple[Target, ...] = FASTER,
    servers: tuple[str, ...] = BEHIND,
    measures: str = "rate",
) -> Scenario:
    title = f"proxy before 2 nodes: {title}"
    return Scenario("proxy", title, load, servers, unit, targets, measures, upstreams=2)


SCENARIOS = (
    Scenario("connect", "connect, 64 at a time", CONNECT, ALONE, "handshakes/s", _at_least(5)),
    Scenario(
        "echo",
        "echo with ack, 100 clients, 1 under way each",
        _echo(1),
        ALONE,
        "acks/s",
        _at_least(3.5),
        counted=(1_000, 6_000),
    ),
    Scenario(
        "echo",
        "echo with ack, 100 clients, 8 under way each",
        _echo(8),
        ("socketio4", "socketioxide", "floor-batch", "mad"),
        "acks/s",
        _at_least(3.5),
    ),
    Scenario(
        "echo",
        "echo with ack over Engine.IO 3, 100 clients, 1 under way each",
        _echo(1, revision=3),
        WHOLE,
        "acks/s",
        _at_least(3.5),
    ),
    Scenario("polling", "polling echo, 100 clients", POLLING, ALONE, "acks/s", _at_least(5)),
    Scenario(
        "polling",
        "polling echo over Engine.IO 3, 100 clients",
        _load("polling-echo", 100, revision=3),
        WHOLE,
        "acks/s",
        _at_least(5),
    ),
    *(
        Scenario(
            "broadcast",
            f"broadcast to {receivers:,}, 16 under way",
            _broadcast(receivers),
            BATCHED,
            "deliveries/s",
            _at_least(10),
            counted=(16_000, 96_000) if receivers == 100 else None,
        )
        for receivers in (100, 1_000, 5_000)
    ),
    *(
        Scenario(
            "idle",
            f"resident memory per idle connection at {connections:,}",
            _idle(connections),
            ALONE,
            "bytes",
            (Target(most=4_000), Target(("socketioxide",), cost=1.0)),
            measures="bytes",
        )
        # A process may open 20,000 descriptors, the load as well as the server.
        for connections in (1_000, 10_000, 19_000)
    ),
    Scenario(
        "churn",
        "64 at a time come, echo and leave beside 1,000 who stay",
        _load("churn", 1_000, churn=64, rate=2_000, sources=4),
        WHOLE,
        "handshakes/s",
        _at_least(5),
    ),
    Scenario(
        "slow",
        "broadcast to 100 beside 10 who do not read, 16 under way",
        _slow(100, settle=0, fill=4_000),
        WHOLE,
        "deliveries/s",
        _at_least(10),
    ),
    # A number of broadcasts, not a time: whoever is faster would be sent more to keep.
    Scenario(
        "slow",
        "memory per receiver that does not read, at most in 16,000 broadcasts",
        _slow(10, count=160_000, warmup=0, seconds=30, settle=1),
        WHOLE,
        "bytes",
        measures="bytes",
    ),
    Scenario(
        "fanout",
        "2 nodes on one Redis, 100 consoles each, 16 under way",
        _broadcast(200),
        ("socketio4", "mad"),
        "deliveries/s",
        _at_least(8),
        nodes=2,
    ),
    Scenario(
        "redis",
        "Redis SET over one connection, 16 under way",
        (),
        ("redis-benchmark", "mad"),
        "commands/s",
        depth=16,
    ),
    *(
        Scenario(
            "python",
            f"handlers in Python: {title}",
            load,
            ("python-socketio", "mad"),
            unit,
            (Target(("python-socketio",), ratio=4),),
            in_python=True,
        )
        for title, load, unit in (
            ("echo with ack, 100 clients, 1 under way each", _echo(1), "acks/s"),
            ("echo with ack, 100 clients, 8 under way each", _echo(8), "acks/s"),
            ("broadcast to 100, 16 under way", _broadcast(100), "deliveries/s"),
        )
    ),
    _proxied("posts over 100 connections kept alive", _load("requests", 100), "requests/s"),
    _proxied("polling echo, 100 clients", POLLING, "acks/s"),
    _proxied("echo, 100 websockets, 1 under way each", _echo(1), "acks/s"),
    _proxied("echo, 100 websockets, 8 under way each", _echo(8), "acks/s"),
    # nginx and HAProxy choose a node by the client's address: from one address they use one node.
    _proxied(
        "echo, 100 websockets of 16 addresses, 1 under way each", _echo(1, sources=16), "acks/s"
    ),
    _proxied(
        "echo, 100 websockets of 16 addresses, 8 under way each", _echo(8, sources=16), "acks/s"
    ),
    _proxied(
        "4,000 messages a second, 100 websockets",
        _load("echo", 100, rate=4_000),
        "µs, p50",
        (),
        PROXIES,
        "latency",
    ),
    _proxied("new websockets, 64 at a time", CONNECT, "handshakes/s"),
    _proxied(
        "resident memory per idle websocket at 5,000",
        _idle(5_000),
        "bytes",
        (Target(most=2_000),),
        measures="bytes",
    ),
)

GROUPS = tuple(dict.fromkeys(scenario.group for scenario in SCENARIOS))
