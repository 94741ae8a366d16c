"""What no single value of a stack file shows: keys that belong together, and files that must be
there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

WRONG: Final = object()
"""Stands where a value was given and a mistake told: nothing more is said of it."""

_REDIS_OSS = ("5.0.6", "6.0", "6.2", "7.0", "7.1")


@dataclass(slots=True)
class Found:
    """What was read so far; `given[""]` are the keys above all tables."""

    given: dict[str, dict[str, Any]]
    mistake: Callable[[tuple[str | int, ...], str, str], None]

    def value(self, table: str, word: str, default: Any = None) -> Any:
        """None also where it was wrong."""
        value = self.given.get(table, {}).get(word, default)
        return None if value is WRONG else value

    def is_given(self, table: str, word: str) -> bool:
        return word in self.given.get(table, {})


def check(found: Found) -> None:
    for part in (_top, _hosts, _redis, _tls, _access, _update, _containers):
        part(found)


def _top(found: Found) -> None:
    if not found.is_given("", "name"):
        found.mistake(("name",), "missing", 'write name = "…" at the top: 2 to 24 of a-z, 0-9, -')
    if not found.is_given("", "region") and "hosts" not in found.given:
        found.mistake(("region",), "missing", 'write region = "eu-west-2" at the top, or --region')


_AWS_ONLY: Final = {
    "network": ("vpc", "profile", "ssh_from", "private"),
    "ssh": ("public_key",),
    **dict.fromkeys(("api", "api_lb", "client"), ("count", "type", "image", "disk_gib")),
    "web": ("count", "type", "image", "disk_gib", "lb"),
    "redis": ("engine", "version", "nodes", "type", "tls"),
    "limits": ("monthly_usd",),
    "lock": ("bucket",),
}


def _hosts(found: Found) -> None:
    """With machines that exist nothing is made, so what says how to make it would be ignored."""
    if "hosts" not in found.given:
        return
    for table, words in _AWS_ONLY.items():
        for word in words:
            if found.is_given(table, word):
                found.mistake(
                    (table, word),
                    "of no use with [hosts], which names machines that exist",
                    "remove it, or remove [hosts]",
                )
    for role in ("api", "api_lb"):
        value = found.given["hosts"].get(role, ())
        if value is not WRONG and not value:
            found.mistake(("hosts", role), "no machine", f'write {role} = ["ADDRESS"]')


def _redis(found: Found) -> None:
    if found.is_given("redis", "url"):
        for word in ("engine", "version", "nodes", "type", "tls"):
            if found.is_given("redis", word) and "hosts" not in found.given:
                found.mistake(
                    ("redis", word),
                    "of no use with url, which names a Redis that exists",
                    f"remove {word}, or remove url",
                )
        return
    engine = found.value("redis", "engine", "valkey")
    version = found.value("redis", "version")
    if version is None or engine is None:
        return
    if engine == "redis" and version not in _REDIS_OSS:
        found.mistake(
            ("redis", "version"),
            f"there is no redis {version} at AWS with passwords and copies",
            f'write one of {", ".join(_REDIS_OSS)}, or engine = "valkey" for what came after 7.1',
        )
    numbers = tuple(map(int, version.split(".")))
    if engine == "valkey" and not (7, 2) <= numbers < (100,):
        found.mistake(
            ("redis", "version"),
            f"there is no valkey {version}",
            'write "7.2" or higher such as "8.0", or engine = "redis"',
        )


_CERT = "-----BEGIN CERTIFICATE-----"


def _tls(found: Found) -> None:
    if "tls" not in found.given:
        return
    for word, other in (("cert", "key"), ("key", "cert")):
        if not found.is_given("tls", word):
            found.mistake(
                ("tls", word),
                f"missing beside {other}" if found.is_given("tls", other) else "missing",
                "write both cert and key, or remove [tls]",
            )
    cert = _contents(found, ("tls", "cert"))
    key = _contents(found, ("tls", "key"))
    if cert is not None and _CERT not in cert:
        swapped = "PRIVATE KEY-----" in cert
        found.mistake(
            ("tls", "cert"),
            "this is the private key" if swapped else "no certificate in PEM is in the file",
            "exchange cert and key"
            if swapped
            else f"it must hold {_CERT} and, after it, its chain",
        )
    if key is not None and ("ENCRYPTED" in key or "PRIVATE KEY-----" not in key):
        locked = "ENCRYPTED" in key
        found.mistake(
            ("tls", "key"),
            "the key needs a passphrase" if locked else "no private key in PEM is in the file",
            "take it off: openssl pkey -in KEY -out PLAIN"
            if locked
            else "it must hold -----BEGIN PRIVATE KEY-----",
        )
    if found.value("web", "lb") == "alb":
        found.mistake(
            ("web", "lb"),
            "an ALB cannot take the certificate of [tls]: it ends TLS itself",
            'write lb = "classic", which hands TLS on to the web machines, or remove [tls]',
        )


def _access(found: Found) -> None:
    _contents(found, ("access", "tokens"))


def _contents(found: Found, key: tuple[str, str]) -> str | None:
    """Of the file that `key` names; None after a mistake, or when none is named."""
    path = found.value(*key)
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            return str(file.read(1 << 20).decode("utf-8", "replace"))
    except FileNotFoundError:
        problem = f"there is no file {path}"
    except IsADirectoryError:
        problem = f"{path} is a folder"
    except OSError as error:
        problem = f"{path} cannot be read: {re.sub(' *$', '', error.strerror or str(error))}"
    found.mistake(key, problem, "name a file that you may read; relative ones count from this file")
    return None


def _update(found: Found) -> None:
    least = found.value("update", "min_healthy_time", 10.0)
    most = found.value("update", "healthy_deadline", 120.0)
    if least is not None and most is not None and least >= most:
        key = (
            "healthy_deadline"
            if found.is_given("update", "healthy_deadline")
            else "min_healthy_time"
        )
        found.mistake(
            ("update", key),
            "a host would have to be healthy for longer than it is given to become so",
            f"write a healthy_deadline above min_healthy_time ({least:g}s)",
        )


def _containers(found: Found) -> None:
    for word, other in (("username", "password_file"), ("password_file", "username")):
        if found.is_given("containers", other) and not found.is_given("containers", word):
            found.mistake(
                ("containers", other),
                f"of no use without {word}",
                "write both, or sign in by `docker login` and remove it",
            )
    _contents(found, ("containers", "password_file"))
