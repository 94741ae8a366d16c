"""What `doctor` looks at on machines that are there: what a deploy needs of them."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from mad.deploy.cloud.checks import Check, fail, ok, warn
from mad.deploy.hosts.commands import argv
from mad.deploy.hosts.model import Host, HostError
from mad.deploy.hosts.ssh import Connections
from mad.deploy.hosts.visit import Seen, each, way
from mad.deploy.operations import OperationError
from mad.deploy.release.build import PROGRAMS, architecture
from mad.deploy.release.manifest import ReleaseError
from mad.deploy.remote.inspect_host import OLDEST_SYSTEMD
from mad.deploy.remote.stage import SPARE

OLDEST_PYTHON = (3, 9)
LITTLE_BYTES = 1 << 30
"""Three releases and the journal want about so much."""
SKEW_S = 5.0
"""More than this, and the times of logs and records mislead."""
PATIENCE_S = 30.0
_PYTHON = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
PROBE = f"""\
echo "clock=$(date +%s.%N)"
echo "machine=$(uname -m)"
[ "$(id -u)" = 0 ] && root= || root="sudo -n"
$root true 2>/dev/null && echo sudo=yes
echo "python=$($root python3 -c {shlex.quote(_PYTHON)} 2>/dev/null)"
echo "systemd=$(systemctl --version 2>/dev/null | head -n 1 | tr -dc '0-9. ' | cut -d ' ' -f 2)"
for place in /opt/mad /opt /; do [ -d "$place" ] && break; done
echo "free=$(df -Pk "$place" | awk 'NR == 2 {{ print $4 }}')"
true
"""
"""Needs nothing of what it looks for."""


def checks(seen: Seen, binaries: Sequence[Path] = ()) -> tuple[Check, ...]:
    """One for each host where all is well; else one for each thing that is not. Changes nothing on
    them."""
    # Images are chosen by the engine that pulls them.
    docker = seen.target.stack.runtime == "docker"
    found = None if docker else tuple(_architectures(binaries))
    try:
        with way(seen) as calls:
            answers = each(calls, seen.hosts, lambda host: tuple(_host(calls, host, found)))
    except OperationError as error:
        return (fail("hosts", str(error), error.remedy),)
    return tuple(check for answer in answers for check in answer)


def _architectures(binaries: Sequence[Path]) -> Iterator[str]:
    """For which there are programs here: one for each program."""
    from mad import _paths

    for folder in binaries or (None,):
        for name in PROGRAMS:
            try:
                yield architecture(_paths.program(name) if folder is None else folder / name)
            except (OSError, ReleaseError):
                continue


def _host(calls: Connections, host: Host, built: tuple[str, ...] | None) -> Iterator[Check]:
    told: dict[str, str] = {}
    came = 0.0

    def line(text: str) -> None:
        nonlocal came
        name, _, value = text.partition("=")
        if name == "clock":
            came = time.time()
        told[name] = value

    try:
        code = calls.run(host, argv(PROBE), on_line=line, deadline_s=PATIENCE_S)
    except HostError as error:
        yield fail(f"host {host.name}", error.sentence, error.remedy)
        return
    if code != 0:
        sentence = f"its shell ended with {code}"
        yield fail(f"host {host.name}", sentence, f"look there: mad deploy ssh {host.name}")
        return
    wrong = tuple(_wrong(host, told, built, came))
    yield from wrong or (ok(f"host {host.name}", _well(host, told)),)


def _wrong(
    host: Host, told: dict[str, str], built: tuple[str, ...] | None, came: float
) -> Iterator[Check]:
    name = f"host {host.name}"
    if told.get("sudo") != "yes":
        yield fail(
            f"{name} sudo",
            f"{host.user} may not use sudo without a password ({host.address})",
            "give the user NOPASSWD in sudoers, or name another in [ssh] user",
        )
    else:
        yield from _python(name, told.get("python", ""))
    systemd = int(_number(told.get("systemd", "")))
    if systemd < OLDEST_SYSTEMD:
        what = f"systemd {systemd}" if systemd else "no systemd"
        yield fail(
            f"{name} systemd",
            f"there is {what}; {OLDEST_SYSTEMD} or newer is needed",
            "use a newer system: debian-12, ubuntu-22.04 and al2023 will do",
        )
    free = int(_number(told.get("free", ""))) << 10
    if free < SPARE:
        yield fail(f"{name} disk", f"{free >> 20} MiB are free for /opt/mad", "free some there")
    elif free < LITTLE_BYTES:
        yield warn(
            f"{name} disk", f"only {free >> 20} MiB are free for /opt/mad", "free some there soon"
        )
    if built is not None:
        yield from _machine(name, told.get("machine", ""), built)
    skew = _number(told.get("clock", "")) - came
    if abs(skew) > SKEW_S:
        way_off = "ahead of" if skew > 0 else "behind"
        yield warn(
            f"{name} clock",
            f"its clock is {abs(skew):.0f} s {way_off} this machine's",
            "let it be set by NTP: timedatectl set-ntp true",
        )


def _python(name: str, version: str) -> Iterator[Check]:
    parts = tuple(int(part) for part in version.split(".") if part.isdigit())
    if parts[:2] < OLDEST_PYTHON:
        what = f"python3 is {version}" if parts else "python3 is missing"
        yield fail(f"{name} python", f"{what}; 3.9 or newer is needed", "install python3 there")


def _machine(name: str, machine: str, built: tuple[str, ...]) -> Iterator[Check]:
    if built.count(machine) == len(PROGRAMS):
        return
    here = f"are for {', '.join(sorted(set(built)))}" if built else "are none that hosts can run"
    yield fail(
        f"{name} architecture",
        f"it is {machine or 'unknown'}, and the programs here {here}",
        f"give --binaries DIR with {', '.join(PROGRAMS)} for {machine or 'it'}",
    )


def _well(host: Host, told: dict[str, str]) -> str:
    free = int(_number(told["free"])) / (1 << 20)
    return (
        f"{host.user}@{host.address}: {told['machine']}, systemd {int(_number(told['systemd']))}, "
        f"python {told['python']}, {free:.1f} GiB free"
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
