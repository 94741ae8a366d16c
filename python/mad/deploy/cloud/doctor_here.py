"""What `doctor` looks at on this machine: the stack file, ssh, keys, our own programs."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from mad import _paths
from mad.deploy.cloud.checks import Check, fail, ok, warn
from mad.deploy.stack.keys import VARIABLE, config_folder, private_key_path, read_public_key
from mad.deploy.stack.mistakes import StackError
from mad.deploy.stack.settings import Stack

PROGRAMS = ("mad-api", "mad-proxy", "mad-agent", "mad-web")
_MACHINES = {0x3E: "amd64", 0xB7: "arm64"}
"""`e_machine` of an ELF file."""


def stack_file(path: Path, error: StackError) -> tuple[Check, ...]:
    """One check for each mistake."""
    del path
    found = []
    for mistake in error.mistakes:
        place = f"{mistake.file}:{mistake.line}" if mistake.line else str(mistake.file)
        key = f"{mistake.key}: " if mistake.key else ""
        found.append(fail("stack file", f"{place}: {key}{mistake.problem}", mistake.remedy))
    return tuple(found)


def tools() -> Iterator[Check]:
    for name, use in (
        ("ssh", "to reach the machines"),
        ("ssh-keygen", "to make host keys and the stack's own pair"),
    ):
        path = shutil.which(name)
        if path:
            yield ok(name, path)
        else:
            yield fail(name, f"{name} is not installed; it is needed {use}", "install OpenSSH")


def keys(stack: Stack) -> Iterator[Check]:
    """Makes no pair: one that is missing is made by the first `up`."""
    own = config_folder(stack) / "id_ed25519.pub"
    named = stack.ssh.public_key is not None or _named()
    if not named and not own.exists():
        yield ok("public key", f"none yet; `up` makes a pair in {own.parent}")
        return
    try:
        kind = read_public_key(stack).partition(" ")[0]
    except StackError as error:
        for mistake in error.mistakes:
            yield fail("public key", f"{mistake.key}: {mistake.problem}", mistake.remedy)
        return
    yield ok("public key", f"{kind} of {stack.ssh.public_key or _named() or own}")
    yield _private(private_key_path(stack))


def _named() -> str | None:
    return os.environ.get(VARIABLE) or None


def _private(path: Path | None) -> Check:
    if path is None:
        return ok("private key", "no file of it is known; ssh's agent is asked")
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return fail(
            "private key", f"{path} cannot be read: {error.strerror}", "name one as ssh.private_key"
        )
    if mode & 0o077:
        return fail(
            "private key",
            f"others may read {path} ({mode:04o}), so ssh will not use it",
            f"chmod 600 {path}",
        )
    return ok("private key", str(path))


def programs(architectures: frozenset[str]) -> Iterator[Check]:
    """Whether the package has its programs for all of them (`amd64`, `arm64`). Making machines
    needs none, so that nothing here fails."""
    remedy = "install the package for that architecture, or choose another instance type"
    missing = []
    built = set()
    for name in PROGRAMS:
        try:
            built.add(_architecture(_paths.program(name)))
        except OSError:
            missing.append(name)
    if missing:
        yield warn(
            "programs",
            f"not installed: {', '.join(missing)}; the machines can be made, not filled",
            "install the package, or build it: cmake --build --preset release",
        )
        return
    for architecture in sorted(architectures - built):
        yield warn("programs", f"this package has no programs for {architecture} machines", remedy)
    if architectures <= built:
        yield ok("programs", f"{', '.join(PROGRAMS)} for {', '.join(sorted(built))}")


def _architecture(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(20)
    number = int.from_bytes(head[18:20], "little") if head[:4] == b"\x7fELF" else 0
    return _MACHINES.get(number, "unknown")
