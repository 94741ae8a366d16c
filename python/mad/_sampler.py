"""This machine's health again and again."""

from __future__ import annotations

import asyncio
import json
import math
import random
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, cast

if TYPE_CHECKING:
    from mad._core import Sampler as NativeSampler
    from mad._health import Health

FIRST_RATES = 0.3
"""Seconds between the two readings that the rates of a first sample need."""
LEAST = 0.1
"""Seconds between two readings below which there are no rates."""


class Pace:
    """When samples are due: at times `interval` apart that begin at random within one after the
    first. What was missed is left out, never made up for.

    >>> pace = Pace(10)
    >>> phase = pace.wait(taken=100, now=100)
    >>> 0.1 <= phase <= 10.1
    True
    >>> due = 100 + phase
    >>> round(pace.wait(taken=due, now=due + 4), 6)  # four seconds of other work
    6.0
    >>> round(pace.wait(taken=due + 10, now=due + 35), 6)  # too much of it
    5.0
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._due: float | None = None

    def wait(self, taken: float, now: float) -> float:
        """Seconds from `now` to the next, at least `LEAST` after the one that was `taken`."""
        before = taken - self._interval * random.random() if self._due is None else self._due
        ahead = max(taken + LEAST, now) - before
        self._due = before + self._interval * max(1, math.ceil(ahead / self._interval))
        return max(0.0, self._due - now)


class Sampler:
    """Takes samples of this machine. Files stay open and rates are over the time since the sample
    before, which makes it cheaper than `mad.sample` again and again.

    >>> import mad
    >>> with mad.Sampler(interval=0.2) as sampler:
    ...     for health in sampler:
    ...         break
    >>> 0 <= health["cpu"]["pct"] <= 100
    True

    `for` gives the first sample after 0.3 s, and then one each `interval` seconds (0.2 to 60;
    default 2.5, that of the agent) at even times which begin at random within one interval, so that
    machines that start together do not sample together. A time that was missed is left out.
    `async for` does the same and keeps no loop waiting. Both go on until `close`.

    `scope` says whose CPUs and memory are shown: those of the machine (`host`), what the limits of
    our control group leave of them (`cgroup`), or the latter in a container alone (`auto`).
    `procfs`, `sysfs` and `rootfs` say where the trees of another view are mounted, as a container
    has them that watches its host. `nics`: these interfaces count and no others; `no_nics`: these
    never; both may hold `*`. `network_mounts` looks at NFS and its like, too; `disk_temperatures`
    at disks, which wakes those that sleep.

    Threads may share one: a sample is then over the time since whoever took one before.
    """

    def __init__(
        self,
        interval: float = 2.5,
        *,
        scope: Literal["auto", "host", "cgroup"] = "auto",
        procfs: str = "/proc",
        sysfs: str = "/sys",
        rootfs: str = "",
        nics: Sequence[str] = (),
        no_nics: Sequence[str] = (),
        network_mounts: bool = False,
        disk_temperatures: bool = False,
    ) -> None:
        if not 2 * LEAST <= interval <= 60:
            raise ValueError("interval must be 0.2 to 60 seconds")
        if scope not in ("auto", "host", "cgroup"):
            raise ValueError("scope must be auto, host or cgroup")
        if isinstance(nics, str) or isinstance(no_nics, str):
            raise TypeError("nics and no_nics are lists of names")
        from mad._core import Sampler as Native

        self._interval = interval
        self._closed = threading.Event()
        self._native: NativeSampler | None = Native(
            interval=interval,
            scope=scope,
            procfs=procfs,
            sysfs=sysfs,
            rootfs=rootfs,
            nics=list(nics),
            no_nics=list(no_nics),
            network_mounts=network_mounts,
            disk_temperatures=disk_temperatures,
        )
        self._native.take_json()  # what the first rates are counted from

    @property
    def interval(self) -> float:
        """Seconds between the samples of an iteration."""
        return self._interval

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    def take(self) -> Health:
        """A sample now. Rates are over the time since the one before (the first: since the sampler
        was made), and absent when that was less than 0.1 s ago. Other threads run meanwhile.
        ValueError when closed."""
        native = self._native
        if native is None:
            raise ValueError("the sampler is closed")
        return cast("Health", json.loads(native.take_json()))

    def close(self) -> None:
        """Ends it: a `for` at once, an `async for` at its next time. May be called again."""
        self._closed.set()
        self._native = None

    def _take_if_open(self) -> Health | None:
        try:
            return self.take()
        except ValueError:
            if self.closed:
                return None
            raise

    def __iter__(self) -> Iterator[Health]:
        pace, seconds = Pace(self._interval), FIRST_RATES
        while not self._closed.wait(seconds) and (health := self._take_if_open()) is not None:
            taken = time.monotonic()
            yield health
            seconds = pace.wait(taken, time.monotonic())

    async def __aiter__(self) -> AsyncIterator[Health]:
        pace, seconds = Pace(self._interval), FIRST_RATES
        while True:
            await asyncio.sleep(seconds)
            if (health := await asyncio.to_thread(self._take_if_open)) is None:
                return
            taken = time.monotonic()
            yield health
            seconds = pace.wait(taken, time.monotonic())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
