"""Readers of values that name places in a network."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from mad.deploy.stack.values import Reader, Wrong, kind, text_of


def networks(most: int) -> Reader:
    def one(value: object, index: int) -> str:
        if not isinstance(value, str):
            raise Wrong(f"{kind(value)} where a CIDR is expected", 'write "192.0.2.0/24"', index)
        try:
            return str(ipaddress.ip_network(value))
        except ValueError:
            pass
        try:
            wide = ipaddress.ip_interface(value)
        except ValueError:
            problem, remedy = (
                f'"{value}" is not a CIDR',
                'write an address and a length: "192.0.2.0/24"',
            )
            raise Wrong(problem, remedy, index) from None
        alone = f"{wide.ip}/{wide.max_prefixlen}"
        raise Wrong(
            f'"{value}" has bits beside its network',
            f'write "{wide.network}" for the network or "{alone}" for the one address',
            index,
        )

    def read(value: object) -> tuple[str, ...]:
        return _items(value, one, most, '["192.0.2.0/24"]', bare=True)

    return Reader("array of CIDRs", read)


def _items(
    value: object,
    one: Callable[[object, int], str],
    most: int,
    example: str,
    *,
    bare: bool = False,
) -> tuple[str, ...]:
    if not isinstance(value, list):
        remedy = f'write ["{value}"]' if bare and isinstance(value, str) else f"write {example}"
        raise Wrong(f"{kind(value)} where an array is expected", remedy)
    if len(value) > most:
        raise Wrong(f"{len(value)} are too many", f"write at most {most}")
    seen: list[str] = []
    for index, item in enumerate(value):
        text = one(item, index)
        if text in seen:
            raise Wrong(f'"{text}" stands there twice', "remove one of them", index)
        seen.append(text)
    return tuple(seen)


_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_-]{1,63})*\.?")


def addresses(most: int) -> Reader:
    def one(value: object, index: int) -> str:
        if not isinstance(value, str):
            raise Wrong(f"{kind(value)} where an address is expected", 'write "192.0.2.7"', index)
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            pass
        remedy = 'write an IP address or a host name: "192.0.2.7"'
        if "@" in value:
            remedy = f'write "{value.rpartition("@")[2]}", and the user as ssh.user'
        elif "/" in value:
            remedy = (
                f'write "{value.partition("://")[2].partition("/")[0] or value.partition("/")[0]}"'
            )
        if not _HOST.fullmatch(value) or re.fullmatch(r"[\d.]+", value):
            raise Wrong(f'"{value}" is not an address', remedy, index)
        return value.lower()

    def read(value: object) -> tuple[str, ...]:
        return _items(value, one, most, '["192.0.2.7"]', bare=True)

    return Reader("array of addresses", read)


def _reachable(server: str) -> bool:
    """`HOST`, `HOST:PORT`, `[::1]:PORT`."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::(\d{1,5}))?", server)
    if not match or (match[2] and not 0 < int(match[2]) < 65536):
        return False
    if match[1].startswith("["):
        try:
            ipaddress.IPv6Address(match[1][1:-1])
        except ValueError:
            return False
        return True
    return bool(_HOST.fullmatch(match[1]))


def url(*schemes: str) -> Reader:
    listed = " or ".join(f"{one}://" for one in schemes)

    def read(value: object) -> str:
        # It may hold a password: the value is never part of the message.
        text = text_of(value, f"{schemes[0]}://HOST")
        scheme, found, rest = text.partition("://")
        if not found or scheme not in schemes:
            raise Wrong(f"not a URL of {listed}", f"begin it with {listed}")
        servers = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2].split(",")
        if any(char.isspace() for char in text) or not all(map(_reachable, servers)):
            raise Wrong(
                "a URL without a right host and port", f"write {schemes[0]}://HOST[:PORT]/…"
            )
        return text

    return Reader(f"URL, {listed}", read)
