"""Instances of a role as containers, on the network of their host: one for each generation, of the
project `mad-<role>-<generation>` of its compose file. A container that is not started again when it
ends was told to go; those that have ended stay until their generation goes, so that their images
are there to go back to."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from .engine import Engine, service
from .places import Places, folder
from .runtime import PROGRAMS, Native, _object
from .system import RefusedError, System

Answer = dict[str, Any]
PROJECT = "com.docker.compose.project"
SEEN = (
    '{{.Id}}\t{{index .Config.Labels "' + PROJECT + '"}}\t{{.State.Status}}\t{{.RestartCount}}\t'
    "{{.HostConfig.RestartPolicy.Name}}\t{{.Config.Image}}"
)
UP = ("running", "restarting", "paused")
SOCKET = "1.sock"
"""In the `run` folder of a role: programs of ours are asked there. One instance runs at a time, so
all have the same name."""


class Seen(NamedTuple):
    """A container."""

    id: str
    number: str
    status: str
    restarts: int
    stays: bool
    """It is started again when it ends: nobody told it to go."""
    image: str


class Docker:
    """See `runtime.Runtime`."""

    def __init__(self, places: Places, system: System) -> None:
        self._places = places
        self._system = system
        self._engine = Engine(system)

    def order(self, role: str) -> str:
        # Two containers cannot listen on one port.
        del role
        return "replace"

    def check(self, folder: Path, wish: Answer) -> str | None:
        """Also brings the image: the old container runs until all is there. Raises RefusedError."""
        told = service(folder)
        if not told:
            return "its compose file cannot be read"
        self._engine.ensure()
        self._engine.pull(told["image"], wish.get("login"))
        if not ours(told):
            return None
        self._lend(folder, wish["role"], told)
        code, text = self._engine.try_out(folder, "--check")
        return None if code == 0 else text[-2000:] or f"it ended with {code}"

    def _lend(self, folder_: Path, role: str, told: Answer) -> None:
        """What its user has to read and write is that user's."""
        run = self._places.role(role) / "run"
        folder(run, 0o700)
        user = str(told.get("user") or self._engine.user_of(told["image"]))
        # One that has a name is known in its image alone: it sees no credentials.
        found = re.fullmatch(r"(\d+)(?::(\d+))?", user)
        uid, gid = (int(found.group(1)), int(found.group(2) or 0)) if found else (0, 0)
        secrets = folder_ / "credentials"
        for path in (run, secrets, *secrets.iterdir()):
            os.chown(str(path), uid, gid)

    def prepare(self, role: str) -> None:
        # Of a native release before: its socket would keep the port.
        self._system.run(["systemctl", "stop", f"{PROGRAMS[role]}.socket"])

    def silence(self, role: str) -> None:
        """Nothing listens beside the instances."""

    # --- what is there --------------------------------------------------------------------------

    def _seen(self, role: str) -> list[Seen]:
        asked = ["docker", "ps", "--all", "--quiet", "--filter", f"label=mad.role={role}"]
        code, text = self._system.run(asked)
        # Warnings of docker are among its lines.
        ids = [one for one in text.split() if re.fullmatch("[0-9a-f]{12,64}", one)]
        ids = ids if code == 0 else []
        if not ids:
            return []
        text = self._system.run(["docker", "inspect", "--format", SEEN, *ids])[1]
        found = []
        for line in text.splitlines():
            parts = line.split("\t")
            number = re.fullmatch(rf"mad-{role}-(\d+)", parts[1]) if len(parts) == 6 else None
            if number is not None:
                id, _, status, restarts, policy, image = parts
                stays = policy not in ("", "no")
                found.append(Seen(id, number.group(1), status, int(restarts), stays, image))
        return sorted(found, key=lambda one: int(one.number))

    def _one(self, role: str, instance: str) -> Seen | None:
        return next((one for one in self._seen(role) if one.number == instance), None)

    def instances(self, role: str) -> list[str]:
        return [one.number for one in self._seen(role) if one.status in UP and one.stays]

    def draining(self, role: str) -> list[str]:
        return [one.number for one in self._seen(role) if one.status in UP and not one.stays]

    # --- starting and stopping ------------------------------------------------------------------

    def start(self, role: str, number: int) -> None:
        own = self._places.generation(role, number)
        told = service(own)
        if not self._engine.has(told["image"]):
            # Somebody has removed it since: for an image without a password that mends it.
            self._engine.pull(told["image"], None)
        self._lend(own, role, told)
        there = self._one(role, str(number))
        if there is not None:
            self._system.run(["docker", "update", "--restart", str(told["restart"]), there.id])
            code, text = self._system.run(["docker", "start", there.id], deadline_s=90)
        else:
            code, text = self._engine.up(own, project(role, number))
        if code != 0:
            raise RefusedError(
                "gate",
                f"the container of {role} did not start",
                "mend what its log names, and deploy again",
                self.tail(role, str(number)) or text[-2000:],
            )

    def stop(self, role: str, instance: str, *, wait_s: float = 0.0) -> None:
        one = self._one(role, instance)
        if one is None or one.status not in UP:
            return
        self._system.run(["docker", "update", "--restart", "no", one.id])
        if wait_s:
            words = ["docker", "stop", "--time", str(max(1, round(wait_s))), one.id]
            self._system.run(words, deadline_s=wait_s + 30.0)
        else:
            self._system.run(["docker", "kill", "--signal", "TERM", one.id])

    def kill(self, role: str, instance: str) -> None:
        one = self._one(role, instance)
        if one is not None and one.status in UP:
            self._system.run(["docker", "update", "--restart", "no", one.id])
            self._system.run(["docker", "kill", one.id])

    def enable(self, role: str, number: int) -> None:
        """Docker starts what it ran before a reboot; units of a native release are not."""
        Native(self._places, self._system).disable(role)
        self._forget(role, {str(one) for one in (number, *self._places.generations(role))})

    def disable(self, role: str) -> None:
        for one in self._seen(role):
            if one.status in UP and one.stays:
                self._system.run(["docker", "update", "--restart", "no", one.id])

    def forget(self, role: str) -> None:
        self._forget(role, set())

    def _forget(self, role: str, kept: set[str]) -> None:
        """Containers whose generation is gone, and their images when nobody else has them."""
        for one in self._seen(role):
            if one.number not in kept and one.status not in UP:
                self._system.run(["docker", "rm", one.id])
                self._system.run(["docker", "image", "rm", one.image])

    # --- how it is ------------------------------------------------------------------------------

    def well(self, role: str, instance: str) -> bool:
        one = self._one(role, instance)
        return one is not None and one.status == "running" and one.restarts == 0

    def ready(self, role: str, instance: str) -> Answer:
        """Programs of ours say their version; of others what runs is known by its image."""
        own = self._places.generation(role, int(instance))
        told, version = service(own), self._told(role, instance).get("version")
        one = self._one(role, instance)
        if one is None or one.status != "running" or one.image != told.get("image"):
            return {}
        as_wished = {"ready": True, "version": version}
        address = self.address(role, instance)
        if role == "client":
            if not address:
                return as_wished
            status, text = self._system.get(address, "/health")
            return as_wished if status == 200 and _object(text).get("connected") else {}
        status, text = self._system.get(address, "/ready")
        if ours(told) and status == 200:
            return _object(text)
        if status in (404, 501):
            status, _ = self._system.get(address, "/health")
            return as_wished if status in (200, 404, 501) else {}
        # Of a server that speaks no HTTP that it listens has to do.
        is_up = status == 200 or (status == 0 and self._system.connects(address))
        return as_wished if is_up else {}

    def sessions(self, role: str, instance: str) -> int | None:
        if role == "client":
            return None
        status, text = self._system.get(self.address(role, instance), "/health")
        sessions = _object(text).get("sessions") if status == 200 else None
        return sessions if isinstance(sessions, int) else None

    def agents(self, role: str, instance: str) -> int | None:
        if role != "api":
            return None
        status, text = self._system.get(self.address(role, instance), "/metrics")
        found = re.search(r"^mad_fleet_agents(?:\{[^}]*\})? (\d+)", text, re.MULTILINE)
        return int(found.group(1)) if status == 200 and found else None

    def address(self, role: str, instance: str) -> str:
        """Where it is asked; empty: nowhere."""
        told = service(self._places.generation(role, int(instance)))
        if ours(told) and role != "client":
            return f"unix:{self._places.role(role) / 'run' / SOCKET}"
        return str(self._told(role, instance).get("address") or "")

    def _told(self, role: str, instance: str) -> Answer:
        return self._places.described(role, int(instance))

    def tail(self, role: str, instance: str) -> str:
        one = self._one(role, instance)
        if one is None:
            return ""
        return self._system.run(["docker", "logs", "--tail", "20", one.id])[1][-4000:]


def ours(told: Answer) -> bool:
    """Whether its image is one of mad's own: it has our configuration, and answers as we do."""
    return str(told.get("labels", {}).get("mad.own")) == "true"


def project(role: str, number: int) -> str:
    return f"mad-{role}-{number}"
