"""Generations of a role on a host: a folder each, whole or not there, never changed once it served.
Numbers only grow."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

from .places import Places, discard, folder, link, move, read_json, sha256, write
from .protocol import KEEP
from .system import RefusedError

GENERATIONS = 20
"""Of a role that stay on a host, at most."""
STAGED = ".staged"
"""In a release that was brought and that nothing was switched to yet: when."""
STAGED_S = 3600.0
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
Wish = dict[str, Any]


def next_number(places: Places, role: str) -> int:
    """One that no generation has, or had while an interrupted switch went on."""
    found = [0, int(read_json(places.intent(role)).get("to") or 0)]
    if places.role(role).is_dir():
        found += [int(one.name) for one in places.role(role).iterdir() if one.name.isdigit()]
    return max(found) + 1


def made(places: Places, number: int, wish: Wish, digest: str, programs: dict[str, str]) -> None:
    """Makes a generation of a wish. `programs`: files of the release that it needs: digests."""
    role = wish["role"]
    young = fresh(places, role, number)
    own = fill(young, wish)
    told = {
        "release": wish["release"],
        "version": wish["version"],
        "runtime": wish["runtime"],
        "slot": wish["slot"],
        "stack": wish["stack"],
        "address": wish["address"],
        "digest": digest,
        "programs": programs,
        "own": own,
        "files": {one["path"]: digest_of_text(one["text"]) for one in wish["files"]},
    }
    write(young / "files.json", json.dumps(wish["files"]), 0o600)
    named(places, role, number, young, told)


def fill(young: Path, wish: Wish) -> dict[str, str | None]:
    """Writes configuration and credentials; gives the digests of their files."""
    own = {}
    for kind, of_folder, of_file in (("config", 0o755, 0o644), ("credentials", 0o700, 0o600)):
        folder(young / kind, of_folder)
        for name, text in sorted(wish[kind].items()):
            if not NAME.fullmatch(name):
                raise RefusedError("refused", f"{name!r} is no name of a file in {kind}")
            write(young / kind / name, text, of_file)
            own[f"{kind}/{name}"] = sha256(young / kind / name)
    link(young / "release", "../../../releases/{}".format(wish["release"]))
    return own


def copied(places: Places, role: str, source: int, number: int) -> None:
    """The same once more under a new number."""
    young = fresh(places, role, number)
    there = places.generation(role, source)
    for kind in ("config", "credentials"):
        shutil.copytree(str(there / kind), str(young / kind), copy_function=shutil.copy2)
    told = places.described(role, source)
    told.pop("failed", None)
    told["copy_of"] = source
    link(young / "release", "../../../releases/{}".format(told["release"]))
    write(young / "files.json", (there / "files.json").read_text(), 0o600)
    named(places, role, number, young, told)


def fresh(places: Places, role: str, number: int) -> Path:
    folder(places.role(role))
    young = places.role(role) / f".{number}.new"
    shutil.rmtree(str(young), ignore_errors=True)
    folder(young)
    return young


def named(places: Places, role: str, number: int, young: Path, told: dict[str, Any]) -> None:
    write(young / "generation.json", json.dumps(told, indent=1, sort_keys=True) + "\n", 0o600)
    move(young, places.generation(role, number))


def failed(places: Places, role: str, number: int, why: str, log: str) -> None:
    """It did not come to serve, and nobody goes back to it. What it said stays beside it."""
    told = places.described(role, number)
    if not told:
        discard(places.generation(role, number))
        return
    own = places.generation(role, number)
    if log:
        write(own / "failed.log", log + "\n", 0o600)
    told["failed"] = why
    write(own / "generation.json", json.dumps(told, indent=1, sort_keys=True) + "\n", 0o600)


def files_of(places: Places, role: str, number: int | None) -> list[dict[str, Any]]:
    """The files of the system that a generation brought."""
    if number is None:
        return []
    try:
        found = json.loads((places.generation(role, number) / "files.json").read_text())
    except (OSError, ValueError):
        return []
    return list(found)


def older(places: Places, role: str, to: str | None, before: int | None) -> int:
    """The generation to go back to: the newest of another wish than the one that serves, of the
    release (or its version) that is named, or the one that served before generation `before`.
    Raises RefusedError."""
    current = places.current(role)
    if current is None and before is None:
        raise RefusedError("refused", f"{role} was never on this host", "deploy it first")
    serving = places.described(role, current).get("digest") if current is not None else None
    for number in reversed(places.generations(role)):
        told = places.described(role, number)
        if "failed" in told or not is_whole(places, told["release"], told["programs"]):
            continue
        if before is not None:
            fits = number < before
        else:
            fits = to in (told["release"], told["version"]) if to else told["digest"] != serving
        if fits:
            return number
    raise RefusedError(
        "refused",
        f"release {to} is not there to go back to" if to else "there is no release before this one",
        "`status` shows the releases that are there; `deploy --version` brings another",
    )


def prune(places: Places, busy: dict[str, set[int]], now: float, keep: int = KEEP) -> list[str]:
    """Keeps the releases that serve, drain, or served last, those that just came, and of
    generations the newest. `busy`: by role, generations that run. Gives what went."""
    used: set[str] = set()
    for role in places.roles():
        current = places.current(role)
        running = busy.get(role, set()) | ({current} if current is not None else set())
        kept: list[str] = []
        numbers = sorted(places.generations(role), key=lambda one: (one in running, one))
        for seen, number in enumerate(reversed(numbers)):
            told = places.described(role, number)
            release = str(told.get("release"))
            if number in running or (
                "failed" not in told and (release in kept or len(kept) < keep)
            ):
                if release not in kept:
                    kept.append(release)
                if number in running or seen < GENERATIONS:
                    continue
            # The newest one stays whatever became of it: its log tells what went wrong.
            if number != max(numbers):
                discard(places.generation(role, number))
        used |= set(kept)
    gone = []
    for there in sorted(places.releases.iterdir()) if places.releases.is_dir() else []:
        if there.name not in used and not just_staged(there, now):
            discard(there)
            gone.append(there.name)
    return gone


def last_good(places: Places, role: str, number: int | None) -> int | None:
    """That one, or the newest before it that did not fail."""
    for one in reversed(places.generations(role)):
        if number is not None and one <= number and "failed" not in places.described(role, one):
            return one
    return None


def just_staged(release: Path, now: float) -> bool:
    """Another role of this host is about to be switched to it."""
    try:
        at = float((release / STAGED).read_text())
    except (OSError, ValueError):
        return False
    return 0.0 <= now - at < STAGED_S


def is_whole(places: Places, id: str, files: dict[str, str]) -> bool:
    """Whether each of these files of a release is there as it should be."""
    there = places.release(id)
    return all(sha256(there / name) == digest for name, digest in files.items())


def digest_of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
