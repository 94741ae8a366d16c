"""What is measured: the servers, the scenarios, and the ratios mad aims at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "build" / "release" / "bin"
PEERS = ROOT / "bench" / "peers"


@dataclass(frozen=True, slots=True)
class Server:
    """A program that answers the scenarios; it takes `--listen` and prints a `ready` line."""

    name: str
    command: tuple[str, ...]
    native: bool = True
    """Whether callgrind can count its instructions."""


SERVERS = {
    server.name: server
    for server in (
        Server("socketio4", ("node", str(PEERS / "socketio4" / "server.js")), native=False),
        Server("floor", (str(BIN / "bench_floor"),)),
        Server("floor-batch", (str(BIN / "bench_floor"), "--batch")),
        Server("mad", (str(BIN / "bench_mad_server"), "--threads", "1")),
    )
}


@dataclass(frozen=True, slots=True)
class Target:
    """Holds when `mad` reaches `ratio` times `peer`, or stays under `most` of the unit."""

    peer: str = "socketio4"
    ratio: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    group: str
    title: str
    load: tuple[str, ...]
    """Arguments of bench_load."""
    servers: tuple[str, ...]
    unit: str
    target: Target | None = None
    lower_is_better: bool = False
    counted: tuple[int, int] | None = None
    """Two amounts of units whose difference under callgrind gives instructions per unit."""


def _broadcast(receivers: int, counted: tuple[int, int] | None = None) -> Scenario:
    return Scenario(
        "broadcast",
        f"broadcast to {receivers:,}, 16 under way",
        ("broadcast", "--connections", str(receivers), "--in-flight", "16"),
        ("socketio4", "floor", "floor-batch", "mad"),
        "deliveries/s",
        Target(ratio=10),
        counted=counted,
    )


SCENARIOS = (
    Scenario(
        "connect",
        "connect, 64 at a time",
        ("connect", "--connections", "64", "--sources", "4"),
        ("socketio4", "floor", "mad"),
        "handshakes/s",
        Target(ratio=5),
    ),
    Scenario(
        "echo",
        "echo with ack, 100 clients, 1 under way each",
        ("echo", "--connections", "100", "--in-flight", "1"),
        ("socketio4", "floor", "mad"),
        "acks/s",
        Target(ratio=3.5),
        counted=(1_000, 6_000),
    ),
    Scenario(
        "echo",
        "echo with ack, 100 clients, 8 under way each",
        ("echo", "--connections", "100", "--in-flight", "8"),
        ("socketio4", "floor-batch", "mad"),
        "acks/s",
        Target(ratio=3.5),
    ),
    Scenario(
        "polling",
        "polling echo, 100 clients",
        ("polling-echo", "--connections", "100"),
        ("socketio4", "floor", "mad"),
        "acks/s",
        Target(ratio=5),
    ),
    _broadcast(100, counted=(16_000, 96_000)),
    _broadcast(1_000),
    _broadcast(5_000),
    Scenario(
        "idle",
        "resident memory per idle connection at 10,000",
        ("idle", "--connections", "10000", "--sources", "4"),
        ("socketio4", "floor", "mad"),
        "bytes",
        Target(most=4_000),
        lower_is_better=True,
    ),
)

GROUPS = tuple(dict.fromkeys(scenario.group for scenario in SCENARIOS))
