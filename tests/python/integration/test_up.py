"""`mad up` with the real programs: this machine's health reaches the node behind the proxy."""

from __future__ import annotations

import contextlib
import json
import os
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


def test_the_page_and_its_sockets_have_one_address() -> None:
    with up() as (_, said):
        assert said["console"] == said["proxy"]
        assert b"<!doctype html>" in get(said["proxy"] + "/").lower()
        assert json.loads(get(said["proxy"] + "/config.json"))["api_url"] == ""
        path = "/socket.io/?EIO=4&transport=polling"
        for url in (said["proxy"], said["proxy"].replace("127.0.0.1", "localhost")):
            assert get(url + path, Origin=url).startswith(b"0{")
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(said["proxy"] + path, Origin="http://elsewhere.test")
        refused.value.close()
        assert refused.value.code == 403


def top(said: dict[str, Any]) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "mad", "proxy", "top", "--once", "--json", "--interval", "0.1"]
    done = subprocess.run([*command, said["admin"]], capture_output=True, check=True, timeout=30)
    upstreams: list[dict[str, Any]] = json.loads(done.stdout)["upstreams"]
    return upstreams


def test_the_proxy_can_be_watched() -> None:
    with up() as (_, said):
        wait_until(lambda: top(said)[0]["sessions"] >= 1)
        (node,) = top(said)
        assert (node["name"], node["url"], node["state"]) == ("node-1", said["api"], "up")


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
        own = [int(shown(node)[0].removeprefix("mad_agents ")) for node in (first, second)]
        assert sorted(own) == [1, 2], "the proxy gives no node more than its part"
        (redis,) = [p for p in said["programs"] if p["url"].startswith("unix://")]
        socket = Path(redis["url"].removeprefix("unix://"))
        assert socket.is_socket()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert not socket.parent.exists()


@pytest.mark.skipif(not find_server(), reason="no redis-server: apt-get install redis-server")
def test_agents_of_a_node_that_is_killed_go_on_at_the_others() -> None:
    def agents(node: str) -> list[str]:
        lines = get(node + "/metrics").decode().splitlines()
        return [line for line in lines if line.startswith(("mad_agents ", "mad_fleet_agents "))]

    with up("--nodes", "2", "--agents", "3") as (process, said):
        first, second = said["nodes"]
        wait_until(lambda: "mad_fleet_agents 3" in agents(first))
        (pid,) = (program["pid"] for program in said["programs"] if program["url"] == first)
        os.kill(pid, signal.SIGKILL)
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 20)[0]
        lost = json.loads(process.stdout.readline())
        assert (lost["event"], lost["url"], lost["nodes_left"]) == ("lost", first, 1)
        wait_until(lambda: agents(second) == ["mad_agents 3", "mad_fleet_agents 3"])
        wait_until(lambda: [one["state"] for one in top(said)] == ["down", "up"])


def test_ctrl_c_stops_it_all_in_time() -> None:
    with up("--agents", "2") as (process, said):
        pids = [program["pid"] for program in said["programs"]]
        assert len(pids) == 5
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert not any(is_alive(pid) for pid in pids)


def test_the_programs_die_with_it_however_it_dies() -> None:
    with up() as (process, said):
        pids = [program["pid"] for program in said["programs"]]
        assert all(is_alive(pid) for pid in pids)
        process.kill()
        wait_gone(pids)
