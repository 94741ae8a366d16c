"""Where a release comes from: the hosts themselves, `./dist`, the place that `[release] url` names,
or the installed package."""

from __future__ import annotations

import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self
from urllib.parse import quote, urlsplit

from mad._version import __version__
from mad.deploy.release import archive
from mad.deploy.release.build import Release, own
from mad.deploy.release.manifest import Manifest, ReleaseError, check_version

DIST = Path("dist")
PATIENCE_S = 30.0
"""For each piece of a download."""
MOST = 512 << 20
"""Bytes of an archive."""

Fetch = Callable[[str, str, Path], bool]
"""Copies an object of S3 (bucket, key) into a file; False: there is none."""


class Finder(Protocol):
    """What gives releases to a rollout."""

    version: str | None

    def guess(self) -> Release | None: ...

    def of(self, arch: str, there: Manifest | None = None) -> Release: ...


@dataclass(slots=True)
class Releases:
    """Finds the release of one version for each architecture, while in a `with` block. Every one is
    looked for once."""

    version: str | None = None
    """None: that of the installed package."""
    binaries: Sequence[Path] = ()
    """Folders with programs, one for each architecture; then nothing is looked for."""
    url: str | None = None
    """`[release] url`: https or s3."""
    dist: Path = DIST
    fetch: Fetch | None = None
    """The way to S3."""
    _found: dict[str, Release] = field(default_factory=dict)
    _folder: Path | None = None

    def __post_init__(self) -> None:
        if self.version is not None:
            check_version(self.version)

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="mad-release-"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def guess(self) -> Release | None:
        """The one that most hosts will get, where that is known before they were asked. Raises
        ReleaseError."""
        if self.binaries:
            return self._built(self.binaries[0])
        return self._own() if self.version is None else None

    def of(self, arch: str, there: Manifest | None = None) -> Release:
        """Raises ReleaseError that lists where it was looked for. `there`: the manifest of this
        version that all hosts have already: nothing is to be brought then."""
        if arch not in self._found:
            self._found[arch] = self._look(arch, there)
        return self._found[arch]

    def _look(self, arch: str, there: Manifest | None) -> Release:
        if self.binaries:
            return self._among_binaries(arch)
        if self.version is None:
            release = self._own()
            if release.manifest.arch == arch:
                return release
            raise ReleaseError(
                f"the installed programs are for {release.manifest.arch}, and not for {arch}",
                f"give --binaries DIR with the programs for {arch}",
            )
        if there is not None:
            return Release(there, {})
        name = archive.name(self.version, arch)
        looked = ["the hosts"]
        for place, get in (
            (str(self.dist), self._in_dist),
            (self.url and _shown(self.url), self._at_url),
        ):
            if not place:
                continue
            file = get(name)
            if file is not None:
                return self._unpacked(file, arch)
            looked.append(place)
        if self.version == __version__:
            release = self._own()
            if release.manifest.arch == arch:
                return release
        raise ReleaseError(
            f"there is no release {self.version} for {arch}: not on {', not in '.join(looked)}"
            + self._others(),
            f"make {name} with `mad deploy pack --version {self.version}`, or name a place under "
            "[release] url",
        )

    def _among_binaries(self, arch: str) -> Release:
        seen = []
        for folder in self.binaries:
            release = self._built(folder)
            if release.manifest.arch == arch:
                return release
            seen.append(release.manifest.arch)
        raise ReleaseError(
            f"--binaries has programs for {', '.join(seen)}, and not for {arch}",
            f"give --binaries once more, with a folder of programs for {arch}",
        )

    def _built(self, folder: Path) -> Release:
        return own(self.version, folder)

    def _own(self) -> Release:
        return own()

    def _in_dist(self, name: str) -> Path | None:
        file = self.dist / name
        return file if file.is_file() else None

    def _at_url(self, name: str) -> Path | None:
        assert self.url is not None
        assert self._folder is not None, "not in a `with` block"
        file = self._folder / name
        parts = urlsplit(self.url)
        if parts.scheme == "s3":
            if self.fetch is None:
                raise ReleaseError(
                    f"{self.url} is at S3, and this stack is not at AWS", "name an https place"
                )
            key = "/".join(part for part in (parts.path.strip("/"), name) if part)
            return file if self.fetch(parts.netloc, key, file) else None
        return file if _download(f"{self.url.rstrip('/')}/{quote(name)}", file) else None

    def _unpacked(self, file: Path, arch: str) -> Release:
        assert self._folder is not None, "not in a `with` block"
        release = archive.read(file, self._folder / f"{self.version}-{arch}")
        if (release.version, release.manifest.arch) != (self.version, arch):
            raise ReleaseError(
                f"{file} holds the release {release.version} for {release.manifest.arch}",
                "give the archive the name of what it holds, or make it anew",
            )
        return release

    def _others(self) -> str:
        """What `dist` has instead."""
        if not self.dist.is_dir():
            return ""
        names = sorted(one.name for one in self.dist.glob("mad-*.tar.zst"))
        return f" (there are {', '.join(names[-5:])})" if names else ""


def from_s3(call: Callable[..., Any], missing: Callable[[Exception], bool]) -> Fetch:
    """`call`: of `Aws`. `missing`: whether an error says that there is no such object."""

    def fetch(bucket: str, key: str, file: Path) -> bool:
        try:
            answer = call("s3", "get_object", Bucket=bucket, Key=key)
        except Exception as error:
            if missing(error):
                return False
            raise
        with answer["Body"] as body:
            _copied(body, file, f"s3://{bucket}/{key}")
        return True

    return fetch


def _download(url: str, file: Path) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            if urlsplit(answer.geturl()).scheme != "https":
                raise ReleaseError(f"{url} leads away from https", "name where it leads to")
            _copied(answer, file, url)
    except urllib.error.HTTPError as error:
        with error:
            if error.code in (403, 404, 410):
                return False
            raise ReleaseError(f"{url} answers {error.code}", "look at that server") from error
    except OSError as error:
        why = getattr(error, "reason", None) or error
        raise ReleaseError(f"{url} cannot be fetched: {why}", "check [release] url") from error
    return True


def _copied(source: IO[bytes] | Any, file: Path, name: str) -> None:
    left = MOST
    with file.open("wb") as target:
        while piece := source.read(1 << 18):
            left -= len(piece)
            if left < 0:
                raise ReleaseError(f"{name} is larger than {MOST >> 20} MiB", "it is no release")
            target.write(piece)


def _shown(url: str) -> str:
    """Without what may be a password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def agreed(manifests: Sequence[Mapping[str, str]], arch: str, version: str) -> Manifest | None:
    """The manifest of a version for an architecture that all of these hosts have, the newest one
    where there are several. Each is a host's releases: id to text of the manifest."""
    from mad.deploy.release.manifest import parse

    if not manifests:
        return None
    shared = set(manifests[0]).intersection(*map(set, manifests[1:]))
    for id in sorted(shared):
        manifest = parse(manifests[0][id], id)
        if (manifest.version, manifest.arch) == (version, arch) and manifest.id == id:
            return manifest
    return None
