"""Where each action of a plan stands: built of events, read by the renderers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from mad.cli.deploy.show import words
from mad.deploy.events import Event, Failed, Finished, PlanMade, Progress, Skipped, Started
from mad.deploy.plan.model import Action, Plan


class State(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(slots=True)
class Step:
    action: Action
    state: State = State.WAITING
    text: str = ""
    """What it waits for; of a failed one the sentence."""
    remedy: str = ""
    begun: float = 0.0
    seconds: float = 0.0
    id: str | None = None

    def took(self, now: float) -> float:
        return now - self.begun if self.state == State.RUNNING else self.seconds


@dataclass(slots=True)
class Steps:
    """All steps of a plan by key. Written by one thread at a time, read under `guard`."""

    clock: Callable[[], float] = time.monotonic
    steps: dict[str, Step] = field(default_factory=dict)
    began: float = 0.0
    guard: threading.RLock = field(default_factory=threading.RLock)

    def on(self, event: Event) -> None:
        with self.guard:
            self._on(event)

    def _on(self, event: Event) -> None:
        match event:
            case PlanMade(plan=plan):
                self._begin(plan)
            case Started(action=action):
                step = self._of(action)
                step.state, step.begun, step.text = State.RUNNING, self.clock(), ""
            case Progress(action=action, text=text):
                self._of(action).text = text
            case Finished(action=action, seconds=seconds, id=id):
                step = self._of(action)
                step.state, step.seconds, step.id, step.text = State.DONE, seconds, id, ""
            case Failed(action=action, seconds=seconds, message=message, remedy=remedy):
                step = self._of(action)
                step.state, step.seconds = State.FAILED, seconds
                step.text, step.remedy = message, remedy
            case Skipped(action=action, why=why):
                step = self._of(action)
                step.state, step.text = State.SKIPPED, why

    def _begin(self, plan: Plan) -> None:
        self.began = self.clock()
        self.steps = {action.key: Step(action) for action in plan.actions}

    def _of(self, action: Action) -> Step:
        return self.steps.setdefault(action.key, Step(action))

    def restart_clock(self) -> None:
        """Counts the whole time from now: people may take theirs to answer."""
        with self.guard:
            self.began = self.clock()

    def counted(self, state: State) -> int:
        return sum(step.state == state for step in self.steps.values())

    def groups(self) -> dict[str, list[Step]]:
        grouped = words.grouped(step.action for step in self.steps.values())
        return {
            group: [self.steps[action.key] for action in actions]
            for group, actions in grouped.items()
        }

    def waits_for(self, step: Step) -> str:
        """What a waiting step needs that has not ended: one by name, more as their number."""
        open_ones = [
            self.steps[key]
            for key in sorted(step.action.after)
            if key in self.steps and self.steps[key].state in (State.WAITING, State.RUNNING)
        ]
        if not open_ones:
            return "next"
        running = [one for one in open_ones if one.state == State.RUNNING] or open_ones
        first = f"waits for {running[0].action.address}"
        more = len(open_ones) - 1
        return f"{first} and {more} more" if more else first
