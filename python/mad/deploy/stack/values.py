"""Readers of single values: each takes what TOML gave and returns it as the settings hold it, or
raises `Wrong` with the problem and the remedy."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from difflib import get_close_matches
from pathlib import Path
from typing import Any


class Wrong(Exception):  # noqa: N818 (a verdict, caught beside where it is raised)
    def __init__(self, problem: str, remedy: str, item: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.item = item
        """Of a list: which one."""


@dataclass(frozen=True, slots=True)
class Reader:
    words: str
    """What is expected, for people and the table in the docs: `int, 1 to 50`."""
    read: Callable[[object], Any]


def kind(value: object) -> str:
    """What TOML calls it."""
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "an integer"
    if isinstance(value, float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, dict):
        return "a table"
    return "a date or a time" if isinstance(value, date | time) else type(value).__name__


def text_of(value: object, example: str) -> str:
    if not isinstance(value, str):
        raise Wrong(f"{kind(value)} where a string is expected", f'write it as "{example}"')
    return value


def nearest(word: str, known: tuple[str, ...]) -> str | None:
    return next(iter(get_close_matches(word, known, n=1, cutoff=0.6)), None)


def boolean() -> Reader:
    def read(value: object) -> bool:
        if isinstance(value, bool):
            return value
        hint = str(value).lower() if str(value).lower() in ("true", "false") else "true or false"
        raise Wrong(f"{kind(value)} where true or false is expected", f"write {hint}, unquoted")

    return Reader("true or false", read)


def integer(low: int, high: int, too_high: str | None = None) -> Reader:
    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            quoted = isinstance(value, str) and re.fullmatch(r"-?\d+", value)
            remedy = f"write {value} without quotes" if quoted else f"write one of {low} to {high}"
            raise Wrong(f"{kind(value)} where an integer is expected", remedy)
        if not low <= value <= high:
            more = too_high if too_high and value > high else None
            only = f"{low}" if low == high else f"one of {low} to {high}"
            raise Wrong(f"{value} is out of range", more or f"write {only}")
        return value

    return Reader(f"int, {low}" if low == high else f"int, {low} to {high}", read)


def number(over: float, high: float) -> Reader:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Wrong(f"{kind(value)} where a number is expected", "write it without quotes")
        if not math.isfinite(value) or not over < value <= high:
            raise Wrong(f"{value} is out of range", f"write more than {over:g}, at most {high:g}")
        return float(value)

    return Reader(f"number, more than {over:g}, at most {high:g}", read)


def choice(*known: str) -> Reader:
    listed = ", ".join(f'"{one}"' for one in known)

    def read(value: object) -> str:
        text = text_of(value, known[0])
        if text in known:
            return text
        near = nearest(text.lower(), known)
        raise Wrong(f'"{text}" is none of {listed}', f'write "{near or known[0]}"')

    return Reader(f"one of {listed}", read)


def pattern(
    words: str, expression: str, remedy: str, example: str, near: tuple[str, ...] = ()
) -> Reader:
    """`near`: words one of which may have been meant."""
    compiled = re.compile(expression)

    def read(value: object) -> str:
        text = text_of(value, example)
        if not compiled.fullmatch(text):
            meant = nearest(text.lower(), near)
            raise Wrong(f'"{text}" is not {words}', f'write "{meant}"' if meant else remedy)
        return text

    return Reader(words, read)


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration(low_s: float, high_s: float) -> Reader:
    span = f"{spoken(low_s)} to {spoken(high_s)}"

    def read(value: object) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise Wrong("a duration without a unit", f'write "{value}s" for seconds')
        text = text_of(value, spoken(high_s))
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
        if not match:
            raise Wrong(f'"{text}" is not a duration', 'write a number with ms, s, m or h: "10s"')
        seconds = float(match[1]) * _UNITS[match[2]]
        if not low_s <= seconds <= high_s:
            raise Wrong(f'"{text}" is out of range', f"write {span}")
        return seconds

    return Reader(f"duration, {span}", read)


def spoken(seconds: float) -> str:
    """`10s`, `2m`, `1h`."""
    for unit in ("h", "m", "s"):
        if seconds >= _UNITS[unit] and seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:g}{unit}"
    return f"{seconds:g}s" if seconds == 0 else f"{seconds * 1000:g}ms"


def share(high: int) -> Reader:
    def read(value: object) -> int | str:
        if isinstance(value, str):
            match = re.fullmatch(r"(\d{1,3})%", value)
            if match and 1 <= int(match[1]) <= 100:
                return value
            raise Wrong(f'"{value}" is no share of the hosts', 'write "1%" to "100%", or a number')
        if isinstance(value, bool) or not isinstance(value, int):
            raise Wrong(f"{kind(value)} where a number or a share is expected", 'write 1 or "25%"')
        if not 1 <= value <= high:
            raise Wrong(f"{value} is out of range", f'write 1 to {high}, or a share such as "25%"')
        return value

    return Reader(f'int, 1 to {high}, or a share such as "25%"', read)


def path(folder: Path) -> Callable[[str], Path]:
    """Relative paths count from `folder`; `~` is the user's home."""

    def absolute(text: str) -> Path:
        try:
            return folder / Path(text).expanduser()
        except RuntimeError:
            raise Wrong(f"no home folder is known for {text}", "write the whole path") from None

    return absolute


def file_name() -> Reader:
    def read(value: object) -> str:
        text = text_of(value, "folder/file")
        if not text or "\0" in text:
            raise Wrong("an empty file name", "name a file, or remove the key")
        return text

    return Reader("path", read)
