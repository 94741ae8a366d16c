"""Where things are on a host, and changes of files that are whole or not there."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .system import RefusedError, System

BUSY_S = 240.0
"""How long another command on this host is waited for: more than a gate usually takes."""

before_change: Callable[[str], None] = lambda _path: None  # noqa: E731
"""Called before each change of a file. Tests end there what works."""


class Places:
    """`root` is another than `/` only in tests."""

    def __init__(self, root: str = "/") -> None:
        self.root = Path(root)
        self.opt = self.root / "opt/mad"
        self.run = self.root / "run/mad"
        self.releases = self.opt / "releases"
        self.audit_file = self.opt / "audit.jsonl"
        self.host_file = self.opt / "host.json"

    def role(self, role: str) -> Path:
        return self.opt / "roles" / role

    def roles(self) -> list[str]:
        """Those that are, or once were, on this host."""
        folder = self.opt / "roles"
        return sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []

    def generation(self, role: str, number: int) -> Path:
        return self.role(role) / str(number)

    def release(self, id: str) -> Path:
        if not id or "/" in id or id.startswith("."):
            raise RefusedError("refused", f"{id!r} is no name of a release")
        return self.releases / id

    def system(self, path: str) -> Path:
        """A file of the system, by its absolute path."""
        return self.root / path.lstrip("/")

    def generations(self, role: str) -> list[int]:
        """Those that are whole, oldest first."""
        folder = self.role(role)
        if not folder.is_dir():
            return []
        return sorted(
            int(one.name)
            for one in folder.iterdir()
            if one.name.isdigit() and (one / "generation.json").is_file()
        )

    def current(self, role: str) -> int | None:
        """The one that is to serve."""
        try:
            name = str((self.role(role) / "current").readlink())
        except OSError:
            return None
        return int(name) if name.isdigit() and self.described(role, int(name)) else None

    def described(self, role: str, number: int) -> dict[str, Any]:
        """What `generation.json` says; empty when it cannot be read."""
        return read_json(self.generation(role, number) / "generation.json")

    def intent(self, role: str) -> Path:
        """There while a switch goes on: `{"from", "to"}`, numbers of generations."""
        return self.role(role) / "switching.json"

    @contextlib.contextmanager
    def alone(
        self,
        system: System,
        tell: Callable[..., None],
        who: str = "",
        wait_s: float = BUSY_S,
    ) -> Iterator[None]:
        """One change at a time on this host: the lock ends with the process that has it. Raises
        RefusedError (`busy`) when another goes on for long."""
        folder(self.opt)
        with (self.opt / ".lock").open("a+") as file:
            until = system.now() + wait_s
            told = False
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    file.seek(0)
                    holder = file.read(200).strip() or "another command"
                    if system.now() >= until:
                        raise RefusedError(
                            "busy",
                            f"{holder} changes this host",
                            "wait for it and run the same command again",
                        ) from None
                    if not told:
                        tell(text=f"waits for {holder}")
                        told = True
                    system.sleep(0.5)
            file.seek(0)
            file.truncate()
            file.write(who)
            file.flush()
            yield

    def audit(self, system: System, **line: Any) -> None:
        """A line for those who ask later what happened here."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(system.said()))
        text = json.dumps({"at": stamp, **line}, separators=(",", ":")) + "\n"
        before_change(str(self.audit_file))
        fd = os.open(str(self.audit_file), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            # A line that a full disk or a crash cut short stays alone.
            size = os.fstat(fd).st_size
            if size and os.pread(fd, 1, size - 1) != b"\n":
                text = "\n" + text
            os.write(fd, text.encode())
        finally:
            os.close(fd)


def read_json(path: Path) -> dict[str, Any]:
    """An object; empty when there is none."""
    try:
        read = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def folder(path: Path, mode: int = 0o755) -> None:
    """Is there, with those above it, and may be entered by the users that the units have."""
    missing = []
    while not path.exists():
        missing.append(path)
        path = path.parent
    for one in reversed(missing):
        before_change(str(one))
        one.mkdir(exist_ok=True)
        one.chmod(mode if one == missing[0] else 0o755)


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """All of it or nothing, on the disk before it has its name."""
    folder(path.parent)
    before_change(str(path))
    young = path.with_name(f".{path.name}.mad-new")
    fd = os.open(str(young), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    try:
        with open(fd, "wb", closefd=False) as file:
            os.fchmod(fd, mode)
            file.write(text.encode())
            file.flush()
        os.fsync(fd)
    except OSError:
        with contextlib.suppress(OSError):
            young.unlink()
        raise
    finally:
        os.close(fd)
    young.replace(path)
    sync(path.parent)


def link(path: Path, target: str) -> None:
    """A symbolic link, put in the place of another at once."""
    folder(path.parent)
    before_change(str(path))
    young = path.with_name(f".{path.name}.mad-new")
    with contextlib.suppress(FileNotFoundError):
        young.unlink()
    young.symlink_to(target)
    young.replace(path)
    sync(path.parent)


def move(path: Path, to: Path) -> None:
    before_change(str(to))
    path.replace(to)
    sync(to.parent)


def discard(path: Path) -> None:
    """A file, a link, or a folder with all in it: its name goes first, so that no half stays."""
    if not path.is_symlink() and not path.exists():
        return
    before_change(str(path))
    if path.is_dir() and not path.is_symlink():
        gone = path.with_name(f".{path.name}.gone")
        shutil.rmtree(str(gone), ignore_errors=True)
        path.replace(gone)
        shutil.rmtree(str(gone), ignore_errors=True)
    else:
        path.unlink()


def sweep(folder: Path) -> None:
    """What an interrupted run left in a folder: names of it begin with a dot."""
    if not folder.is_dir():
        return
    for one in folder.iterdir():
        if one.name.startswith("."):
            discard(one)


def sync(folder: Path) -> None:
    """The names in a folder are on the disk."""
    fd = os.open(str(folder), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sha256(path: Path) -> str | None:
    """None: it is not there."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while True:
                piece = file.read(1 << 20)
                if not piece:
                    return digest.hexdigest()
                digest.update(piece)
    except OSError:
        return None


def free_bytes(path: Path) -> int:
    """Of the file system that it is, or will be, on."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(str(path)).free
