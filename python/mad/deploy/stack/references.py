"""Names of images as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

HUB = "docker.io"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
PREFIX = rf"(?:{_HOST})(?:/{_PART})*"
"""Of a registry, with or without a folder in it: `registry.example.org/team`."""
REFERENCE = rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::{_TAG})?(?:@sha256:[0-9a-f]{{64}})?"


@dataclass(frozen=True, slots=True)
class Reference:
    """`registry.example.org/team/mad-api:1.2.0`"""

    name: str
    """With the registry, without the tag."""
    tag: str | None = None
    digest: str | None = None
    """`sha256:…`"""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}{f'@{self.digest}' if self.digest else ''}"

    @property
    def registry(self) -> str:
        """The host that it is pulled from, as configurations of docker name it."""
        return registry_of(self.name)


def reference(text: str) -> Reference:
    """Raises ValueError for what is none."""
    if not re.fullmatch(REFERENCE, text):
        raise ValueError(f"{text!r} is no name of an image")
    rest, _, digest = text.partition("@")
    head, colon, tag = rest.rpartition(":")
    # A colon before a slash is that of a port.
    if not colon or "/" in tag:
        return Reference(rest, None, digest or None)
    return Reference(head, tag, digest or None)


def registry_of(name: str) -> str:
    first, slash, _ = name.partition("/")
    is_host = "." in first or ":" in first or first == "localhost"
    return first if slash and is_host else HUB


def is_tag(text: str) -> bool:
    return re.fullmatch(_TAG, text) is not None
