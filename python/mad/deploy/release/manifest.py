"""What a release consists of."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from mad.deploy.stack.settings import Role

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}")
_PATH = re.compile(r"[A-Za-z0-9@+][A-Za-z0-9@+._-]*(/[A-Za-z0-9@+][A-Za-z0-9@+._-]*){0,7}")

NEEDS: Mapping[Role, tuple[str, ...]] = {
    Role.API: ("bin/mad-api",),
    Role.API_LB: ("bin/mad-proxy",),
    Role.CLIENT: ("bin/mad-agent",),
    Role.WEB: ("bin/mad-web", "console/"),
}
"""Files, and folders, that a role needs of a release."""


class ReleaseError(Exception):
    """A release that cannot be made, found or used: a sentence, and what to do."""

    def __init__(self, sentence: str, remedy: str) -> None:
        super().__init__(sentence)
        self.remedy = remedy


@dataclass(frozen=True, slots=True, order=True)
class ReleaseFile:
    path: str
    sha256: str
    mode: int
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    version: str
    arch: str
    """`x86_64`, `aarch64`"""
    files: tuple[ReleaseFile, ...]

    @property
    def text(self) -> str:
        """The same for the same files, on every machine."""
        files = {
            file.path: {"mode": file.mode, "sha256": file.sha256, "size": file.size}
            for file in sorted(self.files)
        }
        told = {"arch": self.arch, "files": files, "name": "mad", "version": self.version}
        return json.dumps(told, indent=1, sort_keys=True) + "\n"

    @property
    def id(self) -> str:
        """The folder it has on hosts: the version, and the start of the manifest's digest."""
        return f"{self.version}-{hashlib.sha256(self.text.encode()).hexdigest()[:12]}"

    def of(self, role: Role) -> tuple[ReleaseFile, ...]:
        """Raises ReleaseError when it lacks what the role needs."""
        needs = NEEDS[role]
        found = tuple(
            file
            for file in sorted(self.files)
            if any(file.path == need or (need[-1] == "/" and file.path.startswith(need))
                   for need in needs)
        )  # fmt: skip
        for need in needs:
            if not any(file.path == need or file.path.startswith(need) for file in found):
                raise ReleaseError(
                    f"the release {self.version} for {self.arch} has no {need.rstrip('/')}",
                    "build it anew with all programs and the console",
                )
        return found


def parse(text: str, where: str) -> Manifest:
    """Raises ReleaseError for what is no manifest of ours."""
    try:
        told = json.loads(text)
        files = tuple(
            ReleaseFile(str(path), str(one["sha256"]), int(one["mode"]), int(one["size"]))
            for path, one in told["files"].items()
        )
        manifest = Manifest(str(told["version"]), str(told["arch"]), files)
        whole = told["name"] == "mad"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReleaseError(f"{where}: its manifest cannot be read ({error})", AGAIN) from error
    check_version(manifest.version)
    if not whole or any(not _PATH.fullmatch(file.path) for file in files):
        raise ReleaseError(f"{where}: its manifest is not one of mad", AGAIN)
    return manifest


def check_version(version: str) -> None:
    """It becomes part of names of files. Raises ReleaseError."""
    if not _VERSION.fullmatch(version):
        raise ReleaseError(
            f"{version!r} is no version", "write letters, digits, dots and hyphens, at most 64"
        )


AGAIN = "get the archive again, or build it anew"
