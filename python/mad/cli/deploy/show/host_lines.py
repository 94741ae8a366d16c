"""Lines of several hosts beside each other, each behind the name of its host."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import TextIO

COLOURS = (36, 33, 35, 32, 34, 96, 93, 95, 92, 94)
"""Of a terminal; red is kept for what is wrong."""


def coloured(out: TextIO) -> bool:
    return out.isatty() and not os.environ.get("NO_COLOR")


class HostLines:
    """Whole lines, from any thread."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)
        self._width = max((len(name) for name in self._names), default=0)
        self._guard = threading.Lock()

    def head(self, name: str, out: TextIO) -> str:
        """`api-0  | `"""
        if not coloured(out):
            return f"{name:<{self._width}} | "
        at = self._names.index(name) if name in self._names else 0
        return f"\x1b[{COLOURS[at % len(COLOURS)]}m{name:<{self._width}} |\x1b[0m "

    def line(self, name: str, text: str, out: TextIO) -> None:
        with self._guard:
            out.write(f"{self.head(name, out)}{text}\n")
            out.flush()
