"""What is wrong with a stack file, for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mistake:
    file: Path
    line: int
    """From 1; 0 when it is no line's fault (the file is missing, say)."""
    key: str
    """`api.count`; empty when it is no key's fault."""
    problem: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else f"{self.file}"
        return f"{place}: {f'{self.key}: ' if self.key else ''}{self.problem}; {self.remedy}"


class StackError(Exception):
    """All mistakes at once, in the order of the file."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))
