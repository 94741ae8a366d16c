"""A cable between two programs that can be slow, thin, chopped, silent, cut or not there at all."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass


@dataclass(slots=True)
class Weather:
    """What happens to bytes on the way, in both directions, from now on."""

    latency_s: float = 0
    bytes_per_s: float = 0
    """0: as many as come."""
    slice: int = 0
    """At most so many at once; 0: as many as come."""
    silent: bool = False
    """Nothing passes, and nobody is told."""
    refused: bool = False
    """New connections are ended at once."""


class Relay:
    """Listens on `port` and carries everything to `to`."""

    def __init__(self, to: int) -> None:
        self.to = to
        self.port = 0
        self.weather = Weather()
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Resets everything that is open."""
        for pair in list(self._pairs):
            for end in pair:
                end.transport.abort()

    async def _accept(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if self.weather.refused:
            back.transport.abort()
            return
        try:
            far, forth = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            back.transport.abort()
            return
        pair = (back, forth)
        self._pairs.add(pair)
        try:
            await asyncio.gather(self._carry(near, forth), self._carry(far, back))
        finally:
            self._pairs.discard(pair)
            for end in pair:
                end.transport.abort()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(self.weather.slice or 65_536):
                weather = self.weather
                while self.weather.silent:
                    await asyncio.sleep(0.05)
                wait = weather.latency_s
                if weather.bytes_per_s:
                    wait += len(data) / weather.bytes_per_s
                if wait:
                    await asyncio.sleep(wait)
                sink.write(data)
                await sink.drain()
            sink.write_eof()
