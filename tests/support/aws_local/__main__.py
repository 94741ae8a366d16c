"""`python -m aws_local [--port N]`"""

from __future__ import annotations

import argparse
import os
import signal
import sys

from aws_local.server import Server


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="aws-local", description="A local AWS that refuses what AWS refuses."
    )
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1; 0 takes a free one")
    port = parser.parse_args().port
    signal.signal(signal.SIGTERM, lambda *_rest: sys.exit(0))
    try:
        server = Server(port)
    except OSError as error:
        print(
            f"aws-local: port {port} cannot be had: {os.strerror(error.errno or 0)}",
            file=sys.stderr,
        )
        return 1
    print(f"ready aws-local {server.url}", flush=True)
    try:
        server.serve()
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
