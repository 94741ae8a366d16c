"""`switch`, `rollback` and `remove`: which generation of a role serves.

The link `current` is the truth: whoever comes after an interruption stops what runs beside it. So
each step may be the last, and the next run goes on from there.

`switch`: `{"op", "wish": Wish, "digest", "programs": {path: sha256}, "gate": Gate, "who"}`.
`rollback`: `{"op", "role", "to": release or null, "before": generation or null, "who"}`.
`remove`: `{"op", "role", "drain_s", "who"}`. Result of the first two: `{"generation", "release",
"version", "agents"}`; they raise `gate` when what was there before serves on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from . import fleet
from .gate import Watch
from .places import Places, link, sha256, write
from .protocol import KEEP, Gate
from .runtime import Runtime, wait_for
from .runtimes import runtime_of
from .system import RefusedError, System

Tell = Callable[..., None]
READY_S = 30.0
GENERATIONS = 20
"""Of a role that stay on a host, at most."""


def run(
    request: dict[str, Any],
    _stdin: BinaryIO,
    tell: Tell,
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    at, shell = places or Places(), system or System()
    wish = request["wish"]
    role = wish["role"]
    gate = Gate(**request["gate"])
    with at.alone():
        runtime = runtime_of(at, shell, role, wish["runtime"])
        tidy(at, runtime, role)
        number = made(at, request)
        before = put_files(at, role, number, wish["files"])
        try:
            check(at, shell, role, number, wish)
            shared_units(at, shell, before)
            runtime_ready(runtime, role)
            return take_over(at, runtime, role, number, gate, tell, request["who"], watched=True)
        except RefusedError:
            restore_files(at, shell, before)
            raise


def roll_back(
    request: dict[str, Any],
    _stdin: BinaryIO,
    tell: Tell,
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    at, shell = places or Places(), system or System()
    role = request["role"]
    with at.alone():
        source = older(at, role, request.get("to"), request.get("before"))
        told = at.described(role, source)
        runtime = runtime_of(at, shell, role, told.get("runtime", "native"))
        tidy(at, runtime, role)
        number = copied(at, role, source)
        gate = Gate(min_healthy_time_s=0.0, healthy_deadline_s=READY_S, progress_deadline_s=0.0)
        return take_over(at, runtime, role, number, gate, tell, request["who"], watched=False)


def remove(
    request: dict[str, Any],
    _stdin: BinaryIO,
    tell: Tell,
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    """Drains a role until it is empty, at most `drain_s`, and takes it from the host."""
    at, shell = places or Places(), system or System()
    role = request["role"]
    with at.alone():
        runtime = runtime_of(at, shell, role)
        runtime.disable(role)
        running = runtime.instances(role)
        for instance in running:
            tell(text="drains")
            runtime.stop(role, instance, wait_s=float(request.get("drain_s", 60.0)) + 15.0)
        (at.role(role) / "current").unlink(missing_ok=True)
        at.audit(op="remove", role=role, who=request["who"])
        if request.get("forget"):
            shutil.rmtree(str(at.role(role)), ignore_errors=True)
    return {"stopped": running}


def tidy(places: Places, runtime: Runtime, role: str) -> None:
    """Stops what runs beside the current one: an interrupted run left it."""
    current = places.current(role)
    for instance in runtime.instances(role):
        if instance not in (str(current), "current"):
            runtime.stop(role, instance)
    folder = places.role(role)
    if folder.is_dir():
        for one in folder.iterdir():
            if one.name.endswith(".new"):
                shutil.rmtree(str(one), ignore_errors=True)


def made(places: Places, request: dict[str, Any]) -> int:
    """A new generation, whole or not there."""
    wish = request["wish"]
    role = wish["role"]
    number = (places.generations(role) or [0])[-1] + 1
    young = fresh(places, role, number)
    own = {}
    for kind, mode in (("config", 0o644), ("credentials", 0o600)):
        folder = young / kind
        folder.mkdir()
        os.chmod(folder, 0o755 if kind == "config" else 0o700)  # noqa: PTH101
        for name, text in wish[kind].items():
            write(folder / name, text, mode)
            own[f"{kind}/{name}"] = sha256(folder / name)
    told = {
        "release": wish["release"],
        "version": wish["version"],
        "runtime": wish["runtime"],
        "slot": wish["slot"],
        "stack": wish["stack"],
        "digest": request["digest"],
        "programs": request["programs"],
        "own": own,
        "files": {},
    }
    for file in wish["files"]:
        told["files"][file["path"]] = digest_of_text(file["text"])
    return named(places, role, number, young, told)


def copied(places: Places, role: str, source: int) -> int:
    number = places.generations(role)[-1] + 1
    young = fresh(places, role, number)
    for kind in ("config", "credentials"):
        shutil.copytree(str(places.generation(role, source) / kind), str(young / kind))
    told = places.described(role, source)
    # Files of the system are those of today.
    current = places.current(role)
    if current is not None:
        told["files"] = places.described(role, current).get("files", {})
    told["digest"] = told.get("digest")
    return named(places, role, number, young, told)


def fresh(places: Places, role: str, number: int) -> Path:
    young = places.role(role) / f"{number}.new"
    shutil.rmtree(str(young), ignore_errors=True)
    young.mkdir(parents=True)
    for folder in (young, places.role(role), places.role(role).parent):
        os.chmod(folder, 0o755)  # noqa: PTH101
    return young


def named(places: Places, role: str, number: int, young: Path, told: dict[str, Any]) -> int:
    link(young / "release", "../../../releases/{}".format(told["release"]))
    write(young / "generation.json", json.dumps(told, indent=1, sort_keys=True) + "\n", 0o640)
    young.replace(places.generation(role, number))
    return number


def put_files(
    places: Places,
    role: str,
    number: int,
    files: list[dict[str, Any]],
) -> dict[str, str | None]:
    """Gives what was there before, of those that differ."""
    del role, number
    before: dict[str, str | None] = {}
    for file in files:
        path = places.system(file["path"])
        old = path.read_text() if path.is_file() else None
        if old == file["text"]:
            continue
        before[file["path"]] = old
        write(path, file["text"], int(file["mode"]))
    return before


def restore_files(places: Places, system: System, before: dict[str, str | None]) -> None:
    for name, text in before.items():
        if text is not None:
            write(places.system(name), text)
    shared_units(places, system, before)


def shared_units(places: Places, system: System, changed: dict[str, str | None]) -> None:
    del places
    if any(name.startswith("/etc/sysusers.d/") for name in changed):
        system.must(["systemd-sysusers"])
    if any(name.startswith("/etc/systemd/") for name in changed):
        system.must(["systemctl", "daemon-reload"])
    for name in changed:
        if name.startswith("/etc/sysctl.d/"):
            # A container may not set some: the rest counts all the same.
            system.run(["sysctl", "-q", "-p", name])
    if any(name.startswith("/etc/systemd/journald.conf.d/") for name in changed):
        system.run(["systemctl", "restart", "systemd-journald"])


def runtime_ready(runtime: Runtime, role: str) -> None:
    runtime.enable(role)


def check(places: Places, system: System, role: str, number: int, wish: dict[str, Any]) -> None:
    """The new program reads the new configuration before anything is switched."""
    if wish["runtime"] != "native":
        return
    from .runtime import PROGRAMS

    folder = places.generation(role, number)
    program = folder / "release/bin" / PROGRAMS[role]
    names = sorted(name for name in wish["config"] if name.endswith(".toml"))
    secrets = folder / "credentials"
    code, text = system.run(
        [
            "env",
            *(f"{name}={secrets / file}" for name, file in sorted(wish["variables"].items())),
            str(program),
            "--config",
            str(folder / "config" / names[0]),
            "--check",
        ],
        deadline_s=20,
    )
    if code != 0:
        raise RefusedError(
            "gate", f"{PROGRAMS[role]} refuses its configuration", "see its words", text[-2000:]
        )


def take_over(
    places: Places,
    runtime: Runtime,
    role: str,
    number: int,
    gate: Gate,
    tell: Tell,
    who: str,
    *,
    watched: bool,
) -> dict[str, Any]:
    """Starts a generation, looks at it, makes it the current one, and sends the others home.
    Raises RefusedError when it is not well; then the one before serves."""
    before = places.current(role)
    told = places.described(role, number)
    agents = fleet.agents(places, runtime, role, before) if watched else None
    name = str(number)
    old = [one for one in runtime.instances(role) if one != name]
    stops_first = role == "client"
    try:
        if stops_first:
            for instance in old:
                runtime.stop(role, instance, wait_s=20.0)
        tell(text="starts {}".format(told["version"]), generation=number)
        runtime.start(role, number)
        tell(text="looks whether it is well")
        Watch(runtime, role, name, told["version"], gate, tell).healthy()
    except RefusedError as error:
        runtime.stop(role, name)
        if stops_first and before is not None:
            runtime.start(role, before)
        places.audit(op="switch", role=role, who=who, to=told["release"], failed=error.sentence)
        raise
    link(places.role(role) / "current", name)
    link(places.opt / f"current-{role}", "releases/{}".format(told["release"]))
    if not stops_first:
        for instance in old:
            runtime.stop(role, instance)
    after = None
    if watched and agents and before is not None:
        after = came_back(places, runtime, role, number, gate, agents, tell)
        if after is None:
            go_back(places, runtime, role, before, name, who, told)
    was = places.described(role, before).get("release") if before is not None else None
    places.audit(op="switch", role=role, who=who, **{"from": was}, to=told["release"])
    prune(places, runtime)
    version = told["version"]
    return {"generation": number, "release": told["release"], "version": version, "agents": after}


def came_back(
    places: Places,
    runtime: Runtime,
    role: str,
    number: int,
    gate: Gate,
    agents: int,
    tell: Tell,
) -> int | None:
    """The number of agents once enough of them are back; None: they did not come."""
    seen = [0]

    def enough() -> bool:
        seen[0] = fleet.agents(places, runtime, role, number) or 0
        tell(text=f"{seen[0]} of {agents} agents")
        return seen[0] >= agents * gate.agents_share

    return seen[0] if wait_for(enough, deadline_s=gate.progress_deadline_s, every_s=1.0) else None


def go_back(
    places: Places,
    runtime: Runtime,
    role: str,
    before: int,
    name: str,
    who: str,
    told: dict[str, Any],
) -> None:
    """Its agents did not come: the release before gets its place again. Raises RefusedError."""
    tail = runtime.tail(role, name)
    number = copied(places, role, before)
    runtime.start(role, number)
    link(places.role(role) / "current", str(number))
    link(
        places.opt / f"current-{role}",
        "releases/{}".format(places.described(role, number)["release"]),
    )
    runtime.stop(role, name)
    sentence = "its agents did not come back"
    places.audit(op="switch", role=role, who=who, to=told["release"], failed=sentence)
    raise RefusedError("gate", sentence, "the release before serves again", tail)


def older(places: Places, role: str, to: str | None, before: int | None) -> int:
    """The generation to go back to: the newest of another release than the one that serves, or of
    the release (or its version) that is named. Raises RefusedError."""
    current = places.current(role)
    if current is None:
        raise RefusedError("refused", f"{role} was never on this host", "deploy it first")
    serving = places.described(role, current).get("release")
    for number in reversed(places.generations(role)):
        told = places.described(role, number)
        if before is not None and number >= before:
            continue
        there = (places.generation(role, number) / "release" / "manifest.json").is_file()
        named_one = to in (told.get("release"), told.get("version")) if to else True
        if there and named_one and (told.get("release") != serving or before is not None):
            return number
    raise RefusedError(
        "refused",
        f"there is no release {to} to go back to" if to else "there is no release before this one",
        "`status` shows the releases that are there; `deploy --version` brings another",
    )


def prune(places: Places, runtime: Runtime) -> None:
    """Keeps the releases that serve, drain, or served last; of generations the newest."""
    used: set[str] = set()
    roles = places.opt / "roles"
    for role in sorted(one.name for one in roles.iterdir()) if roles.is_dir() else []:
        busy = {
            places.current(role),
            *(int(one) for one in runtime.draining(role) if one.isdigit()),
        }
        kept: list[str] = []
        for seen, number in enumerate(reversed(places.generations(role))):
            release = str(places.described(role, number).get("release"))
            if release not in kept and (number in busy or len(kept) < KEEP):
                kept.append(release)
            if number not in busy and (release not in kept or seen >= GENERATIONS):
                shutil.rmtree(str(places.generation(role, number)), ignore_errors=True)
        used |= set(kept)
    if places.releases.is_dir():
        for folder in places.releases.iterdir():
            if folder.name not in used and not folder.name.startswith("."):
                shutil.rmtree(str(folder), ignore_errors=True)


def digest_of_text(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()
