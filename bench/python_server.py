"""`mad.socketio` with handlers in Python: `--listen HOST:PORT` (0: any)."""

from __future__ import annotations

import argparse
from typing import Any

from mad.socketio import Server

parser = argparse.ArgumentParser()
parser.add_argument("--listen", default="127.0.0.1:0")
io = Server(parser.parse_args().listen)


@io.on("echo")
def echo(_sock: Any, x: Any) -> Any:
    return x


@io.on("bcast")
def bcast(_sock: Any, x: Any) -> None:
    io.emit("bcast-out", x)


if __name__ == "__main__":
    io.start()
    print(f"ready mad {io.url}", flush=True)
    io.serve_forever()
