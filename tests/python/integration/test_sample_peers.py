"""Samples beside what psutil, df, free, the kernel and node_exporter say in the same moment."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from compare_agent import Row, Sources, Taken, all_sources, compare, table, take
from peer_readings import from_psutil, parse_node_exporter

import mad

pytestmark = pytest.mark.usefixtures("module")

ATTEMPTS = 4
"""What goes up and down may do so faster than it is read; not four times in a row."""
FIELDS = {
    *("cpu.pct", "cpu.user", "cpu.sys", "cpu.iowait", "cpu.steal", "load.1", "load.5", "load.15"),
    *("mem.total", "mem.avail", "mem.pct", "mem.swap_total", "mem.swap_used", "up", "agent.rss"),
    *("net.rx", "net.tx", "net.err", "net.drop", "network", "procs.total"),
}
"""What every machine has. Containers may have no disk of their own."""


@pytest.fixture(scope="module")
def sources() -> Iterator[Sources]:
    with all_sources() as found:
        yield found


def work(seconds: float = 0.5) -> None:
    """Something to be seen: CPU, the loopback interface, a disk."""
    until = time.monotonic() + seconds
    one, other = socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.TemporaryFile() as file:
        sender = socket.create_connection(server.getsockname())
        receiver, _ = server.accept()
        with one, other, sender, receiver:
            while time.monotonic() < until:
                sender.sendall(b"x" * 4096)
                receiver.recv(4096)
                file.write(b"x" * 4096)
        file.flush()
        os.fsync(file.fileno())


@pytest.fixture(scope="module")
def taken(sources: Sources) -> Taken:
    return take(sources, 0.6, work, nics=["lo"])


def test_every_field_agrees_with_everybody_who_has_it(sources: Sources) -> None:
    rows: list[Row] = []
    agreed: set[tuple[str, str]] = set()
    for _ in range(ATTEMPTS):
        rows = compare(take(sources, 0.6, work, nics=["lo"]))
        agreed |= {(row.field, row.source) for row in rows if row.agrees}
        if all((row.field, row.source) in agreed for row in rows):
            break
    assert {row.field for row in rows} >= FIELDS
    odd = [row for row in rows if (row.field, row.source) not in agreed]
    assert not odd, table(odd)


def test_the_work_is_seen(taken: Taken) -> None:
    rows = {(row.field, row.source): row for row in compare(taken)}
    for field in ("cpu.pct", "net.rx", "net.tx", "network"):
        ours = rows[field, "psutil"].ours
        assert ours is not None
        assert ours > 0, field


@pytest.mark.parametrize(
    ("place", "by"),
    [
        (("mem", "total"), 1.001),
        (("mem", "avail"), 0.5),
        (("cpu", "pct"), 0.2),
        (("net", "rx"), 0.3),
        (("network",), 0.3),
        (("network",), 1000),
        (("up",), 0.5),
    ],
)
def test_a_value_that_is_off_is_found(taken: Taken, place: tuple[str, ...], by: float) -> None:
    wrong: Any = copy.deepcopy(taken.ours)
    inner = wrong
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] *= by
    field = ".".join(place)
    rows = compare(dataclasses.replace(taken, ours=cast(mad.Health, wrong)))
    assert all(not row.agrees for row in rows if row.field == field)
    assert any(row.field == field for row in rows)


def test_a_field_that_is_missing_is_found(taken: Taken) -> None:
    poorer = cast(mad.Health, {k: v for k, v in taken.ours.items() if k != "mem"})
    rows = compare(dataclasses.replace(taken, ours=poorer))
    assert next(row.explanation for row in rows if row.field == "mem.total") == "ABSENT here"


def test_the_agent_prints_the_same(programs: dict[str, Path]) -> None:
    before = from_psutil()
    done = subprocess.run(
        [programs["mad-agent"], "--once"], capture_output=True, text=True, check=True, timeout=30
    )
    after = from_psutil()
    health = json.loads(done.stdout)["health"]
    assert health["mem"]["total"] == before["mem.total"]
    assert before["up"] - 2 <= health["up"] <= after["up"] + 2
    pressed = sorted([before["mem.avail"], after["mem.avail"]])
    room = before["mem.total"] / 20
    assert pressed[0] - room <= health["mem"]["avail"] <= pressed[1] + room


def test_a_small_exposition_is_read() -> None:
    text = """\
# HELP node_cpu_seconds_total Seconds the CPUs spent in each mode.
# TYPE node_cpu_seconds_total counter
node_cpu_seconds_total{cpu="0",mode="user"} 10.5
node_cpu_seconds_total{cpu="1",mode="user"} 2
node_filesystem_size_bytes{device="/dev/vda",fstype="ext4",mountpoint="/"} 1000
node_filesystem_free_bytes{device="/dev/vda",fstype="ext4",mountpoint="/"} 600
node_filesystem_avail_bytes{device="/dev/vda",fstype="ext4",mountpoint="/"} 400
node_filesystem_size_bytes{device="/dev/vdb",fstype="ext4",mountpoint="/srv"} 5
node_network_receive_drop_total{device="eth0"} 3
node_network_transmit_drop_total{device="eth0"} 4
node_network_transmit_bytes_total{device="eth0"} 2.5e+06
node_time_seconds 1.7e+09
node_boot_time_seconds 1.6e+09
"""
    assert parse_node_exporter(text) == {
        "cpu.user#": 12.5,
        "root.size": 1000,
        "root.free": 600,
        "root.avail": 400,
        "root.pct": 50,
        "nic.eth0.drop#": 7,
        "nic.eth0.tx#": 2.5e6,
        "up": 1e8,
    }
