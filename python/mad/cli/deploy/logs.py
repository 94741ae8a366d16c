"""`mad deploy logs`: what the programs of the roles said, on all machines."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mad.cli.deploy import common, hosts_common, looking

if TYPE_CHECKING:
    from mad.deploy.hosts.journals import Entry
    from mad.deploy.hosts.model import Host, HostError

EPILOG = common.examples(
    "mad deploy logs --role api -f           as it comes, until Ctrl-C",
    "mad deploy logs --host api-0 -n 1000    the newest 1,000 lines of a machine",
    "mad deploy logs --since 15m             all of the last 15 minutes",
    "mad deploy logs --json | jq -c 'select(.priority < 5)'",
    "Lines of all machines are in the order of time, by the clocks there.",
)
DEFAULT_LINES = 100
ERRORS, WARNINGS, DEBUG = 3, 4, 7
"""Priorities of syslog."""


def logs(
    role: hosts_common.Roles = None,
    host: looking.Hosts = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as more comes, until Ctrl-C.")
    ] = False,
    lines: Annotated[
        int | None,
        typer.Option(
            "--lines",
            "-n",
            metavar="LINES",
            min=0,
            max=1_000_000,
            help=f"The newest, of all machines together. Default: {DEFAULT_LINES}; with --since "
            "all.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="10m, 2h or 1d ago, or a time: 2026-10-16T12:00."),
    ] = None,
    as_json: common.AsJson = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Show what the programs said, of all machines in the order of time."""
    with common.reported(as_json), looking.ended_well():
        from mad.deploy.hosts import journals, visit

        roles = hosts_common.roles_of(role) if role else ()
        target = common.connect(file, region, profile, endpoint_url)
        wanted = journals.Wanted(
            DEFAULT_LINES if lines is None and since is None else lines,
            journals.since_of(since, time.time()) if since else None,
            docker=target.stack.runtime == "docker",
        )
        seen = visit.see(target)
        hosts = visit.chosen(seen.hosts, roles, host or ())
        show = Lines(hosts, as_json)
        with visit.way(seen) as calls:
            found = journals.read(calls, hosts, wanted)
            for entry in found.entries:
                show.entry(entry)
            for error in found.failed:
                show.error(error)
            if follow:
                try:
                    journals.follow(calls, hosts, found, wanted, show.entry, show.error)
                except KeyboardInterrupt:
                    # That is how it ends.
                    return
        if show.failed:
            raise typer.Exit(common.ERROR)


class Lines:
    """Shows lines of logs, one after the other."""

    def __init__(self, hosts: tuple[Host, ...], as_json: bool) -> None:
        from mad.cli.deploy.show.host_lines import HostLines, coloured

        self._lines = HostLines([host.name for host in hosts])
        self._as_json = as_json
        self._coloured = coloured(sys.stdout)
        self.failed = False

    def entry(self, entry: Entry) -> None:
        if self._as_json:
            print(json.dumps(document(entry)), flush=True)
            return
        text = f"{clock(entry.at, time.time())} {sentence(entry)}"
        style = {ERRORS: "31", WARNINGS: "33", DEBUG: "2"}.get(max(entry.level, ERRORS))
        if style is not None and self._coloured:
            text = f"\x1b[{style}m{text}\x1b[0m"
        self._lines.line(entry.host.name, text, sys.stdout)

    def error(self, error: HostError) -> None:
        self.failed = True
        common.say(self._as_json, str(error), error.remedy, host=error.host)


def document(entry: Entry) -> dict[str, Any]:
    at = datetime.fromtimestamp(entry.at, UTC).isoformat(timespec="microseconds")
    return {
        "event": "log",
        "host": entry.host.name,
        "role": entry.host.role.value,
        "at": at.replace("+00:00", "Z"),
        "unit": entry.unit,
        "priority": entry.level,
        "text": entry.text,
        "fields": entry.fields,
    }


def sentence(entry: Entry) -> str:
    """An event of ours as `name key=value`; all else as it is, in one line and without what would
    move the cursor."""
    told = entry.fields
    if told is None:
        return _harmless(entry.text)
    parts = [str(told["event"])]
    parts += [
        f"{name}={_value(value)}"
        for name, value in told.items()
        if name not in ("ts", "level", "event")
    ]
    return _harmless(" ".join(parts))


def _value(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if " " in value or not value else value
    return json.dumps(value, ensure_ascii=False)


def _harmless(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text.rstrip())


def clock(at: float, now: float) -> str:
    """The time of day here; with the date when that was not today."""
    when, today = datetime.fromtimestamp(at), datetime.fromtimestamp(now)
    shown = f"{when:%H:%M:%S}.{when.microsecond // 1000:03d}"
    return shown if when.date() == today.date() else f"{when:%Y-%m-%d} {shown}"
