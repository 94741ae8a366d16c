"""On which line of a TOML file each key stands: `tomllib` does not say."""

from __future__ import annotations

import re
import tomllib

Path = tuple[str | int, ...]
"""Keys from the outermost in; of arrays the index: `("network", "ssh_from", 0)`."""

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}' + r"|'''.*?'{3,5}" + r'|"(?:[^"\\\n]|\\.)*"' + r"|'[^'\n]*'",
    re.DOTALL,
)
_OTHER = re.compile(r"[^,\]}#\n]+")


class Lines:
    """The lines of one file, from 1."""

    def __init__(self, known: dict[Path, int]) -> None:
        self._known = known

    def of(self, *path: str | int) -> int:
        """Where `path` begins; of what is not in the file, the innermost table that is, or 1."""
        while path and path not in self._known:
            path = path[:-1]
        return self._known.get(path, 1)

    def has(self, *path: str | int) -> bool:
        return path in self._known

    def known(self) -> tuple[Path, ...]:
        return tuple(self._known)


class _Scanner:
    """Knows that the text is right: `tomllib` has read it before."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.known: dict[Path, int] = {}
        self.tables: dict[Path, int] = {}
        """How many `[[x]]` were seen of each array of tables."""

    def move(self, to: int) -> None:
        self.line += self.text.count("\n", self.at, to)
        self.at = to

    def skip(self) -> None:
        match = _SPACE.match(self.text, self.at)
        assert match
        self.move(match.end())

    def taken(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self.text, self.at)
        if not match:
            return None
        self.move(match.end())
        return match.group()

    def sees(self, char: str) -> bool:
        return self.text.startswith(char, self.at)

    def key(self) -> tuple[str, ...]:
        """A key with its dots, up to what follows it."""
        parts: list[str] = []
        while True:
            self.skip()
            quoted = self.taken(_STRING)
            if quoted is None:
                parts.append(self.taken(_BARE) or "")
            else:
                parts.append(next(iter(tomllib.loads(f"{quoted} = 0"))))
            self.skip()
            if not self.sees("."):
                return tuple(parts)
            self.move(self.at + 1)

    def note(self, path: Path, line: int) -> None:
        for length in range(1, len(path) + 1):
            self.known.setdefault(path[:length], line)

    def value(self, path: Path) -> None:
        self.skip()
        if self.sees("["):
            self.items(path)
        elif self.sees("{"):
            self.pairs(path)
        elif self.taken(_STRING) is None:
            self.taken(_OTHER)

    def items(self, path: Path) -> None:
        self.move(self.at + 1)
        index = 0
        while True:
            self.skip()
            if self.sees("]"):
                break
            if self.sees(","):
                self.move(self.at + 1)
                continue
            self.note((*path, index), self.line)
            self.value((*path, index))
            index += 1
        self.move(self.at + 1)

    def pairs(self, path: Path) -> None:
        self.move(self.at + 1)
        while True:
            self.skip()
            if self.sees("}"):
                break
            if self.sees(","):
                self.move(self.at + 1)
                continue
            self.pair(path)
        self.move(self.at + 1)

    def pair(self, table: Path) -> None:
        line = self.line
        path = (*table, *self.key())
        self.note(path, line)
        self.move(self.at + 1)
        self.value(path)

    def header(self) -> Path:
        line = self.line
        double = self.sees("[[")
        self.move(self.at + 1 + double)
        named = self.key()
        self.move(self.at + 1 + double)
        path: Path = ()
        for part in named[:-1]:
            path = (*path, part)
            if path in self.tables:
                path = (*path, self.tables[path] - 1)
        path = (*path, named[-1])
        if double:
            self.note(path, line)
            index = self.tables.get(path, 0)
            self.tables[path] = index + 1
            path = (*path, index)
        self.note(path, line)
        # `[a.b]` before `[a]` made `a` known by the way: its own header says it better.
        self.known[path] = line
        return path

    def run(self) -> Lines:
        table: Path = ()
        self.skip()
        while self.at < len(self.text):
            if self.sees("["):
                table = self.header()
            else:
                self.pair(table)
            self.skip()
        return Lines(self.known)


def lines(text: str) -> Lines:
    """Of a text that `tomllib` takes."""
    return _Scanner(text.removeprefix("\ufeff")).run()
