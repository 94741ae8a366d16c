"""Notices of mad-api (`--webhook`) as a receiver gets them, verified as docs/alerts.md says."""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import re
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Letter:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value


@pytest.fixture
def receiver() -> Iterator[tuple[str, queue.Queue[Letter]]]:
    letters: queue.Queue[Letter] = queue.Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            letters.put(Letter(self.path, dict(self.headers.items()), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook?team=ops", letters
        finally:
            server.shutdown()
            thread.join(10)


def secret_file(folder: Path, secret: str) -> Path:
    file = folder / "secret"
    file.write_text(secret + "\n", encoding="utf-8")
    file.chmod(0o600)
    return file


@dataclass
class Node:
    url: str
    process: subprocess.Popen[str]
    log: Path

    def reload(self, word: str) -> None:
        self.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 20
        while word not in self.log.read_text():
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.02)


@contextmanager
def node(program: Path, folder: Path, *flags: str) -> Iterator[Node]:
    log = folder / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [program, "--listen", "0", *flags], stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            assert process.stdout
            ready = process.stdout.readline()
            assert ready.startswith("ready mad-api"), log.read_text()
            yield Node(ready.split()[2], process, log)
        finally:
            process.terminate()
    assert process.returncode == 0


class Agent:
    """Says over polling how full its disk is."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/socket.io/?EIO=4&transport=polling"
        self.url += "&sid=" + json.loads(self.ask()[1:])["sid"]
        self.ask("40")
        self.ask()

    def ask(self, packet: str | None = None) -> str:
        data = None if packet is None else packet.encode()
        with urllib.request.urlopen(self.url, data, timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    def say(self, storage: int) -> None:
        sample = {"id": "web-1", "v": 2, "health": {"storage": storage, "network": 0}}
        self.ask("42" + json.dumps(["client_healthcheck", sample]))


def example(language: str) -> str:
    text = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return found[-1]


def is_right(secret: str, letter: Letter) -> bool:
    """As both examples have it, which must agree."""
    names: dict[str, Any] = {}
    exec(example("python"), names)
    by_python: bool = names["is_from_mad"](secret, letter.headers, letter.body)
    stamp, signature = letter.headers["X-Mad-Timestamp"], letter.headers["X-Mad-Signature"]
    by_shell = subprocess.run(
        ["sh", "-c", example("sh"), "verify.sh", secret, stamp, signature],
        input=letter.body,
        timeout=30,
        check=False,
    )
    assert by_python == (by_shell.returncode == 0)
    return by_python


def test_a_receiver_can_verify_what_it_is_told(
    programs: dict[str, Path], tmp_path: Path, receiver: tuple[str, queue.Queue[Letter]]
) -> None:
    url, letters = receiver
    secret = secret_file(tmp_path, "first")
    flags = ("--webhook", url, "--webhook-secret-file", str(secret), "--node-id", "api-1")
    with node(programs["mad-api"], tmp_path, *flags) as api:
        agent = Agent(api.url)
        agent.say(40)
        agent.say(99)
        letter = letters.get(timeout=20)
        assert letter.path == "/hook?team=ops"
        assert letter.headers["Content-Type"] == "application/json"
        said = letter.said
        assert letter.headers["X-Mad-Notice"] == said["id"]
        assert {key: said[key] for key in ("host", "from", "to", "rule", "value", "limit")} == {
            "host": "web-1",
            "from": "ok",
            "to": "crit",
            "rule": "storage",
            "value": 99,
            "limit": 95,
        }
        assert said["node"] == "api-1"
        assert is_right("first", letter)
        assert not is_right("second", letter)
        assert not is_right("first", Letter(letter.path, letter.headers, letter.body + b" "))

        secret_file(tmp_path, "second")
        api.reload("program.reloaded")
        agent.say(40)
        agent.say(40)
        letter = letters.get(timeout=20)
        assert (letter.said["from"], letter.said["to"]) == ("crit", "ok")
        assert is_right("second", letter)

        # What is wrong changes nothing.
        secret_file(tmp_path, "")
        api.reload("program.reload.failed")
        agent.say(90)
        letter = letters.get(timeout=20)
        assert letter.said["to"] == "warn"
        assert is_right("second", letter)
        with urllib.request.urlopen(api.url + "/metrics", timeout=10) as answer:
            assert "mad_notices_failed_total 0\n" in answer.read().decode()
    assert letters.empty()


def test_an_old_letter_does_not_count() -> None:
    names: dict[str, Any] = {}
    exec(example("python"), names)
    for age, right in ((0, True), (290, True), (310, False), (-310, False)):
        stamp = str(int(time.time()) - age)
        mac = hmac.new(b"s", stamp.encode() + b".{}", hashlib.sha256).hexdigest()
        headers = {"X-Mad-Timestamp": stamp, "X-Mad-Signature": "sha256=" + mac}
        assert names["is_from_mad"]("s", headers, b"{}") is right


def test_without_a_secret_there_is_no_signature(
    programs: dict[str, Path], tmp_path: Path, receiver: tuple[str, queue.Queue[Letter]]
) -> None:
    url, letters = receiver
    with node(programs["mad-api"], tmp_path, "--webhook", url) as api:
        agent = Agent(api.url)
        agent.say(99)
        letter = letters.get(timeout=20)
        assert letter.said["to"] == "crit"
        assert "X-Mad-Signature" not in letter.headers


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--webhook", "http://127.0.0.1:9/x"], ""),
        (["--webhook", "https://hooks.example/x"], ""),
        (["--webhook", "ftp://hooks.example/x"], "--webhook: that is no URL: "),
        (["--webhook", "hooks.example"], "--webhook: that is no URL: "),
        (["--webhook", "http://u:p@hooks.example/"], "--webhook: that is no URL: "),
        (["--webhook-secret-file", "{secret}"], "--webhook-secret-file: there is no webhook"),
        (
            ["--webhook", "http://h/", "--webhook-secret-file", "{missing}"],
            "--webhook-secret-file: cannot read",
        ),
        (["--webhook", "http://h/", "--webhook-secret-file", "{secret}"], ""),
        (
            ["--webhook", "http://h/", "--webhook-secret-file", "{open}"],
            "--webhook-secret-file: ",
        ),
    ],
)
def test_flags_are_checked(
    programs: dict[str, Path], tmp_path: Path, flags: list[str], said: str
) -> None:
    names = {"secret": str(secret_file(tmp_path, "s")), "missing": str(tmp_path / "none")}
    names["open"] = str(tmp_path / "open")
    Path(names["open"]).write_text("s\n", encoding="utf-8")
    Path(names["open"]).chmod(0o644)
    done = subprocess.run(
        [programs["mad-api"], "--check", *(f.format(**names) for f in flags)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, said in done.stderr) == (2 if said else 0, True), done.stderr
    assert "u:p" not in done.stderr
