"""The system's ssh, with one connection a host that all commands of a run share."""

from __future__ import annotations

import contextlib
import json
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from io import BufferedWriter
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from mad.deploy.hosts import bootstrap, ssh_errors
from mad.deploy.hosts.model import Host, HostError
from mad.deploy.stack.settings import Stack

CONNECT_S = 10
FIRST_CONTACT_S = 180.0
"""How long a machine that was just made may take until its ssh answers."""
PAUSE_S = 1.0
MOST_LINE = 1 << 20

OnEvent = Callable[[dict[str, Any]], None]


class Connections:
    """Ways to the hosts of a stack, while in a `with` block.

        with Connections(stack, key=private_key_path(stack)) as hosts:
            facts = hosts.call(host, {"op": "inspect"})

    Safe to use from several threads, one command a host at a time each."""

    def __init__(
        self,
        stack: Stack,
        *,
        key: Path | None,
        first_contact_s: float = FIRST_CONTACT_S,
        cancelled: threading.Event | None = None,
    ) -> None:
        self._stack = stack
        self._key = key
        self._first_contact_s = first_contact_s
        self._cancelled = cancelled or threading.Event()
        self._folder: Path | None = None
        self._met: set[str] = set()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self._ended = False
        self.commands: Counter[str] = Counter()
        """By host: how many commands were run there."""

    def __enter__(self) -> Self:
        # Short: the path of a socket has at most 104 characters.
        self._folder = Path(tempfile.mkdtemp(prefix="mad-ssh-", dir="/tmp"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
        folder = self._folder
        assert folder is not None
        for socket in folder.glob("c-*"):
            with contextlib.suppress(subprocess.SubprocessError, OSError):
                subprocess.run(
                    ["ssh", "-F", "none", "-o", f"ControlPath={socket}", "-O", "exit", "none"],
                    capture_output=True,
                    stdin=subprocess.DEVNULL,
                    timeout=5,
                )
        shutil.rmtree(folder, ignore_errors=True)

    def end(self) -> None:
        """Ends what runs and all that is begun later, from any thread: whoever waits for it is told
        that the connection was lost."""
        with self._guard:
            self._ended = True
            left = list(self._running)
        for process in left:
            process.kill()

    def argv(self, host: Host, *, multiplexed: bool = True, tty: bool = False) -> list[str]:
        """`ssh` with all options, to which a command is added."""
        folder = self._folder
        assert folder is not None, "not in a `with` block"
        options = self._options(host, folder)
        if multiplexed:
            options |= {
                "ControlMaster": "auto",
                "ControlPersist": "60",
                "ControlPath": str(folder / "c-%C"),
            }
        if host.over is not None:
            front = self._options(host.over, folder)
            over = [
                "ssh", "-F", "none", *_words(front), "-W", "[%h]:%p",
                f"{host.over.user}@{host.over.address}",
            ]  # fmt: skip
            # For a connection that is shared ssh throws away what the command says of it.
            kept = f" 2>{shlex.quote(str(self._over(host)))}" if multiplexed else ""
            options["ProxyCommand"] = shlex.join(over) + kept
        return [
            "ssh",
            "-F",
            "none",
            "-tt" if tty else "-T",
            *_words(options),
            f"{host.user}@{host.address}",
        ]

    def _over(self, host: Host) -> Path:
        """What ssh said last of the one that it jumps over."""
        assert self._folder is not None
        return self._folder / f"over-{host.name}"

    def _explained(self, host: Host, code: int, errors: str) -> HostError:
        said = ""
        if host.over is not None and code == 255:
            with contextlib.suppress(OSError):
                said = self._over(host).read_text(errors="replace")
        if host.over is None or not said:
            return ssh_errors.explained(host, code, errors)
        error = ssh_errors.explained(host.over, code, said)
        sentence = f"of {host.over.name}, over which it is reached: {error.sentence}"
        return HostError(host.name, error.code, sentence, error.remedy, error.tail)

    def _options(self, host: Host, folder: Path) -> dict[str, str]:
        alias = f"{self._stack.name}-{host.name}"
        known = folder / f"known-{alias}"
        text = "".join(f"{alias} {key}\n" for key in host.host_keys)
        if not known.exists() or known.read_text() != text:
            known.write_text(text)
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": str(CONNECT_S),
            "ServerAliveInterval": "10",
            "ServerAliveCountMax": "3",
            "HostKeyAlias": alias,
            "UserKnownHostsFile": str(known),
            "GlobalKnownHostsFile": "none",
            "StrictHostKeyChecking": "yes",
            "UpdateHostKeys": "no",
            "CheckHostIP": "no",
            "LogLevel": "ERROR",
            "Port": str(host.port),
        }
        if self._key is not None:
            options |= {"IdentityFile": str(self._key), "IdentitiesOnly": "yes"}
        return options

    def call(
        self,
        host: Host,
        request: dict[str, Any],
        *,
        payload: Path | bytes | None = None,
        on_event: OnEvent = lambda _event: None,
        deadline_s: float = 300.0,
    ) -> dict[str, Any]:
        """Has a host do an operation of `remote`; gives its result. Raises HostError."""
        command = shlex.join([*host.as_root, "python3", "-c", bootstrap.COMMAND])
        head = bootstrap.request(request)
        answer: dict[str, Any] = {}

        def line(text: str) -> None:
            try:
                said = json.loads(text)
            except ValueError:
                return
            if "event" in said:
                on_event(said["event"])
            else:
                answer.update(said)

        looks = request.get("op") == "inspect"
        code, errors = self._patiently(host, command, head, payload, line, deadline_s, looks=looks)
        if "done" in answer:
            done: dict[str, Any] = answer["done"]
            return done
        if "error" in answer:
            told = answer["error"]
            raise HostError(
                host.name,
                str(told.get("code", "internal")),
                str(told.get("sentence", "")),
                str(told.get("remedy", "")),
                str(told.get("tail", "")),
            )
        raise self._explained(host, code, errors)

    def run(
        self,
        host: Host,
        argv: Sequence[str],
        *,
        on_line: Callable[[str], None] = lambda _text: None,
        on_error: Callable[[str], None] | None = None,
        deadline_s: float = 3600.0,
    ) -> int:
        """Runs a command as the user that ssh logs in as; gives its exit code. `on_error` gets the
        lines of the other stream, from a thread of its own. Raises HostError for what ssh itself
        cannot do."""
        code, errors = self._patiently(
            host, shlex.join(argv), b"", None, on_line, deadline_s, on_error
        )
        if code == 255:
            raise self._explained(host, code, errors)
        return code

    def _patiently(
        self,
        host: Host,
        command: str,
        head: bytes,
        payload: Path | bytes | None,
        on_line: Callable[[str], None],
        deadline_s: float,
        on_error: Callable[[str], None] | None = None,
        *,
        looks: bool = False,
    ) -> tuple[int, str]:
        """At the first contact a host may not be up yet. `looks`: the command changes nothing, and
        may be said again when a host that still boots cut the connection without a word."""
        until = time.monotonic() + self._first_contact_s
        while True:
            code, errors = self._once(host, command, head, payload, on_line, deadline_s, on_error)
            comes = ssh_errors.may_come(errors) or (looks and not ssh_errors.is_known(errors))
            if code != 255 or host.name in self._met or not comes:
                self._met.add(host.name)
                return code, errors
            if time.monotonic() > until or self._cancelled.wait(PAUSE_S):
                return code, errors

    def _once(
        self,
        host: Host,
        command: str,
        head: bytes,
        payload: Path | bytes | None,
        on_line: Callable[[str], None],
        deadline_s: float,
        on_error: Callable[[str], None] | None,
    ) -> tuple[int, str]:
        self.commands[host.name] += 1
        process = subprocess.Popen(
            [*self.argv(host), command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert isinstance(process.stdin, BufferedWriter)
        assert process.stdout is not None
        assert process.stderr is not None
        errors: list[bytes] = []
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(deadline_s, end)
        listening = threading.Thread(
            target=_drain, args=(process.stderr, errors, on_error), daemon=True
        )
        writing = threading.Thread(target=_feed, args=(process.stdin, head, payload), daemon=True)
        with self._guard:
            self._running.add(process)
            if self._ended:
                process.kill()
        timer.start()
        listening.start()
        writing.start()
        try:
            for text in _lines(process.stdout):
                on_line(text)
            code = process.wait()
            listening.join(2)
        finally:
            timer.cancel()
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()
            with self._guard:
                self._running.discard(process)
        text = b"".join(errors).decode(errors="replace")
        if late.is_set():
            raise HostError(
                host.name,
                "timeout",
                f"no answer within {deadline_s:.0f} s",
                "run the same command again: it goes on from what is there",
            )
        return (255 if code < 0 else code), text


def _words(options: dict[str, str]) -> list[str]:
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


def _lines(stream: IO[bytes]) -> Iterator[str]:
    while True:
        line = stream.readline(MOST_LINE)
        if not line:
            return
        yield line.decode(errors="replace").rstrip("\n")


def _drain(
    stream: IO[bytes], into: list[bytes], on_line: Callable[[str], None] | None = None
) -> None:
    """All of it is read, the beginning is kept."""
    kept = 0
    with stream:
        while piece := stream.readline(MOST_LINE):
            if kept < 1 << 16:
                into.append(piece)
                kept += len(piece)
            if on_line is not None:
                on_line(piece.decode(errors="replace").rstrip("\n"))


def _feed(stream: BufferedWriter, head: bytes, payload: Path | bytes | None) -> None:
    try:
        stream.write(head)
        if isinstance(payload, bytes):
            stream.write(payload)
        elif payload is not None:
            with payload.open("rb") as file:
                shutil.copyfileobj(file, stream, 1 << 18)
        stream.close()
    except OSError:
        # The other side ended; what it said of it comes over its own way. What is left in the
        # buffer goes with it: closed beneath it, so that nothing closes that descriptor once more
        # when it is somebody else's already.
        stream.raw.close()
