"""Proxies of the bench: each stands on the core of the server, before nodes on that of the load."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .plan import BIN, PEERS

PROGRAMS = ("nginx", "haproxy")
READY_WITHIN_S = 15.0


class ProxyError(OSError):
    """A proxy did not do what the bench needs; the text says what."""


def missing() -> str | None:
    """Why there is nothing to hold mad-proxy against, and the remedy; None when there is."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"no {' and no '.join(lacking)} here (script/setup bench)" if lacking else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _configure(template: Path, into: Path, listen: str, servers: Sequence[str]) -> None:
    text = template.read_text().replace("@LISTEN@", listen)
    into.write_text(text.replace("@SERVERS@", "\n    ".join(servers)))


def _command(name: str, folder: Path, listen: str, nodes: Sequence[str]) -> list[str]:
    """What runs the proxy `name` before the HOST:PORTs `nodes`; its files go into `folder`."""
    if name == "nginx":
        config = folder / "nginx.conf"
        servers = [f"server {node};" for node in nodes]
        _configure(PEERS / "nginx" / "nginx.conf", config, listen, servers)
        return ["nginx", "-p", str(folder), "-c", str(config), "-e", "stderr"]
    if name == "haproxy":
        config = folder / "haproxy.cfg"
        servers = [f"server node{i} {node} check inter 2s" for i, node in enumerate(nodes)]
        _configure(PEERS / "haproxy" / "haproxy.cfg", config, listen, servers)
        return ["haproxy", "-db", "-f", str(config)]
    upstreams = [word for node in nodes for word in ("--upstream", f"http://{node}")]
    return [str(BIN / "mad-proxy"), "--listen", listen, "--threads", "1", *upstreams]


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


@contextlib.contextmanager
def running(
    name: str, nodes: Sequence[str], prepare: Callable[[], None]
) -> Iterator[tuple[str, list[int], Callable[[], str]]]:
    """Runs a proxy until the block ends: its address, its processes, what it has said."""
    listen = f"127.0.0.1:{_free_port()}"
    with (
        tempfile.TemporaryDirectory(prefix="mad-bench-proxy-") as folder,
        tempfile.TemporaryFile("w+") as errors,
    ):
        process = subprocess.Popen(
            _command(name, Path(folder), listen, nodes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            preexec_fn=prepare,
        )

        def log() -> str:
            errors.seek(0)
            return " ".join(errors.read().split())

        try:
            _await_ready(process, name, listen, log)
            yield f"http://{listen}", [process.pid, *_children(process.pid)], log
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_ready(
    process: subprocess.Popen[bytes], name: str, listen: str, log: Callable[[], str]
) -> None:
    """Until a handshake goes through it to a node."""
    host, _, port = listen.rpartition(":")
    ask = (
        b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise ProxyError(f"{name} ended before it was ready: {log()[-300:]}")
        with (
            contextlib.suppress(OSError),
            socket.create_connection((host, int(port)), timeout=2) as wire,
        ):
            wire.sendall(ask)
            if wire.recv(4096).startswith(b"HTTP/1.1 200"):
                return
        time.sleep(0.02)
    raise ProxyError(f"{name} was not ready within {READY_WITHIN_S:.0f} s: {log()[-300:]}")


def version(name: str) -> str:
    try:
        done = subprocess.run([name, "-v"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "none"
    found = re.search(r"(?:nginx/|version )(\d[\w.]*)", done.stdout + done.stderr)
    return found[1] if found else "unknown"
