"""What a machine runs out of: descriptors, memory, disk. Who is inside goes on, who comes is told
or closed, and afterwards everything is as before."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import wire
from abuse_kit import BIN, Healthy, program
from wire import request

SECOND_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU time that a process has used."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / SECOND_TICKS


def rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6


def limit(pid: int, kind: int, most: int) -> None:
    """Sets a limit of a process that runs; -1: as high as it may be."""
    _, hard = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (hard if most < 0 else most, hard))


def served(port: int, limit_s: float = wire.LIMIT_S) -> bool:
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if wire.said(port, request("/health", "Connection: close")).status == 200:
                return True
        time.sleep(0.1)
    return False


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.mark.parametrize("name", ["mad-api", "mad-proxy"])
def test_out_of_descriptors(name: str, log: Path) -> None:
    """Those inside go on, the processor rests, the log has a line a second at most, and when others
    have left, who comes is let in again."""
    with contextlib.ExitStack() as stack:
        flags: tuple[str, ...] = ("--max-connections", "10000")
        if name == "mad-proxy":
            _, port = stack.enter_context(program("mad-api", "--log-level", "error"))
            flags += ("--upstream", f"http://127.0.0.1:{port}")
        process, port = stack.enter_context(program(name, *flags, log=log))
        assert served(port)
        inside = Healthy(port, "inside")
        held = [stack.enter_context(wire.dial(port)) for _ in range(50)]
        descriptors = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
        limit(process.pid, resource.RLIMIT_NOFILE, descriptors + 5)
        for _ in range(200):
            with contextlib.suppress(OSError):
                held.append(stack.enter_context(wire.dial(port)))
        before, lines = cpu_s(process.pid), log.read_text().count("\n")
        time.sleep(4)
        assert cpu_s(process.pid) - before < 2, "it spins"
        assert log.read_text().count("\n") - lines < 20
        assert (
            "descriptor" in log.read_text()
            or "EMFILE" in log.read_text()
            or "open files" in log.read_text()
        )
        for peer in held:
            peer.close()
        assert served(port)
        inside.end()


def test_out_of_memory_for_one_message(log: Path) -> None:
    """An address space that a large message does not fit into: its session may end, and only that
    one."""
    with program("mad-api", "--max-payload", "100000000", log=log) as (process, port):
        inside = Healthy(port, "inside")
        status = Path(f"/proc/{process.pid}/status").read_text()
        now_kb = int(status.partition("VmSize:")[2].split()[0])
        limit(process.pid, resource.RLIMIT_AS, (now_kb + 60_000) * 1024)
        large = wire.frame(b'42["x","' + b"y" * 90_000_000 + b'"]')
        for _ in range(3):
            with contextlib.suppress(OSError), wire.open_websocket(port) as session:
                wire.put(session, large)
                wire.take(session, quiet_s=0.5, limit_s=5)
        assert process.poll() is None, log.read_text()[-1000:]
        limit(process.pid, resource.RLIMIT_AS, -1)
        assert served(port)
        inside.end()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB."""
    if os.geteuid() != 0:
        pytest.skip("mounts need root")
    where = tmp_path / "small"
    where.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", where], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("this system lets nobody mount")
    yield where
    subprocess.run(["umount", where], check=True)


def test_a_full_disk_for_the_log(small: Path) -> None:
    """What cannot be logged is lost, and nothing else."""
    with program("mad-api", "--log-level", "debug", log=small / "log") as (process, port):
        inside = Healthy(port, "inside")
        for _ in range(1_500):
            wire.said(
                port,
                request("/socket.io/?EIO=4&transport=polling", "Connection: close"),
                quiet_s=0.01,
            )
        assert (small / "log").stat().st_size >= 60_000, "it did not fill up"
        assert process.poll() is None
        assert served(port)
        inside.end()


def test_a_full_disk_for_the_state_of_an_agent(small: Path) -> None:
    """An agent that cannot keep the id that it drew says so, and goes on with it."""
    (small / "fill").write_bytes(b"x" * 60_000)
    with contextlib.suppress(OSError), (small / "rest").open("wb") as rest:
        while True:
            rest.write(b"x" * 4096)
            rest.flush()
    done = subprocess.run(
        [str(BIN / "mad-agent"), "--once", "--state-file", str(small / "state")],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode in (0, 2), done.stderr
    assert done.returncode == 0 or "state" in done.stderr


def test_a_reader_of_the_log_that_is_gone() -> None:
    """A closed pipe behind the log ends nobody."""
    with contextlib.ExitStack() as stack:
        process = subprocess.Popen(
            [str(BIN / "mad-api"), "--listen", "127.0.0.1:0", "--log-level", "debug"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        assert process.stdout is not None
        assert process.stderr is not None
        assert select.select([process.stdout], [], [], 30)[0]
        port = int(process.stdout.readline().split()[2].rpartition(b":")[2])
        process.stdout.close()
        process.stderr.close()
        for _ in range(20):
            assert wire.said(port, request(wire.HANDSHAKE, "Connection: close")).status == 200
        assert process.poll() is None


def slow_heads(port: int, count: int) -> list[socket.socket]:
    held = []
    for n in range(count):
        peer = socket.socket()
        peer.bind((f"127.0.0.{2 + n % 50}", 0))
        peer.settimeout(wire.LIMIT_S)
        peer.connect(("127.0.0.1", port))
        peer.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ")
        held.append(peer)
    return held


def test_5_000_who_send_slowly(log: Path) -> None:
    """Each ends at the limit for a head (10 s), none costs more than some kilobytes, and the
    healthy beside them lose nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with program("mad-api", "--log-level", "error", log=log) as (process, port):
            inside = Healthy(port, "inside")
            before = rss_mb(process.pid)
            held = slow_heads(port, 5_000)
            grown = rss_mb(process.pid) - before
            until = time.monotonic() + 60
            while len(list(Path(f"/proc/{process.pid}/fd").iterdir())) > 200:
                assert time.monotonic() < until, "they are still there"
                time.sleep(0.5)
            for peer in held:
                peer.close()
            assert grown < 100, f"{grown:.0f} MB for 5,000 slow heads"
            inside.end()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
