"""The live tree of a run on a terminal: each action with its state, its time and what it waits
for, grouped by role. What does not fit is counted."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from mad.cli.deploy.show import plan_view, words
from mad.cli.deploy.show.progress import State, Step, Steps
from mad.deploy.events import Event, Failed, HostStep, Note, PlanMade, Started
from mad.deploy.operations import Result

ICONS = {
    State.WAITING: ("·", "dim"),
    State.DONE: ("✓", "green"),
    State.FAILED: ("✗", "red"),
    State.SKIPPED: ("-", "dim"),
}
LIMITS = (8, 4, 2, 0)
"""Rows of one group, when not all fit."""
TIMES_A_SECOND = 8


class Tree:
    """Prints the plan when it is made; shows the tree from the first action until the end."""

    def __init__(
        self,
        console: Console,
        stack: str,
        region: str,
        op: str,
        *,
        steps: Steps | None = None,
    ) -> None:
        self.console = console
        self.steps = steps or Steps()
        self._stack = stack
        self._region = region
        self._op = op
        self._live: Live | None = None
        self._spinner = Spinner("dots", style="cyan")
        self.stopping = False

    def __call__(self, event: Event) -> None:
        self.steps.on(event)
        match event:
            case PlanMade(plan=plan, observed=observed):
                self.console.print(plan_view.render(plan, observed, self._stack, self._region))
            case Note(text=text, warning=warning):
                self._above(Text(text, style="yellow" if warning else ""))
            case Failed(action=action, message=message, remedy=remedy):
                self._above(failure(f"{words.sign(action)} {action.address}", message, remedy))
            case HostStep():
                for line in words.host_step(event):
                    self._above(Text(line, style=words.HOST_STYLES.get(event.state, "")))
            case Started() if self._live is None:
                self.steps.restart_clock()
                self._live = Live(
                    get_renderable=lambda: View(self),
                    console=self.console,
                    refresh_per_second=TIMES_A_SECOND,
                    transient=True,
                )
                self._live.start()

    def _above(self, what: RenderableType) -> None:
        self.console.print(what)

    def __enter__(self) -> Tree:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Takes the tree away; what was printed above it stays."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def stop_asked(self) -> None:
        self.stopping = True
        self._above(
            Text("Stopping: nothing new is started. Ctrl-C again ends at once.", style="yellow")
        )

    def head(self) -> Text:
        done, total = self.steps.counted(State.DONE), len(self.steps.steps)
        past = words.duration(self.steps.clock() - self.steps.began)
        text = Text.assemble((self._op, "bold"), f" {self._stack} in {self._region}")
        text.append(f"   {done} of {total}   {past}", style="dim")
        if self.stopping:
            text.append("   stopping", style="yellow")
        return text

    def spinner(self) -> RenderableType:
        return self._spinner

    def result(self, result: Result) -> None:
        """The last words: each group as one row, what failed, and where the stack is reached."""
        self.close()
        if result.outcome is not None:
            self.console.print(ended(self.steps))


class View:
    """As much of the tree as the terminal has rows for."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def __rich_console__(self, console: Console, _options: ConsoleOptions) -> RenderResult:
        steps = self._tree.steps
        with steps.guard:
            rows = max(8, console.height - 3)
            yield Group(self._tree.head(), self._body(rows))

    def _body(self, rows: int) -> Table:
        steps = self._tree.steps
        groups = steps.groups()
        shown = {group: list(given) for group, given in groups.items()}
        hidden: dict[str, str] = {}
        # The least interesting go first: groups that are done, waiting ones, done ones, the rest.
        for drop in (_done_groups, _waiting, _finished, *map(_overflow, LIMITS)):
            if _height(shown, hidden) <= rows:
                break
            for group, given in groups.items():
                shown[group], hidden[group] = drop(given, shown[group], hidden.get(group, ""))
        table = Table.grid(padding=(0, 1))
        table.add_column(width=2, justify="right")
        table.add_column(width=1)
        table.add_column(no_wrap=True, max_width=34)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column(justify="right", no_wrap=True)
        table.expand = True
        now = steps.clock()
        for group, given in groups.items():
            table.add_row(*_group_row(group, given, now))
            for step in shown[group]:
                table.add_row(*self._row(step, now))
            if hidden.get(group):
                table.add_row("", "", Text(hidden[group], style="dim"), "", "")
        return table

    def _row(self, step: Step, now: float) -> tuple[RenderableType, ...]:
        sign = words.sign(step.action)
        icon: RenderableType
        if step.state == State.RUNNING:
            icon = self._tree.spinner()
        else:
            mark, style = ICONS[step.state]
            icon = Text(mark, style=style)
        if step.state == State.WAITING:
            text = Text(self._tree.steps.waits_for(step), style="dim")
        elif step.state == State.DONE:
            text = Text(step.id or "", style="dim")
        else:
            text = Text(step.text, style="red" if step.state == State.FAILED else "")
        took = words.duration(step.took(now)) if step.state != State.WAITING else ""
        return (
            icon,
            Text(sign, style=words.COLOURS[sign]),
            str(step.action.address),
            text,
            Text(took, style="dim"),
        )


