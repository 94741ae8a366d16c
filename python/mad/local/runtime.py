"""Where a running `mad up` is found by other commands of the same user: the admin socket of its
proxy, in a folder that is nobody else's."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from pathlib import Path

LONGEST_PATH = 100  # the path of a unix socket has 107 bytes at most


class NotOursError(OSError):
    """The folder belongs to somebody else, or others may look into it."""


def _is_ours(given: str) -> bool:
    """Under sudo it may still be somebody else's."""
    try:
        return Path(given).stat().st_uid == os.getuid()
    except OSError:
        return False


def folder() -> Path:
    """`$XDG_RUNTIME_DIR/mad`, or `mad-UID` where temporary files are; made when it is missing.
    Raises NotOursError."""
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    path = Path(tempfile.gettempdir()) / f"mad-{os.getuid()}"
    if given and len(given) < LONGEST_PATH - 30 and _is_ours(given):
        path = Path(given) / "mad"
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise NotOursError(f"{path} must be a folder of yours with mode 0700")
    return path


def answers(path: Path) -> bool:
    """Whether somebody listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def admin_socket(pid: int) -> Path:
    """Where the proxy of the `mad up` with this pid shall listen. Removes what others left behind
    that were killed."""
    here = folder()
    for old in here.glob("proxy-*.sock"):
        if not answers(old):
            old.unlink(missing_ok=True)
    return here / f"proxy-{pid}.sock"


def running_admins() -> list[Path]:
    """The admin sockets that answer, oldest first."""
    try:
        found = sorted(folder().glob("proxy-*.sock"), key=lambda path: path.lstat().st_ctime)
    except OSError:
        return []
    return [path for path in found if answers(path)]
