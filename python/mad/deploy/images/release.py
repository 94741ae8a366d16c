"""A release whose programs are in images: nothing of it is brought to hosts by us."""

from __future__ import annotations

from dataclasses import dataclass

from mad._version import __version__
from mad.deploy.release.build import Release
from mad.deploy.release.manifest import Manifest, ReleaseFile, check_version
from mad.deploy.stack.settings import Role


@dataclass(frozen=True, slots=True)
class Contained(Manifest):
    """Without files."""

    def of(self, role: Role) -> tuple[ReleaseFile, ...]:
        del role
        return ()


def contained(version: str | None, arch: str = "x86_64") -> Release:
    """None: that of the installed package. Raises ReleaseError."""
    name = version or own_tag()
    check_version(name)
    return Release(Contained(name, arch, ()), {})


def own_tag() -> str:
    """The version of the installed package, as a tag may be written."""
    return __version__.replace("+", "-")
