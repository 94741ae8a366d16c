"""One host: a system of its own over the shared one, its own network, real sshd and systemd."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from hosts_world.image import root_image

STOP_S = 20.0


def command(*argv: str | Path, check: bool = True) -> str:
    done = subprocess.run(
        [str(one) for one in argv],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))}: {done.stderr.strip()}")
    return done.stdout


class Machine:
    """A host that boots when it is made. `name` has at most 8 characters: devices are named by it.
    The outer namespace with its bridge `br0` is there already."""

    def __init__(
        self,
        name: str,
        address: str,
        *,
        world: str,
        folder: Path,
        user: str,
        authorized: str,
        host_key: str | None = None,
        files: dict[str, str] | None = None,
        hosts: str = "",
        hostname: str | None = None,
    ) -> None:
        self.name = name
        self.address = address
        self.world = world
        self.space = f"{world}-{name}"
        self.folder = folder
        self.root = folder / "root"
        self.process: subprocess.Popen[bytes] | None = None
        self.given_key = host_key
        """The private half that came with the user data."""
        self._network()
        self._files(user, authorized, host_key, files or {}, hosts, hostname or name)
        self.boot()

    def _network(self) -> None:
        command("ip", "netns", "add", self.space)
        inner = ("ip", "netns", "exec", self.space, "ip")
        outer = ("ip", "netns", "exec", self.world, "ip")
        command(
            *("ip", "link", "add", f"v{self.name}", "netns", self.world, "type", "veth"),
            *("peer", "name", "host0", "netns", self.space),
        )
        command(*outer, "link", "set", f"v{self.name}", "master", "br0", "up")
        command(*inner, "addr", "add", f"{self.address}/16", "dev", "host0")
        command(*inner, "link", "set", "host0", "up")
        command(*inner, "link", "set", "lo", "up")
        # Public addresses are all on this bridge, too.
        command(*inner, "route", "add", "198.51.100.0/24", "dev", "host0")
        command(*inner, "route", "add", "203.0.113.0/24", "dev", "host0")

    def _files(
        self,
        user: str,
        authorized: str,
        host_key: str | None,
        files: dict[str, str],
        hosts: str,
        hostname: str,
    ) -> None:
        lower = root_image()
        for part in ("up", "work", "root"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        command(
            *("mount", "-t", "overlay", "overlay", "-o"),
            f"lowerdir={lower},upperdir={self.folder / 'up'},workdir={self.folder / 'work'}",
            self.root,
        )
        etc = self.root / "etc"
        (etc / "hostname").write_text(hostname + "\n")
        (etc / "hosts").write_text(f"127.0.0.1 localhost {hostname}\n{hosts}")
        with contextlib.suppress(RuntimeError):
            command("chroot", self.root, "useradd", "-m", "-s", "/bin/bash", user)
        ssh = self.root / "home" / user / ".ssh"
        ssh.mkdir(mode=0o700, exist_ok=True)
        (ssh / "authorized_keys").write_text(authorized + "\n")
        command("chroot", self.root, "chown", "-R", f"{user}:{user}", f"/home/{user}/.ssh")
        (etc / "sudoers.d" / "world").write_text(f"{user} ALL=(ALL) NOPASSWD:ALL\n")
        key = etc / "ssh" / "ssh_host_ed25519_key"
        if host_key is None:
            command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        else:
            key.write_text(host_key)
            key.chmod(0o600)
        for path, text in files.items():
            target = self.root / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

    def boot(self) -> None:
        # Limits of this machine must be passed on: systemd-nspawn may not raise them.
        words = []
        for name in ("NOFILE", "NPROC", "MEMLOCK", "CORE"):
            _, hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
            words.append(f"--rlimit=RLIMIT_{name}={'infinity' if hard < 0 else hard}")
        with (self.folder / "console").open("wb") as console:
            self.process = subprocess.Popen(
                [
                    *("systemd-nspawn", "-q", "-D", str(self.root), "-M", self.space, "--boot"),
                    *("--register=no", "--keep-unit", "--console=pipe", *words),
                    f"--network-namespace-path=/run/netns/{self.space}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        (self.folder / "pid").write_text(str(self.process.pid))

    def on(self, script: str, *, check: bool = True) -> str:
        """What a script of root says here, past ssh. It has a minute."""
        assert self.process is not None
        inner = command("pgrep", "-P", str(self.process.pid)).split()[0]
        enter = ("nsenter", "-t", inner, "-m", "-p", "-u", "-i", "--", "sh", "-ec", script)
        return command(*enter, check=check)

    def has(self, addresses: Iterable[str]) -> None:
        """Carries these beside its own, and no others."""
        inner = ("ip", "netns", "exec", self.space, "ip")
        there = {
            line.split()[3].partition("/")[0]
            for line in command(*inner, "-o", "-4", "addr", "show", "dev", "host0").splitlines()
        }
        wanted = {self.address, *addresses}
        for one in wanted - there:
            command(*inner, "addr", "add", f"{one}/32", "dev", "host0")
        for one in there - wanted:
            command(*inner, "addr", "del", f"{one}/32", "dev", "host0", check=False)

    def cut(self) -> None:
        """Takes the network away, as a broken switch would."""
        command("ip", "netns", "exec", self.space, "ip", "link", "set", "host0", "down")

    def kill(self) -> None:
        """As by a power failure."""
        process, self.process = self.process, None
        if process is None:
            return
        # The container's own init, a child of nspawn, takes all with it.
        for pid in command("pgrep", "-P", str(process.pid), check=False).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        until = time.monotonic() + STOP_S
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        if process.poll() is None:
            process.kill()
            process.wait(STOP_S)

    def remove(self) -> None:
        self.kill()
        command("umount", "-l", self.root, check=False)
        command("ip", "netns", "del", self.space, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
