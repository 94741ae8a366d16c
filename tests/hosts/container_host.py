"""A host for containers without a machine: the code that runs on hosts, in a folder of its own,
with the engine of the test. What would change this machine is only noted."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from docker_kit import Engine

from mad.deploy.hosts.model import Host, HostError
from mad.deploy.remote import main
from mad.deploy.remote.places import Places
from mad.deploy.remote.system import System


class Here(System):
    """Runs `docker` and `docker-compose` alone."""

    def __init__(self, engine: Engine, *, compose: bool) -> None:
        self.engine = engine
        self.compose = compose
        self.commands: list[str] = []

    def run(
        self,
        argv: Sequence[str],
        *,
        deadline_s: float = 60.0,
        stdin: bytes | None = None,
    ) -> tuple[int, str]:
        del stdin
        words = list(argv)
        self.commands.append(" ".join(words))
        if words[:2] == ["docker", "compose"] or words[0] == "docker-compose":
            if not self.compose:
                return 127, ""
        elif words[0] != "docker":
            return (0, "systemd 252") if "--version" in words else (0, "")
        try:
            done = subprocess.run(
                words,
                env=self.engine.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=deadline_s,
                check=False,
            )
        except FileNotFoundError:
            return 127, ""
        return done.returncode, done.stdout.decode(errors="replace")


class ContainerHost:
    """Answers requests as a host does (`rollout.run.Calls`)."""

    def __init__(self, root: Path, engine: Engine, *, compose: bool) -> None:
        self.places = Places(str(root))
        self.system = Here(engine, compose=compose)
        self.engine = engine
        self.said = ""
        """All that it ever answered."""

    def call(
        self,
        host: Host,
        request: dict[str, Any],
        *,
        payload: bytes | None = None,
        on_event: Callable[[dict[str, Any]], None] = lambda _event: None,
        deadline_s: float = 60.0,
    ) -> dict[str, Any]:
        del deadline_s
        out = io.StringIO()
        main.run(
            json.loads(json.dumps(request)),
            io.BytesIO(payload or b""),
            out,
            places=self.places,
            system=self.system,
        )
        self.said += out.getvalue()
        lines = [json.loads(line) for line in out.getvalue().splitlines()]
        for line in lines[:-1]:
            on_event(line["event"])
        if "error" in lines[-1]:
            error = lines[-1]["error"]
            raise HostError(
                host.name, error["code"], error["sentence"], error["remedy"], error["tail"]
            )
        done: dict[str, Any] = lines[-1]["done"]
        return done

    def running(self, role: str) -> list[str]:
        """Images of the role's containers that run."""
        words = ("docker", "ps", "--filter", f"label=mad.role={role}", "--format", "{{.Image}}")
        return self.engine.run(*words).split()
