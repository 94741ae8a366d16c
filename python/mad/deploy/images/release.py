"""A release whose programs are in images: nothing of it is brought to hosts by us."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

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


class Images:
    """Gives that of one version for each architecture, as `Releases` does."""

    def __init__(self, version: str | None) -> None:
        self.version = version

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def guess(self) -> Release | None:
        return contained(self.version)

    def of(self, arch: str, there: Manifest | None = None) -> Release:
        del there
        return contained(self.version, arch)


def contained(version: str | None, arch: str = "x86_64") -> Release:
    """None: that of the installed package. Raises ReleaseError."""
    name = version or own_tag()
    check_version(name)
    return Release(Contained(name, arch, ()), {})


def own_tag() -> str:
    """The version of the installed package, as a tag may be written."""
    return __version__.replace("+", "-")
