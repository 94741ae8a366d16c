"""`mad up`: the whole of mad on this machine."""

from __future__ import annotations

import json
import sys
import webbrowser
from typing import Annotated

import typer

from mad._paths import NotInstalledError
from mad.local import supervisor
from mad.local.program import Program
from mad.local.runtime import NotOursError
from mad.local.settings import DEFAULT_PORT, Settings, SettingsError, listen_address


class TextOutput:
    """Lines for people; the console's address is the last one."""

    def __init__(self, *, verbose: bool, browse: bool) -> None:
        self._verbose = verbose
        self._browse = browse

    def ready(self, running: supervisor.Running) -> None:
        for program in running.programs:
            print(f"{program.name:<10} {program.url or 'running'} (pid {program.pid})")
        print("Ctrl-C stops it all.")
        print(f"console    {running.console}", flush=True)
        if self._browse:
            webbrowser.open(running.console)

    def died(self, program: Program) -> None:
        print(f"{program.name} {program.ending}. Its last words:", file=sys.stderr)
        self._tail(program)

    def lost(self, program: Program, nodes_left: int) -> None:
        others = "the other node goes on" if nodes_left == 1 else "the other nodes go on"
        print(
            f"{program.name} {program.url} (pid {program.pid}) {program.ending}; {others}. "
            "Its last words:",
            file=sys.stderr,
        )
        self._tail(program)

    def _tail(self, program: Program) -> None:
        for line in program.tail:
            print(f"  {line}", file=sys.stderr)

    def log(self, name: str, line: str) -> None:
        if self._verbose:
            print(f"{name}: {line}", file=sys.stderr)


class JsonOutput(TextOutput):
    """One object a line, for programs."""

    def ready(self, running: supervisor.Running) -> None:
        programs = [{"name": p.name, "pid": p.pid, "url": p.url} for p in running.programs]
        self._print(
            {"event": "ready", "console": running.console, "proxy": running.proxy}
            | {"admin": running.admin, "api": running.api}
            | {"nodes": running.nodes, "programs": programs}
        )
        if self._browse:
            webbrowser.open(running.console)

    def died(self, program: Program) -> None:
        self._print(
            {"event": "died", "name": program.name, "ending": program.ending}
            | {"log": list(program.tail)}
        )

    def lost(self, program: Program, nodes_left: int) -> None:
        self._print(
            {"event": "lost", "name": program.name, "pid": program.pid, "url": program.url}
            | {"ending": program.ending, "nodes_left": nodes_left, "log": list(program.tail)}
        )

    def _print(self, value: dict[str, object]) -> None:
        print(json.dumps(value), flush=True)


def up(
    listen: Annotated[
        str,
        typer.Option(
            metavar="[HOST:]PORT", help="The one address, of page and sockets; 0: a free port."
        ),
    ] = str(DEFAULT_PORT),
    nodes: Annotated[
        int,
        typer.Option(
            help="API nodes that show the same agents: they share them over Redis, a private one "
            "unless --redis names another. The proxy in front keeps each client on its node."
        ),
    ] = 1,
    agents: Annotated[
        int,
        typer.Option(
            help="Agents: the first samples this machine, the others are made up and bear the tag "
            "`synthetic`, to look at a fleet of that size."
        ),
    ] = 1,
    redis: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Share agents with all nodes on this Redis."),
    ] = None,
    browse: Annotated[bool, typer.Option("--open", help="Open the console in a browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the programs' logs.")] = False,
) -> None:
    """Run nodes, console and agent for this machine behind one address. Ctrl-C stops it all."""
    output = (JsonOutput if as_json else TextOutput)(verbose=verbose, browse=browse)
    try:
        settings = Settings(listen_address(listen), nodes, agents, redis)
        ended_well = supervisor.run(settings, output)
    except SettingsError as error:
        typer.echo(f"mad up: {error}", err=True)
        raise typer.Exit(2) from error
    except (NotInstalledError, NotOursError, TimeoutError) as error:
        typer.echo(f"mad up: {error}", err=True)
        raise typer.Exit(1) from error
    if not ended_well:
        raise typer.Exit(1)
