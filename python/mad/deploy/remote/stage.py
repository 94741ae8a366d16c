"""`stage`: brings a release to a host, or the files of it that a role needs.

Request: `{"op", "release": {"id", "files": {path: {"sha256", "mode", "size"}}, "manifest": text}}`,
then a tar (gzip) with these files. Result: `{"staged": id}`. A release that is named is whole for
those roles whose files are there; nothing serves from it yet."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from .places import Places, free_bytes, sha256, write
from .system import RefusedError

SPARE = 64 << 20
"""Bytes that must stay free."""


def run(
    request: dict[str, Any],
    stdin: BinaryIO,
    tell: Callable[..., None],
    *,
    places: Places | None = None,
) -> dict[str, Any]:
    at = places or Places()
    wanted = request["release"]
    files: dict[str, dict[str, Any]] = wanted["files"]
    with at.alone():
        sweep(at)
        need = sum(int(one["size"]) for one in files.values()) + SPARE
        free = free_bytes(at.opt)
        if free < need:
            raise RefusedError(
                "disk_full",
                f"{free >> 20} MiB are free where /opt/mad is, {need >> 20} MiB are needed",
                "free some there, or give the machine a bigger disk",
            )
        at.releases.mkdir(parents=True, exist_ok=True)
        os.chmod(at.releases, 0o755)  # noqa: PTH101
        young = at.releases / ".{}.{}".format(wanted["id"], os.getpid())
        young.mkdir()
        try:
            unpack(stdin, young, files)
            settle(at.release(wanted["id"]), young, files, wanted["manifest"])
        finally:
            shutil.rmtree(str(young), ignore_errors=True)
    tell(text="has the release")
    return {"staged": wanted["id"]}


def sweep(places: Places) -> None:
    """What an interrupted run left."""
    if places.releases.is_dir():
        for one in places.releases.iterdir():
            if one.name.startswith("."):
                shutil.rmtree(str(one), ignore_errors=True)


def unpack(stdin: BinaryIO, folder: Path, files: dict[str, dict[str, Any]]) -> None:
    """Takes files that were announced, and nothing else. Raises RefusedError."""
    try:
        with tarfile.open(fileobj=stdin, mode="r|gz") as packed:
            for member in packed:
                if member.name not in files or not member.isreg():
                    raise RefusedError("refused", f"the release holds {member.name!r}, unannounced")
                source = packed.extractfile(member)
                assert source is not None
                target = folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    shutil.copyfileobj(source, file, 1 << 18)
                    file.flush()
                    os.fsync(file.fileno())
                os.chmod(target, int(files[member.name]["mode"]))  # noqa: PTH101
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise RefusedError(
            "lost", "the release did not arrive whole", "run the same command again"
        ) from error
    for name, told in files.items():
        if sha256(folder / name) != told["sha256"]:
            raise RefusedError(
                "lost", f"{name} did not arrive as it was sent", "run the same command again"
            )


def settle(
    release: Path,
    young: Path,
    files: dict[str, dict[str, Any]],
    manifest: str,
) -> None:
    """Each file gets its name when it is whole; the manifest comes last."""
    for name in files:
        target = release / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (young / name).replace(target)
    for folder in [release, *(one for one in release.rglob("*") if one.is_dir())]:
        os.chmod(folder, 0o755)  # noqa: PTH101
    write(release / "manifest.json", manifest)
