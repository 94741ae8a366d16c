"""How the instances of a role run: as units of systemd here, as containers in `docker`. An instance
has the number of its generation for a name; `current` is one that the socket unit started because
none ran."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any, Protocol

from .places import Places, discard, link, move
from .protocol import UNITS
from .system import RefusedError, System

PROGRAMS = {"api": "mad-api", "api_lb": "mad-proxy", "client": "mad-agent", "web": "mad-web"}
ORDERS = {"api": "beside", "api_lb": "handover", "client": "beside", "web": "beside"}
START_S = 90.0
STOP_S = 20.0

Answer = dict[str, Any]


class Runtime(Protocol):
    """What `switch` and `inspect` need of a way to run things. Each call is repeatable: what is
    already so is left alone."""

    def order(self, role: str) -> str:
        """`beside`: the new instance runs beside the old one until it is well, and only then is the
        old one told to stop; `handover`: it runs beside it, but takes its connections at once;
        `replace`: the old one ends first."""

    def check(self, folder: Path, wish: Answer) -> str | None:
        """What the new program says against its configuration (`folder` has `release`, `config` and
        `credentials` as a generation does); None: nothing."""

    def prepare(self, role: str) -> None:
        """Before the first start: sockets, networks. Files of the system are there."""

    def silence(self, role: str) -> None:
        """Nothing listens for the role: no instance of it runs, and none is started by a call."""

    def instances(self, role: str) -> list[str]:
        """Those that run and were not told to stop."""

    def draining(self, role: str) -> list[str]:
        """Those that were told to stop and still have something to do."""

    def start(self, role: str, number: int) -> None:
        """Until it says that it is ready. Raises RefusedError (`gate`) with the end of its log."""

    def stop(self, role: str, instance: str, *, wait_s: float = 0.0) -> None:
        """Tells it to stop: it drains. With `wait_s` waits so long until it has ended."""

    def kill(self, role: str, instance: str) -> None:
        """It has ended when this returns, whatever it still had to do."""

    def well(self, role: str, instance: str) -> bool:
        """Whether it runs, and never ended since it was started."""

    def ready(self, role: str, instance: str) -> Answer:
        """What its `/ready` says (`version`); empty: it is not ready."""

    def address(self, role: str, instance: str) -> str:
        """Where it is asked from this host (see `ask`); empty: nowhere."""

    def sessions(self, role: str, instance: str) -> int | None:
        """None: it does not say."""

    def agents(self, role: str, instance: str) -> int | None:
        """Agents of the whole fleet, as it knows them; None: it knows of none (another role)."""

    def tail(self, role: str, instance: str) -> str:
        """The end of its log."""

    def enable(self, role: str, number: int) -> None:
        """From now on a reboot starts this instance and no other."""

    def disable(self, role: str) -> None:
        """A reboot starts none, and nothing listens any more."""

    def forget(self, role: str) -> None:
        """The role leaves the host: what its ended instances left goes."""


def runtime_of(places: Places, system: System, name: str) -> Runtime:
    """By the `runtime` of a wish or of a generation. Raises RefusedError."""
    if name == "native":
        return Native(places, system)
    if name == "docker":
        from .docker import Docker

        return Docker(places, system)
    raise RefusedError("refused", f"there is no runtime {name!r}")


class Native:
    """Units `mad-api@<generation>.service`, and a socket unit that outlives them."""

    def __init__(self, places: Places, system: System) -> None:
        self._places = places
        self._system = system

    def order(self, role: str) -> str:
        return ORDERS[role]

    def unit(self, role: str, instance: str) -> str:
        return f"{PROGRAMS[role]}@{instance}.service"

    def check(self, folder: Path, wish: Answer) -> str | None:
        program = folder / "release/bin" / PROGRAMS[wish["role"]]
        secrets = folder / "credentials"
        # As the unit has it: variables whose values are paths of credentials.
        said = [f"{name}={secrets / file}" for name, file in sorted(wish["variables"].items())]
        for name in sorted(wish["config"]):
            if not name.endswith(".toml"):
                continue
            words = ["env", f"CREDENTIALS_DIRECTORY={secrets}", *said, str(program)]
            words += ["--config", str(folder / "config" / name), "--check"]
            if wish["role"] == "web":
                words += ["--root", str(folder / "release/console")]
            code, text = self._system.run(words, deadline_s=20)
            if code != 0:
                return text[-2000:] or f"it ended with {code}"
        return None

    def prepare(self, role: str) -> None:
        name = f"{PROGRAMS[role]}.socket"
        if not self._places.system(f"{UNITS}/{name}").exists():
            return
        if self._system.run(["systemctl", "is-active", name])[0] != 0:
            self._system.must(["systemctl", "start", name])

    def silence(self, role: str) -> None:
        name = f"{PROGRAMS[role]}.socket"
        if self._places.system(f"{UNITS}/{name}").exists():
            self._system.run(["systemctl", "stop", name])

    def _units(self, role: str) -> dict[str, str]:
        """Instance: what it does, in systemd's words."""
        words = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "--no-pager"]
        text = self._system.run([*words, f"{PROGRAMS[role]}@*.service"])[1]
        found = re.findall(r"^\S*@([^.\s]+)\.service\s+\S+\s+\S+\s+(\S+)", text, re.MULTILINE)
        return dict(found)

    def instances(self, role: str) -> list[str]:
        up = ("running", "start", "start-pre", "start-post", "auto-restart", "reload")
        states = self._units(role)
        return sorted((one for one, sub in states.items() if sub in up), key=_by_number)

    def draining(self, role: str) -> list[str]:
        states = self._units(role)
        ending = ("stop", "deactivating", "final")
        return sorted(
            (one for one, sub in states.items() if sub.startswith(ending)), key=_by_number
        )

    def start(self, role: str, number: int) -> None:
        unit = self.unit(role, str(number))
        self._system.run(["systemctl", "reset-failed", unit])
        code, text = self._system.run(["systemctl", "start", unit], deadline_s=START_S)
        if code != 0:
            raise RefusedError(
                "gate",
                f"{unit} was not ready in time" if code == 124 else f"{unit} did not start",
                "mend what its log names, and deploy again",
                self.tail(role, str(number)) or text[-2000:],
            )

    def stop(self, role: str, instance: str, *, wait_s: float = 0.0) -> None:
        words = ["systemctl", "stop", *([] if wait_s else ["--no-block"])]
        self._system.run([*words, self.unit(role, instance)], deadline_s=wait_s or 30.0)

    def kill(self, role: str, instance: str) -> None:
        unit = self.unit(role, instance)
        # Told to stop first: systemd starts what dies by itself again.
        self._system.run(["systemctl", "stop", "--no-block", unit])
        self._system.run(["systemctl", "kill", "--signal=SIGKILL", unit])
        self._system.run(["systemctl", "stop", unit], deadline_s=STOP_S)
        self._system.run(["systemctl", "reset-failed", unit])

    def _shown(self, role: str, instance: str) -> dict[str, str]:
        words = ["systemctl", "show", "-p", "ActiveState,SubState,NRestarts,StatusText"]
        text = self._system.run([*words, self.unit(role, instance)])[1]
        pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
        return {name: value for name, _, value in pairs}

    def well(self, role: str, instance: str) -> bool:
        shown = self._shown(role, instance)
        return shown.get("ActiveState") == "active" and shown.get("NRestarts", "0") == "0"

    def ready(self, role: str, instance: str) -> Answer:
        told = self._told(role, instance)
        if role == "client":
            # It listens nowhere: its status says whether it is connected.
            shown = self._shown(role, instance)
            status = shown.get("StatusText", "")
            up = shown.get("ActiveState") == "active" and status.startswith("connected")
            return {"ready": True, "version": told.get("version")} if up else {}
        address = self.address(role, instance)
        status_code, text = self._system.get(address, "/ready")
        if status_code == 200:
            return _object(text)
        # One of before `/ready`: that it answers has to do.
        old = role != "api" and status_code == 404
        return {"ready": True, "version": told.get("version")} if old else {}

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
        """Its own socket, where it has one; else where the role listens."""
        own = self._places.run / role / f"{instance}.sock"
        address = str(self._told(role, instance).get("address") or "")
        return address if address and not own.exists() else f"unix:{own}"

    def _told(self, role: str, instance: str) -> Answer:
        number = int(instance) if instance.isdigit() else self._places.current(role)
        return self._places.described(role, number) if number is not None else {}

    def tail(self, role: str, instance: str) -> str:
        return self._system.journal(self.unit(role, instance))[-4000:]

    def _wants(self, target: str) -> Path:
        return self._places.system(f"{UNITS}/{target}.target.wants")

    def enable(self, role: str, number: int) -> None:
        program = PROGRAMS[role]
        if self._places.system(f"{UNITS}/{program}.socket").exists():
            _linked(self._wants("sockets") / f"{program}.socket", f"{UNITS}/{program}.socket")
        wants = self._wants("multi-user")
        wanted = wants / self.unit(role, str(number))
        others = [one for one in wants.glob(f"{program}@*.service") if one != wanted]
        # By one renaming: a reboot in between starts either the old one or the new one.
        if others and not wanted.is_symlink():
            move(others.pop(), wanted)
        _linked(wanted, f"{UNITS}/{program}@.service")
        for one in others:
            discard(one)

    def disable(self, role: str) -> None:
        program = PROGRAMS[role]
        for one in self._wants("multi-user").glob(f"{program}@*.service"):
            discard(one)
        discard(self._wants("sockets") / f"{program}.socket")
        self.silence(role)

    def forget(self, role: str) -> None:
        """Units leave nothing."""


def _linked(path: Path, target: str) -> None:
    with contextlib.suppress(OSError):
        if str(path.readlink()) == target:
            return
    link(path, target)


def _by_number(instance: str) -> int:
    return int(instance) if instance.isdigit() else 0


def _object(text: str) -> Answer:
    try:
        read = json.loads(text)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
