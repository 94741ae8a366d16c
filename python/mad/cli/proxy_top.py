"""`mad proxy top`: the upstreams of a running proxy, live."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from mad._admin import Admin, AdminAddress, AdminError, parse_admin
from mad.cli.keys import Keys
from mad.cli.proxy_table import Reading, rows, table, total
from mad.local import runtime


class UsageError(Exception):
    """The command cannot be run like this; the text says what to do."""


def find(address: str | None) -> AdminAddress:
    """What was named, or the proxy of the one `mad up` that this user runs."""
    if address is not None:
        try:
            return parse_admin(address)
        except ValueError as error:
            raise UsageError(str(error)) from error
    found = runtime.running_admins()
    if len(found) == 1:
        return AdminAddress(path=str(found[0]))
    if found:
        names = "".join(f"\n  mad proxy top unix:{path}" for path in found)
        raise UsageError(f"several proxies run here; name one:{names}")
    raise UsageError(
        "no `mad up` runs here; name the admin address of a proxy (mad-proxy --admin …): "
        "mad proxy top unix:PATH, or HOST:PORT"
    )


def take(admin: Admin) -> Reading:
    return Reading(time.monotonic(), admin.pool())


def as_json(old: Reading | None, new: Reading) -> str:
    some = rows(old, new)
    told = {"panic": new.pool.panic, "upstreams": [asdict(row) for row in some]}
    return json.dumps(told | {"all": asdict(total(some))})


def _heading(admin: Admin, reading: Reading, trouble: str) -> Text:
    said = Text.assemble(("mad proxy ", "bold"), (str(admin.address), "dim"))
    said.no_wrap, said.overflow = True, "ellipsis"
    if reading.pool.panic:
        said.append("  panic: none is fit, all are used", style="bold red")
    if trouble:
        said = Text(trouble, style="bold red", no_wrap=True, overflow="ellipsis")
    return said


def picture(
    admin: Admin, old: Reading | None, new: Reading, width: int, trouble: str = ""
) -> RenderableType:
    shown = table(rows(old, new), width=width, stale=bool(trouble))
    return Group(_heading(admin, new, trouble), Text(), shown)


def _goes_on(keys: Keys, seconds: float) -> bool:
    """After that time; not when somebody wants to quit."""
    end = time.monotonic() + seconds
    while (key := keys.next(end - time.monotonic())) is not None:
        if key in ("q", "Q"):
            return False
    return True


def _show(admin: Admin, interval: float) -> None:
    """Redraws until somebody wants to quit; a proxy that is away for a while may come back."""
    old, new = None, take(admin)
    trouble = ""
    console = Console()
    with (
        Keys() as keys,
        Live(console=console, screen=True, auto_refresh=False) as live,
    ):
        live.update(picture(admin, old, new, console.width), refresh=True)
        while _goes_on(keys, interval):
            try:
                old, new, trouble = new, take(admin), ""
            except AdminError as error:
                trouble = str(error)
            live.update(picture(admin, old, new, console.width, trouble), refresh=True)


def _lines(admin: Admin, interval: float) -> Iterator[tuple[Reading, Reading]]:
    old = take(admin)
    while True:
        time.sleep(interval)
        new = take(admin)
        yield old, new
        old = new


def _print(admin: Admin, interval: float, *, json_lines: bool, once: bool) -> None:
    for old, new in _lines(admin, interval):
        if json_lines:
            print(as_json(old, new), flush=True)
        else:
            console = Console()
            if not console.is_terminal:  # lines of a file have no end
                console.width = 1000
            console.print(picture(admin, old, new, console.width))
        if once:
            return


def _token(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text().strip()
    except OSError as error:
        raise UsageError(f"--token-file {file}: {error.strerror}") from error


def top(
    address: Annotated[
        str | None,
        typer.Argument(
            metavar="[ADDRESS]",
            help="The proxy's --admin: unix:PATH or HOST:PORT; without it, that of `mad up`.",
        ),
    ] = None,
    interval: Annotated[
        float, typer.Option(min=0.1, max=3600, help="Seconds between two readings.")
    ] = 1,
    once: Annotated[
        bool, typer.Option("--once", help="Print one table and exit; so does no terminal.")
    ] = False,
    json_lines: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, each interval.")
    ] = False,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token of the admin API.")
    ] = None,
) -> None:
    """Show the upstreams of a running proxy: state, sessions, rates. q or Ctrl-C ends it."""
    try:
        admin = Admin(find(address), _token(token_file))
        with contextlib.closing(admin), contextlib.suppress(KeyboardInterrupt):
            if json_lines or once or not sys.stdout.isatty():
                _print(admin, interval, json_lines=json_lines, once=once or not json_lines)
            else:
                _show(admin, interval)
    except UsageError as error:
        typer.echo(f"mad proxy top: {error}", err=True)
        raise typer.Exit(2) from error
    except AdminError as error:
        typer.echo(f"mad proxy top: {error}", err=True)
        raise typer.Exit(1) from error
