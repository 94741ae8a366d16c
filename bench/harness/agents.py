"""Agents side by side: all at the same time, each in a folder of its own; what their whole process
trees cost is read from /proc."""

from __future__ import annotations

import contextlib
import ctypes
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .agent_peers import INTERVAL_S, PEERS, Peer, installed
from .footprint import Footprint, Meter
from .measure import PR_SET_PDEATHSIG, BenchError, serving
from .plan import BIN, ROOT, Server

LOOK_EACH_S = 2.0
CONNECTED_WITHIN_S = 30.0
AGENT_BIN = ROOT / "build" / "agent" / "bin"
"""The small static builds; where they are not, the release build is measured."""


@dataclass(slots=True)
class Subject:
    """An agent at work."""

    name: str
    does: str
    version: str = ""
    disk_bytes: int = 0
    ours: bool = False
    tls: bool = False
    process: subprocess.Popen[bytes] | None = None
    said: Path | None = None
    meter: Meter | None = None
    cost: Footprint | None = None
    failure: str = ""

    def fail(self, why: str) -> None:
        self.failure = why
        if self.ours:
            raise BenchError(f"{self.name}: {why}: {self.last_words()}")

    def last_words(self) -> str:
        text = self.said.read_text(errors="replace") if self.said else ""
        return " ".join(text.split())[-300:] or "silent"


@dataclass(frozen=True, slots=True)
class Run:
    subjects: list[Subject]
    seconds: float
    busy: float
    """Share of all cores that was used meanwhile, by whomever, 0 to 1."""


@contextlib.contextmanager
def _started(subject: Subject, command: Sequence[str], folder: Path) -> Iterator[None]:
    """Runs `command` until the block ends."""
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    subject.said = folder / "said"
    with subject.said.open("wb") as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            preexec_fn=prepare,
        )
    subject.process = process
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Scraper(threading.Thread):
    """Asks for an address each interval, as a Prometheus would."""

    def __init__(self, subject: Subject, url: str) -> None:
        super().__init__(daemon=True)
        self.subject = subject
        self._url, self._over = url, threading.Event()
        self.answers = 0

    def run(self) -> None:
        due = time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due += INTERVAL_S
            with contextlib.suppress(OSError), urllib.request.urlopen(self._url, timeout=5) as got:
                self.answers += bool(got.read())

    def end(self) -> None:
        self._over.set()
        self.join(10)


def _certificate(folder: Path) -> tuple[str, str]:
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    where = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*command.split(), *where, "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )
    return str(cert), str(key)


def _connected(url: str, ca_file: str) -> int:
    """How many agents a node has."""
    context = ssl.create_default_context(cafile=ca_file) if url.startswith("https") else None
    with urllib.request.urlopen(f"{url}/metrics", timeout=5, context=context) as got:
        for line in got.read().decode().splitlines():
            if line.startswith("mad_agents "):
                return int(line.split()[1])
    return 0


