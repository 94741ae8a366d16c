"""`inspect`: what is on a host, and what runs there. Changes nothing.

Request: `{"op", "roles": ["api"], "release": {"id", "files": {path: sha256}}, "boot": true}`; the
last two may be missing. Result: `{"facts": HostFacts, "whole": bool}`, `whole`: whether each of
those files of that release is there as it should be."""

from __future__ import annotations

import platform
import re
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from .places import Places, free_bytes, sha256
from .protocol import HostFacts, RoleFacts, plain
from .runtime import Runtime
from .runtimes import runtime_of
from .system import System

BOOT_S = 240.0
OLDEST_SYSTEMD = 247


def run(
    request: dict[str, Any],
    _stdin: BinaryIO,
    tell: Callable[..., None],
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    at = places or Places()
    shell = system or System()
    if request.get("boot"):
        booted(shell, tell)
    roles = {role: role_facts(at, runtime_of(at, shell, role), role) for role in request["roles"]}
    version = systemd_version(shell)
    facts = HostFacts(
        architecture=platform.machine(),
        system=system_name(at),
        free_bytes=free_bytes(at.opt),
        clock=time.time(),
        systemd=version,
        releases=releases(at),
        roles=roles,
        problems=problems(version),
    )
    wanted = request.get("release") or {}
    whole = bool(wanted) and is_whole(at, wanted["id"], wanted["files"])
    return {"facts": plain(facts), "whole": whole}


def booted(system: System, tell: Callable[..., None]) -> None:
    """Waits for cloud-init where there is one: sshd comes up long before it has ended. One that
    ended with warnings (2) has ended."""
    tell(text="waits for the first boot")
    code, text = system.run(["cloud-init", "status", "--wait"], deadline_s=BOOT_S)
    if code not in (0, 2, 127):
        tell(text=f"cloud-init: {text.strip().splitlines()[-1] if text.strip() else code}")


def role_facts(places: Places, runtime: Runtime, role: str) -> RoleFacts:
    current = places.current(role)
    if current is None:
        return RoleFacts()
    told = places.described(role, current)
    running = runtime.instances(role)
    serving = next((one for one in (str(current), "current") if one in running), None)
    ready = runtime.ready(role, serving) if serving else {}
    draining = [int(one) for one in runtime.draining(role) if one.isdigit()]
    sessions = ready.get("sessions")
    return RoleFacts(
        generation=current,
        release=told.get("release"),
        version=told.get("version"),
        digest=told.get("digest"),
        active=serving is not None,
        ready=bool(ready),
        sessions=sessions if isinstance(sessions, int) else None,
        draining=draining,
        drift=drift(places, role, current, told),
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
    if not is_whole(places, str(told.get("release")), told.get("programs", {})):
        changed.append(f"/opt/mad/releases/{told.get('release')}")
    return changed


def releases(places: Places) -> dict[str, str]:
    found = {}
    if places.releases.is_dir():
        for folder in sorted(places.releases.iterdir()):
            if not folder.name.startswith(".") and (folder / "manifest.json").is_file():
                found[folder.name] = folder.name.rpartition("-")[0]
    return found


def is_whole(places: Places, id: str, files: dict[str, str]) -> bool:
    folder = places.release(id)
    return all(sha256(folder / name) == digest for name, digest in files.items())


def system_name(places: Places) -> str:
    try:
        text = places.system("/etc/os-release").read_text()
    except OSError:
        return "unknown"
    name = re.search(r'^PRETTY_NAME="?([^"\n]*)', text, re.MULTILINE)
    return name.group(1) if name else "unknown"


def systemd_version(system: System) -> int:
    found = re.match(r"systemd (\d+)", system.run(["systemctl", "--version"])[1])
    return int(found.group(1)) if found else 0


def problems(systemd: int) -> list[str]:
    if systemd == 0:
        return ["there is no systemd"]
    if systemd < OLDEST_SYSTEMD:
        return [f"systemd {systemd} is too old: {OLDEST_SYSTEMD} or newer is needed"]
    return []
