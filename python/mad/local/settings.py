"""What `mad up` shall run: values only, checked before anything starts."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from mad._address import Address, parse_address

DEFAULT_PORT = 8081
# Each is a connection to the proxy and one to a node: two descriptors of the 20,000 that a
# process may have on most machines.
MAX_AGENTS = 9000


class SettingsError(ValueError):
    """A wish that cannot be met; the text names the flag and the remedy."""


@dataclass(frozen=True, slots=True)
class Settings:
    listen: Address = field(default_factory=lambda: Address("127.0.0.1", DEFAULT_PORT))
    nodes: int = 1
    agents: int = 1
    redis: str | None = None


def listen_address(text: str) -> Address:
    """The value of `--listen`."""
    try:
        return parse_address(text)
    except ValueError as error:
        raise SettingsError(f"--listen {error}") from error


def check(settings: Settings, *, has_redis: bool) -> None:
    """Says no to what cannot work. `has_redis`: a Redis server is installed here."""
    if settings.nodes < 1:
        raise SettingsError("--nodes: at least 1")
    if settings.agents < 0:
        raise SettingsError("--agents: 0 or more")
    if settings.agents > MAX_AGENTS:
        raise SettingsError(
            f"--agents {settings.agents}: one proxy takes {MAX_AGENTS} at most; "
            "for more, run mad-synthetic against the nodes (see docs/scale.md)"
        )
    if settings.nodes > 1 and settings.redis is None and not has_redis:
        raise SettingsError(
            f"--nodes {settings.nodes}: several nodes meet in a Redis, and none is installed here: "
            "apt-get install redis-server (or valkey-server), or give --redis URL"
        )
    try:
        loopback = ipaddress.ip_address(settings.listen.host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise SettingsError(
            f"--listen {settings.listen.host}: everybody who reaches this address could read and "
            "write; `mad up` serves this machine only (127.0.0.1 or [::1])"
        )
