"""`stage` and `check`: bring a release to a host, or the files of it that a role needs, and let the
new program read its new configuration. Nothing serves from it yet."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from .generations import STAGED, fill
from .places import Places, folder, free_bytes, move, sha256, sweep, write
from .runtime import runtime_of
from .system import RefusedError, System

SPARE = 64 << 20
"""Bytes that must stay free."""
PATH = re.compile(r"[A-Za-z0-9@+][A-Za-z0-9@+._-]*(/[A-Za-z0-9@+][A-Za-z0-9@+._-]*){0,7}")
Tell = Callable[..., None]


def run(
    request: dict[str, Any],
    stdin: BinaryIO,
    tell: Tell,
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    at, shell = places or Places(), system or System()
    wanted = request["release"]
    files: dict[str, dict[str, Any]] = wanted["files"]
    for name in files:
        if not PATH.fullmatch(name):
            raise RefusedError("refused", f"{name!r} is no name of a file of a release")
    with at.alone(shell, tell, "stage"):
        sweep(at.releases)
        release = at.release(wanted["id"])
        lacking = {
            name: told for name, told in files.items() if sha256(release / name) != told["sha256"]
        }
        if lacking:
            room(at, sum(int(one["size"]) for one in lacking.values()))
            folder(at.releases)
            young = at.releases / ".{}.{}".format(wanted["id"], os.getpid())
            try:
                unpack(stdin, young, files, lacking)
                settle(release, young, lacking)
            finally:
                shutil.rmtree(str(young), ignore_errors=True)
        manifest = release / "manifest.json"
        if not manifest.is_file() or manifest.read_text() != wanted["manifest"]:
            write(manifest, wanted["manifest"])
        write(release / STAGED, f"{shell.said():.0f}\n")
        tell(text="has the release", release=wanted["id"])
        if request.get("wish"):
            check(at, shell, request["wish"])
    return {"staged": wanted["id"], "placed": len(lacking)}


def check_only(
    request: dict[str, Any],
    _stdin: BinaryIO,
    tell: Tell,
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    at, shell = places or Places(), system or System()
    with at.alone(shell, tell, "check"):
        check(at, shell, request["wish"])
    return {"checked": request["wish"]["release"]}


def check(places: Places, system: System, wish: dict[str, Any]) -> None:
    """Lets the new program read the new configuration in a folder that is gone afterwards. Raises
    RefusedError (`gate`) with what it says."""
    role = places.role(wish["role"])
    folder(role)
    young = role / ".check"
    shutil.rmtree(str(young), ignore_errors=True)
    try:
        folder(young)
        fill(young, wish)
        said = runtime_of(places, system, wish["runtime"]).check(young, wish)
    finally:
        shutil.rmtree(str(young), ignore_errors=True)
    if said is not None:
        raise RefusedError(
            "gate",
            "{} {} refuses its configuration".format(wish["role"], wish["version"]),
            "nothing was switched: mend what it names, and deploy again",
            said,
        )


def room(places: Places, size: int) -> None:
    """Raises RefusedError (`disk_full`) before anything is written."""
    need, free = size + SPARE, free_bytes(places.opt)
    if free < need:
        raise RefusedError(
            "disk_full",
            f"{free >> 20} MiB are free where /opt/mad is, {need >> 20} MiB are needed",
            "free some there, or give the machine a bigger disk",
        )


def unpack(
    stdin: BinaryIO,
    young: Path,
    files: dict[str, dict[str, Any]],
    lacking: dict[str, dict[str, Any]],
) -> None:
    """Takes files that were announced, and nothing else. Raises RefusedError."""
    try:
        with tarfile.open(fileobj=stdin, mode="r|*") as packed:
            for member in packed:
                told = files.get(member.name)
                if told is None or not member.isreg() or member.size > int(told["size"]):
                    raise RefusedError("refused", f"the release holds {member.name!r}, unannounced")
                source = packed.extractfile(member)
                assert source is not None
                if member.name not in lacking:
                    continue
                target = young / member.name
                folder(target.parent)
                with target.open("wb") as file:
                    shutil.copyfileobj(source, file, 1 << 18)
                    file.flush()
                    os.fsync(file.fileno())
                target.chmod(int(told["mode"]) & 0o755)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise RefusedError(
            "lost", "the release did not arrive whole", "run the same command again"
        ) from error
    for name, told in lacking.items():
        if sha256(young / name) != told["sha256"]:
            raise RefusedError(
                "lost", f"{name} did not arrive as it was sent", "run the same command again"
            )


def settle(release: Path, young: Path, lacking: dict[str, dict[str, Any]]) -> None:
    """Each file gets its name when it is whole; a folder of a release that is new, all at once."""
    if not release.exists():
        move(young, release)
        return
    for name in lacking:
        folder((release / name).parent)
        move(young / name, release / name)
