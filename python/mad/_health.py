"""One machine's health, sampled here."""

from __future__ import annotations

import time
from typing import Any, TypedDict

from mad._sampler import Sampler


class Cpu(TypedDict, total=False):
    """Percent of all CPUs' time, in a control group's view of the `usable` ones. `cores` has one
    entry a CPU, None for one that is offline. Above 64 CPUs it is an object with n, min, mean, max
    and the ten busiest as top."""

    pct: float
    user: float
    sys: float
    iowait: float
    steal: float
    throttled: float
    usable: float
    cores: list[float | None] | dict[str, Any]


class Memory(TypedDict, total=False):
    """Bytes, but `pct`."""

    total: int
    avail: int
    pct: float
    swap_total: int
    swap_used: int


class Filesystem(TypedDict, total=False):
    """A mounted filesystem: `m` is where, `fs` its type; bytes and percents."""

    m: str
    fs: str
    size: int
    avail: int
    pct: float
    ipct: float
    ro: bool
    net: bool
    stuck: bool


class Pressure(TypedDict, total=False):
    """Percent of the time in which some task, and all of them, waited: [some, full]; the machine's
    `cpu` has no full."""

    cpu: list[float | None]
    mem: list[float | None]
    io: list[float | None]


class Hottest(TypedDict, total=False):
    """The sensor nearest to its limit, in degrees Celsius."""

    max: float
    name: str
    crit: float


class Sensor(TypedDict, total=False):
    """Degrees Celsius."""

    n: str
    c: float
    crit: float


class Health(TypedDict, total=False):
    """What an agent sends as `health`: absent is unknown, 0 is a measured 0. `storage` (percent
    used of the fullest filesystem) and `network` (Mbit/s, both directions) are always there."""

    storage: float
    network: float
    cpu: Cpu
    load: list[float]
    mem: Memory
    psi: Pressure
    psi60: Pressure
    disk: list[Filesystem]
    disk_more: int
    io: dict[str, float]
    net: dict[str, Any]
    temp: Hottest
    temps: list[Sensor]
    temps_more: int
    up: float
    procs: dict[str, int]
    agent: dict[str, float]
    err: list[str]


def sample(interval: float = 0.5) -> Health:
    """This machine's health. Takes two readings `interval` seconds (at least 0.1) apart, since
    rates come from the difference. What cannot be read is absent, and named in `err`.

    >>> import mad
    >>> health = mad.sample(0.1)
    >>> 0 <= health["storage"] <= 100
    True
    """
    if not 0.1 <= interval <= 60:
        raise ValueError("interval must be 0.1 to 60 seconds")
    with Sampler(max(interval, 0.2)) as sampler:
        time.sleep(interval)
        return sampler.take()
