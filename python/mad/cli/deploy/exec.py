"""`mad deploy exec -- COMMAND`: the same on many hosts."""

from __future__ import annotations

import json
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from mad.cli.deploy import common, hosts_common, looking

if TYPE_CHECKING:
    from mad.deploy.hosts.commands import Ran
    from mad.deploy.hosts.model import Host

EPILOG = common.examples(
    "mad deploy exec -- uptime                          on all machines",
    "mad deploy exec --role api -- sudo ss -tlnp        on those of a role",
    "mad deploy exec --host api-0 -- 'df -h | tail -1'   one word is a line for the shell there",
    "Exit 1 when it failed on one of them; a table says where, and with which code.",
)


def exec_(
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND…", help="Behind --, so that it may have options")
    ],
    role: hosts_common.Roles = None,
    host: looking.Hosts = None,
    parallel: Annotated[
        int, typer.Option(metavar="N", min=1, max=256, help="Machines at once.")
    ] = 16,
    as_json: common.AsJson = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Run a command on many machines beside each other, as the user that ssh logs in as."""
    with common.reported(as_json), looking.ended_well():
        from mad.deploy.hosts import commands, visit

        roles = hosts_common.roles_of(role) if role else ()
        seen = visit.see(common.connect(file, region, profile, endpoint_url))
        hosts = visit.chosen(seen.hosts, roles, host or ())
        show = Lines(hosts, as_json)
        with visit.way(seen) as calls:
            text = commands.script(command)
            ran = commands.everywhere(calls, hosts, text, show.line, show.end, parallel)
        failed = [one for one in ran if not one.ok]
        if failed and not as_json:
            table(ran)
        if failed:
            raise typer.Exit(common.ERROR)


class Lines:
    """Shows what hosts say, from any thread."""

    def __init__(self, hosts: tuple[Host, ...], as_json: bool) -> None:
        from mad.cli.deploy.show.host_lines import HostLines

        self._lines = HostLines([host.name for host in hosts])
        self._as_json = as_json
        self._guard = threading.Lock()

    def line(self, host: Host, stream: str, text: str) -> None:
        if self._as_json:
            self._object({"event": "line", "host": host.name, "stream": stream, "text": text})
        else:
            self._lines.line(host.name, text, sys.stderr if stream == "stderr" else sys.stdout)

    def end(self, ran: Ran) -> None:
        if not self._as_json:
            return
        told: dict[str, object] = {"event": "exit", "host": ran.host.name, "code": ran.code}
        told["seconds"] = round(ran.seconds, 3)
        if ran.error is not None:
            told |= {"message": ran.error.sentence, "remedy": ran.error.remedy}
        self._object(told)

    def _object(self, told: dict[str, object]) -> None:
        with self._guard:
            print(json.dumps(told), flush=True)


def table(ran: list[Ran]) -> None:
    """Where it failed, and how."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("machine", "exit", ""):
        shown.add_column(name, overflow="fold")
    for one in ran:
        style = "" if one.ok else "red"
        code = "-" if one.code is None else str(one.code)
        why = Text(one.error.sentence if one.error else "")
        if one.error is not None and one.error.remedy:
            why.append(f"\n-> {one.error.remedy}", style="yellow")
        shown.add_row(one.host.name, Text(code, style=style), why)
    common.console(error=True).print(shown)
