"""What is there, what it costs, and what stands in the way, for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mad.cli.deploy.show import words
from mad.deploy.cloud.checks import Check, Level
from mad.deploy.plan.model import Cost
from mad.deploy.status import Status

MARKS = {Level.OK: ("✓", "green"), Level.WARN: ("!", "yellow"), Level.FAIL: ("✗", "red")}
MANY = 12
"""More machines than this are counted after `up`; `status` lists them all."""


def outputs(status: Status) -> RenderableType:
    """Where the stack is reached, and its machines while they are few."""
    parts: list[RenderableType] = [Text(), _urls(status)]
    if len(status.hosts) <= MANY:
        parts += [Text(), hosts(status)]
    else:
        counted = ", ".join(f"{len(status.of(role))} {role}" for role, _ in status.wanted)
        parts.append(
            Text(f"{len(status.hosts)} machines: {counted}; `mad deploy status` lists them")
        )
    return Group(*parts)


def whole(status: Status) -> RenderableType:
    head = Text.assemble("Stack ", (status.name, "bold"))
    if status.region:
        head.append(f" in {status.region}")
    if status.account:
        head.append(f", account {status.account}")
    parts: list[RenderableType] = [head]
    if status.held_by:
        parts.append(Text(f"being changed: {status.held_by}", style="yellow"))
    short = [
        f"{role} {len(status.of(role))} of {count}"
        for role, count in status.wanted
        if len(status.of(role)) != count
    ]
    if short:
        parts.append(Text(f"not as the stack file says: {', '.join(short)}", style="yellow"))
    return Group(*parts, Text(), _urls(status), Text(), hosts(status))


def _urls(status: Status) -> Table:
    table = Table.grid(padding=(0, 2))
    out = status.outputs
    for name, value in (("api", out.api_url), ("web", out.web_url), ("redis", out.redis)):
        table.add_row(name, Text(value or "-", style="bold" if value else "dim"))
    return table


def hosts(status: Status) -> RenderableType:
    if not status.hosts:
        return Text("No machines.", style="dim")
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("machine", "address", "private", "type", "zone", "state"):
        table.add_column(name, no_wrap=True)
    for host in status.hosts:
        table.add_row(
            host.name,
            host.address or "-",
            host.private_ip or "-",
            host.type or "-",
            host.zone or "-",
            Text(host.state, style="" if host.state in ("running", "given") else "yellow"),
        )
    return table


def cost(given: Cost) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    for line in given.lines:
        table.add_row(line.what, words.money(line.monthly_usd))
    table.add_row(Text("a month", style="bold"), Text(words.money(given.monthly_usd), style="bold"))
    parts: list[RenderableType] = [table]
    if given.unknown:
        parts.append(Text(f"no price is known of {', '.join(given.unknown)}", style="yellow"))
    said = f"On-demand prices of {given.as_of}; without traffic, snapshots and CPU credits."
    parts.append(Text(said, style="dim"))
    return Group(*parts)


def checks(given: Sequence[Check]) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column()
    table.add_column(overflow="fold")
    for check in given:
        mark, style = MARKS[check.level]
        text = Text(check.sentence)
        if check.remedy:
            text.append(f"\n-> {check.remedy}", style="yellow")
        table.add_row(Text(mark, style=style), check.name, text)
    return table
