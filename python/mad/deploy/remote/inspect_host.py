"""`inspect`: what is on a host, and what runs there. Changes nothing."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from typing import Any, BinaryIO

from .generations import is_whole
from .places import Places, free_bytes, sha256
from .protocol import HostFacts, RoleFacts, plain
from .runtime import runtime_of
from .stage import SPARE
from .system import System

BOOT_S = 240.0
OLDEST_SYSTEMD = 247
"""`LoadCredential=`, and the variables that the units have, came with it."""


def run(
    request: dict[str, Any],
    _stdin: BinaryIO,
    tell: Callable[..., None],
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    at, shell = places or Places(), system or System()
    if request.get("boot"):
        booted(shell, tell)
    wanted_roles = request.get("roles")
    names = at.roles() if wanted_roles is None else wanted_roles
    version = systemd_version(shell)
    free = free_bytes(at.opt)
    facts = HostFacts(
        architecture=platform.machine(),
        system=system_name(at),
        free_bytes=free,
        clock=shell.said(),
        systemd=version,
        releases=releases(at),
        roles={role: role_facts(at, shell, role) for role in names},
        problems=problems(version, free),
        up_s=up_s(at),
    )
    wanted = request.get("release") or {}
    whole = bool(wanted) and is_whole(at, wanted["id"], wanted["files"])
    answer = {"facts": plain(facts), "whole": whole}
    if request.get("version"):
        answer["manifests"] = manifests(at, request["version"])
    return answer


def booted(system: System, tell: Callable[..., None]) -> None:
    """Waits for cloud-init where there is one: sshd comes up long before it has ended. One that
    ended with warnings (2) has ended."""
    tell(text="waits for the first boot")
    code, text = system.run(["cloud-init", "status", "--wait"], deadline_s=BOOT_S)
    if code not in (0, 2, 127):
        last = text.strip().splitlines()[-1] if text.strip() else f"it ended with {code}"
        tell(text=f"cloud-init: {last}")


def role_facts(places: Places, system: System, role: str) -> RoleFacts:
    current = places.current(role)
    if current is None:
        return RoleFacts()
    told = places.described(role, current)
    runtime = runtime_of(places, system, told.get("runtime", "native"))
    running = runtime.instances(role)
    serving = next((one for one in (str(current), "current") if one in running), None)
    ready = runtime.ready(role, serving) if serving else {}
    # A switch that was interrupted: whatever is there, it is not what was wished.
    digest = None if places.intent(role).exists() else told.get("digest")
    return RoleFacts(
        generation=current,
        release=told.get("release"),
        version=told.get("version"),
        digest=digest,
        active=serving is not None,
        ready=bool(ready) and ready.get("version") == told.get("version"),
        sessions=runtime.sessions(role, serving) if serving else None,
        draining=[int(one) for one in runtime.draining(role) if one.isdigit()],
        drift=drift(places, role, current, told),
        agents=runtime.agents(role, serving) if serving else None,
    )


def drift(places: Places, role: str, number: int, told: dict[str, Any]) -> list[str]:
    """Files that somebody changed or removed since they were put there."""
    own = places.generation(role, number)
    changed = [
        path
        for path, digest in sorted(told.get("files", {}).items())
        if sha256(places.system(path)) != digest
    ]
    changed += [
        f"/opt/mad/roles/{role}/{number}/{name}"
        for name, digest in sorted(told.get("own", {}).items())
        if sha256(own / name) != digest
    ]
    release = str(told.get("release"))
    changed += [
        f"/opt/mad/releases/{release}/{name}"
        for name, digest in sorted(told.get("programs", {}).items())
        if sha256(places.release(release) / name) != digest
    ]
    return changed


def releases(places: Places) -> dict[str, str]:
    if not places.releases.is_dir():
        return {}
    return {
        folder.name: folder.name.rpartition("-")[0]
        for folder in sorted(places.releases.iterdir())
        if not folder.name.startswith(".") and (folder / "manifest.json").is_file()
    }


def manifests(places: Places, version: str) -> dict[str, str]:
    """Of the releases of a version that are there, by their id."""
    return {
        id: (places.release(id) / "manifest.json").read_text()
        for id, named in releases(places).items()
        if named == version
    }


def system_name(places: Places) -> str:
    try:
        text = places.system("/etc/os-release").read_text()
    except OSError:
        return "unknown"
    name = re.search(r'^PRETTY_NAME="?([^"\n]*)', text, re.MULTILINE)
    return name.group(1) if name else "unknown"


def up_s(places: Places) -> float | None:
    try:
        return float(places.system("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def systemd_version(system: System) -> int:
    found = re.match(r"systemd (\d+)", system.run(["systemctl", "--version"])[1])
    return int(found.group(1)) if found else 0


def problems(systemd: int, free: int) -> list[str]:
    found = []
    if systemd == 0:
        found.append("there is no systemd")
    elif systemd < OLDEST_SYSTEMD:
        found.append(f"systemd {systemd} is too old: {OLDEST_SYSTEMD} or newer is needed")
    if free < SPARE:
        found.append(f"the disk is full: {free >> 20} MiB are free where /opt/mad is")
    return found
