"""Entry points of the native programs: this process becomes the program, its pid stays."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from mad import _paths


def run(name: str, arguments: Sequence[str]) -> NoReturn:
    """Replaces this process by the native program `name`."""
    try:
        path = _paths.program(name)
    except _paths.NotInstalledError as error:
        sys.exit(f"{name}: {error}")
    os.execv(path, [name, *arguments])


def api() -> NoReturn:
    run("mad-api", sys.argv[1:])


def agent() -> NoReturn:
    run("mad-agent", sys.argv[1:])


def proxy() -> NoReturn:
    run("mad-proxy", sys.argv[1:])


def web() -> NoReturn:
    run("mad-web", sys.argv[1:])


def synthetic() -> NoReturn:
    run("mad-synthetic", sys.argv[1:])
