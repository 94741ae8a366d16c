"""Real sshd on loopback addresses, each with a host key of its own, for one test. Whoever logs in
is root; in front of its PATH is a folder of the test's, with a `sudo` that asks for nothing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mad.deploy.hosts.model import Host
from mad.deploy.stack.settings import Role

LIMIT_S = 20.0
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
SUDO = """\
#!/bin/sh
[ "$1" = -n ] && shift
exec "$@"
"""
CONFIG = """\
Port {port}
ListenAddress {address}
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {authorized}
AuthenticationMethods publickey
PermitRootLogin yes
UsePAM no
StrictModes no
PrintMotd no
UseDNS no
LogLevel VERBOSE
MaxStartups 50
SetEnv PATH={folder}/bin:/usr/local/bin:/usr/bin:/bin HOME={folder}
"""


def needs_sshd() -> None:
    """Skips where there is none, or where nobody could log in."""
    if SSHD is None or shutil.which("ssh") is None:
        pytest.skip("no sshd: apt-get install openssh-server openssh-client")
    if os.geteuid() != 0:
        pytest.skip("only root starts an sshd that lets somebody in")
    # Its empty folder, which the service makes at the boot.
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)


def keygen(path: Path) -> str:
    """Makes a pair; gives the public half."""
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, timeout=LIMIT_S)
    kind, body = path.with_name(path.name + ".pub").read_text().split()[:2]
    return f"{kind} {body}"


class Sshd:
    """One host. `bin` holds programs that stand in for the host's."""

    def __init__(self, folder: Path, address: str, authorized: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.address = address
        self.key = keygen(folder / "host")
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.program("sudo", SUDO)
        with socket.socket() as free:
            free.bind((address, 0))
            self.port: int = free.getsockname()[1]
        values = {"port": self.port, "address": address, "folder": folder, "authorized": authorized}
        (folder / "config").write_text(CONFIG.format(**values))
        self.log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def start(self) -> None:
        assert SSHD is not None
        words = [SSHD, "-D", "-e", "-f", str(self.folder / "config")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(words, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + LIMIT_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex((self.address, self.port)) == 0:
                    return
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.01)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(LIMIT_S)
            self._process = None

    def logins(self) -> int:
        """How often somebody proved to have the key."""
        return self.log.read_text().count("Accepted publickey")

    def host(self, name: str = "api-0", *, over: Host | None = None, key: str = "") -> Host:
        return Host(
            name=name,
            role=Role(name.rpartition("-")[0]),
            address=self.address,
            inside=self.address,
            user="root",
            host_keys=(key or self.key,),
            port=self.port,
            over=over,
        )


class Site:
    """Hosts that let in who has `key`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = folder / "id"
        self.authorized = folder / "authorized"
        self.authorized.write_text(keygen(self.key) + "\n")
        self.all: list[Sshd] = []

    def add(self, number: int, *, started: bool = True) -> Sshd:
        one = Sshd(self.folder / f"host-{number}", f"127.0.1.{number}", self.authorized)
        self.all.append(one)
        if started:
            one.start()
        return one

    def close(self) -> None:
        for one in self.all:
            one.stop()


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
