"""The search of consoles and of `mad top`: `tag:prod state:crit,warn cpu>80 -region:eu*`.

The same grammar as the nodes' (mad/fleet/search.hpp) and the page's; `tests/data/search` holds the
rows that all of them pass. Case does not matter for the letters of ASCII."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

PERCENTS = ("storage", "cpu", "mem", "psi")
NUMBERS = (*PERCENTS, "network", "load", "up")
STATES = ("ok", "warn", "crit", "stale", "offline")
FLAGS = {"dup": 1, "muted": 2, "flapping": 4}
MOST_TERMS = 32

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_NUMBER = re.compile(r"(-?(?:\d+(?:\.\d+)?|\.\d+))(.?)")
_SPANS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class SearchError(ValueError):
    """The text is no search. `at`: the place, in characters from 0; `name`: the kind of mistake."""

    def __init__(self, name: str, at: int, what: str) -> None:
        super().__init__(what)
        self.name = name
        self.at = at


class Searched(Protocol):
    """What a search looks at: a column of one host by its name."""

    def __getitem__(self, column: str, /) -> Any: ...


Test = Callable[[Searched], bool]
# A character, its place, and whether it stood in quotes and so means nothing but itself.
Letter = tuple[str, int, bool]


@dataclass(frozen=True, slots=True)
class Search:
    """All of its terms must fit."""

    tests: tuple[Test, ...] = ()

    def matches(self, host: Searched) -> bool:
        return all(test(host) for test in self.tests)


def _lower(text: str) -> str:
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def _terms(text: str) -> list[list[Letter]]:
    """Words parted by blanks; quotes keep blanks, and in them a backslash what follows."""
    found: list[list[Letter]] = []
    term: list[Letter] | None = None
    opened = -1
    at = 0
    while at < len(text):
        char = text[at]
        if opened < 0 and char.isspace():
            term = None
        else:
            if term is None:
                term = []
                found.append(term)
            if char == '"':
                if opened >= 0 and at == opened + 1 and [t[1] for t in term] == []:
                    _refuse_empty(text, at)
                opened = at if opened < 0 else -1
            elif opened >= 0 and char == "\\" and at + 1 < len(text):
                at += 1
                term.append((text[at], at, True))
            else:
                term.append((char, at, opened >= 0))
        at += 1
    if opened >= 0:
        raise SearchError("unclosed_quote", opened, "this quote is not closed")
    return found


def _refuse_empty(text: str, at: int) -> None:
    """A word that is nothing but empty quotes, which end at this place."""
    if at + 1 == len(text) or text[at + 1].isspace():
        raise SearchError("empty_quotes", at - 1, "there is nothing in these quotes")


def _pattern(letters: Iterable[Letter]) -> re.Pattern[str]:
    parts = (
        ".*" if char == "*" and not quoted else re.escape(_lower(char))
        for char, _, quoted in letters
    )
    return re.compile("".join(parts), re.DOTALL)


def _words(letters: Sequence[Letter], end: int) -> list[tuple[int, list[Letter]]]:
    """Parted by commas, each with its place; `end` is where the last one would begin."""
    parts: list[list[Letter]] = [[]]
    places = [letters[0][1] if letters else end]
    for letter in letters:
        if letter[0] == "," and not letter[2]:
            parts.append([])
            places.append(letter[1] + 1)
        else:
            parts[-1].append(letter)
    for place, part in zip(places, parts, strict=True):
        if not part:
            raise SearchError("missing_value", place, "a value is missing here")
    return list(zip(places, parts, strict=True))


def _plain(letters: Iterable[Letter]) -> str:
    return "".join(char for char, *_ in letters)


def _word(letters: Sequence[Letter]) -> Test:
    like = _pattern(letters)

    def test(host: Searched) -> bool:
        names = (host["id"], host["name"] or "", *(host["tags"] or ()))
        return any(like.search(_lower(name)) for name in names)

    return test


def _comparison(key: str, at: int, sign: str, value: str, place: int) -> Test:
    if key not in NUMBERS:
        raise SearchError(
            "unknown_metric", at, f"'{key}' is no number to compare; there are {', '.join(NUMBERS)}"
        )
    found = _NUMBER.fullmatch(value)
    units = _SPANS if key == "up" else {"": 1, "%": 1} if key in PERCENTS else {"": 1}
    if not found or found[2] not in units:
        raise SearchError("bad_number", place, f"'{value}' is no number; write {key}{sign}80")
    limit = float(found[1]) * units[found[2]]
    compare = _COMPARE[sign]

    def test(host: Searched) -> bool:
        known = host[key]
        return known is not None and compare(known, limit)

    return test


def _choice(
    what: str, words: list[tuple[int, list[Letter]]], known: Iterable[str]
) -> frozenset[str]:
    wanted = []
    for place, word in words:
        name = _lower(_plain(word))
        if name not in known:
            raise SearchError(
                f"unknown_{what}", place, f"'{name}' is no {what}; there are {', '.join(known)}"
            )
        wanted.append(name)
    return frozenset(wanted)


def _named(key: str, letters: Sequence[Letter], end: int) -> Test:
    words = _words(letters, end)
    if key == "state":
        states = _choice("state", words, STATES)
        return lambda host: host["state"] in states
    if key == "flag":
        bits = sum(FLAGS[flag] for flag in _choice("flag", words, FLAGS))
        return lambda host: bool((host["flags"] or 0) & bits)
    likes = [_pattern(word) for _, word in words]
    if key == "os":  # nobody knows versions by heart: a part is enough
        return lambda host: any(like.search(_lower(host["os"] or "")) for like in likes)
    if key in ("id", "name", "region"):

        def test(host: Searched) -> bool:
            value = _lower(host[key] or "")
            return value != "" and any(like.fullmatch(value) for like in likes)

        return test
    prefix = "" if key == "tag" else key + ":"

    def tagged(host: Searched) -> bool:
        tags = [_lower(tag) for tag in host["tags"] or ()]
        values = [tag[len(prefix) :] for tag in tags if tag.startswith(prefix)]
        return any(like.fullmatch(value) for value in values for like in likes)

    return tagged


def _test(letters: Sequence[Letter], at: int) -> Test:
    """One term, which begins at that place."""
    if letters and letters[0][0] == "-" and not letters[0][2]:
        if len(letters) == 1:
            raise SearchError("nothing_negated", at, "after - comes what shall not fit")
        inner = _word(letters[1:]) if letters[1][0] == "-" else _test(letters[1:], at + 1)
        return lambda host: not inner(host)
    for number, (char, place, quoted) in enumerate(letters):
        if quoted or char not in ":><=":
            continue
        key = _lower(_plain(letters[:number]))
        if char == ":":
            return _named(key, letters[number + 1 :], place + 1) if key else _word(letters)
        after = letters[number + 1 :]
        two = char + after[0][0] if after else char
        sign = two if two in _COMPARE else char
        value = _plain(after[len(sign) - 1 :])
        return _comparison(key, at, sign, value, place + len(sign))
    return _word(letters)


def parse(text: str) -> Search:
    """Raises SearchError, which names the place."""
    terms = [(_place(term), term) for term in _terms(text)]
    if len(terms) > MOST_TERMS:
        at = terms[MOST_TERMS][0]
        raise SearchError("too_many_terms", at, f"a search has at most {MOST_TERMS} terms")
    return Search(tuple(_test(term, at) for at, term in terms))


def _place(term: Sequence[Letter]) -> int:
    return term[0][1] - (1 if term[0][2] else 0)
