"""`drain`, `remove`, `prune` and `history`: how a role leaves a host, and what stays of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, BinaryIO

from . import generations, system_files
from .places import Places, discard, sweep
from .protocol import KEEP
from .runtime import Runtime
from .switch import Switch, busy
from .system import System

Tell = Callable[..., None]
ANNOUNCED_S = 1.0
"""A node says that it goes 250 ms before it listens no more."""
EVERY_S = 1.0


def drain(
    request: dict[str, Any],
    _stdin: BinaryIO,
    tell: Tell,
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    at, shell = places or Places(), system or System()
    one = Switch(at, shell, request["role"], tell, str(request.get("who", "")))
    with at.alone(shell, tell, f"{one.who} (drain of {one.role})".strip()):
        stopped, left = emptied(one, float(request.get("deadline_s", 60.0)))
        if stopped:
            audit(one, "drained" if not left else "cut at the deadline")
    return {"stopped": stopped, "sessions": left}


def remove(
    request: dict[str, Any],
    _stdin: BinaryIO,
    tell: Tell,
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    at, shell = places or Places(), system or System()
    one = Switch(at, shell, request["role"], tell, str(request.get("who", "")))
    with at.alone(shell, tell, f"{one.who} (removal of {one.role})".strip()):
        if not at.role(one.role).is_dir():
            generations.prune(at, busy(at, shell), shell.said())
            return {"stopped": [], "removed": False}
        stopped, _ = emptied(one, float(request.get("drain_s", 60.0)))
        files = {
            file["path"]
            for number in at.generations(one.role)
            for file in generations.files_of(at, one.role, number)
        }
        system_files.apply(shell, system_files.drop(at, one.role, sorted(files)))
        audit(one, "removed")
        for runtime in one.runtimes():
            runtime.forget(one.role)
        discard(at.opt / f"current-{one.role}")
        discard(at.role(one.role))
        generations.prune(at, busy(at, shell), shell.said())
    return {"stopped": stopped, "removed": True}


def prune(
    request: dict[str, Any],
    _stdin: BinaryIO,
    tell: Tell,
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    at, shell = places or Places(), system or System()
    with at.alone(shell, tell, "prune"):
        sweep(at.releases)
        keep = max(1, int(request.get("keep", KEEP)))
        gone = generations.prune(at, busy(at, shell), shell.said(), keep)
    return {"removed": gone}


def history(
    request: dict[str, Any],
    _stdin: BinaryIO,
    _tell: Tell,
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    """The newest lines of the audit log."""
    del system
    at = places or Places()
    lines = []
    if at.audit_file.is_file():
        for line in at.audit_file.read_text(errors="replace").splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                continue
    return {"lines": lines[-int(request.get("last", 20)) :]}


def emptied(one: Switch, deadline_s: float) -> tuple[list[str], int]:
    """Tells all instances to go and waits until they have, at most so long; then they are ended.
    Gives those that ran, and the sessions that were cut."""
    one.settle()
    runtimes = one.runtimes()
    began = one.system.now()
    running = []
    for runtime in runtimes:
        for name in runtime.instances(one.role):
            running.append(name)
            one.tell(text="drains", generation=name)
            runtime.stop(one.role, name)
    if running:
        one.system.sleep(ANNOUNCED_S)
    for runtime in runtimes:
        runtime.disable(one.role)
    left = 0
    said = -1
    while any(alive(runtime, one.role) for runtime in runtimes):
        left = sum(
            runtime.sessions(one.role, name) or 0
            for runtime in runtimes
            for name in alive(runtime, one.role)
        )
        if left != said:
            said = left
            one.tell(text=f"{left} sessions are left", sessions=left)
        if one.system.now() - began >= deadline_s:
            for runtime in runtimes:
                for name in alive(runtime, one.role):
                    runtime.kill(one.role, name)
            return running, left
        one.system.sleep(EVERY_S)
    return running, 0


def alive(runtime: Runtime, role: str) -> list[str]:
    return runtime.instances(role) + runtime.draining(role)


def audit(one: Switch, outcome: str) -> None:
    current = one.places.current(one.role)
    told = one.places.described(one.role, current) if current is not None else {}
    line = {"from": told.get("release"), "to": None, "generation": current}
    one.places.audit(one.system, who=one.who, role=one.role, outcome=outcome, **line)
