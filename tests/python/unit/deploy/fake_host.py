"""A host without a machine: a root folder, a systemd that knows only the units of mad, and a clock
that goes on when somebody waits. It can end at any step, as by `kill -9`."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mad.deploy.remote import main, places
from mad.deploy.remote.protocol import Gate, HostFile, Wish, plain
from mad.deploy.remote.runtime import PROGRAMS
from mad.deploy.remote.system import System

GATE = {"min_healthy_time_s": 3.0, "healthy_deadline_s": 20.0, "progress_deadline_s": 30.0}
SECRET = "correct-horse-battery-staple"


class KilledError(BaseException):
    """Nothing of the code under test may catch it."""


class Program:
    """How the programs of a version behave. Times are seconds after the start."""

    def __init__(
        self,
        *,
        ready: float | None = 0.5,
        ends: float | None = None,
        starts: bool = True,
        says: str | None = None,
        agents: int = 10,
        drains: float = 5.0,
        refuses: str = "",
    ) -> None:
        self.ready = ready
        self.ends = ends
        self.starts = starts
        self.says = says
        self.agents = agents
        self.drains = drains
        self.refuses = refuses


class Instance:
    def __init__(self, version: str, program: Program, at: float, release: Path) -> None:
        self.version = version
        self.program = program
        self.started = at
        self.stopped: float | None = None
        self.release = release


class FakeHost(System):
    """Also the seam: `run`, `get` and `sleep` of the code under test come here."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.places = places.Places(str(root))
        self.clock = 1000.0
        self.programs: dict[str, Program] = {}
        self.units: dict[str, Instance] = {}
        self.sockets: set[str] = set()
        self.commands: list[str] = []
        self.reloads = 0
        self.steps = 0
        self.last_step: int | None = None
        self.journals = f"it went wrong; password={SECRET}"
        self.served: set[int] = set()
        self.sshd = ""
        """The private key that sshd read when it was told to."""
        monkeypatch.setattr("os.fsync", lambda _fd: None)
        monkeypatch.setattr(places, "before_change", lambda _path: self.step())
        for name in ("etc/systemd/system", "etc/sysctl.d", "run/mad"):
            (root / name).mkdir(parents=True)

    def step(self) -> None:
        self.steps += 1
        if self.last_step is not None and self.steps > self.last_step:
            raise KilledError

    # What the code under test asks for

    def now(self) -> float:
        return self.clock

    def said(self) -> float:
        return 1_790_000_000.0 + self.clock

    def sleep(self, seconds: float) -> None:
        self.step()
        self.clock += seconds
        self.settle()

    def get(self, address: str, path: str) -> tuple[int, str]:
        self.settle()
        found = re.search(r"run/mad/(\w+)/(\w+)\.sock$", address)
        if found is None:
            return 0, ""
        one = self.units.get(f"{PROGRAMS[found.group(1)]}@{found.group(2)}.service")
        if one is None:
            return 0, ""
        up = one.program.ready is not None and self.clock - one.started >= one.program.ready
        if path == "/ready":
            ready = up and one.stopped is None
            version = one.program.says or one.version
            return (200, json.dumps({"ready": True, "version": version})) if ready else (503, "{}")
        if path == "/health":
            return 200, json.dumps({"sessions": 7 if one.stopped is None else 3})
        return 200, f"mad_agents 1\nmad_fleet_agents {one.program.agents}\n"

    def run(
        self,
        argv: Sequence[str],
        *,
        deadline_s: float = 60.0,
        stdin: bytes | None = None,
    ) -> tuple[int, str]:
        del stdin
        self.step()
        self.settle()
        words = [word for word in argv if not word.startswith("-")]
        self.commands.append(" ".join(argv))
        if words[0] == "systemctl":
            return self._systemctl(words[1:], list(argv), deadline_s)
        if words[0] == "journalctl":
            return 0, self.journals
        if words[0] == "env":
            program = next(word for word in words if "/bin/" in word)
            told = json.loads((Path(program).parent.parent / "manifest.json").read_text())
            refuses = self.programs[told["version"]].refuses
            return (2, refuses) if refuses else (0, "")
        if words[0] == "ssh-keygen":
            return super().run(argv, deadline_s=deadline_s)
        if words[0] == "cloud-init":
            return 2, "status: done"
        return 0, ""

    def _systemctl(self, words: list[str], argv: list[str], deadline_s: float) -> tuple[int, str]:
        verb, unit = ([*words, "", ""])[:2] if words else ("", "")
        if "--version" in argv:
            return 0, "systemd 252 (252.30)"
        if verb == "daemon-reload":
            self.reloads += 1
        elif verb == "list-units":
            program = unit.partition("@")[0]
            return 0, "".join(
                f"{name} loaded active {self.state(name)} about\n"
                for name in sorted(self.units)
                if name.startswith(program + "@")
            )
        elif verb == "show":
            unit = words[-1]
            one = self.units.get(unit)
            active = "active" if one and one.stopped is None else "inactive"
            status = ""
            if one and one.program.ready is not None:
                status = "connected to http://…" if self.clock > one.started else "connecting"
            return 0, f"ActiveState={active}\nNRestarts=0\nStatusText={status}\n"
        elif verb == "is-active":
            return (0 if unit in self.sockets or unit == "ssh.service" else 3), ""
        elif verb == "reload":
            self.sshd = self.host_key()
        elif verb == "start" and unit.endswith(".socket"):
            self.sockets.add(unit)
        elif verb == "start":
            return self._start(unit)
        elif verb == "stop" and unit.endswith(".socket"):
            self.sockets.discard(unit)
        elif verb == "stop" and unit in self.units:
            one = self.units[unit]
            if one.stopped is None:
                one.stopped = self.clock
            if "--no-block" not in argv:
                self.clock += min(deadline_s, one.program.drains)
            self.settle()
        elif verb == "kill":
            self.units.pop(unit, None)
        return 0, ""

    def _start(self, unit: str) -> tuple[int, str]:
        found = re.fullmatch(r"([\w-]+)@(\w+)\.service", unit)
        assert found is not None
        assert self.places.system(f"/etc/systemd/system/{found.group(1)}@.service").is_file()
        role = next(one for one, program in PROGRAMS.items() if program == found.group(1))
        folder = self.places.role(role) / found.group(2)
        told = json.loads((folder / "generation.json").read_text())
        manifest = json.loads((folder / "release/manifest.json").read_text())
        assert told["version"] == manifest["version"]
        program = self.programs[told["version"]]
        if not program.starts:
            return 1, f"Job for {unit} failed"
        if unit not in self.units:
            release = (folder / "release").resolve()
            self.units[unit] = Instance(told["version"], program, self.clock, release)
        return 0, ""

    def settle(self) -> None:
        for name, one in list(self.units.items()):
            ended = one.program.ends is not None and self.clock - one.started >= one.program.ends
            drained = one.stopped is not None and self.clock - one.stopped >= one.program.drains
            if ended or drained:
                del self.units[name]
            elif not one.release.is_dir():
                raise AssertionError(f"the release of {name} was taken away while it runs")

    def state(self, unit: str) -> str:
        return "running" if self.units[unit].stopped is None else "stop-sigterm"

    def host_key(self) -> str:
        return self.places.system("/etc/ssh/ssh_host_ed25519_key").read_text()

    def reboot(self) -> None:
        """Starts what is enabled, as systemd does."""
        self.units.clear()
        self.sockets.clear()
        wants = self.places.system("/etc/systemd/system/multi-user.target.wants")
        for one in sorted(wants.iterdir()) if wants.is_dir() else []:
            if not one.name.startswith("."):
                self._start(one.name)

    # What tests say

    def ask(self, op: str, payload: bytes = b"", **request: Any) -> dict[str, Any]:
        """Result, or `{"error": …}`."""
        out = io.StringIO()
        main.run({"op": op, **request}, io.BytesIO(payload), out, places=self.places, system=self)
        self.events = [json.loads(line) for line in out.getvalue().splitlines()]
        last = self.events.pop()
        done: dict[str, Any] = last.get("done", last)
        return done

    def killed_at(self, step: int, op: str, payload: bytes = b"", **request: Any) -> bool:
        """Whether it did not come to its end by then."""
        self.steps, self.last_step = 0, step
        try:
            self.ask(op, payload, **request)
        except KilledError:
            return True
        finally:
            self.last_step = None
        return False

    def staged(self, role: str, version: str, **behaviour: Any) -> dict[str, Any]:
        """Brings a release; gives what a `switch` to it says."""
        self.programs[version] = Program(**behaviour)
        sent = release(role, version)
        answer = self.ask("stage", sent["payload"], release=sent["release"])
        assert answer.get("staged") == sent["release"]["id"], answer
        return switch_to(role, version)

    def serving(self, role: str) -> list[str]:
        """Versions of those that run and were not told to stop."""
        self.settle()
        return [
            one.version
            for name, one in sorted(self.units.items())
            if name.startswith(PROGRAMS[role] + "@") and one.stopped is None
        ]

    def enabled(self, role: str) -> list[str]:
        wants = self.places.system("/etc/systemd/system/multi-user.target.wants")
        return [one.name for one in wants.glob(f"{PROGRAMS[role]}@*")] if wants.is_dir() else []

    def audit(self) -> list[dict[str, Any]]:
        with contextlib.suppress(FileNotFoundError):
            return [json.loads(one) for one in self.places.audit_file.read_text().splitlines()]
        return []


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def release(role: str, version: str) -> dict[str, Any]:
    files = {f"bin/{PROGRAMS[role]}": f"program {version}".encode()}
    if role == "web":
        files["console/index.html"] = f"page {version}".encode()
    described = {
        path: {"sha256": digest(content), "mode": 0o755, "size": len(content)}
        for path, content in files.items()
    }
    told = {"name": "mad", "version": version, "arch": "x86_64", "files": described}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as packed:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    id = f"{version}-{digest(version.encode())[:12]}"
    announced = {"id": id, "files": described, "manifest": json.dumps(told)}
    return {"release": announced, "payload": out.getvalue()}


