"""What happens while a command works, as values. Whoever shows them (a tree, plain lines, JSON
lines) listens; nothing else prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from mad.deploy.plan.model import Action, Observed, Plan


@dataclass(frozen=True, slots=True)
class PlanMade:
    plan: Plan
    observed: Observed | None = None
    """What it was made from: account and region are there, too."""


@dataclass(frozen=True, slots=True)
class Started:
    action: Action


@dataclass(frozen=True, slots=True)
class Progress:
    """What an action waits for: `creating, 40 s`."""

    action: Action
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    action: Action
    seconds: float
    id: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    action: Action
    seconds: float
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Not tried, because what it needs failed or the run was interrupted."""

    action: Action
    why: str


@dataclass(frozen=True, slots=True)
class Note:
    """A line for people: an expired lock that was taken over, say."""

    text: str
    warning: bool = False


class HostState(StrEnum):
    """Where a host is in a rollout."""

    SAME = "same"
    """Nothing is to be done."""
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REVERTED = "reverted"
    """It has the release of before again."""


@dataclass(frozen=True, slots=True)
class HostStep:
    """What happens on a host."""

    host: str
    """The slot: `api-0`."""
    role: str
    state: HostState
    text: str
    seconds: float = 0.0
    remedy: str = ""
    tail: str = ""
    """The end of the log of what failed."""


Event = PlanMade | Started | Progress | Finished | Failed | Skipped | Note | HostStep
Listener = Callable[[Event], None]
"""May be called from any thread, by one at a time."""