def _ticks() -> tuple[int, int]:
    """Ticks of all cores so far that were used, and all."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split(maxsplit=9)[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


def _ours() -> list[tuple[Subject, Path]]:
    tls, plain = AGENT_BIN / "mad-agent", AGENT_BIN / "mad-agent-plain"
    rows = [("mad-agent-plain", plain, False)] if plain.exists() and tls.exists() else []
    if not rows:
        tls = BIN / "mad-agent"
    rows += [("mad-agent", tls, False), ("mad-agent, TLS", tls, True)]
    return [
        (
            Subject(
                name,
                f"to a node each {INTERVAL_S} s" + (", https" if secure else ", http"),
                disk_bytes=program.stat().st_size,
                ours=True,
                tls=secure,
            ),
            program,
        )
        for name, program, secure in rows
    ]


class _Show:
    """Everything that runs during a measurement; ends it in reverse order."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._top = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mad-agents-")))
        self._cert, key = _certificate(self._top)
        api = str(BIN / "mad-api")
        secure = (api, "--tls-cert", self._cert, "--tls-key", key)
        self._node = stack.enter_context(serving(Server("mad-api", (api,))))
        self._secure = stack.enter_context(serving(Server("mad-api", secure)))
        self.subjects: list[Subject] = []
        self._scrapers: list[Scraper] = []

    def _folder(self) -> Path:
        folder = self._top / str(len(self.subjects))
        folder.mkdir()
        return folder

    def start_ours(self, subject: Subject, program: Path) -> None:
        folder = self._folder()
        # A copy: rows of one program must not share its pages.
        program = Path(shutil.copy(program, folder))
        to = self._secure if subject.tls else self._node
        command = [str(program), "--id", subject.name, "--api", to.url]
        if subject.tls:
            command += ["--ca-file", self._cert]
        self._stack.enter_context(_started(subject, command, folder))
        self.subjects.append(subject)

    def start_peer(self, peer: Peer) -> None:
        subject = Subject(peer.name, peer.does)
        folder = self._folder()
        self.subjects.append(subject)
        if (found := installed(peer)) is None:
            subject.fail("not here")
            return
        subject.version, subject.disk_bytes = found
        kind = socket.SOCK_DGRAM if peer.sends else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if peer.sends:  # somebody is there, and reads nothing
            sink = self._stack.enter_context(socket.socket(socket.AF_INET, kind))
            sink.bind(("127.0.0.1", port))
        self._stack.enter_context(_started(subject, peer.command(folder, port), folder))
        if peer.scraped:
            scraper = Scraper(subject, f"http://127.0.0.1:{port}{peer.scraped}")
            self._scrapers.append(scraper)
            scraper.start()
            self._stack.callback(scraper.end)

    def check_connected(self, within: float) -> None:
        """BenchError unless all of ours are connected."""
        wanted = {
            node.url: sum(s.ours and s.tls == tls for s in self.subjects)
            for node, tls in ((self._node, False), (self._secure, True))
        }
        until = time.monotonic() + within
        while found := [url for url in wanted if _connected(url, self._cert) != wanted[url]]:
            if time.monotonic() > until:
                raise BenchError(f"not all agents are connected to {found[0]}")
            time.sleep(0.2)

    def check_scraped(self, seconds: float) -> None:
        for scraper in self._scrapers:
            if scraper.answers < seconds / INTERVAL_S / 2:
                scraper.subject.fail("did not answer")


def _each(subjects: Sequence[Subject], act: Callable[[Subject], None]) -> None:
    for subject in subjects:
        if subject.failure or subject.process is None:
            continue
        try:
            if subject.process.poll() is not None:
                raise ProcessLookupError
            act(subject)
        except ProcessLookupError:
            subject.fail(f"ended: {subject.last_words()[-100:]}")


def measure(seconds: float, warmup: float, say: Callable[[str], None]) -> Run:
    """Runs all agents at once for `seconds`, after `warmup`. A peer that fails or is not there has
    a row that says so; BenchError when one of ours does."""

    def begin(subject: Subject) -> None:
        assert subject.process is not None
        subject.meter = Meter(subject.process.pid)

    def look(subject: Subject) -> None:
        assert subject.meter is not None
        subject.meter.look()

    def finish(subject: Subject) -> None:
        assert subject.meter is not None
        subject.cost = subject.meter.result()

    with contextlib.ExitStack() as stack:
        show = _Show(stack)
        for subject, program in _ours():
            show.start_ours(subject, program)
        for peer in PEERS:
            show.start_peer(peer)
        show.check_connected(CONNECTED_WITHIN_S)
        say(f"{len(show.subjects)} agents: {warmup:.0f} s to settle, {seconds:.0f} s measured")
        time.sleep(warmup)
        used, all_ = _ticks()
        _each(show.subjects, begin)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(LOOK_EACH_S, left))
            _each(show.subjects, look)
        _each(show.subjects, finish)
        used_now, all_now = _ticks()
        show.check_connected(0)
        show.check_scraped(seconds)
    return Run(show.subjects, seconds, (used_now - used) / max(1, all_now - all_))
