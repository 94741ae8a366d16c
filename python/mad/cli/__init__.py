"""The command `mad`: each command is a module that parses, calls, prints and gives an exit code."""

from __future__ import annotations

import sys

NATIVE = ("api", "agent", "web")


def main() -> None:
    # The native programs parse their own arguments, `--help` included.
    if len(sys.argv) > 1 and sys.argv[1] in NATIVE:
        from mad import _programs

        _programs.run(f"mad-{sys.argv[1]}", sys.argv[2:])

    from mad.cli.app import app

    app()