def _height(shown: dict[str, list[Step]], hidden: dict[str, str]) -> int:
    return sum(1 + len(steps) for steps in shown.values()) + sum(map(bool, hidden.values()))


Dropped = tuple[list[Step], str]


def _done_groups(given: list[Step], shown: list[Step], said: str) -> Dropped:
    if all(step.state == State.DONE for step in given):
        return [], said
    return shown, said


def _waiting(given: list[Step], shown: list[Step], said: str) -> Dropped:
    waiting = sum(step.state in (State.WAITING, State.SKIPPED) for step in given)
    kept = [step for step in shown if step.state not in (State.WAITING, State.SKIPPED)]
    return kept, f"{waiting} waiting" if waiting and len(kept) < len(shown) else said


def _finished(_given: list[Step], shown: list[Step], said: str) -> Dropped:
    return [step for step in shown if step.state != State.DONE], said


def _overflow(limit: int) -> Callable[[list[Step], list[Step], str], Dropped]:
    def drop(given: list[Step], shown: list[Step], _said: str) -> Dropped:
        ordered = sorted(shown, key=lambda step: step.state != State.FAILED)
        kept = ordered[:limit]
        more = sum(step.state == State.RUNNING for step in ordered[limit:])
        waiting = sum(step.state == State.WAITING for step in given)
        parts = [f"{more} {'more ' if kept else ''}running"] if more else []
        parts += [f"{waiting} waiting"] if waiting else []
        return kept, ", ".join(parts)

    return drop


def _group_row(group: str, given: list[Step], now: float) -> tuple[RenderableType, ...]:
    done = sum(step.state == State.DONE for step in given)
    failed = sum(step.state == State.FAILED for step in given)
    if failed:
        mark = Text("✗", style="red")
    elif done == len(given):
        mark = Text("✓", style="green")
    else:
        mark = Text("")
    took = max((step.begun + step.took(now) for step in given if step.begun), default=0.0)
    first = min((step.begun for step in given if step.begun), default=0.0)
    count = Text(f"{done} of {len(given)}", style="dim")
    if failed:
        count.append(f", {failed} failed", style="red")
    time = Text(words.duration(took - first), style="dim") if first else Text("")
    return mark, "", Text(words.title(group), style="bold"), count, time


def failure(what: str, message: str, remedy: str) -> RenderableType:
    """A failed action: what, why, and what to do."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(overflow="fold")
    table.add_row(Text("✗", style="red"), Text.assemble((what, "bold"), ": ", message))
    if remedy:
        table.add_row("", Text(f"-> {remedy}", style="yellow"))
    return table


def ended(steps: Steps) -> RenderableType:
    """One row for each group, when all is over."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_column(justify="right")
    for group, given in steps.groups().items():
        parts = []
        for verb, what in words.DONE.items():
            number = sum(step.state == State.DONE and step.action.verb == verb for step in given)
            if number:
                parts.append(f"{number} {what}")
        for state in (State.FAILED, State.SKIPPED):
            number = sum(step.state == state for step in given)
            if number:
                parts.append(f"{number} {'failed' if state == State.FAILED else 'not tried'}")
        good = all(step.state == State.DONE for step in given)
        begun = [step.begun for step in given if step.begun]
        took = max((step.begun + step.seconds for step in given if step.begun), default=0.0)
        table.add_row(
            Text("✓", style="green") if good else Text("✗", style="red"),
            words.title(group),
            ", ".join(parts),
            Text(words.duration(took - min(begun)) if begun else "", style="dim"),
        )
    return table
