"""`mad top` beside nodes that speak version 2, nodes of the original, and in a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from terminal_kit import read_until, terminal

from mad._fleet import COLUMNS
from mad.socketio import ConnectionRefusedError, Server, Socket

pytestmark = pytest.mark.usefixtures("module")

STATES = ("ok", "warn", "crit")


def row(host: str, state: str, cpu: float) -> list[Any]:
    known = {"id": host, "state": state, "cpu": cpu, "flags": 0, "tags": ["role:web"], "v": 2}
    return [known.get(column) for column in COLUMNS]


class Node:
    """Says version 2 as nodes do, about 30 hosts."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.watched: list[str] = []
        self.token: str | None = None
        self.server = Server()
        self.server.use(self._guard)
        self.server.on("web_connected", self._on_page)
        self.server.on("client_watch", self._on_watch)
        self.rows = [row(f"web-{at}", STATES[at % 3], at) for at in range(30)]

    def _guard(self, peer: Socket) -> None:
        auth = peer.handshake.auth or {}
        if self.token and auth.get("token") != self.token:
            raise ConnectionRefusedError("a token is needed")

    def _on_page(self, peer: Socket, wish: Any) -> None:
        self.asked.append(wish)
        half = len(self.rows) // 2
        for last, rows in ((False, self.rows[:half]), (True, self.rows[half:])):
            chunk = {"cols": list(COLUMNS), "rows": rows, "cursor": "a.1", "last": last}
            peer.emit("fleet_snapshot", chunk)

    def _on_watch(self, peer: Socket, wish: Any) -> Any:
        self.watched.append(wish["id"])
        peer.emit("web_client_update", {"id": wish["id"], "v": 2, "info": {"os": "Debian 12"}})
        return {"history": {"cols": ["cpu"], "native": [[10], [None], [90]]}}


@pytest.fixture
def node() -> Iterator[Node]:
    made = Node()
    with made.server:
        yield made


def top(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mad", "top", *arguments],
        env={k: v for k, v in os.environ.items() if k != "FORCE_COLOR"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_without_a_terminal_one_table(node: Node) -> None:
    done = top(node.server.url, "--sort", "-cpu", "--limit", "2")
    assert (done.returncode, done.stderr) == (0, "")
    counters, heading, first, second = done.stdout.splitlines()
    assert counters.startswith("30 hosts  ● 10 ok  ▲ 10 warn  ■ 10 crit")
    assert "cpu % ▼" in heading
    assert "web-29" in first
    assert "web-28" in second
    assert node.asked[0]["v"] == 2


def test_json_has_the_hosts_that_a_search_finds(node: Node) -> None:
    done = top(node.server.url, "--json", "--filter", "state:crit cpu>10 role:web", "--sort", "id")
    said = json.loads(done.stdout)
    assert (said["total"], said["found"]) == (30, 7)
    assert [host["id"] for host in said["hosts"]][:2] == ["web-11", "web-14"]


def test_a_node_of_the_original_has_a_list(node: Node) -> None:
    record = {"id": "old-1", "health": {"storage": 41.5, "network": 3}, "socketID": "x"}
    node.server.on("web_connected", lambda peer, _wish=None: peer.emit("load_clients", [record]))
    done = top(node.server.url)
    assert "1 hosts" in done.stdout
    assert "old-1" in done.stdout
    assert "41.5" in done.stdout


def test_a_token_is_sent_and_its_lack_is_said(node: Node, tmp_path: Path) -> None:
    node.token = "secret"
    refused = top(node.server.url)
    assert refused.returncode == 1
    assert "a token is needed" in refused.stderr
    (tmp_path / "token").write_text("secret\n")
    assert top(node.server.url, "--token-file", str(tmp_path / "token")).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["http://127.0.0.1:1"], 1, "mad top: "),
        (["nowhere"], 2, "'nowhere' is no URL of a node"),
        (["http://127.0.0.1:1", "--sort", "size"], 2, "--sort size: there are id, state"),
        (["http://127.0.0.1:1", "--filter", "cpu>much"], 2, "'much' is no number"),
        (["http://127.0.0.1:1", "--token-file", "/nonexistent"], 2, "No such file"),
    ],
)
def test_what_cannot_work_is_said(arguments: list[str], code: int, says: str) -> None:
    done = top(*arguments)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_without_mad_up_it_wants_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    done = top()
    assert done.returncode == 2
    assert "no `mad up` runs here; name a node" in done.stderr


def test_keys_search_open_and_quit(node: Node) -> None:
    with terminal("top", node.server.url, "--interval", "0.2", "--sort", "id") as (process, screen):
        read_until(screen, "web-3")
        os.write(screen, b"/web-29\r")
        read_until(screen, "search: web-29")
        os.write(screen, b"\r")
        read_until(screen, "Debian 12")
        assert node.watched == ["web-29"]
        os.write(screen, b"\x7f/\x15cpu>\r")
        read_until(screen, "is no number")
        os.write(screen, b"\x1b")
        os.write(screen, b"p")
        read_until(screen, "paused")
        os.write(screen, b"q")
        assert process.wait(20) == 0


def test_changes_are_shown_as_they_come(node: Node) -> None:
    with terminal("top", node.server.url, "--interval", "0.2") as (_, screen):
        read_until(screen, "10 crit")
        node.server.emit("fleet_delta", {"rows": [row("web-0", "crit", 99)], "cursor": "a.2"})
        read_until(screen, "11 crit")
        node.server.emit("fleet_delta", {"rows": [], "gone": ["web-0"], "cursor": "a.3"})
        read_until(screen, "29 hosts")


def test_a_node_that_is_away_is_said_and_asked_again_with_the_cursor(node: Node) -> None:
    with terminal("top", node.server.url, "--interval", "0.2") as (_, screen):
        read_until(screen, "10 crit")
        node.server.disconnect_sockets(close=True)
        read_until(screen, "cut off")
