"""The load balancer of the world: `balance.py ADDRESS PORT FILE`. Connections go to the addresses
in the file (`host:port` a line), one after the other; those that refuse are left out."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

turn = 0


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await source.read(1 << 16):
            target.write(piece)
            await target.drain()
    with contextlib.suppress(OSError, RuntimeError):
        target.write_eof()


async def serve(file: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    global turn
    targets = file.read_text().split()
    turn += 1
    for at in range(len(targets)):
        host, _, port = targets[(turn + at) % len(targets)].rpartition(":")
        try:
            connecting = asyncio.open_connection(host, int(port))
            inner, outer = await asyncio.wait_for(connecting, 3)
        except (OSError, TimeoutError):
            continue
        await asyncio.gather(copy(reader, outer), copy(inner, writer))
        outer.close()
        break
    writer.close()


async def main() -> None:
    address, port, file = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    server = await asyncio.start_server(lambda r, w: serve(file, r, w), address, port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
