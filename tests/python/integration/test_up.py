"""`mad up` with the real programs: this machine's health reaches the console's node."""

from __future__ import annotations

import contextlib
import json
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from process_kit import is_alive, wait_gone

from mad.local.redis import find_server

pytestmark = pytest.mark.usefixtures("programs", "console")


@contextlib.contextmanager
def up(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "mad", "up", "--listen", "0", "--json", *arguments],
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    try:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 40)[0], "nothing was printed"
        said = json.loads(process.stdout.readline())
        assert said["event"] == "ready", said
        yield process, said
    finally:
        process.kill()
        process.communicate()


def get(url: str, **headers: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return bytes(answer.read())


def wait_until(condition: Callable[[], bool], limit: float = 20) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_page_is_served_and_may_talk_to_the_node() -> None:
    with up() as (_, said):
        assert b"<!doctype html>" in get(said["console"] + "/").lower()
        assert json.loads(get(said["console"] + "/config.json"))["api_url"] == said["api"]
        handshake = f"{said['api']}/socket.io/?EIO=4&transport=polling"
        assert get(handshake, Origin=said["console"]).startswith(b"0{")
        localhost = said["console"].replace("127.0.0.1", "localhost")
        assert get(handshake, Origin=localhost).startswith(b"0{")
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(handshake, Origin="http://elsewhere.test")
        refused.value.close()
        assert refused.value.code == 403


def test_the_agent_reports_this_machine() -> None:
    with up() as (_, said):
        wait_until(lambda: json.loads(get(said["api"] + "/health"))["sessions"] >= 1)


@pytest.mark.skipif(not find_server(), reason="no redis-server: apt-get install redis-server")
def test_several_nodes_show_the_same_agents() -> None:
    def shown(node: str) -> list[str]:
        return [
            line
            for line in get(node + "/metrics").decode().splitlines()
            if line.startswith(("mad_agents ", "mad_fleet_agents "))
        ]

    with up("--nodes", "2", "--agents", "3") as (process, said):
        first, second = said["nodes"]
        assert first != second
        assert said["api"] == first
        for node in (first, second):
            wait_until(lambda node=node: "mad_fleet_agents 3" in shown(node))  # type: ignore[misc]
            assert json.loads(get(node + "/ready"))["ready"] is True
        assert shown(first) == ["mad_agents 2", "mad_fleet_agents 3"]
        assert shown(second) == ["mad_agents 1", "mad_fleet_agents 3"]
        (redis,) = [p for p in said["programs"] if p["url"].startswith("unix://")]
        socket = Path(redis["url"].removeprefix("unix://"))
        assert socket.is_socket()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert not socket.parent.exists()


def test_ctrl_c_stops_it_all_in_time() -> None:
    with up("--agents", "2") as (process, said):
        pids = [program["pid"] for program in said["programs"]]
        assert len(pids) == 4
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert not any(is_alive(pid) for pid in pids)


def test_the_programs_die_with_it_however_it_dies() -> None:
    with up() as (process, said):
        pids = [program["pid"] for program in said["programs"]]
        assert all(is_alive(pid) for pid in pids)
        process.kill()
        wait_gone(pids)
