"""Programs under abuse, and healthy sessions beside it that must not notice anything."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import wire

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("MAD_BIN_DIR", ROOT / "build" / "dev" / "bin"))
GAP_S = 0.05
"""Between two samples of a healthy agent."""


@contextlib.contextmanager
def program(
    name: str, *flags: str, log: Path | None = None
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Runs a program until the block ends, its log in `log`; gives its port. It must end by itself
    when asked to."""
    with (log or Path(os.devnull)).open("wb") as said:
        process = subprocess.Popen(
            [str(BIN / name), "--listen", "127.0.0.1:0", *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
    try:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 30)[0], f"{name} was not ready"
        words = process.stdout.readline().split()
        assert words[:1] == ["ready"], f"{name} did not start: {words}"
        yield process, int(words[2].rpartition(":")[2])
        assert process.poll() is None, f"{name} ended with {process.returncode}"
    finally:
        process.terminate()
        try:
            code = process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()
    assert code == 0, f"{name} ended with {code}"


class Healthy:
    """An agent and a console of one address: what one sends the other must see, all of it and in
    order, as long as the test lasts."""

    def __init__(self, port: int, agent_id: str) -> None:
        self.id = agent_id
        self.sent = 0
        self.seen: list[int] = []
        self.wrong: list[str] = []
        self._stop = threading.Event()
        self._console = wire.open_websocket(port)
        wire.put(self._console, wire.text('42["web_connected"]'))
        self._agent = wire.open_websocket(port)
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._send, self._read)
        ]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        while not self._stop.wait(GAP_S):
            record = {"id": self.id, "health": {"storage": 1, "network": 1}, "n": self.sent}
            event = "client_healthcheck" if self.sent else "client_connected"
            self._agent.sendall(wire.text("42" + json.dumps([event, record])))
            self.sent += 1
            self._answer_pings()

    def _answer_pings(self) -> None:
        while select.select([self._agent], [], [], 0)[0]:
            data = self._agent.recv(65_536)
            if not data:
                self.wrong.append("the agent was closed")
                self._stop.set()
                return
            if "2" in wire.Frames(data).texts:
                self._agent.sendall(wire.text("3"))

    def _read(self) -> None:
        held = b""
        while not self._stop.is_set():
            if not select.select([self._console], [], [], 0.2)[0]:
                continue
            data = self._console.recv(1 << 20)
            if not data:
                self.wrong.append("the console was closed")
                return
            held = self._take(held + data)

    def _take(self, data: bytes) -> bytes:
        frames = wire.Frames(data)
        for packet in frames.texts:
            if packet == "2":
                self._console.sendall(wire.text("3"))
            elif packet.startswith('42["web_client_update",'):
                record = json.loads(packet[2:])[1]
                if record["id"] == self.id:
                    self.seen.append(record["n"])
        return data[frames.used :]

    def end(self) -> None:
        time.sleep(10 * GAP_S)
        self._stop.set()
        for thread in self._threads:
            thread.join(10)
        self._agent.close()
        self._console.close()
        assert self.wrong == []
        assert self.seen == list(range(len(self.seen))), "samples were lost or came twice"
        assert self.sent - len(self.seen) <= 3, "the console is behind"
        assert len(self.seen) > 5
