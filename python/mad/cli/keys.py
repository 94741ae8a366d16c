"""Keys of a terminal, one at a time, with names."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from collections import deque
from typing import TextIO

# What terminals send, after ESC.
_SEQUENCES = {
    "[A": "up",
    "[B": "down",
    "[C": "right",
    "[D": "left",
    "OA": "up",
    "OB": "down",
    "OC": "right",
    "OD": "left",
    "[H": "home",
    "[F": "end",
    "OH": "home",
    "OF": "end",
    "[1~": "home",
    "[4~": "end",
    "[5~": "pageup",
    "[6~": "pagedown",
}
_NAMES = {
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x15": "clear",
    "\x03": "q",
    "\x04": "q",
}


def split(text: str) -> list[str]:
    """What was typed as keys: characters, and names like `up` and `enter`. Unknown sequences are
    left out."""
    keys: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char != "\x1b":
            keys.append(_NAMES.get(char, char))
            continue
        if at == len(text) or text[at] not in "[O":
            keys.append("escape")
            continue
        end = at + 1
        while end < len(text) and not (text[end].isalpha() or text[end] == "~"):
            end += 1
        name = _SEQUENCES.get(text[at : end + 1])
        if name:
            keys.append(name)
        at = end + 1
    return keys


class Keys:
    """Waits for keys of a terminal; where there is none, just waits."""

    def __init__(self, stream: TextIO = sys.stdin) -> None:
        self._stream = stream if stream.isatty() else None
        self._typed: deque[str] = deque()

    def __enter__(self) -> Keys:
        if self._stream:
            self._before = termios.tcgetattr(self._stream)
            tty.setcbreak(self._stream)
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream:
            termios.tcsetattr(self._stream, termios.TCSADRAIN, self._before)

    def next(self, seconds: float) -> str | None:
        """The next key; None when none comes in that time. The end of the terminal is a `q`."""
        if self._typed:
            return self._typed.popleft()
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._stream is None:
                time.sleep(left)
            elif select.select([self._stream], [], [], left)[0]:
                typed = os.read(self._stream.fileno(), 256)
                self._typed.extend(split(typed.decode(errors="replace")) if typed else "q")
                if self._typed:
                    return self._typed.popleft()
        return None
