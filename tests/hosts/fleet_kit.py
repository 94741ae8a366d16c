"""A stack on real hosts, and the command line that it is made and changed with."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hosts_world import Machine, World
from hosts_world.world import BRIDGE

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
ADDRESS_PORT = 5001
LIMIT_S = 120.0
SLOTS = ("api-0", "api-1", "api_lb-0", "client-0", "client-1", "web-0", "web-1")

STACK = """\
name = "mad-world"
region = "eu-west-2"

[ssh]
public_key = "key.pub"
private_key = "key"

[api]
count = 2

[client]
count = 2

[web]
count = 2

[update]
min_healthy_time = "8s"
healthy_deadline = "15s"
"""


@dataclass
class Done:
    """A command that ended."""

    code: int
    lines: list[dict[str, Any]]
    text: str
    """All of both streams."""
    seconds: float

    @property
    def end(self) -> dict[str, Any]:
        """The last line of what it says as JSON."""
        return self.lines[-1]

    def hosts(self, state: str) -> dict[str, str]:
        """What was said of hosts in a state, by host: the last of each."""
        return {
            line["host"]: line["text"]
            for line in self.lines
            if line.get("event") == "host" and line["state"] == state
        }

    def of(self, host: str, state: str) -> dict[str, Any]:
        found = [
            line
            for line in self.lines
            if line.get("event") == "host" and line["host"] == host and line["state"] == state
        ]
        assert found, f"nothing says that {host} is {state}:\n{self.text}"
        return found[-1]


@dataclass
class Fleet:
    """`folder` holds mad.toml, the key and `dist`."""

    world: World
    folder: Path
    programs: Path
    console: Path
    settings: dict[str, str] = field(default_factory=dict)
    """Of the environment, beside those of the world."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        key = self.folder / "key"
        if not key.exists():
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "operator", "-f", str(key)],
                check=True,
            )
        (self.folder / "mad.toml").write_text(STACK)
        # Whoever asks is told its own address, as a service in the real world does.
        said = self.folder / "said"
        said.mkdir(exist_ok=True)
        (said / "address").write_text(f"{BRIDGE}\n")
        self.world.popen(
            [
                *(sys.executable, "-m", "http.server", str(ADDRESS_PORT)),
                *("--bind", "127.0.0.1", "--directory", str(said)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def environment(self) -> dict[str, str]:
        path = os.pathsep.join(
            part
            for part in (os.environ.get("PYTHONPATH"), str(ROOT / "python"))
            if part is not None
        )
        return (
            self.world.environment()
            | {
                "MAD_OWN_ADDRESS_URL": f"http://127.0.0.1:{ADDRESS_PORT}/address",
                "MAD_BIN_DIR": str(self.programs),
                "MAD_CONSOLE_DIR": str(self.console),
                "PYTHONPATH": path,
                "XDG_CONFIG_HOME": str(self.folder / "config"),
                "NO_COLOR": "1",
                "TERM": "dumb",
            }
            | self.settings
        )

    # --- the command line -----------------------------------------------------------------------

    def start(self, *argv: str, **how: Any) -> subprocess.Popen[str]:
        """A verb that runs."""
        command = [sys.executable, "-m", "mad.deploy", *argv]
        return subprocess.Popen(
            self.world.inside(command),
            env=self.environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **how,
        )

    def deploy(self, *argv: str, code: int | None = 0, limit: float = 600.0) -> Done:
        """A verb, to its end. `code`: what it must end with; None: anything."""
        began = time.monotonic()
        process = self.start(*argv)
        try:
            text, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            text, _ = process.communicate()
            raise AssertionError(f"{argv} did not end:\n{text}") from None
        done = Done(process.returncode, said(text), text, time.monotonic() - began)
        if code is not None:
            assert done.code == code, f"{argv} ended with {done.code}:\n{text}"
        return done

    def change(self, verb: str, *argv: str, code: int | None = 0) -> Done:
        return self.deploy(verb, "--yes", "--json", *argv, code=code)

    def watched(
        self,
        moment: Callable[[dict[str, Any]], bool],
        do: Callable[[subprocess.Popen[str]], None],
        *argv: str,
    ) -> Done:
        """A verb to which something happens when it says a certain thing."""
        began = time.monotonic()
        told: list[str] = []
        came = False
        with self.start(*argv) as process:
            assert process.stdout is not None
            for line in process.stdout:
                told.append(line)
                if not came and any(moment(one) for one in said(line)):
                    came = True
                    do(process)
            process.wait(LIMIT_S)
        text = "".join(told)
        assert came, f"the moment did not come:\n{text}"
        return Done(process.returncode, said(text), text, time.monotonic() - began)

    def stopped(
        self, number: signal.Signals, moment: Callable[[dict[str, Any]], bool], *argv: str
    ) -> Done:
        """A verb that gets a signal when it says a certain thing."""
        return self.watched(moment, lambda process: process.send_signal(number), *argv)

    # --- what is there --------------------------------------------------------------------------

    def outputs(self) -> dict[str, Any]:
        found = json.loads(self.deploy("status", "--json").text)
        outputs: dict[str, Any] = found["outputs"]
        return outputs

    def secret(self, name: str) -> str:
        """One of the stack's, as AWS keeps it."""
        script = (
            "import boto3,sys;"
            f"c=boto3.client('ssm',endpoint_url={self.world.url!r});"
            "print(c.get_parameter(Name=sys.argv[1],WithDecryption=True)['Parameter']['Value'])"
        )
        done = self.world.run(
            sys.executable, "-W", "ignore", "-c", script, f"/mad/mad-world/{name}"
        )
        return done.stdout.strip()

    def get(self, url: str, token: str | None = None) -> tuple[int, Any]:
        """Status and what the body says; 0 when nobody answers."""
        script = (
            "import sys,json,urllib.request as u,urllib.error as e\n"
            "h={'Authorization':'Bearer '+sys.argv[2]} if sys.argv[2] else {}\n"
            "try:\n r=u.urlopen(u.Request(sys.argv[1],headers=h),timeout=5)\n"
            "except e.HTTPError as x: r=x\n"
            "except OSError as x: print(json.dumps([0,str(x)])); sys.exit()\n"
            "print(json.dumps([r.status,r.read().decode()]))"
        )
        done = self.world.run(sys.executable, "-c", script, url, token or "")
        status, text = json.loads(done.stdout)
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def hosts_shown(self, api_url: str, token: str | None) -> dict[str, dict[str, Any]]:
        """Rows of the HTTP API by id."""
        status, body = self.get(f"{api_url.rstrip('/')}/api/v1/clients?limit=1000", token)
        assert status == 200, (status, body)
        rows = body["clients"] if isinstance(body, dict) else body
        return {row["id"]: row for row in rows}

    def versions(self, role: str) -> dict[str, str]:
        """What each api node or proxy says that it is, asked at its port."""
        port, path = {"api": (3000, "/ready"), "web": (80, "/ready")}[role]
        found = {}
        for name, host in self.outputs()["hosts"].items():
            if host["role"] == role:
                _, body = self.get(f"http://{host['private_ip']}:{port}{path}")
                found[name] = body["version"] if isinstance(body, dict) else str(body)
        return found

    def instances(self, role: str) -> int:
        """How many of a role run, those that drain with them."""
        slots = [name for name, host in self.outputs()["hosts"].items() if host["role"] == role]
        look = f"systemctl list-units --plain --no-legend 'mad-{role}@*' | wc -l"
        return sum(int(self.on(slot, look)) for slot in slots)

    def machine(self, slot: str) -> Machine:
        return self.world.slot(slot)

    def on(self, slot: str, script: str, *, check: bool = True) -> str:
        """Runs a script as root on a host, past its ssh."""
        return self.machine(slot).on(script, check=check)

    # --- releases -------------------------------------------------------------------------------

    def release(self, version: str) -> tuple[str, ...]:
        """The options of a command that name one of those that were built."""
        return ("--version", version, "--binaries", str(self.folder / "programs" / version))

    def build(self, version: str, spoil: dict[str, str] | None = None) -> str:
        """Puts a release of this version into `dist`. `spoil`: scripts in the place of programs."""
        from mad.deploy.release import archive
        from mad.deploy.release.build import own

        os.environ["MAD_CONSOLE_DIR"] = str(self.console)
        folder = self.folder / "programs" / version
        folder.mkdir(parents=True, exist_ok=True)
        for program in ("mad-api", "mad-proxy", "mad-agent", "mad-web"):
            target = folder / program
            target.unlink(missing_ok=True)
            if spoil and program in spoil:
                target.write_bytes(spoil[program].encode() + (self.programs / program).read_bytes())
                target.chmod(0o755)
            else:
                shutil.copy2(self.programs / program, target)
        archive.write(own(version, folder), self.folder / "dist")
        return version


NEVER_READY = """#!/bin/sh
case "$*" in *--check*) exit 0 ;; esac
echo "waits for something that does not come" >&2
exec sleep 1000
"""
CRASHES = """#!/bin/sh
case "$*" in *--check*) exit 0 ;; esac
# The program itself follows this script; its manifest is looked for beside its folder.
mkdir -p /tmp/own/bin
cp "$(dirname "$0")/../manifest.json" /tmp/own/
tail -n +9 "$0" > /tmp/own/bin/mad-api && chmod 755 /tmp/own/bin/mad-api
(sleep 5; kill -SEGV $$) &
exec /tmp/own/bin/mad-api "$@"
"""


def said(text: str) -> list[dict[str, Any]]:
    """The objects among lines."""
    found = []
    for line in text.splitlines():
        try:
            one = json.loads(line)
        except ValueError:
            continue
        if isinstance(one, dict):
            found.append(one)
    return found


class Load:
    """Clients that send numbered updates (load.mjs)."""

    def __init__(self, fleet: Fleet, url: str, *, websocket: int, polling: int) -> None:
        addresses = [f"172.31.254.{number}" for number in range(1, websocket + polling + 1)]
        # One address opens 100 connections a second at most, as the proxy has it: each has its own.
        batch = "".join(f"addr replace {one}/32 dev br0\n" for one in addresses)
        subprocess.run(fleet.world.inside(["ip", "-batch", "-"]), input=batch.encode(), check=True)
        settings = {
            "url": url,
            "token": fleet.secret("token-agent"),
            "viewer": fleet.secret("token-viewer"),
            "websocket": websocket,
            "polling": polling,
            "every_ms": 500,
            "addresses": addresses,
        }
        self._process = subprocess.Popen(
            fleet.world.inside(["node", str(HERE / "load.mjs"), json.dumps(settings)]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.line()

    def line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            assert ready.select(2 * LIMIT_S), "the clients are silent"
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def _tell(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def mark(self) -> None:
        """What happens from now on is what is reported."""
        self._tell("mark")
        self.line()

    def report(self) -> dict[str, Any]:
        """Stops sending, and tells how it went once all that was sent is there; then goes on."""
        self._tell("stop")
        told = self.line()
        self._tell("go")
        return told

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def load(fleet: Fleet, url: str, *, websocket: int, polling: int) -> Iterator[Load]:
    one = Load(fleet, url, websocket=websocket, polling=polling)
    try:
        yield one
    finally:
        one.close()


def wait_until(done: Callable[[], bool], what: str, limit: float = LIMIT_S) -> None:
    end = time.monotonic() + limit
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.3)
