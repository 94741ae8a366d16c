"""`redis`: a Redis of the stack's own on this host, for nodes on machines that nobody made a Redis
for. Debian's program under a unit and a configuration of ours, so that nothing of anybody else's is
touched; it keeps what it holds on disk."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, BinaryIO

from .places import Places, discard, write
from .protocol import UNITS
from .system import RefusedError, System

UNIT = "mad-redis.service"
THEIRS = "redis-server.service"
CONFIG = "/etc/mad/redis.conf"
DATA = "/var/lib/mad-redis"
PROGRAM = "/usr/bin/redis-server"
INSTALL_S = 900.0
START_S = 60.0

SERVICE = f"""\
# Written by `mad deploy`.
[Unit]
Description=Redis of mad
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStart={PROGRAM} {CONFIG} --supervised systemd --daemonize no
User=redis
Group=redis
StateDirectory=mad-redis
StateDirectoryMode=0700
Restart=always
RestartSec=1
LimitNOFILE=65536
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
UMask=0077

[Install]
WantedBy=multi-user.target
"""


def run(
    request: dict[str, Any],
    _stdin: BinaryIO,
    tell: Callable[..., None],
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    """`address`, `port`, `password`; or `remove`. Gives `changed`. Raises RefusedError for a host
    where somebody else's Redis runs, or that cannot install one."""
    at, shell = places or Places(), system or System()
    with at.alone(shell, tell, "redis"):
        if request.get("remove"):
            return {"changed": _removed(at, shell)}
        address = str(request["address"])
        wanted = config(address if _is_here(address) else None, request)
        return {"changed": _made(at, shell, tell, wanted)}


def config(address: str | None, request: dict[str, Any]) -> str:
    """`address`: where others reach it; None: on whichever interface (an address that a router
    translates is none of the host's own)."""
    lines = [
        "# Written by `mad deploy`.",
        *([f"bind 127.0.0.1 {address}"] if address else []),
        "port {}".format(int(request["port"])),
        "protected-mode yes",
        'requirepass "{}"'.format(request["password"]),
        f"dir {DATA}",
        "appendonly yes",
    ]
    return "\n".join(lines) + "\n"


def _is_here(address: str) -> bool:
    try:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        socket.inet_pton(family, address)
        with socket.socket(family) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def _made(places: Places, system: System, tell: Callable[..., None], wanted: str) -> bool:
    unit, file = places.system(f"{UNITS}/{UNIT}"), places.system(CONFIG)
    mine = unit.exists()
    if mine and unit.read_text() == SERVICE and file.exists() and file.read_text() == wanted:
        if _active(system, UNIT):
            return False
    elif not mine and _active(system, THEIRS):
        raise RefusedError(
            "refused",
            "a Redis of somebody else's runs on this host",
            "name it under [redis] url, or stop it there: systemctl disable --now redis-server",
        )
    # First, so that a run after one that ended here knows whose the package is.
    write(unit, SERVICE)
    if not places.system(PROGRAM).exists():
        tell(text="installs redis-server")
        _install(system)
    if _active(system, THEIRS):
        # The package starts one of its own.
        system.must(["systemctl", "disable", "--now", THEIRS], deadline_s=START_S)
    write(file, wanted, 0o640)
    system.must(["chgrp", "redis", str(file)])
    system.must(["systemctl", "daemon-reload"])
    system.must(["systemctl", "enable", UNIT])
    tell(text="starts Redis")
    code, text = system.run(["systemctl", "restart", UNIT], deadline_s=START_S)
    if code != 0:
        raise RefusedError(
            "refused",
            "Redis does not start on this host",
            "look at it there: `python -m mad.deploy ssh`, then journalctl -u mad-redis",
            text[-1000:] + system.journal(UNIT),
        )
    return True


def _install(system: System) -> None:
    apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    # Whoever installs something else there at the moment is waited for.
    apt += ["-o", "DPkg::Lock::Timeout=300"]
    system.run([*apt, "update"], deadline_s=INSTALL_S)
    words = [*apt, "install", "--yes", "--no-install-recommends", "redis-server"]
    code, text = system.run(words, deadline_s=INSTALL_S)
    if code != 0:
        raise RefusedError(
            "refused",
            "redis-server cannot be installed",
            "install it there, or name a Redis that exists under [redis] url",
            text[-2000:],
        )


def _removed(places: Places, system: System) -> bool:
    unit = places.system(f"{UNITS}/{UNIT}")
    if not unit.exists():
        return False
    system.run(["systemctl", "disable", "--now", UNIT], deadline_s=START_S)
    for path in (f"{UNITS}/{UNIT}", CONFIG, DATA):
        discard(places.system(path))
    system.must(["systemctl", "daemon-reload"])
    return True


def _active(system: System, unit: str) -> bool:
    return system.run(["systemctl", "is-active", "--quiet", unit])[0] == 0
