"""Stacks whose machines are there already (`[hosts]`): their secrets and host keys are kept in the
user's configuration folder, their lock on the first machine. AWS is asked nothing."""

from __future__ import annotations

import base64
import getpass
import hashlib
import json
import os
import re
import secrets
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mad.deploy.cloud.lease import Lease, Written
from mad.deploy.hosts.model import Host
from mad.deploy.operations import OperationError
from mad.deploy.stack.settings import Stack

NAMES = ("redis-auth", "token-agent", "token-viewer", "token-admin")
"""As at AWS."""
BYTES = 32
SCAN_S = 10
_KEY = re.compile(r"(ssh-ed25519|ecdsa-sha2-nistp\d+|ssh-rsa) [A-Za-z0-9+/=]+")

Trust = Callable[[str, str], bool]
"""Whether a machine (its address) with a key of this fingerprint is the one that is meant."""


def folder(stack: Stack) -> Path:
    """Where secrets and host keys of a stack are. Raises OperationError when others may enter."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    found = Path(base) / "mad" / "stacks" / stack.name
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    _private(found)
    return found


def _private(path: Path) -> None:
    told = path.stat()
    if told.st_uid != os.getuid() or told.st_mode & 0o077:
        mode = "700" if path.is_dir() else "600"
        raise OperationError(
            f"others may read {path}, which holds secrets of the stack",
            f"make it yours alone: chmod {mode} {path}",
        )


def user(stack: Stack) -> str:
    """Whom ssh logs in as."""
    return stack.ssh.user or getpass.getuser()


# --- secrets --------------------------------------------------------------------------------------


def secrets_of(stack: Stack, *, make: bool = True) -> Mapping[str, str]:
    """All of the stack; `make`: those that are not there yet are made. Raises OperationError."""
    place = folder(stack)
    found = {}
    for name in NAMES:
        file = place / name
        if make and not file.exists():
            _make(file)
        if file.exists():
            _private(file)
            found[name] = file.read_text().strip()
    return found


def _make(file: Path) -> None:
    """Whole or not there, and never made twice."""
    young = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(young, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(secrets.token_hex(BYTES) + "\n")
    try:
        os.link(young, file)
    except FileExistsError:
        # Another run was faster; its is as good.
        pass
    finally:
        young.unlink()


# --- host keys ------------------------------------------------------------------------------------


def known_file(stack: Stack) -> Path:
    return folder(stack) / "known_hosts"


def known(stack: Stack) -> dict[str, tuple[str, ...]]:
    """By address: the keys that were agreed to."""
    file = known_file(stack)
    found: dict[str, tuple[str, ...]] = {}
    for line in file.read_text().splitlines() if file.exists() else []:
        address, _, key = line.partition(" ")
        if match := _KEY.match(key):
            found[address] = (*found.get(address, ()), match.group())
    return found


class AwayError(OperationError):
    """A machine that does not answer."""


def trusted(
    stack: Stack, hosts: tuple[Host, ...], trust: Trust | None, *, all_there: bool = True
) -> tuple[Host, ...]:
    """The hosts with their keys; each machine that is not known yet is asked about once. Raises
    OperationError when nobody can be asked, or says no, and for one that does not answer unless it
    may be away (not `all_there`): that has no key then."""
    there = known(stack)
    for address in dict.fromkeys(host.address for host in hosts):
        if address not in there:
            try:
                there[address] = _met(stack, address, trust)
            except AwayError:
                if all_there:
                    raise
    return tuple(replace(host, host_keys=there.get(host.address, ())) for host in hosts)


def _met(stack: Stack, address: str, trust: Trust | None) -> tuple[str, ...]:
    key = scan(address)
    fingerprint = fingerprint_of(key)
    file = known_file(stack)
    if trust is None:
        raise OperationError(
            f"{address} shows a host key that is not known: {fingerprint}",
            f"compare it, then run this in a terminal, which asks; or: "
            f"ssh-keyscan -t ed25519 {address} >> {file}",
        )
    if not trust(address, fingerprint):
        raise OperationError(
            f"the host key of {address} was not agreed to: {fingerprint}",
            "look at it on the machine: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
        )
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as out:
        out.write(f"{address} {key}\n")
    return (key,)


def scan(address: str) -> str:
    """The key that a machine shows. Raises AwayError."""
    command = ["ssh-keyscan", "-T", str(SCAN_S), "-t", "ed25519,ecdsa", address]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=3 * SCAN_S
        )
        text = done.stdout
    except (OSError, subprocess.TimeoutExpired):
        text = ""
    found = sorted(line.partition(" ")[2] for line in text.splitlines() if line[:1] != "#")
    keys = [match.group() for line in found if (match := _KEY.match(line))]
    if not keys:
        raise AwayError(
            f"{address} shows no host key: nothing answers at its ssh port",
            "check the address under [hosts], and that sshd runs there",
        )
    return next((key for key in keys if key.startswith("ssh-ed25519 ")), keys[0])


def fingerprint_of(key: str) -> str:
    """`SHA256:…`, as `ssh-keygen -l` shows it."""
    kind, body = key.split()[:2]
    digest = hashlib.sha256(base64.b64decode(body)).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')} ({kind})"


# --- the lock -------------------------------------------------------------------------------------


class HostStore:
    """A lease that is written on the first machine. Raises HostError."""

    def __init__(self, call: Callable[[Host, dict[str, Any]], dict[str, Any]], host: Host) -> None:
        self.where = f"file /opt/mad/lock.json on {host.name}"
        self._call = call
        self._host = host

    def write(self, lease: Lease) -> str | None:
        return self._changed({"do": "write", "lease": asdict(lease)})

    def read(self) -> Written | None:
        told = self._ask({"do": "read"})
        if told["text"] is None:
            return None
        try:
            return Written(Lease(**json.loads(told["text"])), told["handle"])
        except (TypeError, ValueError):
            return Written(None, told["handle"])

    def extend(self, handle: str, lease: Lease) -> str | None:
        return self._changed({"do": "extend", "handle": handle, "lease": asdict(lease)})

    def drop(self, handle: str) -> bool:
        return bool(self._ask({"do": "drop", "handle": handle})["done"])

    def _changed(self, request: dict[str, Any]) -> str | None:
        told = self._ask(request)
        return str(told["handle"]) if told["done"] else None

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._call(self._host, {"op": "lease", **request})


def first(hosts: tuple[Host, ...]) -> Host:
    """The one that has the lock: the first node, else the first of all. Raises OperationError."""
    if not hosts:
        raise OperationError("[hosts] names no machine", 'write [hosts] api = ["ADDRESS"]')
    return next((host for host in hosts if host.role == "api"), hosts[0])
