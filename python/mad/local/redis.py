"""A Redis of one's own: for the nodes of one `mad up`, reached by nobody else, gone with it."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from pathlib import Path

SERVERS = ("redis-server", "valkey-server")
READY_TEXT = "ready to accept connections"  # all releases of both print it, in capitals or not


def find_server() -> str | None:
    """The installed server, if there is one."""
    return next((path for name in SERVERS if (path := shutil.which(name))), None)


class PrivateRedis:
    """A folder with the configuration, the password and the socket of a server to be started."""

    def __init__(self, server: str) -> None:
        # Short: the path of a unix socket has 107 bytes at most.
        self._folder = tempfile.TemporaryDirectory(prefix="mad-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)  # made with mode 0700
        self.socket = folder / "redis.sock"
        self.password_file = folder / "password"
        password = secrets.token_urlsafe(24)
        self.password_file.write_text(password)
        self.password_file.chmod(0o600)
        configuration = folder / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            "port 0\n"
            f"unixsocket {self.socket}\n"
            "unixsocketperm 700\n"
            f"requirepass {password}\n"
            f"dir {folder}\n"
            'save ""\n'
            "appendonly no\n"
            "daemonize no\n"
        )
        self.command = [server, str(configuration)]

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def remove(self) -> None:
        self._folder.cleanup()
