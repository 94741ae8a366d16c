"""How the instances of a role run: as units of systemd here, as containers in `docker`."""

from __future__ import annotations

import re
import time
from typing import Any, Protocol

from .ask import json_of
from .places import Places
from .system import RefusedError, System

PROGRAMS = {"api": "mad-api", "api_lb": "mad-proxy", "client": "mad-agent", "web": "mad-web"}
START_S = 90.0


class Runtime(Protocol):
    """Instances are named by their generation; `current` is the one a reboot started."""

    def instances(self, role: str) -> list[str]:
        """Those that run and are not being stopped."""

    def draining(self, role: str) -> list[str]:
        """Those that were told to stop and still have something to do."""

    def start(self, role: str, number: int) -> None:
        """Until it says that it is ready. Raises RefusedError with the end of its log."""

    def stop(self, role: str, instance: str, *, wait_s: float = 0.0) -> None: ...

    def well(self, role: str, instance: str) -> bool:
        """Whether it runs, and never ended since it was started."""

    def ready(self, role: str, instance: str) -> dict[str, Any]:
        """What its `/ready` says (`version`, `sessions`); empty: it is not ready."""

    def tail(self, role: str, instance: str) -> str:
        """The end of its log."""

    def enable(self, role: str) -> None:
        """From now on a reboot starts what is current."""

    def disable(self, role: str) -> None: ...


class Native:
    """Units `mad-api@<generation>.service`, and a socket unit that outlives them."""

    def __init__(self, places: Places, system: System) -> None:
        self._places = places
        self._system = system

    def unit(self, role: str, instance: str) -> str:
        return f"{PROGRAMS[role]}@{instance}.service"

    def _units(self, role: str) -> dict[str, str]:
        """Instance: state."""
        text = self._system.run(
            [
                "systemctl",
                "list-units",
                "--all",
                "--plain",
                "--no-legend",
                "--no-pager",
                f"{PROGRAMS[role]}@*.service",
            ]
        )[1]
        found = re.findall(r"^\S*@([^.\s]+)\.service\s+\S+\s+\S+\s+(\S+)", text, re.MULTILINE)
        return dict(found)

    def instances(self, role: str) -> list[str]:
        states = self._units(role)
        return [one for one, sub in states.items() if sub in ("running", "start", "auto-restart")]

    def draining(self, role: str) -> list[str]:
        return [one for one, sub in self._units(role).items() if sub.startswith("stop")]

    def start(self, role: str, number: int) -> None:
        unit = self.unit(role, str(number))
        self._system.run(["systemctl", "reset-failed", unit])
        code, text = self._system.run(["systemctl", "start", unit], deadline_s=START_S)
        if code != 0:
            raise RefusedError(
                "gate",
                f"{unit} did not start" if code != 124 else f"{unit} was not ready in time",
                "look at what it says; the release before goes on serving",
                self.tail(role, str(number)) or text[-2000:],
            )

    def stop(self, role: str, instance: str, *, wait_s: float = 0.0) -> None:
        words = ["systemctl", "stop", *([] if wait_s else ["--no-block"])]
        self._system.run([*words, self.unit(role, instance)], deadline_s=wait_s or 30.0)

    def well(self, role: str, instance: str) -> bool:
        text = self._system.run(
            ["systemctl", "show", "-p", "ActiveState,NRestarts", self.unit(role, instance)]
        )[1]
        return "ActiveState=active" in text and "NRestarts=0" in text

    def ready(self, role: str, instance: str) -> dict[str, Any]:
        if role == "client":
            # It listens nowhere: its unit is told when it is connected.
            number = self._places.current(role) if instance == "current" else int(instance)
            told = self._places.described(role, number) if number is not None else {}
            return (
                {"ready": True, "version": told.get("version")} if self.well(role, instance) else {}
            )
        socket = self._places.run / role / f"{instance}.sock"
        status, answer = json_of(f"unix:{socket}", "/ready")
        return answer if status == 200 else {}

    def tail(self, role: str, instance: str) -> str:
        return self._system.journal(self.unit(role, instance))[-4000:]

    def enable(self, role: str) -> None:
        program = PROGRAMS[role]
        names = [f"{program}@current.service"]
        if self._places.system(f"/etc/systemd/system/{program}.socket").exists():
            self._system.must(["systemctl", "enable", "--now", f"{program}.socket"])
        self._system.must(["systemctl", "enable", *names])

    def disable(self, role: str) -> None:
        program = PROGRAMS[role]
        self._system.run(["systemctl", "disable", f"{program}@current.service"])
        self._system.run(["systemctl", "disable", "--now", f"{program}.socket"])


def wait_for(
    check: Any,
    *,
    deadline_s: float,
    every_s: float = 0.5,
    clock: Any | None = None,
) -> bool:
    """Until `check()` holds or the time is over."""
    now = clock or time.monotonic
    until = now() + deadline_s
    while True:
        if check():
            return True
        if now() >= until:
            return False
        time.sleep(every_s)
