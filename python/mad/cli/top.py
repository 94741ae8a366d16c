"""`mad top`: the fleet in a terminal, live."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from mad import _search
from mad._admin import Admin, AdminError, parse_admin
from mad._fleet import Fleet, Row
from mad.cli import top_view
from mad.cli.keys import Keys
from mad.local import runtime

FIRST_LIST = 10.0  # seconds: how long the first list may take
HELP = "↑↓ move  enter details  / search  s < > sort  r reverse  p pause  q quit"


class UsageError(Exception):
    """The command cannot be run like this; the text says what to do."""


def find() -> str:
    """A node of the `mad up` that this user runs."""
    found = runtime.running_admins()
    if not found:
        raise UsageError("no `mad up` runs here; name a node or a proxy: mad top http://HOST:PORT")
    if len(found) > 1:
        raise UsageError("several `mad up` run here; name a node or a proxy: mad top URL")
    try:
        with contextlib.closing(Admin(parse_admin(f"unix:{found[0]}"))) as admin:
            upstreams = admin.pool().upstreams
    except AdminError as error:
        raise UsageError(f"the `mad up` that runs here does not answer: {error}") from error
    usable = [one.url for one in upstreams if one.state == "up"] or [one.url for one in upstreams]
    if not usable:
        raise UsageError("the `mad up` that runs here has no node")
    return usable[0]


def judged(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"'{url}' is no URL of a node or a proxy; write http://HOST:PORT")
    return url


def read_token(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        lines = file.read_text().splitlines()
    except OSError as error:
        raise UsageError(f"--token-file {file}: {error.strerror}") from error
    if not lines or not lines[0].strip():
        raise UsageError(f"--token-file {file}: the first line is empty")
    return lines[0].strip()


class Feed:
    """The events of a node, kept in a `Fleet` that is read under `lock`."""

    def __init__(self, url: str, token: str | None) -> None:
        from mad import socketio

        self.fleet = Fleet()
        self.lock = threading.Lock()
        self.came = threading.Event()
        self.url = url
        self._client = socketio.Client(
            url, auth=None if token is None else {"token": token}, reconnection_delay_max=5
        )
        handlers = {
            "fleet_snapshot": self.fleet.on_snapshot,
            "fleet_delta": self.fleet.on_delta,
            "client_state": self.fleet.on_state,
            "load_clients": self.fleet.on_list,
            "web_client_update": self.fleet.on_update,
            "web_client_disconnect": self.fleet.on_gone,
        }
        for name, handler in handlers.items():
            self._client.on(name, self._guarded(handler))
        self._client.on("connect", self._ask)

    def _guarded(self, handler: Any) -> Any:
        def on_event(value: Any = None) -> None:
            with self.lock, contextlib.suppress(KeyError, TypeError, AttributeError, ValueError):
                handler(value)  # what a node says wrong is not shown
            if self.fleet.loaded:
                self.came.set()

        return on_event

    def _ask(self) -> None:
        with self.lock:
            cursor, watched = self.fleet.cursor, list(self.fleet.watched)
        asked: dict[str, Any] = {"v": 2, "hz": 2}
        self._client.emit("web_connected", asked | ({"cursor": cursor} if cursor else {}))
        for host in watched:
            self._client.emit("client_watch", {"id": host})

    def __enter__(self) -> Feed:
        self._client.connect(timeout=FIRST_LIST)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close(0.5)

    @property
    def connected(self) -> bool:
        return self._client.connected

    def watch(self, host: str) -> Any:
        """Its history; its records follow."""
        with self.lock:
            self.fleet.watched[host] = None
        answer = self._client.call("client_watch", {"id": host}, timeout=5)
        return answer.get("history") if isinstance(answer, dict) else None

    def unwatch(self, host: str) -> None:
        with self.lock:
            self.fleet.watched.pop(host, None)
        self._client.emit("client_unwatch", {"id": host})


@dataclass(slots=True)
class View:
    """What the person in front of it has chosen."""

    sort: str = "state"
    descending: bool = True
    words: str = ""
    search: _search.Search = field(default_factory=_search.Search)
    editing: str | None = None
    trouble: str = ""
    at: int = 0
    first: int = 0
    paused: list[Row] | None = None
    open: str | None = None
    history: Any = None

    def look_for(self, words: str) -> None:
        try:
            self.search = _search.parse(words)
        except _search.SearchError as error:
            self.trouble = str(error)
            return
        self.words, self.trouble, self.at, self.first = words, "", 0, 0


class Screen:
    """Keys in, pictures out."""

    def __init__(self, feed: Feed, view: View, console: Console) -> None:
        self._feed = feed
        self._view = view
        self._console = console
        self._rows: list[Row] = []

    def _refresh(self) -> None:
        view = self._view
        with self._feed.lock:
            hosts = list(self._feed.fleet.hosts.values())
        if view.paused is not None:
            hosts = view.paused
        found = (row for row in hosts if view.search.matches(row))
        self._rows = top_view.arranged(found, view.sort, descending=view.descending)
        view.at = max(0, min(view.at, len(self._rows) - 1))

    @property
    def _height(self) -> int:
        return max(1, self._console.height - 5)

    def key(self, key: str) -> bool:
        """Whether to go on."""
        view = self._view
        if view.editing is not None:
            self._edit(key)
        elif view.open is not None:
            if key == "q":
                return False
            if key in ("escape", "enter", "left", "backspace"):
                self._feed.unwatch(view.open)
                view.open = None
        elif key == "q":
            return False
        else:
            self._browse(key)
        return True

    def _edit(self, key: str) -> None:
        view = self._view
        assert view.editing is not None
        if key == "enter":
            view.look_for(view.editing)
            if not view.trouble:
                view.editing = None
        elif key == "escape":
            view.editing, view.trouble = None, ""
        elif key == "backspace":
            view.editing = view.editing[:-1]
        elif key == "clear":
            view.editing = ""
        elif len(key) == 1 and key.isprintable():
            view.editing += key

    def _browse(self, key: str) -> None:
        view = self._view
        moves = {
            "up": -1,
            "k": -1,
            "down": 1,
            "j": 1,
            "pageup": -self._height,
            "pagedown": self._height,
            "home": -len(self._rows),
            "end": len(self._rows),
        }
        if key in moves:
            view.at = max(0, min(view.at + moves[key], len(self._rows) - 1))
        elif key in ("s", ">", "<"):
            step = -1 if key == "<" else 1
            view.sort = top_view.SORTS[
                (top_view.SORTS.index(view.sort) + step) % len(top_view.SORTS)
            ]
            view.descending = view.sort not in ("id", "name", "region")
        elif key == "r":
            view.descending = not view.descending
        elif key == "/":
            view.editing = view.words
        elif key == "escape":
            view.look_for("")
        elif key == "p":
            with self._feed.lock:
                view.paused = None if view.paused else list(self._feed.fleet.hosts.values())
        elif key == "enter" and self._rows:
            self._open(self._rows[view.at]["id"])

    def _open(self, host: str) -> None:
        self._view.open, self._view.history = host, None
        with contextlib.suppress(Exception):  # an original node knows no history
            self._view.history = self._feed.watch(host)

    def _heading(self) -> RenderableType:
        view, fleet = self._view, self._feed.fleet
        with self._feed.lock:
            counts, total = fleet.counts(), len(fleet.hosts)
            age = time.monotonic() - fleet.heard
        said = top_view.counters(counts, len(self._rows), total)
        where = Text(f"mad top {self._feed.url}", style="dim", no_wrap=True, overflow="ellipsis")
        if not self._feed.connected:
            where = Text(f"cut off: data is {top_view.span(age)} old", style="bold red")
        elif view.paused is not None:
            where.append("  paused", style="bold yellow")
        return Group(where, said)

    def _foot(self) -> Text:
        view = self._view
        if view.editing is not None:
            said = Text(f"/{view.editing}█", style="bold")
            return said.append(f"  {view.trouble}", style="red")
        left = f"search: {view.words}  " if view.words else ""
        return Text.assemble((left, "bold"), (HELP, "dim"), no_wrap=True, overflow="ellipsis")

    def picture(self) -> RenderableType:
        view, now_ms = self._view, time.time() * 1000
        self._refresh()
        if view.open is not None:
            with self._feed.lock:
                row = self._feed.fleet.hosts.get(view.open)
                record = self._feed.fleet.watched.get(view.open)
                log = list(self._feed.fleet.log)
            if row is None:
                return Text(f"{top_view.safe(view.open)} has gone. Esc: back", style="bold")
            shown = top_view.details(
                row, record, view.history, log, width=self._console.width, now_ms=now_ms
            )
            return Group(self._heading(), Text(), shown, Text("Esc: back  q: quit", style="dim"))
        height = self._height
        view.first = max(min(view.first, view.at), view.at - height + 1, 0)
        visible = self._rows[view.first : view.first + height]
        selected = self._rows[view.at]["id"] if self._rows else None
        shown = top_view.table(
            visible,
            width=self._console.width,
            now_ms=now_ms,
            sort=view.sort,
            descending=view.descending,
            selected=selected,
            dim=not self._feed.connected,
        )
        return Group(self._heading(), shown, self._foot())


def _show(feed: Feed, view: View, interval: float) -> None:
    console = Console()
    screen = Screen(feed, view, console)
    with Keys() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(screen.picture(), refresh=True)
            key = keys.next(interval)
            while key is not None:
                if not screen.key(key):
                    return
                key = keys.next(0)


def _print(feed: Feed, view: View, limit: int, *, as_json: bool) -> None:
    with feed.lock:
        hosts = [row for row in feed.fleet.hosts.values() if view.search.matches(row)]
        counts, total = feed.fleet.counts(), len(feed.fleet.hosts)
    rows = top_view.arranged(hosts, view.sort, descending=view.descending)
    shown = rows[:limit] if limit else rows
    if as_json:
        print(json.dumps({"total": total, "found": len(rows), "hosts": shown}), flush=True)
        return
    console = Console()
    if not console.is_terminal:  # lines of a file have no end
        console.width = 1000
    console.print(top_view.counters(counts, len(rows), total))
    console.print(
        top_view.table(
            shown,
            width=console.width,
            now_ms=time.time() * 1000,
            sort=view.sort,
            descending=view.descending,
            expand=console.is_terminal,
        )
    )


def _view(sort: str, words: str) -> View:
    column = sort.removeprefix("-")
    if column not in top_view.SORTS:
        raise UsageError(
            f"--sort {sort}: there are {', '.join(top_view.SORTS)}; -cpu: largest first"
        )
    view = View(sort=column, descending=sort.startswith("-"))
    view.look_for(words)
    if view.trouble:
        raise UsageError(f"--filter '{words}': {view.trouble}")
    return view


def top(
    url: Annotated[
        str | None,
        typer.Argument(metavar="[URL]", help="A node or a proxy; without it, that of `mad up`."),
    ] = None,
    sort: Annotated[
        str, typer.Option(help="Column to sort by; with a - in front the largest come first.")
    ] = "-state",
    words: Annotated[
        str, typer.Option("--filter", help="Search, as in the console: 'tag:prod cpu>80'.")
    ] = "",
    interval: Annotated[
        float, typer.Option(min=0.1, max=3600, help="Seconds between two pictures.")
    ] = 1,
    limit: Annotated[int, typer.Option(min=0, help="Print at most so many hosts; 0: all.")] = 0,
    once: Annotated[
        bool, typer.Option("--once", help="Print one table and exit; so does no terminal.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object with all hosts found, then exit.")
    ] = False,
    token_file: Annotated[
        Path | None, typer.Option(help="File with a token that nodes ask for.")
    ] = None,
) -> None:
    """Show the fleet live: state, load and trouble of every host. q or Ctrl-C ends it."""
    import mad

    try:
        view = _view(sort, words)
        with (
            contextlib.suppress(KeyboardInterrupt),
            Feed(judged(url) if url else find(), read_token(token_file)) as feed,
        ):
            if not feed.came.wait(FIRST_LIST):
                raise TimeoutError(f"{feed.url} has sent no list in {FIRST_LIST:.0f} s")
            if as_json or once or not sys.stdout.isatty():
                _print(feed, view, limit, as_json=as_json)
            else:
                _show(feed, view, interval)
    except (UsageError, ValueError) as error:
        typer.echo(f"mad top: {error}", err=True)
        raise typer.Exit(2) from error
    except (mad.Error, ImportError, TimeoutError) as error:
        typer.echo(f"mad top: {error}", err=True)
        raise typer.Exit(1) from error
