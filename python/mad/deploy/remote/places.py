"""Where things are on a host."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .system import RefusedError

BUSY_S = 30.0
"""How long another command on this host is waited for."""


class Places:
    """`root` is another than `/` only in tests."""

    def __init__(self, root: str = "/") -> None:
        self.root = Path(root)
        self.opt = self.root / "opt/mad"
        self.run = self.root / "run/mad"
        self.releases = self.opt / "releases"
        self.audit_file = self.opt / "audit.jsonl"

    def role(self, role: str) -> Path:
        return self.opt / "roles" / role

    def generation(self, role: str, number: int) -> Path:
        return self.role(role) / str(number)

    def release(self, id: str) -> Path:
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
            name = os.readlink(self.role(role) / "current")  # noqa: PTH115
        except OSError:
            return None
        return int(name) if name.isdigit() and self.described(role, int(name)) else None

    def described(self, role: str, number: int) -> dict[str, Any]:
        """What `generation.json` says; empty when it cannot be read."""
        try:
            read = json.loads((self.generation(role, number) / "generation.json").read_text())
        except (OSError, ValueError):
            return {}
        return read if isinstance(read, dict) else {}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One change at a time on this host. Raises RefusedError when another goes on."""
        self.opt.mkdir(parents=True, exist_ok=True, mode=0o755)
        os.chmod(self.opt, 0o755)  # noqa: PTH101
        with (self.opt / ".lock").open("w") as file:
            until = time.monotonic() + BUSY_S
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    if time.monotonic() > until:
                        raise RefusedError(
                            "busy",
                            "another command changes this host",
                            "wait for it and run the same command again",
                        ) from None
                    time.sleep(0.2)
            yield

    def audit(self, **line: Any) -> None:
        """A line for those who ask later what happened here."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        text = json.dumps({"at": stamp, **line}, separators=(",", ":")) + "\n"
        fd = os.open(str(self.audit_file), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """All of it or nothing, on the disk before it has its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    young = path.with_name(f".{path.name}.mad-new")
    fd = os.open(str(young), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.fchmod(fd, mode)
        os.write(fd, text.encode())
        os.fsync(fd)
    finally:
        os.close(fd)
    young.replace(path)


def link(path: Path, target: str) -> None:
    """A symbolic link, put in the place of another at once."""
    young = path.with_name(f".{path.name}.mad-new")
    young.unlink(missing_ok=True)
    young.symlink_to(target)
    young.replace(path)


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
