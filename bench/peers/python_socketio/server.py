"""python-socketio on uvicorn, as it comes: `--listen HOST:PORT` (0: any)."""

from __future__ import annotations

import argparse
import asyncio
import socket
from typing import Any

import socketio
import uvicorn

io = socketio.AsyncServer(async_mode="asgi")


@io.event
async def echo(_sid: str, x: Any) -> Any:
    return x


@io.event
async def bcast(_sid: str, x: Any) -> None:
    await io.emit("bcast-out", x)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", default="127.0.0.1:0")
    host, _, port = parser.parse_args().listen.rpartition(":")
    listener = socket.create_server((host, int(port)), backlog=4096)
    server = uvicorn.Server(uvicorn.Config(socketio.ASGIApp(io), log_level="warning"))
    serving = asyncio.create_task(server.serve([listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    print(f"ready python-socketio http://{host}:{listener.getsockname()[1]}", flush=True)
    await serving


if __name__ == "__main__":
    asyncio.run(main())
