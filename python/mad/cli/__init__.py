"""The command `mad`: each command is a module that parses, calls, prints and gives an exit code."""

from __future__ import annotations

import sys

NATIVE = ("api", "agent", "proxy", "web")


def main() -> None:
    # The native programs parse their own arguments, `--help` included; `mad proxy top` is ours.
    words = sys.argv[1:]
    if words and words[0] in NATIVE and words[:2] != ["proxy", "top"]:
        from mad import _programs

        _programs.run(f"mad-{words[0]}", words[1:])

    from mad.cli.app import app

    app()
