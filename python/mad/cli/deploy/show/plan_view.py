"""A plan for people: grouped by role, one row for each resource, alike ones as one row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mad.cli.deploy.show import words
from mad.deploy.plan.model import Action, Change, Observed, Plan, Verb
from mad.deploy.plan.specs import InstanceSpec, Kind

MANY = 5
"""So many alike machines become one row."""
PLAIN = (("not there yet",), ("destroy",))
"""Reasons that the sign, or the command, says already."""
UNSET = "(not set)"
"""Where a value only comes, or only goes."""


@dataclass(frozen=True, slots=True)
class Row:
    """One resource, or several alike ones."""

    sign: str
    name: str
    detail: str
    changes: tuple[Change, ...]
    reasons: tuple[str, ...]
    drift: bool
    loses_data: bool
    kind: Kind
    zones: tuple[str, ...] = ()
    count: int = 1


def rows(actions: list[Action]) -> list[Row]:
    """In the plan's order; a replacement is one row (`±`)."""
    replaced = {
        action.address: action for action in actions if action.verb == Verb.DELETE
    }.keys() & {action.address for action in actions if action.verb == Verb.CREATE}
    found = []
    for action in actions:
        if action.address in replaced:
            if action.verb == Verb.DELETE:
                continue
            gone = next(
                one for one in actions if one.verb == Verb.DELETE and one.address == action.address
            )
            row = _row(action, "±")
            found.append(
                replace(
                    row,
                    changes=tuple(dict.fromkeys((*action.changes, *gone.changes))),
                    reasons=tuple(dict.fromkeys((*action.reasons, *gone.reasons))),
                    loses_data=action.loses_data or gone.loses_data,
                    drift=action.drift or gone.drift,
                )
            )
        else:
            found.append(_row(action, words.sign(action)))
    return _joined(found)


def _row(action: Action, sign: str) -> Row:
    zones: tuple[str, ...] = ()
    spec = action.spec
    if isinstance(spec, InstanceSpec) and spec.zone:
        zones = (spec.zone,)
        spec = replace(spec, zone="")
    shown = "" if action.verb == Verb.UPDATE else words.detail(spec)
    if action.verb == Verb.DELETE and action.found:
        shown = action.found.id
    return Row(
        sign,
        str(action.address),
        shown,
        action.changes,
        () if action.reasons in PLAIN else action.reasons,
        action.drift,
        action.loses_data,
        action.address.kind,
        zones if action.verb == Verb.CREATE else (),
    )


def _joined(given: list[Row]) -> list[Row]:
    """Long runs of machines that differ in number, zone and id alone, as one row each."""
    found: list[Row] = []
    run: list[Row] = []

    def alike(row: Row) -> tuple[object, ...]:
        detail = "" if row.sign == "-" else row.detail
        return row.sign, row.kind, _stem(row.name), detail, row.changes, row.reasons, row.drift

    def flush() -> None:
        if len(run) < MANY:
            found.extend(run)
        else:
            last = run[-1].name.partition(".")[2]
            found.append(
                replace(
                    run[0],
                    name=f"{run[0].name} … {last}",
                    detail="" if run[0].sign == "-" else run[0].detail,
                    zones=tuple(sorted({zone for row in run for zone in row.zones})),
                    count=len(run),
                )
            )
        run.clear()

    for row in given:
        if run and (row.kind != Kind.INSTANCE or alike(row) != alike(run[0])):
            flush()
        run.append(row)
        if row.kind != Kind.INSTANCE:
            found.append(run.pop())
    flush()
    return found


def _stem(name: str) -> str:
    return re.sub(r"\d+$", "", name)


def render(plan: Plan, observed: Observed | None, stack: str, region: str) -> RenderableType:
    return Group(*_parts(plan, observed, stack, region))


def _parts(
    plan: Plan, observed: Observed | None, stack: str, region: str
) -> Iterator[RenderableType]:
    account = observed.surroundings.account if observed else ""
    head = Text.assemble(("Stack ", ""), (stack, "bold"), f" in {region}")
    if account:
        head.append(f", account {account}")
    yield head
    groups = words.grouped(plan.actions)
    made = {group: rows(actions) for group, actions in groups.items()}
    width = max((len(row.name) for given in made.values() for row in given), default=0)
    for group, given in made.items():
        yield Text()
        yield Text(words.title(group), style="bold")
        yield _table(given, min(width, 34))
    if plan.empty:
        yield Text("Nothing to do: all is as the stack file says.", style="green")
    for sign, style, lines in (("!", "yellow", plan.warnings), ("i", "cyan", plan.news)):
        if lines:
            yield Text()
            yield _notes(sign, style, lines)
    if not plan.empty:
        yield Text()
        yield _counts([row for given in made.values() for row in given])
    if plan.after is not None:
        yield cost_line(plan)


def _table(given: list[Row], width: int) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=3, justify="right")
    table.add_column(min_width=width, no_wrap=True)
    table.add_column(overflow="fold")
    for row in given:
        table.add_row(Text(row.sign, style=words.COLOURS[row.sign]), row.name, _text(row))
    return table


def _text(row: Row) -> Text:
    head = ", ".join(part for part in (row.detail, _zones(row.zones)) if part)
    if row.count > 1:
        head = f"{row.count} machines{', ' if head else ''}{head}"
    lines = [Text(head)] if head else []
    lines += [
        Text.assemble(
            (f"{change.field}: ", ""),
            (change.before or UNSET, "dim"),
            " -> ",
            change.after or UNSET,
        )
        for change in row.changes
    ]
    style = "yellow" if row.drift else "dim"
    lines += [Text(reason, style=style) for reason in row.reasons]
    if row.drift and not any("outside" in reason for reason in row.reasons):
        lines.append(Text("changed outside mad", style="yellow"))
    if row.loses_data:
        lines.append(Text("its data is lost", style="bold red"))
    return Text("\n").join(lines)


def _zones(zones: tuple[str, ...]) -> str:
    if len(zones) > 1:
        return f"{zones[0]} to {zones[-1][-1]}"
    return zones[0] if zones else ""


def _notes(sign: str, style: str, lines: tuple[str, ...]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=3, justify="right")
    table.add_column(overflow="fold")
    for line in lines:
        table.add_row(Text(sign, style=f"bold {style}"), Text(line))
    return table


def _counts(given: list[Row]) -> Text:
    said = Text("Plan: ")
    parts = []
    for sign, what in (
        ("+", "to make"),
        ("~", "to change"),
        ("±", "to replace"),
        ("-", "to remove"),
    ):
        number = sum(row.count for row in given if row.sign == sign)
        if number:
            parts.append(Text(f"{number} {what}", style=words.COLOURS[sign]))
    return said + Text(", ").join(parts)


def cost_line(plan: Plan) -> Text:
    """The month's cost, and by how much it changes."""
    assert plan.after is not None
    before = plan.before.monthly_usd if plan.before else 0.0
    text = Text.assemble("Cost: ", (words.money(plan.after.monthly_usd), "bold"), " a month")
    if not plan.empty and plan.before is not None:
        text.append(f" ({words.money_change(plan.after.monthly_usd - before)})")
    text.append(f", prices of {plan.after.as_of}, without traffic", style="dim")
    if plan.after.unknown:
        text.append(f"; not known: {', '.join(plan.after.unknown)}", style="yellow")
    return text
