"""Addresses to listen on, as they are written in flags and arguments."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 lets the kernel choose."""

    host: str
    port: int

    @property
    def origins(self) -> list[str]:
        """How a browser on this machine may call a page served here."""
        hosts = [f"[{self.host}]" if ":" in self.host else self.host]
        if self.host in {"127.0.0.1", "::1"}:
            hosts.append("localhost")
        return [f"http://{host}:{self.port}" for host in hosts]


def parse_address(text: str) -> Address:
    """`PORT`, `HOST:PORT` or `[HOST]:PORT`; without a host: loopback. Raises ValueError."""
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{text}: write an IPv6 address as [HOST]:PORT")
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError(f"{text}: the port must be a number from 0 to 65535")
    return Address("127.0.0.1" if host in {"", "localhost"} else host, int(port))