def wish(role: str, version: str, *, unit: str = "", port: int = 3000) -> Wish:
    program = PROGRAMS[role]
    files = [
        HostFile(f"/etc/systemd/system/{program}@.service", f"[Service]\n# {unit or version}\n"),
        HostFile(f"/etc/sysctl.d/60-mad-{role}.conf", "net.core.somaxconn = 4096\n"),
    ]
    if role != "client":
        text = f"[Socket]\nListenStream={port}\n"
        files.append(HostFile(f"/etc/systemd/system/{program}.socket", text))
    return Wish(
        stack="shop",
        slot=f"{role}-0",
        role=role,
        release=release(role, version)["release"]["id"],
        version=version,
        config={f"{role}.toml": f'listen = "0.0.0.0:{port}"\n# {unit}\n'},
        credentials={"redis-password": SECRET},
        variables={"MAD_API_REDIS_PASSWORD_FILE": "redis-password"},
        files=files,
    )


def switch_to(role: str, version: str, **more: Any) -> dict[str, Any]:
    wanted = plain(wish(role, version, **more))
    files = release(role, version)["release"]["files"]
    return {
        "wish": wanted,
        "digest": digest(json.dumps(wanted, sort_keys=True).encode()),
        "programs": {path: told["sha256"] for path, told in files.items()},
        "gate": plain(Gate(**GATE)),
        "who": "ada@laptop",
    }
