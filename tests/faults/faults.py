"""What happens to a system: each fault begins, lasts, and is over when it returns."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from relay import Relay, Weather
from system import NODES, Process, System

Act = Callable[[System], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    act: Act


async def killed(one: Process, away_s: float) -> None:
    await one.end(signal.SIGKILL)
    await asyncio.sleep(away_s)
    await one.start()


async def ended(one: Process, away_s: float) -> None:
    assert await one.end() == 0, f"{one.name} did not end in order"
    await asyncio.sleep(away_s)
    await one.start()


async def paused(one: Process, for_s: float) -> None:
    one.send(signal.SIGSTOP)
    try:
        await asyncio.sleep(for_s)
    finally:
        one.send(signal.SIGCONT)


async def under(link: Relay, weather: Weather, for_s: float, cut: bool = False) -> None:
    link.weather = weather
    if cut:
        link.cut()
    try:
        await asyncio.sleep(for_s)
    finally:
        link.weather = Weather()
        if weather.silent:
            link.cut()  # what the other side has long given up


async def reread(one: Process) -> None:
    one.send(signal.SIGHUP)
    await asyncio.sleep(0.5)


WEATHERS = {
    "is slow": (Weather(latency_s=0.2), 4.0, False),
    "is thin": (Weather(bytes_per_s=20_000), 4.0, False),
    "is chopped": (Weather(slice=7), 3.0, False),
    "is silent for a moment": (Weather(silent=True), 1.0, False),
    "is silent for long": (Weather(silent=True), 6.0, False),
    "is reset": (Weather(), 0.2, True),
    "is refused": (Weather(refused=True), 3.0, True),
}


def weather_of(name: str, words: str) -> Fault:
    weather, for_s, cut = WEATHERS[words]
    return Fault(f"{name} {words}", lambda s: under(s.links[name], weather, for_s, cut))


def node_faults(n: int) -> list[Fault]:
    return [
        Fault(f"node {n} is killed", lambda s: killed(s.nodes[n], 1)),
        Fault(f"node {n} is killed and stays away", lambda s: killed(s.nodes[n], 6)),
        Fault(f"node {n} is ended", lambda s: ended(s.nodes[n], 0.5)),
        Fault(f"node {n} stands still for a moment", lambda s: paused(s.nodes[n], 1)),
        Fault(f"node {n} stands still for long", lambda s: paused(s.nodes[n], 6)),
        Fault(f"node {n} rereads", lambda s: reread(s.nodes[n])),
    ]


FAULTS: list[Fault] = [
    Fault("Redis is killed", lambda s: killed(s.redis, 1)),
    Fault("Redis is killed and stays away", lambda s: killed(s.redis, 5)),
    Fault("Redis stands still", lambda s: paused(s.redis, 3)),
    Fault("Redis stands still for long", lambda s: paused(s.redis, 8)),
    Fault("the proxy is killed", lambda s: killed(s.proxy, 1)),
    Fault("the proxy is ended", lambda s: ended(s.proxy, 0.5)),
    Fault("the proxy stands still", lambda s: paused(s.proxy, 3)),
    Fault("the proxy rereads", lambda s: reread(s.proxy)),
    *(fault for n in range(NODES) for fault in node_faults(n)),
    *(
        weather_of(name, words)
        for name in ("agents", *(f"{kind}-{n}" for kind in ("redis", "node") for n in range(NODES)))
        for words in WEATHERS
    ),
]


def in_random_order(seed: int, only: str = "") -> Iterator[Fault]:
    """All of them with `only` in their name, each once, then all again in another order, without
    end; always the same for a seed."""
    order = [fault for fault in FAULTS if only in fault.name]
    assert order, f"no fault has '{only}' in its name"
    by_chance = random.Random(seed)
    while True:
        by_chance.shuffle(order)
        yield from order
