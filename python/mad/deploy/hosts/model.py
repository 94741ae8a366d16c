"""Hosts as values: the same for machines at AWS and for those that the stack file lists."""

from __future__ import annotations

from dataclasses import dataclass

from mad.deploy.stack.settings import Role


@dataclass(frozen=True, slots=True)
class Host:
    """One slot. Two slots on one machine (only with `[hosts]`) have the same address."""

    name: str
    """`api-0`"""
    role: Role
    address: str
    """Where ssh reaches it."""
    inside: str
    """Where the others of the stack reach it: the private address."""
    user: str
    host_keys: tuple[str, ...] = ()
    """`ssh-ed25519 AAAA…`: those that are taken. Empty: asked once (plain hosts alone)."""
    port: int = 22
    over: Host | None = None
    """The one that ssh jumps over."""
    outside: str | None = None
    """Where browsers and agents reach it: the Elastic IP, the public address."""
    id: str | None = None
    """The instance at AWS."""
    first_key: bool = False
    """Whether the first of them came with the machine's user data, and is to be exchanged."""

    @property
    def as_root(self) -> list[str]:
        """Words before a command that root has to do there."""
        return [] if self.user == "root" else ["sudo", "-n"]


class HostError(Exception):
    """One host could not do what it was asked: a sentence that names it, and what to do."""

    def __init__(self, host: str, code: str, sentence: str, remedy: str, tail: str = "") -> None:
        super().__init__(f"{host}: {sentence}")
        self.host = host
        self.code = code
        """`unreachable`, `key_refused`, `host_key_changed`, `no_python`, `no_sudo`, `disk_full`,
        `gate`, `timeout`, `refused`, `internal`"""
        self.sentence = sentence
        self.remedy = remedy
        self.tail = tail
        """The end of the log of what failed; no secrets."""
