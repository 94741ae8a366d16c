"""The outcome of looking at one thing that a run depends on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    """It works, and somebody should know."""
    FAIL = "fail"
    """A run would stop there."""


@dataclass(frozen=True, slots=True)
class Check:
    """What `doctor` says of one precondition."""

    name: str
    """`credentials`, `permission ec2:RunInstances`, …: the same in every run."""
    level: Level
    sentence: str
    remedy: str = ""
    """What to do about it; empty when all is well."""


def ok(name: str, sentence: str) -> Check:
    return Check(name, Level.OK, sentence)


def warn(name: str, sentence: str, remedy: str) -> Check:
    return Check(name, Level.WARN, sentence, remedy)


def fail(name: str, sentence: str, remedy: str) -> Check:
    return Check(name, Level.FAIL, sentence, remedy)
