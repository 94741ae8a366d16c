"""`mad proxy top` beside a stand-in for a proxy's admin interface."""

from __future__ import annotations

import json
import os
import select
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from terminal_kit import read_until, terminal

from mad.local import runtime

NODE = {"name": "node-1", "url": "http://10.0.0.5:3000", "state": "up", "tunnels": 3}


class StandIn:
    """Listens on a unix socket; each question finds 100 requests more."""

    def __init__(self, path: Path) -> None:
        self.address = f"unix:{path}"
        self.asked: list[tuple[str, str | None]] = []
        self.answer: Callable[[int], tuple[int, Any]] = lambda count: (
            200,
            {"upstreams": [{**NODE, "requests": 100 * count}], "panic": False},
        )
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers["Authorization"]))
                status, value = outer.answer(len(outer.asked))
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

            def address_string(self) -> str:
                return "unix"

        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=[0.05]).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    made = StandIn(tmp_path / "admin.sock")
    yield made
    made.stop()


def top(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mad", "proxy", "top", *arguments],
        env={k: v for k, v in os.environ.items() if k != "FORCE_COLOR"} | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_one_table_for_scripts(stand_in: StandIn) -> None:
    done = top(stand_in.address, "--once", "--interval", "0.1")
    assert (done.returncode, done.stderr) == (0, "")
    heading, _, columns, row = done.stdout.splitlines()
    assert heading == f"mad proxy {stand_in.address}"
    assert columns.split()[0] == "UPSTREAM"
    assert row.split()[:3] == ["node-1", "up", "3"]
    assert stand_in.asked == [("/upstreams", None)] * 2


def test_json_is_one_object_a_line(stand_in: StandIn) -> None:
    done = top(stand_in.address, "--once", "--json", "--interval", "0.5")
    (line,) = done.stdout.splitlines()
    said = json.loads(line)
    assert said["panic"] is False
    assert said["upstreams"][0] | {"requests_s": 0} == said["all"] | {
        **{"name": "node-1", "url": NODE["url"], "state": "up", "requests_s": 0}
    }
    assert 50 < said["all"]["requests_s"] <= 200


def test_the_token_is_sent(stand_in: StandIn, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    arguments = ("--once", "--interval", "0.1", "--token-file", str(tmp_path / "token"))
    assert top(stand_in.address, *arguments).returncode == 0
    assert stand_in.asked[0] == ("/upstreams", "Bearer secret")


def test_it_finds_the_proxy_of_mad_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    found = StandIn(runtime.admin_socket(1))
    try:
        done = top("--once", "--interval", "0.1")
        assert done.stdout.startswith(f"mad proxy unix:{tmp_path}/mad/proxy-1.sock"), done.stderr
        second = StandIn(runtime.admin_socket(2))
        try:
            done = top("--once")
            assert done.returncode == 2
            assert "several proxies run here" in done.stderr
            assert f"\n  mad proxy top unix:{tmp_path}/mad/proxy-2.sock" in done.stderr
        finally:
            second.stop()
    finally:
        found.stop()
    done = top("--once")
    assert done.returncode == 2
    assert "no `mad up` runs here" in done.stderr


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((401, {}), "answers 401 Unauthorized"),
        ((200, []), "does not answer as a proxy does"),
        ((200, {"upstreams": [{"name": 1}]}), "does not answer as a proxy does"),
    ],
)
def test_an_answer_that_helps_nobody_is_an_error(
    stand_in: StandIn, answer: tuple[int, Any], says: str
) -> None:
    stand_in.answer = lambda _: answer
    done = top(stand_in.address, "--once")
    assert done.returncode == 1
    assert done.stderr.startswith("mad proxy top: ")
    assert says in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["unix:/nonexistent/a.sock"], 1, "nobody answers at unix:/nonexistent/a.sock: No such"),
        (["nonsense"], 2, "nonsense"),
        (["1", "--token-file", "/nonexistent"], 2, "--token-file /nonexistent: No such file"),
        (["1", "--interval", "0"], 2, "--interval"),
    ],
)
def test_what_cannot_work_is_said(arguments: list[str], code: int, says: str) -> None:
    done = top(*arguments, "--once")
    assert done.returncode == code
    assert says in done.stderr


def test_it_is_live_until_q(stand_in: StandIn) -> None:
    with terminal("proxy", "top", stand_in.address, "--interval", "0.2") as (process, screen):
        read_until(screen, "node-1")
        asked = len(stand_in.asked)
        while len(stand_in.asked) < asked + 3:
            assert select.select([screen], [], [], 20)[0]
            os.read(screen, 65536)
        os.write(screen, b"q")
        assert process.wait(20) == 0


def test_ctrl_c_ends_it_quietly(stand_in: StandIn) -> None:
    with terminal("proxy", "top", stand_in.address) as (process, screen):
        read_until(screen, "node-1")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert "Traceback" not in read_until(screen, None)


def test_a_proxy_that_is_away_for_a_while_is_waited_for(stand_in: StandIn) -> None:
    with terminal("proxy", "top", stand_in.address, "--interval", "0.2") as (process, screen):
        read_until(screen, "node-1")
        usual = stand_in.answer
        stand_in.answer = lambda _: (503, {})
        assert "node-1" in read_until(screen, "answers 503")
        stand_in.answer = usual
        asked = len(stand_in.asked)
        while len(stand_in.asked) < asked + 2:
            assert select.select([screen], [], [], 20)[0]
            os.read(screen, 65536)
        os.write(screen, b"q")
        assert process.wait(20) == 0
