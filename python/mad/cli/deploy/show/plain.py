"""Lines without colours and without going back: for files, pipes and CI."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console, RenderableType
from rich.text import Text

from mad.cli.deploy.show import plan_view, tree, words
from mad.cli.deploy.show.progress import Steps
from mad.deploy.events import (
    Event,
    Failed,
    Finished,
    HostStep,
    Note,
    PlanMade,
    Progress,
    Skipped,
    Started,
)
from mad.deploy.operations import Result

PROGRESS_EVERY_S = 20.0
"""How often a line says what one action waits for."""


class Plain:
    def __init__(self, console: Console, stack: str, region: str, *, steps: Steps | None = None):
        self.console = console
        self.steps = steps or Steps()
        self._stack = stack
        self._region = region
        self._said: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        self.steps.on(event)
        now = self.steps.clock()
        match event:
            case PlanMade(plan=plan, observed=observed):
                self._block(plan_view.render(plan, observed, self._stack, self._region))
            case Note(text=text, warning=warning):
                self._line(f"{'warning: ' if warning else ''}{text}")
            case Started(action=action):
                self._said[action.key] = now
                self._line(f"{action.key}: started")
            case Progress(action=action, text=text):
                if now - self._said.get(action.key, 0.0) >= PROGRESS_EVERY_S:
                    self._said[action.key] = now
                    self._line(f"{action.key}: {text}")
            case Finished(action=action, seconds=seconds, id=id):
                made = f" ({id})" if id and id not in action.key else ""
                self._line(f"{action.key}: done in {words.duration(seconds)}{made}")
            case Failed(action=action, message=message, remedy=remedy):
                self._line(f"{action.key}: failed: {message}; {remedy}")
            case Skipped(action=action, why=why):
                self._line(f"{action.key}: not tried: {why}")
            case HostStep():
                for line in words.host_step(event):
                    self._line(line)

    def _line(self, text: str) -> None:
        self.console.print(Text(f"{datetime.now():%H:%M:%S} {text}"), soft_wrap=True)

    def _block(self, what: RenderableType) -> None:
        """Without the spaces that fill a table's rows."""
        with self.console.capture() as held:
            self.console.print(what)
        for line in held.get().splitlines():
            self.console.print(Text(line.rstrip()), soft_wrap=True)

    def stop_asked(self) -> None:
        self._line("stopping: nothing new is started")

    def result(self, result: Result) -> None:
        if result.outcome is not None:
            self._block(tree.ended(self.steps))

    def close(self) -> None:
        pass
