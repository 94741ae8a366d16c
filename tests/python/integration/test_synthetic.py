"""mad-synthetic: a fleet that does not exist, in front of a real node."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import mad
from mad import socketio

LIMIT = 20.0


def wait_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@contextmanager
def running(program: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], LIMIT)[0], "it says nothing"
    return process.stdout.readline()


def agents_of(node: mad.ApiServer) -> int:
    with urllib.request.urlopen(node.url + "/metrics", timeout=LIMIT) as answer:
        lines = answer.read().decode().splitlines()
    (line,) = [line for line in lines if line.startswith("mad_agents ")]
    return int(line.split()[1])


def fleet_of(node: mad.ApiServer) -> list[dict[str, Any]]:
    """All records, as an original page gets them."""
    told: list[list[dict[str, Any]]] = []
    page = socketio.Client(node.url)
    page.on("load_clients", told.append)
    with page:
        page.emit("web_connected")
        wait_until(lambda: bool(told))
    return told[0]


pytestmark = pytest.mark.usefixtures("module")


@pytest.fixture
def synthetic(programs: dict[str, Path]) -> Path:
    return programs["mad-synthetic"]


def test_its_hosts_are_plausible_and_marked(synthetic: Path) -> None:
    with (
        mad.ApiServer() as node,
        running(synthetic, "--api", node.url, "--agents", "60", "--interval", "1s") as process,
    ):
        assert next_line(process).split()[:2] == ["ready", "mad-synthetic"]
        wait_until(lambda: agents_of(node) == 60)
        hosts = {host["id"]: host for host in fleet_of(node)}
        assert sorted(hosts) == [f"synthetic-{number:05}" for number in range(60)]
        for host in hosts.values():
            assert host["info"]["tags"][0] == "synthetic"
            assert host["info"]["agent"] == "synthetic"
            health = host["health"]
            assert 0 <= health["storage"] <= 100
            assert 0 <= health["cpu"]["pct"] <= 100
            assert len(health["cpu"]["cores"]) == host["info"]["cpus"]
            assert 700 < len(json.dumps(host)) < 2000, "as an ordinary host's"
        assert len({host["health"]["storage"] for host in hosts.values()}) > 30
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == 0
        wait_until(lambda: agents_of(node) == 0)


def test_the_same_seed_makes_the_same_hosts(synthetic: Path) -> None:
    def storage(seed: str) -> dict[str, float]:
        with (
            mad.ApiServer() as node,
            running(
                synthetic,
                *("--api", node.url, "--agents", "20", "--interval", "60s", "--seed", seed),
            ),
        ):
            wait_until(lambda: agents_of(node) == 20)
            return {host["id"]: host["health"]["storage"] for host in fleet_of(node)}

    assert storage("7") == storage("7")
    assert storage("7") != storage("8")


def test_it_tells_what_it_has_done_and_comes_back_after_churn(synthetic: Path) -> None:
    with (
        mad.ApiServer() as node,
        running(
            synthetic,
            *("--api", node.url, "--agents", "50", "--interval", "1s", "--churn", "3000"),
            "--stats",
        ) as process,
    ):
        next_line(process)
        said: list[dict[str, int]] = []

        def more_connections_than_agents() -> bool:
            said.append(json.loads(next_line(process)))
            return said[-1]["connections"] > 60

        wait_until(more_connections_than_agents)
        assert said[-1]["sent"] >= said[-1]["connections"]
        assert said[-1]["refused"] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--api: the URL of an API node is needed"),
        (["--api", "nowhere"], "'nowhere' is no URL"),
        (["--api", "http://localhost:1", "--agents", "0"], "--agents"),
        (["--api", "http://localhost:1", "--token-file", "/nonexistent"], "--token-file"),
    ],
)
def test_wrong_flags_are_named(synthetic: Path, arguments: list[str], says: str) -> None:
    done = subprocess.run(
        [synthetic, *arguments], capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 2
    assert says in done.stderr
