"""The search of consoles and of `mad top`: `tag:prod state:crit,warn cpu>80 -region:eu*`.

The same grammar as the nodes' (mad/fleet/search.hpp) and the page's; `tests/data/search` holds the
rows that all of them pass."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

NUMBERS = ("storage", "network", "cpu", "mem", "load", "psi", "up")
WORDS = ("id", "name", "region", "tag", "state", "flag", "rule", "role")
STATES = ("ok", "warn", "crit", "stale", "offline")
FLAGS = {"dup": 1, "muted": 2, "flapping": 4}

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_COMPARISON = re.compile(r"([A-Za-z_]+)(>=|<=|>|<|=)(.*)", re.DOTALL)


class SearchError(ValueError):
    """The text is no search; `at` is the place, in characters from 0."""

    def __init__(self, at: int, what: str) -> None:
        super().__init__(what)
        self.at = at


class Searched(Protocol):
    """What a search looks at: a column of one host by its name."""

    def __getitem__(self, column: str, /) -> Any: ...


Test = Callable[[Searched], bool]


@dataclass(frozen=True, slots=True)
class Search:
    """All of its terms must fit."""

    tests: tuple[Test, ...] = ()

    def matches(self, host: Searched) -> bool:
        return all(test(host) for test in self.tests)


@dataclass(frozen=True, slots=True)
class _Term:
    at: int
    text: str
    quoted: bool


def _terms(text: str) -> list[_Term]:
    """Words parted by blanks; quotes keep blanks, a backslash keeps what follows."""
    found: list[_Term] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        begin, word, quoted, open_at = at, "", False, -1
        while at < len(text) and (open_at >= 0 or not text[at].isspace()):
            if text[at] == '"':
                quoted = quoted or at == begin
                open_at = -1 if open_at >= 0 else at
            elif text[at] == "\\" and at + 1 < len(text):
                at += 1
                word += text[at]
            else:
                word += text[at]
            at += 1
        if open_at >= 0:
            raise SearchError(open_at, "this quote is not closed")
        found.append(_Term(begin, word, quoted))
    return found


def _fits(pattern: str) -> Callable[[str], bool]:
    """Equal, or like a pattern with `*`; case does not matter."""
    wanted = pattern.casefold()
    if "*" not in wanted:
        return lambda value: value.casefold() == wanted
    parts = (re.escape(part) for part in wanted.split("*"))
    like = re.compile(".*".join(parts), re.DOTALL)
    return lambda value: like.fullmatch(value.casefold()) is not None


def _word(text: str) -> Test:
    wanted = text.casefold()

    def test(host: Searched) -> bool:
        names = (host["id"], host["name"] or "", *(host["tags"] or ()))
        return any(wanted in name.casefold() for name in names)

    return test


def _comparison(at: int, column: str, sign: str, value: str) -> Test:
    if column not in NUMBERS:
        raise SearchError(at, f"'{column}' is no number to compare; there are {', '.join(NUMBERS)}")
    try:
        limit = float(value)
    except ValueError:
        raise SearchError(
            at + len(column) + len(sign), f"'{value}' is no number; write {column}{sign}80"
        ) from None
    compare = _COMPARE[sign]

    def test(host: Searched) -> bool:
        found = host[column]
        return found is not None and compare(found, limit)

    return test


def _choice(at: int, what: str, value: str, known: Sequence[str]) -> list[str]:
    wanted = value.casefold().split(",")
    for one in wanted:
        if one not in known:
            raise SearchError(at, f"'{one}' is no {what}; there are {', '.join(known)}")
    return wanted


def _named(at: int, key: str, value: str) -> Test:
    if not value:
        raise SearchError(at, f"after {key}: comes what it shall be")
    place = at + len(key) + 1
    if key == "state":
        states = _choice(place, "state", value, STATES)
        return lambda host: host["state"] in states
    if key == "flag":
        bits = sum(FLAGS[flag] for flag in _choice(place, "flag", value, tuple(FLAGS)))
        return lambda host: bool((host["flags"] or 0) & bits)
    fits = [_fits(one) for one in value.split(",")]
    if key in ("id", "name", "region", "rule"):
        return lambda host: any(fit(host[key] or "") for fit in fits)
    if key == "tag":
        return lambda host: any(fit(tag) for tag in host["tags"] or () for fit in fits)
    prefix = key.casefold() + ":"

    def test(host: Searched) -> bool:
        values = [
            tag[len(prefix) :] for tag in host["tags"] or () if tag.casefold().startswith(prefix)
        ]
        return any(fit(one) for one in values for fit in fits)

    return test


def parse(text: str) -> Search:
    """Raises SearchError, which names the place."""
    return Search(tuple(_test(term) for term in _terms(text)))


def _test(term: _Term) -> Test:
    text, at = term.text, term.at
    if not term.quoted and text.startswith("-") and len(text) > 1:
        inner = _test(_Term(at + 1, text[1:], quoted=False))
        return lambda host: not inner(host)
    if term.quoted:
        return _word(text)
    if found := _COMPARISON.fullmatch(text):
        return _comparison(at, found[1].casefold(), found[2], found[3])
    key, colon, value = text.partition(":")
    if colon and key:
        return _named(at, key.casefold(), value)
    if "*" in text:
        fits = _fits(text)
        return lambda host: fits(host["id"]) or fits(host["name"] or "")
    return _word(text)
