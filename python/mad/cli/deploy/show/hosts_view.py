"""What runs on the hosts, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mad.deploy.hosts.look import Looked, State, Strayed

STYLES = {
    State.READY: "green",
    State.STARTING: "yellow",
    State.SWITCHING: "yellow",
    State.FAILED: "red",
    State.EMPTY: "dim",
    State.UNKNOWN: "yellow",
}
COLUMNS = ("machine", "release", "generation", "state", "sessions", "agents", "up", "free")


def running(given: Sequence[Looked]) -> RenderableType:
    """A row for each host; below it, why some could not be asked."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in COLUMNS:
        numbers = name in ("generation", "sessions", "agents")
        table.add_column(name, no_wrap=True, justify="right" if numbers else "left")
    for looked in given:
        role, facts = looked.role, looked.facts
        table.add_row(
            looked.host.name,
            role.version or "-",
            _number(role.generation),
            Text(_state(looked), style=STYLES[looked.state]),
            _number(role.sessions),
            _number(role.agents),
            age(facts.up_s) if facts else "-",
            f"{facts.free_bytes / 2**30:.1f} GiB" if facts else "-",
        )
    parts: list[RenderableType] = [table]
    parts += [why(looked) for looked in given if looked.error is not None]
    return Group(*parts)


def why(looked: Looked) -> Text:
    """That a host could not be asked, and what to do about it."""
    assert looked.error is not None
    text = Text.assemble(("! ", "yellow"), f"{looked.host.name}: {looked.error.sentence}")
    if looked.error.remedy:
        text.append(f"\n  -> {looked.error.remedy}", style="yellow")
    return text


def astray(given: Sequence[Strayed]) -> Table:
    """As rows of a plan are."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=3, justify="right")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in given:
        text = Text.assemble(f"{one.what}: ", (one.how, "yellow"))
        table.add_row(Text("~", style="yellow"), one.host.name, text)
    return table


def document(given: Sequence[Looked]) -> dict[str, Any]:
    """`hosts` of `status --json`, by slot."""
    return {looked.host.name: _one(looked) for looked in given}


def _one(looked: Looked) -> dict[str, Any]:
    role, facts, error = looked.role, looked.facts, looked.error
    return {
        "role": looked.host.role.value,
        "reachable": facts is not None,
        "message": error.sentence if error else None,
        "remedy": error.remedy if error else None,
        "state": looked.state.value,
        "release": role.release,
        "version": role.version,
        "generation": role.generation,
        "draining": list(role.draining),
        "sessions": role.sessions,
        "agents": role.agents,
        "drift": list(role.drift),
        "architecture": facts.architecture if facts else None,
        "system": facts.system if facts else None,
        "up_s": round(facts.up_s) if facts and facts.up_s is not None else None,
        "free_bytes": facts.free_bytes if facts else None,
    }


def _state(looked: Looked) -> str:
    many = len(looked.role.draining)
    return f"{looked.state.value}, {many} draining" if many else looked.state.value


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def age(seconds: float | None) -> str:
    """`4 d 3 h`, `3 h 20 min`, `20 min`, `5 s`."""
    if seconds is None:
        return "-"
    whole = int(seconds)
    for unit, size, less, smaller in (("d", 86400, "h", 3600), ("h", 3600, "min", 60)):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit} {rest} {less}" if rest else f"{whole // size} {unit}"
    return f"{whole // 60} min" if whole >= 60 else f"{whole} s"
