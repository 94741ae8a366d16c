"""Files of the system that roles bring: units, users, settings of the kernel and the journal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .generations import files_of
from .places import Places, discard, write
from .protocol import UNITS
from .system import RefusedError, System

ALLOWED = (
    f"{UNITS}/mad",
    "/etc/sysctl.d/",
    "/etc/sysusers.d/",
    "/etc/tmpfiles.d/",
    "/etc/systemd/journald.conf.d/",
    "/etc/logrotate.d/",
)


def put(places: Places, files: list[dict[str, Any]]) -> list[str]:
    """Gives the paths of those that were not so before."""
    changed = []
    for file in files:
        path = places.system(file["path"])
        if not file["path"].startswith(ALLOWED) or ".." in file["path"]:
            raise RefusedError("refused", "{} is no place for a role".format(file["path"]))
        if not path.is_file() or path.read_text() != file["text"]:
            write(path, file["text"], int(file["mode"]))
            changed.append(file["path"])
        elif path.stat().st_mode & 0o7777 != int(file["mode"]):
            path.chmod(int(file["mode"]))
    return changed


def drop(places: Places, role: str, files: Iterable[str]) -> list[str]:
    """Takes those away that no other role here has. Gives the paths of those that went."""
    kept = {
        file["path"]
        for other in places.roles()
        if other != role
        for file in files_of(places, other, places.current(other))
    }
    gone = [path for path in files if path not in kept and places.system(path).exists()]
    for path in gone:
        discard(places.system(path))
    return gone


def apply(system: System, changed: list[str]) -> None:
    """Makes what changed count."""
    if any(path.startswith("/etc/sysusers.d/") for path in changed):
        system.must(["systemd-sysusers"])
    if any(path.startswith(f"{UNITS}/") for path in changed):
        system.must(["systemctl", "daemon-reload"])
    for path in changed:
        if path.startswith("/etc/sysctl.d/"):
            # A container may not set some: the rest counts all the same.
            system.run(["sysctl", "-q", "-e", "-p", path])
    if any(path.startswith("/etc/systemd/journald.conf.d/") for path in changed):
        system.run(["systemctl", "restart", "systemd-journald"])
    if any(path.startswith("/etc/tmpfiles.d/") for path in changed):
        system.run(["systemd-tmpfiles", "--create"])
